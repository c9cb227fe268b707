/* core/alert.c: what is one alert, and when people hear of it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/alert.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND)

static struct alert *a;
static struct alert_look look;

static int set_up(void **state)
{
	(void)state;
	a = alert_new();
	look = (struct alert_look){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alert_free(a);
	arena_release(&look.strings);
	return 0;
}

static struct finding seen(enum finding_case verdict, enum severity severity, int64_t recipients,
			   usec_t last)
{
	return (struct finding){ .verdict = verdict, .severity = severity, .messages = recipients,
				 .recipients = recipients, .first_seen = T0, .last_seen = last,
				 .summary = STR("so") };
}

/* A look at one finding. */
static enum alert_change step(struct finding f, usec_t watermark)
{
	arena_release(&look.strings);
	look = (struct alert_look){ 0 };
	alert_look_at(&look, &f);
	return alert_step(a, &look, watermark, watermark + USEC_SECOND);
}

static void is_subject(struct finding f, const char *wanted)
{
	struct arena arena = { 0 };
	struct str subject = alert_subject(&f, &arena);

	assert_int_equal(subject.n, strlen(wanted));
	assert_memory_equal(subject.p, wanted, subject.n);
	arena_release(&arena);
}

static void test_subjects(void **state)
{
	(void)state;
	is_subject((struct finding){ .stream_key = STR("login\nalice\ninfo@a.example"),
				     .account = STR("alice"), .login = STR("info@a.example") },
		   "login\ninfo@a.example");
	/* Two scripts of one account are one subject; nobody's scripts are not. */
	is_subject((struct finding){ .stream_key = STR("script\nbob\n/home/bob/x.php"),
				     .account = STR("bob"), .script = STR("/home/bob/x.php") },
		   "account\nbob");
	is_subject((struct finding){ .stream_key = STR("user\nbob\nbob"), .account = STR("bob") },
		   "account\nbob");
	is_subject((struct finding){ .stream_key = STR("script\n\n/srv/x.php"),
				     .script = STR("/srv/x.php") }, "script\n/srv/x.php");
	is_subject((struct finding){ .stream_key = STR("network\n\n10.0.0.7") },
		   "network\n10.0.0.7");
	is_subject((struct finding){ .stream_key = STR("inbound\nalice\n@a.example"),
				     .account = STR("alice") }, "mailbox\n@a.example");
	is_subject((struct finding){ .stream_key = STR("direct\n\nwww-data"), .host = STR("mx1") },
		   "host\nmx1");
	is_subject((struct finding){ .stream_key = STR("direct\nbob\nbob"), .account = STR("bob") },
		   "account\nbob");
	is_subject((struct finding){ .stream_key = STR("host\n\n"), .host = STR("mx1") },
		   "host\nmx1");
	/* A stream that retention took leaves what the finding itself knows. */
	is_subject((struct finding){ .login = STR("x\ny") }, "login\nx\ny");
	is_subject((struct finding){ .host = STR("mx1") }, "host\nmx1");
}

static void test_opened_once(void **state)
{
	(void)state;
	assert_int_equal(step(seen(CASE_STOLEN, SEVERITY_WARNING, 5, T0), T0), CHANGE_OPENED);
	assert_int_equal(a->version, 1);
	assert_int_equal(a->state, ALERT_OPEN);
	assert_int_equal(a->opened, T0 + USEC_SECOND);
	for (int64_t n = 6; n < 50; n++)
		assert_int_equal(step(seen(CASE_STOLEN, SEVERITY_WARNING, n, T0), T0),
				 CHANGE_NONE);
	assert_int_equal(a->version, 1);
	assert_int_equal(a->recipients, 49);
}

static void test_tenfold(void **state)
{
	(void)state;
	step(seen(CASE_STOLEN, SEVERITY_WARNING, 5, T0), T0);
	assert_int_equal(step(seen(CASE_STOLEN, SEVERITY_WARNING, 50, T0), T0), CHANGE_UPDATED);
	assert_int_equal(step(seen(CASE_STOLEN, SEVERITY_WARNING, 499, T0), T0), CHANGE_NONE);
	assert_int_equal(step(seen(CASE_STOLEN, SEVERITY_WARNING, 500, T0), T0), CHANGE_UPDATED);
	assert_int_equal(a->version, 3);
	/* A million more messages are three more words. */
	for (int64_t n = 500; n <= 1000000; n += 100)
		step(seen(CASE_STOLEN, SEVERITY_WARNING, n, T0), T0);
	assert_int_equal(a->version, 6);
}

static void test_zero_recipients(void **state)
{
	(void)state;
	step(seen(CASE_SPOOFED, SEVERITY_WARNING, 0, T0), T0);
	assert_int_equal(step(seen(CASE_SPOOFED, SEVERITY_WARNING, 9, T0), T0), CHANGE_NONE);
	assert_int_equal(step(seen(CASE_SPOOFED, SEVERITY_WARNING, 10, T0), T0), CHANGE_UPDATED);
}

static void test_worse_and_other_case(void **state)
{
	struct finding f = seen(CASE_UNKNOWN, SEVERITY_WARNING, 5, T0);

	(void)state;
	step(f, T0);
	f.severity = SEVERITY_CRITICAL;
	assert_int_equal(step(f, T0), CHANGE_UPDATED);
	f.verdict = CASE_STOLEN;
	assert_int_equal(step(f, T0), CHANGE_UPDATED);
	/* To and fro between cases it had says nothing new, and neither does better. */
	f.verdict = CASE_UNKNOWN;
	assert_int_equal(step(f, T0), CHANGE_NONE);
	f.severity = SEVERITY_WARNING;
	assert_int_equal(step(f, T0), CHANGE_NONE);
	assert_int_equal(a->severity, SEVERITY_CRITICAL);
	assert_int_equal(a->cases, 1u << CASE_UNKNOWN | 1u << CASE_STOLEN);
}

static void test_quiet_and_on_again(void **state)
{
	struct finding f = seen(CASE_STOLEN, SEVERITY_CRITICAL, 5, T0);

	(void)state;
	step(f, T0);
	assert_int_equal(step(f, T0 + ALERT_QUIET_AFTER - 1), CHANGE_NONE);
	assert_int_equal(step(f, T0 + ALERT_QUIET_AFTER), CHANGE_WENT_QUIET);
	assert_int_equal(a->state, ALERT_QUIET);
	assert_int_equal(step(f, T0 + 2 * ALERT_QUIET_AFTER), CHANGE_NONE);
	/* It goes on: no news, but not quiet either. */
	f.last_seen = T0 + 2 * ALERT_QUIET_AFTER;
	assert_int_equal(step(f, f.last_seen), CHANGE_NONE);
	assert_int_equal(a->state, ALERT_OPEN);
	assert_int_equal(step(f, f.last_seen + ALERT_QUIET_AFTER), CHANGE_WENT_QUIET);
	assert_int_equal(a->version, 1);
}

static void test_closed_and_reopened(void **state)
{
	struct finding f = seen(CASE_STOLEN, SEVERITY_CRITICAL, 5, T0);

	(void)state;
	step(f, T0);
	a->acked = T0;
	f.closed = T0 + FINDING_QUIET;
	assert_int_equal(step(f, f.closed), CHANGE_CLOSED);
	assert_int_equal(a->state, ALERT_CLOSED);
	assert_int_equal(a->closed, f.closed + USEC_SECOND);
	assert_int_equal(step(f, f.closed), CHANGE_NONE);
	assert_int_equal(a->closed, f.closed + USEC_SECOND);
	f.closed = 0;
	f.last_seen = T0 + 2 * USEC_DAY;
	assert_int_equal(step(f, f.last_seen), CHANGE_REOPENED);
	assert_int_equal(a->state, ALERT_OPEN);
	assert_int_equal(a->closed, 0);
	assert_int_equal(a->reopened, 1);
	assert_int_equal(a->version, 2);
	assert_int_equal(a->acked, 0); /* somebody has to look again */
}

/* Nobody was there to tell while it went on. */
static void test_over_before_it_was_seen(void **state)
{
	struct finding f = seen(CASE_INJECTED, SEVERITY_CRITICAL, 5, T0);

	(void)state;
	f.closed = T0 + FINDING_QUIET;
	assert_int_equal(step(f, T0 + 2 * USEC_DAY), CHANGE_OPENED);
	assert_int_equal(a->state, ALERT_CLOSED);
}

static void test_several_findings(void **state)
{
	struct finding one = seen(CASE_FORM, SEVERITY_WARNING, 4000, T0);
	struct finding two = seen(CASE_MAILER, SEVERITY_CRITICAL, 7, T0 + USEC_HOUR);

	(void)state;
	one.summary = STR("the form");
	two.summary = STR("the mailer");
	alert_look_at(&look, &one);
	alert_look_at(&look, &two);
	assert_int_equal(look.findings, 2);
	assert_int_equal(look.recipients, 4007);
	assert_int_equal(look.verdict, CASE_MAILER);
	assert_true(str_eq(look.summary, STR("the mailer")));
	assert_int_equal(look.last_seen, T0 + USEC_HOUR);
	/* One ends: the other keeps the alert open. */
	two.closed = T0 + 2 * USEC_DAY;
	arena_release(&look.strings);
	look = (struct alert_look){ 0 };
	alert_look_at(&look, &one);
	alert_look_at(&look, &two);
	assert_int_equal(alert_step(a, &look, T0, T0), CHANGE_OPENED);
	assert_int_equal(a->state, ALERT_OPEN);
}

static void test_loud(void **state)
{
	(void)state;
	assert_true(alert_is_loud(a, CHANGE_OPENED, false));
	assert_true(alert_is_loud(a, CHANGE_UPDATED, false));
	assert_false(alert_is_loud(a, CHANGE_WENT_QUIET, false));
	assert_false(alert_is_loud(a, CHANGE_CLOSED, false));
	a->acked = T0;
	assert_false(alert_is_loud(a, CHANGE_UPDATED, false));
	assert_true(alert_is_loud(a, CHANGE_UPDATED, true));
	assert_true(alert_is_loud(a, CHANGE_REOPENED, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_subjects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_opened_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tenfold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_zero_recipients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_worse_and_other_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quiet_and_on_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed_and_reopened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_over_before_it_was_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_several_findings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_loud, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
