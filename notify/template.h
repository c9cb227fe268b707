/* Filling facts into a text: a small part of Mustache, and {{?name}}.
 *
 *   {{name}} {{a.b}} {{.}}   a value; names are looked for from the inside out
 *   {{?name}} ... {{/name}}  once, if it is not null, false, 0 or an empty list
 *   {{#name}} ... {{/name}}  for each item of a list; for an object or a value: once, in it
 *   {{^name}} ... {{/name}}  if it is
 *   {{! why }}               nothing
 *
 * A line that has such a tag alone, but for {{name}}, leaves no line. */
#ifndef MAILAUDIT_NOTIFY_TEMPLATE_H
#define MAILAUDIT_NOTIFY_TEMPLATE_H

#include "base/error.h"
#include "notify/tree.h"

/* Sections within each other, and bytes that come out. */
#define TEMPLATE_MAX_DEPTH 16
#define TEMPLATE_MAX_OUTPUT (1 << 20)

enum template_form {
	FORM_LINE, /* a subject: values are cut short */
	FORM_TEXT,
	FORM_HTML /* & < > " ' of values are escaped */
};

/* Heap; NULL with *err: "name:line: why" (EXIT_CONFIG). */
char *template_fill(struct str text, const char *name, const struct tree *facts,
		    enum template_form form, struct error *err);

#endif
