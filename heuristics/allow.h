/* What the administrator allows, as the heuristics ask for it. */
#ifndef MAILAUDIT_HEURISTICS_ALLOW_H
#define MAILAUDIT_HEURISTICS_ALLOW_H

#include "core/observation.h"

struct allowed {
	bool newsletter; /* may write to many it never wrote to */
	int64_t per_hour, per_day; /* recipients that are usual; 0: not said */
	bool muted; /* nothing is found */
};

/* All rows of `allow` that fit the stream and the message, taken together. */
struct allowed allow_of(const struct observation *o);

#endif
