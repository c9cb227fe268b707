/* core/event: what is printed, quoted, and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"

static struct event sample(void)
{
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	ev.queue_id = STR("4jX");
	ev.next_is_forward = true;
	ev.channel = CHANNEL_AUTH;
	ev.recipient = STR("\"a \\b\"@d\x1b\xc3\xa9\xff");
	ev.uid = 0;
	ev.size = 7;
	ev.status = RCPT_SENT;
	ev.place = PLACE_REMOTE;
	ev.response = STR("250 ok");
	return ev;
}

static const char expected[] = "delivery qid=4jX forward=yes channel=auth "
			       "rcpt=\"\\\"a \\\\b\\\"@d\\x1b\xc3\xa9\\xff\" uid=0 "
			       "size=7 status=sent place=remote "
			       "text=\"250 ok\"";

static void prints(void **state)
{
	struct event ev = sample();
	char buf[512];

	(void)state;
	assert_int_equal(event_print(&ev, buf, sizeof(buf)), sizeof(expected) - 1);
	assert_string_equal(buf, expected);
	event_init(&ev, EV_CWD);
	assert_int_equal(event_print(&ev, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "cwd");
}

/* Any size: never more than fits, always the same length, a prefix of it. */
static void prints_into_any_size(void **state)
{
	struct event ev = sample();
	char buf[sizeof(expected) + 2];

	(void)state;
	assert_int_equal(event_print(&ev, NULL, 0), sizeof(expected) - 1);
	for (size_t size = 1; size < sizeof(expected) + 1; size++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(event_print(&ev, buf, size), sizeof(expected) - 1);
		assert_true(strlen(buf) < size);
		assert_memory_equal(buf, expected, strlen(buf));
		assert_int_equal(buf[size], '#');
	}
}

static void names_all_kinds(void **state)
{
	(void)state;
	for (int i = 0; i < EV_COUNT; i++)
		assert_non_null(event_kind_name[i]);
	assert_string_equal(event_kind_name[EV_PHP_MAIL], "php-mail");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints),
		cmocka_unit_test(prints_into_any_size),
		cmocka_unit_test(names_all_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
