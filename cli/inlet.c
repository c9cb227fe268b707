/* A file on its way into the pipeline.
 *
 * Invariant: what is known of a file is its content, not its name: a position
 * is found by the first bytes, so a renamed or packed copy is not read twice.
 * Does not commit; see cmd_import.c. */
#include "cli/inlet.h"

#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/inlet_stream.h"
#include "schema/journal_feed.h"

/* A turn's share of one file. */
#define READ_BYTES (64 * 1024)

/* The path with its directory resolved: that before the last component, or
 * before the first with a wildcard. The rest stays as it is. Heap. */
static char *resolve(const char *path, const char *wildcards)
{
	size_t fixed = strcspn(path, wildcards);
	struct str head = { path, fixed };
	size_t slash = str_rchr(head, '/');
	char *directory, *real, *full;

	directory = str_dup(slash < fixed ? str_head(head, slash + 1) : STR("."));
	real = realpath(directory, NULL);
	if (slash < fixed)
		path += slash + 1;
	if (asprintf(&full, "%s/%s", real ? real : directory, path) < 0)
		bug("out of memory");
	free(directory);
	free(real);
	return full;
}

static char *absolute(const char *path)
{
	if (strcmp(path, "-") == 0)
		return str_dup(STR_NONE);
	return path[0] == '/' ? str_dup(str_of(path)) : resolve(path, "");
}

/* A directory of journal files, or of directories of them. */
static bool is_journal_directory(const char *path)
{
	static const char *const patterns[] = { "*.journal", "*/*.journal", "*.journal~" };
	struct stat st;
	bool found = false;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns) && !found; i++) {
		char pattern[PATH_MAX];
		glob_t list;

		snprintf(pattern, sizeof(pattern), "%s/%s", path, patterns[i]);
		if (glob(pattern, 0, NULL, &list) != 0)
			continue;
		found = list.gl_pathc > 0;
		globfree(&list);
	}
	return found;
}

/* systemd.io/JOURNAL_FILE_FORMAT: the signature, 16 bytes on the file's own id. */
#define JOURNAL_SIGNATURE STR("LPKSHHRH")
#define JOURNAL_ID_AT 24
#define JOURNAL_ID_BYTES 16

static bool is_journal_file(struct str head)
{
	return str_starts(head, JOURNAL_SIGNATURE) && head.n >= JOURNAL_ID_AT + JOURNAL_ID_BYTES;
}

static char *journal_file_name(struct str head)
{
	char name[5 + 2 * JOURNAL_ID_BYTES + 1] = "file ";

	for (size_t i = 0; i < JOURNAL_ID_BYTES; i++)
		snprintf(name + 5 + 2 * i, 3, "%02x", (unsigned char)head.p[JOURNAL_ID_AT + i]);
	return str_dup(str_of(name));
}

/* What the file's first bytes say that it is. */
static void recognise(struct inlet *in, const char *path)
{
	struct str head = logfile_head(in->file);
	enum entry_format format = entry_format_of(head);

	if (is_journal_file(head) && strcmp(path, "-") != 0) {
		in->journal_name = journal_file_name(head);
		in->journal_path = str_dup(str_of(path));
		logfile_close(in->file);
		in->file = NULL;
	} else if (format != ENTRY_FORMAT_NONE) {
		in->stream = inlet_stream_new(format);
	}
}

int inlet_open(struct inlet *in, const char *path, struct error *err)
{
	struct stat st;

	if (is_journal_directory(path)) {
		*in = (struct inlet){ .name = realpath(path, NULL) };
		in->journal_name = str_dup(str_of(in->name));
		in->journal_path = str_dup(str_of(in->name));
		return 0;
	}

	*in = (struct inlet){ .file = logfile_open(path, err) };
	if (!in->file)
		return -1;
	in->name = absolute(path);
	if (fstat(logfile_fd(in->file), &st) < 0 || !S_ISREG(st.st_mode)) {
		recognise(in, path);
		return 0;
	}
	in->dev = st.st_dev;
	in->ino = st.st_ino;
	in->size = st.st_size;
	in->mtime = st.st_mtim.tv_sec * USEC_SECOND + st.st_mtim.tv_nsec / 1000;
	recognise(in, path);
	return 0;
}

bool inlet_same_log(struct inlet *a, struct inlet *b)
{
	uint32_t got_a, got_b, n;

	if (a->ino && a->ino == b->ino && a->dev == b->dev)
		return true;
	logfile_head_hash(a->file, LOGFILE_HEAD, &got_a);
	logfile_head_hash(b->file, LOGFILE_HEAD, &got_b);
	n = got_a < got_b ? got_a : got_b;
	return n && logfile_head_hash(a->file, n, &got_a) == logfile_head_hash(b->file, n, &got_b);
}

/* Both as they are written and with symbolic links resolved: /home may be one. */
static bool names_file(const char *pattern, const char *name, const char *resolved)
{
	char *real = resolve(pattern, "*?[");
	bool found = fnmatch(pattern, name, FNM_PATHNAME) == 0 ||
		     fnmatch(real, name, FNM_PATHNAME) == 0 ||
		     fnmatch(real, resolved, FNM_PATHNAME) == 0;

	free(real);
	return found;
}

/* Is the file one that a row of `sources` names? Rotated copies count when
 * nothing names them exactly. */
static const struct source_spec *find_spec(const struct settings *s, const char *name,
					   bool rotated)
{
	const struct source_spec *found = NULL;
	char *resolved = resolve(name, "");

	for (size_t i = 0; i < s->nsources && !found; i++) {
		char pattern[PATH_MAX];

		snprintf(pattern, sizeof(pattern), "%s%s", s->sources[i].path,
			 rotated ? "[-.]*" : "");
		if (names_file(pattern, name, resolved))
			found = &s->sources[i];
	}
	free(resolved);
	return found;
}

static const struct source_spec *spec_of(const struct settings *s, const char *name)
{
	const struct source_spec *spec = find_spec(s, name, false);

	return spec ? spec : find_spec(s, name, true);
}

/* What the settings say of the file holds; else whose home it lies in. */
static void decide_trust(struct source_setup *setup, const struct inlet *in,
			 const struct source_spec *spec, const struct accounts *accounts)
{
	struct str name = str_of(in->name);

	setup->tenant_account = spec ? accounts_log(accounts, spec, name) :
				       accounts_path(accounts, name);
	setup->tenant = spec ? spec->tenant : setup->tenant_account.n > 0;
}

static int decide_zone(struct source_setup *setup, const struct inlet_options *options,
		       const struct source_spec *spec, struct error *err)
{
	const char *name = options->zone;

	if (!name)
		name = spec && spec->timezone ? spec->timezone : "local";
	setup->zone = zone_find(str_of(name));
	if (!setup->zone && strcmp(name, "local") == 0)
		setup->zone = zone_utc();
	return setup->zone ? 0 : error_set(err, EXIT_USAGE, "no time zone '%s'", name);
}

/* Skips to where an earlier import or the daemon stopped. A file shorter than
 * that holds nothing new. */
static int skip_known(struct inlet *in, struct store *store, struct source_setup *setup)
{
	struct position known;

	logfile_head_hash(in->file, LOGFILE_HEAD, &in->head_n);
	in->head_hash = logfile_head_hash(in->file, in->head_n, &in->head_n);
	if (!in->head_n || !store_position_of_content(store, logfile_head(in->file), &known))
		return 0;
	if ((in->size && logfile_format(in->file) == LOGFILE_PLAIN && known.offset > in->size) ||
	    logfile_seek(in->file, known.offset, NULL) < 0)
		return -1;
	in->skipped = known.offset;
	if (known.near)
		setup->near = known.near;
	return 0;
}

static void attach_journal(struct inlet *in, const char *host, struct store *store,
			   struct pipeline *p)
{
	struct journal_setup setup = { p, store, str_of(in->journal_name), in->journal_path, host,
				       0 };

	in->journal = journal_feed_new(&setup);
}

int inlet_attach(struct inlet *in, const struct inlet_options *options,
		 const struct settings *settings, const struct accounts *accounts,
		 struct store *store, struct pipeline *p, struct error *err)
{
	const struct source_spec *spec = spec_of(settings, in->name);
	struct source_setup setup = {
		.name = str_of(in->name),
		.format = str_of(options->format),
		.near = in->mtime ? in->mtime : options->now,
		.host = str_of(options->host ? options->host : settings->hostname),
	};

	if (in->journal_name) {
		attach_journal(in, setup.host.p, store, p);
		return 0;
	}
	setup.journal = in->stream != NULL;
	if (options->near)
		setup.near = options->near;
	if (decide_zone(&setup, options, spec, err) < 0)
		return -1;
	if (spec && strcmp(options->format, "auto") == 0)
		setup.format = str_of(spec->format);
	decide_trust(&setup, in, spec, accounts);
	if (skip_known(in, store, &setup) < 0) {
		logfile_close(in->file);
		in->file = NULL;
		return 0;
	}
	in->source = pipeline_source_add(p, &setup);
	if (in->stream)
		inlet_stream_attach(in->stream, in->source, store, in->skipped);
	return 0;
}

/* The last line of a damaged file is not whole: it is left for the whole file. */
static void finish(struct inlet *in, bool whole)
{
	if (whole)
		pipeline_finish(in->source);
	else
		pipeline_at_end(in->source, true);
	logfile_close(in->file);
	in->file = NULL;
}

/* The clock is for later tries, which there are none of. */
static int64_t fill_journal(struct inlet *in, struct error *err)
{
	int rc;

	if (in->journal_done)
		return 0;
	rc = journal_feed_turn(in->journal, 1, err);
	in->journal_done = rc <= 0;
	return rc;
}

static int64_t fill_stream(struct inlet *in, struct error *err)
{
	int64_t n = inlet_stream_fill(in->stream, in->file, err);

	if (n < 0 || inlet_stream_is_over(in->stream))
		finish(in, n >= 0);
	return n;
}

int64_t inlet_fill(struct inlet *in, struct error *err)
{
	char buf[READ_BYTES];
	size_t room;
	ssize_t n;

	if (in->journal)
		return fill_journal(in, err);

	if (!in->file || !in->source)
		return 0;
	if (in->stream)
		return fill_stream(in, err);
	room = pipeline_room(in->source);
	if (room == 0)
		return 0;
	n = logfile_read(in->file, buf, room < sizeof(buf) ? room : sizeof(buf), err);
	if (n > 0)
		pipeline_push(in->source, buf, (size_t)n);
	else
		finish(in, n == 0);
	return n;
}

int64_t inlet_done(const struct inlet *in)
{
	off_t at = in->file ? lseek(logfile_fd(in->file), 0, SEEK_CUR) : -1;

	return at < 0 || at > in->size ? in->size : at;
}

void inlet_position(const struct inlet *in, struct position *out)
{
	*out = (struct position){
		.path = str_of(in->name),
		.head_hash = in->head_hash,
		.head_n = in->head_n,
		.offset = in->stream ? inlet_stream_taken(in->stream) :
				       in->skipped + pipeline_taken(in->source),
		.near = pipeline_source_near(in->source),
	};
}

void inlet_release(struct inlet *in)
{
	journal_feed_free(in->journal);
	inlet_stream_free(in->stream);
	free(in->journal_name);
	free(in->journal_path);
	logfile_close(in->file);
	free(in->name);
	*in = (struct inlet){ .name = NULL };
}
