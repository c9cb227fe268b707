/* Which recipients a stream has written to, as 32-bit hashes of lower-cased
 * addresses: novelty is asked of every recipient of every message.
 *
 * What is full never changes and is a row of its own, written once; the chunk that grows
 * is part of the stream's state. Beyond KNOWN_GENERATION recipients the older half is
 * forgotten. A hash in common with another address makes one in
 * some 100,000 new recipients of the largest senders pass for known. */
#ifndef MAILAUDIT_CORE_KNOWN_H
#define MAILAUDIT_CORE_KNOWN_H

#include "base/pack.h"
#include "core/batch.h"

#define KNOWN_CHUNK 256
#define KNOWN_GENERATION 16384

struct known_full; /* a full chunk that is not written yet */

struct known {
	uint32_t *tail; /* the chunk that grows */
	uint16_t tail_n, tail_room;
	uint32_t chunk, generation; /* numbers of the tail */
	uint32_t *slots[2]; /* hash tables of the full chunks: this generation, the one before */
	uint32_t room[2], count[2];
	struct known_full *unwritten;
	bool in_rows; /* when read back: there are chunks to be restored */
	bool turned; /* a generation began since the last commit */
};

uint32_t known_hash(struct str address);
bool known_has(const struct known *k, uint32_t hash);
/* Adds one that is not there yet. */
void known_add(struct known *k, uint32_t hash);
/* How many it holds. */
uint32_t known_count(const struct known *k);
/* What a state holds of it: all but the full chunks. A tail that none could be is bad. */
void known_pack(const struct known *k, struct packer *p);
void known_unpack(struct known *k, struct unpacker *u);
/* A row as read from the database, in order of generation and number. Where the state was
 * written by a version that kept none of it, the newest row may be the chunk that grows. */
void known_restore(struct known *k, const struct known_row *row);
/* The full chunks to write: how many, and each of them (hashes in the arena). */
size_t known_rows(const struct known *k);
void known_row(const struct known *k, size_t i, int64_t stream, struct arena *to,
	       struct known_row *out);
void known_committed(struct known *k);
void known_release(struct known *k);
/* Bytes on the heap. */
size_t known_bytes(const struct known *k);

#endif
