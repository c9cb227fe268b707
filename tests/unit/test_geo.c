/* Places of addresses: records of each shape, text that is no address, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/geo.h"

#ifdef HAVE_MAXMINDDB

#define NETWORKS "127.4.0.0/16 DE\\n2001:db8::/32 FR\\n127.5.0.0/16 b0\\n127.6.0.0/16 DEU\\n"
#define LONG_NAME "Caf\u00e9 Caf\u00e9 Caf\u00e9 Caf\u00e9 Caf\u00e9 Caf\u00e9 Caf\u00e9 " \
		  "Caf\u00e9 Caf\u00e9 Caf\u00e9 xC\u00e9\u00e9"

static char dir[] = "/tmp/test_geo.XXXXXX";
static struct error err;

static const char *in_dir(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* The exit status of tests/rig/geo, given these networks. */
static int write_database(const char *kind, const char *name, const char *version,
			  const char *networks)
{
	const char *top = getenv("MAILAUDIT_SRCDIR");
	char command[2048];
	int rc;

	snprintf(command, sizeof(command), "printf '%s' | %s/tests/rig/geo %s %s %s", networks,
		 top ? top : ".", kind, in_dir(name), version);
	rc = system(command);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

static int set_up(void **state)
{
	int rc;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	rc = write_database("country", "country", "6", NETWORKS);
	if (rc == 77) {
		rmdir(dir);
		exit(77);
	}
	return rc | write_database("registered", "registered", "6", NETWORKS) |
	       write_database("flat", "flat", "6", NETWORKS) |
	       write_database("flat", "four", "4", "127.4.0.0/16 DE\\n") |
	       write_database("asn", "asn", "6",
			      "127.4.0.0/16 DE 64500 Example Net\\n2001:db8::/32 - 4200000000 " LONG_NAME
			      "\\n127.6.0.0/16 - 0\\n");
}

static int tear_down(void **state)
{
	static const char *const names[] = { "country", "registered", "flat", "four", "asn", "bad" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	return rmdir(dir);
}

static struct geo *open_or_fail(const char *country, const char *asn)
{
	struct geo *g = geo_open(country ? in_dir(country) : NULL, asn ? in_dir(asn) : NULL, &err);

	if (!g)
		fail_msg("%s", err.text);
	return g;
}

static struct geo_place find(const struct geo *g, const char *ip)
{
	struct geo_place place;

	memset(&place, 'x', sizeof(place));
	geo_find(g, str_of(ip), &place);
	return place;
}

static void expect_country(const struct geo *g, const char *ip, const char *country)
{
	struct geo_place place = find(g, ip);

	if (strcmp(place.country, country) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", ip, place.country, country);
}

static void test_country(void **state)
{
	static const char *const shapes[] = { "country", "registered", "flat" };

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct geo *g = open_or_fail(shapes[i], NULL);

		expect_country(g, "127.4.0.1", "DE");
		expect_country(g, "127.4.255.255", "DE");
		expect_country(g, "::ffff:127.4.0.1", "DE");
		expect_country(g, "2001:db8:1::1", "FR");
		expect_country(g, "127.3.255.255", "");
		expect_country(g, "2001:db9::1", "");
		geo_free(g);
	}
}

static void test_code_that_is_none(void **state)
{
	struct geo *g = open_or_fail("flat", NULL);

	(void)state;
	expect_country(g, "127.5.0.1", "");
	expect_country(g, "127.6.0.1", "");
	geo_free(g);
}

/* A country that cannot be told falls back to where the network is registered. */
static void test_registered_country_is_second(void **state)
{
	struct geo *g = open_or_fail("country", NULL);

	(void)state;
	expect_country(g, "127.5.0.1", "US");
	geo_free(g);
}

static void test_database_of_ipv4(void **state)
{
	struct geo *g = open_or_fail("four", NULL);

	(void)state;
	expect_country(g, "127.4.0.1", "DE");
	expect_country(g, "::ffff:127.4.0.1", "DE");
	expect_country(g, "2001:db8::1", "");
	geo_free(g);
}

static void test_network(void **state)
{
	struct geo *g = open_or_fail("country", "asn");
	struct geo_place place = find(g, "127.4.9.9");

	(void)state;
	assert_string_equal(place.country, "DE");
	assert_int_equal(place.asn, 64500);
	assert_string_equal(place.organization, "Example Net");
	place = find(g, "2001:db8::1");
	assert_int_equal(place.asn, 4200000000);
	assert_int_equal(strlen(LONG_NAME), 66);
	assert_int_equal(strlen(place.organization), 62); /* byte 63 is within a letter */
	assert_memory_equal(place.organization, LONG_NAME, 62);
	place = find(g, "127.5.0.1");
	assert_int_equal(place.asn, 0);
	assert_string_equal(place.organization, "");
	geo_free(g);
}

static void test_one_or_none(void **state)
{
	struct geo *g = open_or_fail(NULL, "asn");

	(void)state;
	expect_country(g, "127.4.0.1", "");
	assert_int_equal(find(g, "127.4.0.1").asn, 64500);
	geo_free(g);
	g = open_or_fail(NULL, NULL);
	assert_int_equal(find(g, "127.4.0.1").asn, 0);
	assert_false(geo_changed(g));
	geo_free(g);
	geo_free(NULL);
}

static void test_text_that_is_no_address(void **state)
{
	static const char *const texts[] = {
		"",  "unknown", "127.4.0", "127.4.0.1 ", "127.4.0.1:25", "[127.4.0.1]", "127.4.0.256",
		":", "::ffff:", "fe80::1%lo", "127.4.0.1x", "\xff\xfe",
		"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
	};
	struct geo *g = open_or_fail("country", "asn");
	struct geo_place place;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		expect_country(g, texts[i], "");
		assert_int_equal(find(g, texts[i]).asn, 0);
	}
	geo_find(g, STR("127.4.0.1\0"), &place);
	assert_string_equal(place.country, "");
	geo_find(g, STR_NONE, &place);
	assert_string_equal(place.country, "");
	/* A view: what stands behind it is not read. */
	geo_find(g, str_head(STR("127.4.0.1xyz"), 9), &place);
	assert_string_equal(place.country, "DE");
	geo_free(g);
}

static size_t read_all(const char *name, unsigned char *to, size_t room)
{
	int fd = open(in_dir(name), O_RDONLY);
	ssize_t n = read(fd, to, room);

	assert_true(n > 0 && (size_t)n < room);
	close(fd);
	return (size_t)n;
}

static void write_bad(const void *bytes, size_t n)
{
	int fd = open(in_dir("bad"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Opens it and asks; any answer is good, as long as there is one. */
static void ask_bad(void)
{
	struct geo *g = geo_open(in_dir("bad"), in_dir("bad"), &err);
	struct geo_place place;

	if (!g)
		return;
	place = find(g, "127.4.0.1");
	assert_true(strlen(place.country) == 0 || strlen(place.country) == 2);
	find(g, "2001:db8::1");
	find(g, "255.255.255.255");
	geo_free(g);
}

static void test_damage(void **state)
{
	static const char *const names[] = { "country", "asn" };
	static const unsigned char with[] = { 0x00, 0x20, 0x7f, 0xe1, 0xff };
	unsigned char bytes[16384];

	(void)state;
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		size_t n = read_all(names[k], bytes, sizeof(bytes));

		for (size_t i = 0; i < n; i += 1 + i % 7) {
			unsigned char saved = bytes[i];

			bytes[i] = with[i % sizeof(with)];
			write_bad(bytes, n);
			ask_bad();
			bytes[i] = saved;
			write_bad(bytes, i);
			ask_bad();
		}
	}
}

static void expect_error(const char *country, const char *asn, int code)
{
	struct geo *g = geo_open(country, asn, &err);

	assert_null(g);
	assert_int_equal(err.code, code);
}

static void test_what_cannot_be_opened(void **state)
{
	(void)state;
	expect_error(in_dir("nowhere"), NULL, EXIT_NOINPUT);
	assert_non_null(strstr(err.text, "/nowhere: No such file"));
	expect_error(in_dir("country"), in_dir("nowhere"), EXIT_NOINPUT);
	expect_error(dir, NULL, EXIT_NOINPUT);
	write_bad("", 0);
	expect_error(NULL, in_dir("bad"), EXIT_CONFIG);
	write_bad("no database", 11);
	expect_error(in_dir("bad"), NULL, EXIT_CONFIG);
	unlink(in_dir("bad"));
	assert_int_equal(mkfifo(in_dir("bad"), 0600), 0);
	expect_error(in_dir("bad"), NULL, EXIT_NOINPUT);
	unlink(in_dir("bad"));
}

/* An update by rename, and one that writes over the file that is in use. */
static void test_changed(void **state)
{
	unsigned char bytes[16384];
	size_t n = read_all("country", bytes, sizeof(bytes));
	struct geo *g;

	(void)state;
	write_bad(bytes, n);
	g = open_or_fail("bad", "asn");
	assert_false(geo_changed(g));
	assert_int_equal(truncate(in_dir("bad"), 0), 0);
	assert_true(geo_changed(g));
	expect_country(g, "127.4.0.1", "DE");
	unlink(in_dir("bad"));
	assert_false(geo_changed(g));
	expect_country(g, "127.4.0.1", "DE");
	write_bad(bytes, n);
	assert_true(geo_changed(g));
	geo_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_country),
		cmocka_unit_test(test_code_that_is_none),
		cmocka_unit_test(test_registered_country_is_second),
		cmocka_unit_test(test_database_of_ipv4),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_one_or_none),
		cmocka_unit_test(test_text_that_is_no_address),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_what_cannot_be_opened),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

#else

static void test_built_without(void **state)
{
	struct error err;

	(void)state;
	assert_null(geo_open("GeoLite2-Country.mmdb", NULL, &err));
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, "GeoLite2-Country.mmdb: built without libmaxminddb");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_built_without) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
