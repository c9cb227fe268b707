/* A bar on standard error, when that is a terminal: share, lines, lines a second, time left,
 * as far as it is wide enough. */
#ifndef MAILAUDIT_CLI_PROGRESS_H
#define MAILAUDIT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stamp.h"

struct progress {
	bool wanted; /* standard error is a terminal */
	size_t drawn; /* columns */
	bool begun;
	double share, first_share; /* first: when it was drawn first */
	usec_t started, next; /* next: when it may be drawn again; monotonic */
};

void progress_init(struct progress *p, bool quiet);
/* Redraws a few times a second. The share is 0 to 1, or below 0: not known. */
void progress_draw(struct progress *p, double share, int64_t lines);
/* Wipes it off. */
void progress_end(struct progress *p);
/* Microseconds of a clock that nobody sets. */
usec_t progress_clock(void);

#endif
