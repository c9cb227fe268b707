/* Rows back to what they were made from: struct message, struct php_mail. */
#ifndef MAILAUDIT_SCHEMA_ROW_READ_H
#define MAILAUDIT_SCHEMA_ROW_READ_H

#include "core/message.h"
#include "schema/lookup.h"

struct row_reader {
	struct sql_stmt *message, *recipients, *php, *find, *range;
	struct lookup_reader lookup;
};

int row_reader_init(struct row_reader *r, struct sql *db, struct error *err);
/* Fill a fresh one; strings are copied to its arena. 1: done; 0: no such row;
 * -1: error. */
int row_read_message(struct row_reader *r, int64_t id, struct message *m, struct error *err);
int row_read_php(struct row_reader *r, int64_t id, struct php_mail *p, struct error *err);
/* As `find` of struct row_source says. An error is "none". */
int64_t row_find(struct row_reader *r, struct str host, struct str id, usec_t time, usec_t *seen,
		 usec_t *closed);

/* `local` and `domain` of an address; false: it has no domain. */
bool address_split(struct str address, struct str *local, struct str *domain);

#endif
