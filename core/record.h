/* One log line, split into envelope and body; nothing of the body read yet.
 * All views point into the line. */
#ifndef MAILAUDIT_CORE_RECORD_H
#define MAILAUDIT_CORE_RECORD_H

#include "base/stamp.h"
#include "base/str.h"

/* A longer line is cut here and flagged. Exim cuts its own at 8183 bytes,
 * rsyslog at 8 KiB; PHP writes any length. */
#define RECORD_MAX_LINE (64 * 1024)

/* Debian's and RHEL's first uid that is not a system user's. */
#define RECORD_FIRST_PERSON 1000

enum record_shape {
	RECORD_PLAIN, /* no envelope known: all is body */
	RECORD_SYSLOG, /* RFC 3164, ISO 8601 or RFC 5424 header */
	RECORD_EXIM, /* Exim's own stamp, body starts behind stamp and [pid] */
	RECORD_MULTILOG, /* TAI64N label, or tai64nlocal's nine digits; the rest is body */
	RECORD_CTIME, /* "Mon Nov 23 06:43:13 2026 " of FTP servers; the rest is body */
	RECORD_PHP /* "[23-Nov-2026 06:48:36 UTC] " or bare "mail() on [" */
};

struct record {
	struct str line; /* the whole line without its newline */
	enum record_shape shape;
	usec_t time; /* 0: the line has none */
	struct str host; /* syslog host; empty: none in the line */
	struct str program; /* "postfix/submission/smtpd", "exim", "php", "" */
	uint32_t pid; /* 0: none */
	struct str body;
	int64_t cred_uid; /* of the sender, vouched for by the syslog daemon; -1 */
	uint32_t cred_pid; /* likewise; 0 */
	struct str cred_exe; /* likewise: its program's path, or last name; "" unknown */
	bool cut; /* was longer than RECORD_MAX_LINE */
};

#endif
