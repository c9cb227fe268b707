/* Following one log through growth, rotation and restarts.
 *
 * Invariant: a file's bytes are read once and in order, and a newer file is
 * begun only when the older one was read to its end. Which files have been read
 * is not remembered here but in the database (positions by content), so that
 * a restart comes to the same answers. Does not wait and does not watch. */
#include "daemon/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/history.h"

/* A rotated file may get late lines for so long after its last growth. */
#define LINGER_USEC (60 * USEC_SECOND)
/* With an unfinished line, or removed: nobody will complete it. */
#define LINGER_CUT_USEC (5 * USEC_SECOND)
/* Between two looks at it; grows with the silence. */
#define LINGER_STEP_USEC (USEC_SECOND / 5)
#define RETRY_USEC (30 * USEC_SECOND)
/* Rotation is renaming files right now. */
#define UNSETTLED_USEC (USEC_SECOND / 20)
/* A rotated file that cannot be unpacked is given up after so many tries. */
#define MAX_FAILURES 4
/* Files' times may be behind the clock by a tick of the kernel's. */
#define TICK_SLACK_USEC (USEC_SECOND / 50)

enum follow_verdict follow_decide(const struct follow_known *known,
				  const struct follow_look *open,
				  const struct follow_look *path)
{
	if (open->size < known->offset || !open->same_head)
		return FOLLOW_TRUNCATED;
	if (open->size > known->offset)
		return FOLLOW_GREW;
	if (!path->exists)
		return FOLLOW_GONE;
	if (path->dev != known->id.dev || path->ino != known->id.ino)
		return FOLLOW_ROTATED;
	return FOLLOW_SAME;
}

static usec_t wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (usec_t)ts.tv_sec * USEC_SECOND + ts.tv_nsec / 1000;
}

struct follow *follow_new(const struct follow_env *env, const char *path, const char *format,
			  bool tenant, const struct zone *zone, const char *host,
			  struct str account)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	f->env = env;
	f->path = str_dup(str_of(path));
	f->format = str_dup(str_of(format));
	f->host = str_dup(str_of(host));
	f->account = str_dup(account);
	f->since = wall_clock() - TICK_SLACK_USEC;
	f->tenant = tenant;
	f->zone = zone;
	return f;
}

static void free_parts(struct part *p)
{
	while (p) {
		struct part *next = p->next;

		part_free(p);
		p = next;
	}
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	free_parts(f->old);
	part_free(f->active);
	free(f->path);
	free(f->format);
	free(f->host);
	free(f->account);
	free(f);
}

/* Says once why a file cannot be read. */
static void complain(struct follow *f, const char *why)
{
	if (!f->told)
		log_warning("%s; tried again every 30 s", why);
	f->told = true;
}

static void fill_setup(const struct follow *f, const struct part *p,
		       struct source_setup *setup)
{
	*setup = (struct source_setup){
		.name = str_of(f->path),
		.format = str_of(f->format),
		.tenant = f->tenant,
		.tenant_account = str_of(f->account),
		.zone = f->zone,
		.near = part_mtime(p),
		.host = str_of(f->host),
	};
}

/* Makes it the active part, read from an offset on; false: it cannot be. near:
 * time of the line before it; 0 unknown. */
static bool activate(struct follow *f, struct part *p, int64_t offset, usec_t near)
{
	struct source_setup setup;
	struct error err;

	fill_setup(f, p, &setup);
	if (near)
		setup.near = near;
	if (part_start(p, f->env->pipeline, &setup, offset, &err) < 0) {
		complain(f, err.text);
		return false;
	}
	f->active = p;
	return true;
}

/* Where to begin in a file nobody told us of. */
static int64_t first_offset(const struct follow *f, const struct part *p)
{
	int64_t size = part_size(p), at;
	char block[4096];
	ssize_t n;

	if (!f->env->starting || f->has_done || history_is_known(f) ||
	    size <= FOLLOW_FIRST_BYTES)
		return 0;
	at = size - FOLLOW_FIRST_BYTES;
	log_info("%s: %lld MiB; only its last 64 MiB are read", f->path,
		 (long long)(size >> 20));
	while ((n = pread(logfile_fd(p->file), block, sizeof(block), at)) > 0) {
		const char *newline = memchr(block, '\n', (size_t)n);

		if (newline)
			return at + (newline - block) + 1;
		at += n;
	}
	return at;
}

/* Its lines are all read: what is older or the same need not be looked for. */
static void set_done(struct follow *f, const struct part *p)
{
	f->done = p->id;
	f->done_mtime = part_mtime(p);
	f->has_done = true;
}

/* It cannot be unpacked, now or ever: tried again, then given up. */
static void rotated_failed(struct follow *f, const struct part *p, usec_t now)
{
	f->retry = now + RETRY_USEC;
	if (++f->failures < MAX_FAILURES)
		return;
	log_error("%s: cannot be read to its end; the rest is left out", p->path);
	f->failures = 0;
	set_done(f, p);
}

/* The rest of rotated files comes before the live one. false: there is none. */
static bool activate_rotated(struct follow *f, const struct part *live, bool live_known,
			     usec_t now)
{
	struct history_find find;

	switch (history_oldest_unread(f, live, live_known, &find)) {
	case HISTORY_NOTHING:
		return false;
	case HISTORY_UNSETTLED:
		f->retry = now + UNSETTLED_USEC;
		return true;
	case HISTORY_FOUND:
		break;
	}
	log_info("%s: reading the rest from %s, byte %lld on", f->path, find.part->path,
		 (long long)find.offset);
	if (!activate(f, find.part, find.offset, find.near)) {
		rotated_failed(f, find.part, now);
		part_free(find.part);
	}
	return true;
}

/* The file at the path. One without a whole line has nothing to be known by, so
 * it is not opened yet: whether others came before it can be told later. */
static struct part *open_live(struct follow *f)
{
	struct error err;
	struct part *p;
	int fd = history_open_file(f, f->path, &err);

	f->opened = true;
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			complain(f, err.text);
		return NULL;
	}
	p = part_new(logfile_open_plain(fd, f->path), f->path, true);
	if (p->id.telling)
		return p;
	part_free(p);
	return NULL;
}

/* Opens what is to be read next: the oldest unread rotated file, or the one at
 * the path. */
static bool open_next(struct follow *f, usec_t now)
{
	struct part *live = open_live(f);
	usec_t near = 0;
	int64_t offset = live ? history_offset(f, live, &near) : -1;

	if ((!f->has_done || offset < 0) && activate_rotated(f, live, offset >= 0, now)) {
		part_free(live);
		return f->active != NULL;
	}
	if (!live)
		return false;
	f->look = true;
	f->told = false;
	return activate(f, live, offset >= 0 ? offset : first_offset(f, live), near);
}

/* The active part becomes an old one. */
static void retire(struct follow *f)
{
	struct part *p = f->active, **at = &f->old;

	set_done(f, p);
	pipeline_at_end(p->source, true);
	p->live = false;
	p->grew = 0; /* the time of waiting begins now */
	while (*at)
		at = &(*at)->next;
	*at = p;
	f->active = NULL;
}

/* The name a rotated file has now, so that its position does not take the
 * place of the live file's. */
static void rename_part(const struct follow *f, struct part *p)
{
	char link[32], name[PATH_MAX];
	ssize_t n;
	struct str now;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", logfile_fd(p->file));
	n = readlink(link, name, sizeof(name));
	now = n > 0 ? (struct str){ name, (size_t)n } : STR_NONE;
	if (str_ends(now, STR(" (deleted)")))
		now.n -= strlen(" (deleted)");
	free(p->path);
	if (now.n && !str_eq(now, str_of(f->path)))
		p->path = str_dup(now);
	else if (asprintf(&p->path, "%s (removed)", f->path) < 0)
		p->path = str_dup(STR("removed"));
}

/* Only the end was cut off, by hand or by a crash: what was read stays read. */
static void became_shorter(struct follow *f)
{
	struct part *live = open_live(f), *was = f->active;

	log_warning("%s: became shorter", f->path);
	part_finish(was);
	retire(f);
	if (live)
		activate(f, live, part_size(live), pipeline_source_near(was->source));
}

/* The lines before this moment are in the copy: they are read there. */
static void move_to_copy(struct follow *f, struct part *copy)
{
	struct error err;

	if (part_move(f->active, copy->file, copy->path, &err) == 0) {
		copy->file = NULL; /* it belongs to the active part now */
	} else {
		log_warning("%s; what was not read of it is left out", err.text);
		part_finish(f->active);
		retire(f);
	}
	part_free(copy);
}

/* Other contents lie in the file we hold. The rest of the old ones may be in a
 * copy; what now lies there is opened as a new part. */
static void truncated(struct follow *f, usec_t now)
{
	struct part *copy;

	if (part_same_head(f->active)) {
		became_shorter(f);
		return;
	}
	switch (history_copy(f, f->active, &copy)) {
	case HISTORY_FOUND:
		move_to_copy(f, copy);
		return;
	case HISTORY_UNSETTLED:
		f->retry = now + UNSETTLED_USEC;
		return;
	case HISTORY_NOTHING:
		part_finish(f->active);
		rename_part(f, f->active);
		retire(f);
	}
}

static void look_at(const char *path, int fd, struct follow_look *look)
{
	struct stat st;

	*look = (struct follow_look){ 0 };
	if ((path ? stat(path, &st) : fstat(fd, &st)) < 0)
		return;
	*look = (struct follow_look){ true, st.st_dev, st.st_ino, st.st_size, true };
}

static enum follow_verdict judge(struct follow *f)
{
	struct part *p = f->active;
	struct follow_known known = { p->id, p->offset };
	struct follow_look open, path;

	look_at(NULL, logfile_fd(p->file), &open);
	look_at(f->path, -1, &path);
	open.same_head = part_same_head(p);
	return follow_decide(&known, &open, &path);
}

static void left_behind(struct follow *f)
{
	rename_part(f, f->active);
	retire(f);
}

/* At the end of the live file: is it still the one? true: go on at once. */
static bool reconcile(struct follow *f, usec_t now)
{
	switch (judge(f)) {
	case FOLLOW_SAME:
		f->look = false;
		return false;
	case FOLLOW_GREW:
		return true;
	case FOLLOW_TRUNCATED:
		truncated(f, now);
		return true;
	case FOLLOW_ROTATED:
	case FOLLOW_GONE:
		left_behind(f);
		return true;
	}
	return false;
}

/* Can a rotated file still get late lines? */
static bool may_grow(const struct part *p)
{
	return part_is_plain(p) &&
	       wall_clock() - part_mtime(p) < LINGER_USEC;
}

/* The end of what there is to read now. */
static bool at_end(struct follow *f, size_t got, usec_t now)
{
	struct part *p = f->active;

	p->held = 0;
	f->mtime = part_mtime(p);
	if (!p->live) {
		f->failures = 0;
		if (!may_grow(p))
			part_finish(p);
		retire(f);
		return true;
	}
	pipeline_at_end(p->source, true);
	return (f->look || got == 0) && reconcile(f, now);
}

/* Damaged packed data, or gzip still at work: once what was read is committed,
 * it is begun again where that ended. */
static void drop(struct follow *f)
{
	f->active->finished = f->active->dropped = true;
	pipeline_at_end(f->active->source, true);
	f->active->next = f->old;
	f->old = f->active;
	f->active = NULL;
}

static bool failed(struct follow *f, const char *why, usec_t now)
{
	complain(f, why);
	if (part_is_plain(f->active)) {
		f->retry = now + RETRY_USEC;
		pipeline_at_end(f->active->source, true);
		return false;
	}
	rotated_failed(f, f->active, now);
	drop(f);
	return false;
}

static bool read_active(struct follow *f, size_t max_bytes, usec_t now)
{
	struct part *p = f->active;
	struct error err;
	size_t got;
	enum part_result result = part_read(p, max_bytes, now, &got, &err);

	switch (result) {
	case PART_MORE:
	case PART_FULL:
		/* See FOLLOW_TENANT_HOLD_BYTES. */
		pipeline_at_end(p->source, f->tenant && p->held > FOLLOW_TENANT_HOLD_BYTES);
		return true;
	case PART_END:
		return at_end(f, got, now);
	case PART_CHANGED:
		truncated(f, now);
		return true;
	case PART_FAILED:
		break;
	}
	return failed(f, err.text, now);
}

static bool is_removed(const struct part *p)
{
	struct stat st;

	return fstat(logfile_fd(p->file), &st) < 0 || st.st_nlink == 0;
}

/* Late lines of a rotated file; the end of waiting for them. */
static void linger(struct part *p, size_t max_bytes, usec_t now)
{
	usec_t quiet;
	size_t got;

	if (p->finished)
		return;
	if (part_read(p, max_bytes, now, &got, NULL) == PART_FAILED) {
		part_finish(p);
		return;
	}
	if (!p->grew)
		p->grew = now;
	quiet = now - p->grew;
	if (quiet >= LINGER_USEC ||
	    (quiet >= LINGER_CUT_USEC && (pipeline_pending(p->source) || is_removed(p))))
		part_finish(p);
}

/* A newer file may begin when the older one's lines are taken. */
static bool may_open_next(const struct follow *f)
{
	for (const struct part *p = f->old; p; p = p->next)
		if (p->dropped || (pipeline_pending(p->source) && !f->env->drained))
			return false;
	return true;
}

bool follow_turn(struct follow *f, size_t max_bytes, usec_t now)
{
	for (struct part *p = f->old; p; p = p->next)
		linger(p, max_bytes, now);
	if (f->retry > now)
		return false;
	f->retry = 0;
	if (!f->active && !may_open_next(f))
		return true;
	if (!f->active && !open_next(f, now))
		return false;
	return read_active(f, max_bytes, now);
}

usec_t follow_deadline(const struct follow *f, usec_t now)
{
	usec_t first = f->retry;

	for (const struct part *p = f->old; p; p = p->next) {
		usec_t quiet = now - p->grew;
		usec_t next = now + (quiet / 4 > LINGER_STEP_USEC ? quiet / 4 :
								    LINGER_STEP_USEC);

		if (!p->finished && (first == 0 || next < first))
			first = next;
	}
	return first;
}

static bool has_lines(const struct part *p)
{
	return p && p->source && !pipeline_source_ended(p->source);
}

bool follow_has_lines(const struct follow *f)
{
	for (const struct part *p = f->old; p; p = p->next)
		if (has_lines(p))
			return true;
	return has_lines(f->active);
}

bool follow_is_empty(const struct follow *f)
{
	return !f->active && !f->old;
}

int64_t follow_lag(const struct follow *f)
{
	const struct part *p = f->active;
	int64_t lag;

	if (!p || !part_is_plain(p))
		return 0;
	lag = part_size(p) - p->start - pipeline_taken(p->source);
	return lag > 0 ? lag : 0;
}

size_t follow_part_count(const struct follow *f)
{
	size_t n = f->active || !f->marked;

	for (const struct part *p = f->old; p; p = p->next)
		n++;
	return n;
}

/* A log that is waited for: so that a restart knows since when. */
static bool waiting_position(const struct follow *f, struct position *out)
{
	if (f->marked || !follow_is_empty(f) || history_is_known(f))
		return false;
	*out = (struct position){ .path = str_of(f->path), .near = f->since };
	return true;
}

size_t follow_positions(struct follow *f, struct position *out, size_t room)
{
	size_t n = room && waiting_position(f, out);

	for (struct part *p = f->old; p && n < room; p = p->next)
		n += part_position(p, &out[n]);
	if (f->active && n < room)
		n += part_position(f->active, &out[n]);
	return n;
}

void follow_stored(struct follow *f)
{
	struct part **at = &f->old;

	f->marked = true;
	if (f->active)
		part_stored(f->active);
	while (*at) {
		struct part *p = *at;

		part_stored(p);
		if (p->dropped || (p->finished && pipeline_pending(p->source) == 0)) {
			*at = p->next;
			part_free(p);
		} else {
			at = &p->next;
		}
	}
}
