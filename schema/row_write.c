/* From structs to rows, the mirror image of row_read.c.
 *
 * Invariant: what hangs on a message (recipients, lookups, its share of the
 * hourly sums) changes together with its row. Decides nothing about mail; does
 * not begin or end transactions. */
#include "schema/row_write.h"

#include "schema/cells.h"
#include "schema/row_read.h"

#define MESSAGE_COLUMNS \
	"id, time, took, origin, queue_id, state, direction, channel, account, via, ambiguous," \
	" login, user, uid, client, cwd, script, script_line, php, sender_local," \
	" sender_domain, subject, message_id, size, parent_id, parent, recipients," \
	" rcpt_dropped, pending, deferred, bounced, expired, rejected, aliases," \
	" evidence, work"

#define MESSAGE_VALUES \
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?," \
	" ?, ?, ?, ?, ?, ?, ?)"
#define PHP_COLUMNS \
	"id, time, state, origin, account, script, script_line, eval, tenant, ambiguous, rcpt," \
	" subject, headers, message_id, uid, pid, message"
#define PHP_VALUES "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* `add` and `put` differ in what they cost: REPLACE looks for old rows in each index. */
static const struct sql_text statements[] = {
	{ offsetof(struct row_writer, add),
	  "INSERT INTO message (" MESSAGE_COLUMNS ") VALUES " MESSAGE_VALUES },
	{ offsetof(struct row_writer, put),
	  "REPLACE INTO message (" MESSAGE_COLUMNS ") VALUES " MESSAGE_VALUES },
	{ offsetof(struct row_writer, old),
	  "SELECT time, account, recipients, pending, deferred, bounced, expired, rejected,"
	  " queue_id, message_id, aliases FROM message WHERE id = ?1" },
	{ offsetof(struct row_writer, drop), "DELETE FROM message WHERE id = ?1" },
	{ offsetof(struct row_writer, add_recipient),
	  "INSERT INTO recipient (message, n, local, domain, orig_to, status, place, dsn, relay,"
	  " response, delay) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
	{ offsetof(struct row_writer, drop_recipients),
	  "DELETE FROM recipient WHERE message = ?1" },
	{ offsetof(struct row_writer, put_lookup),
	  "INSERT OR IGNORE INTO lookup (key, message) VALUES (?1, ?2)" },
	{ offsetof(struct row_writer, drop_lookup),
	  "DELETE FROM lookup WHERE key = ?1 AND message = ?2" },
	{ offsetof(struct row_writer, add_php),
	  "INSERT INTO php_mail (" PHP_COLUMNS ") VALUES " PHP_VALUES },
	{ offsetof(struct row_writer, put_php),
	  "REPLACE INTO php_mail (" PHP_COLUMNS ") VALUES " PHP_VALUES },
	{ offsetof(struct row_writer, drop_php), "DELETE FROM php_mail WHERE id = ?1" },
};

static const struct {
	size_t member;
	const char *table, *columns;
	int ntexts;
} dictionaries[] = {
	{ offsetof(struct row_writer, account), "account", "text", 1 },
	{ offsetof(struct row_writer, login), "login", "text", 1 },
	{ offsetof(struct row_writer, path), "path", "text", 1 },
	{ offsetof(struct row_writer, domain), "domain", "text", 1 },
	{ offsetof(struct row_writer, origin), "origin", "host, instance", 2 },
	{ offsetof(struct row_writer, client), "client", "ip, name, helo", 3 },
	{ offsetof(struct row_writer, relay), "relay", "host, ip", 2 },
};
#define DICTIONARIES (sizeof(dictionaries) / sizeof(dictionaries[0]))

static struct dictionary *dictionary_at(struct row_writer *w, size_t i)
{
	return (struct dictionary *)(void *)((char *)w + dictionaries[i].member);
}

int row_writer_init(struct row_writer *w, struct sql *db, struct error *err)
{
	*w = (struct row_writer){ 0 };
	for (size_t i = 0; i < DICTIONARIES; i++)
		if (dictionary_init(dictionary_at(w, i), db, dictionaries[i].table,
				    dictionaries[i].columns, dictionaries[i].ntexts, err) < 0)
			return -1;
	if (dictionary_init_daily(&w->response, db, "response", err) < 0 ||
	    minutes_init(&w->minutes, db, err) < 0 || hourly_init(&w->hourly, db, err) < 0 ||
	    sieve_init(&w->sieve, db, err) < 0)
		return -1;
	return sql_prepare_all(db, w, statements, SQL_COUNT(statements), err);
}

void row_writer_release(struct row_writer *w)
{
	for (size_t i = 0; i < DICTIONARIES; i++)
		dictionary_release(dictionary_at(w, i));
	dictionary_release(&w->response);
	hourly_release(&w->hourly);
	arena_release(&w->scratch);
}

int row_writer_flush(struct row_writer *w, struct error *err)
{
	if (minutes_flush(&w->minutes, err) < 0 || hourly_flush(&w->hourly, err) < 0)
		return -1;
	return sieve_flush(&w->sieve, err);
}

void row_writer_committed(struct row_writer *w)
{
	hourly_forget(&w->hourly);
	w->php = 0;
}

void row_writer_rolled_back(struct row_writer *w)
{
	for (size_t i = 0; i < DICTIONARIES; i++)
		dictionary_forget(dictionary_at(w, i));
	dictionary_forget(&w->response);
	minutes_forget(&w->minutes);
	hourly_forget(&w->hourly);
	sieve_forget(&w->sieve);
	w->php = 0;
}

/* --- columns --------------------------------------------------------------- */

static int give_origin(struct cells_out *c, struct row_writer *w, struct str host,
		       struct str instance)
{
	struct str texts[] = { host, instance };
	int64_t id;

	if (dictionary_id(&w->origin, texts, &id, c->err) < 0)
		return -1;
	give_number(c, id);
	return 0;
}

/* Two columns. */
static int give_address(struct cells_out *c, struct row_writer *w, struct str address)
{
	struct str local, domain;

	address_split(address, &local, &domain);
	sql_bind_str(c->st, c->at++, local);
	return give_entry(c, &w->domain, &domain);
}

static int give_sender(struct cells_out *c, struct row_writer *w, const struct message *m)
{
	if (m->sender.n || m->sender_null)
		return give_address(c, w, m->sender_null ? STR_NONE : m->sender);
	sql_bind_null(c->st, c->at++);
	sql_bind_null(c->st, c->at++);
	return 0;
}

/* One queue id a line: a log line holds no newline. */
static struct str join_aliases(struct row_writer *w, const struct message *m)
{
	size_t n = 0, at = 0;
	char *text;

	for (size_t i = 0; i < m->naliases; i++)
		n += m->aliases[i].n + 1;
	if (!n)
		return STR_NONE;
	text = arena_alloc(&w->scratch, n);
	for (size_t i = 0; i < m->naliases; i++) {
		if (i)
			text[at++] = '\n';
		if (m->aliases[i].n)
			memcpy(text + at, m->aliases[i].p, m->aliases[i].n);
		at += m->aliases[i].n;
	}
	return (struct str){ text, at };
}

static void give_statuses(struct cells_out *c, const struct tally *t)
{
	give_int(c, t->status[RCPT_PENDING], 0);
	give_int(c, t->status[RCPT_DEFERRED], 0);
	give_int(c, t->status[RCPT_BOUNCED], 0);
	give_int(c, t->status[RCPT_EXPIRED], 0);
	give_int(c, t->status[RCPT_REJECTED], 0);
}

/* Only what is open or waits for its PHP line still needs its work; the index
 * message_work finds both, so it is not NULL then. */
static void give_work(struct cells_out *c, struct row_writer *w, const struct message *m)
{
	if (m->closed && !m->work.waiting) {
		give_str(c, message_evidence_pack(m, &w->scratch));
		sql_bind_null(c->st, c->at++);
		return;
	}
	sql_bind_null(c->st, c->at++);
	sql_bind_str(c->st, c->at++, message_work_pack(m, &w->scratch));
}

static int give_where_from(struct cells_out *c, struct row_writer *w, const struct message *m)
{
	struct str client[] = { m->client_ip, m->client_name, m->helo };

	give_number(c, m->via);
	give_int(c, m->ambiguous, 0);
	if (give_entry(c, &w->login, &m->login) < 0 || give_entry(c, &w->login, &m->user) < 0)
		return -1;
	give_int(c, m->uid, -1);
	if (give_entry(c, &w->client, client) < 0 || give_entry(c, &w->path, &m->cwd) < 0 ||
	    give_entry(c, &w->path, &m->script) < 0)
		return -1;
	give_int(c, m->script_line, -1);
	give_int(c, m->php, 0);
	return give_sender(c, w, m);
}

static int write_message(struct row_writer *w, const struct message *m, const struct tally *t,
			 struct error *err)
{
	struct cells_out c = { m->stored ? w->put : w->add, 1, err };

	give_number(&c, m->id);
	give_number(&c, m->time);
	if (m->closed)
		give_number(&c, m->closed - m->time);
	else
		sql_bind_null(c.st, c.at++);
	if (give_origin(&c, w, m->host, m->instance) < 0)
		return -1;
	sql_bind_str(c.st, c.at++, m->queue_id);
	give_int(&c, m->state, MSG_DONE);
	give_int(&c, m->direction, DIR_OUTBOUND);
	give_number(&c, m->channel);
	give_int(&c, t->account, 0);
	if (give_where_from(&c, w, m) < 0)
		return -1;
	give_str(&c, m->subject);
	give_str(&c, m->message_id);
	give_int(&c, m->size, -1);
	give_str(&c, m->parent_id);
	give_int(&c, m->parent, 0);
	give_number(&c, t->recipients);
	give_int(&c, m->rcpt_dropped, 0);
	give_statuses(&c, t);
	give_str(&c, join_aliases(w, m));
	give_work(&c, w, m);
	return sql_run(c.st, err);
}

static int give_response(struct cells_out *c, struct row_writer *w, const struct recipient *r)
{
	int64_t id = 0;

	if (r->status != RCPT_SENT && r->response.n &&
	    dictionary_daily_id(&w->response, r->response, w->day, &id, c->err) < 0)
		return -1;
	give_int(c, id, 0);
	return 0;
}

static int write_recipient(struct row_writer *w, const struct message *m, size_t n,
			   struct error *err)
{
	const struct recipient *r = &m->rcpt[n];
	struct str relay[] = { r->relay, r->relay_ip };
	struct cells_out c = { w->add_recipient, 1, err };

	give_number(&c, m->id);
	give_number(&c, (int64_t)n);
	if (give_address(&c, w, r->address) < 0)
		return -1;
	give_str(&c, r->orig_to);
	give_int(&c, r->status, RCPT_SENT);
	give_int(&c, r->place, PLACE_REMOTE);
	if (str_eq(r->dsn, STR("2.0.0")))
		sql_bind_null(c.st, c.at++);
	else
		sql_bind_str(c.st, c.at++, r->dsn);
	if (give_entry(&c, &w->relay, relay) < 0 || give_response(&c, w, r) < 0)
		return -1;
	if (r->time)
		give_number(&c, r->time - m->time);
	else
		sql_bind_null(c.st, c.at++);
	return sql_run(w->add_recipient, err);
}

static int write_recipients(struct row_writer *w, const struct message *m, struct error *err)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct recipient *r = &m->rcpt[i];

		if (write_recipient(w, m, i, err) < 0 ||
		    sieve_add(&w->sieve, m->id, r->address, err) < 0)
			return -1;
		if (r->orig_to.n && sieve_add(&w->sieve, m->id, r->orig_to, err) < 0)
			return -1;
	}
	return 0;
}

/* --- lookups --------------------------------------------------------------- */

static int change_lookup(struct sql_stmt *st, int64_t message, usec_t time, struct str id,
			 struct error *err)
{
	if (!id.n)
		return 0;
	sql_bind_int(st, 1, (time / USEC_HOUR) << LOOKUP_HASH_BITS | lookup_hash(id));
	sql_bind_int(st, 2, message);
	return sql_run(st, err);
}

/* All ids of a message: queue id, Message-ID, aliases one a line. */
static int change_lookups(struct sql_stmt *st, int64_t message, usec_t time, struct str queue_id,
			  struct str message_id, struct str aliases, struct error *err)
{
	struct str instance;

	if (change_lookup(st, message, time, queue_id, err) < 0 ||
	    change_lookup(st, message, time, message_id, err) < 0)
		return -1;
	while (aliases.n) {
		size_t end = str_chr(aliases, '\n');
		struct str id = alias_id(str_head(aliases, end), &instance);

		if (change_lookup(st, message, time, id, err) < 0)
			return -1;
		aliases = str_skip(aliases, end + 1);
	}
	return 0;
}

/* --- messages -------------------------------------------------------------- */

static int tally_of(struct row_writer *w, const struct message *m, struct tally *t,
		    struct error *err)
{
	*t = (struct tally){ .time = m->time, .messages = 1, .recipients = (int64_t)m->nrcpt };
	for (size_t i = 0; i < m->nrcpt; i++)
		t->status[m->rcpt[i].status]++;
	return m->account.n ? dictionary_id(&w->account, &m->account, &t->account, err) : 0;
}

static void read_tally(struct sql_stmt *old, struct tally *t)
{
	*t = (struct tally){ .time = sql_int(old, 0), .account = sql_int(old, 1), .messages = 1,
			     .recipients = sql_int(old, 2) };
	t->status[RCPT_PENDING] = sql_int(old, 3);
	t->status[RCPT_DEFERRED] = sql_int(old, 4);
	t->status[RCPT_BOUNCED] = sql_int(old, 5);
	t->status[RCPT_EXPIRED] = sql_int(old, 6);
	t->status[RCPT_REJECTED] = sql_int(old, 7);
}

/* 1: the row as it is stored; 0: there is none. w->old stays on it. */
static int find_old(struct row_writer *w, int64_t id, struct tally *t, struct error *err)
{
	int rc;

	sql_bind_int(w->old, 1, id);
	rc = sql_step(w->old, err);
	if (rc == 1)
		read_tally(w->old, t);
	return rc;
}

static int run_for_id(struct sql_stmt *st, int64_t id, struct error *err)
{
	sql_bind_int(st, 1, id);
	return sql_run(st, err);
}

int row_drop_message(struct row_writer *w, int64_t id, struct error *err)
{
	struct tally t;
	int rc = find_old(w, id, &t, err);

	if (rc <= 0)
		return rc;
	hourly_count(&w->hourly, &t, -1);
	rc = change_lookups(w->drop_lookup, id, t.time, sql_str(w->old, 8), sql_str(w->old, 9),
			    sql_str(w->old, 10), err);
	sql_reset(w->old);
	if (rc < 0 || run_for_id(w->drop_recipients, id, err) < 0)
		return -1;
	return run_for_id(w->drop, id, err);
}

/* Takes the stored row out of the sums. 1: it is there and its recipients are
 * still right; 0: recipients must be written. */
static int replace_old(struct row_writer *w, const struct message *m, bool *is_new,
		       struct error *err)
{
	struct tally t;
	int rc = find_old(w, m->id, &t, err);

	*is_new = rc == 0;
	if (rc <= 0)
		return rc;
	sql_reset(w->old);
	if (t.time != m->time) { /* minute and lookups follow the time */
		*is_new = true;
		return row_drop_message(w, m->id, err);
	}
	hourly_count(&w->hourly, &t, -1);
	if (!m->rcpt_dirty && t.recipients == (int64_t)m->nrcpt)
		return 1;
	return run_for_id(w->drop_recipients, m->id, err);
}

int row_put_message(struct row_writer *w, const struct message *m, struct error *err)
{
	bool is_new = !m->stored;
	int keep = m->stored ? replace_old(w, m, &is_new, err) : 0;
	struct tally t;

	if (keep < 0 || tally_of(w, m, &t, err) < 0)
		return -1;
	arena_reset(&w->scratch);
	if (write_message(w, m, &t, err) < 0 || (!keep && write_recipients(w, m, err) < 0))
		return -1;
	hourly_count(&w->hourly, &t, 1);
	if (is_new && minutes_add(&w->minutes, MINUTE_MESSAGE, m->id, m->time, err) < 0)
		return -1;
	return change_lookups(w->put_lookup, m->id, m->time, m->queue_id, m->message_id,
			      join_aliases(w, m), err);
}

/* --- PHP lines ------------------------------------------------------------- */

static int write_php(struct row_writer *w, const struct php_mail *p, struct error *err)
{
	struct cells_out c = { p->stored ? w->put_php : w->add_php, 1, err };

	give_number(&c, p->id);
	give_number(&c, p->time);
	give_int(&c, p->state, PHP_MATCHED);
	if (give_origin(&c, w, p->host, STR_NONE) < 0 ||
	    give_entry(&c, &w->account, &p->account) < 0 ||
	    give_entry(&c, &w->path, &p->script) < 0)
		return -1;
	give_int(&c, p->script_line, -1);
	give_int(&c, p->eval, 0);
	give_int(&c, p->tenant, 0);
	give_int(&c, p->ambiguous, 0);
	give_str(&c, p->to);
	give_str(&c, p->subject);
	give_str(&c, p->headers);
	give_str(&c, p->message_id);
	give_int(&c, p->uid, -1);
	give_int(&c, p->pid, 0);
	give_int(&c, p->message, 0);
	return sql_run(c.st, err);
}

int row_put_php(struct row_writer *w, const struct php_mail *p, struct error *err)
{
	if (write_php(w, p, err) < 0)
		return -1;
	if (p->stored)
		return 0;
	w->php++;
	return minutes_add(&w->minutes, MINUTE_PHP, p->id, p->time, err);
}

int row_drop_php(struct row_writer *w, int64_t id, struct error *err)
{
	w->php--;
	return run_for_id(w->drop_php, id, err);
}
