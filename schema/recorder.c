/* Pipeline, owner maps and store in one piece.
 *
 * Invariant: what the pipeline forgets in pipeline_committed() is in the
 * database, together with the read positions it was told of. It reads no log
 * files; those are its callers'. */
#include "schema/recorder.h"

#include <stdlib.h>

#include "base/log.h"
#include "schema/behind.h"
#include "schema/world.h"

struct recorder {
	const struct settings *settings;
	struct store *store;
	struct behind *behind; /* NULL: commits are made here */
	struct world *world;
	struct pipeline *pipeline;
	void (*committed)(void *context, const struct batch *b);
	void *committed_context;
	const struct journal_position *journals; /* of the next commit */
	size_t njournals;
};

/* The pipeline is given the new world, then the old one goes. */
static void enter(struct recorder *r, struct world *world)
{
	if (r->pipeline)
		pipeline_reload(r->pipeline, world_view(world));
	world_close(r->world);
	r->world = world;
}

bool recorder_refresh_maps(struct recorder *r)
{
	const char *changed = world_changed(r->world);
	struct world *world;
	struct error err;

	if (!changed)
		return false;
	world = world_open(r->settings, &err);
	if (!world) {
		log_error("%s; what was read before is still used", err.text);
		return false;
	}
	log_info("%s changed: read again", changed);
	enter(r, world);
	return true;
}

int recorder_reload(struct recorder *r, const struct settings *settings, struct error *err)
{
	struct world *world = world_open(settings, err);

	if (!world)
		return -1;
	r->settings = settings;
	enter(r, world);
	return 0;
}

/* ---- life ---- */

static struct row_source rows_of(struct recorder *r)
{
	if (r->behind)
		return (struct row_source){ r->behind, behind_load_message, behind_find,
					    behind_load_stream, behind_load_known,
					    behind_load_finding };
	return (struct row_source){ r->store, store_load_message, store_find, store_load_stream,
				    store_load_known, store_load_finding };
}

static int set_up(struct recorder *r, const struct parser *const *parsers,
		  const struct heuristic *const *heuristics, enum recorder_way way,
		  struct error *err)
{
	const struct settings *settings = r->settings;

	r->store = store_open(settings->database, err);
	r->world = r->store ? world_open(settings, err) : NULL;
	if (!r->world)
		return -1;
	if (way == RECORDER_BEHIND) {
		r->behind = behind_start(r->store, settings->database, err);
		if (!r->behind)
			return -1;
	}
	r->pipeline = pipeline_new(settings, world_view(r->world)->accounts, parsers, rows_of(r));
	if (heuristics && settings->detect)
		pipeline_detect(r->pipeline, world_view(r->world), heuristics);
	return store_restore(r->store, r->pipeline, PIPELINE_LINGER, err);
}

struct recorder *recorder_open(const struct settings *settings, const struct parser *const *parsers,
			       const struct heuristic *const *heuristics, enum recorder_way way,
			       struct error *err)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->settings = settings;
	if (set_up(r, parsers, heuristics, way, err) == 0)
		return r;
	recorder_close(r);
	return NULL;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	behind_stop(r->behind);
	pipeline_free(r->pipeline);
	world_close(r->world);
	store_close(r->store);
	free(r);
}

struct pipeline *recorder_pipeline(struct recorder *r)
{
	return r->pipeline;
}

struct store *recorder_store(struct recorder *r)
{
	return r->store;
}

const struct accounts *recorder_accounts(const struct recorder *r)
{
	return world_view(r->world)->accounts;
}

static int commit(struct recorder *r, struct batch *b, struct error *err)
{
	if (r->behind)
		return behind_commit(r->behind, b, err);
	if (store_commit(r->store, b, err) < 0)
		return -1;
	if (r->committed)
		r->committed(r->committed_context, b);
	return 0;
}

int recorder_commit(struct recorder *r, const struct position *positions, size_t npositions,
		    struct error *err)
{
	struct batch *b = pipeline_batch(r->pipeline);

	b->positions = positions;
	b->npositions = npositions;
	b->journals = r->journals;
	b->njournals = r->njournals;
	if (commit(r, b, err) < 0)
		return -1;
	pipeline_committed(r->pipeline);
	r->njournals = 0;
	return 0;
}

int recorder_write(struct recorder *r, struct error *err)
{
	if (commit(r, pipeline_part(r->pipeline), err) < 0)
		return -1;
	pipeline_committed(r->pipeline);
	return 0;
}

int recorder_settle(struct recorder *r, struct error *err)
{
	return r->behind ? behind_wait(r->behind, err) : 0;
}

void recorder_journals(struct recorder *r, const struct journal_position *list, size_t n)
{
	r->journals = list;
	r->njournals = n;
}

void recorder_watch(struct recorder *r, void (*committed)(void *context, const struct batch *b),
		    void *context)
{
	r->committed = committed;
	r->committed_context = context;
}
