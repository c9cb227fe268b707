/* libarchive, bounded: of its many formats only tar, of its filters only bzip2.
 *
 * Invariant: it reads through our source and never opens, creates or names a
 * file; so a member's name is a label, wherever it points. Memory does not
 * depend on what an archive says of sizes. */
#include "base/archive.h"

#include <errno.h>
#include <stdlib.h>

#define TAR_BLOCK 512
#define TAR_SUM 148 /* six octal digits, a NUL and a blank */
#define TAR_MAGIC 257

/* The header's bytes added up, those of the sum itself as blanks (POSIX, pax). */
static int64_t sum_of(struct str header)
{
	int64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= TAR_SUM && i < TAR_SUM + 8 ? ' ' : (unsigned char)header.p[i];
	return sum;
}

static int64_t octal(const char *p, size_t n)
{
	int64_t value = 0;
	size_t i = 0;

	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		value = value * 8 + (p[i] - '0');
	return value;
}

bool archive_is_tar(struct str head)
{
	if (head.n < TAR_BLOCK)
		return false;
	if (memcmp(head.p + TAR_MAGIC, "ustar\0", 6) != 0 &&
	    memcmp(head.p + TAR_MAGIC, "ustar  \0", 8) != 0)
		return false;
	return octal(head.p + TAR_SUM, 8) == sum_of(str_head(head, TAR_BLOCK));
}

#ifdef HAVE_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>

#define SOURCE_BUFFER (64 * 1024)

struct archive_stream {
	struct archive *archive;
	struct archive_source source;
	struct error source_error; /* of the last read; code 0: none */
	char *name;
	bool unbegun; /* bzip2: the only member's header was not read */
	bool damaged; /* nothing behind this can be read */
	bool ended; /* of this member */
	char buf[SOURCE_BUFFER];
};

static la_ssize_t pull(struct archive *archive, void *data, const void **out)
{
	struct archive_stream *a = data;
	ssize_t n;

	a->source_error.code = 0;
	n = a->source.read(a->source.from, a->buf, sizeof(a->buf), &a->source_error);
	*out = a->buf;
	if (n < 0)
		archive_set_error(archive, EIO, "%s", a->source_error.text);
	return n;
}

static int failed(struct archive_stream *a, struct error *err)
{
	const char *why = archive_error_string(a->archive);

	a->damaged = true;
	if (a->source_error.code)
		return error_set(err, EXIT_NOINPUT, "%s", a->source_error.text);
	return error_set(err, EXIT_NOINPUT, "%s: data are damaged or end too early (%s)", a->name,
			 why ? why : "no reason given");
}

static struct archive_stream *new_stream(struct archive_source source, const char *name)
{
	struct archive_stream *a = xcalloc(1, sizeof(*a));

	a->archive = archive_read_new();
	if (!a->archive)
		bug("out of memory");
	a->source = source;
	a->name = str_dup(str_of(name));
	return a;
}

/* Starts reading, once it was said what. libarchive unpacks the beginning here. */
static int open_it(struct archive_stream *a)
{
	return archive_read_open(a->archive, a, NULL, pull, NULL) == ARCHIVE_OK ? 0 : -1;
}

struct archive_stream *archive_open_bzip2(struct archive_source source, const char *name,
					  struct error *err)
{
	struct archive_stream *a = new_stream(source, name);

	archive_read_support_filter_bzip2(a->archive);
	archive_read_support_format_raw(a->archive);
	a->unbegun = true;
	(void)err;
	return a;
}

struct archive_stream *archive_open_tar(struct archive_source source, const char *name,
					struct error *err)
{
	struct archive_stream *a = new_stream(source, name);

	archive_read_support_format_tar(a->archive);
	if (open_it(a) == 0)
		return a;
	failed(a, err);
	archive_close(a);
	return NULL;
}

void archive_close(struct archive_stream *a)
{
	if (!a)
		return;
	archive_read_free(a->archive);
	free(a->name);
	free(a);
}

static enum archive_kind kind_of(struct archive_entry *entry)
{
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return ARCHIVE_OTHER;
	return archive_entry_sparse_count(entry) ? ARCHIVE_SPARSE : ARCHIVE_FILE;
}

int archive_next(struct archive_stream *a, struct archive_member *out, struct error *err)
{
	struct archive_entry *entry;
	int rc = archive_read_next_header(a->archive, &entry);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return failed(a, err);
	a->ended = false;
	*out = (struct archive_member){
		.name = str_of(archive_entry_pathname(entry)),
		.kind = kind_of(entry),
		.size = archive_entry_size(entry),
		.mtime = archive_entry_mtime(entry) * USEC_SECOND,
	};
	return 1;
}

/* Raw data are one member; those that unpack to nothing are none. */
static int begin(struct archive_stream *a, struct error *err)
{
	struct archive_entry *entry;
	int rc;

	a->unbegun = false;
	if (open_it(a) < 0)
		return failed(a, err);
	rc = archive_read_next_header(a->archive, &entry);
	a->ended = rc == ARCHIVE_EOF;
	return rc == ARCHIVE_OK || a->ended ? 0 : failed(a, err);
}

ssize_t archive_read(struct archive_stream *a, char *buf, size_t n, struct error *err)
{
	la_ssize_t got;

	if (a->damaged)
		return failed(a, err);
	if (a->unbegun && begin(a, err) < 0)
		return -1;
	got = a->ended ? 0 : archive_read_data(a->archive, buf, n);
	if (got < 0)
		return failed(a, err);
	a->ended = got == 0;
	return got;
}
#else
static struct archive_stream *unsupported(const char *name, const char *what, struct error *err)
{
	error_set(err, EXIT_NOINPUT, "%s: built without support for %s", name, what);
	return NULL;
}

struct archive_stream *archive_open_bzip2(struct archive_source source, const char *name,
					  struct error *err)
{
	(void)source;
	return unsupported(name, "bzip2", err);
}

struct archive_stream *archive_open_tar(struct archive_source source, const char *name,
					struct error *err)
{
	(void)source;
	return unsupported(name, "tar", err);
}

void archive_close(struct archive_stream *a)
{
	(void)a;
}

int archive_next(struct archive_stream *a, struct archive_member *out, struct error *err)
{
	(void)a;
	(void)out;
	return error_set(err, EXIT_NOINPUT, "built without support for tar");
}

ssize_t archive_read(struct archive_stream *a, char *buf, size_t n, struct error *err)
{
	(void)a;
	(void)buf;
	(void)n;
	return error_set(err, EXIT_NOINPUT, "built without support for bzip2");
}
#endif
