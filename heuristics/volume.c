/* Volume: more recipients it never wrote to than this stream is used to.
 *
 * Three running sums (CUSUM, reflected at 0) of log-likelihood ratios, in nats:
 * the rate of novel recipients against the usual rate of this hour of the day
 * (Poisson), their share among all (Bernoulli), and the rate of all recipients.
 * They roll: no hour begins or ends. The largest is the family's score. */
#include <math.h>

#include "heuristics/allow.h"
#include "heuristics/heuristics.h"

struct volume_settings {
	double factor, floor, bulk_floor, prior, share, cap;
};

#define AT(member) offsetof(struct volume_settings, member)
static const struct key keys[] = {
	{ "factor", KEY_REAL, AT(factor), "4",
	  .help = "So many times the usual rate is what is looked for." },
	{ "floor", KEY_REAL, AT(floor), "3",
	  .help = "Novel recipients an hour that are usual for anybody." },
	{ "bulk_floor", KEY_REAL, AT(bulk_floor), "8",
	  .help = "The same where nothing but answers speaks beside volume: a form on a bad day "
		  "writes to some strangers an hour." },
	{ "prior", KEY_REAL, AT(prior), "6", .help = "The same for a stream of less than 14 days." },
	{ "share", KEY_REAL, AT(share), "0.95", .help = "Share of novel recipients on a spam list." },
	{ "cap", KEY_REAL, AT(cap), "14", .help = "The score's upper end." },
};
#undef AT

/* Of one message more than these tell nothing new. */
#define MESSAGE_MOST 25
/* One message is one decision: its further recipients tell less than the first. */
#define FURTHER 0.25f
/* The share alone says "new addresses", not "too many": it must not weigh more. */
#define SHARE_SUM_CAP 10.0f
#define SHARE_WEIGHT 0.45f
#define SHARE_CAP 4.0f
#define SHARE_FADE ((float)(12 * USEC_HOUR))
/* All recipients, known ones too: half as telling. */
#define TOTAL_WEIGHT 0.5f
#define TOTAL_CAP 6.0f
#define TOTAL_FLOOR 2.0f
/* Of a login that is used from somewhere else, or under other names, what is not known
 * yet is expected to be new. */
#define STRANGE 2.0f
#define PENDING_FADE ((float)(10 * USEC_MINUTE))

static float clamp(float v, float low, float high)
{
	return v < low ? low : v > high ? high : v;
}

static float log_ratio(const struct stream *s, bool novel, float share)
{
	float usual = clamp(s->novelty, 0.05f, 0.70f);

	return novel ? logf(share / usual) : logf((1 - share) / (1 - usual));
}

/* What passed since the last observation speaks for the usual rate. */
static void drift(const struct observation *o, const struct volume_settings *set,
		  const struct allowed *allowed)
{
	struct stream *s = o->stream;
	float hours = (float)(o->time - s->last) / (float)USEC_HOUR;
	float floor = (float)set->floor, per_hour;

	if (hours <= 0)
		return;
	if ((float)allowed->per_hour > floor)
		floor = (float)allowed->per_hour;
	if ((float)allowed->per_day / 24 > floor)
		floor = (float)allowed->per_day / 24;
	/* Nothing fades below nothing. */
	if (s->rate <= 0 && s->total <= 0 && s->bulk_rate <= 0 && s->run_of_novel <= 0 &&
	    s->pending <= 0)
		return;
	per_hour = 0.5f * ((float)set->factor - 1);
	s->rate -= per_hour * hours *
		   stream_usual(s, s->usual_novel, o->time, floor, (float)set->prior);
	s->total -= per_hour * hours *
		    stream_usual(s, s->usual_all, o->time, TOTAL_FLOOR * floor,
				 TOTAL_FLOOR * (float)set->prior);
	s->bulk_rate -= per_hour * hours *
			stream_usual(s, s->usual_novel, o->time,
				     (float)set->bulk_floor, (float)set->bulk_floor);
	s->bulk_rate = s->bulk_rate > 0 ? s->bulk_rate : 0;
	if (s->pending > 0)
		s->pending *= expf(-hours * (float)USEC_HOUR / PENDING_FADE);
	if (s->run_of_novel > 0)
		s->run_of_novel *= expf(-hours * (float)USEC_HOUR / SHARE_FADE);
	s->rate = s->rate > 0 ? s->rate : 0;
	s->total = s->total > 0 ? s->total : 0;
}

static void add(const struct observation *o, const struct volume_settings *set)
{
	struct stream *s = o->stream;
	float step = 0.5f * logf((float)set->factor);
	float share = log_ratio(s, o->novel, (float)set->share), factor;

	s->pending -= s->pending > 0 && !o->nth ? fminf(s->pending, 1) : 0;
	if (o->nth >= MESSAGE_MOST || o->regular)
		return;
	factor = o->nth ? FURTHER : 1;
	s->rate += factor * ((o->novel ? step : 0) + 0.25f * clamp(share, -2, 2));
	s->rate = clamp(s->rate, 0, (float)set->cap);
	s->bulk_rate = clamp(s->bulk_rate + (o->novel ? factor * step : 0), 0, (float)set->cap);
	s->run_of_novel = clamp(s->run_of_novel + factor * share, 0, SHARE_SUM_CAP);
	s->total = clamp(s->total + factor * step, 0, (float)set->cap);
}

/* Postfix names recipients when it delivers, seconds after they were accepted. Until
 * then they count as new to a stream that is used from where it never was. */
static void submit(const struct observation *o)
{
	const struct message *m = o->message;
	int64_t n = m->work.nrcpt > 0 ? m->work.nrcpt : 1;

	if (n > (int64_t)m->nrcpt)
		o->stream->pending++;
}

static float waiting(const struct stream *s, const struct volume_settings *set)
{
	if (s->score[FAMILY_ORIGIN] + s->score[FAMILY_IDENTITY] < STRANGE)
		return 0;
	return (0.5f * logf((float)set->factor) +
		0.25f * clamp(log_ratio(s, true, (float)set->share), -2, 2)) *
	       fminf(s->pending, MESSAGE_MOST);
}

static void observe(struct observation *o, const void *settings)
{
	const struct volume_settings *set = settings;
	struct allowed allowed = allow_of(o);
	struct stream *s = o->stream;
	float score;

	if (s->kind == STREAM_INBOUND || s->kind == STREAM_DIRECT)
		return;
	drift(o, set, &allowed);
	if (o->kind == OBSERVED_RECIPIENT && !allowed.newsletter)
		add(o, set);
	if (o->kind == OBSERVED_SUBMIT)
		submit(o);
	score = s->rate + waiting(s, set);
	score = fmaxf(score, fminf(SHARE_WEIGHT * s->run_of_novel, SHARE_CAP));
	score = fmaxf(score, fminf(TOTAL_WEIGHT * s->total, TOTAL_CAP));
	s->score[FAMILY_VOLUME] = score;
}

const struct heuristic heuristic_volume = {
	.name = "volume",
	.family = FAMILY_VOLUME,
	.summary = "more recipients it never wrote to than it is used to",
	.about =
		"Every stream (a login; a script, directory or user of an account) remembers whom "
		"it wrote to, and how many new recipients an hour it usually has at this time of "
		"the day. Sums of log-likelihood ratios rise while mail goes to strangers faster "
		"than that, or while nearly all recipients are strangers, and fall while time "
		"passes or known recipients are written to. There are no fixed hours that a "
		"patient sender could slip between.\n"
		"\n"
		"Newsletters are loud once, with their first issue; from the second on their "
		"recipients are known. Volume alone is therefore never a finding: it needs a "
		"second family. allow: {newsletter: yes} switches it off for a sender.\n"
		"\n"
		"The form is Page's CUSUM of Wald's sequential test, as SPOT (Duan et al., "
		"INFOCOM 2009) uses it on content verdicts.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct volume_settings) },
	.observe = observe,
};
