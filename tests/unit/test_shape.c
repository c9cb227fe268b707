/* Shapes: lines of one kind look alike, and no line makes one too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/shape.h"

static void expect(const char *body, const char *want)
{
	char buf[SHAPE_MAX];
	struct str got = shape_of(str_of(body), buf);

	if (!str_eq(got, str_of(want)))
		fail_msg("\"%s\" is \"%.*s\", not \"%s\"", body, STR_ARG(got), want);
}

static void test_words(void **state)
{
	(void)state;
	expect("gave up after 17 tries", "gave up after N tries");
	expect("4jXxGT14rvz1c0tT: can't stat /var/spool/x", "*: can't stat /");
	expect("connect to mx.example.org[192.0.2.1]:25: Connection refused.",
	       "connect to *[*]:N: Connection refused.");
	expect("from=<a b@c.example>, size=12, why=done", "from=<*>, size=*, why=*");
	expect("user info@c.example said \"a \tb\" twice", "user @ said \"*\" twice");
	expect("mode 'verbose' is 2001:db8::1 here", "mode '*' is *::N here");
	expect("  blanks\t\tand tabs  ", "blanks and tabs");
	expect("averyverylongwordthatnobodyspeaks", "*");
}

static void test_odd_bytes(void **state)
{
	(void)state;
	expect("", "(empty)");
	expect("   ", "(empty)");
	expect("open \"quote", "open \"quote");
	expect("<", "<");
	expect("[]", "[*]");
	expect("\001\002 b\377n = \033[2J", "* * = *[*");
	expect("key= value", "key= value");
}

/* Whatever comes, the shape is printable and fits. */
static void test_bounds(void **state)
{
	static const char bytes[] = "ab1@/.:'\"<>[]=, \t\001\377";
	char body[3000], buf[SHAPE_MAX + 1];
	uint32_t x = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)round % sizeof(body);
		struct str got;

		for (size_t i = 0; i < n; i++) {
			x = x * 1664525 + 1013904223;
			body[i] = bytes[(x >> 16) % (sizeof(bytes) - 1)];
		}
		buf[SHAPE_MAX] = 'e';
		got = shape_of((struct str){ body, n }, buf);
		assert_true(got.n > 0 && got.n <= SHAPE_MAX);
		assert_int_equal(buf[SHAPE_MAX], 'e');
		for (size_t i = 0; i < got.n; i++)
			assert_in_range(got.p[i], ' ', '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_odd_bytes),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
