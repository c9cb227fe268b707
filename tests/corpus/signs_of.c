/* Prints what signatures make of lines from standard input, for the oracles.
 *
 *   signs_of response     lines "DSN STATUS TEXT" as in tests/corpus/signs; prints
 *                         "CLASS ROW"
 *   signs_of headers      lines that hold a header argument of mail(), and a tab and
 *                         the subject; prints "INJ1 INJ2 ... ADDRESSES" */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline */
#endif
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "core/patterns.h"
#include "core/phphead.h"

static struct str word(struct str *s)
{
	size_t n = str_chr(*s, ' ');
	struct str w = str_head(*s, n);

	*s = str_skip(*s, n + 1);
	return w;
}

static void print_response(const struct patterns *p, struct str line)
{
	struct str dsn = word(&line);
	bool deferred = str_eq(word(&line), STR("deferred"));
	const struct pattern *row;

	if (str_eq(dsn, STR("-")))
		dsn = STR_NONE;
	row = patterns_answer(p, dsn, line, deferred);
	printf("%s %.*s\n", response_class_name[patterns_response(p, dsn, line, deferred)],
	       STR_ARG(row ? row->name : STR("-")));
}

static void print_headers(const struct patterns *p, struct str line)
{
	static const struct injection_known nothing;
	size_t tab = str_chr(line, '\t');
	struct injection in;
	struct phphead h;

	(void)p;
	phphead_read(str_head(line, tab), &h);
	injection_scan(&h, STR_NONE, str_skip(line, tab + 1), &nothing, &in);
	for (int rule = 0; rule < INJECTION_RULES; rule++)
		if (in.fired & 1u << rule)
			printf("%s ", injection_rule_name[rule]);
	printf("%zu\n", h.addresses);
}

int main(int argc, char **argv)
{
	struct patterns *p = patterns_default();
	bool headers = argc == 2 && strcmp(argv[1], "headers") == 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!headers && (argc != 2 || strcmp(argv[1], "response")))
		die(EXIT_USAGE, "usage: signs_of response|headers");
	while ((n = getline(&line, &size, stdin)) > 0)
		(headers ? print_headers : print_response)(
			p, (struct str){ line, (size_t)n - (line[n - 1] == '\n') });
	free(line);
	patterns_free(p);
	return 0;
}
