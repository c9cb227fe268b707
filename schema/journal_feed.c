/* A journal on its way into the pipeline.
 *
 * Invariant: each entry is read once, in the journal's order; the cursor that is
 * to be stored is of an entry whose line, and all lines before it, were taken. An
 * entry that is gone leaves a gap that is told, never a silent one. */
#include "schema/journal_feed.h"

#include <stdio.h>
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
/* In the name of what was read of one numbering, behind the feed's own. */
#define RANGE_MARK " s="

/* The cursor of an entry, whose line ends at this byte of what was pushed. */
struct mark {
	int64_t end;
	char *cursor;
	usec_t time;
};

/* What was read of the entries that are numbered under one id. journald counts in one
 * for the system's files, and in one of its own for each user's. */
struct range {
	struct range *next;
	char id[ID_SIZE];
	char *name; /* of its row */
	char cursor[2 * ID_SIZE]; /* of the last */
	int64_t first, last;
	usec_t time; /* of the last */
	bool dirty, sent;
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
	bool resume; /* where we stand must be looked up */
	bool gap; /* the entry behind `last` may be gone */
	struct mark *marks; /* oldest first */
	size_t nmarks, room;
	struct range *ranges;
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

/* ---- numbers ---- */

static struct range *range_of(struct journal_feed *j, struct str id)
{
	struct range *r = j->ranges;

	while (r && !str_eq(str_of(r->id), id))
		r = r->next;
	return r;
}

static struct range *range_new(struct journal_feed *j, struct str id, int64_t first)
{
	struct range *r = xcalloc(1, sizeof(*r));
	size_t size = strlen(j->name) + strlen(RANGE_MARK) + id.n + 1;

	memcpy(r->id, id.p, id.n);
	r->name = xmalloc(size);
	snprintf(r->name, size, "%s" RANGE_MARK "%.*s", j->name, STR_ARG(id));
	r->first = first;
	r->next = j->ranges;
	j->ranges = r;
	return r;
}

static void ranges_free(struct journal_feed *j)
{
	for (struct range *r = j->ranges, *next; r; r = next) {
		next = r->next;
		free(r->name);
		free(r);
	}
}

/* The entry with this cursor was taken. */
static void range_reached(struct journal_feed *j, const struct mark *m)
{
	struct range *r;
	struct str id;
	int64_t number;

	if (!entry_number(str_of(m->cursor), &id, &number))
		return;
	r = range_of(j, id);
	if (!r)
		r = range_new(j, id, number);
	if (number <= r->last)
		return;
	r->last = number;
	r->time = m->time;
	r->dirty = true;
}

static void restore_range(void *context, const struct journal_position *row)
{
	struct journal_feed *j = context;
	struct str rest = row->name, id;
	struct range *r;
	int64_t number;

	if (!str_eat(&rest, str_of(j->name)) || (rest.n && !str_starts(rest, STR(RANGE_MARK))) ||
	    !entry_number(row->cursor, &id, &number))
		return;
	r = range_of(j, id);
	if (!r)
		r = range_new(j, id, row->first);
	if (number > r->last)
		r->last = number;
}

/* Where an earlier run stopped. */
static void restore(struct journal_feed *j)
{
	struct journal_position pos;

	if (store_journal(j->setup.store, str_of(j->name), &pos)) {
		set_last(j, pos.cursor.p, pos.near);
		j->stored = str_dup(pos.cursor);
	}
	store_journals(j->setup.store, restore_range, j);
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
	ranges_free(j);
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
	j->gap = false;
	if (entry_is_next(str_of(j->last), str_of(cursor)))
		return;
	log_warning("%s: entries are gone that were not read; counts are minimums", j->path);
	pipeline_lost(j->source, j->last_time, time);
}

/* ---- reading ---- */

static bool has_id_of(const char *a, const char *b)
{
	struct str a_id = STR_NONE, b_id = STR_NONE;
	int64_t number;

	entry_number(str_of(a), &a_id, &number);
	entry_number(str_of(b), &b_id, &number);
	return str_eq(a_id, b_id);
}

static void put_mark(struct journal_feed *j)
{
	struct mark *m = j->nmarks ? &j->marks[j->nmarks - 1] : NULL;

	/* One that is passed over may be numbered under another id than a line before it. */
	if (!m || m->end != j->pushed || !has_id_of(j->last, m->cursor)) {
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

	if (!cursor)
		return false;
	if (j->gap)
		tell_gap(j, cursor, time);
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

static void add_position(struct journal_positions *list, const struct journal_position *pos)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->at = xrealloc(list->at, list->room * sizeof(*list->at));
	}
	list->at[list->n++] = *pos;
}

static void add_range(struct range *r, struct journal_positions *out)
{
	snprintf(r->cursor, sizeof(r->cursor), "s=%s;i=%llx", r->id, (long long)r->last);
	r->sent = true;
	add_position(out, &(struct journal_position){ .name = str_of(r->name),
						      .cursor = str_of(r->cursor),
						      .first = r->first,
						      .near = r->time });
}

static void take_marks(struct journal_feed *j)
{
	int64_t taken = pipeline_taken(j->source);
	size_t n = 0;

	for (; n < j->nmarks && j->marks[n].end <= taken; n++) {
		range_reached(j, &j->marks[n]);
		free(j->sent);
		j->sent = j->marks[n].cursor;
		j->sent_time = j->marks[n].time;
	}
	j->nmarks -= n;
	if (n)
		memmove(j->marks, j->marks + n, j->nmarks * sizeof(*j->marks));
}

void journal_feed_positions(struct journal_feed *j, struct journal_positions *out)
{
	struct str id = STR_NONE;
	int64_t number;
	struct range *current;

	take_marks(j);
	if (!j->sent || (j->stored && strcmp(j->sent, j->stored) == 0))
		return;
	entry_number(str_of(j->sent), &id, &number);
	current = range_of(j, id);
	add_position(out, &(struct journal_position){ .name = str_of(j->name),
						      .cursor = str_of(j->sent),
						      .first = current ? current->first : 0,
						      .near = j->sent_time });
	for (struct range *r = j->ranges; r; r = r->next)
		if (r->dirty && r != current)
			add_range(r, out);
}

void journal_feed_stored(struct journal_feed *j)
{
	if (!j->sent)
		return;
	free(j->stored);
	j->stored = str_dup(str_of(j->sent));
	for (struct range *r = j->ranges; r; r = r->next) {
		r->dirty &= !r->sent;
		r->sent = false;
	}
}
