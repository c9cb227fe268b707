/* Actions as records.
 *
 * A table has the steps and what was said in one column: the steps of what went well,
 * the reason of what did not. */
#include "cli/tell_action.h"

#include "notify/tree.h"

const struct out_column action_columns[] = {
	{ "id", "ID", OUT_RIGHT, 0 },
	{ "time", "TIME", 0, 0 },
	{ "alert", "ALERT", OUT_RIGHT, 0 },
	{ "name", "ACTION", 0, 0 },
	{ "target", "TARGET", OUT_TRUNC, 0.3 },
	{ "state", "STATE", 0, 0 },
	{ "automatic", NULL, 0, 0 },
	{ "by", "BY", 0, 0 },
	{ "undone", NULL, 0, 0 },
	{ "undone_by", NULL, 0, 0 },
	{ "steps", NULL, 0, 0 },
	{ "output", NULL, 0, 0 },
	{ "what", "WHAT", OUT_WRAP | OUT_VIEW, 0.4 },
	{ NULL, NULL, 0, 0 }
};

static struct str member(const struct tree *t, const char *name)
{
	return tree_show(tree_get(t, str_of(name)));
}

static void tell_step(struct out *o, const struct tree *step)
{
	const struct tree *ids = tree_get(step, STR("queue_ids"));

	out_enter_object(o, NULL);
	out_text(o, "what", member(step, "what"));
	out_text(o, "state", member(step, "state"));
	out_enter_list(o, "queue_ids");
	for (size_t i = 0; i < tree_count(ids); i++)
		out_text(o, NULL, tree_show(tree_at(ids, i)));
	out_leave(o);
	out_leave(o);
}

static void tell_output(struct out *o, struct str output)
{
	out_enter_list(o, "output");
	while (output.n) {
		size_t n = str_chr(output, '\n');

		out_string(o, NULL, str_head(output, n));
		output = str_skip(output, n + 1);
	}
	out_leave(o);
}

/* --- for people ---- */

struct sentence {
	char text[1024];
	size_t n;
};

static void add(struct sentence *s, const char *between, struct str part)
{
	size_t room = sizeof(s->text) - s->n;
	int n = snprintf(s->text + s->n, room, "%s%.*s", s->n ? between : "", STR_ARG(part));

	s->n += (size_t)n < room ? (size_t)n : room - 1;
}

static void add_step(struct sentence *s, const struct tree *step)
{
	size_t ids = tree_count(tree_get(step, STR("queue_ids")));
	char count[64];

	if (str_eq(member(step, "state"), STR("later")))
		return;
	add(s, "; ", member(step, "what"));
	if (str_eq(member(step, "state"), STR("nothing")))
		add(s, " ", STR("(was so before)"));
	if (!ids)
		return;
	snprintf(count, sizeof(count), "(%zu message%s)", ids, ids == 1 ? "" : "s");
	add(s, " ", str_of(count));
}

/* Steps, and where it did not go well what was said last, which is the reason. */
static void tell_what(struct out *o, const struct action_row *row, const struct tree *steps)
{
	bool well = row->state == ACTION_DONE || row->state == ACTION_UNDONE;
	struct str last = str_skip(row->output, str_rchr(row->output, '\n') + 1);
	struct sentence s = { .n = 0 };

	if (str_rchr(row->output, '\n') == row->output.n)
		last = row->output;
	for (size_t i = 0; i < tree_count(steps); i++)
		add_step(&s, tree_at(steps, i));
	if (!well && last.n)
		add(&s, ". ", last);
	out_text(o, "what", (struct str){ s.text, s.n });
}

bool tell_action(void *context, const struct action_row *row)
{
	struct tree *all = row->steps.n ? tree_parse(row->steps) : NULL;
	const struct tree *steps = tree_get(all, STR("steps"));
	struct out *o = context;

	out_record(o);
	out_number(o, "id", row->id);
	out_time(o, "time", row->started ? row->started : row->created);
	out_number(o, "alert", row->alert);
	out_text(o, "name", row->name);
	out_text(o, "target", row->target);
	out_text(o, "state", str_of(action_state_name[row->state]));
	out_flag(o, "automatic", row->automatic);
	out_text(o, "by", row->automatic && out_is_table(o) ? STR("a rule") : row->by);
	out_time(o, "undone", row->undone);
	out_text(o, "undone_by", row->undone_by);
	out_enter_list(o, "steps");
	for (size_t i = 0; i < tree_count(steps); i++)
		tell_step(o, tree_at(steps, i));
	out_leave(o);
	tell_output(o, row->output);
	if (out_is_table(o))
		tell_what(o, row, steps);
	tree_free(all);
	return out_record_end(o);
}
