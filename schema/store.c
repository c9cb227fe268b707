/* The database for writing: opening, committing, and keeping the write-ahead
 * log short.
 *
 * Invariant: a batch (rows, detection, counts, notes, read positions, watermark) is in the
 * database as a whole or not at all, and memory (dictionaries, sums, numbers)
 * follows what was committed. Reading for people is report.c's. */
#include "schema/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "schema/migrate.h"
#include "schema/store_state.h"

#define CACHE_KIB_USUAL 16384
#define LOCK_MODE 0640
/* A checkpoint costs two syncs and rewrites pages that will change again soon:
 * a quarter of the speed of an import when it runs every few MiB. */
#define WAL_SOFT_BYTES (256LL * 1024 * 1024)
/* Idle, there is nothing to slow down. */
#define WAL_IDLE_BYTES (1024 * 1024)
/* With a thread for it: the smaller, the less a reader looks through, and the more often
 * the same pages are written. */
#define WAL_BESIDE_BYTES (64LL * 1024 * 1024)
/* It is asked again when the log grew so much more. */
#define WAL_STEP_BYTES (1024 * 1024)
/* So little takes the writer no longer than a commit. */
#define WAL_REST_BYTES (4 * WAL_STEP_BYTES)
/* Overlapping readers kept the log from starting anew: wait for them. */
#define WAL_HARD_BYTES (4 * WAL_SOFT_BYTES)

static const char *const meta_names[META_COUNT] = {
	[META_CREATED] = "created",	      [META_WATERMARK] = "watermark",
	[META_NEXT_MESSAGE] = "next_message", [META_NEXT_PHP] = "next_php",
	[META_COMMITS] = "commits",	      [META_MESSAGES] = "messages",
	[META_RECIPIENTS] = "recipients",     [META_PHP] = "php",
	[META_NEXT_STREAM] = "next_stream",   [META_NEXT_FINDING] = "next_finding",
	[META_STREAMS] = "streams",
};

static const struct sql_text statements[] = {
	{ offsetof(struct store, begin), "BEGIN IMMEDIATE" },
	{ offsetof(struct store, commit), "COMMIT" },
	{ offsetof(struct store, rollback), "ROLLBACK" },
	{ offsetof(struct store, put_meta), "REPLACE INTO meta (name, value) VALUES (?1, ?2)" },
	{ offsetof(struct store, put_note),
	  "REPLACE INTO note (kind, key, value, time) VALUES (?1, ?2, ?3, ?4)" },
	{ offsetof(struct store, drop_note), "DELETE FROM note WHERE kind = ?1 AND key = ?2" },
	/* The end of what nobody was told of is no news, unless its beginning is, too: an import
	 * may see both between two commits. What waits for the end of a mute goes on waiting. */
	{ offsetof(struct store, put_news),
	  "INSERT INTO news (finding, number, due) SELECT ?1, ?2, 0 WHERE ?3 OR EXISTS"
	  " (SELECT 1 FROM alert_finding WHERE finding = ?1)"
	  " ON CONFLICT (finding) DO UPDATE SET number = excluded.number" },
};

/* --- transactions ---------------------------------------------------------- */

static int write_meta(struct store *s, struct error *err)
{
	for (int i = 0; i < META_COUNT; i++) {
		if (s->next[i] == s->meta[i])
			continue;
		sql_bind_str(s->put_meta, 1, str_of(meta_names[i]));
		sql_bind_int(s->put_meta, 2, s->next[i]);
		if (sql_run(s->put_meta, err) < 0)
			return -1;
	}
	return 0;
}

static int begin(struct store *s, struct error *err)
{
	if (s->open)
		return 0;
	if (sql_run(s->begin, err) < 0)
		return -1;
	memcpy(s->next, s->meta, sizeof(s->next));
	s->open = true;
	return 0;
}

/* All that memory knows of what was written goes into the transaction. */
static int flush(struct store *s, struct error *err)
{
	if (row_writer_flush(&s->rows, err) < 0)
		return -1;
	s->next[META_MESSAGES] += s->rows.hourly.messages;
	s->next[META_RECIPIENTS] += s->rows.hourly.recipients;
	s->next[META_PHP] += s->rows.php;
	s->next[META_STREAMS] += s->streams.change;
	row_writer_flushed(&s->rows);
	stream_rows_settled(&s->streams);
	return 0;
}

static int end(struct store *s, struct error *err)
{
	if (write_meta(s, err) < 0 || sql_run(s->commit, err) < 0)
		return -1;
	memcpy(s->meta, s->next, sizeof(s->meta));
	s->open = false;
	return 0;
}

static void roll_back(struct store *s)
{
	sql_run(s->rollback, NULL); /* SQLite may have done it already */
	row_writer_rolled_back(&s->rows);
	stream_rows_settled(&s->streams);
	s->open = false;
}

typedef int step_fn(struct store *s, void *argument, struct error *err);

/* Within the open transaction, which begins with it if there is none. */
static int run(struct store *s, step_fn *fn, void *argument, bool more, struct error *err)
{
	if (begin(s, err) < 0)
		return -1;
	if (fn(s, argument, err) == 0 && flush(s, err) == 0 && (more || end(s, err) == 0))
		return 0;
	roll_back(s);
	return -1;
}

int store_transaction(struct store *s, step_fn *fn, void *argument, struct error *err)
{
	return run(s, fn, argument, false, err);
}

/* --- opening --------------------------------------------------------------- */

static int take_lock(struct store *s, const char *path, struct error *err)
{
	char name[4096];
	int code;

	if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
		return error_set(err, EXIT_CONFIG, "%s: the name is too long", path);
	s->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
	if (s->lock < 0) {
		code = errno == EACCES || errno == EROFS ? EXIT_PERMISSION : EXIT_NOINPUT;
		return error_set(err, code, "%s: %s", name, strerror(errno));
	}
	fchmod(s->lock, LOCK_MODE);
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(err, EXIT_AGAIN,
			 "%s: another mailauditd or `mailaudit import` writes to it", path);
}

static int cache_kib(void)
{
	const char *text = getenv("MAILAUDIT_CACHE_KIB");
	int64_t kib;

	return text && str_int(str_of(text), &kib) && kib > 0 && kib < 1 << 24 ? (int)kib
									       : CACHE_KIB_USUAL;
}

static int open_database(struct store *s, const char *path, struct error *err)
{
	int version;

	s->db = sql_open_write(path, err);
	if (!s->db || migrate_recognize(s->db, migrations, migrations_count, &version, err) < 0)
		return -1;
	if (sql_set_up_write(s->db, cache_kib(), err) < 0)
		return -1;
	if (migrate(s->db, migrations, migrations_count, err) < 0)
		return -1;
	/* A migration may have written all of the database to the log: not in a commit. */
	if (version && version < migrations[migrations_count - 1].version)
		sql_checkpoint(s->db, true, NULL);
	return 0;
}

static int read_meta(struct store *s, struct error *err)
{
	struct sql_stmt *st = sql_prepare(s->db, "SELECT name, value FROM meta", err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1)
		for (int i = 0; i < META_COUNT; i++)
			if (str_eq(sql_str(st, 0), str_of(meta_names[i])))
				s->meta[i] = sql_int(st, 1);
	sql_finalize(st);
	return rc;
}

static int note_birth(struct store *s, void *unused, struct error *err)
{
	struct timeval now;

	(void)unused;
	(void)err;
	gettimeofday(&now, NULL);
	s->next[META_CREATED] = now.tv_sec * USEC_SECOND + now.tv_usec;
	s->next[META_NEXT_MESSAGE] = s->next[META_NEXT_PHP] = 1;
	return 0;
}

static int make_run(struct store *s, void *unused, struct error *err)
{
	(void)unused;
	return lookup_make_run(&s->rows.lookup, err);
}

/* Of what a migration left: each search would go through all ids there are, and the first
 * commit would have all of it to do. */
static int make_runs(struct store *s, struct error *err)
{
	while (lookup_makes_run(&s->rows.lookup))
		if (store_transaction(s, make_run, NULL, err) < 0)
			return -1;
	return 0;
}

static int set_up(struct store *s, const char *path, struct error *err)
{
	if (take_lock(s, path, err) < 0 || open_database(s, path, err) < 0 ||
	    sql_prepare_all(s->db, s, statements, SQL_COUNT(statements), err) < 0)
		return -1;
	if (row_writer_init(&s->rows, s->db, err) < 0 ||
	    row_reader_init(&s->reader, s->db, err) < 0 ||
	    positions_init(&s->positions, s->db, err) < 0 ||
	    journals_init(&s->journals, s->db, err) < 0 ||
	    counts_init(&s->counts, s->db, err) < 0 || retain_init(&s->retain, s->db, err) < 0 ||
	    finding_rows_init(&s->findings, s->db, err) < 0 ||
	    stream_rows_init(&s->streams, s->db, err) < 0 || read_meta(s, err) < 0)
		return -1;
	if (!s->meta[META_CREATED] && store_transaction(s, note_birth, NULL, err) < 0)
		return -1;
	return make_runs(s, err);
}

struct store *store_open(const char *path, struct error *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->lock = -1;
	s->checkpoint_at = WAL_SOFT_BYTES;
	s->tell_since = INT64_MAX;
	if (set_up(s, path, err) == 0)
		return s;
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	checkpoint_stop(s->beside);
	row_writer_release(&s->rows);
	positions_release(&s->positions);
	journals_release(&s->journals);
	stream_rows_release(&s->streams);
	sql_close(s->db);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}

/* --- committing ------------------------------------------------------------ */

static int put_messages(struct store *s, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->nphp; i++)
		row_expect_php(&s->rows, b->php[i]);
	for (size_t i = 0; i < b->ndropped; i++)
		if (row_drop_message(&s->rows, b->dropped[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nmessages; i++) {
		const struct message *m = b->messages[i];

		if (row_put_message(&s->rows, m, err) < 0)
			return -1;
		if (m->id >= s->next[META_NEXT_MESSAGE])
			s->next[META_NEXT_MESSAGE] = m->id + 1;
	}
	/* Numbers of mail that is only counted are not given again either. */
	if (b->next_message > s->next[META_NEXT_MESSAGE])
		s->next[META_NEXT_MESSAGE] = b->next_message;
	return 0;
}

static int put_php(struct store *s, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->nphp; i++) {
		if (row_put_php(&s->rows, b->php[i], err) < 0)
			return -1;
		if (b->php[i]->id >= s->next[META_NEXT_PHP])
			s->next[META_NEXT_PHP] = b->php[i]->id + 1;
	}
	return 0;
}

static int put_note(struct store *s, const struct note *n, struct error *err)
{
	struct sql_stmt *st = n->value.p ? s->put_note : s->drop_note;

	sql_bind_str(st, 1, n->kind);
	sql_bind_str(st, 2, n->key);
	if (n->value.p) {
		sql_bind_str(st, 3, n->value);
		sql_bind_int(st, 4, n->time);
	}
	return sql_run(st, err);
}

static int put_notes(struct store *s, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->nnotes; i++)
		if (put_note(s, &b->notes[i], err) < 0)
			return -1;
	return 0;
}

static void give_out(struct store *s, enum meta_name name, int64_t next)
{
	if (next > s->next[name])
		s->next[name] = next;
}

static int put_finding(struct store *s, const struct finding *f, struct error *err)
{
	if (finding_put(&s->findings, &s->rows, f, err) < 0)
		return -1;
	if ((f->closed ? f->closed : f->last_seen) < s->tell_since)
		return 0;
	sql_bind_int(s->put_news, 1, f->id);
	sql_bind_int(s->put_news, 2, s->next[META_COMMITS]);
	sql_bind_int(s->put_news, 3, !f->closed || !f->stored);
	return sql_run(s->put_news, err);
}

void store_tell_since(struct store *s, usec_t last_seen)
{
	s->tell_since = last_seen;
}

static int put_detection(struct store *s, const struct batch *b, struct error *err)
{
	give_out(s, META_NEXT_STREAM, b->next_stream);
	give_out(s, META_NEXT_FINDING, b->next_finding);
	for (size_t i = 0; i < b->nfindings; i++)
		if (put_finding(s, b->findings[i], err) < 0)
			return -1;
	return stream_put_all(&s->streams, b, err);
}

static int put_positions(struct store *s, const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->npositions; i++)
		if (positions_put(&s->positions, &b->positions[i], s->next[META_COMMITS], err) < 0)
			return -1;
	return 0;
}

static int put_mail(struct store *s, void *argument, struct error *err)
{
	const struct batch *b = argument;

	if (b->watermark > s->next[META_WATERMARK])
		s->next[META_WATERMARK] = b->watermark;
	s->rows.day = s->next[META_WATERMARK] / USEC_DAY;
	return put_messages(s, b, err) < 0 || put_php(s, b, err) < 0 ? -1 : 0;
}

static int put_batch(struct store *s, void *argument, struct error *err)
{
	const struct batch *b = argument;

	s->next[META_COMMITS]++;
	if (put_mail(s, argument, err) < 0 || put_notes(s, b, err) < 0)
		return -1;
	if (put_detection(s, b, err) < 0 ||
	    counts_put(&s->counts, &s->rows.domain, &s->rows.account, b, err) < 0)
		return -1;
	if (journals_write(&s->journals, b, err) < 0)
		return -1;
	return put_positions(s, b, err);
}

int store_checkpoint_beside(struct store *s, struct error *err)
{
	s->beside = checkpoint_start(s->db, err);
	s->checkpoint_at = WAL_BESIDE_BYTES;
	return s->beside ? 0 : -1;
}

/* The thread copies what there is; of what came meanwhile it is asked to copy again, until
 * the rest is small. When that is copied, too, the next commit begins the log anew. */
static void bound_wal_beside(struct store *s, int64_t bytes)
{
	int64_t copied;

	if (bytes < WAL_BESIDE_BYTES)
		s->checkpoint_at = WAL_BESIDE_BYTES;
	if (bytes < s->checkpoint_at)
		return;
	copied = checkpoint_copied(s->beside);
	if (copied < 0)
		return;
	if (s->checkpoint_at > WAL_BESIDE_BYTES && bytes - copied <= WAL_REST_BYTES)
		sql_checkpoint(s->db, false, NULL);
	else
		checkpoint_ask(s->beside);
	s->checkpoint_at = bytes + WAL_STEP_BYTES;
}

/* A reader that holds the log back is tried again only when it grew as much
 * again. A checkpoint that fails costs nothing but the space. */
static void bound_wal(struct store *s)
{
	int64_t bytes = sql_wal_bytes(s->db);

	if (s->beside && bytes < WAL_HARD_BYTES) {
		bound_wal_beside(s, bytes);
		return;
	}
	if (bytes < WAL_SOFT_BYTES)
		s->checkpoint_at = WAL_SOFT_BYTES;
	if (bytes < s->checkpoint_at)
		return;
	s->checkpoint_at = bytes + WAL_SOFT_BYTES;
	sql_checkpoint(s->db, bytes >= WAL_HARD_BYTES, NULL);
}

int store_commit(struct store *s, const struct batch *b, struct error *err)
{
	if (b->more)
		return run(s, put_mail, (void *)b, true, err);
	if (run(s, put_batch, (void *)b, false, err) < 0)
		return -1;
	bound_wal(s);
	return 0;
}

void store_idle(struct store *s)
{
	if (sql_wal_bytes(s->db) < WAL_IDLE_BYTES)
		return;
	sql_checkpoint(s->db, false, NULL);
}

void store_put_away(struct store *s)
{
	row_writer_put_away(&s->rows);
	sql_put_away(s->db);
}

/* --- reading for the daemon ------------------------------------------------ */

struct message *store_load_message(void *store, int64_t id)
{
	struct store *s = store;
	struct message *m = message_new();

	if (row_read_message(&s->reader, id, m, NULL) != 1) {
		message_free(m);
		return NULL;
	}
	m->stored = true;
	return m;
}

int64_t store_find(void *store, struct str host, struct str id, usec_t time, usec_t *seen,
		   usec_t *closed)
{
	struct store *s = store;

	return row_find(&s->reader, host, id, time, seen, closed);
}

bool store_load_stream(void *store, struct str key, struct stream_row *row)
{
	struct store *s = store;

	return stream_load(&s->streams, key, row);
}

void store_load_known(void *store, int64_t stream,
		      void (*known)(void *to, const struct known_row *chunk), void *to)
{
	struct store *s = store;

	stream_load_known(&s->streams, stream, known, to);
}

struct finding *store_load_finding(void *store, int64_t id)
{
	struct store *s = store;
	struct finding *f = finding_new();

	if (finding_read(&s->findings, id, f, NULL) == 1)
		return f;
	finding_free(f);
	return NULL;
}

bool store_journal(struct store *s, struct str name, struct journal_position *out)
{
	return journals_find(&s->journals, name, out);
}

void store_journals(struct store *s,
		    void (*fn)(void *context, const struct journal_position *row), void *context)
{
	journals_each(&s->journals, fn, context);
}

bool store_position_of_path(struct store *s, struct str path, struct position *out)
{
	return positions_of_path(&s->positions, path, out, NULL) == 1;
}

bool store_position_of_content(struct store *s, struct str head, struct position *out)
{
	return positions_of_content(&s->positions, head, out, NULL) == 1;
}
