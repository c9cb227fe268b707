/* One thread, one batch under way.
 *
 * Invariant: `batch` and the store are the thread's while `busy`, and the pipeline's side's
 * else; only that side sets `busy`, only the thread clears it. What the pipeline asks for
 * while the thread is busy is read from what is committed, if it is surely not in the
 * transaction under way; else the thread is waited for. Streams are in the last part of a
 * transaction only. Knows nothing of positions or of what a batch holds otherwise. */
#include "schema/behind.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/map.h"
#include "schema/row_read.h"
#include "schema/stream.h"

/* What is asked for are a few rows that were put out of memory. */
#define SET_CACHE "PRAGMA cache_size = -2048"

struct behind {
	struct store *store;
	struct batch batch;
	struct map streams; /* keys of the batch's */
	bool alone; /* nothing else is in its transaction */

	struct sql *db; /* reads beside the thread */
	struct row_reader rows;
	struct stream_rows stream_rows;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool busy, ending, failed;
	struct error failure;
};

/* ---- the thread ---- */

static void *work(void *behind)
{
	struct behind *b = behind;

	pthread_mutex_lock(&b->lock);
	for (;;) {
		struct error err;
		bool failed;

		while (!b->busy && !b->ending)
			pthread_cond_wait(&b->changed, &b->lock);
		if (!b->busy)
			break;
		pthread_mutex_unlock(&b->lock);
		failed = store_commit(b->store, &b->batch, &err) < 0;
		pthread_mutex_lock(&b->lock);
		if (failed) {
			b->failed = true;
			b->failure = err;
		}
		b->busy = false;
		pthread_cond_broadcast(&b->changed);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

static bool is_busy(struct behind *b)
{
	bool busy;

	pthread_mutex_lock(&b->lock);
	busy = b->busy;
	pthread_mutex_unlock(&b->lock);
	return busy;
}

int behind_wait(struct behind *b, struct error *err)
{
	bool failed;

	pthread_mutex_lock(&b->lock);
	while (b->busy)
		pthread_cond_wait(&b->changed, &b->lock);
	failed = b->failed;
	pthread_mutex_unlock(&b->lock);
	if (failed && err)
		*err = b->failure;
	return failed ? -1 : 0;
}

/* ---- handing over ---- */

static void forget_batch(struct behind *b)
{
	batch_release(&b->batch);
	map_release(&b->streams);
	b->streams = (struct map){ 0 };
}

int behind_commit(struct behind *b, struct batch *batch, struct error *err)
{
	if (behind_wait(b, err) < 0)
		return -1;
	b->alone = !b->batch.more;
	forget_batch(b);
	batch_take(&b->batch, batch);
	for (size_t i = 0; i < b->batch.nstreams; i++)
		map_put(&b->streams, b->batch.streams[i].key, b);
	pthread_mutex_lock(&b->lock);
	b->busy = true;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	return 0;
}

/* ---- reading ---- */

/* Messages of a batch are in the order of their ids. */
static bool has_message(const struct batch *b, int64_t id)
{
	size_t from = 0, to = b->nmessages;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (b->messages[middle]->id == id)
			return true;
		if (b->messages[middle]->id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

struct message *behind_load_message(void *behind, int64_t id)
{
	struct behind *b = behind;
	struct message *m;

	if (!is_busy(b) || !b->alone || has_message(&b->batch, id)) {
		behind_wait(b, NULL);
		return store_load_message(b->store, id);
	}
	m = message_new();
	m->stored = row_read_message(&b->rows, id, m, NULL) == 1;
	if (m->stored)
		return m;
	message_free(m);
	return NULL;
}

/* By name and time, so any row of the batch might be it. */
int64_t behind_find(void *behind, struct str host, struct str id, usec_t time, usec_t *seen,
		    usec_t *closed)
{
	struct behind *b = behind;

	behind_wait(b, NULL);
	return store_find(b->store, host, id, time, seen, closed);
}

bool behind_load_stream(void *behind, struct str key, struct stream_row *row)
{
	struct behind *b = behind;

	if (is_busy(b) && map_get(&b->streams, key))
		behind_wait(b, NULL);
	return stream_load(&b->stream_rows, key, row);
}

static bool has_known(const struct batch *b, int64_t stream)
{
	for (size_t i = 0; i < b->nknown; i++)
		if (b->known[i].stream == stream)
			return true;
	return false;
}

void behind_load_known(void *behind, int64_t stream,
		       void (*known)(void *to, const struct known_row *chunk), void *to)
{
	struct behind *b = behind;

	if (is_busy(b) && has_known(&b->batch, stream))
		behind_wait(b, NULL);
	stream_load_known(&b->stream_rows, stream, known, to);
}

struct finding *behind_load_finding(void *behind, int64_t id)
{
	struct behind *b = behind;

	behind_wait(b, NULL);
	return store_load_finding(b->store, id);
}

/* ---- life ---- */

/* Signals are for the thread that reads. */
static int start_thread(struct behind *b, struct error *err)
{
	sigset_t all, before;
	int number;

	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	number = pthread_create(&b->thread, NULL, work, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number)
		return error_set(err, EXIT_AGAIN, "no second thread: %s", strerror(number));
	b->started = true;
	return 0;
}

static int set_up(struct behind *b, const char *path, struct error *err)
{
	b->db = sql_open_read(path, err);
	if (!b->db || sql_exec(b->db, SET_CACHE, err) < 0 ||
	    row_reader_init(&b->rows, b->db, err) < 0 ||
	    stream_rows_init(&b->stream_rows, b->db, err) < 0)
		return -1;
	return start_thread(b, err);
}

struct behind *behind_start(struct store *s, const char *path, struct error *err)
{
	struct behind *b = xcalloc(1, sizeof(*b));

	b->store = s;
	if (set_up(b, path, err) == 0)
		return b;
	behind_stop(b);
	return NULL;
}

void behind_stop(struct behind *b)
{
	if (!b)
		return;
	if (b->started) {
		pthread_mutex_lock(&b->lock);
		b->ending = true;
		pthread_cond_broadcast(&b->changed);
		pthread_mutex_unlock(&b->lock);
		pthread_join(b->thread, NULL);
		pthread_cond_destroy(&b->changed);
		pthread_mutex_destroy(&b->lock);
	}
	forget_batch(b);
	stream_rows_release(&b->stream_rows);
	sql_close(b->db);
	free(b);
}
