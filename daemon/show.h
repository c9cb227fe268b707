/* Messages as they are completed and findings as they are raised, one line each:
 * for watching, not for machines (`mailaudit --format jsonl` is for these). */
#ifndef MAILAUDIT_DAEMON_SHOW_H
#define MAILAUDIT_DAEMON_SHOW_H

#include "core/batch.h"

struct show;

struct show *show_new(void);
void show_free(struct show *s); /* NULL is fine */
/* Prints the outbound and forwarded messages of a committed batch that left the
 * queue, and its new findings; for recorder_watch(). */
void show_batch(void *show, const struct batch *b);

#endif
