/* A file of journal entries on its way into the pipeline.
 *
 * Invariant: the offset that is stored is the end of an entry whose line, and all
 * lines before it, were taken. Entries that were read from the journal itself are
 * left out. */
#include "cli/inlet_stream.h"

#include <stdlib.h>

#include "schema/journal_known.h"

#define READ_BYTES (64 * 1024)

/* The lines up to this byte of what was pushed are of the file up to that offset. */
struct mark {
	int64_t pushed, offset;
};

struct inlet_stream {
	struct entry_stream *entries;
	struct pipeline_source *source;
	struct journal_known *known;
	char bytes[READ_BYTES];
	struct str rest; /* of them */
	struct str held; /* a line there was no room for */
	int64_t read, pushed; /* read: end of bytes in the file */
	struct mark *marks; /* oldest first */
	size_t nmarks, room;
	int64_t taken;
	bool ended, over;
};

struct inlet_stream *inlet_stream_new(enum entry_format format)
{
	struct inlet_stream *s = xcalloc(1, sizeof(*s));

	s->entries = entry_stream_new(format);
	return s;
}

void inlet_stream_free(struct inlet_stream *s)
{
	if (!s)
		return;
	entry_stream_free(s->entries);
	journal_known_free(s->known);
	free(s->marks);
	free(s);
}

void inlet_stream_attach(struct inlet_stream *s, struct pipeline_source *source,
			 struct store *store, int64_t offset)
{
	s->source = source;
	s->known = journal_known_load(store, false);
	s->read = s->taken = offset;
}

bool inlet_stream_is_over(const struct inlet_stream *s)
{
	return s->over;
}

static void put_mark(struct inlet_stream *s)
{
	struct mark *m = s->nmarks ? &s->marks[s->nmarks - 1] : NULL;

	if (!m || m->pushed != s->pushed) {
		if (s->nmarks == s->room) {
			s->room = s->room ? s->room * 2 : 64;
			s->marks = xrealloc(s->marks, s->room * sizeof(*s->marks));
		}
		m = &s->marks[s->nmarks++];
	}
	*m = (struct mark){ s->pushed, s->read - (int64_t)s->rest.n };
}

/* false: there is no room for it now. */
static bool push_held(struct inlet_stream *s)
{
	if (pipeline_room(s->source) < s->held.n)
		return false;
	pipeline_push(s->source, s->held.p, s->held.n);
	s->pushed += (int64_t)s->held.n;
	s->held = STR_NONE;
	put_mark(s);
	return true;
}

static struct entry *next_entry(struct inlet_stream *s)
{
	struct entry *e = entry_stream_read(s->entries, &s->rest);

	if (e || !s->ended)
		return e;
	s->over = true;
	return entry_stream_finish(s->entries);
}

/* All that was read and there is room for. */
static bool push_all(struct inlet_stream *s)
{
	struct entry *e;

	do {
		if (s->held.n && !push_held(s))
			return false;
		e = s->over ? NULL : next_entry(s);
		if (e && entry_is_wanted(e) && !journal_known_has(s->known, e->cursor))
			s->held = entry_line(e);
		else if (e)
			put_mark(s);
	} while (e);
	return true;
}

int64_t inlet_stream_fill(struct inlet_stream *s, struct logfile *file, struct error *err)
{
	ssize_t n;

	if (!push_all(s))
		return 0;
	n = logfile_read(file, s->bytes, sizeof(s->bytes), err);
	if (n < 0)
		return n;
	s->rest = (struct str){ s->bytes, (size_t)n };
	s->read += n;
	s->ended = n == 0;
	if (!push_all(s))
		s->over = false;
	return n > 0 || !s->over;
}

int64_t inlet_stream_taken(struct inlet_stream *s)
{
	size_t n = 0;

	for (; n < s->nmarks && s->marks[n].pushed <= pipeline_taken(s->source); n++)
		s->taken = s->marks[n].offset;
	s->nmarks -= n;
	if (n)
		memmove(s->marks, s->marks + n, s->nmarks * sizeof(*s->marks));
	return s->taken;
}
