/* Lists of alerts, and what hangs on them.
 *
 * Invariant: a list of open alerts looks at these only; all alerts are few, since one
 * needs a finding. */
#include "base/stamp.h"
#include "schema/action_row.h"
#include "schema/alert_row.h"
#include "schema/finding.h"
#include "schema/report_state.h"

#define BESIDE \
	", (SELECT count(*) FROM alert_finding f WHERE f.alert = alert.id)," \
	" (SELECT count(*) FROM outbox o WHERE o.alert = alert.id AND o.state IN (0, 2))" \
	" FROM alert "
#define ALERT_COLUMN_COUNT 21

/* 1: told, and more is wanted; 0: no more; -1: error. */
static int tell_alert(struct sql_stmt *st, report_alert_fn *fn, void *context, struct error *err)
{
	struct alert *a;
	int rc = sql_step(st, err);

	if (rc != 1)
		return rc;
	a = alert_new();
	alert_row_take(st, a);
	rc = fn(context, a, sql_int(st, ALERT_COLUMN_COUNT), sql_int(st, ALERT_COLUMN_COUNT + 1));
	alert_free(a);
	return rc;
}

int report_alerts(struct report *r, const struct alert_filter *filter, report_alert_fn *fn,
		  void *context, struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, filter->open ?
		"SELECT " ALERT_COLUMNS BESIDE "INDEXED BY alert_open WHERE closed IS NULL"
		" AND changed >= ?1 AND (?2 = '' OR account = ?2) ORDER BY changed DESC, id DESC"
		" LIMIT ?3" :
		"SELECT " ALERT_COLUMNS BESIDE "WHERE changed >= ?1 AND (?2 = '' OR account = ?2)"
		" ORDER BY changed DESC, id DESC LIMIT ?3", err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 1, filter->since);
	sql_bind_str(st, 2, filter->account);
	sql_bind_int(st, 3, filter->limit > 0 ? filter->limit : -1);
	while ((rc = tell_alert(st, fn, context, err)) == 1)
		;
	sql_finalize(st);
	return rc;
}

int report_alert(struct report *r, int64_t id, report_alert_fn *fn, void *context,
		 struct error *err)
{
	struct sql_stmt *st =
		sql_prepare(r->db, "SELECT " ALERT_COLUMNS BESIDE "WHERE id = ?1", err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 1, id);
	rc = tell_alert(st, fn, context, err);
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_alert_findings(struct report *r, int64_t alert, report_finding_fn *fn, void *context,
			  struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, FINDING_SELECT "WHERE f.id IN (SELECT finding FROM alert_finding"
				      " WHERE alert = ?1) ORDER BY f.time, f.id", err);
	int rc, more = 1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, alert);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct finding *f = finding_new();

		finding_take(st, f);
		more = fn(context, f);
		finding_free(f);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_alert_counts(struct report *r, usec_t since, usec_t now, struct alert_counts *out,
			struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, "SELECT (SELECT count(*) FROM alert WHERE opened >= ?1),"
		       " (SELECT count(DISTINCT alert) FROM outbox WHERE change = ?3"
		       "  AND created >= ?1),"
		       " (SELECT count(*) FROM alert WHERE closed >= ?1),"
		       " (SELECT count(*) FROM alert WHERE closed IS NULL),"
		       " (SELECT count(*) FROM alert WHERE closed IS NULL AND acked IS NOT NULL),"
		       " (SELECT count(*) FROM mute WHERE until > ?2)", err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 1, since);
	sql_bind_int(st, 2, now);
	sql_bind_int(st, 3, CHANGE_REOPENED);
	rc = sql_step(st, err);
	if (rc == 1)
		*out = (struct alert_counts){ sql_int(st, 0), sql_int(st, 1), sql_int(st, 2),
					      sql_int(st, 3), sql_int(st, 4), sql_int(st, 5) };
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

static struct report_delivery take_delivery(struct sql_stmt *st)
{
	return (struct report_delivery){
		.alert = sql_int(st, 0), .version = sql_int(st, 1), .change = sql_int(st, 2),
		.channel = sql_str(st, 3), .state = (int)sql_int(st, 4), .created = sql_int(st, 5),
		.due = sql_int(st, 6), .tries = sql_int(st, 7), .done = sql_int(st, 8),
		.error = sql_str(st, 9)
	};
}

int report_deliveries(struct report *r, int64_t alert, report_delivery_fn *fn, void *context,
		      struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, "SELECT alert, version, change, channel, state, created, due, tries, done,"
		       " error FROM outbox WHERE alert = ?1 ORDER BY id", err);
	int rc, more = 1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, alert);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct report_delivery row = take_delivery(st);

		more = fn(context, &row);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_mutes(struct report *r, usec_t now, report_mute_fn *fn, void *context,
		 struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, "SELECT kind, name, until, created, because, by FROM mute WHERE until > ?1"
		       " ORDER BY kind, name", err);
	int rc, more = 1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, now);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct mute m = { sql_str(st, 0), sql_str(st, 1), sql_int(st, 2), sql_int(st, 3),
				  sql_str(st, 4), sql_str(st, 5) };

		more = fn(context, &m);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_actions(struct report *r, int64_t alert, int64_t limit, report_action_fn *fn,
		   void *context, struct error *err)
{
	struct sql_stmt *st = sql_prepare(
		r->db, alert ? "SELECT " ACTION_COLUMNS " FROM action WHERE alert = ?1"
			       " ORDER BY id DESC LIMIT ?2"
			     : "SELECT " ACTION_COLUMNS " FROM action WHERE ?1 = 0"
			       " ORDER BY id DESC LIMIT ?2", err);
	int rc, more = 1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, alert);
	sql_bind_int(st, 2, limit > 0 ? limit : -1);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct action_row *a = action_row_new();

		action_row_take(st, a);
		more = fn(context, a);
		action_row_free(a);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}
