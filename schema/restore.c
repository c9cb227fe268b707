/* What a restart needs, from the database back into a pipeline.
 *
 * Invariant: after it the pipeline knows every message that is open, waits for
 * its PHP line, or ended a moment ago, under each of its queue ids, the ended
 * ones in the order of their end. Messages themselves stay in the database
 * until a line asks for them. */
#include "schema/row_layout.h"
#include "schema/store.h"
#include "schema/store_state.h"

/* Messages that took longer to end are found by an index of their own. */
#define SLOW_USEC 3600000000

static const char open_messages[] =
	"SELECT m.id, o.host, o.instance, m.queue_id, x.aliases, m.time, m.took, m.work"
	" FROM message_row m JOIN origin o ON o.id = m.origin" WITH_MORE
	" WHERE m.work IS NOT NULL ORDER BY m.id";

/* ?1: ended at or after; ?2: the minute an hour before it. */
static const char ended_messages[] =
	"WITH ended (id) AS ("
	" SELECT m.id FROM minute s CROSS JOIN message_row m ON m.id BETWEEN s.first AND s.last"
	"  AND m.time / 60000000 = s.minute"
	"  WHERE s.what = 0 AND s.minute >= ?2 AND m.took <= 3600000000 AND m.time + m.took >= ?1"
	" UNION ALL SELECT id FROM message_row"
	"  WHERE took > 3600000000 AND time + took >= ?1)"
	" SELECT m.id, o.host, o.instance, m.queue_id, x.aliases, m.time, m.took, m.work"
	" FROM ended CROSS JOIN message_row m ON m.id = ended.id JOIN origin o ON o.id = m.origin"
	WITH_MORE
	" WHERE m.work IS NULL ORDER BY m.time + m.took, m.id";

static bool is_waiting(struct str work)
{
	struct message *m = message_new();
	bool waiting;

	message_work_unpack(m, work);
	waiting = m->work.waiting;
	message_free(m);
	return waiting;
}

static void restore_row(struct sql_stmt *st, struct pipeline *p)
{
	struct str host = sql_str(st, 1), instance = sql_str(st, 2), queue_id = sql_str(st, 3);
	struct str aliases = sql_str(st, 4), work = sql_str(st, 7);
	int64_t id = sql_int(st, 0);
	usec_t time = sql_int(st, 5);
	usec_t closed = sql_is_null(st, 6) ? 0 : time + sql_int(st, 6);
	bool waiting = work.n && is_waiting(work);

	pipeline_restore_message(p, host, instance, queue_id, id, time, closed, waiting);
	while (aliases.n) {
		size_t end = str_chr(aliases, '\n');

		queue_id = alias_id(str_head(aliases, end), &instance);
		pipeline_restore_message(p, host, instance, queue_id, id, time, closed, waiting);
		aliases = str_skip(aliases, end + 1);
	}
}

static int restore_messages(struct store *s, struct pipeline *p, const char *query, usec_t since,
			    struct error *err)
{
	struct sql_stmt *st = sql_prepare(s->db, query, err);
	int rc = -1;

	if (!st)
		return -1;
	if (query == ended_messages) {
		sql_bind_int(st, 1, since);
		sql_bind_int(st, 2, (since - SLOW_USEC) / USEC_MINUTE);
	}
	while ((rc = sql_step(st, err)) == 1)
		restore_row(st, p);
	sql_finalize(st);
	return rc;
}

static int restore_php(struct store *s, struct pipeline *p, struct error *err)
{
	static const char query[] = "SELECT id FROM php_row WHERE state = 0 ORDER BY id";
	struct sql_stmt *st = sql_prepare(s->db, query, err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1) {
		struct php_mail *line = php_mail_new();

		rc = row_read_php(&s->reader, sql_int(st, 0), line, err);
		if (rc != 1) {
			php_mail_free(line);
			break;
		}
		line->stored = true;
		pipeline_restore_php(p, line);
	}
	sql_finalize(st);
	return rc;
}

static int restore_notes(struct store *s, struct pipeline *p, struct error *err)
{
	static const char query[] =
		"SELECT kind, key, value, time FROM note ORDER BY time, kind, key";
	struct sql_stmt *st = sql_prepare(s->db, query, err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1) {
		struct note n = { sql_str(st, 0), sql_str(st, 1), sql_str(st, 2), sql_int(st, 3) };

		if (!n.value.p)
			n.value = STR("");
		pipeline_restore_note(p, &n);
	}
	sql_finalize(st);
	return rc;
}

/* Those that are closed are read when their stream goes on. */
static int restore_findings(struct store *s, struct pipeline *p, struct error *err)
{
	struct sql_stmt *st = sql_prepare(s->db, FINDING_SELECT "WHERE f.closed IS NULL"
					  " ORDER BY f.id", err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1) {
		struct finding *f = finding_new();

		finding_take(st, f);
		pipeline_restore_finding(p, f);
	}
	sql_finalize(st);
	return rc;
}

int store_restore(struct store *s, struct pipeline *p, usec_t linger, struct error *err)
{
	usec_t watermark = s->meta[META_WATERMARK];

	pipeline_restore_ids(p, s->meta[META_NEXT_MESSAGE], s->meta[META_NEXT_PHP], watermark);
	if (restore_messages(s, p, open_messages, 0, err) < 0 ||
	    restore_messages(s, p, ended_messages, watermark - linger, err) < 0)
		return -1;
	if (restore_php(s, p, err) < 0)
		return -1;
	if (restore_notes(s, p, err) < 0)
		return -1;
	pipeline_restore_detection(p, s->meta[META_NEXT_STREAM], s->meta[META_NEXT_FINDING]);
	return restore_findings(s, p, err);
}
