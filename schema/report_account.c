/* One account: its volumes, and what they are made of.
 *
 * All lists are one query put together from the rows of a table: what the key is, which
 * dictionary has its text. Finding a message costs more than counting it, so the
 * messages are found once. Invariant: through the account's index, in the hours that
 * `hourly` has for it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/stamp.h"
#include "schema/report_share.h"

/* Spans of so many minutes in [?1, ?2) that have rows of a kind. */
#define SPANS(what, minutes) \
	"WITH RECURSIVE span (n) AS (" \
	" SELECT (SELECT minute / " minutes " FROM minute WHERE what = " what \
	"  AND minute BETWEEN ?1 / 60000000 AND (?2 - 1) / 60000000 ORDER BY minute DESC LIMIT 1)" \
	" UNION ALL" \
	" SELECT (SELECT minute / " minutes " FROM minute WHERE what = " what \
	"  AND minute >= ?1 / 60000000 AND minute < n * " minutes " ORDER BY minute DESC LIMIT 1)" \
	" FROM span WHERE n IS NOT NULL)"
#define DAYS SPANS("0", "1440")
#define PHP_HOURS SPANS("1", "60")

/* ?3: the account's id. Of nobody's mail: 0. */
#define OF_ACCOUNT \
	" FROM span CROSS JOIN hourly h ON h.day = span.n AND h.account = ?3" \
	" CROSS JOIN message_row m INDEXED BY message_account" \
	" ON m.time / 3600000000 = +h.hour AND m.account = ?3 AND m.time >= ?1 AND m.time < ?2"
#define OF_NOBODY IN_PERIOD("?1", "?2") " AND m.account IS NULL AND ?3 = 0"

/* Of the recipient in its message's row; NULL: recipient_row has them. */
#define OWN_STATUS \
	" CASE WHEN m.rcpt_local IS NULL THEN NULL WHEN m.unsent IS NULL THEN 1" \
	" WHEN " M_BOUNCED " THEN 3 WHEN " M_REJECTED " THEN 5 WHEN " M_DEFERRED " THEN 2" \
	" WHEN " M_EXPIRED " THEN 4 ELSE 0 END"
/* The account's messages, found once for all lists; and summed up, since few of them
 * differ in what the lists are about. */
#define MINE(of) \
	"mine AS MATERIALIZED (SELECT m.id, m.time, m.script, m.login, m.client, " M_VIA \
	" AS via, " M_SENDER_LOCAL " AS sender_local, m.sender_domain, m.recipients," \
	M_PENDING " AS pending, " M_DEFERRED " AS deferred, " M_BOUNCED " AS bounced," \
	M_EXPIRED " AS expired, " M_REJECTED " AS rejected, " OWN_STATUS " AS status, m.dsn" \
	of "), g AS MATERIALIZED (SELECT script, login, client, via," \
	" sender_local, sender_domain, time / 86400000000 AS day, count(*) AS messages," \
	" sum(recipients) AS recipients, sum(pending) AS pending, sum(deferred) AS deferred," \
	" sum(bounced) AS bounced, sum(expired) AS expired, sum(rejected) AS rejected," \
	" min(time) AS first, max(time) AS last FROM mine GROUP BY 1, 2, 3, 4, 5, 6, 7) "
#define SUMS_OF_GROUPS \
	"sum(messages), sum(recipients), sum(pending), sum(deferred), sum(bounced)," \
	" sum(expired), sum(rejected), min(first), max(last) FROM g"
/* Of each recipient: the message counts with the first of them in a group. */
#define SUMS_OF_OUTCOMES \
	"sum(first), count(*), sum(status = 0), sum(status = 2), sum(status = 3)," \
	" sum(status = 4), sum(status = 5), min(time), max(time) FROM (SELECT time, status," \
	" coalesce(dsn, '2.0.0') AS dsn, 1 AS first FROM mine WHERE status IS NOT NULL" \
	" UNION ALL SELECT mine.time, coalesce(r.status, 1), coalesce(r.dsn, '2.0.0')," \
	" CASE r.n WHEN 0 THEN 1 ELSE NOT EXISTS (SELECT 1 FROM recipient_row q" \
	" WHERE q.message = r.message AND q.n < r.n AND q.status IS r.status" \
	" AND q.dsn IS r.dsn) END FROM mine CROSS JOIN recipient_row r" \
	" ON r.message = mine.id WHERE mine.status IS NULL) o"
#define ADDRESS "coalesce(g.sender_local, '') || coalesce('@' || k.text, '')"

/* --- networks -------------------------------------------------------------- */

#define IPV4_PREFIX 24
#define IPV6_PREFIX 48

static size_t print_network(int family, unsigned char *bytes, int nbytes, int prefix, char *buf)
{
	char text[INET6_ADDRSTRLEN];

	memset(bytes + prefix / 8, 0, (size_t)(nbytes - prefix / 8));
	inet_ntop(family, bytes, text, sizeof(text));
	return (size_t)snprintf(buf, SQL_TEXT_MAX, "%s/%d", text, prefix);
}

/* The network of an address; a text that is none stays as it is, cut. */
static size_t network(const struct str *args, char *buf)
{
	struct str ip = args[0];
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	size_t n = ip.n < SQL_TEXT_MAX ? ip.n : SQL_TEXT_MAX;

	if (ip.n > 0 && ip.n < sizeof(text)) {
		memcpy(text, ip.p, ip.n);
		text[ip.n] = 0;
		if (strlen(text) == ip.n && inet_pton(AF_INET, text, bytes) == 1)
			return print_network(AF_INET, bytes, 4, IPV4_PREFIX, buf);
		if (strlen(text) == ip.n && inet_pton(AF_INET6, text, bytes) == 1)
			return print_network(AF_INET6, bytes, 16, IPV6_PREFIX, buf);
	}
	if (n)
		memcpy(buf, ip.p, n);
	return n;
}

int report_register_network(struct sql *db, struct error *err)
{
	return sql_text_function(db, "network", 1, network, err);
}

/* --- one account ----------------------------------------------------------- */

static struct str via_text(struct str raw, int64_t number, char *buf, size_t size)
{
	(void)raw;
	(void)buf;
	(void)size;
	return number >= 0 && number <= VIA_DOMAIN ? str_of(via_name[number]) : STR_NONE;
}

/* raw: number of the status, a blank, the DSN. */
static struct str outcome_text(struct str raw, int64_t number, char *buf, size_t size)
{
	const char *status = number >= 0 && number < RCPT_STATUSES ? rcpt_status_name[number] : "";
	struct str dsn = str_head(str_skip(raw, str_chr(raw, ' ') + 1), 32);
	int n = snprintf(buf, size, "%s%s%.*s", status, dsn.n ? " " : "", STR_ARG(dsn));

	return (struct str){ buf, n < 0 ? 0 : (size_t)n };
}

#define MOST_FIRST "2 DESC, 1 LIMIT ?4"

static const struct part {
	const char *key, *sums, *join, *group, *order;
	/* How a key that is no text yet becomes one. */
	struct str (*text)(struct str raw, int64_t number, char *buf, size_t size);
} parts[ACCOUNT_PARTS] = {
	[PART_SCRIPTS] = { "k.text", SUMS_OF_GROUPS, " LEFT JOIN path k ON k.id = g.script",
			   "g.script", MOST_FIRST, NULL },
	[PART_LOGINS] = { "k.text", SUMS_OF_GROUPS, " LEFT JOIN login k ON k.id = g.login",
			  "g.login", MOST_FIRST, NULL },
	[PART_NETWORKS] = { "network(k.ip)", SUMS_OF_GROUPS,
			    " LEFT JOIN client k ON k.id = g.client", "1", MOST_FIRST, NULL },
	[PART_VIA] = { "via", SUMS_OF_GROUPS, "", "1", MOST_FIRST, via_text },
	[PART_SENDERS] = { ADDRESS, SUMS_OF_GROUPS,
			   " LEFT JOIN domain k ON k.id = g.sender_domain", "1", MOST_FIRST, NULL },
	[PART_OUTCOMES] = { "o.status || ' ' || o.dsn", SUMS_OF_OUTCOMES, "", "1",
			    "3 DESC, 1 LIMIT ?4",
			    outcome_text },
	[PART_DAYS] = { "date(day * 86400, 'unixepoch')", SUMS_OF_GROUPS, "", "day", "1", NULL },
};

static int find_id(struct report *r, struct str account, int64_t *id, struct error *err)
{
	*id = 0;
	return account.n ? report_find_account(r, account, id, err) : 1;
}

/* The parts one behind the other; which one a row is of stands in column 10. */
static struct sql_stmt *prepare_parts(struct report *r, bool of_nobody, struct error *err)
{
	struct sql_stmt *st;
	char *text = NULL;
	size_t n = 0;
	FILE *sql = open_memstream(&text, &n);

	if (!sql)
		bug("out of memory");
	fputs(of_nobody ? "WITH " MINE(OF_NOBODY) : DAYS ", " MINE(OF_ACCOUNT), sql);
	for (int i = 0; i < ACCOUNT_PARTS; i++)
		fprintf(sql, "%sSELECT *, %d FROM (SELECT %s, %s%s GROUP BY %s ORDER BY %s)",
			i ? " UNION ALL " : "", i, parts[i].key, parts[i].sums, parts[i].join,
			parts[i].group, parts[i].order);
	fclose(sql);
	st = sql_prepare(r->db, text, err);
	free(text);
	return st;
}

static bool tell_part(struct sql_stmt *st, report_part_fn *fn, void *context)
{
	enum account_part part = sql_int(st, 10);
	struct share row = share_take(st);
	char buf[128];

	if (parts[part].text)
		row.key = parts[part].text(row.key, sql_int(st, 0), buf, sizeof(buf));
	return fn(context, part, &row);
}

static int list_parts(struct report *r, struct str account, struct period t, int64_t limit,
		      report_part_fn *fn, void *context, struct error *err)
{
	struct sql_stmt *st;
	int64_t id;
	int rc = find_id(r, account, &id, err);

	if (rc != 1)
		return rc;
	st = prepare_parts(r, !id, err);
	if (!st)
		return -1;
	sql_bind_int(st, 1, t.since);
	sql_bind_int(st, 2, t.until);
	sql_bind_int(st, 3, id);
	sql_bind_int(st, 4, limit > 0 ? limit : -1);
	while ((rc = sql_step(st, err)) == 1 && tell_part(st, fn, context))
		;
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_account_parts(struct report *r, struct str account, usec_t since, usec_t until,
			 int64_t limit, report_part_fn *fn, void *context, struct error *err)
{
	struct period t = report_period(since, until);

	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, list_parts(r, account, t, limit, fn, context, err));
}

/* One query of an account's period that gives one row. */
static struct sql_stmt *one_row(struct report *r, const char *text, struct period t, int64_t id,
				struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, text, err);

	if (!st)
		return NULL;
	sql_bind_int(st, 1, t.since);
	sql_bind_int(st, 2, t.until);
	sql_bind_int(st, 3, id);
	if (sql_step(st, err) == 1)
		return st;
	sql_finalize(st);
	return NULL;
}

#define DIRECTION_SUMS \
	"sum(" M_DIRECTION " = 0), sum(" M_DIRECTION " = 1), sum(" M_DIRECTION " = 2)," \
	" sum(" M_DIRECTION " = 3), sum(" M_DIRECTION " = 4)"

static int sum_messages(struct report *r, struct period t, int64_t id,
			struct account_summary *out, struct error *err)
{
	struct sql_stmt *st =
		one_row(r, id ? DAYS " SELECT '', " SUMS ", " DIRECTION_SUMS OF_ACCOUNT
			      : "SELECT '', " SUMS ", " DIRECTION_SUMS OF_NOBODY, t, id, err);

	if (!st)
		return -1;
	share_take_volume(st, &out->volume);
	out->first = sql_int(st, 8);
	out->last = sql_int(st, 9);
	for (int i = 0; i < DIRECTIONS; i++)
		out->direction[i] = sql_int(st, 10 + i);
	sql_finalize(st);
	return 0;
}

static int sum_php(struct report *r, struct period t, int64_t id, struct account_summary *out,
		   struct error *err)
{
	static const char of_account[] =
		PHP_HOURS " SELECT count(*), sum(p.state = 2) FROM span CROSS JOIN php_row p"
		" INDEXED BY php_account ON p.time / 3600000000 = span.n AND p.account = ?3"
		" AND p.time >= ?1 AND p.time < ?2";
	static const char of_nobody[] =
		"SELECT count(*), sum(p.state = 2) FROM minute s CROSS JOIN php_row p"
		" ON s.what = 1 AND s.minute BETWEEN ?1 / 60000000 AND (?2 - 1) / 60000000"
		" AND p.id BETWEEN s.first AND s.last AND p.time / 60000000 = s.minute"
		" AND p.time >= ?1 AND p.time < ?2 AND p.account IS NULL AND ?3 = 0";
	struct sql_stmt *st = one_row(r, id ? of_account : of_nobody, t, id, err);

	if (!st)
		return -1;
	out->php = sql_int(st, 0);
	out->php_unmatched = sql_int(st, 1);
	sql_finalize(st);
	return 0;
}

static int sum_direct(struct report *r, struct period t, int64_t id, struct account_summary *out,
		      struct error *err)
{
	struct sql_stmt *st =
		one_row(r, "SELECT total(CASE port WHEN 25 THEN connections END),"
			   " total(CASE port WHEN 25 THEN NULL ELSE connections END), max(last)"
			   " FROM direct WHERE account = ?3"
			   " AND hour BETWEEN ?1 / 3600000000 AND (?2 - 1) / 3600000000", t, id, err);

	if (!st)
		return -1;
	out->direct_smtp = sql_int(st, 0);
	out->direct_submission = sql_int(st, 1);
	out->direct_last = sql_int(st, 2);
	sql_finalize(st);
	return 0;
}

static int summarize(struct report *r, struct str account, struct period t,
		     struct account_summary *out, struct error *err)
{
	int64_t id;
	int rc = find_id(r, account, &id, err);

	if (rc != 1)
		return rc;
	if (sum_messages(r, t, id, out, err) < 0)
		return -1;
	if (sum_php(r, t, id, out, err) < 0)
		return -1;
	return sum_direct(r, t, id, out, err);
}

int report_account(struct report *r, struct str account, usec_t since, usec_t until,
		   struct account_summary *out, struct error *err)
{
	*out = (struct account_summary){ 0 };
	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, summarize(r, account, report_period(since, until), out, err));
}
