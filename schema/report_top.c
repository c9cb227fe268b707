/* Who sent most, and where to.
 *
 * Invariant: accounts come from the hourly sums, with at most half an hour at both ends
 * counted message by message; the others group numbers first and look up texts for
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

/* Whole hours [?5, ?6) from the sums; [?1, ?2) and [?3, ?4) message by message, to be
 * added or, by ?8 and ?9, taken away from them. */
#define COUNTED(since, until, sign) \
	" UNION ALL SELECT coalesce(m.account, 0), " sign ", " sign " * m.recipients, " sign \
	" * " M_PENDING "," sign " * " M_DEFERRED "," sign " * " M_BOUNCED "," sign " * " M_EXPIRED \
	"," sign " * " M_REJECTED IN_PERIOD(since, until)
static const char top_accounts[] =
	"WITH part (account, messages, recipients, pending, deferred, bounced, expired, rejected)"
	" AS (SELECT account, messages, recipients, pending, deferred, bounced, expired, rejected"
	" FROM hourly WHERE day BETWEEN ?5 / 24 AND (?6 - 1) / 24 AND hour >= ?5 AND hour < ?6"
	COUNTED("?1", "?2", "?8") COUNTED("?3", "?4", "?9") ")"
	" SELECT k.text, sum(messages), sum(recipients), sum(pending), sum(deferred),"
	" sum(bounced), sum(expired), sum(rejected), 0, 0"
	" FROM part LEFT JOIN account k ON k.id = part.account"
	" GROUP BY part.account HAVING sum(messages) > 0 ORDER BY 2 DESC, 1 LIMIT ?7";

/* One end of a period: the hour where whole ones begin or end, and what lies between
 * them, which is too much in the whole hours when that is the shorter way. */
struct edge {
	int64_t hour;
	struct period rest;
	int sign;
};

static struct edge first_edge(usec_t since)
{
	int64_t hour = since / USEC_HOUR;

	if (since % USEC_HOUR <= USEC_HOUR / 2)
		return (struct edge){ hour, { hour * USEC_HOUR, since }, -1 };
	return (struct edge){ hour + 1, { since, (hour + 1) * USEC_HOUR }, 1 };
}

static struct edge last_edge(usec_t until)
{
	int64_t hour = until / USEC_HOUR;

	if (until % USEC_HOUR <= USEC_HOUR / 2 || until == INT64_MAX)
		return (struct edge){ hour, { hour * USEC_HOUR, until }, 1 };
	return (struct edge){ hour + 1, { until, (hour + 1) * USEC_HOUR }, -1 };
}

static void bind_accounts(struct sql_stmt *st, struct period t)
{
	struct edge first = first_edge(t.since), last = last_edge(t.until);

	if (last.hour < first.hour) { /* within one hour */
		first.rest.until = t.until;
		last.rest.until = last.rest.since;
	}
	sql_bind_int(st, 1, first.rest.since);
	sql_bind_int(st, 2, first.rest.until);
	sql_bind_int(st, 3, last.rest.since);
	sql_bind_int(st, 4, last.rest.until);
	sql_bind_int(st, 5, first.hour);
	sql_bind_int(st, 6, last.hour);
	sql_bind_int(st, 8, first.sign);
	sql_bind_int(st, 9, last.sign);
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
