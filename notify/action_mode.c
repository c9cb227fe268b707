/* Steps that change the mode of a customer's file: a script nobody can run or read.
 *
 * Invariant: the mode is changed through the descriptor that was looked at; undoing
 * touches the same inode or nothing. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "notify/action_state.h"

static int plan(struct work *w, struct step *s, struct error *err)
{
	if (script_plan(w, s, s->rule->mode.path, err) < 0)
		return -1;
	s->what = work_describe(w, "mode %04o for %s", s->rule->new_mode, s->path);
	return 0;
}

static int prepare(struct work *w, struct step *s, struct error *err)
{
	struct script f;

	if (script_open(w, &f, s->path, err) < 0)
		return -1;
	s->file = f.id;
	s->old_mode = f.st.st_mode & 0777;
	if (s->old_mode == s->rule->new_mode)
		s->state = STEP_NOTHING;
	script_close(&f);
	return 0;
}

/* fchmod() does not take an O_PATH descriptor; its name in /proc leads to the same
 * inode, wherever the file's own name leads by now. */
static int change(const struct script *f, unsigned mode, struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", f->fd);
	return chmod(name, mode) < 0 ? walk_fail(f->at.path, err) : 0;
}

static int perform(struct work *w, struct step *s, struct error *err)
{
	struct script f;
	int rc;

	if (script_open(w, &f, s->path, err) < 0)
		return -1;
	rc = script_is(&f, s) ? change(&f, s->rule->new_mode, err) :
				error_set(err, REFUSED, "%s became another file", s->path);
	script_close(&f);
	return rc;
}

/* Gives back the mode, unless somebody decided otherwise meanwhile. */
static int give_back(struct work *w, const struct step *s, const struct script *f,
		     struct error *err)
{
	unsigned now = f->st.st_mode & 0777;

	if (!script_is(f, s))
		work_say(w, str_of(work_describe(w, "%s is another file now: left alone", s->path)));
	else if (now == s->rule->new_mode)
		return change(f, s->old_mode, err);
	else if (now != s->old_mode)
		work_say(w, str_of(work_describe(w, "%s has mode %04o now: left alone", s->path,
						 now)));
	return 0;
}

static int undo(struct work *w, struct step *s, struct error *err)
{
	struct script f;
	int rc;

	if (script_open(w, &f, s->path, err) < 0) {
		if (errno != ENOENT)
			return -1;
		work_say(w, str_of(work_describe(w, "%s is gone", s->path)));
		return 0;
	}
	rc = give_back(w, s, &f, err);
	script_close(&f);
	return rc;
}

const struct step_kind step_mode = {
	.name = "mode", .plan = plan, .prepare = prepare, .perform = perform, .undo = undo
};
