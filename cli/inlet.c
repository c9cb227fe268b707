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
#include "core/envelope.h"
#include "parsers/parsers.h"
#include "schema/journal_feed.h"

/* How much of a file is looked at for a line of a mail server. */
#define LOOK_BYTES (256 * 1024)

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

bool inlet_look_journal(struct inlet *in, const char *directory)
{
	if (!is_journal_directory(directory))
		return false;
	*in = (struct inlet){ .name = realpath(directory, NULL), .member = -1, .kind = "journal" };
	in->journal_name = str_dup(str_of(in->name));
	in->journal_path = str_dup(str_of(in->name));
	return true;
}

/* What standard input or a file is, without what its lines say. */
static struct logfile *look_at_file(struct inlet *in, const char *path, struct error *err)
{
	struct logfile *f = logfile_open(path, err);
	struct stat st;

	*in = (struct inlet){ .member = -1 };
	if (!f)
		return NULL;
	in->name = absolute(path);
	in->path = str_dup(str_of(path));
	if (fstat(logfile_fd(f), &st) < 0 || !S_ISREG(st.st_mode))
		return f;
	in->dev = st.st_dev;
	in->ino = st.st_ino;
	in->size = st.st_size;
	in->mtime = st.st_mtim.tv_sec * USEC_SECOND + st.st_mtim.tv_nsec / 1000;
	return f;
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

/* multilog's "@LABEL.s" were once `current` beside it. */
static const struct source_spec *find_multilog_spec(const struct settings *s, const char *name)
{
	size_t slash = str_rchr(str_of(name), '/');
	const struct source_spec *spec = NULL;
	char *current;

	if (!name[slash] || name[slash + 1] != '@')
		return NULL;
	if (asprintf(&current, "%.*s/current", (int)slash, name) < 0)
		bug("out of memory");
	spec = find_spec(s, current, false);
	free(current);
	return spec;
}

static const struct source_spec *spec_of(const struct settings *s, const char *name)
{
	const struct source_spec *spec = find_spec(s, name, false);

	if (!spec)
		spec = find_multilog_spec(s, name);
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

/* Zone, year and host of its lines, and who can have written them. */
static int decide(struct source_setup *setup, const struct inlet *in,
		  const struct inlet_options *options, const struct settings *settings,
		  const struct source_spec *spec, struct error *err)
{
	*setup = (struct source_setup){
		.name = str_of(in->name),
		.format = str_of(options->format),
		.near = in->mtime ? in->mtime : options->now,
		.host = str_of(options->host ? options->host : settings->hostname),
	};
	if (options->near)
		setup->near = options->near;
	if (spec && strcmp(options->format, "auto") == 0)
		setup->format = str_of(spec->format);
	if (in->kind && str_eq(setup->format, STR("auto")) &&
	    str_starts(str_of(in->kind), STR("exim-")))
		setup->format = str_of(in->kind);
	return decide_zone(setup, options, spec, err);
}

static void ignore(struct event_sink *sink, const struct record *rec, const struct event *ev)
{
	(void)sink;
	(void)rec;
	(void)ev;
}

static const char *parser_of(const struct record *rec)
{
	struct event_sink sink = { .emit = ignore, .rule = -1 };

	for (const struct parser *const *at = all_parsers; *at; at++)
		if (!(*at)->by_name_only && (*at)->claims(rec))
			return (*at)->parse(rec, &sink) == PARSE_UNKNOWN ? NULL : (*at)->name;
	return NULL;
}

/* Exim's logs are %slog by default, exim_%slog on cPanel, %s.log at some. */
static const char *second_log_of_exim(struct str name)
{
	static const struct {
		struct str start;
		const char *kind;
	} names[] = {
		{ STR("rejectlog"), "exim-reject" },	  { STR("exim_rejectlog"), "exim-reject" },
		{ STR("reject.log"), "exim-reject" },	  { STR("paniclog"), "exim-panic" },
		{ STR("exim_paniclog"), "exim-panic" },	  { STR("panic.log"), "exim-panic" },
	};
	size_t slash = str_rchr(name, '/');

	if (slash < name.n)
		name = str_skip(name, slash + 1);
	else if (str_rchr(name, ':') < name.n) /* of an archive */
		name = str_skip(name, str_rchr(name, ':') + 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_starts(name, names[i].start))
			return names[i].kind;
	return NULL;
}

/* Its lines look like those of the main log, which it repeats: only the name tells. */
static void tell_logs_of_exim_apart(struct inlet *in)
{
	const char *kind = second_log_of_exim(str_of(in->name));

	if (kind && in->kind && strcmp(in->kind, "exim") == 0)
		in->kind = kind;
}

/* Goes through complete lines until one has a time and one is a mail log's. */
static void look_at_lines(struct inlet *in, struct envelope *env, struct str text)
{
	size_t end;

	while ((!in->first || !in->kind) && (end = str_chr(text, '\n')) < text.n) {
		struct record rec;

		envelope_split(env, str_head(text, end), &rec);
		if (!in->first)
			in->first = rec.time;
		if (!in->kind)
			in->kind = parser_of(&rec);
		text = str_skip(text, end + 1);
	}
}

/* A log of all sorts of programs may begin with others than the mail server. */
static void look_further(struct inlet *in, struct logfile *f, struct envelope *env)
{
	char *text = xmalloc(LOOK_BYTES);
	size_t n = 0;
	ssize_t got = 1;

	while (n < LOOK_BYTES && got > 0) {
		got = logfile_read(f, text + n, LOOK_BYTES - n, NULL);
		n += got > 0 ? (size_t)got : 0;
	}
	look_at_lines(in, env, (struct str){ text, n });
	free(text);
}

/* Is it a journal's file, or entries that journalctl wrote? It has no lines of its own. */
static bool is_of_journal(struct inlet *in, struct logfile *f)
{
	struct str head = logfile_head(f);
	enum entry_format format = entry_format_of(head);

	if (is_journal_file(head) && in->ino) {
		in->journal_name = journal_file_name(head);
		in->journal_path = str_dup(str_of(in->path));
	} else if (format != ENTRY_FORMAT_NONE) {
		in->stream = inlet_stream_new(format);
	} else {
		return false;
	}
	in->kind = "journal";
	in->packed = in->squeezed = logfile_format(f) != LOGFILE_PLAIN;
	return true;
}

static int look_inside(struct inlet *in, struct logfile *f, const struct inlet_options *options,
		       const struct settings *settings, struct error *err)
{
	struct source_setup setup;
	struct envelope env;

	if (decide(&setup, in, options, settings, spec_of(settings, in->name), err) < 0)
		return -1;
	env = (struct envelope){ .zone = setup.zone, .near = setup.near };
	in->head = logfile_head(f);
	in->head.p = str_dup(in->head);
	in->squeezed = logfile_format(f) != LOGFILE_PLAIN;
	in->packed = in->member >= 0 || in->squeezed;
	look_at_lines(in, &env, in->head);
	if (!in->kind && in->ino) {
		in->first = 0;
		env.near = setup.near;
		look_further(in, f, &env);
	}
	tell_logs_of_exim_apart(in);
	return 0;
}

bool inlet_is_pipe(const struct inlet *in)
{
	return in->path && in->member < 0 && (!in->ino || strcmp(in->path, "-") == 0);
}

int inlet_look(struct inlet *in, const char *path, const struct inlet_options *options,
	       const struct settings *settings, struct error *err)
{
	struct logfile *f = look_at_file(in, path, err);
	int result;

	if (!f)
		return -1;
	result = is_of_journal(in, f) ? 0 : look_inside(in, f, options, settings, err);
	if (inlet_is_pipe(in))
		in->file = f;
	else
		logfile_close(f);
	return result;
}

const char *inlet_foreign(const struct inlet *in)
{
	static const struct {
		struct str start;
		const char *name;
	} packers[] = {
		{ STR("PK\003\004"), "zip" },	   { STR("7z\274\257\047\034"), "7z" },
		{ STR("Rar!\032\007"), "rar" },	   { STR("\037\235"), "compress" },
		{ STR("\004\042\115\030"), "lz4" }, { STR("LZIP"), "lzip" },
	};

	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++)
		if (str_starts(in->head, packers[i].start))
			return packers[i].name;
	return NULL;
}

int inlet_look_member(struct inlet *in, const struct inlet *archive, int64_t number,
		      const struct archive_member *member, struct logfile *f,
		      const struct inlet_options *options, const struct settings *settings,
		      struct error *err)
{
	*in = (struct inlet){
		.path = str_dup(str_of(archive->path)),
		.member = number,
		.dev = archive->dev,
		.ino = archive->ino,
		.size = member->size,
		.mtime = member->mtime,
	};
	if (asprintf(&in->name, "%s:%.*s", archive->name, STR_ARG(member->name)) < 0)
		bug("out of memory");
	return look_inside(in, f, options, settings, err);
}

void inlet_forget_head(struct inlet *in)
{
	free((char *)(uintptr_t)in->head.p);
	in->head = STR_NONE;
}

/* Opens it again, where it was left. It must be the file that was looked at. */
static int reopen(struct inlet *in, struct error *err)
{
	struct stat st;

	if (in->file)
		return 0;
	in->file = in->member < 0 ? logfile_open(in->path, err) :
				    tarlog_open(in->path, (size_t)in->member, in->name, err);
	if (!in->file)
		return -1;
	if (fstat(logfile_fd(in->file), &st) < 0 || st.st_ino != in->ino || st.st_dev != in->dev)
		return error_set(err, EXIT_NOINPUT, "%s: was replaced meanwhile; import it again",
				 in->name);
	return logfile_seek(in->file, in->offset, err);
}

void inlet_rest(struct inlet *in)
{
	if (in->stream || inlet_is_pipe(in))
		return;
	logfile_close(in->file);
	in->file = NULL;
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
	if ((in->size && !in->packed && known.offset > in->size) ||
	    logfile_seek(in->file, known.offset, NULL) < 0)
		return -1;
	in->skipped = in->offset = in->taken = in->committed = known.offset;
	if (known.near)
		setup->near = known.near;
	return 0;
}

static void close_for_good(struct inlet *in)
{
	logfile_close(in->file);
	in->file = NULL;
	in->ended = true;
	in->done = in->size;
}

static int attach_journal(struct inlet *in, const struct inlet_options *options,
			  const struct settings *settings, struct store *store,
			  struct pipeline *p)
{
	struct journal_setup setup = { p, store, str_of(in->journal_name), in->journal_path,
				       options->host ? options->host : settings->hostname, 0 };

	in->journal = journal_feed_new(&setup);
	in->state = INLET_READ;
	return 0;
}

int inlet_attach(struct inlet *in, const struct inlet_options *options,
		 const struct settings *settings, const struct accounts *accounts,
		 struct store *store, struct pipeline *p, struct error *err)
{
	const struct source_spec *spec = spec_of(settings, in->name);
	struct source_setup setup;

	if (in->journal_name)
		return attach_journal(in, options, settings, store, p);
	if (decide(&setup, in, options, settings, spec, err) < 0)
		return -1;
	setup.journal = in->stream != NULL;
	decide_trust(&setup, in, spec, accounts);
	if (reopen(in, err) < 0) {
		close_for_good(in);
		in->state = INLET_DONE;
		return -1;
	}
	if (skip_known(in, store, &setup) < 0) {
		close_for_good(in);
		in->state = INLET_DONE;
		return 0;
	}
	in->source = pipeline_source_add(p, &setup);
	in->state = INLET_READ;
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
	close_for_good(in);
}

static void note_progress(struct inlet *in)
{
	off_t at = in->offset;

	if (in->squeezed)
		at = in->member < 0 ? lseek(logfile_fd(in->file), 0, SEEK_CUR) :
				      in->offset / INLET_EXPANSION;
	in->done = at < 0 || at > in->size ? in->size : at;
}

/* The clock is for later tries, which there are none of. */
static int64_t fill_journal(struct inlet *in, struct error *err)
{
	int rc = journal_feed_turn(in->journal, 1, err);

	in->ended = rc <= 0;
	return rc;
}

static int64_t fill_stream(struct inlet *in, struct error *err)
{
	int64_t n = inlet_stream_fill(in->stream, in->file, err);

	in->offset += n > 0 ? n : 0;
	note_progress(in);
	if (n < 0 || inlet_stream_is_over(in->stream))
		finish(in, n >= 0);
	return n;
}

int64_t inlet_fill(struct inlet *in, size_t n, struct error *err)
{
	char buf[INLET_READ_BYTES];
	size_t room;
	ssize_t got;

	if (in->state != INLET_READ || in->ended)
		return 0;
	if (in->journal)
		return fill_journal(in, err);
	if (in->stream)
		return fill_stream(in, err);
	room = pipeline_room(in->source);
	n = n < sizeof(buf) ? n : sizeof(buf);
	if (room == 0)
		return 0;
	got = reopen(in, err);
	if (got == 0)
		got = logfile_read(in->file, buf, room < n ? room : n, err);
	if (got <= 0) {
		finish(in, got == 0);
		return got;
	}
	pipeline_push(in->source, buf, (size_t)got);
	in->offset += got;
	note_progress(in);
	return got;
}

void inlet_drop(struct inlet *in, struct pipeline *p)
{
	pipeline_source_remove(p, in->source);
	in->source = NULL;
	in->state = INLET_DONE;
}

bool inlet_position(struct inlet *in, struct position *out)
{
	if (!in->source || !in->head_n)
		return false;
	in->taken = in->stream ? inlet_stream_taken(in->stream) :
				 in->skipped + pipeline_taken(in->source);
	*out = (struct position){
		.path = str_of(in->name),
		.head_hash = in->head_hash,
		.head_n = in->head_n,
		.offset = in->taken,
		.near = pipeline_source_near(in->source),
	};
	if (in->taken == in->committed && in->committed)
		return false;
	in->committed = in->taken;
	return true;
}

void inlet_release(struct inlet *in)
{
	journal_feed_free(in->journal);
	inlet_stream_free(in->stream);
	free(in->journal_name);
	free(in->journal_path);
	logfile_close(in->file);
	inlet_forget_head(in);
	free(in->name);
	free(in->path);
	*in = (struct inlet){ .name = NULL };
}
