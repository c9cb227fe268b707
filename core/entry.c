/* Entries of the journal as log lines.
 *
 * Invariant: what stands in front of the text's colon has neither blank nor
 * control character that a sender chose, so that nothing he writes is taken for
 * what journald vouches for. Reads nothing of the text. */
#include "core/entry.h"

#include <stdio.h>

#include "core/record.h"

#define NAME_MAX_BYTES 128

void entry_clear(struct entry *e)
{
	arena_reset(&e->arena);
	*e = (struct entry){ .arena = e->arena, .uid = -1, .pid = -1, .syslog_pid = -1,
			     .facility = -1 };
}

void entry_release(struct entry *e)
{
	arena_release(&e->arena);
	*e = (struct entry){ .uid = -1 };
}

/* ---- fields ---- */

static const struct {
	const char *name;
	size_t at;
	bool is_number;
} fields[] = {
	{ "MESSAGE", offsetof(struct entry, message), false },
	{ "SYSLOG_IDENTIFIER", offsetof(struct entry, ident), false },
	{ "SYSLOG_FACILITY", offsetof(struct entry, facility), true },
	{ "SYSLOG_PID", offsetof(struct entry, syslog_pid), true },
	{ "_PID", offsetof(struct entry, pid), true },
	{ "_UID", offsetof(struct entry, uid), true },
	{ "_EXE", offsetof(struct entry, exe), false },
	{ "_COMM", offsetof(struct entry, comm), false },
	{ "_HOSTNAME", offsetof(struct entry, host), false },
	{ "_SYSTEMD_UNIT", offsetof(struct entry, unit), false },
	{ "_TRANSPORT", offsetof(struct entry, transport), false },
	{ "__CURSOR", offsetof(struct entry, cursor), false },
	{ "__REALTIME_TIMESTAMP", offsetof(struct entry, time), true },
};

static void set_number(int64_t *at, struct str value)
{
	int64_t n;

	if (str_int(value, &n) && n >= 0 && *at <= 0)
		*at = n;
}

void entry_field(struct entry *e, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		char *at = (char *)e + fields[i].at;

		if (!str_eq(name, str_of(fields[i].name)))
			continue;
		if (fields[i].is_number)
			set_number((int64_t *)at, value);
		else if (!((struct str *)at)->p)
			*(struct str *)at = arena_str(&e->arena,
						      str_head(value, RECORD_MAX_LINE + 1));
		return;
	}
}

/* ---- what is wanted ---- */

#define FACILITY_MAIL 2

/* Names that programs about mail give themselves. A star stands for any end. */
static const char *const idents[] = {
	"postfix*",   "exim*",	   "sendmail*", "sm-mta*", "sm-msp*", "smtpd", "opensmtpd",
	"dovecot*",   "rsyslogd*", "qmail*",	"saslauthd", "opendkim",
	/* who came in, and wrote which script */
	"sshd",	      "sshd-session", "sftp-server", "internal-sftp",
	"vsftpd",     "proftpd",   "pure-ftpd",
};

/* Services of theirs, whatever their programs call themselves. */
static const char *const units[] = {
	"postfix.service", "postfix@*",	     "exim*",	   "sendmail*",
	"opensmtpd*",	   "smtpd.service",  "dovecot*",
};

/* What journald says of itself and of what it dropped. */
static const char *const driver_idents[] = { "systemd-journal*" };

static bool is_one(struct str s, const char *const *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str pattern = str_of(patterns[i]);

		if (str_ends(pattern, STR("*")) ?
			    str_starts(s, str_head(pattern, pattern.n - 1)) : str_eq(s, pattern))
			return true;
	}
	return false;
}

#define IS_ONE(s, patterns) is_one(s, patterns, sizeof(patterns) / sizeof(*(patterns)))

/* What comes in front of a call: stamps of PHP and of php-fpm, pool, child. */
#define PHP_HEAD_BYTES 256

/* PHP's mail() is logged under any name; php-fpm repeats it with something in front. Errors
 * of scripts and news of php-fpm have the same names, and are nothing to us. */
static bool is_php_mail(const struct entry *e)
{
	struct str head = str_head(e->message, PHP_HEAD_BYTES);

	return str_starts(head, STR("mail() on [")) ||
	       (str_starts(e->ident, STR("php")) && str_find(head, STR("mail() on [")) < head.n);
}

/* The packet filter's lines of connections that programs open; see parsers/netfilter.c. */
static bool is_connection(const struct entry *e)
{
	return str_eq(e->ident, STR("kernel")) &&
	       str_find(e->message, STR(" PROTO=TCP ")) < e->message.n &&
	       str_find(e->message, STR(" UID=")) < e->message.n;
}

bool entry_is_wanted(const struct entry *e)
{
	if (!e->time)
		return false;
	if (str_eq(e->transport, STR("kernel")) && is_connection(e))
		return true;
	if (str_eq(e->transport, STR("driver")))
		return IS_ONE(e->ident, driver_idents) &&
		       str_starts(e->message, STR("Suppressed "));
	return e->facility == FACILITY_MAIL || IS_ONE(e->ident, idents) ||
	       IS_ONE(e->unit, units) || is_php_mail(e);
}

/* ---- the line ---- */

struct writer {
	char *p, *end;
};

static void put(struct writer *w, struct str s)
{
	size_t room = (size_t)(w->end - w->p), n = s.n < room ? s.n : room;

	if (n)
		memcpy(w->p, s.p, n);
	w->p += n;
}

/* A word: what could end it, or look like its end, becomes an underscore. */
static void put_word(struct writer *w, struct str s)
{
	s = str_head(s, NAME_MAX_BYTES);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool odd = c <= ' ' || c == 0x7f || c == '(' || c == ')' || c == ',';

		put(w, odd ? STR("_") : (struct str){ s.p + i, 1 });
	}
}

static void put_number(struct writer *w, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	put(w, str_of(text));
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

static void put_text(struct writer *w, struct str s)
{
	while (s.n && w->p < w->end) {
		size_t plain = 0;
		char octal[8];

		while (plain < s.n && !is_control(s.p[plain]))
			plain++;
		put(w, str_head(s, plain));
		s = str_skip(s, plain);
		if (!s.n)
			break;
		snprintf(octal, sizeof(octal), "#%03o", (unsigned)(unsigned char)s.p[0]);
		put(w, str_of(octal));
		s = str_skip(s, 1);
	}
}

static void put_cred(struct writer *w, const struct entry *e)
{
	put(w, STR(" cred(pid="));
	if (e->pid > 0)
		put_number(w, e->pid);
	put(w, STR(",uid="));
	if (e->uid >= 0)
		put_number(w, e->uid);
	put(w, STR(",exe="));
	put_word(w, e->exe.n ? e->exe : e->comm);
	put(w, STR(") "));
}

struct str entry_line(struct entry *e)
{
	size_t size = RECORD_MAX_LINE + 16;
	char *line = arena_alloc(&e->arena, size + 1), stamp[STAMP_TEXT];
	struct writer w = { line, line + size };
	int64_t pid = e->pid > 0 ? e->pid : e->syslog_pid;

	put(&w, str_of(stamp_text(e->time, stamp)));
	put(&w, STR(" "));
	put_word(&w, e->host.n ? e->host : STR("-"));
	put_cred(&w, e);
	put_word(&w, e->ident.n ? e->ident : e->comm.n ? e->comm : STR("-"));
	if (pid > 0) {
		put(&w, STR("["));
		put_number(&w, pid);
		put(&w, STR("]"));
	}
	put(&w, STR(": "));
	put_text(&w, e->message);
	*w.p++ = '\n';
	return str_range(line, w.p);
}

/* ---- cursors ---- */

/* The value of "k=" in "s=...;i=...;b=...". */
static struct str part_of(struct str cursor, struct str key)
{
	while (cursor.n) {
		struct str part = str_head(cursor, str_chr(cursor, ';'));

		cursor = str_skip(cursor, part.n + 1);
		if (str_eat(&part, key))
			return part;
	}
	return STR_NONE;
}

static bool read_hex(struct str s, int64_t *out)
{
	uint64_t n = 0;

	if (!s.n || s.n > 15)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, s.p[i], 16);

		if (!digit)
			return false;
		n = n * 16 + (uint64_t)(digit - digits);
	}
	*out = (int64_t)n;
	return true;
}

bool entry_number(struct str cursor, struct str *journal, int64_t *number)
{
	*journal = part_of(cursor, STR("s="));
	return journal->n == 32 && read_hex(part_of(cursor, STR("i=")), number);
}

bool entry_is_next(struct str cursor, struct str next)
{
	struct str id, next_id, boot = part_of(cursor, STR("b="));
	int64_t number, next_number;

	if (!entry_number(cursor, &id, &number) || !entry_number(next, &next_id, &next_number))
		return false;
	return next_number == number + 1 &&
	       (str_eq(id, next_id) || (boot.n && str_eq(boot, part_of(next, STR("b=")))));
}
