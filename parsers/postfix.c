/* Postfix: lines "QUEUEID: statement" of many small daemons.
 *
 * The table RULES says which daemon says what. A line is taken by the first rule
 * whose daemon, form and prefix fit and whose handler understands it; what no
 * rule takes stays unknown, so that new lines are noticed.
 *
 * Invariant: a field is read from the left as far as Postfix delimits it, and
 * from the right only where Postfix itself wrote the end of the line. Senders,
 * recipients, header values and remote answers are other people's text and may
 * spell any field. Does not join lines: that is core/correlate.
 *
 * Formats: Postfix 3.7 source, src/ of the daemon that each rule names, and logs
 * of older releases (no <> around addresses, no dsn=). */
#include "core/parser.h"
#include "parsers/cursor.h"

/* Places where the end of a rule line could begin; further ones are not tried. */
#define TAIL_TRIES 32
/* Longest queue id; Postfix's own are under 30 bytes. */
#define ID_MAX 40
/* "message repeated N times": an event is not emitted more often than this. */
#define REPEAT_MAX 100

/* Daemons, by the last component of the program name. */
enum {
	SV_SMTPD = 1 << 0,
	SV_CLEANUP = 1 << 1,
	SV_QMGR = 1 << 2,
	SV_PICKUP = 1 << 3,
	SV_SMTP = 1 << 4,
	SV_LMTP = 1 << 5,
	SV_LOCAL = 1 << 6, /* local, virtual, pipe: never leave the host */
	SV_ERROR = 1 << 7, /* error, retry, discard: deliver nowhere */
	SV_BOUNCE = 1 << 8,
	SV_POSTSUPER = 1 << 9,
	SV_QUIET = 1 << 10, /* say nothing about accepted messages */
	SV_OTHER = 1 << 11, /* commands, and daemons we do not know */
	SV_AGENT = SV_SMTP | SV_LMTP | SV_LOCAL | SV_ERROR,
	SV_CLIENT = SV_SMTP | SV_LMTP,
	SV_HOUSE = SV_QUIET | SV_OTHER, /* housekeeping */
	SV_ANY = (1 << 12) - 1,
	/* The program is just "postfix": rsyslog's RFC 5424 form drops the daemon. */
	SV_UNSAID = SV_ANY & ~SV_QUIET
};

/* What stands before the statement. */
enum form {
	FORM_QID = 1, /* "4jXxGT14rvz1c0tT: " */
	FORM_NOQUEUE = 2, /* "NOQUEUE: " */
	FORM_BARE = 4, /* nothing */
	FORM_BOTH = FORM_QID | FORM_NOQUEUE,
	FORM_ANY = FORM_BOTH | FORM_BARE
};

struct line {
	const struct record *rec;
	struct event_sink *sink;
	struct str instance, queue_id;
	unsigned service, form;
	struct str statement;
	struct str text; /* the statement behind the rule's prefix */
};

struct rule {
	const char *name;
	unsigned services, forms;
	struct str prefix;
	/* NULL: noise. PARSE_UNKNOWN: not mine, try the next rule. */
	enum parse_result (*handle)(const struct line *line, enum event_kind kind);
	enum event_kind kind; /* for the handlers that several rules share */
};

/* --- names and ids --- */

static const struct {
	struct str name;
	unsigned service;
} services[] = {
	{ STR("smtpd"), SV_SMTPD },       { STR("cleanup"), SV_CLEANUP },
	{ STR("qmgr"), SV_QMGR },         { STR("smtp"), SV_SMTP },
	{ STR("pickup"), SV_PICKUP },     { STR("local"), SV_LOCAL },
	{ STR("lmtp"), SV_LMTP },         { STR("virtual"), SV_LOCAL },
	{ STR("pipe"), SV_LOCAL },        { STR("error"), SV_ERROR },
	{ STR("retry"), SV_ERROR },       { STR("discard"), SV_ERROR },
	{ STR("bounce"), SV_BOUNCE },     { STR("defer"), SV_BOUNCE },
	{ STR("trace"), SV_BOUNCE },      { STR("postsuper"), SV_POSTSUPER },
	{ STR("nqmgr"), SV_QMGR },        { STR("oqmgr"), SV_QMGR },
	{ STR("qmqpd"), SV_SMTPD },       { STR("anvil"), SV_QUIET },
	{ STR("dnsblog"), SV_QUIET },     { STR("flush"), SV_QUIET },
	{ STR("master"), SV_QUIET },      { STR("postfix-script"), SV_QUIET },
	{ STR("postlogd"), SV_QUIET },    { STR("postscreen"), SV_QUIET },
	{ STR("proxymap"), SV_QUIET },    { STR("scache"), SV_QUIET },
	{ STR("showq"), SV_QUIET },       { STR("spawn"), SV_QUIET },
	{ STR("tlsmgr"), SV_QUIET },      { STR("tlsproxy"), SV_QUIET },
	{ STR("trivial-rewrite"), SV_QUIET }, { STR("verify"), SV_QUIET },
};

static unsigned find_service(struct str name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_eq(name, services[i].name))
			return services[i].service;
	return SV_OTHER;
}

/* "postfix-out/submission/smtpd": instance and daemon; the middle is the
 * administrator's. The instance that is just "postfix" is left empty. */
static void split_program(struct str program, struct line *line)
{
	size_t first = str_chr(program, '/'), last = str_rchr(program, '/');

	line->instance = str_head(program, first);
	if (str_eq(line->instance, STR("postfix")))
		line->instance = STR_NONE;
	line->service = last < program.n ? find_service(str_skip(program, last + 1))
					 : SV_UNSAID;
}

enum { ID_HEX = 1, ID_LONG = 2 };

/* Digits of short ids, and of long ones: base 52 without vowels. */
static const unsigned char id_digit[256] = {
	['0' ... '9'] = ID_HEX | ID_LONG,
	['A'] = ID_HEX, ['B' ... 'D'] = ID_HEX | ID_LONG,
	['E'] = ID_HEX, ['F'] = ID_HEX | ID_LONG,
	['G' ... 'H'] = ID_LONG, ['J' ... 'N'] = ID_LONG, ['P' ... 'T'] = ID_LONG,
	['V' ... 'Z'] = ID_LONG,
	['b' ... 'd'] = ID_LONG, ['f' ... 'h'] = ID_LONG, ['j' ... 'n'] = ID_LONG,
	['p' ... 't'] = ID_LONG, ['v' ... 'z'] = ID_LONG,
};

/* src/global/mail_queue.h. Short: five hex digits of microseconds, the inode
 * number. Long: six digits of seconds, four of microseconds, 'z', the inode
 * number. */
static bool is_queue_id(struct str id)
{
	unsigned all = ID_HEX | ID_LONG;

	if (id.n < 6 || id.n > ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++)
		all &= id_digit[(unsigned char)id.p[i]];
	return all & ID_HEX || (all & ID_LONG && id.n >= 12 && id.p[10] == 'z');
}

static void split_queue_id(struct str body, struct line *line)
{
	size_t n = str_chr(str_head(body, ID_MAX + 1), ':');
	struct str id = str_head(body, n), rest = str_skip(body, n);

	line->form = FORM_BARE;
	line->queue_id = STR_NONE;
	line->statement = body;
	if (!str_eat(&rest, STR(": ")))
		return;
	if (is_queue_id(id)) {
		line->form = FORM_QID;
		line->queue_id = id;
		line->statement = rest;
	} else if (str_eq(id, STR("NOQUEUE"))) {
		line->form = FORM_NOQUEUE;
		line->statement = rest;
	}
}

/* --- parts that several statements share --- */

static void begin(const struct line *line, struct event *ev, enum event_kind kind)
{
	event_init(ev, kind);
	ev->instance = line->instance;
	ev->queue_id = line->queue_id;
}

static enum parse_result emit(const struct line *line, const struct event *ev)
{
	line->sink->emit(line->sink, line->rec, ev);
	return PARSE_EVENTS;
}

/* "<a@b>", "a@b" or "<>" that Postfix delimits on both sides. */
static void set_sender(struct event *ev, struct str value)
{
	ev->sender = cursor_strip_angles(value);
	ev->sender_null = ev->sender.n == 0;
}

/* "550 5.1.1 text" or "5.1.1 text" */
static struct str find_dsn(struct str text)
{
	struct str word;
	int64_t code;

	if (text.n > 3 && text.p[3] == ' ' && str_int(str_head(text, 3), &code))
		text = str_skip(text, 4);
	if (!cursor_word(&text, &word) || word.n < 5 || word.p[1] != '.' ||
	    !memchr("245", word.p[0], 3) || str_chr(str_skip(word, 2), '.') == word.n - 2)
		return STR_NONE;
	return word;
}

/* --- the end of a rule line ---
 *
 * smtpd_check.c log_whatsup() and cleanup_message.c cleanup_act_log() end with
 * "; from=<s> to=<r> proto=ESMTP helo=<h> sasl_username=<l>", each if known; the
 * latter adds ": text". What stands before may hold the recipient or a header
 * as somebody wrote it, so the leftmost place from which exactly this follows to
 * the end of the line is the right one: an address that Postfix quotes cannot
 * spell an end of line. */

struct tail {
	struct str from, to, proto, helo, login, text;
	bool has_from;
};

/* One "key=<value>" or "key=value" and the blank behind it. */
static bool eat_pair(struct str *s, struct str key, struct str *value, bool *found)
{
	*found = str_eat(s, key);
	if (!*found)
		return true;
	if (s->n && s->p[0] == '<') {
		if (!cursor_angle(s, value))
			return false;
	} else {
		*value = str_head(*s, str_chr(*s, ' '));
		*s = str_skip(*s, value->n);
	}
	str_eat(s, STR(" "));
	return true;
}

static bool parse_tail(struct str s, bool with_text, struct tail *t)
{
	bool found;

	*t = (struct tail){ 0 };
	if (!eat_pair(&s, STR("from="), &t->from, &t->has_from) ||
	    !eat_pair(&s, STR("to="), &t->to, &found) ||
	    !eat_pair(&s, STR("proto="), &t->proto, &found) ||
	    !eat_pair(&s, STR("helo="), &t->helo, &found) ||
	    !eat_pair(&s, STR("sasl_username="), &t->login, &found))
		return false;
	if (s.n == 0)
		return true;
	t->text = s;
	return with_text && str_eat(&t->text, STR(": ")) &&
	       str_find(t->text, STR("; from=<")) == t->text.n;
}

static bool could_be_tail(struct str s)
{
	return str_starts(s, STR("from=<")) || str_starts(s, STR("to=<")) ||
	       str_starts(s, STR("proto=")) || str_starts(s, STR("helo=<"));
}

/* Splits at the "; " that opens the tail; false: there is none, all is head. */
static bool split_tail(struct str s, bool with_text, struct str *head, struct tail *t)
{
	struct str rest = s, skipped;
	int tries = 0;

	while (tries < TAIL_TRIES && cursor_until(&rest, STR("; "), &skipped)) {
		if (!could_be_tail(rest))
			continue;
		tries++;
		if (parse_tail(rest, with_text, t)) {
			*head = str_range(s.p, rest.p - 2);
			return true;
		}
	}
	*t = (struct tail){ 0 };
	if (str_ends(s, STR(";"))) /* nothing is known */
		s.n--;
	*head = s;
	return false;
}

static void set_tail(struct event *ev, const struct tail *t)
{
	ev->sender = t->from;
	ev->sender_null = t->has_from && t->from.n == 0;
	ev->recipient = t->to;
	ev->helo = t->helo;
	ev->login = t->login;
}

/* --- pickup --- */

/* "uid=1001 from=<web1>". src/pickup/pickup.c; " orig_id=OLD" when postsuper
 * requeued it, and then the uid is Postfix's own. */
static enum parse_result on_pickup(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, sender;
	struct event ev;
	int64_t uid;

	if (!str_eat_int(&s, &uid) || !str_eat(&s, STR(" from=")))
		return PARSE_UNKNOWN;
	sender = s;
	if (cursor_until_last(&s, STR("> orig_id="), &sender) && is_queue_id(s)) {
		begin(line, &ev, EV_REQUEUE);
		ev.queue_id = s;
		ev.next_id = line->queue_id;
		return emit(line, &ev);
	}
	begin(line, &ev, kind);
	ev.channel = CHANNEL_LOCAL;
	ev.uid = uid;
	set_sender(&ev, s);
	return emit(line, &ev);
}

/* --- smtpd --- */

/* ", key=" and its value, which ends at the next comma. */
static bool eat_attribute(struct str *s, struct str key, struct str *value)
{
	if (!str_eat(s, key))
		return false;
	*value = str_head(*s, str_find(*s, STR(", ")));
	*s = str_skip(*s, value->n);
	return true;
}

/* "client=host[ip]:port, sasl_method=, sasl_username=, sasl_sender=,
 * orig_queue_id=, orig_client=". src/smtpd/smtpd.c mail_open_stream(). */
static enum parse_result on_client(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, sasl_sender;
	struct event ev;

	begin(line, &ev, kind);
	if (!cursor_host(&s, &ev.client_name, &ev.client_ip))
		return PARSE_UNKNOWN;
	eat_attribute(&s, STR(", sasl_method="), &ev.auth);
	eat_attribute(&s, STR(", sasl_username="), &ev.login);
	eat_attribute(&s, STR(", sasl_sender="), &sasl_sender);
	eat_attribute(&s, STR(", orig_queue_id="), &ev.parent_id);
	if (!is_queue_id(ev.parent_id))
		ev.parent_id = STR_NONE;
	ev.channel = ev.login.n ? CHANNEL_AUTH : CHANNEL_SMTP;
	return emit(line, &ev);
}

/* A refusal at RCPT is about one recipient, a later one about the message. */
static void set_refused(struct event *ev, bool whole)
{
	ev->status = RCPT_REJECTED;
	ev->whole = whole && ev->queue_id.n;
}

/* "RCPT from host[ip]: 554 5.7.1 text; from=<> ...": a restriction, an access
 * table or a milter. src/smtpd/smtpd_check.c, src/cleanup/cleanup_milter.c. */
static enum parse_result on_check(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, stage;
	struct event ev;
	struct tail t;

	begin(line, &ev, kind);
	if (!cursor_word(&s, &stage) || !str_eat(&s, STR(" from ")) ||
	    !cursor_host(&s, &ev.client_name, &ev.client_ip) || !str_eat(&s, STR(": ")))
		return PARSE_UNKNOWN;
	split_tail(s, false, &ev.response, &t);
	set_tail(&ev, &t);
	ev.dsn = find_dsn(ev.response);
	if (kind == EV_REJECT)
		set_refused(&ev, !str_eq(stage, STR("RCPT")));
	return emit(line, &ev);
}

/* "END-OF-MESSAGE: 554 text; from=<> ...": a before-queue filter's answer.
 * src/smtpd/smtpd_proxy.c. */
static enum parse_result on_proxy_reject(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, stage;
	struct event ev;
	struct tail t;

	if (!cursor_until(&s, STR(": "), &stage))
		return PARSE_UNKNOWN;
	begin(line, &ev, kind);
	split_tail(s, false, &ev.response, &t);
	set_tail(&ev, &t);
	ev.dsn = find_dsn(ev.response);
	set_refused(&ev, true);
	return emit(line, &ev);
}

/* "host[ip]: SASL LOGIN authentication failed: reason, sasl_username=login".
 * Before 3.5 no login is told: the reason may be the base64 of a prompt. */
static enum parse_result on_auth_fail(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, before;
	struct event ev;

	begin(line, &ev, kind);
	if (!cursor_host(&s, &ev.client_name, &ev.client_ip) ||
	    !str_eat(&s, STR(": SASL ")) || !cursor_word(&s, &ev.auth) ||
	    !str_eat(&s, STR(" authentication failed:")))
		return PARSE_UNKNOWN;
	str_eat(&s, STR(" "));
	before = s;
	if (cursor_until(&s, STR(", sasl_username="), &before))
		ev.login = s;
	ev.response = before;
	return emit(line, &ev);
}

/* "Connection rate limit exceeded: 31 from host[ip] for service smtpd" */
static enum parse_result on_limit(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, what;
	struct event ev;

	begin(line, &ev, kind);
	if (!cursor_until(&s, STR(" from "), &what) ||
	    str_find(what, STR(" limit exceeded: ")) == what.n ||
	    !cursor_host(&s, &ev.client_name, &ev.client_ip) ||
	    !str_starts(s, STR(" for service ")))
		return PARSE_UNKNOWN;
	ev.response = what;
	ev.status = RCPT_REJECTED;
	return emit(line, &ev);
}

/* "too many errors after RCPT from host[ip]", "... after DATA (0 bytes) from" */
static enum parse_result on_too_many_errors(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, what;
	struct event ev;

	begin(line, &ev, kind);
	if (!cursor_until(&s, STR(" from "), &what) ||
	    !cursor_host(&s, &ev.client_name, &ev.client_ip))
		return PARSE_UNKNOWN;
	ev.response = str_range(line->statement.p, what.p + what.n);
	ev.status = RCPT_REJECTED;
	return emit(line, &ev);
}

/* --- cleanup --- */

static enum parse_result on_message_id(const struct line *line, enum event_kind kind)
{
	struct event ev;

	begin(line, &ev, kind);
	if (!str_eq(line->text, STR("(null)")))
		ev.message_id = cursor_strip_angles(line->text);
	return emit(line, &ev);
}

static enum parse_result on_resent_message_id(const struct line *line,
					      enum event_kind kind)
{
	struct event ev;

	begin(line, &ev, kind);
	ev.header_name = STR("Resent-Message-ID");
	ev.header_value = cursor_strip_angles(line->text);
	return emit(line, &ev);
}

/* Headers that are worth an event whatever the action's text. */
static bool is_link_header(struct str name)
{
	return str_eq_nocase(name, STR("X-Mailaudit-Ref")) ||
	       str_eq_nocase(name, STR("X-PHP-Originating-Script"));
}

/* "header Subject: text from local", "body text from host[ip]": the header's
 * name and value, and the client. The origin is the last word. */
static bool split_content(struct str head, struct event *ev)
{
	struct str content, origin = head;

	if (!cursor_until_last(&origin, STR(" from "), &content))
		return false;
	if (!str_eq(origin, STR("local")) &&
	    (!cursor_host(&origin, &ev->client_name, &ev->client_ip) || origin.n))
		return false;
	if (str_starts(content, STR("body ")) || str_starts(content, STR("mime-error ")))
		return true; /* no name, no value */
	if (!str_eat(&content, STR("mime ")))
		str_eat(&content, STR("nested "));
	if (!str_eat(&content, STR("header ")) ||
	    !cursor_until(&content, STR(":"), &ev->header_name))
		return false;
	str_eat(&content, STR(" "));
	ev->header_value = content;
	return true;
}

static void emit_header(const struct line *line, const struct event *from)
{
	struct event ev;

	begin(line, &ev, EV_HEADER);
	ev.header_name = from->header_name;
	ev.header_value = from->header_value;
	emit(line, &ev);
}

/* "reject: header Subject: value from local; from=<> to=<>: text". Header and
 * body checks; src/cleanup/cleanup_message.c cleanup_act_log(). For INFO lines
 * kind is EV_HEADER, and only those that are meant for us are events. */
static enum parse_result on_content(const struct line *line, enum event_kind kind)
{
	struct event ev;
	struct str head;
	struct tail t;
	bool wanted;

	begin(line, &ev, kind);
	if (!split_tail(line->text, true, &head, &t) || !split_content(head, &ev))
		return PARSE_UNKNOWN;
	wanted = ev.header_name.n &&
		 (str_eq(t.text, STR("mailaudit")) || is_link_header(ev.header_name));
	if (kind == EV_HEADER) {
		ev.client_name = ev.client_ip = STR_NONE;
		return wanted ? emit(line, &ev) : PARSE_NOISE;
	}
	if (wanted)
		emit_header(line, &ev);
	set_tail(&ev, &t);
	ev.response = t.text;
	ev.dsn = find_dsn(t.text);
	if (kind == EV_REJECT)
		set_refused(&ev, true);
	return emit(line, &ev);
}

/* --- qmgr --- */

/* "from=<s>, size=322, nrcpt=1 (queue active)". Postfix wrote all behind the
 * last ", size=", so the sender is what stands before it. */
static enum parse_result on_queued(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, sender;
	struct event ev;

	begin(line, &ev, kind);
	if (!cursor_until_last(&s, STR(", size="), &sender) ||
	    !str_eat_int(&s, &ev.size) || !cursor_int(&s, STR(", nrcpt="), &ev.nrcpt) ||
	    !str_starts(s, STR(" (queue ")))
		return PARSE_UNKNOWN;
	set_sender(&ev, sender);
	return emit(line, &ev);
}

/* "from=<s>, status=expired, returned to sender", also "force-expired". */
static enum parse_result on_expired(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, sender;
	struct event ev;

	if (!cursor_until_last(&s, STR(", status="), &sender) ||
	    !str_ends(s, STR("expired, returned to sender")))
		return PARSE_UNKNOWN;
	begin(line, &ev, kind);
	set_sender(&ev, sender);
	ev.status = RCPT_EXPIRED;
	ev.response = s;
	return emit(line, &ev);
}

/* A statement that is all prefix. */
static enum parse_result on_word(const struct line *line, enum event_kind kind)
{
	struct event ev;

	if (line->text.n)
		return PARSE_UNKNOWN;
	begin(line, &ev, kind);
	return emit(line, &ev);
}

/* --- delivery agents --- */

/* Address verification probes are noise: nothing was to be delivered. */
static const struct {
	struct str word;
	enum rcpt_status status;
	bool probe;
} statuses[] = {
	{ STR("sent"), RCPT_SENT, false },
	{ STR("deferred"), RCPT_DEFERRED, false },
	{ STR("bounced"), RCPT_BOUNCED, false },
	{ STR("expired"), RCPT_EXPIRED, false },
	{ STR("SOFTBOUNCE"), RCPT_DEFERRED, false },
	{ STR("deliverable"), RCPT_PENDING, true },
	{ STR("undeliverable"), RCPT_PENDING, true },
	{ STR("undeliverable-but-not-cached"), RCPT_PENDING, true },
};

/* The first ">, relay=" or ">, orig_to=" behind an address that Postfix did not
 * quote, or the comma behind one without <>. */
static bool eat_raw_address(struct str *s, struct str *out)
{
	size_t relay, orig, at;
	bool angle = str_eat(s, STR("<"));

	relay = str_find(*s, angle ? STR(">, relay=") : STR(", relay="));
	orig = str_find(*s, angle ? STR(">, orig_to=") : STR(", orig_to="));
	at = relay < orig ? relay : orig;
	if (at == s->n)
		return false;
	*out = str_head(*s, at);
	*s = str_skip(*s, at + angle);
	return true;
}

static bool eat_address(struct str *s, struct str *out)
{
	struct str rest = *s, address;

	if (cursor_angle(&rest, &address) &&
	    (str_starts(rest, STR(", relay=")) || str_starts(rest, STR(", orig_to=")))) {
		*out = address;
		*s = rest;
		return true;
	}
	return eat_raw_address(s, out);
}

/* "mx.example[192.0.2.1]:25", "local", "private/lmtp", "none" */
static void set_relay(struct event *ev, struct str relay)
{
	struct str rest = relay, name, ip;

	if (str_eq(relay, STR("none")))
		return;
	ev->relay = relay;
	if (!cursor_host(&rest, &name, &ip))
		return;
	ev->relay = name;
	if (str_chr(ip, '/') == ip.n) /* else a socket of LMTP */
		ev->relay_ip = ip;
}

/* By the agent, or where that is not told by the form of the relay. */
static enum rcpt_place place_of(unsigned service, const struct event *ev)
{
	if (service == SV_SMTP)
		return PLACE_REMOTE;
	if (service == SV_LMTP || service == SV_LOCAL)
		return PLACE_LOCAL;
	if (service != SV_UNSAID || ev->relay.n == 0)
		return PLACE_UNKNOWN;
	return ev->relay_ip.n ? PLACE_REMOTE : PLACE_LOCAL;
}

/* The id that the next hop gave: behind the last "queued as " of its answer. A
 * remote host can write any id there; correlate asks who answered. */
static void set_next_id(const struct line *line, struct event *ev)
{
	struct str s = ev->response, before, word;

	if (ev->status != RCPT_SENT)
		return;
	if (line->service & SV_LOCAL && str_eq(ev->relay, STR("local")) &&
	    str_eat(&s, STR("forwarded as "))) {
		ev->next_is_forward = is_queue_id(s);
		ev->next_id = ev->next_is_forward ? s : STR_NONE;
		return;
	}
	if (!cursor_until_last(&s, STR("queued as "), &before) || !cursor_word(&s, &word))
		return;
	while (word.n && memchr(").,", word.p[word.n - 1], 3))
		word.n--;
	if (is_queue_id(word))
		ev->next_id = word;
}

/* "status=sent (250 2.0.0 Ok: queued as X)" */
static enum parse_result read_status(const struct line *line, struct str s,
				     struct event *ev)
{
	struct str word;

	if (!cursor_word(&s, &word))
		return PARSE_UNKNOWN;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (!str_eq(word, statuses[i].word))
			continue;
		if (statuses[i].probe)
			return PARSE_NOISE;
		ev->status = statuses[i].status;
		if (str_eat(&s, STR(" (")) && str_ends(s, STR(")")))
			s.n--;
		ev->response = s;
		set_next_id(line, ev);
		return emit(line, ev);
	}
	return PARSE_UNKNOWN;
}

/* Behind the relay: "conn_use=, delay=, delays=, tls=, dsn=, status=". */
static bool eat_to_status(struct str *s, struct event *ev)
{
	struct str pair;

	for (int i = 0; i < 8; i++) {
		if (str_eat(s, STR("status=")))
			return true;
		if (!cursor_until(s, STR(", "), &pair))
			return false;
		if (str_eat(&pair, STR("dsn=")))
			ev->dsn = pair;
	}
	return false;
}

/* "to=<r>, orig_to=<o>, relay=x, ... status=sent (text)". src/global/log_adhoc.c */
static enum parse_result on_delivery(const struct line *line, enum event_kind kind)
{
	struct str s = line->text, relay;
	struct event ev;

	begin(line, &ev, kind);
	if (!eat_address(&s, &ev.recipient))
		return PARSE_UNKNOWN;
	if (str_eat(&s, STR(", orig_to=")) && !eat_address(&s, &ev.orig_to))
		return PARSE_UNKNOWN;
	if (!str_eat(&s, STR(", relay=")) || !cursor_until(&s, STR(", "), &relay) ||
	    !eat_to_status(&s, &ev))
		return PARSE_UNKNOWN;
	set_relay(&ev, relay);
	ev.place = place_of(line->service, &ev);
	return read_status(line, s, &ev);
}

/* --- bounce --- */

/* "sender non-delivery notification: Q2" */
static enum parse_result on_notice(const struct line *line, enum event_kind kind)
{
	struct event ev;

	if (!is_queue_id(line->text))
		return PARSE_UNKNOWN;
	begin(line, &ev, kind);
	ev.next_id = line->text;
	return emit(line, &ev);
}

/* --- the rules; the frequent ones first --- */

#define NOISE NULL, EV_COUNT
#define RULES(X) \
	X("delivery", SV_AGENT | SV_QMGR | SV_CLEANUP | SV_BOUNCE, FORM_QID, \
	  "to=", on_delivery, EV_DELIVERY) \
	X("removed", SV_QMGR, FORM_QID, "removed", on_word, EV_END) \
	X("queued", SV_QMGR, FORM_QID, "from=", on_queued, EV_QUEUED) \
	X("message-id", SV_CLEANUP, FORM_QID, \
	  "message-id=", on_message_id, EV_MESSAGE_ID) \
	X("pickup", SV_PICKUP, FORM_QID, "uid=", on_pickup, EV_ACCEPT) \
	X("client", SV_SMTPD, FORM_QID, "client=", on_client, EV_ACCEPT) \
	X("connect", SV_SMTPD, FORM_BARE, "connect from ", NOISE) \
	X("disconnect", SV_SMTPD, FORM_BARE, "disconnect from ", NOISE) \
	X("content-info", SV_CLEANUP, FORM_QID, "info: ", on_content, EV_HEADER) \
	X("content-warning", SV_CLEANUP, FORM_QID, "warning: ", on_content, EV_WARN) \
	X("content-reject", SV_CLEANUP, FORM_QID, "reject: ", on_content, EV_REJECT) \
	X("content-hold", SV_CLEANUP, FORM_QID, "hold: ", on_content, EV_HOLD) \
	X("content-discard", SV_CLEANUP, FORM_QID, "discard: ", on_content, EV_DISCARD) \
	X("content-redirect", SV_CLEANUP, FORM_QID, "redirect: ", on_content, EV_WARN) \
	X("content-filter", SV_CLEANUP, FORM_QID, "filter: ", on_content, EV_HEADER) \
	X("content-prepend", SV_CLEANUP, FORM_QID, "prepend: ", on_content, EV_HEADER) \
	X("content-replace", SV_CLEANUP, FORM_QID, "replace: ", on_content, EV_HEADER) \
	X("content-strip", SV_CLEANUP, FORM_QID, "strip: ", on_content, EV_HEADER) \
	X("content-bcc", SV_CLEANUP, FORM_QID, "bcc: ", on_content, EV_HEADER) \
	X("resent-message-id", SV_CLEANUP, FORM_QID, \
	  "resent-message-id=", on_resent_message_id, EV_HEADER) \
	X("reject", SV_SMTPD, FORM_BOTH, "reject: ", on_check, EV_REJECT) \
	X("reject-warning", SV_SMTPD, FORM_BOTH, "reject_warning: ", on_check, EV_WARN) \
	X("milter-reject", SV_SMTPD | SV_CLEANUP, FORM_BOTH, \
	  "milter-reject: ", on_check, EV_REJECT) \
	X("milter-hold", SV_SMTPD | SV_CLEANUP, FORM_BOTH, \
	  "milter-hold: ", on_check, EV_HOLD) \
	X("milter-discard", SV_SMTPD | SV_CLEANUP, FORM_BOTH, \
	  "milter-discard: ", on_check, EV_DISCARD) \
	X("milter-header", SV_CLEANUP, FORM_QID, "milter-header-", NOISE) \
	X("proxy-reject", SV_SMTPD, FORM_ANY, \
	  "proxy-reject: ", on_proxy_reject, EV_REJECT) \
	X("proxy-accept", SV_SMTPD, FORM_ANY, "proxy-accept: ", NOISE) \
	X("check-discard", SV_SMTPD, FORM_BOTH, "discard: ", on_check, EV_DISCARD) \
	X("check-hold", SV_SMTPD, FORM_BOTH, "hold: ", on_check, EV_HOLD) \
	X("check-redirect", SV_SMTPD, FORM_BOTH, "redirect: ", on_check, EV_WARN) \
	X("check-warn", SV_SMTPD, FORM_BOTH, "warn: ", on_check, EV_WARN) \
	X("check-info", SV_SMTPD, FORM_BOTH, "info: ", NOISE) \
	X("check-permit", SV_SMTPD, FORM_BOTH, "permit: ", NOISE) \
	X("check-filter", SV_SMTPD, FORM_BOTH, "filter: ", NOISE) \
	X("check-prepend", SV_SMTPD, FORM_BOTH, "prepend: ", NOISE) \
	X("check-bcc", SV_SMTPD, FORM_BOTH, "bcc: ", NOISE) \
	X("proxied-client", SV_SMTPD, FORM_NOQUEUE, "client=", NOISE) \
	X("no-queue-lost", SV_SMTPD, FORM_NOQUEUE, "lost connection after ", NOISE) \
	X("no-queue-abort", SV_SMTPD, FORM_NOQUEUE, "abort: ", NOISE) \
	X("auth-fail", SV_SMTPD, FORM_BARE, "warning: ", on_auth_fail, EV_AUTH_FAIL) \
	X("limit", SV_SMTPD, FORM_BARE, "warning: ", on_limit, EV_REJECT) \
	X("too-many-errors", SV_SMTPD, FORM_BARE, \
	  "too many errors after ", on_too_many_errors, EV_REJECT) \
	X("lost-connection", SV_SMTPD, FORM_BARE, "lost connection after ", NOISE) \
	X("timeout", SV_SMTPD, FORM_BARE, "timeout after ", NOISE) \
	X("pipelining", SV_SMTPD, FORM_BARE, \
	  "improper command pipelining after ", NOISE) \
	X("bare-lf", SV_SMTPD, FORM_BARE, "bare <LF> received after ", NOISE) \
	X("etrn", SV_SMTPD, FORM_BARE, "reject: ETRN ", NOISE) \
	X("tls-accept-error", SV_SMTPD, FORM_BARE, "SSL_accept error from ", NOISE) \
	X("ehlo-keywords", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "discarding EHLO keywords: ", NOISE) \
	X("replaced-command", SV_SMTPD, FORM_BARE, "replacing command ", NOISE) \
	X("expired", SV_QMGR, FORM_QID, "from=", on_expired, EV_EXPIRE) \
	X("skipped", SV_QMGR, FORM_QID, "skipped, still being delivered", NOISE) \
	X("notice-failure", SV_BOUNCE, FORM_QID, \
	  "sender non-delivery notification: ", on_notice, EV_NOTICE) \
	X("notice-status", SV_BOUNCE, FORM_QID, \
	  "sender delivery status notification: ", on_notice, EV_NOTICE) \
	X("notice-delay", SV_BOUNCE, FORM_QID, \
	  "sender delay notification: ", on_notice, EV_NOTICE) \
	X("notice-postmaster", SV_BOUNCE, FORM_QID, \
	  "postmaster non-delivery notification: ", on_notice, EV_NOTICE) \
	X("notice-postmaster-delay", SV_BOUNCE, FORM_QID, \
	  "postmaster delay notification: ", on_notice, EV_NOTICE) \
	X("answer", SV_CLIENT, FORM_QID, "host ", NOISE) \
	X("lost-server", SV_CLIENT, FORM_QID, "lost connection with ", NOISE) \
	X("server-timeout", SV_CLIENT, FORM_QID, "conversation with ", NOISE) \
	X("pix", SV_CLIENT, FORM_QID, "enabling PIX ", NOISE) \
	X("no-tls", SV_CLIENT, FORM_QID, "Cannot start TLS: ", NOISE) \
	X("tls-required", SV_CLIENT, FORM_QID, "TLS is required", NOISE) \
	X("client-auth", SV_CLIENT, FORM_QID, "SASL authentication failed", NOISE) \
	X("broken-line", SV_CLIENT, FORM_QID, "breaking line > ", NOISE) \
	X("server-certificate", SV_CLIENT, FORM_QID, "Server certificate ", NOISE) \
	X("connect-to", SV_CLIENT, FORM_BARE, "connect to ", NOISE) \
	X("tls-connect-error", SV_CLIENT, FORM_BARE, "SSL_connect error to ", NOISE) \
	X("verification", SV_CLIENT, FORM_BARE, \
	  "certificate verification failed for ", NOISE) \
	X("tls-setup", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "setting up TLS connection ", NOISE) \
	X("tls-anonymous", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "Anonymous TLS connection ", NOISE) \
	X("tls-untrusted", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "Untrusted TLS connection ", NOISE) \
	X("tls-trusted", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "Trusted TLS connection ", NOISE) \
	X("tls-verified", SV_SMTPD | SV_CLIENT, FORM_BARE, \
	  "Verified TLS connection ", NOISE) \
	X("deleted", SV_POSTSUPER, FORM_QID, "removed", on_word, EV_DELETE) \
	X("held", SV_POSTSUPER, FORM_QID, "placed on hold", on_word, EV_HOLD) \
	X("released", SV_POSTSUPER, FORM_QID, \
	  "released from hold", on_word, EV_RELEASE) \
	X("requeued", SV_POSTSUPER, FORM_QID, "requeued", on_word, EV_REQUEUE) \
	X("force-expired", SV_POSTSUPER, FORM_QID, "expired", on_word, EV_EXPIRE) \
	X("sum-deleted", SV_POSTSUPER, FORM_BARE, "Deleted: ", NOISE) \
	X("sum-held", SV_POSTSUPER, FORM_BARE, "Placed on hold: ", NOISE) \
	X("sum-released", SV_POSTSUPER, FORM_BARE, "Released from hold: ", NOISE) \
	X("sum-requeued", SV_POSTSUPER, FORM_BARE, "Requeued: ", NOISE) \
	X("sum-expired", SV_POSTSUPER, FORM_BARE, "Force-expired: ", NOISE) \
	X("sum-renamed", SV_POSTSUPER, FORM_BARE, \
	  "Renamed to match inode number: ", NOISE) \
	X("script-start", SV_HOUSE, FORM_BARE, "starting the Postfix ", NOISE) \
	X("script-stop", SV_HOUSE, FORM_BARE, "stopping the Postfix ", NOISE) \
	X("script-refresh", SV_HOUSE, FORM_BARE, "refreshing the Postfix ", NOISE) \
	X("daemon-started", SV_HOUSE, FORM_BARE, "daemon started -- ", NOISE) \
	X("daemon-reload", SV_HOUSE, FORM_BARE, "reload -- ", NOISE) \
	X("daemon-signal", SV_HOUSE, FORM_BARE, "terminating on signal ", NOISE) \
	X("statistics", SV_HOUSE, FORM_BARE, "statistics: ", NOISE) \
	X("quiet", SV_QUIET, FORM_BARE | FORM_NOQUEUE, "", NOISE) \
	X("table-changed", SV_ANY, FORM_BARE, "table ", NOISE) \
	X("compatibility", SV_ANY, FORM_BARE, \
	  "using backwards-compatible default setting ", NOISE) \
	X("warning", SV_ANY, FORM_BARE, "warning: ", NOISE) \
	X("error", SV_ANY, FORM_BARE, "error: ", NOISE) \
	X("fatal", SV_ANY, FORM_BARE, "fatal: ", NOISE) \
	X("panic", SV_ANY, FORM_BARE, "panic: ", NOISE)

static const struct rule rules[] = {
#define X(name, daemons, forms, prefix, ...) \
	{ name, daemons, forms, STR(prefix), __VA_ARGS__ },
	RULES(X)
#undef X
};

static const char *const rule_names[] = {
#define X(name, ...) name,
	RULES(X)
#undef X
};

#define RULE_COUNT ((int)(sizeof(rules) / sizeof(rules[0])))

static enum parse_result apply_rules(struct line *line)
{
	char first = line->statement.n ? line->statement.p[0] : '\0';

	for (int i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = &rules[i];
		enum parse_result result;

		if (!(r->services & line->service) || !(r->forms & line->form) ||
		    (r->prefix.p[0] && r->prefix.p[0] != first) ||
		    !str_starts(line->statement, r->prefix))
			continue;
		line->text = str_skip(line->statement, r->prefix.n);
		result = r->handle ? r->handle(line, r->kind) : PARSE_NOISE;
		if (result == PARSE_UNKNOWN)
			continue;
		line->sink->rule = i;
		return result;
	}
	return PARSE_UNKNOWN;
}

/* "message repeated 3 times: [ text]": rsyslog's $RepeatedMsgReduction. */
static int64_t unwrap_repeated(struct str *text)
{
	struct str s = *text;
	int64_t times;

	if (!str_eat(&s, STR("message repeated ")) || !str_eat_int(&s, &times) ||
	    !str_eat(&s, STR(" times: [ ")) || !str_ends(s, STR("]")) || times == 0)
		return 1;
	*text = str_head(s, s.n - 1);
	return times < REPEAT_MAX ? times : REPEAT_MAX;
}

static bool claims_postfix(const struct record *rec)
{
	struct str rest = rec->program;

	if (rec->shape != RECORD_SYSLOG || !str_eat(&rest, STR("postfix")))
		return false;
	if (rest.n && rest.p[0] != '/' && rest.p[0] != '-')
		return false;
	return str_chr(rest, '[') == rest.n; /* "postfix/smtpd[1][2]" was postlog */
}

static enum parse_result parse_postfix(const struct record *rec, struct event_sink *sink)
{
	struct line line = { .rec = rec, .sink = sink };
	struct str body = rec->body;
	int64_t times = unwrap_repeated(&body);
	enum parse_result result = PARSE_UNKNOWN;

	sink->rule = -1;
	split_program(rec->program, &line);
	for (; times > 0; times--) {
		split_queue_id(body, &line);
		result = apply_rules(&line);
		if (result != PARSE_EVENTS)
			break;
	}
	return result;
}

const struct parser parser_postfix = {
	.name = "postfix",
	.summary = "Postfix, any syslog form or its own maillog_file",
	.claims = claims_postfix,
	.daemons_only = true,
	.parse = parse_postfix,
	.rules = rule_names,
	.nrules = RULE_COUNT,
};
