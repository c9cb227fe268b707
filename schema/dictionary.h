/* Texts that repeat, written once: text -> id of a dictionary table. */
#ifndef MAILAUDIT_SCHEMA_DICTIONARY_H
#define MAILAUDIT_SCHEMA_DICTIONARY_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/table.h"
#include "schema/sql.h"

#define DICTIONARY_MAX_TEXTS 3
/* Entries kept in memory for each table; beyond it memory starts afresh. */
#define DICTIONARY_MAX_CACHED 50000

struct dictionary {
	struct sql *db;
	struct sql_stmt *find, *add, *last;
	struct table ids; /* struct entry, by the hash of its texts with their lengths */
	struct arena entries;
	char *key; /* scratch */
	size_t key_room;
	int ntexts;
	bool hashed; /* found by the hash of the texts, under the database's secret */
	struct hash_secret secret;
	bool complete; /* memory holds all there is in the table */
	int64_t next; /* id; 0: to be asked for */
	size_t max; /* entries in memory */
	int64_t used_day; /* of responses */
};

/* 24 bits of the hash of an entry's texts; empty ones at the end may be left out. */
int64_t dictionary_hash(const struct hash_secret *secret, const struct str *texts, int n);

/* columns: the texts that make an entry, "host, ip". Either they are UNIQUE together or,
 * `hashed`, the column `hash` has an index. */
int dictionary_init(struct dictionary *d, struct sql *db, const char *table,
		    const char *columns, int ntexts, bool hashed, struct error *err);
/* A table of texts that are never searched, shared only through memory and only within one
 * day: see response in 0001_init.sql. At most `max` are in memory. */
int dictionary_init_daily(struct dictionary *d, struct sql *db, const char *table, size_t max,
			  struct error *err);
void dictionary_release(struct dictionary *d);
/* Writes new entries, whose texts must have lived since; before a commit. */
int dictionary_flush(struct dictionary *d, struct error *err);
/* After a rollback the ids given since the last commit mean nothing. */
void dictionary_forget(struct dictionary *d);

/* *id of the entry with these ntexts texts, added when there is none. */
int dictionary_id(struct dictionary *d, const struct str *texts, int64_t *id, struct error *err);
/* The entry, if it is in memory; else 0. */
int64_t dictionary_recall(struct dictionary *d, const struct str *texts);
/* The same, but a text gets an entry only when it comes again; *id is 0 before. */
int dictionary_repeated_id(struct dictionary *d, struct str text, int64_t day, int64_t *id,
			   struct error *err);
/* The entry of this day. */
int dictionary_daily_id(struct dictionary *d, struct str text, int64_t day, int64_t *id,
			struct error *err);

#endif
