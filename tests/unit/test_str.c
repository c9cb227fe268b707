/* base/str: the searches at their edges, numbers at theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void finds(void **state)
{
	static const struct {
		struct str s, needle;
		size_t first, last;
	} cases[] = {
		{ STR("abcabc"), STR("abc"), 0, 3 },
		{ STR("abcabc"), STR("c"), 2, 5 },
		{ STR("abcabc"), STR("bca"), 1, 1 },
		{ STR("abcabc"), STR("x"), 6, 6 },
		{ STR("xxab"), STR("ab"), 2, 2 },
		{ STR("xxa"), STR("ab"), 3, 3 },
		{ STR("abcabc"), STR("abcabcd"), 6, 6 },
		{ STR("aaaa"), STR("aa"), 0, 2 },
		{ STR("a\0b\0b"), STR("\0b"), 1, 3 },
		{ STR("one long needle, one long needle"), STR("one long needle"), 0,
		  17 },
		{ STR("one long needl"), STR("one long needle"), 14, 14 },
		{ STR(""), STR("a"), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(str_find(cases[i].s, cases[i].needle), cases[i].first);
		assert_int_equal(str_rfind(cases[i].s, cases[i].needle), cases[i].last);
	}
	assert_int_equal(str_find(STR_NONE, STR("a")), 0);
	assert_int_equal(str_rchr(STR("a/b/c"), '/'), 3);
	assert_int_equal(str_rchr(STR_NONE, '/'), 0);
	assert_int_equal(str_chr(STR_NONE, '/'), 0);
}

static void compares(void **state)
{
	(void)state;
	assert_true(str_eq(STR_NONE, STR("")));
	assert_true(str_eq_nocase(STR("X-Php"), STR("x-pHP")));
	assert_false(str_eq_nocase(STR("@"), STR("`"))); /* differ in bit 5 only */
	assert_false(str_eq_nocase(STR("ab"), STR("abc")));
	assert_true(str_starts_nocase(STR("IPv6:::1"), STR("ipV6:")));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("b"), STR("ab")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
	assert_true(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
	assert_int_equal(str_trim(STR(" \t ")).n, 0);
	assert_int_equal(str_skip(STR("ab"), 9).n, 0);
	assert_false(str_ends(STR("b"), STR("ab")));
}

static void assert_int_text(int64_t n, const char *text)
{
	char buf[STR_INT_MAX];

	assert_true(str_eq(str_range(buf, str_put_int(buf, n)), str_of(text)));
}

static void writes_numbers(void **state)
{
	char buf[17] = "";

	(void)state;
	assert_int_text(0, "0");
	assert_int_text(-10, "-10");
	assert_int_text(1234567890, "1234567890");
	assert_int_text(INT64_MAX, "9223372036854775807");
	assert_int_text(INT64_MIN, "-9223372036854775808");
	assert_ptr_equal(str_put_hex(buf, 0x0123456789abcdef), buf + 16);
	assert_string_equal(buf, "0123456789abcdef");
	str_put_hex(buf, 0);
	assert_string_equal(buf, "0000000000000000");
}

static void reads_numbers(void **state)
{
	struct str s = STR("12ab");
	int64_t n = -7;

	(void)state;
	assert_true(str_eat_int(&s, &n));
	assert_int_equal(n, 12);
	assert_true(str_eq(s, STR("ab")));
	assert_false(str_eat_int(&s, &n));
	assert_true(str_eq(s, STR("ab")));
	assert_true(str_int(STR("9223372036854775807"), &n));
	assert_int_equal(n, INT64_MAX);
	n = -7;
	assert_false(str_int(STR("9223372036854775808"), &n));
	assert_false(str_int(STR("99999999999999999999999"), &n));
	assert_false(str_int(STR(""), &n));
	assert_false(str_int(STR("-1"), &n));
	assert_false(str_int(STR("1 "), &n));
	assert_int_equal(n, -7);
}

static void copies(void **state)
{
	char *copy = str_dup(STR("a\0b"));

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = str_dup(STR_NONE);
	assert_string_equal(copy, "");
	free(copy);
	assert_true(str_hash(STR("a"), 1) != str_hash(STR("a"), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(compares),
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
