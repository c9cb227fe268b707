/* Lists of PHP mail() calls.
 *
 * Invariant: newest first, and with a period or an account not all of them are
 * looked at. */
#include "base/stamp.h"
#include "schema/minute.h"
#include "schema/report_state.h"

#define MINUTES_PER_STEP 60 /* the index on accounts goes by hours */

#define IN_PERIOD " AND p.time >= ?1 AND p.time < ?2"
#define NEWEST_FIRST " ORDER BY p.time DESC, p.id DESC LIMIT ?6"

/* ?3, ?4: first and last minute of a step; ?5: account. */
#define BY_MINUTES \
	"SELECT p.id FROM minute s CROSS JOIN php_row p ON p.id BETWEEN s.first AND s.last" \
	" AND p.time / 60000000 = s.minute WHERE s.what = 1 AND s.minute BETWEEN ?3 AND ?4" \
	" AND (?5 = 0 OR p.account IS NULL)"
#define BY_ACCOUNT \
	"SELECT p.id FROM php_row p INDEXED BY php_account" \
	" WHERE p.time / 3600000000 = ?3 / 60 AND ?4 >= 0 AND p.account = ?5"
#define UNMATCHED " AND p.state = 2"

/* [of an account][unmatched only] */
static const char *const queries[2][2] = {
	{ BY_MINUTES IN_PERIOD NEWEST_FIRST, BY_MINUTES UNMATCHED IN_PERIOD NEWEST_FIRST },
	{ BY_ACCOUNT IN_PERIOD NEWEST_FIRST, BY_ACCOUNT UNMATCHED IN_PERIOD NEWEST_FIRST },
};

struct php_search {
	struct report *report;
	struct sql_stmt *st;
	int64_t account; /* 0: any; -1: those without one */
	int64_t left; /* -1: all */
	report_php_fn *fn;
	void *context;
	bool stopped;
};

static int show(struct php_search *q, int64_t id, struct error *err)
{
	struct php_mail *p = php_mail_new();
	int rc = row_read_php(&q->report->reader, id, p, err);

	if (rc == 1) {
		q->stopped = !q->fn(q->context, p);
		if (q->left > 0)
			q->left--;
	}
	php_mail_free(p);
	return rc < 0 ? -1 : 0;
}

static int search_step(struct php_search *q, int64_t from, int64_t to, struct error *err)
{
	int rc = 0;

	sql_bind_int(q->st, 3, from);
	sql_bind_int(q->st, 4, to);
	sql_bind_int(q->st, 6, q->left);
	while (rc >= 0 && !q->stopped && (rc = sql_step(q->st, err)) == 1)
		rc = show(q, sql_int(q->st, 0), err);
	sql_reset(q->st);
	q->stopped = q->stopped || q->left == 0;
	return rc < 0 ? -1 : 0;
}

static int search_back(struct php_search *q, struct period t, struct error *err)
{
	int64_t oldest = t.since / USEC_MINUTE, newest = (t.until - 1) / USEC_MINUTE;
	int rc = 0;

	while (!q->stopped &&
	       (rc = report_latest(q->report, MINUTE_PHP, oldest, newest, &newest, err)) == 1) {
		int64_t from = newest / MINUTES_PER_STEP * MINUTES_PER_STEP;

		if (search_step(q, from, newest, err) < 0)
			return -1;
		newest = from - 1;
	}
	return rc < 0 ? -1 : 0;
}

static int search(struct php_search *q, const struct php_filter *filter, struct error *err)
{
	struct period t = report_period(filter->since, filter->until);
	int rc = 1;

	if (filter->account.n)
		rc = report_find_account(q->report, filter->account, &q->account, err);
	else if (filter->account.p)
		q->account = -1;
	if (rc != 1)
		return rc;
	q->st = sql_prepare(q->report->db, queries[q->account > 0][filter->unmatched], err);
	if (!q->st)
		return -1;
	sql_bind_int(q->st, 1, t.since);
	sql_bind_int(q->st, 2, t.until);
	sql_bind_int(q->st, 5, q->account);
	rc = search_back(q, t, err);
	sql_finalize(q->st);
	return rc;
}

int report_php(struct report *r, const struct php_filter *filter, report_php_fn *fn,
	       void *context, struct error *err)
{
	struct php_search q = {
		.report = r,
		.left = filter->limit > 0 ? filter->limit : -1,
		.fn = fn,
		.context = context,
	};

	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, search(&q, filter, err));
}
