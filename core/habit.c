/* How habits are learned.
 *
 * Invariant: only habit_learn() makes something usual, and it is called for
 * calm streams only. It judges nothing. */
#include "core/habit.h"

#include <ctype.h>

#include "core/mailtext.h"
#include "core/phphead.h"

/* A network is adopted when it was seen on so many days, the first so long ago:
 * who bought a password uses it within days, who moved house stays (Shah 2020). */
#define OWN_DAYS 3
#define OWN_AGE (4 * USEC_DAY)
/* A young stream has no other network to hold against it. */
#define DAYS_AT_BIRTH 1000
#define NETS_AT_BIRTH 3
/* Weight of one recipient or answer in the shares. */
#define SHARE_STEP 0.02f
#define FIRST_RESULTS 50
/* One mail to a club is one decision, not a hundred. */
#define SHARE_RECIPIENTS 3

bool habit_own_net(const struct stream_net *n, usec_t now)
{
	if (n->days >= DAYS_AT_BIRTH)
		return true;
	return n->days >= OWN_DAYS && now - n->first * USEC_MINUTE >= OWN_AGE;
}

bool habit_from_here(const struct observation *o)
{
	return !o->place.country[0] && !o->place.asn &&
	       accounts_trusted_ip(o->world->accounts, o->message->client_ip);
}

uint32_t habit_domain(struct str address)
{
	size_t at = str_rchr(address, '@');
	char lower[256];
	struct str domain = at < address.n ? str_skip(address, at + 1) : address;
	uint32_t hash;

	if (!domain.n || domain.n > sizeof(lower))
		return 0;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = (char)tolower((unsigned char)domain.p[i]);
	hash = (uint32_t)str_hash((struct str){ lower, domain.n }, 7);
	return hash ? hash : 1;
}

struct str habit_registered(struct str name)
{
	size_t dot, labels = 0;
	struct str rest = name;

	while ((dot = str_rchr(rest, '.')) < rest.n) {
		size_t label = rest.n - dot - 1;

		rest = str_head(rest, dot);
		if (++labels >= 2 && label > 3)
			return str_skip(name, dot + 1);
	}
	return name;
}

uint32_t habit_week(uint32_t domain, usec_t now, int weeks_ago)
{
	uint32_t week = (uint32_t)(now / (7 * USEC_DAY)) - (uint32_t)weeks_ago;
	uint32_t hash = (domain ^ (week * 2654435761u)) * 2246822519u;

	return hash ? hash : 1;
}

struct str habit_addressed(const struct recipient *r)
{
	return r->orig_to.n ? r->orig_to : r->address;
}

/* ---- counting ---- */

static void count_recipient(const struct observation *o)
{
	struct stream *s = o->stream;

	s->recipients++;
	s->hour_all++;
	if (!o->novel) {
		if (!o->regular) {
			s->regulars[1] = s->regulars[0];
			s->regulars[0] = o->whom;
		}
		return;
	}
	s->hour_novel++;
	s->strangers += o->stranger;
	known_add(&s->known, o->whom);
}

/* Whom the account wrote to lately, by domain: where bounces may come from. */
static void count_domain(const struct observation *o)
{
	uint32_t domain = habit_domain(o->recipient->address);
	uint32_t week = habit_week(domain, o->time, 0);

	if (o->account && domain && !known_has(&o->account->known, week))
		known_add(&o->account->known, week);
}

/* Where it connected to of late, whether or not that may become usual. */
static void count_connection(const struct observation *o)
{
	struct stream *s = o->stream;
	struct stream_net *n;
	bool fresh;

	s->messages++;
	if (o->novel)
		known_add(&s->known, o->whom);
	n = stream_net(s, stream_net_of(o->direct->ip), o->time, &fresh);
	n->last = (uint32_t)(o->time / USEC_MINUTE);
	n->asn = o->place.asn;
	memcpy(n->country, o->place.country, sizeof(n->country));
}

void habit_count(const struct observation *o)
{
	struct stream *s = o->stream;

	switch (o->kind) {
	case OBSERVED_SUBMIT:
		s->messages++;
		if (o->account && o->account != s)
			o->account->messages++;
		return;
	case OBSERVED_RECIPIENT:
		count_recipient(o);
		count_domain(o);
		return;
	case OBSERVED_CALL:
		s->calls++;
		s->script_line = o->call->script_line > 0 ? o->call->script_line : 0;
		if (o->account)
			o->account->php_seen = o->time;
		return;
	case OBSERVED_BOUNCE:
		if (o->novel)
			known_add(&s->known, o->whom);
		return;
	case OBSERVED_DIRECT:
		count_connection(o);
		return;
	case OBSERVED_ANSWER:
	case OBSERVED_JOIN:
	case OBSERVED_UNSENT:
		return;
	}
}

/* ---- learning ---- */

static void learn_source(const struct observation *o)
{
	struct stream *s = o->stream;
	uint32_t hash = stream_net_of(o->message->client_ip);
	uint32_t now = (uint32_t)(o->time / USEC_MINUTE);
	struct stream_net *n;
	bool fresh;

	if (!hash || habit_from_here(o))
		return;
	n = stream_net(s, hash, o->time, &fresh);
	if (fresh) {
		n->asn = o->place.asn;
		memcpy(n->country, o->place.country, sizeof(n->country));
		n->days = o->mature || s->nnets > NETS_AT_BIRTH ? 1 : DAYS_AT_BIRTH;
		s->switching += o->mature;
	} else if (n->last / 1440 != now / 1440 && n->days < DAYS_AT_BIRTH) {
		n->days++;
	}
	if (now > n->last)
		n->last = now;
	if (habit_own_net(n, o->time))
		s->last_known_source = o->time;
}

static void learn_word(struct stream_word **list, uint8_t *n, uint32_t hash, usec_t now)
{
	struct stream_word *w;
	bool fresh;

	if (!hash)
		return;
	w = stream_word(list, n, hash, now, &fresh);
	w->count++;
	w->last = (uint32_t)(now / USEC_MINUTE);
}

static void learn_submit(const struct observation *o)
{
	const struct message *m = o->message;
	struct stream *s = o->stream;
	struct stream *owner = o->account ? o->account : s;

	if (m->channel == CHANNEL_AUTH) {
		learn_source(o);
		if (m->helo.n)
			learn_word(&s->helos, &s->nhelos,
				   (uint32_t)helo_class(m->helo, m->client_ip,
							str_of(o->world->settings->hostname)).hash,
				   o->time);
	}
	if (!m->sender_null)
		learn_word(&owner->domains, &owner->ndomains, habit_domain(m->sender), o->time);
}

static void learn_share(float *share, bool yes, uint32_t seen)
{
	float step = seen < FIRST_RESULTS ? 1.0f / (float)(seen + 10) : SHARE_STEP;

	*share += step * ((yes ? 1.0f : 0.0f) - *share);
}

static void learn_answer(const struct observation *o)
{
	struct stream *s = o->stream;

	if (!o->novel || o->recipient->status == RCPT_DEFERRED)
		return;
	learn_share(&s->failure, o->answer == RESPONSE_UNKNOWN_RCPT, s->learned_results);
	if (s->learned_results < 1000)
		s->learned_results++;
}

bool habit_knows_headers(const struct observation *o)
{
	static const struct str names[] = { STR("To"), STR("Cc"), STR("Bcc") };
	struct str list, address;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t at = 0;

		while (mailtext_field(o->call->headers, names[i], &at, &list)) {
			while (mailtext_address(&list, &address))
				if (!known_has(&o->stream->known, known_hash(address)))
					return false;
		}
	}
	return true;
}

static void learn_call(const struct observation *o)
{
	const struct phphead *head = o->head;
	struct str to = o->call->to, address;
	size_t recipients = head->addresses;
	struct stream_form *f;
	bool fresh, first = !o->stream->nforms;

	/* Headers that nobody had before and that name strangers are not learned. */
	if (!first && o->doubtful && !habit_knows_headers(o))
		return;
	while (mailtext_address(&to, &address))
		recipients++;
	f = stream_form(o->stream, head->template, o->time, &fresh);
	f->names = head->names;
	f->repeated = head->repeated;
	f->mixed |= head->mixed;
	f->count++;
	f->last = (uint32_t)(o->time / USEC_MINUTE);
	if (recipients > f->most_recipients)
		f->most_recipients = (uint16_t)(recipients < 30000 ? recipients : 30000);
}

static void learn_destination(const struct observation *o)
{
	uint32_t now = (uint32_t)(o->time / USEC_MINUTE);
	struct stream_net *n;
	bool fresh;

	n = stream_read(o->stream, stream_net_of(o->direct->ip), o->time, &fresh);
	n->days += (fresh || n->last / 1440 != now / 1440) && n->days < DAYS_AT_BIRTH;
	n->last = now;
}

void habit_learn(const struct observation *o)
{
	switch (o->kind) {
	case OBSERVED_SUBMIT:
		learn_submit(o);
		return;
	case OBSERVED_RECIPIENT:
		if (o->nth >= SHARE_RECIPIENTS || o->regular)
			return;
		learn_share(&o->stream->novelty, o->novel, (uint32_t)(o->stream->recipients < 1000 ?
							       o->stream->recipients : 1000));
		return;
	case OBSERVED_ANSWER:
		learn_answer(o);
		return;
	case OBSERVED_CALL:
		learn_call(o);
		return;
	case OBSERVED_DIRECT:
		learn_destination(o);
		return;
	case OBSERVED_JOIN:
	case OBSERVED_UNSENT:
	case OBSERVED_BOUNCE:
		return;
	}
}
