/* Injection: somebody put headers of his own into a call of PHP's mail().
 *
 * core/phphead.c tells what is in the call and which rules fire, given what
 * this FILE:LINE's headers usually look like; here it becomes evidence. */
#include "core/habit.h"
#include "core/phphead.h"
#include "heuristics/heuristics.h"

struct injection_settings {
	double weight, sure, cap;
};

#define AT(member) offsetof(struct injection_settings, member)
static const struct key keys[] = {
	{ "weight", KEY_REAL, AT(weight), "1", .help = "Factor of all its rules." },
	{ "sure", KEY_REAL, AT(sure), "5",
	  .help = "Nats in one call that need no second family of evidence." },
	{ "cap", KEY_REAL, AT(cap), "12", .help = "The score's upper end." },
};
#undef AT

/* Headers that are new but name nobody new: the script was edited. */
#define KNOWN_FACTOR 0.2
/* PHP refused it, or the encoding did not work: that he tries, not that he can. */
#define ATTEMPT_FACTOR 0.3

/* What was learned, in the form the scanner asks for it. */
struct learned {
	uint64_t templates[STREAM_MAX_FORMS];
	struct injection_known known;
};

static void recall(const struct stream *s, struct learned *l)
{
	memset(l, 0, sizeof(*l));
	for (int i = 0; i < s->nforms; i++) {
		const struct stream_form *f = &s->forms[i];

		l->templates[l->known.ntemplates++] = f->shape;
		l->known.names |= f->names;
		l->known.repeated |= f->repeated;
		l->known.mixes |= f->mixed;
		if (f->most_recipients > l->known.max_recipients)
			l->known.max_recipients = f->most_recipients;
	}
	l->known.templates = l->templates;
}

static void tell_rules(const struct observation *o, const struct injection *in, double factor,
		       double cap)
{
	for (int rule = 0; rule < INJECTION_RULES; rule++) {
		char text[FINDING_MAX_LINE];

		if (!(in->fired & 1u << rule))
			continue;
		injection_explain(in, (enum injection_rule)rule, text, sizeof(text));
		observe_sign(o, injection_rule_name[rule], FAMILY_INJECTION,
			     in->rule[rule].weight * factor, cap, "%s", text);
	}
}

/* The rules that tell of headers which the script does not write. */
#define ADDED_HEADERS (1u << INJ1 | 1u << INJ2 | 1u << INJ3 | 1u << INJ4 | 1u << INJ7)

static void observe_call(struct observation *o, const struct injection_settings *set)
{
	double factor = set->weight;
	struct learned learned;
	struct injection in;
	bool added;

	recall(o->stream, &learned);
	injection_scan(o->head, o->call->to, o->call->subject, &learned.known, &in);
	if (!in.fired)
		return;
	added = in.fired & ADDED_HEADERS && !in.blocked;
	if (!added)
		factor *= ATTEMPT_FACTOR;
	else if (habit_knows_headers(o))
		factor *= KNOWN_FACTOR;
	tell_rules(o, &in, factor, set->cap);
	o->doubtful = true;
	if (!added || habit_knows_headers(o))
		return;
	observe_fact(o, RUN_INJECTED, 1);
	if (in.weight * factor >= set->sure)
		observe_sure(o);
}

/* Recipients as first addressed: an alias that fans out adds none. */
static size_t addressed(const struct message *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nrcpt; i++) {
		struct str to = m->rcpt[i].orig_to;
		bool before = false;

		for (size_t k = 0; to.n && k < i && !before; k++)
			before = str_eq_nocase(m->rcpt[k].orig_to, to);
		n += !before;
	}
	return n;
}

static void observe_join(const struct observation *o, const struct injection_settings *set)
{
	struct injection_known nothing = { 0 };
	struct injection in;

	if (o->message->nrcpt < 2)
		return;
	injection_scan(o->head, o->call->to, o->call->subject, &nothing, &in);
	in.fired = 0;
	if (injection_compare(o->head, addressed(o->message), &in))
		tell_rules(o, &in, set->weight, set->cap);
}

static void observe(struct observation *o, const void *settings)
{
	if (o->kind == OBSERVED_CALL)
		observe_call(o, settings);
	else if (o->kind == OBSERVED_JOIN)
		observe_join(o, settings);
}

const struct heuristic heuristic_injection = {
	.name = "injection",
	.family = FAMILY_INJECTION,
	.summary = "headers in a mail() call that the script does not write",
	.about =
		"A form that puts what a visitor typed into the headers of mail() lets him add "
		"headers: \"Bcc:\" and a hundred addresses. PHP's log shows the headers with each "
		"line end as blanks, \"\\n\" as one, \"\\r\\n\" as two, so that pasted text often "
		"betrays itself. For each script the order and spacing of its headers is learned; "
		"what differs and adds recipients is the main sign.\n"
		"\n"
		"INJ1 a Bcc behind the wrong kind of line end; INJ2 fields this script never had; "
		"INJ3 a field twice that may stand once; INJ4 To or Subject among the headers; INJ5 "
		"an empty line and a body; INJ6 encoded line ends that did not work; INJ7 the probe "
		"of the form scanners; INJ8 more recipients at the mail server than the call names.\n"
		"\n"
		"Scripts that mix line ends or repeat headers by themselves are learned. What PHP "
		"refuses (since 5.4.42) is told as an attempt. Sources: php-src ext/standard/mail.c, "
		"OWASP WSTG, RFC 5322 section 3.6.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct injection_settings) },
	.observe = observe,
};
