/* core/asleep: what sleeps is told as it was, once, and the oldest are forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/asleep.h"

#define KEY_ROOM 40

static void add(struct asleep *a, int64_t id, struct str key, struct str state)
{
	struct stream_row row = { id, key, state, 100 + id };

	asleep_add(a, &row);
}

static void told_once(void **state)
{
	struct asleep a;
	struct stream_row row;
	char key[] = "login\nalice\nalice@shop.example", packed[] = { 3, 0, '\n', 0 };

	(void)state;
	asleep_init(&a);
	assert_false(asleep_take(&a, STR("login"), &row));
	add(&a, 7, str_of(key), (struct str){ packed, sizeof(packed) });
	add(&a, 8, STR("account\nalice\n"), STR_NONE);
	memset(key, 'x', sizeof(key) - 1);
	memset(packed, 'x', sizeof(packed));
	assert_true(asleep_take(&a, STR("login\nalice\nalice@shop.example"), &row));
	assert_int_equal(row.id, 7);
	assert_int_equal(row.last, 107);
	assert_true(str_eq(row.key, STR("login\nalice\nalice@shop.example")));
	assert_true(str_eq(row.state, STR("\3\0\n\0")));
	assert_false(asleep_take(&a, STR("login\nalice\nalice@shop.example"), &row));
	assert_true(asleep_take(&a, STR("account\nalice\n"), &row));
	assert_int_equal(row.id, 8);
	assert_int_equal(row.state.n, 0);
	assert_int_equal(a.bytes, 0);
	assert_true(a.complete);
	asleep_release(&a);
}

static struct str numbered(char *buf, int i)
{
	return (struct str){ buf, (size_t)snprintf(buf, KEY_ROOM, "account\nu%d\n", i) };
}

static void oldest_are_forgotten(void **state)
{
	static char packed[64 * 1024];
	struct asleep a;
	struct stream_row row;
	char buf[KEY_ROOM];
	int n = (int)(ASLEEP_MAX_BYTES / sizeof(packed)) + 20, kept = 0;

	(void)state;
	asleep_init(&a);
	for (int i = 0; i < n; i++) {
		assert_int_equal(a.complete, kept == i);
		add(&a, i + 1, numbered(buf, i), (struct str){ packed, sizeof(packed) });
		assert_true(a.bytes <= ASLEEP_MAX_BYTES);
		kept += a.complete;
	}
	assert_false(a.complete);
	assert_true(n - kept < 30);
	for (int i = 0; i < n; i++)
		assert_int_equal(asleep_take(&a, numbered(buf, i), &row), i >= n - kept);
	asleep_release(&a);
}

/* In any order, as they wake. */
static void wake_in_any_order(void **state)
{
	struct asleep a;
	struct stream_row row;
	char buf[KEY_ROOM];

	(void)state;
	asleep_init(&a);
	for (int i = 0; i < 1000; i++)
		add(&a, i + 1, numbered(buf, i), STR("state"));
	for (int i = 0; i < 1000; i++) {
		int at = i * 7 % 1000;

		assert_true(asleep_take(&a, numbered(buf, at), &row));
		assert_int_equal(row.id, at + 1);
		if (i % 3 == 0)
			add(&a, 5000 + at, numbered(buf, at), row.state);
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(asleep_take(&a, numbered(buf, i * 7 % 1000), &row), i % 3 == 0);
	assert_null(a.first);
	assert_true(a.complete);
	add(&a, 1, STR("k"), STR("state"));
	asleep_release(&a);
	assert_false(a.complete);
	assert_false(asleep_take(&a, STR("k"), &row));
	asleep_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_once),
		cmocka_unit_test(oldest_are_forgotten),
		cmocka_unit_test(wake_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
