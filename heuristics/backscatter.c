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

static void tell_flood(const struct observation *o, int64_t hour, int64_t matched)
{
	observe_sign(o, "backscatter", FAMILY_DELIVERY, 0, 0,
		     "%lld bounces within an hour, of which %lld could be of mail that left here",
		     (long long)hour, (long long)matched);
}

static void observe_domain(const struct observation *o, const struct backscatter_settings *set)
{
	struct tally *t = o->stream->tally;
	int64_t hour, matched;

	tally_add(t, o->time, TALLY_MESSAGES, 1);
	tally_add(t, o->time, TALLY_RECIPIENTS, is_matched(o));
	hour = tally_hour(t, o->time, TALLY_MESSAGES);
	matched = tally_hour(t, o->time, TALLY_RECIPIENTS);
	if (hour >= set->per_hour && (double)matched < set->matched * (double)hour)
		tell_flood(o, hour, matched);
}

/* Here recipients are names that never got a bounce before. */
static void observe_catch_all(const struct observation *o, const struct backscatter_settings *set)
{
	struct tally *t = o->stream->tally;
	int64_t hour, names;

	if (is_matched(o))
		return;
	tally_add(t, o->time, TALLY_MESSAGES, 1);
	tally_add(t, o->time, TALLY_RECIPIENTS, o->novel);
	hour = tally_hour(t, o->time, TALLY_MESSAGES);
	names = tally_hour(t, o->time, TALLY_RECIPIENTS);
	if (hour < set->per_hour || names < set->addresses)
		return;
	observe_fact(o, RUN_NOVEL, o->stream->run ? o->novel : names);
	tell_flood(o, hour, 0);
	observe_sign(o, "catch-all", FAMILY_DELIVERY, 0, 0,
		     "bounces for %lld names within an hour that never got one before",
		     (long long)names);
}

static void observe(struct observation *o, const void *settings)
{
	if (o->kind != OBSERVED_BOUNCE)
		return;
	if (!o->stream->tally)
		o->stream->tally = xcalloc(1, sizeof(*o->stream->tally));
	if (is_catch_all(o->stream))
		observe_catch_all(o, settings);
	else
		observe_domain(o, settings);
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
