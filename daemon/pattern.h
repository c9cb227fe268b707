/* What a source's path or glob pattern stands for right now. */
#ifndef MAILAUDIT_DAEMON_PATTERN_H
#define MAILAUDIT_DAEMON_PATTERN_H

#include <stdbool.h>

#include "base/str.h"

/* Bounds, so that no customer can make us follow the whole disk: files of one
 * pattern, and entries of one directory that is not root's. */
#define PATTERN_MAX_FILES 20000
#define PATTERN_MAX_IN_FOREIGN_DIR 256

struct pattern_report {
	void *context;
	/* A path that matches; without wildcards it need not exist. */
	void (*file)(void *context, const char *path);
	/* A directory where a match can appear: when an entry whose name fits
	 * `component` (fnmatch) comes or goes, the pattern must be walked again.
	 * last: it is the file's own name. */
	void (*directory)(void *context, const char *dir, const char *component, bool last);
};

bool pattern_has_wildcard(const char *pattern);
/* Walks it. false: a bound was hit, and some files are left out. */
bool pattern_walk(const char *pattern, const struct pattern_report *report);

#endif
