/* All followed logs.
 *
 * Invariant: a log whose file or directory changed is in the queue, or a scan
 * is due; what a turn may read is bounded for each log, so none starves the
 * others. Does not wait: the loop does. */
#include "daemon/sources.h"

#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "daemon/pattern.h"
#include "schema/journal_feed.h"

/* Of one log in one turn. A customer's log gets less. */
#define TURN_SYSTEM_BYTES (256 * 1024)
#define TURN_TENANT_BYTES (64 * 1024)
/* Logs and lines in one turn. */
#define TURN_MAX_LOGS 512
#define TURN_MAX_LINES 20000
/* Scans asked for by events, at most one in this time. */
#define SCAN_MIN_USEC USEC_SECOND
/* Walks of one scan; a tree that grows faster is looked at again by the next. */
#define WALKS_MAX 8

struct entry {
	struct follow *follow;
	char *path;
	struct entry *next; /* of all */
	struct entry *next_queued;
	bool queued, touched, seen, leaving, told;
	usec_t deadline;
};

/* A directory where a pattern's match can appear, and under which name. */
struct interest {
	struct interest *next;
	char *component;
};

/* A journal: there are few, so each is asked in every turn that it wants. */
struct journal_source {
	struct journal_feed *feed;
	bool look; /* it may have something */
	bool told; /* that it cannot be read */
	bool seen; /* the settings name it */
};

struct sources {
	struct recorder *recorder;
	struct watch *watch;
	const struct settings *settings;
	struct safe_owners owners;
	struct follow_env env;
	struct entry *entries;
	size_t count;
	struct map by_path; /* entry of a path */
	struct map by_key; /* entry of a watched name, "dir/name" */
	struct map interests; /* of a directory: struct interest */
	struct entry *queue, **queue_end;
	struct entry **touched; /* since the last commit */
	size_t ntouched, touched_room;
	struct position *positions;
	size_t positions_room;
	bool scan_wanted;
	bool changed; /* a log waits for its new setup: scan after the commit */
	usec_t scan_after; /* monotonic */
	const struct source_spec *spec; /* the row being walked */
	bool told_bound;
	bool any_leaving;
	struct journal_source journals[SOURCES_MAX_JOURNALS];
	size_t njournals;
	struct journal_positions journal_positions; /* of the next commit */
};

/* ---- the queue ---- */

static void enqueue(struct sources *s, struct entry *e)
{
	if (e->queued)
		return;
	e->queued = true;
	e->next_queued = NULL;
	*s->queue_end = e;
	s->queue_end = &e->next_queued;
}

static struct entry *dequeue(struct sources *s)
{
	struct entry *e = s->queue;

	s->queue = e->next_queued;
	if (!s->queue)
		s->queue_end = &s->queue;
	e->queued = false;
	return e;
}

static void touch(struct sources *s, struct entry *e)
{
	if (e->touched)
		return;
	if (s->ntouched == s->touched_room) {
		s->touched_room = s->touched_room ? s->touched_room * 2 : 64;
		s->touched = xrealloc(s->touched, s->touched_room * sizeof(*s->touched));
	}
	e->touched = true;
	s->touched[s->ntouched++] = e;
}

static void look(struct sources *s, struct entry *e)
{
	e->follow->look = true;
	enqueue(s, e);
}

/* ---- journals ---- */

static bool is_journal(const struct source_spec *spec)
{
	return strcmp(spec->format, "journal") == 0;
}

static usec_t week_ago(void)
{
	return (usec_t)time(NULL) * USEC_SECOND - JOURNAL_FIRST_USEC;
}

static void add_journal(struct sources *s, const struct source_spec *spec)
{
	struct journal_setup setup = { recorder_pipeline(s->recorder), recorder_store(s->recorder),
				       str_of(spec->path), spec->path, s->settings->hostname,
				       week_ago() };

	for (size_t i = 0; i < s->njournals; i++) {
		if (strcmp(journal_feed_path(s->journals[i].feed), spec->path) != 0)
			continue;
		s->journals[i].seen = true;
		return;
	}
	if (s->njournals == SOURCES_MAX_JOURNALS) {
		log_warning("%s: too many journals; it is not followed", spec->path);
		return;
	}
	s->journals[s->njournals++] = (struct journal_source){ .feed = journal_feed_new(&setup),
							      .look = true, .seen = true };
}

/* Journals that the settings no longer name go; commit first. */
static void configure_journals(struct sources *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->njournals; i++)
		s->journals[i].seen = false;
	for (size_t i = 0; i < s->settings->nsources; i++)
		if (is_journal(&s->settings->sources[i]))
			add_journal(s, &s->settings->sources[i]);
	for (size_t i = 0; i < s->njournals; i++) {
		if (s->journals[i].seen)
			s->journals[kept++] = s->journals[i];
		else
			journal_feed_free(s->journals[i].feed);
	}
	s->njournals = kept;
}

static void look_at_journals(struct sources *s)
{
	for (size_t i = 0; i < s->njournals; i++) {
		journal_feed_announced(s->journals[i].feed);
		s->journals[i].look = true;
	}
}

size_t sources_poll(const struct sources *s, struct pollfd *fds)
{
	for (size_t i = 0; i < s->njournals; i++)
		fds[i] = (struct pollfd){ .fd = journal_feed_fd(s->journals[i].feed),
					  .events = POLLIN };
	return s->njournals;
}

void sources_polled(struct sources *s, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n && i < s->njournals; i++) {
		if (!fds[i].revents)
			continue;
		journal_feed_announced(s->journals[i].feed);
		s->journals[i].look = true;
	}
}

static void turn_of_journal(struct journal_source *e, usec_t now, struct sources_state *state)
{
	usec_t deadline = journal_feed_deadline(e->feed);
	struct error err;
	int rc;

	if (!e->look && (!deadline || deadline > now))
		return;
	rc = journal_feed_turn(e->feed, now, &err);
	e->look = rc > 0;
	if (rc < 0 && !e->told)
		log_warning("%s; tried again every 30 s", err.text);
	e->told = rc < 0;
	state->busy |= rc > 0;
}

static void turn_of_journals(struct sources *s, usec_t now, struct sources_state *state)
{
	for (size_t i = 0; i < s->njournals; i++) {
		struct journal_source *e = &s->journals[i];
		usec_t deadline;

		turn_of_journal(e, now, state);
		deadline = journal_feed_deadline(e->feed);
		state->uncommitted |= journal_feed_is_dirty(e->feed);
		if (deadline && (!state->deadline || deadline < state->deadline))
			state->deadline = deadline;
	}
}

/* How far they were read goes into the next commit. */
static void gather_journals(struct sources *s)
{
	s->journal_positions.n = 0;
	for (size_t i = 0; i < s->njournals; i++)
		journal_feed_positions(s->journals[i].feed, &s->journal_positions);
	recorder_journals(s->recorder, s->journal_positions.at, s->journal_positions.n);
}

static void journals_stored(struct sources *s)
{
	for (size_t i = 0; i < s->njournals; i++)
		journal_feed_stored(s->journals[i].feed);
}

/* ---- which logs there are ---- */

static struct str account_of(const struct sources *s, const struct source_spec *spec,
			     const char *path)
{
	return spec->tenant ? accounts_log(recorder_accounts(s->recorder), spec, str_of(path)) :
			      STR_NONE;
}

static struct follow *new_follow(struct sources *s, const struct source_spec *spec,
				 const char *path)
{
	const struct zone *zone = zone_find(str_of(spec->timezone));

	return follow_new(&s->env, path, spec->format, spec->tenant, zone ? zone : zone_utc(),
			  s->settings->hostname, account_of(s, spec, path));
}

static bool same_setup(const struct sources *s, const struct follow *f,
		       const struct source_spec *spec)
{
	const struct zone *zone = zone_find(str_of(spec->timezone));

	return strcmp(f->format, spec->format) == 0 && f->tenant == spec->tenant &&
	       f->zone == (zone ? zone : zone_utc()) &&
	       strcmp(f->host, s->settings->hostname) == 0 &&
	       str_eq(str_of(f->account), account_of(s, spec, f->path));
}

/* Opens it anew under the row it now has; not before all of it is committed. */
static void change_setup(struct sources *s, struct entry *e)
{
	if (e->touched) {
		s->changed = true;
		return;
	}
	follow_free(e->follow);
	e->follow = new_follow(s, s->spec, e->path);
}

/* A path a pattern names. */
static void found_file(void *context, const char *path)
{
	struct sources *s = context;
	struct entry *e = map_get(&s->by_path, str_of(path));

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		e->path = str_dup(str_of(path));
		e->follow = new_follow(s, s->spec, path);
		e->next = s->entries;
		s->entries = e;
		s->count++;
		map_put(&s->by_path, str_of(path), e);
	} else if (!e->seen && !same_setup(s, e->follow, s->spec)) {
		change_setup(s, e);
	}
	e->seen = true;
	e->leaving = false;
}

static void add_interest(struct sources *s, const char *dir, const char *component)
{
	struct interest *first = map_get(&s->interests, str_of(dir)), *in;

	for (in = first; in; in = in->next)
		if (strcmp(in->component, component) == 0)
			return;
	in = xcalloc(1, sizeof(*in));
	in->component = str_dup(str_of(component));
	in->next = first;
	map_put(&s->interests, str_of(dir), in);
}

static void clear_interests(struct sources *s)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&s->interests, &i))) {
		struct interest *in = slot->value, *next;

		for (; in; in = next) {
			next = in->next;
			free(in->component);
			free(in);
		}
	}
	map_release(&s->interests);
}

/* A directory where a match can appear. */
static void found_directory(void *context, const char *dir, const char *component, bool last)
{
	struct sources *s = context;
	char real[PATH_MAX];

	if (!realpath(dir, real))
		return;
	add_interest(s, real, component);
	if (s->watch)
		watch_want(s->watch, real, last ? WATCH_NAMES | WATCH_WRITES : WATCH_NAMES);
}

/* "dir/name" of a path, the directory free of links. */
static bool key_of(const char *path, char *key)
{
	size_t slash = str_rchr(str_of(path), '/');
	const char *name = path[slash] ? path + slash + 1 : path;
	char dir[PATH_MAX];
	size_t n;

	if (path[slash] && slash > 0) {
		memcpy(dir, path, slash);
		dir[slash] = '\0';
	} else {
		strncpy(dir, path[slash] ? "/" : ".", sizeof(dir) - 1);
	}
	if (!realpath(dir, key))
		return false;
	n = strlen(key);
	if (n + strlen(name) + 2 > PATH_MAX)
		return false;
	key[n++] = '/';
	memcpy(key + n, name, strlen(name) + 1);
	return true;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* A log that is a symbolic link is watched where it leads, too. */
static void follow_link(struct sources *s, struct entry *e)
{
	char target[PATH_MAX], *slash;
	struct entry *other;

	if (e->follow->tenant || !is_link(e->path) || !realpath(e->path, target))
		return;
	other = map_get(&s->by_key, str_of(target));
	if (other && other != e) {
		if (!e->told)
			log_warning("%s is %s, which is followed already", e->path, other->path);
		e->told = true;
		e->seen = false;
		return;
	}
	if (map_put(&s->by_key, str_of(target), e) != e)
		look(s, e); /* what was written there before nobody told us */
	slash = strrchr(target, '/');
	*slash = '\0';
	if (s->watch)
		watch_want(s->watch, *target ? target : "/", WATCH_NAMES | WATCH_WRITES);
}

static void index_entries(struct sources *s)
{
	char key[PATH_MAX];

	map_release(&s->by_key);
	for (struct entry *e = s->entries; e; e = e->next)
		if (key_of(e->path, key))
			map_put(&s->by_key, str_of(key), e);
	for (struct entry *e = s->entries; e; e = e->next)
		follow_link(s, e);
}

static void walk_patterns(struct sources *s)
{
	struct pattern_report report = { s, found_file, found_directory };

	for (size_t i = 0; i < s->settings->nsources; i++) {
		s->spec = &s->settings->sources[i];
		if (is_journal(s->spec))
			continue;
		if (!pattern_walk(s->spec->path, &report) && !s->told_bound) {
			s->told_bound = true;
			log_warning("%s: too many files; some are not followed", s->spec->path);
		}
	}
}

/* true: directories are watched that were not before. */
static bool walk_and_watch(struct sources *s)
{
	bool opened = false;

	for (struct entry *e = s->entries; e; e = e->next)
		e->seen = false;
	clear_interests(s);
	if (s->watch)
		watch_begin(s->watch);
	walk_patterns(s);
	index_entries(s);
	if (s->watch)
		watch_end(s->watch, &opened);
	return opened;
}

/* Walks all patterns; new logs get a turn. What comes into a directory between the walk and
 * its watch is told by neither: so once more, until there is nothing new to watch. */
static void scan(struct sources *s)
{
	bool opened = false, again;
	int walks = 0;

	do {
		again = walk_and_watch(s);
		opened |= again;
	} while (again && ++walks < WALKS_MAX);
	for (struct entry *e = s->entries; e; e = e->next) {
		e->leaving = !e->seen;
		s->any_leaving |= e->leaving;
		if (opened || e->leaving || !e->follow->active)
			look(s, e);
	}
	s->scan_wanted = again;
}

void sources_reconcile(struct sources *s)
{
	if (s->watch)
		watch_tick(s->watch);
	scan(s);
	for (struct entry *e = s->entries; e; e = e->next)
		look(s, e);
	look_at_journals(s);
}

void sources_configure(struct sources *s, const struct settings *settings)
{
	s->settings = settings;
	safe_owners_release(&s->owners);
	safe_owners_init(&s->owners, &settings->accounts.shared);
	configure_journals(s);
	sources_reconcile(s);
}

void sources_accounts_changed(struct sources *s)
{
	sources_reconcile(s);
}

/* ---- what the watch says ---- */

static bool is_of_interest(const struct sources *s, const char *dir, const char *name)
{
	const struct interest *in = map_get(&s->interests, str_of(dir));

	for (; in; in = in->next)
		if (fnmatch(in->component, name, FNM_PERIOD) == 0)
			return true;
	return false;
}

static void seen(void *context, const char *dir, const char *name, bool written)
{
	struct sources *s = context;
	size_t n = strlen(dir);
	char key[PATH_MAX];
	struct entry *e;

	if (!*name) {
		s->scan_wanted = true;
		return;
	}
	if (n + strlen(name) + 2 > sizeof(key))
		return;
	memcpy(key, dir, n);
	if (n == 0 || dir[n - 1] != '/')
		key[n++] = '/';
	memcpy(key + n, name, strlen(name) + 1);
	e = map_get(&s->by_key, str_of(key));
	if (e) {
		e->follow->look |= !written;
		enqueue(s, e);
	} else if (!written && is_of_interest(s, dir, name)) {
		s->scan_wanted = true;
	}
}

bool sources_drain(struct sources *s)
{
	return !s->watch || watch_drain(s->watch, seen, s);
}

/* ---- turns ---- */

static void free_entry(struct entry *e)
{
	follow_free(e->follow);
	free(e->path);
	free(e);
}

/* Takes away logs that are no longer wanted and whose lines are committed. */
static void remove_left(struct sources *s)
{
	struct entry **at = &s->entries;
	size_t before = s->count;

	s->any_leaving = false;
	while (*at) {
		struct entry *e = *at;

		if (!e->leaving || e->queued || e->touched) {
			s->any_leaving |= e->leaving;
			at = &e->next;
			continue;
		}
		*at = e->next;
		s->count--;
		map_remove(&s->by_path, str_of(e->path));
		free_entry(e);
	}
	if (s->count != before)
		index_entries(s); /* its keys led to what is freed */
}

/* A link that was opened may lead to a new place. */
static void watch_link(struct sources *s, struct entry *e)
{
	bool opened;

	follow_link(s, e);
	if (s->watch)
		watch_end(s->watch, &opened);
}

static void turn_of(struct sources *s, struct entry *e, usec_t now,
		    struct sources_state *state)
{
	bool more;

	if (e->leaving && (follow_is_empty(e->follow) || access(e->path, F_OK) == 0)) {
		e->deadline = 0;
		return; /* nothing left, or no longer wanted */
	}
	more = follow_turn(e->follow,
			   e->follow->tenant ? TURN_TENANT_BYTES : TURN_SYSTEM_BYTES, now);
	e->deadline = follow_deadline(e->follow, now);
	touch(s, e);
	if (e->follow->opened && is_link(e->path))
		watch_link(s, e);
	e->follow->opened = false;
	if (!e->follow->tenant && e->follow->mtime > state->mtime)
		state->mtime = e->follow->mtime;
	if (more)
		enqueue(s, e);
}

/* Logs with a turn due; the earliest of the others'. */
static usec_t deadlines(struct sources *s, usec_t now)
{
	usec_t first = 0;

	for (size_t i = 0; i < s->ntouched; i++) {
		struct entry *e = s->touched[i];

		if (!e->deadline)
			continue;
		if (e->deadline <= now)
			enqueue(s, e);
		else if (!first || e->deadline < first)
			first = e->deadline;
	}
	return first;
}

static void scan_if_wanted(struct sources *s, usec_t now)
{
	if (!s->scan_wanted || now < s->scan_after)
		return;
	scan(s);
	s->scan_after = now + SCAN_MIN_USEC;
}

void sources_turn(struct sources *s, usec_t now, struct sources_state *state)
{
	struct pipeline *p = recorder_pipeline(s->recorder);
	size_t left = TURN_MAX_LOGS;
	struct entry *last = NULL;

	*state = (struct sources_state){ 0 };
	scan_if_wanted(s, now);
	if (s->any_leaving)
		remove_left(s);
	state->deadline = deadlines(s, now);
	if (s->queue)
		last = (struct entry *)((char *)s->queue_end -
					offsetof(struct entry, next_queued));
	while (s->queue && left--) {
		struct entry *e = dequeue(s);

		turn_of(s, e, now, state);
		if (e == last)
			break; /* one round: what came back waits for the next turn */
	}
	turn_of_journals(s, now, state);
	state->lines = pipeline_run(p, TURN_MAX_LINES);
	s->env.drained = state->lines < TURN_MAX_LINES;
	state->busy |= s->queue || !s->env.drained;
	if (!s->queue)
		s->env.starting = false; /* what appears from now on is new */
	state->uncommitted |= s->ntouched > 0;
	if (s->scan_wanted && (!state->deadline || s->scan_after < state->deadline))
		state->deadline = s->scan_after;
}

/* ---- commit ---- */

static size_t gather(struct sources *s)
{
	size_t need = 0, n = 0;

	for (size_t i = 0; i < s->ntouched; i++)
		need += follow_part_count(s->touched[i]->follow);
	if (need > s->positions_room) {
		s->positions_room = need * 2;
		s->positions = xrealloc(s->positions,
					s->positions_room * sizeof(*s->positions));
	}
	for (size_t i = 0; i < s->ntouched; i++)
		n += follow_positions(s->touched[i]->follow, s->positions + n, need - n);
	return n;
}

/* Logs with nothing left to commit are touched no longer. */
static void untouch(struct sources *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->ntouched; i++) {
		struct entry *e = s->touched[i];

		follow_stored(e->follow);
		e->touched = e->deadline || !s->env.drained || follow_has_lines(e->follow);
		if (e->touched)
			s->touched[kept++] = e;
	}
	s->ntouched = kept;
}

int sources_commit(struct sources *s, struct error *err)
{
	size_t n = gather(s);

	gather_journals(s);
	if (recorder_commit(s->recorder, s->positions, n, err) < 0)
		return -1;
	journals_stored(s);
	untouch(s);
	remove_left(s);
	s->scan_wanted |= s->changed;
	s->changed = false;
	return 0;
}

size_t sources_count(const struct sources *s)
{
	return s->count + s->njournals;
}

int64_t sources_lag(const struct sources *s)
{
	int64_t lag = 0;

	for (const struct entry *e = s->entries; e; e = e->next)
		lag += follow_lag(e->follow);
	return lag;
}

/* ---- life ---- */

struct sources *sources_new(struct recorder *r, struct watch *watch)
{
	struct sources *s = xcalloc(1, sizeof(*s));

	s->recorder = r;
	s->watch = watch;
	s->queue_end = &s->queue;
	s->env = (struct follow_env){ .pipeline = recorder_pipeline(r),
				      .store = recorder_store(r),
				      .owners = &s->owners,
				      .starting = true,
				      .drained = true };
	return s;
}

void sources_free(struct sources *s)
{
	struct entry *e, *next;

	if (!s)
		return;
	for (e = s->entries; e; e = next) {
		next = e->next;
		free_entry(e);
	}
	for (size_t i = 0; i < s->njournals; i++)
		journal_feed_free(s->journals[i].feed);
	clear_interests(s);
	map_release(&s->by_path);
	map_release(&s->by_key);
	safe_owners_release(&s->owners);
	free(s->touched);
	free(s->positions);
	free(s->journal_positions.at);
	free(s);
}
