/* What is only counted: mail for local domains, connections past the mail server, lines
 * per source, lines nobody understood. */
#ifndef MAILAUDIT_SCHEMA_COUNT_H
#define MAILAUDIT_SCHEMA_COUNT_H

#include "core/batch.h"
#include "schema/dictionary.h"

/* Rows of `unknown`: names of programs and shapes are log text. More shapes of a
 * program are counted together under shape "", more programs under program "". */
#define COUNT_MAX_SHAPES 50 /* of a program of a source */
#define COUNT_MAX_OF_SOURCE 500
#define COUNT_MAX_UNKNOWN 5000

struct counts {
	struct sql_stmt *inbound, *direct, *unknown, *unknown_rows, *unknown_has, *source;
};

int counts_init(struct counts *c, struct sql *db, struct error *err);
/* Adds the batch's counts to what is stored. */
int counts_put(struct counts *c, struct dictionary *domains, struct dictionary *accounts,
	       const struct batch *b, struct error *err);

#endif
