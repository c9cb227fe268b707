/* The mail of one subject: hour by hour, by script, and what became of it.
 *
 * Invariant: with an account its index is used, in the hours that `hourly` has for it;
 * without one the period's minutes are. */
#include <stdio.h>

#include "base/stamp.h"
#include "core/stream.h"
#include "schema/report_share.h"

#define OF_ACCOUNT \
	"WITH RECURSIVE days (n) AS (SELECT ?1 / 86400000000 UNION ALL SELECT n + 1 FROM days" \
	" WHERE n < (?2 - 1) / 86400000000) SELECT %s FROM days CROSS JOIN hourly h" \
	" ON h.day = days.n AND h.account = ?3" \
	" CROSS JOIN message_row m INDEXED BY message_account" \
	" ON m.time / 3600000000 = +h.hour AND m.account = h.account" \
	" AND m.time >= ?1 AND m.time < ?2 %s WHERE %s %s"
#define OF_NOBODY "SELECT %s" IN_PERIOD("?1", "?2") " AND ?3 = 0 %s WHERE %s %s"

/* What is asked of the messages of a subject. */
struct question {
	const char *columns, *join, *tail;
};

static const struct question by_hour = {
	"m.time / 3600000000, " SUMS, "", "GROUP BY 1 ORDER BY 1",
};
static const struct question by_script = {
	"k.text, " SUMS ", max(m.script_line)", "CROSS JOIN path k ON k.id = m.script",
	"GROUP BY m.script ORDER BY 3 DESC, 1 LIMIT ?4",
};
static const struct question in_all = {
	"'', " SUMS ", sum(m.took IS NULL)", "", "",
};

/* The id of a text in a dictionary. 1, 0: it is not there; -1. */
static int find_text(struct report *r, const char *query, struct str text, int64_t *id,
		     struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, query, err);
	int rc;

	if (!st)
		return -1;
	sql_bind_str(st, 1, text);
	rc = sql_step(st, err);
	*id = rc == 1 ? sql_int(st, 0) : 0;
	sql_finalize(st);
	return rc;
}

/* "m.login = 7" and the like. 1; 0: there is no such mail; -1. */
static int condition(struct report *r, const struct report_subject *s, char *buf, size_t size,
		     struct error *err)
{
	int64_t login = 0, script = 0;
	int rc = 1;

	if (s->login.n)
		rc = find_text(r, "SELECT id FROM login WHERE text = ?1", s->login, &login, err);
	if (rc == 1 && s->script.n)
		rc = find_text(r, "SELECT id FROM path WHERE text = ?1", s->script, &script, err);
	if (rc != 1)
		return rc;
	snprintf(buf, size, "(%d OR m.login = %lld) AND (%d OR m.script = %lld) AND (%d OR"
		 " m.login IS NULL)", !login, (long long)login, !script, (long long)script,
		 !s->by_scripts);
	return 1;
}

/* 1: *out is to be finalized; 0: there is no such mail; -1. */
static int ask(struct report *r, const struct report_subject *s, struct period t,
	       const struct question *q, int64_t limit, struct sql_stmt **out, struct error *err)
{
	char text[2048], where[160];
	int64_t account = 0;
	int rc = condition(r, s, where, sizeof(where), err);

	if (rc == 1 && s->account.n)
		rc = report_find_account(r, s->account, &account, err);
	if (rc != 1)
		return rc;
	if (account)
		snprintf(text, sizeof(text), OF_ACCOUNT, q->columns, q->join, where, q->tail);
	else
		snprintf(text, sizeof(text), OF_NOBODY, q->columns, q->join, where, q->tail);
	*out = sql_prepare(r->db, text, err);
	if (!*out)
		return -1;
	sql_bind_int(*out, 1, t.since);
	sql_bind_int(*out, 2, t.until);
	sql_bind_int(*out, 3, account);
	if (limit)
		sql_bind_int(*out, 4, limit);
	return 1;
}

int report_subject_hours(struct report *r, const struct report_subject *s, usec_t since,
			 usec_t until, report_hour_fn *fn, void *context, struct error *err)
{
	struct period t = { since, until };
	struct sql_stmt *st;
	int rc = ask(r, s, t, &by_hour, 0, &st, err);

	if (rc != 1)
		return rc;
	while ((rc = sql_step(st, err)) == 1) {
		struct volume v;

		share_take_volume(st, &v);
		if (!fn(context, sql_int(st, 0), &v))
			break;
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_subject_scripts(struct report *r, const struct report_subject *s, usec_t since,
			   usec_t until, int64_t limit, report_script_fn *fn, void *context,
			   struct error *err)
{
	struct period t = { since, until };
	struct sql_stmt *st;
	int rc = ask(r, s, t, &by_script, limit, &st, err);

	if (rc != 1)
		return rc;
	while ((rc = sql_step(st, err)) == 1) {
		struct volume v;

		share_take_volume(st, &v);
		if (!fn(context, sql_str(st, 0), sql_int_or(st, 10, -1), &v))
			break;
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_subject_volume(struct report *r, const struct report_subject *s, usec_t since,
			  usec_t until, struct volume *out, int64_t *queued, struct error *err)
{
	struct period t = { since, until };
	struct sql_stmt *st;
	int rc = ask(r, s, t, &in_all, 0, &st, err);

	*out = (struct volume){ 0 };
	*queued = 0;
	if (rc != 1)
		return rc;
	rc = sql_step(st, err);
	if (rc == 1) {
		share_take_volume(st, out);
		*queued = sql_int(st, 10);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_usual(struct report *r, struct str stream_key, float usual[24], struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, "SELECT state FROM stream WHERE key = ?1", err);
	struct stream *s;
	int rc;

	memset(usual, 0, 24 * sizeof(*usual));
	if (!st)
		return -1;
	sql_bind_str(st, 1, stream_key);
	rc = sql_step(st, err);
	if (rc == 1) {
		s = stream_new(stream_key);
		if (stream_unpack(s, sql_str(st, 0)))
			memcpy(usual, s->usual_all, sizeof(s->usual_all));
		stream_free(s);
	}
	sql_finalize(st);
	return rc;
}
