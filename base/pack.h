/* Numbers and texts as bytes, the same on every machine: whole numbers as
 * varints (LEB128), reals as IEEE 754 single precision in little endian, texts
 * with their length before them. */
#ifndef MAILAUDIT_BASE_PACK_H
#define MAILAUDIT_BASE_PACK_H

#include "base/arena.h"

struct packer {
	struct arena *arena; /* of the bytes */
	char *p;
	size_t n, room;
};

void pack_number(struct packer *p, int64_t v); /* below 0: ten bytes */
void pack_real(struct packer *p, float v);
void pack_text(struct packer *p, struct str s);

/* Reading goes on with zeros behind the end, and `bad` says so. */
struct unpacker {
	struct str rest;
	bool bad;
};

int64_t unpack_number(struct unpacker *u);
float unpack_real(struct unpacker *u);
struct str unpack_text(struct unpacker *u); /* a view */
/* A number of items, each of which takes at least one byte: at most max. */
size_t unpack_count(struct unpacker *u, size_t max);

#endif
