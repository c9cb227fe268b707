/* Handing over what is in the outbox: when, how often, and what is too much. */
#ifndef MAILAUDIT_NOTIFY_DELIVER_H
#define MAILAUDIT_NOTIFY_DELIVER_H

#include "core/settings.h"
#include "schema/decide.h"
#include "schema/outbox.h"
#include "schema/report.h"

struct deliveries {
	struct decide *decide;
	struct report *report;
	const struct settings *settings;
	usec_t now; /* the clock */
};

/* Tries the one that is due, and stores what came of it. 1: one was tried, or put off;
 * 0: none is due; -1: the database does not work. */
int deliver_next(const struct deliveries *d, struct error *err);
/* Puts the daily summary into the outbox when its hour has come, or at once. */
int deliver_summary(const struct deliveries *d, bool at_once, struct error *err);

#endif
