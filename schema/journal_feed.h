/* A journal on its way into the pipeline: the lines that are about mail, read on
 * from where the database says, and the cursor of the last one that was taken.
 * mailauditd and `mailaudit import` run the same. */
#ifndef MAILAUDIT_SCHEMA_JOURNAL_FEED_H
#define MAILAUDIT_SCHEMA_JOURNAL_FEED_H

#include "core/pipeline.h"
#include "schema/store.h"

/* A journal followed for the first time is read from so long ago on. */
#define JOURNAL_FIRST_USEC (7 * USEC_DAY)

struct journal_feed;

/* A list that grows; all zero is an empty one. */
struct journal_positions {
	struct journal_position *at; /* owned */
	size_t n, room;
};

struct journal_setup {
	struct pipeline *pipeline;
	struct store *store;
	struct str name; /* as in struct journal_position */
	const char *path;
	const char *host; /* for entries that name none */
	usec_t since; /* where to begin when the database knows nothing; 0: the oldest */
};

/* Does not open it: the first turn does, and tries again while that fails. */
struct journal_feed *journal_feed_new(const struct journal_setup *setup);
void journal_feed_free(struct journal_feed *j); /* NULL is fine */
const char *journal_feed_path(const struct journal_feed *j);
/* For poll(2), POLLIN; -1: it has none now. */
int journal_feed_fd(const struct journal_feed *j);
/* The descriptor was readable, or it is time to look. */
void journal_feed_announced(struct journal_feed *j);
/* Reads a bounded number of entries; now is monotonic. 1: there is more; 0: its
 * end, for now; -1: it cannot be read, tried again later. */
int journal_feed_turn(struct journal_feed *j, usec_t now, struct error *err);
/* When it must have a turn though nothing was announced (monotonic); 0: never. */
usec_t journal_feed_deadline(const struct journal_feed *j);
/* Something may be there that is not stored. */
bool journal_feed_is_dirty(const struct journal_feed *j);
/* Adds what is not stored as it is now. Strings live until journal_feed_stored(). */
void journal_feed_positions(struct journal_feed *j, struct journal_positions *out);
void journal_feed_stored(struct journal_feed *j);
/* What was not taken of the lines goes with it: when it is empty, it may be freed. */
bool journal_feed_is_empty(const struct journal_feed *j);

#endif
