/* Lines on standard error, and making log text safe to show.
 *
 * Invariant: a message is one line and one write. Does not rotate, does not
 * talk to syslog: standard error is the service manager's to keep. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

/* Longest message; the rest is cut. */
#define LOG_MAX 2048

enum log_level log_level = LOG_LEVEL_INFO;

/* U+2028 and 9 end a line; U+202A..E and U+2066..9 reorder what a terminal shows; U+0080..9F are
 * control codes; surrogates and what lies over U+10FFFF are not characters. */
static bool shown(uint32_t c)
{
	if (c < 0xa0)
		return c >= 0x20 && c < 0x7f;
	if ((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return false;
	return !(c >= 0xd800 && c <= 0xdfff) && c <= 0x10ffff;
}

/* Bytes of the UTF-8 sequence that `lead` opens; 0 when it opens none. */
static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Length of the printable character s starts with; 0 when its first byte must
 * be escaped. */
static size_t printable(struct str s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = sequence_length(p[0]);
	uint32_t c;

	if (n == 0 || n > s.n)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c >= least[n] && shown(c) ? n : 0;
}

const char *log_escape(struct str s, char *buf, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	if (size == 0)
		return "";
	while (s.n) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = printable(s);

		if (at + (n ? n : 4) >= size)
			break;
		if (n) {
			memcpy(buf + at, s.p, n);
			at += n;
		} else {
			const char escaped[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			memcpy(buf + at, escaped, 4);
			at += 4;
		}
		s = str_skip(s, n ? n : 1);
	}
	buf[at] = '\0';
	return buf;
}

size_t log_escape_length(struct str s)
{
	size_t length = 0;

	while (s.n) {
		size_t n = printable(s);

		length += n ? n : 4;
		s = str_skip(s, n ? n : 1);
	}
	return length;
}

static void write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done < 0 && errno != EINTR)
			return; /* nobody is left to tell */
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

/* sd-daemon(3): the journal reads a priority from "<N>" before each line. */
static size_t put_priority(char *line, enum log_level level)
{
	if (!getenv("JOURNAL_STREAM"))
		return 0;
	line[0] = '<';
	line[1] = (char)('0' + level);
	line[2] = '>';
	return 3;
}

__attribute__((format(printf, 2, 0))) static void log_at(enum log_level level,
							 const char *format, va_list ap)
{
	char raw[LOG_MAX], line[LOG_MAX + 8];
	size_t used;

	if (level > log_level)
		return;
	vsnprintf(raw, sizeof(raw), format, ap);
	used = put_priority(line, level);
	log_escape(str_of(raw), line + used, sizeof(line) - used - 1);
	used += strlen(line + used);
	line[used++] = '\n';
	write_all(line, used);
}

#define LOG_FUNCTION(name, level) \
	void name(const char *format, ...) \
	{ \
		va_list ap; \
\
		va_start(ap, format); \
		log_at(level, format, ap); \
		va_end(ap); \
	}
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

void die(int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_at(LOG_LEVEL_ERROR, format, ap);
	va_end(ap);
	exit(code);
}
