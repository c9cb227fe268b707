/* Steps that run a program.
 *
 * Invariant: a word of argv is a word of the action's file, with checked names in it.
 * Which messages it was done to is what the program said, where the action knows how it
 * says so: a message that somebody else held before is not ours to let go. */
#include <stdio.h>

#include "notify/action_state.h"
#include "notify/child.h"

#define TIMEOUT (30 * USEC_SECOND)
/* What a program says of so many messages fits into CHILD_OUTPUT. */
#define BATCH 40
#define MAX_WHAT 4096

/* Words to run, for these queue ids. */
struct call {
	const struct step_rule *rule;
	const struct string_list *words;
	const char *const *ids;
	size_t nids;
	struct child child; /* what came of it */
};

static bool is_ids(const char *word)
{
	return strcmp(word, "{queue_ids}") == 0;
}

/* How many queue ids a program is given at once; 0: none. */
static size_t batch_of(const struct step_rule *rule, const struct string_list *words)
{
	size_t n = *rule->input ? BATCH : 0;

	for (size_t i = 0; i < words->n; i++) {
		if (is_ids(words->at[i]))
			n = BATCH;
		else if (!n && action_has(words->at[i], "queue_id"))
			n = 1;
	}
	return n;
}

/* --- one run ---- */

static int fill_words(struct work *w, const struct call *c, const char **argv, struct error *err)
{
	struct values v = w->values;
	size_t n = 0;

	v.queue_id = c->nids ? str_of(c->ids[0]) : STR_NONE;
	for (size_t i = 0; i < c->words->n; i++) {
		const char *word = c->words->at[i];

		for (size_t j = 0; is_ids(word) && j < c->nids; j++)
			argv[n++] = c->ids[j];
		if (is_ids(word))
			continue;
		argv[n] = action_fill(word, &v, &w->arena, err);
		if (!argv[n++])
			return -1;
	}
	argv[n] = NULL;
	return 0;
}

/* Each id on a line. */
static struct str lines_of(struct work *w, const struct call *c)
{
	size_t size = 1, n = 0;
	char *text;

	for (size_t i = 0; i < c->nids; i++)
		size += strlen(c->ids[i]) + 1;
	text = arena_alloc(&w->arena, size);
	for (size_t i = 0; i < c->nids; i++)
		n += (size_t)snprintf(text + n, size - n, "%s\n", c->ids[i]);
	return (struct str){ text, n };
}

/* -1: it did not run to its end. */
static int run(struct work *w, struct call *c, struct error *err)
{
	size_t most = c->words->n * (c->nids + 1) + 1;
	const char **argv = arena_alloc(&w->arena, most * sizeof(*argv));
	int rc;

	if (fill_words(w, c, argv, err) < 0)
		return -1;
	c->child.argv = argv;
	c->child.timeout = TIMEOUT;
	c->child.user = w->settings->actions.user;
	if (*c->rule->input)
		c->child.input = lines_of(w, c);
	rc = child_run(&c->child, err);
	work_say(w, (struct str){ c->child.output, c->child.noutput });
	return rc;
}

/* With the last thing it said. */
static int complain(const struct call *c, struct error *err)
{
	struct str said = str_trim((struct str){ c->child.output, c->child.noutput });
	size_t at = str_rchr(said, '\n');

	if (at < said.n)
		said = str_skip(said, at + 1);
	return error_set(err, EXIT_AGAIN, "%s: exit status %d%s%.*s", c->child.argv[0],
			 c->child.status, said.n ? ": " : "", STR_ARG(str_head(said, 300)));
}

/* Is this in what it said, on a line of its own or as a part of one? */
static bool said(struct work *w, const struct call *c, const char *text, const char *id)
{
	struct values v = { .queue_id = str_of(id) };
	struct str output = { c->child.output, c->child.noutput };
	struct error err;
	const char *wanted = action_fill(text, &v, &w->arena, &err);

	return wanted && str_find(output, str_of(wanted)) < output.n;
}

/* The next call: as many ids as fit. */
static void take_ids(struct call *c, const struct string_list *ids, size_t at, size_t batch)
{
	c->ids = ids->at + at;
	c->nids = ids->n - at < batch ? ids->n - at : batch;
}

/* --- the kind ---- */

/* The words, with blanks between them. Queue ids are not put in. */
static int describe(struct work *w, const struct string_list *words, char *out, size_t size,
		    struct error *err)
{
	size_t n = strlen(out);

	for (size_t i = 0; i < words->n && n < size; i++) {
		const char *word = words->at[i];

		if (!action_has(word, "queue_id") && !is_ids(word))
			word = action_fill(word, &w->values, &w->arena, err);
		if (!word)
			return -1;
		n += (size_t)snprintf(out + n, size - n, " %s", word);
	}
	return 0;
}

static int plan(struct work *w, struct step *s, struct error *err)
{
	const struct step_rule *rule = s->rule;
	char text[MAX_WHAT] = "run", undo[MAX_WHAT] = "when it is undone, run";

	if (describe(w, &rule->run, text, sizeof(text), err) < 0 ||
	    describe(w, &rule->undo, undo, sizeof(undo), err) < 0)
		return -1;
	s->what = work_describe(w, "%s", rule->run.n ? text : undo);
	if (batch_of(rule, rule->run.n ? &rule->run : &rule->undo))
		s->ids = w->ids;
	return 0;
}

/* Puts those that were done to the front of `done`. */
static void sort_out(struct work *w, const struct call *c, struct string_list *done)
{
	bool knows = *c->rule->done;

	for (size_t i = 0; i < c->nids; i++)
		if (knows ? said(w, c, c->rule->done, c->ids[i]) : c->child.status == 0)
			done->at[done->n++] = c->ids[i];
}

static int perform_on_ids(struct work *w, struct step *s, size_t batch, struct error *err)
{
	struct string_list done = { arena_alloc(&w->arena, (s->ids.n + 1) * sizeof(*done.at)), 0 };
	struct call c = { .rule = s->rule, .words = &s->rule->run };
	int failed = 0;

	for (size_t at = 0; at < s->ids.n; at += c.nids) {
		take_ids(&c, &s->ids, at, batch);
		if (run(w, &c, err) < 0)
			return -1;
		sort_out(w, &c, &done);
		if (c.child.status)
			failed = complain(&c, err);
	}
	s->ids = done;
	if (!done.n)
		s->state = failed ? STEP_BEGUN : STEP_NOTHING;
	return done.n ? 0 : failed;
}

static int perform(struct work *w, struct step *s, struct error *err)
{
	struct call c = { .rule = s->rule, .words = &s->rule->run };
	size_t batch = batch_of(s->rule, c.words);

	if (!c.words->n) {
		s->state = STEP_LATER;
		return 0;
	}
	if (batch)
		return perform_on_ids(w, s, batch, err);
	if (run(w, &c, err) < 0)
		return -1;
	return c.child.status ? complain(&c, err) : 0;
}

/* A message that is gone needs no undoing, but a program that may not needs a word. */
static bool is_undone(struct work *w, const struct call *c, const char *id)
{
	for (size_t i = 0; i < c->rule->undone.n; i++)
		if (said(w, c, c->rule->undone.at[i], id))
			return true;
	return false;
}

static int undo_on_ids(struct work *w, const struct step *s, size_t batch, struct error *err)
{
	struct call c = { .rule = s->rule, .words = &s->rule->undo };

	for (size_t at = 0; at < s->ids.n; at += c.nids) {
		take_ids(&c, &s->ids, at, batch);
		if (run(w, &c, err) < 0)
			return -1;
		for (size_t i = 0; c.child.status && i < c.nids; i++)
			if (!is_undone(w, &c, c.ids[i]))
				return complain(&c, err);
	}
	return 0;
}

static int undo(struct work *w, struct step *s, struct error *err)
{
	struct call c = { .rule = s->rule, .words = &s->rule->undo };
	size_t batch = batch_of(s->rule, c.words);

	if (!c.words->n)
		return 0;
	if (batch)
		return undo_on_ids(w, s, batch, err);
	if (run(w, &c, err) < 0)
		return -1;
	return c.child.status ? complain(&c, err) : 0;
}

const struct step_kind step_run = {
	.name = "run", .plan = plan, .perform = perform, .undo = undo
};
