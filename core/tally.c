/* Rolling counts in rings of steps.
 *
 * Invariant: a step that is older than its ring holds nothing. An hour is the
 * twelve whole steps before the current one and that one: at most five minutes
 * more than an hour, never less. */
#include "core/tally.h"

#define FINE_USEC (5 * USEC_MINUTE)

/* Empties what lies between the newest step and now. */
static void roll(uint32_t *rings, int64_t steps, int64_t *at, int64_t now)
{
	if (now <= *at)
		return;
	for (int64_t step = now - *at < steps ? *at + 1 : now - steps + 1; step <= now; step++)
		for (int w = 0; w < TALLY_WHATS; w++)
			rings[w * steps + step % steps] = 0;
	*at = now;
}

static void tally_roll(struct tally *t, usec_t now)
{
	roll(t->fine[0], TALLY_FINE, &t->fine_at, now / FINE_USEC);
	roll(t->coarse[0], TALLY_COARSE, &t->coarse_at, now / USEC_HOUR);
}

void tally_add(struct tally *t, usec_t now, enum tally_what what, uint32_t n)
{
	tally_roll(t, now);
	t->fine[what][t->fine_at % TALLY_FINE] += n;
	t->coarse[what][t->coarse_at % TALLY_COARSE] += n;
}

int64_t tally_hour(struct tally *t, usec_t now, enum tally_what what)
{
	int64_t sum = 0;

	tally_roll(t, now);
	for (int i = 0; i < TALLY_FINE; i++)
		sum += t->fine[what][i];
	return sum;
}

int64_t tally_day(struct tally *t, usec_t now, enum tally_what what)
{
	int64_t sum = 0;

	tally_roll(t, now);
	for (int i = 0; i < TALLY_COARSE; i++)
		sum += t->coarse[what][i];
	return sum;
}
