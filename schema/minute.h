/* The table `minute`: which ids hold the rows of a minute. Stands in for an
 * index on time, at one row a minute instead of one a message. */
#ifndef MAILAUDIT_SCHEMA_MINUTE_H
#define MAILAUDIT_SCHEMA_MINUTE_H

#include "base/stamp.h"
#include "schema/sql.h"

enum minute_what { MINUTE_MESSAGE, MINUTE_PHP, MINUTE_WHATS };

/* Ids further from a range than this get a range of their own, so that looking
 * through a range stays cheap when an old log is imported late. */
#define MINUTE_MAX_GAP 4096

struct minute_range {
	int64_t minute, first, last;
	int64_t stored_first; /* key of its row; 0: has none */
	int64_t next; /* where the next range of this minute starts */
	bool dirty;
};

struct minutes {
	struct sql_stmt *of_minute, *newest_minute, *add, *put, *drop;
	struct minute_range range[MINUTE_WHATS]; /* the ones last used */
	int64_t newest[MINUTE_WHATS]; /* no later minute has a range; -1: not known */
};

int minutes_init(struct minutes *s, struct sql *db, struct error *err);
/* A row with this id and time is added. */
int minutes_add(struct minutes *s, enum minute_what what, int64_t id, usec_t time,
		struct error *err);
/* Writes what was added; before a commit. */
int minutes_flush(struct minutes *s, struct error *err);
/* After a rollback, or when ranges were deleted. */
void minutes_forget(struct minutes *s);

#endif
