/* The ladder: who sent a message, by which script, and by which evidence. */
#ifndef MAILAUDIT_CORE_ATTRIBUTE_H
#define MAILAUDIT_CORE_ATTRIBUTE_H

#include "core/account.h"
#include "core/message.h"

/* A reference header's value, "v1 pid=N uid=N cwd=PATH script=PATH" (PATHs percent-encoded,
 * the second one below cwd unless it starts with a slash, and often left out), as
 * wrapper/mailaudit-sendmail.c and etc/snippets/php/mailaudit-ref write it. */
struct reference {
	int64_t pid, uid; /* -1 absent */
	struct str cwd, script; /* still encoded */
};
bool reference_parse(struct str value, struct reference *out);

/* Name of who submitted a local message ("" unknown); buf as accounts_uid. */
struct str attribute_submitter(const struct accounts *a, const struct message *m, char *buf);
/* Whether several sites send under this name, so that it is no account. */
bool attribute_shared(const struct accounts *a, struct str submitter);

/* Sets account, via, script, script_line, cwd from all that is known. `php` is
 * the joined line or NULL: then what an earlier one said is kept. True: changed. */
bool attribute_message(const struct accounts *a, struct message *m, const struct php_mail *php);
/* Sets direction from channel, client and recipients. True: changed. */
bool attribute_direction(const struct accounts *a, struct message *m);
/* Owner of a PHP line: the tenant's own for a tenant's log, else the path's. */
struct str attribute_php(const struct accounts *a, struct str path, bool tenant,
			 struct str tenant_account);

/* Mail libraries and frameworks that call mail() for others: never the culprit
 * when something better is known. */
bool attribute_is_library(struct str path);
/* The site's directory above a library file, with its '/' ("" if none). */
struct str attribute_site_root(struct str path);

#endif
