/* What a text must have in it for an expression to match: a cheap look before a dear
 * one, where many expressions are tried on one text. For base/regex.c only. */
#ifndef MAILAUDIT_BASE_REGEX_NEED_H
#define MAILAUDIT_BASE_REGEX_NEED_H

#include "base/regex.h"

/* More words than these, or deeper nesting, are not followed: nothing is needed. */
#define NEED_MAX_WORDS 48
#define NEED_MAX_DEPTH 8
/* Shorter words tell too little; of more or longer ones the beginning is enough. */
#define NEED_LEAST_BYTES 3
#define NEED_MAX_BYTES 29

/* Words that come together, a NUL between them. */
struct need_words {
	uint16_t first; /* place of the first three bytes: most texts lack them */
	unsigned char n;
	char p[NEED_MAX_BYTES];
};

/* One of these is in each text that matches, in any case; none: not known. */
struct need {
	size_t n;
	struct need_words of[NEED_MAX_WORDS];
};

/* What is not understood of the pattern needs nothing: the answer errs to that side. */
void need_read(struct str pattern, struct need *out);
/* Can the text have what is needed? False is sure. */
bool need_met(const struct need *need, const struct regex_text *text);

#endif
