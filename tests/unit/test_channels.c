/* What channels share: secrets, and the signature of what is posted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify/secret.h"
#include "notify/sign.h"

static char path[] = "/tmp/mailaudit-secret-XXXXXX";

static void put(struct str text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void reads(struct str text, const char *expected)
{
	struct error err = { 0 };
	char *secret;

	put(text, 0640);
	secret = secret_read(path, &err);
	if (expected)
		assert_string_equal(secret, expected);
	else
		assert_null(secret);
	assert_int_equal(err.code, expected ? 0 : EXIT_CONFIG);
	secret_free(secret);
}

static void test_secret(void **state)
{
	char longest[SECRET_MAX + 4];

	(void)state;
	reads(STR("sesame"), "sesame");
	reads(STR("sesame\n"), "sesame");
	reads(STR("sesame\r\nmore\n"), "sesame");
	reads(STR(" two words \n"), " two words ");
	reads(STR("\xff\x01\n"), "\xff\x01");
	reads(STR(""), NULL);
	reads(STR("\nsesame\n"), NULL);
	reads(STR("a\0b\n"), NULL);
	memset(longest, 'x', sizeof(longest));
	longest[SECRET_MAX] = '\n';
	put((struct str){ longest, SECRET_MAX + 1 }, 0600);
	longest[SECRET_MAX] = '\0';
	reads((struct str){ longest, SECRET_MAX }, longest);
	memset(longest, 'x', sizeof(longest));
	reads((struct str){ longest, SECRET_MAX + 1 }, NULL);
	reads((struct str){ longest, SECRET_MAX + 4 }, NULL);
}

static void test_secret_that_others_see(void **state)
{
	static const mode_t modes[] = { 0644, 0604, 0602, 0601, 0666 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct error err = { 0 };

		put(STR("sesame\n"), modes[i]);
		assert_null(secret_read(path, &err));
		assert_int_equal(err.code, EXIT_PERMISSION);
		assert_null(strstr(err.text, "sesame"));
	}
}

/* openssl dgst -sha256 -hmac sesame, of the text with the seconds before it. */
static void test_signature(void **state)
{
	char out[SIGNATURE_TEXT];
	struct error err = { 0 };

	(void)state;
#ifdef HAVE_GMIME
	assert_int_equal(sign(STR("sesame"), 1795772442 * USEC_SECOND + 999999, STR("{\"a\":1}"), out,
			      &err), 0);
	assert_string_equal(out, "t=1795772442,v1=d33993862450d0ff4063fcb833b12432a9d4e54afea631bd6472b1e019c76e80");
#else
	assert_int_equal(sign(STR("sesame"), 1, STR(""), out, &err), -1);
	assert_int_equal(err.code, EXIT_CONFIG);
#endif
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_secret_that_others_see),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
