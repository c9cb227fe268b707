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

#endif
