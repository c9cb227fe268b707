/* parsers/cursor: takes all of it or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parsers/cursor.h"

static void takes_addresses(void **state)
{
	static const struct {
		struct str in;
		const char *out; /* NULL: none */
		struct str left;
	} cases[] = {
		{ STR("<a@b>, relay"), "a@b", STR(", relay") },
		{ STR("<>"), "", STR("") },
		{ STR("<\"a>, b\"@c>, x"), "\"a>, b\"@c", STR(", x") },
		{ STR("<\"a\\\">, b\"@c>, x"), "\"a\\\">, b\"@c", STR(", x") },
		{ STR("<a.\"b> c\".d@e> x"), "a.\"b> c\".d@e", STR(" x") },
		{ STR("<o\"brien@x>, \"said\">: y"), "o\"brien@x",
		  STR(", \"said\">: y") },
		{ STR("<\"open@x>, \"y"), "\"open@x", STR(", \"y") },
		{ STR("<a>b@c>: x"), "a>b@c", STR(": x") },
		{ STR("<a@b"), NULL, STR("<a@b") },
		{ STR("a@b>"), NULL, STR("a@b>") },
		{ STR(""), NULL, STR("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = cases[i].in, out = STR("untouched");

		assert_int_equal(cursor_angle(&s, &out), cases[i].out != NULL);
		assert_true(
			str_eq(out, str_of(cases[i].out ? cases[i].out : "untouched")));
		assert_true(str_eq(s, cases[i].left));
	}
}

static void takes_hosts(void **state)
{
	static const struct {
		struct str in;
		bool ok;
		struct str name, ip, left;
	} cases[] = {
		{ STR("h[1.2.3.4]:25, x"), true, STR("h"), STR("1.2.3.4"), STR(", x") },
		{ STR("unknown[unknown]"), true, STR(""), STR(""), STR("") },
		{ STR("[IPv6:::1] x"), true, STR(""), STR("::1"), STR(" x") },
		{ STR("h[private/lmtp]"), true, STR("h"), STR("private/lmtp"), STR("") },
		{ STR("h[1.2.3.4]: x"), true, STR("h"), STR("1.2.3.4"), STR(": x") },
		{ STR("h [1.2.3.4]"), false, STR(""), STR(""), STR("h [1.2.3.4]") },
		{ STR("h[1.2.3.4"), false, STR(""), STR(""), STR("h[1.2.3.4") },
		{ STR("h[a b]"), false, STR(""), STR(""), STR("h[a b]") },
		{ STR("none"), false, STR(""), STR(""), STR("none") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = cases[i].in, name = STR_NONE, ip = STR_NONE;

		assert_int_equal(cursor_host(&s, &name, &ip), cases[i].ok);
		assert_true(str_eq(s, cases[i].left));
		if (!cases[i].ok)
			continue;
		assert_true(str_eq(name, cases[i].name));
		assert_true(str_eq(ip, cases[i].ip));
	}
}

static void takes_pieces(void **state)
{
	struct str s = STR("a, b, c \"q\\\"r\" 12"), out = STR_NONE;
	int64_t n = 0;

	(void)state;
	assert_true(cursor_until(&s, STR(", "), &out) && str_eq(out, STR("a")));
	assert_false(cursor_until(&s, STR("; "), &out));
	assert_true(cursor_until_last(&s, STR(", "), &out) && str_eq(out, STR("b")));
	assert_true(cursor_word(&s, &out) && str_eq(out, STR("c")));
	assert_false(cursor_word(&s, &out));
	cursor_blanks(&s);
	assert_true(cursor_quoted(&s, &out) && str_eq(out, STR("q\\\"r")));
	assert_false(cursor_int(&s, STR("x"), &n));
	assert_true(cursor_int(&s, STR(" "), &n) && n == 12);
	assert_false(cursor_quoted(&s, &out));
	s = STR("\"open\\\"");
	assert_false(cursor_quoted(&s, &out));
	s = STR("\"open\\");
	assert_false(cursor_quoted(&s, &out));
	assert_true(cursor_until_or_rest(&s, STR("#"), &out) && s.n == 0 && out.n == 6);
	assert_true(str_eq(cursor_strip_angles(STR("<a>")), STR("a")));
	assert_true(str_eq(cursor_strip_angles(STR("<a")), STR("a")));
	assert_int_equal(cursor_strip_angles(STR("<")).n, 0);
	assert_int_equal(cursor_strip_angles(STR_NONE).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_addresses),
		cmocka_unit_test(takes_hosts),
		cmocka_unit_test(takes_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
