/* Plain limits, as administrators know them: so many messages or recipients in a
 * rolling hour or day, for an account, a login, a script. Half of one is a warning. */
#include "base/error.h"
#include "heuristics/allow.h"
#include "heuristics/heuristics.h"

struct bound {
	int64_t limit, seen;
	const char *what;
};

static void look(struct tally *t, usec_t now, const struct limit *l, struct bound *bounds)
{
	bounds[0] = (struct bound){ l->messages_per_hour, tally_hour(t, now, TALLY_MESSAGES),
				    "messages within an hour" };
	bounds[1] = (struct bound){ l->recipients_per_hour, tally_hour(t, now, TALLY_RECIPIENTS),
				    "recipients within an hour" };
	bounds[2] = (struct bound){ l->messages_per_day, tally_day(t, now, TALLY_MESSAGES),
				    "messages within a day" };
	bounds[3] = (struct bound){ l->recipients_per_day, tally_day(t, now, TALLY_RECIPIENTS),
				    "recipients within a day" };
}

static void reached(const struct observation *o, const struct bound *b)
{
	bool whole = b->seen >= b->limit;
	struct finding *f;

	observe_sign(o, whole ? "limit" : "half-limit", FAMILY_VOLUME, 0, 0,
		     "%lld %s, of %lld that are allowed", (long long)b->seen, b->what, (long long)b->limit);
	observe_fact(o, RUN_LIMIT, 1);
	f = observe_finding(o, true);
	if (!f)
		return;
	if (whole)
		f->severity = SEVERITY_CRITICAL;
	if (o->time > f->last_seen)
		f->last_seen = o->time;
	f->dirty = true;
}

static void hold_against(const struct observation *o, const struct limit *l)
{
	struct stream *s = o->stream;
	struct bound bounds[4];

	if (!s->tally)
		s->tally = xcalloc(1, sizeof(*s->tally));
	tally_add(s->tally, o->time,
		  o->kind == OBSERVED_SUBMIT ? TALLY_MESSAGES : TALLY_RECIPIENTS, 1);
	look(s->tally, o->time, l, bounds);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].limit && 2 * bounds[i].seen >= bounds[i].limit)
			reached(o, &bounds[i]);
}

static void observe(struct observation *o, const void *settings)
{
	const struct settings *set = o->world->settings;

	(void)settings;
	if ((o->kind != OBSERVED_SUBMIT && o->kind != OBSERVED_RECIPIENT) ||
	    !settings_have_limits(set) || allow_of(o).muted)
		return;
	hold_against(o, o->stream->kind == STREAM_LOGIN ? &set->limits.login :
							  &set->limits.script);
	if (o->account && o->account != o->stream) {
		struct observation all = *o;

		all.stream = o->account;
		hold_against(&all, &set->limits.account);
	}
}

const struct heuristic heuristic_limits = {
	.name = "limits",
	.family = FAMILY_VOLUME,
	.summary = "plain limits of messages and recipients, by hour and day",
	.about =
		"The limits of the settings' `limits:`, none by default. They roll: the last hour and "
		"the last day, in steps of five minutes and of one hour. Half a limit is a warning, "
		"the whole one critical. A limit knows no habits: a customer's first newsletter "
		"reaches it, and a botnet with patience does not.",
	.observe = observe,
};
