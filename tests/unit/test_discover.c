/* Finding the logs of a machine that is built in a directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sdjournal.h"
#include "daemon/discover.h"

static char root[] = "/tmp/test_discover.XXXXXX";
static struct arena arena;
static struct source_spec *list;
static size_t n;

/* Makes the file with all its directories. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *out;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + sizeof(root); (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	out = fopen(full, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static const struct source_spec *find(const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].path, path) == 0)
			return &list[i];
	return NULL;
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	if (fork() == 0)
		execlp("rm", "rm", "-rf", root, (char *)NULL);
	return 0;
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(discover_sources(root, &arena, &list), 0);
}

/* Logins are no mail: who has only these has no mail log yet. */
static void test_logins_only(void **state)
{
	(void)state;
	put("/var/log/auth.log", "x\n");
	put("/var/log/vsftpd.log", "x\n");
	put("/var/log/messages", "x\n");
	assert_int_equal(discover_sources(root, &arena, &list), 0);
}

/* Everybody may read his own journal; of use is the system's, which has what auth.log has. */
static void test_journal(void **state)
{
	(void)state;
	put("/var/log/journal/0123456789abcdef/user-1000.journal", "x");
	assert_int_equal(discover_sources(root, &arena, &list), 0);
	if (!sdjournal_is_built())
		return;
	put("/var/log/journal/0123456789abcdef/system.journal", "x");
	n = discover_sources(root, &arena, &list);
	assert_non_null(find("/var/log/journal"));
	assert_non_null(find("/var/log/vsftpd.log"));
	assert_null(find("/var/log/auth.log"));
}

static void test_found(void **state)
{
	(void)state;
	put("/var/log/mail.log", "x\n");
	put("/var/log/exim4/mainlog", "x\n");
	put("/var/log/qmail/send/current", "x\n");
	put("/var/log/postfix.log", "x\n");
	put("/var/log/php/mail.log", "x\n");
	put("/home/anna/logs/php-mail.log", "x\n");
	put("/etc/postfix/main.cf", "# maillog_file = /var/log/no.log\n"
				    "maillog_file = /var/log/postfix.log\n"
				    "maillog_file_permissions = 0640\n");
	put("/etc/php/8.2/cli/php.ini", "; mail.log = /var/log/no.log\nmail.log = syslog\n");
	put("/etc/php/8.2/fpm/php.ini", "mail.log = \"/var/log/php/mail.log\" ; all\n");
	put("/etc/php/8.2/fpm/pool.d/anna.conf",
	    "[anna]\nphp_admin_value[mail.log] = /home/anna/logs/php-mail.log\n");
	put("/etc/php/8.2/fpm/pool.d/bob.conf",
	    "php_admin_value[mail.log] = /home/$pool/mail.log\n");
	put("/etc/php/8.2/fpm/pool.d/later.conf",
	    "php_admin_value[mail.log] = /var/log/php/later.log\n");
	put("/etc/php/8.2/fpm/pool.d/never.conf",
	    "php_admin_value[mail.log] = /no/such/directory/mail.log\n");
	n = discover_sources(root, &arena, &list);
	assert_int_equal(n, 12);
	assert_string_equal(find("/var/log/exim4/rejectlog")->format, "exim-reject");
	assert_string_equal(find("/var/log/exim4/paniclog")->format, "exim-panic");
	assert_string_equal(find("/var/log/messages")->format, "netfilter");
	assert_string_equal(find("/var/log/qmail/send/current")->format, "qmail");
	assert_string_equal(find("/var/log/auth.log")->format, "sshd");
	assert_string_equal(find("/var/log/vsftpd.log")->format, "ftp");
	assert_string_equal(find("/var/log/mail.log")->format, "auto");
	assert_string_equal(find("/var/log/exim4/mainlog")->format, "exim");
	assert_string_equal(find("/var/log/postfix.log")->format, "postfix");
	assert_string_equal(find("/var/log/php/mail.log")->format, "php");
	assert_false(find("/var/log/php/mail.log")->tenant);
	assert_true(find("/home/anna/logs/php-mail.log")->tenant);
	assert_non_null(find("/var/log/php/later.log"));
}

static void test_long_and_odd_lines(void **state)
{
	static char text[20000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	put("/etc/php.ini", text);
	put("/etc/php.d/a.ini", "mail.log\nmail.log =\n= x\nmail.log = \"\nmail.log = \"/\n");
	assert_int_equal(discover_sources(root, &arena, &list), 12);
}

/* The kernel's lines are read where they have a log of their own. */
static void test_kernel(void **state)
{
	(void)state;
	put("/var/log/kern.log", "x\n");
	put("/var/log/ulog/syslogemu.log", "x\n");
	n = discover_sources(root, &arena, &list);
	assert_int_equal(n, 13);
	assert_string_equal(find("/var/log/kern.log")->format, "netfilter");
	assert_string_equal(find("/var/log/ulog/syslogemu.log")->format, "netfilter");
	assert_null(find("/var/log/messages"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_logins_only),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_long_and_odd_lines),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
