/* The list of dialects, made from parsers.def. Holds no logic. */
#include "parsers/parsers.h"

const struct parser *const all_parsers[] = {
#define PARSER(name) &parser_##name,
#include "parsers/parsers.def"
#undef PARSER
	NULL
};
