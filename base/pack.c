/* Numbers and texts as bytes.
 *
 * Invariant: what the unpack functions read is what the pack functions wrote,
 * in the same order; anything else ends in zeros and a raised flag. */
#include "base/pack.h"

#define NUMBER_MOST 10 /* bytes */

static void grow(struct packer *p, size_t n)
{
	size_t room = 2 * (p->n + n) + 64;
	char *grown = arena_alloc(p->arena, room);

	if (p->n)
		memcpy(grown, p->p, p->n);
	p->p = grown;
	p->room = room;
}

static inline char *reserve(struct packer *p, size_t n)
{
	if (p->n + n > p->room)
		grow(p, n);
	return p->p + p->n;
}

void pack_number(struct packer *p, int64_t v)
{
	char *to = reserve(p, NUMBER_MOST);
	uint64_t left = (uint64_t)v;

	for (; left > 0x7f; left >>= 7)
		*to++ = (char)(0x80 | (left & 0x7f));
	*to++ = (char)left;
	p->n = (size_t)(to - p->p);
}

void pack_real(struct packer *p, float v)
{
	char *to = reserve(p, 4);
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	for (int i = 0; i < 4; i++)
		to[i] = (char)(bits >> (8 * i));
	p->n += 4;
}

void pack_reals(struct packer *p, const float *v, int n)
{
	uint64_t some = 0;

	for (int i = 0; i < n; i++)
		some |= (uint64_t)(v[i] != 0) << i;
	pack_number(p, (int64_t)some);
	for (int i = 0; some >> i; i++)
		if (some >> i & 1)
			pack_real(p, v[i]);
}

void pack_text(struct packer *p, struct str s)
{
	pack_number(p, (int64_t)s.n);
	if (s.n)
		memcpy(reserve(p, s.n), s.p, s.n);
	p->n += s.n;
}

struct str pack_end(const struct packer *p)
{
	return arena_str(p->arena, (struct str){ p->p, p->n });
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

void unpack_reals(struct unpacker *u, float *v, int n)
{
	uint64_t some = (uint64_t)unpack_number(u);

	for (int i = 0; i < n; i++)
		v[i] = some >> i & 1 ? unpack_real(u) : 0;
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
