/* Log files plain and packed: what is read, where it continues, what is damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/tarlog.h"

#define TEXT_BYTES 300000

static char dir[] = "/tmp/test_logfile.XXXXXX";
static char path[64];
static char text[TEXT_BYTES];
static unsigned char packed[2 * TEXT_BYTES];

static int set_up(void **state)
{
	size_t n = 0;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	for (int i = 0; n + 80 < sizeof(text); i++)
		n += (size_t)sprintf(text + n, "line %d of the log, checked by %u\n", i,
				     (unsigned)i * 2654435761u);
	memset(text + n, 'x', sizeof(text) - n);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void write_file(const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static size_t pack_gzip(const char *from, size_t n, unsigned char *to, size_t room)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)from;
	z.avail_in = (unsigned)n;
	z.next_out = to;
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

#ifdef HAVE_LZMA
static size_t pack_xz(const char *from, size_t n, unsigned char *to, size_t room)
{
	size_t used = 0;

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, (const uint8_t *)from,
						 n, to, &used, room),
			 LZMA_OK);
	return used;
}
#endif

#ifdef HAVE_ZSTD
static size_t pack_zstd(const char *from, size_t n, unsigned char *to, size_t room)
{
	size_t used = ZSTD_compress(to, room, from, n, 3);

	assert_false(ZSTD_isError(used));
	return used;
}
#endif

#ifdef HAVE_LIBARCHIVE
/* By the real program; we have no library that packs so. */
static size_t pack_bzip2(const char *from, size_t n, unsigned char *to, size_t room)
{
	FILE *in = tmpfile(), *out = tmpfile();
	size_t used;
	int status;
	pid_t pid;

	assert_int_equal(fwrite(from, 1, n, in), n);
	fflush(in);
	rewind(in);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(in), 0);
		dup2(fileno(out), 1);
		execlp("bzip2", "bzip2", "-c", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rewind(out);
	used = fread(to, 1, room, out);
	fclose(in);
	fclose(out);
	return used;
}
#endif

static size_t pack_plain(const char *from, size_t n, unsigned char *to, size_t room)
{
	assert_true(n <= room);
	memcpy(to, from, n);
	return n;
}

static const struct way {
	enum logfile_format format;
	size_t (*pack)(const char *from, size_t n, unsigned char *to, size_t room);
} ways[] = {
	{ LOGFILE_PLAIN, pack_plain },
	{ LOGFILE_GZIP, pack_gzip },
#ifdef HAVE_LZMA
	{ LOGFILE_XZ, pack_xz },
#endif
#ifdef HAVE_ZSTD
	{ LOGFILE_ZSTD, pack_zstd },
#endif
#ifdef HAVE_LIBARCHIVE
	{ LOGFILE_BZIP2, pack_bzip2 },
#endif
};
#define WAYS (sizeof(ways) / sizeof(*ways))

static struct logfile *open_it(void)
{
	struct error err;
	struct logfile *f = logfile_open(path, &err);

	if (!f)
		fail_msg("%s", err.text);
	return f;
}

/* Reads on in odd steps and compares with text[from..]. */
static void expect_rest(struct logfile *f, size_t from)
{
	char buf[7001];
	struct error err;
	ssize_t n;

	while ((n = logfile_read(f, buf, sizeof(buf), &err)) > 0) {
		assert_true(from + (size_t)n <= sizeof(text));
		assert_memory_equal(buf, text + from, n);
		from += (size_t)n;
		assert_int_equal(logfile_offset(f), from);
	}
	assert_int_equal(n, 0);
	assert_int_equal(from, sizeof(text));
	assert_int_equal(logfile_read(f, buf, sizeof(buf), &err), 0);
}

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		struct logfile *f;
		uint32_t got;

		write_file(packed, ways[i].pack(text, sizeof(text), packed, sizeof(packed)));
		f = open_it();
		assert_int_equal(logfile_format(f), ways[i].format);
		assert_int_equal(logfile_head(f).n, LOGFILE_HEAD);
		assert_memory_equal(logfile_head(f).p, text, LOGFILE_HEAD);
		assert_true(logfile_head_hash(f, 100, &got) ==
			    str_hash((struct str){ text, 100 }, 0));
		assert_int_equal(got, 100);
		expect_rest(f, 0);
		logfile_close(f);
	}
}

static void test_seek(void **state)
{
	static const int64_t offsets[] = { 0, 1, 4095, 4096, 4097, 100000, TEXT_BYTES };
	struct error err;

	(void)state;
	for (size_t i = 0; i < WAYS; i++) {
		write_file(packed, ways[i].pack(text, sizeof(text), packed, sizeof(packed)));
		for (size_t k = 0; k < sizeof(offsets) / sizeof(*offsets); k++) {
			struct logfile *f = open_it();

			assert_int_equal(logfile_seek(f, offsets[k], &err), 0);
			expect_rest(f, (size_t)offsets[k]);
			logfile_close(f);
		}
	}
}

static void test_seek_too_far(void **state)
{
	struct error err;
	struct logfile *f;

	(void)state;
	write_file(packed, pack_gzip(text, 1000, packed, sizeof(packed)));
	f = open_it();
	assert_int_equal(logfile_seek(f, 1001, &err), -1);
	logfile_close(f);
}

/* cat a.gz b.gz is a gzip file; so with the others. */
static void test_members(void **state)
{
	(void)state;
	for (size_t i = 1; i < WAYS; i++) {
		size_t half = sizeof(text) / 2;
		size_t n = ways[i].pack(text, half, packed, sizeof(packed));
		struct logfile *f;

		n += ways[i].pack(text + half, sizeof(text) - half, packed + n,
				  sizeof(packed) - n);
		write_file(packed, n);
		f = open_it();
		expect_rest(f, 0);
		logfile_close(f);
	}
}

/* gzip is still writing it: what is there is read, the end is no end. */
static void test_incomplete(void **state)
{
	static char back[TEXT_BYTES];
	struct error err;

	(void)state;
	for (size_t i = 1; i < WAYS; i++) {
		size_t n = ways[i].pack(text, sizeof(text), packed, sizeof(packed)), got = 0;
		struct logfile *f;
		ssize_t r;

		write_file(packed, n / 2);
		f = open_it();
		while ((r = logfile_read(f, back + got, sizeof(back) - got, &err)) > 0)
			got += (size_t)r;
		assert_int_equal(r, -1);
		assert_true(got < sizeof(text));
		assert_memory_equal(back, text, got);
		assert_int_equal(logfile_read(f, back, 1, &err), -1);
		logfile_close(f);
	}
}

static void test_damaged(void **state)
{
	static char back[TEXT_BYTES + 1];
	struct error err;

	(void)state;
	for (size_t i = 1; i < WAYS; i++) {
		size_t n = ways[i].pack(text, sizeof(text), packed, sizeof(packed));
		struct logfile *f;
		ssize_t r;

		memset(packed + n / 2, 0xff, n / 8);
		write_file(packed, n);
		f = open_it();
		while ((r = logfile_read(f, back, sizeof(back), &err)) > 0)
			;
		assert_int_equal(r, -1);
		logfile_close(f);
	}
}

static void test_zero_padding(void **state)
{
	size_t n = pack_gzip(text, sizeof(text), packed, sizeof(packed));
	struct logfile *f;

	(void)state;
	memset(packed + n, 0, 512);
	write_file(packed, n + 512);
	f = open_it();
	expect_rest(f, 0);
	logfile_close(f);
}

/* A live log grows; what somebody put into its first bytes changes nothing. */
static void test_plain_grows(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct logfile *f = logfile_open_plain(open(path, O_RDONLY), path);
	char buf[16];
	struct error err;

	(void)state;
	assert_int_equal(logfile_head(f).n, 0);
	assert_int_equal(logfile_read(f, buf, sizeof(buf), &err), 0);
	assert_int_equal(write(fd, "\x1f\x8b\x08 a", 5), 5);
	assert_int_equal(logfile_read(f, buf, sizeof(buf), &err), 5);
	assert_memory_equal(buf, "\x1f\x8b\x08 a", 5);
	assert_int_equal(logfile_head(f).n, 5);
	assert_int_equal(logfile_read(f, buf, sizeof(buf), &err), 0);
	assert_int_equal(write(fd, "b", 1), 1);
	assert_int_equal(logfile_read(f, buf, sizeof(buf), &err), 1);
	close(fd);
	logfile_close(f);
}

/* NUL bytes before the first line are part of the file, not of its head. */
static void test_nuls(void **state)
{
	static char with_nuls[TEXT_BYTES];
	size_t nuls = 100000;

	(void)state;
	memcpy(with_nuls + nuls, text, sizeof(text) - nuls);
	for (size_t i = 0; i < WAYS; i++) {
		char buf[5000];
		struct error err;
		struct logfile *f;
		int64_t at = 0;
		ssize_t n;

		write_file(packed, ways[i].pack(with_nuls, sizeof(with_nuls), packed,
						sizeof(packed)));
		f = open_it();
		assert_int_equal(logfile_head(f).n, LOGFILE_HEAD);
		assert_memory_equal(logfile_head(f).p, text, LOGFILE_HEAD);
		assert_int_equal(logfile_start(f), nuls);
		for (; (n = logfile_read(f, buf, sizeof(buf), &err)) > 0; at += n)
			assert_memory_equal(buf, with_nuls + at, n);
		assert_int_equal(at, sizeof(with_nuls));
		logfile_close(f);
	}
}

/* The hole appears, grows, and goes while we hold the file. */
static void test_nuls_of_live_file(void **state)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct logfile *f = logfile_open_plain(open(path, O_RDONLY), path);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(logfile_head(f).n, 0);
	assert_int_equal(pwrite(fd, "one", 3, 1 << 20), 3);
	assert_true(str_eq(logfile_head(f), STR("one")));
	assert_int_equal(logfile_start(f), 1 << 20);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "two", 3, 2 << 20), 3);
	assert_true(str_eq(logfile_head(f), STR("two")));
	assert_int_equal(logfile_start(f), 2 << 20);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "three", 5, 0), 5);
	assert_true(str_eq(logfile_head(f), STR("three")));
	assert_int_equal(logfile_start(f), 0);
	close(fd);
	logfile_close(f);
}

/* Standard input may be a pipe that gives a byte at a time. */
static void test_pipe(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		size_t n = ways[i].pack(text, sizeof(text), packed, sizeof(packed));
		struct error err;
		struct logfile *f;
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		if (fork() == 0) {
			for (size_t k = 0; k < 16; k++)
				if (write(fds[1], packed + k, 1) != 1)
					_exit(1);
			for (size_t at = 16; at < n;) {
				ssize_t w = write(fds[1], packed + at, n - at);

				if (w < 0)
					_exit(1);
				at += (size_t)w;
			}
			_exit(0);
		}
		close(fds[1]);
		f = logfile_open_fd(fds[0], "pipe", &err);
		assert_non_null(f);
		assert_int_equal(logfile_format(f), ways[i].format);
		assert_int_equal(logfile_head(f).n, LOGFILE_HEAD);
		expect_rest(f, 0);
		logfile_close(f);
	}
	(void)state;
}

/* Neither a log that begins so, nor one that has "ustar" where a tar has it. */
static void test_text_is_text(void **state)
{
	static char line[1024];
	struct logfile *f;

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "BZh9 is my name", 15);
	memcpy(line + 257, "ustar  ", 7);
	write_file(line, sizeof(line));
	f = open_it();
	assert_int_equal(logfile_format(f), LOGFILE_PLAIN);
	assert_false(tarlog_is(f));
	logfile_close(f);
}

static void test_refused(void **state)
{
	struct error err;

	(void)state;
	unlink(path);
	assert_null(logfile_open(path, &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
	assert_null(logfile_open(dir, &err));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(logfile_open(path, &err)); /* and does not wait for ever */
	unlink(path);
	write_file("", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	      cmocka_unit_test(test_seek),
		cmocka_unit_test(test_seek_too_far),  cmocka_unit_test(test_members),
		cmocka_unit_test(test_incomplete),    cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_zero_padding),  cmocka_unit_test(test_plain_grows),
		cmocka_unit_test(test_nuls),	      cmocka_unit_test(test_nuls_of_live_file),
		cmocka_unit_test(test_text_is_text),
		cmocka_unit_test(test_pipe),	      cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
