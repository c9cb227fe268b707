/* The recipients a stream knows, against a plain set; and rows against a database
 * of the test's own, committed at every kind of moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/known.h"

/* What one stream's state tells, and its chunks by (generation, chunk). */
struct rows {
	char state[4 * KNOWN_CHUNK + 32];
	size_t state_n;
	struct {
		int64_t generation, chunk;
		char bytes[4 * KNOWN_CHUNK];
		size_t n;
	} at[3 * KNOWN_GENERATION / KNOWN_CHUNK];
	size_t n;
};

static struct rows *database(void)
{
	return xcalloc(1, sizeof(struct rows));
}

static void row_put(struct rows *db, const struct known_row *row)
{
	size_t i = 0;

	while (i < db->n && (db->at[i].generation != row->generation ||
			     db->at[i].chunk != row->chunk))
		i++;
	assert_true(i < sizeof(db->at) / sizeof(db->at[0]));
	assert_true(row->hashes.n <= sizeof(db->at[i].bytes));
	/* What is full is written once. */
	if (i < db->n)
		assert_true(db->at[i].n < sizeof(db->at[i].bytes));
	db->n += i == db->n;
	db->at[i].generation = row->generation;
	db->at[i].chunk = row->chunk;
	memcpy(db->at[i].bytes, row->hashes.p, row->hashes.n);
	db->at[i].n = row->hashes.n;
}

static void forget(struct rows *db, int64_t below)
{
	size_t kept = 0;

	for (size_t i = 0; i < db->n; i++)
		if (db->at[i].generation >= below)
			db->at[kept++] = db->at[i];
	db->n = kept;
}

static void put_state(const struct known *k, struct rows *db, struct arena *arena)
{
	struct packer p = { .arena = arena };
	struct str state;

	known_pack(k, &p);
	state = pack_end(&p);
	assert_true(state.n <= sizeof(db->state));
	memcpy(db->state, state.p, state.n);
	db->state_n = state.n;
}

/* As the detector does it. */
static void commit(struct known *k, struct rows *db)
{
	struct arena arena = { 0 };

	put_state(k, db, &arena);
	for (size_t i = known_rows(k); i-- > 0;) {
		struct known_row row;

		known_row(k, i, 7, &arena, &row);
		assert_int_equal(row.stream, 7);
		row_put(db, &row);
	}
	if (k->turned && k->generation)
		forget(db, k->generation - 1);
	known_committed(k);
	assert_int_equal(known_rows(k), 0);
	arena_release(&arena);
}

static int by_number(const void *a, const void *b)
{
	const struct known_row *x = a, *y = b;

	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

static bool has_full(const struct rows *db)
{
	for (size_t i = 0; i < db->n; i++)
		if (db->at[i].n == sizeof(db->at[i].bytes))
			return true;
	return false;
}

static void restore(struct known *k, const struct rows *db)
{
	struct known_row *rows = xcalloc(db->n + 1, sizeof(*rows));
	struct unpacker u = { { db->state, db->state_n }, false };

	if (db->state_n) {
		known_unpack(k, &u);
		assert_false(u.bad);
		assert_int_equal(u.rest.n, 0);
		assert_int_equal(k->in_rows, has_full(db));
	}
	for (size_t i = 0; i < db->n; i++)
		rows[i] = (struct known_row){ 7, db->at[i].generation, db->at[i].chunk,
					      { db->at[i].bytes, db->at[i].n } };
	qsort(rows, db->n, sizeof(*rows), by_number);
	for (size_t i = 0; i < db->n; i++)
		known_restore(k, &rows[i]);
	free(rows);
}

/* Hash number i: all different, and not in order. */
static uint32_t nth(uint32_t i)
{
	return (i + 1) * 2654435761u;
}

static void assert_same(const struct known *a, const struct known *b, uint32_t n)
{
	assert_int_equal(known_count(a), known_count(b));
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->chunk, b->chunk);
	assert_int_equal(a->tail_n, b->tail_n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(known_has(a, nth(i)), known_has(b, nth(i)));
}

static void test_hash(void **state)
{
	(void)state;
	assert_int_equal(known_hash(STR("Bob@Shop.Example")), known_hash(STR("bob@shop.example")));
	assert_int_not_equal(known_hash(STR("bob@shop.example")), known_hash(STR("bab@shop.example")));
	assert_int_not_equal(known_hash(STR_NONE), 0);
}

/* Nothing is forgotten within a generation, nothing is known that was not added. */
static void test_set(void **state)
{
	struct known k = { 0 };
	uint32_t n = 3 * KNOWN_CHUNK + 17;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		assert_false(known_has(&k, nth(i)));
		known_add(&k, nth(i));
		assert_true(known_has(&k, nth(i)));
		assert_int_equal(known_count(&k), i + 1);
	}
	for (uint32_t i = 0; i < 10 * n; i++)
		assert_int_equal(known_has(&k, nth(i)), i < n);
	assert_int_equal(k.tail_n, 17);
	assert_int_equal(k.chunk, 3);
	assert_true(known_bytes(&k) > 4 * n);
	known_release(&k);
	assert_int_equal(known_count(&k), 0);
	assert_int_equal(known_bytes(&k), 0);
}

static void test_forgetting(void **state)
{
	struct known k = { 0 };
	uint32_t n = 2 * KNOWN_GENERATION + 300;

	(void)state;
	for (uint32_t i = 0; i < n; i++)
		known_add(&k, nth(i));
	assert_int_equal(k.generation, 2);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(known_has(&k, nth(i)), i >= KNOWN_GENERATION);
	assert_int_equal(known_count(&k), KNOWN_GENERATION + 300);
	known_release(&k);
}

static void run_commits(uint32_t n, unsigned seed, uint32_t most)
{
	struct rows *db = database();
	struct known k = { 0 };
	uint32_t next = 0;

	srand(seed);
	for (uint32_t i = 0; i < n; i++) {
		if (i == next) {
			struct known back = { 0 };

			commit(&k, db);
			restore(&back, db);
			if (most < KNOWN_CHUNK)
				assert_int_equal(known_count(&k), known_count(&back));
			else
				assert_same(&k, &back, i);
			/* Going on with what was read back is going on. */
			if (rand() % 2) {
				known_release(&k);
				k = back;
			} else {
				known_release(&back);
			}
			next = i + 1 + (uint32_t)rand() % most;
		}
		known_add(&k, nth(i));
	}
	commit(&k, db);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(known_has(&k, nth(i)),
				 i >= k.generation * KNOWN_GENERATION ||
					 i + KNOWN_GENERATION >= k.generation * KNOWN_GENERATION);
	known_release(&k);
	free(db);
}

static void test_restored_is_the_same(void **state)
{
	(void)state;
	run_commits(3 * KNOWN_CHUNK + 1, 1, 3);
	run_commits(3 * KNOWN_CHUNK, 2, KNOWN_CHUNK);
	run_commits(2 * KNOWN_GENERATION + 3 * KNOWN_CHUNK, 3, 700);
	run_commits(3 * KNOWN_GENERATION + 1, 4, 5000);
	run_commits(2 * KNOWN_GENERATION + 1, 5, 3 * KNOWN_GENERATION);
}

/* A commit at exactly the end of a chunk, and of a generation. */
static void test_commit_at_the_edges(void **state)
{
	static const uint32_t edges[] = { KNOWN_CHUNK, 2 * KNOWN_CHUNK, KNOWN_GENERATION,
					  2 * KNOWN_GENERATION };

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		struct rows *db = database();
		struct known k = { 0 }, back = { 0 };

		for (uint32_t h = 0; h < edges[i]; h++)
			known_add(&k, nth(h));
		commit(&k, db);
		restore(&back, db);
		assert_same(&k, &back, edges[i]);
		known_add(&k, nth(edges[i]));
		known_add(&back, nth(edges[i]));
		assert_same(&k, &back, edges[i] + 1);
		assert_int_equal(known_rows(&k), 0);
		known_release(&k);
		known_release(&back);
		free(db);
	}
}

/* Only what became full is a row, once. */
static void test_full_chunks_are_rows(void **state)
{
	struct arena arena = { 0 };
	struct known k = { 0 };
	struct known_row row;

	(void)state;
	for (uint32_t i = 0; i < 10 * KNOWN_CHUNK + 5; i++)
		known_add(&k, nth(i));
	assert_int_equal(known_rows(&k), 10);
	known_committed(&k);
	assert_int_equal(known_rows(&k), 0);
	for (uint32_t i = 5; i + 1 < KNOWN_CHUNK; i++)
		known_add(&k, nth(10 * KNOWN_CHUNK + i));
	assert_int_equal(known_rows(&k), 0);
	known_add(&k, 1);
	assert_int_equal(known_rows(&k), 1);
	known_row(&k, 0, 3, &arena, &row);
	assert_int_equal(row.stream, 3);
	assert_int_equal(row.chunk, 10);
	assert_int_equal(row.hashes.n, 4 * KNOWN_CHUNK);
	assert_memory_equal(row.hashes.p + row.hashes.n - 4, "\1\0\0\0", 4);
	known_release(&k);
	arena_release(&arena);
}

/* Rows as versions up to 0.1 left them: the newest is the one that grows, and no state
 * tells of it. */
static void test_rows_without_a_state(void **state)
{
	static const uint32_t sizes[] = { 3, KNOWN_CHUNK - 1, 2 * KNOWN_CHUNK + 9,
					  KNOWN_GENERATION + 1,
					  2 * KNOWN_GENERATION + KNOWN_CHUNK + 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct rows *db = database();
		struct known k = { 0 }, back = { 0 };
		char tail[4 * KNOWN_CHUNK];
		struct known_row row = { 7, 0, 0, { tail, 0 } };

		for (uint32_t h = 0; h < sizes[i]; h++)
			known_add(&k, nth(h));
		commit(&k, db);
		row.generation = k.generation;
		row.chunk = k.chunk;
		row.hashes.n = 4 * k.tail_n;
		memcpy(tail, k.tail, row.hashes.n);
		row_put(db, &row);
		db->state_n = 0;
		restore(&back, db);
		assert_same(&k, &back, sizes[i]);
		known_add(&k, nth(sizes[i]));
		known_add(&back, nth(sizes[i]));
		/* From now on the state tells it, whatever the row beside it says. */
		commit(&back, db);
		known_release(&back);
		restore(&back, db);
		assert_same(&k, &back, sizes[i] + 1);
		known_release(&k);
		known_release(&back);
		free(db);
	}
}

static void assert_bad(int64_t generation, int64_t chunk, size_t hashes)
{
	static const char bytes[4 * KNOWN_CHUNK];
	struct arena arena = { 0 };
	struct packer p = { .arena = &arena };
	struct unpacker u = { 0 };
	struct known k = { 0 };

	pack_number(&p, generation);
	pack_number(&p, chunk);
	pack_text(&p, (struct str){ bytes, hashes });
	u.rest = pack_end(&p);
	known_unpack(&k, &u);
	assert_true(u.bad);
	assert_int_equal(k.tail_n, 0);
	known_release(&k);
	arena_release(&arena);
}

static void test_damaged_state(void **state)
{
	(void)state;
	assert_bad(0, KNOWN_GENERATION / KNOWN_CHUNK, 4);
	assert_bad(0, -1, 4);
	assert_bad(0, 0, sizeof(uint32_t) * KNOWN_CHUNK);
	assert_bad(1, 1, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_forgetting),
		cmocka_unit_test(test_restored_is_the_same),
		cmocka_unit_test(test_commit_at_the_edges),
		cmocka_unit_test(test_full_chunks_are_rows),
		cmocka_unit_test(test_rows_without_a_state),
		cmocka_unit_test(test_damaged_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
