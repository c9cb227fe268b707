/* Numbers for monitoring: what costs about the same however large the database is. */
#ifndef MAILAUDIT_SCHEMA_REPORT_METRICS_H
#define MAILAUDIT_SCHEMA_REPORT_METRICS_H

#include "schema/report.h"

struct report_numbers {
	/* Of all time: they only grow, whatever is deleted. Messages are those that logs told
	 * of, mail for this host's domains among them. */
	int64_t messages_seen, php_seen, findings_raised;
	usec_t oldest_waiting; /* when the row of the outbox was made; 0: none waits */
	int64_t mutes; /* that go on at `now` */
};

int report_numbers(struct report *r, usec_t now, struct report_numbers *out, struct error *err);

enum tally_what {
	TALLY_FINDINGS_OPEN, /* a: enum finding_case, b: enum severity */
	TALLY_FINDINGS_SINCE, /* the same, raised since */
	TALLY_ALERTS, /* a: enum alert_state, b: enum severity */
	TALLY_OUTBOX, /* name: channel, a: enum outbox_state */
	TALLY_ACTIONS, /* a: enum action_state */
	TALLY_WHATS
};

struct report_tally {
	struct str name; /* "" unless it says so */
	int64_t a, b, rows;
};

typedef bool report_tally_fn(void *context, const struct report_tally *row);

/* What has no rows is not told. since: for TALLY_FINDINGS_SINCE. */
int report_tallies(struct report *r, enum tally_what what, usec_t since, report_tally_fn *fn,
		   void *context, struct error *err);

#endif
