/* Reading the configuration files of others, line by line as they do. Pure. */
#ifndef MAILAUDIT_CLI_DOCTOR_CONF_H
#define MAILAUDIT_CLI_DOCTOR_CONF_H

#include "base/arena.h"

/* One logical line: continuation lines joined, comments and blank lines gone. */
struct conf_line {
	struct str text; /* Exim, Postfix: all of it. Else "" */
	struct str section; /* ini: without its brackets */
	struct str name, value;
	size_t from, to; /* where it stands in the file, its line end included */
};

/* The next line from *at on, which moves behind it. false: no more. */
bool postfix_conf_next(struct str file, size_t *at, struct arena *arena, struct conf_line *line);
bool exim_conf_next(struct str file, size_t *at, struct arena *arena, struct conf_line *line);
/* line->section must be kept from call to call. Quotes around a value are gone. */
bool ini_next(struct str file, size_t *at, struct conf_line *line);

/* main.cf's last value of a name, $name in it replaced. false: not set. */
bool postfix_conf_get(struct str file, const char *name, struct arena *arena, struct str *value);
/* main.cf with the last value of a name replaced, or a line added. */
struct str postfix_conf_set(struct str file, const char *name, const char *value,
			    struct arena *arena);
/* On, 1, yes, true */
bool ini_true(struct str value);

/* Bytes up to the first blank or tab. */
size_t conf_word(struct str s);
/* The next word, which is taken off *rest; quotes around it are gone. */
struct str conf_eat_word(struct str *rest);
/* Is the word in the text? ASCII case is folded. */
bool conf_mentions(struct str text, const char *word);

/* What rsyslog.conf begins with: a line, or all lines of a module(). Comments come as they are. */
struct str rsyslog_statement(struct str rest);
/* Where a module() is closed, not within quotes nor in a comment; module.n: nowhere. */
size_t rsyslog_closing(struct str module);
/* The value of name="value" in a module(); "" none. */
struct str rsyslog_parameter(struct str module, const char *name);
/* Does "*.*;mail.none" select what mail servers say, facility mail at level info? `named`: does
 * it name mail? */
bool rsyslog_selects_mail(struct str selector, bool *named);

/* systemd.time(7) as it is used in settings: "2d 3h", "1month", "90". -1: cannot be read. */
double systemd_seconds(struct str s);
/* "500M". -1: cannot be read. */
double systemd_bytes(struct str s);

#endif
