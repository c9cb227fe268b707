/* Queue ids, aliases and Message-IDs to messages: the tables `lookup_tail`, `lookup_run`
 * and `lookup` (0007_compact.sql).
 *
 * An answer is a candidate: hashes collide, entries outlive what a message was called and
 * the message itself. Who asks looks at the message. */
#ifndef MAILAUDIT_SCHEMA_LOOKUP_H
#define MAILAUDIT_SCHEMA_LOOKUP_H

#include "schema/sql.h"

/* Entries that make a run. A search reads the tail as a whole, and a part of each run. */
#define LOOKUP_RUN 65536
/* Bytes of an entry of the tail. */
#define LOOKUP_ENTRY 8

int64_t lookup_hash(struct str id);
void lookup_put_entry(char *to, int64_t hash, int64_t message);

/* Entries of one transaction. */
struct lookup {
	struct sql_stmt *count, *add, *tail, *cut, *next_run, *add_run, *add_part;
	char *entries;
	size_t n, room;
	int64_t first, last;
	int64_t in_tail; /* entries of lookup_tail; -1: to be counted */
};

int lookup_init(struct lookup *l, struct sql *db, struct error *err);
void lookup_release(struct lookup *l);
void lookup_add(struct lookup *l, struct str id, int64_t message);
/* Writes them; before a commit. */
int lookup_flush(struct lookup *l, struct error *err);
/* Is the tail long enough for a run? After a migration it has all ids. */
bool lookup_makes_run(struct lookup *l);
/* Makes one; with nothing gathered. */
int lookup_make_run(struct lookup *l, struct error *err);
/* After a rollback. */
void lookup_forget(struct lookup *l);

struct lookup_reader {
	struct sql_stmt *parts, *tail;
};

int lookup_reader_init(struct lookup_reader *r, struct sql *db, struct error *err);
/* Hands out the candidates from `first` to `last`, newest entries first, until fn
 * returns other than 0; that is returned. One can come twice. -1: error. */
typedef int lookup_fn(void *context, int64_t message, struct error *err);
int lookup_find(struct lookup_reader *r, struct str id, int64_t first, int64_t last,
		lookup_fn *fn, void *context, struct error *err);

#endif
