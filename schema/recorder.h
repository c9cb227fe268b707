/* Pipeline and store as one thing: what mailauditd and `mailaudit import` both
 * run. Reading logs is theirs; this keeps "facts and read positions commit
 * together" in one place. */
#ifndef MAILAUDIT_SCHEMA_RECORDER_H
#define MAILAUDIT_SCHEMA_RECORDER_H

#include "base/error.h"
#include "core/pipeline.h"
#include "schema/store.h"

struct heuristic;
struct recorder;

enum recorder_way {
	RECORDER_AT_ONCE, /* a commit that returns is in the database */
	RECORDER_BEHIND /* it is made by a second thread, one at a time: see recorder_settle() */
};

/* Opens (creates) the database for writing, takes the writer's lock, restores
 * the pipeline's open state. parsers and heuristics are NULL-terminated; without
 * heuristics (NULL) nothing is looked for. */
struct recorder *recorder_open(const struct settings *settings, const struct parser *const *parsers,
			       const struct heuristic *const *heuristics, enum recorder_way way,
			       struct error *err);
/* Does not commit; what is under way comes to its end. */
void recorder_close(struct recorder *r);
struct pipeline *recorder_pipeline(struct recorder *r);
/* Behind a commit that is under way: recorder_settle() first. */
struct store *recorder_store(struct recorder *r);
/* Until the next reload or refresh. */
const struct accounts *recorder_accounts(const struct recorder *r);
/* Is told of every batch that was written at once, before it is forgotten. */
void recorder_watch(struct recorder *r, void (*committed)(void *context, const struct batch *b),
		    void *context);
/* Commits the pipeline's batch with these positions; on failure nothing is
 * forgotten and the same call can be made again (behind: see recorder_settle()). */
int recorder_commit(struct recorder *r, const struct position *positions, size_t npositions,
		    struct error *err);
/* Writes the mail of the pipeline's batch within the transaction of the next commit, which
 * must come before anything else is written. Of a recorder that writes behind. */
int recorder_write(struct recorder *r, struct error *err);
/* Waits until all commits are in the database. -1: one failed, as any further one will:
 * give up, what is missing is read again from the positions of the last that did not. */
int recorder_settle(struct recorder *r, struct error *err);
/* How far journals were read, for the next commit that succeeds; the caller's until then. */
void recorder_journals(struct recorder *r, const struct journal_position *list, size_t n);
/* New settings; reads the owner maps again. */
int recorder_reload(struct recorder *r, const struct settings *settings, struct error *err);
/* Stats owner maps, databases of places and pattern files, and reads them again
 * when one changed. true: changed. */
bool recorder_refresh_maps(struct recorder *r);

#endif
