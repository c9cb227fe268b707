/* Text -> id with a bounded memory of what was asked before.
 *
 * Invariant: an id in memory is in the table, or was added in the transaction
 * that is open; so after a rollback all memory is dropped. Entries are never
 * changed or removed here. In memory they lie side by side: as many small pieces they
 * would keep from the system whatever was freed between them. */
#include "schema/dictionary.h"

#include <stdio.h>
#include <stdlib.h>

/* In the place of the id of a text that has no entry yet. */
#define SEEN_ONCE (-1)

struct entry {
	struct table_node node;
	int64_t id;
	size_t key_n;
	char key[];
};

int64_t dictionary_hash(const struct hash_secret *secret, const struct str *texts, int n)
{
	uint64_t h = 0;

	for (int i = 0; i < n; i++)
		if (texts[i].n)
			h = hash_stored(secret, h + (uint64_t)i, texts[i]);
	return (int64_t)(h & 0xffffff);
}

static bool is_empty(struct sql *db, const char *table)
{
	char text[128];
	struct sql_stmt *st;
	bool empty;

	snprintf(text, sizeof(text), "SELECT NOT EXISTS (SELECT 1 FROM %s)", table);
	st = sql_prepare(db, text, NULL);
	empty = st && sql_run_int(st);
	sql_finalize(st);
	return empty;
}

/* The domains of a spammer's recipients are names he made up. */
static int read_secret(struct dictionary *d, struct error *err)
{
	struct sql_stmt *st = sql_prepare(d->db, "SELECT value FROM meta WHERE name = 'hash_secret'",
					  err);

	if (!st)
		return -1;
	d->secret = hash_secret((uint64_t)sql_run_int(st));
	sql_finalize(st);
	return 0;
}

/* columns: but the id. */
static int prepare_add(struct dictionary *d, const char *table, const char *columns, int ncolumns,
		       struct error *err)
{
	char text[256];

	snprintf(text, sizeof(text), "SELECT max(id) FROM %s", table);
	d->last = sql_prepare(d->db, text, err);
	snprintf(text, sizeof(text), "%s (id, %s)", table, columns);
	d->add = d->last ? sql_prepare_rows(d->db, text, ncolumns + 1, err) : NULL;
	return d->add ? 0 : -1;
}

int dictionary_init(struct dictionary *d, struct sql *db, const char *table,
		    const char *columns, int ntexts, bool hashed, struct error *err)
{
	static const char *const marks[] = { "", "?1", "?1, ?2", "?1, ?2, ?3" };
	static const char *const hash[] = { "", "= ?2", "= ?3", "= ?4" };
	char text[256];

	*d = (struct dictionary){ .db = db, .ntexts = ntexts, .hashed = hashed,
				  .max = DICTIONARY_MAX_CACHED, .complete = is_empty(db, table) };
	if (hashed && read_secret(d, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "SELECT id FROM %s WHERE %s %s AND (%s) = (%s)", table,
		 hashed ? "hash" : "1", hashed ? hash[ntexts] : "", columns, marks[ntexts]);
	d->find = sql_prepare(db, text, err);
	snprintf(text, sizeof(text), "%s%s", columns, hashed ? ", hash" : "");
	return d->find ? prepare_add(d, table, text, ntexts + hashed, err) : -1;
}

int dictionary_init_daily(struct dictionary *d, struct sql *db, const char *table, size_t max,
			  struct error *err)
{
	*d = (struct dictionary){ .db = db, .ntexts = 1, .max = max, .used_day = INT64_MIN };
	return prepare_add(d, table, "text, day", 2, err);
}

static void forget_ids(struct dictionary *d)
{
	table_release(&d->ids);
	arena_release(&d->entries);
	d->complete = false;
}

void dictionary_release(struct dictionary *d)
{
	forget_ids(d);
	free(d->key);
	d->key = NULL;
	d->key_room = 0;
}

void dictionary_forget(struct dictionary *d)
{
	forget_ids(d);
	sql_forget_rows(d->add);
	d->next = 0;
}

int dictionary_flush(struct dictionary *d, struct error *err)
{
	return sql_flush(d->add, err);
}

/* Lengths come first, so that no text can pretend to be two. */
static struct str key_of(struct dictionary *d, const struct str *texts)
{
	size_t n = (size_t)d->ntexts * sizeof(texts->n), at = 0;

	for (int i = 0; i < d->ntexts; i++)
		n += texts[i].n;
	if (n > d->key_room) {
		d->key = xrealloc(d->key, 2 * n);
		d->key_room = 2 * n;
	}
	for (int i = 0; i < d->ntexts; i++) {
		memcpy(d->key + at, &texts[i].n, sizeof(texts[i].n));
		at += sizeof(texts[i].n);
		if (texts[i].n)
			memcpy(d->key + at, texts[i].p, texts[i].n);
		at += texts[i].n;
	}
	return (struct str){ d->key, n };
}

static struct entry *entry_of(const struct dictionary *d, struct str key, uint64_t hash)
{
	struct table_node *node = table_get(&d->ids, hash);

	for (; node; node = table_get_next(node)) {
		struct entry *e = table_owner(node, struct entry, node);

		if (str_eq((struct str){ e->key, e->key_n }, key))
			return e;
	}
	return NULL;
}

static int64_t recall(const struct dictionary *d, struct str key)
{
	const struct entry *e = entry_of(d, key, hash_str(0, key));

	return e ? e->id : 0;
}

static void remember(struct dictionary *d, struct str key, int64_t id)
{
	uint64_t hash = hash_str(0, key);
	struct entry *e = entry_of(d, key, hash);

	if (!e) {
		if (d->ids.count >= d->max)
			forget_ids(d);
		e = arena_alloc(&d->entries, sizeof(*e) + key.n);
		e->key_n = key.n;
		memcpy(e->key, key.p, key.n);
		table_insert(&d->ids, &e->node, hash);
	}
	e->id = id;
}

/* Parameters from `at` on: the texts and, for the tables that have it, the hash. */
static void bind_texts(struct dictionary *d, struct sql_stmt *st, int at, const struct str *texts)
{
	for (int i = 0; i < d->ntexts; i++)
		sql_bind_str(st, at++, texts[i]);
	if (d->hashed)
		sql_bind_int(st, at, dictionary_hash(&d->secret, texts, d->ntexts));
}

/* 1: in the table; 0: not; -1: error. */
static int find(struct dictionary *d, const struct str *texts, int64_t *id, struct error *err)
{
	int rc;

	if (d->complete)
		return 0;
	if (dictionary_flush(d, err) < 0) /* memory may have forgotten what is not written yet */
		return -1;
	bind_texts(d, d->find, 1, texts);
	rc = sql_step(d->find, err);
	if (rc == 1) {
		*id = sql_int(d->find, 0);
		sql_reset(d->find);
	}
	return rc;
}

/* Its other columns are bound. */
static int add(struct dictionary *d, int64_t *id, struct error *err)
{
	if (!d->next)
		d->next = sql_run_int(d->last) + 1;
	*id = d->next++;
	sql_bind_int(d->add, 1, *id);
	return sql_run(d->add, err);
}

int64_t dictionary_recall(struct dictionary *d, const struct str *texts)
{
	return recall(d, key_of(d, texts));
}

int dictionary_id(struct dictionary *d, const struct str *texts, int64_t *id, struct error *err)
{
	struct str key = key_of(d, texts);
	int rc;

	*id = recall(d, key);
	if (*id)
		return 0;
	rc = find(d, texts, id, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		bind_texts(d, d->add, 2, texts);
		if (add(d, id, err) < 0)
			return -1;
	}
	remember(d, key, *id);
	return 0;
}

static int add_daily(struct dictionary *d, struct str text, int64_t *id, struct error *err)
{
	sql_bind_str(d->add, 2, text);
	sql_bind_int(d->add, 3, d->used_day);
	if (add(d, id, err) < 0)
		return -1;
	remember(d, key_of(d, &text), *id);
	return 0;
}

static int64_t recall_daily(struct dictionary *d, struct str text, int64_t day)
{
	if (d->used_day != day)
		forget_ids(d);
	d->used_day = day;
	return dictionary_recall(d, &text);
}

int dictionary_daily_id(struct dictionary *d, struct str text, int64_t day, int64_t *id,
			struct error *err)
{
	*id = recall_daily(d, text, day);
	return *id ? 0 : add_daily(d, text, id, err);
}

int dictionary_repeated_id(struct dictionary *d, struct str text, int64_t day, int64_t *id,
			   struct error *err)
{
	*id = recall_daily(d, text, day);
	if (*id > 0)
		return 0;
	if (*id == SEEN_ONCE)
		return add_daily(d, text, id, err);
	remember(d, key_of(d, &text), SEEN_ONCE);
	return 0;
}
