/* Inside of struct store, for the files that make it up: store.c (open and
 * commit), restore.c, retain.c. Others use store.h. */
#ifndef MAILAUDIT_SCHEMA_STORE_STATE_H
#define MAILAUDIT_SCHEMA_STORE_STATE_H

#include "schema/checkpoint.h"
#include "schema/count.h"
#include "schema/finding.h"
#include "schema/journal.h"
#include "schema/position.h"
#include "schema/retain.h"
#include "schema/row_read.h"
#include "schema/row_write.h"
#include "schema/stream.h"

/* Numbers of table meta. */
enum meta_name {
	META_CREATED,
	META_WATERMARK,
	META_NEXT_MESSAGE,
	META_NEXT_PHP,
	META_COMMITS,
	META_MESSAGES,
	META_RECIPIENTS,
	META_PHP,
	META_NEXT_STREAM,
	META_NEXT_FINDING,
	META_STREAMS,
	META_COUNT
};

struct store {
	struct sql *db;
	int lock;
	struct row_writer rows;
	struct row_reader reader;
	struct positions positions;
	struct journals journals;
	struct counts counts;
	struct retain retain;
	struct finding_rows findings;
	struct stream_rows streams;
	struct sql_stmt *begin, *commit, *rollback, *put_meta, *put_note, *drop_note,
		*put_news;
	bool open; /* a transaction, between its parts */
	int64_t meta[META_COUNT]; /* as committed */
	int64_t next[META_COUNT]; /* as the open transaction will leave it */
	int64_t checkpoint_at; /* bytes of the write-ahead log */
	struct checkpoint *beside; /* NULL: the writer does it all */
	usec_t tell_since; /* see store_tell_since() */
};

/* Runs fn(s, argument) in a transaction; all of it happens or nothing. */
int store_transaction(struct store *s, int (*fn)(struct store *, void *, struct error *),
		      void *argument, struct error *err);

#endif
