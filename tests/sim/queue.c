/* A mail queue with a clock; see queue.h. Invariant: what is done never lies before what was done
 * before it, and plans of one time are taken in the order they were made. */
#include "tests/sim/queue.h"

#include <stdlib.h>

#include "base/error.h"
#include "tests/sim/events.h"

struct queue_counts queue_counts;

static const struct mta *mta;
static FILE *event_file;

/* ---- plans ---- */

struct key {
	usec_t time;
	uint32_t plan;
};

static struct plan *plans;
static struct key *keys;
static size_t nplans, room;

void plan_add(const struct plan *p)
{
	if (p->time < run.accounts[p->account].born || p->time >= day_start(run.days)) {
		free(p->more);
		return;
	}
	if (nplans == room) {
		room = room ? 2 * room : 65536;
		plans = xrealloc(plans, room * sizeof(*plans));
		keys = xrealloc(keys, room * sizeof(*keys));
	}
	keys[nplans] = (struct key){ p->time, (uint32_t)nplans };
	plans[nplans++] = *p;
}

static int by_time(const void *left, const void *right)
{
	const struct key *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->plan < b->plan ? -1 : a->plan > b->plan;
}

/* ---- what is due: a heap ---- */

enum { ARRIVES = UINT32_MAX };

struct due {
	usec_t time;
	uint64_t order; /* among equals */
	struct live *m;
	uint32_t rcpt; /* or ARRIVES */
	uint32_t tries;
};

static struct due *heap;
static size_t nheap, heap_room;

static bool sooner(const struct due *a, const struct due *b)
{
	return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static void heap_push(struct due due)
{
	static uint64_t order;
	size_t i = nheap++;

	if (nheap > heap_room) {
		heap_room = heap_room ? 2 * heap_room : 65536;
		heap = xrealloc(heap, heap_room * sizeof(*heap));
	}
	due.order = order++;
	for (; i && sooner(&due, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = due;
}

static struct due heap_pop(void)
{
	struct due top = heap[0], last = heap[--nheap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < nheap) {
		if (child + 1 < nheap && sooner(&heap[child + 1], &heap[child]))
			child++;
		if (!sooner(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/* ---- messages ---- */

static struct live *free_live;

static struct live *live_new(const struct plan *p)
{
	struct live *m = free_live;

	if (m)
		free_live = m->free;
	else
		m = xmalloc(sizeof(*m));
	*m = (struct live){ .p = *p, .left = p->nrcpt };
	m->size = 900 + p->salt % 40000;
	return m;
}

static void live_free(struct live *m)
{
	free(m->p.more);
	m->free = free_live;
	free_live = m;
}

static void note(const struct plan *p, enum event_type type, usec_t time, bool unknown)
{
	int country = type == EVENT_LOGIN ? country_of_ip(p->ip) : -1;
	struct sim_event e = { .time = time,
			       .account = p->account,
			       .type = (uint16_t)type,
			       .ip = p->ip,
			       .script = p->channel == BY_LOOPBACK ? EVENT_NO_SCRIPT :
								     p->script,
			       .country = (uint16_t)country,
			       .recipients = p->nrcpt,
			       .unknown = unknown };

	if (event_file && p->channel != BY_INBOUND)
		fwrite(&e, sizeof(e), 1, event_file);
}

static void schedule(struct live *m, usec_t time)
{
	struct rng r = rng_of(m->p.salt, (uint64_t)time, 51);
	struct rcpt *rcpt = plan_rcpt(&m->p);

	for (uint32_t i = 0; i < m->p.nrcpt; i++) {
		bool local = is_local((enum fate)rcpt[i].fate);
		double seconds = local ? 0.02 + rng_unit(&r) * 0.1 :
					 0.15 + rng_exp(&r, knobs.answer_mean);

		heap_push((struct due){ time + (usec_t)(seconds * 1e6), .m = m, .rcpt = i });
	}
}

/* Those that the attack aims at: not the site's owner who gets his form. */
static uint32_t victims(struct plan *p)
{
	struct rcpt *rcpt = plan_rcpt(p);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nrcpt; i++) {
		enum pool_kind kind = pool_kind(rcpt[i].address);

		n += p->channel == BY_INBOUND ||
		     (kind != POOL_BOX && kind != POOL_OUTSIDE && kind != POOL_UNIX);
	}
	return n;
}

static void arrive(struct live *m, usec_t time)
{
	struct plan *p = &m->p;

	m->arrived = true;
	if (p->channel == BY_PHP || p->channel == BY_NONE)
		php_line(m, time);
	if (p->channel == BY_NONE) {
		live_free(m);
		return;
	}
	queue_counts.messages++;
	queue_counts.recipients += p->nrcpt;
	queue_counts.inbound += p->channel == BY_INBOUND;
	time = mta->arrive(m, time);
	if (p->attack && victims(p))
		attack_accepted(p->attack - 1u, time, victims(p));
	if (p->channel == BY_AUTH || p->channel == BY_WEBMAIL)
		note(p, EVENT_LOGIN, time, false);
	else
		note(p, EVENT_SCRIPT, time, false);
	schedule(m, time);
}

/* ---- bounces ---- */

/* Where a bounce goes: home, or for a spoofed sender to somebody who never wrote. */
static struct rcpt bounce_rcpt(const struct plan *p)
{
	bool local = pool_kind(p->from) == POOL_BOX || pool_kind(p->from) == POOL_UNIX;

	return (struct rcpt){ p->from, local ? FATE_LOCAL :
				       p->salt % 3 ? FATE_SENT : FATE_UNKNOWN };
}

static void own_notice(struct live *m, usec_t time)
{
	struct plan p = { .time = time,
			  .account = m->p.account,
			  .channel = BY_SENDMAIL,
			  .flags = PLAN_NULL,
			  .subject = SUBJECT_BOUNCE,
			  .salt = m->p.salt + 1,
			  .nrcpt = 1,
			  .one = bounce_rcpt(&m->p) };
	struct live *bounce;

	if (m->p.flags & PLAN_NULL)
		return;
	bounce = live_new(&p);
	bounce->arrived = true;
	queue_counts.notices++;
	mta->notice(m, bounce, time);
	schedule(bounce, time + 200);
}

/* The other server took it and changes its mind later. */
static void late_bounce(const struct live *m, const struct rcpt *to, usec_t time)
{
	struct rng r = rng_of(m->p.salt, to->address.id, 52);
	struct plan p = { .time = time + (usec_t)rng_exp(&r, 3600e6),
			  .account = m->p.account,
			  .channel = BY_INBOUND,
			  .helo = HELO_SERVER,
			  .flags = PLAN_NULL,
			  .subject = SUBJECT_BOUNCE,
			  .salt = m->p.salt + 2,
			  .ip = mx_ip(to->address),
			  .from = to->address,
			  .nrcpt = 1,
			  .one = bounce_rcpt(&m->p) };

	if (p.one.fate == FATE_LOCAL && p.time < day_start(run.days))
		heap_push((struct due){ .time = p.time, .m = live_new(&p), .rcpt = ARRIVES });
}

/* ---- deliveries ---- */

static void finished(struct live *m, usec_t time)
{
	if (m->bounced)
		own_notice(m, time + 300);
	mta->end(m, time + 600);
	live_free(m);
}

static void attempt(struct due *due)
{
	struct live *m = due->m;
	struct rcpt *to = &plan_rcpt(&m->p)[due->rcpt];
	enum outcome out = OUT_SENT;
	struct rng r = rng_of(m->p.salt, to->address.id + due->tries, 53);

	if (to->fate == FATE_UNKNOWN || to->fate == FATE_REFUSED)
		out = OUT_BOUNCED;
	else if (to->fate == FATE_LATER && (due->tries == 0 || (due->tries < 4 && r.s[0] % 4 == 0)))
		out = OUT_DEFERRED;
	mta->attempt(m, to, out, due->time);
	if (out == OUT_DEFERRED) {
		note(&m->p, EVENT_DEFERRED, due->time, false);
		due->time += (usec_t)rng_range(&r, 300e6, 1200e6);
		due->tries++;
		heap_push(*due);
		return;
	}
	if (out == OUT_BOUNCED && !(m->p.flags & PLAN_NULL))
		note(&m->p, EVENT_FAILED, due->time, to->fate == FATE_UNKNOWN);
	if (to->fate == FATE_LATE)
		late_bounce(m, to, due->time);
	m->bounced += out == OUT_BOUNCED;
	if (--m->left == 0)
		finished(m, due->time);
}

static void do_due(void)
{
	struct due due = heap_pop();

	if (due.rcpt == ARRIVES)
		arrive(due.m, due.time);
	else
		attempt(&due);
}

/* ---- days ---- */

void queue_init(const struct mta *of, FILE *events)
{
	mta = of;
	event_file = events;
}

static void draw_gap(int day)
{
	struct rng r = rng_of(run.seed, 0, 60000 + (uint64_t)day);

	gap_from = gap_to = 0;
	if (!rng_chance(&r, knobs.gap_day))
		return;
	gap_from = day_start(day) + (usec_t)(rng_unit(&r) * USEC_DAY);
	gap_to = gap_from + (usec_t)(rng_range(&r, 1, 30) * USEC_MINUTE);
}

void queue_day(int day)
{
	usec_t end = day_start(day + 1);
	size_t at, kept = 0;
	struct plan *rest;

	draw_gap(day);
	qsort(keys, nplans, sizeof(*keys), by_time);
	for (at = 0; at < nplans && keys[at].time < end; at++) {
		while (nheap && heap[0].time <= keys[at].time)
			do_due();
		arrive(live_new(&plans[keys[at].plan]), keys[at].time);
	}
	while (nheap && heap[0].time < end)
		do_due();
	rest = xmalloc((nplans - at + 1) * sizeof(*rest));
	for (; at < nplans; at++)
		rest[kept++] = plans[keys[at].plan];
	nplans = 0;
	for (size_t i = 0; i < kept; i++)
		plan_add(&rest[i]);
	free(rest);
}
