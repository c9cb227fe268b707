/* Pairs of numbers: many, some alike, added and removed at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/pairs.h"

#define HASHES 300
#define NUMBERS 4

/* Few homes, so that clusters are long and go around the end. */
static uint64_t hash_of(int i)
{
	return (uint64_t)(i % 7) * 61 + ((uint64_t)i << 32);
}

static void check(const struct pairs *p, int count[HASHES][NUMBERS])
{
	size_t all = 0;

	for (int i = 0; i < HASHES; i++) {
		int64_t got = pairs_get(p, hash_of(i));
		int here = 0;

		for (int k = 0; k < NUMBERS; k++)
			here += count[i][k];
		all += (size_t)here;
		assert_int_equal(got != 0, here != 0);
		if (got)
			assert_true(got <= NUMBERS && count[i][got - 1]);
	}
	assert_int_equal(p->count, all);
}

static void test_at_random(void **state)
{
	static int count[HASHES][NUMBERS];
	struct pairs p = { 0 };

	(void)state;
	srand(1);
	for (int n = 0; n < 20000; n++) {
		int i = rand() % HASHES, k = rand() % NUMBERS;

		if (rand() % 1000 < (n / 4000 % 2 ? 700 : 400)) {
			assert_int_equal(pairs_remove(&p, hash_of(i), k + 1), count[i][k] > 0);
			count[i][k] -= count[i][k] > 0;
		} else if (count[i][k] < 2) {
			pairs_add(&p, hash_of(i), k + 1);
			count[i][k]++;
		}
		if (n % 100 == 0)
			check(&p, count);
	}
	for (int i = 0; i < HASHES; i++)
		for (int k = 0; k < NUMBERS; k++)
			while (count[i][k]-- > 0)
				assert_true(pairs_remove(&p, hash_of(i), k + 1));
	assert_int_equal(p.count, 0);
	assert_null(p.slots);
	assert_int_equal(pairs_get(&p, hash_of(1)), 0);
	assert_false(pairs_remove(&p, hash_of(1), 1));
	pairs_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_at_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
