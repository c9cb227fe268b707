/* "=> a@b <c@d> R=router T=transport H=host C="reply"", "** ... : text" and
 * "== ... defer (111): text": what became of a recipient.
 *
 * Invariant: a line that cannot be read to its end names a recipient only if
 * its start can be read in no other way. What the search may cost is bounded
 * by MAX_ODD_TRIES. Formats: delivery_log(), deferral_log() and failure_log() in
 * Exim's src/deliver.c.
 */
#include "parsers/cursor.h"
#include "parsers/exim_line.h"

/* Places where "<address>" could begin behind a command, a file or a local part
 * with blanks; further ones are not tried, and then the line has no recipient. */
#define MAX_ODD_TRIES 8

struct delivery {
	struct exim_fields f;
	struct str final; /* address, local part, pipe, file */
	struct str orig; /* in <>: the address it came from */
	bool bare; /* final is no address: orig is the recipient */
	struct str rest; /* behind the fields */
};

static bool is_address(struct str s)
{
	return str_has_byte(s, '@') && !str_has_byte(STR("|/>:"), s.p[0]);
}

/* Does quoted (\"a\\b\"@d) stand for the same address as plain (a\\b or
 * a\\b@d), which Exim logs with its quotes taken off? */
static bool is_unquoted(struct str plain, struct str quoted)
{
	struct str local, domain = quoted;

	if (!cursor_quoted(&domain, &local) || !str_starts(domain, STR("@")))
		return false;
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '\\')
			i++;
		if (i >= local.n || first(plain) != local.p[i])
			return false;
		plain = str_skip(plain, 1);
	}
	return plain.n == 0 || str_eq(plain, domain);
}

/* " (parent, parent)" with +all_parents. */
static void eat_parents(struct str *s)
{
	struct str rest = *s, list;

	if (str_eat(&rest, STR(" (")) && cursor_until(&rest, STR(")"), &list) &&
	    str_has_byte(list, '@'))
		*s = rest;
}

/* Fields, and then nothing, text, or a deferral. */
static bool read_delivery_fields(struct delivery *d, struct str s)
{
	static const struct str ends[] = {
		STR(":"),	 STR(" : "),
		STR(" defer ("), STR(" routing defer ("),
		STR(" ("),	 STR(" transporting defer (")
	};

	d->f = (struct exim_fields){ 0 };
	exim_eat_delivery_fields(&s, &d->f);
	d->rest = s;
	for (size_t i = 0; i < COUNT(ends); i++)
		if (str_starts(s, ends[i]))
			return true;
	return s.n == 0;
}

/* An address without blanks, parents, and where it came from. */
static bool read_plain_address(struct str s, struct delivery *d)
{
	struct str rest;

	if (first(s) == ':' || !exim_eat_word(&s, &d->final))
		return false;
	eat_parents(&s);
	rest = s;
	if (str_eat(&rest, STR(" ")) && exim_eat_angle(&rest, &d->orig))
		s = rest;
	d->bare = !is_address(d->final);
	return read_delivery_fields(d, s);
}

/* A command, a file, or a local part whose quotes Exim took off: blanks may be
 * in it, and anything else that its owner liked to be logged. */
static bool read_odd_address(struct str s, struct delivery *d)
{
	struct str rest = s;
	int tries = 0;
	bool sink = str_starts(s, STR("save ")) || (s.n && memchr("|/>:\"", s.p[0], 5));
	size_t at;

	d->bare = true;
	while (tries++ < MAX_ODD_TRIES && (at = str_find(rest, STR(" <"))) < rest.n) {
		d->final = str_range(s.p, rest.p + at);
		rest = str_skip(rest, at + 1);
		if (!exim_eat_angle(&rest, &d->orig))
			continue;
		if ((sink || is_unquoted(d->final, d->orig)) &&
		    read_delivery_fields(d, rest))
			return true;
	}
	return false;
}

/* A line that cannot be read to its end, as when the peer's certificate has a
 * quote in its name, still has its address, unless that may be an odd one. */
static struct delivery read_delivery(struct str s)
{
	struct delivery plain = { 0 }, odd = { 0 };

	if (read_plain_address(s, &plain))
		return plain;
	if (read_odd_address(s, &odd))
		return odd;
	if (is_address(plain.final) && !str_has(s, STR(" <\"")))
		return plain;
	return (struct delivery){ .rest = s };
}

/* A transport with a host is remote, but for LMTP, which ends in a mailbox of
 * ours. A router alone says nothing: it failed before it was decided. */
static enum rcpt_place place_of(const struct delivery *d)
{
	struct str t = d->f.value[SLOT_TRANSPORT];

	if (str_has(t, STR("lmtp")))
		return PLACE_LOCAL;
	if (d->f.ip.n || str_has(t, STR("smtp")) || str_has(t, STR("remote")))
		return PLACE_REMOTE;
	return t.n || (d->bare && d->final.n) ? PLACE_LOCAL : PLACE_UNKNOWN;
}

static void set_delivery(struct event *ev, const struct delivery *d)
{
	bool use_orig = d->bare && is_address(d->orig);

	ev->recipient = use_orig ? d->orig : d->final;
	if (!use_orig && is_address(d->orig) && !str_eq(d->orig, d->final))
		ev->orig_to = d->orig;
	if (d->f.has[SLOT_SENDER])
		exim_set_sender(ev, d->f.value[SLOT_SENDER]);
	ev->place = place_of(d);
	ev->relay = d->f.name.n ? d->f.name : d->f.helo;
	ev->relay_ip = d->f.ip;
}

/* "5.1.1" behind a reply code ("550 5.1.1 ", "550-5.1.1 ") or at the start. */
static bool eat_dsn(struct str s, struct str *dsn)
{
	struct str rest = s;
	int64_t n;

	if (!first(rest) || !memchr("245", first(rest), 3))
		return false;
	for (int i = 0; i < 3; i++) {
		struct str digits = rest;

		if ((i && !str_eat(&rest, STR("."))) || !str_eat_int(&rest, &n))
			return false;
		if (n > 999 || (i == 0 && digits.n - rest.n != 1))
			return false;
	}
	*dsn = str_range(s.p, rest.p);
	return !is_base62(first(rest)) &&
	       !str_has_byte(STR(".@-"), rest.n ? rest.p[0] : ' ');
}

static struct str find_dsn(struct str text)
{
	struct str dsn;

	if (eat_dsn(text, &dsn))
		return dsn;
	for (size_t i = 0; i + 9 <= text.n; i++) {
		const char *p = text.p + i;

		if (i && p[-1] != ' ' && p[-1] != '"')
			continue;
		if (is_digit(p[0]) && is_digit(p[1]) && is_digit(p[2]) &&
		    (p[3] == ' ' || p[3] == '-') && eat_dsn(str_skip(text, i + 4), &dsn))
			return dsn;
	}
	return STR_NONE;
}

/* The id that the next hop gave: Exim's "250 OK id=X", Postfix's and a content
 * filter's "... queued as X" at the end. */
static struct str find_next_id(struct str reply)
{
	struct str id, rest = reply;
	size_t at = str_rfind(reply, STR("queued as "));

	if (str_eat(&rest, STR("250 OK id=")) && exim_eat_message_id(&rest, &id))
		return id;
	if (at == reply.n)
		return STR_NONE;
	id = str_skip(reply, at + 10);
	for (size_t i = 0; i < id.n; i++)
		if (!is_base62(id.p[i]) && id.p[i] != '-')
			return STR_NONE;
	return id;
}

enum parse_result exim_read_sent(struct exim_line *line, struct event_sink *sink)
{
	struct delivery d = read_delivery(line->rest);
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	ev.status = RCPT_SENT;
	set_delivery(&ev, &d);
	ev.response = d.f.value[SLOT_REPLY];
	ev.dsn = find_dsn(ev.response);
	ev.next_id = find_next_id(ev.response);
	return exim_emit(line, sink, &ev);
}

/* +deliver_time puts " DT=1s" behind the text of a failure. */
static struct str without_time(struct str s)
{
	size_t at;

	s = str_trim(s);
	at = str_rchr(s, ' ');
	return str_starts(str_skip(s, at), STR(" DT=")) ? str_head(s, at) : s;
}

/* Text behind ": ", or " : " as some releases have it. */
static bool eat_reason(struct str s, struct str *reason)
{
	str_eat(&s, STR(" "));
	if (!str_eat(&s, STR(":")))
		return false;
	*reason = without_time(s);
	return true;
}

enum parse_result exim_read_failed(struct exim_line *line, struct event_sink *sink)
{
	struct delivery d = read_delivery(line->rest);
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	set_delivery(&ev, &d);
	if (!eat_reason(d.rest, &ev.response))
		ev.response = str_trim(d.rest);
	ev.dsn = find_dsn(ev.response);
	ev.status = str_ends(ev.response, STR("retry timeout exceeded")) ? RCPT_EXPIRED
									 : RCPT_BOUNCED;
	return exim_emit(line, sink, &ev);
}

/* " defer (111): Connection refused H=host [ip] DT=1s: text": the error's name
 * only for a number above zero, host and text only where there are some. */
static void read_deferral(struct str s, struct delivery *d, struct str *reason)
{
	struct str name, rest;
	int64_t number;
	size_t at;

	str_eat(&s, STR(" routing"));
	str_eat(&s, STR(" transporting"));
	if (!str_eat(&s, STR(" defer (")) || !cursor_until(&s, STR(")"), &name))
		return;
	if (str_int(name, &number) && number > 0 && str_eat(&s, STR(": "))) {
		*reason = without_time(s);
		at = str_find(s, STR(" H="));
		if (at == s.n)
			return;
		name = str_head(s, at);
		s = str_skip(s, at);
	} else {
		name = STR_NONE;
	}
	rest = s;
	exim_eat_delivery_fields(&rest, &d->f);
	if (!eat_reason(rest, reason))
		*reason = rest.n ? str_trim(rest) : name;
}

enum parse_result exim_read_deferred(struct exim_line *line, struct event_sink *sink)
{
	struct delivery d = read_delivery(line->rest);
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	ev.status = RCPT_DEFERRED;
	read_deferral(d.rest, &d, &ev.response);
	set_delivery(&ev, &d);
	ev.dsn = find_dsn(ev.response);
	return exim_emit(line, sink, &ev);
}
