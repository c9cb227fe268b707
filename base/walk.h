/* The way from the root to a file that others may have prepared for us: a path that leads
 * through directories of customers. */
#ifndef MAILAUDIT_BASE_WALK_H
#define MAILAUDIT_BASE_WALK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Where a walk ended. */
struct walk {
	const char *path; /* as given */
	int dir; /* the directory of the file, O_PATH */
	const char *name; /* of the file in it, in path */
	bool foreign; /* somebody else than root could have put things on the way */
	bool exposed; /* somebody else than root and us could replace what lies there */
	uid_t owner; /* of the first directory on the way that is not root's; 0 none */
};

/* Walks to the directory of a file. From the first directory on that somebody else
 * than root can change, no symbolic link is followed, and ".." nowhere. Returns 0, or
 * -1 with errno and *err. A relative path starts where we are. */
int walk_to(struct walk *w, const char *path, struct error *err);
/* Lets go of the directory; errno stays. */
void walk_end(struct walk *w);

/* Ways to fail, for those who open what a walk led to: "path: why". Return -1, with
 * errno EPERM, and as it was. */
int walk_refuse(const char *path, const char *why, struct error *err);
int walk_fail(const char *path, struct error *err);

#endif
