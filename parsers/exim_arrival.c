/* "<= sender H=... U=... P=... S=... for rcpt rcpt": a message has arrived.
 *
 * Invariant: a line is believed as far as it has one reading only. With two it
 * names no client, no login, no user and no recipients: a HELO, an ident server
 * and a certificate's name can spell any field behind them.
 */
#include "parsers/cursor.h"
#include "parsers/exim_line.h"

/* LOG_BUFFER_SIZE of Exim is 8192, and a recipient that no longer fits ends
 * the "for" list without a mark. With this much room left it is surely whole:
 * an SMTP address has at most 320 bytes. */
#define LINE_SURELY_WHOLE (8192 - 1024)

struct arrival {
	struct exim_fields f;
	struct str sender;
	struct str rcpts; /* the list behind " for " */
	int64_t nrcpt; /* in that list; 0: no list */
};

/* Exim writes full addresses only, quoted where they must be. */
static bool eat_recipient(struct str *s, struct str *rcpt)
{
	return exim_eat_word(s, rcpt) && str_has_byte(*rcpt, '@') &&
	       !memchr("()[]<>", rcpt->p[0], 6) && (str_eat(s, STR(" ")) || s->n == 0);
}

/* " from <sender> for rcpt rcpt ...", both optional. */
static void eat_envelope(struct str *s, struct arrival *a)
{
	struct str rest = *s, word;

	if (str_eat(&rest, STR(" from ")) && !exim_eat_angle(&rest, &word))
		return;
	*s = rest;
	if (!str_eat(&rest, STR(" for ")))
		return;
	a->rcpts = rest;
	while (rest.n && eat_recipient(&rest, &word))
		a->nrcpt++;
	*s = rest;
}

/* Can the line be read to its end? */
static bool read_arrival(const struct exim_line *line, unsigned reading,
			 struct arrival *a)
{
	struct str s = line->rest;
	int64_t size;

	*a = (struct arrival){ .f.reading = reading };
	if (!exim_eat_word(&s, &a->sender))
		return false;
	exim_eat_arrival_fields(&s, &a->f);
	if (!a->f.has[SLOT_PROTOCOL]) /* half a name: "U=spaced user P=local" */
		a->f.value[SLOT_USER] = STR_NONE;
	if (!str_int(a->f.value[SLOT_SIZE], &size))
		return false;
	eat_envelope(&s, a);
	return s.n == 0 || line->cut;
}

enum belief {
	BELIEVE_NOTHING, /* several readings, or none of a line with a HELO */
	BELIEVE_START, /* what stands before the first thing not understood */
	BELIEVE_ALL
};

/* Behind raw quotes, and behind what an ident server said, fields may be the
 * client's. Any trick there needs a second S=, the one field that no arrival
 * lacks, or has the certificate's own closing quote left over before it. */
static bool is_clear(struct str s, const struct exim_fields *f, unsigned readings)
{
	bool ident = f->has[SLOT_HOST] && f->has[SLOT_USER];
	struct str peer = f->value[SLOT_PEER];
	size_t at = str_find(s, STR(" S="));

	if (!exim_has_raw_quotes(s) && !ident)
		return true;
	if (readings > 1 || at == s.n || str_has(str_skip(s, at + 1), STR(" S=")))
		return false;
	if (!exim_has_raw_quotes(s))
		return true;
	if (ident || !f->has[SLOT_PEER] || peer.p + peer.n >= s.p + at)
		return false;
	return !str_has_byte(str_range(peer.p + peer.n + 1, s.p + at), '"');
}

/* What stands before the first thing not understood is Exim's own when no HELO,
 * no ident and no certificate came before. */
static bool start_is_ours(const struct exim_fields *f)
{
	return !f->has_helo && !f->has[SLOT_PEER] &&
	       !(f->has[SLOT_HOST] && f->has[SLOT_USER]);
}

/* A HELO with " U=" in it may end in what an ident server said. */
static enum belief choose_reading(const struct exim_line *line, struct arrival *a)
{
	struct arrival try;
	unsigned good = 0, reading = 0;

	do {
		if (read_arrival(line, reading, &try) ? good++ == 0 : reading == 0)
			*a = try;
	} while (try.f.another && ++reading < EXIM_MAX_READINGS);
	if (a->sender.n == 0 || try.f.another ||
	    !is_clear(line->rest, &a->f, reading + 1))
		return BELIEVE_NOTHING;
	if (good == 1)
		return str_has(a->f.helo, STR(" U=")) ? BELIEVE_NOTHING : BELIEVE_ALL;
	return good == 0 && start_is_ours(&a->f) ? BELIEVE_START : BELIEVE_NOTHING;
}

/* Users that Exim runs as: its bounces are "<= <> R=parent U=one of these". A
 * local user can give -f <> and -E himself, but not another name. */
static bool is_mta_user(struct str user)
{
	static const struct str users[] = { STR("Debian-exim"), STR("exim"),
					    STR("mailnull"),	STR("mail"),
					    STR("_exim"),	STR("exim4") };

	for (size_t i = 0; i < COUNT(users); i++)
		if (str_eq(user, users[i]))
			return true;
	return false;
}

static void set_parent(struct event *ev, struct str value)
{
	struct str id;

	if (!exim_eat_message_id(&value, &id) || value.n)
		return;
	ev->parent_id = id;
	if (ev->channel == CHANNEL_LOCAL && ev->sender_null && is_mta_user(ev->user))
		ev->channel = CHANNEL_INTERNAL;
}

static void emit_recipients(struct exim_line *line, struct event_sink *sink,
			    struct str list, int64_t n)
{
	struct event ev;

	while (n-- > 0) {
		event_init(&ev, EV_DELIVERY);
		if (!eat_recipient(&list, &ev.recipient))
			return;
		exim_emit(line, sink, &ev);
	}
}

enum parse_result exim_read_accept(struct exim_line *line, struct event_sink *sink)
{
	struct arrival a;
	struct event ev;
	enum belief belief = choose_reading(line, &a);
	bool whole = !line->cut && line->rec->line.n < LINE_SURELY_WHOLE;

	event_init(&ev, EV_ACCEPT);
	ev.channel = CHANNEL_SMTP;
	if (a.sender.n)
		exim_set_sender(&ev, a.sender);
	if (belief != BELIEVE_NOTHING) {
		exim_set_client(&ev, &a.f);
		set_parent(&ev, a.f.value[SLOT_PARENT]);
		str_int(a.f.value[SLOT_SIZE], &ev.size);
		ev.message_id = a.f.value[SLOT_ID];
		ev.subject = a.f.value[SLOT_SUBJECT];
	}
	if (belief != BELIEVE_ALL)
		a.nrcpt = 0;
	if (line->cut && a.nrcpt)
		a.nrcpt--;
	if (a.nrcpt && whole)
		ev.nrcpt = a.nrcpt;
	exim_emit(line, sink, &ev);
	emit_recipients(line, sink, a.rcpts, a.nrcpt);
	return PARSE_EVENTS;
}
