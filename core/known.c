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

static void table_grow(struct known *k, int table)
{
	uint32_t room = k->room[table] ? 2 * k->room[table] : 2 * KNOWN_CHUNK;
	uint32_t *slots = xcalloc(room, sizeof(*slots));

	for (uint32_t i = 0; i < k->room[table]; i++)
		if (k->slots[table][i])
			slot_put(slots, room, k->slots[table][i]);
	free(k->slots[table]);
	k->slots[table] = slots;
	k->room[table] = room;
}

static void table_add(struct known *k, int table, const uint32_t *chunk)
{
	while (4 * (k->count[table] + KNOWN_CHUNK) > 3 * (size_t)k->room[table])
		table_grow(k, table);
	for (size_t i = 0; i < KNOWN_CHUNK; i++)
		slot_put(k->slots[table], k->room[table], chunk[i]);
	k->count[table] += KNOWN_CHUNK;
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
	table_add(k, 0, k->tail);
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

/* ---- states and rows ---- */

static uint32_t get32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static void put_hashes(char *out, const uint32_t *hashes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t little = htole32(hashes[i]);

		memcpy(out + 4 * i, &little, sizeof(little));
	}
}

static void add_tail(struct known *k, struct str hashes)
{
	for (size_t i = 0; i + 4 <= hashes.n; i += 4)
		tail_add(k, get32(hashes.p + i));
}

void known_pack(const struct known *k, struct packer *p)
{
	char hashes[4 * KNOWN_CHUNK];

	pack_number(p, k->generation);
	pack_number(p, k->chunk);
	put_hashes(hashes, k->tail, k->tail_n);
	pack_text(p, (struct str){ hashes, 4 * (size_t)k->tail_n });
}

void known_unpack(struct known *k, struct unpacker *u)
{
	struct str hashes;

	k->generation = (uint32_t)unpack_number(u);
	k->chunk = (uint32_t)unpack_number(u);
	hashes = unpack_text(u);
	if (k->chunk >= CHUNKS || hashes.n >= 4 * KNOWN_CHUNK || hashes.n % 4)
		u->bad = true;
	else
		add_tail(k, hashes);
	k->in_rows = k->generation || k->chunk;
}

static void restore_full(struct known *k, const struct known_row *row)
{
	int table = (uint32_t)row->generation != k->generation;
	uint32_t hashes[KNOWN_CHUNK];

	for (size_t i = 0; i < KNOWN_CHUNK; i++)
		hashes[i] = get32(row->hashes.p + 4 * i);
	table_add(k, table, hashes);
	if (!table && (uint32_t)row->chunk >= k->chunk) {
		k->chunk = (uint32_t)row->chunk;
		next_chunk(k);
	}
}

/* The tail of a state is newer than that of a row. */
static void restore_tail(struct known *k, const struct known_row *row)
{
	if (k->tail_n)
		return;
	k->chunk = (uint32_t)row->chunk;
	add_tail(k, row->hashes);
}

void known_restore(struct known *k, const struct known_row *row)
{
	/* Nothing is kept of older ones than these two. */
	if (row->generation - (int64_t)k->generation > 2)
		k->generation = (uint32_t)(row->generation - 2);
	while ((int64_t)k->generation < (int64_t)(uint32_t)row->generation)
		turn_generation(k);
	if (row->hashes.n < 4 * KNOWN_CHUNK)
		restore_tail(k, row);
	else if (row->generation + 1 >= (int64_t)k->generation)
		restore_full(k, row);
	k->turned = false;
}

size_t known_rows(const struct known *k)
{
	size_t n = 0;

	for (const struct known_full *f = k->unwritten; f; f = f->next)
		n++;
	return n;
}

void known_row(const struct known *k, size_t i, int64_t stream, struct arena *to,
	       struct known_row *out)
{
	const struct known_full *f = k->unwritten;

	char *hashes = arena_alloc(to, sizeof(f->hashes));

	for (; i; i--)
		f = f->next;
	put_hashes(hashes, f->hashes, KNOWN_CHUNK);
	*out = (struct known_row){ stream, f->generation, f->chunk,
				   { hashes, sizeof(f->hashes) } };
}

void known_committed(struct known *k)
{
	while (k->unwritten) {
		struct known_full *next = k->unwritten->next;

		free(k->unwritten);
		k->unwritten = next;
	}
	k->turned = false;
}

void known_release(struct known *k)
{
	known_committed(k);
	free(k->tail);
	free(k->slots[0]);
	free(k->slots[1]);
	memset(k, 0, sizeof(*k));
}
