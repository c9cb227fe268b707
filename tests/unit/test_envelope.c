/* core/envelope: every form a line can have, and lines that have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/envelope.h"

static struct envelope fresh(void)
{
	struct envelope env = { .zone = zone_utc() };

	assert_true(stamp_user(STR("2026-11-23"), zone_utc(), 0, &env.near));
	return env;
}

static const struct {
	struct str line;
	enum record_shape shape;
	const char *time; /* NULL: none */
	struct str host, program;
	uint32_t pid;
	struct str body;
} cases[] = {
	/* RFC 3164 */
	{ STR("Nov 23 06:43:13 host postfix/pickup[14822]: 4jX: uid=1"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("host"), STR("postfix/pickup"), 14822,
	  STR("4jX: uid=1") },
	{ STR("Nov  3 06:43:13 h postfix/submission/smtpd: x"), RECORD_SYSLOG,
	  "2026-11-03T06:43:13Z", STR("h"), STR("postfix/submission/smtpd"), 0,
	  STR("x") },
	{ STR("<22>Nov 23 06:43:13 h exim[1]: a  b"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("exim"), 1, STR("a  b") },
	{ STR("Nov 23 06:43:13 h postfix/smtpd[999][16441]: x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("postfix/smtpd[999]"), 16441, STR("x") },
	{ STR("Nov 23 06:43:13 h a[1]b: x"), RECORD_SYSLOG, "2026-11-23T06:43:13Z",
	  STR("h"), STR("a[1]b"), 0, STR("x") },
	{ STR("Nov 23 06:43:13 h a[x]: x"), RECORD_SYSLOG, "2026-11-23T06:43:13Z",
	  STR("h"), STR("a[x]"), 0, STR("x") },
	{ STR("Nov 23 06:43:13 h a[4294967296]: x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("a[4294967296]"), 0, STR("x") },
	{ STR("Nov 23 06:43:13 h last message repeated 3 times"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR(""), 0,
	  STR("last message repeated 3 times") },
	{ STR("Nov 23 06:43:13 postfix/qmgr[7]: x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR(""), STR("postfix/qmgr"), 7, STR("x") },
	{ STR("Nov 23 06:43:13 h php:  [x] mail() on ["), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("php"), 0, STR(" [x] mail() on [") },
	{ STR("Nov 23 06:43:13 h x[1]:"), RECORD_SYSLOG, "2026-11-23T06:43:13Z", STR("h"),
	  STR("x"), 1, STR("") },
	{ STR("Nov 23 06:43:13 h"), RECORD_SYSLOG, "2026-11-23T06:43:13Z", STR("h"),
	  STR(""), 0, STR("") },
	/* ISO 8601 */
	{ STR("2026-11-23T07:20:05.115029+01:00 h postfix/qmgr[1]: x"), RECORD_SYSLOG,
	  "2026-11-23T06:20:05.115029Z", STR("h"), STR("postfix/qmgr"), 1, STR("x") },
	{ STR("<22>2026-11-23T07:20:05Z h a: x"), RECORD_SYSLOG, "2026-11-23T07:20:05Z",
	  STR("h"), STR("a"), 0, STR("x") },
	/* RFC 5424 */
	{ STR("<22>1 2026-11-23T07:20:05.5Z h postfix/smtpd 812 ID7 - x y"),
	  RECORD_SYSLOG, "2026-11-23T07:20:05.500Z", STR("h"), STR("postfix/smtpd"), 812,
	  STR("x y") },
	{ STR("<22>1 - - a - - - x"), RECORD_SYSLOG, NULL, STR(""), STR("a"), 0,
	  STR("x") },
	{ STR("1 2026-11-23T07:20:05Z h a 1 - - x"), RECORD_SYSLOG,
	  "2026-11-23T07:20:05Z", STR("h"), STR("a"), 1, STR("x") },
	{ STR("<22>1 2026-11-23T07:20:05Z h a 1 - [i k=\"a]\\\"b\"][j] \xef\xbb\xbfx"),
	  RECORD_SYSLOG, "2026-11-23T07:20:05Z", STR("h"), STR("a"), 1, STR("x") },
	{ STR("<22>1 2026-11-23T07:20:05Z h postfix 1 - -  x"), RECORD_SYSLOG,
	  "2026-11-23T07:20:05Z", STR("h"), STR("postfix"), 1, STR("x") },
	{ STR("<22>1 2026-11-23T07:20:05Z h php - - -  mail() on ["), RECORD_SYSLOG,
	  "2026-11-23T07:20:05Z", STR("h"), STR("php"), 0, STR(" mail() on [") },
	{ STR("<22>1 2026-11-23T07:20:05Z h a 1 - [i k=\"x"), RECORD_PLAIN, NULL, STR(""),
	  STR(""), 0, STR("<22>1 2026-11-23T07:20:05Z h a 1 - [i k=\"x") },
	/* splogger's stamp, which says the same as syslog's, or does not */
	{ STR("Nov 23 06:43:13 h qmail: 1795416193.654321 end msg 5"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13.654321Z", STR("h"), STR("qmail"), 0, STR("end msg 5") },
	{ STR("Nov 23 06:43:13 h qmail: 1595416193.654321 end msg 5"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("qmail"), 0, STR("end msg 5") },
	{ STR("Nov 23 06:43:13 h qmail: 1795416193.654321+end msg 5"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("qmail"), 0,
	  STR("1795416193.654321+end msg 5") },
	{ STR("Nov 23 06:43:13 h qmail: 1795416193.65432 x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("qmail"), 0, STR("1795416193.65432 x") },
	{ STR("Nov 23 06:43:13 h exim: 1795416193.654321 x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("exim"), 0, STR("1795416193.654321 x") },
	/* multilog, and what tai64nlocal makes of it */
	{ STR("@400000006b0dd29525bc454c end msg 5"), RECORD_MULTILOG,
	  "2026-11-30T19:46:19.633095Z", STR(""), STR(""), 0, STR("end msg 5") },
	{ STR("@400000006b0dd29525bc454cend msg 5"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("@400000006b0dd29525bc454cend msg 5") },
	{ STR("2026-11-23 06:52:53.421000123 end msg 5"), RECORD_MULTILOG,
	  "2026-11-23T06:52:53.421Z", STR(""), STR(""), 0, STR("end msg 5") },
	/* Exim */
	{ STR("2026-11-23 06:52:53 1xVNv3-000321-1M <= a"), RECORD_EXIM,
	  "2026-11-23T06:52:53Z", STR(""), STR(""), 0, STR("1xVNv3-000321-1M <= a") },
	{ STR("2026-11-23 06:52:53.421 +0100 [11657] cwd=/tmp"), RECORD_EXIM,
	  "2026-11-23T05:52:53.421Z", STR(""), STR(""), 11657, STR("cwd=/tmp") },
	{ STR("2026-11-23 06:52:53 [192.0.2.1] x"), RECORD_EXIM, "2026-11-23T06:52:53Z",
	  STR(""), STR(""), 0, STR("[192.0.2.1] x") },
	{ STR("Nov 23 06:43:13 h exim[5]: 2026-11-23 06:43:13 1x"), RECORD_SYSLOG,
	  "2026-11-23T06:43:13Z", STR("h"), STR("exim"), 5,
	  STR("2026-11-23 06:43:13 1x") },
	/* PHP */
	{ STR("[23-Nov-2026 06:48:36 UTC] mail() on [/x.php:3]: To: a"), RECORD_PHP,
	  "2026-11-23T06:48:36Z", STR(""), STR(""), 0,
	  STR("mail() on [/x.php:3]: To: a") },
	{ STR("mail() on [/x.php:3]: To: a"), RECORD_PHP, NULL, STR(""), STR(""), 0,
	  STR("mail() on [/x.php:3]: To: a") },
	/* a hole of copytruncate */
	{ STR("\0\0\0Nov 23 06:43:13 h a[1]: x"), RECORD_SYSLOG, "2026-11-23T06:43:13Z",
	  STR("h"), STR("a"), 1, STR("x") },
	/* no envelope */
	{ STR(""), RECORD_PLAIN, NULL, STR(""), STR(""), 0, STR("") },
	{ STR("\0\0"), RECORD_PLAIN, NULL, STR(""), STR(""), 0, STR("") },
	{ STR(" [23-Nov-2026 06:48:36 UTC] mail() on [/x"), RECORD_PLAIN, NULL, STR(""),
	  STR(""), 0, STR(" [23-Nov-2026 06:48:36 UTC] mail() on [/x") },
	{ STR("\tmail() on [/x"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("\tmail() on [/x") },
	{ STR(" Nov 23 06:43:13 h a[1]: x"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR(" Nov 23 06:43:13 h a[1]: x") },
	{ STR("Nov 23 06:43"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("Nov 23 06:43") },
	{ STR("Nov 31 06:43:13 h a: x"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("Nov 31 06:43:13 h a: x") },
	{ STR("[23-Nov-2026 06:48:36 UTC]: x"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("[23-Nov-2026 06:48:36 UTC]: x") },
	{ STR("<999>Nov 23 06:43:13 h a: x"), RECORD_PLAIN, NULL, STR(""), STR(""), 0,
	  STR("<999>Nov 23 06:43:13 h a: x") },
};

static void check_case(size_t i)
{
	struct envelope env = fresh();
	char text[STAMP_TEXT];
	struct record rec;

	envelope_split(&env, cases[i].line, &rec);
	assert_true(str_eq(rec.line, cases[i].line));
	assert_int_equal(rec.shape, cases[i].shape);
	if (cases[i].time) {
		assert_string_equal(stamp_text(rec.time, text), cases[i].time);
		assert_int_equal(env.near, rec.time);
	} else {
		assert_int_equal(rec.time, 0);
		assert_int_equal(env.near, fresh().near);
	}
	assert_true(str_eq(rec.host, cases[i].host));
	assert_true(str_eq(rec.program, cases[i].program));
	assert_int_equal(rec.pid, cases[i].pid);
	assert_true(str_eq(rec.body, cases[i].body));
	assert_int_equal(rec.cred_uid, -1);
	assert_false(rec.cut);
}

static void splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i);
}

/* A copy that ends where the line ends, for the address sanitizer. */
static void splits_every_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t n = 0; n <= cases[i].line.n; n++) {
			struct envelope env = fresh();
			char *copy = malloc(n ? n : 1);
			struct record rec;

			memcpy(copy, cases[i].line.p, n);
			envelope_split(&env, (struct str){ copy, n }, &rec);
			assert_true(rec.body.n == 0 ||
				    (rec.body.p >= copy &&
				     rec.body.p + rec.body.n == copy + n));
			free(copy);
		}
}

static void reads_credentials(void **state)
{
	static const struct {
		struct str line;
		int64_t uid;
		uint32_t pid;
		struct str host;
	} creds[] = {
		{ STR("Nov 23 06:43:13 cred(pid=29956,uid=5101,gid=5101) php: x"), 5101,
		  29956, STR("") },
		{ STR("Nov 23 06:43:13 cred(pid=,uid=,gid=) php: x"), -1, 0, STR("") },
		{ STR("Nov 23 06:43:13 cred(pid=1) php: x"), -1, 0, STR("cred(pid=1)") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(creds) / sizeof(creds[0]); i++) {
		struct envelope env = fresh();
		struct record rec;

		envelope_split(&env, creds[i].line, &rec);
		assert_int_equal(rec.cred_uid, creds[i].uid);
		assert_int_equal(rec.cred_pid, creds[i].pid);
		assert_true(str_eq(rec.host, creds[i].host));
		assert_true(str_eq(rec.program, STR("php")));
		assert_int_equal(rec.pid, 0);
		assert_true(str_eq(rec.body, STR("x")));
	}
}

/* December, then January: each line is near the one before it. */
static void crosses_new_year(void **state)
{
	static const struct {
		struct str line;
		const char *time;
	} lines[] = {
		{ STR("Dec 31 23:59:59 h a: x"), "2026-12-31T23:59:59Z" },
		{ STR("Jan  1 00:00:01 h a: x"), "2027-01-01T00:00:01Z" },
		{ STR("Dec 31 23:59:58 h a: late"), "2026-12-31T23:59:58Z" },
		{ STR("Jun 15 00:00:00 h a: x"), "2027-06-15T00:00:00Z" },
		{ STR("Nov 20 00:00:00 h a: x"), "2027-11-20T00:00:00Z" },
	};
	struct envelope env = fresh();
	char text[STAMP_TEXT];
	struct record rec;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		envelope_split(&env, lines[i].line, &rec);
		assert_string_equal(stamp_text(rec.time, text), lines[i].time);
	}
}

static void cuts_long_lines(void **state)
{
	struct str line = { calloc(1, RECORD_MAX_LINE + 1), RECORD_MAX_LINE + 1 };
	struct envelope env = fresh();
	struct record rec;

	(void)state;
	memset((char *)line.p, 'x', line.n);
	envelope_split(&env, line, &rec);
	assert_true(rec.cut);
	assert_int_equal(rec.line.n, RECORD_MAX_LINE);
	line.n--;
	envelope_split(&env, line, &rec);
	assert_false(rec.cut);
	free((char *)line.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(splits_every_prefix),
		cmocka_unit_test(reads_credentials),
		cmocka_unit_test(crosses_new_year),
		cmocka_unit_test(cuts_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
