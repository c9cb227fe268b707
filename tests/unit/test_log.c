/* base/log and base/error: what may be shown, and texts that fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

static void escapes(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} cases[] = {
		{ STR("plain \\ \"text\""), "plain \\ \"text\"" },
		{ STR("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ STR("\x1b[31m\r\n\t\0\x7f"), "\\x1b[31m\\x0d\\x0a\\x09\\x00\\x7f" },
		{ STR("\xc2\x9b"
		      "31m"),
		  "\\xc2\\x9b31m" }, /* C1: CSI */
		{ STR("\xc2\xa0"), "\xc2\xa0" },
		{ STR("\xe2\x80\xae"
		      "x"),
		  "\\xe2\\x80\\xaex" }, /* U+202E */
		{ STR("\xe2\x81\xa6\xe2\x81\xa9"), "\\xe2\\x81\\xa6\\xe2\\x81\\xa9" },
		{ STR("\xe2\x80\xa7\xe2\x80\xaf"),
		  "\xe2\x80\xa7\xe2\x80\xaf" }, /* around 2028-E */
		{ STR("\xe2\x80\xa8\xe2\x80\xa9"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9" }, /* 2028-9 */
		{ STR("\xc0\xaf"), "\\xc0\\xaf" }, /* overlong */
		{ STR("\xe0\x80\xaf"), "\\xe0\\x80\\xaf" },
		{ STR("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf" },
		{ STR("\xed\xa0\x80"), "\\xed\\xa0\\x80" }, /* surrogate */
		{ STR("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" }, /* over U+10FFFF */
		{ STR("\xe2\x82"), "\\xe2\\x82" }, /* cut */
		{ STR("\xe2"
		      "ab"),
		  "\\xe2"
		  "ab" },
		{ STR("\x80\xff"), "\\x80\\xff" },
		{ STR(""), "" },
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(log_escape(cases[i].in, buf, sizeof(buf)),
				    cases[i].out);
		assert_int_equal(log_escape_length(cases[i].in), strlen(cases[i].out));
	}
}

static void escapes_never_half(void **state)
{
	static const char *const cut[] = { "",  "a",      "a",      "a",
					   "a", "a\\x00", "a\\x00", "a\\x00\xc3\xa9" };
	static const size_t size[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	char buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		assert_string_equal(log_escape(STR("a\0\xc3\xa9"), buf, size[i]), cut[i]);
	assert_string_equal(log_escape(STR("a"), buf, 0), "");
}

static void sets_errors(void **state)
{
	struct error err;
	char longer[1024];

	(void)state;
	assert_int_equal(error_set(&err, EXIT_CONFIG, "line %d: \x1b%s", 3, "bad"), -1);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, "line 3: \\x1bbad");
	assert_int_equal(error_prefix(&err, "file %s", "x"), -1);
	assert_string_equal(err.text, "file x: line 3: \\x1bbad");
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	error_prefix(&err, "%s", longer);
	assert_true(strlen(err.text) < sizeof(err.text));
	error_set(&err, EXIT_CONFIG, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(error_set(NULL, EXIT_CONFIG, "nobody asks"), -1);
	assert_int_equal(error_prefix(NULL, "nobody asks"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(escapes_never_half),
		cmocka_unit_test(sets_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
