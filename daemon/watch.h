/* Watching directories: somebody should look at this name now.
 *
 * An event never says what happened, only where to look; the follower stats. */
#ifndef MAILAUDIT_DAEMON_WATCH_H
#define MAILAUDIT_DAEMON_WATCH_H

#include <stdbool.h>

#include "base/error.h"

/* What to hear about in a directory. */
enum watch_use {
	WATCH_NAMES = 1, /* entries come, go and change their mode */
	WATCH_WRITES = 2 /* files in it are written to */
};

/* More directories are not watched; the slow tick finds what happens there. */
#define WATCH_MAX_DIRS 20000

struct watch;

/* There can be one per process. */
struct watch *watch_open(struct error *err);
void watch_close(struct watch *w); /* NULL is fine */
/* Becomes readable when there is something to drain. May change in watch_end. */
int watch_fd(const struct watch *w);

/* The set of directories is given anew each time: watch_begin, watch_want for
 * each (several calls for one add up), watch_end, which drops the others.
 * watch_end returns false when some could not be watched and says so once;
 * directories that do not exist are no failure, and *opened is true when a
 * directory is watched that was not before: what happened in it meanwhile must
 * be looked up. */
void watch_begin(struct watch *w);
void watch_want(struct watch *w, const char *dir, unsigned use);
bool watch_end(struct watch *w, bool *opened);

/* Calls seen() for all that is queued. name is "" when it is the directory
 * itself that changed. false: events were lost, everything must be looked at. */
typedef void watch_seen(void *context, const char *dir, const char *name, bool written);
bool watch_drain(struct watch *w, watch_seen *seen, void *context);
/* Each slow tick: forgives directories that came and went too often. */
void watch_tick(struct watch *w);

#endif
