/* Opening log files that others may have prepared for us. */
#ifndef MAILAUDIT_DAEMON_SAFE_OPEN_H
#define MAILAUDIT_DAEMON_SAFE_OPEN_H

#include <sys/types.h>

#include "base/error.h"
#include "core/settings.h"

/* Users that may own a log in a customer's directory: the web servers'. */
struct safe_owners {
	uid_t *uids; /* heap */
	size_t n;
};

/* The uids of the names in the list that exist here. */
void safe_owners_init(struct safe_owners *o, const struct string_list *names);
void safe_owners_release(struct safe_owners *o);

/* Opens for reading without ever waiting: only regular files, O_CLOEXEC. A log
 * of the system's may be reached by symbolic links. errno is ENOENT when there
 * is no such file. Returns a descriptor or -1. */
int safe_open_system(const char *path, struct error *err);
/* Likewise a log that a customer can write. From the first directory on that
 * somebody else than root can change, no symbolic link is followed, and the
 * file must be that directory's owner's; or root's or a web server's and have
 * one name only, so that no hard link leads to a foreign file. */
int safe_open_tenant(const char *path, const struct safe_owners *owners, struct error *err);

#endif
