/* A journal on its way into the pipeline.
 *
 * Invariant: each entry is read once, in the journal's order; the cursor that is
 * to be stored is of an entry whose line, and all lines before it, were taken. An
 * entry that is gone leaves a gap that is told, never a silent one. */
#include "schema/journal_feed.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/sdjournal.h"
#include "core/entry.h"
#include "schema/journal_known.h"

/* Entries looked at in one turn. */
#define TURN_ENTRIES 4000
/* Between two looks at what cannot be read, or has nothing. */
#define RETRY_USEC (30 * USEC_SECOND)
/* Entries that are not about mail move the stored cursor so often at most. */
#define SKIP_STORE_USEC USEC_MINUTE

#define ID_SIZE 33

/* The cursor of an entry, whose line ends at this byte of what was pushed. */
struct mark {
	int64_t end;
	char *cursor;
	usec_t time;
};

struct journal_feed {
	struct journal_setup setup;
	char *name, *path;
	struct sdjournal *sd; /* NULL: to be opened */
	struct pipeline_source *source;
	struct entry entry;
	struct str held; /* line of the entry that there was no room for */
	int64_t pushed;
	struct journal_known *known;
	char *last; /* cursor of the last entry read; NULL: none yet */
	usec_t last_time;
	char id[ID_SIZE]; /* of the journal `last` is in */
	int64_t first; /* first number read of it */
	bool resume; /* where we stand must be looked up */
	bool gap; /* the entry behind `last` may be gone */
	struct mark *marks; /* oldest first */
	size_t nmarks, room;
	char *sent, *stored; /* cursors */
	usec_t sent_time, marked, deadline;
};

static void set_last(struct journal_feed *j, const char *cursor, usec_t time)
{
	char *copy = str_dup(str_of(cursor));

	free(j->last);
	j->last = copy;
	j->last_time = time;
}

/* Where an earlier run stopped. */
static void restore(struct journal_feed *j)
{
	struct journal_position pos;
	struct str id;
	int64_t number;

	if (store_journal(j->setup.store, str_of(j->name), &pos)) {
		set_last(j, pos.cursor.p, pos.near);
		j->stored = str_dup(pos.cursor);
		j->first = pos.first;
		if (entry_number(pos.cursor, &id, &number))
			memcpy(j->id, id.p, id.n);
	}
	/* A file's numbers say nothing of another file's. */
	j->known = journal_known_load(j->setup.store,
				      !str_starts(str_of(j->name), STR("file ")));
}

struct journal_feed *journal_feed_new(const struct journal_setup *setup)
{
	struct journal_feed *j = xcalloc(1, sizeof(*j));
	struct source_setup source = {
		.name = str_of(setup->path),
		.format = STR("auto"),
		.journal = true,
		.zone = zone_utc(),
		.host = str_of(setup->host),
	};

	j->setup = *setup;
	j->name = str_dup(setup->name);
	j->path = str_dup(str_of(setup->path));
	entry_clear(&j->entry);
	restore(j);
	source.near = j->last_time;
	j->source = pipeline_source_add(setup->pipeline, &source);
	return j;
}

void journal_feed_free(struct journal_feed *j)
{
	if (!j)
		return;
	pipeline_source_remove(j->setup.pipeline, j->source);
	sdjournal_close(j->sd);
	entry_release(&j->entry);
	journal_known_free(j->known);
	for (size_t i = 0; i < j->nmarks; i++)
		free(j->marks[i].cursor);
	free(j->marks);
	free(j->last);
	free(j->sent);
	free(j->stored);
	free(j->name);
	free(j->path);
	free(j);
}

const char *journal_feed_path(const struct journal_feed *j)
{
	return j->path;
}

int journal_feed_fd(const struct journal_feed *j)
{
	return j->sd ? sdjournal_fd(j->sd) : -1;
}

void journal_feed_announced(struct journal_feed *j)
{
	if (j->sd && !sdjournal_process(j->sd))
		j->resume = true;
}

/* ---- where it stands ---- */

static int open_it(struct journal_feed *j, struct error *err)
{
	j->sd = sdjournal_open(j->path, err);
	if (!j->sd)
		return -1;
	sdjournal_fd(j->sd); /* from now on it is watched */
	j->resume = true;
	return 0;
}

static int resume(struct journal_feed *j, struct error *err)
{
	int rc;

	j->resume = false;
	if (!j->last)
		return sdjournal_seek_time(j->sd, j->setup.since, err);
	rc = sdjournal_seek(j->sd, j->last, err);
	j->gap = rc == 0;
	return rc < 0 ? -1 : 0;
}

/* The first entry behind one that is gone. Nothing was lost if it is the next by number. */
static void tell_gap(struct journal_feed *j, const char *cursor, usec_t time)
{
	struct str id, last_id;
	int64_t number, last_number;

	j->gap = false;
	if (entry_number(str_of(cursor), &id, &number) &&
	    entry_number(str_of(j->last), &last_id, &last_number) && str_eq(id, last_id) &&
	    number == last_number + 1)
		return;
	log_warning("%s: entries are gone that were not read; counts are minimums", j->path);
	pipeline_lost(j->source, j->last_time, time);
}

/* ---- reading ---- */

static void put_mark(struct journal_feed *j)
{
	struct mark *m = j->nmarks ? &j->marks[j->nmarks - 1] : NULL;

	if (!m || m->end != j->pushed) {
		if (j->nmarks == j->room) {
			j->room = j->room ? j->room * 2 : 64;
			j->marks = xrealloc(j->marks, j->room * sizeof(*j->marks));
		}
		m = &j->marks[j->nmarks++];
		*m = (struct mark){ .end = j->pushed };
	}
	free(m->cursor);
	m->cursor = str_dup(str_of(j->last));
	m->time = j->last_time;
}

static void follow_number(struct journal_feed *j, struct str id, int64_t number)
{
	if (str_eq(id, str_of(j->id)))
		return;
	memcpy(j->id, id.p, id.n);
	j->first = number;
}

static void push(struct journal_feed *j)
{
	pipeline_push(j->source, j->held.p, j->held.n);
	j->pushed += (int64_t)j->held.n;
	j->held = STR_NONE;
	put_mark(j);
}

static void take_field(void *context, struct str name, struct str value)
{
	entry_field(context, name, value);
}

/* false: the journal's own entry is damaged; it is passed over. */
static bool read_entry(struct journal_feed *j)
{
	entry_clear(&j->entry);
	if (sdjournal_fields(j->sd, take_field, &j->entry) < 0)
		return false;
	j->entry.time = sdjournal_time(j->sd);
	return entry_is_wanted(&j->entry);
}

/* The entry we stand on was read. true: its line is to be pushed. */
static bool passed(struct journal_feed *j, bool wanted)
{
	char *cursor = sdjournal_cursor(j->sd);
	usec_t time = sdjournal_time(j->sd);
	bool known;
	struct str id;
	int64_t number;

	if (!cursor)
		return false;
	if (j->gap)
		tell_gap(j, cursor, time);
	if (entry_number(str_of(cursor), &id, &number))
		follow_number(j, id, number);
	known = journal_known_has(j->known, str_of(cursor));
	set_last(j, cursor, time);
	free(cursor);
	return wanted && !known;
}

/* One entry. 1: goes on; 0: the end; -1: error. */
static int step(struct journal_feed *j, bool last_of_turn, struct error *err)
{
	int rc = sdjournal_next(j->sd, err);
	bool wanted;

	if (rc <= 0)
		return rc;
	wanted = read_entry(j);
	/* A cursor costs a little: not for each entry that is not about mail. */
	if (!wanted && !j->gap && j->last && !last_of_turn)
		return 1;
	if (passed(j, wanted))
		j->held = entry_line(&j->entry);
	return 1;
}

/* The end: what was passed over since the last mark need not be looked at again. */
static void at_end(struct journal_feed *j, usec_t now)
{
	pipeline_at_end(j->source, true);
	j->deadline = j->last ? 0 : now + RETRY_USEC;
	if (!j->last || (j->marked && now - j->marked < SKIP_STORE_USEC))
		return;
	j->marked = now;
	put_mark(j);
}

static int read_some(struct journal_feed *j, usec_t now, struct error *err)
{
	int rc = 1;

	for (int i = 0; i < TURN_ENTRIES && rc > 0; i++) {
		if (j->held.n && pipeline_room(j->source) < j->held.n)
			return 1;
		if (j->held.n)
			push(j);
		rc = step(j, i == TURN_ENTRIES - 1, err);
	}
	if (rc == 0) {
		passed(j, false); /* where we stand, if that was not about mail */
		at_end(j, now);
	}
	return rc;
}

/* It is opened anew, later. */
static int failed(struct journal_feed *j, usec_t now)
{
	sdjournal_close(j->sd);
	j->sd = NULL;
	pipeline_at_end(j->source, true);
	j->deadline = now + RETRY_USEC;
	return -1;
}

/* A journal without entries may be one whose directories came after us. */
static bool must_reopen(const struct journal_feed *j, usec_t now)
{
	return !j->sd || (j->deadline && j->deadline <= now);
}

int journal_feed_turn(struct journal_feed *j, usec_t now, struct error *err)
{
	int rc;

	if (must_reopen(j, now)) {
		if (j->deadline > now)
			return 0;
		sdjournal_close(j->sd);
		if (open_it(j, err) < 0)
			return failed(j, now);
	}
	j->deadline = 0;
	if (j->resume && resume(j, err) < 0)
		return failed(j, now);
	pipeline_at_end(j->source, false);
	rc = read_some(j, now, err);
	return rc < 0 ? failed(j, now) : rc;
}

usec_t journal_feed_deadline(const struct journal_feed *j)
{
	return j->deadline;
}

/* ---- what is stored ---- */

bool journal_feed_is_dirty(const struct journal_feed *j)
{
	return j->nmarks > 0;
}

bool journal_feed_is_empty(const struct journal_feed *j)
{
	return !j->held.n && j->nmarks == 0;
}

bool journal_feed_position(struct journal_feed *j, struct journal_position *out)
{
	int64_t taken = pipeline_taken(j->source);
	size_t n = 0;

	for (; n < j->nmarks && j->marks[n].end <= taken; n++) {
		free(j->sent);
		j->sent = j->marks[n].cursor;
		j->sent_time = j->marks[n].time;
	}
	j->nmarks -= n;
	if (n)
		memmove(j->marks, j->marks + n, j->nmarks * sizeof(*j->marks));
	if (!j->sent || (j->stored && strcmp(j->sent, j->stored) == 0))
		return false;
	*out = (struct journal_position){ .name = str_of(j->name),
					  .cursor = str_of(j->sent),
					  .first = j->first,
					  .near = j->sent_time };
	return true;
}

void journal_feed_stored(struct journal_feed *j)
{
	if (!j->sent)
		return;
	free(j->stored);
	j->stored = str_dup(str_of(j->sent));
}
