/* bzip2 data and tar archives, by libarchive, as a stream that is read once.
 * Built without it, the *_open() say so. */
#ifndef MAILAUDIT_BASE_ARCHIVE_H
#define MAILAUDIT_BASE_ARCHIVE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/stamp.h"
#include "base/str.h"

/* Where packed bytes come from: at most n of them, 0 at the end, or -1. */
struct archive_source {
	ssize_t (*read)(void *from, char *buf, size_t n, struct error *err);
	void *from;
};

enum archive_kind {
	ARCHIVE_FILE, /* a regular file with bytes of its own */
	ARCHIVE_OTHER, /* a directory, a link, a device */
	ARCHIVE_SPARSE /* with holes, that could be of any size: not read */
};

struct archive_member {
	struct str name; /* as the archive has it: any bytes. Until the next call */
	enum archive_kind kind;
	int64_t size;
	usec_t mtime; /* 0: not told */
};

struct archive_stream;

/* A bzip2 file is a stream without members. name is for messages and copied. */
struct archive_stream *archive_open_bzip2(struct archive_source source, const char *name,
					  struct error *err);
struct archive_stream *archive_open_tar(struct archive_source source, const char *name,
					struct error *err);
void archive_close(struct archive_stream *a); /* NULL is fine; the source stays */

/* Does it start with the header of a tar archive? No text does: there is a NUL
 * byte in it, and a sum of all others. */
bool archive_is_tar(struct str head);
/* The tar's next member. 1, 0 at the end, -1. */
int archive_next(struct archive_stream *a, struct archive_member *out, struct error *err);
/* Of the member, or of what was packed by bzip2. 0: the end. -1: damaged or
 * incomplete; what came before has been returned. */
ssize_t archive_read(struct archive_stream *a, char *buf, size_t n, struct error *err);

#endif
