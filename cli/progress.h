/* A bar on standard error, when that is a terminal. */
#ifndef MAILAUDIT_CLI_PROGRESS_H
#define MAILAUDIT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/stamp.h"

struct progress {
	bool wanted; /* standard error is a terminal */
	bool drawn;
	usec_t next; /* when it may be drawn again; monotonic */
};

void progress_init(struct progress *p);
/* Redraws a few times a second; total 0: not known. */
void progress_draw(struct progress *p, int64_t done, int64_t total, int64_t lines);
/* Wipes it off. */
void progress_end(struct progress *p);
/* Microseconds of a clock that nobody sets. */
usec_t progress_clock(void);

#endif
