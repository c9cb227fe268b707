/* mailaudit metrics: numbers for Prometheus, in its text format.
 *
 * Invariants: what is not running totals costs about the same however large the database
 * is; labels are names of ours and paths of logs, never text of a log; a file that is read
 * while it is written is the old one or the new one. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/lag.h"
#include "core/alert.h"
#include "schema/action.h"
#include "schema/outbox.h"
#include "schema/report_metrics.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif
#ifndef MAILAUDIT_FEATURES
#define MAILAUDIT_FEATURES ""
#endif

/* Logs that are told of one by one, by path. The sums are of all. */
#define SOURCES_MAX 1000

static const char *output;

const struct option options_metrics[] = {
	{ "output", "FILE", OPTION_PATH, &output, NULL, 0,
	  "into this file, in one step; default: standard output" },
	{ .name = NULL }
};

const char help_metrics[] =
	"Prints what is counted and how things are in Prometheus' text format: logs and lines,\n"
	"messages, findings, alerts, what waits to be sent, actions. Names ending in _total only\n"
	"grow, whatever is deleted; all others are as of now. A file for node_exporter's textfile\n"
	"collector is called *.prom. Alert rules and a dashboard are in\n"
	"/usr/share/doc/mailaudit/examples.";

/* --- the format ---- */

/* All of one name stands together, behind this. */
static void begin(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP mailaudit_%s %s\n# TYPE mailaudit_%s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, int64_t value)
{
	begin(out, name, type, help);
	fprintf(out, "mailaudit_%s %lld\n", name, (long long)value);
}

static void put_seconds(FILE *out, usec_t t)
{
	fprintf(out, "%lld.%06lld\n", (long long)(t / USEC_SECOND), (long long)(t % USEC_SECOND));
}

/* A time that is not known has no line. */
static void one_time(FILE *out, const char *name, const char *help, usec_t when)
{
	begin(out, name, "gauge", help);
	if (!when)
		return;
	fprintf(out, "mailaudit_%s ", name);
	put_seconds(out, when);
}

static void put_label(FILE *out, const char *name, struct str value)
{
	size_t n = log_escape_length(value) + 1;
	char *safe = xmalloc(n);

	fprintf(out, "%s=\"", name);
	for (const char *c = log_escape(value, safe, n); *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', out);
		fputc(*c, out);
	}
	fputc('"', out);
	free(safe);
}

/* --- by two names ---- */

struct axis {
	const char *label; /* NULL: there is no second one */
	const char *const *names;
	int n;
};

#define AXIS_MAX 16

/* Every combination is there, with 0 if need be: a line that comes and goes is no good for
 * alert rules. */
struct grid {
	const char *name, *type, *help;
	struct axis a, b;
	int64_t cell[AXIS_MAX][AXIS_MAX];
};

static int index_of(const struct axis *axis, struct str name)
{
	for (int i = 0; i < axis->n; i++)
		if (str_eq(name, str_of(axis->names[i])))
			return i;
	return -1;
}

static bool fill_cell(void *context, const struct report_tally *row)
{
	struct grid *g = context;
	int64_t a = row->a, b = row->b;

	if (row->name.n) {
		a = index_of(&g->a, row->name);
		b = row->a;
	}
	if (a >= 0 && a < g->a.n && b >= 0 && b < (g->b.n ? g->b.n : 1))
		g->cell[a][b] = row->rows;
	return true;
}

static void put_grid(FILE *out, const struct grid *g)
{
	begin(out, g->name, g->type, g->help);
	for (int a = 0; a < g->a.n; a++) {
		for (int b = 0; b < (g->b.n ? g->b.n : 1); b++) {
			fprintf(out, "mailaudit_%s{%s=\"%s\"", g->name, g->a.label, g->a.names[a]);
			if (g->b.n)
				fprintf(out, ",%s=\"%s\"", g->b.label, g->b.names[b]);
			fprintf(out, "} %lld\n", (long long)g->cell[a][b]);
		}
	}
}

static int put_tally(FILE *out, struct report *r, enum tally_what what, usec_t since,
		     struct grid *g, struct error *err)
{
	if (report_tallies(r, what, since, fill_cell, g, err) < 0)
		return -1;
	put_grid(out, g);
	return 0;
}

static const char *const channel_names[] = {
#define CHANNEL(name) #name,
#include "notify/channels.def"
#undef CHANNEL
};

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define CASE_AXIS { "case", finding_case_name, CASES }
#define SEVERITY_AXIS { "severity", severity_name, SEVERITY_CRITICAL + 1 }

/* --- what there is to tell ---- */

static void put_build(FILE *out)
{
	begin(out, "build_info", "gauge", "Always 1; the program's version and what it was built with.");
	fputs("mailaudit_build_info{", out);
	put_label(out, "version", STR(PACKAGE_VERSION));
	fputc(',', out);
	put_label(out, "features", STR(MAILAUDIT_FEATURES));
	fputs("} 1\n", out);
}

static void put_lines(FILE *out, const struct report_status *s)
{
	begin(out, "lines_total", "counter", "Lines read from all logs, by what became of them.");
	fprintf(out, "mailaudit_lines_total{result=\"parsed\"} %lld\n"
		     "mailaudit_lines_total{result=\"noise\"} %lld\n"
		     "mailaudit_lines_total{result=\"unknown\"} %lld\n", (long long)s->parsed,
		(long long)s->noise, (long long)s->unknown);
}

static int put_status(FILE *out, struct report *r, struct error *err)
{
	struct report_status s;

	if (report_status(r, &s, err) < 0)
		return -1;
	one(out, "database_bytes", "gauge", "Size of the database with its write-ahead log.", s.bytes);
	one_time(out, "database_created_timestamp_seconds", "When the database was made.", s.created);
	one_time(out, "watermark_timestamp_seconds", "Newest time in any log.", s.watermark);
	put_lines(out, &s);
	one(out, "messages", "gauge", "Messages in the database; retention deletes old ones.",
	    s.messages);
	one(out, "messages_open", "gauge", "Messages that have not left the queue.", s.open);
	one(out, "recipients", "gauge", "Recipients in the database; retention deletes old ones.",
	    s.recipients);
	one(out, "php_calls", "gauge", "Calls of PHP's mail() in the database.", s.php);
	one(out, "streams", "gauge", "Logins, scripts and users whose habits are known.", s.streams);
	return 0;
}

/* --- logs ---- */

struct sources {
	FILE *lines, *last, *lag, *entries; /* each is one name, so they are written side by side */
	int n;
};

static void put_source(FILE *out, const char *name, struct str path, const char *result)
{
	fprintf(out, "mailaudit_source_%s{", name);
	put_label(out, "source", path);
	if (result)
		fprintf(out, ",result=\"%s\"", result);
	fputs("} ", out);
}

static bool take_source(void *context, const struct report_source *s)
{
	const struct {
		const char *name;
		int64_t lines;
	} results[] = { { "parsed", s->parsed }, { "noise", s->noise }, { "unknown", s->unknown } };
	struct sources *to = context;
	struct lag lag = lag_of(s);

	for (int i = 0; i < COUNT(results); i++) {
		put_source(to->lines, "lines_total", s->path, results[i].name);
		fprintf(to->lines, "%lld\n", (long long)results[i].lines);
	}
	if (s->last) {
		put_source(to->last, "last_line_timestamp_seconds", s->path, NULL);
		put_seconds(to->last, s->last);
	}
	if (lag.bytes >= 0) {
		put_source(to->lag, "lag_bytes", s->path, NULL);
		fprintf(to->lag, "%lld\n", (long long)lag.bytes);
	}
	if (lag.entries >= 0) {
		put_source(to->entries, "lag_entries", s->path, NULL);
		fprintf(to->entries, "%lld\n", (long long)lag.entries);
	}
	return ++to->n < SOURCES_MAX;
}

static FILE *open_text(char **text, size_t *n)
{
	FILE *out = open_memstream(text, n);

	if (!out)
		bug("out of memory");
	return out;
}

static int put_sources(FILE *out, struct report *r, struct error *err)
{
	static const char *const heads[][3] = {
		{ "source_lines_total", "counter", "Lines read from a log, by what became of them." },
		{ "source_last_line_timestamp_seconds", "gauge", "Time of the newest line read from a log." },
		{ "source_lag_bytes", "gauge",
		  "Bytes of a log that are still to be read. No line: it is not there, or not to be seen." },
		{ "source_lag_entries", "gauge",
		  "Entries about mail that are still to be read of a journal, of 20000 at most." },
	};
	char *text[4];
	size_t n[4];
	struct sources to = { open_text(&text[0], &n[0]), open_text(&text[1], &n[1]),
			      open_text(&text[2], &n[2]), open_text(&text[3], &n[3]), 0 };
	FILE *parts[] = { to.lines, to.last, to.lag, to.entries };
	int rc = report_sources(r, take_source, &to, err);

	for (int i = 0; i < COUNT(parts); i++) {
		fclose(parts[i]);
		begin(out, heads[i][0], heads[i][1], heads[i][2]);
		fwrite(text[i], 1, n[i], out);
		free(text[i]);
	}
	return rc;
}

/* --- mail ---- */

static bool add_volume(void *context, const struct share *row)
{
	struct volume *sum = context;

	sum->messages += row->volume.messages;
	for (int i = 0; i < RCPT_STATUSES; i++)
		sum->status[i] += row->volume.status[i];
	return true;
}

static int put_hour(FILE *out, struct report *r, usec_t now, struct error *err)
{
	struct volume hour = { 0 };
	struct grid g = { .name = "recipients_last_hour", .type = "gauge",
			  .help = "Recipients of mail first seen in the last hour, by outcome.",
			  .a = { "outcome", rcpt_status_name, RCPT_STATUSES } };

	if (report_top(r, TOP_ACCOUNTS, now - USEC_HOUR, 0, 0, add_volume, &hour, err) < 0)
		return -1;
	one(out, "messages_last_hour", "gauge", "Messages first seen in the last hour.",
	    hour.messages);
	for (int i = 0; i < RCPT_STATUSES; i++)
		g.cell[i][0] = hour.status[i];
	put_grid(out, &g);
	return 0;
}

/* --- findings, alerts, and what came of them ---- */

static int put_numbers(FILE *out, struct report *r, usec_t now, struct error *err)
{
	struct report_numbers n;
	usec_t age;

	if (report_numbers(r, now, &n, err) < 0)
		return -1;
	age = n.oldest_waiting && n.oldest_waiting < now ? now - n.oldest_waiting : 0;
	one(out, "messages_seen_total", "counter",
	    "Messages that logs told of, those only counted among them.", n.messages_seen);
	one(out, "php_calls_seen_total", "counter", "Calls of PHP's mail() that logs told of.",
	    n.php_seen);
	one(out, "findings_raised_total", "counter", "Findings raised.", n.findings_raised);
	begin(out, "outbox_oldest_waiting_seconds", "gauge",
	      "For how long the oldest hand-over has waited; 0: none waits.");
	fputs("mailaudit_outbox_oldest_waiting_seconds ", out);
	put_seconds(out, age);
	one(out, "mutes", "gauge", "Accounts, logins and scripts that are muted.", n.mutes);
	return 0;
}

static int put_findings(FILE *out, struct report *r, usec_t now, struct error *err)
{
	struct grid open = { .name = "findings_open", .type = "gauge", .help = "Findings that go on.",
			     .a = CASE_AXIS, .b = SEVERITY_AXIS };
	struct grid day = { .name = "findings_last_day", .type = "gauge",
			    .help = "Findings raised in the last day.",
			    .a = CASE_AXIS, .b = SEVERITY_AXIS };

	if (put_tally(out, r, TALLY_FINDINGS_OPEN, 0, &open, err) < 0)
		return -1;
	return put_tally(out, r, TALLY_FINDINGS_SINCE, now - USEC_DAY, &day, err);
}

static int put_alerts(FILE *out, struct report *r, struct error *err)
{
	struct grid alerts = { .name = "alerts", .type = "gauge",
			       .help = "Alerts kept in the database, by state.",
			       .a = { "state", alert_state_name, ALERT_CLOSED + 1 },
			       .b = SEVERITY_AXIS };
	struct grid outbox = { .name = "outbox", .type = "gauge",
			       .help = "Hand-overs kept in the database, by channel and state.",
			       .a = { "channel", channel_names, COUNT(channel_names) },
			       .b = { "state", outbox_state_name, OUTBOX_DROPPED + 1 } };
	struct grid actions = { .name = "actions", .type = "gauge",
				.help = "Actions kept in the database, by state.",
				.a = { "state", action_state_name, ACTION_REFUSED + 1 } };

	if (put_tally(out, r, TALLY_ALERTS, 0, &alerts, err) < 0 ||
	    put_tally(out, r, TALLY_OUTBOX, 0, &outbox, err) < 0)
		return -1;
	return put_tally(out, r, TALLY_ACTIONS, 0, &actions, err);
}

static int put_all(FILE *out, struct report *r, usec_t now, struct error *err)
{
	put_build(out);
	if (put_status(out, r, err) < 0 || put_sources(out, r, err) < 0 ||
	    put_hour(out, r, now, err) < 0 || put_numbers(out, r, now, err) < 0 ||
	    put_findings(out, r, now, err) < 0)
		return -1;
	return put_alerts(out, r, err);
}

/* --- where it goes ---- */

static int print(struct str text, struct error *err)
{
	errno = 0;
	if ((fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0) || errno == EPIPE)
		return 0;
	return error_set(err, EXIT_INTERNAL, "cannot write: %s", strerror(errno));
}

static int fill(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			return -1;
		text = str_skip(text, n > 0 ? (size_t)n : 0);
	}
	return fchmod(fd, 0644);
}

/* 0, or errno. */
static int put_in_place(int fd, const char *temporary, const char *path, struct str text)
{
	int why = fill(fd, text) < 0 ? errno : 0;

	if (close(fd) < 0 && !why)
		why = errno;
	if (!why && rename(temporary, path) < 0)
		why = errno;
	if (why)
		unlink(temporary);
	return why;
}

/* Its name until then ends in no .prom, which is what the collector looks for. */
static int replace(const char *path, struct str text, struct error *err)
{
	size_t n = strlen(path) + sizeof(".XXXXXX");
	char *temporary = xmalloc(n);
	int fd, why;

	snprintf(temporary, n, "%s.XXXXXX", path);
	fd = mkstemp(temporary);
	why = fd < 0 ? errno : put_in_place(fd, temporary, path, text);
	free(temporary);
	if (!why)
		return 0;
	return error_set(err, why == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT,
			 "cannot write %s: %s", path, strerror(why));
}

int run_metrics(struct cli *cli, struct error *err)
{
	struct report *report;
	char *text;
	size_t n;
	FILE *out;
	int rc;

	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	out = open_text(&text, &n);
	rc = put_all(out, report, cli->now, err);
	fclose(out);
	report_close(report);
	if (rc == 0)
		rc = output ? replace(output, (struct str){ text, n }, err) :
			      print((struct str){ text, n }, err);
	free(text);
	return rc < 0 ? -1 : EXIT_FOUND;
}
