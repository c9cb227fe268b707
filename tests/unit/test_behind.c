/* core/batch.c, schema/behind.c: a batch that was taken stands for itself, and what is under
 * way is as good as written to those who ask for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/behind.h"
#include "schema/sql.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND)
/* So many that a commit is not done when the next call is made. */
#define MANY 20000

struct world {
	char dir[64], path[96];
	struct store *store;
	struct behind *behind;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct error err = { 0 };

	snprintf(w->dir, sizeof(w->dir), "/tmp/test_behind.XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	snprintf(w->path, sizeof(w->path), "%s/db", w->dir);
	w->store = store_open(w->path, &err);
	w->behind = w->store ? behind_start(w->store, w->path, &err) : NULL;
	*state = w;
	if (!w->behind)
		fail_msg("%s", err.text);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	struct world *w = *state;
	char path[128];

	behind_stop(w->behind);
	store_close(w->store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", w->path, ends[i]);
		unlink(path);
	}
	rmdir(w->dir);
	free(w);
	return 0;
}

static struct str text(struct message *m, const char *z)
{
	return arena_str(&m->strings, str_of(z));
}

/* A message all of whose texts are its own. */
static struct message *make(int64_t id)
{
	struct message *m = message_new();
	struct recipient *r;

	m->id = id;
	m->time = T0 + id * USEC_SECOND;
	m->host = text(m, "web1");
	m->instance = text(m, "postfix-out");
	m->queue_id = text(m, "4XyZ12abcd");
	m->account = text(m, "alice");
	m->via = VIA_SASL;
	m->login = text(m, "alice@example.com");
	m->client_ip = text(m, "203.0.113.7");
	m->client_name = text(m, "dsl.example.org");
	m->helo = text(m, "laptop");
	m->cwd = text(m, "/home/alice");
	m->script = text(m, "/home/alice/www/form.php");
	m->sender = text(m, "alice@example.com");
	m->subject = text(m, "Hello");
	m->message_id = text(m, "1@example.com");
	m->parent_id = text(m, "4XyZ11abcd");
	m->work.header_to = text(m, "bob@example.net");
	m->work.forward = text(m, "carol@example.com");
	r = message_recipient_add(m, STR("bob@example.net"));
	r->orig_to = text(m, "robert@example.net");
	r->status = RCPT_DEFERRED;
	r->dsn = text(m, "4.2.2");
	r->relay = text(m, "mx.example.net");
	r->relay_ip = text(m, "198.51.100.9");
	r->response = text(m, "452 mailbox full");
	return m;
}

static void take(struct world *w, int64_t first, size_t n, bool more)
{
	struct message **m = calloc(n, sizeof(struct message *));
	struct batch b = { .nmessages = n, .more = more };
	struct error err = { 0 };

	for (size_t i = 0; i < n; i++)
		m[i] = make(first + (int64_t)i);
	/* As the pipeline makes it: the list is in the arena, the messages are not. */
	b.messages = arena_alloc(&b.arena, n * sizeof(struct message *));
	memcpy(b.messages, m, n * sizeof(struct message *));
	if (behind_commit(w->behind, &b, &err) < 0)
		fail_msg("%s", err.text);
	assert_null(b.arena.head);
	for (size_t i = 0; i < n; i++)
		message_free(m[i]);
	free(m);
}

static void take_messages(struct world *w, int64_t first, size_t n)
{
	take(w, first, n, false);
}

static void assert_text(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static void taken_batch_stands_for_itself(void **state)
{
	struct world *w = *state;
	struct message *m;

	take_messages(w, 1, 1);
	m = behind_load_message(w->behind, 1);
	assert_non_null(m);
	assert_text(m->instance, "postfix-out");
	assert_text(m->login, "alice@example.com");
	assert_text(m->client_name, "dsl.example.org");
	assert_text(m->script, "/home/alice/www/form.php");
	assert_text(m->subject, "Hello");
	assert_text(m->work.header_to, "bob@example.net");
	assert_text(m->work.forward, "carol@example.com");
	assert_int_equal(m->nrcpt, 1);
	assert_text(m->rcpt[0].orig_to, "robert@example.net");
	assert_text(m->rcpt[0].relay, "mx.example.net");
	assert_text(m->rcpt[0].response, "452 mailbox full");
	message_free(m);
}

static void message_under_way_is_found(void **state)
{
	struct world *w = *state;
	struct message *m;

	take_messages(w, 1, MANY);
	m = behind_load_message(w->behind, MANY);
	assert_non_null(m);
	message_free(m);
	assert_null(behind_load_message(w->behind, MANY + 1));
}

static void id_under_way_is_found(void **state)
{
	struct world *w = *state;
	usec_t seen, closed;

	take_messages(w, 1, MANY);
	assert_int_not_equal(behind_find(w->behind, STR("web1"), STR("4XyZ12abcd"),
					 T0 + MANY * USEC_SECOND, &seen, &closed), 0);
}

static void stream_under_way_is_found(void **state)
{
	struct world *w = *state;
	struct batch b = { .nstreams = MANY };
	struct error err = { 0 };
	struct stream_row row;
	char key[MANY][16];

	b.streams = arena_alloc(&b.arena, MANY * sizeof(*b.streams));
	for (int i = 0; i < MANY; i++) {
		snprintf(key[i], sizeof(key[i]), "%d", i);
		b.streams[i] = (struct stream_row){ i + 1, str_of(key[i]), STR("state"), T0 };
	}
	assert_int_equal(behind_commit(w->behind, &b, &err), 0);
	memset(key, 0, sizeof(key));
	assert_true(behind_load_stream(w->behind, STR("19999"), &row));
	assert_int_equal(row.id, MANY);
	assert_false(behind_load_stream(w->behind, STR("20000"), &row));
}

static int64_t number(struct world *w, const char *query)
{
	struct error err = { 0 };
	struct sql *db = sql_open_read(w->path, &err);
	struct sql_stmt *st = db ? sql_prepare(db, query, &err) : NULL;
	int64_t n;

	if (!st || sql_step(st, &err) != 1)
		fail_msg("%s", err.text);
	n = sql_int(st, 0);
	sql_finalize(st);
	sql_close(db);
	return n;
}

#define COUNT_MESSAGES "SELECT count(*) FROM message"
#define SUM_HOURS "SELECT sum(messages) FROM hourly"
#define TOLD_MESSAGES "SELECT value FROM meta WHERE name = 'messages'"

static void assert_message(struct world *w, int64_t id)
{
	struct message *m = behind_load_message(w->behind, id);

	assert_non_null(m);
	assert_int_equal(m->id, id);
	message_free(m);
}

/* Whoever else reads sees nothing of a transaction before its last part. */
static void parts_are_one_transaction(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };
	usec_t seen, closed;

	take_messages(w, 1, 10);
	take(w, 11, 20, true);
	assert_message(w, 30);
	assert_int_equal(behind_wait(w->behind, &err), 0);
	assert_int_equal(number(w, COUNT_MESSAGES), 10);
	assert_message(w, 5);
	assert_message(w, 15);
	take(w, 31, MANY, true);
	assert_message(w, 16); /* of the part before the one under way */
	assert_message(w, 30 + MANY);
	assert_true(behind_find(w->behind, STR("web1"), STR("4XyZ12abcd"),
				T0 + (30 + MANY) * USEC_SECOND, &seen, &closed) > 30);
	assert_int_equal(number(w, COUNT_MESSAGES), 10);
	assert_int_equal(number(w, TOLD_MESSAGES), 10);
	take_messages(w, 31 + MANY, 1);
	assert_int_equal(behind_wait(w->behind, &err), 0);
	assert_int_equal(number(w, COUNT_MESSAGES), 31 + MANY);
	assert_int_equal(number(w, SUM_HOURS), 31 + MANY);
	assert_int_equal(number(w, TOLD_MESSAGES), 31 + MANY);
}

/* As after a crash: the transaction had no last part. */
static void parts_without_an_end_are_nothing(void **state)
{
	struct world *w = *state;
	struct error err = { 0 };

	take_messages(w, 1, 10);
	take(w, 11, 20, true);
	behind_stop(w->behind);
	w->behind = NULL;
	store_close(w->store);
	w->store = store_open(w->path, &err);
	assert_non_null(w->store);
	assert_int_equal(number(w, COUNT_MESSAGES), 10);
	assert_int_equal(number(w, SUM_HOURS), 10);
}

static void refuse_messages_from(struct world *w, const char *id)
{
	struct error err = { 0 };
	struct sql *db = sql_open_existing(w->path, &err);
	char text[160];

	assert_non_null(db);
	snprintf(text, sizeof(text), "CREATE TRIGGER refuse BEFORE INSERT ON message_row"
		 " WHEN new.id >= %s BEGIN SELECT RAISE(ABORT, 'refused'); END", id);
	assert_int_equal(sql_exec(db, text, &err), 0);
	sql_close(db);
}

/* A commit that failed is told to whoever commits next or waits, and nothing is written
 * behind it: positions must not be ahead of the rows. */
static void failure_ends_it(void **state)
{
	struct world *w = *state;
	struct position at = { .path = STR("mail.log"), .offset = 7 }, found;
	struct batch next = { .positions = &at, .npositions = 1 };
	struct error err = { 0 };

	refuse_messages_from(w, "1");
	take_messages(w, 1, 1);
	assert_int_equal(behind_commit(w->behind, &next, &err), -1);
	assert_non_null(strstr(err.text, "refused"));
	assert_int_equal(behind_wait(w->behind, &err), -1);
	assert_false(store_position_of_path(w->store, STR("mail.log"), &found));
}

/* A part that fails takes those before it along. */
static void failure_undoes_all_parts(void **state)
{
	struct world *w = *state;
	struct batch end = { 0 };
	struct error err = { 0 };

	refuse_messages_from(w, "30");
	take(w, 1, 10, true);
	assert_int_equal(behind_wait(w->behind, &err), 0);
	take(w, 30, 1, true);
	assert_int_equal(behind_commit(w->behind, &end, &err), -1);
	assert_non_null(strstr(err.text, "refused"));
	assert_int_equal(number(w, "SELECT count(*) FROM hourly"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM minute"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(taken_batch_stands_for_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(message_under_way_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(id_under_way_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stream_under_way_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_are_one_transaction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_without_an_end_are_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(failure_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failure_undoes_all_parts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
