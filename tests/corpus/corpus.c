/* Runs a parser over corpus files, or prints what it makes of a log.
 *
 *   corpus PARSER FILE...             compare; fails also for a rule never reached
 *   corpus --print PARSER LOG         a corpus file made from a log, for review
 *   corpus --json PARSER LOG          one JSON object a line, for the oracles
 *
 * With --program NAME before PARSER the log's lines are bodies of that program.
 * The format of corpus files is told in README.md beside this file. Knows
 * nothing about any dialect. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline, memmem */
#endif
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "core/envelope.h"
#include "core/message.h"
#include "parsers/parsers.h"

/* Room for everything one line can be made to say. */
#define TEXT_MAX ((size_t)4 * 1024 * 1024)

struct text {
	char *p;
	size_t n;
};

struct run {
	struct event_sink sink; /* first, so that a sink is a run */
	const struct parser *parser;
	bool *reached; /* per rule */
	struct envelope envelope;
	struct str program; /* lines are bodies of it, if not empty */
	struct text got, expected;
	bool json;
	int lines, failures;
};

static void text_add(struct text *t, struct str s)
{
	if (s.n > TEXT_MAX - t->n)
		die(EXIT_INTERNAL, "more events than fit");
	if (s.n)
		memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

static struct str text_view(const struct text *t)
{
	return (struct str){ t->p, t->n };
}

/* --- events as corpus lines or as JSON --- */

static void add_json_string(struct text *t, struct str s)
{
	size_t n = log_escape_length(s) + 1;
	char *safe = xmalloc(n);

	log_escape(s, safe, n);
	text_add(t, STR("\""));
	for (const char *p = safe; *p; p++) {
		if (*p == '"' || *p == '\\')
			text_add(t, STR("\\"));
		text_add(t, (struct str){ p, 1 });
	}
	text_add(t, STR("\""));
	free(safe);
}

static void add_json_key(struct text *t, const char *name)
{
	text_add(t, STR(",\""));
	text_add(t, str_of(name));
	text_add(t, STR("\":"));
}

static void add_json_str(struct text *t, const char *name, struct str s)
{
	if (s.n == 0)
		return;
	add_json_key(t, name);
	add_json_string(t, s);
}

static void add_json_num(struct text *t, const char *name, int64_t value)
{
	char digits[24];

	if (value == -1)
		return;
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	add_json_key(t, name);
	text_add(t, str_of(digits));
}

static void add_json_flag(struct text *t, const char *name, bool on)
{
	add_json_num(t, name, on ? 1 : -1);
}

static void add_json_word(struct text *t, const char *name, const char *const *words,
			  unsigned i)
{
	if (i)
		add_json_str(t, name, str_of(words[i]));
}

static void add_json_channel(struct text *t, const char *name, enum channel c)
{
	add_json_word(t, name, channel_name, c);
}

static void add_json_status(struct text *t, const char *name, enum rcpt_status s)
{
	add_json_word(t, name, rcpt_status_name, s);
}

static void add_json_place(struct text *t, const char *name, enum rcpt_place p)
{
	static const char *const words[] = { "unknown", "local", "remote" };

	add_json_word(t, name, words, p);
}

static void add_json_event(struct text *t, const struct event *ev)
{
	if (t->n)
		text_add(t, STR(","));
	text_add(t, STR("{\"kind\":\""));
	text_add(t, str_of(event_kind_name[ev->kind]));
	text_add(t, STR("\""));
#define X(type, member, name) add_json_##type(t, name, ev->member);
	EVENT_FIELDS(X)
#undef X
	text_add(t, STR("}"));
}

static void add_line_event(struct text *t, const struct event *ev)
{
	size_t n = event_print(ev, NULL, 0) + 1;
	char *line = xmalloc(n);

	event_print(ev, line, n);
	text_add(t, STR("> "));
	text_add(t, str_of(line));
	text_add(t, STR("\n"));
	free(line);
}

static void on_event(struct event_sink *sink, const struct record *rec,
		     const struct event *ev)
{
	struct run *run = (struct run *)sink;

	(void)rec;
	(run->json ? add_json_event : add_line_event)(&run->got, ev);
}

/* --- one line through envelope and parser --- */

static const char *outcome(enum parse_result result)
{
	static const char *const words[] = { "unknown", "noise", "events" };

	return words[result];
}

static void split_line(struct run *run, struct str line, struct record *rec)
{
	if (run->program.n == 0) {
		envelope_split(&run->envelope, line, rec);
		return;
	}
	*rec = (struct record){ .line = line,
				.shape = RECORD_SYSLOG,
				.program = run->program,
				.body = line,
				.cred_uid = -1 };
}

/* Leaves the events in run->got. "unclaimed": not this parser's line. */
static const char *parse_line(struct run *run, struct str line, struct record *rec)
{
	enum parse_result result;

	run->got.n = 0;
	run->lines++;
	split_line(run, line, rec);
	run->sink.rule = -1;
	if (!run->parser->claims(rec))
		return "unclaimed";
	result = run->parser->parse(rec, &run->sink);
	if (run->sink.rule >= 0 && run->sink.rule < run->parser->nrules)
		run->reached[run->sink.rule] = true;
	return outcome(result);
}

static void got_outcome(struct run *run, const char *word)
{
	if (strcmp(word, "events") == 0)
		return;
	text_add(&run->got, STR("> "));
	text_add(&run->got, str_of(word));
	text_add(&run->got, STR("\n"));
}

/* --- comparing --- */

struct pending {
	const char *file;
	int number;
	char *line; /* NULL: none */
	size_t n;
};

static void print_lines(char sign, struct str s)
{
	while (s.n) {
		size_t n = str_chr(s, '\n');

		printf("%c%.*s\n", sign, (int)n, s.p);
		s = str_skip(s, n + 1);
	}
}

static const char *rule_name(const struct run *run)
{
	return run->sink.rule < 0 ? "no rule" : run->parser->rules[run->sink.rule];
}

static void check_pending(struct run *run, struct pending *p)
{
	struct record rec;

	if (!p->line)
		return;
	got_outcome(run, parse_line(run, (struct str){ p->line, p->n }, &rec));
	if (!str_eq(text_view(&run->got), text_view(&run->expected))) {
		printf("%s:%d: %s\n %.*s\n", p->file, p->number, rule_name(run),
		       (int)p->n, p->line);
		print_lines('-', text_view(&run->expected));
		print_lines('+', text_view(&run->got));
		run->failures++;
	}
	free(p->line);
	p->line = NULL;
	run->expected.n = 0;
}

/* One "key=value" of a directive. */
static bool apply_setting(struct run *run, struct str setting)
{
	if (str_eat(&setting, STR("zone=")))
		return (run->envelope.zone = zone_find(setting));
	if (str_eat(&setting, STR("near=")))
		return stamp_user(setting, zone_utc(), 0, &run->envelope.near);
	if (str_eat(&setting, STR("program="))) {
		free((char *)(uintptr_t)run->program.p);
		run->program = setting.n ? str_of(str_dup(setting)) : STR_NONE;
		return true;
	}
	return false;
}

static void apply_directive(struct run *run, struct str s, const char *file, int number)
{
	while (s.n) {
		size_t n = str_chr(s, ' ');

		if (n && !apply_setting(run, str_head(s, n)))
			die(EXIT_CONFIG, "%s:%d: what is this directive?", file, number);
		s = str_skip(s, n + 1);
	}
}

static void read_corpus_line(struct run *run, struct str s, struct pending *p, int number)
{
	if (str_starts(s, STR("> "))) {
		if (!p->line)
			die(EXIT_CONFIG, "%s:%d: an event without a line", p->file,
			    number);
		text_add(&run->expected, s);
		text_add(&run->expected, STR("\n"));
		return;
	}
	check_pending(run, p);
	if (str_eat(&s, STR("< "))) {
		p->line = str_dup(s);
		p->n = s.n;
		p->number = number;
	} else if (str_eat(&s, STR("@ "))) {
		apply_directive(run, s, p->file, number);
	} else if (s.n && s.p[0] != '#') {
		die(EXIT_CONFIG, "%s:%d: neither line, event, directive nor comment",
		    p->file, number);
	}
}

static void reset(struct run *run)
{
	run->envelope.zone = zone_utc();
	stamp_user(STR("2026-11-23"), zone_utc(), 0, &run->envelope.near);
}

static FILE *open_file(const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");

	if (!f)
		die(EXIT_NOINPUT, "cannot read %s", file);
	return f;
}

/* The line that getline gave, without its newline. */
static struct str without_newline(const char *line, ssize_t n)
{
	struct str s = { line, (size_t)n };

	if (str_ends(s, STR("\n")))
		s.n--;
	return s;
}

static void check_file(struct run *run, const char *file)
{
	struct pending p = { .file = file };
	FILE *f = open_file(file);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	reset(run);
	run->program = STR_NONE;
	for (int number = 1; (n = getline(&line, &size, f)) > 0; number++)
		read_corpus_line(run, without_newline(line, n), &p, number);
	check_pending(run, &p);
	free(line);
	fclose(f);
}

static int check_files(struct run *run, char **files)
{
	int missed = 0;

	for (; *files; files++)
		check_file(run, *files);
	for (int i = 0; i < run->parser->nrules; i++) {
		if (run->reached[i])
			continue;
		printf("rule %s of %s: no corpus line reaches it\n",
		       run->parser->rules[i], run->parser->name);
		missed++;
	}
	printf("%s: %d lines, %d differ, %d of %d rules not reached\n", run->parser->name,
	       run->lines, run->failures, missed, run->parser->nrules);
	return run->failures || missed || !run->lines;
}

/* --- printing --- */

static void print_corpus(struct run *run, struct str line)
{
	struct record rec;

	got_outcome(run, parse_line(run, line, &rec));
	printf("< %.*s\n%.*s", STR_ARG(line), STR_ARG(text_view(&run->got)));
}

static void print_json(struct run *run, struct str line)
{
	struct text head = { xmalloc(TEXT_MAX), 0 };
	struct record rec;
	const char *word = parse_line(run, line, &rec);
	char stamp[STAMP_TEXT];

	add_json_str(&head, "rule", str_of(rule_name(run)));
	if (rec.time)
		add_json_str(&head, "time", str_of(stamp_text(rec.time, stamp)));
	add_json_str(&head, "host", rec.host);
	add_json_str(&head, "program", rec.program);
	add_json_num(&head, "pid", rec.pid ? (int64_t)rec.pid : -1);
	printf("{\"result\":\"%s\"%.*s,\"events\":[%.*s]}\n", word,
	       STR_ARG(text_view(&head)), STR_ARG(text_view(&run->got)));
	free(head.p);
}

static int print_log(struct run *run, const char *file)
{
	FILE *f = open_file(file);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	reset(run);
	while ((n = getline(&line, &size, f)) > 0)
		(run->json ? print_json : print_corpus)(run, without_newline(line, n));
	free(line);
	fclose(f);
	return 0;
}

static const struct parser *find_parser(const char *name)
{
	for (size_t i = 0; all_parsers[i]; i++)
		if (strcmp(all_parsers[i]->name, name) == 0)
			return all_parsers[i];
	die(EXIT_USAGE, "no parser %s", name);
}

static void run_release(struct run *run)
{
	free(run->reached);
	free(run->got.p);
	free(run->expected.p);
}

int main(int argc, char **argv)
{
	struct run run = { .sink = { .emit = on_event } };
	bool print = false;
	int result;

	for (argv++; argc > 2 && *argv && str_starts(str_of(*argv), STR("--")); argv++) {
		run.json = run.json || strcmp(*argv, "--json") == 0;
		print = print || run.json || strcmp(*argv, "--print") == 0;
		if (strcmp(*argv, "--program") == 0 && argv[1])
			run.program = str_of(*++argv);
	}
	if (argc < 3 || !argv[0] || !argv[1])
		die(EXIT_USAGE,
		    "usage: corpus [--print|--json] [--program NAME] PARSER FILE...");
	run.parser = find_parser(argv[0]);
	run.reached = xcalloc((size_t)run.parser->nrules, sizeof(bool));
	run.got.p = xmalloc(TEXT_MAX);
	run.expected.p = xmalloc(TEXT_MAX);
	result = print ? print_log(&run, argv[1]) : check_files(&run, argv + 1);
	run_release(&run);
	return result;
}
