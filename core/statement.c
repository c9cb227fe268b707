/* The plain statements about a queued message: sender and size, its id, logged
 * headers, holds, expiry, refusals, its end. */
#include "core/step.h"

void on_queued(struct step *s)
{
	if (!step_locate_or_create(s))
		return;
	step_set(s->m, &s->m->sender, s->ev->sender);
	s->m->sender_null |= s->ev->sender_null;
	if (s->ev->size >= 0)
		s->m->size = s->ev->size;
	if (s->ev->nrcpt >= 0 && s->m->work.nrcpt < 0)
		s->m->work.nrcpt = s->ev->nrcpt;
	if (s->m->state == MSG_HELD)
		s->m->state = MSG_OPEN;
	step_settle(s, false);
}

void on_message_id(struct step *s)
{
	if (!step_locate_or_create(s))
		return;
	step_keep_first(s->m, &s->m->message_id, s->ev->message_id);
	step_settle(s, true);
}

void on_header(struct step *s)
{
	const struct event *ev = s->ev;
	bool names_process = false;

	if (ev->copy == 1) {
		refusal_header(s);
		return;
	}
	if (!step_locate_or_create(s))
		return;
	if (str_eq_nocase(ev->header_name, STR("Subject")))
		step_keep_first(s->m, &s->m->subject, ev->header_value);
	else if (str_eq_nocase(ev->header_name, STR("To")))
		step_keep_first(s->m, &s->m->work.header_to, ev->header_value);
	else if (str_eq_nocase(ev->header_name, STR("X-PHP-Originating-Script")))
		step_keep_first(s->m, &s->m->work.xphp, ev->header_value);
	else if ((names_process = str_eq_nocase(ev->header_name, STR("X-Mailaudit-Ref"))))
		step_keep_first(s->m, &s->m->work.ref, ev->header_value);
	step_settle(s, names_process);
}

void on_link(struct step *s)
{
	const struct event *ev = s->ev;
	struct message *m;

	if (!step_locate_or_create(s))
		return;
	m = s->m;
	if (ev->uid >= 0)
		m->uid = ev->uid;
	step_keep_first(m, &m->user, ev->user);
	step_keep_first(m, &m->cwd, ev->cwd);
	step_keep_first(m, &m->work.xphp, ev->script);
	step_keep_first(m, &m->work.ref, ev->ref);
	step_keep_first(m, &m->work.header_to, ev->header_to);
	step_keep_first(m, &m->subject, ev->subject);
	step_keep_first(m, &m->message_id, ev->message_id);
	if (ev->nrcpt >= 0 && m->work.nrcpt < 0)
		m->work.nrcpt = ev->nrcpt;
	step_settle(s, true);
}

void on_hold(struct step *s)
{
	if (!step_locate_or_create(s) || s->m->closed)
		return;
	s->m->state = MSG_HELD;
	/* A message held by header_checks is not delivered: this is all that tells
	 * where it wanted to go. */
	if (s->ev->recipient.n && !message_recipient(s->m, s->ev->recipient) &&
	    message_recipient_add(s->m, s->ev->recipient)) {
		s->c->recipients++;
		s->m->rcpt_dirty = true;
	}
	step_settle(s, false);
}

void on_release(struct step *s)
{
	if (!step_locate(s, s->ev->queue_id) || s->m->closed)
		return;
	s->m->state = MSG_OPEN;
	step_settle(s, false);
}

/* Postfix's postsuper -r gives a queued message a new id. */
void on_requeue(struct step *s)
{
	struct message *m;

	if (!step_locate_or_create(s))
		return;
	m = s->m;
	if (s->ev->next_id.n) {
		queue_alias(&s->c->queue, s->entry, s->from->host, s->ev->instance,
			    s->ev->next_id);
		step_add_alias(m, s->ev->instance, s->ev->next_id);
	}
	if (!m->closed)
		m->state = MSG_OPEN;
	step_settle(s, false);
}

/* All that wait, or the one that the line is about. */
void on_expire(struct step *s)
{
	if (!step_locate(s, s->ev->queue_id))
		return;
	for (size_t i = 0; i < s->m->nrcpt; i++) {
		struct recipient *r = &s->m->rcpt[i];

		if ((r->status != RCPT_DEFERRED && r->status != RCPT_PENDING) ||
		    (s->ev->recipient.n && !str_eq(s->ev->recipient, r->address)))
			continue;
		r->status = RCPT_EXPIRED;
		r->time = s->time;
		s->m->rcpt_dirty = true;
		message_outcome_changed(s->m, r);
		returned_note(s, r);
	}
	step_settle(s, false);
}

static void end_as(struct step *s, enum message_state state)
{
	step_finish(s->c, s->entry, state, s->time);
	step_settle(s, false);
}

void on_delete(struct step *s)
{
	if (step_locate(s, s->ev->queue_id))
		end_as(s, MSG_DELETED);
}

void on_discard(struct step *s)
{
	if (step_locate_or_create(s))
		end_as(s, MSG_DISCARDED);
}

void on_end(struct step *s)
{
	if (!step_locate(s, s->ev->queue_id))
		return;
	if (--s->m->work.ids_open > 0) {
		step_settle(s, false);
		return;
	}
	/* Sendmail's "done": however many were announced, those told of are all. */
	if (s->m->work.no_end) {
		s->m->work.nrcpt = -1;
		step_settle(s, false);
		return;
	}
	end_as(s, s->m->state == MSG_HELD || s->m->state == MSG_OPEN ? MSG_DONE : s->m->state);
}

/* Refusals matter when somebody of ours was refused; the rest is the world
 * knocking at the door. */
static bool refusal_of_ours(const struct step *s, struct str login)
{
	const struct event *ev = s->ev;

	/* A message that got an id and has no client came from a program here. */
	if (ev->queue_id.n && !ev->client_ip.n && ev->channel == CHANNEL_NONE)
		return true;
	return login.n || ev->channel == CHANNEL_LOCAL || ev->channel == CHANNEL_AUTH ||
	       (ev->client_ip.n && accounts_trusted_ip(s->c->accounts, ev->client_ip));
}

static void fill_refusal(struct step *s, struct str login)
{
	const struct event *ev = s->ev;

	/* Of Sendmail's message the arrival is told later. */
	s->m->work.no_end |= ev->no_end;
	if (s->m->channel == CHANNEL_NONE && !(ev->no_end && ev->queue_id.n))
		s->m->channel = login.n ? CHANNEL_AUTH :
				ev->channel != CHANNEL_NONE ? ev->channel :
				ev->client_ip.n ? CHANNEL_SMTP : CHANNEL_LOCAL;
	if (ev->uid >= 0)
		s->m->uid = ev->uid;
	step_keep_first(s->m, &s->m->login, login);
	step_keep_first(s->m, &s->m->user, ev->user);
	step_keep_first(s->m, &s->m->client_ip, ev->client_ip);
	step_keep_first(s->m, &s->m->client_name, ev->client_name);
	step_keep_first(s->m, &s->m->helo, ev->helo);
	step_keep_first(s->m, &s->m->sender, ev->sender);
	s->m->sender_null |= ev->sender_null;
}

static void refuse_recipient(struct step *s)
{
	struct recipient *r;

	if (!s->ev->recipient.n) {
		if (s->ev->no_end && !s->m->closed)
			s->m->state = MSG_REJECTED;
		return;
	}
	r = message_recipient(s->m, s->ev->recipient);
	if (!r) {
		r = message_recipient_add(s->m, s->ev->recipient);
		s->c->recipients += r != NULL;
	}
	if (!r)
		return;
	r->status = RCPT_REJECTED;
	r->time = s->time;
	step_set(s->m, &r->dsn, s->ev->dsn);
	step_set(s->m, &r->response, s->ev->response);
	s->m->rcpt_dirty = true;
	message_outcome_changed(s->m, r);
}

static void refuse_all(struct message *m, usec_t time)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		m->rcpt[i].status = RCPT_REJECTED;
		m->rcpt[i].time = time;
		message_outcome_changed(m, &m->rcpt[i]);
	}
	m->rcpt_dirty = true;
}

/* The message refused becomes s->m. false: it is not of ours, or was told before. */
static bool refused_message(struct step *s, struct str login)
{
	char id[REFUSAL_ID_SIZE];

	if (s->ev->queue_id.n) {
		if (step_locate(s, s->ev->queue_id))
			return true;
		if (s->entry || !refusal_of_ours(s, login))
			return false;
		if (!step_recall(s, s->ev->queue_id))
			step_create(s, s->ev->queue_id);
		return true;
	}
	if (!refusal_of_ours(s, login) || (s->ev->copy >= 0 && refusal_is_known(s, id)))
		return false;
	step_create(s, STR_NONE);
	s->m->queue_id = STR("NOQUEUE");
	if (s->ev->copy >= 0)
		refusal_name(s, id);
	return true;
}

static void refuse(struct step *s, struct str login)
{
	if (s->ev->copy == 1)
		refusal_begin(s);
	if (!refused_message(s, login))
		return;
	fill_refusal(s, login);
	/* Exim names the user of a refused local message nowhere else. */
	if (s->m->channel == CHANNEL_LOCAL && !s->m->user.n && s->m->uid < 0)
		arrival_take_cwd(s);
	refuse_recipient(s);
	if (!s->ev->queue_id.n || s->ev->whole) {
		refuse_all(s->m, s->time);
		end_as(s, MSG_REJECTED);
		return;
	}
	step_settle(s, false);
}

void on_reject(struct step *s)
{
	struct arena scratch = { 0 };

	refuse(s, s->ev->login.n ? s->ev->login : arrival_login(s, &scratch));
	arena_release(&scratch);
}
