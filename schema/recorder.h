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

/* Opens (creates) the database for writing, takes the writer's lock, restores
 * the pipeline's open state. parsers and heuristics are NULL-terminated; without
 * heuristics (NULL) nothing is looked for. */
struct recorder *recorder_open(const struct settings *settings, const struct parser *const *parsers,
			       const struct heuristic *const *heuristics, struct error *err);
/* Does not commit. */
void recorder_close(struct recorder *r);
struct pipeline *recorder_pipeline(struct recorder *r);
struct store *recorder_store(struct recorder *r);
/* Until the next reload or refresh. */
const struct accounts *recorder_accounts(const struct recorder *r);
/* Is told of every batch that was written, before it is forgotten. */
void recorder_watch(struct recorder *r, void (*committed)(void *context, const struct batch *b),
		    void *context);
/* Commits the pipeline's batch with these positions; on failure nothing is
 * forgotten and the same call can be made again. */
int recorder_commit(struct recorder *r, const struct position *positions, size_t npositions,
		    struct error *err);
/* How far journals were read, for the next commit that succeeds; the caller's until then. */
void recorder_journals(struct recorder *r, const struct journal_position *list, size_t n);
/* New settings; reads the owner maps again. */
int recorder_reload(struct recorder *r, const struct settings *settings, struct error *err);
/* Stats owner maps, databases of places and pattern files, and reads them again
 * when one changed. true: changed. */
bool recorder_refresh_maps(struct recorder *r);

#endif
