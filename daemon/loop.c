/* The loop: wait, read a bounded amount, run the pipeline, commit.
 *
 * Invariant: the log is the queue. What was read and cannot be committed stays
 * in the pipeline, and nothing more is read until it is committed. After READY
 * nothing but a signal ends it. Idle, it wakes for the slow tick only. */
#include "daemon/loop.h"

#include <errno.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/ready.h"
#include "daemon/sources.h"

/* Everything is looked at again; bounds the harm of a lost event. */
#define TICK_USEC (30 * USEC_SECOND)
/* While busy a commit comes at the latest after this, or so many lines. */
#define COMMIT_MAX_USEC (USEC_SECOND / 10)
#define COMMIT_MAX_LINES 20000
/* A commit of read positions alone: what is lost without it is read again. */
#define COMMIT_POSITIONS_USEC (5 * USEC_SECOND)
/* After a commit comes a pause as long as it took; longer in proportion when more lines come
 * than these in a second, so that batches grow, and in all not much longer than this. */
#define CALM_LINES 1000
#define PAUSE_MAX_USEC (USEC_SECOND / 100)
#define RETRY_FIRST_USEC USEC_SECOND
#define RETRY_MAX_USEC USEC_MINUTE
/* Owner maps are looked at for changes before input, at most so often. */
#define MAPS_USEC (10 * USEC_SECOND)
#define STATUS_USEC (10 * USEC_SECOND)
/* Findings that were last seen longer ago are the past: nobody is told of them. */
#define TELL_LATE_USEC USEC_DAY
#define RETAIN_EVERY_USEC USEC_HOUR
#define RETAIN_STEP_USEC (USEC_SECOND / 20)
#define RETAIN_ROWS 200
/* So much later while there is always something to read: no host is too busy to delete. */
#define RETAIN_BUSY_USEC USEC_SECOND

struct loop {
	struct loop_setup *setup;
	struct recorder *recorder;
	struct sources *sources;
	struct watch *watch;
	int signals;
	bool stop;

	/* Monotonic times when something is due; 0: nothing is. */
	usec_t tick_due, commit_due, retry_due, clock_due, status_due;
	usec_t maps_looked; /* when the owner maps were looked at */
	usec_t watchdog_due, retain_due;
	usec_t watchdog_usec, retry_usec;

	usec_t commit_took, committed; /* length and end of the last one */
	int64_t pace; /* lines a second, of late */
	int64_t tick_lines; /* at the last tick */
	usec_t dirty_since; /* 0: nothing to commit */
	size_t lines; /* since the last commit */
	usec_t event_lag; /* of the log's clock behind ours, when last known */
	usec_t event_seen; /* watermark when it was measured */
	usec_t last_input;
	int64_t status_lines; /* at the last status */
	usec_t status_time;
};

static usec_t clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_SECOND + ts.tv_nsec / 1000;
}

static usec_t monotonic(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

static bool is_due(usec_t due, usec_t now)
{
	return due && due <= now;
}

/* ---- committing ---- */

static bool is_blocked(const struct loop *l)
{
	return l->retry_due != 0;
}

static void commit_failed(struct loop *l, const struct error *err)
{
	usec_t now = monotonic();

	if (!l->retry_usec)
		log_error("%s; nothing is read until it can be stored, nothing is lost",
			  err->text);
	l->retry_usec = l->retry_usec ? l->retry_usec * 2 : RETRY_FIRST_USEC;
	if (l->retry_usec > RETRY_MAX_USEC)
		l->retry_usec = RETRY_MAX_USEC;
	l->retry_due = now + l->retry_usec;
	ready_status("Cannot store: %s", err->text);
}

/* What happened while we did not listen must be looked up. */
static void commit_works_again(struct loop *l)
{
	log_info("storing works again");
	l->retry_usec = l->retry_due = 0;
	sources_reconcile(l->sources);
}

/* Of a commit that began at `start` and has ended. */
static void measure_pace(struct loop *l, usec_t start)
{
	usec_t now = monotonic();

	l->pace = (3 * l->pace + (int64_t)l->lines * USEC_SECOND / (now - l->committed + 1)) / 4;
	l->commit_took = now - start;
	l->committed = now;
}

/* At least half of the time is for other work than commits. */
static usec_t pause_length(const struct loop *l)
{
	usec_t length = l->commit_took * l->pace / CALM_LINES;

	if (length > PAUSE_MAX_USEC)
		length = PAUSE_MAX_USEC;
	return length > l->commit_took ? length : l->commit_took;
}

static bool commit(struct loop *l)
{
	usec_t start = monotonic();
	struct error err;

	store_tell_since(recorder_store(l->recorder),
			 clock_usec(CLOCK_REALTIME) - TELL_LATE_USEC);
	if (sources_commit(l->sources, &err) < 0) {
		commit_failed(l, &err);
		return false;
	}
	measure_pace(l, start);
	l->dirty_since = l->commit_due = 0;
	l->lines = 0;
	if (l->retry_usec)
		commit_works_again(l);
	return true;
}

/* When what there is to commit should be: at once when it is quiet, but commits
 * must not eat the time; soon when busy; with patience for positions alone. */
static usec_t commit_time(const struct loop *l, bool busy, usec_t now)
{
	bool facts = pipeline_dirty(recorder_pipeline(l->recorder));
	usec_t earliest = l->committed + pause_length(l);
	usec_t latest = l->dirty_since + (facts ? COMMIT_MAX_USEC : COMMIT_POSITIONS_USEC);

	if (l->lines >= COMMIT_MAX_LINES || pipeline_full(recorder_pipeline(l->recorder)))
		return now;
	if (busy || !facts)
		return latest;
	return earliest < latest ? earliest : latest;
}

static void commit_if_time(struct loop *l, const struct sources_state *state, usec_t now)
{
	if (!state->uncommitted && !pipeline_dirty(recorder_pipeline(l->recorder))) {
		l->dirty_since = l->commit_due = 0;
		return;
	}
	if (!l->dirty_since)
		l->dirty_since = now;
	l->commit_due = commit_time(l, state->busy, now);
	if (l->commit_due <= now)
		commit(l);
}

/* ---- the log's time ---- */

/* When the last line read may have waited long enough. */
static usec_t clock_time(const struct loop *l)
{
	return l->last_input + l->setup->settings->php_wait + USEC_SECOND;
}

/* The log's clock runs on while nothing is written, as far behind ours as its
 * stamps were behind the writing (a log replayed later, another zone). */
static void measure_clock(struct loop *l, const struct sources_state *state, usec_t now)
{
	struct pipeline *p = recorder_pipeline(l->recorder);
	usec_t watermark = pipeline_watermark(p);

	if (state->lines == 0)
		return;
	if (watermark != l->event_seen && state->mtime) {
		l->event_lag = state->mtime > watermark ? state->mtime - watermark : 0;
		l->event_seen = watermark;
	}
	l->last_input = now;
	if (!l->clock_due)
		l->clock_due = clock_time(l);
}

static void advance_clock(struct loop *l, usec_t now)
{
	struct pipeline *p = recorder_pipeline(l->recorder);

	l->clock_due = clock_time(l) > now ? clock_time(l) : 0;
	pipeline_tick(p, clock_usec(CLOCK_REALTIME) - l->event_lag);
	l->event_seen = pipeline_watermark(p);
}

/* ---- retention ---- */

static usec_t retention_limit(const struct loop *l, usec_t length)
{
	usec_t now = clock_usec(CLOCK_REALTIME);
	usec_t newest = pipeline_watermark(recorder_pipeline(l->recorder));

	/* A wrong clock must not empty the database. */
	return (newest && newest < now ? newest : now) - length;
}

/* One small step; the next comes soon while there is more to delete. */
static void retain(struct loop *l, usec_t now)
{
	const struct settings *set = l->setup->settings;
	struct store *store = recorder_store(l->recorder);
	struct error err;
	int64_t deleted = 0, findings = 0;

	if (set->retention_messages)
		deleted = store_retain(store, retention_limit(l, set->retention_messages),
				       RETAIN_ROWS, &err);
	if (deleted >= 0 && set->retention_findings)
		findings = store_retain_findings(store,
						 retention_limit(l, set->retention_findings),
						 RETAIN_ROWS, &err);
	if (deleted < 0 || findings < 0)
		log_warning("deleting old messages and findings: %s", err.text);
	l->retain_due = now + (deleted >= RETAIN_ROWS || findings >= RETAIN_ROWS ?
				       RETAIN_STEP_USEC : RETAIN_EVERY_USEC);
}

/* ---- settings ---- */

static void apply(struct loop *l, struct settings *fresh)
{
	struct settings *old = l->setup->settings;
	struct error err;

	if (strcmp(old->database, fresh->database) != 0)
		log_warning("database: %s is used from the next start on", fresh->database);
	if (recorder_reload(l->recorder, fresh, &err) < 0) {
		log_error("settings not changed: %s", err.text);
		settings_free(fresh);
		return;
	}
	l->setup->settings = fresh;
	sources_configure(l->sources, fresh);
	settings_free(old);
	log_info("settings read again; %zu logs followed", sources_count(l->sources));
}

static void reload(struct loop *l)
{
	struct settings *fresh;
	struct error err;

	ready_reloading(monotonic());
	fresh = l->setup->reload(l->setup->context, &err);
	if (!fresh)
		log_error("settings not changed: %s", err.text);
	else if (is_blocked(l) || !commit(l)) {
		log_error("settings not changed: first the database must work again");
		settings_free(fresh);
	} else {
		apply(l, fresh);
	}
	ready_reloaded();
}

/* ---- slow things ---- */

static void tell_status(struct loop *l, usec_t now)
{
	const struct pipeline_totals *t = pipeline_totals(recorder_pipeline(l->recorder));
	double seconds = (double)(now - l->status_time) / USEC_SECOND;

	if (is_blocked(l))
		return;
	ready_status("%zu logs, %lld bytes behind, %.0f lines/s, %lld open messages",
		     sources_count(l->sources), (long long)sources_lag(l->sources),
		     seconds > 0 ? (double)(t->lines - l->status_lines) / seconds : 0,
		     (long long)t->open);
	l->status_lines = t->lines;
	l->status_time = now;
}

/* What is due only after input, so that an idle daemon sleeps. */
static void after_input(struct loop *l, usec_t now)
{
	if (!l->status_due)
		l->status_due = now + STATUS_USEC;
}

/* What is not in use need not be kept, and where little happens even less. */
static void put_away(struct loop *l)
{
	struct pipeline *p = recorder_pipeline(l->recorder);
	int64_t lines = pipeline_totals(p)->lines;
	bool calm = lines - l->tick_lines < CALM_LINES * (TICK_USEC / USEC_SECOND);

	l->tick_lines = lines;
	pipeline_put_away(p);
	if (!calm)
		return;
	store_put_away(recorder_store(l->recorder));
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
}

static void tick(struct loop *l, usec_t now)
{
	l->tick_due = now + TICK_USEC;
	if (is_blocked(l))
		return;
	sources_reconcile(l->sources);
	put_away(l);
}

/* Before anything is read: the first line after a quiet hour must not find the
 * owners of an hour ago. Needs no timer: who wakes for a line comes by here. */
static void refresh_maps(struct loop *l, usec_t now)
{
	if (now - l->maps_looked < MAPS_USEC)
		return;
	l->maps_looked = now;
	if (recorder_refresh_maps(l->recorder))
		sources_accounts_changed(l->sources);
}

static void slow_things(struct loop *l, bool busy, usec_t now)
{
	if (is_due(l->watchdog_due, now)) {
		ready_alive();
		l->watchdog_due = now + l->watchdog_usec;
	}
	if (is_due(l->tick_due, now))
		tick(l, now);
	if (is_due(l->status_due, now)) {
		l->status_due = 0;
		tell_status(l, now);
	}
	if (is_blocked(l))
		return;
	if (!busy && is_due(l->clock_due, now))
		advance_clock(l, now);
	if (is_due(l->retain_due, busy ? now - RETAIN_BUSY_USEC : now))
		retain(l, now);
}

/* ---- waiting ---- */

static void take_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(l);
		else
			l->stop = true;
	}
}

static void earlier(usec_t *first, usec_t due)
{
	if (due && (!*first || due < *first))
		*first = due;
}

/* How long poll may sleep; -1: for ever. */
static usec_t patience(const struct loop *l, const struct sources_state *state, usec_t now)
{
	usec_t first = 0;

	earlier(&first, l->tick_due);
	earlier(&first, l->watchdog_due);
	earlier(&first, l->status_due);
	earlier(&first, l->retry_due);
	if (!is_blocked(l)) {
		if (state->busy)
			return 0;
		earlier(&first, l->commit_due);
		earlier(&first, l->clock_due);
		earlier(&first, l->retain_due);
		earlier(&first, state->deadline);
	}
	if (!first)
		return -1;
	return first <= now ? 0 : first - now;
}

static void wait_for_work(struct loop *l, usec_t most)
{
	struct timespec timeout = { most / USEC_SECOND, most % USEC_SECOND * 1000 };
	struct pollfd fds[2 + SOURCES_MAX_JOURNALS] = {
		{ .fd = l->signals, .events = POLLIN },
		/* While blocked nobody listens; poll skips negative numbers. */
		{ .fd = is_blocked(l) || !l->watch ? -1 : watch_fd(l->watch),
		  .events = POLLIN },
	};

	size_t journals = is_blocked(l) ? 0 : sources_poll(l->sources, fds + 2);

	if (ppoll(fds, 2 + journals, most < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR)
		log_error("poll: %s", strerror(errno));
	if (fds[0].revents)
		take_signals(l);
	sources_polled(l->sources, fds + 2, journals);
	if (fds[1].revents && !sources_drain(l->sources)) {
		log_debug("events were lost; looking at everything");
		sources_reconcile(l->sources);
	}
}

static void work(struct loop *l, struct sources_state *state)
{
	usec_t now = monotonic();

	if (is_blocked(l)) {
		if (is_due(l->retry_due, now))
			commit(l);
		slow_things(l, false, now);
		return;
	}
	refresh_maps(l, now);
	pipeline_clock(recorder_pipeline(l->recorder), clock_usec(CLOCK_REALTIME));
	sources_turn(l->sources, now, state);
	if (state->lines) {
		l->lines += state->lines;
		after_input(l, now);
	}
	measure_clock(l, state, now);
	commit_if_time(l, state, now);
	slow_things(l, state->busy, now);
}

/* ---- life ---- */

static int block_signals(struct loop *l, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signals < 0 ? error_set(err, EXIT_AGAIN, "signalfd: %s", strerror(errno)) : 0;
}

static void start(struct loop *l)
{
	usec_t now = monotonic();

	l->watchdog_usec = ready_watchdog() / 2;
	l->watchdog_due = l->watchdog_usec ? now + l->watchdog_usec : 0;
	l->tick_due = now + TICK_USEC;
	l->retain_due = now + RETAIN_STEP_USEC;
	l->last_input = l->maps_looked = now;
	l->clock_due = clock_time(l);
	l->status_time = now;
	l->sources = sources_new(l->recorder, l->watch);
	sources_configure(l->sources, l->setup->settings);
}

static void stop(struct loop *l)
{
	struct error err;

	ready_stopping();
	if (sources_commit(l->sources, &err) < 0)
		log_error("%s; what was not stored is read again at the next start", err.text);
	sources_free(l->sources);
	watch_close(l->watch);
	close(l->signals);
}

int loop_run(struct loop_setup *setup, struct error *err)
{
	struct loop l = { .setup = setup, .recorder = setup->recorder };
	struct sources_state state = { 0 };
	struct error watch_error;

	if (block_signals(&l, err) < 0)
		return -1;
	l.watch = watch_open(&watch_error);
	if (!l.watch)
		log_warning("%s; logs are looked at every 30 s only", watch_error.text);
	start(&l);
	work(&l, &state);
	if (!is_blocked(&l))
		commit(&l); /* from here on a restart knows what was followed */
	ready_started();
	log_info("following %zu logs", sources_count(l.sources));
	tell_status(&l, monotonic());
	while (!l.stop) {
		wait_for_work(&l, patience(&l, &state, monotonic()));
		work(&l, &state);
	}
	stop(&l);
	return 0;
}
