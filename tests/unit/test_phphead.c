/* Header arguments as mail()'s log shows them: where fields begin, and what learned
 * state changes. tests/corpus/signs has the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/message.h"
#include "core/phphead.h"

/* "From=a@b|Bcc=c@d": the fields, for comparing. */
static void reads_as(const char *headers, const char *wanted)
{
	char got[2000] = "";
	struct phphead h;
	size_t n = 0;

	phphead_read(str_of(headers), &h);
	for (size_t i = 0; i < h.count; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s=%.*s", i ? "|" : "",
				      STR_ARG(h.field[i].label), STR_ARG(h.field[i].value));
	assert_string_equal(got, wanted);
}

static void tells_fields_apart(void **state)
{
	(void)state;
	reads_as("", "");
	reads_as("    ", "");
	reads_as("no field at all", "=no field at all");
	reads_as("From: a@b.example", "From=a@b.example");
	reads_as("From: a@b.example  X-Any-Name: 1  foo:bar", "From=a@b.example|X-Any-Name=1|foo=bar");
	/* line feeds only */
	reads_as("From: a@b.example Reply-To: Bo <b@b.example> X-Mailer: PHP/8 MIME-Version: 1.0",
		 "From=a@b.example|Reply-To=Bo <b@b.example>|X-Mailer=PHP/8|MIME-Version=1.0");
	reads_as("From: Bob Bcc: friend <v@x.example>", "From=Bob Bcc: friend <v@x.example>");
	reads_as("From: Bob  Bcc: friend <v@x.example>", "From=Bob|Bcc=friend <v@x.example>");
	reads_as("From: a@b.example Bcc: <v@x.example>", "From=a@b.example|Bcc=<v@x.example>");
	/* text that people type */
	reads_as("X-Page: http://b.example/  From: a@b.example", "X-Page=http://b.example/|From=a@b.example");
	reads_as("From: a@b.example  http://b.example/", "From=a@b.example  http://b.example/");
	reads_as("From: a@b.example Note: this", "From=a@b.example Note: this");
	/* folded */
	reads_as("Content-Type: text/html;   charset=utf-8  From: a@b.example",
		 "Content-Type=text/html;   charset=utf-8|From=a@b.example");
	/* behind an empty line */
	reads_as("From: a@b.example    text  Bcc: v@x.example", "From=a@b.example");
	reads_as("Content-Type: multipart/mixed    --b  Bcc: v@x.example",
		 "Content-Type=multipart/mixed");
}

static void tells_what_is_there(void **state)
{
	struct phphead h, other;

	(void)state;
	phphead_read(STR("From: a@b.example  Cc: \"X, Y\" <c@b.example>, d@b.example Bcc: e@b.example"),
		     &h);
	assert_int_equal(h.names, HEAD_BIT(HEAD_FROM) | HEAD_BIT(HEAD_CC) | HEAD_BIT(HEAD_BCC));
	assert_int_equal(h.addresses, 3);
	assert_true(h.mixed && !h.cut && !h.repeated && !h.body.n);
	assert_true(str_eq(phphead_find(&h, HEAD_BCC)->value, STR("e@b.example")));
	assert_int_equal(phphead_find(&h, HEAD_BCC)->blanks, 1);
	assert_null(phphead_find(&h, HEAD_DATE));
	phphead_read(STR("from: x@y.example  cc: z@y.example bcc: z@y.example"), &other);
	assert_true(h.template == other.template);
	phphead_read(STR("From: a@b.example  Cc: c@b.example  Bcc: e@b.example"), &other);
	assert_true(h.template != other.template);
	phphead_read(STR("From: a@b.example  From: A@B.example  Subject: x  Subject: y"), &h);
	assert_int_equal(h.repeated, HEAD_BIT(HEAD_FROM) | HEAD_BIT(HEAD_SUBJECT));
	assert_int_equal(h.differing, HEAD_BIT(HEAD_SUBJECT));
	phphead_read(STR("From: a@b.example    Buy  now "), &h);
	assert_true(str_eq(h.body, STR("Buy  now")));
}

static void scan(const char *headers, const struct injection_known *known, struct injection *out)
{
	static const struct injection_known nothing;
	static struct phphead h; /* out has views into the text, not into this */

	phphead_read(str_of(headers), &h);
	injection_scan(&h, STR("kim@kim.example"), STR("s"), known ? known : &nothing, out);
}

static void explains(void **state)
{
	struct injection in;
	char buf[300];

	(void)state;
	scan("From: a@b.example Bcc: v@x.example\x1b[2J  X-A: 1", NULL, &in);
	assert_int_equal(in.fired, 1u << INJ1);
	injection_explain(&in, INJ1, buf, sizeof(buf));
	assert_non_null(strstr(buf, "\"Bcc: v@x.example\\x1b[2J\""));
	assert_null(strchr(buf, '\x1b'));
	assert_string_equal(injection_explain(&in, INJ1, buf, 6), "\"Bcc:");
	assert_string_equal(injection_explain(&in, INJ1, buf, 0), "");
	scan("From: a@b.example    text that is rather long and therefore cut off somewhere along",
	     NULL, &in);
	assert_true(in.blocked && in.fired == 1u << INJ5);
	assert_non_null(strstr(injection_explain(&in, INJ5, buf, sizeof(buf)), "...\""));
}

static void counts_recipients(void **state)
{
	struct injection_known known = { .max_recipients = 1 };
	struct phphead h;
	struct injection in;
	char buf[300], *longest = xmalloc(PHP_MAIL_MAX_HEADERS);

	(void)state;
	phphead_read(STR("From: a@b.example  Bcc: x@b.example"), &h);
	injection_scan(&h, STR("a@b.example, c@b.example"), STR_NONE, &known, &in);
	assert_int_equal(in.recipients, 3);
	assert_false(injection_compare(&h, 3, &in));
	assert_true(injection_compare(&h, 27, &in));
	injection_explain(&in, INJ8, buf, sizeof(buf));
	assert_non_null(strstr(buf, "27 recipients"));
	assert_non_null(strstr(buf, "more than 1 before"));
	/* the rest of the line may name them */
	memset(longest, 'x', PHP_MAIL_MAX_HEADERS);
	phphead_read((struct str){ longest, PHP_MAIL_MAX_HEADERS }, &h);
	injection_scan(&h, STR("a@b.example"), STR_NONE, &known, &in);
	assert_true(h.cut && !injection_compare(&h, 27, &in));
	free(longest);
}

static void takes_any_bytes(void **state)
{
	static const struct str units[] = { STR("\0"), STR("\xff"), STR(" "), STR(":"), STR("a:"),
					    STR("  a:"), STR("From: a@b "), STR("Cc: a@b  "),
					    STR("    --"), STR("<"), STR("%0a"), STR("\\n"),
					    STR("==============="), STR("Bcc: ") };
	const size_t large = 1024 * 1024;
	char *text = xmalloc(large);

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct injection_known known = { .names = 0 };
		struct injection in;
		struct phphead h;
		size_t n = 0;

		for (; n + units[i].n <= large; n += units[i].n)
			memcpy(text + n, units[i].p, units[i].n);
		phphead_read((struct str){ text, n }, &h);
		assert_true(h.cut && h.count <= PHPHEAD_MAX_FIELDS);
		injection_scan(&h, (struct str){ text, n }, (struct str){ text, n }, &known, &in);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_fields_apart), cmocka_unit_test(tells_what_is_there),
		cmocka_unit_test(explains),	      cmocka_unit_test(counts_recipients),
		cmocka_unit_test(takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
