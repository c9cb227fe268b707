/* Rolling counts against a list of all events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/tally.h"

#define FINE (5 * USEC_MINUTE)
#define START (1795435200 * USEC_SECOND + 7)
#define EVENTS 3000

struct event_at {
	usec_t time;
	enum tally_what what;
	uint32_t n;
};

/* Of the whole steps that begin at most `span` before the one now is in. */
static int64_t count(const struct event_at *events, size_t n, usec_t now, enum tally_what what,
		     usec_t step, usec_t span)
{
	usec_t from = now / step * step - span;
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (events[i].what == what && events[i].time >= from)
			sum += events[i].n;
	return sum;
}

static void compare(struct tally *t, const struct event_at *events, size_t n, usec_t now)
{
	for (enum tally_what what = 0; what < TALLY_WHATS; what++) {
		assert_int_equal(tally_hour(t, now, what),
				 count(events, n, now, what, FINE, USEC_HOUR));
		assert_int_equal(tally_day(t, now, what),
				 count(events, n, now, what, USEC_HOUR, USEC_DAY));
	}
}

static void test_against_all_events(void **state)
{
	static const usec_t gaps[] = { 0, USEC_SECOND, USEC_MINUTE, 20 * USEC_MINUTE, 5 * USEC_HOUR,
				       3 * USEC_DAY };
	static struct event_at events[EVENTS];
	struct tally t = { 0 };
	usec_t now = START;

	(void)state;
	srand(5);
	for (size_t i = 0; i < EVENTS; i++) {
		/* Long gaps are seldom. */
		usec_t gap = gaps[rand() % (rand() % 20 ? 4 : 6)];

		now += gap ? (usec_t)rand() % gap : 0;
		events[i] = (struct event_at){ now, (enum tally_what)(rand() % TALLY_WHATS),
					       1 + (uint32_t)rand() % 3 };
		tally_add(&t, now, events[i].what, events[i].n);
		compare(&t, events, i + 1, now);
	}
}

static void test_never_less_than_an_hour(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_add(&t, START, TALLY_MESSAGES, 5);
	assert_int_equal(tally_hour(&t, START + USEC_HOUR - 1, TALLY_MESSAGES), 5);
	assert_int_equal(tally_hour(&t, START + USEC_HOUR + FINE, TALLY_MESSAGES), 0);
	assert_int_equal(tally_day(&t, START + USEC_DAY - 1, TALLY_MESSAGES), 5);
	assert_int_equal(tally_day(&t, START + USEC_DAY + USEC_HOUR, TALLY_MESSAGES), 0);
	assert_int_equal(tally_day(&t, START + 400 * USEC_DAY, TALLY_MESSAGES), 0);
}

/* A late line counts as of now: the newest step never moves back. */
static void test_time_does_not_go_back(void **state)
{
	struct tally t = { 0 };

	(void)state;
	tally_add(&t, START, TALLY_MESSAGES, 1);
	tally_add(&t, START - 2 * USEC_HOUR, TALLY_MESSAGES, 1);
	assert_int_equal(tally_hour(&t, START, TALLY_MESSAGES), 2);
	assert_int_equal(tally_hour(&t, START - USEC_DAY, TALLY_MESSAGES), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_all_events),
		cmocka_unit_test(test_never_less_than_an_hour),
		cmocka_unit_test(test_time_does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
