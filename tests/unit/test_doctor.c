/* The doctor's readers of other programs' configuration: continuation lines, comments, quotes,
 * values within values, the later one wins; and text that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/doctor.h"
#include "cli/doctor_conf.h"

static struct arena arena;

static void is(struct str got, const char *wanted)
{
	char *text = str_dup(got);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_postfix(void **state)
{
	static const char main_cf[] = "# header_checks = no\n"
				      "header_checks = pcre:/a\n"
				      "dir = /etc/x\n"
				      "header_checks =\n"
				      "# a comment in between\n"
				      "  regexp:$dir/one,\n"
				      "\n"
				      "\tregexp:${dir}/two $(nobody)$config_directory\n"
				      "loop = a$loop\n"
				      "no equals sign\n"
				      " goes on\n";
	struct str value;

	(void)state;
	assert_true(postfix_conf_get(str_of(main_cf), "header_checks", &arena, &value));
	is(value, "regexp:/etc/x/one, regexp:/etc/x/two /etc/postfix");
	assert_true(postfix_conf_get(str_of(main_cf), "loop", &arena, &value));
	assert_int_equal(value.n, 5);
	assert_false(postfix_conf_get(str_of(main_cf), "goes", &arena, &value));
	assert_false(postfix_conf_get(STR_NONE, "x", &arena, &value));
}

static void test_postfix_set(void **state)
{
	(void)state;
	is(postfix_conf_set(STR("a = 1\nb = 2\n  3\nc = 4\n"), "b", "x", &arena),
	   "a = 1\nb = x\nc = 4\n");
	is(postfix_conf_set(STR("b = 1\nb = 2"), "b", "x", &arena), "b = 1\nb = x\n");
	is(postfix_conf_set(STR("a = 1"), "b", "x", &arena), "a = 1\nb = x\n");
	is(postfix_conf_set(STR_NONE, "b", "x", &arena), "b = x\n");
}

static void test_exim(void **state)
{
	static const char conf[] = "# c\n"
				   "log_selector = +subject \\\n"
				   "  # a comment in between\n"
				   "  +pid\n"
				   "begin acl\n"
				   "end = open \\";
	struct conf_line line = { .from = 0 };
	size_t at = 0;

	(void)state;
	assert_true(exim_conf_next(str_of(conf), &at, &arena, &line));
	is(line.name, "log_selector");
	is(line.value, "+subject +pid");
	assert_int_equal(line.from, 4);
	assert_true(exim_conf_next(str_of(conf), &at, &arena, &line));
	is(line.text, "begin acl");
	assert_int_equal(line.name.n, 0);
	assert_true(exim_conf_next(str_of(conf), &at, &arena, &line));
	is(line.value, "open");
	assert_false(exim_conf_next(str_of(conf), &at, &arena, &line));
}

static void test_ini(void **state)
{
	static const char ini[] = "; no\n[www]\nuser = a ; not this\n"
				  "php_admin_value[mail.log] = \"/x; y\"\n[]\nempty =\njunk\n";
	struct conf_line line = { .from = 0 };
	size_t at = 0;

	(void)state;
	assert_true(ini_next(str_of(ini), &at, &line));
	is(line.section, "www");
	assert_int_equal(line.name.n, 0);
	assert_true(ini_next(str_of(ini), &at, &line));
	is(line.value, "a");
	assert_true(ini_next(str_of(ini), &at, &line));
	is(line.name, "php_admin_value[mail.log]");
	is(line.value, "/x; y");
	is(line.section, "www");
	assert_true(ini_next(str_of(ini), &at, &line));
	assert_int_equal(line.section.n, 0);
	assert_true(ini_next(str_of(ini), &at, &line));
	is(line.name, "empty");
	assert_int_equal(line.value.n, 0);
	assert_true(ini_next(str_of(ini), &at, &line));
	assert_int_equal(line.name.n, 0);
	assert_false(ini_next(str_of(ini), &at, &line));
	assert_true(ini_true(STR("On")) && ini_true(STR("1")) && !ini_true(STR("off")));
}

static void test_rsyslog(void **state)
{
	static const char conf[] = "#module(load=\"no\"\n"
				   "module(load=\"imjournal\" # (of all)\n"
				   "  StateFile=\"a)b\") # File (name)\n"
				   "mail.* /x\n"
				   "module(load=\"open";
	struct str rest = str_of(conf), one;
	bool named;

	(void)state;
	one = rsyslog_statement(rest);
	is(one, "#module(load=\"no\"\n");
	rest = str_skip(rest, one.n);
	one = rsyslog_statement(rest);
	is(str_skip(one, rsyslog_closing(one)), ") # File (name)\n");
	is(rsyslog_parameter(one, "statefile"), "a)b");
	assert_int_equal(rsyslog_parameter(one, "Interval").n, 0);
	rest = str_skip(rest, one.n);
	one = rsyslog_statement(rest);
	is(one, "mail.* /x\n");
	rest = str_skip(rest, one.n);
	is(rsyslog_statement(rest), "module(load=\"open");

	assert_true(rsyslog_selects_mail(STR("mail.*"), &named) && named);
	assert_true(rsyslog_selects_mail(STR("*.info;auth.none"), &named) && !named);
	assert_true(rsyslog_selects_mail(STR("news,Mail.=INFO"), &named) && named);
	assert_false(rsyslog_selects_mail(STR("*.*;mail.none"), &named));
	assert_false(rsyslog_selects_mail(STR("mail.err"), &named));
	assert_false(rsyslog_selects_mail(STR("cron.*"), &named));
	assert_false(rsyslog_selects_mail(STR("mail"), &named));
}

static void test_systemd(void **state)
{
	(void)state;
	assert_true(systemd_seconds(STR("2h 30min 5")) == 9005);
	assert_true(systemd_seconds(STR("1week")) == 7 * 86400);
	assert_true(systemd_seconds(STR("500ms")) == 0.5);
	assert_true(systemd_seconds(STR("1month")) > 30 * 86400);
	assert_true(systemd_seconds(STR("infinity")) == -1);
	assert_true(systemd_bytes(STR("50M")) == 50.0 * 1024 * 1024);
	assert_true(systemd_bytes(STR("7")) == 7);
	assert_true(systemd_bytes(STR("x")) == -1);
}

static void test_words(void **state)
{
	struct str rest = STR(" php_admin_value  'sendmail_path' \"/x -f a\" ");

	(void)state;
	is(conf_eat_word(&rest), "php_admin_value");
	is(conf_eat_word(&rest), "sendmail_path");
	is(conf_eat_word(&rest), "/x -f a");
	assert_int_equal(conf_eat_word(&rest).n, 0);
	rest = STR("\"open");
	is(conf_eat_word(&rest), "open");
}

/* A change goes where the line stands, not where a comment quotes it. */
static void test_find_lines(void **state)
{
	struct str text = STR("#a = 1\n a = 1\na = 1\n");

	(void)state;
	assert_int_equal(doctor_find_lines(text, STR("a = 1\n")), 14);
	assert_int_equal(doctor_find_lines(text, STR("b")), text.n);
	assert_int_equal(doctor_find_lines(text, STR("#a")), 0);
	assert_int_equal(doctor_find_lines(STR_NONE, STR("a")), 0);
}

static void test_names(void **state)
{
	char *asked[] = { (char *)(uintptr_t)"journal", (char *)(uintptr_t)"php.mail_log" };
	struct doctor d = { .asked = NULL };

	(void)state;
	assert_true(doctor_fixes(&d, "php.mail_log", SIGHT_NOT));
	assert_false(doctor_fixes(&d, "journal.size", SIGHT_ADVICE));
	d.asked = asked;
	d.nasked = 2;
	assert_true(doctor_fixes(&d, "journal.size", SIGHT_ADVICE));
	assert_true(doctor_fixes(&d, "php.mail_log", SIGHT_PARTLY));
	assert_false(doctor_fixes(&d, "php.add_x_header", SIGHT_NOT));
	assert_false(doctor_fixes(&d, "journald", SIGHT_NOT));
}

/* Any bytes: each call moves on, and nothing is read beyond the end. */
static void test_junk(void **state)
{
	static const char bytes[] = "\\\n#=\"[$ {(\t\r;a\0";
	struct conf_line line = { .from = 0 };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)round % 40, at, before;
		char *text = malloc(n + 1);

		for (size_t i = 0; i < n; i++)
			text[i] = bytes[(seed = seed * 1103515245 + 12345) / 65536 % sizeof(bytes)];
		for (at = 0, before = 1; ini_next((struct str){ text, n }, &at, &line); before = at)
			assert_true(at + 1 > before && at <= n);
		for (at = 0; postfix_conf_next((struct str){ text, n }, &at, &arena, &line);)
			assert_true(line.to <= n && line.from < line.to);
		for (at = 0; exim_conf_next((struct str){ text, n }, &at, &arena, &line);)
			assert_true(line.to <= n && line.from < line.to);
		for (at = 0; at < n; at += rsyslog_statement((struct str){ text + at, n - at }).n)
			assert_true(rsyslog_closing((struct str){ text + at, n - at }) <= n - at);
		postfix_conf_set((struct str){ text, n }, "a", "b", &arena);
		free(text);
		arena_reset(&arena);
	}
}

static int done(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_postfix), cmocka_unit_test(test_postfix_set),
		cmocka_unit_test(test_exim),	cmocka_unit_test(test_ini),
		cmocka_unit_test(test_rsyslog), cmocka_unit_test(test_systemd),
		cmocka_unit_test(test_words),	cmocka_unit_test(test_find_lines),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_junk),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
