/* The program's core as one pure machine: log bytes in, a batch out. No file,
 * clock or SQL inside; daemon, import, tests and fuzzers call the same.
 *
 * Lines of several sources are taken in the order of their time stamps: a line
 * waits until every source that is not at its end has a line to compare. The
 * result does not depend on how the bytes were cut into pushes. */
#ifndef MAILAUDIT_CORE_PIPELINE_H
#define MAILAUDIT_CORE_PIPELINE_H

#include "core/account.h"
#include "core/batch.h"
#include "core/parser.h"
#include "core/settings.h"

struct pipeline;
struct pipeline_source;

/* How long after its end a message still takes lines (event time): Postfix
 * writes a bounce's notice after the bounce itself was delivered. */
#define PIPELINE_LINGER (10 * USEC_MINUTE)

/* How the core asks for rows it has put out of memory. */
struct row_source {
	void *context;
	/* Fills a message_new() from the row; NULL: no such row. */
	struct message *(*load)(void *context, int64_t id);
	/* A message of this host that has the id and was first seen within a minute of
	 * `time`: fills the times it was first seen and closed (0: open). 0: there is none. */
	int64_t (*find)(void *context, struct str host, struct str id, usec_t time, usec_t *seen,
			usec_t *closed);
	/* The stream of this key: fills *row (valid until the next call). false: there is none. */
	bool (*load_stream)(void *context, struct str key, struct stream_row *row);
	/* Tells the chunks of the stream, in order. */
	void (*load_known)(void *context, int64_t stream,
			   void (*known)(void *to, const struct known_row *chunk), void *to);
	/* A finding_new() filled from the row; NULL: no such row. */
	struct finding *(*load_finding)(void *context, int64_t id);
};

struct source_setup {
	struct str name; /* path */
	struct str format; /* parser name, or "auto" */
	bool journal; /* its lines are those of core/entry.h */
	bool tenant; /* a customer can write it */
	struct str tenant_account; /* whose it is; "" if unknown: then it accuses nobody */
	const struct zone *zone;
	usec_t near;
	struct str host; /* for lines that name none */
};

struct pipeline_totals {
	int64_t lines, parsed, noise, unknown, cut;
	int64_t messages, recipients, php_mail;
	int64_t open; /* messages open now */
	int64_t findings; /* raised */
};

/* settings and accounts must outlive the pipeline or the next reload. */
struct pipeline *pipeline_new(const struct settings *settings,
			      const struct accounts *accounts,
			      const struct parser *const *parsers,
			      struct row_source rows);
/* From now on the heuristics look at what comes; before the first push. */
struct detect_world;
struct heuristic;
void pipeline_detect(struct pipeline *p, const struct detect_world *world,
		     const struct heuristic *const *heuristics);
void pipeline_free(struct pipeline *p);
/* New settings for the lines to come (accounts, maps, networks). */
void pipeline_reload(struct pipeline *p, const struct detect_world *world);

/* What a restart needs: call before the first push. */
void pipeline_restore_ids(struct pipeline *p, int64_t next_message, int64_t next_php,
			  usec_t watermark);
void pipeline_restore_message(struct pipeline *p, struct str host, struct str instance,
			      struct str queue_id, int64_t id, usec_t time, usec_t closed,
			      bool waiting);
void pipeline_restore_php(struct pipeline *p, struct php_mail *waiting); /* taken over */
void pipeline_restore_note(struct pipeline *p, const struct note *note);
void pipeline_restore_detection(struct pipeline *p, int64_t next_stream, int64_t next_finding);
void pipeline_restore_finding(struct pipeline *p, struct finding *open); /* taken over */

struct pipeline_source *pipeline_source_add(struct pipeline *p, const struct source_setup *setup);
/* What it counted since the last commit is lost: commit first. */
void pipeline_source_remove(struct pipeline *p, struct pipeline_source *s);
/* Bytes the source takes now without growing over its bound (0: run first). */
size_t pipeline_room(const struct pipeline_source *s);
/* Appends to the source's buffer. */
void pipeline_push(struct pipeline_source *s, const char *bytes, size_t n);
/* There is nothing more to read from it for now: others need not wait for it. */
void pipeline_at_end(struct pipeline_source *s, bool at_end);
/* The file ended for good: what is buffered without a newline is a line too. */
void pipeline_finish(struct pipeline_source *s);
/* Bytes of complete lines taken since the source was added. What has been
 * pushed beyond it must be pushed again after a restart. */
int64_t pipeline_taken(const struct pipeline_source *s);
/* Bytes pushed and not yet taken. */
size_t pipeline_pending(const struct pipeline_source *s);
/* Is there no line left that could be taken without another push? */
bool pipeline_source_ended(const struct pipeline_source *s);
usec_t pipeline_source_near(const struct pipeline_source *s);

/* Lines of the source were lost between two times. */
void pipeline_lost(struct pipeline_source *s, usec_t first, usec_t last);

/* Takes at most max_lines lines; returns how many. 0: nothing can be taken
 * until there is more input. */
size_t pipeline_run(struct pipeline *p, size_t max_lines);
/* The same, and takes no line that is later than `last`: a source that begins
 * then is still to be added. */
size_t pipeline_run_to(struct pipeline *p, size_t max_lines, usec_t last);
/* What time it is: a PHP line that bears a later one is not waited for. */
void pipeline_clock(struct pipeline *p, usec_t now);
/* The clock, for waits that no log line ends (only when all sources are at
 * their end). */
void pipeline_tick(struct pipeline *p, usec_t now);
/* The end of an import: nothing more will come that could end what waits, if
 * the logs are older than `now`. Event time stays, for the next import. */
void pipeline_end_waits(struct pipeline *p, usec_t now);
/* Gathers what changed since the last commit. Valid until pipeline_committed. */
struct batch *pipeline_batch(struct pipeline *p);
/* Of that only the mail, to be written within the transaction of the next batch: what is
 * much need not wait in memory, what changes often is written once. */
struct batch *pipeline_part(struct pipeline *p);
/* The batch, or part, is in the database. */
void pipeline_committed(struct pipeline *p);
/* What was not used since the last call goes out of memory, as far as it can be
 * read back. */
void pipeline_put_away(struct pipeline *p);
const struct pipeline_totals *pipeline_totals(struct pipeline *p);
/* How far event time has come. A customer's log does not move it: a line from
 * the year 2099 would end everybody's waits. */
usec_t pipeline_watermark(const struct pipeline *p);
/* The newest time any line had, customers' logs included. */
usec_t pipeline_newest(const struct pipeline *p);
/* Is so much kept for the next commit, of counts or of streams, that it should come soon? */
bool pipeline_full(const struct pipeline *p);
/* True when there is something to commit besides positions. */
bool pipeline_dirty(const struct pipeline *p);

#endif
