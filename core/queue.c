/* The table of messages by queue id.
 *
 * Invariant: every entry is in `rows` unless it is a ghost, each of its keys is
 * in exactly one chain of `ids`, and it is in the use order exactly when its
 * message is in memory. Nothing here decides what a line means. */
#include "core/queue.h"

#include <stdlib.h>

#include "base/error.h"

struct queue_key {
	struct queue_entry *entry;
	struct queue_key *next_in_chain;
	struct queue_key *next_of_entry;
	char *instance;
	char *text; /* "host\0id", the map's key */
	size_t text_n;
};

void queue_init(struct queue *q, struct row_source rows)
{
	memset(q, 0, sizeof(*q));
	q->row_source = rows;
	q->next_id = 1;
}

static struct str row_key(const int64_t *row)
{
	return (struct str){ (const char *)row, sizeof(*row) };
}

static char *id_text(struct str host, struct str id, size_t *n)
{
	char *text = xmalloc(host.n + 1 + id.n + 1);

	memcpy(text, host.n ? host.p : "", host.n);
	text[host.n] = 0;
	memcpy(text + host.n + 1, id.n ? id.p : "", id.n);
	*n = host.n + 1 + id.n;
	text[*n] = 0;
	return text;
}

/* ---- use order ---- */

static void use_unlink(struct queue *q, struct queue_entry *e)
{
	*(e->older ? &e->older->newer : &q->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &q->newest) = e->older;
	e->older = e->newer = NULL;
}

static void use_append(struct queue *q, struct queue_entry *e)
{
	e->older = q->newest;
	e->newer = NULL;
	*(q->newest ? &q->newest->newer : &q->oldest) = e;
	q->newest = e;
}

static void set_message(struct queue *q, struct queue_entry *e, struct message *m)
{
	if (e->m) {
		use_unlink(q, e);
		message_free(e->m);
		q->in_memory--;
	}
	e->m = m;
	if (m) {
		use_append(q, e);
		q->in_memory++;
	}
}

/* ---- keys ---- */

static void key_free(struct queue_key *k)
{
	free(k->instance);
	free(k->text);
	free(k);
}

static void key_unchain(struct queue *q, struct queue_key *k)
{
	struct str text = { k->text, k->text_n };
	struct queue_key *head = map_get(&q->ids, text), *at = head;

	if (head == k) {
		if (k->next_in_chain)
			map_put(&q->ids, text, k->next_in_chain);
		else
			map_remove(&q->ids, text);
		return;
	}
	while (at && at->next_in_chain != k)
		at = at->next_in_chain;
	if (at)
		at->next_in_chain = k->next_in_chain;
}

static void keys_drop(struct queue *q, struct queue_entry *e)
{
	while (e->keys) {
		struct queue_key *k = e->keys;

		e->keys = k->next_of_entry;
		key_unchain(q, k);
		key_free(k);
	}
}

/* Takes the key from the entry that has it now: the id was used again. */
static void key_take_over(struct queue *q, struct str host, struct str instance, struct str id)
{
	struct queue_entry *e = queue_find(q, host, instance, false, id);
	struct queue_key **at;

	if (!e)
		return;
	for (at = &e->keys; *at; at = &(*at)->next_of_entry) {
		struct queue_key *k = *at;

		if (!str_eq(str_of(k->instance), instance) ||
		    !str_eq(str_skip((struct str){ k->text, k->text_n }, host.n + 1), id))
			continue;
		*at = k->next_of_entry;
		key_unchain(q, k);
		key_free(k);
		return;
	}
}

void queue_alias(struct queue *q, struct queue_entry *e, struct str host, struct str instance,
		 struct str id)
{
	struct queue_key *k = xcalloc(1, sizeof(*k));

	key_take_over(q, host, instance, id);
	k->entry = e;
	k->instance = str_dup(instance);
	k->text = id_text(host, id, &k->text_n);
	k->next_of_entry = e->keys;
	e->keys = k;
	k->next_in_chain = map_get(&q->ids, (struct str){ k->text, k->text_n });
	map_put(&q->ids, (struct str){ k->text, k->text_n }, k);
}

struct queue_entry *queue_find(struct queue *q, struct str host, struct str instance, bool any,
			       struct str id)
{
	char small[512];
	char *text = small;
	size_t n = host.n + 1 + id.n;
	struct queue_key *k;

	if (n >= sizeof(small))
		return NULL;
	memcpy(text, host.n ? host.p : "", host.n);
	text[host.n] = 0;
	memcpy(text + host.n + 1, id.n ? id.p : "", id.n);
	for (k = map_get(&q->ids, (struct str){ text, n }); k; k = k->next_in_chain)
		if (any || str_eq(str_of(k->instance), instance))
			return k->entry;
	return NULL;
}

struct queue_entry *queue_find_row(struct queue *q, int64_t row)
{
	return map_get(&q->rows, row_key(&row));
}

/* ---- entries ---- */

static struct queue_entry *entry_new(struct queue *q, int64_t row, usec_t time)
{
	struct queue_entry *e = xcalloc(1, sizeof(*e));

	e->id = row;
	e->time = time;
	map_put(&q->rows, row_key(&e->id), e);
	return e;
}

static void entry_free(struct queue *q, struct queue_entry *e)
{
	set_message(q, e, NULL);
	keys_drop(q, e);
	map_remove(&q->rows, row_key(&e->id));
	free(e);
}

struct queue_entry *queue_add(struct queue *q, struct str host, struct str instance,
			      struct str id, usec_t time)
{
	struct queue_entry *e = entry_new(q, q->next_id++, time);
	struct message *m = message_new();

	m->id = e->id;
	m->time = time;
	m->host = arena_str(&m->strings, host);
	m->instance = arena_str(&m->strings, instance);
	m->queue_id = arena_str(&m->strings, id);
	m->work.ids_open = 1;
	set_message(q, e, m);
	q->open++;
	if (id.n)
		queue_alias(q, e, host, instance, id);
	return e;
}

struct queue_entry *queue_restore(struct queue *q, struct str host, struct str instance,
				  struct str id, int64_t row, usec_t time, usec_t closed)
{
	struct queue_entry *e = queue_find_row(q, row), *known;

	if (!e) {
		e = entry_new(q, row, time);
		q->open++;
		if (closed)
			queue_close(q, e, closed);
	}
	/* Those that ended come after those that are open: whoever had the id last has it. */
	known = queue_find(q, host, instance, false, id);
	if (!known || known->id <= row)
		queue_alias(q, e, host, instance, id);
	return e;
}

struct message *queue_message(struct queue *q, struct queue_entry *e)
{
	if (e->m) {
		use_unlink(q, e);
		use_append(q, e);
		return e->m;
	}
	if (e->ghost || !q->row_source.load)
		return NULL;
	set_message(q, e, q->row_source.load(q->row_source.context, e->id));
	if (e->m)
		message_restored(e->m);
	return e->m;
}

void queue_absorb(struct queue *q, struct queue_entry *to, struct queue_entry *from)
{
	struct queue_key *last;

	for (struct queue_key *k = from->keys; k; k = k->next_of_entry)
		k->entry = to;
	for (last = from->keys; last && last->next_of_entry;)
		last = last->next_of_entry;
	if (last) {
		last->next_of_entry = to->keys;
		to->keys = from->keys;
		from->keys = NULL;
	}
	if (from->closed) {
		/* it is in the list of ended ones, which frees it */
		set_message(q, from, NULL);
		from->ghost = true;
		return;
	}
	q->open--;
	entry_free(q, from);
}

void queue_close(struct queue *q, struct queue_entry *e, usec_t when)
{
	if (e->closed)
		return;
	e->closed = when ? when : 1;
	q->open--;
	*(q->closed_tail ? &q->closed_tail->next_closed : &q->closed_head) = e;
	q->closed_tail = e;
}

void queue_reopen(struct queue *q, struct queue_entry *e)
{
	struct queue_entry *before = NULL;

	if (!e->closed)
		return;
	for (struct queue_entry *at = q->closed_head; at && at != e; at = at->next_closed)
		before = at;
	*(before ? &before->next_closed : &q->closed_head) = e->next_closed;
	if (q->closed_tail == e)
		q->closed_tail = before;
	e->next_closed = NULL;
	e->closed = 0;
	q->open++;
}

void queue_expire(struct queue *q, usec_t now)
{
	while (q->closed_head && (q->closed_head->closed + PIPELINE_LINGER < now ||
				  q->closed_head->closed > now + PIPELINE_LINGER)) {
		struct queue_entry *e = q->closed_head;

		/* Not while it is to be written, or hangs in a list of join.c. */
		if (e->m && (e->m->dirty || e->m->work.waiting))
			return;
		q->closed_head = e->next_closed;
		if (!q->closed_head)
			q->closed_tail = NULL;
		entry_free(q, e);
	}
}

void queue_ghost(struct queue *q, struct queue_entry *e)
{
	e->ghost = true;
	set_message(q, e, NULL);
}

void queue_trim(struct queue *q)
{
	struct queue_entry *e = q->oldest, *newer;

	for (; e && q->in_memory > QUEUE_MAX_IN_MEMORY; e = newer) {
		newer = e->newer;
		if (e->m->dirty || e->m->work.waiting || !e->m->stored)
			continue;
		set_message(q, e, NULL);
	}
}

void queue_release(struct queue *q)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&q->rows, &i))) {
		struct queue_entry *e = slot->value;

		message_free(e->m);
		while (e->keys) {
			struct queue_key *k = e->keys;

			e->keys = k->next_of_entry;
			key_free(k);
		}
		free(e);
	}
	map_release(&q->rows);
	map_release(&q->ids);
}
