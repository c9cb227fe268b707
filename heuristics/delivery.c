/* Delivery: what other servers answer.
 *
 * A running sum over the answers: unknown recipients against the stream's usual
 * share of them, and texts that call this mail spam. What a server says about
 * our server as a whole is not held against one account. */
#include <math.h>

#include "heuristics/heuristics.h"

struct delivery_settings {
	double unknown_share, spam, banned, cap;
};

#define AT(member) offsetof(struct delivery_settings, member)
static const struct key keys[] = {
	{ "unknown_share", KEY_REAL, AT(unknown_share), "0.35",
	  .help = "Share of recipients that do not exist, on a spam list." },
	{ "spam", KEY_REAL, AT(spam), "1.3", .help = "Nats for an answer that calls it spam." },
	{ "banned", KEY_REAL, AT(banned), "2", .help = "Nats for one that bans this sender." },
	{ "cap", KEY_REAL, AT(cap), "12", .help = "The score's upper end." },
};
#undef AT

/* Least and highest share of unknown recipients that is anybody's habit: old lists
 * have a tenth. */
#define USUAL_LEAST 0.02f
#define USUAL_MOST 0.12f

/* The same sum against an old list: bulk mail must be worse than that. */
static void weigh_list(const struct observation *o, const struct delivery_settings *set, bool bad)
{
	float *sum = &o->stream->bad_list;

	*sum += bad ? logf((float)set->unknown_share / USUAL_MOST) :
		      -logf((1 - USUAL_MOST) / (1 - (float)set->unknown_share));
	*sum = *sum < 0 ? 0 : *sum > (float)set->cap ? (float)set->cap : *sum;
}

static void unknown_user(const struct observation *o, const struct delivery_settings *set,
			 float usual)
{
	char text[160];

	observe_text(o->recipient->response, text, sizeof(text));
	observe_sign(o, "unknown-recipient", FAMILY_DELIVERY,
		     log(set->unknown_share / (double)usual), set->cap,
		     "recipients do not exist: %s", text);
}

static void fine(const struct observation *o, const struct delivery_settings *set, float usual)
{
	float *score = &o->stream->score[FAMILY_DELIVERY];

	*score -= logf((1 - usual) / (1 - (float)set->unknown_share));
	if (*score < 0)
		*score = 0;
}

/* Against the whole server: the account's only while others hear it seldom. */
static double server_weight(const struct observation *o, const struct delivery_settings *set)
{
	double everywhere = o->host ? (double)o->host->failure : 0;
	double weight = log(0.5 / (everywhere > 0.02 ? everywhere : 0.02)) / 2.5;

	return weight < 0 ? 0 : weight > set->spam ? set->spam : weight;
}

static void complaint(const struct observation *o, const struct delivery_settings *set)
{
	double weight = o->answer == RESPONSE_ACCOUNT_BANNED ? set->banned :
			o->answer == RESPONSE_CONTENT_SPAM   ? set->spam :
							       server_weight(o, set);
	char text[200];

	observe_text(o->recipient->response, text, sizeof(text));
	observe_sign(o, "called-spam", FAMILY_DELIVERY, weight, set->cap,
		     "other servers object: %s", text);
}

static void observe(struct observation *o, const void *settings)
{
	const struct delivery_settings *set = settings;
	float usual = o->stream->failure;
	bool final;

	if (o->kind != OBSERVED_ANSWER)
		return;
	/* What is true of addresses it has long written to says nothing of a list. */
	if (!o->novel && o->answer != RESPONSE_ACCOUNT_BANNED)
		return;
	usual = usual < USUAL_LEAST ? USUAL_LEAST : usual > USUAL_MOST ? USUAL_MOST : usual;
	final = o->recipient->status != RCPT_DEFERRED;
	switch (o->answer) {
	case RESPONSE_UNKNOWN_RCPT:
		if (final) {
			weigh_list(o, set, true);
			unknown_user(o, set, usual);
		}
		return;
	case RESPONSE_CONTENT_SPAM:
	case RESPONSE_RATE_SPAM:
	case RESPONSE_ACCOUNT_BANNED:
		if (o->answer != RESPONSE_RATE_SPAM)
			weigh_list(o, set, true);
		complaint(o, set);
		return;
	default:
		if (o->recipient->status == RCPT_SENT) {
			weigh_list(o, set, false);
			fine(o, set, usual);
		}
		return;
	}
}

const struct heuristic heuristic_delivery = {
	.name = "delivery",
	.family = FAMILY_DELIVERY,
	.summary = "recipients that do not exist, servers that call it spam",
	.about =
		"Spam lists are bad: a quarter to a half of their addresses do not exist, while "
		"customers' mail bounces in one to three of a hundred cases. Each answer moves a sum "
		"up or down, by the share that is usual for this stream; deferrals, greylisting and "
		"full mailboxes move nothing, and neither do recipients it wrote to before.\n"
		"\n"
		"Answers are told apart by etc/patterns.d/responses.yaml. That the whole server is on "
		"a list is nobody's fault in particular; complaints about the server's rate count "
		"for an account only while few others hear them.\n"
		"\n"
		"Sources: Cutwail's failures (Stone-Gross, LEET 2011), ZoneMTA's bounce share of a "
		"hosting company, Exim BlockCracking (unknown recipients per login).",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct delivery_settings) },
	.observe = observe,
};
