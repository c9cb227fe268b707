/* Log bytes -> lines -> records -> events -> batch.
 *
 * Invariant: a line is taken exactly once, whole, and in the order of time
 * among all sources that have input; pipeline_taken() counts whole lines only.
 * How the bytes were cut into pushes changes nothing. No file, clock or SQL. */
#include "core/pipeline.h"

#include <stdlib.h>

#include "base/map.h"
#include "core/account.h"
#include "core/correlate.h"
#include "core/envelope.h"
#include "core/shape.h"

/* What a source may hold unread: room for the longest line that is kept, and
 * a good read(2) more. */
#define SOURCE_ROOM (RECORD_MAX_LINE + 128 * 1024)
#define SAMPLE_MAX 1024
/* Shapes of unknown lines of one source between two commits: so many ask for a
 * commit; so many are kept apart before it comes. The database has the final say. */
#define UNKNOWN_ASK 1024
#define UNKNOWN_MAX 8192
#define PROGRAM_MAX 128
/* Times of loss of one source in one commit; more become one. */
#define LOSS_MAX 16
#define LOSS_REPORTER_MAX 64
/* journald tells what it dropped at the next line it keeps: after its
 * RateLimitIntervalSec= of 30 s, or later. */
#define LOSS_INTERVAL (30 * USEC_SECOND)
#define LOSS_MAX_INTERVAL USEC_DAY

struct pipeline_source {
	struct pipeline_source *next;
	struct pipeline *pipeline;
	char *name, *format, *tenant_account, *host;
	bool tenant;
	struct origin from; /* of its events; the host is the line's */
	const struct parser *only; /* format set by name, or what a tenant may say */
	struct envelope envelope;

	char *buffer; /* NULL while empty */
	size_t start, end; /* unread bytes */
	size_t searched; /* no newline in [start, searched) */
	bool skipping; /* the kept prefix is full: drop until the newline */
	int64_t skipped; /* bytes dropped of the line that is being skipped */
	int64_t taken;
	bool at_end, finished;

	bool has_head; /* a complete line is ready */
	struct record head;
	size_t head_bytes; /* with its newline */
	usec_t near_before; /* envelope.near before the head was split */
	usec_t last; /* time of the newest line taken */

	struct source_count count; /* since the last commit */
	struct unknown_count *unknown;
	size_t nunknown, unknown_room;
	struct map unknown_by; /* "program\0shape" -> its number in `unknown`, from 1 */
	usec_t before; /* time of the line before the one taken last */
	struct loss losses[LOSS_MAX]; /* since the last commit; reporters are heap */
	size_t nlosses;
};

struct pipeline {
	const struct settings *settings;
	const struct accounts *accounts;
	const struct parser *const *parsers;
	struct correlate correlate;
	struct pipeline_source *sources;
	struct batch batch;
	bool in_part; /* the batch is one of pipeline_part() */
	struct pipeline_totals totals;
	usec_t newest;
};

/* ---- sources ---- */

static const struct parser *parser_named(const struct pipeline *p, struct str name)
{
	for (const struct parser *const *at = p->parsers; *at; at++)
		if (str_eq(str_of((*at)->name), name))
			return *at;
	return NULL;
}

struct pipeline_source *pipeline_source_add(struct pipeline *p, const struct source_setup *setup)
{
	struct pipeline_source *s = xcalloc(1, sizeof(*s));

	s->pipeline = p;
	s->name = str_dup(setup->name);
	s->host = str_dup(setup->host);
	s->tenant = setup->tenant;
	s->tenant_account = str_dup(setup->tenant_account);
	s->envelope.zone = setup->zone;
	s->envelope.journal = setup->journal;
	s->envelope.near = setup->near;
	s->last = setup->near;
	/* What a customer can write must not speak for the MTA. */
	s->only = parser_named(p, s->tenant ? STR("php") : setup->format);
	s->count.source = str_of(s->name);
	s->from = (struct origin){ .source = str_of(s->name), .tenant = s->tenant,
				   .tenant_account = str_of(s->tenant_account) };
	s->next = p->sources;
	p->sources = s;
	return s;
}

static void unknown_clear(struct pipeline_source *s)
{
	for (size_t i = 0; i < s->nunknown; i++) {
		free((char *)(uintptr_t)s->unknown[i].program.p);
		free((char *)(uintptr_t)s->unknown[i].shape.p);
		free((char *)(uintptr_t)s->unknown[i].sample.p);
	}
	map_release(&s->unknown_by);
	s->unknown_by = (struct map){ 0 };
	free(s->unknown);
	s->unknown = NULL;
	s->nunknown = s->unknown_room = 0;
}

static void losses_clear(struct pipeline_source *s)
{
	for (size_t i = 0; i < s->nlosses; i++)
		free((char *)(uintptr_t)s->losses[i].reporter.p);
	s->nlosses = 0;
}

static void counts_clear(struct pipeline_source *s)
{
	unknown_clear(s);
	losses_clear(s);
	s->count = (struct source_count){ .source = str_of(s->name) };
}

static void source_free(struct pipeline_source *s)
{
	unknown_clear(s);
	losses_clear(s);
	free(s->buffer);
	free(s->name);
	free(s->host);
	free(s->tenant_account);
	free(s);
}

void pipeline_source_remove(struct pipeline *p, struct pipeline_source *s)
{
	struct pipeline_source **at = &p->sources;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	source_free(s);
}

size_t pipeline_room(const struct pipeline_source *s)
{
	return SOURCE_ROOM - (s->end - s->start);
}

int64_t pipeline_taken(const struct pipeline_source *s)
{
	return s->taken;
}

size_t pipeline_pending(const struct pipeline_source *s)
{
	return s->end - s->start + (size_t)s->skipped;
}

bool pipeline_source_ended(const struct pipeline_source *s)
{
	if (s->finished || !s->buffer || s->start == s->end)
		return s->at_end && s->start == s->end && !s->skipping;
	return s->at_end && !s->has_head &&
	       !memchr(s->buffer + s->start, '\n', s->end - s->start);
}

usec_t pipeline_source_near(const struct pipeline_source *s)
{
	return s->last;
}

void pipeline_at_end(struct pipeline_source *s, bool at_end)
{
	s->at_end = at_end;
}

void pipeline_finish(struct pipeline_source *s)
{
	s->finished = s->at_end = true;
}

/* The buffer is about to move: views of the head with it. */
static void forget_head(struct pipeline_source *s)
{
	if (!s->has_head)
		return;
	s->has_head = false;
	s->envelope.near = s->near_before;
}

static void make_room(struct pipeline_source *s, size_t n)
{
	if (!s->buffer) {
		s->buffer = xmalloc(SOURCE_ROOM);
		s->start = s->end = s->searched = 0;
	}
	/* Moving less than was taken costs nothing that counts, and a buffer that
	 * is filled by small pieces never touches all its pages. */
	if (s->end + n <= SOURCE_ROOM && s->end - s->start >= s->start)
		return;
	if (!s->start)
		return;
	forget_head(s);
	memmove(s->buffer, s->buffer + s->start, s->end - s->start);
	s->searched -= s->start;
	s->end -= s->start;
	s->start = 0;
}

void pipeline_push(struct pipeline_source *s, const char *bytes, size_t n)
{
	if (n > pipeline_room(s))
		bug("push beyond pipeline_room()");
	if (!n)
		return;
	s->finished = false;
	make_room(s, n);
	memcpy(s->buffer + s->end, bytes, n);
	s->end += n;
}

/* ---- lines ---- */

/* A line longer than is kept: its prefix stays, the middle goes. */
static void skip_middle(struct pipeline_source *s)
{
	size_t keep_to = s->start + RECORD_MAX_LINE;

	if (s->end <= keep_to)
		return;
	s->skipping = true;
	s->skipped += (int64_t)(s->end - keep_to);
	s->end = s->searched = keep_to;
}

static void split_head(struct pipeline_source *s, size_t line_bytes, bool cut)
{
	struct str line = { s->buffer + s->start, line_bytes };

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > RECORD_MAX_LINE) {
		line.n = RECORD_MAX_LINE;
		cut = true;
	}
	s->near_before = s->envelope.near;
	envelope_split(&s->envelope, line, &s->head);
	s->head.cut = cut;
	s->has_head = true;
}

/* The newline behind a skipped middle may be anywhere in what came since. */
static bool find_skipped_end(struct pipeline_source *s)
{
	size_t kept = s->start + RECORD_MAX_LINE;
	char *newline = memchr(s->buffer + kept, '\n', s->end - kept);

	if (!newline) {
		if (!s->finished)
			skip_middle(s);
		if (!s->finished)
			return false;
	}
	s->head_bytes = newline ? (size_t)(newline - s->buffer) + 1 - s->start : s->end - s->start;
	split_head(s, RECORD_MAX_LINE, true);
	return true;
}

static bool find_head(struct pipeline_source *s)
{
	char *newline = NULL;
	size_t line;

	if (s->has_head)
		return true;
	if (!s->buffer || (s->start == s->end && !s->skipping))
		return false;
	if (s->skipping)
		return find_skipped_end(s);
	newline = memchr(s->buffer + s->searched, '\n', s->end - s->searched);
	if (!newline && !s->finished) {
		s->searched = s->end;
		skip_middle(s);
		return false;
	}
	line = (newline ? (size_t)(newline - s->buffer) : s->end) - s->start;
	s->head_bytes = line + (newline != NULL);
	split_head(s, line, false);
	return true;
}

static void head_done(struct pipeline_source *s)
{
	s->start += s->head_bytes;
	s->searched = s->start;
	s->taken += (int64_t)s->head_bytes + s->skipped;
	s->skipped = 0;
	s->skipping = s->has_head = false;
	if (s->start != s->end)
		return;
	/* Ten thousand quiet logs must not hold ten thousand buffers. */
	if (s->at_end) {
		free(s->buffer);
		s->buffer = NULL;
	}
	s->start = s->end = s->searched = 0;
}

/* ---- losses ---- */

static usec_t earlier(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

static usec_t later(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

static void add_loss(struct pipeline_source *s, struct str reporter, usec_t first, usec_t last,
		     int64_t lines)
{
	struct loss *l;

	for (size_t i = 0; i < s->nlosses; i++) {
		l = &s->losses[i];
		if (!str_eq(l->reporter, reporter) && s->nlosses < LOSS_MAX)
			continue;
		if (s->nlosses < LOSS_MAX &&
		    (first > l->last + LOSS_INTERVAL || last < l->first - LOSS_INTERVAL))
			continue;
		l->first = earlier(l->first, first);
		l->last = later(l->last, last);
		l->lines += lines;
		return;
	}
	l = &s->losses[s->nlosses++];
	*l = (struct loss){ .source = str_of(s->name), .first = first, .last = last,
			    .lines = lines };
	l->reporter.p = str_dup(reporter);
	l->reporter.n = reporter.n;
}

void pipeline_lost(struct pipeline_source *s, usec_t first, usec_t last)
{
	add_loss(s, STR("mailaudit"), earlier(first, last), later(first, last), 0);
}

/* The report comes with the first line that was kept again. What was lost was lost since
 * the line before it, which may be of another program that was not throttled. */
static void on_lost(struct pipeline_source *s, const struct record *rec, const struct event *ev)
{
	struct str reporter = rec->shape == RECORD_EXIM ? STR("exim") : rec->program;
	usec_t last = rec->time ? rec->time : s->last, first = last;
	int64_t seconds = ev->seconds > 0 && ev->seconds < LOSS_MAX_INTERVAL / USEC_SECOND ?
				  ev->seconds : LOSS_INTERVAL / USEC_SECOND;

	if (ev->lines >= 0) {
		first = last - seconds * USEC_SECOND;
		if (s->before && last - s->before < LOSS_MAX_INTERVAL)
			first = earlier(first, s->before);
	}
	add_loss(s, str_head(reporter, LOSS_REPORTER_MAX), first, last,
		 ev->lines > 0 && ev->lines < UINT32_MAX ? ev->lines : 0);
}

/* ---- parsing ---- */

struct sink {
	struct event_sink base;
	struct pipeline *pipeline;
	struct pipeline_source *source;
};

static void emit(struct event_sink *base, const struct record *rec, const struct event *ev)
{
	struct sink *sink = (struct sink *)base;
	struct pipeline_source *s = sink->source;

	if (ev->kind == EV_LOST) {
		on_lost(s, rec, ev);
		return;
	}
	s->from.host = rec->host.n ? rec->host : str_of(s->host);
	correlate_event(&sink->pipeline->correlate, &s->from, rec, ev);
}

/* What the kernel keeps of a program's name. */
#define COMM_MAX 15

/* What begins with a slash and lies elsewhere may be anybody's program of that name. */
static bool is_systems_place(struct str exe)
{
	return exe.p[0] != '/' || str_starts(exe, STR("/usr/")) || str_starts(exe, STR("/opt/")) ||
	       str_starts(exe, STR("/lib")) || str_starts(exe, STR("/sbin/"));
}

/* Cuts the last name of the path off. */
static struct str eat_name(struct str *path)
{
	size_t slash = str_rchr(*path, '/');
	struct str name = slash < path->n ? str_skip(*path, slash + 1) : *path;

	*path = str_head(*path, slash < path->n ? slash : 0);
	return name;
}

static bool is_among(struct str exe, const char *const *programs)
{
	struct str dir = exe, name = eat_name(&dir);

	dir = eat_name(&dir);
	for (; *programs; programs++) {
		struct str want = str_of(*programs);

		if (str_ends(want, STR("/")) ? str_eq(dir, str_head(want, want.n - 1)) :
					       str_starts(name, want))
			return true;
	}
	return false;
}

/* "postfix/submission/smtpd" is logged by a program smtpd, and a script's name by
 * postlog for root. */
static bool is_last_word(const struct record *rec)
{
	struct str exe = rec->cred_exe, name = rec->program;

	if (str_chr(name, '/') == name.n)
		return true;
	exe = eat_name(&exe);
	name = eat_name(&name);
	if (str_eq(exe, STR("postlog")))
		return rec->cred_uid == 0;
	return str_eq(exe, name) || (exe.n == COMM_MAX && str_starts(name, exe));
}

/* A path tells more than a name, which a process gives itself. */
static bool is_its_program(const struct parser *parser, const struct record *rec)
{
	if (!rec->cred_exe.n)
		return true;
	return is_systems_place(rec->cred_exe) &&
	       (parser->programs ? is_among(rec->cred_exe, parser->programs) : is_last_word(rec));
}

/* A process may be gone before the journal asks which program it ran. A server's own uid
 * then speaks for it, and one that sites share, as the web server's, does not. */
static bool is_nobodys(const struct pipeline *p, const struct record *rec)
{
	char buf[24];

	return !rec->cred_exe.n && rec->cred_uid > 0 &&
	       accounts_is_shared(p->accounts, accounts_uid(p->accounts, rec->cred_uid, buf));
}

static bool forged(const struct pipeline *p, const struct parser *parser,
		   const struct record *rec)
{
	if (!parser->daemons_only)
		return false;
	if (!is_its_program(parser, rec))
		return true;
	if (parser->by_anybody && parser->by_anybody(rec))
		return false;
	return rec->cred_uid >= RECORD_FIRST_PERSON || is_nobodys(p, rec);
}

static enum parse_result parse_by(const struct pipeline *p, const struct parser *parser,
				  const struct record *rec, struct event_sink *sink)
{
	return forged(p, parser, rec) ? PARSE_UNKNOWN : parser->parse(rec, sink);
}

static enum parse_result parse(struct pipeline *p, struct pipeline_source *s,
			       const struct record *rec)
{
	struct sink sink = { .base = { .emit = emit, .rule = -1 }, .pipeline = p, .source = s };

	if (!rec->line.n)
		return PARSE_NOISE;
	if (s->only)
		return s->only->claims(rec) ? parse_by(p, s->only, rec, &sink.base) :
		       s->only->among_others ? PARSE_NOISE : PARSE_UNKNOWN;
	for (const struct parser *const *at = p->parsers; *at; at++)
		if (!(*at)->by_name_only && (*at)->claims(rec))
			return parse_by(p, *at, rec, &sink.base);
	return PARSE_UNKNOWN;
}

static struct str copy_of(struct str s)
{
	return (struct str){ str_dup(s), s.n };
}

static struct unknown_count *unknown_new(struct pipeline_source *s, const struct record *rec,
					 struct str program, struct str shape)
{
	struct unknown_count *u;

	if (s->nunknown == s->unknown_room) {
		s->unknown_room = s->unknown_room ? 2 * s->unknown_room : 16;
		s->unknown = xrealloc(s->unknown, s->unknown_room * sizeof(*s->unknown));
	}
	u = &s->unknown[s->nunknown++];
	*u = (struct unknown_count){ .source = str_of(s->name), .program = copy_of(program),
				     .shape = copy_of(shape), .time = rec->time,
				     .sample = copy_of(str_head(rec->line, SAMPLE_MAX)) };
	return u;
}

static struct unknown_count *unknown_of(struct pipeline_source *s, const struct record *rec)
{
	char buf[SHAPE_MAX], key[PROGRAM_MAX + 1 + SHAPE_MAX];
	struct str shape = shape_of(rec->body, buf), program = str_head(rec->program, PROGRAM_MAX);
	struct unknown_count *u;
	uintptr_t at;

	if (s->nunknown >= UNKNOWN_MAX)
		program = shape = STR(""); /* somebody invents them: the rest share a row */
	memcpy(key, program.n ? program.p : "", program.n);
	key[program.n] = 0;
	memcpy(key + program.n + 1, shape.p, shape.n);
	at = (uintptr_t)map_get(&s->unknown_by, (struct str){ key, program.n + 1 + shape.n });
	if (at)
		return &s->unknown[at - 1];
	u = unknown_new(s, rec, program, shape);
	map_put(&s->unknown_by, (struct str){ key, program.n + 1 + shape.n },
		(void *)(uintptr_t)s->nunknown);
	return u;
}

static void count_unknown(struct pipeline_source *s, const struct record *rec)
{
	struct unknown_count *u = unknown_of(s, rec);

	u->lines++;
	if (u->last < rec->time)
		u->last = rec->time;
}

static void count(struct pipeline *p, struct pipeline_source *s, const struct record *rec,
		  enum parse_result result)
{
	s->count.lines++;
	p->totals.lines++;
	s->count.cut += rec->cut;
	p->totals.cut += rec->cut;
	if (s->last)
		s->count.last = s->last;
	switch (result) {
	case PARSE_EVENTS:
		s->count.parsed++;
		p->totals.parsed++;
		break;
	case PARSE_NOISE:
		s->count.noise++;
		p->totals.noise++;
		break;
	case PARSE_UNKNOWN:
		s->count.unknown++;
		p->totals.unknown++;
		count_unknown(s, rec);
		break;
	}
}

static void take(struct pipeline *p, struct pipeline_source *s)
{
	const struct record *rec = &s->head;
	enum parse_result result;

	s->before = s->last;
	if (rec->time) {
		s->last = rec->time;
		if (rec->time > p->newest)
			p->newest = rec->time;
		if (!s->tenant)
			correlate_advance(&p->correlate, rec->time);
	}
	result = parse(p, s, rec);
	count(p, s, rec, result);
	head_done(s);
}

/* ---- running ---- */

/* A line without a stamp belongs to the one before it. */
static usec_t head_time(const struct pipeline_source *s)
{
	return s->head.time ? s->head.time : s->last;
}

/* PHP writes its line before it sends, but by whole seconds: among lines of one
 * time its are the first. */
static bool goes_before(const struct pipeline_source *a, const struct pipeline_source *b)
{
	if (head_time(a) != head_time(b))
		return head_time(a) < head_time(b);
	return a->head.shape == RECORD_PHP && b->head.shape != RECORD_PHP;
}

/* The source whose line is next, or NULL when one must be read from first. */
static struct pipeline_source *next_source(struct pipeline *p)
{
	struct pipeline_source *best = NULL;

	for (struct pipeline_source *s = p->sources; s; s = s->next) {
		if (!find_head(s)) {
			if (!s->at_end)
				return NULL;
			continue;
		}
		if (!best || goes_before(s, best))
			best = s;
	}
	return best;
}

/* Time up to which `s` may go on before another source is due; 0: none is. */
static usec_t run_until(const struct pipeline *p, const struct pipeline_source *s)
{
	usec_t until = INT64_MAX;

	for (const struct pipeline_source *other = p->sources; other; other = other->next)
		if (other != s && other->has_head && head_time(other) < until)
			until = head_time(other);
	return until;
}

size_t pipeline_run_to(struct pipeline *p, size_t max_lines, usec_t last)
{
	size_t n = 0;

	while (n < max_lines) {
		struct pipeline_source *s = next_source(p);
		usec_t until;

		if (!s || head_time(s) > last)
			break;
		/* The scan over all sources is paid once per stretch of one. */
		until = run_until(p, s);
		do {
			take(p, s);
			n++;
		} while (n < max_lines && find_head(s) && head_time(s) < until &&
			 head_time(s) <= last);
	}
	return n;
}

size_t pipeline_run(struct pipeline *p, size_t max_lines)
{
	return pipeline_run_to(p, max_lines, INT64_MAX);
}

void pipeline_clock(struct pipeline *p, usec_t now)
{
	p->correlate.clock = now;
}

void pipeline_tick(struct pipeline *p, usec_t now)
{
	correlate_advance(&p->correlate, now);
}

void pipeline_end_waits(struct pipeline *p, usec_t now)
{
	usec_t end = p->newest + 2 * p->settings->php_wait + JOIN_PATIENCE;

	correlate_end_waits(&p->correlate, end < now ? end : now);
}

/* ---- commit ---- */

/* An empty one that knows what its arena is. */
static struct batch *begin_batch(struct pipeline *p)
{
	struct batch *b = &p->batch;

	arena_reset(&b->arena);
	*b = (struct batch){ .arena = b->arena };
	correlate_batch_mail(&p->correlate, b);
	return b;
}

struct batch *pipeline_part(struct pipeline *p)
{
	struct batch *b = begin_batch(p);

	p->in_part = b->more = true;
	return b;
}

struct batch *pipeline_batch(struct pipeline *p)
{
	struct batch *b = begin_batch(p);
	size_t sources = 0, unknown = 0, losses = 0;

	p->in_part = false;
	correlate_batch(&p->correlate, b);
	for (struct pipeline_source *s = p->sources; s; s = s->next) {
		sources += s->count.lines != 0;
		unknown += s->nunknown;
		losses += s->nlosses;
	}
	b->sources = arena_alloc(&b->arena, (sources + 1) * sizeof(*b->sources));
	b->unknown = arena_alloc(&b->arena, (unknown + 1) * sizeof(*b->unknown));
	b->losses = arena_alloc(&b->arena, (losses + 1) * sizeof(*b->losses));
	for (struct pipeline_source *s = p->sources; s; s = s->next) {
		if (s->count.lines)
			b->sources[b->nsources++] = s->count;
		for (size_t i = 0; i < s->nunknown; i++)
			b->unknown[b->nunknown++] = s->unknown[i];
		for (size_t i = 0; i < s->nlosses; i++)
			b->losses[b->nlosses++] = s->losses[i];
	}
	return b;
}

void pipeline_committed(struct pipeline *p)
{
	correlate_mail_committed(&p->correlate);
	arena_reset(&p->batch.arena);
	if (p->in_part)
		return;
	correlate_committed(&p->correlate);
	for (struct pipeline_source *s = p->sources; s; s = s->next)
		counts_clear(s);
}

void pipeline_put_away(struct pipeline *p)
{
	if (p->correlate.detect)
		detect_put_away(p->correlate.detect);
	queue_put_away(&p->correlate.queue);
}

bool pipeline_full(const struct pipeline *p)
{
	if (p->correlate.detect && detect_full(p->correlate.detect))
		return true;
	for (const struct pipeline_source *s = p->sources; s; s = s->next)
		if (s->nunknown >= UNKNOWN_ASK)
			return true;
	return false;
}

bool pipeline_dirty(const struct pipeline *p)
{
	return correlate_dirty(&p->correlate);
}

const struct pipeline_totals *pipeline_totals(struct pipeline *p)
{
	struct pipeline_totals *t = &p->totals;

	t->messages = p->correlate.messages;
	t->recipients = p->correlate.recipients;
	t->php_mail = p->correlate.php_mail;
	t->open = p->correlate.queue.open;
	t->findings = p->correlate.detect ? detect_raised(p->correlate.detect) : 0;
	return t;
}

usec_t pipeline_watermark(const struct pipeline *p)
{
	return p->correlate.watermark;
}

usec_t pipeline_newest(const struct pipeline *p)
{
	return p->newest;
}

/* ---- life ---- */

struct pipeline *pipeline_new(const struct settings *settings, const struct accounts *accounts,
			      const struct parser *const *parsers, struct row_source rows)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));

	p->settings = settings;
	p->accounts = accounts;
	p->parsers = parsers;
	correlate_init(&p->correlate, settings, accounts, rows);
	return p;
}

void pipeline_free(struct pipeline *p)
{
	struct pipeline_source *s, *next;

	if (!p)
		return;
	for (s = p->sources; s; s = next) {
		next = s->next;
		source_free(s);
	}
	correlate_release(&p->correlate);
	arena_release(&p->batch.arena);
	free(p);
}

void pipeline_detect(struct pipeline *p, const struct detect_world *world,
		     const struct heuristic *const *heuristics)
{
	p->correlate.detect = detect_new(world, heuristics, p->correlate.queue.row_source);
}

void pipeline_reload(struct pipeline *p, const struct detect_world *world)
{
	p->settings = world->settings;
	p->accounts = world->accounts;
	correlate_reload(&p->correlate, world->settings, world->accounts);
	if (p->correlate.detect)
		detect_reload(p->correlate.detect, world);
}

void pipeline_restore_ids(struct pipeline *p, int64_t next_message, int64_t next_php,
			  usec_t watermark)
{
	p->correlate.queue.next_id = next_message;
	p->correlate.next_php = next_php;
	p->correlate.watermark = p->correlate.known_until = watermark;
}

void pipeline_restore_message(struct pipeline *p, struct str host, struct str instance,
			      struct str queue_id, int64_t id, usec_t time, usec_t closed,
			      bool waiting)
{
	queue_restore(&p->correlate.queue, host, instance, queue_id, id, time, closed);
	if (waiting)
		correlate_restore_waiting(&p->correlate, id);
}

void pipeline_restore_php(struct pipeline *p, struct php_mail *waiting)
{
	correlate_restore_php(&p->correlate, waiting);
}

void pipeline_restore_detection(struct pipeline *p, int64_t next_stream, int64_t next_finding)
{
	if (p->correlate.detect)
		detect_restore(p->correlate.detect, next_stream, next_finding);
}

void pipeline_restore_finding(struct pipeline *p, struct finding *open)
{
	if (p->correlate.detect)
		detect_restore_finding(p->correlate.detect, open);
	else
		finding_free(open);
}

void pipeline_restore_note(struct pipeline *p, const struct note *note)
{
	notes_restore(&p->correlate.notes, note);
}
