/* schema/migrate.c: from every version to the newest, and every file that must
 * be refused and left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/dictionary.h"
#include "schema/lookup.h"
#include "schema/migrate.h"
#include "schema/store.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_migrate.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "db.lock", "db-journal" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	return rmdir(dir);
}

static struct sql *open_db(void)
{
	struct error err = { 0 };
	struct sql *db = sql_open_write(in_dir("db"), &err);

	if (!db)
		fail_msg("%s", err.text);
	return db;
}

static int64_t number(struct sql *db, const char *query)
{
	struct sql_stmt *st = sql_prepare(db, query, NULL);
	int64_t n = -1;

	if (st && sql_step(st, NULL) == 1)
		n = sql_int(st, 0);
	sql_finalize(st);
	return n;
}

static void exec(struct sql *db, const char *text)
{
	struct error err = { 0 };

	if (sql_exec(db, text, &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void refuses(int code, const char *because)
{
	struct error err = { 0 };
	struct store *s = store_open(in_dir("db"), &err);

	assert_null(s);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void test_list_is_in_order(void **state)
{
	(void)state;
	assert_true(migrations_count > 0);
	for (size_t i = 0; i < migrations_count; i++) {
		assert_int_equal(migrations[i].version, (int)i + 1);
		assert_true(strlen(migrations[i].name) > 0);
		assert_true(strlen(migrations[i].text) > 0);
	}
}

static void test_from_every_version(void **state)
{
	struct error err = { 0 };
	char *newest = NULL;

	(void)state;
	for (size_t from = 0; from <= migrations_count; from++) {
		struct sql *db = open_db();
		struct sql_stmt *st;
		char text[128];

		if (from > 0)
			assert_int_equal(migrate(db, migrations, from, &err), 0);
		assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
		assert_int_equal(number(db, "PRAGMA user_version"), migrations_count);
		assert_int_equal(number(db, "PRAGMA application_id"), MIGRATE_APPLICATION_ID);
		st = sql_prepare(db, "SELECT group_concat(sql, ';') FROM"
				     " (SELECT sql FROM sqlite_schema ORDER BY name)", &err);
		assert_int_equal(sql_step(st, &err), 1);
		if (!newest)
			newest = str_dup(sql_str(st, 0));
		assert_true(str_eq(sql_str(st, 0), str_of(newest)));
		sql_close(db);
		snprintf(text, sizeof(text), "%s", in_dir("db"));
		unlink(text);
	}
	free(newest);
}

/* A database of version 1 keeps what it holds, and a writer goes on with it. */
static void test_from_version_1(void **state)
{
	struct error err = { 0 };
	struct sql *db = open_db();
	struct store *s;

	(void)state;
	assert_int_equal(migrate(db, migrations, 1, &err), 0);
	exec(db, "INSERT INTO meta VALUES ('created', 5), ('next_message', 8), ('next_php', 2),"
		 " ('messages', 1);"
		 "INSERT INTO origin VALUES (1, 'web1', '');"
		 "INSERT INTO message (id, time, took, origin, queue_id, channel, via, recipients)"
		 " VALUES (7, 1000, 1, 1, 'ABC', 1, 0, 0);");
	sql_close(db);
	s = store_open(in_dir("db"), &err);
	if (!s)
		fail_msg("%s", err.text);
	store_close(s);
	db = open_db();
	assert_int_equal(number(db, "SELECT count(*) FROM message WHERE queue_id = 'ABC'"), 1);
	assert_int_equal(number(db, "SELECT value FROM meta WHERE name = 'created'"), 5);
	assert_int_equal(number(db, "SELECT value FROM meta WHERE name = 'next_message'"), 8);
	assert_int_equal(number(db, "SELECT value FROM meta WHERE name = 'next_finding'"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM finding"), 0);
	sql_close(db);
}

/* Names are hashed by the migration as they are by who adds others, and under a secret of
 * each database's own. */
static void test_hashes_of_names(void **state)
{
	const struct str domain = STR("shop.example");
	const struct str client[] = { STR("192.0.2.7"), STR("mx"), STR("") };
	int64_t hashes[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct dictionary domains, clients;
		struct error err = { 0 };
		struct sql *db = open_db();
		int64_t id = 0;

		assert_int_equal(migrate(db, migrations, 6, &err), 0);
		exec(db, "INSERT INTO domain VALUES (3, 'shop.example');"
			 "INSERT INTO client VALUES (5, '192.0.2.7', 'mx', '');");
		assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
		assert_int_equal(dictionary_init(&domains, db, "domain", "text", 1, true, &err), 0);
		assert_int_equal(dictionary_init(&clients, db, "client", "ip, name, helo", 3, true,
						 &err), 0);
		assert_int_equal(dictionary_id(&domains, &domain, &id, &err), 0);
		assert_int_equal(id, 3);
		assert_int_equal(dictionary_id(&clients, client, &id, &err), 0);
		assert_int_equal(id, 5);
		hashes[i] = number(db, "SELECT hash FROM domain");
		dictionary_release(&domains);
		dictionary_release(&clients);
		sql_close(db);
		unlink(in_dir("db"));
	}
	assert_int_not_equal(hashes[0], hashes[1]);
}

/* Ids of that many messages, as version 6 kept them: each a row of its own. */
static void add_ids(struct sql *db, int64_t n)
{
	struct sql_stmt *st = sql_prepare(db, "INSERT INTO lookup (key, message) VALUES (?1, ?2)",
					  NULL);
	char id[32];

	exec(db, "BEGIN");
	for (int64_t i = 1; i <= n; i++) {
		snprintf(id, sizeof(id), "ID%lld", (long long)i);
		sql_bind_int(st, 1, (i / 1000) << 24 | lookup_hash(str_of(id)));
		sql_bind_int(st, 2, i);
		assert_int_equal(sql_run(st, NULL), 0);
	}
	exec(db, "COMMIT");
	sql_finalize(st);
}

/* The migration leaves all ids in the tail, through which each search goes. They are in runs
 * once the store is open, and still found. */
static void test_from_version_6(void **state)
{
	struct error err = { 0 };
	struct sql *db = open_db();
	struct store *s;
	usec_t seen, closed;

	(void)state;
	assert_int_equal(migrate(db, migrations, 6, &err), 0);
	exec(db, "INSERT INTO origin VALUES (1, 'web1', '');"
		 "INSERT INTO minute (what, minute, first, last) VALUES (0, 0, 1, 150000);"
		 "INSERT INTO message (id, time, took, origin, queue_id, channel, via, recipients)"
		 " VALUES (70000, 1000, 1, 1, 'ID70000', 1, 0, 0),"
		 " (140000, 2000, 1, 1, 'ID140000', 1, 0, 0);");
	add_ids(db, 2 * LOOKUP_RUN + 10000);
	sql_close(db);
	s = store_open(in_dir("db"), &err);
	if (!s)
		fail_msg("%s", err.text);
	db = open_db();
	assert_int_equal(number(db, "SELECT count(*) FROM lookup_run"), 2);
	assert_int_equal(number(db, "SELECT total(length(entries)) / 8 FROM lookup_tail"), 10000);
	sql_close(db);
	assert_int_equal(store_find(s, STR("web1"), STR("ID70000"), 2000, &seen, &closed), 70000);
	assert_int_equal(store_find(s, STR("web1"), STR("ID140000"), 2000, &seen, &closed), 140000);
	store_close(s);
}

/* What was released: a database out there was made by exactly these bytes. */
static void test_released_do_not_change(void **state)
{
	static const uint64_t released[] = { 0xea33a0dfcc4ededf };

	(void)state;
	for (size_t i = 0; i < sizeof(released) / sizeof(released[0]); i++)
		assert_true(str_hash(str_of(migrations[i].text), 0) == released[i]);
}

static void test_tables_are_strict(void **state)
{
	struct error err = { 0 };
	struct sql *db = open_db();

	(void)state;
	assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
	assert_true(number(db, "SELECT count(*) FROM pragma_table_list"
			       " WHERE schema = 'main' AND type = 'table'") > 10);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main'"
				    " AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"), 0);
	sql_close(db);
}

/* A migration that fails in its middle leaves the version before it. */
static void test_all_or_nothing(void **state)
{
	static const struct migration list[] = {
		{ 1, "good", "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);" },
		{ 2, "bad", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO a VALUES ('word');" },
	};
	struct error err = { 0 };
	struct sql *db = open_db();

	(void)state;
	assert_int_equal(migrate(db, list, 2, &err), -1);
	assert_non_null(strstr(err.text, "migration 2 (bad)"));
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
	sql_close(db);
}

static void test_newer_is_refused(void **state)
{
	struct error err = { 0 };
	struct sql *db = open_db();
	char want[96];

	(void)state;
	assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
	exec(db, "PRAGMA user_version = 70");
	sql_close(db);
	snprintf(want, sizeof(want),
		 "database is version 70, this program knows %zu: upgrade mailaudit",
		 migrations_count);
	refuses(EXIT_CONFIG, want);
}

/* A database of another program is refused without a byte of it changed. */
static void test_foreign_is_left_alone(void **state)
{
	char before[8192], after[8192];
	struct sql *db = open_db();
	int fd;

	(void)state;
	exec(db, "PRAGMA page_size = 4096; CREATE TABLE cookies (x)");
	sql_close(db);
	fd = open(in_dir("db"), O_RDONLY);
	assert_int_equal(read(fd, before, sizeof(before)), sizeof(before));
	refuses(EXIT_CONFIG, "another program");
	assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	close(fd);
}

static void test_other_application_id(void **state)
{
	struct sql *db = open_db();

	(void)state;
	exec(db, "PRAGMA application_id = 252006674");
	sql_close(db);
	refuses(EXIT_CONFIG, "another program");
}

static void test_not_a_database(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	write_file(in_dir("db"), text, sizeof(text));
	refuses(EXIT_CONFIG, "is not a database");
}

static void test_directory(void **state)
{
	(void)state;
	mkdir(in_dir("db"), 0755);
	refuses(EXIT_NOINPUT, "directory");
	rmdir(in_dir("db"));
}

static void test_missing_directory(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_null(store_open(in_dir("none/db"), &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
}

/* Pages of the schema overwritten. */
static void test_corrupt(void **state)
{
	char junk[100];
	struct error err = { 0 };
	struct sql *db = open_db();
	int fd;

	(void)state;
	assert_int_equal(migrate(db, migrations, migrations_count, &err), 0);
	sql_close(db);
	memset(junk, 0x5a, sizeof(junk));
	fd = open(in_dir("db"), O_WRONLY);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 100), sizeof(junk));
	close(fd);
	refuses(EXIT_CONFIG, "is damaged; stop mailauditd");
}

static void test_reader_wants_our_version(void **state)
{
	static const struct migration next[] = { { 1, "one", "" }, { 2, "two", "" } };
	struct error err = { 0 };
	struct sql *db = open_db();

	(void)state;
	assert_int_equal(migrate(db, next, 1, &err), 0);
	assert_int_equal(migrate_check(db, next, 1, &err), 0);
	assert_int_equal(migrate_check(db, next, 2, &err), -1);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_non_null(strstr(err.text, "version 1, this program reads version 2"));
	sql_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_list_is_in_order),
		TEST(test_from_every_version),
		TEST(test_from_version_1),
		TEST(test_hashes_of_names),
		TEST(test_from_version_6),
		TEST(test_released_do_not_change),
		TEST(test_tables_are_strict),
		TEST(test_all_or_nothing),
		TEST(test_newer_is_refused),
		TEST(test_foreign_is_left_alone),
		TEST(test_other_application_id),
		TEST(test_not_a_database),
		TEST(test_directory),
		TEST(test_missing_directory),
		TEST(test_corrupt),
		TEST(test_reader_wants_our_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
