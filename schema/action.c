/* Actions to rows and back. */
#include "schema/action.h"

#include <stdlib.h>

#include "schema/action_row.h"
#include "schema/cells.h"
#include "schema/decide_state.h"

const char *const action_state_name[] = { "waiting", "done",   "failed",
					  "dry run", "undone", "refused" };

static const struct sql_text statements[] = {
	{ offsetof(struct decide, action_put),
	  "REPLACE INTO action (" ACTION_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
	{ offsetof(struct decide, action_one), "SELECT " ACTION_COLUMNS " FROM action WHERE id = ?1" },
	{ offsetof(struct decide, action_next),
	  "SELECT " ACTION_COLUMNS " FROM action WHERE state = 0 ORDER BY id LIMIT 1" },
	{ offsetof(struct decide, action_newest),
	  "SELECT " ACTION_COLUMNS " FROM action WHERE alert = ?1 AND name = ?2 AND target = ?3"
	  " ORDER BY id DESC LIMIT 1" },
	{ offsetof(struct decide, action_started),
	  "SELECT count(*) FROM action WHERE started > ?1 AND automatic = 1 AND state <> 5" },
};

int action_prepare(struct decide *d, struct error *err)
{
	return sql_prepare_all(d->db, d, statements, SQL_COUNT(statements), err);
}

struct action_row *action_row_new(void)
{
	return xcalloc(1, sizeof(struct action_row));
}

void action_row_free(struct action_row *a)
{
	if (!a)
		return;
	arena_release(&a->strings);
	free(a);
}

void action_row_take(struct sql_stmt *st, struct action_row *a)
{
	struct cells_in c = { st, &a->strings, 0 };

	a->id = take_int(&c, 0);
	a->alert = take_int(&c, 0);
	a->name = take_str(&c);
	a->target = take_str(&c);
	a->state = take_enum(&c, 0, ACTION_REFUSED);
	a->automatic = take_int(&c, 0) != 0;
	a->by = take_str(&c);
	a->created = take_int(&c, 0);
	a->started = take_int(&c, 0);
	a->undone = take_int(&c, 0);
	a->undone_by = take_str(&c);
	a->steps = take_str(&c);
	a->output = take_str(&c);
}

int action_put(struct decide *d, struct action_row *a, struct error *err)
{
	struct cells_out c = { d->action_put, 1, err };

	give_int(&c, a->id, 0);
	give_number(&c, a->alert);
	sql_bind_str(c.st, c.at++, a->name);
	sql_bind_str(c.st, c.at++, a->target);
	give_number(&c, a->state);
	give_int(&c, a->automatic, 0);
	give_str(&c, a->by);
	give_number(&c, a->created);
	give_int(&c, a->started, 0);
	give_int(&c, a->undone, 0);
	give_str(&c, a->undone_by);
	give_str(&c, a->steps);
	give_str(&c, a->output);
	if (sql_run(c.st, err) < 0)
		return -1;
	if (!a->id)
		a->id = sql_last_id(d->db);
	return 0;
}

static struct action_row *take(struct sql_stmt *st, struct error *err)
{
	struct action_row *a;

	err->code = 0;
	if (sql_step(st, err) != 1)
		return NULL;
	a = action_row_new();
	action_row_take(st, a);
	sql_reset(st);
	return a;
}

struct action_row *action_load(struct decide *d, int64_t id, struct error *err)
{
	sql_bind_int(d->action_one, 1, id);
	return take(d->action_one, err);
}

struct action_row *action_next(struct decide *d, struct error *err)
{
	return take(d->action_next, err);
}

struct action_row *action_newest(struct decide *d, int64_t alert, struct str name,
				 struct str target, struct error *err)
{
	sql_bind_int(d->action_newest, 1, alert);
	sql_bind_str(d->action_newest, 2, name);
	sql_bind_str(d->action_newest, 3, target);
	return take(d->action_newest, err);
}

int64_t action_started_since(struct decide *d, usec_t since)
{
	sql_bind_int(d->action_started, 1, since);
	return sql_run_int(d->action_started);
}
