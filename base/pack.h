/* Numbers and texts as bytes, the same on every machine: whole numbers as
 * varints (LEB128), reals as IEEE 754 single precision in little endian, texts
 * with their length before them. */
#ifndef MAILAUDIT_BASE_PACK_H
#define MAILAUDIT_BASE_PACK_H

#include "base/arena.h"

/* May begin with room of the caller's: pack_end() leaves nothing there. */
struct packer {
	struct arena *arena; /* of the bytes */
	char *p;
	size_t n, room;
};

void pack_number(struct packer *p, int64_t v); /* below 0: ten bytes */
void pack_real(struct packer *p, float v);
void pack_text(struct packer *p, struct str s);
/* Those that are not 0, and which: at most 63. */
void pack_reals(struct packer *p, const float *v, int n);
/* What was packed, in the arena. */
struct str pack_end(const struct packer *p);

/* Reading goes on with zeros behind the end, and `bad` says so. */
struct unpacker {
	struct str rest;
	bool bad;
};

int64_t unpack_number(struct unpacker *u);
float unpack_real(struct unpacker *u);
void unpack_reals(struct unpacker *u, float *v, int n);
struct str unpack_text(struct unpacker *u); /* a view */
/* A number of items, each of which takes at least one byte: at most max. */
size_t unpack_count(struct unpacker *u, size_t max);

#endif
