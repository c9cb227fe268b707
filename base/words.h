/* How far apart two words are, for "did you mean". */
#ifndef MAILAUDIT_BASE_WORDS_H
#define MAILAUDIT_BASE_WORDS_H

#include "base/str.h"

/* Longer words are never taken for a misspelt one. */
#define WORDS_MAX 32

/* Letters to insert, drop or change to make one word of the other
 * (Levenshtein); WORDS_MAX if one of them is longer than that. */
size_t words_distance(struct str a, struct str b);

#endif
