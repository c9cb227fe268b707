/* A batch that stands for itself.
 *
 * Invariant: after batch_take() nothing in the batch points to what is not its own. Tables
 * name the texts of each struct; a text that is not in its table would still be the
 * pipeline's. Decides nothing about what is in a batch. */
#include "core/batch.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const size_t message_texts[] = {
	offsetof(struct message, host),		   offsetof(struct message, instance),
	offsetof(struct message, queue_id),	   offsetof(struct message, account),
	offsetof(struct message, login),	   offsetof(struct message, user),
	offsetof(struct message, client_ip),	   offsetof(struct message, client_name),
	offsetof(struct message, helo),		   offsetof(struct message, cwd),
	offsetof(struct message, script),	   offsetof(struct message, sender),
	offsetof(struct message, subject),	   offsetof(struct message, message_id),
	offsetof(struct message, parent_id),	   offsetof(struct message, work.header_to),
	offsetof(struct message, work.xphp),	   offsetof(struct message, work.ref),
	offsetof(struct message, work.forward),	   offsetof(struct message, work.novel),
};
static const size_t recipient_texts[] = {
	offsetof(struct recipient, address),  offsetof(struct recipient, orig_to),
	offsetof(struct recipient, dsn),      offsetof(struct recipient, relay),
	offsetof(struct recipient, relay_ip), offsetof(struct recipient, response),
};
static const size_t php_texts[] = {
	offsetof(struct php_mail, host),    offsetof(struct php_mail, account),
	offsetof(struct php_mail, script),  offsetof(struct php_mail, to),
	offsetof(struct php_mail, subject), offsetof(struct php_mail, headers),
	offsetof(struct php_mail, message_id),
};
static const size_t finding_texts[] = {
	offsetof(struct finding, stream_key), offsetof(struct finding, host),
	offsetof(struct finding, account),    offsetof(struct finding, login),
	offsetof(struct finding, script),     offsetof(struct finding, summary),
	offsetof(struct finding, evidence),   offsetof(struct finding, why),
	offsetof(struct finding, advice),     offsetof(struct finding, sources),
	offsetof(struct finding, answers),    offsetof(struct finding, queue_ids),
	offsetof(struct finding, subjects),
};

static void own(struct arena *a, struct str *s)
{
	if (s->p)
		*s = arena_str(a, *s);
}

static void own_texts(struct arena *a, void *of, const size_t *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		own(a, (struct str *)(void *)((char *)of + texts[i]));
}

static void *copy(struct arena *a, const void *from, size_t bytes)
{
	return bytes ? memcpy(arena_alloc(a, bytes), from, bytes) : NULL;
}

static struct message *copy_message(struct arena *a, const struct message *from)
{
	struct message *m = copy(a, from, sizeof(*m));

	m->strings = (struct arena){ 0 };
	m->nodes = NULL;
	m->streams = (struct message_streams){ 0 };
	own_texts(a, m, message_texts, COUNT(message_texts));
	m->rcpt = from->rcpt == &from->first ?
			  &m->first : copy(a, from->rcpt, from->nrcpt * sizeof(*m->rcpt));
	for (size_t i = 0; i < m->nrcpt; i++)
		own_texts(a, &m->rcpt[i], recipient_texts, COUNT(recipient_texts));
	m->aliases = copy(a, from->aliases, from->naliases * sizeof(*m->aliases));
	for (size_t i = 0; i < m->naliases; i++)
		own(a, &m->aliases[i]);
	return m;
}

static struct php_mail *copy_php(struct arena *a, const struct php_mail *from)
{
	struct php_mail *p = copy(a, from, sizeof(*p));

	p->strings = (struct arena){ 0 };
	p->older = p->newer = NULL;
	p->nodes = NULL;
	p->cc = p->bcc = STR_NONE;
	own_texts(a, p, php_texts, COUNT(php_texts));
	return p;
}

static struct finding *copy_finding(struct arena *a, const struct finding *from)
{
	struct finding *f = copy(a, from, sizeof(*f));

	f->strings = f->told = (struct arena){ 0 };
	own_texts(a, f, finding_texts, COUNT(finding_texts));
	return f;
}

static void own_mail(struct batch *b)
{
	for (size_t i = 0; i < b->nmessages; i++)
		b->messages[i] = copy_message(&b->arena, b->messages[i]);
	b->dropped = copy(&b->arena, b->dropped, b->ndropped * sizeof(*b->dropped));
	b->php = copy(&b->arena, b->php, b->nphp * sizeof(struct php_mail *));
	for (size_t i = 0; i < b->nphp; i++)
		b->php[i] = copy_php(&b->arena, b->php[i]);
}

static void own_counts(struct batch *b)
{
	for (size_t i = 0; i < b->ninbound; i++)
		own(&b->arena, &b->inbound[i].domain);
	for (size_t i = 0; i < b->ndirect; i++)
		own(&b->arena, &b->direct[i].account);
	for (size_t i = 0; i < b->nunknown; i++) {
		own(&b->arena, &b->unknown[i].source);
		own(&b->arena, &b->unknown[i].program);
		own(&b->arena, &b->unknown[i].shape);
		own(&b->arena, &b->unknown[i].sample);
	}
	for (size_t i = 0; i < b->nsources; i++)
		own(&b->arena, &b->sources[i].source);
	for (size_t i = 0; i < b->nlosses; i++) {
		own(&b->arena, &b->losses[i].source);
		own(&b->arena, &b->losses[i].reporter);
	}
}

static void own_detection(struct batch *b)
{
	b->findings = copy(&b->arena, b->findings, b->nfindings * sizeof(struct finding *));
	for (size_t i = 0; i < b->nfindings; i++)
		b->findings[i] = copy_finding(&b->arena, b->findings[i]);
	/* Packed states and hashes were made in the arena. */
	for (size_t i = 0; i < b->nstreams; i++)
		own(&b->arena, &b->streams[i].key);
}

static void own_places(struct batch *b)
{
	struct position *positions = copy(&b->arena, b->positions,
					  b->npositions * sizeof(*positions));
	struct journal_position *journals = copy(&b->arena, b->journals,
						 b->njournals * sizeof(*journals));

	for (size_t i = 0; i < b->npositions; i++)
		own(&b->arena, &positions[i].path);
	for (size_t i = 0; i < b->njournals; i++) {
		own(&b->arena, &journals[i].name);
		own(&b->arena, &journals[i].cursor);
	}
	b->positions = positions;
	b->journals = journals;
}

static void own_all(struct batch *b)
{
	own_mail(b);
	own_counts(b);
	for (size_t i = 0; i < b->nnotes; i++) {
		own(&b->arena, &b->notes[i].kind);
		own(&b->arena, &b->notes[i].key);
		own(&b->arena, &b->notes[i].value);
	}
	own_detection(b);
	own_places(b);
}

void batch_take(struct batch *to, struct batch *from)
{
	own_all(from);
	*to = *from;
	*from = (struct batch){ 0 };
}

void batch_release(struct batch *b)
{
	arena_release(&b->arena);
	*b = (struct batch){ 0 };
}
