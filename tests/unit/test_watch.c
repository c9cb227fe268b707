/* Directory watches: what is told, and what survives removal and overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/watch.h"

static char top[] = "/tmp/test_watch.XXXXXX";
static struct watch *watch;
static char told[64][128];
static size_t ntold;

static int set_up(void **state)
{
	struct error err;

	(void)state;
	if (!mkdtemp(top))
		return -1;
	watch = watch_open(&err);
	return watch ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	watch_close(watch);
	return rmdir(top);
}

static const char *in_top(const char *name)
{
	static char paths[4][128];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void seen(void *context, const char *dir, const char *name, bool written)
{
	(void)context;
	if (ntold < 64)
		snprintf(told[ntold++], sizeof(told[0]), "%s %s%s",
			 strlen(dir) > strlen(top) ? dir + strlen(top) + 1 : ".", name,
			 written ? " written" : "");
}

static bool drain(void)
{
	ntold = 0;
	return watch_drain(watch, seen, NULL);
}

static bool was_told(const char *what)
{
	for (size_t i = 0; i < ntold; i++)
		if (strcmp(told[i], what) == 0)
			return true;
	return false;
}

static bool want(const char *dir, unsigned use)
{
	bool opened;

	watch_begin(watch);
	watch_want(watch, top, WATCH_NAMES);
	watch_want(watch, dir, use);
	watch_end(watch, &opened);
	return opened;
}

static void touch(const char *name)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void test_names_and_writes(void **state)
{
	(void)state;
	mkdir(in_top("d"), 0700);
	assert_true(want(in_top("d"), WATCH_NAMES | WATCH_WRITES));
	assert_false(want(in_top("d"), WATCH_NAMES | WATCH_WRITES));
	drain();
	touch("d/log");
	touch("top");
	assert_true(drain());
	assert_true(was_told("d log"));
	assert_true(was_told("d log written"));
	assert_true(was_told(". top"));
	assert_false(was_told(". top written")); /* names only */
	touch("d/log");
	assert_true(drain());
	assert_int_equal(ntold, 1);
	rename(in_top("d/log"), in_top("d/log.1"));
	assert_true(drain());
	assert_true(was_told("d log") && was_told("d log.1"));
	unlink(in_top("d/log.1"));
	unlink(in_top("top"));
	drain();
}

/* No longer wanted: nothing is heard of it. */
static void test_dropped(void **state)
{
	bool opened;

	(void)state;
	watch_begin(watch);
	watch_want(watch, top, WATCH_NAMES);
	watch_end(watch, &opened);
	drain();
	touch("d/log");
	assert_true(drain());
	assert_int_equal(ntold, 0);
	unlink(in_top("d/log"));
}

/* The library cannot forget removed directories, and would confuse a new one
 * with the dead one of its name. */
static void test_removed_again_and_again(void **state)
{
	(void)state;
	for (int i = 0; i < 1500; i++) {
		watch_tick(watch);
		want(in_top("d"), WATCH_NAMES | WATCH_WRITES);
		drain();
		touch("d/log");
		drain();
		assert_true(was_told("d log written"));
		unlink(in_top("d/log"));
		rmdir(in_top("d"));
		drain();
		assert_true(was_told("d "));
		mkdir(in_top("d"), 0700);
		drain();
		assert_true(was_told(". d"));
	}
}

/* One that dies too often waits for the tick: a customer cannot keep us busy. */
static void test_restless_directory_waits(void **state)
{
	int heard = 0;

	(void)state;
	watch_tick(watch);
	for (int i = 0; i < 50; i++) {
		want(in_top("d"), WATCH_NAMES | WATCH_WRITES);
		drain();
		touch("d/log");
		drain();
		heard += was_told("d log written");
		unlink(in_top("d/log"));
		rmdir(in_top("d"));
		mkdir(in_top("d"), 0700);
		drain();
	}
	assert_in_range(heard, 5, 15);
	watch_tick(watch);
	want(in_top("d"), WATCH_NAMES | WATCH_WRITES);
	drain();
	touch("d/log");
	drain();
	assert_true(was_told("d log written"));
	unlink(in_top("d/log"));
	drain();
}

static void test_overflow(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		touch(i % 2 ? "d/a" : "d/b");
		if (i == 0)
			want(in_top("d"), WATCH_NAMES | WATCH_WRITES);
	}
	assert_false(drain());
	assert_true(drain());
	assert_int_equal(ntold, 0);
	touch("d/a");
	assert_true(drain());
	assert_true(was_told("d a written"));
	unlink(in_top("d/a"));
	unlink(in_top("d/b"));
	rmdir(in_top("d"));
	drain();
}

static void test_descriptor(void **state)
{
	struct pollfd p = { .fd = watch_fd(watch), .events = POLLIN };

	(void)state;
	assert_true(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(poll(&p, 1, 0), 0);
	touch("x");
	assert_int_equal(poll(&p, 1, 1000), 1);
	drain();
	unlink(in_top("x"));
	drain();
	assert_int_equal(poll(&p, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_writes),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_removed_again_and_again),
		cmocka_unit_test(test_restless_directory_waits),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_descriptor),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
