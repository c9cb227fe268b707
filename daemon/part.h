/* One file of a followed log on its way into the pipeline: the live file, or a
 * rotated one whose rest is read. Each has a read position of its own. */
#ifndef MAILAUDIT_DAEMON_PART_H
#define MAILAUDIT_DAEMON_PART_H

#include "base/logfile.h"
#include "core/pipeline.h"

/* What a file is known by. Inode numbers are reused, so the first bytes count. */
struct identity {
	uint64_t dev, ino;
	uint64_t head_hash; /* of the first head_n bytes */
	uint32_t head_n; /* grows with the file up to LOGFILE_HEAD */
	/* The head has a whole line: "2026-1" alone is the head of many files. */
	bool telling;
};

struct part {
	struct part *next;
	char *path; /* under which the position is kept */
	struct logfile *file;
	struct identity id;
	bool live; /* it is the file at the followed path */
	bool finished; /* no more is read from it */
	bool dropped; /* finished in the middle; begun again after the commit */
	int64_t offset; /* of the next byte to read */
	int64_t start; /* offset of the first byte pushed */
	struct pipeline *pipeline;
	struct pipeline_source *source; /* NULL: not started */
	int64_t stored; /* offset the database has; -1 none */
	uint32_t stored_head_n;
	int64_t sent; /* offset in the commit under way */
	usec_t grew; /* monotonic time of the last growth */
	int64_t held; /* bytes read since it was last at its end */
};

enum part_result {
	PART_MORE, /* read some, and there may be more */
	PART_FULL, /* the pipeline must run first */
	PART_END, /* at the end; something may have been read */
	PART_CHANGED, /* its first bytes are not those they were: nothing taken */
	PART_FAILED
};

/* Takes the file over. */
struct part *part_new(struct logfile *file, const char *path, bool live);
void part_free(struct part *p); /* also takes it from the pipeline; NULL is fine */
/* Begins to push from an offset. NUL bytes at the start of a file (left by
 * copytruncate when the writer does not append) are skipped. */
int part_start(struct part *p, struct pipeline *pipeline, const struct source_setup *setup,
	       int64_t offset, struct error *err);
/* Reads at most max_bytes; *got says how many. */
enum part_result part_read(struct part *p, size_t max_bytes, usec_t now, size_t *got,
			   struct error *err);
/* Goes on in another file that holds the same log: the copy of copytruncate. */
int part_move(struct part *p, struct logfile *file, const char *path, struct error *err);
bool part_is_plain(const struct part *p);
/* Of the file on disk. */
int64_t part_size(const struct part *p);
usec_t part_mtime(const struct part *p);
/* What is buffered without a newline becomes a line. */
void part_finish(struct part *p);
/* Are its first bytes those we know? Takes note of more of them. */
bool part_same_head(struct part *p);
/* Does a file that starts with these bytes hold the same log? Not if the
 * identity is not telling. */
bool identity_matches(const struct identity *id, struct str head);
/* Of the first n bytes of a head; dev and ino are left 0. */
struct identity identity_of_head(struct str head, size_t n);
bool identity_same_file(const struct identity *a, const struct identity *b);
/* Fills *pos; true if it differs from what is stored. */
bool part_position(struct part *p, struct position *pos);
/* The positions part_position() gave are in the database. */
void part_stored(struct part *p);

#endif
