/* Origin: a login is used from where it never was.
 *
 * Countries and autonomous systems where databases tell them, networks (/16)
 * where none does. A source is the login's own once it was seen on several days;
 * a young login has no habits to break. */
#include <math.h>
#include <stdio.h>

#include "core/habit.h"
#include "heuristics/heuristics.h"

struct origin_settings {
	double country, another_country, network, switched, reads, guessed, cap;
	int64_t countries;
};

#define AT(member) offsetof(struct origin_settings, member)
static const struct key keys[] = {
	{ "country", KEY_REAL, AT(country), "3", .help = "Nats for a country it never sent from." },
	{ "another_country", KEY_REAL, AT(another_country), "2.5",
	  .help = "And so much more for each further one within an hour." },
	{ "network", KEY_REAL, AT(network), "1",
	  .help = "Nats for an autonomous system it never sent from; more for each further one "
		  "within a day." },
	{ "switched", KEY_REAL, AT(switched), "2.5",
	  .help = "Nats when it is used from another country within half an hour of its own." },
	{ "reads", KEY_REAL, AT(reads), "1",
	  .help = "Nats less for a country or network from which the mailbox is read, too." },
	{ "guessed", KEY_REAL, AT(guessed), "1.5",
	  .help = "Nats for a network that is not its own, after ten refused logins within a day." },
	{ "countries", KEY_INTEGER, AT(countries), "6", .min = 2, .max = 1000,
	  .help = "So many countries within a day need no second family of evidence." },
	{ "cap", KEY_REAL, AT(cap), "8", .help = "The score's upper end." },
};
#undef AT

/* Addresses within an hour: what anybody may have, and how much more than usual. */
#define ADDRESSES_ANYBODY 2.0f
#define ADDRESSES_MARGIN 1.5f
#define CALM_ENOUGH 2.0f
#define TOGETHER (USEC_HOUR / 2)
/* Nobody mistypes his password so often; within a day. */
#define GUESSES 10
#define GUESSED_LATELY USEC_DAY
/* Who reads the mailbox did so within this time. */
#define READ_LATELY USEC_DAY
/* A message from a source that is not its own yet: small, but they add up. */
#define COUNTRY_MESSAGE 0.12
#define NETWORK_MESSAGE 0.05
#define MESSAGES_CAP 5.0
/* New networks a month of somebody behind changing VPN exits. */
#define HOPPER 6.0f
/* A further new network within a day: one is a hotel, two a journey. */
static const double network_growth[] = { 1.0, 1.5, 1.9, 2.3, 2.5 };
/* Without a database of autonomous systems a /16 is told from its neighbour of the
 * same provider by nothing. */
#define BARE_NETWORK 0.4

/* How the source of a message stands to the login. */
struct source {
	uint32_t net, asn;
	const char *country;
	bool own, own_asn, own_country; /* of its own networks */
	bool seen_asn, seen_country; /* lately, but not its own */
	bool read; /* its mailbox was read from this network lately */
	int young; /* networks that are not its own, of the last day; without this one */
	usec_t newest_country; /* when the newest strange one before this was first seen */
	int nown;
};

static bool same_country(const char *a, const char *b)
{
	return a[0] && a[0] == b[0] && a[1] == b[1];
}

static void compare_net(struct source *src, const struct stream_net *n, usec_t now)
{
	bool own = habit_own_net(n, now);
	bool asn = src->asn ? n->asn == src->asn : n->net == src->net;
	bool country = same_country(src->country, n->country);

	if (own) {
		src->nown++;
		src->own |= n->net == src->net;
		src->own_asn |= asn;
		src->own_country |= country;
		return;
	}
	src->seen_asn |= asn;
	src->seen_country |= country;
	if (!asn && now - n->first * USEC_MINUTE < USEC_DAY)
		src->young++;
	if (!country && n->country[0] && n->first * USEC_MINUTE > src->newest_country)
		src->newest_country = n->first * USEC_MINUTE;
}

/* Where the mailbox has long been read is its owner's, whoever sends from there. */
static void compare_read(struct source *src, const struct stream_net *n, usec_t now)
{
	if (habit_own_net(n, now))
		compare_net(src, n, now);
	src->read |= n->net == src->net && now - n->last * USEC_MINUTE < READ_LATELY;
}

/* What the run has seen is not learned, but it was weighed. */
static void compare_run(struct source *src, const struct run *r, const struct message *m,
			usec_t now)
{
	for (int i = 0; r && i < r->nsources; i++) {
		const struct run_source *s = &r->sources[i];
		bool itself = str_eq(s->ip, m->client_ip);
		bool asn = src->asn ? s->asn == src->asn : stream_net_of(s->ip) == src->net;
		bool country = same_country(src->country, s->country);

		if (s->known || (itself && s->messages < 2))
			continue;
		src->seen_asn |= asn;
		src->seen_country |= country;
		if (!country && s->country[0] && r->last > src->newest_country)
			src->newest_country = now;
	}
	if (r && src->young < (int)r->fact[RUN_NEW_NETS])
		src->young = (int)r->fact[RUN_NEW_NETS];
}

static struct source look(const struct observation *o)
{
	const struct message *m = o->message;
	struct source src = { .net = stream_net_of(m->client_ip), .asn = o->place.asn,
			      .country = o->place.country };

	for (int i = 0; i < o->stream->nnets; i++)
		compare_net(&src, &o->stream->nets[i], o->time);
	for (int i = 0; i < o->stream->nreads; i++)
		compare_read(&src, &o->stream->reads[i], o->time);
	compare_run(&src, o->stream->run, m, o->time);
	if (!src.country[0])
		src.own_country = true;
	return src;
}

/* A person touches the mailbox around a submission, a bot only submits (MUAAA, CISDA
 * 2015). */
static double less_read(double weight, const struct source *src, const struct origin_settings *set)
{
	if (!src->read)
		return weight;
	return weight > set->reads ? weight - set->reads : 0;
}

static void guessed(const struct observation *o, const struct origin_settings *set)
{
	const struct stream *s = o->stream;

	if (s->refused_logins < GUESSES || o->time - s->refused_login >= GUESSED_LATELY ||
	    (s->run && run_find_sign(s->run, "guessed-password")))
		return;
	observe_sign(o, "guessed-password", FAMILY_ORIGIN, set->guessed, set->cap,
		     "%lld refused logins within a day, then one that was not, from a network that is "
		     "not its own: a guessed password", (long long)s->refused_logins);
}

static void new_country(const struct observation *o, const struct source *src,
			const struct origin_settings *set, double scale)
{
	bool another = src->newest_country && o->time - src->newest_country < USEC_HOUR;

	observe_sign(o, "new-country", FAMILY_ORIGIN,
		     less_read(set->country * scale, src, set) +
			     (another ? set->another_country : 0), set->cap,
		     "it sends from %s, a country it never sent from", src->country);
	observe_fact(o, RUN_NEW_COUNTRIES, 1);
	if (o->time - o->stream->last_known_source < TOGETHER)
		observe_sign(o, "two-places", FAMILY_ORIGIN, set->switched, set->cap,
			     "it sends from %s within half an hour of its own network",
			     src->country);
}

static void new_network(const struct observation *o, const struct source *src,
			const struct origin_settings *set, double scale)
{
	size_t most = sizeof(network_growth) / sizeof(network_growth[0]) - 1;
	size_t nth = (size_t)src->young < most ? (size_t)src->young : most;
	char ip[80], number[24] = "";

	if (src->asn && !(src->asn & PLACE_BY_NAME))
		snprintf(number, sizeof(number), " (AS%u)", (unsigned)src->asn);
	observe_text(o->message->client_ip, ip, sizeof(ip));
	observe_sign(o, "new-network", FAMILY_ORIGIN,
		     less_read(set->network * network_growth[nth] * scale *
			       (src->asn ? 1 : BARE_NETWORK), src, set),
		     set->cap, src->asn ? "%s is in %s%s, a network it never sent from" :
					  "%s is in a network it never sent from",
		     ip, o->place.organization[0] ? o->place.organization : "a provider's", number);
	observe_fact(o, RUN_NEW_NETS, 1);
	if (o->time - o->stream->last_known_source < TOGETHER && src->own_country)
		observe_sign(o, "alternating", FAMILY_ORIGIN, 0.5, set->cap,
			     "it and its own network are used in turn");
}

static void strange_message(const struct observation *o, const struct source *src)
{
	observe_fact(o, RUN_FROM_NEW, 1);
	if (!src->own_country)
		observe_sign(o, "new-country", FAMILY_ORIGIN, COUNTRY_MESSAGE, MESSAGES_CAP,
			     "it sends from %s, a country it never sent from", src->country);
	else
		observe_sign(o, "new-network", FAMILY_ORIGIN, NETWORK_MESSAGE, MESSAGES_CAP,
			     "it sends from a network it never sent from");
}

static int country_add(char (*seen)[2], int n, const char *country)
{
	if (!country[0])
		return n;
	for (int i = 0; i < n; i++)
		if (same_country(seen[i], country))
			return n;
	memcpy(seen[n], country, 2);
	return n + 1;
}

/* A person uses one address, or the office's and a phone's; bots behind other people's
 * connections use a new one for each message, whatever country and provider. */
static void many_addresses(const struct observation *o, const struct origin_settings *set)
{
	static const double weight[] = { 1, 1.5, 2 };
	struct stream *s = o->stream;
	float usual = s->usual_sources * ADDRESSES_MARGIN;
	bool again;
	int n = stream_address(s, o->message->client_ip, o->time, &again);
	int over = n - (int)fmaxf(ADDRESSES_ANYBODY, usual);

	if (!again && over > 0)
		observe_sign(o, "many-addresses", FAMILY_ORIGIN, weight[over > 2 ? 2 : over - 1],
			     set->cap, "addresses of %d networks (/24) within an hour; usual are at most %.0f", n,
			     (double)fmaxf(1, s->usual_sources));
	/* Only a calm hour teaches; a rise is believed slowly. */
	if (stream_total(s) - s->score[FAMILY_ORIGIN] < CALM_ENOUGH)
		s->usual_sources += (float)(n > (int)s->usual_sources ? 0.3 : 0.01) *
				    ((float)n - s->usual_sources);
}

static void mark_known(const struct observation *o, bool known)
{
	struct run *r = o->stream->run;

	if (!r)
		return;
	for (int i = 0; i < r->nsources; i++)
		if (str_eq(r->sources[i].ip, o->message->client_ip))
			r->sources[i].known = known;
	if (known)
		r->fact[RUN_FROM_KNOWN]++;
}

/* Of its networks of the last day, of the run, and of this message: no age and no
 * habit explains many. */
static int countries_today(const struct observation *o)
{
	const struct stream *s = o->stream;
	char seen[STREAM_MAX_NETS + RUN_MAX_SOURCES + 1][2];
	int n = 0;

	if (!o->place.country[0])
		return 0;
	n = country_add(seen, n, o->place.country);
	for (int i = 0; i < s->nnets; i++)
		if (o->time - s->nets[i].last * USEC_MINUTE < USEC_DAY)
			n = country_add(seen, n, s->nets[i].country);
	for (int i = 0; s->run && i < s->run->nsources; i++)
		n = country_add(seen, n, s->run->sources[i].country);
	return n;
}

static void observe(struct observation *o, const void *settings)
{
	const struct origin_settings *set = settings;
	struct source src;
	double scale;
	int countries;

	if (o->kind != OBSERVED_SUBMIT || o->stream->kind != STREAM_LOGIN)
		return;
	if (!habit_from_here(o))
		many_addresses(o, set);
	src = look(o);
	if (!src.net || src.own || src.own_asn || habit_from_here(o)) {
		mark_known(o, src.net != 0);
		return;
	}
	countries = countries_today(o);
	if (countries >= (int)set->countries) {
		observe_sign(o, "many-countries", FAMILY_ORIGIN, set->cap, set->cap,
			     "it was used from %d countries within a day", countries);
		if (o->stream->switching < HOPPER)
			observe_sure(o);
	}
	guessed(o, set);
	if (!o->mature || !src.nown)
		return;
	/* Who changes networks all the time shows little by one more. */
	scale = 1 / (1 + o->stream->switching / 3);
	if (!src.own_country && !src.seen_country)
		new_country(o, &src, set, scale);
	if (!src.seen_asn)
		new_network(o, &src, set, scale);
	strange_message(o, &src);
}

const struct heuristic heuristic_origin = {
	.name = "origin",
	.family = FAMILY_ORIGIN,
	.summary = "a login is used from where it never was",
	.about =
		"Each login remembers the networks it sends from. A network is its own once it was "
		"seen on three days, the first four days ago; until then mail from there counts a little, and "
		"more if the country is new, if a second new country follows within an hour, if new "
		"networks follow each other within a day, or if the login's own network is in use "
		"at the same time.\n"
		"\n"
		"Nothing is held against a login of less than three days and forty messages, nor "
		"against webmail (addresses of `networks`). For somebody who changes networks often, "
		"a VPN user, each further one weighs less.\n"
		"\n"
		"Addresses of more networks (/24, or /64) within an hour than anybody has, and than "
		"this login has, are a botnet or rented connections of other people, even in its own "
		"country.\n"
		"\n"
		"Where Dovecot's log is read, too, it tells from where a mailbox is read. On several days, "
		"that makes a network the login's own; lately, it counts a nat less. Ten "
		"refused logins from networks that are not its own, and then mail from one, are a "
		"guessed password.\n"
		"\n"
		"More than five countries within a day are certain for a login of any age that does "
		"not hop between VPNs (the rule of Vnet, a Slovak host).\n"
		"\n"
		"With `geoip` countries and autonomous systems are known; without it the name of the "
		"client tells its provider and often its country, and where it has none only the first "
		"16 bits of its address tell networks apart, which says less. Sources: Schaefer "
		"2014 (countries, travelling speed), Freeman et al. NDSS 2016, Shah et al. 2020 "
		"(attackers come back for weeks).",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct origin_settings) },
	.observe = observe,
};
