/* Bounces of a server whose log does not say what a bounce reports on.
 *
 * Invariant: OpenSMTPD submits its bounces as a program on the host does, with the null
 * sender, to the sender of what has just failed; sendmail(8) lets anybody do the same.
 * So only the pair of both is a bounce, and one failure explains one. */
#include <stdio.h>

#include "core/step.h"

#define RETURNED STR("returned")

/* "host:address" */
static struct str returned_key(const struct step *s, struct str address, char *buf, size_t size)
{
	struct str host = str_head(s->from->host, 255), mailbox = str_head(address, 255);
	int n = snprintf(buf, size, "%.*s:%.*s", STR_ARG(host), STR_ARG(mailbox));

	return (struct str){ buf, (size_t)n };
}

void returned_note(struct step *s, const struct recipient *r)
{
	char key[520];

	if (!s->m->work.no_end || !s->m->sender.n ||
	    (r->status != RCPT_BOUNCED && r->status != RCPT_DEFERRED && r->status != RCPT_EXPIRED))
		return;
	notes_put(&s->c->notes, RETURNED, returned_key(s, s->m->sender, key, sizeof(key)),
		  s->m->queue_id, s->time);
}

void returned_seek(struct step *s)
{
	struct message *m = s->m;
	char key[520];
	struct str k;
	const struct note *note;
	struct queue_entry *parent;

	if (!m->sender_null || m->channel != CHANNEL_LOCAL || m->user.n || m->uid >= 0 ||
	    m->nrcpt != 1)
		return;
	k = returned_key(s, m->rcpt[0].address, key, sizeof(key));
	note = notes_get(&s->c->notes, RETURNED, k);
	if (!note)
		return;
	m->channel = CHANNEL_INTERNAL;
	php_stop_waiting(s->c, m);
	m->parent_id = arena_str(&m->strings, note->value);
	parent = queue_find(&s->c->queue, s->from->host, m->instance, true, m->parent_id);
	m->parent = parent && !parent->ghost ? parent->id : 0;
	notes_remove(&s->c->notes, RETURNED, k);
}
