/* Lists of findings.
 *
 * Invariant: newest first, and every list goes along an index by time: of the
 * account, of what is open, or of all. */
#include <stdio.h>

#include "base/stamp.h"
#include "schema/finding.h"
#include "schema/report_state.h"

/* The index that leads, and what it wants. */
struct lead {
	const char *index, *where;
};

static const struct lead by_account = { "finding_account", "f.account = ?7" };
static const struct lead by_open = { "finding_open", "f.closed IS NULL" };
static const struct lead by_time = { "finding_time", "?7 = 0" };

/* An INDEXED BY stands behind the table's name. */
static const char query[] =
	"WITH list (id) AS (SELECT f.id FROM finding f INDEXED BY %s WHERE %s"
	" AND f.time >= ?1 AND f.time < ?2 AND f.verdict BETWEEN ?3 AND ?4"
	" AND f.severity BETWEEN ?5 AND ?6 AND (?8 = 0 OR f.closed IS NULL)"
	" AND (?9 = 0 OR f.account IS NULL) ORDER BY f.time DESC, f.id DESC LIMIT ?10) "
	FINDING_SELECT "WHERE f.id IN list ORDER BY f.time DESC, f.id DESC";

static const struct lead *choose(const struct finding_filter *filter)
{
	if (filter->account.n)
		return &by_account;
	return filter->open ? &by_open : &by_time;
}

static void bind(struct sql_stmt *st, const struct finding_filter *filter, int64_t account)
{
	struct period t = report_period(filter->since, filter->until);
	bool any_severity = filter->severity < 0;

	sql_bind_int(st, 1, t.since);
	sql_bind_int(st, 2, t.until);
	sql_bind_int(st, 3, filter->first_case < 0 ? 0 : filter->first_case);
	sql_bind_int(st, 4, filter->first_case < 0 ? CASES - 1 : filter->last_case);
	sql_bind_int(st, 5, any_severity ? 0 : filter->severity);
	sql_bind_int(st, 6, any_severity ? SEVERITY_CRITICAL : filter->severity);
	sql_bind_int(st, 7, account);
	sql_bind_int(st, 8, filter->open);
	sql_bind_int(st, 9, filter->account.p && !filter->account.n);
	sql_bind_int(st, 10, filter->limit > 0 ? filter->limit : -1);
}

/* 1: told, and more is wanted; 0: no more; -1: error. */
static int tell_next(struct sql_stmt *st, report_finding_fn *fn, void *context,
		     struct error *err)
{
	struct finding *f;
	int rc = sql_step(st, err);

	if (rc != 1)
		return rc;
	f = finding_new();
	finding_take(st, f);
	rc = fn(context, f);
	finding_free(f);
	return rc;
}

static int list(struct report *r, const struct finding_filter *filter, report_finding_fn *fn,
		void *context, struct error *err)
{
	const struct lead *lead = choose(filter);
	struct sql_stmt *st;
	int64_t account = 0;
	char text[2048];
	int rc = 1;

	if (filter->account.n)
		rc = report_find_account(r, filter->account, &account, err);
	if (rc != 1)
		return rc;
	snprintf(text, sizeof(text), query, lead->index, lead->where);
	st = sql_prepare(r->db, text, err);
	if (!st)
		return -1;
	bind(st, filter, account);
	while ((rc = tell_next(st, fn, context, err)) == 1)
		;
	sql_finalize(st);
	return rc;
}

int report_findings(struct report *r, const struct finding_filter *filter,
		    report_finding_fn *fn, void *context, struct error *err)
{
	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, list(r, filter, fn, context, err));
}

int report_finding(struct report *r, int64_t id, report_finding_fn *fn, void *context,
		   struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, FINDING_SELECT "WHERE f.id = ?1", err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 1, id);
	rc = tell_next(st, fn, context, err);
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}
