/* What corpus files cannot say of parsers/exim.c: who claims a line, that no cut
 * or changed line is read outside its bytes, that no text of a sender or client
 * makes a line name somebody else, whatever it spells, and that the work which a
 * line can ask for is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/envelope.h"
#include "core/parser.h"

static const char *const samples[] = {
	"2026-11-23 06:52:53.421 +0100 [12] 1vNAAA-00000000001-0abc <= \"a "
	"b\"@shop.example "
	"H=mail.shop.example (pc) [192.0.2.5]:33048 I=[192.0.2.1]:587 P=esmtpsa L* "
	"X=TLS1.3:x:256 "
	"CV=no DN=\"CN=pc\" SNI=mail.shop.example A=dovecot_login:info@shop.example PRDR "
	"K S=2311 "
	"M8S=8 Q=bulk id=\"x y\"@shop.example T=\"Of\\\"fer\" from <\"a "
	"b\"@shop.example> "
	"for a@dest.example \"b c\"@dest2.example",
	"2026-11-23 06:52:53 1xVNv3-000321-1M => final@dest.example (mid@host.example) "
	"<first@host.example> F=<x@host.example> P=<x@host.example> R=r T=remote_smtp "
	"H=mx.dest.example DS [192.0.2.77]:25* X=TLS1.3:x:256 CV=yes DN=\"CN=mx\" "
	"A=smarthost "
	"C=\"250 2.0.0 Ok: queued as 1xVNv5-000321-1M\" QT=1s DT=0s",
	"2026-11-23 06:52:53 1xVNv3-000321-1M => a b <\"a \\b\"@host.example> R=r "
	"T=local",
	"2026-11-23 06:52:53 1xVNv3-000321-1M ** a@dest.example <b@host.example> R=r "
	"T=remote_smtp "
	"H=mx.dest.example [192.0.2.77]: SMTP error: 550-5.7.1 no: retry timeout "
	"exceeded DT=1s",
	"2026-11-23 06:52:53 1xVNv3-000321-1M == a@dest.example R=r T=t defer (110): "
	"Connection "
	"timed out H=mx.dest.example [192.0.2.77]:25 DT=30s: SMTP timeout after end of "
	"data",
	"2026-11-23 06:52:53 [7] cwd=/home/alice/web 4 args: /usr/sbin/sendmail -t -i -C "
	"x -fx@y",
	"2026-11-23 06:52:53 1xVNv3-000321-1M mailaudit-php uid=5101 login=alice rcpts=1 "
	"size=9 "
	"mid=\"<a@b>\" ref=\"v1\" script=\"5101:a.php\" to=\"x\" subj=\"\\042y\\042\"",
	"2026-11-23 06:52:53 H=mx.example (pc) [192.0.2.9]:1 I=[192.0.2.1]:25 "
	"F=<a@dest.example> "
	"A=login:bob temporarily rejected RCPT <\"b c\"@host.example>: later",
	"2026-11-23 06:52:53 login authenticator failed for mx.example ([192.168.2.33]) "
	"[192.0.2.9]:3 I=[192.0.2.1]:465: 535 Incorrect authentication data "
	"(set_id=brian): more",
	"Nov 23 06:52:53 host exim[9]: [1\\2] 2026-11-23 06:52:53 [9] 1xVNv3-000321-1M "
	"<= "
	"a@host.example U=a P=local S=3 for b@dest.example c@de",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Checks each event on its way, and keeps the first accept. */
struct probe {
	struct event_sink sink;
	struct str line;
	int events;
	bool accepted;
	struct event accept;
	bool named_victim; /* as a recipient */
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
#define CHECK_str(member) check_inside(probe->line, ev->member);
#define CHECK_num(member)
#define CHECK_flag(member)
#define CHECK_channel(member)
#define CHECK_status(member)
#define CHECK_place(member)
#define X(type, member, name) CHECK_##type(member)
	EVENT_FIELDS(X)
#undef X
	if (ev->kind == EV_ACCEPT && !probe->accepted) {
		probe->accepted = true;
		probe->accept = *ev;
	}
	if (str_eq(ev->recipient, STR("victim@dest.example")))
		probe->named_victim = true;
}

static enum parse_result parse(struct probe *probe, struct str line)
{
	struct envelope env = { .zone = zone_utc(), .near = 1795000000 * USEC_SECOND };
	struct record rec;
	enum parse_result result = PARSE_UNKNOWN;

	*probe = (struct probe){ .sink = { .emit = on_event, .rule = -1 }, .line = line };
	envelope_split(&env, line, &rec);
	if (!parser_exim.claims(&rec))
		return result;
	result = parser_exim.parse(&rec, &probe->sink);
	assert_int_equal(result == PARSE_UNKNOWN, probe->sink.rule == -1);
	assert_in_range(probe->sink.rule + 1, 0, parser_exim.nrules);
	assert_int_equal(result == PARSE_EVENTS, probe->events > 0);
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
	result = parse(&probe, (struct str){ copy, line.n });
	free(copy);
	return result;
}

static void test_samples_say_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_int_equal(parse_copy(str_of(samples[i])), PARSE_EVENTS);
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		for (size_t n = 0; n < strlen(samples[i]); n++)
			parse_copy((struct str){ samples[i], n });
}

static void test_any_byte_changed(void **state)
{
	static const char bytes[] = "\0\"\\ <>()[]:=@\n\xff";
	char line[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		size_t n = strlen(samples[i]);

		for (size_t at = 0; at < n; at++) {
			for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
				memcpy(line, samples[i], n);
				line[at] = bytes[b];
				parse_copy((struct str){ line, n });
			}
		}
	}
}

/* Work on a line must not grow with the square of its length. */
static void test_long_lines(void **state)
{
	static const char *const fills[] = { ") [1.1.1.1]", " <a@b>",	  "\"",
					     "\\",	    " 1 args: x", " A=b",
					     ": ",	    "(",	  "<" };
	static const char *const heads[] = {
		"2026-11-23 06:52:53 1xVNv3-000321-1M <= a@b H=(",
		"2026-11-23 06:52:53 cwd=", "2026-11-23 06:52:53 1xVNv3-000321-1M => ",
		"2026-11-23 06:52:53 H=(",
		"2026-11-23 06:52:53 a authenticator failed for ("
	};
	char *line = malloc(RECORD_MAX_LINE);

	(void)state;
	assert_non_null(line);
	for (size_t h = 0; h < COUNT(heads); h++) {
		for (size_t f = 0; f < COUNT(fills); f++) {
			size_t n = strlen(heads[h]), k = strlen(fills[f]);

			memcpy(line, heads[h], n);
			for (; n + k <= RECORD_MAX_LINE; n += k)
				memcpy(line + n, fills[f], k);
			parse_copy((struct str){ line, n });
		}
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

	return parser_exim.claims(&rec);
}

static void test_claims(void **state)
{
	(void)state;
	assert_true(claims(RECORD_EXIM, "", "anything"));
	assert_true(claims(RECORD_SYSLOG, "exim", "x"));
	assert_true(claims(RECORD_SYSLOG, "exim4", "x"));
	assert_true(claims(RECORD_SYSLOG, "exim-out", "x"));
	assert_false(claims(RECORD_SYSLOG, "mexim", "x"));
	assert_false(claims(RECORD_SYSLOG, "postfix/smtpd", "x <= y"));
	assert_false(claims(RECORD_PHP, "", "x"));
	assert_false(claims(RECORD_PLAIN, "", "x <= y"));
	assert_true(claims(RECORD_PLAIN, "", " Suggested action: use keep_environment."));
}

static void test_recipients_counted_if_whole(void **state)
{
	const size_t size = 9000;
	char *line = malloc(size);
	struct probe probe;
	size_t n;

	(void)state;
	assert_non_null(line);
	n = (size_t)snprintf(line, size,
			     "2026-11-23 06:52:53 1xVNv3-000321-1M <= a@b.example U=a "
			     "P=local S=1 for x@dest.example");
	assert_int_equal(parse(&probe, (struct str){ line, n }), PARSE_EVENTS);
	assert_int_equal(probe.accept.nrcpt, 1);
	assert_int_equal(probe.events, 2);
	while (n < 8170)
		n += (size_t)snprintf(line + n, size - n, " x@dest.example");
	assert_int_equal(parse(&probe, (struct str){ line, n }), PARSE_EVENTS);
	assert_int_equal(probe.accept.nrcpt, -1);
	assert_true(probe.events > 500);
	free(line);
}

/* ---- forging --------------------------------------------------------- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

struct text {
	char p[4096];
	size_t n;
};

static void add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(t->n + n < sizeof(t->p));
	memcpy(t->p + t->n, s, n);
	t->n += n;
}

/* What somebody who wants the line to name "victim" would write. */
static const char *const tricks[] = {
	"x",
	") [198.51.100.9]",
	":33",
	" P=esmtpa",
	" P=esmtp",
	" A=login:victim",
	" S=1",
	" T=\"",
	"\"",
	" id=",
	" FOO=\"",
	" FOO=",
	" for victim@dest.example",
	"(",
	" U=victim",
	" P=local",
	" from <victim@dest.example>",
	"@d",
	"\\",
	"=\"\"",
	" ",
	" H=(y",
	"\" A=login:victim",
	" T=\"\"",
	" L*",
	")",
	" id=\"",
	"victim@dest.example",
};

/* bytes: those it may not hold; escape: those that get a backslash. */
static void add_tricks(struct text *t, unsigned most, const char *bytes,
		       const char *escape)
{
	for (unsigned n = pick(most + 1); n > 0; n--) {
		const char *s = tricks[pick(COUNT(tricks))];

		for (; *s; s++) {
			char c[3] = { '\\', *s, 0 };

			if (strchr(bytes, *s))
				continue;
			add(t, strchr(escape, *s) ? c : c + 1);
		}
	}
}

static void add_quoted_address(struct text *t)
{
	add(t, "\"");
	add_tricks(t, 4, "", "\"\\");
	add(t, "\"@dest.example");
}

static void add_address(struct text *t)
{
	if (pick(2))
		add_quoted_address(t);
	else
		add(t, "real@dest.example");
}

/* What stands behind A=, as receive.c writes it. */
static void add_rest(struct text *t)
{
	add(t, " S=500");
	if (pick(2)) {
		add(t, " id=");
		if (pick(2))
			add(t, "abc@dest.example");
		else
			add_quoted_address(t);
	}
	if (pick(2)) {
		add(t, " T=\"");
		add_tricks(t, 6, "", "\"\\");
		add(t, "\"");
	}
	if (pick(3) == 0) {
		add(t, " from <");
		add_address(t);
		add(t, ">");
	}
	if (pick(3) == 0) {
		add(t, " for real@dest.example ");
		add_address(t);
	}
}

static void add_start(struct text *t)
{
	t->n = 0;
	add(t, "2026-11-23 06:52:53 1xVNv3-000321-1M <= ");
	add_address(t);
}

static void check_nobody_named(const struct text *t, const struct probe *probe)
{
	const struct event *ev = &probe->accept;

	if (str_find(ev->login, STR("victim")) == ev->login.n &&
	    str_find(ev->user, STR("victim")) == ev->user.n && !probe->named_victim)
		return;
	fail_msg("forged: %.*s", (int)t->n, t->p);
}

#define ROUNDS 100000

static void test_client_cannot_forge(void **state)
{
	struct probe probe;
	struct text t;

	(void)state;
	seed = 1;
	for (int i = 0; i < ROUNDS; i++) {
		struct str ip;

		add_start(&t);
		add(&t, pick(2) ? " H=pc.example (" : " H=(");
		add_tricks(&t, 9, "", "");
		add(&t, ") [192.0.2.9]:33");
		if (pick(4) == 0) {
			add(&t, " U=x");
			add_tricks(&t, 4, "", "");
		}
		add(&t, " P=esmtp");
		if (pick(4) == 0) {
			add(&t, " X=TLS1.3:x:256 CV=no DN=\"CN=");
			add_tricks(&t, 4, "", "");
			add(&t, "\"");
		}
		add_rest(&t);
		assert_int_equal(parse(&probe, (struct str){ t.p, t.n }), PARSE_EVENTS);
		check_nobody_named(&t, &probe);
		ip = probe.accept.client_ip;
		if (ip.n && !str_eq(ip, STR("192.0.2.9")))
			fail_msg("forged address: %.*s", (int)t.n, t.p);
	}
}

static void test_local_user_cannot_forge(void **state)
{
	struct probe probe;
	struct text t;

	(void)state;
	seed = 2;
	for (int i = 0; i < ROUNDS; i++) {
		add_start(&t);
		add(&t, " U=bob P=local");
		add_rest(&t);
		assert_int_equal(parse(&probe, (struct str){ t.p, t.n }), PARSE_EVENTS);
		check_nobody_named(&t, &probe);
		if (!str_eq(probe.accept.user, STR("bob")) ||
		    probe.accept.channel != CHANNEL_LOCAL || probe.accept.login.n)
			fail_msg("not bob's: %.*s", (int)t.n, t.p);
	}
}

/* The other side: what a sender writes must not hide his own login. */
static void test_login_cannot_be_hidden(void **state)
{
	struct probe probe;
	struct text t;

	(void)state;
	seed = 3;
	for (int i = 0; i < ROUNDS; i++) {
		add_start(&t);
		add(&t,
		    " H=pc.example (pc) [192.0.2.9]:33 P=esmtpsa X=c CV=no A=login:bob");
		add_rest(&t);
		assert_int_equal(parse(&probe, (struct str){ t.p, t.n }), PARSE_EVENTS);
		if (!str_eq(probe.accept.login, STR("bob")))
			fail_msg("hidden: %.*s", (int)t.n, t.p);
	}
}

/* "=> save x <y>z <y>z ... <victim@dest.example>": n places that could begin the
 * address and do not. */
static bool names_victim_behind(int n)
{
	struct probe probe;
	struct text t = { .n = 0 };

	add(&t, "2026-11-23 06:52:53 1xVNv3-000321-1M => save x");
	while (n-- > 0)
		add(&t, " <y>z");
	add(&t, " <victim@dest.example> R=r T=t");
	assert_int_equal(parse(&probe, (struct str){ t.p, t.n }), PARSE_EVENTS);
	return probe.named_victim;
}

/* Each try may read the line to its end, so their number must not grow with the
 * line: a recipient behind many of them is not looked for. */
static void test_tries_are_bounded(void **state)
{
	(void)state;
	assert_true(names_victim_behind(0));
	assert_true(names_victim_behind(7));
	assert_false(names_victim_behind(8));
	assert_false(names_victim_behind(30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_say_something),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_any_byte_changed),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_recipients_counted_if_whole),
		cmocka_unit_test(test_client_cannot_forge),
		cmocka_unit_test(test_local_user_cannot_forge),
		cmocka_unit_test(test_login_cannot_be_hidden),
		cmocka_unit_test(test_tries_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
