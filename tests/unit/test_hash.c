/* base/hash: every byte counts, and so does the length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

#define LONGEST 70

/* The bytes lie at the end of their own block, for ASan to see what is read beyond. */
static uint64_t hash_of_copy(const char *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);
	uint64_t hash;

	memcpy(copy, bytes, n);
	hash = hash_str(0, (struct str){ copy, n });
	free(copy);
	return hash;
}

static void every_bit_counts(void **state)
{
	char bytes[LONGEST];

	(void)state;
	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (char)(i * 37);
	for (size_t n = 0; n < LONGEST; n++) {
		uint64_t hash = hash_of_copy(bytes, n);

		assert_true(hash == hash_of_copy(bytes, n));
		assert_true(hash != hash_of_copy(bytes, n + 1));
		for (size_t bit = 0; bit < 8 * n; bit++) {
			bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
			assert_true(hash != hash_of_copy(bytes, n));
			bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		}
	}
}

/* It is in databases: the same on every machine, and for ever. */
static void stored_ones_never_change(void **state)
{
	struct hash_secret secret = hash_secret(7), other = hash_secret(8);
	const struct str name = STR("mail.example.com"), longer = STR("more than sixteen bytes");

	(void)state;
	assert_true(hash_stored(&secret, 0, STR("abc")) == 0x1128c6b66298777e);
	assert_true(hash_stored(&secret, 0, name) == 0x8a98ac5431de36fe);
	assert_true(hash_stored(&secret, 1, longer) == 0x113af73ddf0a9e61);
	assert_true(hash_stored(&other, 0, name) != hash_stored(&secret, 0, name));
	assert_true(hash_stored(&secret, 1, name) != hash_stored(&secret, 0, name));
}

static void goes_on(void **state)
{
	uint64_t host = hash_str(0, STR("mx1")), other = hash_str(0, STR("mx2"));

	(void)state;
	assert_true(hash_str(0, STR_NONE) == hash_str(0, STR("")));
	assert_true(hash_str(0, STR("\0")) != hash_str(0, STR("")));
	assert_true(hash_str(host, STR("4B2C")) != hash_str(other, STR("4B2C")));
	assert_true(hash_str(host, STR("4B2C")) != hash_str(0, STR("mx14B2C")));
}

/* Queue ids that were given one after the other, in as many buckets. */
static void spreads(void **state)
{
	unsigned bucket[4096] = { 0 }, most = 0;
	char id[32];

	(void)state;
	for (int i = 0; i < 4096; i++) {
		int n = snprintf(id, sizeof(id), "4jXx%06X", i * 16);
		unsigned *at = &bucket[hash_str(0, (struct str){ id, (size_t)n }) % 4096];

		++*at;
		most = *at > most ? *at : most;
	}
	assert_true(most < 16); /* by chance once in ten thousand million runs */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(stored_ones_never_change),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(spreads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
