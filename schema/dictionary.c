/* Text -> id with a bounded memory of what was asked before.
 *
 * Invariant: an id in memory is in the table, or was added in the transaction
 * that is open; so after a rollback all memory is dropped. Entries are never
 * changed or removed here. */
#include "schema/dictionary.h"

#include <stdio.h>
#include <stdlib.h>

static int init(struct dictionary *d, struct sql *db, int ntexts)
{
	*d = (struct dictionary){ .db = db, .ntexts = ntexts, .used_day = INT64_MIN };
	return 0;
}

int dictionary_init(struct dictionary *d, struct sql *db, const char *table,
		    const char *columns, int ntexts, struct error *err)
{
	static const char *const marks[] = { "", "?1", "?1, ?2", "?1, ?2, ?3" };
	char text[256];

	init(d, db, ntexts);
	snprintf(text, sizeof(text), "SELECT id FROM %s WHERE (%s) = (%s)", table, columns,
		 marks[ntexts]);
	d->find = sql_prepare(db, text, err);
	snprintf(text, sizeof(text), "INSERT INTO %s (%s) VALUES (%s)", table, columns,
		 marks[ntexts]);
	d->add = d->find ? sql_prepare(db, text, err) : NULL;
	return d->add ? 0 : -1;
}

int dictionary_init_daily(struct dictionary *d, struct sql *db, const char *table,
			  struct error *err)
{
	char text[256];

	init(d, db, 1);
	snprintf(text, sizeof(text), "INSERT INTO %s (text, day) VALUES (?1, ?2)", table);
	d->add = sql_prepare(db, text, err);
	return d->add ? 0 : -1;
}

void dictionary_release(struct dictionary *d)
{
	map_release(&d->ids);
	free(d->key);
	d->key = NULL;
	d->key_room = 0;
}

void dictionary_forget(struct dictionary *d)
{
	map_release(&d->ids);
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

static void remember(struct dictionary *d, struct str key, int64_t id)
{
	if (d->ids.count >= DICTIONARY_MAX_CACHED)
		map_release(&d->ids);
	map_put(&d->ids, key, (void *)(intptr_t)id);
}

static void bind_texts(struct dictionary *d, struct sql_stmt *st, const struct str *texts)
{
	for (int i = 0; i < d->ntexts; i++)
		sql_bind_str(st, i + 1, texts[i]);
}

/* 1: in the table; 0: not; -1: error. */
static int find(struct dictionary *d, const struct str *texts, int64_t *id, struct error *err)
{
	int rc;

	bind_texts(d, d->find, texts);
	rc = sql_step(d->find, err);
	if (rc == 1) {
		*id = sql_int(d->find, 0);
		sql_reset(d->find);
	}
	return rc;
}

static int add(struct dictionary *d, int64_t *id, struct error *err)
{
	if (sql_run(d->add, err) < 0)
		return -1;
	*id = sql_last_id(d->db);
	return 0;
}

int dictionary_id(struct dictionary *d, const struct str *texts, int64_t *id, struct error *err)
{
	struct str key = key_of(d, texts);
	int rc;

	*id = (intptr_t)map_get(&d->ids, key);
	if (*id)
		return 0;
	rc = find(d, texts, id, err);
	if (rc < 0)
		return -1;
	bind_texts(d, d->add, texts);
	if (rc == 0 && add(d, id, err) < 0)
		return -1;
	remember(d, key, *id);
	return 0;
}

int dictionary_daily_id(struct dictionary *d, struct str text, int64_t day, int64_t *id,
			struct error *err)
{
	struct str key = key_of(d, &text);

	if (d->used_day != day)
		dictionary_forget(d);
	d->used_day = day;
	*id = (intptr_t)map_get(&d->ids, key);
	if (*id)
		return 0;
	sql_bind_str(d->add, 1, text);
	sql_bind_int(d->add, 2, day);
	if (add(d, id, err) < 0)
		return -1;
	remember(d, key, *id);
	return 0;
}
