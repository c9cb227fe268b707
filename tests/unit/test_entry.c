/* core/entry.c and entry_stream.c: entries of the journal become lines, whatever their bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/entry_stream.h"
#include "core/envelope.h"

static void split(struct entry *e, struct record *rec)
{
	static struct envelope env = { .journal = true };
	struct str line = entry_line(e);

	env.zone = zone_utc();
	assert_int_equal(line.p[line.n - 1], '\n');
	assert_int_equal(str_chr(line, '\n'), line.n - 1);
	envelope_split(&env, str_head(line, line.n - 1), rec);
}

static void start(struct entry *e, struct str ident, struct str message)
{
	entry_clear(e);
	entry_field(e, STR("__REALTIME_TIMESTAMP"), STR("1795777650160327"));
	entry_field(e, STR("_UID"), STR("33"));
	entry_field(e, STR("_PID"), STR("7"));
	entry_field(e, STR("_EXE"), STR("/usr/bin/a b"));
	entry_field(e, STR("_HOSTNAME"), STR("web1"));
	entry_field(e, STR("SYSLOG_IDENTIFIER"), ident);
	entry_field(e, STR("MESSAGE"), message);
	entry_field(e, STR("MESSAGE"), STR("a second one"));
}

static void test_line(void **state)
{
	struct entry e = { .uid = -1 };
	struct record rec;

	(void)state;
	start(&e, STR("postfix/smtpd"), STR("a\0b\nc\x1b\xff"));
	split(&e, &rec);
	assert_true(rec.shape == RECORD_SYSLOG && rec.time == 1795777650160327);
	assert_true(str_eq(rec.host, STR("web1")));
	assert_true(str_eq(rec.program, STR("postfix/smtpd")));
	assert_true(str_eq(rec.cred_exe, STR("/usr/bin/a_b")));
	assert_true(rec.pid == 7 && rec.cred_pid == 7 && rec.cred_uid == 33);
	assert_true(str_eq(rec.body, STR("a#000b#012c#033\xff")));
	entry_release(&e);
}

/* A name may be anything: what journald says of the sender stays what it says. */
static void test_forged_name(void **state)
{
	static const char *const names[] = { "x cred(pid=1,uid=0,exe=) postfix/smtpd", "a: b", "",
					     "x[1]", "x]:\n2026-11-27T00:00:00Z", "\x7f(," };
	struct entry e = { .uid = -1 };
	struct record rec;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		start(&e, str_of(names[i]), STR("text"));
		split(&e, &rec);
		assert_true(rec.cred_uid == 33 && rec.pid == 7);
		assert_true(str_eq(rec.body, STR("text")));
	}
	entry_release(&e);
}

static void test_long_message(void **state)
{
	struct entry e = { .uid = -1 };
	size_t n = 300000;
	char *text = calloc(1, n);

	(void)state;
	start(&e, STR("postfix/smtpd"), (struct str){ text, n });
	assert_true(entry_line(&e).n > RECORD_MAX_LINE && entry_line(&e).n < RECORD_MAX_LINE + 32);
	entry_release(&e);
	free(text);
}

#define CONNECTION "mailaudit-smtp: IN= OUT=eth0 SRC=192.0.2.10 DST=198.51.100.7 LEN=60 PROTO=TCP " \
		   "SPT=1 DPT=25 SYN URGP=0 UID=5101 GID=5101 "

static bool is_wanted(struct entry *e, struct str transport, struct str ident, struct str message)
{
	entry_clear(e);
	entry_field(e, STR("__REALTIME_TIMESTAMP"), STR("1795777650160327"));
	entry_field(e, STR("_TRANSPORT"), transport);
	entry_field(e, STR("SYSLOG_IDENTIFIER"), ident);
	entry_field(e, STR("SYSLOG_FACILITY"), STR("0"));
	entry_field(e, STR("MESSAGE"), message);
	return entry_is_wanted(e);
}

/* Of the kernel only connections; what others say in its name is not its. */
static void test_kernel(void **state)
{
	struct entry e = { .uid = -1 };
	struct record rec;

	(void)state;
	assert_true(is_wanted(&e, STR("kernel"), STR("kernel"), STR(CONNECTION)));
	split(&e, &rec);
	assert_true(str_eq(rec.program, STR("kernel")) && rec.cred_uid == -1);
	assert_false(is_wanted(&e, STR("kernel"), STR("kernel"), STR("x PROTO=UDP DPT=25 UID=1")));
	assert_false(is_wanted(&e, STR("kernel"), STR("kernel"), STR("x PROTO=TCP DPT=25")));
	assert_false(is_wanted(&e, STR("kernel"), STR("kernel"), STR("EXT4-fs (vda): mounted")));
	assert_false(is_wanted(&e, STR("kernel"), STR("other"), STR(CONNECTION)));
	assert_false(is_wanted(&e, STR("syslog"), STR("kernel"), STR(CONNECTION)));
	assert_false(is_wanted(&e, STR("journal"), STR("kernel"), STR(CONNECTION)));
	assert_false(is_wanted(&e, STR("driver"), STR("systemd-journald"),
			       STR("Missed 4 kernel messages")));
	assert_true(is_wanted(&e, STR("driver"), STR("systemd-journald"),
			      STR("Suppressed 4 messages from x")));
	entry_release(&e);
}

/* All entries' messages, with '|' behind each; the stream comes in pieces of this size. */
static char *messages(enum entry_format format, struct str text, size_t piece)
{
	struct entry_stream *s = entry_stream_new(format);
	struct entry *e;
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	while (text.n) {
		char *copy = str_dup(str_head(text, piece));
		struct str rest = { copy, text.n < piece ? text.n : piece };

		text = str_skip(text, piece);
		while ((e = entry_stream_read(s, &rest)))
			fprintf(f, "%.*s|", STR_ARG(e->message));
		free(copy);
	}
	if ((e = entry_stream_finish(s)))
		fprintf(f, "%.*s|", STR_ARG(e->message));
	fclose(f);
	entry_stream_free(s);
	return out;
}

static void check(enum entry_format format, struct str text, const char *want)
{
	for (size_t piece = 1; piece < text.n + 2; piece++) {
		char *got = messages(format, text, piece);

		assert_string_equal(got, want);
		free(got);
	}
}

static void test_export(void **state)
{
	(void)state;
	check(ENTRY_FORMAT_EXPORT,
	      STR("__CURSOR=x\nMESSAGE=one\nX=a=b\n\n\n\n"
		  "MESSAGE\n\x09\0\0\0\0\0\0\0two\nthree\nY=1\n\nMESSAGE=last"),
	      "one|two\nthree|last|");
	/* A length that is a lie takes what there is, and no memory. */
	check(ENTRY_FORMAT_EXPORT, STR("MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff" "abc\n\n"), "");
	check(ENTRY_FORMAT_EXPORT, STR("MESSAGE=a\n\nMESSAGE\n\x05\0"), "a|");
}

static void test_json(void **state)
{
	(void)state;
	check(ENTRY_FORMAT_JSON,
	      STR("{\"__CURSOR\":\"x\",\"MESSAGE\":\"a\\n\\\"\\u00e4\\ud83d\\ude00\",\"N\":null}\n"
		  "{ \"Z\" : [\"p\", \"q\"], \"MESSAGE\" : [ 97, 10, 98 ] }\n"
		  "{\"MESSAGE\":[[99],[100]]}\nnonsense\n{\"MESSAGE\":\"last\""),
	      "a\n\"\xc3\xa4\xf0\x9f\x98\x80|a\nb|c|last|");
	check(ENTRY_FORMAT_JSON, STR("{\"MESSAGE\":\"\\u12\"}\n{\"MESSAGE\":[[[1]]]}\n{\"a\":[}\n"), "");
}

static void test_format(void **state)
{
	(void)state;
	assert_int_equal(entry_format_of(STR("__CURSOR=s=1\n")), ENTRY_FORMAT_EXPORT);
	assert_int_equal(entry_format_of(STR("{\"A\":\"b\",\"__REALTIME_TIMESTAMP\":\"1\"}\n")),
			 ENTRY_FORMAT_JSON);
	assert_int_equal(entry_format_of(STR("{\"A\":\"b\"}\n{\"__CURSOR\":1}")),
			 ENTRY_FORMAT_NONE);
	assert_int_equal(entry_format_of(STR("Nov 23 06:43:13 host x: y")), ENTRY_FORMAT_NONE);
}

static void test_number(void **state)
{
	struct str id;
	int64_t n;

	(void)state;
	assert_true(entry_number(STR("s=eccf7a9171c342849d79f91373798714;i=1c1;b=99;m=1"), &id, &n));
	assert_int_equal(n, 0x1c1);
	assert_int_equal(id.n, 32);
	assert_false(entry_number(STR("s=eccf;i=1c1"), &id, &n));
	assert_false(entry_number(STR("s=eccf7a9171c342849d79f91373798714;i=xyz"), &id, &n));
	assert_false(entry_number(STR(""), &id, &n));
}

static bool wanted(const char *ident, const char *facility, const char *message)
{
	struct entry e = { .uid = -1 };
	bool result;

	start(&e, str_of(ident), str_of(message));
	entry_field(&e, STR("SYSLOG_FACILITY"), str_of(facility));
	result = entry_is_wanted(&e);
	entry_release(&e);
	return result;
}

static void test_wanted(void **state)
{
	(void)state;
	assert_true(wanted("postfix-out/smtp", "3", "x"));
	assert_true(wanted("any", "2", "x"));
	assert_true(wanted("sshd-session", "4", "x"));
	assert_true(wanted("any", "1", "mail() on [/x.php:1]: To: "));
	assert_true(wanted("php-fpm8.2", "3", "[30-Nov-2026 19:53:39] WARNING: [pool a] child 5 said into "
			   "stderr: \"[30-Nov-2026 19:53:39 UTC] mail() on [/x.php:1]: To: \""));
	assert_false(wanted("php-fpm8.2", "3", "[30-Nov-2026 19:53:39] NOTICE: ready to handle connections"));
	assert_false(wanted("php", "1", "PHP Warning:  x in /x.php on line 1"));
	assert_false(wanted("cron", "9", "x mail() on [/x.php:1]: To: "));
}

static void test_next(void **state)
{
	static const char *const a = "s=eccf7a9171c342849d79f91373798714;i=1ff;b=99;m=1";

	(void)state;
	assert_true(entry_is_next(str_of(a), STR("s=eccf7a9171c342849d79f91373798714;i=200;b=98")));
	assert_true(entry_is_next(str_of(a), STR("s=11111111111111111111111111111111;i=200;b=99")));
	assert_false(entry_is_next(str_of(a), STR("s=11111111111111111111111111111111;i=200;b=98")));
	assert_false(entry_is_next(str_of(a), STR("s=eccf7a9171c342849d79f91373798714;i=201;b=99")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),	      cmocka_unit_test(test_forged_name),
		cmocka_unit_test(test_long_message),  cmocka_unit_test(test_export),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_json),	      cmocka_unit_test(test_format),
		cmocka_unit_test(test_number),	      cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
