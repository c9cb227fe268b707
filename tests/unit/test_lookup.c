/* schema/lookup.c against a plain list of what was added: by many small transactions and by
 * few large ones, through runs, narrow and wide, and after what was rolled back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/lookup.h"
#include "schema/migrate.h"

static char path[64];

static int set_up(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_lookup.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	char name[80];

	(void)state;
	snprintf(name, sizeof(name), "%s-journal", path);
	unlink(name);
	return unlink(path);
}

static struct sql *open_db(void)
{
	struct error err = { 0 };
	struct sql *db = sql_open_write(path, &err);

	if (!db || migrate(db, migrations, migrations_count, &err) < 0)
		fail_msg("%s", err.text);
	return db;
}

static void exec(struct sql *db, const char *text)
{
	struct error err = { 0 };

	if (sql_exec(db, text, &err) < 0)
		fail_msg("%s", err.text);
}

static int64_t number(struct sql *db, const char *query)
{
	struct sql_stmt *st = sql_prepare(db, query, NULL);
	int64_t n = sql_run_int(st);

	sql_finalize(st);
	return n;
}

/* The nth id; some are shared by many messages. */
static struct str id_of(int64_t n, char *buf, size_t size)
{
	snprintf(buf, size, "%llX", (long long)(n % 10 ? n : n / 1000) * 7919);
	return str_of(buf);
}

static void add(struct lookup *l, int64_t n, int64_t message)
{
	char buf[32];

	lookup_add(l, id_of(n, buf, sizeof(buf)), message);
}

static void flush(struct sql *db, struct lookup *l)
{
	struct error err = { 0 };

	exec(db, "BEGIN");
	if (lookup_flush(l, &err) < 0)
		fail_msg("%s", err.text);
	exec(db, "COMMIT");
}

struct found {
	int64_t wanted, others;
	bool there;
};

static int note(void *context, int64_t message, struct error *err)
{
	struct found *f = context;

	(void)err;
	if (message == f->wanted)
		f->there = true;
	else
		f->others++;
	return 0;
}

static struct found find(struct lookup_reader *r, int64_t n, int64_t message, int64_t first,
			 int64_t last)
{
	struct found f = { .wanted = message };
	char buf[32];

	assert_int_equal(lookup_find(r, id_of(n, buf, sizeof(buf)), first, last, note, &f, NULL),
			 0);
	return f;
}

/* Messages 1 to n, `step` of them a transaction, each with the id of its number. */
static void fill_and_find(int64_t n, int64_t step, int64_t stride)
{
	struct sql *db = open_db();
	struct lookup l;
	struct lookup_reader r;

	assert_int_equal(lookup_init(&l, db, NULL), 0);
	for (int64_t i = 1; i <= n; i++) {
		add(&l, i, i * stride);
		if (i % step == 0)
			flush(db, &l);
	}
	flush(db, &l);
	assert_int_equal(number(db, "SELECT total(length(entries)) / 8 FROM lookup_tail"),
			 l.in_tail);
	assert_true(l.in_tail < LOOKUP_RUN);
	assert_int_equal(lookup_reader_init(&r, db, NULL), 0);
	for (int64_t i = 1; i <= n; i += n / 1000) {
		struct found f = find(&r, i, i * stride, 0, INT64_MAX);

		assert_true(f.there);
		assert_true(f.others <= 105);
		assert_false(find(&r, i, i * stride, i * stride + 1, INT64_MAX).there);
		assert_true(find(&r, i, i * stride, i * stride, i * stride).there);
	}
	lookup_release(&l);
	sql_close(db);
}

static void test_one_large(void **state)
{
	(void)state;
	fill_and_find(3 * LOOKUP_RUN / 2, INT64_MAX, 1);
}

static void test_small(void **state)
{
	(void)state;
	fill_and_find(2 * LOOKUP_RUN + 77, 97, 1);
}

/* Messages so far apart that a run needs more bytes for each. */
static void test_wide(void **state)
{
	(void)state;
	fill_and_find(LOOKUP_RUN + 10, 1000, 5000000);
}

static void test_rolled_back(void **state)
{
	struct sql *db = open_db();
	struct lookup_reader r;
	struct lookup l;

	(void)state;
	assert_int_equal(lookup_init(&l, db, NULL), 0);
	assert_int_equal(lookup_reader_init(&r, db, NULL), 0);
	add(&l, 1, 1);
	flush(db, &l);
	add(&l, 2, 2);
	exec(db, "BEGIN");
	assert_int_equal(lookup_flush(&l, NULL), 0);
	exec(db, "ROLLBACK");
	lookup_forget(&l);
	add(&l, 3, 3);
	lookup_forget(&l); /* before anything was written */
	add(&l, 4, 4);
	flush(db, &l);
	assert_true(find(&r, 1, 1, 0, INT64_MAX).there);
	assert_false(find(&r, 2, 2, 0, INT64_MAX).there);
	assert_false(find(&r, 3, 3, 0, INT64_MAX).there);
	assert_true(find(&r, 4, 4, 0, INT64_MAX).there);
	assert_int_equal(l.in_tail, 2);
	lookup_release(&l);
	sql_close(db);
}

/* What version 6 kept a row each: one entry a row of the tail, more than a run of them. */
static void test_migrated(void **state)
{
	struct error err = { 0 };
	struct sql *db = sql_open_write(path, &err);
	struct lookup_reader r;
	struct lookup l;
	struct sql_stmt *st;
	char buf[32];

	(void)state;
	assert_int_equal(migrate(db, migrations, 6, &err), 0);
	st = sql_prepare(db, "INSERT INTO lookup (key, message) VALUES (?1, ?2)", &err);
	exec(db, "BEGIN");
	for (int64_t i = 1; i <= 2 * LOOKUP_RUN; i++) {
		sql_bind_int(st, 1, (i / 100) << 24 | lookup_hash(id_of(i, buf, sizeof(buf))));
		sql_bind_int(st, 2, i);
		assert_int_equal(sql_run(st, &err), 0);
	}
	exec(db, "COMMIT");
	sql_finalize(st);
	assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
	assert_int_equal(lookup_init(&l, db, &err), 0);
	assert_int_equal(lookup_reader_init(&r, db, &err), 0);
	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 1; i < 2 * LOOKUP_RUN; i += 1001)
			assert_true(find(&r, i, i, 0, INT64_MAX).there);
		add(&l, 1, 2 * LOOKUP_RUN + 1);
		flush(db, &l);
		assert_true(number(db, "SELECT count(*) FROM lookup_tail") < LOOKUP_RUN);
	}
	lookup_release(&l);
	sql_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_small, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wide, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rolled_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_migrated, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
