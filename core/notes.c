/* Notes with a life of minutes, and the difference to what is in the database.
 *
 * Invariant: a slot is in the order list while it has a value, in `changed`
 * while it differs from its row. A note made and removed between two commits
 * is never written. */
#include "core/notes.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

struct note_slot {
	struct table_node by_key;
	struct note note; /* kind and key view into text */
	char *value; /* owned; NULL: removed */
	bool stored, changed;
	struct note_slot *older, *newer, *next_changed;
	char text[]; /* kind, key */
};

static uint64_t key_hash(struct str kind, struct str key)
{
	return hash_str(hash_str(0, kind), key);
}

static struct note_slot *slot_find(const struct notes *n, struct str kind, struct str key)
{
	struct table_node *node = table_get(&n->by_key, key_hash(kind, key));

	for (; node; node = table_get_next(node)) {
		struct note_slot *slot = table_owner(node, struct note_slot, by_key);

		if (str_eq(slot->note.key, key) && str_eq(slot->note.kind, kind))
			return slot;
	}
	return NULL;
}

static struct note_slot *slot_new(struct notes *n, struct str kind, struct str key)
{
	struct note_slot *slot = xcalloc(1, sizeof(*slot) + kind.n + key.n);

	str_put(str_put(slot->text, kind), key);
	slot->note.kind = (struct str){ slot->text, kind.n };
	slot->note.key = (struct str){ slot->text + kind.n, key.n };
	table_insert(&n->by_key, &slot->by_key, key_hash(kind, key));
	return slot;
}

/* In the order of notes.orders; the last is of all other kinds. */
static const struct life {
	struct str kind;
	usec_t ttl;
	size_t max;
} lives[NOTES_LIVES] = {
	{ NOTES_SESSION, NOTES_TTL_SESSION, NOTES_MAX_SESSIONS },
	{ NOTES_DELIVERY, NOTES_TTL_DELIVERY, NOTES_MAX_DELIVERIES },
	{ STR(""), NOTES_TTL, SIZE_MAX },
};

static struct note_order *order_of(struct notes *n, struct str kind)
{
	int i = 0;

	while (i < NOTES_LIVES - 1 && !str_eq(kind, lives[i].kind))
		i++;
	return &n->orders[i];
}

static void order_unlink(struct notes *n, struct note_slot *slot)
{
	struct note_order *order = order_of(n, slot->note.kind);

	*(slot->older ? &slot->older->newer : &order->oldest) = slot->newer;
	*(slot->newer ? &slot->newer->older : &order->newest) = slot->older;
	slot->older = slot->newer = NULL;
	order->count--;
}

static void order_append(struct notes *n, struct note_slot *slot)
{
	struct note_order *order = order_of(n, slot->note.kind);

	slot->older = order->newest;
	*(order->newest ? &order->newest->newer : &order->oldest) = slot;
	order->newest = slot;
	order->count++;
}

static void slot_set(struct notes *n, struct note_slot *slot, struct str value, usec_t time)
{
	if (slot->value) {
		order_unlink(n, slot);
		free(slot->value);
	}
	slot->value = value.p ? str_dup(value) : NULL;
	slot->note.value = (struct str){ slot->value, slot->value ? value.n : 0 };
	slot->note.time = time;
	if (slot->value)
		order_append(n, slot);
}

static void slot_changed(struct notes *n, struct note_slot *slot)
{
	if (slot->changed)
		return;
	slot->changed = true;
	slot->next_changed = n->changed;
	n->changed = slot;
}

static void slot_free(struct notes *n, struct note_slot *slot)
{
	table_remove(&n->by_key, &slot->by_key);
	if (slot->value)
		order_unlink(n, slot);
	free(slot->value);
	free(slot);
}

const struct note *notes_get(const struct notes *n, struct str kind, struct str key)
{
	struct note_slot *slot = slot_find(n, kind, key);

	return slot && slot->value ? &slot->note : NULL;
}

void notes_put(struct notes *n, struct str kind, struct str key, struct str value, usec_t time)
{
	struct note_slot *slot = slot_find(n, kind, key);

	if (!slot)
		slot = slot_new(n, kind, key);
	slot_set(n, slot, value.p ? value : STR(""), time);
	slot_changed(n, slot);
}

void notes_refresh(struct notes *n, const struct note *note, usec_t time)
{
	struct note_slot *slot = slot_find(n, note->kind, note->key);

	if (slot->note.time == time)
		return;
	order_unlink(n, slot);
	slot->note.time = time;
	order_append(n, slot);
	slot_changed(n, slot);
}

void notes_remove(struct notes *n, struct str kind, struct str key)
{
	struct note_slot *slot = slot_find(n, kind, key);

	if (!slot || !slot->value)
		return;
	slot_set(n, slot, STR_NONE, slot->note.time);
	slot_changed(n, slot);
}

void notes_remove_all(struct notes *n, struct str kind, struct str prefix)
{
	struct note_slot *slot = order_of(n, kind)->oldest, *newer;

	for (; slot; slot = newer) {
		newer = slot->newer;
		if (str_eq(slot->note.kind, kind) && str_starts(slot->note.key, prefix))
			notes_remove(n, kind, slot->note.key);
	}
}

void notes_restore(struct notes *n, const struct note *note)
{
	struct note_slot *slot = slot_new(n, note->kind, note->key);

	slot_set(n, slot, note->value.p ? note->value : STR(""), note->time);
	slot->stored = true;
}

static bool is_due(const struct note_order *order, const struct life *life, usec_t now)
{
	const struct note_slot *first = order->oldest;

	return first && (first->note.time + life->ttl < now || first->note.time > now + life->ttl ||
			 order->count > life->max);
}

static void expire(struct notes *n, struct note_order *order, const struct life *life, usec_t now)
{
	while (order->oldest && order->oldest->note.time > now + life->ttl &&
	       order->oldest->stored && !order->oldest->changed)
		slot_free(n, order->oldest);
	while (order->oldest && order->oldest->note.time + life->ttl < now)
		notes_remove(n, order->oldest->note.kind, order->oldest->note.key);
	while (order->count > life->max)
		notes_remove(n, order->oldest->note.kind, order->oldest->note.key);
}

/* Asked at each line, and nearly always for nothing. */
void notes_expire(struct notes *n, usec_t now)
{
	for (int i = 0; i < NOTES_LIVES; i++)
		if (is_due(&n->orders[i], &lives[i], now))
			expire(n, &n->orders[i], &lives[i], now);
}

size_t notes_changes(const struct notes *n, struct arena *arena, struct note **out)
{
	size_t count = 0;

	for (struct note_slot *s = n->changed; s; s = s->next_changed)
		count += s->value || s->stored;
	*out = arena_alloc(arena, (count + 1) * sizeof(**out));
	count = 0;
	for (struct note_slot *s = n->changed; s; s = s->next_changed)
		if (s->value || s->stored)
			(*out)[count++] = s->note;
	return count;
}

void notes_committed(struct notes *n)
{
	struct note_slot *slot;

	while ((slot = n->changed)) {
		n->changed = slot->next_changed;
		slot->next_changed = NULL;
		slot->changed = false;
		slot->stored = slot->value != NULL;
		if (!slot->value)
			slot_free(n, slot);
	}
}

bool notes_dirty(const struct notes *n)
{
	for (struct note_slot *s = n->changed; s; s = s->next_changed)
		if (s->value || s->stored)
			return true;
	return false;
}

void notes_release(struct notes *n)
{
	struct table_node *at = table_walk(&n->by_key, NULL), *next;

	for (; at; at = next) {
		struct note_slot *slot = table_owner(at, struct note_slot, by_key);

		next = table_walk(&n->by_key, at);
		free(slot->value);
		free(slot);
	}
	table_release(&n->by_key);
}
