/* What is to be sent, and what was. */
#ifndef MAILAUDIT_SCHEMA_OUTBOX_H
#define MAILAUDIT_SCHEMA_OUTBOX_H

#include "schema/decide.h"

enum outbox_state {
	OUTBOX_WAITING, /* due when it says */
	OUTBOX_SENT, /* handed over */
	OUTBOX_HELD, /* over the ceiling: for the next digest */
	OUTBOX_DIGESTED, /* was told of in a digest */
	OUTBOX_DROPPED /* muted or acknowledged meanwhile, the channel is gone, or given up */
};
extern const char *const outbox_state_name[];

/* alert 0: its version says what it is. */
enum outbox_special { OUTBOX_DIGEST = 1, OUTBOX_SUMMARY = 2 };

struct outbox_item {
	int64_t id, alert, version;
	enum alert_change change;
	struct str channel; /* lives until the next call */
	usec_t created, due;
	int64_t tries;
};

int outbox_put(struct decide *d, int64_t alert, int64_t version, enum alert_change change,
	       const char *channel, usec_t now, struct error *err);
int outbox_put_later(struct decide *d, int64_t alert, int64_t version, enum alert_change change,
		     const char *channel, usec_t now, usec_t due, struct error *err);
/* The one that waits longest of those due. 1: there is one; 0: none; -1. */
int outbox_next(struct decide *d, usec_t now, struct outbox_item *out, struct error *err);
/* When the next one is due; 0: none waits. */
usec_t outbox_next_due(struct decide *d);
/* What became of a try. due: for OUTBOX_WAITING, when to try again. error: NULL none. */
int outbox_result(struct decide *d, int64_t id, enum outbox_state state, usec_t due, usec_t now,
		  const char *error, struct error *err);
/* Nothing of a channel is due before: it was tried, and does not work now. */
int outbox_postpone(struct decide *d, const char *channel, usec_t due, struct error *err);
/* Does a digest or summary (alert 0) of this version wait for a channel? */
bool outbox_waits(struct decide *d, const char *channel, enum outbox_special special);
/* How many of this channel were handed over since; digests and summaries do not count. */
int64_t outbox_sent_since(struct decide *d, const char *channel, usec_t since);
/* Those of a channel that are held, oldest first, one by one behind `after`. 1, 0, -1. */
int outbox_next_held(struct decide *d, const char *channel, int64_t after,
		     struct outbox_item *out, struct error *err);
/* A digest told of all held up to this id. */
int outbox_digested(struct decide *d, const char *channel, int64_t upto, usec_t now,
		    struct error *err);

#endif
