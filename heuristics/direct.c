/* Direct: a program speaks SMTP to the world itself, past the mail server and its log.
 *
 * What the packet filter logs of it is an address, a port and a uid, and nothing of the mail.
 * A mailer that looks up where each address lives connects to many networks within minutes; a
 * plugin, a newsletter program or a monitor has one or two, again and again. */
#include "core/habit.h"
#include "heuristics/heuristics.h"

struct direct_settings {
	double network, submission, cap;
};

#define AT(member) offsetof(struct direct_settings, member)
static const struct key keys[] = {
	{ "network", KEY_REAL, AT(network), "1.3",
	  .help = "Nats for port 25 of a network that the user's programs did not connect to within "
		  "the last hour." },
	{ "submission", KEY_REAL, AT(submission), "0.4", .help = "The same for ports 465 and 587." },
	{ "cap", KEY_REAL, AT(cap), "12", .help = "The score's upper end." },
};
#undef AT

/* A network that was connected to within this time is no other one. */
#define LATELY USEC_HOUR

static bool is_usual(const struct stream *s, uint32_t net, usec_t now)
{
	for (int i = 0; i < s->nreads; i++)
		if (s->reads[i].net == net)
			return habit_own_net(&s->reads[i], now);
	return false;
}

/* The mail servers of one large provider lie in many networks, and in one autonomous system. */
static bool is_known_lately(const struct observation *o, uint32_t net)
{
	const struct stream *s = o->stream;

	for (int i = 0; i < s->nnets; i++) {
		const struct stream_net *n = &s->nets[i];

		if (o->time - n->last * USEC_MINUTE < LATELY &&
		    (n->net == net || (n->asn && n->asn == o->place.asn)))
			return true;
	}
	return false;
}

static void observe(struct observation *o, const void *settings)
{
	const struct direct_settings *set = settings;
	uint32_t net;
	char ip[80], rule[100];

	if (o->kind != OBSERVED_DIRECT)
		return;
	net = stream_net_of(o->direct->ip);
	if (is_usual(o->stream, net, o->time) || is_known_lately(o, net))
		return;
	observe_text(o->direct->ip, ip, sizeof(ip));
	observe_text(o->direct->rule, rule, sizeof(rule));
	if (o->direct->port == 25)
		observe_sign(o, "direct-mx", FAMILY_SCRIPT, set->network, set->cap,
			     "uid %lld connected to port 25 of another network by itself, such as "
			     "that of %s; logged as '%s'", (long long)o->direct->uid, ip, rule);
	else
		observe_sign(o, "direct-submission", FAMILY_SCRIPT, set->submission, set->cap,
			     "uid %lld connected to port %lld of another network, such as that of "
			     "%s; logged as '%s'", (long long)o->direct->uid,
			     (long long)o->direct->port, ip, rule);
}

const struct heuristic heuristic_direct = {
	.name = "direct",
	.family = FAMILY_SCRIPT,
	.summary = "programs that speak SMTP to the world, past the mail server",
	.about =
		"A program that opens port 25 of the world itself is in no mail log. Where the packet "
		"filter logs such connections with their uid (etc/snippets/nftables, iptables; csf's "
		"SMTP_BLOCK with DROP_OUT_LOGGING and DROP_UID_LOGGING), each network counts (a /16, a "
		"/32 of IPv6; an autonomous system where the databases tell) that the user's programs "
		"did not connect to within the last hour. The sum fades to a third within five minutes. "
		"Six in a minute are what a mailer does that looks up where each address lives; whether "
		"the filter let it through makes no difference.\n"
		"\n"
		"Quiet are: a plugin or a newsletter program with a provider's server, however much it "
		"sends; a monitor of a few hosts; a form that verifies addresses, as long as it does not "
		"meet a new network every minute; the five networks that one mail to a large provider "
		"may try. Ports 465 and 587 want a password, and count a third. A network that was "
		"connected to on three days, the first four days ago, is usual. Users of "
		"`accounts.mailers`, and networks of `networks`, do not count.\n"
		"\n"
		"It says nothing of what was sent, and cannot tell a mailer that writes to one provider "
		"only from a plugin. Figures are what was logged: filters log no more than so many "
		"lines a minute. 1.3 is nearly ln 4, volume's weight of a new recipient.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct direct_settings) },
	.observe = observe,
};
