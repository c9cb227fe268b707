/* Feeds bytes as log lines to the envelope and to every parser.
 *
 * With -DFUZZ_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. As a
 * plain program it replays:
 *
 *   fuzz_parsers [--seconds N] FILE...
 *
 * runs every line of the files (also "< " lines of corpus files) and then, for N
 * seconds, lines mutated from them in an order that is the same each time.
 *
 * Checked, besides what the sanitizers see: a parser's result agrees with what it
 * emitted, its rule is one of its own, events can be printed, and a line does not
 * take a second. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "core/envelope.h"
#include "parsers/parsers.h"

#define LINE_SECONDS_MAX 1.0

struct probe {
	struct event_sink sink; /* first, so that a sink is a probe */
	int events;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(struct event_sink *sink, const struct record *rec,
		     const struct event *ev)
{
	struct probe *probe = (struct probe *)sink;
	char buf[300];

	(void)rec;
	probe->events++;
	if (ev->kind >= EV_COUNT)
		bug("an event of no kind");
	if (event_print(ev, buf, sizeof(buf)) == 0)
		bug("an event without text");
}

static void run_parser(const struct parser *p, const struct record *rec)
{
	struct probe probe = { { on_event, -1 }, 0 };
	enum parse_result result;

	if (!p->claims(rec))
		return;
	result = p->parse(rec, &probe.sink);
	if ((result == PARSE_EVENTS) != (probe.events > 0))
		bug("the result is not what was emitted");
	if (probe.sink.rule < -1 || probe.sink.rule >= p->nrules)
		bug("a rule that is not there");
	if (result != PARSE_UNKNOWN && probe.sink.rule < 0)
		bug("understood by no rule");
}

/* The copy ends where the line ends, so that reading on is seen. */
static void run_line(struct envelope *env, struct str line)
{
	char *copy = xmalloc(line.n);
	struct record rec;

	if (line.n)
		memcpy(copy, line.p, line.n);
	envelope_split(env, (struct str){ copy, line.n }, &rec);
	for (size_t i = 0; all_parsers[i]; i++)
		run_parser(all_parsers[i], &rec);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope env = { .zone = zone_utc(), .near = INT64_C(1795392000) * USEC_SECOND };
	struct str rest = { (const char *)data, size };

	do {
		size_t n = str_chr(rest, '\n');

		run_line(&env, str_head(rest, n));
		rest = str_skip(rest, n + 1);
	} while (rest.n);
	return 0;
}

#ifndef FUZZ_LIBFUZZER

struct seeds {
	struct str *lines; /* owned */
	size_t count, room;
};

static uint64_t random_state = 1;

/* SplitMix64: the same sequence on every machine. */
static uint64_t next_random(uint64_t below)
{
	uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void seeds_add(struct seeds *s, struct str line)
{
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->lines = xrealloc(s->lines, s->room * sizeof(*s->lines));
	}
	s->lines[s->count++] = (struct str){ str_dup(line), line.n };
}

static void seeds_read(struct seeds *s, const char *file)
{
	FILE *f = fopen(file, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		die(EXIT_NOINPUT, "cannot read %s", file);
	while ((n = getline(&line, &size, f)) > 0) {
		struct str text = str_trim((struct str){ line, (size_t)n });

		str_eat(&text, STR("< "));
		seeds_add(s, text);
	}
	free(line);
	fclose(f);
}

static void seeds_release(struct seeds *s)
{
	for (size_t i = 0; i < s->count; i++)
		free((char *)s->lines[i].p);
	free(s->lines);
}

/* Text that means something to a parser, and bytes that mean trouble. */
static const struct str tokens[] = {
	STR("<"),
	STR(">"),
	STR("\""),
	STR("\\"),
	STR("["),
	STR("]"),
	STR("("),
	STR(")"),
	STR(": "),
	STR(", "),
	STR("; "),
	STR(" "),
	STR("\t"),
	STR("\0"),
	STR("\xff"),
	STR("\x1b"),
	STR("="),
	STR("; from=<"),
	STR("> to=<"),
	STR("\" result=\""),
	STR(" smtp envelope evpid="),
	STR(" from local;"),
	STR(", relay="),
	STR("status=sent ("),
	STR("\" "),
	STR("queued as "),
	STR(" <= "),
	STR(" => "),
	STR(" <"),
	STR(" <x>y"),
	STR(") : assert code"),
	STR("U="),
	STR(" P=local"),
	STR("mail() on ["),
	STR("]: To: "),
	STR(" -- Headers: "),
	STR(" -- Subject: "),
	STR("99999999999999999999"),
	STR("NOQUEUE: "),
	STR("message repeated 9999 times: [ "),
	STR("for "),
	STR(":"),
	STR("\r"),
};

struct draft {
	char *p;
	size_t n, max;
};

static void insert(struct draft *d, size_t at, struct str text)
{
	if (text.n > d->max - d->n)
		return;
	memmove(d->p + at + text.n, d->p + at, d->n - at);
	memcpy(d->p + at, text.p, text.n);
	d->n += text.n;
}

/* One change: a cut, another line's end, a token, a byte changed or removed. */
static void mutate_once(struct draft *d, struct str other)
{
	struct str token = tokens[next_random(sizeof(tokens) / sizeof(tokens[0]))];
	size_t at = next_random(d->n + 1);

	switch (next_random(5)) {
	case 0:
		d->n = at;
		break;
	case 1:
		insert(d, at, str_skip(other, next_random(other.n + 1)));
		break;
	case 2:
		insert(d, at, token);
		break;
	case 3:
		if (at < d->n)
			d->p[at] = (char)next_random(256);
		break;
	default:
		if (at < d->n)
			memmove(d->p + at, d->p + at + 1, --d->n - at);
	}
}

static size_t mutate(const struct seeds *s, char *out, size_t max)
{
	struct str line = s->lines[next_random(s->count)];
	struct draft d = { out, line.n < max ? line.n : max, max };

	memcpy(out, line.p, d.n);
	for (uint64_t steps = next_random(6); steps > 0; steps--)
		mutate_once(&d, s->lines[next_random(s->count)]);
	return d.n;
}

static void run_timed(const char *p, size_t n)
{
	double start = now();

	LLVMFuzzerTestOneInput((const uint8_t *)p, n);
	if (now() - start > LINE_SECONDS_MAX)
		bug("a line took too long");
}

/* One piece over and over to the longest line there can be: what is slower than
 * its length shows here. */
static void run_long(const struct seeds *s, char *buf)
{
	struct str line = s->lines[next_random(s->count)];
	struct str piece = tokens[next_random(sizeof(tokens) / sizeof(tokens[0]))];
	size_t n = next_random((line.n < RECORD_MAX_LINE ? line.n : RECORD_MAX_LINE) + 1);

	memcpy(buf, line.p, n);
	while (n + piece.n <= RECORD_MAX_LINE) {
		memcpy(buf + n, piece.p, piece.n);
		n += piece.n;
	}
	run_timed(buf, n);
}

int main(int argc, char **argv)
{
	static char buf[RECORD_MAX_LINE];
	struct seeds seeds = { 0 };
	int64_t seconds = 0;
	long lines = 0;
	double end;

	if (argc > 2 && strcmp(argv[1], "--seconds") == 0) {
		if (!str_int(str_of(argv[2]), &seconds))
			die(EXIT_USAGE, "--seconds wants a number");
		argv += 2;
	}
	while (*++argv)
		seeds_read(&seeds, *argv);
	if (seeds.count == 0)
		die(EXIT_USAGE, "usage: fuzz_parsers [--seconds N] FILE...");
	for (size_t i = 0; i < seeds.count; i++)
		run_timed(seeds.lines[i].p, seeds.lines[i].n);
	for (end = now() + (double)seconds; now() < end; lines++) {
		if (lines % 1000 == 0)
			run_long(&seeds, buf);
		run_timed(buf, mutate(&seeds, buf, sizeof(buf)));
	}
	printf("%zu lines replayed, %ld mutated\n", seeds.count, lines);
	seeds_release(&seeds);
	return 0;
}

#endif
