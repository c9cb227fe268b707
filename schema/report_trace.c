/* One message's story: every message that has an id, what it reports on and
 * what reports on it.
 *
 * Invariant: candidates come from the lookup tables, where ids are cut to 24
 * bits of their hash; a candidate counts only when the message itself has the
 * id. Each message is told once. */
#include <stdlib.h>

#include "schema/report_state.h"

/* A Message-ID is chosen by the sender and can be on any number of messages. */
#define TRACE_MAX 10000

static const char children[] =
	"SELECT message FROM message_more WHERE parent = ?1 ORDER BY message LIMIT 10000";

struct step {
	int64_t id;
	usec_t time;
	enum trace_role role;
};

struct trace {
	struct report *report;
	struct str id;
	struct step *steps;
	size_t n;
};

static bool has(const struct trace *t, int64_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->steps[i].id == id)
			return true;
	return false;
}

static bool carries(const struct message *m, struct str id)
{
	struct str instance;

	if (str_eq(m->queue_id, id) || str_eq(m->message_id, id))
		return true;
	for (size_t i = 0; i < m->naliases; i++)
		if (str_eq(alias_id(m->aliases[i], &instance), id))
			return true;
	return false;
}

/* Adds a row, when it is there and, as a match, carries the id. *parent: what
 * it reports on, or 0. */
static int add(struct trace *t, int64_t id, enum trace_role role, int64_t *parent,
	       struct error *err)
{
	struct loaded l;
	int rc;

	*parent = 0;
	if (!id || t->n >= TRACE_MAX || has(t, id))
		return 0;
	rc = report_load(t->report, id, &l, err);
	if (rc != 1)
		return rc;
	if (role != TRACE_MATCH || carries(l.message, t->id)) {
		t->steps[t->n++] = (struct step){ id, l.message->time, role };
		*parent = l.message->parent;
	}
	report_unload(&l);
	return 0;
}

static int add_match(void *context, int64_t message, struct error *err)
{
	struct trace *t = context;
	int64_t parent;

	if (t->n >= TRACE_MAX)
		return 1;
	return add(t, message, TRACE_MATCH, &parent, err) < 0 ? -1 : 0;
}

static int add_children(struct trace *t, int64_t id, struct error *err)
{
	struct sql_stmt *st = sql_prepare(t->report->db, children, err);
	int64_t parent;
	int rc = -1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, id);
	while ((rc = sql_step(st, err)) == 1)
		if (add(t, sql_int(st, 0), TRACE_CHILD, &parent, err) < 0) {
			rc = -1;
			break;
		}
	sql_finalize(st);
	return rc;
}

static int64_t parent_of(struct trace *t, int64_t id, struct error *err)
{
	struct loaded l;
	int64_t parent;

	if (report_load(t->report, id, &l, err) != 1)
		return 0;
	parent = l.message->parent;
	report_unload(&l);
	return parent;
}

/* One generation up and down from each match. */
static int add_relatives(struct trace *t, struct error *err)
{
	size_t matches = t->n;
	int64_t ignored;

	for (size_t i = 0; i < matches; i++) {
		int64_t id = t->steps[i].id;

		if (add(t, parent_of(t, id, err), TRACE_PARENT, &ignored, err) < 0 ||
		    add_children(t, id, err) < 0)
			return -1;
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int tell(struct trace *t, report_trace_fn *fn, void *context, struct error *err)
{
	struct report_trace row;
	bool more = true;

	qsort(t->steps, t->n, sizeof(*t->steps), by_time);
	for (size_t i = 0; i < t->n && more; i++) {
		struct loaded l;
		int rc = report_load(t->report, t->steps[i].id, &l, err);

		if (rc != 1)
			return rc;
		row = (struct report_trace){ t->steps[i].role, { l.message, l.php } };
		more = fn(context, &row);
		report_unload(&l);
	}
	return 0;
}

static struct str without_angles(struct str id)
{
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		return str_head(str_skip(id, 1), id.n - 2);
	return id;
}

int report_trace(struct report *r, struct str id, report_trace_fn *fn, void *context,
		 struct error *err)
{
	struct trace t = { .report = r, .id = without_angles(id) };
	int rc;

	if (!t.id.n)
		return 0;
	if (report_begin(r, err) < 0)
		return -1;
	t.steps = xcalloc(TRACE_MAX, sizeof(*t.steps));
	rc = lookup_find(&r->reader.lookup, t.id, 0, INT64_MAX, add_match, &t, err);
	if (rc >= 0)
		rc = add_relatives(&t, err);
	if (rc == 0)
		rc = tell(&t, fn, context, err);
	free(t.steps);
	return report_end(r, rc);
}
