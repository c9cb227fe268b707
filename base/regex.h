/* Regular expressions over hostile bytes: PCRE2, with a bound on what one match
 * may cost. This is the only user of <pcre2.h>.
 *
 * Bytes are bytes: no UTF, no locale; NUL and invalid UTF-8 are like any other.
 * "." matches every byte and "$" only the end. */
#ifndef MAILAUDIT_BASE_REGEX_H
#define MAILAUDIT_BASE_REGEX_H

#include "base/error.h"
#include "base/str.h"

/* Longest pattern, in bytes. */
#define REGEX_MAX_PATTERN 2000
/* Steps (PCRE2's match limit), depth and KiB of heap that one match may take:
 * some milliseconds at most. */
#define REGEX_MAX_STEPS 100000
#define REGEX_MAX_DEPTH 1000
#define REGEX_MAX_HEAP 1024

struct regex;

/* NULL: the error says what PCRE2 says and at which byte of the pattern; its
 * code is EXIT_CONFIG. With `caseless`, ASCII case is folded. */
struct regex *regex_new(struct str pattern, bool caseless, struct error *err);
void regex_free(struct regex *re); /* NULL is fine */

/* Does it match anywhere in text? A match that would go over a limit is none,
 * and is counted. *found, if not NULL, is the part of text that matched. */
bool regex_match(const struct regex *re, struct str text, struct str *found);
/* A text that many expressions are tried on. */
#define REGEX_SEEN_BITS 13
struct regex_text {
	struct str text; /* a view */
	uint64_t seen[(1 << REGEX_SEEN_BITS) / 64]; /* which three bytes in a row it has, hashed */
};
void regex_prepare(struct str text, struct regex_text *out);
/* regex_match() for such a text. Most expressions that do not match are found out by
 * a look at the words they need. */
bool regex_try(const struct regex *re, const struct regex_text *text);
/* Matches of this process that went over a limit. */
uint64_t regex_limits_hit(void);

#endif
