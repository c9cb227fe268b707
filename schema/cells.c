/* Columns by their place.
 *
 * Invariant: each call goes on by exactly one column, so the order of the calls
 * is that of the statement's columns. */
#include "schema/cells.h"

void give_int(struct cells_out *c, int64_t value, int64_t usual)
{
	sql_bind_int_unless(c->st, c->at++, value, usual);
}

void give_number(struct cells_out *c, int64_t value)
{
	sql_bind_int(c->st, c->at++, value);
}

void give_real(struct cells_out *c, double value)
{
	if (value != 0)
		sql_bind_real(c->st, c->at++, value);
	else
		sql_bind_null(c->st, c->at++);
}

void give_str(struct cells_out *c, struct str value)
{
	sql_bind_str_or_null(c->st, c->at++, value);
}

int give_entry(struct cells_out *c, struct dictionary *d, const struct str *texts)
{
	int64_t id = 0;
	size_t n = 0;

	for (int i = 0; i < d->ntexts; i++)
		n += texts[i].n;
	if (n && dictionary_id(d, texts, &id, c->err) < 0)
		return -1;
	give_int(c, id, 0);
	return 0;
}

struct str take_str(struct cells_in *c)
{
	return arena_str_or_none(c->arena, sql_str(c->st, c->at++));
}

int64_t take_int(struct cells_in *c, int64_t when_null)
{
	return sql_int_or(c->st, c->at++, when_null);
}

double take_real(struct cells_in *c)
{
	return sql_real(c->st, c->at++);
}

unsigned take_enum(struct cells_in *c, unsigned when_null, unsigned last)
{
	int64_t v = take_int(c, when_null);

	return v < 0 || v > last ? 0 : (unsigned)v;
}
