/* The dialects there are, from parsers.def, and the envelope they share. */
#ifndef MAILAUDIT_PARSERS_PARSERS_H
#define MAILAUDIT_PARSERS_PARSERS_H

#include "core/parser.h"

/* In order of asking; NULL-terminated. */
extern const struct parser *const all_parsers[];

#endif
