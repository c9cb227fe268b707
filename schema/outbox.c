/* The outbox: one row for each version of an alert and channel.
 *
 * Invariant: a row is handed over at least once before it says so. */
#include "schema/outbox.h"

#include "schema/decide_state.h"

const char *const outbox_state_name[] = { "waiting", "sent", "held", "in a digest", "dropped" };

#define OUTBOX_SELECT \
	"SELECT id, alert, version, change, channel, created, due, tries FROM outbox "

static const struct sql_text statements[] = {
	{ offsetof(struct decide, outbox_put),
	  "INSERT INTO outbox (alert, version, change, channel, state, created, due, tries)"
	  " VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, 0)" },
	{ offsetof(struct decide, outbox_next),
	  OUTBOX_SELECT "WHERE state = 0 AND due <= ?1 ORDER BY due, id LIMIT 1" },
	{ offsetof(struct decide, outbox_due),
	  "SELECT due FROM outbox WHERE state = 0 ORDER BY due LIMIT 1" },
	{ offsetof(struct decide, outbox_result),
	  "UPDATE outbox SET state = ?2, due = ?3, done = ?4, error = ?5, tries = tries + ?6"
	  " WHERE id = ?1" },
	{ offsetof(struct decide, outbox_sent),
	  "SELECT count(*) FROM outbox WHERE channel = ?1 AND done > ?2 AND state = 1"
	  " AND alert <> 0" },
	{ offsetof(struct decide, outbox_held),
	  OUTBOX_SELECT "WHERE state = 2 AND channel = ?1 AND id > ?2 ORDER BY id LIMIT 1" },
	{ offsetof(struct decide, outbox_told),
	  "UPDATE outbox SET state = 3, done = ?3 WHERE state = 2 AND channel = ?1 AND id <= ?2" },
	{ offsetof(struct decide, outbox_postpone),
	  "UPDATE outbox SET due = ?2 WHERE state = 0 AND channel = ?1 AND due < ?2" },
	{ offsetof(struct decide, outbox_waits),
	  "SELECT 1 FROM outbox WHERE state = 0 AND channel = ?1 AND alert = 0 AND version = ?2" },
};

int outbox_prepare(struct decide *d, struct error *err)
{
	return sql_prepare_all(d->db, d, statements, SQL_COUNT(statements), err);
}

int outbox_put_later(struct decide *d, int64_t alert, int64_t version, enum alert_change change,
		     const char *channel, usec_t now, usec_t due, struct error *err)
{
	struct sql_stmt *st = d->outbox_put;

	sql_bind_int(st, 1, alert);
	sql_bind_int(st, 2, version);
	sql_bind_int(st, 3, change);
	sql_bind_str(st, 4, str_of(channel));
	sql_bind_int(st, 5, now);
	sql_bind_int(st, 6, due);
	return sql_run(st, err);
}

int outbox_put(struct decide *d, int64_t alert, int64_t version, enum alert_change change,
	       const char *channel, usec_t now, struct error *err)
{
	return outbox_put_later(d, alert, version, change, channel, now, now, err);
}

static int take(struct sql_stmt *st, struct outbox_item *out, struct error *err)
{
	static char channel[32];
	struct str name;
	int rc = sql_step(st, err);

	if (rc != 1)
		return rc;
	name = str_head(sql_str(st, 4), sizeof(channel));
	memcpy(channel, name.p, name.n);
	*out = (struct outbox_item){ .id = sql_int(st, 0), .alert = sql_int(st, 1),
				     .version = sql_int(st, 2),
				     .change = (enum alert_change)sql_int(st, 3),
				     .channel = { channel, name.n }, .created = sql_int(st, 5),
				     .due = sql_int(st, 6), .tries = sql_int(st, 7) };
	sql_reset(st);
	return 1;
}

int outbox_next(struct decide *d, usec_t now, struct outbox_item *out, struct error *err)
{
	sql_bind_int(d->outbox_next, 1, now);
	return take(d->outbox_next, out, err);
}

usec_t outbox_next_due(struct decide *d)
{
	return sql_run_int(d->outbox_due);
}

int outbox_result(struct decide *d, int64_t id, enum outbox_state state, usec_t due, usec_t now,
		  const char *error, struct error *err)
{
	struct sql_stmt *st = d->outbox_result;

	sql_bind_int(st, 1, id);
	sql_bind_int(st, 2, state);
	sql_bind_int(st, 3, due);
	sql_bind_int_unless(st, 4, state == OUTBOX_SENT || state == OUTBOX_DROPPED ? now : 0, 0);
	sql_bind_str_or_null(st, 5, str_of(error));
	sql_bind_int(st, 6, state == OUTBOX_SENT || state == OUTBOX_WAITING);
	return sql_run(st, err);
}

int outbox_postpone(struct decide *d, const char *channel, usec_t due, struct error *err)
{
	sql_bind_str(d->outbox_postpone, 1, str_of(channel));
	sql_bind_int(d->outbox_postpone, 2, due);
	return sql_run(d->outbox_postpone, err);
}

bool outbox_waits(struct decide *d, const char *channel, enum outbox_special special)
{
	sql_bind_str(d->outbox_waits, 1, str_of(channel));
	sql_bind_int(d->outbox_waits, 2, special);
	return sql_run_int(d->outbox_waits) != 0;
}

int64_t outbox_sent_since(struct decide *d, const char *channel, usec_t since)
{
	sql_bind_str(d->outbox_sent, 1, str_of(channel));
	sql_bind_int(d->outbox_sent, 2, since);
	return sql_run_int(d->outbox_sent);
}

int outbox_next_held(struct decide *d, const char *channel, int64_t after,
		     struct outbox_item *out, struct error *err)
{
	sql_bind_str(d->outbox_held, 1, str_of(channel));
	sql_bind_int(d->outbox_held, 2, after);
	return take(d->outbox_held, out, err);
}

int outbox_digested(struct decide *d, const char *channel, int64_t upto, usec_t now,
		    struct error *err)
{
	sql_bind_str(d->outbox_told, 1, str_of(channel));
	sql_bind_int(d->outbox_told, 2, upto);
	sql_bind_int(d->outbox_told, 3, now);
	return sql_run(d->outbox_told, err);
}
