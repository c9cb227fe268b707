/* Reading one file into the pipeline.
 *
 * Invariant: every byte below `offset` and from `start` on has been pushed once
 * and in order, and came from a file whose first bytes were the ones in `id`
 * after it was read. Does not know about rotation; see follow.c. */
#include "daemon/part.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX_BYTES (256 * 1024)

static char buffer[READ_MAX_BYTES];

struct identity identity_of_head(struct str head, size_t n)
{
	head = str_head(head, n);
	return (struct identity){
		.head_hash = str_hash(head, 0),
		.head_n = (uint32_t)head.n,
		.telling = head.n == LOGFILE_HEAD || str_chr(head, '\n') < head.n,
	};
}

static void take_identity(struct part *p)
{
	struct stat st;

	p->id = identity_of_head(logfile_head(p->file), LOGFILE_HEAD);
	if (fstat(logfile_fd(p->file), &st) == 0) {
		p->id.dev = st.st_dev;
		p->id.ino = st.st_ino;
	}
}

struct part *part_new(struct logfile *file, const char *path, bool live)
{
	struct part *p = xcalloc(1, sizeof(*p));

	p->file = file;
	p->path = str_dup(str_of(path));
	p->live = live;
	p->stored = -1;
	take_identity(p);
	return p;
}

void part_free(struct part *p)
{
	if (!p)
		return;
	if (p->source)
		pipeline_source_remove(p->pipeline, p->source);
	logfile_close(p->file);
	free(p->path);
	free(p);
}

int part_start(struct part *p, struct pipeline *pipeline, const struct source_setup *setup,
	       int64_t offset, struct error *err)
{
	if (offset < logfile_start(p->file))
		offset = logfile_start(p->file);
	if (logfile_seek(p->file, offset, err) < 0)
		return -1;
	p->pipeline = pipeline;
	p->offset = p->start = offset;
	p->source = pipeline_source_add(pipeline, setup);
	pipeline_at_end(p->source, false);
	return 0;
}

bool part_is_plain(const struct part *p)
{
	return logfile_format(p->file) == LOGFILE_PLAIN;
}

int64_t part_size(const struct part *p)
{
	struct stat st;

	return fstat(logfile_fd(p->file), &st) == 0 ? st.st_size : 0;
}

usec_t part_mtime(const struct part *p)
{
	struct stat st;

	if (fstat(logfile_fd(p->file), &st) < 0)
		return 0;
	return (usec_t)st.st_mtim.tv_sec * USEC_SECOND + st.st_mtim.tv_nsec / 1000;
}

/* Are the first bytes those, telling or not? */
static bool same_bytes(const struct identity *id, struct str head)
{
	return head.n >= id->head_n && str_hash(str_head(head, id->head_n), 0) == id->head_hash;
}

bool identity_matches(const struct identity *id, struct str head)
{
	return id->telling && same_bytes(id, head);
}

bool identity_same_file(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

bool part_same_head(struct part *p)
{
	struct str head = logfile_head(p->file);

	if (!same_bytes(&p->id, head))
		return false;
	if (head.n > p->id.head_n) {
		struct identity grown = identity_of_head(head, LOGFILE_HEAD);

		grown.dev = p->id.dev;
		grown.ino = p->id.ino;
		p->id = grown;
	}
	return true;
}

/* How much to read now; 0 when the pipeline must run first. */
static size_t read_size(const struct part *p, size_t max_bytes)
{
	size_t room = pipeline_room(p->source);
	size_t n = max_bytes < sizeof(buffer) ? max_bytes : sizeof(buffer);

	return n < room ? n : room;
}

/* One read; what it brings is pushed only when the file is still the one we
 * know. */
static enum part_result read_once(struct part *p, size_t n, ssize_t *got, struct error *err)
{
	int64_t was = logfile_offset(p->file);

	*got = logfile_read(p->file, buffer, n, err);
	if (*got < 0)
		return PART_FAILED;
	if (p->live && !part_same_head(p)) {
		logfile_seek(p->file, was, NULL);
		*got = 0;
		return PART_CHANGED;
	}
	if (*got)
		pipeline_push(p->source, buffer, (size_t)*got);
	p->offset += *got;
	return (size_t)*got < n ? PART_END : PART_MORE;
}

enum part_result part_read(struct part *p, size_t max_bytes, usec_t now, size_t *got,
			   struct error *err)
{
	enum part_result result;
	ssize_t n;

	*got = 0;
	do {
		size_t want = read_size(p, max_bytes - *got);

		if (want == 0)
			return *got < max_bytes ? PART_FULL : PART_MORE;
		result = read_once(p, want, &n, err);
		if (n > 0) {
			*got += (size_t)n;
			p->grew = now;
			p->held += n;
		}
		/* A packed file is at its end only when a read brings nothing. */
		if (result == PART_END && n > 0 && !part_is_plain(p))
			result = PART_MORE;
	} while (result == PART_MORE && *got < max_bytes);
	return result;
}

int part_move(struct part *p, struct logfile *file, const char *path, struct error *err)
{
	if (logfile_seek(file, p->offset, err) < 0)
		return -1;
	logfile_close(p->file);
	free(p->path);
	p->file = file;
	p->path = str_dup(str_of(path));
	p->live = false;
	take_identity(p);
	return 0;
}

void part_finish(struct part *p)
{
	if (p->finished)
		return;
	p->finished = true;
	if (p->source)
		pipeline_finish(p->source);
}

bool part_position(struct part *p, struct position *pos)
{
	if (!p->source)
		return false;
	p->sent = p->start + pipeline_taken(p->source);
	if (p->sent == p->stored && p->id.head_n == p->stored_head_n)
		return false;
	*pos = (struct position){ .path = str_of(p->path),
				  .dev = p->id.dev,
				  .ino = p->id.ino,
				  .head_hash = p->id.head_hash,
				  .head_n = p->id.head_n,
				  .offset = p->sent,
				  .near = pipeline_source_near(p->source) };
	return p->id.telling;
}

void part_stored(struct part *p)
{
	p->stored = p->sent;
	p->stored_head_n = p->id.head_n;
}
