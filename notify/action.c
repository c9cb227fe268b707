/* Actions as rows: which are to be done, which is done now, what came of it.
 *
 * Invariant: a row is claimed in a transaction before anything is done, so nothing is
 * done twice; and one action is done or undone at a time on this host, so two never
 * write the same file. */
#include "notify/action.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "notify/action_state.h"

/* Rows that one request may put: an alert can have any number of scripts. */
#define MAX_ASKED 50
/* How long another may be at it, in tenths of a second. */
#define MAX_WAIT 600

/* --- one at a time ---- */

/* Locks the database's folder, which strangers cannot open. Returns a descriptor. */
static int lock(const struct settings *s, struct error *err)
{
	static const struct timespec tenth = { 0, 100000000 };
	char *folder = str_dup(str_of(s->database));
	char *slash = strrchr(folder, '/');
	int fd;

	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return error_set(err, EXIT_NOINPUT, "folder of %s: %s", s->database, strerror(errno));
	for (int i = 0; i < MAX_WAIT; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		nanosleep(&tenth, NULL);
	}
	close(fd);
	return error_set(err, EXIT_AGAIN, "another mailaudit is at an action: try again");
}

/* --- what rules ask for ---- */

struct asking {
	const struct actions *actions;
	const struct settings *settings;
	const struct action_rule *rule;
	struct decide *decide;
	const struct alert *alert;
	usec_t now;
};

static bool fits(const struct action_rule *rule, const struct finding *f)
{
	const char *name = finding_case_name[f->verdict];
	size_t n = strlen(rule->verdict);

	if (f->closed || (f->severity != SEVERITY_CRITICAL && !rule->warnings))
		return false;
	/* "3" begins "3a" to "3d"; no other case begins with a case. */
	return strcmp(rule->verdict, "any") == 0 || strncmp(rule->verdict, name, n) == 0;
}

/* What an action for this is done to. false: the finding has no such thing. */
static bool target_of(const struct action *a, const struct finding *f, struct str *target)
{
	*target = STR_NONE;
	if (a->target == FOR_QUEUE)
		return true;
	*target = a->target == FOR_LOGIN ? f->login : f->script;
	return target->n != 0;
}

/* Of the queue there can be more each time. */
static bool is_settled(const struct asking *k, const struct action *a,
		       const struct action_row *last)
{
	if (last->state == ACTION_WAITING)
		return true;
	if (last->state == ACTION_DRY)
		return k->settings->actions.dry_run && a->target != FOR_QUEUE;
	return last->state == ACTION_DONE && a->target != FOR_QUEUE;
}

static int put(struct decide *d, int64_t alert, const struct action *a, struct str target,
	       struct action_row *row, struct error *err)
{
	row->alert = alert;
	row->name = str_of(a->name);
	row->target = target;
	return action_put(d, row, err);
}

static int ask_for(const struct asking *k, const struct action *a, struct str target,
		   struct error *err)
{
	struct action_row *last = action_newest(k->decide, k->alert->id, str_of(a->name), target,
						err);
	struct action_row row = { .automatic = true, .created = k->now };
	int rc = last || !err->code ? 0 : -1;

	if (rc == 0 && !(last && is_settled(k, a, last)))
		rc = put(k->decide, k->alert->id, a, target, &row, err);
	action_row_free(last);
	return rc;
}

static int follow_rule(void *context, const struct finding *f, struct error *err)
{
	const struct asking *k = context;

	if (!fits(k->rule, f))
		return 0;
	for (size_t i = 0; i < k->rule->run.n; i++) {
		const struct action *a = actions_find(k->actions, str_of(k->rule->run.at[i]));
		struct str target;

		if (a && target_of(a, f, &target) && ask_for(k, a, target, err) < 0)
			return -1;
	}
	return 0;
}

int actions_follow_rules(const struct actions *a, const struct settings *s, struct decide *d,
			 const struct alert *alert, usec_t now, struct error *err)
{
	struct asking k = { a, s, NULL, d, alert, now };

	for (size_t i = 0; i < s->actions.nrules; i++) {
		k.rule = &s->actions.rules[i];
		if (decide_each_finding(d, alert->id, follow_rule, &k, err) < 0)
			return -1;
	}
	return 0;
}

/* --- getting ready ---- */

static void work_end(struct work *w)
{
	alert_free(w->alert);
	arena_release(&w->arena);
}

/* What an action of this name is. NULL with *err. */
static const struct action *action_of(const struct actions *a, const struct action_row *row,
				      struct error *err)
{
	const struct action *action = actions_find(a, row->name);

	if (!action)
		error_set(err, REFUSED, "there is no action '%.*s' any more", STR_ARG(row->name));
	return action;
}

static int find_alert(struct work *w, struct error *err)
{
	w->alert = decide_alert(w->decide, w->row->alert, err);
	if (w->alert)
		return 0;
	return err->code ? -1 : error_set(err, REFUSED, "there is no alert %lld any more",
					  (long long)w->row->alert);
}

/* Queue ids in an array that grows. */
struct gathering {
	struct work *work;
	size_t room;
};

static void gather_one(struct gathering *g, struct str id)
{
	struct string_list *ids = &g->work->ids;

	if (!value_is_queue_id(id, (enum action_mta)g->work->action->mta))
		return;
	if (ids->n == g->room) {
		const char **more;

		g->room = g->room ? 2 * g->room : 64;
		more = arena_alloc(&g->work->arena, g->room * sizeof(*more));
		if (ids->n)
			memcpy(more, ids->at, ids->n * sizeof(*more));
		ids->at = more;
	}
	ids->at[ids->n++] = arena_str(&g->work->arena, id).p;
}

static bool gather(void *context, const struct report_queued *row)
{
	struct str aliases = row->aliases, id;

	gather_one(context, row->queue_id);
	while (finding_line(&aliases, &id))
		gather_one(context, id);
	return true;
}

static int find_queued(struct work *w, struct report *r, struct error *err)
{
	struct gathering g = { w, 0 };

	if (w->action->target != FOR_QUEUE)
		return 0;
	if (report_queued(r, w->row->alert, gather, &g, err) < 0)
		return -1;
	return w->ids.n ? 0 : error_set(err, REFUSED, "none of its messages is queued here any more");
}

static int get_ready(struct work *w, const struct actions *a, struct report *r, struct error *err)
{
	w->action = action_of(a, w->row, err);
	if (!w->action || find_alert(w, err) < 0 || find_queued(w, r, err) < 0)
		return -1;
	return work_plan(w, err);
}

/* --- doing ---- */

static int finish(struct work *w, enum action_state state, const char *why, struct error *err)
{
	w->row->state = state;
	w->finished = true;
	if (why)
		work_say(w, str_of(why));
	return work_write(w, err);
}

static bool nothing_done(const struct work *w)
{
	for (size_t i = 0; w->steps && i < w->action->nsteps; i++)
		if (w->steps[i].state == STEP_DONE)
			return false;
	return true;
}

/* Refused, if nothing was done before. */
static enum action_state why_not(const struct work *w, const struct error *why)
{
	if (why->code != REFUSED)
		return ACTION_FAILED;
	for (size_t i = 0; w->steps && i < w->action->nsteps; i++)
		if (w->steps[i].state == STEP_DONE)
			return ACTION_FAILED;
	return ACTION_REFUSED;
}

/* What would be refused is; what would fail for want of a right is told. */
static int do_dry(struct work *w, struct error *err)
{
	struct error why = { .code = 0 };

	int rc = work_rehearse(w, &why);

	for (size_t i = 0; i < w->action->nsteps; i++) {
		const struct step_rule *rule = w->steps[i].rule;

		w->steps[i].state = rule->kind == &step_run && !rule->run.n ? STEP_LATER : STEP_DRY;
	}
	if (rc == 0)
		return finish(w, ACTION_DRY, NULL, err);
	return finish(w, why.code == REFUSED ? ACTION_REFUSED : ACTION_DRY, why.text, err);
}

/* A row that was claimed. What goes wrong with it is what came of it, and no error. */
static int carry_out(struct work *w, const struct actions *a, struct report *r, bool dry,
		     struct error *err)
{
	struct error why = { .code = 0 };

	if (get_ready(w, a, r, &why) < 0)
		return finish(w, why_not(w, &why), why.text, err);
	if (dry)
		return do_dry(w, err);
	if (work_rehearse(w, &why) < 0 || work_perform(w, &why) < 0)
		return finish(w, why_not(w, &why), why.text, err);
	if (w->action->target == FOR_QUEUE && nothing_done(w))
		return finish(w, ACTION_REFUSED, "none of its messages was there to do it to", err);
	return finish(w, ACTION_DONE, NULL, err);
}

static int run_row(const struct actions *a, const struct settings *s, struct decide *d,
		   struct report *r, struct action_row *row, bool dry, struct error *err)
{
	struct work *w = xcalloc(1, sizeof(*w));
	int rc;

	w->settings = s;
	w->decide = d;
	w->row = row;
	rc = carry_out(w, a, r, dry || s->actions.dry_run, err);
	work_end(w);
	free(w);
	return rc;
}

/* --- those that wait ---- */

struct claim {
	const struct settings *settings;
	struct action_row *row; /* NULL: none waits */
	bool over; /* the limit of an hour */
	usec_t now;
};

/* Until it is finished its row says that it was not. */
static int claim_next(struct decide *d, void *context, struct error *err)
{
	struct claim *c = context;
	char why[128];

	c->row = action_next(d, err);
	if (!c->row)
		return err->code ? -1 : 0;
	c->over = c->row->automatic &&
		  action_started_since(d, c->now - USEC_HOUR) >= c->settings->actions.per_hour;
	c->row->started = c->now;
	c->row->state = c->over ? ACTION_REFUSED : ACTION_FAILED;
	snprintf(why, sizeof(why), "over the limit of %lld automatic actions an hour "
		 "(actions.per_hour)", (long long)c->settings->actions.per_hour);
	c->row->output = arena_str(&c->row->strings,
				   c->over ? str_of(why) : STR("It was not finished."));
	return action_put(d, c->row, err);
}

static bool any_waits(struct decide *d, struct error *err)
{
	struct action_row *row = action_next(d, err);

	action_row_free(row);
	return row != NULL;
}

int actions_run_next(const struct actions *a, const struct settings *s, struct decide *d,
		     struct report *r, bool dry, usec_t now, struct error *err)
{
	struct claim c = { s, NULL, false, now };
	int fd, rc;

	if (!any_waits(d, err))
		return err->code ? -1 : 0;
	fd = lock(s, err);
	if (fd < 0)
		return -1;
	rc = decide_transaction(d, claim_next, &c, err);
	if (rc == 0 && c.row && !c.over)
		rc = run_row(a, s, d, r, c.row, dry, err);
	if (rc == 0)
		rc = c.row != NULL;
	action_row_free(c.row);
	close(fd);
	return rc;
}

/* --- on demand ---- */

/* Rows that are put claimed, so that nobody else carries them out. */
struct demand {
	const struct action *action;
	const struct alert *alert;
	struct str by;
	usec_t now;
	int64_t rows[MAX_ASKED];
	struct str targets[MAX_ASKED];
	int n;
	struct arena arena;
};

static int demand_one(void *context, const struct finding *f, struct error *err)
{
	struct demand *k = context;
	struct str target;

	(void)err;
	if (k->n == MAX_ASKED || !target_of(k->action, f, &target))
		return 0;
	for (int i = 0; i < k->n; i++)
		if (str_eq(k->targets[i], target))
			return 0;
	k->targets[k->n++] = arena_str(&k->arena, target);
	return 0;
}

static int put_demand(struct decide *d, void *context, struct error *err)
{
	struct demand *k = context;

	if (decide_each_finding(d, k->alert->id, demand_one, k, err) < 0)
		return -1;
	for (int i = 0; i < k->n; i++) {
		struct action_row row = { .by = k->by, .created = k->now, .started = k->now,
					  .state = ACTION_FAILED,
					  .output = STR("It was not finished.") };

		if (put(d, k->alert->id, k->action, k->targets[i], &row, err) < 0)
			return -1;
		k->rows[i] = row.id;
	}
	return 0;
}

static int run_demand(const struct actions *a, const struct settings *s, struct decide *d,
		      struct report *r, const struct demand *k, bool dry, report_action_fn *fn,
		      void *context, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < k->n && rc == 0; i++) {
		struct action_row *row = action_load(d, k->rows[i], err);

		if (!row)
			return -1;
		rc = run_row(a, s, d, r, row, dry, err);
		if (rc == 0)
			fn(context, row);
		action_row_free(row);
	}
	return rc;
}

int actions_act(const struct actions *a, const char *name, const struct settings *s,
		struct decide *d, struct report *r, const struct alert *alert, const char *by,
		bool dry, usec_t now, report_action_fn *fn, void *context, struct error *err)
{
	struct demand k = { .action = actions_find(a, str_of(name)), .alert = alert,
			    .by = str_of(by), .now = now };
	int fd, rc;

	if (!k.action)
		return error_set(err, EXIT_USAGE, "no action '%s'; 'mailaudit actions --list' lists "
				 "them", name);
	fd = lock(s, err);
	if (fd < 0)
		return -1;
	rc = decide_transaction(d, put_demand, &k, err);
	if (rc == 0)
		rc = run_demand(a, s, d, r, &k, dry, fn, context, err);
	close(fd);
	arena_release(&k.arena);
	return rc < 0 ? -1 : k.n;
}

/* --- undoing ---- */

static int undo_steps(struct work *w, const struct actions *a, struct error *err)
{
	w->finished = true;
	work_take_output(w);
	w->action = action_of(a, w->row, err);
	if (!w->action || find_alert(w, err) < 0 || work_plan(w, err) < 0 ||
	    work_read_steps(w, err) < 0)
		return -1;
	return work_undo(w, err);
}

static int undo_row(struct work *w, const struct actions *a, const char *by, usec_t now,
		    struct error *err)
{
	struct action_row *row = w->row;
	char cancelled[128];

	switch (row->state) {
	case ACTION_UNDONE:
		return 0;
	case ACTION_WAITING:
		snprintf(cancelled, sizeof(cancelled), "cancelled by %s", by);
		return finish(w, ACTION_REFUSED, cancelled, err);
	case ACTION_DRY:
	case ACTION_REFUSED:
		return error_set(err, EXIT_USAGE, "action %lld did nothing (%s): nothing to undo",
				 (long long)row->id, action_state_name[row->state]);
	case ACTION_DONE:
	case ACTION_FAILED:
		if (undo_steps(w, a, err) < 0)
			return error_prefix(err, "not undone");
		row->undone = now;
		row->undone_by = str_of(by);
		return finish(w, ACTION_UNDONE, NULL, err);
	}
	bug("an action in no state");
}

static int undo(const struct actions *a, const struct settings *s, struct decide *d, int64_t id,
		const char *by, usec_t now, struct error *err)
{
	struct action_row *row = action_load(d, id, err);
	struct work *w;
	int rc;

	if (!row)
		return err->code ? -1 : error_set(err, EXIT_USAGE, "no action has the id %lld",
						  (long long)id);
	w = xcalloc(1, sizeof(*w));
	w->settings = s;
	w->decide = d;
	w->row = row;
	rc = undo_row(w, a, by, now, err);
	work_end(w);
	free(w);
	action_row_free(row);
	return rc;
}

int actions_undo(const struct actions *a, const struct settings *s, struct decide *d, int64_t id,
		 const char *by, usec_t now, struct error *err)
{
	int fd = lock(s, err);
	int rc;

	if (fd < 0)
		return -1;
	rc = undo(a, s, d, id, by, now, err);
	close(fd);
	return rc;
}
