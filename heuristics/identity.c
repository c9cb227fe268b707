/* Identity: the sender is not who uses this login, or the client is not his.
 *
 * A sender's domain that is neither the account's, by the owner maps, nor one it
 * was seen with; a HELO of a kind this login never had, from its own network. */
#include "core/habit.h"
#include "heuristics/heuristics.h"

struct identity_settings {
	double sender, another_sender, helo, cap;
};

#define AT(member) offsetof(struct identity_settings, member)
static const struct key keys[] = {
	{ "sender", KEY_REAL, AT(sender), "0.8",
	  .help = "Nats for a message with a sender's domain that is not the account's." },
	{ "another_sender", KEY_REAL, AT(another_sender), "0.7",
	  .help = "So much more when it is another one than before." },
	{ "helo", KEY_REAL, AT(helo), "1.2",
	  .help = "Nats for a HELO of another kind from a network of its own." },
	{ "cap", KEY_REAL, AT(cap), "12", .help = "The score's upper end." },
};
#undef AT

#define HELO_MESSAGE 0.05
/* A domain is the account's after so many calm messages. */
#define OWN_DOMAIN 3
/* Scripts may set any sender, and forms set the visitor's. */
#define SCRIPT_FACTOR 0.5

static bool is_host_name(const struct observation *o, struct str domain)
{
	struct str own = str_of(o->world->settings->hostname);

	return str_eq_nocase(domain, own) || str_eq_nocase(domain, o->message->host) ||
	       !str_find(domain, STR("localhost"));
}

static bool is_own_domain(const struct observation *o, struct str domain, uint32_t hash)
{
	const struct stream *owner = o->account ? o->account : o->stream;
	const struct stream_word *w = stream_find_word(owner->domains, owner->ndomains, hash);
	struct str login = o->stream->kind == STREAM_LOGIN ? o->stream->name : STR_NONE;
	struct str account;

	if (w && w->count >= OWN_DOMAIN)
		return true;
	account = accounts_domain(o->world->accounts, domain);
	if (account.n && str_eq(account, o->stream->account))
		return true;
	if (login.n && str_eq_nocase(str_skip(login, str_rchr(login, '@') + 1), domain))
		return true;
	return is_host_name(o, domain);
}

static void foreign_sender(const struct observation *o, const struct identity_settings *set)
{
	const struct stream *owner = o->account ? o->account : o->stream;
	struct str sender = o->message->sender;
	struct str domain = str_skip(sender, str_rchr(sender, '@') + 1);
	double factor = o->stream->kind == STREAM_LOGIN ? 1 : SCRIPT_FACTOR;
	uint32_t hash = habit_domain(domain);
	bool another;
	char text[160];

	if (!domain.n || is_own_domain(o, domain, hash))
		return;
	/* One that always had many is a gateway for others. */
	if (owner->ndomains >= STREAM_MAX_WORDS)
		factor /= 4;
	another = o->stream->run && o->stream->run->fact[RUN_FOREIGN_SENDER] &&
		  o->stream->last_foreign != hash;
	o->stream->last_foreign = hash;
	observe_text(sender, text, sizeof(text));
	observe_fact(o, RUN_FOREIGN_SENDER, 1);
	observe_sign(o, "foreign-sender", FAMILY_IDENTITY,
		     factor * (set->sender + (another ? set->another_sender : 0)), set->cap,
		     "the sender %s is not of a domain of this account", text);
}

static bool from_own_network(const struct observation *o)
{
	uint32_t net = stream_net_of(o->message->client_ip);

	for (int i = 0; i < o->stream->nnets; i++)
		if (o->stream->nets[i].net == net)
			return habit_own_net(&o->stream->nets[i], o->time);
	return false;
}

static void strange_helo(const struct observation *o, const struct identity_settings *set)
{
	const struct message *m = o->message;
	struct str own = str_of(o->world->settings->hostname);
	struct signs signs = { 0 };
	uint32_t hash;
	char text[120];
	bool before;

	if (!m->helo.n || !o->stream->nhelos || !from_own_network(o))
		return;
	hash = (uint32_t)helo_class(m->helo, m->client_ip, own).hash;
	if (stream_find_word(o->stream->helos, o->stream->nhelos, hash))
		return;
	before = o->stream->run && run_find_sign(o->stream->run, "new-helo");
	observe_text(m->helo, text, sizeof(text));
	observe_fact(o, RUN_NEW_HELO, 1);
	observe_sign(o, "new-helo", FAMILY_IDENTITY, before ? HELO_MESSAGE : set->helo, set->cap,
		     "from its own network, but it says HELO %s, which this login never did", text);
	if (before || !o->world->patterns)
		return;
	patterns_helo(o->world->patterns, m->helo, m->client_ip, own, &signs);
	if (signs.count)
		observe_sign(o, "odd-helo", FAMILY_IDENTITY, signs.weight, set->cap, "HELO %s: %.*s",
			     text, STR_ARG(signs.sign[0]->help));
}

static void observe(struct observation *o, const void *settings)
{
	if (o->kind != OBSERVED_SUBMIT || !o->mature)
		return;
	if (o->stream->kind == STREAM_LOGIN)
		strange_helo(o, settings);
	if (!o->message->sender_null)
		foreign_sender(o, settings);
}

const struct heuristic heuristic_identity = {
	.name = "identity",
	.family = FAMILY_IDENTITY,
	.summary = "senders that are not the account's, a client that is not the customer's",
	.about =
		"Malware on a customer's PC sends from the customer's own address, with the "
		"customer's password, but names itself differently (HELO) and mostly uses senders "
		"that have nothing to do with the account. A domain is the account's if the owner "
		"maps say so, if it is the login's own, or after a few calm messages.\n"
		"\n"
		"For scripts it weighs half: forms set the visitor's address as sender. Postfix logs "
		"no HELO for accepted mail unless header_checks do (etc/snippets/postfix).",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct identity_settings) },
	.observe = observe,
};
