/* The table of messages by queue id.
 *
 * Invariant: every entry is in `rows`, each of its keys in `ids`, and it is in the use
 * order exactly when its message is in memory. Nothing here decides what a line means. */
#include "core/queue.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

struct queue_key {
	struct table_node by_id; /* by host and id */
	struct queue_entry *entry;
	struct queue_key *next_of_entry;
	uint32_t host_n, id_n, instance_n;
	char text[]; /* all three of them, in this order */
};

void queue_init(struct queue *q, struct row_source rows)
{
	memset(q, 0, sizeof(*q));
	q->row_source = rows;
	q->next_id = 1;
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
	e->used = q->turn;
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

static uint64_t id_hash(struct str host, struct str id)
{
	return hash_str(hash_str(0, host), id);
}

static bool key_is(const struct queue_key *k, struct str host, struct str id)
{
	return str_eq((struct str){ k->text + k->host_n, k->id_n }, id) &&
	       str_eq((struct str){ k->text, k->host_n }, host);
}

static bool key_is_of(const struct queue_key *k, struct str instance)
{
	return str_eq((struct str){ k->text + k->host_n + k->id_n, k->instance_n }, instance);
}

static struct queue_key *key_find(const struct queue *q, struct str host, struct str instance,
				  bool any, struct str id)
{
	struct table_node *node = table_get(&q->ids, id_hash(host, id));

	for (; node; node = table_get_next(node)) {
		struct queue_key *k = table_owner(node, struct queue_key, by_id);

		if (key_is(k, host, id) && (any || key_is_of(k, instance)))
			return k;
	}
	return NULL;
}

static void key_drop(struct queue *q, struct queue_key *k)
{
	table_remove(&q->ids, &k->by_id);
	free(k);
}

static void keys_drop(struct queue *q, struct queue_entry *e)
{
	while (e->keys) {
		struct queue_key *k = e->keys;

		e->keys = k->next_of_entry;
		key_drop(q, k);
	}
}

/* Takes the key from the entry that has it now: the id was used again. */
static void key_take_over(struct queue *q, struct str host, struct str instance, struct str id)
{
	struct queue_key *k = key_find(q, host, instance, false, id), **at;

	if (!k)
		return;
	for (at = &k->entry->keys; *at != k; at = &(*at)->next_of_entry)
		;
	*at = k->next_of_entry;
	key_drop(q, k);
}

static void key_add(struct queue *q, struct queue_entry *e, struct str host, struct str instance,
		    struct str id)
{
	struct queue_key *k = xmalloc(sizeof(*k) + host.n + id.n + instance.n);

	key_take_over(q, host, instance, id);
	*k = (struct queue_key){ .entry = e, .next_of_entry = e->keys, .host_n = (uint32_t)host.n,
				 .id_n = (uint32_t)id.n, .instance_n = (uint32_t)instance.n };
	str_put(str_put(str_put(k->text, host), id), instance);
	e->keys = k;
	table_insert(&q->ids, &k->by_id, id_hash(host, id));
}

static void wake_id(struct queue *q, struct str host, struct str id);

void queue_alias(struct queue *q, struct queue_entry *e, struct str host, struct str instance,
		 struct str id)
{
	wake_id(q, host, id);
	key_add(q, e, host, instance, id);
}

struct queue_entry *queue_find(struct queue *q, struct str host, struct str instance, bool any,
			       struct str id)
{
	struct queue_key *k;

	wake_id(q, host, id);
	k = key_find(q, host, instance, any, id);
	return k ? k->entry : NULL;
}

/* Rows are numbered by us, one after the other: no better hash than themselves. */
struct queue_entry *queue_find_row(struct queue *q, int64_t row)
{
	struct table_node *node = table_get(&q->rows, (uint64_t)row);

	return node ? table_owner(node, struct queue_entry, by_row) : NULL;
}

/* ---- entries ---- */

static struct queue_entry *entry_new(struct queue *q, int64_t row, usec_t time)
{
	struct queue_entry *e = xcalloc(1, sizeof(*e));

	e->id = row;
	e->time = time;
	table_insert(&q->rows, &e->by_row, (uint64_t)row);
	return e;
}

static void entry_free(struct queue *q, struct queue_entry *e)
{
	set_message(q, e, NULL);
	keys_drop(q, e);
	table_remove(&q->rows, &e->by_row);
	free(e);
}

/* ---- asleep ---- */

static uint64_t row_hash(int64_t row)
{
	return hash_str(0, (struct str){ (const char *)&row, sizeof(row) });
}

static void fall_asleep(struct queue *q, struct queue_entry *e)
{
	for (const struct queue_key *k = e->keys; k; k = k->next_of_entry)
		pairs_add(&q->asleep, k->by_id.hash, e->id);
	pairs_add(&q->asleep, row_hash(e->id), e->id);
	entry_free(q, e);
}

/* An id of a message that wakes, unless it was taken over by another. */
static void wake_key(struct queue *q, struct queue_entry *e, struct str instance, struct str id)
{
	if (pairs_remove(&q->asleep, id_hash(e->m->host, id), e->id))
		key_add(q, e, e->m->host, instance, id);
}

static struct queue_entry *wake(struct queue *q, int64_t row)
{
	struct message *m = q->row_source.load(q->row_source.context, row);
	bool slept = pairs_remove(&q->asleep, row_hash(row), row);
	struct queue_entry *e;

	if (!m) {
		q->open -= slept; /* the row is gone */
		return NULL;
	}
	e = entry_new(q, row, m->time);
	set_message(q, e, m);
	message_restored(m);
	wake_key(q, e, m->instance, m->queue_id);
	for (size_t i = 0; i < m->naliases; i++) {
		struct str instance, id = alias_id(m->aliases[i], &instance);

		wake_key(q, e, instance, id);
	}
	return e;
}

static bool is_asleep(const struct queue *q, int64_t row)
{
	return pairs_get(&q->asleep, row_hash(row)) == row;
}

/* All that may be meant by the id. One that woke, or whose row is gone, may have left some. */
static void wake_id(struct queue *q, struct str host, struct str id)
{
	int64_t row;
	uint64_t hash;

	if (!q->asleep.count)
		return;
	hash = id_hash(host, id);
	while ((row = pairs_get(&q->asleep, hash))) {
		if (is_asleep(q, row))
			wake(q, row);
		pairs_remove(&q->asleep, hash, row);
	}
}

struct queue_entry *queue_wake_row(struct queue *q, int64_t row)
{
	struct queue_entry *e = queue_find_row(q, row);

	return e || !is_asleep(q, row) ? e : wake(q, row);
}

/* ---- life ---- */

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
	struct queue_entry *e = queue_wake_row(q, row), *known;

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

/* Its row says all. */
static bool is_row(const struct message *m)
{
	return m->stored && !m->dirty && !m->work.waiting && !m->awaited;
}

void queue_trim(struct queue *q)
{
	struct queue_entry *e = q->oldest, *newer;

	for (; e && q->in_memory > QUEUE_MAX_IN_MEMORY; e = newer) {
		newer = e->newer;
		if (is_row(e->m))
			set_message(q, e, NULL);
	}
}

static void put_to_sleep(struct queue *q)
{
	struct table_node *node = table_walk(&q->rows, NULL), *next;

	for (; node; node = next) {
		struct queue_entry *e = table_owner(node, struct queue_entry, by_row);

		next = table_walk(&q->rows, node);
		if (!e->m && !e->closed && !e->ghost)
			fall_asleep(q, e);
	}
}

void queue_put_away(struct queue *q)
{
	struct queue_entry *e = q->oldest, *newer;

	if (!q->row_source.load)
		return;
	put_to_sleep(q);
	for (; e && e->used != q->turn; e = newer) {
		newer = e->newer;
		if (is_row(e->m))
			set_message(q, e, NULL);
	}
	q->turn++;
}

void queue_release(struct queue *q)
{
	struct table_node *node = table_walk(&q->rows, NULL), *next;

	for (; node; node = next) {
		struct queue_entry *e = table_owner(node, struct queue_entry, by_row);

		next = table_walk(&q->rows, node);
		message_free(e->m);
		for (struct queue_key *k = e->keys, *other; k; k = other) {
			other = k->next_of_entry;
			free(k);
		}
		free(e);
	}
	table_release(&q->rows);
	table_release(&q->ids);
	pairs_release(&q->asleep);
}
