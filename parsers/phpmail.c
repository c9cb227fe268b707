/* PHP's mail.log (php_mail_log_* in php-src ext/standard/mail.c), as a file or
 * through syslog, all versions since 5.3.
 *
 *   5.3      mail() on [FILE:LINE]: To: T -- Headers: H
 *   5.4-7.0  [stamp] mail() on [FILE:LINE]: To: T -- Headers: H
 *   7.1-     [stamp] mail() on [FILE:LINE]: To: T -- Headers: H -- Subject: S
 *
 * Invariant: FILE and LINE come from left of the first "]: To: " that has
 * ":digits" before it; whatever is right of it was chosen by whoever filled in
 * the form, and is reported, never believed. To, Headers and Subject may hold
 * each other's separators: the first " -- Headers: " and the last
 * " -- Subject: " are taken. PHP writes the line before it sends, so it proves
 * a call, not a message.
 */
#include "core/parser.h"
#include "parsers/cursor.h"

#define CALL "mail() on ["
/* "23-Nov-2026 06:48:36 America/Argentina/ComodRivadavia" */
#define MAX_STAMP 64

enum rule { RULE_MAIL, RULE_ERROR_LOG, RULE_ROUNDCUBE, RULES };

static const char *const rule_names[RULES] = {
	[RULE_MAIL] = "mail",
	[RULE_ERROR_LOG] = "error-log",
	[RULE_ROUNDCUBE] = "roundcube",
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

static enum parse_result read_mail(const struct record *rec, struct event_sink *sink)
{
	struct str s = skip_inner_stamp(rec->body), file;
	struct event ev;
	int64_t line;

	if (!str_eat(&s, STR(CALL)) || !eat_place(&s, &file, &line))
		return PARSE_UNKNOWN;
	sink->rule = RULE_MAIL;
	event_init(&ev, EV_PHP_MAIL);
	ev.uid = rec->cred_uid;
	set_script(&ev, file, line);
	set_mail(&ev, s);
	sink->emit(sink, rec, &ev);
	return PARSE_EVENTS;
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
	sink->rule = -1;
	if (is_call(rec->body))
		return read_mail(rec, sink);
	if (is_roundcube(rec->body))
		return noise(sink, RULE_ROUNDCUBE);
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
	       (is_call(rec->body) || is_roundcube(rec->body));
}

const struct parser parser_phpmail = {
	.name = "php",
	.summary = "PHP mail.log, as a file or through syslog",
	.claims = phpmail_claims,
	.parse = phpmail_parse,
	.rules = rule_names,
	.nrules = RULES,
};
