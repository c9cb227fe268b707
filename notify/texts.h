/* Files of etc/ that are compiled in, so that the program works where it is not
 * installed: the templates of mails and the actions. */
#ifndef MAILAUDIT_NOTIFY_TEXTS_H
#define MAILAUDIT_NOTIFY_TEXTS_H

#include "base/str.h"

struct builtin_text {
	const char *name; /* "en/alert.txt", "hold-postfix.yaml" */
	struct str text;
};

/* End with a NULL name. */
extern const struct builtin_text builtin_templates[];
extern const struct builtin_text builtin_actions[];

#endif
