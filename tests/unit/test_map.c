/* base/map against a plain array as its model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"

#define KEYS 3000

static int values[KEYS];

static struct str key_of(size_t i, char *buf)
{
	snprintf(buf, 32, "key-%zu", i);
	return str_of(buf);
}

static void check_all(const struct map *m, void *const *model)
{
	size_t count = 0, walked = 0, i = 0;
	char buf[32];

	for (size_t k = 0; k < KEYS; k++) {
		assert_ptr_equal(map_get(m, key_of(k, buf)), model[k]);
		count += model[k] != NULL;
	}
	assert_int_equal(m->count, count);
	while (map_next(m, &i))
		walked++;
	assert_int_equal(walked, count);
}

/* A fixed random walk of puts and removes; full checks in between. */
static void follows_model(void **state)
{
	void *model[KEYS] = { 0 };
	struct map m = { 0 };
	uint32_t random = 1;
	char buf[32];

	(void)state;
	for (int step = 0; step < 60000; step++) {
		random = random * 1664525 + 1013904223;
		size_t k = (random >> 8) % KEYS;
		bool put = (random >> 4) % 5 < (step < 30000 ? 3 : 2);

		if (put) {
			assert_ptr_equal(map_put(&m, key_of(k, buf), &values[k]),
					 model[k]);
			model[k] = &values[k];
		} else {
			assert_ptr_equal(map_remove(&m, key_of(k, buf)), model[k]);
			model[k] = NULL;
		}
		if (step % 5000 == 0)
			check_all(&m, model);
	}
	check_all(&m, model);
	map_release(&m);
	assert_int_equal(m.count, 0);
}

/* Removal from a full cluster leaves every other key reachable. */
static void shifts_back(void **state)
{
	char buf[32];

	(void)state;
	for (size_t gone = 0; gone < 12; gone++) {
		struct map m = { 0 };

		for (size_t k = 0; k < 12; k++)
			map_put(&m, key_of(k, buf), &values[k]);
		assert_int_equal(m.mask, 15); /* 12 of 16: not yet grown */
		assert_ptr_equal(map_remove(&m, key_of(gone, buf)), &values[gone]);
		for (size_t k = 0; k < 12; k++)
			assert_ptr_equal(map_get(&m, key_of(k, buf)),
					 k == gone ? NULL : &values[k]);
		map_release(&m);
	}
}

static void takes_any_bytes(void **state)
{
	struct map m = { 0 };
	size_t i = 0;

	(void)state;
	assert_null(map_get(&m, STR("a")));
	assert_null(map_remove(&m, STR("a")));
	assert_null(map_next(&m, &i));
	assert_null(map_put(&m, STR_NONE, &values[0]));
	assert_null(map_put(&m, STR("\0"), &values[1]));
	assert_null(map_put(&m, STR("\0\0"), &values[2]));
	assert_ptr_equal(map_get(&m, STR("")), &values[0]);
	assert_ptr_equal(map_get(&m, STR("\0")), &values[1]);
	assert_ptr_equal(map_put(&m, STR("\0\0"), &values[3]), &values[2]);
	assert_int_equal(m.count, 3);
	map_release(&m);
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_model),
		cmocka_unit_test(shifts_back),
		cmocka_unit_test(takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
