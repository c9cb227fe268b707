/* What became of a recipient, and mail that comes back under another queue id:
 * through a content filter, an alias, a .forward, or as a bounce. */
#include "base/error.h"
#include "core/step.h"

static void set_outcome(struct step *s, struct recipient *r)
{
	const struct event *ev = s->ev;

	if (ev->status == RCPT_PENDING && r->status != RCPT_PENDING)
		return;
	/* Announced, and refused after all: nothing more will be told of it. */
	if (ev->status == RCPT_REJECTED && s->m->channel != CHANNEL_NONE && s->m->work.nrcpt > 0 &&
	    r->status == RCPT_PENDING)
		s->m->work.nrcpt--;
	r->status = ev->status;
	r->time = s->time;
	if (ev->place != PLACE_UNKNOWN)
		r->place = ev->place;
	step_set(s->m, &r->dsn, ev->dsn);
	step_set(s->m, &r->relay, ev->relay);
	step_set(s->m, &r->relay_ip, ev->relay_ip);
	/* "250 ok" of what went well is the bulk of a log and tells nothing. */
	if (ev->status == RCPT_SENT)
		r->response = STR_NONE;
	else
		step_set(s->m, &r->response, ev->response);
	s->m->rcpt_dirty = true;
	message_outcome_changed(s->m, r);
}

/* Sendmail's MSP hands "root" over, and the MTA delivers to "root@host.example". */
static struct recipient *named_without_domain(struct message *m, struct str address)
{
	struct str local = str_head(address, str_rchr(address, '@'));
	struct recipient *r = local.n < address.n ? message_recipient(m, local) : NULL;

	if (!r || !m->naliases || r->status != RCPT_PENDING)
		return NULL;
	r->orig_to = r->address;
	r->address = arena_str(&m->strings, address);
	return r;
}

/* The recipient a statement is about; one that was handed to a filter or a
 * forward becomes the one it was turned into. */
static struct recipient *outcome_recipient(struct step *s)
{
	const struct event *ev = s->ev;
	struct recipient *r = message_recipient(s->m, ev->recipient);

	if (!r && ev->orig_to.n) {
		r = message_recipient(s->m, ev->orig_to);
		if (r && r->status == RCPT_PENDING) {
			r->orig_to = r->address;
			r->address = arena_str(&s->m->strings, ev->recipient);
			r->place = PLACE_UNKNOWN;
			return r;
		}
		r = NULL;
	}
	if (!r)
		r = named_without_domain(s->m, ev->recipient);
	if (!r) {
		r = message_recipient_add(s->m, ev->recipient);
		s->c->recipients += r != NULL;
	}
	if (r && !r->orig_to.n && ev->orig_to.n && !str_eq(ev->orig_to, ev->recipient))
		r->orig_to = arena_str(&s->m->strings, ev->orig_to);
	return r;
}

static bool loopback(struct str ip)
{
	return str_starts(ip, STR("127.")) || str_eq(ip, STR("::1"));
}

/* Is `next` the same mail, come back from where this message went? */
static bool came_back(const struct step *s, const struct message *next)
{
	if (next == s->m || next->time + USEC_MINUTE < s->m->time)
		return false;
	if (s->ev->next_is_forward)
		return next->channel == CHANNEL_NONE;
	if (next->channel != CHANNEL_SMTP || !next->client_ip.n || !s->ev->relay_ip.n)
		return false;
	return str_eq(next->client_ip, s->ev->relay_ip) ||
	       (loopback(next->client_ip) && loopback(s->ev->relay_ip));
}

static void take_recipient(struct message *m, const struct recipient *from, struct recipient *via)
{
	struct recipient *r = message_recipient(m, from->address);
	struct str first = from->orig_to;

	if (!r && via->status == RCPT_PENDING && via->place == PLACE_UNKNOWN) {
		r = via;
		first = via->address;
		r->address = arena_str(&m->strings, from->address);
	}
	if (!r)
		r = message_recipient_add(m, from->address);
	if (!r)
		return;
	if (first.n && !str_eq(first, r->address))
		r->orig_to = arena_str(&m->strings, first);
	r->status = from->status;
	r->place = from->place;
	r->time = from->time;
	r->dsn = arena_str_or_none(&m->strings, from->dsn);
	r->relay = arena_str_or_none(&m->strings, from->relay);
	r->relay_ip = arena_str_or_none(&m->strings, from->relay_ip);
	r->response = arena_str_or_none(&m->strings, from->response);
	message_outcome_changed(m, r);
}

static void take_aliases(struct message *m, const struct message *from)
{
	step_add_alias(m, from->instance, from->queue_id);
	for (size_t i = 0; i < from->naliases; i++)
		step_add_alias(m, STR_NONE, from->aliases[i]);
}

/* The mail went through a content filter or a forward and came back under
 * another id: one message, whose outcome is the second one's. */
static void absorb(struct step *s, struct queue_entry *next, size_t via)
{
	struct correlate *c = s->c;
	struct message *m = s->m, *from = next->m;
	bool was_closed = m->closed != 0, discarded;

	join_remove_message(&c->join, from);
	c->messages--;
	c->recipients -= (int64_t)from->nrcpt + (int64_t)m->nrcpt;
	if (from->stored)
		rows_add(&c->dropped, &c->ndropped, &c->dropped_room, from->id);
	m->rcpt[via].status = RCPT_PENDING;
	m->rcpt[via].place = PLACE_UNKNOWN;
	take_aliases(m, from);
	/* Room first: via is an index, the array may move. */
	for (size_t i = 0; i < from->nrcpt; i++)
		take_recipient(m, &from->rcpt[i], &m->rcpt[via]);
	c->recipients += (int64_t)m->nrcpt;
	if (!was_closed && from->state == MSG_HELD)
		m->state = MSG_HELD;
	discarded = from->state == MSG_DISCARDED;
	if (!from->closed)
		m->work.ids_open += from->work.ids_open;
	if (!was_closed && from->work.nrcpt > m->work.nrcpt)
		m->work.nrcpt = from->work.nrcpt;
	step_keep_first(m, &m->subject, from->subject);
	step_keep_first(m, &m->message_id, from->message_id);
	step_keep_first(m, &m->work.xphp, from->work.xphp);
	step_keep_first(m, &m->work.ref, from->work.ref);
	m->rcpt_dirty = true;
	queue_absorb(&c->queue, s->entry, next);
	if (discarded)
		step_finish(c, s->entry, MSG_DISCARDED, s->time);
}

/* true: another message became part of this one. */
static bool follow_on(struct step *s, struct recipient *r)
{
	struct queue_entry *next;
	size_t via = (size_t)(r - s->m->rcpt);

	if (!s->ev->next_id.n)
		return false;
	next = queue_find(&s->c->queue, s->from->host, s->ev->instance,
			  !s->ev->next_is_forward, s->ev->next_id);
	if (next == s->entry && next) {
		/* A further recipient of a hand-over already known. */
		return false;
	}
	if (!next || next->ghost || !queue_message(&s->c->queue, next) || !came_back(s, next->m))
		return false;
	absorb(s, next, via);
	return true;
}

/* Mail from outside was only counted, for it had reached its mailbox and the log tells no
 * end; an alias or .forward sends it out again as well. */
static bool leaves_again(struct step *s)
{
	const struct event *ev = s->ev;

	if (!s->entry || !s->entry->ghost || !ev->no_end || ev->place != PLACE_REMOTE)
		return false;
	step_create(s, ev->queue_id);
	s->m->channel = CHANNEL_SMTP;
	return true;
}

/* qmail writes blanks of an answer as '_': patterns and people know it with blanks. */
static struct str with_blanks(struct str s, struct arena *to)
{
	char *text = arena_alloc(to, s.n + 1);

	for (size_t i = 0; i < s.n; i++)
		text[i] = s.p[i] == '_' ? ' ' : s.p[i];
	return (struct str){ text, s.n };
}

static void on_numbered_outcome(struct step *s)
{
	struct arena scratch = { 0 };
	struct event told = *s->ev;
	struct recipient *r = number_ended(s);

	if (!r)
		return;
	told.response = with_blanks(told.response, &scratch);
	s->ev = &told;
	set_outcome(s, r);
	if (told.next_is_forward && told.process >= 0)
		number_forward(s, r);
	step_settle(s, false);
	arena_release(&scratch);
}

void on_delivery(struct step *s)
{
	struct recipient *r;
	bool joined = false;

	if (s->ev->delivery >= 0 && !s->ev->recipient.n) {
		on_numbered_outcome(s);
		return;
	}
	if (!s->ev->recipient.n || (!step_locate_or_create(s) && !leaves_again(s)))
		return;
	/* Nothing of what has ended is delivered: the start of a later one was lost. */
	if (s->ev->delivery >= 0 && s->m->closed)
		step_create(s, s->ev->queue_id);
	s->m->work.no_end |= s->ev->no_end;
	step_keep_first(s->m, &s->m->sender, s->ev->sender);
	s->m->sender_null |= s->ev->sender_null;
	r = outcome_recipient(s);
	if (r) {
		struct queue_entry *next =
			s->ev->next_id.n ? queue_find(&s->c->queue, s->from->host,
						      s->ev->instance, true, s->ev->next_id) :
					   NULL;

		if (!next || next != s->entry)
			set_outcome(s, r);
		returned_note(s, r);
		if (s->ev->delivery >= 0)
			number_started(s, r);
		joined = follow_on(s, r);
		returned_seek(s);
	}
	step_settle(s, joined);
}

void on_notice(struct step *s)
{
	struct step child = *s;

	if (s->ev->process >= 0)
		number_bounce(s);
	if (!s->ev->next_id.n)
		return;
	if (!step_locate(&child, s->ev->next_id)) {
		if (child.entry)
			return;
		step_create(&child, s->ev->next_id);
	}
	if (child.m->channel == CHANNEL_NONE)
		child.m->channel = CHANNEL_INTERNAL;
	child.m->work.no_end |= s->ev->no_end;
	if (!child.m->parent_id.n) {
		child.m->parent_id = arena_str(&child.m->strings, s->ev->queue_id);
		if (step_locate(s, s->ev->queue_id))
			child.m->parent = s->m->id;
	}
	step_settle(&child, false);
}
