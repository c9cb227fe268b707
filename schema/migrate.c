/* From whatever a file is to the layout this program knows, or a refusal that
 * says what to do.
 *
 * Invariant: user_version and the tables change in one transaction, so a
 * database is always of exactly one version. Nothing is written to a file that
 * is not ours. Of what the migrations do it knows the functions they call only. */
#include "schema/migrate.h"

#include <stdio.h>

#include "schema/dictionary.h"
#include "schema/lookup.h"

/* What `PRAGMA quick_check` finds first, for a file SQLite cannot make sense
 * of. err holds SQLite's own words already. */
static void add_damage(struct sql *db, struct error *err)
{
	struct error ignored;
	struct sql_stmt *st;
	char text[sizeof(err->text)];

	if (!err || err->code != EXIT_CONFIG)
		return;
	st = sql_prepare(db, "PRAGMA quick_check(1)", &ignored);
	if (st && sql_step(st, &ignored) == 1 && !str_eq(sql_str(st, 0), STR("ok"))) {
		snprintf(text, sizeof(text), "%.300s", err->text);
		error_set(err, EXIT_CONFIG, "%s: %.*s", text, STR_ARG(sql_str(st, 0)));
	}
	sql_finalize(st);
}

static int read_identity(struct sql *db, int64_t *application, int64_t *version,
			 int64_t *schema, struct error *err)
{
	if (sql_pragma(db, "application_id", application, err) == 0 &&
	    sql_pragma(db, "user_version", version, err) == 0 &&
	    sql_pragma(db, "schema_version", schema, err) == 0)
		return 0;
	add_damage(db, err);
	return -1;
}

int migrate_recognize(struct sql *db, const struct migration *list, size_t n, int *version,
		      struct error *err)
{
	int64_t application, user, schema;

	if (read_identity(db, &application, &user, &schema, err) < 0)
		return -1;
	if (application != MIGRATE_APPLICATION_ID && (application || user || schema))
		return error_set(err, EXIT_CONFIG,
				 "%s is a database of another program; point `database:` elsewhere",
				 sql_path(db));
	if (user < 0 || user > list[n - 1].version)
		return error_set(err, EXIT_CONFIG,
				 "%s: database is version %lld, this program knows %d: upgrade "
				 "mailaudit or point `database:` elsewhere",
				 sql_path(db), (long long)user, list[n - 1].version);
	*version = (int)user;
	return 0;
}

static int run_one(struct sql *db, const struct migration *m, struct error *err)
{
	char identity[96];

	snprintf(identity, sizeof(identity),
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 MIGRATE_APPLICATION_ID, m->version);
	if (sql_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (sql_exec(db, m->text, err) == 0 && sql_exec(db, identity, err) == 0)
		return 0;
	sql_exec(db, "ROLLBACK", NULL);
	return error_prefix(err, "migration %d (%s)", m->version, m->name);
}

static int64_t text_hash(const struct str *args)
{
	struct hash_secret secret;
	int64_t number = 0;

	str_int(args[0], &number);
	secret = hash_secret((uint64_t)number);
	return dictionary_hash(&secret, args + 1, SQL_ARGS_MAX - 1);
}

static size_t lookup_entry(const struct str *args, char *buf)
{
	int64_t hash = 0, message = 0;

	str_int(args[0], &hash);
	str_int(args[1], &message);
	lookup_put_entry(buf, hash, message);
	return LOOKUP_ENTRY;
}

int migrate(struct sql *db, const struct migration *list, size_t n, struct error *err)
{
	int version;

	if (migrate_recognize(db, list, n, &version, err) < 0 ||
	    sql_number_function(db, "text_hash", -1, text_hash, err) < 0 ||
	    sql_text_function(db, "lookup_entry", 2, lookup_entry, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (list[i].version > version && run_one(db, &list[i], err) < 0)
			return -1;
	return 0;
}

int migrate_check(struct sql *db, const struct migration *list, size_t n, struct error *err)
{
	int version;

	if (migrate_recognize(db, list, n, &version, err) < 0)
		return -1;
	if (version == list[n - 1].version)
		return 0;
	return error_set(err, EXIT_CONFIG,
			 "%s: database is version %d, this program reads version %d: start this "
			 "version's mailauditd once to bring it up to date",
			 sql_path(db), version, list[n - 1].version);
}
