/* Reading a line from left to right. Every function either takes what it names
 * from the start of *s and returns true, or returns false and leaves *s (and
 * its outputs) alone. Outputs are views into the line. */
#ifndef MAILAUDIT_PARSERS_CURSOR_H
#define MAILAUDIT_PARSERS_CURSOR_H

#include "base/str.h"

/* What stands before the first `stop`; the stop is eaten too. */
bool cursor_until(struct str *s, struct str stop, struct str *out);
/* What stands before the last `stop`; the stop is eaten too. */
bool cursor_until_last(struct str *s, struct str stop, struct str *out);
/* Like cursor_until, but the end of the line will also do: always true. */
bool cursor_until_or_rest(struct str *s, struct str stop, struct str *out);

/* Bytes up to a blank or the end; neither is eaten. false: none. */
bool cursor_word(struct str *s, struct str *out);
/* Blanks (not tabs), any number. */
void cursor_blanks(struct str *s);
/* `prefix` and the decimal number behind it. */
bool cursor_int(struct str *s, struct str prefix, int64_t *out);

/* "<...>": the address without the brackets. It ends at the first '>' that is
 * outside a quoted word of the local part and has one of ", :;)" or the end
 * behind it: older Postfix logs addresses unquoted. */
bool cursor_angle(struct str *s, struct str *out);
/* "\"...\"", where a backslash hides the next byte. Without the quotes, the
 * backslashes stay. false also when the closing quote is missing. */
bool cursor_quoted(struct str *s, struct str *out);
/* "[ip]" with "IPv6:" dropped, and ":port" behind it. Any text without ']' or
 * blank will do: "unknown", a socket path. */
bool cursor_ip(struct str *s, struct str *ip);
/* "name[ip]:port", ":port" optional, name may be empty. "unknown" becomes ""
 * in both. */
bool cursor_host(struct str *s, struct str *name, struct str *ip);

/* s without one '<' at its start and one '>' at its end, each if there. */
struct str cursor_strip_angles(struct str s);

#endif
