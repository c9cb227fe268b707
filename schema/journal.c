/* How far journals were read, and when lines were lost.
 *
 * Invariant: a loss that goes on is one row; there are at most
 * JOURNAL_MAX_LOSSES rows of them. */
#include "schema/journal.h"

/* Two reports with no more than this between them are of one loss. */
#define ONE_LOSS USEC_MINUTE

#define COLUMNS "name, cursor, first, near"

static const struct sql_text statements[] = {
	{ offsetof(struct journals, put),
	  "REPLACE INTO journal (" COLUMNS ") VALUES (?1, ?2, ?3, ?4)" },
	{ offsetof(struct journals, find), "SELECT " COLUMNS " FROM journal WHERE name = ?1" },
	{ offsetof(struct journals, all), "SELECT " COLUMNS " FROM journal" },
	{ offsetof(struct journals, grow),
	  "UPDATE loss SET first = min(first, ?3), last = max(last, ?4), lines = lines + ?5"
	  " WHERE id = (SELECT id FROM loss WHERE source = ?1 AND reporter = ?2"
	  " AND last >= ?3 - ?6 AND first <= ?4 ORDER BY last DESC LIMIT 1) RETURNING 1" },
	{ offsetof(struct journals, add),
	  "INSERT INTO loss (source, reporter, first, last, lines)"
	  " VALUES (?1, ?2, ?3, ?4, ?5)" },
	{ offsetof(struct journals, prune),
	  "DELETE FROM loss WHERE id <= (SELECT max(id) FROM loss) - ?1" },
};

int journals_init(struct journals *j, struct sql *db, struct error *err)
{
	*j = (struct journals){ 0 };
	return sql_prepare_all(db, j, statements, SQL_COUNT(statements), err);
}

void journals_release(struct journals *j)
{
	arena_release(&j->found);
}

static int put_journal(struct journals *j, const struct journal_position *p, struct error *err)
{
	sql_bind_str(j->put, 1, p->name);
	sql_bind_str(j->put, 2, p->cursor);
	sql_bind_int(j->put, 3, p->first);
	sql_bind_int(j->put, 4, p->near);
	return sql_run(j->put, err);
}

static void bind_loss(struct sql_stmt *st, const struct loss *l)
{
	sql_bind_str(st, 1, l->source);
	sql_bind_str(st, 2, l->reporter);
	sql_bind_int(st, 3, l->first);
	sql_bind_int(st, 4, l->last);
	sql_bind_int(st, 5, l->lines);
}

static int put_loss(struct journals *j, const struct loss *l, struct error *err)
{
	int rc;

	bind_loss(j->grow, l);
	sql_bind_int(j->grow, 6, ONE_LOSS);
	rc = sql_step(j->grow, err);
	if (rc == 1)
		sql_reset(j->grow);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	bind_loss(j->add, l);
	if (sql_run(j->add, err) < 0)
		return -1;
	sql_bind_int(j->prune, 1, JOURNAL_MAX_LOSSES);
	return sql_run(j->prune, err);
}

int journals_write(struct journals *j, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->njournals; i++)
		if (put_journal(j, &b->journals[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nlosses; i++)
		if (put_loss(j, &b->losses[i], err) < 0)
			return -1;
	return 0;
}

static struct journal_position take(struct journals *j, struct sql_stmt *st)
{
	arena_reset(&j->found);
	return (struct journal_position){
		.name = arena_str(&j->found, sql_str(st, 0)),
		.cursor = arena_str(&j->found, sql_str(st, 1)),
		.first = sql_int(st, 2),
		.near = sql_int(st, 3),
	};
}

bool journals_find(struct journals *j, struct str name, struct journal_position *out)
{
	int rc;

	sql_bind_str(j->find, 1, name);
	rc = sql_step(j->find, NULL);
	if (rc == 1) {
		*out = take(j, j->find);
		sql_reset(j->find);
	}
	return rc == 1;
}

void journals_each(struct journals *j,
		   void (*fn)(void *context, const struct journal_position *row), void *context)
{
	while (sql_step(j->all, NULL) == 1) {
		struct journal_position row = take(j, j->all);

		fn(context, &row);
	}
	sql_reset(j->all);
}
