/* The steps of an action, one after the other.
 *
 * Invariant: what a step is about to do is in the database before it is done, and what
 * came of it before the next; so what was done can be undone whenever we died. */
#include <stdio.h>

#include "notify/action_state.h"

/* --- planning ---- */

/* What it is done to. NULL, or what is wrong with it. */
static const char *take_target(struct work *w)
{
	struct str target = w->row->target;

	w->values = (struct values){ .account = w->alert->account };
	switch (w->action->target) {
	case FOR_LOGIN:
		w->values.login = target;
		return value_wrong_login(target);
	case FOR_SCRIPT:
		w->values.script = target;
		return value_wrong_script(target);
	default:
		return NULL;
	}
}

int work_plan(struct work *w, struct error *err)
{
	const char *wrong = take_target(w);

	if (wrong)
		return error_set(err, REFUSED, "'%.*s' %s", STR_ARG(str_head(w->row->target, 200)),
				 wrong);
	w->steps = arena_alloc(&w->arena, w->action->nsteps * sizeof(*w->steps));
	for (size_t i = 0; i < w->action->nsteps; i++) {
		struct step *s = &w->steps[i];

		*s = (struct step){ .rule = &w->action->steps[i] };
		if (s->rule->kind->plan(w, s, err) < 0) {
			w->steps = NULL;
			return -1;
		}
	}
	return 0;
}

/* --- doing ---- */

int work_rehearse(struct work *w, struct error *err)
{
	struct error why;
	int rc = 0;

	for (size_t i = 0; i < w->action->nsteps; i++) {
		struct step *s = &w->steps[i];

		if (s->rule->kind->prepare && s->rule->kind->prepare(w, s, &why) < 0) {
			if (rc == 0)
				*err = why;
			rc = -1;
		}
		s->state = STEP_AHEAD;
	}
	return rc;
}

/* Writes down how far it is. The first error counts. */
static int note(struct work *w, struct step *s, enum step_state state, int rc, struct error *err)
{
	struct error other;

	s->state = state;
	if (work_write(w, rc < 0 ? &other : err) < 0)
		return -1;
	return rc;
}

static int perform(struct work *w, struct step *s, struct error *err)
{
	const struct step_kind *kind = s->rule->kind;
	int rc;

	if (kind->prepare && kind->prepare(w, s, err) < 0)
		return -1;
	if (s->state == STEP_NOTHING)
		return note(w, s, STEP_NOTHING, 0, err);
	if (note(w, s, STEP_BEGUN, 0, err) < 0)
		return -1;
	rc = kind->perform(w, s, err);
	if (s->state == STEP_BEGUN)
		s->state = rc < 0 ? STEP_FAILED : STEP_DONE;
	return note(w, s, s->state, rc, err);
}

int work_perform(struct work *w, struct error *err)
{
	for (size_t i = 0; i < w->action->nsteps; i++)
		if (perform(w, &w->steps[i], err) < 0)
			return -1;
	return 0;
}

/* --- undoing ---- */

static bool had_effect(const struct step *s)
{
	return s->state == STEP_BEGUN || s->state == STEP_DONE || s->state == STEP_LATER ||
	       s->state == STEP_FAILED;
}

int work_undo(struct work *w, struct error *err)
{
	for (size_t i = w->action->nsteps; i-- > 0;) {
		struct step *s = &w->steps[i];
		int rc;

		if (!had_effect(s))
			continue;
		rc = s->rule->kind->undo(w, s, err);
		if (note(w, s, rc < 0 ? s->state : STEP_UNDONE, rc, err) < 0)
			return -1;
	}
	return 0;
}
