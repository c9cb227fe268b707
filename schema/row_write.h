/* Messages and PHP lines to rows, with all that hangs on them: recipients,
 * dictionary entries, lookups, minutes, sums, sieve. */
#ifndef MAILAUDIT_SCHEMA_ROW_WRITE_H
#define MAILAUDIT_SCHEMA_ROW_WRITE_H

#include "core/message.h"
#include "schema/dictionary.h"
#include "schema/hourly.h"
#include "schema/lookup.h"
#include "schema/minute.h"
#include "schema/sieve.h"

struct row_writer {
	struct dictionary account, login, path, domain, origin, client, relay, response,
		headers, word;
	struct minutes minutes;
	struct hourly hourly;
	struct sieve sieve;
	struct lookup lookup;
	struct map subjects; /* of the PHP calls of this transaction, by their ids */
	struct sql_stmt *add, *put, *old, *drop;
	struct sql_stmt *add_recipient, *drop_recipients;
	struct sql_stmt *put_more, *drop_more;
	struct sql_stmt *add_php, *put_php, *drop_php;
	struct arena scratch; /* of the rows under way */
	int under_way;
	int64_t php; /* change of the number of PHP rows since the last flush */
	int64_t day; /* of the newest event: see table response */
};

int row_writer_init(struct row_writer *w, struct sql *db, struct error *err);
void row_writer_release(struct row_writer *w);
/* Inserts, or brings the row up to date (m->stored). */
int row_put_message(struct row_writer *w, const struct message *m, struct error *err);
/* A call that is going to be written: the message that refers to it shares its subject. */
void row_expect_php(struct row_writer *w, const struct php_mail *p);
int row_put_php(struct row_writer *w, const struct php_mail *p, struct error *err);
/* A row that is not there is no error. */
int row_drop_message(struct row_writer *w, int64_t id, struct error *err);
int row_drop_php(struct row_writer *w, int64_t id, struct error *err);
/* Writes what is gathered in memory; before a commit, and before it is read. */
int row_writer_flush(struct row_writer *w, struct error *err);
/* After that: starts gathering anew. */
void row_writer_flushed(struct row_writer *w);
/* Forgets what is found again in the tables. */
void row_writer_put_away(struct row_writer *w);
/* After a rollback: forgets what the database does not hold. */
void row_writer_rolled_back(struct row_writer *w);

#endif
