/* Does a file's name look made up by a generator?
 *
 * Words are told from random letters by how likely each letter follows the one
 * before it (a bigram model). The probabilities are counted, with one added to
 * each pair, in the words of etc/patterns.d/paths.yaml: English, PHP and CMS words
 * that real sites name files with, some of other languages.
 *
 * Invariant: the answer depends on the last part of the path, and on the words. */
#include <ctype.h>
#include <math.h>

#include "core/patterns_state.h"

/* Shorter rows of letters are too little to tell by. */
#define LEAST_LETTERS 8
#define LEAST_DIGITS 8
/* Mean log2 of the probability of a letter under which a name is random. Of random
 * rows of nine letters 93 in 100 are under it (mean -5.9), of the names with as
 * many letters in WordPress, Roundcube and phpMyAdmin 1 in 100 (mean -3.8). */
#define RANDOM_BELOW (-5.0)

static int letter_index(char c)
{
	return isalpha((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 1 : 0;
}

void bigrams_learn(struct bigrams *b, const char *const *words, size_t n)
{
	for (int from = 0; from < BIGRAM_LETTERS; from++)
		for (int to = 0; to < BIGRAM_LETTERS; to++)
			b->likely[from][to] = 1;
	for (size_t i = 0; i < n; i++) {
		int last = 0;

		for (const char *c = words[i]; *c; c++) {
			int now = letter_index(*c);

			b->likely[last][now]++;
			last = now;
		}
		b->likely[last][0]++;
	}
	for (int from = 0; from < BIGRAM_LETTERS; from++) {
		float all = 0;

		for (int to = 0; to < BIGRAM_LETTERS; to++)
			all += b->likely[from][to];
		for (int to = 0; to < BIGRAM_LETTERS; to++)
			b->likely[from][to] = log2f(b->likely[from][to] / all);
	}
}

static double mean_likely(const struct bigrams *b, struct str letters)
{
	double sum = 0;
	int last = letter_index(letters.p[0]);

	for (size_t i = 1; i < letters.n; i++) {
		int now = letter_index(letters.p[i]);

		sum += (double)b->likely[last][now];
		last = now;
	}
	return sum / (double)(letters.n - 1);
}

/* The last part of the path without its endings. */
static struct str stem(struct str path)
{
	size_t slash;

	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	slash = str_rchr(path, '/');
	if (slash < path.n)
		path = str_skip(path, slash + 1);
	str_eat(&path, STR("."));
	return str_head(path, str_chr(path, '.'));
}

static bool is_hexadecimal(struct str s)
{
	bool digit = false, letter = false;

	for (size_t i = 0; i < s.n; i++) {
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
		digit |= isdigit((unsigned char)s.p[i]) != 0;
		letter |= isalpha((unsigned char)s.p[i]) != 0;
	}
	return s.n >= LEAST_DIGITS && digit && letter;
}

bool patterns_random_name(const struct patterns *p, struct str path)
{
	struct str name = stem(path);
	size_t from, to;

	if (is_hexadecimal(name))
		return true;
	for (from = 0; from < name.n; from = to + 1) {
		for (to = from; to < name.n && isalpha((unsigned char)name.p[to]); to++)
			;
		if (to - from >= LEAST_LETTERS &&
		    mean_likely(&p->bigrams, str_head(str_skip(name, from), to - from)) <
			    RANDOM_BELOW)
			return true;
	}
	return false;
}
