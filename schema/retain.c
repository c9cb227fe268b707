/* Deleting what is older than it is to be kept, a bounded step at a time.
 *
 * Invariant: a step is one short transaction, and whole minutes go, oldest
 * first, with everything that hangs on their messages. Dictionaries stay: their
 * entries are few, and the next message may use them again. */
#include "schema/retain.h"

#include <stdlib.h>

#include "schema/store.h"
#include "schema/store_state.h"

/* Unused space goes back to the file system in steps of this many pages, once
 * a tenth of the file is unused; less is used again soon. */
#define VACUUM_PAGES "2000"
#define VACUUM_SHARE 10

static const struct sql_text statements[] = {
	{ offsetof(struct retain, oldest),
	  "SELECT minute, first, last FROM minute WHERE what = ?1 AND minute < ?2"
	  " ORDER BY minute, first LIMIT 1" },
	{ offsetof(struct retain, ids[MINUTE_MESSAGE]),
	  "SELECT id FROM message_row WHERE id BETWEEN ?1 AND ?2 AND time / 60000000 = ?3 LIMIT ?4" },
	{ offsetof(struct retain, ids[MINUTE_PHP]),
	  "SELECT id FROM php_row WHERE id BETWEEN ?1 AND ?2 AND time / 60000000 = ?3 LIMIT ?4" },
	{ offsetof(struct retain, drop_range),
	  "DELETE FROM minute WHERE what = ?1 AND minute = ?2 AND first = ?3" },
	{ offsetof(struct retain, drop_inbound), "DELETE FROM inbound WHERE hour < ?1" },
	{ offsetof(struct retain, drop_direct), "DELETE FROM direct WHERE hour < ?1" },
	{ offsetof(struct retain, drop_responses), "DELETE FROM response WHERE day < ?1" },
	{ offsetof(struct retain, drop_headers), "DELETE FROM php_headers WHERE day < ?1" },
	{ offsetof(struct retain, drop_words), "DELETE FROM word WHERE day < ?1" },
	{ offsetof(struct retain, drop_parts),
	  "DELETE FROM lookup WHERE part < (SELECT min(id) FROM lookup_run"
	  " WHERE last >= (SELECT min(id) FROM message_row)) << 8" },
	{ offsetof(struct retain, drop_runs),
	  "DELETE FROM lookup_run WHERE id < (SELECT min(id) FROM lookup_run"
	  " WHERE last >= (SELECT min(id) FROM message_row))" },
	{ offsetof(struct retain, drop_sieve),
	  "DELETE FROM sieve WHERE chunk < (SELECT min(id) FROM message_row) / 4096" },
	{ offsetof(struct retain, vacuum), "PRAGMA incremental_vacuum(" VACUUM_PAGES ")" },
};

static int (*const drop_row[MINUTE_WHATS])(struct row_writer *, int64_t, struct error *) = {
	[MINUTE_MESSAGE] = row_drop_message,
	[MINUTE_PHP] = row_drop_php,
};

struct step {
	usec_t before;
	int64_t rows; /* at most */
	int64_t deleted;
};

int retain_init(struct retain *r, struct sql *db, struct error *err)
{
	return sql_prepare_all(db, r, statements, SQL_COUNT(statements), err);
}

/* 1: there is a range that lies before; -1: error. */
static int oldest_range(struct store *s, int what, usec_t before, struct minute_range *range,
			struct error *err)
{
	struct sql_stmt *st = s->retain.oldest;
	int rc;

	sql_bind_int(st, 1, what);
	sql_bind_int(st, 2, before / USEC_MINUTE);
	rc = sql_step(st, err);
	if (rc != 1)
		return rc;
	*range = (struct minute_range){ .minute = sql_int(st, 0), .first = sql_int(st, 1),
					.last = sql_int(st, 2) };
	sql_reset(st);
	return 1;
}

/* Deletes at most `rows` rows of a range. Returns how many; -1 error. */
static int64_t drop_rows(struct store *s, int what, const struct minute_range *range,
			 int64_t rows, struct error *err)
{
	struct sql_stmt *st = s->retain.ids[what];
	int64_t n = 0, *ids = xcalloc((size_t)rows, sizeof(*ids));
	int rc;

	sql_bind_int(st, 1, range->first);
	sql_bind_int(st, 2, range->last);
	sql_bind_int(st, 3, range->minute);
	sql_bind_int(st, 4, rows);
	while ((rc = sql_step(st, err)) == 1)
		ids[n++] = sql_int(st, 0);
	for (int64_t i = 0; i < n && rc == 0; i++)
		rc = drop_row[what](&s->rows, ids[i], err);
	free(ids);
	return rc < 0 ? -1 : n;
}

static int drop_range(struct store *s, int what, const struct minute_range *range,
		      struct error *err)
{
	sql_bind_int(s->retain.drop_range, 1, what);
	sql_bind_int(s->retain.drop_range, 2, range->minute);
	sql_bind_int(s->retain.drop_range, 3, range->first);
	return sql_run(s->retain.drop_range, err);
}

static int drop_kind(struct store *s, int what, struct step *step, struct error *err)
{
	struct minute_range range;
	int rc = 0;

	while (step->deleted < step->rows &&
	       (rc = oldest_range(s, what, step->before, &range, err)) == 1) {
		int64_t left = step->rows - step->deleted;
		int64_t n = drop_rows(s, what, &range, left, err);

		if (n < 0 || (n < left && drop_range(s, what, &range, err) < 0))
			return -1;
		step->deleted += n;
	}
	return rc < 0 ? -1 : 0;
}

/* What hangs on its time, not on a message. */
static int drop_rest(struct store *s, usec_t before, struct error *err)
{
	const struct retain *r = &s->retain;
	const struct {
		struct sql_stmt *st;
		usec_t unit;
	} timed[] = {
		{ r->drop_inbound, USEC_HOUR }, { r->drop_direct, USEC_HOUR },
		{ r->drop_responses, USEC_DAY }, { r->drop_headers, USEC_DAY },
		{ r->drop_words, USEC_DAY },
	};

	for (size_t i = 0; i < SQL_COUNT(timed); i++) {
		sql_bind_int(timed[i].st, 1, before / timed[i].unit);
		if (sql_run(timed[i].st, err) < 0)
			return -1;
	}
	if (sql_run(r->drop_sieve, err) < 0 || sql_run(r->drop_parts, err) < 0 ||
	    sql_run(r->drop_runs, err) < 0)
		return -1;
	return positions_prune(&s->positions, err);
}

static int retain_step(struct store *s, void *argument, struct error *err)
{
	struct step *step = argument;

	for (int what = 0; what < MINUTE_WHATS; what++)
		if (drop_kind(s, what, step, err) < 0)
			return -1;
	if (step->deleted == step->rows)
		return 0; /* there is more to do; the rest is for the last step */
	return drop_rest(s, step->before, err);
}

static int give_back_space(struct store *s, struct error *err)
{
	int64_t unused, pages;

	if (sql_pragma(s->db, "freelist_count", &unused, err) < 0 ||
	    sql_pragma(s->db, "page_count", &pages, err) < 0)
		return -1;
	return unused > pages / VACUUM_SHARE ? sql_run(s->retain.vacuum, err) : 0;
}

int64_t store_retain(struct store *s, usec_t before, int64_t rows, struct error *err)
{
	struct step step = { before, rows, 0 };

	if (rows <= 0 || before <= 0)
		return 0;
	if (store_transaction(s, retain_step, &step, err) < 0)
		return -1;
	minutes_forget(&s->rows.minutes);
	sieve_forget(&s->rows.sieve);
	return give_back_space(s, err) < 0 ? -1 : step.deleted;
}

static int retain_findings_step(struct store *s, void *argument, struct error *err)
{
	struct step *step = argument;
	int64_t findings = finding_drop_old(&s->findings, s->db, step->before, step->rows, err);
	int64_t streams;

	if (findings < 0)
		return -1;
	streams = stream_drop_old(&s->streams, step->before, step->rows, err);
	step->deleted = findings + streams;
	return streams < 0 ? -1 : 0;
}

int64_t store_retain_findings(struct store *s, usec_t before, int64_t rows, struct error *err)
{
	struct step step = { before, rows, 0 };

	if (rows <= 0 || before <= 0)
		return 0;
	if (store_transaction(s, retain_findings_step, &step, err) < 0)
		return -1;
	return give_back_space(s, err) < 0 ? -1 : step.deleted;
}
