/* Splits a log line into time, host, program, pid and body.
 *
 * Invariant: every line gives a record, all of whose views lie in the line.
 * Reads nothing of the body but the stamp that splogger puts there. A line
 * that begins with a blank or a tab is never a fresh record: PHP lets a folded
 * header continue a line, and what stands there is the writer's choice. */
#include "core/envelope.h"

#define PHP_CALL STR("mail() on [")
/* How far splogger's stamp and syslog's may be apart. */
#define SPLOGGER_APART (2 * USEC_SECOND)

static struct str eat_to_blank(struct str *s)
{
	struct str word = str_head(*s, str_chr(*s, ' '));

	*s = str_skip(*s, word.n + 1);
	return word;
}

#define PID_DIGITS 10

/* "name[123]" -> name, 123. The last bracket is the logging daemon's own; one
 * before it belongs to whoever chose the name. */
static void split_tag(struct str tag, struct record *rec)
{
	uint64_t pid = 0, unit = 1;
	size_t digits = 0, end = tag.n - 1;

	rec->program = tag;
	if (!str_ends(tag, STR("]")))
		return;
	for (; digits < end && digits < PID_DIGITS; digits++, unit *= 10) {
		char c = tag.p[end - 1 - digits];

		if (c < '0' || c > '9')
			break;
		pid += (uint64_t)(c - '0') * unit;
	}
	if (!digits || digits == end || tag.p[end - 1 - digits] != '[' || pid > UINT32_MAX)
		return;
	rec->pid = (uint32_t)pid;
	rec->program = str_head(tag, end - 1 - digits);
}

/* A first word that ends in a colon is the tag; without one all is body. */
static void split_message(struct str s, struct record *rec)
{
	struct str word = str_head(s, str_chr(s, ' '));

	rec->body = s;
	if (word.n < 2 || word.p[word.n - 1] != ':')
		return;
	split_tag(str_head(word, word.n - 1), rec);
	rec->body = str_skip(s, word.n + 1);
}

/* rsyslog with trusted properties in place of the host:
 * "cred(pid=29956,uid=5101,gid=5101)"; a number may be missing. */
static bool split_cred(struct str word, struct record *rec)
{
	int64_t pid = 0, uid = -1;

	if (!str_eat(&word, STR("cred(pid=")))
		return false;
	str_eat_int(&word, &pid);
	if (!str_eat(&word, STR(",uid=")))
		return false;
	str_eat_int(&word, &uid);
	if (!str_starts(word, STR(",gid=")) || !str_ends(word, STR(")")))
		return false;
	rec->cred_pid = pid <= UINT32_MAX ? (uint32_t)pid : 0;
	rec->cred_uid = uid;
	return true;
}

/* "cred(pid=29956,uid=5101,exe=/usr/sbin/x)", as entry_line() writes it. */
static void split_journal_cred(struct str word, struct record *rec)
{
	int64_t pid = 0, uid = -1;

	if (!str_eat(&word, STR("cred(pid=")))
		return;
	str_eat_int(&word, &pid);
	if (!str_eat(&word, STR(",uid=")))
		return;
	str_eat_int(&word, &uid);
	if (!str_eat(&word, STR(",exe=")) || !str_ends(word, STR(")")))
		return;
	rec->cred_pid = pid <= UINT32_MAX ? (uint32_t)pid : 0;
	rec->cred_uid = uid;
	rec->cred_exe = str_head(word, word.n - 1);
}

static struct str not_nil(struct str s)
{
	return str_eq(s, STR("-")) ? STR_NONE : s;
}

/* An entry of the journal: stamp, host and credentials are always there. */
static bool split_journal(const struct envelope *env, struct str s, struct record *rec)
{
	if (!stamp_iso8601(&s, env->zone, &rec->time) || !str_eat(&s, STR(" ")))
		return false;
	rec->shape = RECORD_SYSLOG;
	rec->host = not_nil(eat_to_blank(&s));
	split_journal_cred(eat_to_blank(&s), rec);
	split_message(s, rec);
	return true;
}

/* "host tag: body"; the host may be missing. */
static void split_host(struct str s, struct record *rec)
{
	struct str rest = s, word = eat_to_blank(&rest);

	rec->shape = RECORD_SYSLOG;
	if (word.n && word.p[word.n - 1] == ':')
		rest = s;
	else if (!split_cred(word, rec))
		rec->host = word;
	split_message(rest, rec);
}

/* RFC 3164, section 4.1: "Mmm dd hh:mm:ss host tag: body". */
static bool split_rfc3164(const struct envelope *env, struct str s, struct record *rec)
{
	if (!stamp_rfc3164(&s, env->zone, env->near, &rec->time) ||
	    !str_eat(&s, STR(" ")))
		return false;
	split_host(s, rec);
	return true;
}

/* rsyslog's RSYSLOG_FileFormat. */
static bool split_iso8601(const struct envelope *env, struct str s, struct record *rec)
{
	if (s.n < 20 || s.p[10] != 'T' || !stamp_iso8601(&s, env->zone, &rec->time) ||
	    !str_eat(&s, STR(" ")))
		return false;
	split_host(s, rec);
	return true;
}

/* "[id name=\"value\" ...]" any number of times; \" \\ \] are escapes. */
static bool eat_structured_data(struct str *s)
{
	bool quoted = false, open = false;
	size_t i = 0;

	if (str_eat(s, STR("-")))
		return true;
	for (; i < s->n && (open || s->p[i] == '['); i++) {
		if (quoted && s->p[i] == '\\')
			i++;
		else if (s->p[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			open = s->p[i] != ']';
	}
	if (open || i == 0 || i > s->n)
		return false;
	*s = str_skip(*s, i);
	return true;
}

/* rsyslog keeps the blank that followed the tag's colon, and cuts the program at
 * its first '/'. PHP's lines keep that blank: one that begins with a blank may be
 * a folded header that syslog mode has split off, and must not look fresh. */
static struct str rfc5424_body(struct str s, struct str program)
{
	if (!str_eat(&s, STR("\xef\xbb\xbf")) && !str_starts(program, STR("php")))
		str_eat(&s, STR(" "));
	return s;
}

/* RFC 5424, section 6: "1 stamp host program procid msgid data message". */
static bool split_rfc5424(const struct envelope *env, struct str s, struct record *rec)
{
	struct str host, program, procid;
	int64_t pid;

	if (!str_eat(&s, STR("1 ")))
		return false;
	if (!str_eat(&s, STR("-")) && !stamp_iso8601(&s, env->zone, &rec->time))
		return false;
	if (!str_eat(&s, STR(" ")))
		return false;
	host = eat_to_blank(&s);
	program = eat_to_blank(&s);
	procid = eat_to_blank(&s);
	eat_to_blank(&s);
	if (!eat_structured_data(&s) || (s.n && !str_eat(&s, STR(" "))))
		return false;
	rec->shape = RECORD_SYSLOG;
	rec->host = not_nil(host);
	rec->program = not_nil(program);
	if (str_int(procid, &pid) && pid <= UINT32_MAX)
		rec->pid = (uint32_t)pid;
	rec->body = rfc5424_body(s, rec->program);
	return true;
}

/* "<22>" of a syslog daemon that stores the priority. */
static bool split_priority(const struct envelope *env, struct str s, struct record *rec)
{
	int64_t priority;

	if (!str_eat(&s, STR("<")) || !str_eat_int(&s, &priority) || priority > 191 ||
	    !str_eat(&s, STR(">")))
		return false;
	return split_rfc5424(env, s, rec) || split_rfc3164(env, s, rec) ||
	       split_iso8601(env, s, rec);
}

/* "[123] " of Exim's +pid. */
static void eat_exim_pid(struct str *s, struct record *rec)
{
	struct str rest = *s;
	int64_t pid;

	if (!str_eat(&rest, STR("[")) || !str_eat_int(&rest, &pid) ||
	    !str_eat(&rest, STR("] ")) || pid > UINT32_MAX)
		return;
	rec->pid = (uint32_t)pid;
	*s = rest;
}

static bool split_exim(const struct envelope *env, struct str s, struct record *rec)
{
	if (!stamp_exim(&s, env->zone, &rec->time) || !str_eat(&s, STR(" ")))
		return false;
	eat_exim_pid(&s, rec);
	rec->shape = RECORD_EXIM;
	rec->body = s;
	return true;
}

/* multilog t, or what tai64nlocal made of it. */
static bool split_multilog(const struct envelope *env, struct str s, struct record *rec)
{
	if ((!stamp_tai64n(&s, &rec->time) && !stamp_tai64nlocal(&s, env->zone, &rec->time)) ||
	    !str_eat(&s, STR(" ")))
		return false;
	rec->shape = RECORD_MULTILOG;
	rec->body = s;
	return true;
}

/* ProFTPD's SystemLog: "2026-11-23 06:43:13,612 host proftpd[123] text". */
static bool split_proftpd(const struct envelope *env, struct str s, struct record *rec)
{
	struct str host;

	if (s.n < 24 || s.p[19] != ',' || !stamp_exim(&s, env->zone, &rec->time) ||
	    !str_eat(&s, STR(" ")))
		return false;
	host = eat_to_blank(&s);
	if (!str_starts(s, STR("proftpd[")))
		return false;
	rec->shape = RECORD_SYSLOG;
	rec->host = host;
	split_tag(eat_to_blank(&s), rec);
	rec->body = s;
	return true;
}

/* xferlog, and vsftpd's own log. */
static bool split_ctime(const struct envelope *env, struct str s, struct record *rec)
{
	if (!stamp_ctime(&s, env->zone, &rec->time) || !str_eat(&s, STR(" ")))
		return false;
	rec->shape = RECORD_CTIME;
	rec->body = s;
	return true;
}

static bool split_digit(const struct envelope *env, struct str s, struct record *rec)
{
	return split_iso8601(env, s, rec) || split_proftpd(env, s, rec) ||
	       split_multilog(env, s, rec) || split_exim(env, s, rec) ||
	       split_rfc5424(env, s, rec);
}

static bool split_php(const struct envelope *env, struct str s, struct record *rec)
{
	if (!str_starts(s, PHP_CALL)) {
		if (!str_eat(&s, STR("[")) ||
		    !stamp_php(&s, env->zone, &rec->time, NULL) ||
		    !str_eat(&s, STR("] ")))
			return false;
	}
	rec->shape = RECORD_PHP;
	rec->body = s;
	return true;
}

static bool split(const struct envelope *env, struct str s, struct record *rec)
{
	if (s.n == 0)
		return false;
	if (env->journal)
		return split_journal(env, s, rec);
	if (s.p[0] >= '0' && s.p[0] <= '9')
		return split_digit(env, s, rec);
	if (s.p[0] >= 'A' && s.p[0] <= 'Z')
		return split_rfc3164(env, s, rec) || split_ctime(env, s, rec);
	if (s.p[0] == '<')
		return split_priority(env, s, rec);
	if (s.p[0] == '@')
		return split_multilog(env, s, rec);
	return split_php(env, s, rec);
}

/* splogger writes "1795416873.123456 text" for syslog, which keeps whole seconds. It is the
 * better stamp of the two if both say the same. */
static void take_splogger_stamp(struct record *rec)
{
	struct str s = rec->body;
	int64_t seconds, usec;
	usec_t time;

	if (!str_eat_int(&s, &seconds) || seconds < 0 || seconds > UINT32_MAX ||
	    !str_eat(&s, STR(".")) || str_chr(s, ' ') != 6 || !str_eat_int(&s, &usec) ||
	    !str_eat(&s, STR(" ")))
		return;
	rec->body = s;
	time = seconds * USEC_SECOND + usec;
	if (!rec->time ||
	    (time >= rec->time - SPLOGGER_APART && time <= rec->time + SPLOGGER_APART))
		rec->time = time;
}

/* A writer without O_APPEND leaves a hole after copytruncate: NUL bytes. */
static struct str skip_hole(struct str s)
{
	while (s.n && s.p[0] == '\0')
		s = str_skip(s, 1);
	return s;
}

void envelope_split(struct envelope *env, struct str line, struct record *rec)
{
	struct str s = str_head(line, RECORD_MAX_LINE);

	*rec = (struct record){ .line = s, .cut = line.n > s.n, .cred_uid = -1 };
	s = skip_hole(s);
	if (!split(env, s, rec)) {
		*rec = (struct record){
			.line = rec->line, .cut = rec->cut, .cred_uid = -1, .body = s
		};
		return;
	}
	if (rec->shape == RECORD_SYSLOG && str_starts(rec->program, STR("qmail")))
		take_splogger_stamp(rec);
	if (rec->time)
		env->near = rec->time;
}
