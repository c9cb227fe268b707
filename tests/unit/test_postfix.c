/* parsers/postfix: what a corpus line cannot say. The statements themselves are
 * in tests/corpus/postfix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/parser.h"

struct seen {
	struct event_sink sink; /* first, so that a sink is a seen */
	int events;
	struct event last;
};

static void on_event(struct event_sink *sink, const struct record *rec, const struct event *ev)
{
	struct seen *seen = (struct seen *)sink;

	(void)rec;
	seen->events++;
	seen->last = *ev;
}

static struct record record_of(struct str program, struct str body)
{
	return (struct record){ .line = body,
				.shape = RECORD_SYSLOG,
				.program = program,
				.body = body,
				.cred_uid = -1 };
}

static enum parse_result parse(struct str program, struct str body, struct seen *seen)
{
	struct record rec = record_of(program, body);

	*seen = (struct seen){ .sink = { .emit = on_event, .rule = 99 } };
	return parser_postfix.parse(&rec, &seen->sink);
}

static void claims_its_own(void **state)
{
	static const struct {
		struct str program;
		bool mine;
	} cases[] = {
		{ STR("postfix"), true },
		{ STR("postfix/smtpd"), true },
		{ STR("postfix-out/submission/smtpd"), true },
		{ STR("postfix/smtpd[999]"), false },
		{ STR("postfix[1]"), false },
		{ STR("postfixed/smtpd"), false },
		{ STR("postfi"), false },
		{ STR("x/postfix"), false },
		{ STR(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record rec = record_of(cases[i].program, STR("4jX: removed"));

		assert_int_equal(parser_postfix.claims(&rec), cases[i].mine);
		rec.shape = RECORD_PLAIN;
		assert_false(parser_postfix.claims(&rec));
	}
}

static void names_the_rule(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(parse(STR("postfix/qmgr"), STR("585BC3F: removed"), &seen), PARSE_EVENTS);
	assert_string_equal(parser_postfix.rules[seen.sink.rule], "removed");
	assert_int_equal(parse(STR("postfix/qmgr"), STR("585BC3F: remove"), &seen), PARSE_UNKNOWN);
	assert_int_equal(seen.sink.rule, -1);
	assert_int_equal(parse(STR("postfix/smtpd"), STR(""), &seen), PARSE_UNKNOWN);
}

/* Ids that are none: then it is not a statement about a message. */
static void knows_queue_ids(void **state)
{
	static const struct {
		struct str body;
		enum parse_result result;
	} cases[] = {
		{ STR("585BC3: removed"), PARSE_EVENTS },
		{ STR("585BC: removed"), PARSE_UNKNOWN },
		{ STR("585bc3f: removed"), PARSE_UNKNOWN },
		{ STR("4jXxGT14rvz1: removed"), PARSE_EVENTS },
		{ STR("4jXxGT14rvz: removed"), PARSE_UNKNOWN },
		{ STR("4jXxGT14rvy1: removed"), PARSE_UNKNOWN },
		{ STR("4aXxGT14rvz1: removed"), PARSE_UNKNOWN }, /* a vowel */
		{ STR("0123456789ABCDEF0123456789ABCDEF0123456789: removed"), PARSE_UNKNOWN },
		{ STR("585BC3F:removed"), PARSE_UNKNOWN },
		{ STR(": removed"), PARSE_UNKNOWN },
	};
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse(STR("postfix/qmgr"), cases[i].body, &seen),
				 cases[i].result);
}

static void bounds_repetition(void **state)
{
	struct seen seen;

	(void)state;
	parse(STR("postfix/smtpd"),
	      STR("message repeated 999999999 times: [ warning: x[192.0.2.1]: "
		  "SASL PLAIN authentication failed: no]"),
	      &seen);
	assert_int_equal(seen.events, 100);
	assert_true(str_eq(seen.last.response, STR("no")));
	assert_int_equal(parse(STR("postfix/smtpd"),
			       STR("message repeated 0 times: [ 585BC3F: client=x[1]]"), &seen),
			 PARSE_UNKNOWN);
	assert_int_equal(seen.events, 0);
}

/* A long line of tails that are none: the reject is told, its fields are not. */
static void bounds_tails(void **state)
{
	static const char head[] = "NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 no";
	static const char piece[] = "; from=<a@b> x";
	struct str line = { calloc(1, RECORD_MAX_LINE), sizeof(head) - 1 };
	struct seen seen;

	(void)state;
	memcpy((char *)line.p, head, line.n);
	for (; line.n + sizeof(piece) <= RECORD_MAX_LINE; line.n += sizeof(piece) - 1)
		memcpy((char *)line.p + line.n, piece, sizeof(piece) - 1);
	assert_int_equal(parse(STR("postfix/smtpd"), line, &seen), PARSE_EVENTS);
	assert_true(str_eq(seen.last.client_ip, STR("192.0.2.1")));
	assert_int_equal(seen.last.sender.n, 0);
	free((char *)line.p);
}

/* A line cut anywhere never names somebody the whole line does not name. */
static void cut_lines_blame_nobody_else(void **state)
{
	static const struct {
		struct str program, body;
	} cases[] = {
		{ STR("postfix/pickup"), STR("585BC3F: uid=5101 from=<alice@shop.example>") },
		{ STR("postfix/qmgr"),
		  STR("585BC3F: from=<alice@shop.example>, size=322, nrcpt=1 (queue active)") },
		{ STR("postfix/smtp"),
		  STR("585BC3F: to=<\"a>, relay=x\"@d.example>, orig_to=<b@d.example>, "
		      "relay=mx.d.example[192.0.2.1]:25, delay=1, dsn=2.0.0, "
		      "status=sent (250 2.0.0 Ok: queued as 91EFB2FF137)") },
		{ STR("postfix/cleanup"),
		  STR("585BC3F: info: header X-Mailaudit-Ref: v1 uid=5101 from local; "
		      "from=<alice@shop.example>: mailaudit") },
	};
	struct seen whole, cut;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].program, cases[i].body, &whole), PARSE_EVENTS);
		for (size_t n = 0; n < cases[i].body.n; n++) {
			parse(cases[i].program, str_head(cases[i].body, n), &cut);
			if (cut.events == 0)
				continue;
			assert_true(str_eq(cut.last.queue_id, whole.last.queue_id));
			assert_true(cut.last.uid == whole.last.uid);
			assert_true(str_eq(cut.last.recipient, whole.last.recipient));
			assert_true(str_eq(cut.last.header_value, whole.last.header_value));
			assert_true(str_starts(whole.last.sender, cut.last.sender));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_its_own),
		cmocka_unit_test(names_the_rule),
		cmocka_unit_test(knows_queue_ids),
		cmocka_unit_test(bounds_repetition),
		cmocka_unit_test(bounds_tails),
		cmocka_unit_test(cut_lines_blame_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
