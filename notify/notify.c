/* The loop: news to alerts, outbox to channels, actions.
 *
 * Invariant: all state is in the database, so that it can end at any moment and be dead
 * for a day without loss. What does not work is tried again later; with `follow`
 * only a signal ends it. It polls: a look at a counter of SQLite four times a second
 * costs nothing, and needs no channel to the daemon. */
#include "notify/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "notify/deliver.h"
#include "notify/incident.h"

#define LOOK_MSEC 250
/* With a database that does not work. */
#define WAIT_MSEC 5000
#define SWEEP_EVERY USEC_MINUTE
#define FORGET_ROWS 1000

struct notify {
	const struct notify_setup *setup;
	struct decide *decide;
	struct report *report;
	struct actions *actions;
	int lock, signals;
	int64_t version; /* of the data when last looked at; -1: look */
	usec_t sweep_due;
	bool stop, reload;
	bool complained; /* about the database */
};

static usec_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (usec_t)ts.tv_sec * USEC_SECOND + ts.tv_nsec / 1000;
}

/* ---- one round ---- */

static int take_news(struct notify *n, struct error *err)
{
	struct incidents in = { n->decide, n->setup->settings, n->actions,
				clock_now() };
	int rc;

	while ((rc = incidents_take(&in, err)) > 0)
		in.now = clock_now();
	return rc;
}

static int sweep(struct notify *n, struct error *err)
{
	usec_t now = clock_now(), keep = n->setup->settings->retention_findings;
	struct incidents in = { n->decide, n->setup->settings, n->actions, now };
	struct deliveries d = { n->decide, n->report, n->setup->settings, now };

	if (now < n->sweep_due)
		return 0;
	n->sweep_due = now + SWEEP_EVERY;
	if (incidents_sweep(&in, err) < 0 || deliver_summary(&d, false, err) < 0)
		return -1;
	return keep ? decide_forget(n->decide, now - keep, FORGET_ROWS, err) : 0;
}

static void look_for_signals(struct notify *n, int msec)
{
	struct pollfd fd = { n->signals, POLLIN, 0 };
	struct signalfd_siginfo info;

	if (poll(&fd, 1, msec) <= 0)
		return;
	while (read(n->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			n->reload = true;
		else
			n->stop = true;
	}
}

static bool goes_on(const struct notify *n)
{
	return !n->stop && !n->reload;
}

/* All that is due. News comes first: it may be worse than what waits. */
static int work(struct notify *n, struct error *err)
{
	int rc = 1;

	while (rc == 1 && goes_on(n)) {
		struct deliveries d = { n->decide, n->report, n->setup->settings, 0 };

		if (take_news(n, err) < 0)
			return -1;
		d.now = clock_now(); /* what the news put into the outbox is due */
		rc = deliver_next(&d, err);
		look_for_signals(n, 0);
	}
	while (rc == 0 && goes_on(n)) {
		rc = actions_run_next(n->actions, n->setup->settings, n->decide, n->report,
				      n->setup->dry_run, clock_now(), err);
		if (rc == 0)
			break;
		rc = rc < 0 ? -1 : 0;
		look_for_signals(n, 0);
	}
	return rc < 0 ? -1 : 0;
}

static bool has_work(struct notify *n)
{
	int64_t version = decide_data_version(n->decide, NULL);
	usec_t due = outbox_next_due(n->decide), now = clock_now();
	bool changed = version != n->version;

	n->version = version;
	return changed || (due && due <= now) || now >= n->sweep_due;
}

static int round_of(struct notify *n, struct error *err)
{
	if (!has_work(n))
		return 0;
	return sweep(n, err) < 0 || work(n, err) < 0 ? -1 : 0;
}

/* ---- opening ---- */

static int take_lock(struct notify *n, struct error *err)
{
	char name[4096];

	if ((size_t)snprintf(name, sizeof(name), "%s.notify.lock", n->setup->database) >=
	    sizeof(name))
		return error_set(err, EXIT_CONFIG, "%s: the name is too long", n->setup->database);
	n->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (n->lock < 0)
		return error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s",
				 name, strerror(errno));
	if (flock(n->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return error_set(err, EXIT_AGAIN, "%s: another `mailaudit notify` is at work", name);
}

static void close_database(struct notify *n)
{
	decide_close(n->decide);
	report_close(n->report);
	n->decide = NULL;
	n->report = NULL;
	n->version = -1;
	if (n->lock >= 0)
		close(n->lock);
	n->lock = -1;
}

static int open_database(struct notify *n, struct error *err)
{
	if (n->decide)
		return 0;
	if (take_lock(n, err) == 0) {
		n->decide = decide_open(n->setup->database, err);
		n->report = n->decide ? report_open(n->setup->database, err) : NULL;
	}
	if (n->report)
		return 0;
	close_database(n);
	return -1;
}

static void listen_for_signals(struct notify *n)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	n->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- to its end ---- */

static int once(struct notify *n, struct error *err)
{
	struct deliveries d = { .settings = n->setup->settings, .now = clock_now() };

	if (open_database(n, err) < 0)
		return -1;
	d.decide = n->decide;
	d.report = n->report;
	if (n->setup->summary && deliver_summary(&d, true, err) < 0)
		return -1;
	return sweep(n, err) < 0 || work(n, err) < 0 ? -1 : 0;
}

static void complain(struct notify *n, const struct error *why)
{
	if (!n->complained)
		log_error("%s; trying again", why->text);
	n->complained = true;
}

static void follow(struct notify *n)
{
	while (goes_on(n)) {
		struct error why;
		int wait = LOOK_MSEC;

		if (open_database(n, &why) < 0 || round_of(n, &why) < 0) {
			complain(n, &why);
			close_database(n);
			wait = WAIT_MSEC;
		} else if (n->complained) {
			log_info("the database can be used again");
			n->complained = false;
		}
		look_for_signals(n, wait);
	}
}

int notify_run(const struct notify_setup *setup, struct error *err)
{
	struct notify n = { .setup = setup, .lock = -1, .signals = -1, .version = -1 };
	int rc = 0;

	n.actions = actions_load(setup->settings, err);
	if (!n.actions)
		return -1;
	listen_for_signals(&n);
	if (setup->summary || !setup->follow)
		rc = once(&n, err);
	if (rc == 0 && setup->follow)
		follow(&n);
	close_database(&n);
	actions_free(n.actions);
	close(n.signals);
	if (rc < 0)
		return -1;
	return n.reload ? NOTIFY_RELOAD : NOTIFY_DONE;
}
