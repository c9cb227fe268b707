/* Which files an import reads, and in which order.
 *
 * Invariant: the result depends on what lies there, not on the order in which it
 * was named or found. Links in a directory are not followed; an archive in an
 * archive is not opened. Names are only ever printed, escaped. */
#include "cli/gather.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/cli.h"

#define OPEN_DIRECTORIES 16

struct search {
	struct gathered *g;
	size_t room;
	const struct inlet_options *options;
	const struct settings *settings;
	const struct inlet *archive; /* whose members are told */
	struct error *err;
};

/* nftw() hands nothing on. */
static struct search *walking;

/* One line on standard error, escaped as errors are. */
static void say(const char *verb, const char *name, const char *why)
{
	struct error line;

	error_set(&line, 0, "%s %s: %s", verb, name, why);
	fprintf(stderr, "%s\n", line.text);
}

static void leave(struct search *s, const char *name, const char *why)
{
	s->g->left++;
	if (!s->g->quiet)
		say("left", name, why);
}

/* It should have been read. */
static void miss(struct search *s, const char *name, const char *why)
{
	s->g->damaged = true;
	s->g->left++;
	say("left", name, why);
}

static void keep(struct search *s, const struct inlet *in)
{
	if (s->g->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->g->inlets = xrealloc(s->g->inlets, s->room * sizeof(*s->g->inlets));
	}
	s->g->inlets[s->g->n++] = *in;
}

static struct str base_of(struct str name)
{
	size_t slash = str_rchr(name, '/');

	return slash < name.n ? str_skip(name, slash + 1) : str_skip(name, str_rchr(name, ':') + 1);
}

static bool is_one_of(struct str name, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(name, list[i]))
			return true;
	return false;
}

/* multilog(8): its lock, its processor's state, and what that is writing. The last
 * becomes a @LABEL.s, and what it is made of, `previous`, goes then. */
static bool is_multilogs_own(const struct inlet *in)
{
	static const struct str names[] = { STR("lock"), STR("state"), STR("newstate"),
					    STR("processed") };
	struct str base = base_of(str_of(in->name));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(base, names[i]))
			return !in->kind || strcmp(in->kind, "qmail") == 0;
	return false;
}

/* Why a file that was found, not named, is not read; NULL: it is. */
static const char *why_not(const struct inlet *in)
{
	if (inlet_foreign(in))
		return "packed in a way that is not read; unpack it first";
	if (in->head.n && is_multilogs_own(in))
		return "multilog's own, not a log";
	if (!in->head.n && !in->kind) /* a journal has no head */
		return "empty, or cannot be unpacked";
	return in->kind ? NULL : "not a mail log of a known kind";
}

static void judge(struct search *s, struct inlet *in)
{
	const char *why = why_not(in);

	if (!why) {
		keep(s, in);
		return;
	}
	leave(s, in->name, why);
	inlet_release(in);
}

/* ---- archives ---- */

static void take_member(void *to, size_t number, const struct archive_member *member,
			struct logfile *content, const struct error *why)
{
	struct search *s = to;
	struct inlet in;
	char *label;

	if (member->kind == ARCHIVE_OTHER)
		return;
	if (asprintf(&label, "%s:%.*s", s->archive->name, STR_ARG(member->name)) < 0)
		bug("out of memory");
	if (member->kind == ARCHIVE_SPARSE) {
		leave(s, label, "a sparse file");
	} else if (!content) {
		miss(s, label, why->text);
	} else if (tarlog_is(content)) {
		leave(s, label, "an archive in an archive");
	} else if (inlet_look_member(&in, s->archive, (int64_t)number, member, content, s->options,
				     s->settings, s->err) == 0) {
		judge(s, &in);
	} else {
		leave(s, label, s->err->text);
	}
	free(label);
}

/* What can be read before damage is read. */
static void take_archive(struct search *s, struct inlet *archive)
{
	struct error err;

	s->archive = archive;
	if (tarlog_each(archive->path, take_member, s, &err) < 0) {
		s->g->damaged = true;
		cli_complain(&err);
	}
	inlet_release(archive);
}

/* ---- files and directories ---- */

/* Each log in an archive is read from its beginning: it must be a file. */
static int take_archive_of_stdin(struct search *s, struct inlet *in)
{
	bool is_pipe = !in->ino;
	struct inlet again;

	inlet_release(in);
	if (is_pipe)
		return error_set(s->err, EXIT_NOINPUT,
				 "a tar archive cannot be read from a pipe; name it");
	if (inlet_look(&again, "/dev/stdin", s->options, s->settings, s->err) < 0)
		return -1;
	take_archive(s, &again);
	return 0;
}

static int keep_named(struct search *s, struct inlet *in)
{
	const char *packer = inlet_foreign(in);

	if (packer) {
		error_set(s->err, EXIT_NOINPUT, "%s: packed by %s, which is not read; unpack it first",
			  in->name, packer);
		inlet_release(in);
		return -1;
	}
	keep(s, in);
	return 0;
}

/* The line says it already. */
static const char *without_name(const struct error *err, const char *name)
{
	struct str text = str_of(err->text);

	return str_eat(&text, str_of(name)) && str_eat(&text, STR(": ")) ? text.p : err->text;
}

static int take_file(struct search *s, const char *path, bool named)
{
	struct inlet in;

	if (inlet_look(&in, path, s->options, s->settings, s->err) < 0) {
		inlet_release(&in);
		if (named)
			return -1;
		miss(s, path, without_name(s->err, path));
		return 0;
	}
	if (archive_is_tar(in.head) && (!in.ino || strcmp(path, "-") == 0))
		return take_archive_of_stdin(s, &in);
	if (archive_is_tar(in.head))
		take_archive(s, &in);
	else if (named)
		return keep_named(s, &in);
	else
		judge(s, &in);
	return 0;
}

static int on_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct error why;

	if (type == FTW_DNR) {
		error_set(&why, EXIT_PERMISSION, "%s", strerror(EACCES));
		miss(walking, path, why.text);
	}
	if (type != FTW_F || !S_ISREG(st->st_mode) || at->level > GATHER_MAX_DEPTH)
		return 0;
	return take_file(walking, path, false);
}

static int take_directory(struct search *s, const char *path)
{
	walking = s;
	if (nftw(path, on_entry, OPEN_DIRECTORIES, FTW_PHYS) == 0)
		return 0;
	return error_set(s->err, EXIT_NOINPUT, "%s: %s", path, strerror(errno));
}

static int take_pattern(struct search *s, const char *pattern)
{
	glob_t found;
	int result = 0;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return error_set(s->err, EXIT_NOINPUT, "%s: %s", pattern, strerror(ENOENT));
	for (size_t i = 0; i < found.gl_pathc && result == 0; i++) {
		struct stat st;

		if (stat(found.gl_pathv[i], &st) == 0 && S_ISREG(st.st_mode))
			result = take_file(s, found.gl_pathv[i], true);
	}
	globfree(&found);
	return result;
}

static int take(struct search *s, const char *name)
{
	struct stat st;
	struct inlet journal;
	int rc = strcmp(name, "-") == 0 ? -1 : stat(name, &st);

	if (rc == 0 && S_ISDIR(st.st_mode) && inlet_look_journal(&journal, name)) {
		keep(s, &journal);
		return 0;
	}
	if (rc == 0 && S_ISDIR(st.st_mode))
		return take_directory(s, name);
	if (rc < 0 && errno == ENOENT && strcmp(name, "-") != 0 && strpbrk(name, "*?["))
		return take_pattern(s, name);
	return take_file(s, name, true);
}

/* ---- the whole ---- */

/* Syslog daemons write mail into these, too, where there is a log of its own. */
static bool is_second(struct str base)
{
	static const struct str names[] = { STR("syslog"), STR("messages"), STR("mail.info"),
					    STR("mail.warn"), STR("mail.err"), STR("all.log") };

	return is_one_of(base, names, sizeof(names) / sizeof(*names));
}

static bool is_mail_log(struct str base)
{
	static const struct str names[] = { STR("mail.log"), STR("maillog") };

	return is_one_of(base, names, sizeof(names) / sizeof(*names));
}

static struct str directory_of(const struct inlet *in)
{
	struct str name = str_of(in->name);

	return str_head(name, name.n - base_of(name).n);
}

static bool has_better(const struct gathered *g, const struct inlet *in)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_mail_log(base_of(str_of(g->inlets[i].name))) &&
		    str_eq(directory_of(&g->inlets[i]), directory_of(in)))
			return true;
	return false;
}

/* Why one of several logs is not read; NULL: it is. */
static const char *why_second(const struct gathered *g, const struct inlet *in, bool mail_log)
{
	if (is_second(base_of(str_of(in->name))) && has_better(g, in))
		return "the mail log beside it says the same";
	/* rsyslog has the lines of its files from journald. */
	if (mail_log && in->kind && strcmp(in->kind, "journal") == 0)
		return "the mail log says the same; name it to read it, too";
	return NULL;
}

/* From `first` on: those that one directory or archive gave. */
static void leave_seconds(struct search *s, size_t first)
{
	struct gathered *g = s->g;
	size_t kept = first, n = g->n;
	bool mail_log = false;

	for (size_t i = first; i < n; i++)
		mail_log |= is_mail_log(base_of(str_of(g->inlets[i].name)));
	for (size_t i = first; i < n; i++) {
		struct inlet *in = &g->inlets[i];
		const char *why = why_second(g, in, mail_log);

		if (!why) {
			struct inlet moved = *in;

			g->inlets[i] = g->inlets[kept];
			g->inlets[kept++] = moved;
			continue;
		}
		leave(s, in->name, why);
	}
	while (g->n > kept)
		inlet_release(&g->inlets[--g->n]);
	for (size_t i = first; i < g->n && !g->quiet; i++)
		say("took", g->inlets[i].name, g->inlets[i].kind);
}

static bool is_file(const char *name)
{
	struct stat st;

	return strcmp(name, "-") == 0 || (stat(name, &st) == 0 && !S_ISDIR(st.st_mode));
}

static int by_head(const void *left, const void *right)
{
	const struct inlet *a = left, *b = right;
	int order = str_cmp(a->head, b->head);

	return order ? order : strcmp(a->name, b->name);
}

/* The first lines of logs that start alike are one's beginning of the other's. */
static void find_groups(struct gathered *g)
{
	qsort(g->inlets, g->n, sizeof(*g->inlets), by_head);
	for (size_t i = 1; i < g->n; i++) {
		struct inlet *before = &g->inlets[i - 1], *in = &g->inlets[i];

		if (!before->head.n || !str_starts(in->head, before->head))
			continue;
		before->group = before->group ? before->group : i;
		in->group = before->group;
	}
	for (size_t i = 0; i < g->n; i++)
		inlet_forget_head(&g->inlets[i]);
}

/* Of copies the one that was written to last has most. */
static int by_time(const void *left, const void *right)
{
	const struct inlet *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->group && a->mtime != b->mtime)
		return a->mtime > b->mtime ? -1 : 1;
	return strcmp(a->name, b->name);
}

int gather(struct gathered *g, char **names, int nnames, const struct inlet_options *options,
	   const struct settings *settings, struct error *err)
{
	struct search s = { .g = g, .options = options, .settings = settings, .err = err };

	for (int i = 0; i < nnames; i++) {
		size_t first = g->n;
		bool file = is_file(names[i]);

		if (take(&s, names[i]) < 0)
			return -1;
		if (!file || g->n > first + 1 || (g->n > first && g->inlets[first].member >= 0))
			leave_seconds(&s, first);
	}
	if (!g->n)
		return error_set(err, EXIT_NOINPUT, "no mail log in what was named");
	find_groups(g);
	qsort(g->inlets, g->n, sizeof(*g->inlets), by_time);
	return 0;
}

void gather_release(struct gathered *g)
{
	for (size_t i = 0; i < g->n; i++)
		inlet_release(&g->inlets[i]);
	free(g->inlets);
}
