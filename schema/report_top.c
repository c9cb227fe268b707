/* Who sent most, and where to.
 *
 * Invariant: accounts come from the hourly sums, with only the broken hours at
 * both ends counted anew; the others group numbers first and look up texts for
 * what is left, since sorting texts is what costs. */
#include <stdio.h>

#include "base/stamp.h"
#include "schema/report_share.h"

const char *const top_what_name[TOP_COUNT] = {
	[TOP_ACCOUNTS] = "accounts", [TOP_SCRIPTS] = "scripts", [TOP_LOGINS] = "logins",
	[TOP_IPS] = "ips",	     [TOP_SENDERS] = "senders", [TOP_DOMAINS] = "domains",
};

/* a, b: what is grouped by first. Several clients can share one address, so
 * that list is cut only at its end. */
#define MOST " ORDER BY 3 DESC, 1, 2 LIMIT ?7"

static const struct top {
	const char *a, *b, *sums, *join, *where, *cut, *key, *text;
} tops[TOP_COUNT] = {
	[TOP_SCRIPTS] = { "m.script", "0", SUMS, "", "m.script IS NOT NULL", MOST,
			  "k.text", " JOIN path k ON k.id = a" },
	[TOP_LOGINS] = { "m.login", "0", SUMS, "", "m.login IS NOT NULL", MOST,
			 "k.text", " JOIN login k ON k.id = a" },
	[TOP_IPS] = { "m.client", "0", SUMS, "", "m.client IS NOT NULL", "",
		      "k.ip", " JOIN client k ON k.id = a AND k.ip <> ''" },
	[TOP_SENDERS] = { M_SENDER_LOCAL, "m.sender_domain", SUMS, "",
			  "(m.sender_local <> '' OR m.sender_domain IS NOT NULL)", MOST,
			  "a || coalesce('@' || k.text, '')",
			  " LEFT JOIN domain k ON k.id = b" },
	[TOP_DOMAINS] = { R_DOMAIN, "0", RECIPIENT_SUMS("q.domain = r.domain"),
			  WITH_RECIPIENTS, R_DOMAIN " IS NOT NULL", MOST,
			  "k.text", " JOIN domain k ON k.id = a" },
};

static void write_query(const struct top *top, char *text, size_t size)
{
	snprintf(text, size,
		 "WITH part (a, b, messages, recipients, pending, deferred, bounced, expired,"
		 " rejected, first, last) AS (SELECT %s, %s, %s%s%s WHERE %s GROUP BY 1, 2%s)"
		 " SELECT %s, sum(messages), sum(recipients), sum(pending), sum(deferred),"
		 " sum(bounced), sum(expired), sum(rejected), min(first), max(last)"
		 " FROM part%s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?7",
		 top->a, top->b, top->sums, IN_PERIOD("?1", "?2"), top->join, top->where, top->cut,
		 top->key, top->text);
}

/* Whole hours [?5, ?6) from the sums, [?1, ?2) and [?3, ?4) message by message. */
#define COUNTED(since, until) \
	" UNION ALL SELECT coalesce(m.account, 0), 1, m.recipients, " M_PENDING "," \
	M_DEFERRED "," M_BOUNCED "," M_EXPIRED "," M_REJECTED IN_PERIOD(since, until)
static const char top_accounts[] =
	"WITH part (account, messages, recipients, pending, deferred, bounced, expired, rejected)"
	" AS (SELECT account, messages, recipients, pending, deferred, bounced, expired, rejected"
	" FROM hourly WHERE day BETWEEN ?5 / 24 AND (?6 - 1) / 24 AND hour >= ?5 AND hour < ?6"
	COUNTED("?1", "?2") COUNTED("?3", "?4") ")"
	" SELECT k.text, sum(messages), sum(recipients), sum(pending), sum(deferred),"
	" sum(bounced), sum(expired), sum(rejected), 0, 0"
	" FROM part LEFT JOIN account k ON k.id = part.account"
	" GROUP BY part.account ORDER BY 2 DESC, 1 LIMIT ?7";

static void bind_accounts(struct sql_stmt *st, struct period t)
{
	int64_t first_hour = t.since / USEC_HOUR + (t.since % USEC_HOUR != 0);
	int64_t end_hour = t.until / USEC_HOUR;
	usec_t head_end, tail_start;

	if (end_hour < first_hour) /* within one hour: all of it is counted as the head */
		end_hour = first_hour;
	head_end = first_hour * USEC_HOUR < t.until ? first_hour * USEC_HOUR : t.until;
	tail_start = end_hour * USEC_HOUR < t.until ? end_hour * USEC_HOUR : t.until;
	sql_bind_int(st, 1, t.since);
	sql_bind_int(st, 2, head_end);
	sql_bind_int(st, 3, tail_start);
	sql_bind_int(st, 4, t.until);
	sql_bind_int(st, 5, first_hour);
	sql_bind_int(st, 6, end_hour);
}

static struct sql_stmt *prepare_top(struct report *r, enum top_what what, struct period t,
				    struct error *err)
{
	struct sql_stmt *st;
	char text[4096];

	if (what == TOP_ACCOUNTS) {
		st = sql_prepare(r->db, top_accounts, err);
		if (st)
			bind_accounts(st, t);
		return st;
	}
	write_query(&tops[what], text, sizeof(text));
	st = sql_prepare(r->db, text, err);
	if (!st)
		return NULL;
	sql_bind_int(st, 1, t.since);
	sql_bind_int(st, 2, t.until);
	return st;
}

static int list_top(struct report *r, enum top_what what, struct period t, int64_t limit,
		    report_share_fn *fn, void *context, struct error *err)
{
	struct sql_stmt *st = prepare_top(r, what, t, err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 7, limit > 0 ? limit : -1);
	rc = share_each(st, fn, context, err);
	sql_finalize(st);
	return rc;
}

int report_top(struct report *r, enum top_what what, usec_t since, usec_t until,
	       int64_t limit, report_share_fn *fn, void *context, struct error *err)
{
	struct period t = report_period(since, until);

	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, list_top(r, what, t, limit, fn, context, err));
}

int report_inbound(struct report *r, usec_t since, usec_t until, int64_t limit,
		   report_share_fn *fn, void *context, struct error *err)
{
	static const char query[] =
		"SELECT k.text, sum(i.messages), sum(i.recipients), 0, 0, 0, 0, 0,"
		" min(i.hour) * 3600000000, max(i.hour) * 3600000000"
		" FROM inbound i JOIN domain k ON k.id = i.domain"
		" WHERE i.hour BETWEEN ?1 AND ?2 GROUP BY i.domain ORDER BY 2 DESC, 1 LIMIT ?3";
	struct period t = report_period(since, until);
	struct sql_stmt *st = sql_prepare(r->db, query, err);
	int rc;

	if (!st)
		return -1;
	sql_bind_int(st, 1, t.since / USEC_HOUR);
	sql_bind_int(st, 2, (t.until - 1) / USEC_HOUR);
	sql_bind_int(st, 3, limit > 0 ? limit : -1);
	rc = share_each(st, fn, context, err);
	sql_finalize(st);
	return rc;
}
