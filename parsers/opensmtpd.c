/* OpenSMTPD: lines "SESSION smtp|mta|mda what key=value ..." of 6.0 and later, and
 * "smtp-in: sentence", "relay: Ok for EVPID: key=value, ..." of 5.x and of its queue.
 *
 * Invariant: a message's queue id is msgid, the first half of each envelope's id
 * (evpid). Who is at the other end is told once for a session; the session's id goes
 * along with each event, core/session joins them. No uid is ever logged: mail of a
 * program on this host has address=local, and nothing here makes an account of that.
 * An address ends at its first '>', for OpenSMTPD takes none that has one.
 *
 * Formats: OpenSMTPD source, smtp_session.c, mta.c, mda.c, queue.c, of 5.3, 5.4, 6.0,
 * 6.3, 6.8 and 7.6; captured lines of 6.8.0p2 and 7.6.0p1. */
#include "core/parser.h"
#include "parsers/cursor.h"

#define SESSION_DIGITS 16
#define EVPID_DIGITS 16
#define MSGID_DIGITS 8

enum form { FORM_SESSION = 1, FORM_BARE = 2 };

struct line {
	const struct record *rec;
	struct event_sink *sink;
	struct str session;
	struct str text; /* behind the rule's prefix */
};

struct rule {
	const char *name;
	enum form form;
	struct str prefix;
	enum parse_result (*handle)(const struct line *line); /* NULL: noise */
};

/* --- parts that several lines share --- */

static bool eat_hex(struct str *s, size_t digits, struct str *out)
{
	if (s->n < digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		if (!memchr("0123456789abcdef", s->p[i], 16))
			return false;
	*out = str_head(*s, digits);
	*s = str_skip(*s, digits);
	return true;
}

/* Between two fields: a blank, before 6.0 a comma too. */
static bool eat_gap(struct str *s)
{
	return str_eat(s, STR(", ")) || str_eat(s, STR(" "));
}

/* "key=word" */
static bool eat_word(struct str *s, struct str key, struct str *word)
{
	if (!str_eat(s, key))
		return false;
	*word = str_head(*s, str_chr(*s, ' '));
	*s = str_skip(*s, word->n);
	if (str_ends(*word, STR(",")))
		word->n--;
	return true;
}

/* "key=<address>" and the gap behind it, if there is one. */
static bool eat_address(struct str *s, struct str key, struct str *address)
{
	struct str rest = *s;

	if (!str_eat(&rest, key) || !str_eat(&rest, STR("<")) ||
	    !cursor_until(&rest, STR(">"), address))
		return false;
	eat_gap(&rest);
	*s = rest;
	return true;
}

/* What the queue prints of the null sender. */
static struct str mailbox(struct str address)
{
	return str_eq(address, STR("@")) ? STR_NONE : address;
}

/* "evpid=4d3c2b1a..." -> its message. */
static bool eat_evpid(struct str *s, struct str *msgid)
{
	struct str evpid;

	if (!eat_hex(s, EVPID_DIGITS, &evpid))
		return false;
	*msgid = str_head(evpid, MSGID_DIGITS);
	return true;
}

static void begin(const struct line *line, struct event *ev, enum event_kind kind)
{
	event_init(ev, kind);
	ev->session = line->session;
}

static enum parse_result emit(const struct line *line, const struct event *ev)
{
	line->sink->emit(line->sink, line->rec, ev);
	return PARSE_EVENTS;
}

/* A recipient that the message has, whatever becomes of it. */
static void emit_recipient(const struct line *line, struct str queue_id, struct str recipient)
{
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	ev.queue_id = queue_id;
	ev.recipient = recipient;
	ev.no_end = true;
	emit(line, &ev);
}

/* "192.0.2.1", "[2001:db8::1]", once "IPv6:2001:db8::1", "local" */
static void set_client(struct event *ev, struct str address, struct str host)
{
	if (str_eq(address, STR("local"))) {
		ev->channel = CHANNEL_LOCAL;
		return;
	}
	ev->channel = CHANNEL_SMTP;
	str_eat(&address, STR("IPv6:"));
	if (!cursor_ip(&address, &ev->client_ip))
		ev->client_ip = address;
	if (!str_eq(host, STR("<unknown>")))
		ev->client_name = host;
}

/* "address=192.0.2.1 host=name " as 6.1 to 6.3 write into every line; the name is
 * what the client's DNS says. */
static void eat_client(struct str *s, struct event *ev)
{
	struct str rest = *s, address, host;

	if (!eat_word(&rest, STR("address="), &address) || !eat_gap(&rest) ||
	    !eat_word(&rest, STR("host="), &host))
		return;
	set_client(ev, address, host);
	eat_gap(&rest);
	*s = rest;
}

/* --- sessions --- */

/* "address=192.0.2.1 host=name" */
static enum parse_result on_connected(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	begin(line, &ev, EV_SESSION);
	eat_client(&s, &ev);
	return ev.channel == CHANNEL_NONE ? PARSE_UNKNOWN : emit(line, &ev);
}

static enum parse_result on_disconnected(const struct line *line)
{
	struct event ev;

	begin(line, &ev, EV_SESSION_END);
	return emit(line, &ev);
}

/* "user=login result=ok"; in the login blanks are encoded. A temporary failure
 * says nothing of the password. */
static enum parse_result on_login(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	begin(line, &ev, EV_AUTH);
	if (!eat_word(&s, STR("user="), &ev.login) || !eat_gap(&s))
		return PARSE_UNKNOWN;
	eat_client(&s, &ev);
	if (str_eq(s, STR("result=tempfail")))
		return PARSE_NOISE;
	if (str_eq(s, STR("result=permfail")))
		ev.kind = EV_AUTH_FAIL;
	else if (!str_eq(s, STR("result=ok")))
		return PARSE_UNKNOWN;
	return emit(line, &ev);
}

/* --- messages --- */

/* "msgid=4d3c2b1a size=327 nrcpt=1 proto=ESMTP"; its envelopes follow. */
static enum parse_result on_message(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	begin(line, &ev, EV_ACCEPT);
	if (!str_eat(&s, STR("msgid=")) || !eat_hex(&s, MSGID_DIGITS, &ev.queue_id) ||
	    !cursor_int(&s, STR(" size="), &ev.size) || !cursor_int(&s, STR(" nrcpt="), &ev.nrcpt))
		return PARSE_UNKNOWN;
	ev.no_end = true;
	return emit(line, &ev);
}

/* "evpid=4d3c2b1a5e6f7081 from=<sender> to=<recipient>" */
static enum parse_result on_envelope(const struct line *line)
{
	struct str s = line->text, recipient;
	struct event ev;

	event_init(&ev, EV_QUEUED);
	if (!str_eat(&s, STR("evpid=")) || !eat_evpid(&s, &ev.queue_id) || !eat_gap(&s) ||
	    !eat_address(&s, STR("from="), &ev.sender) || !eat_address(&s, STR("to="), &recipient))
		return PARSE_UNKNOWN;
	ev.sender_null = ev.sender.n == 0;
	emit(line, &ev);
	emit_recipient(line, ev.queue_id, recipient);
	return PARSE_EVENTS;
}

/* Before 6.4, one line for each recipient: "from=<s>, to=<r>, size=1, ndest=1,
 * proto=ESMTP". 5.3 names no recipient, but their number. */
static enum parse_result accept_with_sender(const struct line *line, struct str s,
					    struct event *ev)
{
	struct str recipient = STR_NONE;

	if (!eat_address(&s, STR("from="), &ev->sender))
		return PARSE_UNKNOWN;
	ev->sender_null = ev->sender.n == 0;
	eat_address(&s, STR("to="), &recipient);
	if (!cursor_int(&s, STR("size="), &ev->size) || !eat_gap(&s))
		return PARSE_UNKNOWN;
	cursor_int(&s, STR("nrcpts="), &ev->nrcpt);
	ev->no_end = true;
	emit(line, ev);
	if (recipient.n)
		emit_recipient(line, ev->queue_id, recipient);
	return PARSE_EVENTS;
}

/* "[address=a host=h] msgid=4d3c2b1a from=<s> to=<r> size=1 ndest=1 proto=ESMTP" */
static enum parse_result on_message_to(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	begin(line, &ev, EV_ACCEPT);
	eat_client(&s, &ev);
	if (!str_eat(&s, STR("msgid=")) || !eat_hex(&s, MSGID_DIGITS, &ev.queue_id) || !eat_gap(&s))
		return PARSE_UNKNOWN;
	return accept_with_sender(line, s, &ev);
}

/* --- outcomes --- */

/* "550 5.1.1 text" */
static void set_answer(struct event *ev, struct str stat)
{
	struct str s = stat, dsn;
	int64_t code;

	ev->response = stat;
	if (!str_eat_int(&s, &code) || !str_eat(&s, STR(" ")))
		return;
	dsn = str_head(s, str_chr(s, ' '));
	if (dsn.n >= 5 && dsn.n <= 9 && memchr("245", dsn.p[0], 3) && dsn.p[1] == '.' &&
	    str_rchr(dsn, '.') > 2)
		ev->dsn = dsn;
}

static bool set_result(struct event *ev, struct str result)
{
	if (str_eq(result, STR("Ok")))
		ev->status = RCPT_SENT;
	else if (str_eq(result, STR("TempFail")))
		ev->status = RCPT_DEFERRED;
	else if (str_eq(result, STR("PermFail")))
		ev->status = RCPT_BOUNCED;
	else
		return false;
	return true;
}

/* "192.0.2.1 (mx.example)", "[2001:db8::1]" or "IPv6:...", "example.org" before a host is known */
static void set_relay(struct event *ev, struct str relay)
{
	struct str rest = relay;
	bool v6 = str_eat(&rest, STR("IPv6:"));
	struct str ip = str_head(rest, str_chr(rest, ' '));
	bool v4 = ip.n && ip.p[0] >= '0' && ip.p[0] <= '9' && str_chr(ip, '.') < ip.n;

	if (cursor_ip(&rest, &ev->relay_ip)) {
	} else if (v4 || v6) {
		ev->relay_ip = ip;
		rest = str_skip(rest, ip.n);
	} else {
		ev->relay = str_eq(relay, STR("-")) ? STR_NONE : relay;
		return;
	}
	if (str_eat(&rest, STR(" (")) && str_ends(rest, STR(")")))
		ev->relay = str_head(rest, rest.n - 1);
}

/* "250 2.0.0 4d3c2b1a Message accepted for delivery": sent to OpenSMTPD, perhaps to
 * this one, by way of a content filter. */
static void set_next_id(struct event *ev, struct str stat)
{
	struct str id;

	if (ev->status != RCPT_SENT || !str_ends(stat, STR(" Message accepted for delivery")))
		return;
	stat.n -= strlen(" Message accepted for delivery");
	stat = str_skip(stat, str_rchr(stat, ' ') + 1);
	if (eat_hex(&stat, MSGID_DIGITS, &id) && !stat.n)
		ev->next_id = id;
}

/* "from=<s> to=<r> [rcpt=<original>]"; rcpt=<-> is to. */
static bool eat_path(struct str *s, struct event *ev)
{
	if (!eat_address(s, STR("from="), &ev->sender) || !eat_address(s, STR("to="), &ev->recipient))
		return false;
	ev->sender = mailbox(ev->sender);
	ev->sender_null = ev->sender.n == 0;
	eat_address(s, STR("rcpt="), &ev->orig_to);
	if (str_eq(ev->orig_to, STR("-")) || str_eq(ev->orig_to, ev->recipient))
		ev->orig_to = STR_NONE;
	ev->no_end = true;
	return true;
}

/* "evpid=ID from=<s> to=<r> rcpt=<-> source="a" relay="ip (name)" delay=0s result="Ok"
 * stat="text"". The name and the text are the remote host's. */
static enum parse_result on_relayed(const struct line *line)
{
	struct str s = line->text, skipped, relay, result;
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	if (!str_eat(&s, STR("evpid=")) || !eat_evpid(&s, &ev.queue_id) || !eat_gap(&s) ||
	    !eat_path(&s, &ev) || !str_eat(&s, STR("source=\"")) ||
	    !cursor_until(&s, STR("\" relay=\""), &skipped) ||
	    !cursor_until(&s, STR("\" delay="), &relay) ||
	    !cursor_until(&s, STR(" result=\""), &skipped) ||
	    !cursor_until(&s, STR("\" stat=\""), &result) || !set_result(&ev, result) ||
	    !str_ends(s, STR("\"")))
		return PARSE_UNKNOWN;
	s.n--;
	set_relay(&ev, relay);
	set_answer(&ev, s);
	set_next_id(&ev, s);
	ev.place = PLACE_REMOTE;
	return emit(line, &ev);
}

/* "evpid=ID from=<s> to=<r> [rcpt=<o>] user=u [method=m] delay=0s result=Ok stat=text" */
static enum parse_result on_delivered(const struct line *line)
{
	struct str s = line->text, skipped, result;
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	if (!str_eat(&s, STR("evpid=")) || !eat_evpid(&s, &ev.queue_id) || !eat_gap(&s) ||
	    !eat_path(&s, &ev) || !str_eat(&s, STR("user=")) ||
	    !cursor_until(&s, STR(" delay="), &skipped) ||
	    !cursor_until(&s, STR(" result="), &skipped) ||
	    !cursor_until(&s, STR(" stat="), &result) || !set_result(&ev, result))
		return PARSE_UNKNOWN;
	ev.response = s;
	ev.place = PLACE_LOCAL;
	return emit(line, &ev);
}

/* An envelope that the administrator removed, or that has waited too long. */
static enum parse_result on_taken_out(const struct line *line, struct event *ev, bool expired)
{
	ev->kind = expired ? EV_EXPIRE : EV_DELETE;
	ev->status = expired ? RCPT_EXPIRED : RCPT_PENDING;
	return emit(line, ev);
}

/* "Ok for EVPID: [session=ID, ]from=<s>, to=<r>, [rcpt=<o>, ]... relay=ip (name)[,]
 * delay=0s, stat=text" of 5.x, "user=u, method=m, delay=..." if it stays here; and
 * "Remove for", "Expire for" of the queue until today. */
static enum parse_result old_outcome(const struct line *line, enum rcpt_place place)
{
	struct str s = line->text, result, skipped, middle;
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	if (!cursor_until(&s, STR(" for "), &result) || !eat_evpid(&s, &ev.queue_id) ||
	    !str_eat(&s, STR(": ")))
		return PARSE_UNKNOWN;
	if (eat_word(&s, STR("session="), &skipped))
		eat_gap(&s);
	if (!eat_path(&s, &ev) || !cursor_until(&s, STR("delay="), &middle) ||
	    !cursor_until(&s, STR(", stat="), &skipped))
		return PARSE_UNKNOWN;
	set_answer(&ev, s);
	if (str_eq(result, STR("Remove")) || str_eq(result, STR("Expire")))
		return on_taken_out(line, &ev, result.p[0] == 'E');
	if (!set_result(&ev, result))
		return PARSE_UNKNOWN;
	ev.place = place;
	if (place == PLACE_REMOTE && cursor_until(&middle, STR("relay="), &skipped)) {
		middle = str_trim(middle);
		set_relay(&ev, str_ends(middle, STR(",")) ? str_head(middle, middle.n - 1) : middle);
		set_next_id(&ev, s);
	}
	return emit(line, &ev);
}

static enum parse_result on_old_relay(const struct line *line)
{
	return old_outcome(line, PLACE_REMOTE);
}

static enum parse_result on_old_delivery(const struct line *line)
{
	return old_outcome(line, PLACE_LOCAL);
}

/* --- refusals --- */

/* "RCPT TO:<a@b> ": the commands of a mail; of others, a refusal is no mail refused. */
static enum parse_result refuse(const struct line *line, struct event *ev, struct str command,
				struct str answer)
{
	struct str path = command;

	path = str_skip(path, str_chr(path, '<') + 1);
	path = str_head(path, str_chr(path, '>'));
	if (str_starts_nocase(command, STR("rcpt to:")))
		ev->recipient = path;
	else if (str_starts_nocase(command, STR("mail from:")))
		ev->sender = path;
	else if (!str_starts_nocase(command, STR("data")) && !str_eq(command, STR(".")))
		return PARSE_NOISE;
	ev->status = RCPT_REJECTED;
	set_answer(ev, answer);
	return emit(line, ev);
}

/* "command="RCPT TO:<a@b> " result="550 text"": in the command quotes are as they were
 * sent, so the last result= is the server's. */
static enum parse_result on_refused(const struct line *line)
{
	struct str s = line->text, command;
	struct event ev;

	begin(line, &ev, EV_REJECT);
	eat_client(&s, &ev);
	if (!str_eat(&s, STR("command=\"")) || !cursor_until_last(&s, STR("\" result=\""), &command) ||
	    !str_ends(s, STR("\"")))
		return PARSE_UNKNOWN;
	s.n--;
	return refuse(line, &ev, command, s);
}

/* --- 5.x --- */

/* "08d856b172f69c5c from host name [192.0.2.1]"; [local] */
static enum parse_result on_old_session(const struct line *line)
{
	struct str s = line->text, host;
	struct event ev;

	event_init(&ev, EV_SESSION);
	if (!eat_hex(&s, SESSION_DIGITS, &ev.session) || !str_eat(&s, STR(" from host ")) ||
	    !cursor_until_last(&s, STR(" ["), &host) || !str_ends(s, STR("]")))
		return PARSE_UNKNOWN;
	s.n--;
	set_client(&ev, s, host);
	return emit(line, &ev);
}

/* "4296f490 on session 08d856b172f69c5c: from=<s>, ..." */
static enum parse_result on_old_message(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_ACCEPT);
	if (!eat_hex(&s, MSGID_DIGITS, &ev.queue_id) || !str_eat(&s, STR(" on session ")) ||
	    !eat_hex(&s, SESSION_DIGITS, &ev.session) || !str_eat(&s, STR(": ")))
		return PARSE_UNKNOWN;
	return accept_with_sender(line, s, &ev);
}

/* "login on session 08d856b172f69c5c" */
static enum parse_result old_login(const struct line *line, enum event_kind kind)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, kind);
	if (!cursor_until_last(&s, STR(" on session "), &ev.login) ||
	    !eat_hex(&s, SESSION_DIGITS, &ev.session))
		return PARSE_UNKNOWN;
	return emit(line, &ev);
}

static enum parse_result on_old_login(const struct line *line)
{
	return old_login(line, EV_AUTH);
}

static enum parse_result on_old_login_failed(const struct line *line)
{
	return old_login(line, EV_AUTH_FAIL);
}

/* "08d856b172f69c5c: "RCPT TO:<a@b>" => 550 text" */
static enum parse_result on_old_refused(const struct line *line)
{
	struct str s = line->text, command;
	struct event ev;

	event_init(&ev, EV_REJECT);
	if (!eat_hex(&s, SESSION_DIGITS, &ev.session) || !str_eat(&s, STR(": \"")) ||
	    !cursor_until_last(&s, STR("\" => "), &command))
		return PARSE_UNKNOWN;
	return refuse(line, &ev, command, s);
}

/* "08d856b172f69c5c", and why */
static enum parse_result on_old_session_end(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_SESSION_END);
	if (!eat_hex(&s, SESSION_DIGITS, &ev.session))
		return PARSE_UNKNOWN;
	return emit(line, &ev);
}

/* --- the rules --- */

#define NOISE NULL
#define RULES(X) \
	X("relayed", FORM_SESSION, "mta delivery ", on_relayed) \
	X("delivered", FORM_SESSION, "mda delivery ", on_delivered) \
	X("connected", FORM_SESSION, "smtp connected ", on_connected) \
	X("message", FORM_SESSION, "smtp message ", on_message) \
	X("envelope", FORM_SESSION, "smtp envelope ", on_envelope) \
	X("disconnected", FORM_SESSION, "smtp disconnected ", on_disconnected) \
	X("login", FORM_SESSION, "smtp authentication ", on_login) \
	X("refused", FORM_SESSION, "smtp failed-command ", on_refused) \
	X("bad-input", FORM_SESSION, "smtp bad-input ", NOISE) \
	X("tls", FORM_SESSION, "smtp tls ", NOISE) \
	X("cert", FORM_SESSION, "smtp cert-check ", NOISE) \
	X("client-cert", FORM_SESSION, "smtp client-cert-check ", NOISE) \
	X("relay", FORM_BARE, "relay: ", on_old_relay) \
	X("delivery", FORM_BARE, "delivery: ", on_old_delivery) \
	X("event-message", FORM_SESSION, "smtp event=message ", on_message_to) \
	X("event-relayed", FORM_SESSION, "mta event=delivery ", on_relayed) \
	X("event-delivered", FORM_SESSION, "mda event=delivery ", on_delivered) \
	X("event-connected", FORM_SESSION, "smtp event=connected ", on_connected) \
	X("event-closed", FORM_SESSION, "smtp event=closed ", on_disconnected) \
	X("event-login", FORM_SESSION, "smtp event=authentication ", on_login) \
	X("event-refused", FORM_SESSION, "smtp event=failed-command ", on_refused) \
	X("event", FORM_SESSION, "smtp event=", NOISE) \
	X("mta", FORM_SESSION, "mta ", NOISE) \
	X("old-message", FORM_BARE, "smtp-in: Accepted message ", on_old_message) \
	X("old-session", FORM_BARE, "smtp-in: New session ", on_old_session) \
	X("old-login", FORM_BARE, "smtp-in: Accepted authentication for user ", on_old_login) \
	X("old-login-failed", FORM_BARE, "smtp-in: Authentication failed for user ", \
	  on_old_login_failed) \
	X("old-refused", FORM_BARE, "smtp-in: Failed command on session ", on_old_refused) \
	X("old-closing", FORM_BARE, "smtp-in: Closing session ", on_old_session_end) \
	X("old-received", FORM_BARE, "smtp-in: Received disconnect from session ", \
	  on_old_session_end) \
	X("old-disconnecting", FORM_BARE, "smtp-in: Disconnecting session ", on_old_session_end) \
	X("smtp-in", FORM_BARE, "smtp-in: ", NOISE) \
	X("smtp-out", FORM_BARE, "smtp-out: ", NOISE) \
	X("info", FORM_BARE, "info: ", NOISE) \
	X("warning", FORM_BARE, "warn: ", NOISE) \
	X("debug", FORM_BARE, "debug: ", NOISE) \
	X("queue", FORM_BARE, "queue: ", NOISE) \
	X("exiting", FORM_BARE, "Exiting", NOISE)

static const struct rule rules[] = {
#define X(name, form, prefix, handle) { name, form, STR(prefix), handle },
	RULES(X)
#undef X
};

static const char *const rule_names[] = {
#define X(name, ...) name,
	RULES(X)
#undef X
};

#define RULE_COUNT ((int)(sizeof(rules) / sizeof(rules[0])))

/* Postfix's smtpd has "postfix/" in front of it, or the name of its instance. */
static bool claims_opensmtpd(const struct record *rec)
{
	return rec->shape == RECORD_SYSLOG &&
	       (str_eq(rec->program, STR("smtpd")) || str_eq(rec->program, STR("opensmtpd")));
}

static enum parse_result parse_opensmtpd(const struct record *rec, struct event_sink *sink)
{
	struct line line = { .rec = rec, .sink = sink };
	struct str statement = rec->body;
	enum form form = FORM_SESSION;

	sink->rule = -1;
	if (!eat_hex(&statement, SESSION_DIGITS, &line.session) || !str_eat(&statement, STR(" "))) {
		form = FORM_BARE;
		statement = rec->body;
	}
	for (int i = 0; i < RULE_COUNT; i++) {
		enum parse_result result;

		if (rules[i].form != form || !str_starts(statement, rules[i].prefix))
			continue;
		line.text = str_skip(statement, rules[i].prefix.n);
		result = rules[i].handle ? rules[i].handle(&line) : PARSE_NOISE;
		if (result == PARSE_UNKNOWN)
			return result;
		sink->rule = i;
		return result;
	}
	return PARSE_UNKNOWN;
}

static const char *const programs[] = { "smtpd", NULL };

const struct parser parser_opensmtpd = {
	.name = "opensmtpd",
	.summary = "OpenSMTPD 5.3 to 7, any syslog form",
	.claims = claims_opensmtpd,
	.parse = parse_opensmtpd,
	.rules = rule_names,
	.nrules = RULE_COUNT,
	.daemons_only = true,
	.programs = programs,
};
