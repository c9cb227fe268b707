/* Backscatter: bounces of mail that never left here.
 *
 * A bounce from outside is matched when the account wrote to the domain it comes
 * from within the last two weeks. Floods that are not matched mean that somebody
 * elsewhere uses the address: case 5, and nobody's password. A domain that takes
 * them for any name before the @ draws them. */
#include "core/habit.h"
#include "base/error.h"
#include "heuristics/heuristics.h"

struct backscatter_settings {
	int64_t per_hour, addresses;
	double matched;
};

#define AT(member) offsetof(struct backscatter_settings, member)
static const struct key keys[] = {
	{ "per_hour", KEY_INTEGER, AT(per_hour), "20", .max = INT32_MAX,
	  .help = "Bounces an hour, for one domain, that make a flood." },
	{ "matched", KEY_REAL, AT(matched), "0.1",
	  .help = "Share of them that may be of mail that did leave here." },
	{ "addresses", KEY_INTEGER, AT(addresses), "5", .max = INT32_MAX,
	  .help = "So many different names before the @ that never got one before make it a "
		  "catch-all." },
};
#undef AT

static bool wrote_to(const struct observation *o, struct str domain)
{
	uint32_t hash = habit_domain(domain);

	if (!hash || !o->account)
		return false;
	for (int week = 0; week < 2; week++)
		if (known_has(&o->account->known, habit_week(hash, o->time, week)))
			return true;
	return false;
}

static bool is_matched(const struct observation *o)
{
	struct str name = o->message->client_name;

	return name.n && (wrote_to(o, name) || wrote_to(o, habit_registered(name)));
}

/* The stream of all names before the @, "@example.com"; the domain's own has none. */
static bool is_catch_all(const struct stream *s)
{
	return str_starts(s->name, STR("@"));
}

static void observe(struct observation *o, const void *settings)
{
	const struct backscatter_settings *set = settings;
	struct stream *s = o->stream;
	int64_t hour, matched;

	if (o->kind != OBSERVED_BOUNCE)
		return;
	if (!s->tally)
		s->tally = xcalloc(1, sizeof(*s->tally));
	matched = is_matched(o);
	tally_add(s->tally, o->time, TALLY_MESSAGES, 1);
	tally_add(s->tally, o->time, TALLY_RECIPIENTS, (uint32_t)matched);
	hour = tally_hour(s->tally, o->time, TALLY_MESSAGES);
	if (hour < set->per_hour)
		return;
	matched = tally_hour(s->tally, o->time, TALLY_RECIPIENTS);
	if ((double)matched >= set->matched * (double)hour)
		return;
	if (is_catch_all(s) && o->novel)
		observe_fact(o, RUN_NOVEL, 1);
	if (is_catch_all(s) && (!s->run || s->run->fact[RUN_NOVEL] < set->addresses))
		return;
	observe_sign(o, "backscatter", FAMILY_DELIVERY, 0, 0,
		     "%lld bounces within an hour, of which %lld could be of mail that left here",
		     (long long)hour, (long long)matched);
	if (is_catch_all(s))
		observe_sign(o, "catch-all", FAMILY_DELIVERY, 0, 0,
			     "bounces for %lld addresses that never got one before",
			     (long long)s->run->fact[RUN_NOVEL]);
}

const struct heuristic heuristic_backscatter = {
	.name = "backscatter",
	.family = FAMILY_DELIVERY,
	.summary = "bounces of mail that never left here: the address was spoofed",
	.about =
		"Mail with the null sender that comes from outside for one of ours is a bounce, a "
		"receipt or an automatic answer. It is matched if the account wrote to the domain of "
		"the server it comes from within the last two weeks. Twenty an hour, of which less "
		"than a tenth is matched, are backscatter: spam with a forged sender, sent from "
		"elsewhere. That never speaks for a stolen password or a bad script here.\n"
		"\n"
		"Many different names before the @ that take them mean that the domain has a "
		"catch-all: a finding of its own, with its load, since turning it off ends it.\n"
		"\n"
		"Our own server's bounces do not count: its log tells which message they are about. "
		"Source: Postfix BACKSCATTER_README and the measured floods it describes.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct backscatter_settings) },
	.observe = observe,
};
