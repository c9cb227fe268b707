/* Runs a captured case through the real pipeline and prints what it made of
 * it: replay [--chunks SEED] [--commit LINES] CASE_DIR
 *
 * One line per message and per PHP line that was not joined, in order of time.
 * --chunks cuts the input at random places, --commit ends a batch every so many
 * lines: neither may change a byte of the output. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "core/account.h"
#include "core/pipeline.h"
#include "parsers/parsers.h"

struct rows {
	char **line; /* by row id */
	size_t n;
};

struct file {
	struct pipeline_source *source;
	FILE *in;
};

static struct rows messages, php;

static void row_set(struct rows *rows, int64_t id, char *line)
{
	size_t need = (size_t)id + 1;

	if (need > rows->n) {
		rows->line = xrealloc(rows->line, need * 2 * sizeof(*rows->line));
		memset(rows->line + rows->n, 0, (need * 2 - rows->n) * sizeof(*rows->line));
		rows->n = need * 2;
	}
	free(rows->line[id]);
	rows->line[id] = line;
}

static void put(FILE *out, const char *key, struct str value)
{
	char buf[2048];

	if (value.n)
		fprintf(out, " %s=%s", key, log_escape(value, buf, sizeof(buf)));
}

static char *message_line(const struct message *m)
{
	char *text = NULL, stamp[STAMP_TEXT];
	size_t n;
	FILE *out = open_memstream(&text, &n);

	fprintf(out, "%s %.*s %s %s %s", stamp_text(m->time, stamp), STR_ARG(m->queue_id),
		message_state_name[m->state], direction_name[m->direction],
		channel_name[m->channel]);
	put(out, "account", m->account);
	fprintf(out, " via=%s%s", via_name[m->via], m->ambiguous ? "?" : "");
	if (m->uid >= 0)
		fprintf(out, " uid=%lld", (long long)m->uid);
	put(out, "user", m->user);
	put(out, "login", m->login);
	put(out, "ip", m->client_ip);
	put(out, "script", m->script);
	if (m->script_line >= 0)
		fprintf(out, ":%lld", (long long)m->script_line);
	put(out, "cwd", m->cwd);
	fprintf(out, " from=<%.*s>", STR_ARG(m->sender));
	put(out, "subject", m->subject);
	put(out, "parent", m->parent_id);
	/* "~": how a refusal is known again, which is a hash. */
	for (size_t i = 0; i < m->naliases; i++)
		if (!str_starts(m->aliases[i], STR("~")))
			put(out, "alias", m->aliases[i]);
	for (size_t i = 0; i < m->nrcpt; i++) {
		put(out, rcpt_status_name[m->rcpt[i].status], m->rcpt[i].address);
		put(out, "orig", m->rcpt[i].orig_to);
	}
	fclose(out);
	return text;
}

static char *php_line(const struct php_mail *p)
{
	char *text = NULL, stamp[STAMP_TEXT];
	size_t n;
	FILE *out = open_memstream(&text, &n);

	fprintf(out, "%s php-line %s", stamp_text(p->time, stamp), php_state_name[p->state]);
	put(out, "account", p->account);
	put(out, "script", p->script);
	if (p->script_line >= 0)
		fprintf(out, ":%lld", (long long)p->script_line);
	put(out, "to", p->to);
	put(out, "subject", p->subject);
	fclose(out);
	return text;
}

static void commit(struct pipeline *p)
{
	struct batch *b = pipeline_batch(p);

	for (size_t i = 0; i < b->nmessages; i++)
		row_set(&messages, b->messages[i]->id, message_line(b->messages[i]));
	for (size_t i = 0; i < b->ndropped; i++)
		row_set(&messages, b->dropped[i], NULL);
	for (size_t i = 0; i < b->nphp; i++)
		row_set(&php, b->php[i]->id,
			b->php[i]->state == PHP_MATCHED ? NULL : php_line(b->php[i]));
	pipeline_committed(p);
}

static char *read_file(const char *path, size_t *n)
{
	FILE *in = fopen(path, "rb");
	char *text = NULL;
	size_t room = 0;

	*n = 0;
	if (!in)
		return NULL;
	do {
		room += 65536;
		text = xrealloc(text, room);
		*n += fread(text + *n, 1, room - *n, in);
	} while (*n == room);
	fclose(in);
	return text;
}

static struct accounts *load_accounts(const struct settings *s)
{
	size_t n = s->accounts.nmaps + 1;
	struct map_text *maps = xcalloc(n, sizeof(*maps));
	struct accounts *a;

	for (size_t i = 0; i < n; i++) {
		maps[i].path = i ? s->accounts.maps[i - 1].path : s->accounts.passwd;
		maps[i].format = i ? s->accounts.maps[i - 1].format : "passwd";
		maps[i].text.p = read_file(maps[i].path, &maps[i].text.n);
	}
	a = accounts_new(s, maps, n);
	for (size_t i = 0; i < n; i++)
		free((char *)(uintptr_t)maps[i].text.p);
	free(maps);
	return a;
}

static size_t add_sources(struct pipeline *p, const struct settings *s, const struct accounts *a,
			  struct file *files, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nsources; i++) {
		const struct source_spec *spec = &s->sources[i];
		struct source_setup setup = { .format = str_of(spec->format),
					      .tenant = spec->tenant,
					      .zone = zone_find(str_of(spec->timezone)),
					      .near = 1795435200 * USEC_SECOND,
					      .host = str_of(s->hostname) };
		glob_t found;

		if (glob(spec->path, 0, NULL, &found)) {
			fprintf(stderr, "replay: %s: no such log\n", spec->path);
			exit(EXIT_NOINPUT);
		}
		for (size_t k = 0; k < found.gl_pathc && n < room; k++) {
			setup.name = str_of(found.gl_pathv[k]);
			if (spec->tenant)
				setup.tenant_account = accounts_log(a, spec, setup.name);
			files[n].source = pipeline_source_add(p, &setup);
			files[n++].in = fopen(found.gl_pathv[k], "rb");
		}
		globfree(&found);
	}
	return n;
}

/* Reads a little from each file; false when all are at their end. */
static bool feed(struct file *files, size_t n, bool chunks)
{
	char buf[65536];
	bool more = false;

	for (size_t i = 0; i < n; i++) {
		size_t want = chunks ? (size_t)rand() % 97 : sizeof(buf), got;
		size_t room = pipeline_room(files[i].source);

		if (!files[i].in)
			continue;
		more = true;
		got = fread(buf, 1, want < room ? want : room, files[i].in);
		pipeline_push(files[i].source, buf, got);
		if (feof(files[i].in)) {
			fclose(files[i].in);
			files[i].in = NULL;
			pipeline_finish(files[i].source);
		}
	}
	return more;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_rows(struct rows *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++)
		if (rows->line[i])
			rows->line[n++] = rows->line[i];
	if (!n)
		return;
	qsort(rows->line, n, sizeof(*rows->line), by_text);
	for (size_t i = 0; i < n; i++) {
		puts(rows->line[i]);
		free(rows->line[i]);
	}
	free(rows->line);
}

static void run(struct pipeline *p, struct file *files, size_t n, bool chunks, size_t lines)
{
	size_t taken, since = 0;
	bool more;

	do {
		more = feed(files, n, chunks);
		while ((taken = pipeline_run(p, lines - since))) {
			since += taken;
			if (since < lines)
				continue;
			commit(p);
			since = 0;
		}
	} while (more);
	pipeline_end_waits(p, pipeline_newest(p) + USEC_HOUR);
	commit(p);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "chunks", required_argument, NULL, 'c' },
						 { "commit", required_argument, NULL, 'n' },
						 { NULL, 0, NULL, 0 } };
	struct file files[256];
	struct settings *s;
	struct accounts *a;
	struct pipeline *p;
	struct error err;
	size_t n, lines = 1000;
	bool chunks = false;
	char path[4096];
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'n')
			lines = strtoul(optarg, NULL, 10);
		chunks |= c == 'c';
		if (c == 'c')
			srand((unsigned)strtoul(optarg, NULL, 10));
	}
	if (optind + 1 != argc || !lines)
		return EXIT_USAGE;
	snprintf(path, sizeof(path), "%s/mailaudit.yaml", argv[optind]);
	s = settings_load(path, &err);
	if (!s) {
		fprintf(stderr, "replay: %s\n", err.text);
		return err.code;
	}
	a = load_accounts(s);
	p = pipeline_new(s, a, all_parsers, (struct row_source){ .load = NULL });
	n = add_sources(p, s, a, files, sizeof(files) / sizeof(*files));
	run(p, files, n, chunks, lines);
	print_rows(&messages);
	print_rows(&php);
	fprintf(stderr, "lines %lld parsed %lld unknown %lld messages %lld php %lld\n",
		(long long)pipeline_totals(p)->lines, (long long)pipeline_totals(p)->parsed,
		(long long)pipeline_totals(p)->unknown, (long long)pipeline_totals(p)->messages,
		(long long)pipeline_totals(p)->php_mail);
	pipeline_free(p);
	accounts_free(a);
	settings_free(s);
	return 0;
}
