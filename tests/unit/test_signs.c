/* Runs tests/corpus/signs: every signature finds what it must, passes over what only
 * looks like it, and has at least one line of the first kind and three of the second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "core/parser.h"
#include "core/patterns.h"
#include "core/phphead.h"
#include "parsers/parsers.h"

#define OWN_NAME STR("mail.host.example")
#define LEAST_FOUND 1
#define LEAST_PASSED 3
#define MAX_SIGNATURES 200

struct signature {
	char *kind, *name;
	int found, passed; /* lines of both kinds */
};

struct run {
	struct patterns *patterns;
	struct signature signatures[MAX_SIGNATURES];
	size_t count;
	struct signature *now;
	bool *reached; /* per row of responses */
	struct phphead learned;
	struct injection_known known;
	int64_t delivered;
	int failures;
};

/* ---- a line of PHP's mail log ---- */

struct call {
	struct event_sink sink; /* first, so that a sink is a call */
	struct event ev;
};

static void on_event(struct event_sink *sink, const struct record *rec, const struct event *ev)
{
	(void)rec;
	((struct call *)sink)->ev = *ev;
}

static struct event read_call(struct str line)
{
	struct record rec = { .line = line, .body = line, .shape = RECORD_PHP, .cred_uid = -1 };
	struct call call = { .sink = { .emit = on_event } };

	for (size_t i = 0; all_parsers[i]; i++)
		if (strcmp(all_parsers[i]->name, "php") == 0 &&
		    all_parsers[i]->parse(&rec, &call.sink) == PARSE_EVENTS)
			return call.ev;
	fail_msg("not a line of PHP's mail log: %.*s", STR_ARG(line));
	return call.ev;
}

/* ---- one kind each: does the line show the signature? ---- */

static bool has_sign(const struct signs *signs, const char *name)
{
	for (size_t i = 0; i < signs->count; i++)
		if (str_eq(signs->sign[i]->name, str_of(name)))
			return true;
	return false;
}

static struct str word(struct str *s)
{
	size_t n = str_chr(*s, ' ');
	struct str w = str_head(*s, n);

	*s = str_skip(*s, n + 1);
	return w;
}

static bool shows_response(struct run *run, struct str line)
{
	struct str dsn = word(&line), status = word(&line);
	bool deferred = str_eq(status, STR("deferred"));
	const struct pattern *row;
	enum response_class class;
	size_t n;

	if (str_eq(dsn, STR("-")))
		dsn = STR_NONE;
	row = patterns_answer(run->patterns, dsn, line, deferred);
	if (row)
		run->reached[row - patterns_list(run->patterns, PATTERNS_RESPONSE, &n)] = true;
	class = patterns_response(run->patterns, dsn, line, deferred);
	return strcmp(response_class_name[class], run->now->name) == 0;
}

static bool shows_path(struct run *run, struct str line)
{
	struct signs signs;
	bool eval = str_eat(&line, STR("eval "));

	patterns_path(run->patterns, line, eval, &signs);
	return has_sign(&signs, run->now->name);
}

static bool shows_probe(struct run *run, struct str line)
{
	struct event ev = read_call(line);
	struct signs signs;

	patterns_probe(run->patterns, ev.script, ev.header_to, ev.subject, ev.headers, &signs);
	return has_sign(&signs, run->now->name);
}

static bool shows_helo(struct run *run, struct str line)
{
	struct str helo = word(&line);
	struct signs signs;

	patterns_helo(run->patterns, helo, line, OWN_NAME, &signs);
	return has_sign(&signs, run->now->name);
}

static bool shows_injection(struct run *run, struct str line)
{
	struct event ev = read_call(line);
	struct phphead head;
	struct injection in;
	char text[400];
	int rule = 0;

	while (strcmp(injection_rule_name[rule], run->now->name))
		assert_non_null(injection_rule_name[++rule]);
	phphead_read(ev.headers, &head);
	injection_scan(&head, ev.header_to, ev.subject, &run->known, &in);
	if (run->delivered)
		injection_compare(&head, (size_t)run->delivered, &in);
	if (!(in.fired & 1u << rule))
		return false;
	assert_true(in.weight >= in.rule[rule].weight && in.rule[rule].weight > 0);
	injection_explain(&in, (enum injection_rule)rule, text, sizeof(text));
	assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
	return true;
}

static const struct {
	const char *name;
	bool (*shows)(struct run *run, struct str line);
} kinds[] = {
	{ "response", shows_response }, { "path", shows_path },		 { "probe", shows_probe },
	{ "helo", shows_helo },		{ "injection", shows_injection },
};

static bool shows(struct run *run, struct str line)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, run->now->kind) == 0)
			return kinds[i].shows(run, line);
	fail_msg("no kind %s", run->now->kind);
	return false;
}

/* ---- files ---- */

static void learn(struct run *run, struct str headers)
{
	phphead_read(headers, &run->learned);
	run->known = (struct injection_known){ .templates = &run->learned.template,
					       .ntemplates = headers.n ? 1 : 0,
					       .names = run->learned.names,
					       .repeated = run->learned.repeated,
					       .max_recipients = 1,
					       .mixes = run->learned.mixed };
}

static void directive(struct run *run, struct str s)
{
	struct str name = word(&s);

	if (str_eq(name, STR("learned")))
		learn(run, s);
	else if (!str_eq(name, STR("delivered")) || !str_int(s, &run->delivered))
		fail_msg("what is this directive: %.*s", STR_ARG(name));
}

static void begin(struct run *run, struct str s)
{
	struct str kind = word(&s);

	assert_true(run->count < MAX_SIGNATURES);
	run->now = &run->signatures[run->count++];
	run->now->kind = str_dup(kind);
	run->now->name = str_dup(s);
	run->delivered = 0;
	run->known = (struct injection_known){ .names = 0 };
}

static void check(struct run *run, struct str line, bool wanted, const char *file, int number)
{
	(*(wanted ? &run->now->found : &run->now->passed))++;
	if (shows(run, line) == wanted)
		return;
	print_error("%s:%d: %s %s %s: %.*s\n", file, number, run->now->kind, run->now->name,
		    wanted ? "not found" : "found", STR_ARG(line));
	run->failures++;
}

static void read_line(struct run *run, struct str s, const char *file, int number)
{
	if (str_eat(&s, STR("= ")))
		begin(run, s);
	else if (str_eat(&s, STR("@ ")))
		directive(run, s);
	else if (str_eat(&s, STR("+ ")) || str_eat(&s, STR("+")))
		check(run, s, true, file, number);
	else if (str_eat(&s, STR("- ")))
		check(run, s, false, file, number);
	else if (s.n && s.p[0] != '#')
		fail_msg("%s:%d: what is this line?", file, number);
}

static void read_file(struct run *run, const char *name)
{
	const char *top = getenv("MAILAUDIT_SRCDIR");
	char path[4096], *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/corpus/signs/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s", path);
	for (int number = 1; (n = getline(&line, &size, f)) > 0; number++)
		read_line(run, (struct str){ line, (size_t)n - (line[n - 1] == '\n') }, name,
			  number);
	free(line);
	fclose(f);
}

/* ---- what must have lines ---- */

static void need(struct run *run, const char *kind, struct str name)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct signature *s = &run->signatures[i];

		if (strcmp(s->kind, kind) || !str_eq(str_of(s->name), name))
			continue;
		if (s->found >= LEAST_FOUND && s->passed >= LEAST_PASSED)
			return;
	}
	print_error("%s %.*s: fewer than %d lines that show it and %d that do not\n", kind,
		    STR_ARG(name), LEAST_FOUND, LEAST_PASSED);
	run->failures++;
}

static void need_rows(struct run *run, const char *kind, enum pattern_set set)
{
	size_t n;
	const struct pattern *rows = patterns_list(run->patterns, set, &n);

	for (size_t i = 0; i < n; i++)
		need(run, kind, rows[i].name);
}

static void need_responses(struct run *run)
{
	size_t n;
	const struct pattern *rows = patterns_list(run->patterns, PATTERNS_RESPONSE, &n);

	for (int c = 0; c < RESPONSE_CLASSES; c++)
		need(run, "response", str_of(response_class_name[c]));
	for (size_t i = 0; i < n; i++) {
		if (run->reached[i])
			continue;
		print_error("response %.*s: no line reaches this row\n", STR_ARG(rows[i].name));
		run->failures++;
	}
}

static void every_signature(void **state)
{
	static const char *const files[] = { "helo.txt", "injection.txt", "paths.txt",
					     "probes.txt", "responses.txt" };
	struct run run = { .patterns = patterns_default() };
	size_t n;

	(void)state;
	patterns_list(run.patterns, PATTERNS_RESPONSE, &n);
	run.reached = xcalloc(n, sizeof(bool));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_file(&run, files[i]);
	need_responses(&run);
	need_rows(&run, "path", PATTERNS_PATH);
	need_rows(&run, "probe", PATTERNS_PROBE);
	need_rows(&run, "helo", PATTERNS_HELO);
	for (int i = 0; i < INJECTION_RULES; i++)
		need(&run, "injection", str_of(injection_rule_name[i]));
	for (size_t i = 0; i < run.count; i++) {
		free(run.signatures[i].kind);
		free(run.signatures[i].name);
	}
	free(run.reached);
	patterns_free(run.patterns);
	assert_int_equal(run.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
