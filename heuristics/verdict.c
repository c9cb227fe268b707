/* The verdict: is it enough, which case is it, how sure are we. What is told of
 * it, heuristics/tell.c puts into words.
 *
 * A finding needs a sum of evidence and two families that both have something to
 * say, one of them more than "much mail"; or one certain sign. Volume-only rules
 * accuse newsletters, origin-only rules travellers: each alone costs ten false
 * alarms a day in a thousand accounts, together they cost next to none. */
#include "heuristics/allow.h"
#include "heuristics/heuristics.h"
#include "heuristics/tell.h"

#define AT(member) offsetof(struct verdict_settings, member)
static const struct key keys[] = {
	{ "enough", KEY_REAL, AT(enough), "7",
	  .help = "Nats that all families together must have for a finding." },
	{ "enough_bulk", KEY_REAL, AT(enough_bulk), "9",
	  .help = "The same where only volume and delivery speak: bulk mail to a bad list." },
	{ "bad_list", KEY_REAL, AT(bad_list), "5",
	  .help = "And so many nats that the list is worse than an old one, an eighth of which "
		  "bounces." },
	{ "volume", KEY_REAL, AT(least[FAMILY_VOLUME]), "2.5",
	  .help = "Nats from which a family has something to say." },
	{ "origin", KEY_REAL, AT(least[FAMILY_ORIGIN]), "2.5", .help = "Likewise." },
	{ "delivery", KEY_REAL, AT(least[FAMILY_DELIVERY]), "4", .help = "Likewise." },
	{ "injection", KEY_REAL, AT(least[FAMILY_INJECTION]), "2.5", .help = "Likewise." },
	{ "script", KEY_REAL, AT(least[FAMILY_SCRIPT]), "2.5", .help = "Likewise." },
	{ "identity", KEY_REAL, AT(least[FAMILY_IDENTITY]), "2.5", .help = "Likewise." },
};
#undef AT

/* A form has no list that could be old. */
#define FORM_SHARE 0.4

/* What the scores come to. */
struct weighing {
	bool speaks[FAMILIES];
	int families;
	float total;
	bool strong; /* something beside volume and delivery speaks */
};

static struct weighing weigh(const struct stream *s, const struct verdict_settings *set)
{
	struct weighing w = { .total = stream_total(s) };

	for (int f = 0; f < FAMILIES; f++) {
		w.speaks[f] = (double)s->score[f] >= set->least[f];
		w.families += w.speaks[f];
		if (w.speaks[f] && f != FAMILY_VOLUME && f != FAMILY_DELIVERY)
			w.strong = true;
	}
	return w;
}

static bool is_enough(const struct stream *s, const struct weighing *w,
		      const struct verdict_settings *set)
{
	if (s->run->fact[RUN_SURE])
		return true;
	/* No other family sees what the mail server does not. */
	if (s->kind == STREAM_DIRECT)
		return (double)w->total >= set->enough;
	if (w->families < 2)
		return false;
	if (w->strong)
		return (double)w->total >= set->enough;
	if ((double)s->bulk_rate < set->least[FAMILY_VOLUME])
		return false;
	if (stream_is_form(s))
		return (double)w->total >= set->enough &&
		       (double)s->bad_list >= FORM_SHARE * set->bad_list;
	return (double)w->total >= set->enough_bulk && (double)s->bad_list >= set->bad_list;
}

/* ---- which case ---- */

static enum finding_case case_of_code(const struct stream *s)
{
	const struct run *r = s->run;

	if (s->kind == STREAM_DIRECT)
		return CASE_SCRIPT;
	if (!r->fact[RUN_BAD_PATH] && (r->fact[RUN_INJECTED] || run_find_sign(r, "INJ8")))
		return CASE_INJECTED;
	if (r->fact[RUN_BAD_PATH] || (run_find_sign(r, "probe") && !r->fact[RUN_EVAL]))
		return CASE_MAILER;
	if (r->fact[RUN_EVAL] || r->fact[RUN_UNLOGGED])
		return CASE_SCRIPT;
	/* A directory alone may be anybody's shell. */
	return s->kind == STREAM_SCRIPT && s->calls ? CASE_FORM : CASE_UNKNOWN;
}

/* Code that a stranger with a password put there is what came of the password. */
static enum finding_case case_of_script(const struct stream *s)
{
	enum finding_case c = case_of_code(s);

	if ((c == CASE_MAILER || c == CASE_SCRIPT) && run_find_sign(s->run, "break-in"))
		return CASE_STOLEN;
	return c;
}

static enum finding_case case_of_login(const struct stream *s, const struct weighing *w)
{
	const int64_t *fact = s->run->fact;

	if (w->speaks[FAMILY_ORIGIN] || fact[RUN_FROM_NEW] > fact[RUN_FROM_KNOWN])
		return CASE_STOLEN;
	if (fact[RUN_FROM_KNOWN] && (w->speaks[FAMILY_IDENTITY] || fact[RUN_NEW_HELO] ||
				     2 * fact[RUN_FOREIGN_SENDER] > fact[RUN_MESSAGES]))
		return CASE_INFECTED;
	return CASE_UNKNOWN;
}

static enum finding_case case_of(const struct stream *s, const struct weighing *w)
{
	switch (s->kind) {
	case STREAM_LOGIN:
		return case_of_login(s, w);
	case STREAM_SCRIPT:
	case STREAM_USER:
	case STREAM_DIRECT:
		return case_of_script(s);
	case STREAM_INBOUND:
		return CASE_SPOOFED;
	default:
		return CASE_UNKNOWN;
	}
}

/* ---- how bad ---- */

/* A new network in the same country is a hotel or a new contract; with much mail
 * to strangers it is a newsletter from there more often than a thief. */
static bool only_new_network(const struct stream *s, const struct weighing *w)
{
	const int64_t *fact = s->run->fact;

	return w->speaks[FAMILY_ORIGIN] && !fact[RUN_NEW_COUNTRIES] && fact[RUN_NEW_NETS] < 3 &&
	       !w->speaks[FAMILY_DELIVERY] && !w->speaks[FAMILY_IDENTITY];
}

/* A traveller writes to his club as he always does. */
static bool only_known_recipients(const struct stream *s, const struct weighing *w)
{
	const int64_t *fact = s->run->fact;

	return w->speaks[FAMILY_ORIGIN] && w->families == 2 && w->speaks[FAMILY_VOLUME] &&
	       5 * fact[RUN_NOVEL] < 3 * fact[RUN_RECIPIENTS];
}

static bool only_strangers(const struct stream *s, const struct weighing *w)
{
	return !w->speaks[FAMILY_INJECTION] && !w->speaks[FAMILY_IDENTITY] &&
	       w->speaks[FAMILY_SCRIPT] && !s->run->fact[RUN_BAD_PATH] &&
	       !s->run->fact[RUN_EVAL] && !run_find_sign(s->run, "probe");
}

static enum severity severity_of(const struct stream *s, const struct weighing *w)
{
	if (s->kind == STREAM_INBOUND)
		return SEVERITY_WARNING;
	if (s->run->fact[RUN_SURE] || s->kind == STREAM_DIRECT)
		return SEVERITY_CRITICAL;
	if (!w->strong || only_new_network(s, w) || only_known_recipients(s, w) ||
	    only_strangers(s, w))
		return SEVERITY_WARNING;
	return SEVERITY_CRITICAL;
}

static void judge(const struct observation *o, const struct verdict_settings *set)
{
	struct stream *s = o->stream;
	struct weighing w = weigh(s, set);
	const struct run_sign *flood = run_find_sign(s->run, "backscatter");
	bool enough = is_enough(s, &w, set) || (flood && flood->last == o->time);
	struct finding *f = observe_finding(o, enough && !allow_of(o).muted);
	enum severity severity;

	if (!f)
		return;
	for (int i = 0; i < FAMILIES; i++)
		if (s->score[i] > f->score[i])
			f->score[i] = s->score[i];
	if (!enough)
		return;
	f->last_seen = o->time;
	f->verdict = case_of(s, &w);
	severity = severity_of(s, &w);
	if (severity > f->severity)
		f->severity = severity;
}

static void observe(struct observation *o, const void *settings)
{
	if (o->stream->run)
		judge(o, settings);
}

const struct heuristic heuristic_verdict = {
	.name = "verdict",
	.family = FAMILIES,
	.summary = "whether it is enough, and which of the five cases it is",
	.about =
		"Evidence is measured in nats, logarithms of how much more likely it is under abuse. "
		"It fades to a third within six hours (origin) or twelve, and that of direct SMTP "
		"within five minutes. A finding is raised when "
		"the families' sum is enough and two of them have something to say, one of which is "
		"not volume; or on a certain sign (an injected Bcc with two marks of pasting, a "
		"mailer's test from an upload folder, eval()'d code that writes to strangers). What a "
		"program sends past the mail server only 'direct' sees: there its sum alone decides.\n"
		"\n"
		"Critical needs more than volume and answers: a strange origin, an injected header, a "
		"bad path, a foreign sender. Much mail to a bad list is a warning, and so are a "
		"newsletter from one new network in the same country and mail from abroad to "
		"recipients that are known.\n"
		"\n"
		"The case follows from what was used: a login from elsewhere is case 4, from its own "
		"network with a foreign client or senders case 2; a script case 3a to 3d by what was "
		"wrong with it; bounces of mail that never left here case 5. Where two are as likely "
		"it says unknown, and why.\n"
		"\n"
		"While a stream is suspicious nothing is learned from it. A finding that would not be "
		"raised any more for a day is closed; within a week the stream opens it again.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct verdict_settings) },
	.observe = observe,
	.tell = tell_finding,
};
