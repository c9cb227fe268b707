/* base/arena: alignment, growth, reset. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void aligns_and_keeps(void **state)
{
	struct arena a = { 0 };
	unsigned char *p[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		arena_str(&a, STR("x")); /* unaligns */
		p[i] = arena_alloc(&a, i * 7 + 1);
		assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
		memset(p[i], (int)i, i * 7 + 1);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k <= i * 7; k++)
			assert_int_equal(p[i][k], i);
	arena_release(&a);
	assert_null(a.head);
	assert_int_equal(a.used, 0);
}

static void copies_strings(void **state)
{
	struct arena a = { 0 };
	struct str copy = arena_str(&a, STR("a\0b"));

	(void)state;
	assert_memory_equal(copy.p, "a\0b", 4);
	assert_int_equal(copy.n, 3);
	assert_string_equal(arena_str(&a, STR_NONE).p, "");
	assert_null(arena_str_or_none(&a, STR("")).p);
	assert_int_equal(arena_str_or_none(&a, STR("ab")).n, 2);
	arena_release(&a);
}

static void resets(void **state)
{
	struct arena a = { 0 };
	void *big;

	(void)state;
	arena_reset(&a);
	arena_alloc(&a, 10);
	big = arena_alloc(&a, 5 * 1024 * 1024);
	assert_true(a.used >= 5 * 1024 * 1024);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	assert_ptr_equal(arena_alloc(&a, 1), big); /* the newest block is reused */
	arena_release(&a);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligns_and_keeps),
		cmocka_unit_test(copies_strings),
		cmocka_unit_test(resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
