/* The table `hourly`: sums of messages for each account and hour, kept right
 * as messages come, change and go. */
#ifndef MAILAUDIT_SCHEMA_HOURLY_H
#define MAILAUDIT_SCHEMA_HOURLY_H

#include "base/arena.h"
#include "base/map.h"
#include "base/stamp.h"
#include "core/event.h"
#include "schema/sql.h"

#define HOURLY_STATUSES (RCPT_REJECTED + 1)

/* What one message adds to the sums. */
struct tally {
	usec_t time;
	int64_t account; /* 0 nobody */
	int64_t messages, recipients;
	int64_t status[HOURLY_STATUSES]; /* RCPT_SENT is not stored: it is the rest */
};

struct hourly {
	struct sql_stmt *add, *clean;
	struct map sums; /* hour and account -> struct tally, since the last flush */
	struct arena arena;
	int64_t messages, recipients; /* change of the totals since the last flush */
};

/* The states but RCPT_SENT as one number: column unsent of 0007_compact.sql. */
int64_t tally_unsent(const struct tally *t);
void tally_read_unsent(struct tally *t, int64_t unsent);

int hourly_init(struct hourly *h, struct sql *db, struct error *err);
void hourly_release(struct hourly *h);
/* sign: 1 adds the message, -1 takes it away. */
void hourly_count(struct hourly *h, const struct tally *t, int sign);
/* Writes the sums; before a commit. */
int hourly_flush(struct hourly *h, struct error *err);
/* After a flush and after a rollback. */
void hourly_forget(struct hourly *h);

#endif
