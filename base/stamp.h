/* Time stamps as logs write them, to UTC microseconds since 1970.
 *
 * Every reader eats the stamp from the start of *s and returns true, or
 * returns false and leaves *s alone. A stamp without a zone is read in `zone`. */
#ifndef MAILAUDIT_BASE_STAMP_H
#define MAILAUDIT_BASE_STAMP_H

#include "base/str.h"

/* Microseconds since 1970-01-01T00:00:00Z. 0 means "not known". */
typedef int64_t usec_t;
#define USEC_SECOND ((usec_t)1000000)
#define USEC_MINUTE (60 * USEC_SECOND)
#define USEC_HOUR (60 * USEC_MINUTE)
#define USEC_DAY (24 * USEC_HOUR)

struct zone; /* a loaded zone of the system's tz database, cached for good */

/* "local", "UTC", a tz database name, or a fixed offset ("+0100", "-05:30").
 * NULL when there is no such zone. Names come from log text too, so only
 * [A-Za-z0-9_+/-] without ".." is looked up, and at most 128 unknown names
 * are remembered. Implemented by reading TZif files (RFC 8536) of
 * /usr/share/zoneinfo ($TZDIR), so that no process-wide TZ changes. */
const struct zone *zone_find(struct str name);
const struct zone *zone_utc(void);

/* Civil time in a zone -> UTC. In a gap the time after it, in a fold the
 * first one. usec is 0..999999. Years 1970 to 9999. */
usec_t stamp_civil(const struct zone *z, int year, int month, int day, int hour,
		   int minute, int second, int usec);

/* RFC 3164 "Nov 23 06:43:13" (day padded by blank or zero, or not), year inferred:
 * `near` is a time close to the line (the previous line's time, the file's
 * mtime, or now); the result is the year that puts the stamp nearest to it,
 * so December lines before a January `near` get the old year. 29 February
 * picks the nearest leap year. */
bool stamp_rfc3164(struct str *s, const struct zone *z, usec_t near, usec_t *out);
/* "2026-11-23T07:20:05.115029+00:00", "...Z", fraction optional (1-9 digits),
 * without a zone read in z. Also with a blank in place of the T. */
bool stamp_iso8601(struct str *s, const struct zone *z, usec_t *out);
/* ctime(3): "Mon Nov 23 06:43:13 2026". */
bool stamp_ctime(struct str *s, const struct zone *z, usec_t *out);
/* Exim: "2026-11-23 06:52:53", ".421", " +0100" each optional. */
bool stamp_exim(struct str *s, const struct zone *z, usec_t *out);
/* multilog's and tai64n's label: "@", 16 hexadecimal digits of seconds, 8 of nanoseconds.
 * Seconds since 1970 are those less 2^62 and less 10, as daemontools' tai64n.c and taia_now.c
 * write them: they add ten seconds to the system's clock, and know no later leap second. */
bool stamp_tai64n(struct str *s, usec_t *out);
/* "2026-11-23 14:34:34.123456789" of tai64nlocal, which has always nine digits. */
bool stamp_tai64nlocal(struct str *s, const struct zone *z, usec_t *out);
/* PHP: "23-Nov-2026 06:48:36 Europe/Berlin" or "... +0100", without brackets.
 * An unknown zone name is read in z and *zone_known (may be NULL) is false. */
bool stamp_php(struct str *s, const struct zone *z, usec_t *out, bool *zone_known);

/* For people and the command line: "2h", "3d", "90m", "30s", "1w" before now,
 * "2026-11-23" (start of that day in z), "2026-11-23 14:00", RFC 3339. */
bool stamp_user(struct str s, const struct zone *z, usec_t now, usec_t *out);
/* "90d", "1h", "10m", "30s", "2w", "0" as a length. */
bool stamp_length(struct str s, usec_t *out);
/* RFC 3339 in UTC with as many fraction digits as needed (0, 3 or 6):
 * "2026-11-23T07:20:05.115029Z". buf holds at least STAMP_TEXT bytes. */
#define STAMP_TEXT 40
const char *stamp_text(usec_t t, char *buf);
/* Shown to people: "2026-11-23 07:20:05" in z. */
const char *stamp_show(usec_t t, const struct zone *z, char *buf);
/* A length for people: "41 s", "7 min", "2.3 h", "3 d"; at least "1 s". */
const char *stamp_span(usec_t length, char *buf);

#endif
