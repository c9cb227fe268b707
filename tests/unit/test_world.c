/* What stands beside the logs: owner maps, pattern files, databases of places;
 * read once, and a change of any of them is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "schema/world.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_world.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	mkdir(in_dir("patterns"), 0700);
	write_file("passwd", "alice:x:5101:5101::/home/alice:/bin/sh\n");
	write_file("domains", "shop.example: alice\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static struct settings *settings(const char *more)
{
	char yaml[1000];
	struct error err;
	struct settings *s;

	snprintf(yaml, sizeof(yaml), "accounts: {passwd: passwd, maps: [{path: domains}]}\n%s", more);
	s = settings_parse(str_of(yaml), "f", dir, &err);
	assert_non_null(s);
	return s;
}

static struct world *open_or_fail(const struct settings *s)
{
	struct error err;
	struct world *w = world_open(s, &err);

	if (!w)
		fail_msg("%s", err.text);
	return w;
}

static void test_owner_maps(void **state)
{
	struct settings *s = settings("");
	struct world *w = open_or_fail(s);

	(void)state;
	assert_ptr_equal(world_view(w)->settings, s);
	assert_true(str_eq(accounts_domain(world_view(w)->accounts, STR("shop.example")),
			   STR("alice")));
	assert_non_null(world_view(w)->patterns);
	assert_null(world_view(w)->geo);
	assert_null(world_changed(w));
	write_file("domains", "shop.example: alice\nother.example: alice\n");
	assert_string_equal(world_changed(w), in_dir("domains"));
	/* What was read stays until the next world. */
	assert_int_equal(accounts_domain(world_view(w)->accounts, STR("other.example")).n, 0);
	world_close(w);
	w = open_or_fail(s);
	assert_null(world_changed(w));
	assert_true(str_eq(accounts_domain(world_view(w)->accounts, STR("other.example")),
			   STR("alice")));
	world_close(w);
	world_close(NULL);
	settings_free(s);
}

/* A map that is not there is no mistake: most hosts have none of a panel's. */
static void test_maps_that_come_and_go(void **state)
{
	struct settings *s = settings("");
	struct world *w;

	(void)state;
	unlink(in_dir("domains"));
	w = open_or_fail(s);
	assert_null(world_changed(w));
	write_file("domains", "shop.example: alice\n");
	assert_string_equal(world_changed(w), in_dir("domains"));
	world_close(w);
	w = open_or_fail(s);
	unlink(in_dir("domains"));
	mkdir(in_dir("domains"), 0700);
	assert_string_equal(world_changed(w), in_dir("domains"));
	world_close(w);
	log_level = LOG_LEVEL_ERROR;
	w = open_or_fail(s);
	assert_null(world_changed(w));
	world_close(w);
	settings_free(s);
}

static void expect_map(const struct world *w, size_t i, size_t files, int64_t names, int64_t bad)
{
	struct world_map map;

	assert_true(world_map(w, i, &map));
	assert_int_equal(map.files, files);
	assert_int_equal(map.names, names);
	assert_int_equal(map.bad, bad);
}

/* A file for each customer: one that comes, goes or changes is noticed. */
static void test_maps_of_many_files(void **state)
{
	struct error err;
	struct world_map map;
	struct settings *s = settings_parse(
		STR("accounts: {passwd: passwd, maps: [{path: 'users/*/web.conf', format: hestia},"
		    " {path: domains}]}\n"), "f", dir, &err);
	struct world *w;

	(void)state;
	log_level = LOG_LEVEL_ERROR;
	mkdir(in_dir("users"), 0700);
	mkdir(in_dir("users/alice"), 0700);
	mkdir(in_dir("users/bob"), 0700);
	w = open_or_fail(s);
	expect_map(w, 0, 1, 1, 0);
	expect_map(w, 1, 0, 0, 0);
	assert_null(world_changed(w));
	write_file("users/bob/web.conf", "DOMAIN='b.example'\nodd\n");
	assert_non_null(strstr(world_changed(w), "users/*/web.conf"));
	world_close(w);
	w = open_or_fail(s);
	assert_null(world_changed(w));
	expect_map(w, 1, 1, 1, 1);
	expect_map(w, 2, 1, 1, 0);
	assert_true(str_eq(accounts_domain(world_view(w)->accounts, STR("b.example")),
			   STR("bob")));
	write_file("users/alice/web.conf", "DOMAIN='a.example'\n");
	assert_non_null(world_changed(w));
	world_close(w);
	w = open_or_fail(s);
	expect_map(w, 1, 2, 2, 1);
	assert_true(world_map(w, 1, &map));
	assert_string_equal(map.bad_path, in_dir("users/bob/web.conf"));
	assert_int_equal(map.bad_line, 2);
	assert_false(world_map(w, 3, &map));
	unlink(in_dir("users/bob/web.conf"));
	assert_non_null(world_changed(w));
	world_close(w);
	settings_free(s);
}

static double path_weight(const struct world *w, const char *path)
{
	struct signs signs = { 0 };

	patterns_path(world_view(w)->patterns, str_of(path), false, &signs);
	return signs.weight;
}

static void test_pattern_files(void **state)
{
	struct settings *s = settings("patterns: patterns\n");
	struct world *w = open_or_fail(s);
	const char *path = "/home/alice/public_html/odd-place/form.php";

	(void)state;
	assert_true(path_weight(w, path) == 0);
	assert_true(path_weight(w, "/home/alice/public_html/wp-content/uploads/a.php") > 0);
	assert_null(world_changed(w));
	write_file("patterns/own.yaml",
		   "paths: [{name: odd, match: [/odd-place/], weight: 2, help: It is odd.}]\n");
	write_file("patterns/.hidden.yaml", "not: [valid\n");
	write_file("patterns/own.yaml~", "not: [valid\n");
	assert_string_equal(world_changed(w), in_dir("patterns"));
	world_close(w);
	w = open_or_fail(s);
	assert_true(path_weight(w, path) > 1);
	assert_true(path_weight(w, "/home/alice/public_html/wp-content/uploads/a.php") > 0);
	/* Written over: the directory is as it was, the file is not. */
	write_file("patterns/own.yaml",
		   "paths: [{name: odd, match: [/odd-place/], weight: 3, help: It is odd.}]\n\n");
	assert_string_equal(world_changed(w), in_dir("patterns/own.yaml"));
	world_close(w);
	settings_free(s);
}

static void refuse(const struct settings *s, int code, const char *part)
{
	struct error err = { 0 };

	assert_null(world_open(s, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void test_pattern_mistakes(void **state)
{
	struct settings *s = settings("patterns: patterns\n");
	struct settings *nowhere = settings("patterns: nowhere\n");

	(void)state;
	write_file("patterns/own.yaml", "paths:\n  - {name: odd, match: ['('], help: It is odd.}\n");
	refuse(s, EXIT_CONFIG, "patterns/own.yaml:2:");
	write_file("patterns/own.yaml", "pathes: []\n");
	refuse(s, EXIT_CONFIG, "pathes");
	refuse(nowhere, EXIT_CONFIG, "/nowhere: No such file or directory");
	unlink(in_dir("patterns/own.yaml"));
	for (int i = 0; i < 70; i++) {
		char name[32];

		snprintf(name, sizeof(name), "patterns/%d.yaml", i);
		write_file(name, "{}\n");
	}
	refuse(s, EXIT_CONFIG, "has more than 64 files");
	settings_free(s);
	settings_free(nowhere);
}

/* A database that cannot be read is told of, and left out. */
static void test_no_database_of_places(void **state)
{
	struct settings *s = settings("geoip: {country: nowhere.mmdb}\n");
	struct world *w;

	(void)state;
	log_level = LOG_LEVEL_ERROR;
	w = open_or_fail(s);
	assert_null(world_view(w)->geo);
	assert_null(world_changed(w));
	world_close(w);
	settings_free(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_owner_maps),
		T(test_maps_that_come_and_go),
		T(test_maps_of_many_files),
		T(test_pattern_files),
		T(test_pattern_mistakes),
		T(test_no_database_of_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
