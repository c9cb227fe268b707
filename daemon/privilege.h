/* Giving root's rights up. */
#ifndef MAILAUDIT_DAEMON_PRIVILEGE_H
#define MAILAUDIT_DAEMON_PRIVILEGE_H

#include <stdbool.h>

#include "base/error.h"

#define PRIVILEGE_USER "mailaudit"

/* Started as root: becomes `user` for good, with the groups of that user and
 * adm, and keeps one right: to read files whatever their mode (CAP_DAC_READ_SEARCH),
 * since customers' logs are theirs alone. Then proves it. Started as somebody
 * else: does nothing but forbid new rights. Says in the log who we are.
 * directory: is made and given to that user when it does not exist; NULL none.
 * required: that user must exist, otherwise a missing one means staying root. */
int privilege_drop(const char *user, bool required, const char *directory,
		   struct error *err);

#endif
