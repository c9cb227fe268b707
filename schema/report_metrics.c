/* Numbers for monitoring.
 *
 * Invariant: no query reads messages, recipients or calls of mail(), nor the texts of
 * findings; alerts, the outbox and actions are few, since each needs a finding. */
#include "schema/report_metrics.h"

#include "base/stamp.h"
#include "schema/report_state.h"

static const char numbers[] =
	"SELECT (SELECT value FROM meta WHERE name = 'next_message'),"
	" (SELECT value FROM meta WHERE name = 'next_php'),"
	" (SELECT value FROM meta WHERE name = 'next_finding'),"
	" (SELECT min(created) FROM outbox WHERE state = 0),"
	" (SELECT count(*) FROM mute WHERE until > ?1)";

/* Given out so far, when this is the next one. */
static int64_t given(int64_t next)
{
	return next > 0 ? next - 1 : 0;
}

int report_numbers(struct report *r, usec_t now, struct report_numbers *out, struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, numbers, err);
	int rc;

	*out = (struct report_numbers){ 0 };
	if (!st)
		return -1;
	sql_bind_int(st, 1, now);
	rc = sql_step(st, err);
	if (rc == 1) {
		out->messages_seen = given(sql_int(st, 0));
		out->php_seen = given(sql_int(st, 1));
		out->findings_raised = given(sql_int(st, 2));
		out->oldest_waiting = sql_int(st, 3);
		out->mutes = sql_int(st, 4);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

static const char *const tallies[TALLY_WHATS] = {
	[TALLY_FINDINGS_OPEN] =
		"SELECT '', verdict, severity, count(*) FROM finding INDEXED BY finding_open"
		" WHERE closed IS NULL GROUP BY 2, 3",
	[TALLY_FINDINGS_SINCE] =
		"SELECT '', verdict, severity, count(*) FROM finding INDEXED BY finding_time"
		" WHERE time >= ?1 GROUP BY 2, 3",
	[TALLY_ALERTS] = "SELECT '', state, severity, count(*) FROM alert GROUP BY 2, 3",
	[TALLY_OUTBOX] = "SELECT channel, state, 0, count(*) FROM outbox GROUP BY 1, 2",
	[TALLY_ACTIONS] = "SELECT '', state, 0, count(*) FROM action GROUP BY 2",
};

int report_tallies(struct report *r, enum tally_what what, usec_t since, report_tally_fn *fn,
		   void *context, struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, tallies[what], err);
	int rc, more = 1;

	if (!st)
		return -1;
	if (what == TALLY_FINDINGS_SINCE)
		sql_bind_int(st, 1, since);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct report_tally row = { sql_str(st, 0), sql_int(st, 1), sql_int(st, 2),
					    sql_int(st, 3) };

		more = fn(context, &row);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}
