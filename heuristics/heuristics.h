/* The heuristics there are, from heuristics.def. */
#ifndef MAILAUDIT_HEURISTICS_HEURISTICS_H
#define MAILAUDIT_HEURISTICS_HEURISTICS_H

#include "core/heuristic.h"

#define HEURISTIC(name) extern const struct heuristic heuristic_##name;
#include "heuristics/heuristics.def"
#undef HEURISTIC

/* In order of asking; NULL-terminated. */
extern const struct heuristic *const all_heuristics[];

#endif
