/* Opening log files that others may have prepared for us.
 *
 * Invariant: a descriptor that is returned is a regular file's, was opened
 * without blocking, and, for a customer's log, lies where its path says. Does
 * not judge what the file holds. */
#include "daemon/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/walk.h"

#define OPEN_LOG (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

void safe_owners_init(struct safe_owners *o, const struct string_list *names)
{
	*o = (struct safe_owners){ xcalloc(names->n + 1, sizeof(*o->uids)), 0 };
	for (size_t i = 0; i < names->n; i++) {
		const struct passwd *pw = getpwnam(names->at[i]);

		if (pw)
			o->uids[o->n++] = pw->pw_uid;
	}
}

void safe_owners_release(struct safe_owners *o)
{
	free(o->uids);
	*o = (struct safe_owners){ 0 };
}

/* Closes fd without touching errno. */
static int give_up(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

int safe_open_system(const char *path, struct error *err)
{
	struct stat st;
	int fd = open(path, OPEN_LOG);

	if (fd < 0)
		return walk_fail(path, err);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	walk_refuse(path, "not a regular file", err);
	return give_up(fd);
}

static bool is_web_server(const struct safe_owners *owners, uid_t uid)
{
	for (size_t i = 0; i < owners->n; i++)
		if (owners->uids[i] == uid)
			return true;
	return false;
}

static int check_file(const struct walk *w, const struct stat *st,
		      const struct safe_owners *owners, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return walk_refuse(w->path, "not a regular file", err);
	if (!w->foreign || (w->owner && w->owner == st->st_uid))
		return 0;
	if (st->st_nlink > 1)
		return walk_refuse(w->path, "not the customer's file, and with several names", err);
	if (w->owner == 0 || st->st_uid == 0 || is_web_server(owners, st->st_uid))
		return 0;
	return walk_refuse(w->path, "belongs neither to the customer nor to a web server", err);
}

static int open_at_end(const struct walk *w, const struct safe_owners *owners, struct error *err)
{
	struct stat st;
	int fd = openat(w->dir, w->name, OPEN_LOG | (w->foreign ? O_NOFOLLOW : 0));

	if (fd < 0 && errno == ELOOP)
		return walk_refuse(w->path, "a symbolic link in a customer's directory", err);
	if (fd < 0)
		return walk_fail(w->path, err);
	if (fstat(fd, &st) == 0 && check_file(w, &st, owners, err) == 0)
		return fd;
	return give_up(fd);
}

int safe_open_tenant(const char *path, const struct safe_owners *owners, struct error *err)
{
	struct walk w;
	int fd;

	if (walk_to(&w, path, err) < 0)
		return -1;
	fd = open_at_end(&w, owners, err);
	walk_end(&w);
	return fd;
}
