/* Events -> messages: the frame. What each statement means is in arrival.c,
 * delivery.c, statement.c and php.c.
 *
 * Invariant: whatever changes a message goes through correlate_touch(), so that
 * the next commit writes it; a message that is absorbed, dropped or forgotten
 * hangs in no list of join.c. Lines may be missing, late, repeated or forged:
 * nothing trusts that an earlier one was seen. Who sent it, attribute.c judges. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/mailtext.h"
#include "core/session.h"
#include "core/step.h"

/* ---- small tools ---- */

void deadline_add(struct deadlines *d, int64_t row, usec_t time)
{
	size_t at;

	if (d->from && d->n == d->room) {
		memmove(d->at, d->at + d->from, (d->n - d->from) * sizeof(*d->at));
		d->n -= d->from;
		d->from = 0;
	}
	if (d->n == d->room) {
		d->room = d->room ? 2 * d->room : 64;
		d->at = xrealloc(d->at, d->room * sizeof(*d->at));
	}
	/* Behind it are only those that a newer log left. */
	for (at = d->n++; at > d->from && d->at[at - 1].time > time; at--)
		d->at[at] = d->at[at - 1];
	d->at[at] = (struct deadline){ row, time };
}

/* The next row whose time has come, or 0. */
static int64_t deadline_due(struct deadlines *d, usec_t now)
{
	if (d->from == d->n || d->at[d->from].time >= now)
		return 0;
	return d->at[d->from++].row;
}

void rows_add(int64_t **rows, size_t *n, size_t *room, int64_t row)
{
	if (*n == *room) {
		*room = *room ? 2 * *room : 256;
		*rows = xrealloc(*rows, *room * sizeof(**rows));
	}
	(*rows)[(*n)++] = row;
}

void correlate_touch(struct correlate *c, struct message *m)
{
	if (m->dirty)
		return;
	m->dirty = true;
	rows_add(&c->dirty, &c->ndirty, &c->dirty_room, m->id);
}

void correlate_php_changed(struct correlate *c, struct php_mail *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	if (c->nphp == c->php_room) {
		c->php_room = c->php_room ? 2 * c->php_room : 64;
		c->php = xrealloc(c->php, c->php_room * sizeof(*c->php));
	}
	c->php[c->nphp++] = p;
}

/* The first statement stands: later ones can be the sender's own text. */
void step_keep_first(struct message *m, struct str *field, struct str value)
{
	if (!field->n && value.n)
		*field = arena_str(&m->strings, value);
}

void step_set(struct message *m, struct str *field, struct str value)
{
	if (value.n && !str_eq(*field, value))
		*field = arena_str(&m->strings, value);
}

void step_add_alias(struct message *m, struct str instance, struct str id)
{
	char *text = arena_alloc(&m->strings, instance.n + 1 + id.n);
	size_t n = 0;

	if (instance.n) {
		memcpy(text, instance.p, instance.n);
		text[instance.n] = '/';
		n = instance.n + 1;
	}
	if (id.n)
		memcpy(text + n, id.p, id.n);
	m->aliases = xrealloc(m->aliases, (m->naliases + 1) * sizeof(*m->aliases));
	m->aliases[m->naliases++] = (struct str){ text, n + id.n };
}

/* ---- ends ---- */

static void count_inbound(struct correlate *c, const struct message *m)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct recipient *r = &m->rcpt[i];
		struct str address = r->orig_to.n ? r->orig_to : r->address;
		struct str domain = str_skip(address, str_rchr(address, '@') + 1);
		usec_t hour = m->time - m->time % USEC_HOUR;
		struct inbound_count *count;
		char key[300];
		int n = snprintf(key, sizeof(key), "%lld %.*s", (long long)hour,
				 (int)(domain.n > 255 ? 255 : domain.n), domain.n ? domain.p : "");

		count = map_get(&c->inbound, (struct str){ key, (size_t)n });
		if (!count) {
			count = xcalloc(1, sizeof(*count));
			count->hour = hour;
			count->domain.p = str_dup(domain);
			count->domain.n = domain.n;
			map_put(&c->inbound, (struct str){ key, (size_t)n }, count);
		}
		count->recipients++;
		count->messages += i == 0;
	}
}

/* The message is no row of ours: its entry stays to catch late lines. */
static void drop(struct correlate *c, struct queue_entry *e)
{
	struct message *m = e->m;

	join_remove_message(&c->join, m);
	c->messages--;
	c->recipients -= (int64_t)m->nrcpt;
	if (m->stored)
		rows_add(&c->dropped, &c->ndropped, &c->dropped_room, m->id);
	queue_ghost(&c->queue, e);
}

void step_finish(struct correlate *c, struct queue_entry *e, enum message_state state,
		   usec_t time)
{
	struct message *m = e->m;

	if (m->closed)
		return;
	m->closed = time;
	m->state = state;
	for (size_t i = 0; i < m->nrcpt && m->naliases; i++) {
		/* Handed to a filter or forward that delivered to others. */
		if (m->rcpt[i].status == RCPT_PENDING && state == MSG_DONE) {
			m->rcpt[i].status = RCPT_SENT;
			m->rcpt_dirty = true;
		}
	}
	queue_close(&c->queue, e, time);
	correlate_touch(c, m);
}

/* The announced number is without those refused before. */
static bool answered(const struct message *m, bool *refused)
{
	int64_t taken = 0;

	for (size_t i = 0; i < m->nrcpt; i++) {
		enum rcpt_status status = m->rcpt[i].status;

		if (status == RCPT_PENDING || status == RCPT_DEFERRED)
			return false;
		taken += status != RCPT_REJECTED;
	}
	*refused = !taken && (m->nrcpt || m->state == MSG_REJECTED);
	return taken >= m->work.nrcpt && (m->nrcpt || m->work.nrcpt >= 0);
}

/* OpenSMTPD announces an alias as one recipient: another that it leads to may be
 * deferred when the first has its answer. */
static void reopen(struct step *s)
{
	struct message *m = s->m;

	if (!m->closed || m->state != MSG_DONE)
		return;
	m->closed = 0;
	m->state = MSG_OPEN;
	queue_reopen(&s->c->queue, s->entry);
}

void step_end_if_answered(struct step *s)
{
	struct message *m = s->m;
	bool refused;

	if (!m->work.no_end)
		return;
	if (!answered(m, &refused)) {
		reopen(s);
		return;
	}
	/* A refused recipient is told before the message has come. */
	if (refused && m->channel == CHANNEL_NONE && m->work.nrcpt < 0)
		return;
	if (!m->closed)
		step_finish(s->c, s->entry, refused ? MSG_REJECTED : MSG_DONE, s->time);
}

static bool only_counted(const struct correlate *c, const struct message *m)
{
	if (c->settings->store_all || !m->closed)
		return false;
	return m->direction == DIR_INBOUND ||
	       (m->direction == DIR_UNKNOWN && m->channel == CHANNEL_SMTP);
}

/* Most statements are no news to the detector. */
static bool is_told(const struct message *m)
{
	return m->work.observed && (size_t)m->work.observed_rcpt >= m->nrcpt &&
	       m->judge_from == m->judge_to;
}

/* After each statement: what follows from it. */
void step_settle(struct step *s, bool evidence)
{
	struct correlate *c = s->c;
	struct message *m = s->m;

	step_end_if_answered(s);
	attribute_direction(c->accounts, m);
	attribute_message(c->accounts, m, NULL);
	if (m->work.waiting && php_comparable(m))
		php_seek(c, m, true);
	else if (m->work.waiting && evidence)
		php_seek(c, m, false);
	if (c->detect && !is_told(m))
		detect_message(c->detect, m, s->time, false);
	if (only_counted(c, m) && !s->entry->ghost) {
		if (c->detect && m->sender_null)
			detect_bounce(c->detect, m, s->time);
		count_inbound(c, m);
		drop(c, s->entry);
		return;
	}
	correlate_touch(c, m);
}

/* ---- finding the message ---- */

bool step_locate(struct step *s, struct str id)
{
	s->entry = queue_find(&s->c->queue, s->from->host, s->ev->instance, false, id);
	s->m = s->entry && !s->entry->ghost ? queue_message(&s->c->queue, s->entry) : NULL;
	return s->m != NULL;
}

bool step_recall(struct step *s, struct str id)
{
	struct row_source *rows = &s->c->queue.row_source;
	usec_t seen, closed;
	int64_t row;

	if (s->time > s->c->known_until || !rows->find)
		return false;
	row = rows->find(rows->context, s->from->host, id, s->time, &seen, &closed);
	if (!row)
		return false;
	s->entry = queue_restore(&s->c->queue, s->from->host, s->ev->instance, id, row, seen,
				 closed);
	s->m = queue_message(&s->c->queue, s->entry);
	return s->m != NULL;
}

void step_create(struct step *s, struct str id)
{
	s->entry = queue_add(&s->c->queue, s->from->host, s->ev->instance, id, s->time);
	s->m = s->entry->m;
	s->c->messages++;
}

/* For statements that tell of a message whose start we may have missed. */
bool step_locate_or_create(struct step *s)
{
	if (step_locate(s, s->ev->queue_id))
		return true;
	if (s->entry || !s->ev->queue_id.n)
		return false;
	if (!step_recall(s, s->ev->queue_id))
		step_create(s, s->ev->queue_id);
	return true;
}

static void on_nothing(struct step *s)
{
	(void)s;
}

static void on_auth_fail(struct step *s)
{
	if (s->ev->copy >= 0 && refusal_is_repeated(s))
		return;
	if (s->c->detect && s->ev->login.n && !s->from->tenant)
		detect_refused_login(s->c->detect, s->ev, s->time);
}

static void on_login(struct step *s)
{
	if (s->c->detect && !s->from->tenant)
		detect_login(s->c->detect, s->ev, s->time);
}

static void on_upload(struct step *s)
{
	if (s->c->detect && !s->from->tenant)
		detect_upload(s->c->detect, s->ev, s->time);
}

static void (*const handlers[EV_COUNT])(struct step *s) = {
	[EV_ACCEPT] = on_accept,
	[EV_QUEUED] = on_queued,
	[EV_MESSAGE_ID] = on_message_id,
	[EV_HEADER] = on_header,
	[EV_LINK] = on_link,
	[EV_DELIVERY] = on_delivery,
	[EV_NOTICE] = on_notice,
	[EV_HOLD] = on_hold,
	[EV_RELEASE] = on_release,
	[EV_REQUEUE] = on_requeue,
	[EV_EXPIRE] = on_expire,
	[EV_DELETE] = on_delete,
	[EV_DISCARD] = on_discard,
	[EV_END] = on_end,
	[EV_REJECT] = on_reject,
	[EV_WARN] = on_nothing,
	[EV_AUTH_FAIL] = on_auth_fail,
	[EV_LOGIN] = on_login,
	[EV_UPLOAD] = on_upload,
	[EV_DIRECT] = on_direct,
	[EV_AUTH] = on_auth,
	[EV_SESSION] = on_session,
	[EV_SESSION_END] = on_session_end,
	[EV_CWD] = on_cwd,
	[EV_PHP_MAIL] = on_php_mail,
};

/* What is done in an SMTP session, by whoever is at its other end. */
static const bool takes_session[EV_COUNT] = {
	[EV_ACCEPT] = true,
	[EV_REJECT] = true,
	[EV_AUTH_FAIL] = true,
};

void correlate_event(struct correlate *c, const struct origin *from, const struct record *rec,
		     const struct event *ev)
{
	struct step s = { .c = c, .from = from, .rec = rec, .ev = ev };
	struct event filled;

	s.time = rec->time ? rec->time : c->now ? c->now : c->watermark;
	if (ev->session.n && takes_session[ev->kind]) {
		filled = *ev;
		session_fill(&s, &filled);
		s.ev = &filled;
	}
	handlers[ev->kind](&s);
}

/* ---- time ---- */

static struct message *message_of_row(struct correlate *c, int64_t row)
{
	struct queue_entry *e = queue_find_row(&c->queue, row);

	return e && e->m && !e->ghost ? e->m : NULL;
}

static struct message *waiting_message(struct correlate *c, int64_t row)
{
	struct message *m = message_of_row(c, row);

	return m && m->work.waiting ? m : NULL;
}

/* Its PHP line has had its time to come: what it is taken for is settled. */
static void observe_patiently(struct correlate *c, struct message *m)
{
	if (!m || !c->detect || m->work.observed)
		return;
	detect_message(c->detect, m, c->now, true);
	correlate_touch(c, m);
}

void correlate_end_waits(struct correlate *c, usec_t now)
{
	struct php_mail *p;
	int64_t row;

	while ((row = deadline_due(&c->patience, now))) {
		struct message *m = message_of_row(c, row);

		if (m)
			m->awaited = false;
		if (m && m->work.waiting && !m->comparable)
			php_seek(c, m, true);
		if (m && (m->work.waiting || m->channel != CHANNEL_LOCAL))
			observe_patiently(c, m);
	}
	while ((row = deadline_due(&c->giving_up, now))) {
		struct message *m = waiting_message(c, row);

		if (!m)
			continue;
		php_stop_waiting(c, m);
		observe_patiently(c, m);
		correlate_touch(c, m);
	}
	while ((p = join_overdue(&c->join, now))) {
		join_remove_php(&c->join, p);
		p->state = PHP_UNMATCHED;
		if (c->detect)
			detect_unsent(c->detect, p, p->time);
		correlate_php_changed(c, p);
	}
}

void correlate_advance(struct correlate *c, usec_t now)
{
	if (now > c->now)
		c->now = now;
	if (now > c->watermark)
		c->watermark = now;
	correlate_end_waits(c, c->now);
	if (c->detect)
		detect_advance(c->detect, c->now);
	notes_expire(&c->notes, c->now);
	queue_expire(&c->queue, c->now);
}

/* ---- commit ---- */

static int by_row(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void correlate_batch_mail(struct correlate *c, struct batch *b)
{
	if (c->ndirty)
		qsort(c->dirty, c->ndirty, sizeof(*c->dirty), by_row);
	b->messages = arena_alloc(&b->arena, (c->ndirty + 1) * sizeof(*b->messages));
	for (size_t k = 0; k < c->ndirty; k++) {
		struct queue_entry *e = queue_find_row(&c->queue, c->dirty[k]);

		if (e && e->m && !e->ghost)
			b->messages[b->nmessages++] = e->m;
	}
	b->dropped = c->dropped;
	b->ndropped = c->ndropped;
	b->php = c->php;
	b->nphp = c->nphp;
	b->next_message = c->queue.next_id;
	b->next_php = c->next_php;
	b->watermark = c->watermark;
}

void correlate_batch(struct correlate *c, struct batch *b)
{
	struct map_slot *slot;
	size_t i = 0;

	b->inbound = arena_alloc(&b->arena, (c->inbound.count + 1) * sizeof(*b->inbound));
	while ((slot = map_next(&c->inbound, &i)))
		b->inbound[b->ninbound++] = *(struct inbound_count *)slot->value;
	directs_batch(&c->directs, b);
	b->nnotes = notes_changes(&c->notes, &b->arena, &b->notes);
	if (c->detect)
		detect_batch(c->detect, b);
}

static void inbound_clear(struct correlate *c)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&c->inbound, &i))) {
		struct inbound_count *count = slot->value;

		free((char *)(uintptr_t)count->domain.p);
		free(count);
	}
	map_release(&c->inbound);
	memset(&c->inbound, 0, sizeof(c->inbound));
}

void correlate_mail_committed(struct correlate *c)
{
	for (size_t k = 0; k < c->ndirty; k++) {
		struct queue_entry *e = queue_find_row(&c->queue, c->dirty[k]);

		if (!e || !e->m)
			continue;
		e->m->dirty = e->m->rcpt_dirty = false;
		e->m->stored = true;
	}
	for (size_t k = 0; k < c->nphp; k++) {
		c->php[k]->dirty = false;
		c->php[k]->stored = true;
		if (c->php[k]->state != PHP_WAITING)
			php_mail_free(c->php[k]);
	}
	c->ndirty = c->ndropped = c->nphp = 0;
	queue_trim(&c->queue);
}

void correlate_committed(struct correlate *c)
{
	inbound_clear(c);
	directs_clear(&c->directs);
	notes_committed(&c->notes);
	if (c->detect)
		detect_committed(c->detect);
}

bool correlate_dirty(const struct correlate *c)
{
	return c->ndirty || c->ndropped || c->nphp || c->inbound.count || c->directs.counts.count ||
	       notes_dirty(&c->notes) || (c->detect && detect_dirty(c->detect));
}

/* ---- life ---- */

void correlate_restore_php(struct correlate *c, struct php_mail *p)
{
	p->stored = true;
	mailtext_copies(p->headers, &p->cc, &p->bcc);
	join_add_php(&c->join, p);
}

void correlate_restore_waiting(struct correlate *c, int64_t row)
{
	struct queue_entry *e = queue_find_row(&c->queue, row);
	struct message *m = e ? queue_message(&c->queue, e) : NULL;

	if (!m || !m->work.waiting)
		return;
	deadline_add(&c->patience, row, m->time + JOIN_PATIENCE);
	deadline_add(&c->giving_up, row, m->time + c->settings->php_wait + USEC_SECOND);
	join_add_message(&c->join, m, php_comparable(m));
}

void correlate_init(struct correlate *c, const struct settings *s, const struct accounts *a,
		    struct row_source rows)
{
	memset(c, 0, sizeof(*c));
	c->settings = s;
	c->accounts = a;
	c->next_php = 1;
	queue_init(&c->queue, rows);
	join_init(&c->join, a, s->php_wait);
}

void correlate_reload(struct correlate *c, const struct settings *s, const struct accounts *a)
{
	c->settings = s;
	c->accounts = a;
	c->join.accounts = a;
	c->join.wait = s->php_wait;
	for (struct queue_entry *e = c->queue.oldest; e; e = e->newer)
		e->m->judged = (struct message_evidence){ .channel = CHANNEL_NONE };
}

void correlate_release(struct correlate *c)
{
	for (size_t k = 0; k < c->nphp; k++)
		if (c->php[k]->state != PHP_WAITING)
			php_mail_free(c->php[k]);
	detect_free(c->detect);
	join_release(&c->join);
	queue_release(&c->queue);
	notes_release(&c->notes);
	inbound_clear(c);
	directs_clear(&c->directs);
	free(c->dirty);
	free(c->dropped);
	free(c->php);
	free(c->patience.at);
	free(c->giving_up.at);
}
