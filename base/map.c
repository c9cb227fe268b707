/* Open addressing with linear probing over a power of two of slots.
 *
 * Invariant: every key is reachable from its home slot without crossing a free
 * one; removal shifts the cluster back, so there are no tombstones. At most
 * 3/4 of the slots are used. Does not shrink, does not own values. */
#include "base/map.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

#define SLOTS_FIRST 16

static uint64_t hash_of(struct str key)
{
	uint64_t hash = hash_str(0, key);

	return hash ? hash : 1; /* 0 marks a free slot */
}

/* The key's slot, or the free one where it belongs. The table has slots. */
static size_t probe(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & m->mask;

	for (; m->slots[i].hash; i = (i + 1) & m->mask) {
		const struct map_slot *slot = &m->slots[i];

		if (slot->hash == hash && slot->key_n == key.n &&
		    (key.n == 0 || memcmp(slot->key, key.p, key.n) == 0))
			break;
	}
	return i;
}

static void grow(struct map *m)
{
	size_t old = m->slots ? m->mask + 1 : 0;
	size_t slots = old ? old * 2 : SLOTS_FIRST;
	struct map_slot *from = m->slots;

	m->slots = xcalloc(slots, sizeof(*m->slots));
	m->mask = slots - 1;
	for (size_t k = 0; k < old; k++) {
		size_t i = from[k].hash & m->mask;

		if (!from[k].hash)
			continue;
		while (m->slots[i].hash)
			i = (i + 1) & m->mask;
		m->slots[i] = from[k];
	}
	free(from);
}

void *map_get(const struct map *m, struct str key)
{
	size_t i;

	if (m->count == 0)
		return NULL;
	i = probe(m, key, hash_of(key));
	return m->slots[i].hash ? m->slots[i].value : NULL;
}

static bool is_full(const struct map *m)
{
	return !m->slots || (m->count + 1) * 4 > (m->mask + 1) * 3;
}

void *map_put(struct map *m, struct str key, void *value)
{
	struct map_slot *slot;
	uint64_t hash;

	if (!value || key.n > UINT32_MAX)
		bug("map_put without a value, or with a key over 4 GiB");
	if (is_full(m))
		grow(m);
	hash = hash_of(key);
	slot = &m->slots[probe(m, key, hash)];
	if (slot->hash) {
		void *old = slot->value;

		slot->value = value;
		return old;
	}
	*slot = (struct map_slot){ hash, str_dup(key), (uint32_t)key.n, value };
	m->count++;
	return NULL;
}

/* Moves the rest of the cluster back over the hole at i. */
static void close_hole(struct map *m, size_t hole)
{
	size_t i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & m->mask;
		if (!m->slots[i].hash)
			break;
		home = m->slots[i].hash & m->mask;
		if (((i - home) & m->mask) < ((i - hole) & m->mask))
			continue; /* its home lies behind the hole */
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){ 0 };
}

void *map_remove(struct map *m, struct str key)
{
	void *value;
	size_t i;

	if (m->count == 0)
		return NULL;
	i = probe(m, key, hash_of(key));
	if (!m->slots[i].hash)
		return NULL;
	value = m->slots[i].value;
	free(m->slots[i].key);
	close_hole(m, i);
	m->count--;
	return value;
}

struct map_slot *map_next(const struct map *m, size_t *i)
{
	while (m->slots && *i <= m->mask) {
		struct map_slot *slot = &m->slots[(*i)++];

		if (slot->hash)
			return slot;
	}
	return NULL;
}

void map_release(struct map *m)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(m, &i)))
		free(slot->key);
	free(m->slots);
	*m = (struct map){ 0 };
}
