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
#include "heuristics/heuristics.h"

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
	assert_int_equal(s->accounts.nmaps, 10);
	assert_int_equal(s->accounts.shared.n, 10);
	assert_string_equal(s->accounts.shared.at[4], "nginx");
	assert_string_equal(s->accounts.homes.at[2], "/var/www/clients/*/*/");
	assert_int_equal(s->networks.n, 2);
	assert_string_equal(s->networks.at[1], "::1");
	assert_int_equal(s->php_wait, 60 * USEC_SECOND);
	assert_false(s->store_all);
	assert_int_equal(s->retention_messages, 90 * USEC_DAY);
	assert_int_equal(s->retention_findings, 365 * USEC_DAY);
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
	       "f:1:38: accounts.maps[0].format: hash is none of: passwd, domains, logins, "
	       "userdatadomains, postfix, dovecot, hestia, virtualmin");
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

static void test_places_and_patterns(void **state)
{
	struct settings *s = settings_parse(STR("geoip: {country: c.mmdb, asn: /a.mmdb}\n"
						"patterns: patterns.d\n"), "f", "/etc/m", NULL);
	struct settings *d = settings_default();

	(void)state;
	assert_string_equal(s->geoip.country, "/etc/m/c.mmdb");
	assert_string_equal(s->geoip.asn, "/a.mmdb");
	assert_string_equal(s->patterns, "/etc/m/patterns.d");
	assert_string_equal(d->geoip.country, "");
	assert_string_equal(d->patterns, "");
	settings_free(s);
	settings_free(d);
	refuse("geoip: {city: x.mmdb}\n", "f:1:9: geoip: city: unknown key");
}

static void test_plain_limits(void **state)
{
	struct settings *s = parse("limits:\n  login: {messages_per_hour: 100}\n"
				   "  account: {recipients_per_day: 5000, messages_per_day: 0}\n");
	struct settings *d = settings_default(), *zero = parse("limits: {script: "
							       "{recipients_per_hour: 0}}\n");

	(void)state;
	assert_int_equal(s->limits.login.messages_per_hour, 100);
	assert_int_equal(s->limits.login.recipients_per_hour, 0);
	assert_int_equal(s->limits.account.recipients_per_day, 5000);
	assert_int_equal(s->limits.script.messages_per_hour, 0);
	assert_true(settings_have_limits(s));
	assert_false(settings_have_limits(d));
	assert_false(settings_have_limits(zero));
	settings_free(s);
	settings_free(d);
	settings_free(zero);
	refuse("limits: {login: {messages_per_hour: -1}}\n",
	       "f:1:37: limits.login.messages_per_hour: -1 is not a whole number");
	refuse("limits: {login: {messages_per_hour: 3000000000}}\n",
	       "f:1:37: limits.login.messages_per_hour: 3000000000 is not within 0 and 2147483647");
	refuse("limits: {domain: {}}\n", "f:1:10: limits: domain: unknown key");
}

static void test_allow(void **state)
{
	struct settings *s = parse("allow:\n"
				   "  - {login: news@shop.example, newsletter: yes, because: monthly}\n"
				   "  - {script: /home/*/shop/*.php, per_hour: 200, per_day: 1000}\n"
				   "  - {network: 192.0.2.0/24, muted_until: 2026-12-31}\n"
				   "  - {account: alice, sender: \"*@alice.example\"}\n");

	(void)state;
	assert_int_equal(s->nallow, 4);
	assert_string_equal(s->allow[0].login, "news@shop.example");
	assert_true(s->allow[0].newsletter);
	assert_string_equal(s->allow[0].because, "monthly");
	assert_false(s->allow[0].has_network);
	assert_int_equal(s->allow[1].per_hour, 200);
	assert_int_equal(s->allow[1].per_day, 1000);
	assert_false(s->allow[1].newsletter);
	assert_true(s->allow[2].has_network);
	assert_int_equal(s->allow[2].muted_until, 1798675200 * USEC_SECOND);
	assert_string_equal(s->allow[3].sender, "*@alice.example");
	settings_free(s);
}

static void test_allow_mistakes(void **state)
{
	(void)state;
	refuse("allow: [{newsletter: yes}]\n",
	       "f: allow[0]: names no account, login, script, sender or network");
	refuse("allow: [{login: a}, {account: \"\", per_day: 5}]\n",
	       "f: allow[1]: names no account, login, script, sender or network");
	refuse("allow: [{network: 192.0.2.1/24}]\n",
	       "f:1:19: allow[0].network: 192.0.2.1/24 is not a network such as 10.0.0.0/8, "
	       "2001:db8::/32 or an address");
	refuse("allow: [{login: a, muted_until: tomorrow}]\n",
	       "f:1:33: allow[0].muted_until: tomorrow is not a time such as 2026-12-31");
	refuse("allow: [{logn: a}]\n",
	       "f:1:10: allow[0]: logn: unknown key, did you mean login?");
}

struct weights {
	double factor;
	int64_t count;
};

static const struct key weight_keys[] = {
	{ "factor", KEY_REAL, offsetof(struct weights, factor), "1.5", .help = "Factor." },
	{ "count", KEY_INTEGER, offsetof(struct weights, count), "5", .help = "Count.", .min = 2,
	  .max = 10 },
};
static const struct heuristic heavy = {
	.name = "heavy", .summary = "what weighs", .keys = { weight_keys, 2, sizeof(struct weights) },
};
static const struct heuristic plain = { .name = "plain", .summary = "without any keys" };
static const struct heuristic *const two[] = { &plain, &heavy, NULL };

static void test_heuristics(void **state)
{
	struct settings *s = parse("heuristics: {heavy: {count: 7}, plain: {}}\n");
	struct settings *d = settings_default(), *null = parse("heuristics: {heavy: , plain: }\n");
	struct error err;

	(void)state;
	assert_int_equal(settings_heuristics(s, two, &err), 0);
	assert_int_equal(((struct weights *)s->heuristics.at[1])->count, 7);
	assert_true(((struct weights *)s->heuristics.at[1])->factor == 1.5);
	assert_int_equal(settings_heuristics(d, two, &err), 0);
	assert_int_equal(((struct weights *)d->heuristics.at[1])->count, 5);
	assert_int_equal(settings_heuristics(null, two, &err), 0);
	settings_free(s);
	settings_free(d);
	settings_free(null);
}

static void refuse_heuristics(const char *yaml, const char *why)
{
	struct settings *s = parse(yaml);
	struct error err = { 0 };

	assert_int_equal(settings_heuristics(s, two, &err), -1);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, why);
	settings_free(s);
}

static void test_heuristics_mistakes(void **state)
{
	(void)state;
	refuse_heuristics("heuristics:\n  havy: {}\n",
			  "f:2:3: heuristics.havy: there is no such heuristic; "
			  "'mailaudit explain' lists them");
	refuse_heuristics("heuristics:\n  heavy: {count: 11}\n",
			  "heuristics.heavy: f:2:18: count: 11 is not within 2 and 10");
	refuse_heuristics("heuristics:\n  heavy: {factor: much}\n",
			  "heuristics.heavy: f:2:19: factor: much is not a number from 0 up");
	refuse_heuristics("heuristics:\n  heavy: {cuont: 3}\n",
			  "heuristics.heavy: f:2:11: cuont: unknown key, did you mean count?");
	refuse_heuristics("heuristics:\n  heavy: 3\n",
			  "heuristics.heavy: f:2:10: needs a map: {key: value}, not a text");
	refuse("heuristics: [heavy]\n",
	       "f:1:13: heuristics: needs a map: {key: value}, not a list");
}

/* The sample says what the defaults are: read back, it is the same. */
static void test_sample(void **state)
{
	char *text = settings_sample(all_heuristics);
	struct settings *s = parse(text), *d = settings_default();
	struct error err;

	(void)state;
	assert_int_equal(settings_heuristics(s, all_heuristics, &err), 0);
	assert_int_equal(settings_heuristics(d, all_heuristics, &err), 0);
	for (size_t i = 0; all_heuristics[i]; i++)
		if (all_heuristics[i]->keys.n)
			assert_memory_equal(s->heuristics.at[i], d->heuristics.at[i],
					    all_heuristics[i]->keys.size);
	assert_int_equal(s->nallow, 0);
	assert_false(settings_have_limits(s));
	assert_string_equal(s->database, d->database);
	assert_int_equal(s->nsources, d->nsources);
	assert_int_equal(s->accounts.nmaps, d->accounts.nmaps);
	assert_int_equal(s->accounts.shared.n, d->accounts.shared.n);
	assert_int_equal(s->accounts.homes.n, d->accounts.homes.n);
	assert_int_equal(s->networks.n, d->networks.n);
	assert_int_equal(s->php_wait, d->php_wait);
	assert_int_equal(s->retention_messages, d->retention_messages);
	assert_int_equal(s->retention_findings, d->retention_findings);
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
		cmocka_unit_test(test_places_and_patterns),
		cmocka_unit_test(test_plain_limits),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_allow_mistakes),
		cmocka_unit_test(test_heuristics),
		cmocka_unit_test(test_heuristics_mistakes),
		cmocka_unit_test(test_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
