/* qmail, netqmail, notqmail: what qmail-send logs, through multilog (a TAI64N label, or what
 * tai64nlocal makes of it) or splogger (syslog), and lines of the programs around it that
 * name a login: vpopmail's vchkpw, spamdyke.
 *
 * Invariant: what others wrote has no blank in qmail-send's lines. Its logsafe() turns all
 * bytes but the printable into '_', blanks and '%' too, and line ends into '/'; so the
 * first "> qp " is qmail-send's own. Deliveries are told by a number of their own and queued
 * messages by the process that queued them: lines are joined in core/number.c.
 *
 * Formats: notqmail qmail-send.c, qsutil.c logsafe(), qmail-local.c count_print(),
 * qmail-rspawn.c report(), qmail-remote.c, splogger.c, qmail-log(5); vpopmail vchkpw.c;
 * spamdyke 5.0 filter.c. */
#include "core/parser.h"
#include "parsers/cursor.h"

/* Debian's and RHEL's first uid that is not a system user's. */
#define FIRST_PERSON 1000
#define ID_MAX 20

struct line {
	const struct record *rec;
	struct event_sink *sink;
	struct str text; /* the body behind the rule's prefix */
};

struct rule {
	const char *name;
	struct str prefix;
	/* NULL: noise. PARSE_UNKNOWN: not mine, try the next rule. */
	enum parse_result (*handle)(const struct line *line);
};

/* --- parts that several statements share --- */

static enum parse_result emit(const struct line *line, const struct event *ev)
{
	line->sink->emit(line->sink, line->rec, ev);
	return PARSE_EVENTS;
}

/* A message's number: that of its file's inode. */
static bool eat_id(struct str *s, struct str *id)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n == 0 || n > ID_MAX)
		return false;
	*id = str_head(*s, n);
	*s = str_skip(*s, n);
	return true;
}

static bool has_blank(struct str s)
{
	return str_chr(s, ' ') < s.n;
}

/* --- messages --- */

/* "5: bytes 812 from <a@b> qp 4711 uid 5101". Who queued it the kernel knows; that it was
 * qmail-smtpd, only its user tells. "#@[]" is the sender of a bounce that bounced. */
static enum parse_result on_info(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_ACCEPT);
	if (!eat_id(&s, &ev.queue_id) || !cursor_int(&s, STR(": bytes "), &ev.size) ||
	    !str_eat(&s, STR(" from <")) || !cursor_until(&s, STR("> qp "), &ev.sender) ||
	    has_blank(ev.sender) || !str_eat_int(&s, &ev.process) ||
	    !cursor_int(&s, STR(" uid "), &ev.uid) || s.n)
		return PARSE_UNKNOWN;
	if (str_eq(ev.sender, STR("#@[]")))
		ev.sender = STR_NONE;
	ev.sender_null = ev.sender.n == 0;
	return emit(line, &ev);
}

/* "5 qp 4712" */
static enum parse_result on_bounce(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_NOTICE);
	if (!eat_id(&s, &ev.queue_id) || !cursor_int(&s, STR(" qp "), &ev.process) || s.n)
		return PARSE_UNKNOWN;
	return emit(line, &ev);
}

static enum parse_result on_end(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_END);
	if (!eat_id(&s, &ev.queue_id) || s.n)
		return PARSE_UNKNOWN;
	return emit(line, &ev);
}

/* --- deliveries --- */

/* "12: msg 5 to remote a@b", "12: msg 5 to local alice-a@b": a virtual domain's user stands
 * in front of the address. */
static enum parse_result on_start(const struct line *line)
{
	struct str s = line->text;
	struct event ev;

	event_init(&ev, EV_DELIVERY);
	if (!str_eat_int(&s, &ev.delivery) || !str_eat(&s, STR(": msg ")) ||
	    !eat_id(&s, &ev.queue_id))
		return PARSE_UNKNOWN;
	if (str_eat(&s, STR(" to local ")))
		ev.place = PLACE_LOCAL;
	else if (str_eat(&s, STR(" to remote ")))
		ev.place = PLACE_REMOTE;
	if (ev.place == PLACE_UNKNOWN || !s.n || has_blank(s))
		return PARSE_UNKNOWN;
	ev.recipient = s;
	return emit(line, &ev);
}

static bool is_address_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':';
}

/* qmail-remote's own words come first: "192.0.2.1_does_not_like_recipient./Remote_host_said:",
 * "Connected_to_192.0.2.1_but_", "Giving_up_on_192.0.2.1./". */
static void set_relay(struct event *ev)
{
	struct str s = ev->response;
	bool announced = str_eat(&s, STR("Connected_to_")) || str_eat(&s, STR("Giving_up_on_"));
	size_t n = 0;

	while (n < s.n && is_address_byte(s.p[n]))
		n++;
	if (announced && n && s.p[n - 1] == '.')
		n--;
	s = str_head(s, n + 1);
	if (n && s.n > n && (announced || s.p[n] == '_') &&
	    (str_chr(s, '.') < n || str_chr(s, ':') < n))
		ev->relay_ip = str_head(s, n);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "5.1.1" before any other byte. */
static struct str code_at(struct str s)
{
	size_t n = 0, dots = 0;

	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
		dots += s.p[n++] == '.';
	if (n && s.p[n - 1] == '.') {
		n--;
		dots--;
	}
	return dots == 2 && n >= 5 && s.p[0] >= '2' && s.p[0] <= '5' && s.p[1] == '.' ?
		       str_head(s, n) : STR_NONE;
}

#define REMOTE_SAID STR("Remote_host_said:_")

/* The first of the remote host's words; else what qmail itself adds, "(#4.4.1)". Returns the
 * class of the answer: '4', '5', or 0. */
static char set_dsn(struct event *ev)
{
	struct str s = ev->response;
	size_t at = str_find(s, REMOTE_SAID);

	if (at == s.n) {
		at = str_rfind(s, STR("(#"));
		if (at < s.n)
			ev->dsn = code_at(str_skip(s, at + 2));
		return ev->dsn.n ? ev->dsn.p[0] : '\0';
	}
	s = str_skip(s, at + REMOTE_SAID.n);
	if (s.n < 3 || !is_digit(s.p[0]) || !is_digit(s.p[1]) || !is_digit(s.p[2]))
		return '\0';
	ev->dsn = code_at(str_skip(s, 4));
	return s.p[0];
}

/* What qmail-send adds to the last deferral, which makes a failure of it. */
#define GAVE_UP \
	STR("I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./")

/* A permanent answer that ends in these words is the remote host's joke. */
static bool has_expired(struct str text, char class)
{
	return class != '5' && str_ends(text, GAVE_UP);
}

static bool eat_number(struct str *s)
{
	int64_t number;

	return str_eat_int(s, &number);
}

/* "did_0+1+0/qp_4713/" and nothing else: forwarded, as another message. */
static void set_forward(struct event *ev)
{
	struct str s = ev->response;
	int64_t process;

	if (str_eat(&s, STR("did_")) && eat_number(&s) && str_eat(&s, STR("+")) &&
	    eat_number(&s) && str_eat(&s, STR("+")) && eat_number(&s) &&
	    cursor_int(&s, STR("/qp_"), &process) && str_eq(s, STR("/"))) {
		ev->process = process;
		ev->next_is_forward = true;
	}
}

/* "12: success: did_0+0+1/", "12: failure: 192.0.2.1_does_not_like_recipient./...",
 * "12: deferral: ...", "12: report mangled, will defer" */
static enum parse_result on_outcome(const struct line *line)
{
	struct str s = line->text;
	struct event ev;
	char class;

	event_init(&ev, EV_DELIVERY);
	if (!str_eat_int(&s, &ev.delivery))
		return PARSE_UNKNOWN;
	if (str_eat(&s, STR(": success: ")))
		ev.status = RCPT_SENT;
	else if (str_eat(&s, STR(": failure: ")))
		ev.status = RCPT_BOUNCED;
	else if (str_eat(&s, STR(": deferral: ")) ||
		 (str_starts(s, STR(": report mangled, ")) && str_eat(&s, STR(": "))))
		ev.status = RCPT_DEFERRED;
	else
		return PARSE_UNKNOWN;
	ev.response = s;
	set_relay(&ev);
	class = set_dsn(&ev);
	if (ev.status == RCPT_BOUNCED && has_expired(s, class))
		ev.status = RCPT_EXPIRED;
	if (ev.status == RCPT_SENT)
		set_forward(&ev);
	return emit(line, &ev);
}

/* --- logins --- */

/* Everything behind the last ':' that is an IPv4 address. */
static bool split_client(struct str *s, struct str *ip)
{
	struct str who, rest = *s;
	size_t dots = 0;

	if (!cursor_until_last(&rest, STR(":"), &who) || rest.n < 7)
		return false;
	for (size_t i = 0; i < rest.n; i++) {
		dots += rest.p[i] == '.';
		if (!is_digit(rest.p[i]) && rest.p[i] != '.')
			return false;
	}
	if (dots != 3)
		return false;
	*ip = rest;
	*s = who;
	return true;
}

/* "vchkpw-pop3: ", "vchkpw-smtps: " -> the service as mailaudit names it, "" for SMTP. */
static bool eat_service(struct str *s, struct str *service)
{
	struct str name;

	if (!cursor_until(s, STR(": "), &name) || has_blank(name))
		return false;
	*service = str_starts(name, STR("pop3")) ? STR("pop3") :
		   str_starts(name, STR("imap")) ? STR("imap") :
		   str_starts(name, STR("webmail")) ? STR("webmail") : STR_NONE;
	return true;
}

/* "smtp: (PLAIN) login success a@b:203.0.113.1": no message is named, so what was sent over the
 * connection cannot be told. Reading mail is a visit. */
static enum parse_result on_vchkpw_success(const struct line *line, struct str s,
					   struct event *ev)
{
	if (!str_eat(&s, STR("(")) || !cursor_until(&s, STR(") login success "), &ev->auth) ||
	    !split_client(&s, &ev->client_ip))
		return PARSE_UNKNOWN;
	if (!ev->service.n)
		return PARSE_NOISE;
	ev->login = s;
	return emit(line, ev);
}

/* "smtp: password fail (pass: 'x') a@b:203.0.113.1". The password may hold anything, and a
 * login no ") ". */
static enum parse_result on_vchkpw(const struct line *line)
{
	static const struct str failures[] = {
		STR("password fail "), STR("vpopmail user not found "),
		STR("user has no password "), STR("invalid user/domain characters "),
		STR("null user name given "), STR("null password given "),
	};
	struct str s = line->text, service, before;
	struct event ev;

	if (!eat_service(&s, &service))
		return PARSE_UNKNOWN;
	if (str_starts(s, STR("("))) {
		event_init(&ev, EV_LOGIN);
		ev.service = service;
		return on_vchkpw_success(line, s, &ev);
	}
	event_init(&ev, EV_AUTH_FAIL);
	ev.service = service;
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		if (!str_eat(&s, failures[i]))
			continue;
		ev.response = str_head(failures[i], failures[i].n - 1);
		if (!split_client(&s, &ev.client_ip))
			return PARSE_UNKNOWN;
		if (str_starts(s, STR("(pass: '")) && !cursor_until_last(&s, STR("') "), &before))
			return PARSE_UNKNOWN;
		ev.login = s;
		return emit(line, &ev);
	}
	return PARSE_UNKNOWN;
}

/* "250_ok_1795416873_qp_4711", qmail-smtpd's answer to the message. */
static bool eat_answer(struct str s, int64_t *process)
{
	return str_eat(&s, STR("250_ok_")) && eat_number(&s) && cursor_int(&s, STR("_qp_"), process) &&
	       !s.n;
}

/* "from: a@b to: c@d origin_ip: 203.0.113.1 origin_rdns: host auth: login encryption: TLS
 * reason: 250_ok_1795416873_qp_4711". Read from its end: the client chose the addresses, and
 * the login is one that was verified. Without the reason it names no message. */
static enum parse_result on_spamdyke(const struct line *line)
{
	struct str s = line->text, reason, encryption, login, name, ip;
	struct event ev;

	event_init(&ev, EV_AUTH);
	reason = encryption = s;
	if (!cursor_until_last(&reason, STR(" reason: "), &encryption))
		return PARSE_NOISE;
	login = encryption;
	if (!cursor_until_last(&login, STR(" encryption: "), &name))
		return PARSE_UNKNOWN;
	login = name;
	if (!cursor_until_last(&login, STR(" auth: "), &name))
		return PARSE_UNKNOWN;
	ev.client_name = name;
	if (!cursor_until_last(&ev.client_name, STR(" origin_rdns: "), &ip))
		return PARSE_UNKNOWN;
	ev.client_ip = ip;
	if (!cursor_until_last(&ev.client_ip, STR(" origin_ip: "), &s) ||
	    !cursor_until(&s, STR(" to: "), &ev.sender))
		return PARSE_UNKNOWN;
	if (!eat_answer(reason, &ev.process) || str_eq(login, STR("(unknown)")) || !login.n)
		return PARSE_NOISE;
	if (str_eq(ev.client_name, STR("(unknown)")))
		ev.client_name = STR_NONE;
	if (str_eq(ev.sender, STR("(unknown)")))
		ev.sender = STR_NONE;
	ev.login = login;
	return emit(line, &ev);
}

/* "1795416873.123456+the rest of a line that splogger broke" */
static enum parse_result on_broken(const struct line *line)
{
	struct str s = line->text;

	return eat_number(&s) && str_eat(&s, STR(".")) && eat_number(&s) && str_eat(&s, STR("+")) ?
		       PARSE_NOISE : PARSE_UNKNOWN;
}

/* --- the rules --- */

#define NOISE NULL
#define RULES(X) \
	X("outcome", "delivery ", on_outcome) \
	X("status", "status: ", NOISE) \
	X("start", "starting delivery ", on_start) \
	X("new", "new msg ", NOISE) \
	X("info", "info msg ", on_info) \
	X("end", "end msg ", on_end) \
	X("bounce", "bounce msg ", on_bounce) \
	X("triple", "triple bounce: discarding ", NOISE) \
	X("double", "double bounce: discarding ", NOISE) \
	X("running", "running", NOISE) \
	X("warning", "warning: ", NOISE) \
	X("alert", "alert: ", NOISE) \
	X("tcpserver", "tcpserver: ", NOISE) \
	X("rblsmtpd", "rblsmtpd: ", NOISE) \
	X("chkuser", "CHKUSER ", NOISE) \
	X("vchkpw", "vchkpw-", on_vchkpw) \
	X("allowed", "ALLOWED from: ", on_spamdyke) \
	X("spamdyke", "spamdyke[", NOISE) \
	X("denied", "DENIED_", NOISE) \
	X("broken", "", on_broken)

static const struct rule rules[] = {
#define X(name, prefix, handle) { name, STR(prefix), handle },
	RULES(X)
#undef X
};

static const char *const rule_names[] = {
#define X(name, ...) name,
	RULES(X)
#undef X
};

#define RULE_COUNT ((int)(sizeof(rules) / sizeof(rules[0])))

static bool claims_qmail(const struct record *rec)
{
	static const struct str programs[] = { STR("qmail"), STR("qmail-send"), STR("vpopmail"),
					       STR("spamdyke") };

	if (rec->shape == RECORD_MULTILOG)
		return true;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (rec->shape == RECORD_SYSLOG && str_eq(rec->program, programs[i]))
			return true;
	return false;
}

/* Where a log vouches for the process, it must be one of these, in a system's place. Their
 * users may have uids as of people, where useradd(8) made them. */
static bool is_its_program(struct str exe)
{
	static const struct str names[] = { STR("splogger"), STR("qmail-send"), STR("vchkpw"),
					    STR("spamdyke") };
	struct str name = str_skip(exe, str_rchr(exe, '/') + 1);

	if (!str_starts(exe, STR("/var/qmail/")) && !str_starts(exe, STR("/usr/")) &&
	    !str_starts(exe, STR("/home/vpopmail/bin/")))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

static bool is_forged(const struct record *rec)
{
	if (rec->cred_exe.n && rec->cred_exe.p[0] == '/')
		return !is_its_program(rec->cred_exe);
	return rec->cred_uid >= FIRST_PERSON;
}

static enum parse_result parse_qmail(const struct record *rec, struct event_sink *sink)
{
	struct line line = { .rec = rec, .sink = sink };

	sink->rule = -1;
	if (is_forged(rec))
		return PARSE_UNKNOWN;
	for (int i = 0; i < RULE_COUNT; i++) {
		enum parse_result result;

		if (!str_starts(rec->body, rules[i].prefix))
			continue;
		line.text = str_skip(rec->body, rules[i].prefix.n);
		result = rules[i].handle ? rules[i].handle(&line) : PARSE_NOISE;
		if (result == PARSE_UNKNOWN)
			continue;
		sink->rule = i;
		return result;
	}
	return PARSE_UNKNOWN;
}

const struct parser parser_qmail = {
	.name = "qmail",
	.summary = "qmail, netqmail, notqmail: qmail-send through multilog or splogger",
	.claims = claims_qmail,
	.parse = parse_qmail,
	.rules = rule_names,
	.nrules = RULE_COUNT,
};
