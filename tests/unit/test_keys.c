/* Every type of key, by a table of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/keys.h"
#include "base/words.h"

struct inner {
	int64_t weight;
	const char *name;
};

struct outer {
	bool on;
	int level;
	int64_t count, size;
	usec_t wait;
	struct string_list paths;
	struct inner *list;
	size_t nlist;
	struct inner section;
};

static const char *const levels[] = { "low", "middle", "high", NULL };

static const struct key inner_keys[] = {
	{ "weight", KEY_INTEGER, offsetof(struct inner, weight), "5", .help = "Its weight.",
	  .min = 1, .max = 10 },
	{ "name", KEY_STRING, offsetof(struct inner, name), "anon", .help = "Its name." },
};
static const struct key_table inner_table = { inner_keys, 2, sizeof(struct inner) };

static const struct key outer_keys[] = {
	{ "on", KEY_BOOL, offsetof(struct outer, on), "true", .help = "Whether it is on." },
	{ "level", KEY_ENUM, offsetof(struct outer, level), "middle", .help = "How high.",
	  .words = levels },
	{ "count", KEY_INTEGER, offsetof(struct outer, count), "3", .help = "How many.", .min = 1,
	  .max = 100 },
	{ "size", KEY_SIZE, offsetof(struct outer, size), "64K", .help = "How large.", .min = 1024,
	  .max = 1 << 30 },
	{ "wait", KEY_LENGTH, offsetof(struct outer, wait), "10m", .help = "How long." },
	{ "paths", KEY_PATHS, offsetof(struct outer, paths), "[]", .help = "Where." },
	{ "list", KEY_STRUCTS, offsetof(struct outer, list), "[{name: first}]", .help = "Which.",
	  .table = &inner_table, .count = offsetof(struct outer, nlist) },
	{ "section", KEY_SECTION, offsetof(struct outer, section), NULL, .help = "A part of its own.",
	  .table = &inner_table },
};
static const struct key_table outer_table = { outer_keys, 8, sizeof(struct outer) };

struct fixture {
	struct arena arena;
	struct outer o;
	struct error err;
};

static int read_yaml(struct fixture *f, const char *yaml)
{
	struct key_origin from = { "f", "/base", &f->arena };
	struct yaml_value *root = yaml_parse(&f->arena, str_of(yaml), "f", &f->err);

	assert_non_null(root);
	keys_preset(&outer_table, &f->o, &from);
	return keys_read(&outer_table, &f->o, root, &from, &f->err);
}

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_release(&f->arena);
	free(f);
	return 0;
}

static void test_presets(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_yaml(f, ""), 0);
	assert_true(f->o.on);
	assert_int_equal(f->o.level, 1);
	assert_int_equal(f->o.count, 3);
	assert_int_equal(f->o.size, 65536);
	assert_int_equal(f->o.wait, 10 * USEC_MINUTE);
	assert_int_equal(f->o.paths.n, 0);
	assert_int_equal(f->o.nlist, 1);
	assert_int_equal(f->o.list[0].weight, 5);
	assert_string_equal(f->o.list[0].name, "first");
	assert_int_equal(f->o.section.weight, 5);
}

static void test_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_yaml(f, "on: off\nlevel: high\ncount: 100\nsize: 2MiB\n"
				      "wait: 0\npaths: [a/b, /c]\n"
				      "list: [{weight: 10}, {name: x}, {}]\n"
				      "section: {name: \"a b\"}\n"), 0);
	assert_false(f->o.on);
	assert_int_equal(f->o.level, 2);
	assert_int_equal(f->o.count, 100);
	assert_int_equal(f->o.size, 2 << 20);
	assert_int_equal(f->o.wait, 0);
	assert_string_equal(f->o.paths.at[0], "/base/a/b");
	assert_string_equal(f->o.paths.at[1], "/c");
	assert_int_equal(f->o.nlist, 3);
	assert_int_equal(f->o.list[0].weight, 10);
	assert_string_equal(f->o.list[2].name, "anon");
	assert_string_equal(f->o.section.name, "a b");
	assert_int_equal(f->o.section.weight, 5);
}

static void test_wrong_values(void **state)
{
	static const char *const wrong[][2] = {
		{ "on: maybe\n", "f:1:5: on: maybe is none of: false, true, no, yes, off, on" },
		{ "level: 1\n", "f:1:8: level: 1 is none of: low, middle, high" },
		{ "count: 0\n", "f:1:8: count: 0 is not within 1 and 100" },
		{ "count: 1x\n", "f:1:8: count: 1x is not a whole number" },
		{ "size: 99999999999T\n",
		  "f:1:7: size: 99999999999T is not a size such as 64K or 10M" },
		{ "size: 2G\n", "f:1:7: size: 2G is not within 1024 and 1073741824" },
		{ "size: 5X\n", "f:1:7: size: 5X is not a size such as 64K or 10M" },
		{ "wait: -1s\n",
		  "f:1:7: wait: -1s is not a length of time such as 60s, 2h or 90d" },
		{ "paths: [[a]]\n", "f:1:9: paths[0]: needs a value, not a list" },
		{ "list: [{weight: 11}]\n",
		  "f:1:17: list[0].weight: 11 is not within 1 and 10" },
		{ "section: []\n", "f:1:10: section: needs a map: {key: value}, not a list" },
		{ "section: {wieght: 1}\n",
		  "f:1:11: section: wieght: unknown key, did you mean weight?" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(read_yaml(f, wrong[i][0]), -1);
		assert_string_equal(f->err.text, wrong[i][1]);
	}
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(words_distance(STR(""), STR("abc")), 3);
	assert_int_equal(words_distance(STR("abc"), STR("abc")), 0);
	assert_int_equal(words_distance(STR("kitten"), STR("sitting")), 3);
	assert_int_equal(words_distance(STR("ab"), STR("ba")), 2);
	assert_int_equal(words_distance(STR("a"),
					STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), WORDS_MAX);
}

static void test_long_unknown_key(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_yaml(f, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\n"), -1);
	assert_non_null(strstr(f->err.text, "unknown key"));
}

static void test_sample(void **state)
{
	static const char want[] = "\n# Whether it is on.\non: true\n"
				   "\n# How high.\nlevel: middle\n"
				   "\n# How many.\ncount: 3\n"
				   "\n# How large.\nsize: 64K\n"
				   "\n# How long.\nwait: 10m\n"
				   "\n# Where.\npaths: []\n"
				   "\n# Which.\n#   weight (default 5): Its weight.\n"
				   "#   name (default anon): Its name.\nlist:\n  - {name: first}\n"
				   "\n# A part of its own.\nsection:\n"
				   "  # Its weight.\n  weight: 5\n\n  # Its name.\n  name: anon\n";
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	keys_sample(&outer_table, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* ---- kinds of value that few keys have ---- */

struct rare {
	double real;
	usec_t time;
	const char *text, *path;
	const struct yaml_value *tree;
};

static const char *check_short(const char *text)
{
	return strlen(text) > 5 ? "is too long" : NULL;
}

#define AT(member) offsetof(struct rare, member)
static const struct key rare_keys[] = {
	{ "real", KEY_REAL, AT(real), "0.35", .help = "How much." },
	{ "time", KEY_TIME, AT(time), "0", .help = "Until when." },
	{ "text", KEY_TEXT, AT(text), "\"\"", .help = "What.", .check = check_short },
	{ "path", KEY_ANY_PATH, AT(path), "\"\"", .help = "Where." },
	{ "tree", KEY_TREE, AT(tree), "{}", .help = "Whatever." },
};
#undef AT
static const struct key_table rare_table = { rare_keys, 5, sizeof(struct rare) };

static int read_rare(struct arena *arena, const char *yaml, struct rare *r, struct error *err)
{
	struct key_origin from = { "f", "/base", arena };
	struct yaml_value *root = yaml_parse(arena, str_of(yaml), "f", err);

	assert_non_null(root);
	keys_preset(&rare_table, r, &from);
	return keys_read(&rare_table, r, root, &from, err);
}

static void test_rare_presets(void **state)
{
	struct arena arena = { 0 };
	struct rare r;
	struct error err;

	(void)state;
	assert_int_equal(read_rare(&arena, "", &r, &err), 0);
	assert_true(r.real == 0.35);
	assert_int_equal(r.time, 0);
	assert_string_equal(r.text, "");
	assert_string_equal(r.path, "");
	assert_null(r.tree->first);
	arena_release(&arena);
}

static void test_rare_values(void **state)
{
	static const struct {
		const char *yaml;
		usec_t time;
	} times[] = {
		{ "time: 2026-12-31\n", 1798675200 * USEC_SECOND },
		{ "time: 2026-12-31 12:00:00\n", 1798718400 * USEC_SECOND },
		{ "time: 2026-12-31T12:00:00+01:00\n", 1798714800 * USEC_SECOND },
		{ "time: 0\n", 0 },
	};
	struct arena arena = { 0 };
	struct rare r;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		assert_int_equal(read_rare(&arena, times[i].yaml, &r, &err), 0);
		assert_int_equal(r.time, times[i].time);
	}
	assert_int_equal(read_rare(&arena, "real: 7\ntext: abc\npath: a/b.mmdb\n"
					   "tree: {volume: {cap: 3}, x: y}\n", &r, &err), 0);
	assert_true(r.real == 7);
	assert_string_equal(r.text, "abc");
	assert_string_equal(r.path, "/base/a/b.mmdb");
	assert_true(str_eq(r.tree->first->key, STR("volume")));
	assert_int_equal(r.tree->first->first->line, 4);
	assert_int_equal(read_rare(&arena, "real: 0\npath: /a\ntext:\ntree:\n", &r, &err), 0);
	assert_true(r.real == 0);
	assert_string_equal(r.path, "/a");
	assert_string_equal(r.text, "");
	assert_null(r.tree->first);
	arena_release(&arena);
}

static void test_rare_wrong_values(void **state)
{
	static const char *const wrong[][2] = {
		{ "real: -1\n", "f:1:7: real: -1 is not a number from 0 up" },
		{ "real: 1x\n", "f:1:7: real: 1x is not a number from 0 up" },
		{ "real: nan\n", "f:1:7: real: nan is not a number from 0 up" },
		{ "real: inf\n", "f:1:7: real: inf is not a number from 0 up" },
		{ "real: 1e99\n", "f:1:7: real: 1e99 is not a number from 0 up" },
		{ "real:\n", "f:1:6: real: has no value" },
		{ "time: soon\n", "f:1:7: time: soon is not a time such as 2026-12-31" },
		{ "time: 90d\n", "f:1:7: time: 90d is not a time such as 2026-12-31" },
		{ "time: 2026-13-01\n", "f:1:7: time: 2026-13-01 is not a time such as 2026-12-31" },
		{ "text: abcdef\n", "f:1:7: text: abcdef is too long" },
		{ "text: [a]\n", "f:1:7: text: needs a value, not a list" },
		{ "path: {}\n", "f:1:7: path: needs a value, not a map" },
		{ "tree: volume\n", "f:1:7: tree: needs a map: {key: value}, not a text" },
		{ "tree: [volume]\n", "f:1:7: tree: needs a map: {key: value}, not a list" },
	};
	struct arena arena = { 0 };
	struct rare r;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(read_rare(&arena, wrong[i][0], &r, &err), -1);
		assert_string_equal(err.text, wrong[i][1]);
	}
	arena_release(&arena);
}

/* As part of a map; a tree is printed by whoever has a table for it. */
static void test_sample_part(void **state)
{
	static const char want[] = "\n    # How much.\n    real: 0.35\n"
				   "\n    # Until when.\n    time: 0\n"
				   "\n    # What.\n    text: \"\"\n"
				   "\n    # Where.\n    path: \"\"\n";
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	keys_sample_part(&rare_table, 4, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_presets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_unknown_key, setup, teardown),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_rare_presets),
		cmocka_unit_test(test_rare_values),
		cmocka_unit_test(test_rare_wrong_values),
		cmocka_unit_test(test_sample_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
