/* Opening for reading; lists of messages and PHP lines.
 *
 * A list is made in two steps. Candidates are ids, newest first, found by what
 * is cheapest: the account's index day by day, else the ids of a span of minutes
 * (of which the sieve leaves few for a recipient), going back in ever larger spans
 * until there are enough. Then each is read as a whole.
 *
 * Invariant: with a period or an account no query looks at all messages. */
#include "schema/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/stamp.h"
#include "schema/migrate.h"
#include "schema/minute.h"
#include "schema/report_state.h"
#include "schema/row_layout.h"
#include "schema/sieve.h"

#define MINUTES_PER_DAY 1440

static const struct sql_text statements[] = {
	{ offsetof(struct report, latest),
	  "SELECT minute FROM minute WHERE what = ?1 AND minute BETWEEN ?2 AND ?3"
	  " ORDER BY minute DESC LIMIT 1" },
};

struct report *report_open(const char *path, struct error *err)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->db = sql_open_read(path, err);
	if (r->db && migrate_check(r->db, migrations, migrations_count, err) == 0 &&
	    sieve_register(r->db, err) == 0 && report_register_network(r->db, err) == 0 &&
	    row_reader_init(&r->reader, r->db, err) == 0 &&
	    sql_prepare_all(r->db, r, statements, SQL_COUNT(statements), err) == 0)
		return r;
	report_close(r);
	return NULL;
}

void report_close(struct report *r)
{
	if (!r)
		return;
	sql_close(r->db);
	free(r);
}

struct period report_period(usec_t since, usec_t until)
{
	return (struct period){ since > 0 ? since : 0, until > 0 ? until : INT64_MAX };
}

int report_begin(struct report *r, struct error *err)
{
	return sql_exec(r->db, "BEGIN", err);
}

int report_end(struct report *r, int rc)
{
	sql_exec(r->db, "ROLLBACK", NULL);
	return rc;
}

int report_latest(struct report *r, int what, int64_t from, int64_t to, int64_t *found,
		  struct error *err)
{
	int rc;

	sql_bind_int(r->latest, 1, what);
	sql_bind_int(r->latest, 2, from);
	sql_bind_int(r->latest, 3, to);
	rc = sql_step(r->latest, err);
	if (rc == 1) {
		*found = sql_int(r->latest, 0);
		sql_reset(r->latest);
	}
	return rc;
}

int report_find_account(struct report *r, struct str name, int64_t *id, struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, "SELECT id FROM account WHERE text = ?1", err);
	int rc;

	*id = 0;
	if (!st)
		return -1;
	sql_bind_str(st, 1, name);
	rc = sql_step(st, err);
	if (rc == 1)
		*id = sql_int(st, 0);
	sql_finalize(st);
	return rc;
}

/* --- one message ----------------------------------------------------------- */

static int load_php(struct report *r, struct loaded *l, struct error *err)
{
	int rc;

	if (!l->message->php)
		return 1;
	l->php = php_mail_new();
	rc = row_read_php(&r->reader, l->message->php, l->php, err);
	if (rc == 1)
		return 1;
	php_mail_free(l->php);
	l->php = NULL;
	return rc < 0 ? -1 : 1; /* gone by retention: the message stands alone */
}

int report_load(struct report *r, int64_t id, struct loaded *out, struct error *err)
{
	int rc;

	*out = (struct loaded){ message_new(), NULL };
	rc = row_read_message(&r->reader, id, out->message, err);
	if (rc == 1)
		rc = load_php(r, out, err);
	if (rc != 1)
		report_unload(out);
	return rc;
}

void report_unload(struct loaded *l)
{
	message_free(l->message);
	php_mail_free(l->php);
	*l = (struct loaded){ NULL, NULL };
}

/* --- the candidates' query ------------------------------------------------- */

/* Parameters of every query of candidates; the limit comes last so that all
 * numbers exist in each of them. */
enum parameter {
	P_SINCE = 1,
	P_UNTIL,
	P_FROM, /* day, or first minute of the span */
	P_TO, /* last minute of the span */
	P_SENDER, /* local part */
	P_RCPT_LOCAL,
	P_RCPT, /* address or @domain */
	P_LIMIT
};

#define IN_PERIOD " AND m.time >= ?1 AND m.time < ?2"
#define NEWEST_FIRST " ORDER BY m.time DESC, m.id DESC LIMIT ?8"

static const char by_minutes[] =
	"SELECT m.id FROM minute s CROSS JOIN message_row m ON m.id BETWEEN s.first AND s.last"
	" AND m.time / 60000000 = s.minute"
	" WHERE s.what = 0 AND s.minute BETWEEN ?3 AND ?4" IN_PERIOD;
/* The + takes the type from the column; with it SQLite sees no use for an index
 * on an expression, which has none. */
static const char by_account[] =
	"SELECT m.id FROM hourly h CROSS JOIN message_row m INDEXED BY message_account"
	" ON m.time / 3600000000 = +h.hour AND m.account = h.account"
	" WHERE h.day = ?3 AND h.account = %lld" IN_PERIOD;
static const char by_sieve[] =
	"SELECT m.id FROM sieve v CROSS JOIN message_row m"
	" ON m.id BETWEEN v.chunk * 4096 AND v.chunk * 4096 + 4095"
	" WHERE v.chunk BETWEEN"
	" (SELECT min(first) FROM minute WHERE what = 0 AND minute BETWEEN ?3 AND ?4) / 4096 AND"
	" (SELECT max(last) FROM minute WHERE what = 0 AND minute BETWEEN ?3 AND ?4) / 4096"
	" AND sieve_has(v.bits, ?7) AND m.time / 60000000 BETWEEN ?3 AND ?4" IN_PERIOD;

struct search {
	struct report *report;
	const struct message_filter *filter;
	struct period period;
	FILE *sql; /* the text as it grows */
	bool nothing; /* a name asked for is not in its dictionary */
	struct str sender_local, rcpt_local;
	int64_t account;
	int64_t left; /* rows still wanted; -1: all */
	report_message_fn *fn;
	void *context;
	bool stopped;
};

/* Writes "(1,2,3)": ids of the dictionary entries a query finds for a text.
 * Returns how many; -1 error. */
static int64_t add_ids(struct search *q, const char *query, struct str text, struct error *err)
{
	struct sql_stmt *st = sql_prepare(q->report->db, query, err);
	int64_t n = 0;
	int rc = -1;

	if (!st)
		return -1;
	sql_bind_str(st, 1, text);
	fputc('(', q->sql);
	while ((rc = sql_step(st, err)) == 1)
		fprintf(q->sql, "%s%lld", n++ ? "," : "", (long long)sql_int(st, 0));
	fputc(')', q->sql);
	sql_finalize(st);
	return rc < 0 ? -1 : n;
}

/* " AND COLUMN IN (...)", or IS NULL when the text asked for is empty. */
static int add_entry(struct search *q, const char *column, const char *query, struct str text,
		     struct error *err)
{
	int64_t n;

	if (!text.p)
		return 0;
	if (!text.n) {
		fprintf(q->sql, " AND %s IS NULL", column);
		return 0;
	}
	fprintf(q->sql, " AND %s IN ", column);
	n = add_ids(q, query, text, err);
	q->nothing = q->nothing || n == 0;
	return n < 0 ? -1 : 0;
}

static int add_login(struct search *q, struct error *err)
{
	static const char query[] = "SELECT id FROM login WHERE text = ?1";
	struct str login = q->filter->login;
	int64_t n;

	if (!login.p)
		return 0;
	if (!login.n) {
		fputs(" AND m.login IS NULL AND m.user IS NULL", q->sql);
		return 0;
	}
	fputs(" AND (m.login IN ", q->sql);
	n = add_ids(q, query, login, err);
	fputs(" OR m.user IN ", q->sql);
	if (n >= 0)
		n = add_ids(q, query, login, err);
	fputc(')', q->sql);
	q->nothing = q->nothing || n == 0;
	return n < 0 ? -1 : 0;
}

/* The two columns of an address compared with what is asked for. */
static int add_address(struct search *q, const char *local_column, const char *domain_column,
		       enum parameter local_parameter, struct str address, struct str *local,
		       struct error *err)
{
	static const char domain_query[] =
		"SELECT id FROM domain WHERE text = ?1 COLLATE NOCASE";
	struct str domain;

	if (address_split(address, local, &domain)) {
		fprintf(q->sql, "%s IN ", domain_column);
		if (add_ids(q, domain_query, domain, err) < 0)
			return -1;
	} else {
		fprintf(q->sql, "%s IS NULL", domain_column);
	}
	if (local->n || !domain.n)
		fprintf(q->sql, " AND %s = ?%d COLLATE NOCASE", local_column, local_parameter);
	return 0;
}

static int add_sender(struct search *q, struct error *err)
{
	if (!q->filter->sender.p)
		return 0;
	fputs(" AND ", q->sql);
	return add_address(q, M_SENDER_LOCAL, "m.sender_domain", P_SENDER, q->filter->sender,
			   &q->sender_local, err);
}

static int add_rcpt(struct search *q, struct error *err)
{
	if (!q->filter->rcpt.p)
		return 0;
	fputs(" AND ((", q->sql);
	if (add_address(q, "m.rcpt_local", "m.rcpt_domain", P_RCPT_LOCAL, q->filter->rcpt,
			&q->rcpt_local, err) < 0)
		return -1;
	fputs(") OR EXISTS (SELECT 1 FROM recipient_row r WHERE r.message = m.id AND (", q->sql);
	if (add_address(q, "r.local", "r.domain", P_RCPT_LOCAL, q->filter->rcpt, &q->rcpt_local,
			err) < 0)
		return -1;
	if (q->filter->rcpt.n && q->filter->rcpt.p[0] == '@')
		fputs(" OR lower(substr(r.orig_to, -length(?7))) = lower(?7))))", q->sql);
	else
		fputs(" OR r.orig_to = ?7 COLLATE NOCASE)))", q->sql);
	return 0;
}

static void add_numbers(struct search *q)
{
	static const char *const has_status[RCPT_STATUSES] = {
		[RCPT_PENDING] = M_PENDING " > 0",   [RCPT_DEFERRED] = M_DEFERRED " > 0",
		[RCPT_BOUNCED] = M_BOUNCED " > 0",   [RCPT_EXPIRED] = M_EXPIRED " > 0",
		[RCPT_REJECTED] = M_REJECTED " > 0",
		[RCPT_SENT] = "m.recipients > coalesce(" M_PENDING " + " M_DEFERRED " + "
			      M_BOUNCED " + " M_EXPIRED " + " M_REJECTED ", 0)",
	};
	const struct message_filter *f = q->filter;

	if (f->status >= 0 && f->status < RCPT_STATUSES)
		fprintf(q->sql, " AND %s", has_status[f->status]);
	if (f->direction >= 0)
		fprintf(q->sql, " AND " M_DIRECTION " = %d", f->direction);
	if (f->account.p && !f->account.n)
		fputs(" AND m.account IS NULL", q->sql);
}

static int add_ip(struct search *q, struct error *err)
{
	static const char query[] = "SELECT id FROM client WHERE ip = ?1";
	struct str ip = q->filter->ip;

	if (!ip.p || ip.n)
		return add_entry(q, "m.client", query, ip, err);
	fputs(" AND (m.client IS NULL OR m.client IN ", q->sql);
	if (add_ids(q, query, ip, err) < 0)
		return -1;
	fputc(')', q->sql);
	return 0;
}

static int add_conditions(struct search *q, struct error *err)
{
	if (add_login(q, err) < 0 || add_sender(q, err) < 0 || add_rcpt(q, err) < 0 ||
	    add_ip(q, err) < 0)
		return -1;
	if (add_entry(q, "m.script", "SELECT id FROM path WHERE text GLOB ?1", q->filter->script,
		      err) < 0)
		return -1;
	add_numbers(q);
	fputs(NEWEST_FIRST, q->sql);
	return 0;
}

static int write_query(struct search *q, struct error *err)
{
	int rc = 1;

	if (q->filter->account.n) {
		rc = report_find_account(q->report, q->filter->account, &q->account, err);
		if (rc < 0)
			return -1;
		fprintf(q->sql, by_account, (long long)q->account);
	} else {
		fputs(q->filter->rcpt.n ? by_sieve : by_minutes, q->sql);
	}
	q->nothing = rc == 0;
	return add_conditions(q, err);
}

static struct sql_stmt *prepare_search(struct search *q, struct error *err)
{
	struct sql_stmt *st = NULL;
	char *text = NULL;
	size_t n = 0;
	int rc;

	q->sql = open_memstream(&text, &n);
	if (!q->sql)
		bug("out of memory");
	rc = write_query(q, err);
	fclose(q->sql);
	if (rc == 0)
		st = sql_prepare(q->report->db, text, err);
	free(text);
	if (!st)
		return NULL;
	sql_bind_int(st, P_SINCE, q->period.since);
	sql_bind_int(st, P_UNTIL, q->period.until);
	sql_bind_str(st, P_SENDER, q->sender_local);
	sql_bind_str(st, P_RCPT_LOCAL, q->rcpt_local);
	sql_bind_str(st, P_RCPT, q->filter->rcpt);
	return st;
}

/* --- going through them ---------------------------------------------------- */

static int show(struct search *q, int64_t id, struct error *err)
{
	struct report_message row;
	struct loaded l;
	int rc = report_load(q->report, id, &l, err);

	if (rc != 1)
		return rc;
	row = (struct report_message){ l.message, l.php };
	q->stopped = !q->fn(q->context, &row);
	if (q->left > 0)
		q->left--;
	report_unload(&l);
	return 0;
}

/* Shows the candidates of a span. */
static int search_span(struct search *q, struct sql_stmt *st, int64_t from, int64_t to,
		       struct error *err)
{
	int rc = 0;

	sql_bind_int(st, P_FROM, from);
	sql_bind_int(st, P_TO, to);
	sql_bind_int(st, P_LIMIT, q->left);
	while (rc >= 0 && !q->stopped && (rc = sql_step(st, err)) == 1)
		rc = show(q, sql_int(st, 0), err);
	sql_reset(st);
	q->stopped = q->stopped || q->left == 0;
	return rc < 0 ? -1 : 0;
}

/* The minutes that a step takes in, behind (at or before) the newest one. */
static int64_t span_start(const struct search *q, int64_t newest, int64_t span)
{
	if (q->filter->account.n)
		return newest / MINUTES_PER_DAY * MINUTES_PER_DAY;
	return newest - span + 1;
}

/* A sieve is of thousands of messages, and where it says yes all of them are looked at:
 * days of few messages must not do so again and again. */
static int64_t next_span(const struct search *q, int64_t span)
{
	bool sieved = q->filter->rcpt.n && !q->filter->account.n;

	return sieved || span < MINUTES_PER_DAY / 2 ? span * 2 : MINUTES_PER_DAY;
}

static int search_back(struct search *q, struct sql_stmt *st, struct error *err)
{
	int64_t oldest = q->period.since / USEC_MINUTE;
	int64_t newest = (q->period.until - 1) / USEC_MINUTE, span = 1;
	bool by_day = q->filter->account.n > 0;
	int rc = 0;

	while (!q->stopped && (rc = report_latest(q->report, MINUTE_MESSAGE, oldest, newest,
						  &newest, err)) == 1) {
		int64_t from = span_start(q, newest, span);

		if (search_span(q, st, by_day ? newest / MINUTES_PER_DAY : from, newest, err) < 0)
			return -1;
		newest = from - 1;
		span = next_span(q, span);
	}
	return rc < 0 ? -1 : 0;
}

static int search(struct search *q, struct error *err)
{
	struct sql_stmt *st = prepare_search(q, err);
	int rc;

	if (!st)
		return -1;
	rc = q->nothing ? 0 : search_back(q, st, err);
	sql_finalize(st);
	return rc;
}

int report_messages(struct report *r, const struct message_filter *filter,
		    report_message_fn *fn, void *context, struct error *err)
{
	struct search q = {
		.report = r,
		.filter = filter,
		.period = report_period(filter->since, filter->until),
		.left = filter->limit > 0 ? filter->limit : -1,
		.fn = fn,
		.context = context,
	};

	if (report_begin(r, err) < 0)
		return -1;
	return report_end(r, search(&q, err));
}
