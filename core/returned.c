/* Bounces of a server whose log does not say what a bounce reports on.
 *
 * Invariant: OpenSMTPD submits its bounces as a program on the host does, with the null
 * sender, to the sender of what has just failed; sendmail(8) lets anybody do the same.
 * So only the pair of both is a bounce, and one failure explains one. */
#include <stdio.h>

#include "core/step.h"

#define RETURNED STR("returned")
/* Room for queue ids of one sender whose bounces are still to come; further ones are
 * ordinary mail of a program, without an account. */
#define IDS_MAX 512

/* "host:address" */
static struct str returned_key(const struct step *s, struct str address, char *buf, size_t size)
{
	struct str host = str_head(s->from->host, 255), mailbox = str_head(address, 255);
	int n = snprintf(buf, size, "%.*s:%.*s", STR_ARG(host), STR_ARG(mailbox));

	return (struct str){ buf, (size_t)n };
}

void returned_note(struct step *s, const struct recipient *r)
{
	char key[520], value[IDS_MAX];
	struct str k, id = s->m->queue_id, old;
	const struct note *note;
	int n;

	if (!s->m->work.no_end || !s->m->sender.n ||
	    (r->status != RCPT_BOUNCED && r->status != RCPT_DEFERRED && r->status != RCPT_EXPIRED))
		return;
	k = returned_key(s, s->m->sender, key, sizeof(key));
	note = notes_get(&s->c->notes, RETURNED, k);
	old = note ? note->value : STR_NONE;
	if (str_find(old, id) < old.n)
		return;
	n = snprintf(value, sizeof(value), "%.*s%s%.*s", STR_ARG(old), old.n ? " " : "", STR_ARG(id));
	if ((size_t)n < sizeof(value))
		notes_put(&s->c->notes, RETURNED, k, (struct str){ value, (size_t)n }, s->time);
}

/* The first of the note's ids goes to the message. */
static void take_parent(struct step *s, struct str key, const struct note *note)
{
	struct message *m = s->m;
	struct str rest = arena_str(&m->strings, note->value);
	struct queue_entry *parent;

	m->parent_id = str_head(rest, str_chr(rest, ' '));
	rest = str_skip(rest, m->parent_id.n + 1);
	parent = queue_find(&s->c->queue, s->from->host, m->instance, true, m->parent_id);
	m->parent = parent && !parent->ghost ? parent->id : 0;
	if (rest.n)
		notes_put(&s->c->notes, RETURNED, key, rest, s->time);
	else
		notes_remove(&s->c->notes, RETURNED, key);
}

void returned_seek(struct step *s)
{
	struct message *m = s->m;
	char key[520];
	struct str k;
	const struct note *note;

	if (!m->sender_null || m->channel != CHANNEL_LOCAL || m->user.n || m->uid >= 0 ||
	    m->nrcpt != 1)
		return;
	k = returned_key(s, m->rcpt[0].address, key, sizeof(key));
	note = notes_get(&s->c->notes, RETURNED, k);
	if (!note)
		return;
	m->channel = CHANNEL_INTERNAL;
	php_stop_waiting(s->c, m);
	take_parent(s, k, note);
}
