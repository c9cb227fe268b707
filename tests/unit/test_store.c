/* schema/store.c and what it is made of: what goes in comes back byte for byte,
 * a commit is all or nothing, the sums agree with the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stamp.h"
#include "schema/checkpoint.h"
#include "schema/lookup.h"
#include "schema/position.h"
#include "schema/report.h"
#include "schema/row_read.h"
#include "schema/store.h"
#include "schema/sql.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND) /* 2026-10-31, a whole minute */

static char dir[64];

/* A name in the test's directory; a few can be in use at a time. */
static const char *in_dir(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_store.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	(void)state;
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlink(in_dir(entry->d_name));
	closedir(d);
	return rmdir(dir);
}

static struct store *open_store(void)
{
	struct error err = { 0 };
	struct store *s = store_open(in_dir("db"), &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void commit(struct store *s, const struct batch *b)
{
	struct error err = { 0 };

	if (store_commit(s, b, &err) < 0)
		fail_msg("%s", err.text);
}

/* What a query of the committed database gives, seen by another connection. */
static int64_t number(const char *query)
{
	struct error err = { 0 };
	struct sql *db = sql_open_read(in_dir("db"), &err);
	struct sql_stmt *st = db ? sql_prepare(db, query, &err) : NULL;
	int64_t n = -1;

	if (!st)
		fail_msg("%s", err.text);
	if (sql_step(st, &err) == 1)
		n = sql_int(st, 0);
	sql_close(db);
	return n;
}

static void assert_str(struct str got, struct str want)
{
	if (!str_eq(got, want))
		fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

/* --- messages to write ----------------------------------------------------- */

static struct message *make(int64_t id, usec_t time)
{
	struct message *m = message_new();
	struct recipient *r;
	char queue_id[16];

	snprintf(queue_id, sizeof(queue_id), "%08X", (unsigned)id * 2654435761u);
	m->id = id;
	m->host = STR("web1");
	m->queue_id = arena_str(&m->strings, str_of(queue_id));
	m->time = time;
	m->closed = time + 3 * USEC_SECOND;
	m->state = MSG_DONE;
	m->direction = DIR_OUTBOUND;
	m->channel = CHANNEL_LOCAL;
	m->account = STR("alice");
	m->via = VIA_UID;
	m->sender = STR("alice@example.com");
	r = message_recipient_add(m, STR("bob@example.net"));
	r->status = RCPT_SENT;
	r->place = PLACE_REMOTE;
	r->dsn = STR("2.0.0");
	r->time = time + 2 * USEC_SECOND;
	return m;
}

static void add_rcpt(struct message *m, struct str address, enum rcpt_status status)
{
	struct recipient *r = message_recipient_add(m, address);

	r->status = status;
	r->place = PLACE_REMOTE;
	r->dsn = status == RCPT_SENT ? STR("2.0.0") : STR("5.1.1");
	r->response = STR("550 no such user");
	r->time = m->time + USEC_SECOND;
}

static void commit_messages(struct store *s, struct message **m, size_t n)
{
	struct batch b = { .messages = m, .nmessages = n };

	for (size_t i = 0; i < n; i++)
		if (m[i]->time > b.watermark)
			b.watermark = m[i]->time;
	commit(s, &b);
	for (size_t i = 0; i < n; i++) {
		m[i]->stored = true;
		m[i]->dirty = m[i]->rcpt_dirty = false;
	}
}

static void commit_one(struct store *s, struct message *m)
{
	commit_messages(s, &m, 1);
}

/* n messages, one every `step`, starting with an id; written in one commit. */
static void commit_run(struct store *s, int64_t first, size_t n, usec_t time, usec_t step)
{
	struct message **m = xcalloc(n, sizeof(*m));

	for (size_t i = 0; i < n; i++)
		m[i] = make(first + (int64_t)i, time + (usec_t)i * step);
	commit_messages(s, m, n);
	for (size_t i = 0; i < n; i++)
		message_free(m[i]);
	free(m);
}

static int same_number(void *wanted, int64_t message, struct error *err)
{
	(void)err;
	return message == *(int64_t *)wanted;
}

/* Every message is found by its queue id and Message-ID. */
static void assert_found(void)
{
	struct sql *db = sql_open_read(in_dir("db"), NULL);
	struct sql_stmt *st = sql_prepare(db, "SELECT id, queue_id FROM message UNION ALL SELECT id,"
					      " message_id FROM message WHERE message_id > ''", NULL);
	struct lookup_reader r;

	assert_int_equal(lookup_reader_init(&r, db, NULL), 0);
	while (sql_step(st, NULL) == 1) {
		int64_t id = sql_int(st, 0);

		if (sql_str(st, 1).n)
			assert_int_equal(lookup_find(&r, sql_str(st, 1), id, id, same_number, &id,
						     NULL), 1);
	}
	sql_close(db);
}

/* Sums, minutes and lookups say the same as the messages. */
static void assert_consistent(void)
{
	static const char *const never[] = { /* rows that break a promise */
		"SELECT time / 3600000000 h, coalesce(account, 0) a, count(*), sum(recipients),"
		" total(pending), total(deferred), total(bounced), total(expired), total(rejected)"
		" FROM message GROUP BY h, a EXCEPT SELECT hour, account, messages, recipients,"
		" pending, deferred, bounced, expired, rejected FROM hourly",
		"SELECT hour, account FROM hourly"
		" EXCEPT SELECT time / 3600000000, coalesce(account, 0) FROM message",
		"SELECT 1 FROM hourly WHERE day <> hour / 24",
		"SELECT total(value) FROM meta WHERE name = 'messages'"
		" EXCEPT SELECT count(*) FROM message",
		"SELECT total(value) FROM meta WHERE name = 'recipients'"
		" EXCEPT SELECT count(*) FROM recipient",
		"SELECT total(value) FROM meta WHERE name = 'php'"
		" EXCEPT SELECT count(*) FROM php_mail",
		"SELECT total(recipients) FROM message EXCEPT SELECT count(*) FROM recipient",
		"SELECT 1 FROM message m WHERE (SELECT count(*) FROM minute s WHERE s.what = 0"
		" AND s.minute = m.time / 60000000 AND m.id BETWEEN s.first AND s.last) <> 1",
		"SELECT message FROM message_more EXCEPT SELECT id FROM message",
		"SELECT message FROM recipient_row EXCEPT SELECT id FROM message_row"
		" WHERE rcpt_local IS NULL",
		"SELECT message FROM recipient EXCEPT SELECT id FROM message",
		"SELECT 1 FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
	};
	char query[1024];

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		snprintf(query, sizeof(query), "SELECT count(*) FROM (%s)", never[i]);
		if (number(query) != 0)
			fail_msg("%s", never[i]);
	}
	assert_found();
}

/* --- what goes in comes back ----------------------------------------------- */

static const struct str hostile[] = {
	{ "", 0 },
	{ "\0", 1 },
	{ "a\0b", 3 },
	{ "\xff\xfe\x80", 3 },
	{ "\xc3", 1 },
	{ "'; DROP TABLE message; --", 25 },
	{ "\x1b[31mred", 8 },
	{ "%00%0a", 6 },
	{ "a\tb c", 5 },
	{ "\xed\xa0\x80", 3 },
};
#define HOSTILES (sizeof(hostile) / sizeof(hostile[0]))

static void assert_same_recipient(const struct recipient *got, const struct recipient *want)
{
	assert_str(got->address, want->address);
	assert_str(got->orig_to, want->orig_to);
	assert_int_equal(got->status, want->status);
	assert_int_equal(got->place, want->place);
	assert_str(got->dsn, want->dsn);
	assert_str(got->relay, want->relay);
	assert_str(got->relay_ip, want->relay_ip);
	assert_str(got->response, want->status == RCPT_SENT ? STR_NONE : want->response);
	assert_int_equal(got->time, want->time);
}

static void assert_same_source(const struct message *got, const struct message *want)
{
	assert_str(got->account, want->account);
	assert_int_equal(got->via, want->via);
	assert_int_equal(got->ambiguous, want->ambiguous);
	assert_str(got->login, want->login);
	assert_str(got->user, want->user);
	assert_int_equal(got->uid, want->uid);
	assert_str(got->client_ip, want->client_ip);
	assert_str(got->client_name, want->client_name);
	assert_str(got->helo, want->helo);
	assert_str(got->cwd, want->cwd);
	assert_str(got->script, want->script);
	assert_int_equal(got->script_line, want->script_line);
	assert_int_equal(got->php, want->php);
}

static void assert_same(const struct message *got, const struct message *want)
{
	assert_int_equal(got->id, want->id);
	assert_int_equal(got->time, want->time);
	assert_int_equal(got->closed, want->closed);
	assert_str(got->host, want->host);
	assert_str(got->instance, want->instance);
	assert_str(got->queue_id, want->queue_id);
	assert_int_equal(got->state, want->state);
	assert_int_equal(got->direction, want->direction);
	assert_int_equal(got->channel, want->channel);
	assert_same_source(got, want);
	assert_str(got->sender, want->sender);
	assert_int_equal(got->sender_null, want->sender_null);
	assert_str(got->subject, want->subject);
	assert_str(got->message_id, want->message_id);
	assert_int_equal(got->size, want->size);
	assert_str(got->parent_id, want->parent_id);
	assert_int_equal(got->parent, want->parent);
	assert_int_equal(got->rcpt_dropped, want->rcpt_dropped);
	assert_int_equal(got->nrcpt, want->nrcpt);
	for (size_t i = 0; i < want->nrcpt; i++)
		assert_same_recipient(&got->rcpt[i], &want->rcpt[i]);
	assert_int_equal(got->naliases, want->naliases);
	for (size_t i = 0; i < want->naliases; i++)
		assert_str(got->aliases[i], want->aliases[i]);
}

static void assert_stored(struct store *s, const struct message *want)
{
	struct message *got = store_load_message(s, want->id);

	assert_non_null(got);
	assert_true(got->stored);
	assert_same(got, want);
	message_free(got);
}

/* Every text a hostile one, every number away from its usual value. */
static struct message *make_hostile(int64_t id, size_t k)
{
	struct message *m = make(id, T0 + id);
	struct str *const texts[] = { &m->host, &m->instance, &m->queue_id, &m->account, &m->login,
				      &m->user, &m->client_ip, &m->client_name, &m->helo, &m->cwd,
				      &m->script, &m->sender, &m->subject, &m->message_id,
				      &m->parent_id };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = hostile[(k + i) % HOSTILES];
	m->uid = m->size = m->script_line = (int64_t)k;
	m->php = m->parent = (int64_t)k;
	m->ambiguous = k % 2;
	m->rcpt_dropped = (uint32_t)k;
	m->state = k % (MSG_LOST + 1);
	m->direction = k % (DIR_INBOUND + 1);
	m->channel = k % (CHANNEL_INTERNAL + 1);
	m->via = k % (VIA_DOMAIN + 1);
	m->closed = m->time - 1; /* clocks go back */
	for (size_t i = 0; i < HOSTILES; i++) {
		struct recipient *r = message_recipient_add(m, hostile[(k + i) % HOSTILES]);

		r->orig_to = hostile[(k + i + 1) % HOSTILES];
		r->dsn = hostile[(k + i + 2) % HOSTILES];
		r->relay = hostile[(k + i + 3) % HOSTILES];
		r->relay_ip = hostile[(k + i + 4) % HOSTILES];
		r->response = hostile[(k + i + 5) % HOSTILES];
		r->status = i % (RCPT_REJECTED + 1);
		r->place = i % (PLACE_REMOTE + 1);
		r->time = i % 3 ? m->time - (usec_t)i : 0;
	}
	return m;
}

static void test_round_trip(void **state)
{
	struct store *s = open_store();
	struct message *m[HOSTILES];

	(void)state;
	for (size_t k = 0; k < HOSTILES; k++)
		m[k] = make_hostile((int64_t)k + 1, k);
	commit_messages(s, m, HOSTILES);
	for (size_t k = 0; k < HOSTILES; k++)
		assert_stored(s, m[k]);
	store_close(s);
	s = open_store(); /* dictionaries from the file, not from memory */
	for (size_t k = 0; k < HOSTILES; k++) {
		assert_stored(s, m[k]);
		m[k]->id += 100;
		m[k]->stored = false;
	}
	commit_messages(s, m, HOSTILES);
	for (size_t k = 0; k < HOSTILES; k++) {
		assert_stored(s, m[k]);
		message_free(m[k]);
	}
	assert_int_equal(number("SELECT count(*) FROM account"), HOSTILES - 1);
	assert_consistent();
	store_close(s);
}

static void test_addresses(void **state)
{
	static const struct str addresses[] = {
		{ "a@b", 3 }, { "@b", 2 }, { "a@", 2 }, { "@", 1 }, { "a@b@c", 5 }, { "root", 4 },
		{ "\"a b\"@c", 7 }, { "a\0@b", 4 }, { "@\0", 2 },
	};
	struct store *s = open_store();
	struct message *m = make(1, T0);

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		add_rcpt(m, addresses[i], RCPT_BOUNCED);
	commit_one(s, m);
	assert_stored(s, m);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		m->sender = addresses[i];
		commit_one(s, m);
		assert_stored(s, m);
	}
	m->sender = STR_NONE; /* unknown */
	commit_one(s, m);
	assert_stored(s, m);
	m->sender_null = true; /* <> */
	commit_one(s, m);
	assert_stored(s, m);
	message_free(m);
	store_close(s);
}

static void test_open_message_keeps_its_work(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0), *got;

	(void)state;
	m->closed = 0;
	m->state = MSG_OPEN;
	m->work.nrcpt = 3;
	m->work.xphp = (struct str){ "1000:\0x.php", 11 };
	m->work.waiting = true;
	m->work.ids_open = 2;
	commit_one(s, m);
	got = store_load_message(s, 1);
	assert_int_equal(got->closed, 0);
	assert_int_equal(got->work.nrcpt, 3);
	assert_str(got->work.xphp, m->work.xphp);
	assert_true(got->work.waiting);
	assert_int_equal(got->work.ids_open, 2);
	message_free(got);
	m->closed = T0 + 1;
	m->work.waiting = false;
	commit_one(s, m);
	assert_int_equal(number("SELECT work IS NULL FROM message"), 1);
	message_free(m);
	store_close(s);
}

static void test_no_such_row(void **state)
{
	struct store *s = open_store();

	(void)state;
	assert_null(store_load_message(s, 1));
	assert_null(store_load_message(s, -1));
	store_close(s);
}

/* One recipient, in its message's row, of every state and with every text. */
static void test_single_recipient(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (size_t k = 0; k < 6 * HOSTILES; k++) {
		struct message *m = make((int64_t)k + 1, T0 + (usec_t)k);
		struct recipient *r = &m->rcpt[0];

		r->address = hostile[k % HOSTILES];
		r->dsn = hostile[(k + 1) % HOSTILES];
		r->relay = hostile[(k + 2) % HOSTILES];
		r->relay_ip = hostile[(k + 3) % HOSTILES];
		r->response = hostile[(k + 4) % HOSTILES];
		r->status = k % (RCPT_REJECTED + 1);
		r->place = k % (PLACE_REMOTE + 1);
		if (k % 3 == 0)
			m->closed = 0;
		commit_one(s, m);
		assert_stored(s, m);
		if (k % 2)
			add_rcpt(m, STR("late@example.org"), RCPT_BOUNCED);
		m->closed = m->time + USEC_DAY;
		m->rcpt_dirty = true;
		commit_one(s, m);
		assert_stored(s, m);
		message_free(m);
	}
	assert_consistent();
	assert_int_equal(number("SELECT count(*) FROM recipient_row"), 6 * HOSTILES / 2 * 2);
	store_close(s);
}

static void test_five_thousand_recipients(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0);
	char address[64];

	(void)state;
	while (m->nrcpt < MESSAGE_MAX_RECIPIENTS) {
		snprintf(address, sizeof(address), "user%zu@d%zu.example", m->nrcpt, m->nrcpt % 7);
		add_rcpt(m, arena_str(&m->strings, str_of(address)),
			 m->nrcpt % (RCPT_REJECTED + 1));
	}
	commit_one(s, m);
	assert_stored(s, m);
	assert_consistent();
	message_free(m);
	store_close(s);
}

/* --- changes --------------------------------------------------------------- */

static void test_updates_keep_sums_right(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0);
	struct str alias = STR("postfix-out/ABCDEF");

	(void)state;
	m->closed = 0;
	m->state = MSG_OPEN;
	m->account = STR_NONE;
	m->rcpt[0].status = RCPT_PENDING;
	commit_one(s, m);
	assert_consistent();
	m->account = STR("carol"); /* found later */
	m->message_id = STR("1@x");
	commit_one(s, m);
	assert_consistent();
	m->rcpt[0].status = RCPT_DEFERRED;
	m->rcpt[0].response = STR("try later");
	add_rcpt(m, STR("late@example.org"), RCPT_BOUNCED);
	m->rcpt_dirty = true;
	commit_one(s, m);
	assert_stored(s, m);
	assert_consistent();
	m->nrcpt = 1; /* the other belonged to an absorbed id */
	m->rcpt_dirty = true;
	m->aliases = xmalloc(sizeof(alias));
	m->aliases[m->naliases++] = alias;
	commit_one(s, m);
	assert_stored(s, m);
	m->time -= USEC_HOUR; /* an older line came late */
	commit_one(s, m);
	assert_stored(s, m);
	assert_consistent();
	assert_int_equal(number("SELECT count(*) FROM hourly"), 1);
	assert_int_equal(number("SELECT count(*) FROM message_more"), 1);
	message_free(m);
	store_close(s);
}

static void test_dropped(void **state)
{
	struct store *s = open_store();
	int64_t ids[] = { 2, 3, 99 };
	struct batch b = { .dropped = ids, .ndropped = 3 };

	(void)state;
	commit_run(s, 1, 4, T0, USEC_MINUTE);
	commit(s, &b);
	assert_int_equal(number("SELECT group_concat(id, '') FROM message"), 14);
	assert_consistent();
	store_close(s);
}

/* A message whose row retention deleted while it was in memory. */
static void test_update_of_a_lost_row(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0);
	int64_t id = 1;
	struct batch b = { .dropped = &id, .ndropped = 1 };

	(void)state;
	commit_one(s, m);
	commit(s, &b);
	commit_one(s, m);
	assert_stored(s, m);
	assert_consistent();
	message_free(m);
	store_close(s);
}

/* Old logs imported late, times going back and forth, ids held back. */
static void test_minutes(void **state)
{
	struct store *s = open_store();
	unsigned seed = 1;
	struct message *held = make(150, T0 + USEC_SECOND);

	(void)state;
	commit_run(s, 100, 50, T0, 1000);
	commit_run(s, 151, 20000, T0 + USEC_MINUTE, 1000);
	commit_one(s, held);
	commit_run(s, 30000, 100, T0, 1000); /* far from the range of this minute */
	commit_run(s, 40000, 100, T0 - 400 * USEC_DAY, 100 * USEC_SECOND);
	for (int i = 0; i < 300; i++) {
		seed = seed * 1103515245 + 12345;
		commit_run(s, 50000 + i * 37, 3, T0 + (seed >> 16) % 5 * USEC_MINUTE,
			   20 * USEC_SECOND);
	}
	for (int i = 299; i >= 0; i--) /* between them, from behind */
		commit_run(s, 50010 + i * 37, 2, T0 + i % 5 * USEC_MINUTE, USEC_SECOND);
	assert_consistent();
	assert_true(number("SELECT count(*) FROM minute") < 500);
	message_free(held);
	store_close(s);
}

/* Two ranges of one minute grow towards each other and must not meet. */
static void test_minutes_do_not_overlap(void **state)
{
	static const int64_t ids[] = { 100, 4300, 2000, 4200, 4299, 4301, 50, 8500, 6000, 8499,
				       8501 };
	struct store *s = open_store();

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		commit_run(s, ids[i], 1, T0, 1);
		assert_consistent();
	}
	assert_int_equal(number("SELECT count(*) FROM minute"), 3); /* gaps stay gaps */
	store_close(s);
}

static void test_times_of_a_forged_log(void **state)
{
	struct store *s = open_store();

	(void)state;
	commit_run(s, 1, 1, 0, 1);
	commit_run(s, 2, 1, (usec_t)253402300799 * USEC_SECOND, 1); /* the end of 9999 */
	commit_run(s, 3, 1, T0, 1);
	assert_consistent();
	store_close(s);
}

/* --- PHP lines, counts, notes ---------------------------------------------- */

static struct php_mail *make_php(int64_t id, usec_t time)
{
	struct php_mail *p = php_mail_new();

	p->id = id;
	p->time = time;
	p->host = STR("web1");
	p->account = STR("alice");
	p->script = STR("/home/alice/public_html/x.php");
	p->script_line = 7;
	p->eval = p->tenant = true;
	p->to = STR("bob@example.net");
	p->subject = (struct str){ "a\0\xff", 3 };
	p->headers = STR("From: x\\nCc: y");
	p->message_id = STR("m@x");
	p->uid = 1000;
	p->pid = 5;
	return p;
}

static void test_php(void **state)
{
	struct store *s = open_store();
	struct php_mail *p = make_php(1, T0);
	struct batch b = { .php = &p, .nphp = 1, .watermark = T0 };

	(void)state;
	commit(s, &b);
	assert_int_equal(number("SELECT count(*) FROM php_mail WHERE state = 0"), 1);
	p->stored = true;
	p->state = PHP_MATCHED;
	p->message = 9;
	p->ambiguous = true;
	commit(s, &b);
	assert_int_equal(number("SELECT state IS NULL AND message = 9 AND ambiguous"
				" FROM php_mail"), 1);
	assert_consistent();
	php_mail_free(p);
	store_close(s);
}

static void assert_php_stored(const struct php_mail *want)
{
	struct sql *db = sql_open_read(in_dir("db"), NULL);
	struct php_mail *got = php_mail_new();
	struct row_reader r;

	assert_int_equal(row_reader_init(&r, db, NULL), 0);
	assert_int_equal(row_read_php(&r, want->id, got, NULL), 1);
	assert_str(got->to, want->to);
	assert_str(got->subject, want->subject);
	assert_str(got->headers, want->headers);
	assert_str(got->message_id, want->message_id);
	assert_int_equal(got->eval, want->eval);
	assert_int_equal(got->tenant, want->tenant);
	assert_int_equal(got->ambiguous, want->ambiguous);
	php_mail_free(got);
	sql_close(db);
}

static const struct str odd_calls[][3] = { /* To, headers, Message-ID */
	{ { "a@b.example", 11 }, { "X: 1 Message-ID: <i@b.example> Y", 32 }, { "i@b.example", 11 } },
	{ { "A <a@b.example>", 15 }, { "Message-ID: <i@b.example>", 25 }, { "other@b", 7 } },
	{ { "a@b, c@d", 8 }, { "\1 Message-ID: <i@b>", 20 }, { "i@b", 3 } },
	{ { "@", 1 }, { "\1", 1 }, { "", 0 } },
	{ { "a@", 2 }, { "", 0 }, { "i@b.example", 11 } },
	{ { "", 0 }, { "i@b.example i@b.example", 23 }, { "i@b.example", 11 } },
	{ { "\0@\0", 3 }, { "a\0b", 3 }, { "\xff@\0", 3 } },
	{ { "a@b.example", 11 }, { "M: <00ff00ff@b.example>", 23 }, { "00ff00ff@b.example", 18 } },
};

static void test_php_texts(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0);
	size_t n = sizeof(odd_calls) / sizeof(odd_calls[0]);

	(void)state;
	m->sender = STR("x@b.example"); /* so that the domain is known */
	commit_one(s, m);
	for (size_t k = 0; k < 3 * n; k++) {
		struct php_mail *p = make_php((int64_t)k + 1, T0);
		struct batch b = { .php = &p, .nphp = 1, .watermark = T0 };

		p->to = odd_calls[k % n][0];
		p->headers = odd_calls[k % n][1];
		p->message_id = odd_calls[k % n][2];
		p->eval = k & 1;
		p->tenant = k & 2;
		p->ambiguous = k & 4;
		commit(s, &b);
		assert_php_stored(p);
		php_mail_free(p);
	}
	assert_int_equal(number("SELECT count(*) FROM php_mail WHERE message_id = 'i@b.example'"
				" AND headers = 'X: 1 Message-ID: <i@b.example> Y'"), 3);
	message_free(m);
	store_close(s);
}

/* A message and the call it came from have one subject, which both keep. */
static void test_subject_of_call(void **state)
{
	struct store *s = open_store();
	struct message *m = make(1, T0);
	struct php_mail *p = make_php(1, T0);
	struct batch b = { .messages = &m, .nmessages = 1, .php = &p, .nphp = 1, .watermark = T0 };

	(void)state;
	p->subject = m->subject = STR("hello");
	m->php = 1;
	m->closed = 0;
	p->message = 1;
	commit(s, &b);
	assert_int_equal(number("SELECT subject IS 0 FROM message_row"), 1);
	assert_stored(s, m);
	m->stored = true;
	store_close(s);
	s = open_store();
	m->closed = T0 + USEC_SECOND;
	commit_one(s, m); /* the call is not of this commit */
	assert_int_equal(number("SELECT subject IS 0 FROM message_row"), 1);
	assert_stored(s, m);
	m->id = 2;
	m->stored = false;
	m->subject = STR("another");
	commit_one(s, m);
	assert_stored(s, m);
	assert_int_equal(number("SELECT count(*) FROM message WHERE subject = 'hello'"), 1);
	message_free(m);
	php_mail_free(p);
	store_close(s);
}

static void test_words(void **state)
{
	struct store *s = open_store();

	(void)state;
	for (int64_t i = 1; i <= 8; i++) {
		struct message *m = make(i, T0 + (i > 4) * USEC_DAY + i);

		m->subject = i % 2 ? STR("odd") : STR("even");
		commit_one(s, m);
		assert_stored(s, m);
		message_free(m);
	}
	/* alice, odd and even, each the second time of a day. */
	assert_int_equal(number("SELECT count(*) FROM word"), 6);
	assert_int_equal(number("SELECT count(*) FROM message WHERE subject = 'odd'"), 4);
	assert_int_equal(number("SELECT count(*) FROM message WHERE sender_local = 'alice'"), 8);
	while (store_retain(s, T0 / USEC_DAY * USEC_DAY + USEC_DAY, 1000, NULL) > 0)
		;
	assert_int_equal(number("SELECT count(*) FROM word"), 3);
	assert_int_equal(number("SELECT count(*) FROM message WHERE subject = 'odd'"), 2);
	store_close(s);
}

#define NAMED 2400 /* names in each message */

/* More names in one commit than a dictionary has in memory; each is met again when it may
 * have been forgotten, and not been written yet. */
static void test_many_names(void **state)
{
	struct store *s = open_store();
	struct message *m[22];
	char address[32];

	(void)state;
	for (int k = 0; k < 22; k++) {
		m[k] = make(k + 1, T0);
		for (int i = 0; i < 2 * NAMED; i++) {
			snprintf(address, sizeof(address), "%d@%d.example", i,
				 k * NAMED + (i % 2 ? i / 2 : i / 2 + 1));
			add_rcpt(m[k], arena_str(&m[k]->strings, str_of(address)), RCPT_SENT);
		}
	}
	commit_messages(s, m, 22);
	assert_int_equal(number("SELECT count(*) FROM domain"), 22 * NAMED + 3);
	assert_int_equal(number("SELECT count(DISTINCT text) FROM domain"), 22 * NAMED + 3);
	for (int k = 0; k < 22; k++) {
		for (size_t i = 0; i < m[k]->nrcpt; i++)
			m[k]->rcpt[i].response = STR_NONE; /* not kept of what was sent */
		assert_stored(s, m[k]);
		message_free(m[k]);
	}
	store_close(s);
}

static void test_counts_add_up(void **state)
{
	struct store *s = open_store();
	struct inbound_count in = { STR("example.com"), T0, 2, 3 };
	struct unknown_count un = { STR("/l"), STR("foo"), STR("a *"), 5, STR("first"), T0, T0 };
	struct source_count so = { STR("/l"), 10, 5, 3, 1, 1, T0 };
	struct direct_count direct[] = { { T0, 5101, 25, STR("alice"), 7, T0 + 9 },
					 { T0, 33, 25, STR(""), 1, T0 } };
	struct batch b = { .inbound = &in, .ninbound = 1, .unknown = &un, .nunknown = 1,
			   .sources = &so, .nsources = 1, .direct = direct, .ndirect = 2 };

	(void)state;
	commit(s, &b);
	un.sample = STR("second");
	so.last = T0 - 5; /* an older file of the same name */
	direct[0].last = T0;
	commit(s, &b);
	assert_int_equal(number("SELECT messages * 10 + recipients FROM inbound"), 46);
	assert_int_equal(number("SELECT lines FROM unknown WHERE sample = 'first' AND shape = 'a *'"), 10);
	assert_int_equal(number("SELECT lines = 20 AND parsed = 10 AND unknown = 6 AND"
				" noise = 2 AND cut = 2 FROM source"), 1);
	assert_true(number("SELECT last FROM source") == T0);
	assert_int_equal(number("SELECT connections FROM direct d JOIN account a ON a.id = d.account"
				" WHERE a.text = 'alice' AND uid = 5101 AND port = 25"), 14);
	assert_true(number("SELECT max(last) FROM direct") == T0 + 9);
	assert_int_equal(number("SELECT connections FROM direct WHERE account = 0"), 2);
	store_close(s);
}

static void test_unknown_programs_are_bounded(void **state)
{
	struct store *s = open_store();
	struct unknown_count *un = xcalloc(6000, sizeof(*un));
	struct arena names = { 0 };
	struct batch b = { .unknown = un, .nunknown = 6000 };
	char name[16];

	(void)state;
	for (int i = 0; i < 6000; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		un[i] = (struct unknown_count){ STR("/l"), arena_str(&names, str_of(name)),
						STR("s"), 1, STR("x"), T0, T0 };
	}
	commit(s, &b);
	assert_int_equal(number("SELECT sum(lines) FROM unknown"), 6000);
	assert_true(number("SELECT count(*) FROM unknown") <= 5001);
	arena_release(&names);
	free(un);
	store_close(s);
}

static void test_shapes_are_bounded(void **state)
{
	struct store *s = open_store();
	struct unknown_count *un = xcalloc(200, sizeof(*un));
	struct arena names = { 0 };
	struct batch b = { .unknown = un, .nunknown = 200 };
	char name[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "shape%d", i % 100);
		un[i] = (struct unknown_count){ STR("/l"), i < 100 ? STR("p") : STR("q"),
						arena_str(&names, str_of(name)), 1, STR("x"), T0,
						T0 + i };
	}
	commit(s, &b);
	commit(s, &b); /* one that has its row keeps it */
	assert_int_equal(number("SELECT count(*) FROM unknown WHERE program = 'p'"), 51);
	assert_int_equal(number("SELECT lines FROM unknown WHERE program = 'q' AND shape = ''"),
			 100);
	assert_int_equal(number("SELECT lines FROM unknown WHERE program = 'q' AND"
				" shape = 'shape49'"), 2);
	assert_int_equal(number("SELECT count(*) FROM unknown WHERE shape = 'shape50'"), 0);
	assert_true(number("SELECT last FROM unknown WHERE program = 'p' AND shape = ''") ==
		    T0 + 99);
	arena_release(&names);
	free(un);
	store_close(s);
}

/* --- detection -------------------------------------------------------------- */

static struct finding *make_finding(int64_t id, usec_t time, size_t k)
{
	struct finding *f = finding_new();
	struct str *const texts[] = { &f->host, &f->account, &f->login, &f->script, &f->summary,
				      &f->evidence, &f->why, &f->advice, &f->sources, &f->answers,
				      &f->queue_ids, &f->subjects };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = hostile[(k + i) % HOSTILES];
	f->id = id;
	f->stream = (int64_t)k;
	f->time = time;
	f->first_seen = time - USEC_MINUTE;
	f->last_seen = time + USEC_HOUR;
	f->closed = k % 2 ? time + USEC_DAY : 0;
	f->reopened = f->script_line = (int64_t)k;
	f->severity = k % 2;
	f->verdict = k % CASES;
	for (size_t i = 0; i < FAMILIES; i++)
		f->score[i] = (float)(k * i) / 3;
	f->messages = f->recipients = f->novel = 7 * (int64_t)k;
	f->leaked_before = f->results = f->unknown_users = f->spam_answers = (int64_t)k;
	return f;
}

static void assert_same_texts(const struct finding *got, const struct finding *want)
{
	assert_str(got->host, want->host);
	assert_str(got->account, want->account);
	assert_str(got->login, want->login);
	assert_str(got->script, want->script);
	assert_str(got->summary, want->summary);
	assert_str(got->evidence, want->evidence);
	assert_str(got->why, want->why);
	assert_str(got->advice, want->advice);
	assert_str(got->sources, want->sources);
	assert_str(got->answers, want->answers);
	assert_str(got->queue_ids, want->queue_ids);
	assert_str(got->subjects, want->subjects);
}

static void assert_same_finding(const struct finding *got, const struct finding *want)
{
	assert_true(got->id == want->id && got->stream == want->stream);
	assert_true(got->time == want->time && got->first_seen == want->first_seen);
	assert_true(got->last_seen == want->last_seen && got->closed == want->closed);
	assert_int_equal(got->reopened, want->reopened);
	assert_int_equal(got->severity, want->severity);
	assert_int_equal(got->verdict, want->verdict);
	assert_int_equal(got->script_line, want->script_line);
	for (int i = 0; i < FAMILIES; i++)
		assert_true(got->score[i] == want->score[i]);
	assert_true(got->messages == want->messages && got->recipients == want->recipients);
	assert_true(got->leaked_before == want->leaked_before && got->novel == want->novel);
	assert_true(got->results == want->results && got->unknown_users == want->unknown_users);
	assert_int_equal(got->spam_answers, want->spam_answers);
	assert_same_texts(got, want);
	assert_true(got->stored);
}

static void assert_stored_finding(struct store *s, const struct finding *want)
{
	struct finding *got = store_load_finding(s, want->id);

	assert_non_null(got);
	assert_same_finding(got, want);
	finding_free(got);
}

static void test_findings_round_trip(void **state)
{
	struct store *s = open_store();
	struct finding *f[HOSTILES];
	struct batch b = { .findings = f, .nfindings = HOSTILES, .next_finding = 77 };

	(void)state;
	for (size_t k = 0; k < HOSTILES; k++)
		f[k] = make_finding((int64_t)k + 1, T0 + (usec_t)k, k);
	f[3]->script_line = -1;
	commit(s, &b);
	store_close(s);
	s = open_store(); /* dictionaries from the file, not from memory */
	for (size_t k = 0; k < HOSTILES; k++)
		assert_stored_finding(s, f[k]);
	f[0]->severity = SEVERITY_CRITICAL; /* kept up to date in place */
	f[0]->summary = STR("worse");
	f[0]->closed = T0 + USEC_DAY;
	commit(s, &b);
	assert_stored_finding(s, f[0]);
	assert_int_equal(number("SELECT count(*) FROM finding"), HOSTILES);
	assert_int_equal(number("SELECT value FROM meta WHERE name = 'next_finding'"), 77);
	assert_null(store_load_finding(s, 99));
	for (size_t k = 0; k < HOSTILES; k++)
		finding_free(f[k]);
	store_close(s);
}

static void test_finding_names_its_stream(void **state)
{
	struct store *s = open_store();
	struct finding *f = make_finding(1, T0, 5), *got;
	struct stream_row row = { 5, STR("web1\nlogin\n\nbox@x"), STR("state"), T0 };
	struct batch b = { .findings = &f, .nfindings = 1, .streams = &row, .nstreams = 1 };

	(void)state;
	commit(s, &b);
	got = store_load_finding(s, 1);
	assert_str(got->stream_key, row.key);
	finding_free(got);
	finding_free(f);
	store_close(s);
}

/* What load_known tells, as text. */
static void note_chunk(void *to, const struct known_row *chunk)
{
	char *text = to;
	size_t n = strlen(text);

	snprintf(text + n, 256 - n, "%lld %lld/%lld %.*s;", (long long)chunk->stream,
		 (long long)chunk->generation, (long long)chunk->chunk, STR_ARG(chunk->hashes));
}

static void assert_stream(struct store *s, const struct stream_row *want, const char *chunks)
{
	struct stream_row got;
	char text[256] = "";

	assert_true(store_load_stream(s, want->key, &got));
	store_load_known(s, got.id, note_chunk, text);
	assert_true(got.id == want->id && got.last == want->last);
	assert_str(got.key, want->key);
	assert_str(got.state, want->state);
	assert_string_equal(text, chunks);
}

static void test_streams(void **state)
{
	struct store *s = open_store();
	struct stream_row rows[] = {
		{ 1, { "h\nscript\na\0b\n/x\xff", 16 }, { "\0\1\xff", 3 }, T0 },
		{ 2, STR("h\nlogin\n\nbox"), STR(""), T0 + 1 },
	};
	struct known_row known[] = {
		{ 1, 1, 0, STR("cccc") }, { 1, 0, 0, STR("aaaa") }, { 1, 0, 1, STR("bbbb") },
		{ 2, 0, 0, STR("dddd") },
	};
	struct known_row forgotten = { .stream = 1, .generation = 1 };
	struct batch b = { .streams = rows, .nstreams = 2, .known = known, .nknown = 4,
			   .next_stream = 3 };
	struct stream_row none;

	(void)state;
	assert_false(store_load_stream(s, rows[0].key, &none));
	commit(s, &b);
	assert_stream(s, &rows[0], "1 0/0 aaaa;1 0/1 bbbb;1 1/0 cccc;");
	assert_stream(s, &rows[1], "2 0/0 dddd;");
	rows[0].state = STR("learned");
	rows[0].last = T0 + 9;
	known[0].hashes = STR("cccceeee");
	b = (struct batch){ .streams = rows, .nstreams = 1, .known = known, .nknown = 1,
			    .forgotten = &forgotten, .nforgotten = 1 };
	commit(s, &b);
	store_close(s);
	s = open_store();
	assert_stream(s, &rows[0], "1 1/0 cccceeee;");
	assert_stream(s, &rows[1], "2 0/0 dddd;");
	assert_int_equal(number("SELECT value FROM meta WHERE name = 'streams'"), 2);
	assert_int_equal(number("SELECT value FROM meta WHERE name = 'next_stream'"), 3);
	store_close(s);
}

/* A stream whose number or key is not what the database thinks must not stop
 * every commit to come. */
static void test_stream_with_another_number(void **state)
{
	struct store *s = open_store();
	struct stream_row row = { 1, STR("key"), STR("a"), T0 };
	struct batch b = { .streams = &row, .nstreams = 1 };

	(void)state;
	commit(s, &b);
	row = (struct stream_row){ 2, STR("key"), STR("b"), T0 };
	commit(s, &b);
	assert_stream(s, &row, "");
	assert_int_equal(number("SELECT count(*) FROM stream"), 1);
	store_close(s);
}

/* --- positions ------------------------------------------------------------- */

static void put_position(struct store *s, const char *path, uint64_t ino, struct str head,
			 int64_t offset)
{
	struct position p = { .path = str_of(path), .dev = UINT64_MAX, .ino = ino,
			      .head_n = (uint32_t)head.n, .head_hash = str_hash(head, 0),
			      .offset = offset, .near = T0 };
	struct batch b = { .positions = &p, .npositions = 1 };

	commit(s, &b);
}

static void test_positions(void **state)
{
	struct store *s = open_store();
	struct position p;

	(void)state;
	assert_false(store_position_of_path(s, STR("/log"), &p));
	assert_false(store_position_of_content(s, STR("abcdef"), &p));
	put_position(s, "/log", 1, STR("abcd"), 10);
	put_position(s, "/log", 1, STR("abcd"), 20);
	assert_true(store_position_of_path(s, STR("/log"), &p));
	assert_true(p.offset == 20 && p.ino == 1 && p.dev == UINT64_MAX && p.near == T0);
	assert_true(p.head_n == 4 && p.head_hash == str_hash(STR("abcd"), 0));
	put_position(s, "/log", 2, STR("wxyz"), 5); /* rotated */
	assert_true(store_position_of_path(s, STR("/log"), &p));
	assert_int_equal(p.offset, 5);
	assert_true(store_position_of_content(s, STR("abcdEFGH"), &p)); /* found as .1 */
	assert_int_equal(p.offset, 20);
	assert_str(p.path, STR("/log"));
	assert_false(store_position_of_content(s, STR("abc"), &p));
	assert_false(store_position_of_content(s, STR("abcX"), &p));
	put_position(s, "/log", 2, STR("QQ"), 3); /* copied and truncated: same inode */
	assert_true(store_position_of_content(s, STR("wxyz and more"), &p));
	assert_int_equal(p.offset, 5);
	assert_int_equal(number("SELECT count(*) FROM position WHERE current"), 1);
	store_close(s);
}

static void test_position_of_the_rest_of_a_rotated_file(void **state)
{
	struct store *s = open_store();
	struct position p;

	(void)state;
	put_position(s, "/log", 1, STR("abcd"), 10);
	put_position(s, "/log", 2, STR("wxyz"), 0);
	put_position(s, "/log.1", 1, STR("abcd"), 30); /* read to its end there */
	assert_true(store_position_of_content(s, STR("abcd"), &p));
	assert_int_equal(p.offset, 30);
	assert_int_equal(number("SELECT count(*) FROM position"), 2);
	put_position(s, "", 0, STR("abcd"), 40); /* the same through standard input */
	assert_true(store_position_of_content(s, STR("abcd"), &p));
	assert_int_equal(p.offset, 40);
	assert_true(store_position_of_path(s, STR("/log.1"), &p));
	assert_int_equal(p.offset, 30);
	store_close(s);
}

static void test_two_files_with_one_head(void **state)
{
	struct store *s = open_store();
	struct position p;

	(void)state;
	put_position(s, "/a", 1, STR("same"), 10);
	put_position(s, "/b", 2, STR("same"), 99);
	put_position(s, "/a", 1, STR("same"), 12);
	assert_true(store_position_of_path(s, STR("/a"), &p));
	assert_int_equal(p.offset, 12);
	assert_true(store_position_of_path(s, STR("/b"), &p));
	assert_int_equal(p.offset, 99);
	store_close(s);
}

static void test_empty_file_then_grown(void **state)
{
	struct store *s = open_store();
	struct position p;

	(void)state;
	put_position(s, "/a", 1, STR(""), 0);
	put_position(s, "/a", 1, STR("one"), 3);
	put_position(s, "/a", 1, STR("one two"), 7);
	assert_true(store_position_of_path(s, STR("/a"), &p));
	assert_int_equal(p.offset, 7);
	assert_true(store_position_of_content(s, STR("one two three"), &p));
	assert_int_equal(p.offset, 7);
	store_close(s);
}

/* --- restore --------------------------------------------------------------- */

/* The pipeline as store_restore() sees it: it writes down what it is told. */
static struct {
	char text[4096];
	size_t n;
	struct php_mail *php[8];
	size_t nphp;
	struct finding *findings[8];
	size_t nfindings;
	int64_t next_message, next_php, next_stream, next_finding;
	usec_t watermark;
} told;

__attribute__((format(printf, 1, 2)))
static void tell(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	told.n += (size_t)vsnprintf(told.text + told.n, sizeof(told.text) - told.n, format, ap);
	va_end(ap);
}

void pipeline_restore_ids(struct pipeline *p, int64_t next_message, int64_t next_php,
			  usec_t watermark)
{
	(void)p;
	told.next_message = next_message;
	told.next_php = next_php;
	told.watermark = watermark;
}

void pipeline_restore_message(struct pipeline *p, struct str host, struct str instance,
			      struct str queue_id, int64_t id, usec_t time, usec_t closed,
			      bool waiting)
{
	(void)p;
	tell("%lld %.*s[%.*s]%.*s %lld %lld%s\n", (long long)id, STR_ARG(host), STR_ARG(instance),
	     STR_ARG(queue_id), (long long)(time - T0), closed ? (long long)(closed - T0) : -1LL,
	     waiting ? " waiting" : "");
}

void pipeline_restore_php(struct pipeline *p, struct php_mail *waiting)
{
	(void)p;
	told.php[told.nphp++] = waiting;
}

void pipeline_restore_note(struct pipeline *p, const struct note *note)
{
	(void)p;
	tell("note %.*s %.*s=%.*s\n", STR_ARG(note->kind), STR_ARG(note->key),
	     STR_ARG(note->value));
}

void pipeline_restore_detection(struct pipeline *p, int64_t next_stream, int64_t next_finding)
{
	(void)p;
	told.next_stream = next_stream;
	told.next_finding = next_finding;
}

void pipeline_restore_finding(struct pipeline *p, struct finding *open)
{
	(void)p;
	told.findings[told.nfindings++] = open;
}

static void restore(struct store *s, usec_t linger)
{
	struct error err = { 0 };

	memset(&told, 0, sizeof(told));
	if (store_restore(s, NULL, linger, &err) < 0)
		fail_msg("%s", err.text);
}

static struct message *make_at(int64_t id, const char *queue_id, usec_t time, usec_t closed)
{
	struct message *m = make(id, T0 + time);

	m->queue_id = str_of(queue_id);
	m->closed = closed < 0 ? 0 : T0 + closed;
	m->state = closed < 0 ? MSG_OPEN : MSG_DONE;
	return m;
}

static void test_restore_messages(void **state)
{
	struct str alias = STR("out/AL");
	struct message *m[] = {
		make_at(1, "OLD", 0, USEC_MINUTE), /* ended long ago */
		make_at(2, "SLOW", 0, 10 * USEC_HOUR - 5), /* queued for hours */
		make_at(3, "OPEN", 0, -1),
		make_at(4, "WAIT", 1, 2), /* ended, waits for its PHP line */
		make_at(5, "LATE", 10 * USEC_HOUR - 60, 10 * USEC_HOUR - 1),
		make_at(6, "SOON", 10 * USEC_HOUR - 50, 10 * USEC_HOUR - 9),
		make_at(7, "HOST", 10 * USEC_HOUR, -1),
		make_at(8, "HOUR", 9 * USEC_HOUR + USEC_MINUTE, 10 * USEC_HOUR - 30),
	};
	struct store *s = open_store();

	(void)state;
	m[3]->work.waiting = true;
	m[6]->aliases = xmalloc(sizeof(alias));
	m[6]->aliases[m[6]->naliases++] = alias;
	m[6]->instance = STR("in");
	commit_messages(s, m, 8);
	store_close(s);
	s = open_store();
	restore(s, USEC_MINUTE);
	assert_string_equal(told.text, "3 web1[]OPEN 0 -1\n"
				       "4 web1[]WAIT 1 2 waiting\n"
				       "7 web1[in]HOST 36000000000 -1\n"
				       "7 web1[out]AL 36000000000 -1\n"
				       "8 web1[]HOUR 32460000000 35999999970\n"
				       "6 web1[]SOON 35999999950 35999999991\n"
				       "2 web1[]SLOW 0 35999999995\n"
				       "5 web1[]LATE 35999999940 35999999999\n");
	assert_int_equal(told.next_message, 9);
	assert_int_equal(told.next_php, 1);
	assert_true(told.watermark == T0 + 10 * USEC_HOUR);
	for (int i = 0; i < 8; i++)
		message_free(m[i]);
	store_close(s);
}

static void test_restore_php_and_notes(void **state)
{
	struct store *s = open_store();
	struct php_mail *p[] = { make_php(1, T0), make_php(2, T0), make_php(3, T0) };
	struct note n[] = {
		{ STR("cwd"), STR("1"), STR("/home"), 2 },
		{ STR("cwd"), STR("2"), STR("/root"), 1 },
		{ STR("cwd"), STR("3"), { "", 0 }, 3 },
	};
	struct note gone = { STR("cwd"), STR("1"), STR_NONE, 4 };
	struct batch b = { .php = p, .nphp = 3, .notes = n, .nnotes = 3, .watermark = T0 };

	(void)state;
	p[0]->state = PHP_UNMATCHED;
	p[2]->state = PHP_MATCHED;
	commit(s, &b);
	b = (struct batch){ .notes = &gone, .nnotes = 1 };
	commit(s, &b);
	store_close(s);
	s = open_store();
	restore(s, 0);
	assert_string_equal(told.text, "note cwd 2=/root\nnote cwd 3=\n");
	assert_int_equal(told.nphp, 1);
	assert_int_equal(told.php[0]->id, 2);
	assert_true(told.php[0]->stored && told.php[0]->eval && told.php[0]->tenant);
	assert_str(told.php[0]->subject, p[1]->subject);
	assert_str(told.php[0]->to, p[1]->to);
	assert_str(told.php[0]->headers, p[1]->headers);
	assert_str(told.php[0]->host, p[1]->host);
	assert_int_equal(told.next_php, 4);
	php_mail_free(told.php[0]);
	for (int i = 0; i < 3; i++)
		php_mail_free(p[i]);
	store_close(s);
}

static void test_restore_findings(void **state)
{
	struct store *s = open_store();
	struct finding *f[] = { make_finding(1, T0, 2), make_finding(2, T0, 3),
				make_finding(3, T0 - USEC_DAY, 4) };
	struct batch b = { .findings = f, .nfindings = 3, .next_finding = 4, .next_stream = 9 };

	(void)state;
	restore(s, 0);
	assert_true(told.next_stream == 1 && told.next_finding == 1 && told.nfindings == 0);
	commit(s, &b);
	restore(s, 0);
	assert_true(told.next_stream == 9 && told.next_finding == 4);
	assert_int_equal(told.nfindings, 2); /* the second is closed */
	assert_same_finding(told.findings[0], f[0]);
	assert_same_finding(told.findings[1], f[2]);
	finding_free(told.findings[0]);
	finding_free(told.findings[1]);
	for (int i = 0; i < 3; i++)
		finding_free(f[i]);
	store_close(s);
}

/* --- one writer, many readers ---------------------------------------------- */

static void test_one_writer(void **state)
{
	struct error err = { 0 };
	struct store *s = open_store();

	(void)state;
	assert_null(store_open(in_dir("db"), &err));
	assert_int_equal(err.code, EXIT_AGAIN);
	store_close(s);
	store_close(open_store());
}

static void test_modes(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "db.lock" };
	mode_t old = umask(0);
	struct store *s = open_store();
	struct stat st;

	(void)state;
	umask(old);
	commit_run(s, 1, 1, T0, 1);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(stat(in_dir(names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
	}
	store_close(s);
}

/* A reader in the middle of its work sees what it saw; the writer goes on; once
 * it is done the log is taken back. */
static void test_reader_while_writing(void **state)
{
	struct error err = { 0 };
	struct store *s = open_store();
	struct sql *reader;
	struct sql_stmt *count;
	struct stat st;

	(void)state;
	commit_run(s, 1, 10, T0, 1);
	reader = sql_open_read(in_dir("db"), &err);
	assert_non_null(reader);
	assert_int_equal(sql_exec(reader, "BEGIN", &err), 0);
	count = sql_prepare(reader, "SELECT count(*) FROM message", &err);
	assert_int_equal(sql_step(count, &err), 1);
	assert_int_equal(sql_int(count, 0), 10);
	sql_reset(count);
	for (int i = 0; i < 20; i++)
		commit_run(s, 11 + i * 1000, 1000, T0 + i * USEC_MINUTE, 1000);
	store_idle(s);
	assert_int_equal(sql_step(count, &err), 1);
	assert_int_equal(sql_int(count, 0), 10);
	sql_reset(count);
	assert_int_equal(sql_exec(reader, "COMMIT", &err), 0);
	assert_int_equal(sql_exec(reader, "DELETE FROM message_row", &err), -1);
	assert_int_equal(err.code, EXIT_PERMISSION);
	assert_int_equal(sql_step(count, &err), 1);
	assert_int_equal(sql_int(count, 0), 20010);
	sql_close(reader);
	store_idle(s);
	stat(in_dir("db-wal"), &st);
	commit_run(s, 40000, 1000, T0 + USEC_HOUR, 1000);
	store_idle(s);
	for (int i = 1; i < 10; i++)
		commit_run(s, 40000 + i * 1000, 1000, T0 + USEC_HOUR, 1000), store_idle(s);
	{
		struct stat later;

		stat(in_dir("db-wal"), &later);
		assert_int_equal(later.st_size, st.st_size); /* used again from its start */
	}
	store_close(s);
	assert_consistent();
}

static void insert_rows(struct sql *db, int n)
{
	struct error err;

	for (int i = 0; i < n; i++)
		if (sql_exec(db, "INSERT INTO t VALUES (randomblob(20000))", &err) < 0)
			fail_msg("%s", err.text);
}

static struct sql *table_of_blobs(void)
{
	struct error err;
	struct sql *db = sql_open_write(in_dir("t"), &err);

	assert_non_null(db);
	assert_int_equal(sql_set_up_write(db, 1024, &err), 0);
	assert_int_equal(sql_exec(db, "CREATE TABLE t (x BLOB) STRICT", &err), 0);
	return db;
}

/* What a thread copied is copied for the writer, too, who begins the log anew; and it
 * ends whether or not it is at work. */
static void test_checkpoint_beside(void **state)
{
	struct error err;
	struct sql *db = table_of_blobs();
	struct checkpoint *c;
	int64_t bytes;

	(void)state;
	c = checkpoint_start(db, &err);
	assert_non_null(c);
	insert_rows(db, 100);
	bytes = sql_wal_bytes(db);
	checkpoint_ask(c);
	while (checkpoint_copied(c) < 0)
		usleep(1000);
	assert_int_equal(checkpoint_copied(c), bytes);
	insert_rows(db, 1);
	assert_true(sql_wal_bytes(db) < bytes / 10);
	insert_rows(db, 100);
	checkpoint_ask(c);
	checkpoint_stop(c);
	assert_int_equal(sql_checkpoint(db, false, &err), 0);
	assert_int_equal(sql_wal_bytes(db), 0);
	sql_close(db);
}

/* A process with the lock that SQLite has for checkpoints, which is byte 121 of the -shm
 * file. It ends, and the lock with it, once `until` is closed. */
static pid_t hold_checkpoint_lock(const char *shm, int *until)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 121, .l_len = 1 };
	int to_child[2], from_child[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(from_child), 0);
	child = fork();
	if (child == 0) {
		int fd = open(shm, O_RDWR);

		close(to_child[1]);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(from_child[1], "", 1) != 1)
			_exit(1);
		_exit(read(to_child[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(to_child[0]);
	close(from_child[1]);
	assert_int_equal(read(from_child[0], &byte, 1), 1);
	close(from_child[0]);
	*until = to_child[1];
	return child;
}

static void let_go(pid_t child, int until)
{
	int status;

	close(until);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Asks the thread; what it copied once it is done. It may never say so if the code is wrong. */
static int64_t copied_beside(struct checkpoint *c)
{
	int64_t copied;

	checkpoint_ask(c);
	for (int i = 0; (copied = checkpoint_copied(c)) < 0 && i < 10000; i++)
		usleep(1000);
	return copied;
}

/* One that another process keeps from its work copied nothing, and the log is as long as it
 * was; who comes later does it. */
static void test_checkpoint_meets_another(void **state)
{
	struct error err;
	struct sql *db = table_of_blobs();
	struct checkpoint *c;
	int64_t bytes;
	pid_t child;
	int until;

	(void)state;
	c = checkpoint_start(db, &err);
	assert_non_null(c);
	insert_rows(db, 20);
	bytes = sql_wal_bytes(db);
	child = hold_checkpoint_lock(in_dir("t-shm"), &until);
	assert_int_equal(sql_checkpoint(db, false, &err), 0);
	assert_int_equal(sql_wal_copied(db), 0);
	assert_int_equal(sql_wal_bytes(db), bytes);
	assert_int_equal(copied_beside(c), 0);
	let_go(child, until);
	assert_int_equal(copied_beside(c), bytes);
	assert_int_equal(sql_checkpoint(db, false, &err), 0);
	assert_int_equal(sql_wal_copied(db), bytes);
	assert_int_equal(sql_wal_bytes(db), 0);
	checkpoint_stop(c);
	sql_close(db);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	ssize_t n;

	while (in >= 0 && (n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

/* The files as they lie there at any moment are a whole number of commits, with
 * the positions that belong to them. */
static void test_killed_at_any_time(void **state)
{
	struct store *s = open_store(), *copy;
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < 30; i++) {
		struct message *m = make(i + 1, T0 + i);
		struct position p = { .path = STR("/log"), .ino = 1, .head_n = 4, .offset = i + 1 };
		struct batch b = { .messages = &m, .nmessages = 1, .positions = &p,
				   .npositions = 1, .watermark = T0 + i };
		struct position found;

		commit(s, &b);
		message_free(m);
		copy_file(in_dir("db"), in_dir("copy"));
		copy_file(in_dir("db-wal"), in_dir("copy-wal"));
		if (i % 3 == 0) /* cut within the last frames: the commit before it */
			assert_int_equal(truncate(in_dir("copy-wal"), 32 + i * 1000), 0);
		copy = store_open(in_dir("copy"), &err);
		if (!copy && i < 4)
			continue; /* nothing but a cut first frame */
		assert_non_null(copy);
		if (store_position_of_path(copy, STR("/log"), &found)) {
			struct message *last = store_load_message(copy, found.offset);

			assert_non_null(last);
			message_free(last);
			assert_null(store_load_message(copy, found.offset + 1));
			if (i % 3)
				assert_int_equal(found.offset, i + 1);
		} else {
			assert_int_equal(i % 3, 0);
			assert_null(store_load_message(copy, 1));
		}
		store_close(copy);
		unlink(in_dir("copy-shm"));
	}
	store_close(s);
}

/* --- no space -------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The write fails; nothing is lost or doubled when it is done again later. */
static void test_no_space(void **state)
{
	struct store *s = open_store();
	struct error err = { 0 };
	struct message *m[500];
	struct batch b = { .messages = m, .nmessages = 500, .watermark = T0 + USEC_HOUR };
	struct stat st;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	commit_run(s, 1, 100, T0, 1000);
	for (int i = 0; i < 500; i++) {
		m[i] = make(1000 + i, T0 + USEC_HOUR);
		m[i]->account = STR("new"); /* its dictionary entry fails with it */
	}
	stat(in_dir("db-wal"), &st);
	limit_files((rlim_t)st.st_size + 8192);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_commit(s, &b, &err), -1);
		assert_int_equal(err.code, EXIT_AGAIN);
		assert_int_equal(number("SELECT count(*) FROM message"), 100);
	}
	limit_files(RLIM_INFINITY);
	commit_messages(s, m, 500);
	assert_int_equal(number("SELECT count(*) FROM message m JOIN account a ON a.id = m.account"
				" WHERE a.text = 'new'"), 500);
	assert_consistent();
	for (int i = 0; i < 500; i++)
		message_free(m[i]);
	store_close(s);
	assert_consistent();
}

static void test_no_permission(void **state)
{
	struct error err = { 0 };
	pid_t child;
	int status;

	(void)state;
	store_close(open_store());
	assert_int_equal(chmod(dir, 0755), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		chmod(in_dir("db.lock"), 0400);
		_exit(store_open(in_dir("db"), &err) ? 1 : err.code);
	}
	waitpid(child, &status, 0);
	if (geteuid() == 0)
		assert_int_equal(WEXITSTATUS(status), EXIT_PERMISSION);
}

/* --- retention ------------------------------------------------------------- */

static void test_retention(void **state)
{
	struct store *s = open_store();
	struct error err = { 0 };
	struct php_mail *p[] = { make_php(1, T0), make_php(2, T0 + 3 * USEC_DAY) };
	struct inbound_count in[] = { { STR("a"), T0, 1, 1 },
				      { STR("a"), T0 + 3 * USEC_DAY, 1, 1 } };
	struct direct_count direct[] = { { T0, 1, 25, STR("a"), 1, T0 },
					 { T0 + 3 * USEC_DAY, 1, 25, STR("a"), 1, T0 } };
	struct batch b = { .php = p, .nphp = 2, .inbound = in, .ninbound = 2,
			   .direct = direct, .ndirect = 2, .watermark = T0 + 3 * USEC_DAY };
	struct message *failed = make(1, T0 - USEC_DAY);
	usec_t before = T0 + 2 * USEC_DAY;
	int64_t n, total = 0, steps = 0;

	(void)state;
	add_rcpt(failed, STR("x@y"), RCPT_BOUNCED);
	commit_one(s, failed);
	commit_run(s, 10, 5000, T0, 10 * USEC_SECOND);
	commit_run(s, 10000, 1000, T0 + 2 * USEC_DAY, 10 * USEC_SECOND);
	commit_run(s, 20000, 500, T0 - 30 * USEC_DAY, USEC_MINUTE); /* imported late */
	commit(s, &b);
	while ((n = store_retain(s, before, 400, &err)) > 0) {
		assert_true(n <= 400);
		total += n;
		steps++;
		if (steps % 4 == 0)
			assert_consistent();
	}
	if (n < 0)
		fail_msg("%s", err.text);
	assert_int_equal(total, 1 + 5000 + 500 + 1);
	assert_true(steps >= 14);
	assert_int_equal(number("SELECT count(*) FROM message"), 1000);
	assert_int_equal(number("SELECT count(*) FROM php_mail"), 1);
	assert_int_equal(number("SELECT count(*) FROM inbound"), 1);
	assert_int_equal(number("SELECT count(*) FROM direct"), 1);
	assert_int_equal(number("SELECT count(*) FROM response"), 0);
	assert_int_equal(number("SELECT count(*) FROM minute WHERE minute < 29890499"), 0);
	assert_int_equal(number("SELECT count(*) FROM sieve WHERE chunk < 10000 / 4096"), 0);
	assert_consistent();
	commit_run(s, 30000, 10, T0 - 30 * USEC_DAY, USEC_SECOND); /* and again */
	assert_consistent();
	message_free(failed);
	php_mail_free(p[0]);
	php_mail_free(p[1]);
	store_close(s);
}

/* A step may take the last message of a minute and leave the minute for the next step: it is
 * not the oldest that is kept. */
static void test_oldest_behind_an_empty_minute(void **state)
{
	struct store *s = open_store();
	struct report_status status;
	struct error err = { 0 };
	struct report *r;

	(void)state;
	commit_run(s, 1, 10, T0, USEC_SECOND);
	commit_run(s, 11, 10, T0 + USEC_HOUR, USEC_SECOND);
	assert_int_equal(store_retain(s, T0 + USEC_MINUTE, 10, &err), 10);
	assert_int_equal(number("SELECT count(*) FROM minute WHERE what = 0"), 2);
	r = report_open(in_dir("db"), &err);
	assert_non_null(r);
	assert_int_equal(report_status(r, &status, &err), 0);
	assert_int_equal(status.oldest, T0 + USEC_HOUR);
	report_close(r);
	store_close(s);
}

static void put_streams(struct store *s, int64_t first, int64_t n, usec_t last)
{
	for (int64_t id = first; id < first + n; id++) {
		char key[32];
		struct stream_row row = { id, { key, 0 }, STR("state"), last };
		struct known_row known = { id, 0, 0, STR("hash") };
		struct batch b = { .streams = &row, .nstreams = 1, .known = &known, .nknown = 1 };

		row.key.n = (size_t)snprintf(key, sizeof(key), "key %lld", (long long)id);
		commit(s, &b);
	}
}

/* Closed findings go by the time they were last seen, and the streams unused so
 * long, some in each step. */
static void test_retention_of_findings(void **state)
{
	struct store *s = open_store();
	struct error err = { 0 };
	struct finding *f[] = {
		make_finding(1, T0, 1), make_finding(2, T0, 2), make_finding(3, T0 + 1, 3),
		make_finding(4, T0 + 2, 5), make_finding(5, T0 + 9 * USEC_DAY, 7),
	};
	struct batch b = { .findings = f, .nfindings = 5 };
	int64_t n, total = 0;

	(void)state;
	f[2]->last_seen = T0 + 8 * USEC_DAY; /* went on for long */
	commit(s, &b);
	put_streams(s, 1, 20, T0);
	put_streams(s, 21, 5, T0 + 9 * USEC_DAY);
	for (int i = 0; i < 12; i++) {
		n = store_retain_findings(s, T0 + 3 * USEC_DAY, 3, &err);
		if (n < 0)
			fail_msg("%s", err.text);
		assert_true(n <= 6);
		total += n;
	}
	assert_int_equal(total, 2 + 20);
	assert_int_equal(number("SELECT group_concat(id, '') FROM finding"), 235);
	assert_int_equal(number("SELECT count(*) FROM stream WHERE id > 20"), 5);
	assert_int_equal(number("SELECT count(*) FROM stream_known"), 5);
	assert_int_equal(number("SELECT value FROM meta WHERE name = 'streams'"), 5);
	assert_int_equal(store_retain_findings(s, 0, 3, &err), 0);
	for (int i = 0; i < 5; i++)
		finding_free(f[i]);
	store_close(s);
}

static void test_retention_gives_space_back(void **state)
{
	struct store *s = open_store();
	struct error err = { 0 };
	struct stat before, after;

	(void)state;
	commit_run(s, 1, 20000, T0, USEC_SECOND);
	store_idle(s);
	stat(in_dir("db"), &before);
	while (store_retain(s, T0 + USEC_DAY, 5000, &err) > 0)
		;
	commit_run(s, 30000, 2000, T0 + USEC_DAY, USEC_SECOND); /* something to write in the log */
	store_idle(s);
	store_close(s);
	stat(in_dir("db"), &after);
	assert_true(after.st_size < before.st_size / 2);
	assert_consistent();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_single_recipient),
		TEST(test_addresses),
		TEST(test_open_message_keeps_its_work),
		TEST(test_no_such_row),
		TEST(test_five_thousand_recipients),
		TEST(test_updates_keep_sums_right),
		TEST(test_dropped),
		TEST(test_update_of_a_lost_row),
		TEST(test_minutes),
		TEST(test_minutes_do_not_overlap),
		TEST(test_times_of_a_forged_log),
		TEST(test_php),
		TEST(test_php_texts),
		TEST(test_subject_of_call),
		TEST(test_words),
		TEST(test_many_names),
		TEST(test_counts_add_up),
		TEST(test_unknown_programs_are_bounded),
		TEST(test_shapes_are_bounded),
		TEST(test_findings_round_trip),
		TEST(test_finding_names_its_stream),
		TEST(test_streams),
		TEST(test_stream_with_another_number),
		TEST(test_positions),
		TEST(test_position_of_the_rest_of_a_rotated_file),
		TEST(test_two_files_with_one_head),
		TEST(test_empty_file_then_grown),
		TEST(test_restore_messages),
		TEST(test_restore_php_and_notes),
		TEST(test_restore_findings),
		TEST(test_one_writer),
		TEST(test_modes),
		TEST(test_reader_while_writing),
		TEST(test_checkpoint_beside),
		TEST(test_checkpoint_meets_another),
		TEST(test_killed_at_any_time),
		TEST(test_no_space),
		TEST(test_no_permission),
		TEST(test_retention),
		TEST(test_oldest_behind_an_empty_minute),
		TEST(test_retention_of_findings),
		TEST(test_retention_gives_space_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
