/* Samples; see store_samples.h. */
#include "tests/bench/store_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

usec_t samples_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_SECOND + ts.tv_nsec / 1000;
}

void samples_add(struct samples *s, usec_t since)
{
	usec_t took = samples_clock() - since;

	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->usec = xrealloc(s->usec, s->room * sizeof(*s->usec));
	}
	s->usec[s->n++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double at(const struct samples *s, size_t percent)
{
	size_t i = s->n * percent / 100;

	return s->n ? s->usec[i < s->n ? i : s->n - 1] / 1e3 : 0;
}

void samples_print(const char *name, struct samples *s)
{
	if (s->n)
		qsort(s->usec, s->n, sizeof(*s->usec), by_size);
	printf("\"%s\": {\"n\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, s->n,
	       at(s, 50), at(s, 99), at(s, 100));
	free(s->usec);
	*s = (struct samples){ 0 };
}
