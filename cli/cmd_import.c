/* mailaudit import FILE...: the daemon's pipeline on files, to their end.
 *
 * Invariant: rows and positions commit together (recorder.h), so an import
 * that is broken off goes on where it stopped, and one that is repeated adds
 * nothing. Files that start alike are copies of one log at different times:
 * they are read one after the other, each from where the last one ended. A file
 * becomes a source when the time of its first line has come, and is let go of at
 * its end: a series of rotated logs is one open file. */
#include <stdlib.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "cli/gather.h"
#include "cli/progress.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"
#include "schema/journal_feed.h"
#include "schema/recorder.h"

/* Lines a transaction: what changes often, such as streams, is written once in it. What a
 * crash makes us read again, and how long `mailaudit mute` may wait, stay a second or two. */
#define COMMIT_LINES 120000
/* Lines whose mail is handed on at once. */
#define PART_LINES 7500
/* How long other writers may have to wait: sql.c gives up after 5 s. */
#define PARTS_USEC (2 * USEC_SECOND)
#define RUN_LINES 4096
/* Files open at once. More are closed after each read and opened again for the
 * next; packed ones, whose decoders hold up to 65 MiB, much earlier. */
#define MAX_OPEN 512
#define MAX_OPEN_PACKED 32
#define OTHER_FILES 32
/* What all sources together may hold unread, about. */
#define BUFFER_BYTES (64 * 1024 * 1024)
#define MIN_READ_BYTES 4096
/* What is read of packed files before it tells of the rest: more than their decoders hold. */
#define KNOWN_PACKED_BYTES 500000

static struct {
	struct str host;
	struct str zone, format;
	int64_t year;
	bool alert, quiet;
} opt;

const struct option options_import[] = {
	{ "host", "NAME", OPTION_TEXT, &opt.host, NULL, 0,
	  "for lines that name no host; default: the settings' hostname" },
	{ "year", "YEAR", OPTION_NUMBER, &opt.year, NULL, 0,
	  "of the first line, where stamps have none; default: by the file's time" },
	{ "tz", "ZONE", OPTION_TEXT, &opt.zone, NULL, 0,
	  "of stamps without one: UTC, Europe/Berlin, +0100; default: local" },
	{ "as", "FORMAT", OPTION_TEXT, &opt.format, NULL, 0,
	  "a format of mailaudit.yaml(5), such as exim-reject; default: auto" },
	{ "alert", NULL, OPTION_FLAG, &opt.alert, NULL, 0,
	  "tell people of what is found, as mailauditd does" },
	{ "quiet", NULL, OPTION_FLAG, &opt.quiet, NULL, 0,
	  "no progress, and nothing of files but what is wrong with them" },
	{ .name = NULL }
};

const char help_import[] =
	"Reads logs to their end into the database, which is made if there is none; plain or\n"
	"packed by gzip, xz, zstd or bzip2, '-' is standard input. Of a directory, and of a tar\n"
	"archive, packed or not, those files are taken that are mail logs of a known kind; each\n"
	"is told. A quoted pattern such as '/home/*/logs/mail.log*' will do. Journals are read\n"
	"too: files and directories of them, and what 'journalctl -o export' or '-o json -a'\n"
	"wrote. Lines of all files are taken in the order of their time. What was read before\n"
	"is skipped, whatever the file is called now. A file that the settings' `sources` name\n"
	"has their trust, account and time zone. Any other in a customer's home can accuse that\n"
	"customer only, and one elsewhere is trusted: a copy of a customer's log needs a row in\n"
	"`sources`. Findings of the past raise no alert unless --alert is given.\n"
	"\n"
	"Keys: lines parsed unknown messages recipients php_mail findings files left seconds.\n"
	"parsed are the lines that were understood; messages are those first seen by this\n"
	"import.";

struct import {
	const struct settings *settings;
	struct recorder *recorder;
	struct inlet_options options;
	struct gathered files;
	struct position *positions;
	struct journal_positions journals; /* of the next commit */
	size_t attached; /* sources now */
	size_t max_open;
	size_t uncommitted, unwritten; /* lines */
	usec_t began; /* the transaction, with a part; 0: there is none */
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

/* How many of the files may be open: some descriptors are the database's. */
static size_t allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return MAX_OPEN_PACKED;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > MAX_OPEN + OTHER_FILES)
		return MAX_OPEN;
	return limit.rlim_cur > OTHER_FILES ? limit.rlim_cur - OTHER_FILES : 1;
}

static int open_files(struct import *im, struct cli *cli, struct error *err)
{
	im->max_open = allow_many_files();
	im->files.quiet = opt.quiet;
	if (gather(&im->files, cli->operand, cli->noperands, &im->options, im->settings, err) < 0)
		return -1;
	im->damaged = im->files.damaged;
	im->positions = xcalloc(im->files.n + 1, sizeof(*im->positions));
	return 0;
}

/* Those of which nothing is left. */
static void drop_finished(struct import *im)
{
	for (size_t i = 0; i < im->files.n; i++) {
		struct inlet *in = &im->files.inlets[i];

		if (in->source && in->ended && pipeline_source_ended(in->source)) {
			inlet_drop(in, recorder_pipeline(im->recorder));
			im->attached--;
		}
	}
}

static int commit(struct import *im, struct error *err)
{
	size_t n = 0;

	im->journals.n = 0;
	for (size_t i = 0; i < im->files.n; i++) {
		struct journal_feed *journal = im->files.inlets[i].journal;

		if (journal)
			journal_feed_positions(journal, &im->journals);
		n += inlet_position(&im->files.inlets[i], &im->positions[n]);
	}
	recorder_journals(im->recorder, im->journals.at, im->journals.n);
	im->uncommitted = im->unwritten = 0;
	im->began = 0;
	if (recorder_commit(im->recorder, im->positions, n, err) < 0)
		return -1;
	drop_finished(im);
	return 0;
}

/* A transaction locks others out: none is left open while we wait for input. */
static bool may_wait(const struct import *im)
{
	for (size_t i = 0; i < im->files.n; i++)
		if (im->files.inlets[i].state == INLET_READ && inlet_is_pipe(&im->files.inlets[i]))
			return true;
	return false;
}

static int commit_when_due(struct import *im, struct error *err)
{
	if (im->uncommitted >= COMMIT_LINES || pipeline_full(recorder_pipeline(im->recorder)) ||
	    (im->began && progress_clock() - im->began > PARTS_USEC))
		return commit(im, err);
	if (im->unwritten < PART_LINES)
		return 0;
	if (may_wait(im))
		return commit(im, err);
	if (!im->began)
		im->began = progress_clock();
	im->unwritten = 0;
	return recorder_write(im->recorder, err);
}

/* How long a packed file is nobody knows before its end: those read so far tell. */
static double expansion(const struct import *im)
{
	double packed = 0, unpacked = 0;

	for (size_t i = 0; i < im->files.n; i++) {
		const struct inlet *in = &im->files.inlets[i];

		if (!in->squeezed || in->member >= 0 || !in->offset)
			continue;
		packed += (double)in->done;
		unpacked += (double)in->offset;
	}
	return packed < KNOWN_PACKED_BYTES ? INLET_EXPANSION : unpacked / packed;
}

static void show_progress(struct import *im)
{
	double done = 0, total = 0, times = expansion(im);

	for (size_t i = 0; i < im->files.n; i++) {
		const struct inlet *in = &im->files.inlets[i];

		done += (double)in->done * (in->squeezed ? times : 1);
		total += (double)in->size * (in->squeezed ? times : 1);
	}
	progress_draw(&im->progress, total > 0 ? done / total : -1,
		      pipeline_totals(recorder_pipeline(im->recorder))->lines);
}

static void tell_damage(struct import *im, const struct error *err)
{
	im->damaged = true;
	progress_end(&im->progress);
	cli_complain(err);
}

/* A share that keeps all buffers together within their bound. */
static size_t share_of(const struct import *im)
{
	size_t share = BUFFER_BYTES / (im->attached + 1);

	if (share > INLET_READ_BYTES)
		return INLET_READ_BYTES;
	return share < MIN_READ_BYTES ? MIN_READ_BYTES : share;
}

/* Bytes pushed. A damaged file is told of, and the others go on. */
static int64_t fill_all(struct import *im)
{
	size_t share = share_of(im), open = 0, packed = 0;
	int64_t pushed = 0;

	for (size_t i = 0; i < im->files.n; i++) {
		struct error err = { .code = EXIT_NOINPUT };
		struct inlet *in = &im->files.inlets[i];
		int64_t n = 0;

		if (in->state == INLET_READ &&
		    (!in->source || pipeline_pending(in->source) < share))
			n = inlet_fill(in, share, &err);
		pushed += n > 0 ? n : 0;
		if (n < 0)
			tell_damage(im, &err);
		if (!in->file)
			continue;
		packed += in->packed;
		if (++open > im->max_open || (in->packed && packed > MAX_OPEN_PACKED)) {
			inlet_rest(in);
			open--;
		}
	}
	return pushed;
}

/* Is a file that it may be a copy of being read, or to be read before it? */
static bool must_wait(const struct import *im, size_t at)
{
	const struct inlet *in = &im->files.inlets[at];

	for (size_t i = 0; in->group && i < im->files.n; i++) {
		const struct inlet *other = &im->files.inlets[i];

		if (i == at || other->group != in->group)
			continue;
		if (other->state == INLET_READ || (other->state == INLET_WAITS && i < at))
			return true;
	}
	return false;
}

/* PHP's lines are the first among those of one time (pipeline.c), so its log
 * is needed before others come to that time; any other begins behind them: it
 * may be what a log became after it was rotated within a second. */
static usec_t due(const struct inlet *in)
{
	return in->kind && strcmp(in->kind, "php") == 0 ? in->first - 1 : in->first;
}

/* The time up to which no file that waits is needed. */
static usec_t quiet_until(const struct import *im)
{
	usec_t until = INT64_MAX;

	for (size_t i = 0; i < im->files.n; i++) {
		const struct inlet *in = &im->files.inlets[i];

		if (in->state == INLET_WAITS && !must_wait(im, i) && due(in) < until)
			until = due(in);
	}
	return until;
}

static int attach_one(struct import *im, struct inlet *in, struct error *err)
{
	if (inlet_attach(in, &im->options, im->settings, recorder_accounts(im->recorder),
			 recorder_store(im->recorder), recorder_pipeline(im->recorder), err) < 0) {
		if (err->code != EXIT_NOINPUT && err->code != EXIT_PERMISSION)
			return -1;
		tell_damage(im, err);
	}
	im->attached += in->source != NULL;
	if (im->attached > MAX_OPEN_PACKED)
		inlet_rest(in);
	return 0;
}

/* Attaches all that are due at `time`. Positions of their copies must be in the
 * database: it is asked how far the content was read. Returns how many, or -1. */
static int attach(struct import *im, usec_t time, struct error *err)
{
	int count = 0;

	if (commit(im, err) < 0 || recorder_settle(im->recorder, err) < 0)
		return -1;
	for (size_t i = 0; i < im->files.n; i++) {
		struct inlet *in = &im->files.inlets[i];

		if (in->state != INLET_WAITS || due(in) > time || must_wait(im, i))
			continue;
		if (attach_one(im, in, err) < 0)
			return -1;
		count++;
	}
	return count;
}

/* Reads all to their ends. */
static int drain(struct import *im, struct error *err)
{
	struct pipeline *p = recorder_pipeline(im->recorder);
	usec_t until = quiet_until(im);

	for (;;) {
		int64_t pushed = fill_all(im);
		size_t lines = pipeline_run_to(p, RUN_LINES, until);
		int count;

		im->uncommitted += lines;
		im->unwritten += lines;
		if (commit_when_due(im, err) < 0)
			return -1;
		show_progress(im);
		if (lines || pushed)
			continue;
		count = attach(im, until, err);
		if (count <= 0 && (count < 0 || quiet_until(im) == INT64_MAX))
			return count;
		until = quiet_until(im);
	}
}

static int read_all(struct import *im, struct error *err)
{
	struct pipeline *p = recorder_pipeline(im->recorder);

	progress_init(&im->progress, opt.quiet);
	pipeline_clock(p, im->options.now);
	if (drain(im, err) < 0)
		return -1;
	pipeline_end_waits(p, im->options.now);
	if (commit(im, err) < 0 || recorder_settle(im->recorder, err) < 0)
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
	out_number(o, "files", (int64_t)im->files.n);
	out_number(o, "left", (int64_t)im->files.left);
	out_real(o, "seconds", seconds);
	out_object_end(o, NULL);
}

static void release(struct import *im)
{
	gather_release(&im->files);
	recorder_close(im->recorder);
	free(im->positions);
	free(im->journals.at);
}

static int import(struct import *im, struct cli *cli, struct error *err)
{
	int result;

	im->options.now = cli->now;
	if (find_options(im, err) < 0)
		return -1;
	im->settings = cli_settings(cli, err);
	if (!im->settings || open_files(im, cli, err) < 0)
		return -1;
	im->recorder = recorder_open(im->settings, all_parsers, all_heuristics,
				     RECORDER_BEHIND, err);
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
