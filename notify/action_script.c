/* A customer's script, for the steps that take it out of use.
 *
 * Invariant: what is opened is a regular file of the account with one name, reached
 * without a link that a customer could have made. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify/action_state.h"

static bool is_shared(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->accounts.shared.n; i++)
		if (strcmp(s->accounts.shared.at[i], name) == 0)
			return true;
	return false;
}

static int find_owner(struct work *w, struct error *err)
{
	const char *name = action_fill("{account}", &w->values, &w->arena, err);
	const struct passwd *user = name ? getpwnam(name) : NULL;

	if (!name)
		return -1;
	if (!user)
		return error_set(err, REFUSED, "the account %s is no user of this host", name);
	if (user->pw_uid == 0 || is_shared(w->settings, name))
		return error_set(err, REFUSED, "%s is no customer: its files are left alone", name);
	w->uid = user->pw_uid;
	return 0;
}

int script_plan(struct work *w, struct step *s, const char *path, struct error *err)
{
	s->path = action_fill(path, &w->values, &w->arena, err);
	if (!s->path || find_owner(w, err) < 0)
		return -1;
	if (value_wrong_script(str_of(s->path)))
		return error_set(err, REFUSED, "'%s' %s", s->path,
				 value_wrong_script(str_of(s->path)));
	return 0;
}

/* NULL, or why it is left alone. */
static const char *wrong_file(const struct work *w, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link";
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_nlink != 1)
		return "has several names (hard links)";
	if (st->st_uid != w->uid)
		return "does not belong to the account";
	if (st->st_mode & 07000)
		return "has a set-user-id, set-group-id or sticky bit";
	return NULL;
}

static int open_last(const struct work *w, struct script *f, struct error *err)
{
	const char *wrong;

	f->fd = openat(f->at.dir, f->at.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		return walk_fail(f->at.path, err);
	wrong = fstat(f->fd, &f->st) < 0 ? "cannot be looked at" : wrong_file(w, &f->st);
	if (!wrong)
		return 0;
	close(f->fd);
	errno = EPERM;
	return error_set(err, REFUSED, "%s %s", f->at.path, wrong);
}

int script_open(struct work *w, struct script *f, const char *path, struct error *err)
{
	*f = (struct script){ .fd = -1 };
	if (walk_to(&f->at, path, err) < 0) {
		if (errno == ENOTDIR || errno == ELOOP)
			error_set(err, REFUSED, "%s: a symbolic link, or no folder, on the way",
				  path);
		return -1;
	}
	if (open_last(w, f, err) < 0) {
		walk_end(&f->at);
		return -1;
	}
	f->id = work_describe(w, "%llx:%llx", (unsigned long long)f->st.st_dev,
			      (unsigned long long)f->st.st_ino);
	return 0;
}

void script_close(struct script *f)
{
	close(f->fd);
	walk_end(&f->at);
}

bool script_is(const struct script *f, const struct step *s)
{
	return s->file && strcmp(f->id, s->file) == 0;
}
