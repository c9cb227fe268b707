/* The columns of a row from left to right, for the files that turn structs into
 * rows (give_...) and back (take_...). A column is NULL when its value is the
 * usual one. */
#ifndef MAILAUDIT_SCHEMA_CELLS_H
#define MAILAUDIT_SCHEMA_CELLS_H

#include "base/arena.h"
#include "schema/dictionary.h"

/* A row being written: parameters from `at` (1 first) on. */
struct cells_out {
	struct sql_stmt *st;
	int at;
	struct error *err;
};

void give_int(struct cells_out *c, int64_t value, int64_t usual);
void give_number(struct cells_out *c, int64_t value); /* never NULL */
void give_real(struct cells_out *c, double value); /* usually 0 */
void give_str(struct cells_out *c, struct str value); /* usually empty */
/* The entry of these texts; NULL when all are empty. -1: error. */
int give_entry(struct cells_out *c, struct dictionary *d, const struct str *texts);

/* A row being read: columns from `at` (0 first) on. */
struct cells_in {
	struct sql_stmt *st;
	struct arena *arena; /* of the strings */
	int at;
};

struct str take_str(struct cells_in *c);
int64_t take_int(struct cells_in *c, int64_t when_null);
double take_real(struct cells_in *c); /* 0 for NULL */
/* What lies outside of 0..last, in a damaged file, is 0. */
unsigned take_enum(struct cells_in *c, unsigned when_null, unsigned last);

#endif
