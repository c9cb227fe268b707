/* Splits a line into envelope and body: the syslog header in its RFC 3164,
 * ISO 8601 (rsyslog's default since Debian 12) and RFC 5424 forms, Postfix's
 * own maillog_file, Exim's stamp with milliseconds, zone and [pid], PHP's
 * bracketed stamp, multilog's TAI64N and splogger's, which stands inside syslog's. */
#ifndef MAILAUDIT_CORE_ENVELOPE_H
#define MAILAUDIT_CORE_ENVELOPE_H

#include "core/record.h"

/* What one source remembers between lines. */
struct envelope {
	const struct zone *zone; /* for stamps without one */
	usec_t near; /* time of the previous line; before the first: mtime or now */
	bool journal; /* lines are those of entry_line() */
};

/* Never fails: a line with no known envelope is RECORD_PLAIN, time 0, all body.
 * Updates env->near when the line has a time. #NNN escapes of rsyslog
 * (#011, #012) stay as they are. */
void envelope_split(struct envelope *env, struct str line, struct record *rec);

#endif
