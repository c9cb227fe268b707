/* Exim's main log, in its own file or through syslog (4.84 to 4.99): the rule
 * table, and the readers of what is not an arrival (exim_arrival.c), a delivery
 * (exim_delivery.c) or about a client (exim_client.c).
 *
 * A line goes from exim_parse(), below all, to the first rule that fits, and
 * from there to the rule's reader; exim_fields.h is what the readers share.
 *
 * Invariant of all these files: a field is believed only if no sender, client
 * or DNS server can have written it. What others write is bounded by the
 * grammar: quoted local parts and T= are read to their closing quote, HELO to
 * the only ") [ip]" that leaves a well-formed rest. When a line has two readings
 * it names no client and no login.
 *
 * A line that syslog split ("[1/3] ", "[1\4] ") is read as far as its first
 * part goes; the later parts are noise. This file knows nothing of the lines
 * before: a cwd= line and its <= are joined by the correlator.
 */
#include "parsers/cursor.h"
#include "parsers/exim_line.h"

enum parse_result exim_emit(const struct exim_line *line, struct event_sink *sink,
			      struct event *ev)
{
	ev->queue_id = line->id;
	sink->emit(sink, line->rec, ev);
	return PARSE_EVENTS;
}

/* ---- the queue ------------------------------------------------------ */

static enum parse_result emit_text(struct exim_line *line, struct event_sink *sink,
				   enum event_kind kind)
{
	struct event ev;

	event_init(&ev, kind);
	ev.response = line->said;
	return exim_emit(line, sink, &ev);
}

static enum parse_result read_completed(struct exim_line *line, struct event_sink *sink)
{
	struct event ev;

	if (line->rest.n && line->rest.p[0] != ' ')
		return PARSE_UNKNOWN;
	event_init(&ev, EV_END);
	return exim_emit(line, sink, &ev);
}

static enum parse_result read_discarded(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_DISCARD);
}

static enum parse_result read_frozen(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_HOLD);
}

static enum parse_result read_thawed(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_RELEASE);
}

static enum parse_result read_removed(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_DELETE);
}

static enum parse_result read_given_up(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_EXPIRE);
}

/* log_write() in Exim's src/log.c: the process ends with such a line, in the panic
 * log or through syslog, and what it had to say is not in the main log. */
static enum parse_result read_unwritten(struct exim_line *line, struct event_sink *sink)
{
	return emit_text(line, sink, EV_LOST);
}

/* ---- mailaudit-php, written by the ACL in etc/snippets/exim ---------- */

/* key="value": the ACL writes every quote inside as \042 and leaves other
 * backslashes alone, so the value ends at the first quote. */
static bool eat_link_text(struct str *s, struct str key, struct str *out)
{
	struct str rest = *s;

	if (!str_eat(&rest, key) || !cursor_until(&rest, STR("\""), out))
		return false;
	str_eat(&rest, STR(" "));
	*s = rest;
	return true;
}

static void eat_link_number(struct str *s, struct str key, int64_t *out)
{
	if (cursor_int(s, key, out))
		str_eat(s, STR(" "));
}

static enum parse_result read_link(struct exim_line *line, struct event_sink *sink)
{
	struct str s = line->rest;
	struct event ev;

	event_init(&ev, EV_LINK);
	eat_link_number(&s, STR("uid="), &ev.uid);
	if (str_eat(&s, STR("login=")))
		cursor_until_or_rest(&s, STR(" "), &ev.user);
	eat_link_number(&s, STR("rcpts="), &ev.nrcpt);
	eat_link_number(&s, STR("size="), &ev.size);
	eat_link_text(&s, STR("cwd=\""), &ev.cwd);
	if (eat_link_text(&s, STR("mid=\""), &ev.message_id))
		ev.message_id = cursor_strip_angles(ev.message_id);
	eat_link_text(&s, STR("ref=\""), &ev.ref);
	eat_link_text(&s, STR("script=\""), &ev.script);
	eat_link_text(&s, STR("to=\""), &ev.header_to);
	eat_link_text(&s, STR("subj=\""), &ev.subject);
	return exim_emit(line, sink, &ev);
}

/* ---- cwd= ----------------------------------------------------------- */

/* Runs of Exim that take no message: the daemon, queue runs, deliveries, tests,
 * administration. */
static bool is_own_option(struct str word)
{
	static const struct str options[] = { STR("-M"),  STR("-bd"), STR("-bp"),
					      STR("-bP"), STR("-bV"), STR("-bt"),
					      STR("-bv"), STR("-bh"), STR("-bw"),
					      STR("-q") };

	for (size_t i = 0; i < COUNT(options); i++)
		if (str_starts(word, options[i]))
			return true;
	return false;
}

/* Exim submits its bounces as "-t -oem -oi -f <> -E<id>" from its spool. */
static bool is_own_bounce(struct str cwd, struct str args)
{
	size_t at = str_rchr(args, ' ');
	struct str last = at < args.n ? str_skip(args, at + 1) : STR_NONE, id;

	return str_has(cwd, STR("/spool")) && str_has(args, STR(" -oem ")) &&
	       str_eat(&last, STR("-E")) && exim_eat_message_id(&last, &id) &&
	       last.n == 0;
}

static bool is_own_run(struct str args)
{
	struct str word;

	cursor_word(&args, &word);
	while (str_eat(&args, STR(" ")) && cursor_word(&args, &word) &&
	       first(word) == '-') {
		if (is_own_option(word))
			return true;
		if (str_eq(word, STR("-C")) && str_eat(&args, STR(" ")))
			cursor_word(&args, &word);
	}
	return false;
}

/* "/path 4 args: program -t ...". The path may hold blanks; it ends at the
 * first " N args: ", so a directory named like one can only shorten its own
 * path. */
static enum parse_result read_cwd(struct exim_line *line, struct event_sink *sink)
{
	struct str rest = line->rest;
	struct event ev;
	int64_t argc;
	size_t at;

	event_init(&ev, EV_CWD);
	while ((at = str_chr(rest, ' ')) < rest.n) {
		rest = str_skip(rest, at);
		ev.cwd = str_range(line->rest.p, rest.p);
		if (!cursor_int(&rest, STR(" "), &argc) ||
		    !str_eat(&rest, STR(" args: "))) {
			rest = str_skip(rest, rest.n && rest.p[0] == ' ');
			continue;
		}
		ev.args = rest;
		if (is_own_run(rest) || is_own_bounce(ev.cwd, rest))
			return PARSE_NOISE;
		return exim_emit(line, sink, &ev);
	}
	return PARSE_UNKNOWN;
}

/* ---- the rules ------------------------------------------------------ */

enum scope {
	OF_MESSAGE, /* behind a message id */
	OF_NONE, /* where there is none */
	OF_BOTH,
	OF_CLIENT /* behind "H=... U=... F=..." */
};

/* A rule without a reader is noise: known, and of no interest. The first that
 * fits takes the line; those that search come last. */
#define RULES(X) \
	X("arrival", OF_MESSAGE, STARTS, "<= ", exim_read_accept) \
	X("fake-reject", OF_MESSAGE, STARTS, "(= ", exim_read_accept) \
	X("discarded", OF_MESSAGE, STARTS, "=> blackhole (", read_discarded) \
	X("blackhole", OF_MESSAGE, STARTS, "=> blackhole *", read_discarded) \
	X("delivered", OF_MESSAGE, STARTS, "=> ", exim_read_sent) \
	X("delivered-more", OF_MESSAGE, STARTS, "-> ", exim_read_sent) \
	X("cutthrough", OF_MESSAGE, STARTS, ">> ", exim_read_sent) \
	X("suppressed", OF_MESSAGE, STARTS, "*> ", exim_read_sent) \
	X("failed", OF_MESSAGE, STARTS, "** ", exim_read_failed) \
	X("deferred", OF_MESSAGE, STARTS, "== ", exim_read_deferred) \
	X("completed", OF_MESSAGE, STARTS, "Completed", read_completed) \
	X("cwd", OF_NONE, STARTS, "cwd=", read_cwd) \
	X("link", OF_MESSAGE, STARTS, "mailaudit-php ", read_link) \
	/* the queue */ \
	X("frozen", OF_MESSAGE, STARTS, "Frozen", read_frozen) \
	X("frozen-by", OF_MESSAGE, STARTS, "frozen by ", read_frozen) \
	X("thawed", OF_MESSAGE, STARTS, "Unfrozen by ", read_thawed) \
	X("thawed-by", OF_MESSAGE, STARTS, "unfrozen by ", read_thawed) \
	X("still-frozen", OF_MESSAGE, STARTS, "Message is frozen", NULL) \
	X("removed", OF_MESSAGE, STARTS, "removed by ", read_removed) \
	X("frozen-too-long", OF_MESSAGE, STARTS, "cancelled by timeout_frozen_after", \
	  read_given_up) \
	X("cancelled", OF_MESSAGE, STARTS, "cancelled by ", read_given_up) \
	X("not-yet", OF_MESSAGE, STARTS, "no immediate delivery: ", NULL) \
	X("suppressed-notice", OF_MESSAGE, STARTS, "Suppressed delivery notification", \
	  NULL) \
	X("retry-time", OF_MESSAGE, STARTS, "retry time not reached for any host", NULL) \
	X("spool-file", OF_MESSAGE, STARTS, "Spool file ", NULL) \
	X("spool-format", OF_MESSAGE, STARTS, "Format error in spool file ", NULL) \
	X("marked", OF_MESSAGE, STARTS, "address <", NULL) \
	X("sender-changed", OF_MESSAGE, STARTS, "sender address changed to ", NULL) \
	X("recipient-added", OF_MESSAGE, STARTS, "recipient <", NULL) \
	X("moved", OF_MESSAGE, STARTS, "moved from ", NULL) \
	X("filter-recipients", OF_MESSAGE, STARTS, "original recipients ignored", NULL) \
	X("filter-deferred", OF_MESSAGE, STARTS, "Delivery deferred by ", NULL) \
	X("filter-error", OF_MESSAGE, STARTS, "Error in system filter", NULL) \
	X("skipped-delivery", OF_MESSAGE, STARTS, "skipped: ", NULL) \
	/* refused */ \
	X("no-recipients", OF_MESSAGE, STARTS, "no recipients found in headers", \
	  exim_read_reject) \
	X("rejected-from", OF_BOTH, STARTS, "rejected from ", exim_read_early_reject) \
	X("rejected-mail", OF_NONE, STARTS, "rejected MAIL FROM:", \
	  exim_read_early_reject) \
	X("rejected-command", OF_NONE, STARTS, "rejected ", NULL) \
	X("bounce-rejected", OF_MESSAGE, STARTS, \
	  "Error while reading message with no usable", exim_read_reject) \
	X("abandoned", OF_MESSAGE, STARTS, "Message abandoned: ", exim_read_reject) \
	X("outgoing-hold", OF_BOTH, STARTS, "Sender ", exim_read_outgoing_hold) \
	X("client-rejected", OF_CLIENT, STARTS, "rejected ", exim_read_reject) \
	X("client-deferred", OF_CLIENT, STARTS, "temporarily rejected ", \
	  exim_read_reject) \
	X("client-dropped", OF_CLIENT, STARTS, "dropped by ", exim_read_reject) \
	X("client-discarded", OF_CLIENT, STARTS, "RCPT ", exim_read_acl_discard) \
	X("client-warning", OF_CLIENT, STARTS, "Warning: ", exim_read_warning) \
	X("sender-verify", OF_CLIENT, STARTS, "sender verify ", NULL) \
	X("incomplete", OF_CLIENT, STARTS, "incomplete transaction ", NULL) \
	/* connections */ \
	X("connection", OF_BOTH, STARTS, "SMTP connection ", NULL) \
	X("call-dropped", OF_BOTH, STARTS, "SMTP call from ", NULL) \
	X("command-timeout", OF_BOTH, STARTS, "SMTP command timeout ", NULL) \
	X("data-timeout", OF_BOTH, STARTS, "SMTP data timeout ", NULL) \
	X("protocol-error", OF_BOTH, STARTS, "SMTP protocol ", NULL) \
	X("syntax-error", OF_BOTH, STARTS, "SMTP syntax error ", NULL) \
	X("disconnected", OF_BOTH, STARTS, "unexpected disconnection ", NULL) \
	X("no-host-name", OF_BOTH, STARTS, "no host name found for ", NULL) \
	X("no-address", OF_BOTH, STARTS, "no IP address found for ", NULL) \
	X("no-mail", OF_NONE, STARTS, "no MAIL in SMTP connection ", NULL) \
	X("refused", OF_NONE, STARTS, "refused connection from ", NULL) \
	X("too-many", OF_NONE, STARTS, "Connection from ", NULL) \
	X("long-header", OF_BOTH, STARTS, "ridiculously long message header ", NULL) \
	X("unqualified", OF_NONE, STARTS, "unqualified ", NULL) \
	X("etrn", OF_NONE, STARTS, "ETRN ", NULL) \
	X("atrn", OF_NONE, STARTS, "ATRN ", NULL) \
	X("vrfy", OF_NONE, STARTS, "VRFY ", NULL) \
	X("expn", OF_NONE, STARTS, "EXPN ", NULL) \
	X("ignored-auth", OF_NONE, STARTS, "ignoring AUTH=", NULL) \
	X("long-reply", OF_NONE, STARTS, "EHLO/HELO response ", NULL) \
	X("local-timeout", OF_BOTH, STARTS, "timed out while reading local message", \
	  NULL) \
	X("tls-error", OF_BOTH, STARTS, "TLS error ", NULL) \
	X("tls-session", OF_BOTH, STARTS, "TLS session", NULL) \
	X("tls-client", OF_BOTH, STARTS, "TLS client ", NULL) \
	X("tls-status", OF_MESSAGE, STARTS, "Required TLS certificate status ", NULL) \
	X("dane", OF_BOTH, STARTS, "DANE ", NULL) \
	X("dkim", OF_BOTH, STARTS, "DKIM: ", NULL) \
	X("arc", OF_BOTH, STARTS, "ARC: ", NULL) \
	X("dmarc", OF_BOTH, STARTS, "DMARC ", NULL) \
	X("prdr", OF_MESSAGE, STARTS, "PRDR ", NULL) \
	X("spamassassin", OF_MESSAGE, STARTS, "SA: ", NULL) \
	X("spam", OF_BOTH, STARTS, "spam acl condition", NULL) \
	X("malware", OF_BOTH, STARTS, "malware acl condition", NULL) \
	X("self-host", OF_MESSAGE, STARTS, "remote host address is the local host", \
	  NULL) \
	/* the program */ \
	X("warning", OF_BOTH, STARTS, "Warning: ", NULL) \
	X("loud-warning", OF_BOTH, STARTS, "WARNING: ", NULL) \
	X("suggested", OF_NONE, STARTS, " Suggested action: ", NULL) \
	X("sighup", OF_NONE, STARTS, "pid ", NULL) \
	X("main-log-closed", OF_BOTH, STARTS, "Cannot open main log file ", read_unwritten) \
	X("main-log-full", OF_BOTH, STARTS, "failed to write to main log: ", read_unwritten) \
	X("failed-to", OF_BOTH, STARTS, "failed to ", NULL) \
	X("failed-to-do", OF_BOTH, STARTS, "Failed to ", NULL) \
	X("unable-to", OF_BOTH, STARTS, "unable to ", NULL) \
	X("could-not", OF_BOTH, STARTS, "Could not ", NULL) \
	X("exec-failed", OF_BOTH, STARTS, "exec of ", NULL) \
	X("re-exec-failed", OF_BOTH, STARTS, "re-exec of ", NULL) \
	X("socket", OF_NONE, STARTS, "socket ", NULL) \
	X("spool-space", OF_NONE, STARTS, "spool directory space check failed", NULL) \
	X("local-scan", OF_MESSAGE, STARTS, "local_scan() function ", NULL) \
	X("child-status", OF_MESSAGE, STARTS, "Child mail process returned status ", \
	  NULL) \
	X("qualify", OF_MESSAGE, STARTS, "qualify/rewrite: ", NULL) \
	X("tainted", OF_BOTH, STARTS, "Tainted ", NULL) \
	X("tainted-query", OF_BOTH, STARTS, "tainted search query ", NULL) \
	X("bounce-file", OF_MESSAGE, STARTS, "bounce_message_file ", NULL) \
	X("home-directory", OF_MESSAGE, STARTS, "home directory ", NULL) \
	/* these search */ \
	X("auth-failed", OF_NONE, HAS, " authenticator failed for ", \
	  exim_read_auth_failed) \
	X("own-login-failed", OF_MESSAGE, HAS, " authenticator failed H=", NULL) \
	X("daemon", OF_NONE, HAS, " daemon started: pid=", NULL) \
	X("queue-run", OF_NONE, HAS, " queue run: pid=", NULL) \
	X("error-ignored", OF_MESSAGE, HAS, ": error ignored", NULL) \
	X("transport-output", OF_MESSAGE, HAS, " transport output: ", NULL) \
	X("transport-status", OF_MESSAGE, HAS, " transport process returned non-zero", \
	  NULL) \
	X("skipped-error", OF_MESSAGE, HAS, " router: skipped error: ", NULL) \
	X("certificate", OF_BOTH, HAS, "SSL verify error: ", NULL) \
	/* found by other means */ \
	X("split-rest", OF_NONE, STARTS, "", NULL) \
	X("host-failure", OF_NONE, STARTS, "", NULL)

enum match { STARTS, HAS };

struct rule {
	enum scope scope;
	enum match match;
	struct str text;
	enum parse_result (*read)(struct exim_line *line, struct event_sink *sink);
};

static const struct rule rules[] = {
#define X(name, scope, match, text, read) { scope, match, STR(text), read },
	RULES(X)
#undef X
};

static const char *const rule_names[] = {
#define X(name, scope, match, text, read) name,
	RULES(X)
#undef X
};

#define RULE_HOST_FAILURE ((int)COUNT(rules) - 1)
#define RULE_SPLIT_REST ((int)COUNT(rules) - 2)
/* Rules that stand in the table for their name only. */
#define SEARCHED_RULES (COUNT(rules) - 2)

static int find_rule(enum scope scope, struct str s)
{
	bool main_scope = scope != OF_CLIENT;

	for (size_t i = 0; i < SEARCHED_RULES; i++) {
		const struct rule *r = &rules[i];

		if (r->scope != scope && !(main_scope && r->scope == OF_BOTH))
			continue;
		if (r->match == STARTS ? str_starts(s, r->text) : str_has(s, r->text))
			return (int)i;
	}
	return -1;
}

static enum parse_result apply_rule(int index, struct exim_line *line,
				    struct event_sink *sink)
{
	const struct rule *r = &rules[index];
	enum parse_result result;

	sink->rule = index;
	line->rest = r->match == STARTS ? str_skip(line->said, r->text.n) : line->said;
	result = r->read ? r->read(line, sink) : PARSE_NOISE;
	if (result == PARSE_UNKNOWN)
		sink->rule = -1;
	return result;
}

static bool starts_with_client(struct str s)
{
	return str_starts(s, STR("H=")) || str_starts(s, STR("U=")) ||
	       str_starts(s, STR("F="));
}

/* "H=name (helo) [ip] F=<sender> rejected ...": the HELO ends where a client
 * rule fits behind. With a message id and no such rule, H= is the host that a
 * delivery failed to reach, and any text may follow. */
static enum parse_result read_client_line(struct exim_line *line, struct event_sink *sink)
{
	struct exim_fields f, good = { 0 };
	struct str s, said = STR_NONE;
	unsigned readings = 0, reading = 0;
	int found, rule = -1;

	do {
		s = line->said;
		f = (struct exim_fields){ .start = s.p, .reading = reading };
		exim_eat_client_fields(&s, &f);
		found = str_eat(&s, STR(" ")) ? find_rule(OF_CLIENT, s) : -1;
		if (found >= 0 && readings++ == 0) {
			rule = found;
			good = f;
			said = s;
		}
	} while (f.another && ++reading < EXIM_MAX_READINGS);
	if (readings == 0 && line->id.n && str_starts(line->said, STR("H="))) {
		sink->rule = RULE_HOST_FAILURE;
		return PARSE_NOISE;
	}
	if (readings == 0)
		return PARSE_UNKNOWN;
	if (readings == 1 && !f.another && !(reading && exim_has_raw_quotes(line->said)))
		line->client = &good;
	if (good.has[SLOT_PEER] || (good.has[SLOT_HOST] && good.has[SLOT_USER]))
		good.has[SLOT_LOGIN] = false; /* it may be the client's own words */
	line->said = said;
	return apply_rule(rule, line, sink);
}

/* "[2/3] " or "[2\3] ": the number of the part, 0 when the line was not split. */
static int64_t eat_part_number(struct str *s)
{
	struct str rest = *s;
	int64_t part, parts;

	if (!cursor_int(&rest, STR("["), &part))
		return 0;
	if (!cursor_int(&rest, STR("/"), &parts) && !cursor_int(&rest, STR("\\"), &parts))
		return 0;
	if (!str_eat(&rest, STR("] ")) || part < 1 || part > parts)
		return 0;
	*s = rest;
	return part;
}

/* Exim's own stamp and pid inside a syslog line. */
static void eat_inner_stamp(struct str *s)
{
	struct str rest = *s;
	int64_t pid;
	usec_t time;

	if (stamp_exim(&rest, zone_utc(), &time) && str_eat(&rest, STR(" ")))
		*s = rest;
	rest = *s;
	if (cursor_int(&rest, STR("["), &pid) && str_eat(&rest, STR("] ")))
		*s = rest;
}

/* Some lines name their message twice. */
static void eat_ids(struct exim_line *line)
{
	struct str id, rest = line->said;

	while (exim_eat_message_id(&rest, &id) && str_eat(&rest, STR(" "))) {
		line->id = id;
		line->said = rest;
	}
}

static enum parse_result exim_parse(const struct record *rec, struct event_sink *sink)
{
	struct exim_line line = { .rec = rec, .said = rec->body, .cut = rec->cut };
	int64_t part = 0;
	int rule;

	sink->rule = -1;
	if (rec->shape == RECORD_SYSLOG) {
		part = eat_part_number(&line.said);
		eat_inner_stamp(&line.said);
	}
	if (part > 1) {
		sink->rule = RULE_SPLIT_REST;
		return PARSE_NOISE;
	}
	line.cut = rec->cut || part == 1;
	eat_ids(&line);
	if (starts_with_client(line.said))
		return read_client_line(&line, sink);
	rule = find_rule(line.id.n ? OF_MESSAGE : OF_NONE, line.said);
	return rule < 0 ? PARSE_UNKNOWN : apply_rule(rule, &line, sink);
}

/* " Suggested action: ..." is the second line of a warning, without a stamp. */
static bool exim_claims(const struct record *rec)
{
	if (rec->shape == RECORD_EXIM)
		return true;
	if (rec->shape == RECORD_PLAIN)
		return str_starts(rec->body, STR(" Suggested action: "));
	return rec->shape == RECORD_SYSLOG && str_starts(rec->program, STR("exim"));
}

/* It is called sendmail, too. Whoever calls it, it writes as root or as its own user. */
static const char *const programs[] = { "exim", "sendmail", NULL };

const struct parser parser_exim = {
	.name = "exim",
	.summary = "Exim main log, as a file or through syslog",
	.claims = exim_claims,
	.daemons_only = true,
	.programs = programs,
	.parse = exim_parse,
	.rules = rule_names,
	.nrules = COUNT(rule_names),
};
