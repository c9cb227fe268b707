/* Findings to rows and back.
 *
 * Invariant: what was written comes back byte for byte; a NULL is the usual
 * value that 0002_detection.sql names. */
#include "schema/finding.h"

#include "schema/cells.h"

static const struct sql_text statements[] = {
	{ offsetof(struct finding_rows, put),
	  "REPLACE INTO finding (id, stream, time, first_seen, last_seen, closed, reopened,"
	  " severity, verdict, origin, account, login, script, script_line, score_volume,"
	  " score_origin, score_delivery, score_injection, score_script, score_identity, messages,"
	  " recipients, leaked_before, novel, results, unknown_users, spam_answers, summary,"
	  " evidence, why, advice, sources, answers, queue_ids, subjects) VALUES (?, ?, ?, ?, ?,"
	  " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
	  " ?)" },
	{ offsetof(struct finding_rows, one), FINDING_SELECT "WHERE f.id = ?1" },
	{ offsetof(struct finding_rows, drop),
	  "DELETE FROM finding WHERE id IN (SELECT id FROM finding INDEXED BY finding_time"
	  " WHERE time < ?1 AND last_seen < ?1 AND closed IS NOT NULL ORDER BY time LIMIT ?2)" },
};

int finding_rows_init(struct finding_rows *r, struct sql *db, struct error *err)
{
	return sql_prepare_all(db, r, statements, SQL_COUNT(statements), err);
}

/* --- writing --------------------------------------------------------------- */

static void give_times(struct cells_out *c, const struct finding *f)
{
	give_number(c, f->id);
	give_number(c, f->stream);
	give_number(c, f->time);
	give_number(c, f->first_seen);
	give_number(c, f->last_seen);
	give_int(c, f->closed, 0);
	give_int(c, f->reopened, 0);
}

static int give_whose(struct cells_out *c, struct row_writer *w, const struct finding *f)
{
	const struct str origin[] = { f->host, STR_NONE };

	if (give_entry(c, &w->origin, origin) < 0 || give_entry(c, &w->account, &f->account) < 0 ||
	    give_entry(c, &w->login, &f->login) < 0 || give_entry(c, &w->path, &f->script) < 0)
		return -1;
	give_int(c, f->script_line, -1);
	return 0;
}

static void give_figures(struct cells_out *c, const struct finding *f)
{
	for (int i = 0; i < FAMILIES; i++)
		give_real(c, (double)f->score[i]);
	give_number(c, f->messages);
	give_number(c, f->recipients);
	give_int(c, f->leaked_before, 0);
	give_int(c, f->novel, 0);
	give_int(c, f->results, 0);
	give_int(c, f->unknown_users, 0);
	give_int(c, f->spam_answers, 0);
}

static void give_texts(struct cells_out *c, const struct finding *f)
{
	give_str(c, f->summary);
	give_str(c, f->evidence);
	give_str(c, f->why);
	give_str(c, f->advice);
	give_str(c, f->sources);
	give_str(c, f->answers);
	give_str(c, f->queue_ids);
	give_str(c, f->subjects);
}

int finding_put(struct finding_rows *r, struct row_writer *w, const struct finding *f,
		struct error *err)
{
	struct cells_out c = { r->put, 1, err };

	give_times(&c, f);
	give_number(&c, f->severity);
	give_number(&c, f->verdict);
	if (give_whose(&c, w, f) < 0)
		return -1;
	give_figures(&c, f);
	give_texts(&c, f);
	return sql_run(r->put, err);
}

int64_t finding_drop_old(struct finding_rows *r, struct sql *db, usec_t before, int64_t rows,
			 struct error *err)
{
	sql_bind_int(r->drop, 1, before);
	sql_bind_int(r->drop, 2, rows);
	return sql_run(r->drop, err) < 0 ? -1 : sql_changes(db);
}

/* --- reading --------------------------------------------------------------- */

static void take_times(struct cells_in *c, struct finding *f)
{
	f->id = take_int(c, 0);
	f->stream = take_int(c, 0);
	f->stream_key = take_str(c);
	f->time = take_int(c, 0);
	f->first_seen = take_int(c, 0);
	f->last_seen = take_int(c, 0);
	f->closed = take_int(c, 0);
	f->reopened = take_int(c, 0);
}

static void take_whose(struct cells_in *c, struct finding *f)
{
	f->host = take_str(c);
	f->account = take_str(c);
	f->login = take_str(c);
	f->script = take_str(c);
	f->script_line = take_int(c, -1);
}

static void take_figures(struct cells_in *c, struct finding *f)
{
	for (int i = 0; i < FAMILIES; i++)
		f->score[i] = (float)take_real(c);
	f->messages = take_int(c, 0);
	f->recipients = take_int(c, 0);
	f->leaked_before = take_int(c, 0);
	f->novel = take_int(c, 0);
	f->results = take_int(c, 0);
	f->unknown_users = take_int(c, 0);
	f->spam_answers = take_int(c, 0);
}

static void take_texts(struct cells_in *c, struct finding *f)
{
	f->summary = take_str(c);
	f->evidence = take_str(c);
	f->why = take_str(c);
	f->advice = take_str(c);
	f->sources = take_str(c);
	f->answers = take_str(c);
	f->queue_ids = take_str(c);
	f->subjects = take_str(c);
}

void finding_take(struct sql_stmt *st, struct finding *f)
{
	struct cells_in c = { st, &f->strings, 0 };

	take_times(&c, f);
	f->severity = take_enum(&c, 0, SEVERITY_CRITICAL);
	f->verdict = take_enum(&c, 0, CASES - 1);
	take_whose(&c, f);
	take_figures(&c, f);
	take_texts(&c, f);
	f->stored = true;
}

int finding_read(struct finding_rows *r, int64_t id, struct finding *f, struct error *err)
{
	int rc;

	sql_bind_int(r->one, 1, id);
	rc = sql_step(r->one, err);
	if (rc != 1)
		return rc;
	finding_take(r->one, f);
	sql_reset(r->one);
	return 1;
}
