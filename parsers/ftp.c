/* FTP servers: logins, refused ones, and files that were uploaded. vsftpd and ProFTPD
 * through syslog or in files of their own, Pure-FTPd through syslog, and xferlog,
 * which all of them can write.
 *
 * Invariant: a name in a refusal and a path are whatever the client sent. A
 * refusal is told by the end of its line, which is the server's own, before anything
 * else is tried; a path ends where the server's last words begin. xferlog makes blanks
 * of a path to '_', and is read from the right.
 *
 * Formats: vsftpd 3.0 logging.c, ProFTPD 1.3.8 modules/mod_auth.c and mod_xfer.c,
 * Pure-FTPd 1.0.50 messages_en.h, wu-ftpd's xferlog(5). */
#include "core/parser.h"
#include "parsers/cursor.h"

/* Words of xferlog behind the path: type, action, direction, access, user, service,
 * method, id, completion. */
#define XFERLOG_WORDS 9

enum rule {
	RULE_VSFTPD_REFUSED, RULE_VSFTPD_LOGIN, RULE_VSFTPD_UPLOAD, RULE_VSFTPD,
	RULE_PROFTPD_REFUSED, RULE_PROFTPD_LOGIN, RULE_PROFTPD,
	RULE_PURE_REFUSED, RULE_PURE_LOGIN, RULE_PURE_UPLOAD, RULE_PURE,
	RULE_XFERLOG_UPLOAD, RULE_XFERLOG,
	RULES
};

static const char *const rule_names[RULES] = {
	[RULE_VSFTPD_REFUSED] = "vsftpd-refused",   [RULE_VSFTPD_LOGIN] = "vsftpd-login",
	[RULE_VSFTPD_UPLOAD] = "vsftpd-upload",	    [RULE_VSFTPD] = "vsftpd",
	[RULE_PROFTPD_REFUSED] = "proftpd-refused", [RULE_PROFTPD_LOGIN] = "proftpd-login",
	[RULE_PROFTPD] = "proftpd",		    [RULE_PURE_REFUSED] = "pure-refused",
	[RULE_PURE_LOGIN] = "pure-login",	    [RULE_PURE_UPLOAD] = "pure-upload",
	[RULE_PURE] = "pure",			    [RULE_XFERLOG_UPLOAD] = "xferlog-upload",
	[RULE_XFERLOG] = "xferlog",
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
	ev->service = STR("ftp");
	sink->emit(sink, rec, ev);
	return PARSE_EVENTS;
}

/* ---- vsftpd ---- */

/* [alice] OK UPLOAD: Client "203.0.113.7", "/a.php", 35 bytes, 93.90Kbyte/sec */
static enum parse_result read_vsftpd(struct str s, const struct record *rec,
				     struct event_sink *sink)
{
	struct str head, rest = s;
	struct event ev;

	event_init(&ev, EV_AUTH_FAIL);
	if (!str_eat(&s, STR("[")))
		return noise(sink, RULE_VSFTPD);
	rest = s;
	if (str_ends(rest, STR("\"")) &&
	    cursor_until_last(&rest, STR("] FAIL LOGIN: Client \""), &ev.login)) {
		ev.client_ip = str_head(rest, rest.n - 1);
		return tell(&ev, RULE_VSFTPD_REFUSED, rec, sink);
	}
	if (!cursor_until(&s, STR("] OK "), &ev.login) ||
	    !cursor_until(&s, STR(": Client \""), &head) ||
	    !cursor_until(&s, STR("\""), &ev.client_ip))
		return noise(sink, RULE_VSFTPD);
	if (str_eq(head, STR("LOGIN"))) {
		ev.kind = EV_LOGIN;
		return tell(&ev, RULE_VSFTPD_LOGIN, rec, sink);
	}
	if (!str_eq(head, STR("UPLOAD")) || !str_eat(&s, STR(", \"")) ||
	    !cursor_until_last(&s, STR("\", "), &ev.path))
		return noise(sink, RULE_VSFTPD);
	ev.kind = EV_UPLOAD;
	return tell(&ev, RULE_VSFTPD_UPLOAD, rec, sink);
}

/* In its own file "[pid 205] " stands in front. */
static bool is_vsftpd_file(struct str s)
{
	return str_starts(s, STR("[pid "));
}

static enum parse_result read_vsftpd_file(const struct record *rec, struct event_sink *sink)
{
	struct str s = rec->body, pid;

	if (!cursor_until(&s, STR("] "), &pid))
		return PARSE_UNKNOWN;
	return read_vsftpd(s, rec, sink);
}

/* ---- ProFTPD ---- */

/* 192.0.2.10 (name[203.0.113.7]) - USER alice: Login successful. In a file ": " for " - ". */
static enum parse_result read_proftpd(const struct record *rec, struct event_sink *sink)
{
	static const struct str good = STR(": Login successful.");
	struct str s = rec->body, client, server, name;
	struct event ev;

	event_init(&ev, EV_AUTH_FAIL);
	if (!cursor_until(&s, STR(" ("), &server) || !cursor_until(&s, STR("])"), &client) ||
	    !cursor_until_last(&client, STR("["), &name) ||
	    (!str_eat(&s, STR(" - ")) && !str_eat(&s, STR(": "))) || !str_eat(&s, STR("USER ")))
		return noise(sink, RULE_PROFTPD);
	ev.client_ip = client;
	if (str_ends(s, good)) {
		ev.kind = EV_LOGIN;
		ev.login = str_head(s, s.n - good.n);
		return tell(&ev, RULE_PROFTPD_LOGIN, rec, sink);
	}
	/* That name is nobody's, whatever it spells. */
	if (str_find(s, STR(": no such user found from ")) < s.n ||
	    !cursor_until_last(&s, STR(" (Login failed): "), &ev.login))
		return noise(sink, RULE_PROFTPD);
	return tell(&ev, RULE_PROFTPD_REFUSED, rec, sink);
}

/* ---- Pure-FTPd ---- */

/* It names the host where it may resolve: that is no address. */
static void set_address(struct event *ev, struct str host)
{
	bool address = host.n && ((host.p[0] >= '0' && host.p[0] <= '9') ||
				  str_chr(host, ':') < host.n);

	*(address ? &ev->client_ip : &ev->client_name) = host;
}

/* (alice@203.0.113.7) [NOTICE] /home/alice//a.php uploaded  (35 bytes, 416.74KB/sec) */
static enum parse_result read_pure(const struct record *rec, struct event_sink *sink)
{
	static const struct str in = STR(" is now logged in");
	struct str s = rec->body, who, level, rest;
	struct event ev;

	event_init(&ev, EV_LOGIN);
	if (!str_eat(&s, STR("(")) || !cursor_until(&s, STR(") ["), &who) ||
	    !cursor_until(&s, STR("] "), &level) ||
	    !cursor_until_last(&who, STR("@"), &ev.login))
		return PARSE_UNKNOWN;
	set_address(&ev, who);
	rest = s;
	if (str_eq(level, STR("NOTICE")) &&
	    cursor_until_last(&rest, STR(" uploaded  ("), &ev.path)) {
		ev.kind = EV_UPLOAD;
		return tell(&ev, RULE_PURE_UPLOAD, rec, sink);
	}
	ev.login = str_head(s, s.n > in.n ? s.n - in.n : 0);
	if (str_eq(level, STR("INFO")) && str_ends(s, in))
		return tell(&ev, RULE_PURE_LOGIN, rec, sink);
	ev.kind = EV_AUTH_FAIL;
	if (str_eq(level, STR("WARNING")) && str_eat(&s, STR("Authentication failed for user [")) &&
	    str_ends(s, STR("]"))) {
		ev.login = str_head(s, s.n - 1);
		return tell(&ev, RULE_PURE_REFUSED, rec, sink);
	}
	return noise(sink, RULE_PURE);
}

/* ---- xferlog ---- */

static struct str last_word(struct str *s)
{
	size_t at = str_rchr(*s, ' ');
	struct str word = at < s->n ? str_skip(*s, at + 1) : STR_NONE;

	*s = at < s->n ? str_head(*s, at) : STR_NONE;
	return word;
}

/* 1 203.0.113.7 35 /home/alice/a.php b _ i r alice ftp 0 * c */
static enum parse_result read_xferlog(const struct record *rec, struct event_sink *sink)
{
	struct str s = rec->body, word[XFERLOG_WORDS], host;
	struct event ev;
	int64_t seconds, size;

	event_init(&ev, EV_UPLOAD);
	if (!str_eat_int(&s, &seconds) || !str_eat(&s, STR(" ")) ||
	    !cursor_until(&s, STR(" "), &host) || !str_eat_int(&s, &size) || !str_eat(&s, STR(" ")))
		return PARSE_UNKNOWN;
	for (int i = XFERLOG_WORDS; i-- > 0;)
		word[i] = last_word(&s);
	if (!s.n || word[2].n != 1)
		return PARSE_UNKNOWN;
	if (!str_eq(word[2], STR("i")) || !str_eq(word[8], STR("c")))
		return noise(sink, RULE_XFERLOG);
	ev.path = s;
	ev.login = word[4];
	set_address(&ev, host);
	return tell(&ev, RULE_XFERLOG_UPLOAD, rec, sink);
}

static enum parse_result ftp_parse(const struct record *rec, struct event_sink *sink)
{
	sink->rule = -1;
	if (rec->shape == RECORD_CTIME)
		return is_vsftpd_file(rec->body) ? read_vsftpd_file(rec, sink) :
						   read_xferlog(rec, sink);
	if (str_eq(rec->program, STR("vsftpd")))
		return read_vsftpd(rec->body, rec, sink);
	return str_eq(rec->program, STR("proftpd")) ? read_proftpd(rec, sink) :
						      read_pure(rec, sink);
}

static bool ftp_claims(const struct record *rec)
{
	return rec->shape == RECORD_CTIME ||
	       (rec->shape == RECORD_SYSLOG && (str_eq(rec->program, STR("vsftpd")) ||
						str_eq(rec->program, STR("proftpd")) ||
						str_eq(rec->program, STR("pure-ftpd"))));
}

static const char *const programs[] = { "vsftpd", "proftpd", "pure-ftpd", NULL };

const struct parser parser_ftp = {
	.name = "ftp",
	.summary = "vsftpd, ProFTPD, Pure-FTPd and xferlog: logins and uploads",
	.claims = ftp_claims,
	.parse = ftp_parse,
	.rules = rule_names,
	.nrules = RULES,
	.daemons_only = true,
	.programs = programs,
	.among_others = true,
};
