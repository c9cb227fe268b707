/* Writing: the only module that changes the database. One writer at a time,
 * held by an advisory lock on "<database>.lock"; readers (report.h) never
 * wait for it (WAL). */
#ifndef MAILAUDIT_SCHEMA_STORE_H
#define MAILAUDIT_SCHEMA_STORE_H

#include "base/error.h"
#include "core/batch.h"
#include "core/pipeline.h"

struct store;

/* Creates the file (0640) and its tables when missing, migrates an older one.
 * Errors: EXIT_AGAIN another writer is at work; EXIT_CONFIG not ours, corrupt
 * or newer than this program (the text says what to do); EXIT_PERMISSION.
 * The page cache is 16 MiB, or $MAILAUDIT_CACHE_KIB. */
struct store *store_open(const char *path, struct error *err);
void store_close(struct store *s);
/* Puts back what a restart needs: ids, open and just closed messages (closed
 * within `linger` of the newest event time), waiting PHP lines, notes, open findings. A message
 * is named once for each of its queue ids; those that ended come in the order of
 * their end, behind the open ones. */
int store_restore(struct store *s, struct pipeline *p, usec_t linger, struct error *err);
/* For struct row_source: a message_new() filled from the row, or NULL. */
struct message *store_load_message(void *store, int64_t id);
/* For struct row_source, as core/pipeline.h says. */
int64_t store_find(void *store, struct str host, struct str id, usec_t time, usec_t *seen,
		   usec_t *closed);
bool store_load_stream(void *store, struct str key, struct stream_row *row);
void store_load_known(void *store, int64_t stream,
		      void (*known)(void *to, const struct known_row *chunk), void *to);
struct finding *store_load_finding(void *store, int64_t id);
/* Of which findings people are to be told: each that is written from now on and was last
 * seen, or closed, by the log, since. INT64_MAX: of none, as at the start; 0: of all. */
void store_tell_since(struct store *s, usec_t last_seen);
/* One transaction, or a part of one: a batch with `more` is committed with the first
 * behind it that has none, and nothing else is written in between. Recipients are written
 * when the message is new or says rcpt_dirty. On failure the database is as before the
 * transaction. On success what was written is marked as stored by the caller. */
int store_commit(struct store *s, const struct batch *b, struct error *err);
/* From now on a thread keeps the write-ahead log short, so that no commit waits for it. */
int store_checkpoint_beside(struct store *s, struct error *err);
/* Nothing to read for the moment: shortens the write-ahead log. Cheap to call
 * often; takes as long as copying what was committed since it last ran. */
void store_idle(struct store *s);
/* Little happens: gives back the memory of what can be read again. */
void store_put_away(struct store *s);
/* The position kept for a path, or for content: the one whose head_n first
 * bytes hash to head_hash. false: none. Strings live until the next call. */
bool store_position_of_path(struct store *s, struct str path, struct position *out);
/* Positions whose head might be that of a file starting with these bytes: the
 * hash of bytes[0..head_n) is compared for each distinct head_n. The one read
 * furthest wins. */
bool store_position_of_content(struct store *s, struct str head, struct position *out);
/* How far a journal was read. false: never. Strings live until the next call. */
bool store_journal(struct store *s, struct str name, struct journal_position *out);
/* The same of each there is; a row lives until fn returns. */
void store_journals(struct store *s,
		    void (*fn)(void *context, const struct journal_position *row), void *context);
/* Deletes at most `rows` messages older than `before` with all that hangs on
 * them, in one short transaction. Returns how many were deleted; -1 error. */
int64_t store_retain(struct store *s, usec_t before, int64_t rows, struct error *err);
/* The same for closed findings, and for streams that were last seen before; of the
 * streams it looks at the next `rows` only. */
int64_t store_retain_findings(struct store *s, usec_t before, int64_t rows, struct error *err);

#endif
