/* Copying the write-ahead log into the database beside the writer, in a thread.
 *
 * It waits for the disk, which the writer would have to do between two commits. Only
 * the writer can begin the log anew, and only when all of it is copied: the last rest is
 * his. */
#ifndef MAILAUDIT_SCHEMA_CHECKPOINT_H
#define MAILAUDIT_SCHEMA_CHECKPOINT_H

#include "schema/sql.h"

struct checkpoint;

/* NULL: it could not be started. */
struct checkpoint *checkpoint_start(const struct sql *writer, struct error *err);
/* Waits for the end of what it does. NULL is fine. */
void checkpoint_stop(struct checkpoint *c);
/* Has it copy what is in the log now. Not while it is at work. */
void checkpoint_ask(struct checkpoint *c);
/* Bytes of the log that were copied when it last ended; -1: it is at work. */
int64_t checkpoint_copied(struct checkpoint *c);

#endif
