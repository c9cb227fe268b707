/* What struct patterns is made of: for patterns*.c only. */
#ifndef MAILAUDIT_CORE_PATTERNS_STATE_H
#define MAILAUDIT_CORE_PATTERNS_STATE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/regex.h"
#include "core/patterns.h"

enum pattern_test {
	TEST_NONE,
	TEST_RANDOM_NAME,
	TEST_EVAL,
	TEST_NO_FILE,
	TEST_OWN_URL,
	TEST_OWN_NAME
};

/* In which part of a mail() call a probe's expressions are looked for. */
enum pattern_part { PART_ANY, PART_SUBJECT, PART_HEADERS, PART_TO };

struct regex_list {
	struct regex **at;
	size_t n;
};

struct code_list {
	struct str *at;
	size_t n;
};

/* The parts of a row that only the matching needs. */
struct pattern_rule {
	struct code_list code;
	struct regex_list match, unless;
	enum pattern_test test;
	enum pattern_part part;
	bool public_only;
};

/* How likely a letter follows another in words: log2 of the probability. Index 0
 * is the word's edge, 1 to 26 are letters. */
#define BIGRAM_LETTERS 27
struct bigrams {
	float likely[BIGRAM_LETTERS][BIGRAM_LETTERS];
};

struct patterns {
	struct arena arena;
	struct pattern *list[PATTERN_SETS];
	size_t n[PATTERN_SETS];
	struct map providers; /* end of a host name -> const char * */
	struct map freemail; /* domain, or "yahoo.*" -> anything */
	struct bigrams bigrams;
};

/* Made by core/embed.sh. */
extern const struct pattern_text patterns_builtin_texts[];
extern const size_t patterns_builtin_count;

/* Does a row's match (or its having none), and not its unless, fit the text? */
bool pattern_fits(const struct pattern *row, const struct regex_text *text);
/* Appends a sign. The weight is the caller's to add up. */
void signs_add(struct signs *s, const struct pattern *row);

/* Counts pairs of letters in the words, n of them. */
void bigrams_learn(struct bigrams *b, const char *const *words, size_t n);

#endif
