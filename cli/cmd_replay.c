/* mailaudit replay: the detector on the stored past, with other settings.
 *
 * Invariant: nothing is stored, and the detector looks nothing up: it learns
 * habits as it goes, from some time before the period that is asked for. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/tell.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"
#include "schema/past.h"
#include "schema/world.h"

/* Habits are those of a month: see core/habit.c. */
#define LEARN_USEC (30 * USEC_DAY)

static struct {
	const char *settings;
	usec_t since, until;
} opt;

const struct option options_replay[] = {
	{ "settings", "FILE", OPTION_PATH, &opt.settings, NULL, 0,
	  "with these settings; default: those in use" },
	{ "since", "TIME", OPTION_TIME, &opt.since, NULL, 0,
	  "what would have been raised then or later" },
	{ "until", "TIME", OPTION_TIME, &opt.until, NULL, 0, "with the mail before" },
	{ .name = NULL }
};

const char help_replay[] =
	"Tells what would have been found in the stored past with other settings, newest\n"
	"first, and stores nothing. Habits are learned from up to 30 days before --since.\n"
	"Whose mail it is stays as it was found; bounces of mail that never left here,\n"
	"refused logins and connections past the mail server are not kept one by one, and\n"
	"so are not seen again.\n"
	"\n"
	"Keys: as in 'findings'; id counts from 1.";

struct replay {
	struct detect *detect;
	const struct finding **found;
	size_t n;
};

static void observe(struct detect *d, const struct past_event *e)
{
	detect_advance(d, e->time);
	switch (e->kind) {
	case PAST_CALL:
		detect_call(d, e->php, e->time);
		return;
	case PAST_MESSAGE:
		detect_submit(d, e->message, e->time);
		for (size_t i = 0; i < e->message->nrcpt; i++)
			detect_recipient(d, e->message, i, e->time);
		if (e->php)
			detect_joined(d, e->message, e->php, e->time);
		return;
	case PAST_ANSWER:
		detect_answer(d, e->message, e->nth, e->time);
		return;
	case PAST_UNSENT:
		detect_unsent(d, e->php, e->time);
		return;
	}
}

static int run_past(struct detect *d, struct report *report, const struct settings *s,
		    struct error *err)
{
	usec_t from = opt.since > LEARN_USEC ? opt.since - LEARN_USEC : 0;
	struct past *past = past_open(report, from, opt.until, s->php_wait, err);
	struct past_event e;
	int rc;

	if (!past)
		return -1;
	while ((rc = past_next(past, &e, err)) == 1)
		observe(d, &e);
	past_close(past);
	return rc;
}

static void keep(void *context, const struct finding *f)
{
	struct replay *r = context;

	if (f->time < opt.since)
		return;
	r->found = xrealloc(r->found, (r->n + 1) * sizeof(struct finding *));
	r->found[r->n++] = f;
}

static int newest_first(const void *a, const void *b)
{
	const struct finding *x = *(const struct finding *const *)a;
	const struct finding *y = *(const struct finding *const *)b;

	if (x->time != y->time)
		return x->time > y->time ? -1 : 1;
	return x->id > y->id ? -1 : x->id < y->id;
}

static void tell_found(struct out *o, struct replay *r)
{
	detect_each_finding(r->detect, keep, r);
	if (r->n)
		qsort(r->found, r->n, sizeof(struct finding *), newest_first);
	out_list(o, finding_columns);
	for (size_t i = 0; i < r->n; i++) {
		struct finding f = *r->found[i]; /* a view, for a number of its own */

		f.id = (int64_t)(r->n - i);
		out_record(o);
		tell_finding_row(o, &f);
		if (!out_record_end(o))
			break;
	}
	out_list_end(o);
	free(r->found);
}

static int replay(struct cli *cli, struct report *report, const struct settings *s,
		  struct error *err)
{
	struct world *world = world_open(s, err);
	struct replay r = { .n = 0 };
	int rc;

	if (!world)
		return -1;
	r.detect = detect_new(world_view(world), all_heuristics,
			      (struct row_source){ .load = NULL });
	rc = run_past(r.detect, report, s, err);
	if (rc == 0)
		tell_found(cli_out(cli), &r);
	detect_free(r.detect);
	world_close(world);
	return rc;
}

/* The settings of --settings, owned by the caller; NULL: error. */
static struct settings *load_settings(struct error *err)
{
	struct settings *s = settings_load(opt.settings, err);

	if (s && settings_check_formats(s, all_parsers, err) == 0 &&
	    settings_heuristics(s, all_heuristics, err) == 0)
		return s;
	settings_free(s);
	return NULL;
}

int run_replay(struct cli *cli, struct error *err)
{
	struct settings *other = NULL;
	const struct settings *s;
	struct report *report;
	int result;

	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	s = opt.settings ? other = load_settings(err) : cli_settings(cli, err);
	report = s ? cli_report(cli, err) : NULL;
	result = report ? replay(cli, report, s, err) : -1;
	report_close(report);
	settings_free(other);
	return result < 0 ? result : cli_found(cli, "nothing would have been found");
}
