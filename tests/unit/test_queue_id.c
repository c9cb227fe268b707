/* Queue ids: each server's form is its own, whatever else is cut or odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/queue_id.h"

static void test_forms(void **state)
{
	static const struct {
		const char *id;
		enum queue_server server;
	} rows[] = {
		{ "4B5C6A01", QUEUE_POSTFIX },
		{ "963ED71BE15", QUEUE_POSTFIX },
		{ "4jXxGT14rvz1c0tT", QUEUE_POSTFIX },
		{ "1xVNvA-00035L-2B", QUEUE_EXIM },
		{ "1xVNvA-00000003aLB-0cD2", QUEUE_EXIM },
		{ "7e992190", QUEUE_OPENSMTPD },
		{ "7E992190", QUEUE_POSTFIX },
		{ "6ANEVtGR020173", QUEUE_SENDMAIL },
		{ "6AUJd94k1020169", QUEUE_SENDMAIL },
		{ "1048611", QUEUE_DECIMAL },
		{ "12345678", QUEUE_DECIMAL },
		{ "", QUEUE_UNKNOWN },
		{ "NOQUEUE", QUEUE_UNKNOWN },
		{ "7e99219", QUEUE_UNKNOWN },
		{ "6ANEVtGR02017", QUEUE_UNKNOWN },
		{ "6ANEVtGz020173", QUEUE_UNKNOWN },
		{ "1xVNvA-00035L", QUEUE_UNKNOWN },
		{ "1xVNvA-00035L-", QUEUE_UNKNOWN },
		{ "1xVNvA-$(id)-2B", QUEUE_UNKNOWN },
		{ "-Mrm-1", QUEUE_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (queue_id_server(str_of(rows[i].id)) != rows[i].server)
			fail_msg("\"%s\" is %d, not %d", rows[i].id,
				 queue_id_server(str_of(rows[i].id)), rows[i].server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
