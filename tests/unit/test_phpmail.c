/* What corpus files cannot say of parsers/phpmail.c: who claims a line, that no
 * cut or changed line is read outside its bytes, and that no text of a form
 * moves the blame to another script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/envelope.h"
#include "core/parser.h"

static const char *const samples[] = {
	"[23-Nov-2026 06:48:36 Europe/Berlin] mail() on [/home/alice/x.php(20) : "
	"eval()'d code(1) : "
	"eval()'d code:7]: To: a@dest.example -- Headers: From: x@host.example -- "
	"Subject: s",
	"mail() on [/home/alice/a]: To: b:x/old.php:3]: To: a -- Headers: b -- Headers: "
	"c",
	"Nov 23 06:48:36 host php[12]: [23-Nov-2026 06:48:36 UTC] mail() on [/x.php:2]: "
	"To: a "
	"-- Headers: ",
	"[23-Nov-2026 06:48:36 UTC] mail() on [[no active file]:0]: To: a -- Headers:  "
	"-- Subject: \r",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct probe {
	struct event_sink sink;
	struct str line;
	int events;
	struct event ev;
};

static void check_inside(struct str line, struct str s)
{
	if (s.n == 0)
		return;
	assert_true(s.p >= line.p);
	assert_true(s.p + s.n <= line.p + line.n);
}

static void on_event(struct event_sink *sink, const struct record *rec,
		     const struct event *ev)
{
	struct probe *probe = (struct probe *)sink;

	(void)rec;
	probe->events++;
	probe->ev = *ev;
	check_inside(probe->line, ev->script);
	check_inside(probe->line, ev->header_to);
	check_inside(probe->line, ev->headers);
	check_inside(probe->line, ev->subject);
}

static enum parse_result parse(struct probe *probe, struct str line, int64_t cred_uid)
{
	struct envelope env = { .zone = zone_utc(), .near = 1795000000 * USEC_SECOND };
	struct record rec;
	enum parse_result result = PARSE_UNKNOWN;

	*probe = (struct probe){ .sink = { .emit = on_event, .rule = -1 }, .line = line };
	envelope_split(&env, line, &rec);
	rec.cred_uid = cred_uid;
	if (!parser_phpmail.claims(&rec))
		return result;
	result = parser_phpmail.parse(&rec, &probe->sink);
	assert_int_equal(result == PARSE_UNKNOWN, probe->sink.rule == -1);
	assert_in_range(probe->sink.rule + 1, 0, parser_phpmail.nrules);
	assert_int_equal(probe->events, result == PARSE_EVENTS);
	return result;
}

/* From a block of exactly its size, so that a sanitizer sees one byte more. */
static enum parse_result parse_copy(struct str line)
{
	char *copy = malloc(line.n + !line.n);
	struct probe probe;
	enum parse_result result;

	assert_non_null(copy);
	memcpy(copy, line.p, line.n);
	result = parse(&probe, (struct str){ copy, line.n }, -1);
	free(copy);
	return result;
}

static void test_samples_say_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_int_equal(parse_copy(str_of(samples[i])), PARSE_EVENTS);
}

static void test_cut_or_changed_anywhere(void **state)
{
	static const char bytes[] = "\0\"\\ <>()[]:-\n\xff";
	char line[512];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		size_t n = strlen(samples[i]);

		for (size_t at = 0; at < n; at++) {
			parse_copy((struct str){ samples[i], at });
			for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
				memcpy(line, samples[i], n);
				line[at] = bytes[b];
				parse_copy((struct str){ line, n });
			}
		}
	}
}

static void test_long_lines(void **state)
{
	static const char *const fills[] = {
		"]: To: ",	 ") : ",	  "(1) : eval()'d code",
		" -- Headers: ", " -- Subject: ", "a"
	};
	static const char head[] = "[23-Nov-2026 06:48:36 UTC] mail() on [";
	char *line = malloc(RECORD_MAX_LINE);

	(void)state;
	assert_non_null(line);
	for (size_t f = 0; f < COUNT(fills); f++) {
		size_t n = sizeof(head) - 1, k = strlen(fills[f]);

		memcpy(line, head, n);
		for (; n + k <= RECORD_MAX_LINE; n += k)
			memcpy(line + n, fills[f], k);
		parse_copy((struct str){ line, n });
	}
	free(line);
}

static bool claims(enum record_shape shape, const char *program, const char *body)
{
	struct record rec = { .shape = shape,
			      .program = str_of(program),
			      .body = str_of(body),
			      .line = str_of(body),
			      .cred_uid = -1 };

	return parser_phpmail.claims(&rec);
}

static void test_claims(void **state)
{
	(void)state;
	assert_true(claims(RECORD_PHP, "", "anything"));
	assert_true(claims(RECORD_SYSLOG, "php", "mail() on [/x:1]: To: "));
	assert_true(claims(RECORD_SYSLOG, "apache2", "mail() on [/x:1]: To: "));
	assert_true(claims(RECORD_SYSLOG, "any-ident", "mail() on [/x:1]: To: "));
	assert_true(claims(RECORD_SYSLOG, "php",
			   "[23-Nov-2026 06:48:36 UTC] mail() on [/x:1]"));
	assert_false(claims(RECORD_SYSLOG, "php", "hello mail() on [/x:1]: To: "));
	assert_false(claims(RECORD_SYSLOG, "php", "[a] [b] mail() on [/x:1]: To: "));
	assert_false(claims(RECORD_PLAIN, "", " mail() on [/x:1]: To: "));
	assert_false(claims(RECORD_EXIM, "", "mail() on [/x:1]: To: "));
}

static void test_uid_is_the_vouched_one(void **state)
{
	struct probe probe;

	(void)state;
	assert_int_equal(parse(&probe, str_of(samples[0]), 5101), PARSE_EVENTS);
	assert_int_equal(probe.ev.uid, 5101);
	assert_int_equal(parse(&probe, str_of(samples[0]), -1), PARSE_EVENTS);
	assert_int_equal(probe.ev.uid, -1);
}

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* Recipients, headers and subject are the visitor's; the script stays. */
static void test_form_cannot_move_blame(void **state)
{
	static const char *const tricks[] = {
		"]: To: ",
		":1",
		"mail() on [",
		"/home/victim/x.php",
		" -- Headers: ",
		" -- Subject: ",
		"[23-Nov-2026 06:48:36 UTC] ",
		"(2) : eval()'d code",
		"]",
		"[",
		"a@dest.example",
		"\r",
	};
	char line[2048];
	struct probe probe;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t n = (size_t)snprintf(line, sizeof(line),
					    "[23-Nov-2026 06:48:36 UTC] mail() on "
					    "[/home/bob/form.php:7]: To: ");

		for (unsigned k = pick(20); k > 0; k--)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s",
					      tricks[pick(COUNT(tricks))]);
		assert_int_equal(parse(&probe, (struct str){ line, n }, -1),
				 PARSE_EVENTS);
		assert_true(str_eq(probe.ev.script, STR("/home/bob/form.php")));
		assert_int_equal(probe.ev.script_line, 7);
		assert_false(probe.ev.eval);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_say_something),
		cmocka_unit_test(test_cut_or_changed_anywhere),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_uid_is_the_vouched_one),
		cmocka_unit_test(test_form_cannot_move_blame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
