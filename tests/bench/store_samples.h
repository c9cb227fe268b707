/* Times that were measured, and what is told of them. */
#ifndef MAILAUDIT_TESTS_BENCH_STORE_SAMPLES_H
#define MAILAUDIT_TESTS_BENCH_STORE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/stamp.h"

struct samples {
	uint32_t *usec;
	size_t n, room;
};

usec_t samples_clock(void);
void samples_add(struct samples *s, usec_t since);
/* "NAME": {"n": ..., "p50": ..., "p99": ..., "max": ...}, in milliseconds. Forgets them. */
void samples_print(const char *name, struct samples *s);

#endif
