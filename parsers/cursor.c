/* The moves that the parsers share over (ptr, len).
 *
 * Invariant: nothing is taken unless all of it is there. Knows nothing about a
 * dialect: what a field means is the parser's business. */
#include "parsers/cursor.h"

bool cursor_until(struct str *s, struct str stop, struct str *out)
{
	size_t at = stop.n == 1 ? str_chr(*s, stop.p[0]) : str_find(*s, stop);

	if (at == s->n)
		return false;
	*out = str_head(*s, at);
	*s = str_skip(*s, at + stop.n);
	return true;
}

bool cursor_until_last(struct str *s, struct str stop, struct str *out)
{
	size_t at = str_rfind(*s, stop);

	if (at == s->n)
		return false;
	*out = str_head(*s, at);
	*s = str_skip(*s, at + stop.n);
	return true;
}

bool cursor_until_or_rest(struct str *s, struct str stop, struct str *out)
{
	if (!cursor_until(s, stop, out)) {
		*out = *s;
		*s = str_skip(*s, s->n);
	}
	return true;
}

bool cursor_word(struct str *s, struct str *out)
{
	size_t n = str_chr(*s, ' ');

	if (n == 0)
		return false;
	*out = str_head(*s, n);
	*s = str_skip(*s, n);
	return true;
}

void cursor_blanks(struct str *s)
{
	while (s->n && s->p[0] == ' ')
		*s = str_skip(*s, 1);
}

bool cursor_int(struct str *s, struct str prefix, int64_t *out)
{
	struct str rest = *s;

	if (!str_eat(&rest, prefix) || !str_eat_int(&rest, out))
		return false;
	*s = rest;
	return true;
}

bool cursor_quoted(struct str *s, struct str *out)
{
	if (s->n == 0 || s->p[0] != '"')
		return false;
	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			*out = str_range(s->p + 1, s->p + i);
			*s = str_skip(*s, i + 1);
			return true;
		}
	}
	return false;
}

/* Offset behind the quoted string s starts with; 0 when it is not one that a
 * local part may hold: closed, and followed by '@', '.' or '>'. */
static size_t quoted_word(struct str s)
{
	struct str rest = s, text;

	if (!cursor_quoted(&rest, &text) || rest.n == 0 || !memchr("@.>", rest.p[0], 3))
		return 0;
	return s.n - rest.n;
}

static bool closes(struct str s, size_t at)
{
	char next = at + 1 < s.n ? s.p[at + 1] : ' ';

	return next == ',' || next == ' ' || next == ':' || next == ';' || next == ')';
}

/* Offset of the '>' that closes the address, or s.n. A quoted string can only
 * be a whole word of the local part; other quotes are ordinary bytes. */
static size_t closing_angle(struct str s)
{
	size_t first = str_chr(s, '>');

	if (first == s.n)
		return first;
	if (closes(s, first) && str_chr(str_head(s, first), '"') == first)
		return first; /* nearly always */
	for (size_t i = 0; i < s.n; i++) {
		bool word = i == 0 || s.p[i - 1] == '.';

		if (word && s.p[i] == '"')
			i += quoted_word(str_skip(s, i));
		if (i < s.n && s.p[i] == '>' && closes(s, i))
			return i;
	}
	return s.n;
}

bool cursor_angle(struct str *s, struct str *out)
{
	struct str rest = *s;
	size_t at;

	if (!str_eat(&rest, STR("<")))
		return false;
	at = closing_angle(rest);
	if (at == rest.n)
		return false;
	*out = str_head(rest, at);
	*s = str_skip(rest, at + 1);
	return true;
}

/* ":port" is dropped if it is there. */
static void eat_port(struct str *s)
{
	int64_t port;

	cursor_int(s, STR(":"), &port);
}

bool cursor_ip(struct str *s, struct str *ip)
{
	struct str rest = *s, text;

	if (!str_eat(&rest, STR("[")) || !cursor_until(&rest, STR("]"), &text) ||
	    str_chr(text, ' ') != text.n)
		return false;
	if (str_starts_nocase(text, STR("IPv6:")))
		text = str_skip(text, 5);
	eat_port(&rest);
	*ip = text;
	*s = rest;
	return true;
}

bool cursor_host(struct str *s, struct str *name, struct str *ip)
{
	size_t at = str_chr(*s, '[');
	struct str host = str_head(*s, at), rest = str_skip(*s, at);

	if (str_chr(host, ' ') != host.n || !cursor_ip(&rest, ip))
		return false;
	*name = str_eq(host, STR("unknown")) ? STR_NONE : host;
	if (str_eq(*ip, STR("unknown")))
		*ip = STR_NONE;
	*s = rest;
	return true;
}

struct str cursor_strip_angles(struct str s)
{
	str_eat(&s, STR("<"));
	if (str_ends(s, STR(">")))
		s.n--;
	return s;
}
