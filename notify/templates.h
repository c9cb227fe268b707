/* Which template: the administrator's, or the one compiled in. */
#ifndef MAILAUDIT_NOTIFY_TEMPLATES_H
#define MAILAUDIT_NOTIFY_TEMPLATES_H

#include "core/settings.h"
#include "notify/template.h"

#define TEMPLATE_MAX_FILE (256 << 10)

/* Fills the template of this name, such as "alert.txt". It is looked for in
 * alerts.templates/LANGUAGE, then among those compiled in for the language, then
 * likewise for "en". Heap; NULL with *err. */
char *templates_fill(const struct settings *s, const char *name, const struct tree *facts,
		     enum template_form form, struct error *err);

#endif
