/* A log of entries that becomes sorted runs.
 *
 * A row for each id would cost an insertion at a random place of a tree and 16 bytes; here a
 * commit adds one row at the end, and sorting is putting each entry into one of 256 parts.
 *
 * Invariant: each entry is in the tail or in one run, whatever the moment of a crash, since
 * both change in one transaction. Entries are never changed. */
#include "schema/lookup.h"

#include <stdlib.h>

#include "base/arena.h"

#define HASH_BITS 24
#define PARTS 256
#define HASH_BYTES 2 /* in a part: the rest is the part's number */
#define NARROW 3 /* bytes of a message in a part, from the first of its run */
#define WIDE 5

static const struct sql_text statements[] = {
	{ offsetof(struct lookup, count),
	  "SELECT total(length(entries)) / 8 FROM lookup_tail" },
	{ offsetof(struct lookup, add),
	  "INSERT INTO lookup_tail (first, last, entries) VALUES (?1, ?2, ?3)" },
	{ offsetof(struct lookup, tail),
	  "SELECT id, first, last, entries FROM lookup_tail ORDER BY id" },
	{ offsetof(struct lookup, cut), "DELETE FROM lookup_tail WHERE id <= ?1" },
	{ offsetof(struct lookup, next_run), "SELECT coalesce(max(id), 0) + 1 FROM lookup_run" },
	{ offsetof(struct lookup, add_run),
	  "INSERT INTO lookup_run (id, first, last) VALUES (?1, ?2, ?3)" },
	{ offsetof(struct lookup, add_part), "INSERT INTO lookup (part, entries) VALUES (?1, ?2)" },
};

static const struct sql_text reader_statements[] = {
	{ offsetof(struct lookup_reader, parts),
	  "SELECT r.first, r.last, l.entries FROM lookup_run r"
	  " CROSS JOIN lookup l ON l.part = (r.id << 8 | ?1)"
	  " WHERE r.first <= ?3 AND r.last >= ?2 ORDER BY r.id DESC" },
	{ offsetof(struct lookup_reader, tail),
	  "SELECT entries FROM lookup_tail WHERE first <= ?2 AND last >= ?1 ORDER BY id DESC" },
};

int64_t lookup_hash(struct str id)
{
	return (int64_t)(str_hash(id, 0) & ((1 << HASH_BITS) - 1));
}

static void put_number(char *to, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(v >> (8 * i));
}

static uint64_t number(const char *from, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)(unsigned char)from[i] << (8 * i);
	return v;
}

void lookup_put_entry(char *to, int64_t hash, int64_t message)
{
	put_number(to, (uint64_t)hash | (uint64_t)message << HASH_BITS, LOOKUP_ENTRY);
}

/* --- writing --------------------------------------------------------------- */

int lookup_init(struct lookup *l, struct sql *db, struct error *err)
{
	*l = (struct lookup){ .in_tail = -1 };
	return sql_prepare_all(db, l, statements, SQL_COUNT(statements), err);
}

void lookup_release(struct lookup *l)
{
	free(l->entries);
	l->entries = NULL;
	l->n = l->room = 0;
}

void lookup_forget(struct lookup *l)
{
	l->n = 0;
	l->in_tail = -1;
}

static void append(struct lookup *l, const char *bytes, size_t n)
{
	if (l->n + n > l->room) {
		l->room = 2 * (l->n + n);
		l->entries = xrealloc(l->entries, l->room);
	}
	memcpy(l->entries + l->n, bytes, n);
	l->n += n;
}

static void widen(struct lookup *l, int64_t first, int64_t last)
{
	l->first = !l->n || first < l->first ? first : l->first;
	l->last = !l->n || last > l->last ? last : l->last;
}

void lookup_add(struct lookup *l, struct str id, int64_t message)
{
	char entry[LOOKUP_ENTRY];

	if (!id.n)
		return;
	lookup_put_entry(entry, lookup_hash(id), message);
	widen(l, message, message);
	append(l, entry, sizeof(entry));
}

/* Gathers what is to be a run from the rows of the tail, and cuts them off. */
static int take_run(struct lookup *l, struct error *err)
{
	int64_t row = 0;
	int rc;

	l->n = 0;
	while ((rc = sql_step(l->tail, err)) == 1) {
		struct str entries = sql_str(l->tail, 3);

		row = sql_int(l->tail, 0);
		widen(l, sql_int(l->tail, 1), sql_int(l->tail, 2));
		append(l, entries.p, entries.n - entries.n % LOOKUP_ENTRY);
		if (l->n >= LOOKUP_RUN * LOOKUP_ENTRY)
			break;
	}
	sql_reset(l->tail);
	sql_bind_int(l->cut, 1, row);
	return rc < 0 ? -1 : sql_run(l->cut, err);
}

static size_t message_bytes(int64_t first, int64_t last)
{
	return last - first < 1 << (8 * NARROW) ? NARROW : WIDE;
}

/* Entries in order of their parts; ends[i]: where part i ends. */
static char *sort_run(const struct lookup *l, size_t *ends)
{
	size_t bytes = message_bytes(l->first, l->last), at[PARTS + 1] = { 0 };
	char *sorted = xmalloc(l->n); /* an entry of a part is never larger */

	for (size_t i = 0; i < l->n; i += LOOKUP_ENTRY)
		at[(unsigned char)l->entries[i + HASH_BYTES] + 1] += HASH_BYTES + bytes;
	for (size_t i = 0; i < PARTS; i++)
		ends[i] = at[i + 1] += at[i];
	for (size_t i = 0; i < l->n; i += LOOKUP_ENTRY) {
		uint64_t entry = number(l->entries + i, LOOKUP_ENTRY);
		size_t *part = &at[entry >> (8 * HASH_BYTES) & (PARTS - 1)];

		put_number(sorted + *part, entry, HASH_BYTES);
		put_number(sorted + *part + HASH_BYTES, (entry >> HASH_BITS) - (uint64_t)l->first,
			   bytes);
		*part += HASH_BYTES + bytes;
	}
	return sorted;
}

static int write_parts(struct lookup *l, int64_t run, struct error *err)
{
	size_t ends[PARTS], from = 0;
	char *sorted = sort_run(l, ends);
	int rc = 0;

	for (size_t i = 0; i < PARTS && rc == 0; from = ends[i++]) {
		if (ends[i] == from)
			continue;
		sql_bind_int(l->add_part, 1, run << 8 | (int64_t)i);
		sql_bind_blob(l->add_part, 2, (struct str){ sorted + from, ends[i] - from });
		rc = sql_run(l->add_part, err);
	}
	free(sorted);
	return rc;
}

static int make_run(struct lookup *l, struct error *err)
{
	int64_t run = sql_run_int(l->next_run);

	if (take_run(l, err) < 0)
		return -1;
	l->in_tail -= (int64_t)(l->n / LOOKUP_ENTRY);
	sql_bind_int(l->add_run, 1, run);
	sql_bind_int(l->add_run, 2, l->first);
	sql_bind_int(l->add_run, 3, l->last);
	return sql_run(l->add_run, err) < 0 ? -1 : write_parts(l, run, err);
}

bool lookup_makes_run(struct lookup *l)
{
	if (l->in_tail < 0)
		l->in_tail = sql_run_int(l->count);
	return l->in_tail >= LOOKUP_RUN;
}

int lookup_make_run(struct lookup *l, struct error *err)
{
	int result = make_run(l, err);

	l->n = 0;
	return result;
}

int lookup_flush(struct lookup *l, struct error *err)
{
	if (!l->n)
		return 0;
	if (l->in_tail < 0)
		l->in_tail = sql_run_int(l->count);
	sql_bind_int(l->add, 1, l->first);
	sql_bind_int(l->add, 2, l->last);
	sql_bind_blob(l->add, 3, (struct str){ l->entries, l->n });
	if (sql_run(l->add, err) < 0)
		return -1;
	l->in_tail += (int64_t)(l->n / LOOKUP_ENTRY);
	l->n = 0;
	while (l->in_tail >= LOOKUP_RUN)
		if (make_run(l, err) < 0)
			return -1;
	l->n = 0;
	return 0;
}

/* --- reading --------------------------------------------------------------- */

int lookup_reader_init(struct lookup_reader *r, struct sql *db, struct error *err)
{
	return sql_prepare_all(db, r, reader_statements, SQL_COUNT(reader_statements), err);
}

struct question {
	uint64_t hash;
	int64_t first, last;
	lookup_fn *fn;
	void *context;
};

/* Entries of hash_bytes of the hash and bytes of the message, counted from `base`. */
static int search(const struct question *q, struct str entries, size_t hash_bytes, size_t bytes,
		  int64_t base, struct error *err)
{
	size_t size = hash_bytes + bytes;
	char wanted[LOOKUP_ENTRY];
	int rc = 0;

	put_number(wanted, q->hash, hash_bytes);
	for (size_t i = 0; i + size <= entries.n && rc == 0; i += size) {
		int64_t message;

		if (memcmp(entries.p + i, wanted, hash_bytes) != 0)
			continue;
		message = base + (int64_t)number(entries.p + i + hash_bytes, bytes);
		if (message >= q->first && message <= q->last)
			rc = q->fn(q->context, message, err);
	}
	return rc;
}

static int search_tail(struct sql_stmt *st, const struct question *q, struct error *err)
{
	int rc, found = 0;

	sql_bind_int(st, 1, q->first);
	sql_bind_int(st, 2, q->last);
	while (!found && (rc = sql_step(st, err)) == 1)
		found = search(q, sql_str(st, 0), HASH_BITS / 8, LOOKUP_ENTRY - HASH_BITS / 8, 0,
			       err);
	sql_reset(st);
	return found ? found : rc;
}

static int search_runs(struct sql_stmt *st, const struct question *q, struct error *err)
{
	int rc, found = 0;

	sql_bind_int(st, 1, (int64_t)(q->hash >> (8 * HASH_BYTES)));
	sql_bind_int(st, 2, q->first);
	sql_bind_int(st, 3, q->last);
	while (!found && (rc = sql_step(st, err)) == 1)
		found = search(q, sql_str(st, 2), HASH_BYTES,
			       message_bytes(sql_int(st, 0), sql_int(st, 1)), sql_int(st, 0), err);
	sql_reset(st);
	return found ? found : rc;
}

int lookup_find(struct lookup_reader *r, struct str id, int64_t first, int64_t last,
		lookup_fn *fn, void *context, struct error *err)
{
	struct question q = { (uint64_t)lookup_hash(id), first, last, fn, context };
	int rc = search_tail(r->tail, &q, err);

	return rc ? rc : search_runs(r->parts, &q, err);
}
