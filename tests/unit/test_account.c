/* The owner maps: who is behind a uid, a path, a domain, a login, an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/account.h"

static const char passwd[] =
	"root:x:0:0:root:/root:/bin/bash\n"
	"daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
	"www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
	"backup:x:34:34:backup:/srv/backup:/usr/sbin/nologin\n"
	"oldtimer:x:501:501::/home/oldtimer:/bin/bash\n"
	"alice:x:1001:1001:Alice:/home/alice:/bin/bash\n"
	"alice2:x:1001:1001:same uid, same home:/home/alice:/bin/bash\n"
	"bob:x:1002:1002::/home/alice/sites/bob/:/bin/bash\n"
	"carol:x:1003:1003::/var/www/vhosts/carol.example:/bin/false\n"
	"slash:x:1004:1004::/:/bin/bash\n"
	"home:x:1005:1005::/home:/bin/bash\n"
	"lib:x:1006:1006::/var/lib/thing:/bin/bash\n"
	"dots:x:1007:1007::/home/../etc/dots:/bin/bash\n"
	"moved:x:1008:1008::/data/home/moved:/bin/bash\r\n"
	"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	"+::::::\n"
	"broken line\n"
	"toobig:x:99999999999999999999:1::/home/toobig:/bin/sh\n"
	":x:1:1::/home/noname:/bin/sh";
static const char domains[] =
	"# a comment: ignored\n"
	"*: nobody\n"
	"Example.COM: alice\n"
	"shop.example.com: bob\n"
	"example.com: mallory\n"
	"*.wild.example: carol\n"
	"parked.example: nobody\n"
	"vhost.example:dave\r\n"
	"noaccount.example:\n"
	": noname\n"
	"junk\n";
static const char logins[] =
	"Info@Example.com: bob\n"
	"alice: carol\n"
	"daemon-box@x.example: www-data\n";

static struct map_text text_of(const char *format, const char *text)
{
	return (struct map_text){ format, format, str_of(text), NULL };
}

static int setup(void **state)
{
	const char *yaml = "hostname: mail.host.example\n"
			   "networks: [10.0.0.0/8, '2001:db8::/33', 192.0.2.7]\n";
	struct settings *s = settings_parse(str_of(yaml), "test", NULL, NULL);
	struct map_text maps[] = { text_of("passwd", passwd), text_of("domains", domains),
				   text_of("logins", logins) };

	*state = accounts_new(s, maps, 3);
	settings_free(s); /* answers must not lean on it */
	return 0;
}

static int teardown(void **state)
{
	accounts_free(*state);
	return 0;
}

/* cmocka shows both texts when they differ. */
static void expect(struct str got, const char *want)
{
	char *text = str_dup(got);

	assert_string_equal(text, want);
	free(text);
}

#define PATH_IS(path, want) expect(accounts_path(*state, str_of(path)), want)
#define DOMAIN_IS(domain, want) expect(accounts_domain(*state, str_of(domain)), want)
#define LOGIN_IS(login, want) expect(accounts_login(*state, str_of(login)), want)

static void test_uid(void **state)
{
	char buf[24];

	expect(accounts_uid(*state, 1002, buf), "bob");
	expect(accounts_uid(*state, 1001, buf), "alice"); /* the first of two */
	expect(accounts_uid(*state, 33, buf), "www-data");
	expect(accounts_uid(*state, 4711, buf), "#4711");
	expect(accounts_uid(*state, INT64_MIN, buf), "#-9223372036854775808");
}

static void test_shared_and_known(void **state)
{
	assert_true(accounts_is_shared(*state, STR("www-data")));
	assert_true(accounts_is_shared(*state, STR("httpd"))); /* of the settings only */
	assert_false(accounts_is_shared(*state, STR("alice")));
	assert_true(accounts_is_mailer(*state, STR("postfix")));
	assert_false(accounts_is_mailer(*state, STR("postfix2")));
	assert_false(accounts_is_mailer(*state, STR("alice")));
	assert_true(accounts_known(*state, STR("alice")));
	assert_true(accounts_known(*state, STR("dave"))); /* of a map only */
	assert_false(accounts_known(*state, STR("nobody")));
	assert_false(accounts_known(*state, STR("eve")));
	assert_false(accounts_known(*state, STR("toobig")));
}

static void test_homes(void **state)
{
	PATH_IS("/home/alice/public_html/contact.php", "alice");
	PATH_IS("/home/alice", "alice");
	PATH_IS("/home/alice/sites/bob/index.php", "bob"); /* the longest home */
	PATH_IS("/home/alice/sites/bobby/index.php", "alice");
	PATH_IS("/home/alice//index.php", "alice");
	PATH_IS("/var/www/vhosts/carol.example/httpdocs/x.php", "carol");
	PATH_IS("/data/home/moved/x.php", "moved");
	PATH_IS("/home/oldtimer/x.php", "oldtimer");
}

static void test_homes_of_the_system_own_nothing(void **state)
{
	PATH_IS("/usr/sbin/x.php", "");
	PATH_IS("/var/www/x.php", "");
	PATH_IS("/var/www/html/index.php", "");
	PATH_IS("/srv/backup/x.php", "");
	PATH_IS("/var/lib/thing/x.php", "");
	PATH_IS("/opt/x.php", ""); /* not slash's, whose home is / */
	PATH_IS("/root/x.php", "");
	PATH_IS("/etc/dots/x.php", "");
}

static void test_home_patterns(void **state)
{
	PATH_IS("/home/erin/public_html/x.php", "erin"); /* unknown, yet a home */
	PATH_IS("/var/www/vhosts/example.com/httpdocs/x.php", "alice"); /* by its domain */
	PATH_IS("/var/www/vhosts/vhost.example/httpdocs/x.php", "dave");
	PATH_IS("/var/www/vhosts/unknown.example/x.php", "unknown.example");
	PATH_IS("/var/www/clients/client1/web7/web/x.php", "web7");
	PATH_IS("/var/www/clients/client1/x.php", ""); /* a file, not a home */
	PATH_IS("/home/stray.php", "");
	PATH_IS("/home/www-data/x.php", "");
	PATH_IS("/home", "");
	PATH_IS("/home/", "");
}

static void test_hostile_paths(void **state)
{
	static const char nul[] = "/home/alice/x\0/y.php";

	PATH_IS("", "");
	PATH_IS("/", "");
	PATH_IS("//", "");
	PATH_IS("x.php", "");
	PATH_IS("home/alice/x.php", "");
	PATH_IS("/home/../alice/x.php", "");
	PATH_IS("/home/alice/../bob/x.php", "");
	PATH_IS("/home/alice/..", "");
	PATH_IS("/home/./alice/x.php", "");
	PATH_IS("/home//alice/x.php", "");
	PATH_IS("//home/alice/x.php", "");
	PATH_IS("/home/*/x.php", "*"); /* a name like any other */
	expect(accounts_path(*state, (struct str){ nul, sizeof(nul) - 1 }), "");
	expect(accounts_path(*state, STR_NONE), "");
}

static void test_domains(void **state)
{
	DOMAIN_IS("example.com", "alice"); /* the first of two lines */
	DOMAIN_IS("EXAMPLE.com.", "alice");
	DOMAIN_IS("www.example.com", "alice");
	DOMAIN_IS("a.b.shop.example.com", "bob");
	DOMAIN_IS("x.wild.example", "carol");
	DOMAIN_IS("notexample.com", "");
	DOMAIN_IS("com", "");
	DOMAIN_IS("parked.example", ""); /* nobody is shared */
	DOMAIN_IS("unmapped.example", ""); /* "*: nobody" is no owner */
	DOMAIN_IS("noaccount.example", "");
	DOMAIN_IS("", "");
	DOMAIN_IS(".", "");
	DOMAIN_IS("..example.com", "alice");
	DOMAIN_IS("exa mple.com", "");
	expect(accounts_domain(*state, STR("example.com\0.evil")), "");
}

static void test_logs(void **state)
{
	struct source_spec spec = { .account = "auto" };

	expect(accounts_log(*state, &spec, STR("/home/alice/logs/php-mail.log")), "alice");
	expect(accounts_log(*state, &spec, STR("/var/log/php-mail.log")), "");
	spec.account = "bob";
	expect(accounts_log(*state, &spec, STR("/home/alice/logs/php-mail.log")), "bob");
}

static void test_long_names(void **state)
{
	char text[4096];

	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 12, ".example.com", 12);
	expect(accounts_domain(*state, (struct str){ text, sizeof(text) }), "");
	expect(accounts_login(*state, (struct str){ text, sizeof(text) }), "");
	expect(accounts_domain(*state, str_skip((struct str){ text, sizeof(text) }, 4096 - 255)),
	       "alice");
	memset(text, '/', sizeof(text));
	expect(accounts_path(*state, (struct str){ text, sizeof(text) }), "");
}

static void test_logins(void **state)
{
	LOGIN_IS("info@example.com", "bob"); /* the map is stronger than the domain */
	LOGIN_IS("INFO@EXAMPLE.COM", "bob");
	LOGIN_IS("alice", "carol"); /* and than the user */
	LOGIN_IS("bob", "bob");
	LOGIN_IS("bob@mail.host.example", "bob");
	LOGIN_IS("bob@MAIL.host.example", "bob");
	LOGIN_IS("www-data@mail.host.example", "");
	LOGIN_IS("sales@example.com", "alice");
	LOGIN_IS("sales@www.shop.example.com", "bob");
	LOGIN_IS("bob@elsewhere.example", "");
	LOGIN_IS("daemon-box@x.example", ""); /* maps to a shared user */
	LOGIN_IS("www-data", "");
	LOGIN_IS("eve", "");
	LOGIN_IS("@", "");
	LOGIN_IS("", "");
}

static bool trusted(void **state, const char *ip)
{
	return accounts_trusted_ip(*state, str_of(ip));
}

static void test_networks(void **state)
{
	assert_true(trusted(state, "10.255.0.1"));
	assert_true(trusted(state, "::ffff:10.0.0.1"));
	assert_false(trusted(state, "11.0.0.1"));
	assert_true(trusted(state, "2001:db8:7fff::1"));
	assert_false(trusted(state, "2001:db8:8000::1"));
	assert_true(trusted(state, "192.0.2.7"));
	assert_false(trusted(state, "192.0.2.6"));
	assert_false(trusted(state, "127.0.0.1")); /* the list replaces the default */
	assert_false(trusted(state, "10.0.0.0/8"));
	assert_false(trusted(state, "10.0.0"));
	assert_false(trusted(state, "localhost"));
	assert_false(trusted(state, ""));
	assert_false(accounts_trusted_ip(*state, STR("10.0.0.1\0")));
}

/* Answers are kept: of more addresses than there is room for, as long as each other. */
static void test_many_addresses(void **state)
{
	char ip[32];

	for (int i = 0; i < 3000; i++) {
		bool ours = i % 2;

		snprintf(ip, sizeof(ip), "%s.0.%d.1%02d", ours ? "10" : "11", i / 100 % 10, i % 100);
		if (trusted(state, ip) != ours)
			fail_msg("%s is %s", ip, ours ? "not trusted" : "trusted");
	}
}

static void test_default_networks(void **state)
{
	struct settings *s = settings_default();
	struct accounts *a = accounts_new(s, NULL, 0);

	(void)state;
	assert_true(accounts_trusted_ip(a, STR("127.0.0.53")));
	assert_true(accounts_trusted_ip(a, STR("::1")));
	assert_false(accounts_trusted_ip(a, STR("0.0.0.0")));
	assert_false(accounts_trusted_ip(a, STR("::")));
	expect(accounts_path(a, STR("/home/alice/x.php")), "alice"); /* no passwd at all */
	accounts_free(a);
	settings_free(s);
}

static void test_large_map(void **state)
{
	enum { LINES = 150000 };
	struct settings *s = settings_default();
	char *text = NULL, name[32];
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct map_text map = { "big", "domains", STR_NONE, NULL };
	struct accounts *a;

	(void)state;
	for (int i = 0; i < LINES; i++)
		fprintf(f, "site%d.example: user%d\n", i, i / 10);
	fclose(f);
	map.text = (struct str){ text, n };
	a = accounts_new(s, &map, 1);
	free(text);
	for (int i = 0; i < LINES; i += 7919) {
		char want[32];

		snprintf(name, sizeof(name), "www.site%d.example", i);
		snprintf(want, sizeof(want), "user%d", i / 10);
		expect(accounts_domain(a, str_of(name)), want);
	}
	accounts_free(a);
	settings_free(s);
}

/* --- formats of panels and mail servers ------------------------------------- */

static const char panel_passwd[] =
	"vmail:x:5000:5000::/var/vmail:/bin/false\n"
	"alice:x:1001:1001::/home/alice:/bin/bash\n"
	"bob:x:1002:1002::/home/bob:/bin/bash\n"
	"info@site.example:x:1003:1001::/home/alice/homes/info:/dev/null\n"
	"deep:x:1004:1002::/home/bob/homes/deep:/dev/null\n";

/* One map beside the passwd above; the caller frees. */
static struct accounts *with_map(const char *format, const char *path, const char *pattern,
				 struct str text)
{
	struct settings *s = settings_default();
	struct map_text maps[] = { text_of("passwd", panel_passwd),
				   { path, format, text, pattern } };
	struct accounts *a = accounts_new(s, maps, 2);

	settings_free(s);
	return a;
}

static void expect_count(const struct accounts *a, int64_t names, int64_t bad, int64_t first)
{
	const struct map_count *count = accounts_map_count(a, 1);

	assert_int_equal(count->names, names);
	assert_int_equal(count->bad, bad);
	assert_int_equal(count->bad_line, first);
}

static void test_userdatadomains(void **state)
{
	struct accounts *a = with_map("userdatadomains", "m", "m",
		STR("*: nobody==x\n"
		    "shop.example: alice==root==addon==a.example==/srv/www/shop==192.0.2.1:80==\n"
		    "evil.example: alice==root==addon==a.example==/home/bob/www==192.0.2.1:80\n"
		    "flat.example: alice\n"
		    "odd.example: al ice==root==main==a.example==/srv/x\n"));

	(void)state;
	expect(accounts_domain(a, STR("www.shop.example")), "alice");
	expect(accounts_path(a, STR("/srv/www/shop/index.php")), "alice");
	/* A document root in another's home takes nothing from him. */
	expect(accounts_path(a, STR("/home/bob/www/index.php")), "bob");
	expect(accounts_domain(a, STR("flat.example")), "");
	expect(accounts_domain(a, STR("odd.example")), "");
	expect_count(a, 2, 3, 3);
	accounts_free(a);
}

static void test_hestia(void **state)
{
	struct accounts *a = with_map("hestia", "/p/users/bob/web.conf", "/p/users/*/web.conf",
		STR("DOMAIN='b.example' IP='192.0.2.1' ALIAS='www.b.example,c.example' TPL='x'\n"
		    "DOMAIN='d.example' ALIAS='' CUSTOM_DOCROOT='/srv/d/'\n"
		    "DOMAIN='cut.exam\n"
		    "IP='192.0.2.1'\n"));

	(void)state;
	expect(accounts_domain(a, STR("b.example")), "bob");
	expect(accounts_domain(a, STR("c.example")), "bob");
	expect(accounts_path(a, STR("/srv/d/x.php")), "bob");
	expect(accounts_login(a, STR("info@d.example")), "bob");
	expect_count(a, 4, 2, 3);
	accounts_free(a);
	/* Without a star in the pattern nobody is named. */
	a = with_map("hestia", "/p/web.conf", "/p/web.conf", STR("DOMAIN='b.example'\n"));
	expect(accounts_domain(a, STR("b.example")), "");
	expect_count(a, 0, 1, 1);
	accounts_free(a);
}

static void test_virtualmin(void **state)
{
	char buf[24];
	struct accounts *a = with_map("virtualmin", "/p/1", "/p/*",
		STR("id=1\ndom=site.example\nuser=alice\nhome=/home/alice\nuid=1001\n"));

	(void)state;
	expect(accounts_domain(a, STR("site.example")), "alice");
	/* A mailbox is a user of passwd: it is the account's. */
	expect(accounts_login(a, STR("info@site.example")), "alice");
	expect(accounts_uid(a, 1003, buf), "alice");
	expect(accounts_path(a, STR("/home/alice/homes/info/x.php")), "alice");
	/* bob is none of the panel's. */
	expect(accounts_login(a, STR("deep")), "deep");
	expect_count(a, 1, 0, 0);
	accounts_free(a);
	a = with_map("virtualmin", "/p/1", "/p/*", STR("dom=site.example\n"));
	expect_count(a, 0, 1, 1);
	accounts_free(a);
}

static void test_postfix_sources(void **state)
{
	struct accounts *a = with_map("postfix", "m", "m",
		STR("# virtual\n"
		    "info@one.example\talice\n"
		    "@two.example bob\n"
		    "three.example 1002\n"
		    "box@four.example /home/alice/mail/box/\n"
		    "   goes on\n"
		    "x@five.example a@b.example, c@d.example\n"
		    "y@five.example 5000\n"
		    "z@five.example 77\n"));

	(void)state;
	expect(accounts_login(a, STR("Info@one.example")), "alice");
	expect(accounts_login(a, STR("any@two.example")), "bob");
	expect(accounts_domain(a, STR("three.example")), "bob");
	expect(accounts_login(a, STR("box@four.example")), "alice");
	expect(accounts_login(a, STR("y@five.example")), "");
	expect_count(a, 4, 3, 7);
	accounts_free(a);
}

static void test_dovecot_passwd_file(void **state)
{
	struct accounts *a = with_map("dovecot", "m", "m",
		STR("a@one.example:{SHA256-CRYPT}$5$x:5000:5000::/home/alice/mail/a::\n"
		    "b@one.example:{PLAIN}x:1002:1002::::userdb_quota_rule=*:storage=1G\n"
		    "c@one.example:{PLAIN}x:5000:5000::/var/vmail/one.example/c::\n"
		    "d@one.example:{PLAIN}x\n"));

	(void)state;
	expect(accounts_login(a, STR("a@one.example")), "alice");
	expect(accounts_login(a, STR("b@one.example")), "bob");
	expect(accounts_login(a, STR("c@one.example")), "");
	expect_count(a, 2, 2, 3);
	accounts_free(a);
}

/* No format reads past its text, or takes a name that would break a command line. */
static void test_hostile_maps(void **state)
{
	static const char bytes[] = "a:'=/ \t@\0\n#*.==1\377\r;";

	(void)state;
	for (size_t f = 0; account_map_formats[f]; f++) {
		uint32_t x = 1;
		char text[400];

		for (int round = 0; round < 300; round++) {
			struct accounts *a;

			for (size_t i = 0; i < sizeof(text); i++) {
				x = x * 1664525 + 1013904223;
				text[i] = bytes[(x >> 16) % (sizeof(bytes) - 1)];
			}
			a = with_map(account_map_formats[f], "/p/a/x", "/p/*/x",
				     (struct str){ text, sizeof(text) });
			accounts_free(a);
		}
	}
	struct accounts *a = with_map("domains", "m", "m",
		STR("a.example: x y\nb.example: x\001\nc.example: ok\n"));
	expect(accounts_domain(a, STR("a.example")), "");
	expect(accounts_domain(a, STR("b.example")), "");
	expect_count(a, 1, 2, 1);
	accounts_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_uid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_and_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_homes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_homes_of_the_system_own_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_home_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_addresses, setup, teardown),
		cmocka_unit_test(test_default_networks),
		cmocka_unit_test(test_userdatadomains),
		cmocka_unit_test(test_hestia),
		cmocka_unit_test(test_virtualmin),
		cmocka_unit_test(test_postfix_sources),
		cmocka_unit_test(test_dovecot_passwd_file),
		cmocka_unit_test(test_hostile_maps),
		cmocka_unit_test(test_large_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
