/* Following logs through everything that happens to them, without a daemon: the
 * clock is ours, every look is asked for, and a parser of our own notes which
 * lines came out of the pipeline and when they were committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "daemon/rotated.h"
#include "daemon/sources.h"

#define MAX_LINES 200000

/* ---- what came out ---- */

static int committed[MAX_LINES], pending[MAX_LINES];
static size_t ncommitted, npending;

static bool claims(const struct record *rec)
{
	(void)rec;
	return true;
}

/* A line is "STAMP h p: line N". */
static enum parse_result parse(const struct record *rec, struct event_sink *sink)
{
	struct str body = rec->body;
	int64_t n;

	sink->rule = 0;
	if (!str_eat(&body, STR("line ")) || !str_eat_int(&body, &n))
		return PARSE_UNKNOWN;
	assert_true(npending < MAX_LINES);
	pending[npending++] = (int)n;
	return PARSE_NOISE;
}

static const char *const rules[] = { "line" };
static const struct parser fake = {
	.name = "php", .summary = "a test", .claims = claims, .parse = parse,
	.rules = rules, .nrules = 1,
};
static const struct parser *const parsers[] = { &fake, NULL };

/* ---- the rig ---- */

static char dir[64];
static struct settings *settings;
static struct recorder *recorder;
static struct sources *sources;
static usec_t now;
static int written; /* lines so far, in all files */

static const char *in_dir(const char *name)
{
	static char paths[4][128];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void start(void)
{
	struct error err;

	recorder = recorder_open(settings, parsers, NULL, RECORDER_AT_ONCE, &err);
	if (!recorder)
		fail_msg("%s", err.text);
	sources = sources_new(recorder, NULL);
	sources_configure(sources, settings);
}

static void crash(void)
{
	sources_free(sources);
	recorder_close(recorder);
	npending = 0;
}

static void commit(void)
{
	struct error err;

	if (sources_commit(sources, &err) < 0)
		fail_msg("%s", err.text);
	memcpy(committed + ncommitted, pending, npending * sizeof(*pending));
	ncommitted += npending;
	npending = 0;
}

/* Turns until there is nothing to do; a turn is a millisecond. */
static void read_all(void)
{
	struct sources_state state;
	int turns = 0;

	sources_reconcile(sources);
	do {
		sources_turn(sources, now += 1000, &state);
		assert_true(turns++ < 100000);
	} while (state.busy);
}

static void settle(void)
{
	read_all();
	commit();
	read_all();
	commit();
}

static void wait_seconds(int seconds)
{
	for (int i = 0; i < seconds * 5; i++) {
		now += USEC_SECOND / 5;
		settle();
	}
}

static void use_yaml(const char *sources_text)
{
	char yaml[1024];
	struct error err;

	snprintf(yaml, sizeof(yaml), "database: %s/x.db\nhostname: h\nsources:\n%s", dir,
		 sources_text);
	settings = settings_parse(str_of(yaml), "test", dir, &err);
	if (!settings)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_follow.XXXXXX");
	assert_non_null(mkdtemp(dir));
	ncommitted = npending = 0;
	written = 0;
	now = USEC_HOUR;
	log_level = LOG_LEVEL_ERROR;
	use_yaml("  - path: log\n");
	start();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	crash();
	settings_free(settings);
	snprintf(command, sizeof(command), "%s", dir);
	if (fork() == 0)
		execlp("rm", "rm", "-rf", command, (char *)NULL);
	return 0;
}

/* ---- the writer ---- */

static void put(int fd, const char *bytes, size_t n)
{
	assert_int_equal(write(fd, bytes, n), n);
}

static void write_lines_fd(int fd, int count)
{
	for (int i = 0; i < count; i++, written++) {
		char line[128];
		int n = snprintf(line, sizeof(line),
				 "2026-11-23T%02d:%02d:%02d.%06d+00:00 h p: line %d of this test\n",
				 written / 360000 % 24, written / 6000 % 60, written / 100 % 60,
				 written % 100 * 10000, written);

		put(fd, line, (size_t)n);
	}
}

/* One line, with so many bytes more. */
static void write_long_line(int fd, size_t more)
{
	static char bytes[2048];
	off_t end;

	write_lines_fd(fd, 1);
	end = lseek(fd, 0, SEEK_END);
	memset(bytes, 'x', more);
	bytes[more] = '\n';
	assert_int_equal(ftruncate(fd, end - 1), 0);
	put(fd, bytes, more + 1);
}

static int open_log(const char *name)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void write_lines(const char *name, int count)
{
	int fd = open_log(name);

	write_lines_fd(fd, count);
	close(fd);
}

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(in_dir(from), in_dir(to)), 0);
}

static void copy(const char *from, const char *to)
{
	int in = open(in_dir(from), O_RDONLY), out = open_log(to);
	char buf[4096];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		put(out, buf, (size_t)n);
	close(in);
	close(out);
}

static void compress_log(const char *from, const char *to)
{
	int in = open(in_dir(from), O_RDONLY);
	gzFile out = gzopen(in_dir(to), "wb");
	char buf[4096];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(gzwrite(out, buf, (unsigned)n), n);
	gzclose(out);
	close(in);
	unlink(in_dir(from));
}

/* Every line once and in order. */
static void expect_all(void)
{
	assert_int_equal(npending, 0);
	for (size_t i = 0; i < ncommitted; i++)
		assert_int_equal(committed[i], i);
	assert_int_equal(ncommitted, written);
}

/* ---- the pure part ---- */

static void test_decide(void **state)
{
	static const struct {
		const char *what;
		int64_t offset;
		int64_t open_size;
		bool same_head, path_exists, path_is_it;
		enum follow_verdict verdict;
	} rows[] = {
		{ "nothing happened", 100, 100, true, true, true, FOLLOW_SAME },
		{ "new and empty", 0, 0, true, true, true, FOLLOW_SAME },
		{ "grew", 100, 101, true, true, true, FOLLOW_GREW },
		{ "cut to nothing", 100, 0, false, true, true, FOLLOW_TRUNCATED },
		{ "cut a little", 100, 99, true, true, true, FOLLOW_TRUNCATED },
		{ "cut and regrown as far", 100, 100, false, true, true, FOLLOW_TRUNCATED },
		{ "cut and regrown further", 100, 500, false, true, true, FOLLOW_TRUNCATED },
		{ "renamed, another there", 100, 100, true, true, false, FOLLOW_ROTATED },
		{ "renamed, late lines", 100, 120, true, true, false, FOLLOW_GREW },
		{ "renamed, none there", 100, 100, true, false, false, FOLLOW_GONE },
		{ "removed, late lines", 100, 120, true, false, false, FOLLOW_GREW },
		{ "renamed and cut", 100, 0, false, true, false, FOLLOW_TRUNCATED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct follow_known known = { { .dev = 1, .ino = 2 }, rows[i].offset };
		struct follow_look open = { true, 1, 2, rows[i].open_size, rows[i].same_head };
		struct follow_look path = { rows[i].path_exists, 1,
					    rows[i].path_is_it ? 2 : 3, 5, true };

		if (follow_decide(&known, &open, &path) != rows[i].verdict)
			fail_msg("%s", rows[i].what);
	}
}

static void test_rotated_names(void **state)
{
	static const struct {
		const char *log, *name;
		bool rotated;
	} rows[] = {
		{ "mail.log", "mail.log.1", true },
		{ "mail.log", "mail.log.12.gz", true },
		{ "mail.log", "mail.log.2.xz", true },
		{ "mail.log", "mail.log-20261123", true },
		{ "mail.log", "mail.log-20261123.zst", true },
		{ "mail.log", "mail.log-20261123-1763884800.gz", true },
		{ "mail.log", "mail.log-2026-11-23_06:25", true },
		{ "mail.log", "mail.log.old", true },
		{ "mail.log", "mail-20261123.log", true },
		{ "mail.log", "mail.1.log.gz", true },
		{ "mainlog", "mainlog.01", true },
		{ "mainlog", "mainlog.01.gz", true },
		{ "mail.log", "mail.log", false },
		{ "mail.log", "mail.log.gz", false },
		{ "mail.log", "mail.log.1.bz2", false },
		{ "mail.log", "mail.log.1.tmp", false },
		{ "mail.log", "mail.log.", false },
		{ "mail.log", "mail.err", false },
		{ "mail.log", "mail-errors.log", false },
		{ "mail.log", "xmail.log.1", false },
		{ "mail.log", "mai", false },
		{ "mail", "mail.log", false },
		{ "mail", "mail.1", true },
		{ "current", "@400000006b0dd29525bc454c.s", true },
		{ "current", "@400000006b0dd29525bc454c.u", true },
		{ "current", "@400000006b0dd29525bc454c.s.gz", true },
		{ "current", "@400000006b0dd29525bc454c.t", false },
		{ "current", "@400000006b0dd29525bc454c", false },
		{ "current", "previous", false },
		{ "mail.log", "@400000006b0dd29525bc454c.s", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rotated_name(str_of(rows[i].log), str_of(rows[i].name)) != rows[i].rotated)
			fail_msg("%s of %s", rows[i].name, rows[i].log);
}

/* ---- the live file ---- */

static void test_grows(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		write_lines("log", 1 + i % 3);
		settle();
	}
	expect_all();
}

static void test_appears_later(void **state)
{
	(void)state;
	settle();
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_much_at_once(void **state)
{
	(void)state;
	write_lines("log", 60000);
	settle();
	expect_all();
}

static void test_partial_line(void **state)
{
	static const char half[] = "2026-11-23T00:00:00.500000+00:00 h p: li";
	int fd = open_log("log");

	(void)state;
	write_lines_fd(fd, 3);
	put(fd, half, sizeof(half) - 1);
	settle();
	assert_int_equal(ncommitted, 3);
	crash();
	start();
	settle();
	assert_int_equal(ncommitted, 3);
	put(fd, "ne 3\n", 5);
	written++;
	settle();
	expect_all();
	close(fd);
}

/* The beginning of a first line is the beginning of every file: it must not be
 * taken for one that was read. */
static void test_partial_first_line(void **state)
{
	int fd;

	(void)state;
	write_lines("log", 10);
	settle();
	move("log", "log.2");
	fd = open_log("log");
	put(fd, "2026-11-2", 9);
	settle();
	crash();
	put(fd, "3T00:00:00.100000+00:00 h p: line 10\n", 37);
	written++;
	close(fd);
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* The same, and the file is cut with only that in it. */
static void test_partial_first_line_cut(void **state)
{
	int fd = open_log("log");

	(void)state;
	put(fd, "2026-11-2", 9);
	settle();
	put(fd, "3T00:00:00.100000+00:00 h p: line 0\n", 36);
	written++;
	write_lines("log", 10);
	copy("log", "log.1");
	assert_int_equal(truncate(in_dir("log"), 0), 0);
	write_lines_fd(fd, 10);
	close(fd);
	settle();
	expect_all();
}

/* At rotation an unfinished line is a line; nobody will finish it. */
static void test_partial_line_at_rotation(void **state)
{
	static const char whole[] = "2026-11-23T00:00:00.030000+00:00 h p: line 3";
	int fd = open_log("log");

	(void)state;
	write_lines_fd(fd, 3);
	put(fd, whole, sizeof(whole) - 1);
	written++;
	close(fd);
	settle();
	assert_int_equal(ncommitted, 3);
	move("log", "log.1");
	close(open_log("log"));
	wait_seconds(6);
	expect_all();
}

/* ---- rotation while we look ---- */

static void test_rename_create(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		write_lines("log", 10);
		if (i % 2)
			settle();
		write_lines("log", 5);
		move("log", i % 2 ? "log.1" : "log-20261123");
		write_lines("log", 10);
		settle();
	}
	expect_all();
}

static void test_late_lines(void **state)
{
	int old = open_log("log");

	(void)state;
	write_lines_fd(old, 10);
	settle();
	move("log", "log.1");
	close(open_log("log"));
	settle();
	write_lines_fd(old, 5);
	settle();
	wait_seconds(3);
	write_lines_fd(old, 5);
	wait_seconds(1);
	write_lines("log", 5);
	settle();
	expect_all();
	close(old);
}

/* The rotated file was read on, and committed under its new name, when the next
 * crash came before a line of the live one. */
static void test_read_on_then_crash(void **state)
{
	(void)state;
	write_lines("log", 100);
	settle();
	crash();
	write_lines("log", 100);
	move("log", "log.1");
	for (int i = 0; i < 3; i++) {
		start();
		settle();
		crash();
	}
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* A file that was already rotated when we first saw it gets late lines, too. */
static void test_late_lines_of_catch_up(void **state)
{
	int old = open_log("log");

	(void)state;
	settle();
	write_lines_fd(old, 10);
	move("log", "log.1");
	settle();
	write_lines_fd(old, 10);
	wait_seconds(1);
	write_lines("log", 10);
	settle();
	expect_all();
	close(old);
}

/* Late lines that came while we were away. */
static void test_late_lines_after_crash(void **state)
{
	int old = open_log("log");

	(void)state;
	write_lines_fd(old, 10);
	settle();
	move("log", "log.1");
	close(open_log("log"));
	settle();
	crash();
	write_lines_fd(old, 5);
	write_lines("log", 5);
	start();
	settle();
	expect_all();
	close(old);
}

static void test_nocreate(void **state)
{
	(void)state;
	write_lines("log", 10);
	settle();
	write_lines("log", 10);
	move("log", "log.1");
	settle();
	wait_seconds(70);
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_moved_back(void **state)
{
	(void)state;
	write_lines("log", 10);
	settle();
	move("log", "aside");
	settle();
	wait_seconds(70);
	move("aside", "log");
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_two_rotations_between_looks(void **state)
{
	(void)state;
	write_lines("log", 10);
	settle();
	write_lines("log", 10);
	move("log", "log.2");
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_remove_create(void **state)
{
	(void)state;
	write_lines("log", 10);
	settle();
	unlink(in_dir("log"));
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_compressed_at_once(void **state)
{
	(void)state;
	write_lines("log", 300);
	settle();
	write_lines("log", 300);
	settle();
	compress_log("log", "log.1.gz");
	write_lines("log", 10);
	settle();
	expect_all();
}

static void test_symlink_swap(void **state)
{
	(void)state;
	write_lines("one", 10);
	assert_int_equal(symlink("one", in_dir("log")), 0);
	settle();
	write_lines("one", 10);
	unlink(in_dir("log"));
	assert_int_equal(symlink("two", in_dir("log")), 0);
	write_lines("two", 10);
	settle();
	write_lines("two", 10);
	settle();
	expect_all();
}

/* ---- copytruncate ---- */

static void test_copytruncate(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		write_lines("log", 100);
		if (i % 2)
			settle();
		unlink(in_dir("log.1"));
		copy("log", "log.1");
		assert_int_equal(truncate(in_dir("log"), 0), 0);
		if (i > 1)
			settle();
		write_lines("log", 7);
		settle();
	}
	expect_all();
}

/* Between two looks: cut, and grown beyond where we were. */
static void test_copytruncate_regrown(void **state)
{
	(void)state;
	write_lines("log", 50);
	settle();
	write_lines("log", 5);
	copy("log", "log.1");
	assert_int_equal(truncate(in_dir("log"), 0), 0);
	write_lines("log", 500);
	settle();
	expect_all();
}

/* Seen empty, then filled, copied and cut before the next look. */
static void test_copytruncate_of_empty(void **state)
{
	(void)state;
	close(open_log("log"));
	settle();
	write_lines("log", 50);
	copy("log", "log.1");
	assert_int_equal(truncate(in_dir("log"), 0), 0);
	write_lines("log", 5);
	settle();
	expect_all();
}

static void test_truncated_without_copy(void **state)
{
	(void)state;
	write_lines("log", 50);
	settle();
	assert_int_equal(truncate(in_dir("log"), 0), 0);
	write_lines("log", 50); /* the very same size */
	settle();
	expect_all();
}

/* A writer that does not append leaves a hole of NUL bytes. */
static void test_nul_prefix(void **state)
{
	int fd = open(in_dir("log"), O_WRONLY | O_CREAT, 0600);

	(void)state;
	for (int i = 0; i < 3; i++) {
		write_lines_fd(fd, 200);
		settle();
		unlink(in_dir("log.1"));
		copy("log", "log.1");
		assert_int_equal(ftruncate(fd, 0), 0);
		settle();
	}
	write_lines_fd(fd, 10);
	settle();
	crash();
	start();
	write_lines_fd(fd, 10);
	settle();
	expect_all();
	close(fd);
}

/* Cut by hand: what was read stays read, what comes is read. */
static void test_shortened(void **state)
{
	struct stat st;

	(void)state;
	write_lines("log", 1000);
	settle();
	assert_int_equal(stat(in_dir("log"), &st), 0);
	assert_int_equal(truncate(in_dir("log"), st.st_size / 2), 0);
	settle();
	write_lines("log", 1);
	settle();
	/* The rest of the cut line, and the new one behind it, are one line. */
	write_lines("log", 10);
	settle();
	assert_in_range(ncommitted, 1010, 1011);
	assert_int_equal(committed[ncommitted - 1], written - 1);
	crash();
	start();
	settle();
	assert_in_range(ncommitted, 1010, 1011);
}

/* ---- restarts ---- */

static void test_restart(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		write_lines("log", 10);
		if (i % 3)
			settle();
		else
			read_all(); /* and is not committed */
		crash();
		if (i % 2)
			write_lines("log", 3);
		start();
	}
	settle();
	expect_all();
}

static void test_rotated_while_away(void **state)
{
	(void)state;
	write_lines("log", 100);
	settle();
	crash();
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

static void test_compressed_while_away(void **state)
{
	(void)state;
	write_lines("log", 1000);
	settle();
	crash();
	write_lines("log", 1000);
	compress_log("log", "log.3.gz");
	write_lines("log", 10);
	compress_log("log", "log.2.gz");
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* Killed in the middle of reading what was rotated meanwhile. */
static void test_crash_in_catch_up(void **state)
{
	(void)state;
	write_lines("log", 1000);
	settle();
	crash();
	write_lines("log", 20000);
	compress_log("log", "log.2.gz");
	write_lines("log", 20000);
	move("log", "log.1");
	write_lines("log", 20000);
	for (int i = 0; i < 40; i++) {
		struct sources_state turn;

		start();
		for (int k = 0; k < 3; k++)
			sources_turn(sources, now += 1000, &turn);
		if (i % 3)
			commit();
		crash();
	}
	start();
	settle();
	expect_all();
}

/* All that was known has been rotated away; what is newer is read. */
static void test_long_away(void **state)
{
	(void)state;
	write_lines("log", 100);
	settle();
	crash();
	unlink(in_dir("log"));
	write_lines("log", 10);
	move("log", "log.2");
	usleep(20000);
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

static void test_copytruncate_while_away(void **state)
{
	(void)state;
	write_lines("log", 100);
	settle();
	crash();
	write_lines("log", 10);
	copy("log", "log.1");
	assert_int_equal(truncate(in_dir("log"), 0), 0);
	write_lines("log", 500);
	start();
	settle();
	expect_all();
}

/* What was there before the very first start and is rotated is past. */
static void test_first_start(void **state)
{
	static const struct timespec past[2] = { { 1700000000, 0 }, { 1700000000, 0 } };

	(void)state;
	crash();
	write_lines("log", 100);
	move("log", "log.1");
	assert_int_equal(utimensat(AT_FDCWD, in_dir("log.1"), past, 0), 0);
	written = 0;
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* Waited for, written, rotated, and killed before a line of it was committed. */
static void test_rotated_before_first_commit(void **state)
{
	(void)state;
	settle();
	crash();
	usleep(100000);
	write_lines("log", 10);
	move("log", "log.1");
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* gzip is at work: log.1 is there, and a part of log.1.gz. */
static void test_half_compressed(void **state)
{
	struct stat st;

	(void)state;
	write_lines("log", 1000);
	settle();
	crash();
	write_lines("log", 1000);
	copy("log", "spare");
	compress_log("spare", "log.1.gz");
	move("log", "log.1");
	assert_int_equal(stat(in_dir("log.1.gz"), &st), 0);
	assert_int_equal(truncate(in_dir("log.1.gz"), st.st_size / 2), 0);
	write_lines("log", 10);
	start();
	settle();
	expect_all();
}

/* Only half of a packed file is there: it is gone on with when it is whole. */
static void test_packed_grows(void **state)
{
	struct stat st;

	(void)state;
	write_lines("log", 1000);
	settle();
	crash();
	write_lines("log", 20000);
	compress_log("log", "whole");
	assert_int_equal(stat(in_dir("whole"), &st), 0);
	copy("whole", "log.1.gz");
	assert_int_equal(truncate(in_dir("log.1.gz"), st.st_size / 2), 0);
	write_lines("log", 10);
	start();
	settle();
	assert_true(ncommitted < 21000);
	unlink(in_dir("log.1.gz"));
	move("whole", "log.1.gz");
	wait_seconds(31);
	expect_all();
}

/* ---- several logs ---- */

static void restart_with(const char *yaml)
{
	crash();
	settings_free(settings);
	use_yaml(yaml);
	start();
}

static void test_glob(void **state)
{
	char name[32];

	(void)state;
	restart_with("  - path: home/*/logs/php.log\n    trust: tenant\n    format: php\n");
	settle();
	mkdir(in_dir("home"), 0700);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "home/u%d", i);
		mkdir(in_dir(name), 0700);
		if (i % 2)
			settle();
		snprintf(name, sizeof(name), "home/u%d/logs", i);
		mkdir(in_dir(name), 0700);
		snprintf(name, sizeof(name), "home/u%d/logs/php.log", i);
		write_lines(name, 10);
		settle();
	}
	assert_int_equal(sources_count(sources), 10);
	expect_all();
	unlink(in_dir("home/u3/logs/php.log"));
	settle();
	wait_seconds(70);
	assert_int_equal(sources_count(sources), 9);
	write_lines("home/u3/logs/php.log", 10);
	settle();
	assert_int_equal(sources_count(sources), 10);
	expect_all();
}

/* A huge log of one customer, with old stamps, does not keep the others waiting
 * for its end. */
static void test_fair(void **state)
{
	int big = open_log("big"), last;

	(void)state;
	for (int i = 0; i < 40000; i++)
		write_long_line(big, 1000);
	close(big);
	last = written;
	write_lines("log", 1);
	restart_with("  - path: big\n    trust: tenant\n    format: php\n  - path: log\n");
	read_all();
	assert_int_equal(npending, last + 1);
	for (int i = 0; i < 20000; i++)
		if (pending[i] == last)
			return;
	fail_msg("it waited for half of the other's lines");
}

/* Lines that waited for another log's are not read again once they are stored. */
static void test_committed_while_waiting(void **state)
{
	struct sources_state turn;

	(void)state;
	restart_with("  - path: log\n  - path: other\n");
	write_lines("log", 10000);
	write_lines("other", 5);
	sources_reconcile(sources);
	sources_turn(sources, now += 1000, &turn);
	assert_true(turn.busy);
	commit();
	while (turn.busy)
		sources_turn(sources, now += 1000, &turn);
	commit();
	crash();
	start();
	settle();
	expect_all();
}

static void test_reload(void **state)
{
	struct settings *old = settings;
	struct error err;

	(void)state;
	write_lines("log", 10);
	settle();
	use_yaml("  - path: log\n    timezone: +0100\n  - path: other\n");
	assert_int_equal(recorder_reload(recorder, settings, &err), 0);
	sources_configure(sources, settings);
	settings_free(old);
	write_lines("log", 10);
	settle();
	write_lines("other", 10);
	settle();
	assert_int_equal(sources_count(sources), 2);
	expect_all();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_rotated_names),
		TEST(test_grows),
		TEST(test_appears_later),
		TEST(test_much_at_once),
		TEST(test_partial_line),
		TEST(test_partial_first_line),
		TEST(test_partial_first_line_cut),
		TEST(test_partial_line_at_rotation),
		TEST(test_rename_create),
		TEST(test_late_lines),
		TEST(test_late_lines_after_crash),
		TEST(test_late_lines_of_catch_up),
		TEST(test_read_on_then_crash),
		TEST(test_nocreate),
		TEST(test_moved_back),
		TEST(test_two_rotations_between_looks),
		TEST(test_remove_create),
		TEST(test_compressed_at_once),
		TEST(test_symlink_swap),
		TEST(test_copytruncate),
		TEST(test_copytruncate_regrown),
		TEST(test_copytruncate_of_empty),
		TEST(test_truncated_without_copy),
		TEST(test_nul_prefix),
		TEST(test_shortened),
		TEST(test_restart),
		TEST(test_rotated_while_away),
		TEST(test_compressed_while_away),
		TEST(test_crash_in_catch_up),
		TEST(test_long_away),
		TEST(test_copytruncate_while_away),
		TEST(test_first_start),
		TEST(test_rotated_before_first_commit),
		TEST(test_half_compressed),
		TEST(test_packed_grows),
		TEST(test_glob),
		TEST(test_fair),
		TEST(test_committed_while_waiting),
		TEST(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
