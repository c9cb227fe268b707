/* Sendmail: lines "QUEUEID: statement" of the MTA (sm-mta) and of the submitting
 * program (MSP, "sendmail"), which give each local message an id of their own.
 *
 * Invariant: who submitted is read from the end of the line, where Sendmail wrote
 * "relay=USER@localhost" or "relay=host [ip]"; all other fields are read from the
 * left as far as quoting goes. The uid of ctladdr= is not used: it is the uid of
 * whoever has the sender's name, and `sendmail -f root` makes it 0. Does not join
 * lines: that is core/correlate.
 *
 * Formats: Sendmail 8.17 source, sendmail/envelope.c logsender(), deliver.c
 * logdelivery(), srvrsmtp.c, savemail.c; captured lines of 8.17.1. */
#include "core/parser.h"
#include "parsers/cursor.h"

/* Eight characters of time, six or more digits of the process number. */
#define ID_MIN 14
#define ID_MAX 16
#define ID_TIME 8
/* A line is at most 1 KiB or so; further recipients are in lines of their own. */
#define RECIPIENTS_MAX 1024
/* What stat= says of a recipient whose message a rule or somebody holds. */
#define QUARANTINED STR("quarantined")

enum form { FORM_QID = 1, FORM_BARE = 2, FORM_ANY = FORM_QID | FORM_BARE };

struct line {
	const struct record *rec;
	struct event_sink *sink;
	struct str queue_id, statement;
	struct str text; /* the statement behind the rule's prefix */
	unsigned form;
};

struct rule {
	const char *name;
	unsigned forms;
	struct str prefix;
	/* NULL: noise. PARSE_UNKNOWN: not mine, try the next rule. */
	enum parse_result (*handle)(const struct line *line);
};

/* --- parts that several statements share --- */

static bool is_queue_id(struct str id)
{
	if (id.n < ID_MIN || id.n > ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i], letter = c | 0x20;

		if ((c < '0' || c > '9') && (i >= ID_TIME || letter < 'a' || letter > 'z'))
			return false;
	}
	return true;
}

static bool eat_queue_id(struct str *s, struct str *id)
{
	struct str rest = *s, word;

	if (!cursor_until(&rest, STR(": "), &word) || !is_queue_id(word))
		return false;
	*id = word;
	*s = rest;
	return true;
}

static void begin(const struct line *line, struct event *ev, enum event_kind kind)
{
	event_init(ev, kind);
	ev->queue_id = line->queue_id;
}

static enum parse_result emit(const struct line *line, const struct event *ev)
{
	line->sink->emit(line->sink, line->rec, ev);
	return PARSE_EVENTS;
}

/* A line that the syslog daemon vouches a person's uid for can only be of the
 * MSP, which runs as whoever submits. */
static bool by_person(const struct line *line)
{
	return line->rec->cred_uid >= RECORD_FIRST_PERSON;
}

/* ", key=" and its value, which ends at the next comma. */
static bool eat_attribute(struct str *s, struct str key, struct str *value)
{
	if (!str_eat(s, key))
		return false;
	*value = str_head(*s, str_find(*s, STR(", ")));
	*s = str_skip(*s, value->n);
	return true;
}

/* "mx.example. [192.0.2.1]", "[192.0.2.1] [192.0.2.1]", "host [ip] (may be forged)",
 * "IDENT:user@host [ip]". false: no address in it. */
static bool split_host(struct str s, struct str *name, struct str *ip)
{
	struct str host, rest;

	if (str_ends(s, STR(" (may be forged)")))
		s.n -= strlen(" (may be forged)");
	host = str_head(s, str_rchr(s, '['));
	rest = str_skip(s, host.n);
	if (!cursor_ip(&rest, ip) || rest.n)
		return false;
	host = str_trim(host);
	host = str_skip(host, str_rchr(host, '@') < host.n ? str_rchr(host, '@') + 1 : 0);
	if (str_ends(host, STR(".")))
		host.n--;
	*name = host.n && host.p[0] == '[' ? STR_NONE : host;
	return true;
}

/* One address up to a comma that no quote hides; the comma stays. */
static struct str eat_address(struct str *s)
{
	size_t i = 0;
	struct str address, quoted;

	while (i < s->n && s->p[i] != ',') {
		struct str rest = str_skip(*s, i);

		i += s->p[i] == '"' && cursor_quoted(&rest, &quoted) ? quoted.n + 2 : 1;
	}
	address = str_head(*s, i);
	*s = str_skip(*s, i);
	if (str_ends(address, STR(" [more]")))
		address.n -= strlen(" [more]");
	if (str_ends(address, STR(">")) && str_rchr(address, '<') < address.n) {
		size_t open = str_starts(address, STR("<")) ? 0 : str_rchr(address, '<');

		address = cursor_strip_angles(str_skip(address, open));
	}
	return address;
}

/* --- arrival --- */

/* "user@localhost": the login name of the process that submitted. */
static bool local_user(struct str relay, struct str *user)
{
	if (!str_ends(relay, STR("@localhost")))
		return false;
	*user = str_head(relay, relay.n - strlen("@localhost"));
	return user->n && str_chr(*user, ' ') == user->n && str_chr(*user, '@') == user->n;
}

static bool set_client(const struct line *line, struct event *ev, struct str head, struct str relay)
{
	struct str proto = head, before;

	if (local_user(relay, &ev->user)) {
		ev->channel = CHANNEL_LOCAL;
		if (line->rec->cred_uid >= RECORD_FIRST_PERSON) { /* better than what is written */
			ev->uid = line->rec->cred_uid;
			ev->user = STR_NONE;
		}
		return true;
	}
	if (by_person(line) || !split_host(relay, &ev->client_name, &ev->client_ip))
		return false;
	ev->channel = CHANNEL_SMTP;
	if (cursor_until_last(&proto, STR(", proto="), &before)) {
		proto = str_head(proto, str_chr(proto, ','));
		if (str_ends(proto, STR("A")))
			ev->channel = CHANNEL_AUTH;
	}
	return true;
}

static void set_message_id(struct event *ev, struct str s)
{
	if (str_eat(&s, STR(", msgid=")))
		cursor_angle(&s, &ev->message_id);
}

/* "from=<s>, size=1, class=0, nrcpts=1, msgid=<m>, bodytype=, proto=ESMTP,
 * daemon=MTA, relay=host [ip]"; the client of an authenticated session was named
 * by an AUTH line of the same process. */
static enum parse_result on_sender(const struct line *line)
{
	struct str head, relay = line->text, s, class;
	struct event ev;

	begin(line, &ev, EV_ACCEPT);
	if (!cursor_until_last(&relay, STR(", relay="), &head) ||
	    !set_client(line, &ev, head, relay))
		return PARSE_UNKNOWN;
	s = head;
	ev.sender = eat_address(&s);
	ev.sender_null = ev.sender.n == 0;
	if (!cursor_int(&s, STR(", size="), &ev.size) ||
	    !eat_attribute(&s, STR(", class="), &class) ||
	    !cursor_int(&s, STR(", nrcpts="), &ev.nrcpt))
		return PARSE_UNKNOWN;
	set_message_id(&ev, s);
	ev.no_end = true;
	return emit(line, &ev);
}

/* "AUTH=server, relay=host [ip], authid=login, mech=PLAIN, bits=0" */
static enum parse_result on_auth(const struct line *line)
{
	struct str login = line->text, relay;
	struct event ev;

	begin(line, &ev, EV_AUTH);
	if (by_person(line) || !cursor_until_last(&login, STR(", authid="), &relay) ||
	    !split_host(relay, &ev.client_name, &ev.client_ip))
		return PARSE_UNKNOWN;
	ev.auth = login;
	if (!cursor_until_last(&ev.auth, STR(", mech="), &ev.login))
		return PARSE_UNKNOWN;
	ev.auth = str_head(ev.auth, str_chr(ev.auth, ','));
	return emit(line, &ev);
}

/* "AUTH failure (LOGIN): authentication failure (-13) SASL(-13): text, user=login,
 * relay=host [ip]"; no user= before 8.16. */
static enum parse_result on_auth_fail(const struct line *line)
{
	struct str s = line->text, relay, head;
	struct event ev;

	begin(line, &ev, EV_AUTH_FAIL);
	if (!cursor_until(&s, STR("): "), &ev.auth))
		return PARSE_UNKNOWN;
	relay = s;
	if (!cursor_until_last(&relay, STR(", relay="), &head) ||
	    !split_host(relay, &ev.client_name, &ev.client_ip))
		return PARSE_UNKNOWN;
	ev.login = head;
	ev.response = head;
	if (!cursor_until(&ev.login, STR(", user="), &ev.response))
		ev.login = STR_NONE;
	return emit(line, &ev);
}

/* --- headers that etc/snippets/sendmail logs --- */

static enum parse_result header(const struct line *line, struct str name)
{
	struct event ev;

	if (by_person(line))
		return PARSE_UNKNOWN;
	begin(line, &ev, EV_HEADER);
	ev.header_name = name;
	ev.header_value = line->text;
	return emit(line, &ev);
}

static enum parse_result on_script(const struct line *line)
{
	return header(line, STR("X-PHP-Originating-Script"));
}

static enum parse_result on_reference(const struct line *line)
{
	return header(line, STR("X-Mailaudit-Ref"));
}

/* --- delivery --- */

/* Without a mailer and a code nothing was tried: a rule or a milter refused the
 * mail while its client still waited (logundelrcpts()). */
static void set_status(struct event *ev, struct str mailer, struct str stat)
{
	char class = ev->dsn.n ? ev->dsn.p[0] : '\0';

	if (str_eq(stat, STR("queued")) || str_starts(stat, STR("queued ")) ||
	    str_eq(stat, QUARANTINED))
		ev->status = RCPT_PENDING;
	else if (class == '2' || (!class && str_starts(stat, STR("Sent"))))
		ev->status = RCPT_SENT;
	else if (class == '4' || (!class && str_starts(stat, STR("Deferred"))))
		ev->status = RCPT_DEFERRED;
	else if (!class && !mailer.n)
		ev->status = RCPT_REJECTED;
	else
		ev->status = RCPT_BOUNCED;
}

static void set_place(struct event *ev, struct str mailer)
{
	if (str_eq(mailer, STR("local")) || str_eq(mailer, STR("prog")) ||
	    str_eq(mailer, STR("*file*")) || str_eq(mailer, STR("*include*")))
		ev->place = PLACE_LOCAL;
	else if (ev->relay_ip.n)
		ev->place = PLACE_REMOTE;
}

/* "Sent (6AN70Fuf030879 Message accepted for delivery)": the MTA's id. */
static void set_next_id(struct event *ev, struct str stat)
{
	struct str id;

	if (ev->status == RCPT_SENT && str_eat(&stat, STR("Sent (")) &&
	    cursor_until(&stat, STR(" "), &id) && is_queue_id(id) &&
	    str_eq(stat, STR("Message accepted for delivery)")))
		ev->next_id = id;
}

/* Behind the recipients: "ctladdr=c (uid/gid), delay=, xdelay=, mailer=, pri=,
 * relay=, dsn=, reply=, ntries=, quarantine=, stat=". The answer of the remote host
 * may spell anything, so dsn= before it decides. */
static bool read_outcome(struct str s, struct event *ev)
{
	struct str skipped, mailer = STR_NONE, relay = STR_NONE;

	if (str_eat(&s, STR(", ctladdr=")))
		eat_address(&s);
	if (!eat_attribute(&s, STR(", delay="), &skipped))
		return false;
	eat_attribute(&s, STR(", xdelay="), &skipped);
	eat_attribute(&s, STR(", mailer="), &mailer);
	eat_attribute(&s, STR(", pri="), &skipped);
	eat_attribute(&s, STR(", relay="), &relay);
	if (!split_host(relay, &ev->relay, &ev->relay_ip))
		ev->relay = relay;
	eat_attribute(&s, STR(", dsn="), &ev->dsn);
	if (!cursor_until(&s, STR(", stat="), &skipped))
		return false;
	set_status(ev, mailer, s);
	set_place(ev, mailer);
	set_next_id(ev, s);
	ev->response = str_eat(&skipped, STR(", reply=")) ? skipped : s;
	return true;
}

/* Each recipient of "to=a,b,<c>" with the same outcome. */
static void emit_all(const struct line *line, struct event *ev, struct str list)
{
	for (int n = 0; list.n && n < RECIPIENTS_MAX; n++) {
		ev->recipient = eat_address(&list);
		str_eat(&list, STR(","));
		if (ev->recipient.n)
			emit(line, ev);
	}
}

/* "to=a,b,<c>, ctladdr=...". When the mail is handed to the MTA, all recipients
 * are named before one of them leads to its other id: an id's further recipients
 * are then no news that an alias could have made. */
static enum parse_result on_recipient(const struct line *line)
{
	struct str s = line->text, list;
	struct event ev, named;

	do
		eat_address(&s);
	while (!str_starts(s, STR(", ")) && str_eat(&s, STR(",")));
	list = str_range(line->text.p, s.p);
	begin(line, &ev, EV_DELIVERY);
	if (!read_outcome(s, &ev))
		return PARSE_UNKNOWN;
	ev.no_end = true;
	if (ev.next_id.n && str_chr(list, ',') < list.n) {
		begin(line, &named, EV_DELIVERY);
		named.no_end = true;
		emit_all(line, &named, list);
	}
	emit_all(line, &ev, list);
	if (str_eq(ev.response, QUARANTINED)) {
		begin(line, &ev, EV_HOLD);
		emit(line, &ev);
	}
	return PARSE_EVENTS;
}

/* "quarantine=why", "unquarantine": by `sendmail -Q` */
static enum parse_result on_quarantine(const struct line *line)
{
	struct event ev;

	begin(line, &ev, EV_HOLD);
	ev.response = line->text;
	return emit(line, &ev);
}

static enum parse_result on_unquarantine(const struct line *line)
{
	struct event ev;

	if (line->text.n)
		return PARSE_UNKNOWN;
	begin(line, &ev, EV_RELEASE);
	return emit(line, &ev);
}

/* --- refusals --- */

/* "<a@b>... User unknown", in a session whose from= line comes later */
static enum parse_result on_refused(const struct line *line)
{
	struct str s = line->statement;
	struct event ev;

	begin(line, &ev, EV_DELIVERY);
	if (!cursor_angle(&s, &ev.recipient)) {
		s = line->text;
		if (!cursor_until(&s, STR(">"), &ev.recipient))
			return PARSE_UNKNOWN;
	}
	if (!str_eat(&s, STR("... ")))
		return PARSE_UNKNOWN;
	ev.status = RCPT_REJECTED;
	ev.response = s;
	ev.no_end = true;
	return emit(line, &ev);
}

/* "check_rcpt, arg1=<a@b>, relay=host [ip], reject=550 5.7.1 text". trust_auth
 * tells only that AUTH= of a MAIL command was not believed; of "discard" and
 * "quarantine=why" a line of their own tells what came of it. */
static enum parse_result on_ruleset(const struct line *line)
{
	struct str s = line->text, name, arg, relay;
	struct event ev;

	begin(line, &ev, EV_REJECT);
	if (!cursor_until(&s, STR(", arg1="), &name))
		return PARSE_UNKNOWN;
	if (str_eq(name, STR("trust_auth")))
		return PARSE_NOISE;
	arg = eat_address(&s);
	if (!cursor_until(&s, STR(", relay="), &relay))
		return PARSE_UNKNOWN;
	if (str_ends(s, STR("], discard")) || str_find(s, STR("], quarantine=")) < s.n)
		return PARSE_NOISE;
	if (!cursor_until(&s, STR(", reject="), &relay) ||
	    !split_host(relay, &ev.client_name, &ev.client_ip))
		return PARSE_UNKNOWN;
	ev.response = s;
	ev.channel = CHANNEL_SMTP;
	ev.status = RCPT_REJECTED;
	ev.no_end = true;
	if (str_eq(name, STR("check_rcpt")))
		ev.recipient = arg;
	else if (str_eq(name, STR("check_mail")))
		ev.sender = arg;
	return emit(line, &ev);
}

/* --- other ids of a message --- */

/* "ID2: DSN: text", "sender notify:", "postmaster notify:", "return to sender:",
 * "return receipt:"; "ID2: clone: owner=o": part of the recipients go on as ID2. */
static enum parse_result on_other_id(const struct line *line)
{
	struct str s = line->text, id, verb;
	struct event ev;

	if (!eat_queue_id(&s, &id))
		return PARSE_UNKNOWN;
	begin(line, &ev, str_starts(s, STR("clone:")) ? EV_REQUEUE : EV_NOTICE);
	ev.next_id = id;
	ev.no_end = true;
	if (ev.kind == EV_NOTICE && !str_starts(s, STR("DSN: ")) &&
	    str_find(s, STR("return ")) == s.n && str_find(s, STR(" notify: ")) == s.n)
		return PARSE_UNKNOWN;
	emit(line, &ev);
	if (cursor_until(&s, STR(": "), &verb) && str_starts(s, STR("Cannot send message for "))) {
		begin(line, &ev, EV_EXPIRE);
		ev.status = RCPT_EXPIRED;
		ev.response = s;
		emit(line, &ev);
	}
	return PARSE_EVENTS;
}

static enum parse_result on_done(const struct line *line)
{
	struct event ev;

	begin(line, &ev, EV_END);
	return emit(line, &ev);
}

static enum parse_result on_discarded(const struct line *line)
{
	struct event ev;

	if (line->text.n)
		return PARSE_UNKNOWN;
	begin(line, &ev, EV_DISCARD);
	return emit(line, &ev);
}

/* "host [ip] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA", "host [ip]:
 * possible SMTP attack: command=AUTH, count=5", "host [ip]: EXPN root [rejected]", "/etc/mail/
 * aliases: 3 aliases, longest 4 bytes": the sentence is not at the start. */
static enum parse_result on_sentence(const struct line *line)
{
	struct str s = line->text;
	bool known = str_find(s, STR(" did not issue MAIL/EXPN/VRFY/ETRN ")) < s.n ||
		     str_find(s, STR("]: possible SMTP attack: command=")) < s.n ||
		     str_ends(s, STR(" [rejected]")) ||
		     str_find(s, STR(" aliases, longest ")) < s.n;

	return known ? PARSE_NOISE : PARSE_UNKNOWN;
}

/* --- the rules --- */

#define NOISE NULL
#define RULES(X) \
	X("recipient", FORM_QID, "to=", on_recipient) \
	X("sender", FORM_QID, "from=", on_sender) \
	X("script", FORM_QID, "mailaudit-script:", on_script) \
	X("reference", FORM_QID, "mailaudit-ref:", on_reference) \
	X("auth", FORM_ANY, "AUTH=server, relay=", on_auth) \
	X("auth-client", FORM_ANY, "AUTH=client, ", NOISE) \
	X("auth-fail", FORM_ANY, "AUTH failure (", on_auth_fail) \
	X("warning", FORM_QID, "Authentication-Warning: ", NOISE) \
	X("ruleset", FORM_ANY, "ruleset=", on_ruleset) \
	X("refused", FORM_QID, "<", on_refused) \
	X("quarantine", FORM_QID, "quarantine=", on_quarantine) \
	X("unquarantine", FORM_QID, "unquarantine", on_unquarantine) \
	X("done", FORM_QID, "done; delay=", on_done) \
	X("discarded", FORM_QID, "discarded", on_discarded) \
	X("starttls", FORM_ANY, "STARTTLS=", NOISE) \
	X("connect", FORM_BARE, "NOQUEUE: connect from ", NOISE) \
	X("start", FORM_BARE, "starting daemon (", NOISE) \
	X("aliases", FORM_BARE, "alias database ", NOISE) \
	X("lost", FORM_ANY, "lost input channel from ", NOISE) \
	X("timeout", FORM_ANY, "timeout waiting for input from ", NOISE) \
	X("greeted", FORM_ANY, "rejecting commands from ", NOISE) \
	X("system-error", FORM_ANY, "SYSERR(", NOISE) \
	X("panic", FORM_QID, "Losing ", NOISE) \
	X("headers", FORM_QID, "headers too large (", NOISE) \
	X("unsafe", FORM_QID, "Warning: program ", NOISE) \
	X("outgoing", FORM_QID, "SMTP outgoing connect on ", NOISE) \
	X("milter", FORM_ANY, "Milter", NOISE) \
	X("other-id", FORM_QID, "", on_other_id) \
	X("sentence", FORM_ANY, "", on_sentence)

static const struct rule rules[] = {
#define X(name, forms, prefix, handle) { name, forms, STR(prefix), handle },
	RULES(X)
#undef X
};

static const char *const rule_names[] = {
#define X(name, ...) name,
	RULES(X)
#undef X
};

#define RULE_COUNT ((int)(sizeof(rules) / sizeof(rules[0])))

static bool claims_sendmail(const struct record *rec)
{
	struct str name = rec->program;

	return rec->shape == RECORD_SYSLOG &&
	       (str_eq(name, STR("sendmail")) || str_eq(name, STR("sm-mta")) ||
		str_eq(name, STR("sm-msp-queue")) || str_eq(name, STR("sendmail-mta")) ||
		str_eq(name, STR("sm-msp")) || str_eq(name, STR("sendmail-msp")) ||
		str_eq(name, STR("sm-que")));
}

/* The submission program runs as whoever calls it, the server and its queue runners do not. */
static bool by_anybody(const struct record *rec)
{
	return str_eq(rec->program, STR("sendmail"));
}

static enum parse_result parse_sendmail(const struct record *rec, struct event_sink *sink)
{
	struct line line = { .rec = rec, .sink = sink, .statement = rec->body };

	sink->rule = -1;
	line.form = eat_queue_id(&line.statement, &line.queue_id) ? FORM_QID : FORM_BARE;
	for (int i = 0; i < RULE_COUNT; i++) {
		enum parse_result result;

		if (!(rules[i].forms & line.form) ||
		    !str_starts(line.statement, rules[i].prefix))
			continue;
		line.text = str_skip(line.statement, rules[i].prefix.n);
		result = rules[i].handle ? rules[i].handle(&line) : PARSE_NOISE;
		if (result == PARSE_UNKNOWN)
			continue;
		sink->rule = i;
		return result;
	}
	return PARSE_UNKNOWN;
}

static const char *const programs[] = { "sendmail", NULL };

const struct parser parser_sendmail = {
	.name = "sendmail",
	.summary = "Sendmail 8.15 to 8.17, any syslog form",
	.claims = claims_sendmail,
	.daemons_only = true,
	.by_anybody = by_anybody,
	.programs = programs,
	.parse = parse_sendmail,
	.rules = rule_names,
	.nrules = RULE_COUNT,
};
