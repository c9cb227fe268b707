/* The list of heuristics, made from heuristics.def. Holds no logic. */
#include "heuristics/heuristics.h"

const struct heuristic *const all_heuristics[] = {
#define HEURISTIC(name) &heuristic_##name,
#include "heuristics/heuristics.def"
#undef HEURISTIC
	NULL
};
