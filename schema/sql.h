/* SQLite, as far as mailaudit uses it. Only sql.c includes <sqlite3.h>.
 *
 * Log text goes in and out as bytes with a length, so NUL and invalid UTF-8
 * come back as they were. A connection belongs to one thread. */
#ifndef MAILAUDIT_SCHEMA_SQL_H
#define MAILAUDIT_SCHEMA_SQL_H

#include "base/error.h"
#include "base/str.h"

struct sql;
struct sql_stmt;

/* For writing: creates the file (0640) when missing, and changes nothing in one
 * that is there. Errors of all functions: EXIT_NOINPUT, EXIT_PERMISSION,
 * EXIT_CONFIG (not a database, damaged), EXIT_AGAIN (locked, disk full, I/O). */
struct sql *sql_open_write(const char *path, struct error *err);
/* For writing to a file that is there; changes none of its properties. */
struct sql *sql_open_existing(const char *path, struct error *err);
/* Another connection to a writer's file, for another thread. */
struct sql *sql_open_beside(const struct sql *writer, struct error *err);
/* Once the file is known to be ours or empty: WAL, synchronous NORMAL, no
 * automatic checkpoint, incremental vacuum. cache_kib bounds the page cache. */
int sql_set_up_write(struct sql *db, int cache_kib, struct error *err);
/* For reading an existing file; cannot write. */
struct sql *sql_open_read(const char *path, struct error *err);
/* Finalizes all statements of the connection. NULL is fine. */
void sql_close(struct sql *db);
const char *sql_path(const struct sql *db);

/* One or more statements without results. */
int sql_exec(struct sql *db, const char *text, struct error *err);
/* `PRAGMA name` as a number. */
int sql_pragma(struct sql *db, const char *name, int64_t *value, struct error *err);

/* For repeated use. Lives until sql_finalize or sql_close. NULL: error. At
 * LOG_LEVEL_DEBUG the text and SQLite's plan for it are logged. */
struct sql_stmt *sql_prepare(struct sql *db, const char *text, struct error *err);
void sql_finalize(struct sql_stmt *st); /* NULL is fine */

/* Inserts rows into "TABLE (COLUMN, ...)" with so many columns. Rows are gathered and written
 * many at a time, since a statement costs as much as a row. Parameters are bound as always,
 * the bytes of a str must live until sql_flush(). An error ends the transaction. */
struct sql_stmt *sql_prepare_rows(struct sql *db, const char *into, int columns,
				  struct error *err);
/* Writes the rows that were gathered; `sql_forget_rows` gives them up. */
int sql_flush(struct sql_stmt *st, struct error *err);
void sql_forget_rows(struct sql_stmt *st);

/* A statement that is a member of a struct. */
struct sql_text {
	size_t member; /* offsetof the struct sql_stmt * */
	const char *text;
};

#define SQL_COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Prepares them all into *owner. */
int sql_prepare_all(struct sql *db, void *owner, const struct sql_text *list, size_t n,
		    struct error *err);

/* Parameters count from 1 and keep their value until bound again. The bytes of
 * a str must live until the statement has run. A STR_NONE is bound as ''. */
void sql_bind_int(struct sql_stmt *st, int i, int64_t value);
void sql_bind_real(struct sql_stmt *st, int i, double value);
void sql_bind_null(struct sql_stmt *st, int i);
void sql_bind_str(struct sql_stmt *st, int i, struct str value);
void sql_bind_blob(struct sql_stmt *st, int i, struct str value);
/* NULL when the value is `usual`. */
void sql_bind_int_unless(struct sql_stmt *st, int i, int64_t value, int64_t usual);
/* NULL when the value is empty. */
void sql_bind_str_or_null(struct sql_stmt *st, int i, struct str value);

/* 1: there is a row; 0: no more; -1: error. Resets itself on 0 and -1. */
int sql_step(struct sql_stmt *st, struct error *err);
/* Runs to the end and resets; rows are ignored. Of sql_prepare_rows: one row is bound. */
int sql_run(struct sql_stmt *st, struct error *err);
/* Runs it for the number in its first row; 0: no row, NULL, or an error. */
int64_t sql_run_int(struct sql_stmt *st);
/* Ends a statement before its last row. */
void sql_reset(struct sql_stmt *st);

/* Columns count from 0; views live until the next step or reset. */
int64_t sql_int(struct sql_stmt *st, int column); /* 0 for NULL */
int64_t sql_int_or(struct sql_stmt *st, int column, int64_t when_null);
double sql_real(struct sql_stmt *st, int column); /* 0 for NULL */
struct str sql_str(struct sql_stmt *st, int column); /* STR_NONE for NULL */
bool sql_is_null(struct sql_stmt *st, int column);
bool sql_is_int(struct sql_stmt *st, int column);
bool sql_is_blob(struct sql_stmt *st, int column);

int64_t sql_last_id(const struct sql *db); /* rowid of the last INSERT */
int64_t sql_changes(const struct sql *db); /* rows of the last change */

/* Bytes the write-ahead log holds after the last commit (0: nothing since the
 * last full checkpoint). */
int64_t sql_wal_bytes(const struct sql *db);
/* Copies the write-ahead log into the file as far as readers allow, without
 * waiting for them; `restart` waits (at most the busy timeout) so that the next
 * commit starts the log anew. Not done because of a reader is no error. */
int sql_checkpoint(struct sql *db, bool restart, struct error *err);
/* Bytes of the log this connection's last checkpoint found, or left, copied. */
int64_t sql_wal_copied(const struct sql *db);

/* Gives back the memory of pages that can be read again. */
void sql_put_away(struct sql *db);

/* An SQL function of at most SQL_ARGS_MAX arguments without side effects. Arguments are
 * texts; args[i] of a NULL, or of one that is not given, is STR_NONE. Returns the number it
 * answers. nargs -1: any number. */
#define SQL_ARGS_MAX 4
typedef int64_t sql_number_fn(const struct str *args);
/* Writes its answer to buf (SQL_TEXT_MAX bytes); returns the length. */
#define SQL_TEXT_MAX 128
typedef size_t sql_text_fn(const struct str *args, char *buf);
int sql_number_function(struct sql *db, const char *name, int nargs, sql_number_fn *fn,
			struct error *err);
int sql_text_function(struct sql *db, const char *name, int nargs, sql_text_fn *fn,
		      struct error *err);

#endif
