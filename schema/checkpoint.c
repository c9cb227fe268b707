/* The thread that copies the write-ahead log.
 *
 * Invariant: what the two threads share is under the lock, and the connection is the
 * thread's alone. It never waits for a reader or the writer, and neither for it. */
#include "schema/checkpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct checkpoint {
	struct sql *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool work, stop;
	int64_t copied;
};

/* Until it is asked; false: to stop. */
static bool wait_to_be_asked(struct checkpoint *c)
{
	bool work;

	pthread_mutex_lock(&c->lock);
	while (!c->work && !c->stop)
		pthread_cond_wait(&c->asked, &c->lock);
	work = !c->stop;
	pthread_mutex_unlock(&c->lock);
	return work;
}

static void *run(void *context)
{
	struct checkpoint *c = context;

	while (wait_to_be_asked(c)) {
		/* One that fails costs nothing but the space. */
		sql_checkpoint(c->db, false, NULL);
		pthread_mutex_lock(&c->lock);
		c->copied = sql_wal_copied(c->db);
		c->work = false;
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

/* Signals are the other thread's. */
static int start_thread(struct checkpoint *c)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

static void release(struct checkpoint *c)
{
	sql_close(c->db);
	pthread_cond_destroy(&c->asked);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct checkpoint *checkpoint_start(const struct sql *writer, struct error *err)
{
	struct checkpoint *c = xcalloc(1, sizeof(*c));
	int failed;

	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->asked, NULL);
	c->db = sql_open_beside(writer, err);
	if (!c->db) {
		release(c);
		return NULL;
	}
	failed = start_thread(c);
	if (failed) {
		error_set(err, EXIT_AGAIN, "a thread cannot be started: %s", strerror(failed));
		release(c);
		return NULL;
	}
	return c;
}

void checkpoint_stop(struct checkpoint *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->asked);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	release(c);
}

void checkpoint_ask(struct checkpoint *c)
{
	pthread_mutex_lock(&c->lock);
	c->work = true;
	pthread_cond_signal(&c->asked);
	pthread_mutex_unlock(&c->lock);
}

int64_t checkpoint_copied(struct checkpoint *c)
{
	int64_t copied;

	pthread_mutex_lock(&c->lock);
	copied = c->work ? -1 : c->copied;
	pthread_mutex_unlock(&c->lock);
	return copied;
}
