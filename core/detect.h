/* The detector: from mail to streams, past the heuristics, to findings.
 *
 * Pure like the rest of the core, and on the log's time: what a log means does
 * not depend on when or in which pieces it was read. The state of every stream
 * is written with the mail it was learned from, so a restart changes nothing. */
#ifndef MAILAUDIT_CORE_DETECT_H
#define MAILAUDIT_CORE_DETECT_H

#include "core/heuristic.h"
#include "core/pipeline.h"

/* A stream has habits that can be broken after so long, or so much mail. */
#define DETECT_MATURE_USEC (3 * USEC_DAY)
#define DETECT_MATURE_MESSAGES 40

struct detect;

/* heuristics: NULL-terminated, the one that judges last; their settings are those
 * of world->settings. rows: may be all NULL (then nothing is looked up). */
struct detect *detect_new(const struct detect_world *world,
			  const struct heuristic *const *heuristics, struct row_source rows);
void detect_free(struct detect *d);
void detect_reload(struct detect *d, const struct detect_world *world);

/* ---- what happened, in the order of the log ---- */

/* All that is new about a message since the last call. `patient`: its PHP line,
 * if it has one, need not be waited for any more. */
void detect_message(struct detect *d, struct message *m, usec_t now, bool patient);
/* The parts of it, for mail that is read back from rows. */
void detect_submit(struct detect *d, struct message *m, usec_t now);
void detect_recipient(struct detect *d, struct message *m, size_t nth, usec_t now);
void detect_answer(struct detect *d, struct message *m, size_t nth, usec_t now);
/* PHP's mail() was called; no message followed. */
void detect_call(struct detect *d, const struct php_mail *p, usec_t now);
void detect_unsent(struct detect *d, const struct php_mail *p, usec_t now);
/* A message and its call found each other. */
void detect_joined(struct detect *d, const struct message *m, const struct php_mail *p,
		   usec_t now);
/* Mail from nobody came from outside for a mailbox here. */
void detect_bounce(struct detect *d, const struct message *m, usec_t now);
/* A login was refused; it succeeded, other than by SMTP; a file was written. service and
 * path: as in struct event; login or ip may be "". */
void detect_refused_login(struct detect *d, const struct event *ev, usec_t now);
void detect_login(struct detect *d, const struct event *ev, usec_t now);
void detect_upload(struct detect *d, const struct event *ev, usec_t now);
/* A program opened a connection to an SMTP port itself. */
void detect_direct(struct detect *d, const struct direct *direct, usec_t now);
/* Event time has come this far: closes what has been quiet. */
void detect_advance(struct detect *d, usec_t now);

/* ---- for the commit ---- */

bool detect_dirty(const struct detect *d);
void detect_batch(struct detect *d, struct batch *b);
void detect_committed(struct detect *d);
/* Are there so many streams in memory that a commit should let some go? */
bool detect_full(const struct detect *d);
/* Streams that did not speak since the last call are rows from now on. */
void detect_put_away(struct detect *d);
void detect_restore(struct detect *d, int64_t next_stream, int64_t next_finding);
void detect_restore_finding(struct detect *d, struct finding *open); /* taken over */
int64_t detect_raised(const struct detect *d); /* findings, since it was made */

/* Every finding there is in memory, open or changed: for a caller without rows. */
typedef void detect_finding_fn(void *context, const struct finding *f);
void detect_each_finding(struct detect *d, detect_finding_fn *fn, void *context);

#endif
