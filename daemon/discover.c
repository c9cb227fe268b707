/* Finding the logs of this machine by reading the configuration of Postfix and
 * PHP, never by running anything.
 *
 * Invariant: a path is named once. A file that lies in somebody's home, or that
 * somebody else than root or a daemon owns, is a customer's. */
#include "daemon/discover.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sdjournal.h"

#define MAX_SOURCES 256
#define LINE_MAX_BYTES 4096
/* Debian's and Red Hat's first uid of a person. */
#define FIRST_PERSON_UID 1000

struct finder {
	const char *root;
	struct arena *arena;
	struct source_spec *list;
	size_t n;
};

struct place {
	const char *path, *format;
};

static const struct place well_known[] = {
	{ "/var/log/mail.log", "auto" },	  { "/var/log/maillog", "auto" },
	{ "/var/log/exim4/mainlog", "exim" },	  { "/var/log/exim_mainlog", "exim" },
	{ "/var/log/exim/mainlog", "exim" },	  { "/var/log/exim/main.log", "exim" },
	{ "/var/log/qmail/current", "qmail" },	  { "/var/log/qmail/send/current", "qmail" },
	{ "/var/log/qmail/qmail-send/current", "qmail" },
};

/* Logins, connections: of use beside a log of mail, and none by themselves. */
static const struct place other_logs[] = {
	{ "/var/log/dovecot.log", "dovecot" },	  { "/var/log/dovecot-info.log", "dovecot" },
	{ "/var/log/auth.log", "sshd" },	  { "/var/log/secure", "sshd" },
	{ "/var/log/vsftpd.log", "ftp" },	  { "/var/log/xferlog", "ftp" },
	{ "/var/log/proftpd/proftpd.log", "ftp" }, { "/var/log/proftpd/xferlog", "ftp" },
	{ "/var/log/pure-ftpd/transfer.log", "ftp" },
	{ "/var/log/kern.log", "netfilter" },	  { "/var/log/ulog/syslogemu.log", "netfilter" },
};

/* Where `key = value` names a log. */
static const struct config {
	const char *pattern, *key, *format;
} configs[] = {
	{ "/etc/postfix/main.cf", "maillog_file", "postfix" },
	{ "/etc/postfix-*/main.cf", "maillog_file", "postfix" },
	{ "/etc/php.ini", "mail.log", "php" },
	{ "/etc/php.d/*.ini", "mail.log", "php" },
	{ "/etc/php/*/*/php.ini", "mail.log", "php" },
	{ "/etc/php/*/*/conf.d/*.ini", "mail.log", "php" },
	{ "/etc/php/*/fpm/pool.d/*.conf", "mail.log", "php" },
	{ "/etc/php-fpm.d/*.conf", "mail.log", "php" },
	{ "/usr/local/etc/php/php.ini", "mail.log", "php" },
	{ "/usr/local/etc/php/conf.d/*.ini", "mail.log", "php" },
	{ "/usr/local/etc/php-fpm.d/*.conf", "mail.log", "php" },
	{ "/opt/cpanel/ea-php*/root/etc/php.ini", "mail.log", "php" },
	{ "/opt/cpanel/ea-php*/root/etc/php.d/*.ini", "mail.log", "php" },
	{ "/opt/cpanel/ea-php*/root/etc/php-fpm.d/*.conf", "mail.log", "php" },
	{ "/opt/alt/php*/etc/php.ini", "mail.log", "php" },
	{ "/opt/plesk/php/*/etc/php.ini", "mail.log", "php" },
	{ "/opt/remi/php*/root/etc/php.ini", "mail.log", "php" },
	{ "/etc/opt/remi/php*/php.ini", "mail.log", "php" },
	{ "/etc/opt/remi/php*/php-fpm.d/*.conf", "mail.log", "php" },
};

static bool rooted(const struct finder *f, const char *path, char *out)
{
	return snprintf(out, PATH_MAX, "%s%s", f->root, path) < PATH_MAX;
}

static bool is_customers(const struct stat *st, const char *path)
{
	return st->st_uid >= FIRST_PERSON_UID || strncmp(path, "/home", 5) == 0;
}

/* The log of a web server, not there yet: its directory must be. */
static bool will_appear(const char *path, struct stat *st)
{
	size_t slash = str_rchr(str_of(path), '/');
	char dir[PATH_MAX];

	if (slash == 0 || slash >= sizeof(dir) || !path[slash])
		return false;
	memcpy(dir, path, slash);
	dir[slash] = '\0';
	return stat(dir, st) == 0 && S_ISDIR(st->st_mode) && access(dir, R_OK | X_OK) == 0;
}

static bool is_usable(const struct finder *f, const char *path, bool must_exist,
		      struct stat *st)
{
	char real[PATH_MAX];

	if (path[0] != '/' || !rooted(f, path, real))
		return false;
	if (stat(real, st) == 0)
		return S_ISREG(st->st_mode) && access(real, R_OK) == 0;
	return !must_exist && errno == ENOENT && will_appear(real, st);
}

static void add(struct finder *f, const char *path, const char *format, bool must_exist)
{
	struct source_spec *spec = &f->list[f->n];
	struct stat st;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].path, path) == 0)
			return;
	if (f->n == MAX_SOURCES || !is_usable(f, path, must_exist, &st))
		return;
	spec->path = arena_str(f->arena, str_of(path)).p;
	spec->format = format;
	spec->account = "auto";
	spec->timezone = "local";
	spec->tenant = strcmp(format, "php") == 0 && is_customers(&st, path);
	f->n++;
}

/* Exim's log_file_path is a pattern: "%slog", "exim_%slog", "%s.log". The logs beside a
 * main log may come later. */
static void add_beside(struct finder *f, const char *mainlog, const char *word,
		       const char *format)
{
	struct str path = str_of(mainlog);
	size_t at = str_rchr(path, '/') + str_find(str_skip(path, str_rchr(path, '/')), STR("main"));
	char name[PATH_MAX];

	if (at + 4 > path.n || snprintf(name, sizeof(name), "%.*s%s%s", (int)at, mainlog, word,
					mainlog + at + 4) >= (int)sizeof(name))
		return;
	add(f, name, format, false);
}

static void add_second_logs_of_exim(struct finder *f)
{
	for (size_t i = 0, n = f->n; i < n; i++) {
		if (strcmp(f->list[i].format, "exim") != 0)
			continue;
		add_beside(f, f->list[i].path, "reject", "exim-reject");
		add_beside(f, f->list[i].path, "panic", "exim-panic");
	}
}

/* "key = value ; comment", "php_admin_value[key] = value" -> value. */
static struct str value_of(struct str line, struct str key)
{
	struct str value;
	size_t equals = str_chr(line, '=');
	struct str name = str_trim(str_head(line, equals));

	if (str_eat(&name, STR("php_admin_value[")) || str_eat(&name, STR("php_value[")))
		name = str_trim(str_head(name, str_chr(name, ']')));
	if (!str_eq(name, key) || equals == line.n)
		return STR_NONE;
	value = str_trim(str_skip(line, equals + 1));
	if (value.n && (value.p[0] == '"' || value.p[0] == '\'')) {
		value = str_skip(value, 1);
		return str_head(value, strcspn(value.p, "\"'\n"));
	}
	return str_trim(str_head(value, str_chr(value, ';')));
}

/* The last setting of the key in one file counts per section; all are taken. */
static void read_config(struct finder *f, const char *path, const struct config *c)
{
	char line[LINE_MAX_BYTES], log[LINE_MAX_BYTES];
	FILE *in = fopen(path, "re");

	while (in && fgets(line, sizeof(line), in)) {
		struct str value = value_of(str_of(line), str_of(c->key));

		/* "syslog" is no file; "$pool" and "${x}" are not expanded. */
		if (!value.n || value.p[0] != '/' || str_chr(value, '$') < value.n)
			continue;
		memcpy(log, value.p, value.n);
		log[value.n] = '\0';
		add(f, log, c->format, strcmp(c->format, "php") != 0);
	}
	if (in)
		fclose(in);
}

static void read_configs(struct finder *f, const struct config *c)
{
	char pattern[PATH_MAX];
	glob_t found;

	if (!rooted(f, c->pattern, pattern) || glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_config(f, found.gl_pathv[i], c);
	globfree(&found);
}

/* Is there a journal of the system's that we may read, below a directory of a machine's id?
 * Everybody may read his own. */
static bool has_journal(const struct finder *f, const char *pattern)
{
	char path[PATH_MAX];
	bool readable = false;
	glob_t found;

	if (!rooted(f, pattern, path) || glob(path, 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++)
		readable |= access(found.gl_pathv[i], R_OK) == 0;
	globfree(&found);
	return readable;
}

static bool has_system_log(const struct finder *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].format, "php") != 0)
			return true;
	return false;
}

static bool has_format(const struct finder *f, const char *format)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].format, format) == 0)
			return true;
	return false;
}

/* What no syslog daemon writes to a file is in the journal. Where one does, its files are
 * read: the same line must not be read twice. */
static void add_journal(struct finder *f)
{
	if (has_system_log(f) || f->n == MAX_SOURCES || !sdjournal_is_built())
		return;
	if (!has_journal(f, "/var/log/journal/*/system*.journal") &&
	    !has_journal(f, "/run/log/journal/*/system*.journal"))
		return;
	f->list[f->n++] = (struct source_spec){ .path = "/var/log/journal",
						.format = "journal",
						.account = "auto",
						.timezone = "local" };
}

/* What only the syslog daemon writes is in the journal, too. */
static bool is_syslogs(const struct place *place)
{
	return strcmp(place->format, "sshd") == 0 || strcmp(place->path, "/var/log/kern.log") == 0;
}

static void add_others(struct finder *f)
{
	bool journal = has_format(f, "journal");

	for (size_t i = 0; f->n && i < sizeof(other_logs) / sizeof(*other_logs); i++)
		if (!journal || !is_syslogs(&other_logs[i]))
			add(f, other_logs[i].path, other_logs[i].format, true);
}

/* Where the kernel has no log of its own its lines are in the one of everything. Debian
 * once had both: the same line must not be read twice. */
static void add_messages(struct finder *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].path, "/var/log/kern.log") == 0)
			return;
	if (f->n && !has_format(f, "journal"))
		add(f, "/var/log/messages", "netfilter", true);
}

size_t discover_sources(const char *root, struct arena *arena, struct source_spec **list)
{
	struct finder f = { .root = root, .arena = arena };

	f.list = arena_alloc(arena, MAX_SOURCES * sizeof(*f.list));
	for (size_t i = 0; i < sizeof(well_known) / sizeof(*well_known); i++)
		add(&f, well_known[i].path, well_known[i].format, true);
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++)
		read_configs(&f, &configs[i]);
	add_second_logs_of_exim(&f);
	add_journal(&f);
	add_others(&f);
	add_messages(&f);
	*list = f.list;
	return f.n;
}

size_t discover_usual(struct arena *arena, struct source_spec **list)
{
	size_t n = sizeof(well_known) / sizeof(*well_known);

	*list = arena_alloc(arena, n * sizeof(**list));
	for (size_t i = 0; i < n; i++)
		(*list)[i] = (struct source_spec){ .path = well_known[i].path,
						   .format = well_known[i].format,
						   .account = "auto",
						   .timezone = "local" };
	return n;
}

/* A double-quoted YAML scalar. */
static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (iscntrl(c))
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('"');
}

void discover_print(const struct source_spec *list, size_t n)
{
	printf("sources:%s\n", n ? "" : " []");
	for (size_t i = 0; i < n; i++) {
		printf("  - path: ");
		print_quoted(list[i].path);
		printf("\n    format: %s\n    trust: %s\n", list[i].format,
		       list[i].tenant ? "tenant" : "system");
	}
}
