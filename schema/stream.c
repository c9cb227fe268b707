/* Streams, with the recipients they know, to rows and back.
 *
 * Invariant: the key and its index are written when a stream is new, and never
 * again; a commit of an import changes thousands of streams, each by one statement. What
 * a state means is core/stream.h's business. */
#include "schema/stream.h"

#include <stdlib.h>

static const struct sql_text statements[] = {
	{ offsetof(struct stream_rows, update),
	  "UPDATE stream SET state = ?3, last = ?4 WHERE id = ?1" },
	{ offsetof(struct stream_rows, insert),
	  "INSERT OR REPLACE INTO stream (id, key, state, last) VALUES (?1, ?2, ?3, ?4)" },
	{ offsetof(struct stream_rows, find),
	  "SELECT id, key, state, last FROM stream WHERE key = ?1" },
	{ offsetof(struct stream_rows, known),
	  "SELECT stream, generation, chunk, hashes FROM stream_known WHERE stream = ?1"
	  " ORDER BY generation, chunk" },
	{ offsetof(struct stream_rows, put_known),
	  "REPLACE INTO stream_known (stream, generation, chunk, hashes)"
	  " VALUES (?1, ?2, ?3, ?4)" },
	{ offsetof(struct stream_rows, forget),
	  "DELETE FROM stream_known WHERE stream = ?1 AND generation < ?2" },
	{ offsetof(struct stream_rows, old),
	  "SELECT id, last FROM stream WHERE id > ?1 ORDER BY id LIMIT ?2" },
	{ offsetof(struct stream_rows, drop), "DELETE FROM stream WHERE id = ?1" },
	{ offsetof(struct stream_rows, drop_known),
	  "DELETE FROM stream_known WHERE stream = ?1" },
};

int stream_rows_init(struct stream_rows *r, struct sql *db, struct error *err)
{
	*r = (struct stream_rows){ .db = db };
	return sql_prepare_all(db, r, statements, SQL_COUNT(statements), err);
}

void stream_rows_release(struct stream_rows *r)
{
	arena_release(&r->found);
}

void stream_rows_settled(struct stream_rows *r)
{
	r->change = 0;
}

/* --- writing --------------------------------------------------------------- */

static void bind_row(struct sql_stmt *st, const struct stream_row *row)
{
	sql_bind_int(st, 1, row->id);
	sql_bind_blob(st, 3, row->state);
	sql_bind_int(st, 4, row->last);
}

static int put_stream(struct stream_rows *r, const struct stream_row *row, struct error *err)
{
	bind_row(r->update, row);
	if (sql_run(r->update, err) < 0)
		return -1;
	if (sql_changes(r->db))
		return 0;
	bind_row(r->insert, row);
	sql_bind_str(r->insert, 2, row->key);
	r->change++;
	return sql_run(r->insert, err);
}

static int put_known(struct stream_rows *r, const struct known_row *row, struct error *err)
{
	sql_bind_int(r->put_known, 1, row->stream);
	sql_bind_int(r->put_known, 2, row->generation);
	sql_bind_int(r->put_known, 3, row->chunk);
	sql_bind_blob(r->put_known, 4, row->hashes);
	return sql_run(r->put_known, err);
}

static int forget(struct stream_rows *r, const struct known_row *row, struct error *err)
{
	sql_bind_int(r->forget, 1, row->stream);
	sql_bind_int(r->forget, 2, row->generation);
	return sql_run(r->forget, err);
}

int stream_put_all(struct stream_rows *r, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->nstreams; i++)
		if (put_stream(r, &b->streams[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nknown; i++)
		if (put_known(r, &b->known[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nforgotten; i++)
		if (forget(r, &b->forgotten[i], err) < 0)
			return -1;
	return 0;
}

/* --- reading --------------------------------------------------------------- */

bool stream_load(struct stream_rows *r, struct str key, struct stream_row *row)
{
	sql_bind_str(r->find, 1, key);
	if (sql_step(r->find, NULL) != 1)
		return false;
	arena_reset(&r->found);
	*row = (struct stream_row){
		.id = sql_int(r->find, 0),
		.key = arena_str(&r->found, sql_str(r->find, 1)),
		.state = arena_str(&r->found, sql_str(r->find, 2)),
		.last = sql_int(r->find, 3),
	};
	sql_reset(r->find);
	return true;
}

void stream_load_known(struct stream_rows *r, int64_t stream,
		       void (*known)(void *to, const struct known_row *chunk), void *to)
{
	sql_bind_int(r->known, 1, stream);
	while (sql_step(r->known, NULL) == 1) {
		struct known_row chunk = {
			.stream = sql_int(r->known, 0),
			.generation = sql_int(r->known, 1),
			.chunk = sql_int(r->known, 2),
			.hashes = sql_str(r->known, 3),
		};

		known(to, &chunk);
	}
}

/* --- retention ------------------------------------------------------------- */

/* Ids of those unused, of the next `rows`. Goes back to the start behind the last. */
static int64_t find_old(struct stream_rows *r, usec_t before, int64_t rows, int64_t *ids,
			struct error *err)
{
	int64_t n = 0, seen = 0;
	int rc;

	sql_bind_int(r->old, 1, r->looked_at);
	sql_bind_int(r->old, 2, rows);
	while ((rc = sql_step(r->old, err)) == 1) {
		r->looked_at = sql_int(r->old, 0);
		if (sql_int(r->old, 1) < before)
			ids[n++] = r->looked_at;
		seen++;
	}
	if (seen < rows)
		r->looked_at = 0;
	return rc < 0 ? -1 : n;
}

static int drop(struct stream_rows *r, int64_t id, struct error *err)
{
	sql_bind_int(r->drop, 1, id);
	sql_bind_int(r->drop_known, 1, id);
	r->change--;
	return sql_run(r->drop, err) < 0 ? -1 : sql_run(r->drop_known, err);
}

int64_t stream_drop_old(struct stream_rows *r, usec_t before, int64_t rows, struct error *err)
{
	int64_t *ids = xcalloc((size_t)rows, sizeof(*ids));
	int64_t n = find_old(r, before, rows, ids, err);

	for (int64_t i = 0; i < n; i++)
		if (drop(r, ids[i], err) < 0)
			n = -1;
	free(ids);
	return n;
}
