/* Messages and recipients of the last hour and the last day, rolling: in steps
 * of five minutes and of one hour. For plain limits. */
#ifndef MAILAUDIT_CORE_TALLY_H
#define MAILAUDIT_CORE_TALLY_H

#include "base/arena.h"
#include "base/stamp.h"

enum tally_what { TALLY_MESSAGES, TALLY_RECIPIENTS, TALLY_WHATS };
#define TALLY_FINE 13 /* of five minutes: an hour and the step it began in */
#define TALLY_COARSE 25 /* of an hour: a day and the hour it began in */

struct tally {
	int64_t fine_at, coarse_at; /* number of the newest step */
	uint32_t fine[TALLY_WHATS][TALLY_FINE], coarse[TALLY_WHATS][TALLY_COARSE];
};

void tally_add(struct tally *t, usec_t now, enum tally_what what, uint32_t n);
/* Of the last hour, of the last day. */
int64_t tally_hour(struct tally *t, usec_t now, enum tally_what what);
int64_t tally_day(struct tally *t, usec_t now, enum tally_what what);

#endif
