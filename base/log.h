/* What the programs say about themselves, to standard error; with systemd's
 * "<N>" priority prefixes when $JOURNAL_STREAM is set. */
#ifndef MAILAUDIT_BASE_LOG_H
#define MAILAUDIT_BASE_LOG_H

#include "base/str.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Messages above this level are dropped. LOG_LEVEL_INFO at start. */
extern enum log_level log_level;

/* One line; bytes that are not printable UTF-8 are shown as \xNN. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why and exits with an enum exit_code; only before READY. */
_Noreturn void die(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Log text made safe to show: printable UTF-8 stays, everything else (control
 * bytes, ESC, invalid UTF-8, line separators, bidi overrides, U+0080..U+009F) becomes \xNN.
 * Writes at most size bytes with a NUL, never half an escape; returns buf. */
const char *log_escape(struct str s, char *buf, size_t size);
/* Bytes log_escape needs for s, without the NUL. */
size_t log_escape_length(struct str s);

#endif
