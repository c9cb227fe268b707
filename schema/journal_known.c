/* Entries of journals that were read before.
 *
 * Invariant: journald numbers the entries of a journal over all its files, so a
 * range of numbers says which were read, under whatever name and in whatever form. */
#include "schema/journal_known.h"

#include <stdlib.h>

#include "core/entry.h"

#define ID_SIZE 33

struct range {
	struct range *next;
	char id[ID_SIZE]; /* of the journal */
	int64_t first, last;
};

struct journal_known {
	struct range *ranges;
	bool files;
};

static void load(void *context, const struct journal_position *row)
{
	struct journal_known *k = context;
	struct range *r;
	struct str id;
	int64_t number;

	if (!k->files && str_starts(row->name, STR("file ")))
		return;
	if (!entry_number(row->cursor, &id, &number))
		return;
	r = xcalloc(1, sizeof(*r));
	memcpy(r->id, id.p, id.n);
	r->first = row->first;
	r->last = number;
	r->next = k->ranges;
	k->ranges = r;
}

struct journal_known *journal_known_load(struct store *store, bool files)
{
	struct journal_known *k = xcalloc(1, sizeof(*k));

	k->files = files;
	store_journals(store, load, k);
	return k;
}

void journal_known_free(struct journal_known *k)
{
	if (!k)
		return;
	for (struct range *r = k->ranges, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	free(k);
}

bool journal_known_has(const struct journal_known *k, struct str cursor)
{
	struct str id;
	int64_t number;

	if (!entry_number(cursor, &id, &number))
		return false;
	for (const struct range *r = k->ranges; r; r = r->next)
		if (str_eq(id, str_of(r->id)) && r->first <= number && number <= r->last)
			return true;
	return false;
}
