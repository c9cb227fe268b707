/* OpenSSH: logins, refused passwords, and files written by SFTP and scp.
 *
 * Invariant: in a refusal the name is whatever a client sent; address and port
 * are read from the right, where sshd wrote them. Who was accepted is a user of
 * this host, so the first " from " is sshd's own, and what a certificate says
 * behind it is not looked at. A refused key is no guess: clients offer all they have.
 *
 * sftp-server says which user and which file in lines of their own, so an upload has
 * a path and no login. It runs as its user, whose words its lines may be: where the uid
 * is vouched for, the upload is that uid's, whatever the path.
 *
 * Formats: OpenSSH 7 to 10, auth.c, sftp-server.c; sshd-session since 9.8. */
#include "core/parser.h"
#include "parsers/cursor.h"

enum rule {
	RULE_ACCEPTED, RULE_REFUSED, RULE_REFUSED_OTHER, RULE_WRITTEN, RULE_SFTP, RULE_HOUSE,
	RULES
};

static const char *const rule_names[RULES] = {
	[RULE_ACCEPTED] = "accepted",		[RULE_REFUSED] = "refused",
	[RULE_REFUSED_OTHER] = "refused-other", [RULE_WRITTEN] = "written",
	[RULE_SFTP] = "sftp",			[RULE_HOUSE] = "housekeeping",
};

static enum parse_result noise(struct event_sink *sink, enum rule rule)
{
	sink->rule = (int)rule;
	return PARSE_NOISE;
}

static enum parse_result tell(struct event *ev, enum rule rule, const struct record *rec,
			      struct event_sink *sink)
{
	sink->rule = (int)rule;
	ev->service = rule == RULE_WRITTEN ? STR("sftp") : STR("ssh");
	sink->emit(sink, rec, ev);
	return PARSE_EVENTS;
}

/* "password for alice from 203.0.113.7 port 43997 ssh2[: ...]" */
static enum parse_result read_accepted(struct str s, const struct record *rec,
				       struct event_sink *sink)
{
	struct event ev;

	event_init(&ev, EV_LOGIN);
	if (!cursor_until(&s, STR(" for "), &ev.auth) || !cursor_until(&s, STR(" from "), &ev.login) ||
	    !cursor_until(&s, STR(" port "), &ev.client_ip))
		return PARSE_UNKNOWN;
	return tell(&ev, RULE_ACCEPTED, rec, sink);
}

/* "password for [invalid user ]NAME from 198.51.100.9 port 45377 ssh2" */
static enum parse_result read_refused(struct str s, const struct record *rec,
				      struct event_sink *sink)
{
	struct str name;
	struct event ev;

	event_init(&ev, EV_AUTH_FAIL);
	if (!cursor_until(&s, STR(" for "), &ev.auth) ||
	    !cursor_until_last(&s, STR(" port "), &name) ||
	    !cursor_until_last(&name, STR(" from "), &ev.login))
		return PARSE_UNKNOWN;
	ev.client_ip = name;
	/* "invalid user": nobody's password was tried. */
	if (str_starts(ev.login, STR("invalid user ")) ||
	    (!str_starts(ev.auth, STR("password")) &&
	     !str_starts(ev.auth, STR("keyboard-interactive"))))
		return noise(sink, RULE_REFUSED_OTHER);
	return tell(&ev, RULE_REFUSED, rec, sink);
}

/* close "PATH" bytes read 0 written 35 */
static enum parse_result read_sftp(struct str s, const struct record *rec, struct event_sink *sink)
{
	struct event ev;
	int64_t written;
	struct str read;

	event_init(&ev, EV_UPLOAD);
	ev.uid = rec->cred_uid;
	if (!str_eat(&s, STR("close \"")) ||
	    !cursor_until_last(&s, STR("\" bytes read "), &ev.path) ||
	    !cursor_until(&s, STR(" written "), &read) || !str_eat_int(&s, &written) || !written)
		return noise(sink, RULE_SFTP);
	return tell(&ev, RULE_WRITTEN, rec, sink);
}

static bool is_sftp(const struct record *rec)
{
	return str_eq(rec->program, STR("internal-sftp")) ||
	       str_eq(rec->program, STR("sftp-server"));
}

/* Behind the login a process of the user's own goes on, and takes leave. */
static bool by_anybody(const struct record *rec)
{
	return !str_starts(rec->body, STR("Accepted ")) && !str_starts(rec->body, STR("Failed "));
}

static enum parse_result sshd_parse(const struct record *rec, struct event_sink *sink)
{
	struct str s = rec->body;

	sink->rule = -1;
	if (is_sftp(rec))
		return read_sftp(s, rec, sink);
	if (str_eat(&s, STR("Accepted ")))
		return read_accepted(s, rec, sink);
	if (str_eat(&s, STR("Failed ")))
		return read_refused(s, rec, sink);
	/* It says much of connections, keys and PAM; a login it tells in one way only. */
	return noise(sink, RULE_HOUSE);
}

static bool sshd_claims(const struct record *rec)
{
	return rec->shape == RECORD_SYSLOG &&
	       (str_eq(rec->program, STR("sshd")) || str_eq(rec->program, STR("sshd-session")) ||
		is_sftp(rec));
}

static const char *const programs[] = { "sshd", "sftp-server", NULL };

const struct parser parser_sshd = {
	.name = "sshd",
	.summary = "OpenSSH's logins and uploads (auth.log, secure)",
	.claims = sshd_claims,
	.parse = sshd_parse,
	.rules = rule_names,
	.nrules = RULES,
	.daemons_only = true,
	.by_anybody = by_anybody,
	.programs = programs,
	.among_others = true,
};
