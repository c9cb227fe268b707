/* Opening log files that others may have prepared for us.
 *
 * Invariant: a descriptor that is returned is a regular file's, was opened
 * without blocking, and, for a customer's log, lies where its path says. Does
 * not judge what the file holds. */
#include "daemon/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define OPEN_LOG (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define OPEN_STEP (O_PATH | O_DIRECTORY | O_CLOEXEC)

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

static int refused(const char *path, const char *why, struct error *err)
{
	errno = EPERM;
	return error_set(err, EXIT_PERMISSION, "%s: %s", path, why);
}

static int failed(const char *path, struct error *err)
{
	int saved = errno;

	error_set(err, saved == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s", path,
		  strerror(saved));
	errno = saved;
	return -1;
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
		return failed(path, err);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	refused(path, "not a regular file", err);
	return give_up(fd);
}

/* The way from the root to a file. */
struct walk {
	const char *path;
	int dir; /* the directory we stand in */
	bool foreign; /* somebody else than root could have put things here */
	uid_t owner; /* of the first directory that is not root's; 0 none yet */
};

/* Takes note of who can change the directory we stand in. */
static int look_around(struct walk *w, struct error *err)
{
	struct stat st;

	if (fstat(w->dir, &st) < 0)
		return failed(w->path, err);
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		w->foreign = true;
	if (w->owner == 0)
		w->owner = st.st_uid;
	return 0;
}

/* One component further. Links that only root can have made are followed. */
static int step_into(struct walk *w, const char *name, struct error *err)
{
	int next;

	if (strcmp(name, "..") == 0)
		return refused(w->path, "\"..\" in a customer's path", err);
	next = openat(w->dir, name, OPEN_STEP | (w->foreign ? O_NOFOLLOW : 0));
	if (next < 0)
		return failed(w->path, err);
	close(w->dir);
	w->dir = next;
	return look_around(w, err);
}

/* Walks to the directory of the file; *last is its name there. */
static int walk_to(struct walk *w, const char **last, struct error *err)
{
	const char *at = w->path;
	char name[NAME_MAX + 1];

	for (;;) {
		size_t n;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (at[n] == '\0')
			break;
		if (n > NAME_MAX)
			return refused(w->path, "name too long", err);
		memcpy(name, at, n);
		name[n] = '\0';
		if (step_into(w, name, err) < 0)
			return -1;
		at += n;
	}
	*last = at;
	return *at ? 0 : refused(w->path, "a directory", err);
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
		return refused(w->path, "not a regular file", err);
	if (!w->foreign || (w->owner && w->owner == st->st_uid))
		return 0;
	if (st->st_nlink > 1)
		return refused(w->path, "not the customer's file, and with several names", err);
	if (w->owner == 0 || st->st_uid == 0 || is_web_server(owners, st->st_uid))
		return 0;
	return refused(w->path, "belongs neither to the customer nor to a web server", err);
}

static int open_at_end(struct walk *w, const struct safe_owners *owners, struct error *err)
{
	const char *name = NULL;
	struct stat st;
	int fd;

	if (look_around(w, err) < 0 || walk_to(w, &name, err) < 0)
		return -1;
	fd = openat(w->dir, name, OPEN_LOG | (w->foreign ? O_NOFOLLOW : 0));
	if (fd < 0 && errno == ELOOP)
		return refused(w->path, "a symbolic link in a customer's directory", err);
	if (fd < 0)
		return failed(w->path, err);
	if (fstat(fd, &st) == 0 && check_file(w, &st, owners, err) == 0)
		return fd;
	return give_up(fd);
}

int safe_open_tenant(const char *path, const struct safe_owners *owners, struct error *err)
{
	struct walk w = { .path = path };
	int fd;

	w.dir = open(path[0] == '/' ? "/" : ".", OPEN_STEP);
	if (w.dir < 0)
		return failed(path, err);
	fd = open_at_end(&w, owners, err);
	give_up(w.dir);
	return fd;
}
