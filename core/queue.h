/* The messages we follow, found by (host, queue id, instance).
 *
 * Holds open messages and those that ended a moment ago (late lines). A clean
 * message may be put out of memory; its entry then remembers only the row. One that stays
 * open long is asleep: nothing is kept of it but hashes that lead to its row. */
#ifndef MAILAUDIT_CORE_QUEUE_H
#define MAILAUDIT_CORE_QUEUE_H

#include "base/pairs.h"
#include "base/table.h"
#include "core/message.h"
#include "core/pipeline.h"

/* Messages held in memory; more are read back from their rows when needed. */
#define QUEUE_MAX_IN_MEMORY 20000

struct queue_key;

/* One message, in memory or not. */
struct queue_entry {
	struct table_node by_row;
	int64_t id; /* its row */
	usec_t time, closed;
	struct message *m; /* NULL: only the row */
	bool ghost; /* not to be stored; its late lines are ignored */
	uint32_t used; /* the turn of queue_put_away() it was last used in */
	struct queue_key *keys; /* its queue ids */
	struct queue_entry *older, *newer; /* use order, only when m */
	struct queue_entry *next_closed;
};

struct queue {
	struct table ids; /* struct queue_key by host and queue id */
	struct table rows; /* struct queue_entry by row */
	struct pairs asleep; /* hashes of ids, and of the row, -> row */
	struct queue_entry *oldest, *newest; /* use order of those in memory */
	size_t in_memory;
	uint32_t turn; /* of queue_put_away() */
	int64_t open;
	struct queue_entry *closed_head, *closed_tail; /* by end */
	struct row_source row_source;
	int64_t next_id;
};

void queue_init(struct queue *q, struct row_source rows);
void queue_release(struct queue *q);

/* The entry of a queue id; instance "" and `any` match every instance. */
struct queue_entry *queue_find(struct queue *q, struct str host, struct str instance, bool any,
			       struct str id);
/* Only of those that are awake. */
struct queue_entry *queue_find_row(struct queue *q, int64_t row);
/* Of all. */
struct queue_entry *queue_wake_row(struct queue *q, int64_t row);
/* Its message, read back if need be. NULL: the row is gone. Counts as use. */
struct message *queue_message(struct queue *q, struct queue_entry *e);
/* A new message under this id; an older one under it stays reachable by row only. */
struct queue_entry *queue_add(struct queue *q, struct str host, struct str instance,
			      struct str id, usec_t time);
/* An entry for a row that is not in memory. Of several with one id the newest row has it. */
struct queue_entry *queue_restore(struct queue *q, struct str host, struct str instance,
				  struct str id, int64_t row, usec_t time, usec_t closed);
/* From now on this id means e (content filter, forward, requeue). */
void queue_alias(struct queue *q, struct queue_entry *e, struct str host, struct str instance,
		 struct str id);
/* All ids of `from` mean `to`; `from` and its message are freed. */
void queue_absorb(struct queue *q, struct queue_entry *to, struct queue_entry *from);
/* It ended at this time: forgotten PIPELINE_LINGER later. */
void queue_close(struct queue *q, struct queue_entry *e, usec_t when);
/* It had not ended: one of the last PIPELINE_LINGER goes on. */
void queue_reopen(struct queue *q, struct queue_entry *e);
/* Forgets what ended long enough before `now`, or behind it in a newer log than the
 * one that is read, and waits for nothing. */
void queue_expire(struct queue *q, usec_t now);
/* It is no row of ours: its message is freed, its ids keep catching late lines. */
void queue_ghost(struct queue *q, struct queue_entry *e);
/* Frees message memory over the bound; only clean, not waiting ones. */
void queue_trim(struct queue *q);
/* Frees that of messages which were not used since the last call; those that are open
 * and were out of memory before fall asleep. */
void queue_put_away(struct queue *q);

#endif
