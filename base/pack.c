/* Numbers and texts as bytes.
 *
 * Invariant: what the unpack functions read is what the pack functions wrote,
 * in the same order; anything else ends in zeros and a raised flag. */
#include "base/pack.h"

static void append(struct packer *p, const void *bytes, size_t n)
{
	if (p->n + n > p->room) {
		size_t room = 2 * (p->n + n) + 64;
		char *grown = arena_alloc(p->arena, room);

		if (p->n)
			memcpy(grown, p->p, p->n);
		p->p = grown;
		p->room = room;
	}
	if (n)
		memcpy(p->p + p->n, bytes, n);
	p->n += n;
}

void pack_number(struct packer *p, int64_t v)
{
	uint64_t left = (uint64_t)v;
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = left & 0x7f;
		left >>= 7;
		bytes[n++] |= left ? 0x80 : 0;
	} while (left);
	append(p, bytes, n);
}

void pack_real(struct packer *p, float v)
{
	uint32_t bits;
	unsigned char bytes[4];

	memcpy(&bits, &v, sizeof(bits));
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(bits >> (8 * i));
	append(p, bytes, sizeof(bytes));
}

void pack_text(struct packer *p, struct str s)
{
	pack_number(p, (int64_t)s.n);
	append(p, s.p, s.n);
}

int64_t unpack_number(struct unpacker *u)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && u->rest.n; shift += 7) {
		unsigned char byte = (unsigned char)*u->rest.p;

		u->rest = str_skip(u->rest, 1);
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (int64_t)v;
	}
	u->bad = true;
	u->rest = STR_NONE;
	return 0;
}

float unpack_real(struct unpacker *u)
{
	uint32_t bits = 0;
	float v;

	if (u->rest.n < 4) {
		u->bad = true;
		u->rest = STR_NONE;
		return 0;
	}
	for (int i = 0; i < 4; i++)
		bits |= (uint32_t)(unsigned char)u->rest.p[i] << (8 * i);
	u->rest = str_skip(u->rest, 4);
	memcpy(&v, &bits, sizeof(v));
	return v;
}

struct str unpack_text(struct unpacker *u)
{
	int64_t n = unpack_number(u);
	struct str s;

	if (n < 0 || (uint64_t)n > u->rest.n) {
		u->bad = true;
		u->rest = STR_NONE;
		return STR_NONE;
	}
	s = str_head(u->rest, (size_t)n);
	u->rest = str_skip(u->rest, (size_t)n);
	return s;
}

size_t unpack_count(struct unpacker *u, size_t max)
{
	int64_t n = unpack_number(u);

	if (n < 0 || (uint64_t)n > max || (uint64_t)n > u->rest.n) {
		u->bad = u->bad || n != 0;
		return 0;
	}
	return (size_t)n;
}
