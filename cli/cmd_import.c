/* mailaudit import FILE...: the daemon's pipeline on files, to their end.
 *
 * Invariant: rows and positions commit together (recorder.h), so an import
 * that is broken off goes on where it stopped, and one that is repeated adds
 * nothing. Files that start alike are copies of one log at different times:
 * they are read one after the other, each from where the last one ended. */
#include <stdlib.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "cli/inlet.h"
#include "cli/progress.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"
#include "schema/journal_feed.h"
#include "schema/recorder.h"

/* Lines a transaction: more is not faster (facts/performance), and what a
 * crash makes us read again stays small. */
#define COMMIT_LINES 60000
#define RUN_LINES 4096

static struct {
	struct str host;
	struct str zone, format;
	int64_t year;
	bool alert;
} opt;

const struct option options_import[] = {
	{ "host", "NAME", OPTION_TEXT, &opt.host, NULL, 0,
	  "for lines that name no host; default: the settings' hostname" },
	{ "year", "YEAR", OPTION_NUMBER, &opt.year, NULL, 0,
	  "of the first line, where stamps have none; default: by the file's time" },
	{ "tz", "ZONE", OPTION_TEXT, &opt.zone, NULL, 0,
	  "of stamps without one: UTC, Europe/Berlin, +0100; default: local" },
	{ "as", "FORMAT", OPTION_TEXT, &opt.format, NULL, 0,
	  "postfix, exim, sendmail, php, dovecot, sshd, ftp, syslogd or auto" },
	{ "alert", NULL, OPTION_FLAG, &opt.alert, NULL, 0,
	  "tell people of what is found, as mailauditd does" },
	{ .name = NULL }
};

const char help_import[] =
	"Reads logs to their end into the database, which is made if there is none; plain or\n"
	"packed by gzip, xz or zstd, '-' is standard input. Journals are read too: files and\n"
	"directories of them, and what 'journalctl -o export' or '-o json -a' wrote. Lines of\n"
	"several files are taken in the order of their time. What was read before is skipped,\n"
	"whatever the file is called now. A file that the settings' `sources` name has their\n"
	"trust, account and time zone. Any other in a customer's home can accuse that customer\n"
	"only, and one elsewhere is trusted: a copy of a customer's log needs a row in\n"
	"`sources`. Findings of the past raise no alert unless --alert is given.\n"
	"\n"
	"Keys: lines parsed unknown messages recipients php_mail findings seconds. parsed are\n"
	"the lines that were understood; messages are those first seen by this import.";

struct import {
	const struct settings *settings;
	struct recorder *recorder;
	struct inlet_options options;
	struct inlet *inlets;
	size_t ninlets;
	struct position *positions;
	struct journal_position *journals;
	size_t uncommitted; /* lines */
	bool damaged; /* a file could not be read to its end */
	struct progress progress;
	usec_t started;
};

static int find_format(struct import *im, struct error *err)
{
	im->options.format = opt.format.n ? opt.format.p : "auto";
	if (strcmp(im->options.format, "auto") == 0)
		return 0;
	for (const struct parser *const *p = all_parsers; *p; p++)
		if (strcmp((*p)->name, im->options.format) == 0)
			return 0;
	return error_set(err, EXIT_USAGE, "--as takes the name of a format, or auto; not '%s'",
			 im->options.format);
}

static int find_options(struct import *im, struct error *err)
{
	const struct zone *zone = zone_find(opt.zone.n ? opt.zone : STR("UTC"));

	if (!zone)
		return error_set(err, EXIT_USAGE, "no time zone '%.*s'", STR_ARG(opt.zone));
	if (opt.year && (opt.year < 1970 || opt.year > 9998))
		return error_set(err, EXIT_USAGE, "--year takes a year from 1970 on");
	im->options.zone = opt.zone.n ? opt.zone.p : NULL;
	im->options.host = opt.host.n ? opt.host.p : NULL;
	/* The middle of the year is nearest to every day of it. */
	if (opt.year)
		im->options.near = stamp_civil(zone, (int)opt.year, 7, 2, 12, 0, 0, 0);
	return find_format(im, err);
}

/* Thousands of customers' logs are open at once. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int open_files(struct import *im, struct cli *cli, struct error *err)
{
	im->inlets = xcalloc((size_t)cli->noperands, sizeof(*im->inlets));
	im->journals = xcalloc((size_t)cli->noperands, sizeof(*im->journals));
	im->positions = xcalloc((size_t)cli->noperands, sizeof(*im->positions));
	allow_many_files();
	for (; im->ninlets < (size_t)cli->noperands; im->ninlets++)
		if (inlet_open(&im->inlets[im->ninlets], cli->operand[im->ninlets], err) < 0)
			return -1;
	return 0;
}

static int commit(struct import *im, struct error *err)
{
	size_t n = 0, njournals = 0;

	for (size_t i = 0; i < im->ninlets; i++)
		njournals += im->inlets[i].journal &&
			     journal_feed_position(im->inlets[i].journal,
						   &im->journals[njournals]);
	recorder_journals(im->recorder, im->journals, njournals);
	for (size_t i = 0; i < im->ninlets; i++)
		if (im->inlets[i].source && im->inlets[i].head_n)
			inlet_position(&im->inlets[i], &im->positions[n++]);
	im->uncommitted = 0;
	return recorder_commit(im->recorder, im->positions, n, err);
}

static void show_progress(struct import *im)
{
	int64_t done = 0, total = 0;

	for (size_t i = 0; i < im->ninlets; i++) {
		done += inlet_done(&im->inlets[i]);
		total += im->inlets[i].size;
	}
	progress_draw(&im->progress, done, total,
		      pipeline_totals(recorder_pipeline(im->recorder))->lines);
}

/* Bytes pushed. A damaged file is told of, and the others go on. */
static int64_t fill_all(struct import *im)
{
	int64_t pushed = 0;

	for (size_t i = 0; i < im->ninlets; i++) {
		struct error err = { .code = EXIT_NOINPUT };
		int64_t n = inlet_fill(&im->inlets[i], &err);

		if (n > 0)
			pushed += n;
		if (n < 0) {
			im->damaged = true;
			progress_end(&im->progress);
			cli_complain(&err);
		}
	}
	return pushed;
}

/* Reads what is attached to its end. */
static int drain(struct import *im, struct error *err)
{
	for (;;) {
		int64_t pushed = fill_all(im);
		size_t lines = pipeline_run(recorder_pipeline(im->recorder), RUN_LINES);

		im->uncommitted += lines;
		if ((im->uncommitted >= COMMIT_LINES ||
		     pipeline_full(recorder_pipeline(im->recorder))) &&
		    commit(im, err) < 0)
			return -1;
		show_progress(im);
		if (lines == 0 && pushed == 0)
			return commit(im, err);
	}
}

/* Is another file being read that this one may be a copy of? */
static bool must_wait(struct import *im, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (im->inlets[i].file && inlet_same_log(&im->inlets[i], &im->inlets[at]))
			return true;
	return false;
}

/* Attaches all that no other must come before. Returns how many wait, or -1. */
static int attach(struct import *im, struct error *err)
{
	int waiting = 0;

	for (size_t i = 0; i < im->ninlets; i++) {
		struct inlet *in = &im->inlets[i];

		if ((!in->file && !in->journal_name) || in->source || in->journal)
			continue;
		if (in->file && must_wait(im, i))
			waiting++;
		else if (inlet_attach(in, &im->options, im->settings,
				      recorder_accounts(im->recorder),
				      recorder_store(im->recorder),
				      recorder_pipeline(im->recorder), err) < 0)
			return -1;
	}
	return waiting;
}

static int read_all(struct import *im, struct error *err)
{
	struct pipeline *p = recorder_pipeline(im->recorder);
	int waiting;

	progress_init(&im->progress);
	pipeline_clock(p, im->options.now);
	do {
		waiting = attach(im, err);
		if (waiting < 0 || drain(im, err) < 0)
			return -1;
	} while (waiting);
	pipeline_end_waits(p, im->options.now);
	if (commit(im, err) < 0)
		return -1;
	store_idle(recorder_store(im->recorder));
	return 0;
}

static void say_summary(const struct pipeline_totals *t, double seconds)
{
	printf("%lld lines read, %lld not understood, in %.1f s\n"
	       "%lld messages to %lld recipients, %lld calls of PHP's mail()\n",
	       (long long)t->lines, (long long)t->unknown, seconds, (long long)t->messages,
	       (long long)t->recipients, (long long)t->php_mail);
	printf("%lld finding%s%s\n", (long long)t->findings, t->findings == 1 ? "" : "s",
	       t->findings ? "; see 'mailaudit findings'" : "");
}

static void tell_totals(struct cli *cli, const struct import *im)
{
	const struct pipeline_totals *t = pipeline_totals(recorder_pipeline(im->recorder));
	double seconds = (double)(progress_clock() - im->started) / USEC_SECOND;
	struct out *o;

	if (cli->format == OUT_TABLE) {
		say_summary(t, seconds);
		return;
	}
	o = cli_out(cli);
	out_object(o);
	out_number(o, "lines", t->lines);
	out_number(o, "parsed", t->lines - t->unknown);
	out_number(o, "unknown", t->unknown);
	out_number(o, "messages", t->messages);
	out_number(o, "recipients", t->recipients);
	out_number(o, "php_mail", t->php_mail);
	out_number(o, "findings", t->findings);
	out_real(o, "seconds", seconds);
	out_object_end(o, NULL);
}

static void release(struct import *im)
{
	for (size_t i = 0; i < im->ninlets; i++)
		inlet_release(&im->inlets[i]);
	recorder_close(im->recorder);
	free(im->inlets);
	free(im->positions);
	free(im->journals);
}

static int import(struct import *im, struct cli *cli, struct error *err)
{
	int result;

	im->options.now = cli->now;
	if (find_options(im, err) < 0 || open_files(im, cli, err) < 0)
		return -1;
	im->settings = cli_settings(cli, err);
	if (!im->settings)
		return -1;
	im->recorder = recorder_open(im->settings, all_parsers, all_heuristics, err);
	if (!im->recorder)
		return -1;
	if (opt.alert)
		store_tell_since(recorder_store(im->recorder), 0);
	result = read_all(im, err);
	progress_end(&im->progress);
	if (result < 0)
		return result;
	tell_totals(cli, im);
	return im->damaged ? EXIT_NOINPUT : EXIT_FOUND;
}

int run_import(struct cli *cli, struct error *err)
{
	struct import im = { .started = progress_clock() };
	int result;

	if (cli_operands(cli, 1, cli->noperands + 1, err) < 0)
		return -1;
	result = import(&im, cli, err);
	release(&im);
	return result;
}
