/* Folded multiplication: the two halves of a 128-bit product, one over the other, of
 * bytes that were masked with secret numbers. So hash Go's maps where a machine has no
 * AES, and wyhash (Wang Yi), from which it comes; here all numbers are secret.
 *
 * Invariant: the seed is there before main() and never changes, in no thread. Bytes are
 * read in little endian everywhere. */
#include "base/hash.h"

#include <endian.h>
#include <sys/random.h>

#include "base/error.h"

static struct hash_secret ours;

__attribute__((constructor)) static void seed_all(void)
{
	if (getrandom(&ours, sizeof(ours), 0) != (ssize_t)sizeof(ours))
		bug("no random numbers from the kernel");
}

#ifdef __SIZEOF_INT128__
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}
#else
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
	uint64_t left = (a >> 32) * (b & UINT32_MAX), right = (a & UINT32_MAX) * (b >> 32);
	uint64_t middle = (low >> 32) + (left & UINT32_MAX) + (right & UINT32_MAX);

	low = (low & UINT32_MAX) | middle << 32;
	high += (left >> 32) + (right >> 32) + (middle >> 32);
	return low ^ high;
}
#endif

static inline uint64_t eight(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline uint64_t four(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return le32toh(x);
}

/* All of up to three bytes: the first, the middle and the last one. */
static inline uint64_t few(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	return s.n ? (uint64_t)p[0] << 16 | (uint64_t)p[s.n / 2] << 8 | p[s.n - 1] : 0;
}

static inline uint64_t hash_of(const uint64_t *seed, uint64_t before, struct str s)
{
	uint64_t hash = seed[0] ^ before, a, b, n = s.n;

	for (; s.n > 16; s = str_skip(s, 16))
		hash = fold(eight(s.p) ^ seed[1], eight(s.p + 8) ^ hash);
	if (s.n >= 8) {
		a = eight(s.p);
		b = eight(s.p + s.n - 8);
	} else if (s.n >= 4) {
		a = four(s.p);
		b = four(s.p + s.n - 4);
	} else {
		a = few(s);
		b = 0;
	}
	return fold(seed[2] ^ n, fold(a ^ seed[1], b ^ hash));
}

uint64_t hash_str(uint64_t before, struct str s)
{
	return hash_of(ours.seed, before, s);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct hash_secret hash_secret(uint64_t number)
{
	struct hash_secret secret;

	for (int i = 0; i < 3; i++)
		secret.seed[i] = mix(number += 0x9e3779b97f4a7c15);
	return secret;
}

uint64_t hash_stored(const struct hash_secret *secret, uint64_t before, struct str s)
{
	return hash_of(secret->seed, before, s);
}
