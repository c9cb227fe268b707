/* The one user of <sqlite3.h>: connections, statements, and SQLite's errors in
 * words that say what to do.
 *
 * Invariant: text is bound and read with its length, never as a C string; a
 * statement that came to its end or failed is reset. Knows no table. */
#include "schema/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* A reader holds no lock that a writer waits for; this is for another writer
 * and for the moment in which the log is started anew. */
#define BUSY_TIMEOUT_MS 5000
#define READ_CACHE_KIB 16384
/* After a restart of the write-ahead log its file is cut to this. */
#define WAL_KEEP_BYTES (64 * 1024 * 1024)
#define FILE_MODE 0640

struct sql {
	sqlite3 *handle;
	char *path;
	struct sql_stmt *statements;
	int page_bytes;
	int wal_pages;
	int copied_pages; /* of the log, as of the last checkpoint */
};

struct cell {
	enum { CELL_NULL, CELL_INT, CELL_TEXT, CELL_BLOB } type;
	union {
		int64_t number;
		struct str bytes;
	};
};

/* Rows of one statement that inserts many. */
#define ROWS 32

struct sql_stmt {
	struct sql *db;
	sqlite3_stmt *handle;
	struct sql_stmt *next, **link;
	/* Of sql_prepare_rows: handle inserts ROWS rows, `one` a single one. */
	sqlite3_stmt *one;
	struct cell *cells; /* of the rows gathered */
	int columns, rows;
};

/* What SQLite's result codes mean to a person. */
static const struct {
	int result, code;
	const char *text;
} problems[] = {
	{ SQLITE_NOTADB, EXIT_CONFIG,
	  "is not a database; remove it or point `database:` elsewhere" },
	{ SQLITE_CORRUPT, EXIT_CONFIG,
	  "is damaged; stop mailauditd, set the file aside, start anew and import the logs "
	  "again (or rescue it with `sqlite3 FILE .recover`)" },
	{ SQLITE_FULL, EXIT_AGAIN, "cannot grow: the disk is full" },
	{ SQLITE_IOERR, EXIT_AGAIN, "cannot be read or written" },
	{ SQLITE_READONLY, EXIT_PERMISSION, "may not be written" },
	{ SQLITE_PERM, EXIT_PERMISSION, "may not be used" },
	{ SQLITE_AUTH, EXIT_PERMISSION, "may not be used" },
	{ SQLITE_BUSY, EXIT_AGAIN, "is locked by another program" },
	{ SQLITE_LOCKED, EXIT_AGAIN, "is locked by another program" },
	{ SQLITE_CANTOPEN, EXIT_NOINPUT, "cannot be opened" },
};

static int fail_open(const char *path, int number, struct error *err)
{
	int code = EXIT_INTERNAL;

	if (number == EACCES || number == EPERM || number == EROFS)
		code = EXIT_PERMISSION;
	else if (number == ENOENT || number == ENOTDIR || number == EISDIR || number == ELOOP)
		code = EXIT_NOINPUT;
	else if (number == ENOSPC || number == EMFILE || number == ENFILE || number == EDQUOT)
		code = EXIT_AGAIN;
	return error_set(err, code, "%s: %s", path, strerror(number));
}

static int fail(struct sql *db, struct error *err)
{
	int result = sqlite3_errcode(db->handle);
	int number = sqlite3_system_errno(db->handle);
	const char *why = sqlite3_errmsg(db->handle);

	if (result == SQLITE_CANTOPEN && number)
		return fail_open(db->path, number, err);
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		if (problems[i].result != result)
			continue;
		if (result == SQLITE_IOERR && number)
			why = strerror(number);
		return error_set(err, problems[i].code, "database %s %s (%s)", db->path,
				 problems[i].text, why);
	}
	return error_set(err, EXIT_INTERNAL, "database %s: %s", db->path, why);
}

static int remember_wal(void *context, sqlite3 *handle, const char *schema, int pages)
{
	struct sql *db = context;

	(void)handle;
	(void)schema;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* Statistics of the allocator cost a mutex around every allocation. */
static void configure_library(void)
{
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* With our mode, whatever the umask; SQLite gives -wal and -shm the same. */
static int create_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

	if (fd < 0)
		return errno == EEXIST ? 0 : fail_open(path, errno, err);
	fchmod(fd, FILE_MODE);
	close(fd);
	return 0;
}

/* SQLite's own error for a directory or an unreadable file says too little. */
static int check_access(const char *path, int mode, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fail_open(path, errno, err);
	if (S_ISDIR(st.st_mode))
		return fail_open(path, EISDIR, err);
	return access(path, mode) < 0 ? fail_open(path, errno, err) : 0;
}

static struct sql *open_handle(const char *path, int flags, struct error *err)
{
	struct sql *db = xcalloc(1, sizeof(*db));

	configure_library();
	db->path = str_dup(str_of(path));
	if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		if (!db->handle)
			bug("out of memory in SQLite");
		fail(db, err);
		sql_close(db);
		return NULL;
	}
	sqlite3_extended_result_codes(db->handle, 0);
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return db;
}

struct sql *sql_open_write(const char *path, struct error *err)
{
	if (create_file(path, err) < 0 || check_access(path, R_OK | W_OK, err) < 0)
		return NULL;
	return open_handle(path, SQLITE_OPEN_READWRITE, err);
}

struct sql *sql_open_existing(const char *path, struct error *err)
{
	if (check_access(path, R_OK | W_OK, err) < 0)
		return NULL;
	return open_handle(path, SQLITE_OPEN_READWRITE, err);
}

struct sql *sql_open_beside(const struct sql *writer, struct error *err)
{
	struct sql *db = sql_open_existing(writer->path, err);
	int64_t unused;

	if (!db)
		return NULL;
	db->page_bytes = writer->page_bytes;
	/* A connection that has read nothing knows of no log. */
	if (sql_pragma(db, "schema_version", &unused, err) == 0)
		return db;
	sql_close(db);
	return NULL;
}

int sql_set_up_write(struct sql *db, int cache_kib, struct error *err)
{
	char text[512];
	int64_t page_bytes;
	int keep = 1;

	/* The page size and auto_vacuum count only for a file that is empty yet. */
	snprintf(text, sizeof(text),
		 "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL;"
		 "PRAGMA mmap_size = 0; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -%d;"
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		 "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %d;",
		 cache_kib, WAL_KEEP_BYTES);
	if (sql_exec(db, text, err) < 0 || sql_pragma(db, "page_size", &page_bytes, err) < 0)
		return -1;
	db->page_bytes = (int)page_bytes;
	/* Readers without the right to create -wal and -shm need them to stay. */
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	sqlite3_wal_hook(db->handle, remember_wal, db);
	return 0;
}

struct sql *sql_open_read(const char *path, struct error *err)
{
	struct sql *db;
	char text[128];

	if (check_access(path, R_OK, err) < 0)
		return NULL;
	db = open_handle(path, SQLITE_OPEN_READONLY, err);
	if (!db)
		return NULL;
	snprintf(text, sizeof(text),
		 "PRAGMA mmap_size = 0; PRAGMA query_only = ON; PRAGMA cache_size = -%d;",
		 READ_CACHE_KIB);
	if (sql_exec(db, text, err) < 0) {
		sql_close(db);
		return NULL;
	}
	return db;
}

void sql_close(struct sql *db)
{
	if (!db)
		return;
	while (db->statements)
		sql_finalize(db->statements);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

const char *sql_path(const struct sql *db)
{
	return db->path;
}

int sql_exec(struct sql *db, const char *text, struct error *err)
{
	return sqlite3_exec(db->handle, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, err);
}

int sql_pragma(struct sql *db, const char *name, int64_t *value, struct error *err)
{
	char text[64];
	struct sql_stmt *st;
	int rc;

	snprintf(text, sizeof(text), "PRAGMA %s", name);
	st = sql_prepare(db, text, err);
	if (!st)
		return -1;
	rc = sql_step(st, err);
	*value = rc == 1 ? sql_int(st, 0) : 0;
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

/* For who wonders why a query is slow. */
static void log_plan(struct sql *db, const char *text)
{
	sqlite3_stmt *plan;
	char *query = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);

	log_debug("sql: %s", text);
	if (query && sqlite3_prepare_v2(db->handle, query, -1, &plan, NULL) == SQLITE_OK) {
		while (sqlite3_step(plan) == SQLITE_ROW)
			log_debug("plan: %s", (const char *)sqlite3_column_text(plan, 3));
		sqlite3_finalize(plan);
	}
	sqlite3_free(query);
}

static sqlite3_stmt *prepare(struct sql *db, const char *text, struct error *err)
{
	sqlite3_stmt *handle;

	if (log_level >= LOG_LEVEL_DEBUG)
		log_plan(db, text);
	if (sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL) ==
	    SQLITE_OK)
		return handle;
	fail(db, err);
	return NULL;
}

struct sql_stmt *sql_prepare(struct sql *db, const char *text, struct error *err)
{
	sqlite3_stmt *handle = prepare(db, text, err);
	struct sql_stmt *st;

	if (!handle)
		return NULL;
	st = xcalloc(1, sizeof(*st));
	*st = (struct sql_stmt){ .db = db, .handle = handle, .next = db->statements,
				 .link = &db->statements };
	if (st->next)
		st->next->link = &st->next;
	db->statements = st;
	return st;
}

/* "INSERT ... VALUES (?,?),(?,?)". With OR ABORT, the usual way, SQLite would copy each
 * page that the statement is the first to change to a file, to undo half a statement. */
static char *rows_text(const char *into, int rows, int columns)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		bug("out of memory");
	fprintf(out, "INSERT OR ROLLBACK INTO %s VALUES ", into);
	for (int i = 0; i < rows * columns; i++)
		fputs(i % columns ? ",?" : i ? "),(?" : "(?", out);
	fputc(')', out);
	fclose(out);
	return text;
}

struct sql_stmt *sql_prepare_rows(struct sql *db, const char *into, int columns,
				  struct error *err)
{
	char *many = rows_text(into, ROWS, columns), *one = rows_text(into, 1, columns);
	struct sql_stmt *st = sql_prepare(db, many, err);

	if (st) {
		st->one = prepare(db, one, err);
		st->cells = xcalloc(ROWS * (size_t)columns, sizeof(*st->cells));
		st->columns = columns;
	}
	free(many);
	free(one);
	return st && st->one ? st : NULL;
}

void sql_finalize(struct sql_stmt *st)
{
	if (!st)
		return;
	*st->link = st->next;
	if (st->next)
		st->next->link = st->link;
	sqlite3_finalize(st->handle);
	sqlite3_finalize(st->one);
	free(st->cells);
	free(st);
}

int sql_prepare_all(struct sql *db, void *owner, const struct sql_text *list, size_t n,
		    struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct sql_stmt *st = sql_prepare(db, list[i].text, err);

		if (!st)
			return -1;
		*(struct sql_stmt **)(void *)((char *)owner + list[i].member) = st;
	}
	return 0;
}

/* Binding fails only for a parameter that is not there, or without memory. */
static void bound(int result)
{
	if (result != SQLITE_OK)
		bug(sqlite3_errstr(result));
}

/* Where a parameter waits for its statement to run. */
static struct cell *cell_at(struct sql_stmt *st, int i)
{
	return &st->cells[st->rows * st->columns + i - 1];
}

void sql_bind_int(struct sql_stmt *st, int i, int64_t value)
{
	if (st->cells)
		*cell_at(st, i) = (struct cell){ .type = CELL_INT, .number = value };
	else
		bound(sqlite3_bind_int64(st->handle, i, value));
}

void sql_bind_real(struct sql_stmt *st, int i, double value)
{
	bound(sqlite3_bind_double(st->handle, i, value));
}

void sql_bind_null(struct sql_stmt *st, int i)
{
	if (st->cells)
		cell_at(st, i)->type = CELL_NULL;
	else
		bound(sqlite3_bind_null(st->handle, i));
}

static int bind_text(sqlite3_stmt *handle, int i, struct str value)
{
	return sqlite3_bind_text64(handle, i, value.n ? value.p : "", value.n, SQLITE_STATIC,
				   SQLITE_UTF8);
}

static int bind_blob(sqlite3_stmt *handle, int i, struct str value)
{
	return sqlite3_bind_blob64(handle, i, value.n ? value.p : "", value.n, SQLITE_STATIC);
}

void sql_bind_str(struct sql_stmt *st, int i, struct str value)
{
	if (st->cells)
		*cell_at(st, i) = (struct cell){ .type = CELL_TEXT, .bytes = value };
	else
		bound(bind_text(st->handle, i, value));
}

void sql_bind_blob(struct sql_stmt *st, int i, struct str value)
{
	if (st->cells)
		*cell_at(st, i) = (struct cell){ .type = CELL_BLOB, .bytes = value };
	else
		bound(bind_blob(st->handle, i, value));
}

void sql_bind_int_unless(struct sql_stmt *st, int i, int64_t value, int64_t usual)
{
	if (value == usual)
		sql_bind_null(st, i);
	else
		sql_bind_int(st, i, value);
}

void sql_bind_str_or_null(struct sql_stmt *st, int i, struct str value)
{
	if (value.n)
		sql_bind_str(st, i, value);
	else
		sql_bind_null(st, i);
}

static int step(struct sql *db, sqlite3_stmt *handle, struct error *err)
{
	int result = sqlite3_step(handle);

	if (result == SQLITE_ROW)
		return 1;
	if (result != SQLITE_DONE)
		fail(db, err);
	sqlite3_reset(handle);
	return result == SQLITE_DONE ? 0 : -1;
}

int sql_step(struct sql_stmt *st, struct error *err)
{
	return step(st->db, st->handle, err);
}

static void bind_cell(sqlite3_stmt *handle, int i, const struct cell *c)
{
	switch (c->type) {
	case CELL_NULL:
		bound(sqlite3_bind_null(handle, i));
		break;
	case CELL_INT:
		bound(sqlite3_bind_int64(handle, i, c->number));
		break;
	case CELL_TEXT:
		bound(bind_text(handle, i, c->bytes));
		break;
	case CELL_BLOB:
		bound(bind_blob(handle, i, c->bytes));
		break;
	}
}

/* Rows from `row` on, as many as the statement takes. */
static int insert_rows(struct sql_stmt *st, sqlite3_stmt *handle, int row, int rows,
		       struct error *err)
{
	for (int i = 0; i < rows * st->columns; i++)
		bind_cell(handle, i + 1, &st->cells[row * st->columns + i]);
	return step(st->db, handle, err);
}

int sql_flush(struct sql_stmt *st, struct error *err)
{
	int rows = st->rows, rc = 0;

	st->rows = 0;
	if (rows == ROWS)
		return insert_rows(st, st->handle, 0, ROWS, err);
	for (int i = 0; i < rows && rc == 0; i++)
		rc = insert_rows(st, st->one, i, 1, err);
	return rc;
}

void sql_forget_rows(struct sql_stmt *st)
{
	st->rows = 0;
}

int sql_run(struct sql_stmt *st, struct error *err)
{
	int rc;

	if (st->cells)
		return ++st->rows == ROWS ? sql_flush(st, err) : 0;
	do
		rc = sql_step(st, err);
	while (rc == 1);
	return rc;
}

int64_t sql_run_int(struct sql_stmt *st)
{
	int64_t n = 0;

	if (sql_step(st, NULL) == 1)
		n = sql_int(st, 0);
	sql_reset(st);
	return n;
}

void sql_reset(struct sql_stmt *st)
{
	sqlite3_reset(st->handle);
}

int64_t sql_int(struct sql_stmt *st, int column)
{
	return sqlite3_column_int64(st->handle, column);
}

int64_t sql_int_or(struct sql_stmt *st, int column, int64_t when_null)
{
	return sql_is_null(st, column) ? when_null : sql_int(st, column);
}

double sql_real(struct sql_stmt *st, int column)
{
	return sqlite3_column_double(st->handle, column);
}

struct str sql_str(struct sql_stmt *st, int column)
{
	const char *p = sqlite3_column_blob(st->handle, column);

	return (struct str){ p, p ? (size_t)sqlite3_column_bytes(st->handle, column) : 0 };
}

bool sql_is_null(struct sql_stmt *st, int column)
{
	return sqlite3_column_type(st->handle, column) == SQLITE_NULL;
}

bool sql_is_int(struct sql_stmt *st, int column)
{
	return sqlite3_column_type(st->handle, column) == SQLITE_INTEGER;
}

bool sql_is_blob(struct sql_stmt *st, int column)
{
	return sqlite3_column_type(st->handle, column) == SQLITE_BLOB;
}

int64_t sql_last_id(const struct sql *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int64_t sql_changes(const struct sql *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t sql_wal_bytes(const struct sql *db)
{
	return (int64_t)db->wal_pages * db->page_bytes;
}

int sql_checkpoint(struct sql *db, bool restart, struct error *err)
{
	int mode = restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
	int in_log = 0, copied = 0;
	int result = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, &in_log, &copied);

	if (result != SQLITE_OK && result != SQLITE_BUSY)
		return fail(db, err);
	if (in_log < 0) /* another connection is at it: nothing is known */
		return 0;
	if (in_log == copied)
		db->wal_pages = 0;
	db->copied_pages = copied;
	return 0;
}

int64_t sql_wal_copied(const struct sql *db)
{
	return (int64_t)db->copied_pages * db->page_bytes;
}

void sql_put_away(struct sql *db)
{
	sqlite3_db_release_memory(db->handle);
}

static struct str argument(sqlite3_value *value)
{
	const char *p = sqlite3_value_blob(value);

	return (struct str){ p, p ? (size_t)sqlite3_value_bytes(value) : 0 };
}

static void take_arguments(struct str *args, int nargs, sqlite3_value **values)
{
	for (int i = 0; i < SQL_ARGS_MAX; i++)
		args[i] = i < nargs ? argument(values[i]) : STR_NONE;
}

static void call_number(sqlite3_context *context, int nargs, sqlite3_value **values)
{
	sql_number_fn *const *fn = sqlite3_user_data(context);
	struct str args[SQL_ARGS_MAX];

	take_arguments(args, nargs, values);
	sqlite3_result_int64(context, (*fn)(args));
}

static void call_text(sqlite3_context *context, int nargs, sqlite3_value **values)
{
	sql_text_fn *const *fn = sqlite3_user_data(context);
	struct str args[SQL_ARGS_MAX];
	char buf[SQL_TEXT_MAX];
	size_t n;

	take_arguments(args, nargs, values);
	n = (*fn)(args, buf);
	sqlite3_result_text64(context, buf, n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

#define PURE (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY)

int sql_number_function(struct sql *db, const char *name, int nargs, sql_number_fn *fn,
			struct error *err)
{
	sql_number_fn **kept = xmalloc(sizeof(*kept));

	*kept = fn; /* a pointer to a function does not fit a void * by the standard */
	if (sqlite3_create_function_v2(db->handle, name, nargs, PURE, kept, call_number, NULL,
				       NULL, free) != SQLITE_OK)
		return fail(db, err);
	return 0;
}

int sql_text_function(struct sql *db, const char *name, int nargs, sql_text_fn *fn,
		      struct error *err)
{
	sql_text_fn **kept = xmalloc(sizeof(*kept));

	*kept = fn;
	if (sqlite3_create_function_v2(db->handle, name, nargs, PURE, kept, call_text, NULL, NULL,
				       free) != SQLITE_OK)
		return fail(db, err);
	return 0;
}
