/* The settings file: its defaults, its errors, its sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/parser.h"
#include "core/settings.h"

static struct settings *parse(const char *yaml)
{
	struct error err = { 0 };
	struct settings *s = settings_parse(str_of(yaml), "f", NULL, &err);

	if (!s)
		print_error("%s\n", err.text);
	assert_non_null(s);
	return s;
}

static void refuse(const char *yaml, const char *why)
{
	struct error err = { 0 };

	assert_null(settings_parse(str_of(yaml), "f", NULL, &err));
	assert_string_equal(err.text, why);
	assert_int_equal(err.code, EXIT_CONFIG);
}

static void test_defaults(void **state)
{
	struct settings *s = settings_default();

	(void)state;
	assert_string_equal(s->database, "/var/lib/mailaudit/mailaudit.db");
	assert_string_not_equal(s->hostname, "auto");
	assert_int_equal(s->nsources, 0);
	assert_string_equal(s->accounts.passwd, "/etc/passwd");
	assert_int_equal(s->accounts.nmaps, 3);
	assert_int_equal(s->accounts.shared.n, 5);
	assert_string_equal(s->accounts.shared.at[4], "nginx");
	assert_string_equal(s->accounts.homes.at[2], "/var/www/clients/*/*/");
	assert_int_equal(s->networks.n, 2);
	assert_string_equal(s->networks.at[1], "::1");
	assert_int_equal(s->php_wait, 60 * USEC_SECOND);
	assert_false(s->store_all);
	assert_int_equal(s->retention_messages, 90 * USEC_DAY);
	settings_free(s);
}

static void test_all_keys(void **state)
{
	struct settings *s = parse("database: /tmp/x.db\n"
				   "hostname: web1.example\n"
				   "sources:\n"
				   "  - path: /home/*/logs/php-mail.log\n"
				   "    format: php\n"
				   "    trust: tenant\n"
				   "    timezone: Europe/Berlin\n"
				   "  - {path: \"/var/log/exim/main[lL]og\"}\n"
				   "accounts:\n"
				   "  passwd: /tmp/passwd\n"
				   "  maps: [{path: /tmp/boxes, format: logins}]\n"
				   "  shared: []\n"
				   "  homes: [/srv/*/]\n"
				   "networks: []\n"
				   "join: {php_wait: 2m}\n"
				   "store: all\n"
				   "retention: {messages: 0}\n");

	(void)state;
	assert_string_equal(s->hostname, "web1.example");
	assert_int_equal(s->nsources, 2);
	assert_string_equal(s->sources[0].format, "php");
	assert_true(s->sources[0].tenant);
	assert_string_equal(s->sources[0].timezone, "Europe/Berlin");
	assert_false(s->sources[1].tenant);
	assert_string_equal(s->sources[1].format, "auto");
	assert_string_equal(s->sources[1].timezone, "local");
	assert_int_equal(s->accounts.nmaps, 1);
	assert_string_equal(s->accounts.maps[0].format, "logins");
	assert_int_equal(s->accounts.shared.n, 0);
	assert_int_equal(s->accounts.homes.n, 1);
	assert_int_equal(s->networks.n, 0);
	assert_int_equal(s->php_wait, 2 * USEC_MINUTE);
	assert_true(s->store_all);
	assert_int_equal(s->retention_messages, 0);
	settings_free(s);
}

static void test_nothing_set(void **state)
{
	static const char *const texts[] = { "", "# only a comment\n", "---\n", "{}", "accounts:\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct settings *s = parse(texts[i]);

		assert_string_equal(s->accounts.passwd, "/etc/passwd");
		assert_int_equal(s->networks.n, 2);
		settings_free(s);
	}
}

static void test_errors_name_place_and_key(void **state)
{
	(void)state;
	refuse("databse: /x\n", "f:1:1: databse: unknown key, did you mean database?");
	refuse("store: all\naccounts:\n  home: [/x/*/]\n",
	       "f:3:3: accounts: home: unknown key, did you mean homes?");
	refuse("colour: red\n", "f:1:1: colour: unknown key");
	refuse("store: some\n", "f:1:8: store: some is none of: outbound, all");
	refuse("store:\n", "f:1:7: store: has no value");
	refuse("database: [a]\n", "f:1:11: database: needs a value, not a list");
	refuse("sources: /var/log/mail.log\n",
	       "f:1:10: sources: needs a list: [a, b], not a text");
	refuse("sources: [/var/log/mail.log]\n",
	       "f:1:11: sources[0]: needs a map: {key: value}, not a text");
	refuse("sources:\n  - path: /a\n  - format: exim\n",
	       "f:3:5: sources[1]: needs the key path");
	refuse("sources:\n  - path: /a\n    trust: me\n",
	       "f:3:12: sources[0].trust: me is none of: system, tenant");
	refuse("sources: [{path: /a, timezone: Mars/Olympus}]\n",
	       "f:1:32: sources[0].timezone: Mars/Olympus is not a time zone of this system");
	refuse("sources: [{path: \"/var/log/[a\"}]\n",
	       "f:1:18: sources[0].path: /var/log/[a has a [ without its ]");
	refuse("sources: [{path: /var/log/}]\n",
	       "f:1:18: sources[0].path: /var/log/ is a directory, not a file");
	refuse("accounts: {maps: [{path: /a, format: hash}]}\n",
	       "f:1:38: accounts.maps[0].format: hash is none of: domains, logins");
	refuse("networks: [10.0.0.1/8]\n",
	       "f:1:12: networks[0]: 10.0.0.1/8 is not a network such as 10.0.0.0/8, "
	       "2001:db8::/32 or an address");
	refuse("retention: {messages: soon}\n",
	       "f:1:23: retention.messages: soon is not a length of time such as 60s, 2h or 90d");
	refuse("- a\n- b\n", "f:1:1: needs a map: {key: value}, not a list");
}

static void test_home_patterns(void **state)
{
	static const char *const bad[] = { "/home/alice/", "home/*/", "/home/*",     "/home/a*/",
					   "/home//*/",	   "/*/../",  "/home/[ab]/*/", "/" };
	struct error err;
	char yaml[100];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(yaml, sizeof(yaml), "accounts: {homes: [\"%s\"]}\n", bad[i]);
		assert_null(settings_parse(str_of(yaml), "f", NULL, &err));
	}
}

static void test_yaml_is_kept_small(void **state)
{
	(void)state;
	refuse("store: all\nstore: all\n", "f:2:1: store: this key stands here twice");
	refuse("store: &a all\n", "f:1:8: anchors (&a) are not supported");
	refuse("hostname: *a\n", "f:1:11: aliases (*a) are not supported");
	refuse("store: !!str all\n", "f:1:8: tags (tag:yaml.org,2002:str) are not supported");
	refuse("store: all\n---\nstore: all\n",
	       "f:2:1: a second document begins: only one is read");
	refuse("[a]: b\n", "f:1:1: a key is a word, not a list");
	refuse("accounts:\n\tpasswd: /x\n", "f:2:1: a tab cannot indent here, use blanks");
	refuse("hostname: \"a\\0b\"\n", "f:1:11: a NUL byte cannot be part of a value");
}

static void expect_refused(char *text, size_t n, const char *part)
{
	struct error err = { 0 };

	assert_null(settings_parse((struct str){ text, n }, "f", NULL, &err));
	assert_non_null(strstr(err.text, part));
	free(text);
}

static char *repeated(const char *what, size_t times, size_t *n)
{
	size_t each = strlen(what);
	char *text = xmalloc(each * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(text + i * each, what, each);
	*n = each * times;
	return text;
}

static void test_limits(void **state)
{
	size_t n;
	char *text;

	(void)state;
	text = repeated("[", 5000, &n);
	expect_refused(text, n, "more than 16 levels deep");
	text = repeated("- a\n", 200000, &n);
	expect_refused(text, n, "more than 100000 values");
	text = repeated("# comment\n", 200000, &n);
	expect_refused(text, n, "larger than 1048576 bytes");
	text = repeated("\xff\xfe", 10, &n);
	expect_refused(text, n, "f: byte 1: ");
}

static void test_relative_paths(void **state)
{
	struct settings *s = settings_parse(STR("database: state/x.db\n"
						"sources: [{path: logs/*.log}, {path: /abs}]\n"
						"accounts: {passwd: passwd}\n"),
					    "f", "/srv/demo", NULL);

	(void)state;
	assert_string_equal(s->database, "/srv/demo/state/x.db");
	assert_string_equal(s->sources[0].path, "/srv/demo/logs/*.log");
	assert_string_equal(s->sources[1].path, "/abs");
	assert_string_equal(s->accounts.passwd, "/srv/demo/passwd");
	settings_free(s);
}

static void test_load(void **state)
{
	char dir[] = "/tmp/test_settings.XXXXXX", path[64], want[64];
	struct error err;
	struct settings *s;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/m.yaml", dir);
	snprintf(want, sizeof(want), "%s/x.db", dir);
	assert_null(settings_load(path, &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
	f = fopen(path, "w");
	fputs("database: x.db\n", f);
	fclose(f);
	s = settings_load(path, &err);
	assert_non_null(s);
	assert_string_equal(s->database, want);
	settings_free(s);
	assert_null(settings_load(dir, &err)); /* a directory */
	assert_int_equal(err.code, EXIT_CONFIG);
	unlink(path);
	rmdir(dir);
}

static void test_formats(void **state)
{
	static const struct parser exim = { .name = "exim" }, php = { .name = "php" };
	const struct parser *const parsers[] = { &exim, &php, NULL };
	struct settings *good = parse("sources: [{path: /a, format: php}, {path: /b}]\n");
	struct settings *bad = parse("sources: [{path: /a}, {path: /b, format: postfx}]\n");
	struct error err;

	(void)state;
	assert_int_equal(settings_check_formats(good, parsers, &err), 0);
	assert_int_equal(settings_check_formats(bad, parsers, &err), -1);
	assert_string_equal(err.text, "sources[1].format: there is no format postfx");
	settings_free(good);
	settings_free(bad);
}

/* The sample says what the defaults are: read back, it is the same. */
static void test_sample(void **state)
{
	char *text = settings_sample();
	struct settings *s = parse(text), *d = settings_default();

	(void)state;
	assert_string_equal(s->database, d->database);
	assert_int_equal(s->nsources, d->nsources);
	assert_int_equal(s->accounts.nmaps, d->accounts.nmaps);
	assert_int_equal(s->accounts.shared.n, d->accounts.shared.n);
	assert_int_equal(s->accounts.homes.n, d->accounts.homes.n);
	assert_int_equal(s->networks.n, d->networks.n);
	assert_int_equal(s->php_wait, d->php_wait);
	assert_int_equal(s->retention_messages, d->retention_messages);
	assert_int_equal(s->store_all, d->store_all);
	settings_free(s);
	settings_free(d);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_nothing_set),
		cmocka_unit_test(test_errors_name_place_and_key),
		cmocka_unit_test(test_home_patterns),
		cmocka_unit_test(test_yaml_is_kept_small),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
