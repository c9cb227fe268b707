/* Reading log files, packed or not, by one interface.
 *
 * Invariant: `offset` counts unpacked bytes from the file's first one. The head
 * of what cannot be read twice (packed, pipe) is kept from the start, and the
 * bytes below nuls + head_n are served from it. Does not decide whether a file may be
 * opened (daemon/safe_open.c) nor what a line is. */
#include "base/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/archive.h"

/* Until somebody opens a pipe for writing. */
#define PIPE_WAIT_MSEC 3000
#define PACKED_BUFFER (64 * 1024)
/* Memory a packed file may make us use: xz -9 asks for 65 MiB, zstd's own
 * default bound is a window of 128 MiB. */
#define UNPACK_MAX_BYTES (160 * 1024 * 1024)

enum step_result { STEP_MORE, STEP_END, STEP_DAMAGED };

/* What a decoder is given in one step; it moves both ends on. */
struct step {
	const unsigned char *in;
	size_t in_n;
	unsigned char *out;
	size_t out_n;
};

/* One way of unpacking. `next` makes the state ready for another member. */
struct decoder {
	struct str magic;
	const char *name;
	void *(*open)(void);
	enum step_result (*step)(void *state, struct step *s);
	bool (*next)(void *state);
	void (*close)(void *state);
};

struct logfile {
	char *name;
	int fd;
	struct logfile_bytes bytes; /* where raw bytes come from; read NULL: fd */
	struct archive_stream *bzip2;
	bool seekable; /* a plain regular file: every read is a pread */
	bool ended; /* packed: the last member ended with the file */
	bool damaged; /* packed: nothing behind this can be read */
	bool between; /* packed: a member ended; another may follow */
	int64_t offset;
	enum logfile_format format;
	void *state; /* of the decoder */
	unsigned char *packed; /* raw bytes not unpacked yet */
	size_t packed_at, packed_n;
	int64_t nuls; /* NUL bytes before the head */
	char head[LOGFILE_HEAD];
	size_t head_n;
};

static void *gzip_open(void)
{
	z_stream *z = xcalloc(1, sizeof(*z));

	if (inflateInit2(z, 15 + 16) == Z_OK) /* 15: largest window, 16: gzip */
		return z;
	free(z);
	return NULL;
}

static enum step_result gzip_step(void *state, struct step *s)
{
	z_stream *z = state;
	int rc;

	z->next_in = (unsigned char *)(uintptr_t)s->in; /* zlib does not write it */
	z->avail_in = (unsigned)s->in_n;
	z->next_out = s->out;
	z->avail_out = (unsigned)s->out_n;
	rc = inflate(z, Z_NO_FLUSH);
	*s = (struct step){ z->next_in, z->avail_in, z->next_out, z->avail_out };
	if (rc == Z_STREAM_END)
		return STEP_END;
	return rc == Z_OK || rc == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static bool gzip_next(void *state)
{
	return inflateReset(state) == Z_OK;
}

static void gzip_close(void *state)
{
	inflateEnd(state);
	free(state);
}

#ifdef HAVE_LZMA
static void *xz_open(void)
{
	lzma_stream *x = xcalloc(1, sizeof(*x));

	if (lzma_stream_decoder(x, UNPACK_MAX_BYTES, 0) == LZMA_OK)
		return x;
	free(x);
	return NULL;
}

static enum step_result xz_step(void *state, struct step *s)
{
	lzma_stream *x = state;
	lzma_ret rc;

	x->next_in = s->in;
	x->avail_in = s->in_n;
	x->next_out = s->out;
	x->avail_out = s->out_n;
	rc = lzma_code(x, LZMA_RUN);
	*s = (struct step){ x->next_in, x->avail_in, x->next_out, x->avail_out };
	if (rc == LZMA_STREAM_END)
		return STEP_END;
	return rc == LZMA_OK || rc == LZMA_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static bool xz_next(void *state)
{
	return lzma_stream_decoder(state, UNPACK_MAX_BYTES, 0) == LZMA_OK;
}

static void xz_close(void *state)
{
	lzma_end(state);
	free(state);
}
#endif

#ifdef HAVE_ZSTD
static void *zstd_open(void)
{
	return ZSTD_createDCtx();
}

static enum step_result zstd_step(void *state, struct step *s)
{
	ZSTD_inBuffer in = { s->in, s->in_n, 0 };
	ZSTD_outBuffer out = { s->out, s->out_n, 0 };
	size_t rc = ZSTD_decompressStream(state, &out, &in);

	*s = (struct step){ s->in + in.pos, s->in_n - in.pos, s->out + out.pos,
			    s->out_n - out.pos };
	if (ZSTD_isError(rc))
		return STEP_DAMAGED;
	return rc == 0 ? STEP_END : STEP_MORE;
}

static bool zstd_next(void *state)
{
	return !ZSTD_isError(ZSTD_DCtx_reset(state, ZSTD_reset_session_only));
}

static void zstd_close(void *state)
{
	ZSTD_freeDCtx(state);
}
#endif

/* Magic numbers: RFC 1952; the xz file format 1.1, 2.1.1.1; RFC 8878, 3.1.1. */
static const struct decoder decoders[LOGFILE_FORMATS] = {
	[LOGFILE_PLAIN] = { .name = "plain" },
	[LOGFILE_GZIP] = { { "\x1f\x8b\x08", 3 }, "gzip", gzip_open, gzip_step, gzip_next,
			   gzip_close },
#ifdef HAVE_LZMA
	[LOGFILE_XZ] = { { "\xfd" "7zXZ\0", 6 }, "xz", xz_open, xz_step, xz_next, xz_close },
#else
	[LOGFILE_XZ] = { .magic = { "\xfd" "7zXZ\0", 6 }, .name = "xz" },
#endif
#ifdef HAVE_ZSTD
	[LOGFILE_ZSTD] = { { "\x28\xb5\x2f\xfd", 4 }, "zstd", zstd_open, zstd_step,
			   zstd_next, zstd_close },
#else
	[LOGFILE_ZSTD] = { .magic = { "\x28\xb5\x2f\xfd", 4 }, .name = "zstd" },
#endif
	/* No decoder that is given bytes: libarchive fetches them. */
	[LOGFILE_BZIP2] = { .magic = { "BZh", 3 }, .name = "bzip2" },
};

/* "BZh" is text: behind it are the level and a block's first bytes, pi, or the
 * end's, its square root. */
static bool is_bzip2(struct str head)
{
	return head.n >= 10 && head.p[3] >= '1' && head.p[3] <= '9' &&
	       (memcmp(head.p + 4, "1AY&SY", 6) == 0 ||
		memcmp(head.p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

enum logfile_format logfile_format_of(struct str head)
{
	for (int i = LOGFILE_PLAIN + 1; i < LOGFILE_FORMATS; i++)
		if (str_starts(head, decoders[i].magic) &&
		    (i != LOGFILE_BZIP2 || is_bzip2(head)))
			return (enum logfile_format)i;
	return LOGFILE_PLAIN;
}

static ssize_t read_some(int fd, void *buf, size_t n)
{
	ssize_t got;

	do
		got = read(fd, buf, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static int read_failed(const struct logfile *f, struct error *err)
{
	return error_set(err, EXIT_NOINPUT, "%s: %s", f->name, strerror(errno));
}

static ssize_t read_raw(struct logfile *f, void *buf, size_t n, struct error *err)
{
	ssize_t got;

	if (f->bytes.read)
		return f->bytes.read(f->bytes.from, buf, n, err);
	got = read_some(f->fd, buf, n);
	return got < 0 ? read_failed(f, err) : got;
}

/* Fills the buffer of raw bytes when it is empty. 1: bytes there, 0: end. */
static int fill(struct logfile *f, struct error *err)
{
	ssize_t got;

	if (f->packed_at < f->packed_n)
		return 1;
	got = read_raw(f, f->packed, PACKED_BUFFER, err);
	if (got < 0)
		return -1;
	f->packed_at = 0;
	f->packed_n = (size_t)got;
	return got > 0;
}

static int damaged(struct logfile *f, const char *why, struct error *err)
{
	f->damaged = true;
	return error_set(err, EXIT_NOINPUT, "%s: %s data %s", f->name,
			 decoders[f->format].name, why);
}

/* A member ended: is there another behind it? 1: yes, 0: no, the file ends.
 * Zero padding behind the last one (tar, tapes) is an end. */
static int next_member(struct logfile *f, struct error *err)
{
	int more = fill(f, err);

	if (more <= 0)
		return more;
	if (f->packed[f->packed_at] == 0)
		return 0;
	if (!decoders[f->format].next(f->state))
		return damaged(f, "cannot be continued", err);
	f->between = false;
	return 1;
}

/* Input for the next step. 1: there is some, 0: the file ends here in good
 * order, -1: it does not. */
static int need_input(struct logfile *f, struct error *err)
{
	int more;

	if (f->between) {
		more = next_member(f, err);
		f->ended = more == 0;
		return more;
	}
	more = fill(f, err);
	return more ? more : error_set(err, EXIT_NOINPUT, "%s: %s data end too early",
				       f->name, decoders[f->format].name);
}

static ssize_t unpack(struct logfile *f, char *buf, size_t n, struct error *err)
{
	struct step s = { .out = (unsigned char *)buf, .out_n = n };

	if (f->damaged)
		return damaged(f, "are damaged", err);
	while (s.out_n == n && !f->ended) {
		enum step_result result;
		int more = need_input(f, err);

		if (more <= 0)
			return more;
		s.in = f->packed + f->packed_at;
		s.in_n = f->packed_n - f->packed_at;
		result = decoders[f->format].step(f->state, &s);
		f->packed_at = f->packed_n - s.in_n;
		f->between = result == STEP_END;
		if (result != STEP_DAMAGED)
			continue;
		damaged(f, "are damaged", err);
		if (s.out_n == n)
			return -1;
	}
	return (ssize_t)(n - s.out_n);
}

/* A pipe or terminal: what was peeked at first. */
static ssize_t read_stream(struct logfile *f, char *buf, size_t n, struct error *err)
{
	size_t left = f->packed_n - f->packed_at;

	if (left) {
		n = n < left ? n : left;
		memcpy(buf, f->packed + f->packed_at, n);
		f->packed_at += n;
		return (ssize_t)n;
	}
	return read_raw(f, buf, n, err);
}

static ssize_t read_seekable(const struct logfile *f, char *buf, size_t n, int64_t at,
			     struct error *err)
{
	ssize_t got;

	do
		got = pread(f->fd, buf, n, at);
	while (got < 0 && errno == EINTR);
	return got < 0 ? read_failed(f, err) : got;
}

/* From where the file stands, the kept head left aside. */
static ssize_t read_on(struct logfile *f, char *buf, size_t n, struct error *err)
{
	if (f->bzip2)
		return archive_read(f->bzip2, buf, n, err);
	return f->format == LOGFILE_PLAIN ? read_stream(f, buf, n, err) :
					    unpack(f, buf, n, err);
}

static size_t count_nuls(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == '\0')
		i++;
	return i;
}

/* Keeps the first bytes of what cannot be read twice. An error comes again
 * when the caller reads that far. */
static void keep_head(struct logfile *f)
{
	while (f->head_n < LOGFILE_HEAD && f->nuls < LOGFILE_MAX_NULS) {
		char *to = f->head + f->head_n;
		ssize_t got = read_on(f, to, LOGFILE_HEAD - f->head_n, NULL);
		size_t nuls = f->head_n || got <= 0 ? 0 : count_nuls(to, (size_t)got);

		if (got <= 0)
			break;
		f->nuls += (int64_t)nuls;
		memmove(to, to + nuls, (size_t)got - nuls);
		f->head_n += (size_t)got - nuls;
	}
}

/* Offset of the first byte of a plain file that is not NUL. */
static int64_t find_data(const struct logfile *f)
{
	int64_t at = lseek(f->fd, 0, SEEK_DATA);
	char block[64 * 1024];

	if (at < 0) /* nothing but a hole, or no such call here */
		at = errno == ENXIO ? lseek(f->fd, 0, SEEK_END) : 0;
	while (at < LOGFILE_MAX_NULS) {
		ssize_t n = read_seekable(f, block, sizeof(block), at, NULL);
		size_t nuls = n > 0 ? count_nuls(block, (size_t)n) : 0;

		at += (int64_t)nuls;
		if (n <= 0 || nuls < (size_t)n)
			break;
	}
	return at;
}

static size_t read_head(struct logfile *f)
{
	ssize_t got = read_seekable(f, f->head, LOGFILE_HEAD, f->nuls, NULL);

	return got > 0 ? (size_t)got : 0;
}

/* The head of a plain file, which can change at any time. */
static void look_at_head(struct logfile *f)
{
	char first = 'x';

	if (f->nuls && (read_seekable(f, &first, 1, 0, NULL) < 1 || first != '\0'))
		f->nuls = 0;
	f->head_n = read_head(f);
	if (f->head_n && f->head[0] == '\0') {
		f->nuls = find_data(f);
		f->head_n = f->nuls < LOGFILE_MAX_NULS ? read_head(f) : 0;
	}
}

/* Serves what is kept; 0 when the offset lies behind it. */
static size_t read_kept(const struct logfile *f, char *buf, size_t n)
{
	int64_t left = f->nuls - f->offset, at;

	if (left > 0) {
		n = (int64_t)n < left ? n : (size_t)left;
		memset(buf, 0, n);
		return n;
	}
	at = f->offset - f->nuls;
	left = (int64_t)f->head_n - at;
	if (left <= 0)
		return 0;
	n = (int64_t)n < left ? n : (size_t)left;
	memcpy(buf, f->head + at, n);
	return n;
}

static struct logfile *new_logfile(int fd, const char *name)
{
	struct logfile *f = xcalloc(1, sizeof(*f));
	struct stat st;

	f->fd = fd;
	f->name = str_dup(str_of(name));
	f->seekable = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return f;
}

struct logfile *logfile_open_plain(int fd, const char *name)
{
	struct logfile *f = new_logfile(fd, name);

	if (!f->seekable)
		f->packed = xmalloc(PACKED_BUFFER);
	return f;
}

/* Reads the first bytes, which say what the file is. */
static int recognize(struct logfile *f, struct error *err)
{
	struct str start;

	f->packed = xmalloc(PACKED_BUFFER);
	do {
		ssize_t got = read_raw(f, f->packed + f->packed_n, PACKED_BUFFER - f->packed_n,
				       err);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		f->packed_n += (size_t)got;
	} while (f->packed_n < 10); /* the longest magic number */
	start = (struct str){ (char *)f->packed, f->packed_n };
	f->format = logfile_format_of(start);
	return 0;
}

static ssize_t read_stream_of(void *from, char *buf, size_t n, struct error *err)
{
	return read_stream(from, buf, n, err);
}

static int start_decoder(struct logfile *f, struct error *err)
{
	const struct decoder *d = &decoders[f->format];

	f->seekable = false;
	if (f->format == LOGFILE_BZIP2) {
		f->bzip2 = archive_open_bzip2((struct archive_source){ read_stream_of, f },
					      f->name, err);
		return f->bzip2 ? 0 : -1;
	}
	if (!d->open)
		return error_set(err, EXIT_NOINPUT,
				 "%s: built without support for %s", f->name, d->name);
	f->state = d->open();
	return f->state ? 0 : error_set(err, EXIT_NOINPUT, "%s: cannot unpack %s",
					f->name, d->name);
}

static struct logfile *start(struct logfile *f, struct error *err)
{
	if (recognize(f, err) < 0 ||
	    (f->format != LOGFILE_PLAIN && start_decoder(f, err) < 0)) {
		logfile_close(f);
		return NULL;
	}
	if (f->format != LOGFILE_PLAIN || !f->seekable)
		keep_head(f);
	return f;
}

struct logfile *logfile_open_fd(int fd, const char *name, struct error *err)
{
	return start(new_logfile(fd, name), err);
}

struct logfile *logfile_open_bytes(struct logfile_bytes bytes, int fd, const char *name,
				   struct error *err)
{
	struct logfile *f = new_logfile(fd, name);

	f->seekable = false;
	f->bytes = bytes;
	return start(f, err);
}

/* The writer is there already, or just being started; of one that never comes, nobody
 * should wait for ever. */
static bool has_writer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return poll(&p, 1, PIPE_WAIT_MSEC) == 1;
}

static int open_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st = { .st_mode = 0 };

	if (fd < 0)
		return error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s",
				 path, strerror(errno));
	if (fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || (S_ISFIFO(st.st_mode) && has_writer(fd))))
		return fd;
	close(fd);
	return error_set(err, EXIT_NOINPUT, S_ISFIFO(st.st_mode) ? "%s: nobody writes to this pipe" :
					    "%s: not a regular file", path);
}

struct logfile *logfile_open(const char *path, struct error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open_file(path, err);

	if (fd < 0 && is_stdin)
		error_set(err, EXIT_NOINPUT, "-: %s", strerror(errno));
	return fd < 0 ? NULL : logfile_open_fd(fd, is_stdin ? "standard input" : path, err);
}

void logfile_close(struct logfile *f)
{
	if (!f)
		return;
	if (f->state)
		decoders[f->format].close(f->state);
	archive_close(f->bzip2);
	if (f->bytes.close)
		f->bytes.close(f->bytes.from);
	else if (!f->bytes.read)
		close(f->fd);
	free(f->packed);
	free(f->name);
	free(f);
}

ssize_t logfile_read(struct logfile *f, char *buf, size_t n, struct error *err)
{
	ssize_t got;

	if (n == 0)
		return 0;
	if (f->seekable)
		got = read_seekable(f, buf, n, f->offset, err);
	else
		got = (ssize_t)read_kept(f, buf, n);
	if (got == 0 && !f->seekable)
		got = read_on(f, buf, n, err);
	if (got > 0)
		f->offset += got;
	return got;
}

int logfile_seek(struct logfile *f, int64_t offset, struct error *err)
{
	char skipped[16 * 1024];

	if (f->seekable) {
		f->offset = offset;
		return 0;
	}
	if (offset < f->offset)
		return error_set(err, EXIT_INTERNAL, "%s: cannot go back", f->name);
	while (f->offset < offset) {
		int64_t left = offset - f->offset;
		size_t n = left < (int64_t)sizeof(skipped) ? (size_t)left : sizeof(skipped);
		ssize_t got = logfile_read(f, skipped, n, err);

		if (got < 0)
			return -1;
		if (got == 0)
			return error_set(err, EXIT_NOINPUT, "%s: ends before byte %lld",
					 f->name, (long long)offset);
	}
	return 0;
}

int64_t logfile_offset(const struct logfile *f)
{
	return f->offset;
}

struct str logfile_head(struct logfile *f)
{
	if (f->seekable)
		look_at_head(f);
	return (struct str){ f->head, f->head_n };
}

int64_t logfile_start(const struct logfile *f)
{
	return f->nuls;
}

uint64_t logfile_head_hash(struct logfile *f, uint32_t n, uint32_t *got)
{
	struct str head = str_head(logfile_head(f), n);

	*got = (uint32_t)head.n;
	return str_hash(head, 0);
}

enum logfile_format logfile_format(const struct logfile *f)
{
	return f->format;
}

int logfile_fd(const struct logfile *f)
{
	return f->fd;
}
