/* Logical lines of main.cf, Exim's and rsyslog's configuration and ini files.
 *
 * Invariant: *at grows with each call, and text that follows no rule is a line without a name. */
#include "cli/doctor_conf.h"

#include <stdio.h>

#define EXPAND_MAX 4 /* values within values */

static struct str physical(struct str file, size_t *at)
{
	struct str rest = str_skip(file, *at);
	struct str line = str_head(rest, str_chr(rest, '\n') + 1);

	*at += line.n;
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Joins with one blank between, or none. */
static struct str append(struct arena *arena, struct str a, struct str between, struct str b)
{
	char *p = arena_alloc(arena, a.n + between.n + b.n + 1);

	if (a.n)
		memcpy(p, a.p, a.n);
	if (between.n)
		memcpy(p + a.n, between.p, between.n);
	if (b.n)
		memcpy(p + a.n + between.n, b.p, b.n);
	return (struct str){ p, a.n + between.n + b.n };
}

/* "name = value" */
static void split(struct str text, struct conf_line *line)
{
	size_t equals = str_chr(text, '=');

	line->name = line->value = STR_NONE;
	if (equals == text.n)
		return;
	line->name = str_trim(str_head(text, equals));
	line->value = str_trim(str_skip(text, equals + 1));
}

/* A line that begins with a blank goes on with the one before; comments may stand between. */
bool postfix_conf_next(struct str file, size_t *at, struct arena *arena, struct conf_line *line)
{
	struct str text = STR_NONE;

	while (*at < file.n) {
		size_t from = *at;
		struct str next = physical(file, at), trimmed = str_trim(next);

		if (!trimmed.n || trimmed.p[0] == '#')
			continue;
		if (text.n && !is_blank(next.p[0])) {
			*at = from;
			break;
		}
		if (!text.n)
			line->from = from;
		line->to = *at;
		text = append(arena, text, text.n ? STR(" ") : STR_NONE, trimmed);
	}
	line->text = text;
	split(text, line);
	return text.n > 0;
}

/* A backslash at the end goes on in the next line, over comments. */
bool exim_conf_next(struct str file, size_t *at, struct arena *arena, struct conf_line *line)
{
	struct str text = STR_NONE;
	bool open = false, any = false;

	while (*at < file.n) {
		size_t from = *at;
		struct str trimmed = str_trim(physical(file, at));

		if (!trimmed.n || trimmed.p[0] == '#')
			continue;
		if (!any)
			line->from = from;
		any = true;
		line->to = *at;
		open = trimmed.p[trimmed.n - 1] == '\\';
		text = append(arena, text, STR_NONE, str_head(trimmed, trimmed.n - open));
		if (!open)
			break;
	}
	line->text = text;
	split(text, line);
	return any;
}

static struct str unquoted(struct str value)
{
	if (value.n && (value.p[0] == '"' || value.p[0] == '\'')) {
		struct str inner = str_skip(value, 1);

		return str_head(inner, str_chr(inner, value.p[0]));
	}
	return str_trim(str_head(value, str_chr(value, ';')));
}

bool ini_next(struct str file, size_t *at, struct conf_line *line)
{
	while (*at < file.n) {
		struct str text;

		line->from = *at;
		text = str_trim(physical(file, at));
		line->to = *at;
		if (!text.n || text.p[0] == ';' || text.p[0] == '#')
			continue;
		if (text.p[0] == '[') {
			text = str_skip(text, 1);
			line->section = str_head(text, str_chr(text, ']'));
			line->name = line->value = STR_NONE;
			return true;
		}
		split(text, line);
		line->value = unquoted(line->value);
		return true;
	}
	return false;
}

bool ini_true(struct str value)
{
	return str_eq_nocase(value, STR("on")) || str_eq_nocase(value, STR("yes")) ||
	       str_eq_nocase(value, STR("true")) || str_eq(value, STR("1"));
}

static bool find(struct str file, struct str name, struct arena *arena, struct conf_line *found)
{
	struct conf_line line = { .from = 0 };
	bool any = false;

	for (size_t at = 0; postfix_conf_next(file, &at, arena, &line);) {
		if (!str_eq(line.name, name))
			continue;
		*found = line;
		any = true;
	}
	return any;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* "name", "{name}" or "(name)" behind a dollar, taken off *s. */
static struct str eat_name(struct str *s)
{
	bool closed = s->n && (s->p[0] == '{' || s->p[0] == '(');
	struct str name;
	size_t n = 0;

	*s = str_skip(*s, closed);
	while (n < s->n && is_name_byte(s->p[n]))
		n++;
	name = str_head(*s, n);
	*s = str_skip(*s, n + closed);
	return name;
}

static struct str expand(struct str file, struct str value, struct arena *arena, int depth)
{
	struct str out = STR_NONE;

	while (value.n) {
		size_t n = str_chr(value, '$');
		struct conf_line line = { .from = 0 };
		struct str name, found = STR_NONE;

		out = append(arena, out, STR_NONE, str_head(value, n));
		if (n == value.n)
			break;
		value = str_skip(value, n + 1);
		name = eat_name(&value);
		if (depth < EXPAND_MAX && find(file, name, arena, &line))
			found = expand(file, line.value, arena, depth + 1);
		else if (str_eq(name, STR("config_directory")))
			found = STR("/etc/postfix");
		out = append(arena, out, STR_NONE, found);
		if (out.n > 65536)
			break;
	}
	return out;
}

bool postfix_conf_get(struct str file, const char *name, struct arena *arena, struct str *value)
{
	struct conf_line line = { .from = 0 };

	if (!find(file, str_of(name), arena, &line))
		return false;
	*value = expand(file, line.value, arena, 0);
	return true;
}

struct str postfix_conf_set(struct str file, const char *name, const char *value,
			    struct arena *arena)
{
	struct conf_line line = { .from = file.n, .to = file.n };
	bool ended = !file.n || file.p[file.n - 1] == '\n';
	struct str text = append(arena, str_of(name), STR(" = "), str_of(value));

	if (!find(file, str_of(name), arena, &line) && !ended)
		text = append(arena, STR("\n"), STR_NONE, text);
	return append(arena, append(arena, str_head(file, line.from), STR_NONE, text), STR("\n"),
		      str_skip(file, line.to));
}

size_t conf_word(struct str s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]))
		n++;
	return n;
}

struct str conf_eat_word(struct str *rest)
{
	struct str word;

	*rest = str_trim(*rest);
	if (rest->n && (rest->p[0] == '"' || rest->p[0] == '\'')) {
		word = str_skip(*rest, 1);
		word = str_head(word, str_chr(word, rest->p[0]));
		*rest = str_skip(*rest, word.n + 2);
		return word;
	}
	word = str_head(*rest, conf_word(*rest));
	*rest = str_skip(*rest, word.n);
	return word;
}

bool conf_mentions(struct str text, const char *word)
{
	for (; text.n; text = str_skip(text, 1))
		if (str_starts_nocase(text, str_of(word)))
			return true;
	return false;
}

size_t rsyslog_closing(struct str module)
{
	for (size_t at = 0; at < module.n; at++) {
		struct str rest = str_skip(module, at + 1);

		if (module.p[at] == ')')
			return at;
		if (module.p[at] == '"')
			at += str_chr(rest, '"') + 1;
		else if (module.p[at] == '#')
			at += str_chr(rest, '\n') + 1;
	}
	return module.n;
}

struct str rsyslog_statement(struct str rest)
{
	size_t n = str_chr(rest, '\n') + 1, close;

	if (str_starts(str_trim(str_head(rest, n)), STR("module("))) {
		close = rsyslog_closing(rest);
		n = close + str_chr(str_skip(rest, close), '\n') + 1;
	}
	return str_head(rest, n);
}

struct str rsyslog_parameter(struct str module, const char *name)
{
	while (module.n && !str_starts_nocase(module, str_of(name)))
		module = str_skip(module, 1);
	module = str_trim(str_skip(module, strlen(name)));
	if (!str_eat(&module, STR("=")))
		return STR_NONE;
	module = str_trim(module);
	return str_eat(&module, STR("\"")) ? str_head(module, str_chr(module, '"')) : STR_NONE;
}

/* "mail,news.info" for mail's lines at level info: 1 yes, 0 no, -1 says nothing of them. */
static int selects(struct str part, bool *named)
{
	size_t dot = str_chr(part, '.');
	struct str facilities = str_head(part, dot), level = str_skip(part, dot + 1);
	bool ours = false;

	while (facilities.n) {
		struct str one = str_head(facilities, str_chr(facilities, ','));

		*named |= str_eq_nocase(one, STR("mail"));
		ours |= str_eq_nocase(one, STR("mail")) || str_eq(one, STR("*"));
		facilities = str_skip(facilities, one.n + 1);
	}
	if (!ours || dot == part.n)
		return -1;
	if (str_eq_nocase(level, STR("none")) || str_eq_nocase(level, STR("!info")))
		return 0;
	str_eat(&level, STR("="));
	return str_eq(level, STR("*")) || str_eq_nocase(level, STR("info")) ||
	       str_eq_nocase(level, STR("debug")) ? 1 : -1;
}

bool rsyslog_selects_mail(struct str selector, bool *named)
{
	bool on = false;

	*named = false;
	while (selector.n) {
		struct str part = str_head(selector, str_chr(selector, ';'));
		int said = selects(part, named);

		on = said < 0 ? on : said;
		selector = str_skip(selector, part.n + 1);
	}
	return on;
}

double systemd_seconds(struct str s)
{
	static const struct {
		const char *unit; /* a longer one before what it begins with */
		double length;
	} units[] = {
		{ "month", 30.44 * 86400 }, { "M", 30.44 * 86400 }, { "min", 60 }, { "ms", 1e-3 },
		{ "us", 1e-6 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 },
		{ "y", 365.25 * 86400 }, { "s", 1 }
	};
	double sum = 0;
	int64_t n;

	for (s = str_trim(s); s.n; s = str_trim(s)) {
		double length = 1;

		if (!str_eat_int(&s, &n))
			return -1;
		s = str_trim(s);
		for (size_t i = sizeof(units) / sizeof(*units); i--;)
			if (str_starts(s, str_of(units[i].unit)))
				length = units[i].length;
		while (s.n && (s.p[0] < '0' || s.p[0] > '9'))
			s = str_skip(s, 1);
		sum += (double)n * length;
	}
	return sum;
}

double systemd_bytes(struct str s)
{
	size_t power;
	double size;
	int64_t n;

	if (!str_eat_int(&s, &n))
		return -1;
	size = (double)n;
	power = s.n ? str_chr(STR("KMGTPE"), s.p[0]) + 1 : 0;
	for (; power && power <= 6; power--)
		size *= 1024;
	return size;
}
