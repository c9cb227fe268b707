/* Message-IDs come back as they were, and in the form that is meant for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "schema/mid.h"

#define TIME (INT64_C(1772409727) * USEC_SECOND + 502347) /* 2026-03-02 00:02:07 UTC */

static struct arena arena;

static void check(struct str id, struct str queue_id, enum mid_form form, size_t bytes)
{
	struct mid m = mid_pack(id, queue_id, TIME, &arena);
	struct str back = mid_unpack(&m, queue_id, TIME, &arena);

	if (!str_eq(back, id))
		fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(back), STR_ARG(id));
	if (m.form != form)
		fail_msg("\"%.*s\": form %d", STR_ARG(id), m.form);
	if (form != MID_STAMP)
		assert_int_equal(m.local.n, bytes);
	arena_reset(&arena);
}

static void test_forms(void **state)
{
	const struct str q = STR("4fPJyR3YmWz2FKM"), none = STR_NONE;

	(void)state;
	check(STR("7c8d827f128772d53f799edc6637da05@a.example"), q, MID_DIGITS, 16);
	check(STR("7C8D827F128772D53F799EDC6637DA05@a.example"), q, MID_TEXT, 32);
	check(STR("7c8d827f128772d53f799edc6637da0@a.example"), q, MID_TEXT, 31);
	check(STR("20260302000207.4fPJyR3YmWz2FKM@a.example"), q, MID_STAMP, 0);
	check(STR("20260302000206.4fPJyR3YmWz2FKM@a.example"), q, MID_STAMP, 0);
	check(STR("20251231235959.4fPJyR3YmWz2FKM@a.example"), q, MID_STAMP, 0);
	check(STR("20260230000207.4fPJyR3YmWz2FKM@a.example"), q, MID_TEXT, 16);
	check(STR("20260302000260.4fPJyR3YmWz2FKM@a.example"), q, MID_TEXT, 16);
	check(STR("00000302000207.4fPJyR3YmWz2FKM@a.example"), q, MID_TEXT, 16);
	check(STR("20260302000207.4fPJyR3YmWz2FKM@a.example"), none, MID_TEXT, 30);
	check(STR("4fPJyR3YmWz2FKM@a.example"), q, MID_TEXT, 1);
	check(STR("E4fPJyR3YmWz2FKM-4fPJyR3YmWz2FKM@a.example"), q, MID_TEXT, 18);
	check(STR("odd@b@a.example"), q, MID_TEXT, 5);
	check(STR("@a.example"), q, MID_TEXT, 0);
	check(STR("no domain"), q, MID_WHOLE, 9);
	check(STR("no domain@"), q, MID_WHOLE, 10);
	check(STR("a\1b@a.example"), q, MID_WHOLE, 13);
	check(STR("4fPJyR3YmWz2FKM\1@a.example"), q, MID_WHOLE, 26);
	check(STR("\0\xff@\0"), q, MID_TEXT, 2);
	check(none, q, MID_WHOLE, 0);
}

/* Any bytes of few kinds, so that they often look like something. */
static void test_random(void **state)
{
	static const char bytes[] = "0123456789abcdef.@\1Qz";

	(void)state;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		char id[48], queue_id[8];
		size_t n = (size_t)rand() % sizeof(id), nq = (size_t)rand() % sizeof(queue_id);
		size_t kinds = rand() % 2 ? 10 : sizeof(bytes) - 1;
		struct str q = { queue_id, nq };
		struct mid m;

		for (size_t k = 0; k < nq; k++)
			queue_id[k] = bytes[rand() % 2];
		for (size_t k = 0; k < n; k++)
			id[k] = bytes[(size_t)rand() % kinds];
		if (n > 14 + 1 + nq + 2) {
			memcpy(id, "20260302000207.", 15);
			memcpy(id + 15, queue_id, nq);
			id[15 + nq] = '@';
		}
		m = mid_pack((struct str){ id, n }, q, TIME, &arena);
		assert_true(str_eq(mid_unpack(&m, q, TIME, &arena), (struct str){ id, n }));
		arena_reset(&arena);
	}
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
