/* Files of etc/ that are compiled in, so that the program works where it is not
 * installed: the templates of mails, the actions, snippets. */
#ifndef MAILAUDIT_NOTIFY_TEXTS_H
#define MAILAUDIT_NOTIFY_TEXTS_H

#include "base/str.h"

struct builtin_text {
	const char *name; /* "en/alert.txt", "hold-postfix.yaml" */
	struct str text;
};

/* End with a NULL name. The snippets are cli/'s: see its local.mk. */
extern const struct builtin_text builtin_snippets[];
extern const struct builtin_text builtin_templates[];
extern const struct builtin_text builtin_actions[];

#endif
