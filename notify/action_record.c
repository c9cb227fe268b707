/* What is written down of an action.
 *
 * Invariant: what a row says is only trusted to be data. Which program is run, which file
 * is changed, is said by the action's file at any time; a row adds names that are
 * checked again, so who can write the database cannot choose what root does. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "notify/action_state.h"
#include "notify/tree.h"

static const char *const state_name[STEP_STATES] = { "ahead",   "begun",	"done",	  "later",
						     "nothing", "failed", "undone", "dry" };

static const char unfinished[] = "It was not finished.";

/* --- what was said ---- */

static void add(struct work *w, const char *text)
{
	size_t room = sizeof(w->output) - w->noutput;
	int n = snprintf(w->output + w->noutput, room, "%s%s", w->noutput ? "\n" : "", text);

	w->noutput += (size_t)n < room ? (size_t)n : room - 1;
}

void work_say(struct work *w, struct str text)
{
	char line[1024];

	while (text.n) {
		size_t n = str_chr(text, '\n');
		struct str one = str_trim(str_head(text, n));

		if (one.n)
			add(w, log_escape(one, line, sizeof(line)));
		text = str_skip(text, n + 1);
	}
}

void work_take_output(struct work *w)
{
	struct str all = w->row->output;

	work_say(w, all);
}

const char *work_describe(struct work *w, const char *format, ...)
{
	char text[PATH_MAX + 512], safe[PATH_MAX + 512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return arena_str(&w->arena, str_of(log_escape(str_of(text), safe, sizeof(safe)))).p;
}

/* --- steps to JSON ---- */

static void put_step(struct tree *list, const struct step *s)
{
	struct tree *t = tree_enter_object(list, NULL);
	struct tree *ids;
	char mode[8];

	tree_text(t, "what", str_of(s->what));
	tree_text(t, "state", str_of(state_name[s->state]));
	if (s->file) {
		snprintf(mode, sizeof(mode), "%04o", s->old_mode);
		tree_text(t, "file", str_of(s->file));
		tree_text(t, "mode", str_of(mode));
	}
	if (!s->ids.n)
		return;
	ids = tree_enter_list(t, "queue_ids");
	for (size_t i = 0; i < s->ids.n; i++)
		tree_text(ids, NULL, str_of(s->ids.at[i]));
}

static struct str steps_json(const struct work *w, struct arena *to)
{
	struct tree *t = tree_object();
	struct tree *list = tree_enter_list(t, "steps");
	struct str json;
	char *text;

	for (size_t i = 0; i < w->action->nsteps; i++)
		if (w->steps[i].state != STEP_AHEAD)
			put_step(list, &w->steps[i]);
	text = tree_json(t);
	json = arena_str(to, str_of(text));
	free(text);
	tree_free(t);
	return json;
}

int work_write(struct work *w, struct error *err)
{
	struct action_row *row = w->row;

	if (w->steps)
		row->steps = steps_json(w, &row->strings);
	row->output = arena_str_or_none(&row->strings, (struct str){ w->output, w->noutput });
	if (!w->finished && !row->output.n)
		row->output = str_of(unfinished);
	return action_put(w->decide, row, err);
}

/* --- and back ---- */

static bool take_state(struct str name, enum step_state *out)
{
	for (int i = 0; i < STEP_STATES; i++) {
		if (str_eq(name, str_of(state_name[i]))) {
			*out = (enum step_state)i;
			return true;
		}
	}
	return false;
}

static bool take_mode(struct str text, unsigned *out)
{
	char buf[8], *end;
	unsigned long mode;

	if (!text.n || text.n >= sizeof(buf))
		return false;
	memcpy(buf, text.p, text.n);
	buf[text.n] = '\0';
	mode = strtoul(buf, &end, 8);
	*out = (unsigned)mode;
	return !*end && mode <= 0777;
}

static bool take_ids(struct work *w, const struct tree *list, struct step *s)
{
	size_t n = tree_count(list);

	s->ids = (struct string_list){ arena_alloc(&w->arena, (n + 1) * sizeof(*s->ids.at)), n };
	for (size_t i = 0; i < n; i++) {
		struct str id = tree_show(tree_at(list, i));

		if (!value_is_queue_id(id, (enum action_mta)w->action->mta))
			return false;
		s->ids.at[i] = arena_str(&w->arena, id).p;
	}
	return true;
}

static bool take_step(struct work *w, const struct tree *t, struct step *s)
{
	const struct tree *file = tree_get(t, STR("file"));

	if (!str_eq(tree_show(tree_get(t, STR("what"))), str_of(s->what)) ||
	    !take_state(tree_show(tree_get(t, STR("state"))), &s->state))
		return false;
	if (file) {
		s->file = arena_str(&w->arena, tree_show(file)).p;
		if (!take_mode(tree_show(tree_get(t, STR("mode"))), &s->old_mode))
			return false;
	}
	return take_ids(w, tree_get(t, STR("queue_ids")), s);
}

int work_read_steps(struct work *w, struct error *err)
{
	struct tree *t = w->row->steps.n ? tree_parse(w->row->steps) : NULL;
	const struct tree *list = tree_get(t, STR("steps"));
	size_t n = tree_count(list);
	int rc = 0;

	if (n > w->action->nsteps)
		n = w->action->nsteps + 1;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (i == w->action->nsteps || !take_step(w, tree_at(list, i), &w->steps[i]))
			rc = error_set(err, EXIT_CONFIG, "the action %s is not what it was when this was "
				       "done; step %zu was: %.*s", w->action->name, i + 1,
				       STR_ARG(tree_show(tree_get(tree_at(list, i), STR("what")))));
	tree_free(t);
	return rc;
}
