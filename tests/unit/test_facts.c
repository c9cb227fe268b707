/* notify/facts.c: what is told of an alert, from a database made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notify/facts_part.h"
#include "tests/unit/alerted.h"

#define SETTINGS "hostname: web1.example\n"

static struct tree *facts_now(struct alerted *a, const struct alert *alert,
			      enum alert_change change)
{
	struct error err = { 0 };
	struct tree *t = facts_of_alert(a->report, a->settings, alert, alert->version, change,
					T0 + USEC_MINUTE, &err);

	must(t, &err);
	return t;
}

/* "a.b.2.c" */
static const struct tree *at(const struct tree *t, const char *path)
{
	struct str rest = str_of(path);
	int64_t i;

	while (rest.n && t) {
		struct str part = str_head(rest, str_chr(rest, '.'));

		t = str_int(part, &i) ? tree_at(t, (size_t)i) : tree_get(t, part);
		rest = str_skip(rest, part.n + 1);
	}
	return t;
}

static void same(const struct tree *t, const char *path, const char *wanted)
{
	struct str got = tree_show(at(t, path));

	if (!str_eq(got, str_of(wanted)))
		fail_msg("%s is '%.*s', not '%s'", path, STR_ARG(got), wanted);
}

static const struct str carol = { "carol", 5 }, info = { "info@shop.example", 17 };

static void test_login(void **state)
{
	struct alerted a;
	struct store *s = alerted_start(&a, SETTINGS);
	struct finding *f = stolen(1);
	struct message *mail[] = {
		mail_of(&a, T0 - 3 * USEC_HOUR, carol, info, STR_NONE, 2),
		mail_of(&a, T0 - 2 * USEC_HOUR, carol, STR_NONE, STR("/home/carol/x.php"), 50),
		mail_of(&a, T0 - 30 * USEC_SECOND, carol, info, STR_NONE, 5),
		mail_of(&a, T0 - 10 * USEC_SECOND, carol, info, STR_NONE, 7),
		mail_of(&a, T0, STR("bob"), STR("bob"), STR_NONE, 90),
	};
	struct alert *alert;
	struct tree *t;

	(void)state;
	put_mail(s, mail, 5);
	put_findings(s, &f, 1, 2.46f);
	alert = alerted_raise(&a, s, &f, 1);
	t = facts_now(&a, alert, CHANGE_OPENED);
	same(t, "event", "opened");
	assert_true(tree_is_true(at(t, "event_is.opened")));
	assert_false(tree_is_true(at(t, "event_is.updated")));
	same(t, "version", "1");
	same(t, "host", "web1.example");
	same(t, "time", "2026-11-24T19:36:00Z");
	same(t, "case", "4");
	same(t, "case_title", "stolen password");
	assert_true(tree_is_true(at(t, "case_is.stolen")));
	same(t, "cases.0", "4");
	same(t, "subject.kind", "login");
	same(t, "subject.name", "info@shop.example");
	same(t, "account", "carol");
	same(t, "login", "info@shop.example");
	assert_true(tree_has(t, STR("script")));
	assert_null(at(t, "script"));
	same(t, "lasted", "41 s");
	same(t, "first_seen", "2026-11-24T19:34:19Z");
	same(t, "messages", "9");
	same(t, "recipients", "12");
	same(t, "new_recipients", "11");
	same(t, "leaked_before", "4");
	same(t, "unknown_users", "3");
	same(t, "usual_per_hour", "2.460");
	same(t, "usual_shown", "2.5");
	same(t, "addresses", "4");
	same(t, "country_count", "2");
	same(t, "countries.0", "VN");
	same(t, "countries.1", "BR");
	same(t, "sources.0.ip", "203.0.113.7");
	same(t, "sources.0.asn", "AS131429");
	same(t, "sources.0.messages", "5");
	same(t, "sources.1.country", "BR");
	assert_null(at(t, "sources.1.asn"));
	assert_null(at(t, "sources.2.country"));
	assert_true(tree_is_true(at(t, "sources.2.own")));
	same(t, "evidence.1", "origin: strange");
	same(t, "why.0", "not a script (3)");
	same(t, "subjects.0", "Your parcel");
	same(t, "queue_ids.1", "4jYtNf0cHQz3M");
	same(t, "findings.0.id", "1");
	/* Of the two mails of the login in the time of the alert: 12 recipients, 2 wait. */
	same(t, "outcomes.sent", "10");
	same(t, "outcomes.deferred", "2");
	same(t, "queued", "2");
	assert_int_equal(tree_count(at(t, "scripts")), 0);
	assert_int_equal(tree_count(at(t, "hours")), 24);
	same(t, "hours.23.hour", "2026-11-24T19:00:00Z");
	same(t, "hours.23.recipients", "12");
	same(t, "hours.23.percent", "100");
	same(t, "hours.23.bar", "########################################");
	same(t, "hours.23.usual_shown", "2.5");
	same(t, "hours.23.usual_percent", "21");
	same(t, "hours.20.recipients", "2");
	same(t, "hours.21.recipients", "0");
	same(t, "peak.recipients", "12");
	same(t, "mta", "postfix");
	tree_free(t);
	alert_free(alert);
	alerted_end(&a);
}

static struct finding *script(int64_t id, const char *path, int64_t recipients)
{
	struct finding *f = finding_new();

	f->id = id;
	f->stream = id;
	f->stream_key = STR("script\nbob\nx");
	f->time = f->first_seen = f->last_seen = T0;
	f->verdict = CASE_MAILER;
	f->account = STR("bob");
	f->script = str_of(path);
	f->script_line = 4;
	f->messages = f->recipients = recipients;
	f->queue_ids = STR("1xVwQN-0005Qa-01");
	f->summary = arena_str(&f->strings, str_of(path));
	return f;
}

static void test_account_with_scripts(void **state)
{
	struct alerted a;
	struct store *s = alerted_start(&a, SETTINGS);
	struct finding *list[30];
	char paths[30][40];
	struct message *mail[] = {
		mail_of(&a, T0, STR("bob"), STR_NONE, STR("/home/bob/a.php"), 30),
		mail_of(&a, T0, STR("bob"), STR_NONE, STR("/home/bob/b.php"), 10),
		mail_of(&a, T0, STR("bob"), STR("bob"), STR_NONE, 60),
	};
	struct alert *alert;
	struct tree *t;

	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/home/bob/%c%d.php", 'a' + i % 20, i);
		list[i] = script(i + 1, paths[i], i == 25 ? 1000 : 1);
	}
	put_mail(s, mail, 3);
	put_findings(s, list, 30, 0);
	alert = alerted_raise(&a, s, list, 30);
	t = facts_now(&a, alert, CHANGE_UPDATED);
	same(t, "subject.kind", "account");
	same(t, "script", paths[25]); /* of the weightiest */
	same(t, "script_line", "4");
	same(t, "findings.0.id", "26"); /* it comes first */
	assert_int_equal(tree_count(at(t, "findings")), FACTS_MAX_ITEMS);
	same(t, "findings_left_out", "10");
	assert_int_equal(tree_count(at(t, "queue_ids")), 1); /* each once */
	same(t, "scripts.0.script", "/home/bob/a.php");
	same(t, "scripts.0.share", "75"); /* without the login's */
	same(t, "scripts.1.recipients", "10");
	same(t, "hours.23.recipients", "100"); /* all that the account sends */
	same(t, "mta", "exim");
	same(t, "commands.hold.0", "mailaudit alerts 1 --queued | xargs -r exim -Mf");
	same(t, "commands.remove.0", "mailaudit alerts 1 --queued | xargs -r exim -Mrm");
	same(t, "commands.suspend.0", "mailaudit act 1 disable-script");
	same(t, "commands.mute.0", "mailaudit mute account bob --for 7d --because TEXT");
	tree_free(t);
	alert_free(alert);
	alerted_end(&a);
}

static void commands_of(struct alerted *a, struct str login, struct alert **alert, struct tree **t)
{
	struct store *s = alerted_start(a, SETTINGS);
	struct finding *f = stolen(1);

	f->login = login;
	put_findings(s, &f, 1, 0);
	*alert = alerted_raise(a, s, &f, 1);
	*t = facts_now(a, *alert, CHANGE_OPENED);
}

/* Nothing of a name that is not plain is in a command. */
static void test_commands(void **state)
{
	static const char *const names[] = { "info@shop.example", "x;reboot", "$(id)", "-rf", "a b",
					     "a\nb", "a'b", "a\x80" };
	struct alerted a;
	struct alert *alert;
	struct tree *t;
	char *json;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		commands_of(&a, str_of(names[i]), &alert, &t);
		same(t, "commands.look.0", "mailaudit alerts 1");
		same(t, "commands.hold.0", "mailaudit alerts 1 --queued | postsuper -h -");
		same(t, "commands.remove.0", "mailaudit alerts 1 --queued | postsuper -d -");
		same(t, "commands.suspend.0", "mailaudit act 1 block-login-postfix");
		same(t, "commands.ack.0", "mailaudit ack 1");
		if (i == 0) {
			same(t, "commands.suspend.1", "doveadm kick info@shop.example");
			same(t, "commands.look.1",
			     "mailaudit messages --login info@shop.example --since 2d");
			same(t, "commands.mute.0",
			     "mailaudit mute login info@shop.example --for 7d --because TEXT");
		} else {
			same(t, "commands.suspend.1", "");
			same(t, "commands.mute.0", "");
			json = tree_json(at(t, "commands"));
			assert_null(strpbrk(json, ";$'\\"));
			assert_null(strstr(json, "-rf"));
			free(json);
		}
		tree_free(t);
		alert_free(alert);
		alerted_end(&a);
	}
}

/* Sums of a host: two alerts, one of them closed. */
static void test_digest_and_summary(void **state)
{
	struct alerted a;
	struct store *s = alerted_start(&a, SETTINGS);
	struct finding *f = stolen(1);
	struct message *mail[] = {
		mail_of(&a, T0, carol, info, STR_NONE, 5),
		mail_of(&a, T0 - 10, STR("bob"), STR_NONE, STR_NONE, 7),
		mail_of(&a, T0 - 2 * USEC_DAY, STR("bob"), STR_NONE, STR_NONE, 70),
	};
	struct alert *alert;
	struct error err = { 0 };
	int64_t ids[FACTS_MAX_ALERTS + 50];
	struct tree *t;

	(void)state;
	put_mail(s, mail, 3);
	put_findings(s, &f, 1, 0);
	alert = alerted_raise(&a, s, &f, 1);
	t = facts_of_summary(a.report, a.settings, T0 - USEC_DAY, T0 + USEC_MINUTE, &err);
	must(t, &err);
	same(t, "event", "summary");
	same(t, "opened", "1");
	same(t, "open", "1");
	same(t, "closed", "0");
	same(t, "acked", "0");
	same(t, "messages", "2");
	same(t, "recipients", "12");
	same(t, "accounts.0.account", "bob"); /* by recipients */
	same(t, "accounts.1.recipients", "5");
	same(t, "alerts.0.alert", "1");
	same(t, "alerts.0.case", "4");
	same(t, "more", "0");
	tree_free(t);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		ids[i] = 1;
	t = facts_of_digest(a.report, a.settings, ids, sizeof(ids) / sizeof(ids[0]), 10000,
			    T0, &err);
	must(t, &err);
	same(t, "event", "digest");
	same(t, "total", "10000");
	assert_int_equal(tree_count(at(t, "alerts")), FACTS_MAX_ALERTS);
	same(t, "more", "9800");
	same(t, "alerts.199.summary", "login info@shop.example: 9 messages");
	tree_free(t);
	alert_free(alert);
	alerted_end(&a);
}

/* Backscatter: nothing left here, so nothing is held, removed or stopped. */
static void test_mailbox(void **state)
{
	struct alerted a;
	struct store *s = alerted_start(&a, SETTINGS);
	struct finding *f = stolen(1);
	struct alert *alert;
	struct tree *t;

	(void)state;
	f->stream_key = STR("inbound\ncarol\n@shop.example");
	f->login = STR_NONE;
	f->verdict = CASE_SPOOFED;
	f->queue_ids = STR_NONE;
	put_findings(s, &f, 1, 0);
	alert = alerted_raise(&a, s, &f, 1);
	t = facts_now(&a, alert, CHANGE_OPENED);
	same(t, "subject.kind", "mailbox");
	assert_true(tree_is_true(at(t, "subject_is.mailbox")));
	assert_int_equal(tree_count(at(t, "hours")), 0);
	assert_null(at(t, "usual_per_hour"));
	assert_null(at(t, "mta"));
	assert_int_equal(tree_count(at(t, "commands.hold")), 0);
	assert_int_equal(tree_count(at(t, "commands.suspend")), 0);
	assert_int_equal(tree_count(at(t, "commands.mute")), 0);
	tree_free(t);
	alert_free(alert);
	alerted_end(&a);
}

/* Decimal ids are qmail's, unless one of them cannot be. */
static void test_whose_queue(void **state)
{
	static const struct {
		struct str ids;
		const char *mta;
	} rows[] = {
		{ STR("1048611\n1048612"), NULL },
		{ STR("1048611\n4B5C6A01"), "postfix" },
		{ STR("4B5C6A01\n1048611"), "postfix" },
		{ STR("1xVwQN-0005Qa-01\n1048611"), "exim" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct alerted a;
		struct store *s = alerted_start(&a, SETTINGS);
		struct finding *f = stolen(1);
		struct alert *alert;
		struct tree *t;

		f->queue_ids = rows[i].ids;
		put_findings(s, &f, 1, 0);
		alert = alerted_raise(&a, s, &f, 1);
		t = facts_now(&a, alert, CHANGE_OPENED);
		if (rows[i].mta)
			same(t, "mta", rows[i].mta);
		else
			assert_int_equal(tree_count(at(t, "commands.hold")), 0);
		tree_free(t);
		alert_free(alert);
		alerted_end(&a);
	}
}

/* Its findings are gone by retention: the same keys, and what the alert itself knows. */
static void test_without_findings(void **state)
{
	struct alerted a;
	struct store *s = alerted_start(&a, SETTINGS);
	struct finding *f = stolen(1);
	struct alert *alert;
	struct tree *t;

	(void)state;
	put_findings(s, &f, 1, 0);
	alert = alerted_raise(&a, s, &f, 1);
	alert->id = 77;
	t = facts_now(&a, alert, CHANGE_CLOSED);
	same(t, "event", "closed");
	same(t, "recipients", "12");
	assert_true(tree_has(t, STR("login")));
	assert_true(tree_has(t, STR("score")));
	assert_true(tree_is_list(at(t, "evidence")));
	same(t, "commands.look.0", "mailaudit alerts 77");
	tree_free(t);
	alert_free(alert);
	alerted_end(&a);
}

static void test_mta_of_id(void **state)
{
	(void)state;
	assert_string_equal(facts_mta(STR("7e992190")), "opensmtpd");
	assert_string_equal(facts_mta(STR("7E992190")), "postfix");
	assert_null(facts_mta(STR("12345678")));
	assert_string_equal(facts_mta(STR("4jXxGT14rvz1c0tT")), "postfix");
	assert_string_equal(facts_mta(STR("1xVNvA-00035L-2B")), "exim");
	assert_null(facts_mta(STR("6ANEVtGR020173")));
	assert_null(facts_mta(STR("7e99219")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_account_with_scripts),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_digest_and_summary),
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_whose_queue),
		cmocka_unit_test(test_without_findings),
		cmocka_unit_test(test_mta_of_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
