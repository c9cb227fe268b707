/* base/table: nothing is lost by growing, and of one hash the newest is found first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/table.h"

#define THINGS 5000
#define HASHES 1700 /* some of one hash, some that share a bucket */

struct thing {
	int number;
	struct table_node node;
	int in;
};

static struct thing things[THINGS];

static uint64_t hash_of(int i)
{
	return (uint64_t)(i % HASHES) * 48;
}

static struct thing *owner(struct table_node *node)
{
	return table_owner(node, struct thing, node);
}

/* All of a hash, by age. */
static void check_hash(const struct table *t, int hash)
{
	struct table_node *node = table_get(t, hash_of(hash));

	for (int i = THINGS - 1; i >= 0; i--) {
		if (i % HASHES != hash || !things[i].in)
			continue;
		assert_non_null(node);
		assert_int_equal(owner(node)->number, i);
		node = table_get_next(node);
	}
	assert_null(node);
}

static void check_walk(const struct table *t)
{
	size_t n = 0;

	for (struct table_node *at = table_walk(t, NULL); at; at = table_walk(t, at), n++)
		assert_true(owner(at)->in);
	assert_int_equal(n, t->count);
}

static void keeps_the_order(void **state)
{
	struct table t = { 0 };

	(void)state;
	assert_null(table_get(&t, 0));
	assert_null(table_walk(&t, NULL));
	for (int i = 0; i < THINGS; i++) {
		things[i].number = i;
		things[i].in = 1;
		table_insert(&t, &things[i].node, hash_of(i));
		if (i == 20 || i == 1800)
			check_walk(&t);
	}
	for (int i = 0; i < THINGS; i += 3) {
		table_remove(&t, &things[i].node);
		things[i].in = 0;
	}
	for (int hash = 0; hash < HASHES; hash += 7)
		check_hash(&t, hash);
	check_walk(&t);
	table_release(&t);
	assert_int_equal(t.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
