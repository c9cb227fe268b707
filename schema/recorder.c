/* Pipeline, owner maps and store in one piece.
 *
 * Invariant: what the pipeline forgets in pipeline_committed() is in the
 * database, together with the read positions it was told of. It reads no log
 * files; those are its callers'. */
#include "schema/recorder.h"

#include <stdlib.h>

#include "base/log.h"
#include "schema/world.h"

struct recorder {
	const struct settings *settings;
	struct store *store;
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

struct recorder *recorder_open(const struct settings *settings, const struct parser *const *parsers,
			       const struct heuristic *const *heuristics, struct error *err)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->settings = settings;
	r->store = store_open(settings->database, err);
	if (!r->store) {
		free(r);
		return NULL;
	}
	r->world = world_open(settings, err);
	if (!r->world) {
		recorder_close(r);
		return NULL;
	}
	r->pipeline = pipeline_new(settings, world_view(r->world)->accounts, parsers,
				   (struct row_source){ r->store, store_load_message, store_find,
							store_load_stream, store_load_finding });
	if (heuristics && settings->detect)
		pipeline_detect(r->pipeline, world_view(r->world), heuristics);
	if (store_restore(r->store, r->pipeline, PIPELINE_LINGER, err) < 0) {
		recorder_close(r);
		return NULL;
	}
	return r;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
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

int recorder_commit(struct recorder *r, const struct position *positions, size_t npositions,
		    struct error *err)
{
	struct batch *b = pipeline_batch(r->pipeline);

	b->positions = positions;
	b->npositions = npositions;
	b->journals = r->journals;
	b->njournals = r->njournals;
	if (store_commit(r->store, b, err) < 0)
		return -1;
	if (r->committed)
		r->committed(r->committed_context, b);
	pipeline_committed(r->pipeline);
	r->njournals = 0;
	return 0;
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
