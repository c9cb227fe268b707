/* All followed logs: which there are, which need a turn, what is committed. */
#ifndef MAILAUDIT_DAEMON_SOURCES_H
#define MAILAUDIT_DAEMON_SOURCES_H

#include "daemon/follow.h"
#include "daemon/watch.h"
#include "schema/recorder.h"

struct pollfd;
struct sources;

/* Journals followed; more are left out, and told. */
#define SOURCES_MAX_JOURNALS 8

struct sources_state {
	bool busy; /* there is more to do at once */
	bool read; /* something was read in this turn */
	bool uncommitted; /* positions may differ from what is stored */
	size_t lines; /* taken in this turn */
	usec_t deadline; /* monotonic: a turn is needed then; 0 none */
	usec_t mtime; /* newest last write of the files read in this turn */
};

/* The recorder must outlive it. watch may be NULL: then only ticks look. */
struct sources *sources_new(struct recorder *r, struct watch *watch);
void sources_free(struct sources *s);
/* Takes over which logs are to be followed. Those whose row changed are opened
 * anew where they were left: commit first. */
void sources_configure(struct sources *s, const struct settings *settings);
/* Reads the directories of all patterns again, and looks at every log. */
void sources_reconcile(struct sources *s);
/* Drains the watch; false: events were lost (reconcile). */
bool sources_drain(struct sources *s);
/* Descriptors to be waited for: at most SOURCES_MAX_JOURNALS. Returns how many. */
size_t sources_poll(const struct sources *s, struct pollfd *fds);
/* Takes what poll(2) said of them. */
void sources_polled(struct sources *s, const struct pollfd *fds, size_t n);
/* The names of accounts may have changed: commit first. */
void sources_accounts_changed(struct sources *s);
/* One bounded turn; now is monotonic. */
void sources_turn(struct sources *s, usec_t now, struct sources_state *state);
int sources_commit(struct sources *s, struct error *err);
size_t sources_count(const struct sources *s);
/* Bytes written and not yet committed, of all logs. */
int64_t sources_lag(const struct sources *s);

#endif
