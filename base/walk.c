/* Paths that lead through directories of customers.
 *
 * Invariant: each step is taken from a directory we hold open, so nobody can swap one
 * that was looked at already. */
#include "base/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define OPEN_STEP (O_PATH | O_DIRECTORY | O_CLOEXEC)

int walk_refuse(const char *path, const char *why, struct error *err)
{
	errno = EPERM;
	return error_set(err, EXIT_PERMISSION, "%s: %s", path, why);
}

int walk_fail(const char *path, struct error *err)
{
	int saved = errno;

	error_set(err, saved == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s", path,
		  strerror(saved));
	errno = saved;
	return -1;
}

void walk_end(struct walk *w)
{
	int saved = errno;

	close(w->dir);
	w->dir = -1;
	errno = saved;
}

/* Takes note of who can change the directory we stand in. */
static int look_around(struct walk *w, struct error *err)
{
	struct stat st;

	if (fstat(w->dir, &st) < 0)
		return walk_fail(w->path, err);
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		w->foreign = true;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX)))
		w->exposed = true;
	if (w->owner == 0)
		w->owner = st.st_uid;
	return 0;
}

/* One component further. Links that only root can have made are followed. */
static int step_into(struct walk *w, const char *name, struct error *err)
{
	int next;

	if (strcmp(name, "..") == 0)
		return walk_refuse(w->path, "\"..\" in a customer's path", err);
	next = openat(w->dir, name, OPEN_STEP | (w->foreign ? O_NOFOLLOW : 0));
	if (next < 0)
		return walk_fail(w->path, err);
	close(w->dir);
	w->dir = next;
	return look_around(w, err);
}

static int go(struct walk *w, struct error *err)
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
			return walk_refuse(w->path, "name too long", err);
		memcpy(name, at, n);
		name[n] = '\0';
		if (step_into(w, name, err) < 0)
			return -1;
		at += n;
	}
	w->name = at;
	return *at ? 0 : walk_refuse(w->path, "a directory", err);
}

int walk_to(struct walk *w, const char *path, struct error *err)
{
	*w = (struct walk){ .path = path };
	w->dir = open(path[0] == '/' ? "/" : ".", OPEN_STEP);
	if (w->dir < 0)
		return walk_fail(path, err);
	if (look_around(w, err) == 0 && go(w, err) == 0)
		return 0;
	walk_end(w);
	return -1;
}
