/* Watching directories through libinotifytools, with its traps fenced in.
 *
 * The library hides its descriptor (we find it), opens it without close-on-exec
 * and blocking (we set both), keeps events in a buffer of its own (we drain
 * until NULL), and cannot forget a watch the kernel has dropped: a directory
 * that is removed stays in its tables, and the name keeps the old number. So a
 * directory that comes back is given to it under a new spelling ("dir/",
 * "dir//", ...), and when many are dead the library is started anew.
 *
 * Invariant: by_wd and by_path hold the same entries, each with the number
 * under which the kernel reports it. Files are never watched. */
#include "daemon/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotifytools.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"

#define MASK_NAMES (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
		    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* A directory that dies more often waits for the slow tick. */
#define MAX_DEATHS 8
/* Dead watches in the library before it is started anew. */
#define MAX_DEAD 1024

struct watched {
	char *dir;
	int wd; /* -1: not watched now */
	unsigned use; /* as watched */
	unsigned wanted; /* as asked for since watch_begin */
	unsigned spelling; /* slashes behind the name, at least 1 */
	unsigned deaths; /* since the last tick */
};

struct watch {
	int fd;
	struct map by_path, by_wd;
	size_t watched; /* directories with a wd */
	size_t dead; /* records the library cannot drop */
	bool told; /* that a directory could not be watched */
};

static struct str wd_key(const int *wd)
{
	return (struct str){ (const char *)wd, sizeof(*wd) };
}

/* The number of our only inotify descriptor, or -1. */
static int find_descriptor(void)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *entry;
	int found = -1;

	while (fds && found < 0 && (entry = readdir(fds))) {
		char target[64];
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target));
		int64_t number;

		if (n > 0 && str_eq((struct str){ target, (size_t)n }, STR("anon_inode:inotify")) &&
		    str_int(str_of(entry->d_name), &number))
			found = (int)number;
	}
	if (fds)
		closedir(fds);
	return found;
}

static int start_library(struct watch *w, struct error *err)
{
	if (!inotifytools_initialize())
		return error_set(err, EXIT_AGAIN, "inotify: %s (see fs.inotify in sysctl)",
				 strerror(inotifytools_error()));
	w->fd = find_descriptor();
	if (w->fd < 0)
		return error_set(err, EXIT_INTERNAL, "inotify: descriptor not found");
	if (fcntl(w->fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(w->fd, F_SETFL, O_NONBLOCK) < 0)
		return error_set(err, EXIT_INTERNAL, "inotify: %s", strerror(errno));
	return 0;
}

struct watch *watch_open(struct error *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	if (start_library(w, err) == 0)
		return w;
	free(w);
	return NULL;
}

void watch_close(struct watch *w)
{
	struct map_slot *slot;
	size_t i = 0;

	if (!w)
		return;
	while ((slot = map_next(&w->by_path, &i))) {
		struct watched *d = slot->value;

		free(d->dir);
		free(d);
	}
	map_release(&w->by_path);
	map_release(&w->by_wd);
	inotifytools_cleanup();
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

/* The name the library knows it by: see the top. */
static bool spell(const struct watched *d, char *buf, size_t size)
{
	size_t n = strlen(d->dir);

	if (n + d->spelling >= size)
		return false;
	memcpy(buf, d->dir, n);
	memset(buf + n, '/', d->spelling);
	buf[n + d->spelling] = '\0';
	return true;
}

static void unwatch_record(struct watch *w, struct watched *d)
{
	map_remove(&w->by_wd, wd_key(&d->wd));
	d->wd = -1;
	d->use = 0;
	w->watched--;
}

static void unwatch(struct watch *w, struct watched *d)
{
	if (d->wd < 0)
		return;
	inotifytools_remove_watch_by_wd(d->wd);
	unwatch_record(w, d);
}

/* The kernel dropped it, or reports it under another name. */
static void died(struct watch *w, struct watched *d)
{
	unwatch_record(w, d);
	d->spelling++;
	d->deaths++;
	w->dead++;
}

static bool watch_now(struct watch *w, struct watched *d)
{
	int mask = MASK_NAMES | (d->wanted & WATCH_WRITES ? IN_MODIFY : 0);
	char name[PATH_MAX];
	struct watched *twin;

	if (!spell(d, name, sizeof(name)) || !inotifytools_watch_file(name, mask))
		return false;
	d->wd = inotifytools_wd_from_filename(name);
	twin = map_get(&w->by_wd, wd_key(&d->wd));
	if (twin)
		died(w, twin); /* two names of one directory: the later one is told */
	map_put(&w->by_wd, wd_key(&d->wd), d);
	d->use = d->wanted;
	w->watched++;
	return true;
}

void watch_begin(struct watch *w)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&w->by_path, &i)))
		((struct watched *)slot->value)->wanted = 0;
}

void watch_want(struct watch *w, const char *dir, unsigned use)
{
	struct watched *d = map_get(&w->by_path, str_of(dir));

	if (!d) {
		d = xcalloc(1, sizeof(*d));
		d->dir = str_dup(str_of(dir));
		d->wd = -1;
		d->spelling = 1;
		map_put(&w->by_path, str_of(dir), d);
	}
	d->wanted |= use;
}

/* Says what keeps us from watching, once until all can be watched again. */
static bool complain(struct watch *w, const struct watched *d)
{
	int why = inotifytools_error();

	if (why == ENOENT || why == ENOTDIR)
		return true;
	if (!w->told)
		log_warning("%s: cannot be watched (%s); looked at every 30 s instead", d->dir,
			    why == ENOSPC ? "fs.inotify.max_user_watches is too low" :
					    strerror(why));
	w->told = true;
	return false;
}

/* Brings one directory to what is wanted of it. */
static bool settle(struct watch *w, struct watched *d, bool *opened)
{
	if (d->wanted == 0)
		unwatch(w, d);
	if (d->wanted == 0 || (d->wanted == d->use && d->wd >= 0))
		return true;
	unwatch(w, d);
	if (d->deaths > MAX_DEATHS || w->watched >= WATCH_MAX_DIRS)
		return false;
	if (!watch_now(w, d))
		return complain(w, d);
	*opened = true;
	return true;
}

/* Forgets what is neither wanted nor remembered for its deaths. */
static void sweep(struct watch *w)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&w->by_path, &i))) {
		struct watched *d = slot->value;

		if (d->wanted || d->spelling > 1)
			continue;
		map_remove(&w->by_path, str_of(d->dir));
		free(d->dir);
		free(d);
		i--; /* what stood behind it may have moved up */
	}
}

/* Starts the library anew, which is its only way to forget. */
static void start_anew(struct watch *w)
{
	struct map_slot *slot;
	struct error err;
	size_t i = 0;

	inotifytools_cleanup();
	while ((slot = map_next(&w->by_path, &i))) {
		struct watched *d = slot->value;

		d->wd = -1;
		d->use = 0;
		d->spelling = 1;
	}
	map_release(&w->by_wd);
	w->watched = w->dead = 0;
	if (start_library(w, &err) < 0) {
		log_error("%s", err.text);
		w->fd = -1; /* the slow tick goes on, and tries again */
		w->dead = MAX_DEAD;
	}
}

bool watch_end(struct watch *w, bool *opened)
{
	struct map_slot *slot;
	bool all = true;
	size_t i = 0;

	*opened = false;
	if (w->dead >= MAX_DEAD)
		start_anew(w);
	if (w->fd < 0)
		return false;
	while ((slot = map_next(&w->by_path, &i)))
		all &= settle(w, slot->value, opened);
	sweep(w);
	if (all)
		w->told = false;
	return all;
}

/* One event; true unless it says that others were lost. */
static bool take(struct watch *w, const struct inotify_event *ev, watch_seen *seen,
		 void *context)
{
	struct watched *d;

	if (ev->mask & IN_Q_OVERFLOW)
		return false;
	d = map_get(&w->by_wd, wd_key(&ev->wd));
	if (!d)
		return true; /* unwatched meanwhile */
	seen(context, d->dir, ev->len ? ev->name : "", ev->mask & IN_MODIFY);
	if (ev->mask & (IN_IGNORED | IN_UNMOUNT))
		died(w, d);
	else if (ev->mask & IN_MOVE_SELF)
		unwatch(w, d); /* it has another name now */
	return true;
}

bool watch_drain(struct watch *w, watch_seen *seen, void *context)
{
	const struct inotify_event *ev;
	bool complete = true;

	while (w->fd >= 0 && (ev = inotifytools_next_events(0, 1)))
		complete &= take(w, ev, seen, context);
	return complete;
}

void watch_tick(struct watch *w)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&w->by_path, &i)))
		((struct watched *)slot->value)->deaths = 0;
}
