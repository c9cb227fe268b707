/* Bloom filters over ranges of message ids. ASCII case is ignored.
 *
 * Invariant: what was added is always found; what was not is found for one in
 * two hundred of the chunks, or for all when a chunk holds mass mailings. */
#include "schema/sieve.h"

#define HASHES 4 /* 16 bits each of the 64 of one hash */

static const struct sql_text statements[] = {
	{ offsetof(struct sieve, get), "SELECT bits FROM sieve WHERE chunk = ?1" },
	{ offsetof(struct sieve, put), "REPLACE INTO sieve VALUES (?1, ?2)" },
};

int sieve_init(struct sieve *s, struct sql *db, struct error *err)
{
	sieve_forget(s);
	return sql_prepare_all(db, s, statements, SQL_COUNT(statements), err);
}

void sieve_forget(struct sieve *s)
{
	s->chunk = -1;
	s->dirty = false;
}

/* FNV-1a of the text in small letters, mixed so that all 64 bits depend on the
 * last bytes too (the finalizer of MurmurHash3). */
static uint64_t hash_of(struct str text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		h ^= c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
		h *= UINT64_C(0x100000001b3);
	}
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

int sieve_flush(struct sieve *s, struct error *err)
{
	if (!s->dirty)
		return 0;
	sql_bind_int(s->put, 1, s->chunk);
	sql_bind_blob(s->put, 2, (struct str){ (const char *)s->bits, sizeof(s->bits) });
	s->dirty = false;
	return sql_run(s->put, err);
}

static int load(struct sieve *s, int64_t chunk, struct error *err)
{
	struct str bits = STR_NONE;
	int rc;

	if (sieve_flush(s, err) < 0)
		return -1;
	sieve_forget(s);
	memset(s->bits, 0, sizeof(s->bits));
	sql_bind_int(s->get, 1, chunk);
	rc = sql_step(s->get, err);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		bits = sql_str(s->get, 0);
		if (bits.n == sizeof(s->bits))
			memcpy(s->bits, bits.p, bits.n);
		sql_reset(s->get);
	}
	s->chunk = chunk;
	return 0;
}

static void set(struct sieve *s, struct str text)
{
	uint64_t h = hash_of(text);

	for (int i = 0; i < HASHES; i++, h >>= 16) {
		unsigned char *byte = &s->bits[(h & 0xffff) >> 3], mask = 1 << (h & 7);

		s->dirty = s->dirty || !(*byte & mask);
		*byte |= mask;
	}
}

int sieve_add(struct sieve *s, int64_t message, struct str address, struct error *err)
{
	int64_t chunk = message >> SIEVE_CHUNK_SHIFT;

	if (s->chunk != chunk && load(s, chunk, err) < 0)
		return -1;
	set(s, address);
	set(s, str_skip(address, str_rchr(address, '@')));
	return 0;
}

static int64_t sieve_has(const struct str *args)
{
	uint64_t h = hash_of(args[1]);

	if (args[0].n != SIEVE_BYTES)
		return 1;
	for (int i = 0; i < HASHES; i++, h >>= 16)
		if (!((unsigned char)args[0].p[(h & 0xffff) >> 3] & 1 << (h & 7)))
			return 0;
	return 1;
}

int sieve_register(struct sql *db, struct error *err)
{
	return sql_number_function(db, "sieve_has", 2, sieve_has, err);
}
