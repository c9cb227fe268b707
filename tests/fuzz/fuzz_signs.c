/* Feeds bytes to what looks for signatures: header arguments, answers, paths, names.
 *
 * With -DFUZZ_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. As a plain
 * program it replays:
 *
 *   fuzz_signs [--seconds N] FILE...
 *
 * runs every line of the files and then, for N seconds, lines mixed from two of
 * them with bytes changed, in an order that is the same each time.
 *
 * Checked, besides what the sanitizers see: views lie within the line, sentences are
 * printable, weights are sums, no expression that matches is passed over, and a line
 * does not take a second. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline */
#endif
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "core/patterns_state.h"
#include "core/phphead.h"

#define LINE_SECONDS_MAX 1.0
#define MAX_LINE ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str line, struct str s)
{
	if (s.n && (s.p < line.p || s.p + s.n > line.p + line.n))
		bug("a view outside the line");
}

static void check_sentence(const struct injection *in, enum injection_rule rule)
{
	char text[300];

	injection_explain(in, rule, text, sizeof(text));
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			bug("a sentence that cannot be shown");
}

static void run_headers(struct str line)
{
	struct injection_known known = { .names = 0 };
	struct injection in;
	struct phphead h;
	uint64_t other = 1;

	phphead_read(line, &h);
	for (size_t i = 0; i < h.count; i++) {
		check_inside(line, h.field[i].label);
		check_inside(line, h.field[i].value);
	}
	check_inside(line, h.body);
	known.templates = &other;
	known.ntemplates = line.n % 2;
	injection_scan(&h, line, line, &known, &in);
	injection_compare(&h, line.n, &in);
	for (int rule = 0; rule < INJECTION_RULES; rule++) {
		if (!(in.fired & 1u << rule))
			continue;
		check_inside(line, in.rule[rule].about);
		check_sentence(&in, (enum injection_rule)rule);
	}
}

static void check_signs(const struct signs *s)
{
	if (s->count > PATTERNS_MAX_SIGNS || (s->count == 0) != !(s->weight > 0))
		bug("signs without weight");
}

static void check_tries(const struct regex_list *list, const struct regex_text *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (regex_try(list->at[i], text) != regex_match(list->at[i], text->text, NULL))
			bug("an expression was passed over");
}

/* All expressions on a short text; on a long one that takes too long. */
static void check_expressions(const struct patterns *p, struct str line)
{
	struct regex_text text;

	regex_prepare(str_head(line, 300), &text);
	for (int set = 0; set < PATTERN_SETS; set++) {
		for (size_t i = 0; i < p->n[set]; i++) {
			check_tries(&p->list[set][i].rule->match, &text);
			check_tries(&p->list[set][i].rule->unless, &text);
		}
	}
}

static void run_patterns(const struct patterns *p, struct str line)
{
	size_t cut = str_chr(line, ' ');
	struct str first = str_head(line, cut), rest = str_skip(line, cut + 1);
	struct signs s;

	patterns_answer(p, first, rest, false);
	patterns_response(p, STR_NONE, line, true);
	patterns_fingerprint(line);
	patterns_path(p, line, false, &s);
	check_signs(&s);
	patterns_probe(p, first, rest, line, rest, &s);
	check_signs(&s);
	patterns_helo(p, first, rest, STR("mail.host.example"), &s);
	check_signs(&s);
	if (helo_class(first, rest, STR_NONE).kind >= HELO_KINDS)
		bug("a name of no kind");
	patterns_provider(p, line);
	patterns_freemail(p, first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct patterns *patterns;
	/* The copy ends where the line ends, so that reading on is seen. */
	char *copy = xmalloc(size);
	struct str line = { copy, size };

	if (!patterns)
		patterns = patterns_default();
	if (size)
		memcpy(copy, data, size);
	run_headers(line);
	run_patterns(patterns, line);
	check_expressions(patterns, line);
	free(copy);
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

		if (!str_eat(&text, STR("+ ")))
			str_eat(&text, STR("- "));
		seeds_add(s, str_head(text, MAX_LINE));
	}
	free(line);
	fclose(f);
}

static const struct str tokens[] = {
	STR(" "),	STR("  "),	 STR("    "),	  STR("\0"),	  STR("\xff"),
	STR("Bcc: "),	STR("To:"),	 STR("a@b.c"),	  STR("<a@b>"),	  STR("--"),
	STR("%0a"),	STR("\\n"),	 STR("550-5.1.1 "), STR(": 550 "), STR(" said: "),
	STR("[192.0."), STR("/.x.php"), STR("/cache/"),  STR("=========="), STR("(#5.1.1)"),
	STR("spam "),	STR("Content-Type: multipart/mixed; "),
};

/* The head of one line, a token some times over, the tail of another. */
static size_t mix(const struct seeds *s, char *out)
{
	struct str a = s->lines[next_random(s->count)], b = s->lines[next_random(s->count)];
	struct str token = tokens[next_random(sizeof(tokens) / sizeof(tokens[0]))];
	uint64_t times = next_random(50) ? next_random(3) : next_random(3000);
	size_t n = next_random(a.n + 1);

	memcpy(out, a.p, n);
	for (; times && n + token.n < MAX_LINE; times--, n += token.n)
		memcpy(out + n, token.p, token.n);
	b = str_skip(b, next_random(b.n + 1));
	b = str_head(b, MAX_LINE - n);
	if (b.n)
		memcpy(out + n, b.p, b.n);
	n += b.n;
	for (uint64_t changes = next_random(3); changes && n; changes--)
		out[next_random(n)] = (char)next_random(256);
	return n;
}

static void run_timed(const char *p, size_t n)
{
	double start = now();

	LLVMFuzzerTestOneInput((const uint8_t *)p, n);
	if (now() - start > LINE_SECONDS_MAX)
		bug("a line took too long");
}

int main(int argc, char **argv)
{
	static char buf[MAX_LINE];
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
		die(EXIT_USAGE, "usage: fuzz_signs [--seconds N] FILE...");
	for (size_t i = 0; i < seeds.count; i++)
		run_timed(seeds.lines[i].p, seeds.lines[i].n);
	for (end = now() + (double)seconds; now() < end; lines++)
		run_timed(buf, mix(&seeds, buf));
	printf("%zu lines replayed, %ld mixed\n", seeds.count, lines);
	for (size_t i = 0; i < seeds.count; i++)
		free((char *)seeds.lines[i].p);
	free(seeds.lines);
	return 0;
}

#endif
