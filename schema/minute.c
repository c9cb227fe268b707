/* Ranges of ids for each minute, grown row by row.
 *
 * Invariant: ranges of one minute never overlap, since a row extends the range
 * nearest to its id; so a search through them meets no row twice. */
#include "schema/minute.h"

static const struct sql_text statements[] = {
	{ offsetof(struct minutes, of_minute),
	  "SELECT first, last FROM minute WHERE what = ?1 AND minute = ?2" },
	{ offsetof(struct minutes, newest_minute),
	  "SELECT max(minute) FROM minute WHERE what = ?1" },
	{ offsetof(struct minutes, put), "REPLACE INTO minute VALUES (?1, ?2, ?3, ?4)" },
	{ offsetof(struct minutes, drop),
	  "DELETE FROM minute WHERE what = ?1 AND minute = ?2 AND first = ?3" },
};

int minutes_init(struct minutes *s, struct sql *db, struct error *err)
{
	*s = (struct minutes){ .newest = { -1, -1 } };
	s->add = sql_prepare_rows(db, "minute (what, minute, first, last)", 4, err);
	return !s->add ? -1 : sql_prepare_all(db, s, statements, SQL_COUNT(statements), err);
}

void minutes_forget(struct minutes *s)
{
	for (int i = 0; i < MINUTE_WHATS; i++) {
		s->range[i] = (struct minute_range){ 0 };
		s->newest[i] = -1;
	}
	sql_forget_rows(s->add);
}

static int drop_row(struct minutes *s, int what, const struct minute_range *r, struct error *err)
{
	sql_bind_int(s->drop, 1, what);
	sql_bind_int(s->drop, 2, r->minute);
	sql_bind_int(s->drop, 3, r->stored_first);
	return sql_run(s->drop, err);
}

static int flush_one(struct minutes *s, int what, struct error *err)
{
	struct minute_range *r = &s->range[what];
	struct sql_stmt *st = r->stored_first ? s->put : s->add;

	if (!r->dirty)
		return 0;
	if (r->stored_first && r->stored_first != r->first && drop_row(s, what, r, err) < 0)
		return -1;
	sql_bind_int(st, 1, what);
	sql_bind_int(st, 2, r->minute);
	sql_bind_int(st, 3, r->first);
	sql_bind_int(st, 4, r->last);
	if (sql_run(st, err) < 0)
		return -1;
	r->stored_first = r->first;
	r->dirty = false;
	return 0;
}

int minutes_flush(struct minutes *s, struct error *err)
{
	for (int i = 0; i < MINUTE_WHATS; i++)
		if (flush_one(s, i, err) < 0)
			return -1;
	return sql_flush(s->add, err);
}

static int64_t distance(const struct minute_range *r, int64_t id)
{
	if (id < r->first)
		return r->first - id;
	return id > r->last ? id - r->last : 0;
}

/* Makes the range nearest to the id the one in use, or a new one. */
static int choose(struct minutes *s, int what, int64_t minute, int64_t id, struct error *err)
{
	struct minute_range best = { minute, id, id, 0, INT64_MAX, true };
	int64_t nearest = MINUTE_MAX_GAP + 1, next = INT64_MAX;
	int rc;

	sql_bind_int(s->of_minute, 1, what);
	sql_bind_int(s->of_minute, 2, minute);
	while ((rc = sql_step(s->of_minute, err)) == 1) {
		struct minute_range r = { .minute = minute, .first = sql_int(s->of_minute, 0),
					  .last = sql_int(s->of_minute, 1) };

		if (r.first > id && r.first < next)
			next = r.first;
		if (distance(&r, id) >= nearest)
			continue;
		nearest = distance(&r, id);
		r.stored_first = r.first;
		best = r;
	}
	best.next = best.first > id ? best.first : next;
	s->range[what] = best;
	return rc;
}

static int64_t newest_minute(struct minutes *s, int what)
{
	if (s->newest[what] < 0) {
		sql_bind_int(s->newest_minute, 1, what);
		s->newest[what] = sql_run_int(s->newest_minute);
	}
	return s->newest[what];
}

/* The range for a row that does not belong to the one in use. */
static int next_range(struct minutes *s, int what, int64_t minute, int64_t id, struct error *err)
{
	if (flush_one(s, what, err) < 0)
		return -1;
	if (minute <= newest_minute(s, what))
		return sql_flush(s->add, err) < 0 ? -1 : choose(s, what, minute, id, err);
	s->newest[what] = minute;
	s->range[what] = (struct minute_range){ minute, id, id, 0, INT64_MAX, true };
	return 0;
}

static bool covers(const struct minute_range *r, int64_t minute, int64_t id)
{
	return r->minute == minute && r->last && id >= r->first && id <= r->last;
}

/* Rows mostly come in order: a next id of the same minute. */
static bool continues(const struct minute_range *r, int64_t minute, int64_t id)
{
	return r->minute == minute && r->last && id > r->last && id < r->next &&
	       id - r->last <= MINUTE_MAX_GAP;
}

int minutes_add(struct minutes *s, enum minute_what what, int64_t id, usec_t time,
		struct error *err)
{
	struct minute_range *r = &s->range[what];
	int64_t minute = time / USEC_MINUTE;

	if (covers(r, minute, id))
		return 0;
	if (!continues(r, minute, id) && next_range(s, what, minute, id, err) < 0)
		return -1;
	if (id < r->first || id > r->last)
		r->dirty = true;
	if (id < r->first)
		r->first = id;
	if (id > r->last)
		r->last = id;
	return 0;
}
