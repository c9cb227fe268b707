/* Events -> messages: what the programs said, put together per queue id, with
 * PHP lines joined and an account named. Only here are views copied. */
#ifndef MAILAUDIT_CORE_CORRELATE_H
#define MAILAUDIT_CORE_CORRELATE_H

#include "core/detect.h"
#include "core/direct.h"
#include "core/join.h"
#include "core/notes.h"
#include "core/queue.h"

/* Where an event came from. */
struct origin {
	struct str source; /* its name */
	struct str host; /* of the line, else of the source */
	bool tenant;
	struct str tenant_account;
};

/* Rows that wait for a moment of event time, in its order. */
struct deadline {
	int64_t row;
	usec_t time;
};

struct deadlines {
	struct deadline *at; /* heap; a ring would save nothing at these sizes */
	size_t from, n, room;
};

struct correlate {
	const struct settings *settings;
	const struct accounts *accounts;
	struct queue queue;
	struct join join;
	struct notes notes;
	struct detect *detect; /* NULL: nothing is looked for */
	/* Event time: of this run, which may read what is older than the database; of all. */
	usec_t now, watermark;
	usec_t known_until; /* older lines may be of stored messages: see step_recall() */
	usec_t clock; /* the time of day; 0: not told */
	int64_t next_php;
	struct deadlines patience, giving_up; /* local messages without a PHP line */

	/* Since the last commit. */
	int64_t *dirty; /* rows */
	size_t ndirty, dirty_room;
	int64_t *dropped; /* stored rows that are none any more */
	size_t ndropped, dropped_room;
	struct php_mail **php; /* changed; those not waiting are freed after commit */
	size_t nphp, php_room;
	struct map inbound; /* "hour\0domain" -> struct inbound_count */
	struct directs directs;

	int64_t messages, recipients, php_mail; /* totals */
};

void correlate_init(struct correlate *c, const struct settings *s, const struct accounts *a,
		    struct row_source rows);
void correlate_release(struct correlate *c);
/* Other settings and owner maps from now on. */
void correlate_reload(struct correlate *c, const struct settings *s, const struct accounts *a);
void correlate_event(struct correlate *c, const struct origin *from, const struct record *rec,
		     const struct event *ev);
/* Event time has come this far. */
void correlate_advance(struct correlate *c, usec_t now);
/* Ends the waits that are over at `now`, without moving event time. */
void correlate_end_waits(struct correlate *c, usec_t now);
/* Adds the mail that changed to the batch, or what else did; correlate_mail_committed() and
 * correlate_committed() once it is written. */
void correlate_batch_mail(struct correlate *c, struct batch *b);
void correlate_batch(struct correlate *c, struct batch *b);
void correlate_mail_committed(struct correlate *c);
void correlate_committed(struct correlate *c);
bool correlate_dirty(const struct correlate *c);
void correlate_restore_php(struct correlate *c, struct php_mail *p);
/* A restored message that waits for its PHP line. */
void correlate_restore_waiting(struct correlate *c, int64_t row);

#endif
