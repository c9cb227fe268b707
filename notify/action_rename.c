/* Steps that give a customer's file another name: a script nobody finds.
 *
 * Invariant: no other file is overwritten, and what was renamed is what was looked at, or
 * has its name again. The new name is in the same folder, which only the account or root
 * can write. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "notify/action_state.h"

static int plan(struct work *w, struct step *s, struct error *err)
{
	char name[PATH_MAX];

	if (script_plan(w, s, s->rule->rename.path, err) < 0)
		return -1;
	if ((size_t)snprintf(name, sizeof(name), "%s%s", s->path, s->rule->rename.suffix) >=
	    sizeof(name))
		return error_set(err, REFUSED, "%s: name too long", s->path);
	s->text = arena_str(&w->arena, str_of(name)).p;
	s->what = work_describe(w, "rename %s to %s", s->path, s->text);
	return 0;
}

/* In a folder of others a name can be theirs the next moment. */
static int check_folder(const struct work *w, const struct script *f, struct error *err)
{
	struct stat st;

	if (fstat(f->at.dir, &st) < 0)
		return walk_fail(f->at.path, err);
	if (st.st_uid == w->uid || (st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH))))
		return 0;
	return error_set(err, REFUSED, "%s: its folder does not belong to the account", f->at.path);
}

static int prepare(struct work *w, struct step *s, struct error *err)
{
	struct script f;
	int rc;

	if (script_open(w, &f, s->path, err) < 0)
		return -1;
	s->file = f.id;
	rc = check_folder(w, &f, err);
	script_close(&f);
	return rc;
}

/* The part behind the last slash. */
static const char *last_part(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Renames within the folder; if it was another file by then, back again. */
static int move(const struct script *f, const char *to, struct error *err)
{
	const char *name = last_part(to);
	struct stat st;

	if (renameat2(f->at.dir, f->at.name, f->at.dir, name, RENAME_NOREPLACE) < 0)
		return walk_fail(errno == EEXIST ? to : f->at.path, err);
	if (fstatat(f->at.dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino)
		return 0;
	renameat2(f->at.dir, name, f->at.dir, f->at.name, RENAME_NOREPLACE);
	return error_set(err, REFUSED, "%s became another file", f->at.path);
}

static int perform(struct work *w, struct step *s, struct error *err)
{
	struct script f;
	int rc;

	if (script_open(w, &f, s->path, err) < 0)
		return -1;
	rc = script_is(&f, s) ? move(&f, s->text, err) :
				error_set(err, REFUSED, "%s became another file", s->path);
	script_close(&f);
	return rc;
}

static int give_back(struct work *w, const struct step *s, const struct script *f,
		     struct error *err)
{
	if (!script_is(f, s)) {
		work_say(w, str_of(work_describe(w, "%s is another file: left alone", s->text)));
		return 0;
	}
	if (check_folder(w, f, err) < 0)
		return -1;
	if (move(f, s->path, err) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	work_say(w, str_of(work_describe(w, "%s is there again: %s is left alone", s->path, s->text)));
	return 0;
}

static int undo(struct work *w, struct step *s, struct error *err)
{
	struct script f;
	int rc;

	if (script_open(w, &f, s->text, err) < 0) {
		if (errno != ENOENT)
			return -1;
		if (s->state == STEP_DONE)
			work_say(w, str_of(work_describe(w, "%s is gone", s->text)));
		return 0;
	}
	rc = give_back(w, s, &f, err);
	script_close(&f);
	return rc;
}

const struct step_kind step_rename = {
	.name = "rename", .plan = plan, .prepare = prepare, .perform = perform, .undo = undo
};
