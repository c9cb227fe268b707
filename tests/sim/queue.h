/* The mail server: takes planned messages in the order of time, delivers, tries again, bounces,
 * and has all of it logged. */
#ifndef MAILAUDIT_TESTS_SIM_QUEUE_H
#define MAILAUDIT_TESTS_SIM_QUEUE_H

#include "tests/sim/writer.h"

#include <stdio.h>

/* `events` may be NULL; see events.h. */
void queue_init(const struct mta *mta, FILE *events);
/* All that happens before the day's end. Plans behind it are kept for later days. */
void queue_day(int day);

struct queue_counts {
	uint64_t messages, recipients, notices, inbound;
};
extern struct queue_counts queue_counts;

#endif
