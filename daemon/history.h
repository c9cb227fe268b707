/* What is known of a log from before: how far each of its files was read, as the
 * database knows, and which of its rotated files hold lines nobody has read. */
#ifndef MAILAUDIT_DAEMON_HISTORY_H
#define MAILAUDIT_DAEMON_HISTORY_H

#include "daemon/follow.h"

enum history_answer {
	HISTORY_NOTHING,
	HISTORY_FOUND,
	HISTORY_UNSETTLED /* files were renamed while we looked: ask again */
};

struct history_find {
	struct part *part; /* the caller's */
	int64_t offset; /* where to read on */
	usec_t near; /* time of the line before it; 0 unknown */
};

/* Opens a file of the log as its trust demands. As safe_open.h. */
int history_open_file(const struct follow *f, const char *path, struct error *err);
/* Was this log followed before? */
bool history_is_known(const struct follow *f);
/* How far this file was read; -1: never seen. One that has become shorter was
 * read to its end. *near is set when it is known. */
int64_t history_offset(const struct follow *f, const struct part *p, usec_t *near);
/* The oldest rotated file with unread lines. live: the file at the path, opened
 * before, or NULL; live_known: it was read before, so only late lines of the
 * file that was rotated last are asked for. */
enum history_answer history_oldest_unread(const struct follow *f, const struct part *live,
					  bool live_known, struct history_find *find);
/* The copy that copytruncate made of a file, by the bytes it started with. */
enum history_answer history_copy(const struct follow *f, const struct part *of,
				 struct part **copy);

#endif
