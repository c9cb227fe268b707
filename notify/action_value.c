/* Names from the log on their way into an action.
 *
 * Invariant: what is put in means nothing but itself, whatever file or program it is put
 * into: no blank, quote, colon, comma, comment or pattern sign of an access map, a list
 * or a passwd file, no option of a program. What is anything else is refused. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "base/log.h"
#include "notify/action_state.h"

#define MAX_LOGIN 254
#define MAX_ACCOUNT 32
#define MIN_QUEUE_ID 5
#define MAX_QUEUE_ID 32

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool only(struct str s, const char *bytes)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(bytes, s.p[i]))
			return false;
	return true;
}

static bool starts_with_any(struct str s, const char *bytes)
{
	return s.n && only(str_head(s, 1), bytes);
}

const char *value_wrong_login(struct str s)
{
	if (!s.n)
		return "is empty";
	if (s.n > MAX_LOGIN)
		return "is too long for a login";
	if (!only(s, LETTERS DIGITS "._@+=~%-"))
		return "has a character that a list of logins could misread; only letters, digits "
		       "and . _ @ + = ~ % - are put into one";
	if (!starts_with_any(s, LETTERS DIGITS "_"))
		return "does not begin with a letter or digit";
	return NULL;
}

const char *value_wrong_account(struct str s)
{
	if (!s.n)
		return "is not known";
	if (s.n > MAX_ACCOUNT || !only(s, LETTERS DIGITS "._-") ||
	    !starts_with_any(s, LETTERS DIGITS "_"))
		return "is no name of a Unix user";
	return NULL;
}

/* Is there a part of the path that is empty, "." or ".."? */
static bool has_odd_part(struct str path)
{
	while (path.n) {
		struct str part;

		path = str_skip(path, 1);
		part = str_head(path, str_chr(path, '/'));
		if (!part.n || str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return true;
		path = str_skip(path, part.n);
	}
	return false;
}

const char *value_wrong_script(struct str s)
{
	if (!s.n || s.p[0] != '/')
		return "is no absolute path";
	if (s.n >= PATH_MAX)
		return "is too long for a path";
	if (memchr(s.p, '\0', s.n) || log_escape_length(s) != s.n)
		return "has bytes that are no printable text";
	if (has_odd_part(s))
		return "has an empty part, \".\" or \"..\" in it";
	return NULL;
}

const char *value_wrong_queue_id(struct str s)
{
	if (s.n < MIN_QUEUE_ID || s.n > MAX_QUEUE_ID || !only(s, LETTERS DIGITS "-") ||
	    s.p[0] == '-')
		return "is no queue id";
	return NULL;
}

/* "1tXyZa-000000001Aa-2BcD", "1tXyZa-0001Aa-2B" before 4.97. Exim does nothing at all if
 * one of many is malformed. */
static bool looks_like_exim(struct str s)
{
	size_t middle = s.n == 23 ? 11 : 6;

	if ((s.n != 23 && s.n != 16) || s.p[6] != '-' || s.p[7 + middle] != '-')
		return false;
	return str_chr(str_head(s, 6), '-') == 6 && str_chr(str_skip(s, 7), '-') == middle &&
	       str_rchr(s, '-') == 7 + middle;
}

bool value_is_queue_id(struct str s, enum action_mta mta)
{
	if (value_wrong_queue_id(s))
		return false;
	if (mta == MTA_EXIM)
		return looks_like_exim(s);
	return mta == MTA_ANY || str_chr(s, '-') == s.n;
}

/* --- templates ---- */

/* A name in braces: for what it can stand, how it is checked, where it is. */
struct placeholder {
	const char *name;
	unsigned targets; /* 1 << enum action_target */
	const char *(*wrong)(struct str s);
	size_t value; /* in struct values */
};

static const struct placeholder placeholders[] = {
	{ "login", 1u << FOR_LOGIN, value_wrong_login, offsetof(struct values, login) },
	{ "script", 1u << FOR_SCRIPT, value_wrong_script, offsetof(struct values, script) },
	{ "account", 1u << FOR_LOGIN | 1u << FOR_SCRIPT, value_wrong_account,
	  offsetof(struct values, account) },
	{ "queue_id", 1u << FOR_QUEUE, value_wrong_queue_id, offsetof(struct values, queue_id) },
	/* Becomes words or lines of its own: action_run.c. */
	{ "queue_ids", 1u << FOR_QUEUE, NULL, 0 },
	{ .name = NULL }
};

/* The one that *text begins with, eaten. NULL: none. */
static const struct placeholder *eat_placeholder(struct str *text)
{
	struct str name = str_skip(*text, 1);

	name = str_head(name, str_chr(name, '}'));
	for (const struct placeholder *p = placeholders; p->name; p++) {
		if (!str_eq(str_of(p->name), name) || text->n < name.n + 2)
			continue;
		*text = str_skip(*text, name.n + 2);
		return p;
	}
	return NULL;
}

const char *action_wrong(const char *text, enum action_target target)
{
	struct str s = str_of(text);
	const struct placeholder *p;

	if (log_escape_length(s) != s.n)
		return "has bytes that are no printable text";
	for (;;) {
		s = str_skip(s, str_chr(s, '{'));
		if (!s.n)
			return NULL;
		p = eat_placeholder(&s);
		if (!p)
			return "has a { that begins no name that can be put in";
		if (!(p->targets & 1u << target))
			return "has a name in it that an action for this does not know";
		if (!p->wrong && strlen(text) != strlen("{queue_ids}"))
			return "has {queue_ids} as a part: it is a word of its own";
	}
}

bool action_has(const char *text, const char *name)
{
	char braced[32];

	snprintf(braced, sizeof(braced), "{%s}", name);
	return strstr(text, braced) != NULL;
}

static struct str value_of(const struct placeholder *p, const struct values *v)
{
	return *(const struct str *)(const void *)((const char *)v + p->value);
}

/* Length of the filled text; copies it to `out` if that is there. */
static size_t fill(struct str s, const struct values *v, char *out)
{
	size_t n = 0;

	while (s.n) {
		const struct placeholder *p = s.p[0] == '{' ? eat_placeholder(&s) : NULL;
		struct str part;

		if (p) {
			part = value_of(p, v);
		} else {
			part = str_head(s, 1 + str_chr(str_skip(s, 1), '{'));
			s = str_skip(s, part.n);
		}
		if (out && part.n)
			memcpy(out + n, part.p, part.n);
		n += part.n;
	}
	return n;
}

static int check_values(struct str s, const struct values *v, struct error *err)
{
	while ((s = str_skip(s, str_chr(s, '{'))).n) {
		const struct placeholder *p = eat_placeholder(&s);
		const char *wrong = p->wrong(value_of(p, v));

		if (wrong)
			return error_set(err, REFUSED, "the %s '%.*s' %s", p->name,
					 STR_ARG(str_head(value_of(p, v), 200)), wrong);
	}
	return 0;
}

const char *action_fill(const char *text, const struct values *v, struct arena *to,
			struct error *err)
{
	struct str s = str_of(text);
	size_t n;
	char *out;

	if (check_values(s, v, err) < 0)
		return NULL;
	n = fill(s, v, NULL);
	out = arena_alloc(to, n + 1);
	fill(s, v, out);
	out[n] = '\0';
	return out;
}
