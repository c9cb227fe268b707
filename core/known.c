/* The set of recipients a stream knows.
 *
 * Invariant: a hash is in the tail, in a table of one of two generations, or
 * not in the set; what the database holds and what it would be given at the
 * next commit make the same set. Nobody chooses the hashes' seed: a collision
 * hides one recipient, and slows nothing down, since a table never grows long
 * runs that matter at these sizes. */
#include "core/known.h"

#include <ctype.h>
#include <endian.h>
#include <stdlib.h>

#include "base/error.h"

#define CHUNKS (KNOWN_GENERATION / KNOWN_CHUNK)
#define TAIL_FIRST 4

struct known_full {
	struct known_full *next;
	uint32_t generation, chunk;
	uint32_t hashes[KNOWN_CHUNK];
};

uint32_t known_hash(struct str address)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < address.n; i++)
		h = (h ^ (uint64_t)tolower((unsigned char)address.p[i])) * 0x100000001b3;
	h ^= h >> 32;
	return (uint32_t)h ? (uint32_t)h : 1;
}

/* ---- a table of full chunks ---- */

static bool slot_has(const uint32_t *slots, uint32_t room, uint32_t hash)
{
	if (!room)
		return false;
	for (uint32_t i = hash & (room - 1);; i = (i + 1) & (room - 1)) {
		if (slots[i] == hash)
			return true;
		if (!slots[i])
			return false;
	}
}

static void slot_put(uint32_t *slots, uint32_t room, uint32_t hash)
{
	uint32_t i = hash & (room - 1);

	while (slots[i])
		i = (i + 1) & (room - 1);
	slots[i] = hash;
}

static void table_grow(struct known *k)
{
	uint32_t room = k->room[0] ? 2 * k->room[0] : 2 * KNOWN_CHUNK;
	uint32_t *slots = xcalloc(room, sizeof(*slots));

	for (uint32_t i = 0; i < k->room[0]; i++)
		if (k->slots[0][i])
			slot_put(slots, room, k->slots[0][i]);
	free(k->slots[0]);
	k->slots[0] = slots;
	k->room[0] = room;
}

static void table_add(struct known *k, const uint32_t *hashes, size_t n)
{
	while (4 * (k->count[0] + n) > 3 * (size_t)k->room[0])
		table_grow(k);
	for (size_t i = 0; i < n; i++)
		slot_put(k->slots[0], k->room[0], hashes[i]);
	k->count[0] += (uint32_t)n;
}

/* ---- generations and chunks ---- */

static void turn_generation(struct known *k)
{
	free(k->slots[1]);
	k->slots[1] = k->slots[0];
	k->room[1] = k->room[0];
	k->count[1] = k->count[0];
	k->slots[0] = NULL;
	k->room[0] = k->count[0] = 0;
	k->generation++;
	k->chunk = 0;
	k->turned = true;
}

static void next_chunk(struct known *k)
{
	k->tail_n = 0;
	k->dirty = false;
	if (++k->chunk == CHUNKS)
		turn_generation(k);
}

static void tail_full(struct known *k)
{
	struct known_full *full = xcalloc(1, sizeof(*full)), **end = &k->unwritten;

	full->generation = k->generation;
	full->chunk = k->chunk;
	memcpy(full->hashes, k->tail, sizeof(full->hashes));
	while (*end)
		end = &(*end)->next;
	*end = full;
	table_add(k, k->tail, KNOWN_CHUNK);
	next_chunk(k);
}

static void tail_add(struct known *k, uint32_t hash)
{
	if (k->tail_n == k->tail_room) {
		k->tail_room = k->tail_room ? 2 * k->tail_room : TAIL_FIRST;
		k->tail = xrealloc(k->tail, k->tail_room * sizeof(*k->tail));
	}
	k->tail[k->tail_n++] = hash;
}

/* Many at once, without a look at each: most are not there. */
#define TAIL_STEP 16

static bool tail_has(const uint32_t *tail, size_t n, uint32_t hash)
{
	uint32_t found = 0;
	size_t i = 0;

	for (; i + TAIL_STEP <= n && !found; i += TAIL_STEP)
		for (size_t k = 0; k < TAIL_STEP; k++)
			found |= tail[i + k] == hash;
	for (; i < n && !found; i++)
		found = tail[i] == hash;
	return found;
}

bool known_has(const struct known *k, uint32_t hash)
{
	return tail_has(k->tail, k->tail_n, hash) ||
	       slot_has(k->slots[0], k->room[0], hash) ||
	       slot_has(k->slots[1], k->room[1], hash);
}

void known_add(struct known *k, uint32_t hash)
{
	tail_add(k, hash);
	k->dirty = true;
	if (k->tail_n == KNOWN_CHUNK)
		tail_full(k);
}

uint32_t known_count(const struct known *k)
{
	return k->tail_n + k->count[0] + k->count[1];
}

size_t known_bytes(const struct known *k)
{
	size_t bytes = k->tail_room * sizeof(*k->tail);

	for (const struct known_full *f = k->unwritten; f; f = f->next)
		bytes += sizeof(*f);
	return bytes + (k->room[0] + k->room[1]) * sizeof(*k->slots[0]);
}

/* ---- rows ---- */

static uint32_t get32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static struct str pack(const uint32_t *hashes, size_t n, struct arena *to)
{
	char *out = arena_alloc(to, 4 * n + 1);

	for (size_t i = 0; i < n; i++) {
		uint32_t little = htole32(hashes[i]);

		memcpy(out + 4 * i, &little, sizeof(little));
	}
	return (struct str){ out, 4 * n };
}

void known_restore(struct known *k, const struct known_row *row)
{
	size_t n = row->hashes.n / 4;

	/* Nothing is kept of older ones than these two. */
	if (row->generation - (int64_t)k->generation > 2)
		k->generation = (uint32_t)(row->generation - 2);
	while ((int64_t)k->generation < (int64_t)(uint32_t)row->generation)
		turn_generation(k);
	k->chunk = (uint32_t)row->chunk;
	for (size_t i = 0; i < n && i < KNOWN_CHUNK; i++)
		tail_add(k, get32(row->hashes.p + 4 * i));
	if (k->tail_n == KNOWN_CHUNK) {
		table_add(k, k->tail, KNOWN_CHUNK);
		next_chunk(k);
	}
	k->dirty = k->turned = false;
}

size_t known_rows(const struct known *k)
{
	size_t n = k->dirty;

	for (const struct known_full *f = k->unwritten; f; f = f->next)
		n++;
	return n;
}

void known_row(const struct known *k, size_t i, int64_t stream, struct arena *to,
	       struct known_row *out)
{
	const struct known_full *f = k->unwritten;

	for (; f && i; i--)
		f = f->next;
	out->stream = stream;
	out->generation = f ? f->generation : k->generation;
	out->chunk = f ? f->chunk : k->chunk;
	out->hashes = f ? pack(f->hashes, KNOWN_CHUNK, to) : pack(k->tail, k->tail_n, to);
}

void known_committed(struct known *k)
{
	while (k->unwritten) {
		struct known_full *next = k->unwritten->next;

		free(k->unwritten);
		k->unwritten = next;
	}
	k->dirty = k->turned = false;
}

void known_release(struct known *k)
{
	known_committed(k);
	free(k->tail);
	free(k->slots[0]);
	free(k->slots[1]);
	memset(k, 0, sizeof(*k));
}
