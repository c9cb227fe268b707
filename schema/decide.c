/* The connection for decisions, news, alerts and mutes.
 *
 * Invariant: of what mailauditd writes, only rows of news go; and a transaction is short,
 * since it can hold up the daemon's commit. */
#include "schema/decide.h"

#include <stdlib.h>

#include "schema/alert_row.h"
#include "schema/decide_state.h"
#include "schema/finding.h"
#include "schema/migrate.h"

static const struct sql_text statements[] = {
	{ offsetof(struct decide, begin), "BEGIN IMMEDIATE" },
	{ offsetof(struct decide, commit), "COMMIT" },
	{ offsetof(struct decide, rollback), "ROLLBACK" },
	{ offsetof(struct decide, watermark), "SELECT value FROM meta WHERE name = 'watermark'" },
	{ offsetof(struct decide, created), "SELECT value FROM meta WHERE name = 'created'" },
	{ offsetof(struct decide, next_news),
	  "SELECT finding, number FROM news WHERE due <= ?1 ORDER BY due, number LIMIT 1" },
	{ offsetof(struct decide, news_done),
	  "DELETE FROM news WHERE finding = ?1 AND number = ?2" },
	{ offsetof(struct decide, news_later),
	  "UPDATE news SET due = ?3 WHERE finding = ?1 AND number = ?2" },
	{ offsetof(struct decide, news_now), "UPDATE news SET due = 0 WHERE due <> 0" },
	{ offsetof(struct decide, finding), FINDING_SELECT "WHERE f.id = ?1" },
	{ offsetof(struct decide, findings),
	  FINDING_SELECT "WHERE f.id IN (SELECT finding FROM alert_finding WHERE alert = ?1)" },
	{ offsetof(struct decide, muted),
	  "SELECT max(until) FROM mute WHERE until > ?4 AND (kind = 'account' AND name = ?1"
	  " OR kind = 'login' AND name = ?2 OR kind = 'script' AND name = ?3)" },
	{ offsetof(struct decide, alert), "SELECT " ALERT_COLUMNS " FROM alert WHERE id = ?1" },
	{ offsetof(struct decide, alert_of_finding),
	  "SELECT " ALERT_COLUMNS " FROM alert WHERE id = (SELECT alert FROM alert_finding"
	  " WHERE finding = ?1)" },
	{ offsetof(struct decide, alert_of_subject),
	  "SELECT " ALERT_COLUMNS " FROM alert WHERE subject = ?1 AND (closed IS NULL OR closed"
	  " >= ?2) ORDER BY id DESC LIMIT 1" },
	{ offsetof(struct decide, put_alert), ALERT_PUT },
	{ offsetof(struct decide, join),
	  "REPLACE INTO alert_finding (finding, alert) VALUES (?1, ?2)" },
	{ offsetof(struct decide, next_open),
	  "SELECT id FROM alert WHERE closed IS NULL AND id > ?1 ORDER BY id LIMIT 1" },
	{ offsetof(struct decide, mute),
	  "REPLACE INTO mute (kind, name, until, because, by, created)"
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	{ offsetof(struct decide, unmute), "DELETE FROM mute WHERE kind = ?1 AND name = ?2" },
	{ offsetof(struct decide, number), "SELECT value FROM notify_meta WHERE name = ?1" },
	{ offsetof(struct decide, set_number),
	  "REPLACE INTO notify_meta (name, value) VALUES (?1, ?2)" },
};

/* --- the connection -------------------------------------------------------- */

static int set_up(struct decide *d, const char *path, struct error *err)
{
	d->db = sql_open_existing(path, err);
	if (!d->db || migrate_check(d->db, migrations, migrations_count, err) < 0)
		return -1;
	if (sql_prepare_all(d->db, d, statements, SQL_COUNT(statements), err) < 0)
		return -1;
	return outbox_prepare(d, err) < 0 || action_prepare(d, err) < 0 ? -1 : 0;
}

struct decide *decide_open(const char *path, struct error *err)
{
	struct decide *d = xcalloc(1, sizeof(*d));

	if (set_up(d, path, err) == 0)
		return d;
	decide_close(d);
	return NULL;
}

void decide_close(struct decide *d)
{
	if (!d)
		return;
	sql_close(d->db);
	free(d);
}

int decide_transaction(struct decide *d, int (*fn)(struct decide *d, void *context,
						   struct error *err),
		       void *context, struct error *err)
{
	if (sql_run(d->begin, err) < 0)
		return -1;
	if (fn(d, context, err) == 0 && sql_run(d->commit, err) == 0)
		return 0;
	sql_run(d->rollback, NULL); /* SQLite may have done it already */
	return -1;
}

int64_t decide_data_version(struct decide *d, struct error *err)
{
	int64_t version;

	return sql_pragma(d->db, "data_version", &version, err) < 0 ? -1 : version;
}

usec_t decide_watermark(struct decide *d)
{
	return sql_run_int(d->watermark);
}

/* --- findings that changed ------------------------------------------------- */

int decide_next_news(struct decide *d, usec_t now, struct news *out, struct error *err)
{
	int rc;

	sql_bind_int(d->next_news, 1, now);
	rc = sql_step(d->next_news, err);
	if (rc != 1)
		return rc;
	*out = (struct news){ sql_int(d->next_news, 0), sql_int(d->next_news, 1) };
	sql_reset(d->next_news);
	return 1;
}

static int run_news(struct sql_stmt *st, const struct news *n, struct error *err)
{
	sql_bind_int(st, 1, n->finding);
	sql_bind_int(st, 2, n->number);
	return sql_run(st, err);
}

int decide_news_done(struct decide *d, const struct news *n, struct error *err)
{
	return run_news(d->news_done, n, err);
}

int decide_news_later(struct decide *d, const struct news *n, usec_t due, struct error *err)
{
	sql_bind_int(d->news_later, 3, due);
	return run_news(d->news_later, n, err);
}

struct finding *decide_finding(struct decide *d, int64_t id, struct error *err)
{
	struct finding *f;
	int rc;

	err->code = 0;
	sql_bind_int(d->finding, 1, id);
	rc = sql_step(d->finding, err);
	if (rc != 1)
		return NULL;
	f = finding_new();
	finding_take(d->finding, f);
	sql_reset(d->finding);
	return f;
}

/* --- alerts ---------------------------------------------------------------- */

static struct alert *take_alert(struct sql_stmt *st, struct error *err)
{
	struct alert *a;

	err->code = 0;
	if (sql_step(st, err) != 1)
		return NULL;
	a = alert_new();
	alert_row_take(st, a);
	sql_reset(st);
	return a;
}

struct alert *decide_alert(struct decide *d, int64_t id, struct error *err)
{
	sql_bind_int(d->alert, 1, id);
	return take_alert(d->alert, err);
}

struct alert *decide_alert_of(struct decide *d, int64_t finding, struct str subject,
			      usec_t closed_since, struct error *err)
{
	struct alert *a;

	sql_bind_int(d->alert_of_finding, 1, finding);
	a = take_alert(d->alert_of_finding, err);
	if (a || err->code)
		return a;
	sql_bind_str(d->alert_of_subject, 1, subject);
	sql_bind_int(d->alert_of_subject, 2, closed_since);
	return take_alert(d->alert_of_subject, err);
}

int decide_put_alert(struct decide *d, struct alert *a, struct error *err)
{
	return alert_row_put(d->db, d->put_alert, a, err);
}

int decide_join(struct decide *d, int64_t finding, int64_t alert, struct error *err)
{
	sql_bind_int(d->join, 1, finding);
	sql_bind_int(d->join, 2, alert);
	return sql_run(d->join, err);
}

int decide_look(struct decide *d, int64_t alert, struct alert_look *look, struct error *err)
{
	int rc;

	*look = (struct alert_look){ 0 };
	sql_bind_int(d->findings, 1, alert);
	while ((rc = sql_step(d->findings, err)) == 1) {
		struct finding *f = finding_new();

		finding_take(d->findings, f);
		alert_look_at(look, f);
		finding_free(f);
	}
	return rc;
}

int decide_each_finding(struct decide *d, int64_t alert,
			int (*fn)(void *context, const struct finding *f, struct error *err),
			void *context, struct error *err)
{
	int rc;

	sql_bind_int(d->findings, 1, alert);
	while ((rc = sql_step(d->findings, err)) == 1) {
		struct finding *f = finding_new();

		finding_take(d->findings, f);
		rc = fn(context, f, err);
		finding_free(f);
		if (rc < 0)
			break;
	}
	sql_reset(d->findings);
	return rc;
}

int decide_next_open(struct decide *d, int64_t after, int64_t *id, struct error *err)
{
	int rc;

	sql_bind_int(d->next_open, 1, after);
	rc = sql_step(d->next_open, err);
	if (rc != 1)
		return rc;
	*id = sql_int(d->next_open, 0);
	sql_reset(d->next_open);
	return 1;
}

/* --- mutes ----------------------------------------------------------------- */

int decide_mute(struct decide *d, const struct mute *m, struct error *err)
{
	sql_bind_str(d->mute, 1, m->kind);
	sql_bind_str(d->mute, 2, m->name);
	sql_bind_int(d->mute, 3, m->until);
	sql_bind_str(d->mute, 4, m->because);
	sql_bind_str(d->mute, 5, m->by);
	sql_bind_int(d->mute, 6, m->created);
	if (sql_run(d->mute, err) < 0)
		return -1;
	return sql_run(d->news_now, err); /* a shorter mute than before */
}

int decide_unmute(struct decide *d, struct str kind, struct str name, struct error *err)
{
	sql_bind_str(d->unmute, 1, kind);
	sql_bind_str(d->unmute, 2, name);
	if (sql_run(d->unmute, err) < 0)
		return -1;
	if (sql_changes(d->db) == 0)
		return 0;
	return sql_run(d->news_now, err) < 0 ? -1 : 1;
}

static usec_t muted_until(struct decide *d, struct str account, struct str login,
			  struct str script, usec_t now)
{
	sql_bind_str(d->muted, 1, account);
	sql_bind_str(d->muted, 2, login);
	sql_bind_str(d->muted, 3, script);
	sql_bind_int(d->muted, 4, now);
	return sql_run_int(d->muted);
}

usec_t decide_muted_until(struct decide *d, const struct finding *f, usec_t now)
{
	return muted_until(d, f->account, f->login, f->script, now);
}

usec_t decide_alert_muted_until(struct decide *d, const struct alert *a, usec_t now)
{
	struct str kind = alert_kind(a), name = alert_name(a);

	return muted_until(d, a->account, str_eq(kind, STR("login")) ? name : STR_NONE,
			   str_eq(kind, STR("script")) ? name : STR_NONE, now);
}

/* --- housekeeping ---------------------------------------------------------- */

usec_t decide_created(struct decide *d)
{
	return sql_run_int(d->created);
}

int64_t decide_number(struct decide *d, const char *name)
{
	sql_bind_str(d->number, 1, str_of(name));
	return sql_run_int(d->number);
}

int decide_set_number(struct decide *d, const char *name, int64_t value, struct error *err)
{
	sql_bind_str(d->set_number, 1, str_of(name));
	sql_bind_int(d->set_number, 2, value);
	return sql_run(d->set_number, err);
}

/* What was done and not undone is kept, so that it can be. */
#define FORGETTABLE \
	"SELECT id FROM alert WHERE closed < ?1 AND NOT EXISTS (SELECT 1 FROM action" \
	" WHERE action.alert = alert.id AND state = 1) ORDER BY closed LIMIT ?2"

/* Tables that hang on alerts first: they are found by them. */
static const char *const forgets[] = {
	"DELETE FROM alert_finding WHERE alert IN (" FORGETTABLE ")",
	"DELETE FROM outbox WHERE alert IN (" FORGETTABLE ")",
	"DELETE FROM action WHERE alert IN (" FORGETTABLE ")",
	"DELETE FROM alert WHERE id IN (" FORGETTABLE ")",
	"DELETE FROM outbox WHERE alert = 0 AND done < ?1 AND ?2",
	"DELETE FROM mute WHERE until < ?1 AND ?2",
};

struct before {
	usec_t time;
	int64_t rows;
};

static int forget(struct decide *d, void *context, struct error *err)
{
	const struct before *before = context;
	int rc = 0;

	for (size_t i = 0; i < SQL_COUNT(forgets) && rc == 0; i++) {
		struct sql_stmt *st = sql_prepare(d->db, forgets[i], err);

		if (!st)
			return -1;
		sql_bind_int(st, 1, before->time);
		sql_bind_int(st, 2, before->rows);
		rc = sql_run(st, err);
		sql_finalize(st);
	}
	return rc;
}

int decide_forget(struct decide *d, usec_t before, int64_t rows, struct error *err)
{
	struct before b = { before, rows };

	return before > 0 && rows > 0 ? decide_transaction(d, forget, &b, err) : 0;
}
