/* From structs to rows, the mirror image of row_read.c.
 *
 * Invariant: what hangs on a message (recipients, its share of the
 * hourly sums) changes together with its row. Decides nothing about mail; does
 * not begin or end transactions. */
#include "schema/row_write.h"

#include "schema/cells.h"
#include "schema/mid.h"
#include "schema/row_layout.h"
#include "schema/row_read.h"

#define MESSAGE_COLUMNS \
	"id, time, took, kind, origin, queue_id, account, login, user, uid, client, cwd, script," \
	" script_line, php, sender_local, sender_domain, subject, message_id, message_domain," \
	" size, recipients, unsent, rcpt_local, rcpt_domain, dsn, relay, response, delay," \
	" evidence, work"
#define N_MESSAGE_COLUMNS 31
#define MESSAGE_VALUES \
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?," \
	" ?, ?)"
#define PHP_COLUMNS \
	"id, time, state, flags, origin, account, script, script_line, rcpt_local, rcpt_domain," \
	" subject, headers, message_id, message_domain, uid, pid, message"
#define N_PHP_COLUMNS 17
#define PHP_VALUES "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* `put` costs more than `add`: REPLACE looks for old rows in each index. */
static const struct sql_text statements[] = {
	{ offsetof(struct row_writer, put),
	  "REPLACE INTO message_row (" MESSAGE_COLUMNS ") VALUES " MESSAGE_VALUES },
	{ offsetof(struct row_writer, old),
	  "SELECT m.time, m.account, m.recipients, m.unsent, m.kind, m.queue_id, x.aliases,"
	  " m.message_id IS NOT NULL, m.subject IS 0, m.php, m.rcpt_local"
	  " FROM message_row m" WITH_MORE " WHERE m.id = ?1" },
	{ offsetof(struct row_writer, drop), "DELETE FROM message_row WHERE id = ?1" },
	{ offsetof(struct row_writer, put_more),
	  "REPLACE INTO message_more (message, parent_id, parent, rcpt_dropped, aliases)"
	  " VALUES (?, ?, ?, ?, ?)" },
	{ offsetof(struct row_writer, drop_more), "DELETE FROM message_more WHERE message = ?1" },
	{ offsetof(struct row_writer, add_recipient),
	  "INSERT INTO recipient_row (message, n, local, domain, orig_to, status, place, dsn,"
	  " relay, response, delay) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
	{ offsetof(struct row_writer, drop_recipients),
	  "DELETE FROM recipient_row WHERE message = ?1" },
	{ offsetof(struct row_writer, put_php),
	  "REPLACE INTO php_row (" PHP_COLUMNS ") VALUES " PHP_VALUES },
	{ offsetof(struct row_writer, drop_php), "DELETE FROM php_row WHERE id = ?1" },
};

static const struct {
	size_t member;
	const char *table, *columns;
	int ntexts;
	bool hashed;
} dictionaries[] = {
	{ offsetof(struct row_writer, account), "account", "text", 1, false },
	{ offsetof(struct row_writer, login), "login", "text", 1, false },
	{ offsetof(struct row_writer, path), "path", "text", 1, false },
	{ offsetof(struct row_writer, domain), "domain", "text", 1, true },
	{ offsetof(struct row_writer, origin), "origin", "host, instance", 2, false },
	{ offsetof(struct row_writer, client), "client", "ip, name, helo", 3, true },
	{ offsetof(struct row_writer, relay), "relay", "host, ip", 2, true },
};
#define DICTIONARIES (sizeof(dictionaries) / sizeof(dictionaries[0]))
/* Of PHP_MAIL_MAX_HEADERS bytes at most. */
#define MAX_HEADERS_CACHED 4000
#define MAX_WORDS_CACHED 10000
#define MAX_WORD 256 /* bytes */
/* Rows whose texts wait in memory. */
#define MAX_UNDER_WAY 1024

/* What is to be known of the row that is there already. */
struct old_row {
	bool exists;
	struct tally tally;
	bool same_ids, same_recipients; /* as the message that is written now */
	bool single, more; /* its recipient is in it; there is a row of message_more */
	int64_t subject_of; /* PHP call whose subject it has */
};

static struct dictionary *dictionary_at(struct row_writer *w, size_t i)
{
	return (struct dictionary *)(void *)((char *)w + dictionaries[i].member);
}

int row_writer_init(struct row_writer *w, struct sql *db, struct error *err)
{
	*w = (struct row_writer){ 0 };
	for (size_t i = 0; i < DICTIONARIES; i++)
		if (dictionary_init(dictionary_at(w, i), db, dictionaries[i].table,
				    dictionaries[i].columns, dictionaries[i].ntexts,
				    dictionaries[i].hashed, err) < 0)
			return -1;
	if (dictionary_init_daily(&w->response, db, "response", DICTIONARY_MAX_CACHED, err) < 0 ||
	    dictionary_init_daily(&w->headers, db, "php_headers", MAX_HEADERS_CACHED, err) < 0 ||
	    dictionary_init_daily(&w->word, db, "word", MAX_WORDS_CACHED, err) < 0)
		return -1;
	if (minutes_init(&w->minutes, db, err) < 0 || hourly_init(&w->hourly, db, err) < 0 ||
	    sieve_init(&w->sieve, db, err) < 0 || lookup_init(&w->lookup, db, err) < 0)
		return -1;
	w->add = sql_prepare_rows(db, "message_row (" MESSAGE_COLUMNS ")",
				  N_MESSAGE_COLUMNS, err);
	w->add_php = sql_prepare_rows(db, "php_row (" PHP_COLUMNS ")", N_PHP_COLUMNS,
				      err);
	if (!w->add || !w->add_php)
		return -1;
	return sql_prepare_all(db, w, statements, SQL_COUNT(statements), err);
}

void row_writer_release(struct row_writer *w)
{
	for (size_t i = 0; i < DICTIONARIES; i++)
		dictionary_release(dictionary_at(w, i));
	dictionary_release(&w->response);
	dictionary_release(&w->headers);
	dictionary_release(&w->word);
	lookup_release(&w->lookup);
	hourly_release(&w->hourly);
	arena_release(&w->scratch);
}

/* Rows under way, and their texts. */
static int flush_rows(struct row_writer *w, struct error *err)
{
	struct dictionary *daily[] = { &w->response, &w->headers, &w->word };

	if (sql_flush(w->add, err) < 0 || sql_flush(w->add_php, err) < 0)
		return -1;
	for (size_t i = 0; i < DICTIONARIES; i++)
		if (dictionary_flush(dictionary_at(w, i), err) < 0)
			return -1;
	for (size_t i = 0; i < SQL_COUNT(daily); i++)
		if (dictionary_flush(daily[i], err) < 0)
			return -1;
	arena_reset(&w->scratch);
	w->under_way = 0;
	return 0;
}

/* Begins a row. */
static int make_room(struct row_writer *w, struct error *err)
{
	return ++w->under_way > MAX_UNDER_WAY ? flush_rows(w, err) : 0;
}

int row_writer_flush(struct row_writer *w, struct error *err)
{
	if (flush_rows(w, err) < 0)
		return -1;
	if (minutes_flush(&w->minutes, err) < 0 || hourly_flush(&w->hourly, err) < 0 ||
	    lookup_flush(&w->lookup, err) < 0)
		return -1;
	return sieve_flush(&w->sieve, err);
}

void row_writer_flushed(struct row_writer *w)
{
	hourly_forget(&w->hourly);
	map_release(&w->subjects);
	w->php = 0;
}

/* Not what is shared within a day: that is never searched. */
void row_writer_put_away(struct row_writer *w)
{
	for (size_t i = 0; i < DICTIONARIES; i++)
		dictionary_forget(dictionary_at(w, i));
}

void row_writer_rolled_back(struct row_writer *w)
{
	for (size_t i = 0; i < DICTIONARIES; i++)
		dictionary_forget(dictionary_at(w, i));
	dictionary_forget(&w->response);
	dictionary_forget(&w->headers);
	dictionary_forget(&w->word);
	lookup_forget(&w->lookup);
	minutes_forget(&w->minutes);
	hourly_forget(&w->hourly);
	sieve_forget(&w->sieve);
	sql_forget_rows(w->add);
	sql_forget_rows(w->add_php);
	arena_reset(&w->scratch);
	map_release(&w->subjects);
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

/* A text that may come again the same day. */
static int give_word(struct cells_out *c, struct row_writer *w, struct str text)
{
	int64_t id = 0;

	if (text.n && text.n <= MAX_WORD &&
	    dictionary_repeated_id(&w->word, text, w->day, &id, c->err) < 0)
		return -1;
	if (id)
		give_number(c, id);
	else
		give_str(c, text);
	return 0;
}

/* Two columns. */
static int give_sender(struct cells_out *c, struct row_writer *w, const struct message *m)
{
	struct str local, domain;

	address_split(m->sender, &local, &domain);
	if (!local.n && (m->sender.n || m->sender_null))
		sql_bind_str(c->st, c->at++, local);
	else if (give_word(c, w, local) < 0)
		return -1;
	return give_entry(c, &w->domain, &domain);
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

static bool has_more(const struct message *m)
{
	return m->parent_id.n || m->parent || m->rcpt_dropped || m->naliases;
}

/* A message to one address has its recipient in its own row. */
static bool is_single(const struct message *m)
{
	return m->nrcpt == 1 && !m->rcpt[0].orig_to.n;
}

static int64_t kind_of(const struct message *m)
{
	unsigned place = is_single(m) ? m->rcpt[0].place : 0;

	return (int64_t)m->channel << KIND_CHANNEL | (int64_t)m->via << KIND_VIA |
	       (int64_t)m->state << KIND_STATE | (int64_t)m->direction << KIND_DIRECTION |
	       (int64_t)place << KIND_PLACE | (int64_t)m->ambiguous << KIND_AMBIGUOUS |
	       (int64_t)has_more(m) << KIND_MORE;
}

/* The id of a Message-ID's domain; 0: it is not to be told apart. Only one that is known
 * already is, so that made-up ones do not stay when the message is gone. */
static int mid_domain(struct row_writer *w, const struct mid *m, int64_t *id, struct error *err)
{
	bool by_server = m->form == MID_STAMP ||
			 (m->form == MID_TEXT && str_chr(m->local, MID_QUEUE_ID) < m->local.n);

	*id = 0;
	if (m->form == MID_WHOLE)
		return 0;
	if (by_server)
		return dictionary_id(&w->domain, &m->domain, id, err);
	*id = dictionary_recall(&w->domain, &m->domain);
	return 0;
}

/* Two columns. */
static int give_mid(struct cells_out *c, struct row_writer *w, struct str id, struct str queue_id,
		    usec_t time, struct str usual_domain)
{
	struct mid m = mid_pack(id, queue_id, time, &w->scratch);
	int64_t domain;

	if (mid_domain(w, &m, &domain, c->err) < 0)
		return -1;
	if (!domain)
		m = (struct mid){ .form = MID_WHOLE, .local = id };
	if (!id.n)
		sql_bind_null(c->st, c->at++);
	else if (m.form == MID_DIGITS)
		sql_bind_blob(c->st, c->at++, m.local);
	else if (m.form == MID_STAMP)
		sql_bind_int(c->st, c->at++, m.seconds);
	else
		sql_bind_str(c->st, c->at++, m.local);
	if (!id.n || (domain && usual_domain.n && str_eq(m.domain, usual_domain)))
		sql_bind_null(c->st, c->at++);
	else
		sql_bind_int(c->st, c->at++, domain);
	return 0;
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

/* That of the PHP call is not written twice. A subject that is known never changes. */
static int give_subject(struct cells_out *c, struct row_writer *w, const struct message *m,
			 const struct old_row *old)
{
	struct str *of_php = m->php && m->subject.n ?
		map_get(&w->subjects, (struct str){ (const char *)&m->php, sizeof(m->php) }) : NULL;

	if ((of_php && str_eq(*of_php, m->subject)) || (m->php && old->subject_of == m->php))
		sql_bind_int(c->st, c->at++, SUBJECT_OF_PHP);
	else
		return give_word(c, w, m->subject);
	return 0;
}

static int give_content(struct cells_out *c, struct row_writer *w, const struct message *m,
			const struct old_row *old)
{
	struct str local, domain;

	address_split(m->sender, &local, &domain);
	if (give_subject(c, w, m, old) < 0 ||
	    give_mid(c, w, m->message_id, m->queue_id, m->time, domain) < 0)
		return -1;
	give_int(c, m->size, -1);
	return 0;
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

/* Four columns: what became of a recipient; the delay counts from a time. */
static int give_outcome(struct cells_out *c, struct row_writer *w, const struct recipient *r,
			usec_t from)
{
	struct str relay[] = { r->relay, r->relay_ip };

	if (str_eq(r->dsn, STR("2.0.0")))
		sql_bind_null(c->st, c->at++);
	else
		sql_bind_str(c->st, c->at++, r->dsn);
	if (give_entry(c, &w->relay, relay) < 0 || give_response(c, w, r) < 0)
		return -1;
	if (r->time)
		give_number(c, r->time - from);
	else
		sql_bind_null(c->st, c->at++);
	return 0;
}

static int give_single(struct cells_out *c, struct row_writer *w, const struct message *m)
{
	if (!is_single(m)) {
		for (int i = 0; i < 6; i++)
			sql_bind_null(c->st, c->at++);
		return 0;
	}
	if (give_address(c, w, m->rcpt[0].address) < 0)
		return -1;
	return give_outcome(c, w, &m->rcpt[0], m->closed ? m->closed : m->time);
}

static int write_message(struct row_writer *w, const struct message *m, const struct tally *t,
			 const struct old_row *old, struct error *err)
{
	struct cells_out c = { m->stored ? w->put : w->add, 1, err };

	give_number(&c, m->id);
	give_number(&c, m->time);
	if (m->closed)
		give_number(&c, m->closed - m->time);
	else
		sql_bind_null(c.st, c.at++);
	give_number(&c, kind_of(m));
	if (give_origin(&c, w, m->host, m->instance) < 0)
		return -1;
	sql_bind_str(c.st, c.at++, m->queue_id);
	give_int(&c, t->account, 0);
	if (give_where_from(&c, w, m) < 0 || give_content(&c, w, m, old) < 0)
		return -1;
	give_number(&c, t->recipients);
	give_int(&c, tally_unsent(t), 0);
	if (give_single(&c, w, m) < 0)
		return -1;
	give_work(&c, w, m);
	return sql_run(c.st, err);
}

static int write_more(struct row_writer *w, const struct message *m, struct error *err)
{
	struct cells_out c = { w->put_more, 1, err };

	give_number(&c, m->id);
	give_str(&c, m->parent_id);
	give_int(&c, m->parent, 0);
	give_int(&c, m->rcpt_dropped, 0);
	give_str(&c, join_aliases(w, m));
	return sql_run(c.st, err);
}

static int write_recipient(struct row_writer *w, const struct message *m, size_t n,
			   struct error *err)
{
	const struct recipient *r = &m->rcpt[n];
	struct cells_out c = { w->add_recipient, 1, err };

	give_number(&c, m->id);
	give_number(&c, (int64_t)n);
	if (give_address(&c, w, r->address) < 0)
		return -1;
	give_str(&c, r->orig_to);
	give_int(&c, r->status, RCPT_SENT);
	give_int(&c, r->place, PLACE_REMOTE);
	if (give_outcome(&c, w, r, m->time) < 0)
		return -1;
	return sql_run(w->add_recipient, err);
}

static int sieve_recipients(struct row_writer *w, const struct message *m, struct error *err)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct recipient *r = &m->rcpt[i];

		if (sieve_add(&w->sieve, m->id, r->address, err) < 0)
			return -1;
		if (r->orig_to.n && sieve_add(&w->sieve, m->id, r->orig_to, err) < 0)
			return -1;
	}
	return 0;
}

static int write_recipients(struct row_writer *w, const struct message *m, struct error *err)
{
	for (size_t i = 0; i < m->nrcpt && !is_single(m); i++)
		if (write_recipient(w, m, i, err) < 0)
			return -1;
	return sieve_recipients(w, m, err);
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

/* Does the stored row have the ids that the message has now? */
static bool has_ids_of(struct row_writer *w, const struct message *m)
{
	return str_eq(sql_str(w->old, 5), m->queue_id) &&
	       str_eq(sql_str(w->old, 6), join_aliases(w, m)) &&
	       sql_int(w->old, 7) == (m->message_id.n > 0);
}

static void take_old(struct row_writer *w, const struct message *m, struct old_row *old)
{
	struct sql_stmt *st = w->old;

	old->exists = true;
	old->tally = (struct tally){ .time = sql_int(st, 0), .account = sql_int(st, 1),
				     .messages = 1, .recipients = sql_int(st, 2) };
	tally_read_unsent(&old->tally, sql_int(st, 3));
	old->more = sql_int(st, 4) >> KIND_MORE & 1;
	old->same_ids = m && has_ids_of(w, m);
	old->subject_of = sql_int(st, 8) ? sql_int(st, 9) : 0;
	old->single = !sql_is_null(st, 10);
}

static int find_old(struct row_writer *w, int64_t id, const struct message *m,
		    struct old_row *old, struct error *err)
{
	int rc;

	*old = (struct old_row){ .exists = false };
	sql_bind_int(w->old, 1, id);
	rc = sql_step(w->old, err);
	if (rc == 1)
		take_old(w, m, old);
	sql_reset(w->old);
	return rc < 0 ? -1 : 0;
}

static int run_for_id(struct sql_stmt *st, int64_t id, struct error *err)
{
	sql_bind_int(st, 1, id);
	return sql_run(st, err);
}

static int drop_what_hangs(struct row_writer *w, int64_t id, const struct old_row *old,
			   struct error *err)
{
	if (!old->single && run_for_id(w->drop_recipients, id, err) < 0)
		return -1;
	return old->more ? run_for_id(w->drop_more, id, err) : 0;
}

/* Its lookups stay: no message is found by them any more. */
int row_drop_message(struct row_writer *w, int64_t id, struct error *err)
{
	struct old_row old;

	if (find_old(w, id, NULL, &old, err) < 0)
		return -1;
	if (!old.exists)
		return 0;
	hourly_count(&w->hourly, &old.tally, -1);
	return drop_what_hangs(w, id, &old, err) < 0 ? -1 : run_for_id(w->drop, id, err);
}

/* Takes the stored row out of the sums, with what would not be right any more. */
static int replace_old(struct row_writer *w, const struct message *m, struct old_row *old,
		       struct error *err)
{
	if (find_old(w, m->id, m, old, err) < 0)
		return -1;
	if (!old->exists)
		return 0;
	if (old->tally.time != m->time) { /* minute and stamps follow the time */
		old->exists = false;
		return row_drop_message(w, m->id, err);
	}
	hourly_count(&w->hourly, &old->tally, -1);
	old->same_recipients = !m->rcpt_dirty && old->tally.recipients == (int64_t)m->nrcpt;
	if (!old->same_recipients && !old->single && run_for_id(w->drop_recipients, m->id, err) < 0)
		return -1;
	return old->more && !has_more(m) ? run_for_id(w->drop_more, m->id, err) : 0;
}

static void add_lookups(struct row_writer *w, const struct message *m)
{
	struct str instance;

	lookup_add(&w->lookup, m->queue_id, m->id);
	lookup_add(&w->lookup, m->message_id, m->id);
	for (size_t i = 0; i < m->naliases; i++)
		lookup_add(&w->lookup, alias_id(m->aliases[i], &instance), m->id);
}

static int write_rows(struct row_writer *w, const struct message *m, const struct tally *t,
		      const struct old_row *old, struct error *err)
{
	if (write_message(w, m, t, old, err) < 0)
		return -1;
	if (!old->same_recipients && write_recipients(w, m, err) < 0)
		return -1;
	return has_more(m) ? write_more(w, m, err) : 0;
}

int row_put_message(struct row_writer *w, const struct message *m, struct error *err)
{
	struct old_row old = { .exists = false };
	struct tally t;

	if (make_room(w, err) < 0 || (m->stored && replace_old(w, m, &old, err) < 0))
		return -1;
	if (tally_of(w, m, &t, err) < 0 || write_rows(w, m, &t, &old, err) < 0)
		return -1;
	hourly_count(&w->hourly, &t, 1);
	if (!old.same_ids)
		add_lookups(w, m);
	return old.exists ? 0 : minutes_add(&w->minutes, MINUTE_MESSAGE, m->id, m->time, err);
}

/* --- PHP lines ------------------------------------------------------------- */

void row_expect_php(struct row_writer *w, const struct php_mail *p)
{
	if (p->subject.n)
		map_put(&w->subjects, (struct str){ (const char *)&p->id, sizeof(p->id) },
			(void *)&p->subject);
}

/* One address, and nothing else? */
static bool is_address(struct str to)
{
	for (size_t i = 0; i < to.n; i++)
		if (strchr(" \t,;<>()\"", to.p[i]))
			return false;
	return true;
}

/* Two columns. */
static int give_to(struct cells_out *c, struct row_writer *w, struct str to)
{
	if (to.n && is_address(to))
		return give_address(c, w, to);
	give_str(c, to);
	sql_bind_null(c->st, c->at++);
	return 0;
}

/* The headers without the Message-ID, so that they repeat. False: not to be done. */
static bool leave_out_mid(struct row_writer *w, const struct php_mail *p, struct str *headers)
{
	size_t at = p->message_id.n ? str_find(p->headers, p->message_id) : p->headers.n;
	size_t n = p->headers.n - p->message_id.n + 1;
	char *text;

	*headers = p->headers;
	if (at == p->headers.n || str_chr(p->headers, MID_QUEUE_ID) < p->headers.n)
		return false;
	text = arena_alloc(&w->scratch, n);
	memcpy(text, p->headers.p, at);
	text[at] = MID_QUEUE_ID;
	memcpy(text + at + 1, p->headers.p + at + p->message_id.n, n - at - 1);
	*headers = (struct str){ text, n };
	return true;
}

static int64_t flags_of(const struct php_mail *p, bool whole)
{
	return (p->eval ? PHP_FLAG_EVAL : 0) | (p->tenant ? PHP_FLAG_TENANT : 0) |
	       (p->ambiguous ? PHP_FLAG_AMBIGUOUS : 0) | (whole ? PHP_FLAG_HEADERS_WHOLE : 0);
}

static int give_call(struct cells_out *c, struct row_writer *w, const struct php_mail *p,
		     struct str headers)
{
	int64_t id = 0;

	if (give_to(c, w, p->to) < 0 || give_word(c, w, p->subject) < 0)
		return -1;
	if (headers.n && dictionary_daily_id(&w->headers, headers, w->day, &id, c->err) < 0)
		return -1;
	give_int(c, id, 0);
	return give_mid(c, w, p->message_id, STR_NONE, p->time, STR_NONE);
}

static int write_php(struct row_writer *w, const struct php_mail *p, struct error *err)
{
	struct cells_out c = { p->stored ? w->put_php : w->add_php, 1, err };
	struct str headers;
	bool left_out;

	left_out = leave_out_mid(w, p, &headers);
	give_number(&c, p->id);
	give_number(&c, p->time);
	give_int(&c, p->state, PHP_MATCHED);
	give_int(&c, flags_of(p, p->message_id.n && !left_out), 0);
	if (give_origin(&c, w, p->host, STR_NONE) < 0 ||
	    give_entry(&c, &w->account, &p->account) < 0 ||
	    give_entry(&c, &w->path, &p->script) < 0)
		return -1;
	give_int(&c, p->script_line, -1);
	if (give_call(&c, w, p, headers) < 0)
		return -1;
	give_int(&c, p->uid, -1);
	give_int(&c, p->pid, 0);
	give_int(&c, p->message, 0);
	return sql_run(c.st, err);
}

int row_put_php(struct row_writer *w, const struct php_mail *p, struct error *err)
{
	if (make_room(w, err) < 0 || write_php(w, p, err) < 0)
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
