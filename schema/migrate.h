/* Brings a database to the layout this program knows. Migrations are the files
 * schema/NNNN_name.sql, built in by schema/embed.sh; one that was released
 * never changes. */
#ifndef MAILAUDIT_SCHEMA_MIGRATE_H
#define MAILAUDIT_SCHEMA_MIGRATE_H

#include "schema/sql.h"

/* PRAGMA application_id of our files: "maud". */
#define MIGRATE_APPLICATION_ID 0x6d617564

struct migration {
	int version; /* 1, 2, 3 ... without a gap; PRAGMA user_version after it */
	const char *name;
	const char *text;
};

/* Ordered by version. */
extern const struct migration migrations[];
extern const size_t migrations_count;

/* Is it ours, or empty, and not newer than the list? *version: 0 for an empty
 * one. Changes nothing. EXIT_CONFIG: no, and what to do. */
int migrate_recognize(struct sql *db, const struct migration *list, size_t n, int *version,
		      struct error *err);
/* Runs what is missing, each migration in a transaction of its own: all of it
 * happens or nothing. An empty file becomes a database of ours. EXIT_CONFIG:
 * not ours, or newer than the list; the file is then as it was. */
int migrate(struct sql *db, const struct migration *list, size_t n, struct error *err);
/* Is it ours and of exactly the newest version of the list? For readers. */
int migrate_check(struct sql *db, const struct migration *list, size_t n, struct error *err);

#endif
