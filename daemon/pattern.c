/* Walking a glob pattern one component at a time, so that the directories where
 * a match can appear later become known as well (glob(3) hides them).
 *
 * Invariant: every directory that exists and through which the pattern leads to
 * a component that may change is reported; a missing one is stood in for by the
 * directory in which it would be created. Does not open the files. */
#include "daemon/pattern.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pattern_walk {
	const struct pattern_report *report;
	bool wild; /* the pattern has a wildcard: what matches must exist */
	size_t files;
	bool complete;
};

static void walk_on(struct pattern_walk *w, const char *dir, const char *rest);

bool pattern_has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

/* dir + name; dir is "" for the current directory, or ends with a slash. */
static bool join(char *out, const char *dir, struct str name, bool slash)
{
	size_t n = strlen(dir);

	if (n + name.n + 2 > PATH_MAX)
		return false;
	memcpy(out, dir, n);
	memcpy(out + n, name.p, name.n);
	n += name.n;
	if (slash)
		out[n++] = '/';
	out[n] = '\0';
	return true;
}

static void report_directory(struct pattern_walk *w, const char *dir, struct str component,
			     bool last)
{
	char *copy = str_dup(component);

	w->report->directory(w->report->context, *dir ? dir : "./", copy, last);
	free(copy);
}

static void report_file(struct pattern_walk *w, const char *path)
{
	struct stat st;

	if (w->wild && (lstat(path, &st) < 0 || S_ISDIR(st.st_mode)))
		return;
	if (w->files >= PATTERN_MAX_FILES) {
		w->complete = false;
		return;
	}
	w->files++;
	w->report->file(w->report->context, path);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(*path ? path : ".", &st) == 0 && S_ISDIR(st.st_mode);
}

/* A component without wildcards that is not the last. */
static void walk_name(struct pattern_walk *w, const char *dir, struct str name,
		      const char *rest)
{
	char next[PATH_MAX];

	if (!join(next, dir, name, true))
		return;
	if (is_directory(next))
		walk_on(w, next, rest);
	else
		report_directory(w, dir, name, false);
}

/* Names with control bytes are nobody's logs, and would reach terminals. */
static bool is_decent(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	return true;
}

/* An entry that fits the wildcard. */
static void walk_entry(struct pattern_walk *w, const char *dir, const char *name,
		       const char *rest)
{
	char next[PATH_MAX];

	if (!join(next, dir, str_of(name), *rest != '\0'))
		return;
	if (!*rest)
		report_file(w, next);
	else if (is_directory(next))
		walk_on(w, next, rest);
}

/* How many entries of a directory are looked at. */
static size_t entries_allowed(DIR *d)
{
	struct stat st;
	bool root_only = fstat(dirfd(d), &st) == 0 && st.st_uid == 0 &&
			 !(st.st_mode & (S_IWGRP | S_IWOTH));

	return root_only || st.st_uid == getuid() ? SIZE_MAX : PATTERN_MAX_IN_FOREIGN_DIR;
}

static void walk_wildcard(struct pattern_walk *w, const char *dir, struct str component,
			  const char *rest)
{
	DIR *d = opendir(*dir ? dir : ".");
	char *glob = str_dup(component);
	size_t left = d ? entries_allowed(d) : 0;
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		if (fnmatch(glob, entry->d_name, FNM_PERIOD) != 0 || !is_decent(entry->d_name))
			continue;
		if (left-- == 0) {
			w->complete = false;
			break;
		}
		walk_entry(w, dir, entry->d_name, rest);
	}
	if (d)
		closedir(d);
	free(glob);
}

/* dir exists; rest is what of the pattern lies below it. */
static void walk_on(struct pattern_walk *w, const char *dir, const char *rest)
{
	const char *end = rest + strcspn(rest, "/");
	const char *next = end + strspn(end, "/");
	struct str component = str_range(rest, end);
	char *name = str_dup(component);
	bool wild = pattern_has_wildcard(name);
	char path[PATH_MAX];

	free(name);
	if (wild || !*next)
		report_directory(w, dir, component, !*next);
	if (wild)
		walk_wildcard(w, dir, component, next);
	else if (*next)
		walk_name(w, dir, component, next);
	else if (join(path, dir, component, false))
		report_file(w, path);
}

bool pattern_walk(const char *pattern, const struct pattern_report *report)
{
	struct pattern_walk w = { .report = report,
				  .wild = pattern_has_wildcard(pattern),
				  .complete = true };

	if (pattern[0] == '/')
		walk_on(&w, "/", pattern + strspn(pattern, "/"));
	else
		walk_on(&w, "", pattern);
	return w.complete;
}
