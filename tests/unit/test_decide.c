/* schema/decide.c, outbox.c, and what the store tells them: rows that outlive the
 * connection, and a writer of facts beside a writer of decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema/action.h"
#include "schema/decide.h"
#include "schema/outbox.h"
#include "schema/report.h"
#include "schema/store.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND)

static char dir[64], path[128];
static struct store *store;
static struct decide *d;
static struct error err;

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mailaudit-decide.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/db", dir);
	store = store_open(path, &err);
	d = store ? decide_open(path, &err) : NULL;
	if (!d)
		fprintf(stderr, "%s\n", err.text);
	return d ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "db.lock" };
	char name[160];

	(void)state;
	decide_close(d);
	store_close(store);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, names[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static struct finding *a_finding(int64_t id, const char *login)
{
	struct finding *f = finding_new();

	f->id = id;
	f->stream = id;
	f->time = f->first_seen = f->last_seen = T0;
	f->login = arena_str(&f->strings, str_of(login));
	f->account = arena_str(&f->strings, STR("alice"));
	f->script_line = -1;
	f->severity = SEVERITY_CRITICAL;
	f->verdict = CASE_STOLEN;
	f->messages = f->recipients = 9;
	f->summary = arena_str(&f->strings, STR("9 messages"));
	return f;
}

static void write_finding(struct finding *f)
{
	struct batch b = { .findings = &f, .nfindings = 1, .next_finding = f->id + 1,
			   .watermark = T0 };

	if (store_commit(store, &b, &err) < 0)
		fail_msg("%s", err.text);
	f->stored = true;
}

static void test_news_only_when_asked(void **state)
{
	struct finding *f = a_finding(1, "a@a.example");
	struct news n;

	(void)state;
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 0);
	store_tell_since(store, T0 + 1); /* it is older */
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 0);
	store_tell_since(store, T0);
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 1);
	assert_int_equal(n.finding, 1);
	finding_free(f);
}

/* What changes while it is looked at is looked at again. */
static void test_news_is_not_lost(void **state)
{
	struct finding *f = a_finding(1, "a@a.example");
	struct news before, after;

	(void)state;
	store_tell_since(store, 0);
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &before, &err), 1);
	write_finding(f);
	assert_int_equal(decide_news_done(d, &before, &err), 0);
	assert_int_equal(decide_next_news(d, T0, &after, &err), 1);
	assert_true(after.number > before.number);
	assert_int_equal(decide_news_done(d, &after, &err), 0);
	assert_int_equal(decide_next_news(d, T0, &after, &err), 0);
	finding_free(f);
}

/* The end of an imported finding is told to nobody, that of one people know is. */
static void test_news_of_the_end(void **state)
{
	struct finding *f = a_finding(1, "a@a.example");
	struct news n;

	(void)state;
	write_finding(f);
	f->closed = T0 + FINDING_QUIET;
	store_tell_since(store, T0);
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 0);
	assert_int_equal(decide_join(d, 1, 7, &err), 0);
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 1);
	finding_free(f);
}

/* An import sees beginning and end between two commits. */
static void test_news_of_what_is_over(void **state)
{
	struct finding *f = a_finding(1, "a@a.example");
	struct news n;

	(void)state;
	f->closed = T0 + FINDING_QUIET;
	store_tell_since(store, 0);
	write_finding(f);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 1);
	assert_int_equal(n.finding, 1);
	finding_free(f);
}

static void test_mutes(void **state)
{
	struct mute m = { STR("login"), STR("a@a.example"), T0 + USEC_DAY, T0, STR("a club"),
			  STR("root") };
	struct finding *f = a_finding(1, "a@a.example"), *g = a_finding(2, "b@a.example");
	struct news n;

	(void)state;
	store_tell_since(store, 0);
	write_finding(f);
	assert_int_equal(decide_mute(d, &m, &err), 0);
	assert_int_equal(decide_muted_until(d, f, T0), T0 + USEC_DAY);
	assert_int_equal(decide_muted_until(d, f, T0 + USEC_DAY), 0);
	assert_int_equal(decide_muted_until(d, g, T0), 0);
	decide_next_news(d, T0, &n, &err);
	decide_news_later(d, &n, T0 + USEC_DAY, &err);
	write_finding(f); /* it goes on meanwhile */
	assert_int_equal(decide_next_news(d, T0, &n, &err), 0);
	assert_int_equal(decide_next_news(d, T0 + USEC_DAY, &n, &err), 1);
	assert_int_equal(decide_unmute(d, m.kind, m.name, &err), 1);
	assert_int_equal(decide_unmute(d, m.kind, m.name, &err), 0);
	assert_int_equal(decide_next_news(d, T0, &n, &err), 1);
	m.kind = STR("account");
	m.name = STR("alice");
	decide_mute(d, &m, &err);
	assert_int_equal(decide_muted_until(d, g, T0), T0 + USEC_DAY);
	finding_free(f);
	finding_free(g);
}

static struct alert *an_alert(const char *subject)
{
	struct alert *a = alert_new();

	a->subject = arena_str(&a->strings, str_of(subject));
	a->account = arena_str(&a->strings, STR("alice"));
	a->version = 3;
	a->severity = SEVERITY_CRITICAL;
	a->verdict = CASE_STOLEN;
	a->cases = 1u << CASE_STOLEN;
	a->summary = arena_str(&a->strings, STR("so"));
	a->messages = 4;
	a->recipients = 5;
	a->told_recipients = 2;
	a->opened = a->changed = T0 + 1;
	a->first_seen = T0;
	a->last_seen = T0 + 2;
	return a;
}

static void assert_same(const struct alert *a, const struct alert *b)
{
	assert_int_equal(a->id, b->id);
	assert_true(str_eq(a->subject, b->subject));
	assert_true(str_eq(a->account, b->account));
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->severity, b->severity);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->cases, b->cases);
	assert_true(str_eq(a->summary, b->summary));
	assert_int_equal(a->messages, b->messages);
	assert_int_equal(a->recipients, b->recipients);
	assert_int_equal(a->told_recipients, b->told_recipients);
	assert_int_equal(a->opened, b->opened);
	assert_int_equal(a->changed, b->changed);
	assert_int_equal(a->first_seen, b->first_seen);
	assert_int_equal(a->last_seen, b->last_seen);
	assert_int_equal(a->closed, b->closed);
	assert_int_equal(a->reopened, b->reopened);
	assert_int_equal(a->acked, b->acked);
	assert_true(str_eq(a->acked_by, b->acked_by));
	assert_true(str_eq(a->ack_note, b->ack_note));
}

static void test_alert_comes_back(void **state)
{
	struct alert *a = an_alert("login\na@a.example"), *b;

	(void)state;
	assert_int_equal(decide_put_alert(d, a, &err), 0);
	assert_int_equal(a->id, 1);
	b = decide_alert(d, 1, &err);
	assert_same(a, b);
	alert_free(b);
	a->state = ALERT_CLOSED;
	a->closed = T0 + 9;
	a->reopened = 2;
	a->acked = T0 + 3;
	a->acked_by = arena_str(&a->strings, STR("ro\0ot"));
	a->ack_note = arena_str(&a->strings, STR("\xff\n"));
	assert_int_equal(decide_put_alert(d, a, &err), 0);
	b = decide_alert(d, 1, &err);
	assert_same(a, b);
	alert_free(b);
	alert_free(a);
	assert_null(decide_alert(d, 2, &err));
	assert_int_equal(err.code, 0);
}

static void test_alert_of_subject(void **state)
{
	struct alert *a = an_alert("login\na@a.example"), *b;

	(void)state;
	a->closed = T0;
	decide_put_alert(d, a, &err);
	assert_null(decide_alert_of(d, 5, a->subject, T0 + 1, &err));
	b = decide_alert_of(d, 5, a->subject, T0, &err);
	assert_int_equal(b->id, a->id);
	alert_free(b);
	/* Its own, even if that was closed long ago. */
	decide_join(d, 5, a->id, &err);
	b = decide_alert_of(d, 5, STR("login\nother"), T0 + 1, &err);
	assert_int_equal(b->id, a->id);
	alert_free(b);
	alert_free(a);
}

static void test_outbox(void **state)
{
	struct outbox_item item;

	(void)state;
	assert_int_equal(outbox_next_due(d), 0);
	outbox_put(d, 1, 1, CHANGE_OPENED, "mail", T0, &err);
	outbox_put(d, 1, 1, CHANGE_OPENED, "webhook", T0, &err);
	assert_int_equal(outbox_next(d, T0 - 1, &item, &err), 0);
	assert_int_equal(outbox_next(d, T0, &item, &err), 1);
	assert_true(str_eq(item.channel, STR("mail")));
	assert_int_equal(item.tries, 0);
	outbox_result(d, item.id, OUTBOX_WAITING, T0 + 9, T0, "down", &err);
	outbox_next(d, T0, &item, &err);
	assert_true(str_eq(item.channel, STR("webhook")));
	outbox_result(d, item.id, OUTBOX_SENT, T0, T0 + 1, NULL, &err);
	assert_int_equal(outbox_next(d, T0, &item, &err), 0);
	assert_int_equal(outbox_next_due(d), T0 + 9);
	outbox_next(d, T0 + 9, &item, &err);
	assert_int_equal(item.tries, 1);
	assert_int_equal(outbox_sent_since(d, "mail", T0), 0);
	outbox_result(d, item.id, OUTBOX_SENT, T0, T0 + 9, NULL, &err);
	assert_int_equal(outbox_sent_since(d, "mail", T0), 1);
	assert_int_equal(outbox_sent_since(d, "mail", T0 + 9), 0);
}

static void test_outbox_held(void **state)
{
	struct outbox_item item;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		outbox_put(d, i, 1, CHANGE_OPENED, "mail", T0, &err);
		outbox_next(d, T0, &item, &err);
		outbox_result(d, item.id, OUTBOX_HELD, T0, T0, NULL, &err);
	}
	assert_false(outbox_waits(d, "mail", OUTBOX_DIGEST));
	outbox_put_later(d, 0, OUTBOX_DIGEST, CHANGE_NONE, "mail", T0, T0 + 60, &err);
	assert_true(outbox_waits(d, "mail", OUTBOX_DIGEST));
	assert_false(outbox_waits(d, "mail", OUTBOX_SUMMARY));
	assert_int_equal(outbox_next_held(d, "mail", 0, &item, &err), 1);
	assert_int_equal(item.alert, 1);
	assert_int_equal(outbox_next_held(d, "mail", item.id, &item, &err), 1);
	assert_int_equal(outbox_digested(d, "mail", item.id, T0, &err), 0);
	assert_int_equal(outbox_next_held(d, "mail", 0, &item, &err), 1);
	assert_int_equal(item.alert, 3);
	/* Neither held ones nor digests count as mails sent. */
	assert_int_equal(outbox_sent_since(d, "mail", 0), 0);
}

static void test_postponed(void **state)
{
	struct outbox_item item;

	(void)state;
	outbox_put(d, 1, 1, CHANGE_OPENED, "mail", T0, &err);
	outbox_put(d, 2, 1, CHANGE_OPENED, "webhook", T0, &err);
	outbox_postpone(d, "mail", T0 + 5, &err);
	outbox_next(d, T0, &item, &err);
	assert_int_equal(item.alert, 2);
}

static bool count_delivery(void *context, const struct report_delivery *row)
{
	(void)row;
	++*(int64_t *)context;
	return true;
}

static void test_forget(void **state)
{
	struct alert *old = an_alert("login\nold"), *open = an_alert("login\nopen");
	struct report *r = report_open(path, &err);
	int64_t n = 0;

	(void)state;
	old->closed = T0;
	decide_put_alert(d, old, &err);
	decide_put_alert(d, open, &err);
	decide_join(d, 1, old->id, &err);
	outbox_put(d, old->id, 1, CHANGE_OPENED, "mail", T0, &err);
	outbox_put(d, open->id, 1, CHANGE_OPENED, "mail", T0, &err);
	assert_int_equal(decide_forget(d, T0, 100, &err), 0);
	report_deliveries(r, old->id, count_delivery, &n, &err);
	assert_int_equal(n, 1);
	assert_int_equal(decide_forget(d, T0 + 1, 100, &err), 0);
	n = 0;
	report_deliveries(r, old->id, count_delivery, &n, &err);
	assert_int_equal(n, 0);
	report_deliveries(r, open->id, count_delivery, &n, &err);
	assert_int_equal(n, 1);
	assert_null(decide_alert(d, old->id, &err));
	report_close(r);
	alert_free(old);
	alert_free(open);
}

/* Who wants to undo it in a year still can. */
static void test_what_can_be_undone_is_kept(void **state)
{
	struct alert *old = an_alert("login\nold"), *kept;
	struct action_row *done = action_row_new();

	(void)state;
	old->closed = T0;
	decide_put_alert(d, old, &err);
	done->alert = old->id;
	done->name = arena_str(&done->strings, STR("block-login-postfix"));
	done->target = arena_str(&done->strings, STR("old"));
	done->state = ACTION_DONE;
	assert_int_equal(action_put(d, done, &err), 0);
	assert_int_equal(decide_forget(d, T0 + 1, 100, &err), 0);
	kept = decide_alert(d, old->id, &err);
	assert_non_null(kept);
	alert_free(kept);
	done->state = ACTION_UNDONE;
	action_put(d, done, &err);
	assert_int_equal(decide_forget(d, T0 + 1, 100, &err), 0);
	assert_null(decide_alert(d, old->id, &err));
	assert_null(action_load(d, done->id, &err));
	action_row_free(done);
	alert_free(old);
}

static int fails(struct decide *db, void *context, struct error *e)
{
	(void)context;
	outbox_put(db, 1, 1, CHANGE_OPENED, "mail", T0, e);
	return error_set(e, EXIT_INTERNAL, "no");
}

static void test_all_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(decide_transaction(d, fails, NULL, &err), -1);
	assert_int_equal(outbox_next_due(d), 0);
}

/* While decisions are written by another process, facts are, too. */
static void test_two_writers(void **state)
{
	struct finding *f = a_finding(1, "a@a.example");
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct decide *other = decide_open(path, &err);

		for (int i = 0; i < 300; i++)
			if (!other || outbox_put(other, i + 1, 1, CHANGE_OPENED, "mail", T0,
						 &err) < 0)
				_exit(1);
		decide_close(other);
		_exit(0);
	}
	store_tell_since(store, 0);
	for (int i = 0; i < 300; i++)
		write_finding(f);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(decide_watermark(d), T0);
	finding_free(f);
}

static void test_no_database(void **state)
{
	(void)state;
	assert_null(decide_open("/nonexistent/db", &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_news_only_when_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_news_is_not_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_news_of_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_news_of_what_is_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mutes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_alert_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_alert_of_subject, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_outbox, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_outbox_held, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_postponed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_can_be_undone_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_writers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_database, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
