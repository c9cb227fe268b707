/* Committing in a second thread: while one batch is written, the pipeline makes the next.
 * For imports: what a commit costs is most of what can be done beside the parsing. */
#ifndef MAILAUDIT_SCHEMA_BEHIND_H
#define MAILAUDIT_SCHEMA_BEHIND_H

#include "schema/store.h"

struct behind;

/* The store is the thread's while a batch is under way: behind_wait() before it is used.
 * `path`: of its database, which is read here through a connection of its own. */
struct behind *behind_start(struct store *s, const char *path, struct error *err);
/* Waits, and ends the thread. */
void behind_stop(struct behind *b); /* NULL is fine */
/* Waits for the batch before, then takes this one (batch_take()) for store_commit(). -1: a
 * batch failed, nothing was taken, and nothing will be any more: what was read since is
 * read again from the positions that are in the database. */
int behind_commit(struct behind *b, struct batch *batch, struct error *err);
/* Until all that was taken is written. -1: a batch failed. */
int behind_wait(struct behind *b, struct error *err);

/* For struct row_source. What was taken is as good as committed. */
struct message *behind_load_message(void *behind, int64_t id);
int64_t behind_find(void *behind, struct str host, struct str id, usec_t time, usec_t *seen,
		    usec_t *closed);
bool behind_load_stream(void *behind, struct str key, struct stream_row *row);
void behind_load_known(void *behind, int64_t stream,
		       void (*known)(void *to, const struct known_row *chunk), void *to);
struct finding *behind_load_finding(void *behind, int64_t id);

#endif
