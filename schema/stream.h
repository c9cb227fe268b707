/* Streams, with the recipients they know, to rows and back. */
#ifndef MAILAUDIT_SCHEMA_STREAM_H
#define MAILAUDIT_SCHEMA_STREAM_H

#include "core/pipeline.h"
#include "schema/sql.h"

struct stream_rows {
	struct sql *db;
	struct sql_stmt *update, *insert, *find, *known;
	struct sql_stmt *put_known, *forget, *old, *drop, *drop_known;
	struct arena found; /* the row last answered */
	int64_t change; /* of the number of rows since the last commit */
	int64_t looked_at; /* id up to which stream_drop_old() came */
};

int stream_rows_init(struct stream_rows *r, struct sql *db, struct error *err);
void stream_rows_release(struct stream_rows *r);
/* The batch's streams, chunks that became full, and forgotten chunks. */
int stream_put_all(struct stream_rows *r, const struct batch *b, struct error *err);
/* As load_stream and load_known of struct row_source say. An error is "none". */
bool stream_load(struct stream_rows *r, struct str key, struct stream_row *row);
void stream_load_known(struct stream_rows *r, int64_t stream,
		       void (*known)(void *to, const struct known_row *chunk), void *to);
/* Looks at the next `rows` streams, by id and round and round, and deletes those
 * unused since `before`. Returns how many; -1 error. */
int64_t stream_drop_old(struct stream_rows *r, usec_t before, int64_t rows, struct error *err);
/* After a commit, and after a rollback. */
void stream_rows_settled(struct stream_rows *r);

#endif
