/* Statements of retain.c, prepared with the store. */
#ifndef MAILAUDIT_SCHEMA_RETAIN_H
#define MAILAUDIT_SCHEMA_RETAIN_H

#include "schema/minute.h"

struct retain {
	struct sql_stmt *oldest; /* range of ids of a kind */
	struct sql_stmt *ids[MINUTE_WHATS]; /* of the rows of a range */
	struct sql_stmt *drop_range, *drop_inbound, *drop_direct, *drop_responses, *drop_sieve;
	struct sql_stmt *drop_headers, *drop_words, *drop_parts, *drop_runs;
	struct sql_stmt *vacuum;
};

int retain_init(struct retain *r, struct sql *db, struct error *err);

#endif
