/* PHP's mail.log (php_mail_log_* in php-src ext/standard/mail.c), as a file or
 * through syslog, all versions since 5.3.
 *
 *   5.3      mail() on [FILE:LINE]: To: T -- Headers: H
 *   5.4-7.0  [stamp] mail() on [FILE:LINE]: To: T -- Headers: H
 *   7.1-     [stamp] mail() on [FILE:LINE]: To: T -- Headers: H -- Subject: S
 *
 * With mail.log = php://stderr and catch_workers_output php-fpm repeats the line, in
 * pieces of log_limit bytes, in its own log or on its own standard error
 * (zlog_stream_* in sapi/fpm/fpm/zlog.c):
 *
 *   [stamp] WARNING: [pool NAME] child PID said into stderr: "[stamp] mail() on ..."
 *
 * Invariant: FILE and LINE come from left of the first "]: To: " that has
 * ":digits" before it; whatever is right of it was chosen by whoever filled in
 * the form, and is reported, never believed. To, Headers and Subject may hold
 * each other's separators: the first " -- Headers: " and the last
 * " -- Subject: " are taken. PHP writes the line before it sends, so it proves
 * a call, not a message. What a worker says is its pool's, whatever it says; with
 * decorate_workers_output = no nothing tells whose it is, and it is not understood.
 */
#include "core/parser.h"
#include "parsers/cursor.h"

#define CALL "mail() on ["
/* "23-Nov-2026 06:48:36 America/Argentina/ComodRivadavia" */
#define MAX_STAMP 64

enum rule { RULE_MAIL, RULE_POOL, RULE_ERROR_LOG, RULE_ROUNDCUBE, RULE_FPM, RULES };

static const char *const rule_names[RULES] = {
	[RULE_MAIL] = "mail",
	[RULE_POOL] = "pool",
	[RULE_ERROR_LOG] = "error-log",
	[RULE_ROUNDCUBE] = "roundcube",
	[RULE_FPM] = "fpm",
};

/* PHP 5.4 to 7.0 put their stamp into syslog messages too. */
static struct str skip_inner_stamp(struct str body)
{
	size_t at = str_chr(body, ']');

	if (!str_starts(body, STR("[")) || at > MAX_STAMP ||
	    !str_starts(str_skip(body, at), STR("] " CALL)))
		return body;
	return str_skip(body, at + 2);
}

static bool is_call(struct str body)
{
	return str_starts(skip_inner_stamp(body), STR(CALL));
}

/* Takes "FILE:LINE]: To: " from the start of *s. */
static bool eat_place(struct str *s, struct str *file, int64_t *line)
{
	struct str rest = *s, place;
	size_t colon;

	while (cursor_until(&rest, STR("]: To: "), &place)) {
		place = str_range(s->p, place.p + place.n);
		colon = str_rchr(place, ':');
		if (colon < place.n && str_int(str_skip(place, colon + 1), line)) {
			*file = str_head(place, colon);
			*s = rest;
			return true;
		}
		rest = str_range(place.p + place.n + 1, s->p + s->n);
	}
	return false;
}

/* What the engine calls code that has no file of its own. */
static bool is_evaluated(struct str s)
{
	static const struct str names[] = { STR("eval()'d code"),
					    STR("runtime-created function"),
					    STR("assert code"), STR("regexp code"),
					    STR("mbregex replace") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(s, names[i]))
			return true;
	return false;
}

/* "x.php(2": file and line. */
static bool split_line(struct str s, struct str *file, int64_t *line)
{
	size_t at = s.n;

	while (at && s.p[at - 1] >= '0' && s.p[at - 1] <= '9')
		at--;
	if (at == 0 || s.p[at - 1] != '(' || !str_int(str_skip(s, at), line))
		return false;
	*file = str_head(s, at - 1);
	return true;
}

/* "x.php(2) : eval()'d code", nested or not: file and line of the outermost,
 * the only real one. */
static void strip_eval(struct event *ev)
{
	struct str s = ev->script, before, file;
	int64_t line;

	while (cursor_until(&s, STR(") : "), &before)) {
		if (!is_evaluated(s))
			continue;
		before = str_range(ev->script.p, before.p + before.n);
		if (!split_line(before, &file, &line))
			continue;
		ev->script = file;
		ev->script_line = line;
		ev->eval = true;
		return;
	}
}

static void set_script(struct event *ev, struct str file, int64_t line)
{
	/* A shutdown function has no file: "[[no active file]:0]". */
	if (str_eq(file, STR("[no active file]")))
		return;
	ev->script = file;
	ev->script_line = line;
	strip_eval(ev);
}

/* "T -- Headers: H -- Subject: S"; what is missing was cut off, or is not
 * written by this version. A folded To or Subject ends with the CR of its first
 * line when there were no headers. */
static void set_mail(struct event *ev, struct str s)
{
	if (str_ends(s, STR("\r")))
		s.n--;
	cursor_until_or_rest(&s, STR(" -- Headers: "), &ev->header_to);
	if (cursor_until_last(&s, STR(" -- Subject: "), &ev->headers))
		ev->subject = s;
	else
		ev->headers = s;
}

static enum parse_result read_call(struct event *ev, struct str s, enum rule rule,
				   const struct record *rec, struct event_sink *sink)
{
	struct str file;
	int64_t line;

	s = skip_inner_stamp(s);
	if (!str_eat(&s, STR(CALL)) || !eat_place(&s, &file, &line))
		return PARSE_UNKNOWN;
	sink->rule = (int)rule;
	set_script(ev, file, line);
	set_mail(ev, s);
	sink->emit(sink, rec, ev);
	return PARSE_EVENTS;
}

/* php-fpm's master runs as root and writes no mail: it repeats what some worker said. */
static bool is_by_master(const struct record *rec)
{
	struct str exe = rec->cred_exe;
	size_t slash = str_rchr(exe, '/');

	return rec->cred_uid == 0 &&
	       str_starts(slash < exe.n ? str_skip(exe, slash + 1) : exe, STR("php-fpm"));
}

static enum parse_result read_mail(const struct record *rec, struct event_sink *sink)
{
	struct event ev;

	if (is_by_master(rec))
		return PARSE_UNKNOWN;
	event_init(&ev, EV_PHP_MAIL);
	ev.uid = rec->cred_uid;
	return read_call(&ev, rec->body, RULE_MAIL, rec, sink);
}

/* Takes "[stamp] WARNING: [pool alice] child 5511 said into stderr: \"" from the start. */
static bool eat_pool(struct str *s, struct str *pool)
{
	struct str rest = *s, stamp;
	int64_t pid;

	if (str_eat(&rest, STR("[")) && !cursor_until(&rest, STR("] "), &stamp))
		return false;
	if (!str_eat(&rest, STR("WARNING: [pool ")) || !cursor_until(&rest, STR("] child "), pool) ||
	    !pool->n || !str_eat_int(&rest, &pid) || !str_eat(&rest, STR(" said into stderr: \"")))
		return false;
	*s = rest;
	return true;
}

/* A master that is not root's is the uid's that it runs as. */
static enum parse_result read_pool(struct str s, struct str pool, const struct record *rec,
				   struct event_sink *sink)
{
	struct event ev;

	if (str_ends(s, STR("\"")))
		s.n--;
	event_init(&ev, EV_PHP_MAIL);
	if (rec->cred_uid > 0)
		ev.uid = rec->cred_uid;
	else
		ev.pool = pool;
	return read_call(&ev, s, RULE_POOL, rec, sink);
}

static bool is_pool(struct str body)
{
	struct str pool;

	return eat_pool(&body, &pool) && is_call(body);
}

/* php-fpm's own log, where workers' words are repeated. */
static bool is_fpm(struct str s)
{
	static const struct str levels[] = { STR("NOTICE: "), STR("WARNING: "), STR("ERROR: "),
					     STR("ALERT: "), STR("DEBUG: ") };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (str_starts(s, levels[i]))
			return true;
	return false;
}

/* Roundcube's sendmail log: "[stamp]: <session> User u@d [ip]; Message <id> for
 * a, b; 250 ...". The colon keeps the stamp from being one of PHP. */
static bool is_roundcube(struct str s)
{
	struct str part;

	if (str_starts(s, STR("[")))
		cursor_until(&s, STR("]: "), &part);
	return str_starts(s, STR("<")) && cursor_until(&s, STR("> User "), &part) &&
	       cursor_until(&s, STR("; Message "), &part);
}

/* Where mail.log and error_log are one file. */
static bool is_error_log(struct str s)
{
	return str_starts(s, STR("PHP ")) && str_find(s, STR(": ")) < s.n;
}

static enum parse_result noise(struct event_sink *sink, enum rule rule)
{
	sink->rule = rule;
	return PARSE_NOISE;
}

static enum parse_result phpmail_parse(const struct record *rec, struct event_sink *sink)
{
	struct str said = rec->body, pool;

	sink->rule = -1;
	if (is_call(rec->body))
		return read_mail(rec, sink);
	if (eat_pool(&said, &pool) && is_call(said))
		return read_pool(said, pool, rec, sink);
	if (is_roundcube(rec->body))
		return noise(sink, RULE_ROUNDCUBE);
	if (is_fpm(rec->body))
		return noise(sink, RULE_FPM);
	if (is_error_log(rec->body))
		return noise(sink, RULE_ERROR_LOG);
	return PARSE_UNKNOWN;
}

/* In syslog any program may say it: syslog.ident is the customer's choice. A
 * second half of a line that a newline split begins with a blank: it is
 * RECORD_PLAIN, and nobody's. */
static bool phpmail_claims(const struct record *rec)
{
	if (rec->shape == RECORD_PHP)
		return true;
	if (rec->shape == RECORD_PLAIN)
		return is_roundcube(rec->body);
	return rec->shape == RECORD_SYSLOG &&
	       (is_call(rec->body) || is_pool(rec->body) || is_roundcube(rec->body));
}

const struct parser parser_phpmail = {
	.name = "php",
	.summary = "PHP mail.log, as a file or through syslog",
	.claims = phpmail_claims,
	.parse = phpmail_parse,
	.rules = rule_names,
	.nrules = RULES,
};
