/* Rows back into a sequence of events.
 *
 * Two walks go through messages and calls, minute by minute, one row ahead;
 * what a row says about later times waits in a heap. Invariant: events come in
 * the order of time, and of the same time what was first in the log; in memory
 * is what has not had its last event. */
#include "schema/past.h"

#include <stdlib.h>

#include "base/stamp.h"
#include "schema/minute.h"
#include "schema/report_state.h"

/* A row, for as long as events of it are to come. */
struct held {
	struct loaded row;
	size_t uses;
};

struct waiting {
	usec_t time;
	uint64_t order;
	enum past_kind kind;
	struct held *row;
	size_t nth;
};

/* Through the rows of a kind. */
struct walk {
	int64_t minute; /* the next one to look at */
	struct sql_stmt *next, *ids;
	bool in_minute; /* ids has more */
	struct held *head; /* NULL: none, or not looked up */
	usec_t time; /* of head */
};

struct past {
	struct report *report;
	struct period period;
	usec_t php_wait;
	struct walk walk[MINUTE_WHATS];
	struct waiting *heap;
	size_t n, room;
	uint64_t order;
	struct held *told; /* of the event the caller has */
};

static const char next_minute[] =
	"SELECT minute FROM minute WHERE what = ?1 AND minute BETWEEN ?2 AND ?3"
	" ORDER BY minute LIMIT 1";
#define IDS(table) \
	"SELECT m.id FROM minute s CROSS JOIN " table " m ON m.id BETWEEN s.first AND s.last" \
	" AND m.time / 60000000 = s.minute WHERE s.what = ?1 AND s.minute = ?2" \
	" AND m.time >= ?3 AND m.time < ?4 ORDER BY m.time, m.id"
static const char *const ids_of_minute[MINUTE_WHATS] = {
	[MINUTE_MESSAGE] = IDS("message_row"),
	[MINUTE_PHP] = IDS("php_row"),
};

/* ---- rows ---- */

static void let_go(struct held *h)
{
	if (!h || --h->uses)
		return;
	report_unload(&h->row);
	free(h);
}

/* ---- what waits ---- */

static bool is_before(const struct waiting *a, const struct waiting *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void swap(struct waiting *a, struct waiting *b)
{
	struct waiting c = *a;

	*a = *b;
	*b = c;
}

static void wait_for(struct past *p, usec_t time, enum past_kind kind, struct held *row, size_t nth)
{
	size_t i = p->n++;

	if (p->n > p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->heap = xrealloc(p->heap, p->room * sizeof(*p->heap));
	}
	p->heap[i] = (struct waiting){ time, p->order++, kind, row, nth };
	row->uses++;
	for (; i && is_before(&p->heap[i], &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&p->heap[i], &p->heap[(i - 1) / 2]);
}

static struct waiting take_first(struct past *p)
{
	struct waiting first = p->heap[0];

	p->heap[0] = p->heap[--p->n];
	for (size_t i = 0, child; (child = 2 * i + 1) < p->n; i = child) {
		if (child + 1 < p->n && is_before(&p->heap[child + 1], &p->heap[child]))
			child++;
		if (!is_before(&p->heap[child], &p->heap[i]))
			break;
		swap(&p->heap[i], &p->heap[child]);
	}
	return first;
}

/* ---- walks ---- */

static int enter_minute(struct past *p, int what, struct error *err)
{
	struct walk *w = &p->walk[what];
	int rc;

	sql_bind_int(w->next, 1, what);
	sql_bind_int(w->next, 2, w->minute);
	sql_bind_int(w->next, 3, (p->period.until - 1) / USEC_MINUTE);
	rc = sql_step(w->next, err);
	if (rc != 1)
		return rc;
	w->minute = sql_int(w->next, 0);
	sql_reset(w->next);
	sql_bind_int(w->ids, 1, what);
	sql_bind_int(w->ids, 2, w->minute++);
	sql_bind_int(w->ids, 3, p->period.since);
	sql_bind_int(w->ids, 4, p->period.until);
	w->in_minute = true;
	return 1;
}

static int load(struct past *p, int what, int64_t id, struct held *h, struct error *err)
{
	struct walk *w = &p->walk[what];
	int rc;

	if (what == MINUTE_MESSAGE) {
		rc = report_load(p->report, id, &h->row, err);
		w->time = rc == 1 ? h->row.message->time : 0;
		return rc;
	}
	h->row.php = php_mail_new();
	rc = row_read_php(&p->report->reader, id, h->row.php, err);
	w->time = h->row.php->time;
	return rc;
}

/* The walk's next row in head, or none. */
static int look_ahead(struct past *p, int what, struct error *err)
{
	struct walk *w = &p->walk[what];
	int rc = 1;

	while (!w->head && rc == 1) {
		if (!w->in_minute) {
			rc = enter_minute(p, what, err);
			continue;
		}
		rc = sql_step(w->ids, err);
		w->in_minute = rc == 1;
		if (rc == 1) {
			w->head = xcalloc(1, sizeof(*w->head));
			w->head->uses = 1;
			rc = load(p, what, sql_int(w->ids, 0), w->head, err);
		} else if (rc == 0) {
			rc = 1;
		}
	}
	return rc < 0 ? -1 : 0;
}

/* ---- events ---- */

static void tell_message(struct past *p, struct held *h, struct past_event *out)
{
	struct message *m = h->row.message;

	for (size_t i = 0; i < m->nrcpt; i++)
		if (m->rcpt[i].status != RCPT_PENDING)
			wait_for(p, m->rcpt[i].time > m->time ? m->rcpt[i].time : m->time,
				 PAST_ANSWER, h, i);
	*out = (struct past_event){ PAST_MESSAGE, m->time, m, 0, h->row.php };
}

static void tell_call(struct past *p, struct held *h, struct past_event *out)
{
	const struct php_mail *call = h->row.php;

	if (call->state == PHP_UNMATCHED)
		wait_for(p, call->time + p->php_wait, PAST_UNSENT, h, 0);
	*out = (struct past_event){ PAST_CALL, call->time, NULL, 0, call };
}

static void tell_waiting(struct past *p, struct past_event *out)
{
	struct waiting w = take_first(p);

	*out = (struct past_event){ w.kind, w.time, w.row->row.message, w.nth, NULL };
	if (w.kind == PAST_UNSENT)
		out->php = w.row->row.php;
	p->told = w.row;
}

int past_next(struct past *p, struct past_event *out, struct error *err)
{
	struct walk *calls = &p->walk[MINUTE_PHP], *messages = &p->walk[MINUTE_MESSAGE], *first;

	let_go(p->told);
	p->told = NULL;
	if (look_ahead(p, MINUTE_MESSAGE, err) < 0 || look_ahead(p, MINUTE_PHP, err) < 0)
		return -1;
	/* PHP logs a call before it sends. */
	first = messages;
	if (calls->head && (!messages->head || calls->time <= messages->time))
		first = calls;
	if (p->n && (!first->head || p->heap[0].time < first->time)) {
		tell_waiting(p, out);
		return 1;
	}
	if (!first->head)
		return 0;
	p->told = first->head;
	first->head = NULL;
	if (first == calls)
		tell_call(p, p->told, out);
	else
		tell_message(p, p->told, out);
	return 1;
}

/* ---- life ---- */

struct past *past_open(struct report *r, usec_t since, usec_t until, usec_t php_wait,
		       struct error *err)
{
	struct past *p = xcalloc(1, sizeof(*p));

	p->report = r;
	p->period = report_period(since, until);
	p->php_wait = php_wait;
	for (int what = 0; what < MINUTE_WHATS; what++) {
		p->walk[what].minute = p->period.since / USEC_MINUTE;
		p->walk[what].next = sql_prepare(r->db, next_minute, err);
		p->walk[what].ids = p->walk[what].next ?
					    sql_prepare(r->db, ids_of_minute[what], err) : NULL;
		if (!p->walk[what].ids) {
			past_close(p);
			return NULL;
		}
	}
	if (report_begin(r, err) == 0)
		return p;
	past_close(p);
	return NULL;
}

void past_close(struct past *p)
{
	if (!p)
		return;
	let_go(p->told);
	while (p->n)
		let_go(p->heap[--p->n].row);
	for (int what = 0; what < MINUTE_WHATS; what++) {
		let_go(p->walk[what].head);
		sql_finalize(p->walk[what].next);
		sql_finalize(p->walk[what].ids);
	}
	report_end(p->report, 0);
	free(p->heap);
	free(p);
}
