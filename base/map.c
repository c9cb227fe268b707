/* Open addressing with linear probing over a power of two of slots.
 *
 * Invariant: every key is reachable from its home slot without crossing a free
 * one; removal shifts the cluster back, so there are no tombstones. At most
 * 3/4 of the slots are used. Does not shrink, does not own values. */
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/error.h"

#define SLOTS_FIRST 16

/* SipHash-1-3: one round a block, three to finish (Aumasson, Bernstein:
 * "SipHash: a fast short-input PRF", 2012; the variant of Rust's HashMap). */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t seed[2];
static bool seeded;

static void seed_once(void)
{
	if (seeded)
		return;
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		bug("no random numbers from the kernel");
	seeded = true;
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_block(struct sip *s, uint64_t block)
{
	s->v3 ^= block;
	sip_round(s);
	s->v0 ^= block;
}

static uint64_t siphash13(struct str key)
{
	struct sip s = { seed[0] ^ UINT64_C(0x736f6d6570736575),
			 seed[1] ^ UINT64_C(0x646f72616e646f6d),
			 seed[0] ^ UINT64_C(0x6c7967656e657261),
			 seed[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t block, length = (uint64_t)key.n << 56;

	for (; key.n >= 8; key = str_skip(key, 8)) {
		memcpy(&block, key.p, 8);
		sip_block(&s, block);
	}
	block = 0;
	if (key.n)
		memcpy(&block, key.p, key.n);
	sip_block(&s, length | block);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint64_t hash_of(struct str key)
{
	uint64_t hash = siphash13(key);

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
	seed_once();
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
