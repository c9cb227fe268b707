/* Filling facts into a text.
 *
 * Invariant: what a value holds is never looked at for tags, and in HTML never starts
 * or ends one. Long values are cut, so that a mail stays one that can be read. */
#include "notify/template.h"

#include <stdio.h>
#include <stdlib.h>

#define OPEN STR("{{")
#define CLOSE STR("}}")
#define KINDS "?#^/!"

/* Characters of a value that are shown; fewer once much came out. */
static const int most_characters[] = { [FORM_LINE] = 100, [FORM_TEXT] = 300, [FORM_HTML] = 300 };
#define MUCH (48 << 10)
#define MOST_BEHIND_MUCH 100

/* Where names are looked for. */
struct scope {
	const struct tree *at;
	const struct scope *outer;
	int depth;
};

struct filler {
	const char *name;
	struct str all;
	enum template_form form;
	char *out;
	size_t n, room;
	struct error *err;
};

struct tag {
	char kind; /* one of KINDS, or 0 for a value */
	struct str name;
	const char *start, *end; /* in the template */
};

static int fail(struct filler *f, const char *at, const char *why, struct str name)
{
	int line = 1;

	for (const char *p = f->all.p; p < at; p++)
		line += *p == '\n';
	return error_set(f->err, EXIT_CONFIG, "%s:%d: %s%s%.*s%s", f->name, line, why,
			 name.n ? " {{" : "", STR_ARG(name), name.n ? "}}" : "");
}

/* ---- what comes out ---- */

static void put(struct filler *f, struct str s)
{
	if (!s.n || f->n > TEMPLATE_MAX_OUTPUT)
		return;
	if (f->n + s.n + 1 > f->room) {
		f->room = 2 * (f->n + s.n) + 1024;
		f->out = xrealloc(f->out, f->room);
	}
	memcpy(f->out + f->n, s.p, s.n);
	f->n += s.n;
	f->out[f->n] = '\0';
}

static struct str escaped(char c)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\'':
		return STR("&#39;");
	default:
		return STR_NONE;
	}
}

static void put_escaped(struct filler *f, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		struct str entity = escaped(s.p[i]);

		if (!entity.n)
			continue;
		put(f, str_range(s.p + from, s.p + i));
		put(f, entity);
		from = i + 1;
	}
	put(f, str_skip(s, from));
}

/* The first characters of UTF-8. */
static struct str first_characters(struct str s, int most)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80 && most-- == 0)
			return str_head(s, i);
	return s;
}

static void put_value(struct filler *f, struct str s)
{
	int most = f->n < MUCH ? most_characters[f->form] : MOST_BEHIND_MUCH;
	struct str shown = first_characters(s, most);

	if (f->form == FORM_HTML)
		put_escaped(f, shown);
	else
		put(f, shown);
	if (shown.n < s.n)
		put(f, STR("\xe2\x80\xa6"));
}

/* ---- names ---- */

static const struct tree *find(const struct scope *s, struct str name)
{
	struct str first = str_head(name, str_chr(name, '.'));
	const struct tree *t;

	if (str_eq(name, STR(".")))
		return s->at;
	while (s->outer && !tree_has(s->at, first))
		s = s->outer;
	t = tree_get(s->at, first);
	while (t && first.n < name.n) {
		name = str_skip(name, first.n + 1);
		first = str_head(name, str_chr(name, '.'));
		t = tree_get(t, first);
	}
	return t;
}

static bool is_name(struct str s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

	for (size_t i = 0; i < s.n; i++)
		if (!memchr(letters, s.p[i], sizeof(letters) - 1))
			return false;
	return s.n > 0;
}

/* ---- tags ---- */

/* Is there nothing but blanks beside the tag in its line? Then *from is where the line
 * starts and *to where the next one does. */
static bool is_alone(const struct filler *f, const struct tag *tag, const char **from,
		     const char **to)
{
	const char *a = tag->start, *b = tag->end, *end = f->all.p + f->all.n;

	while (a > f->all.p && (a[-1] == ' ' || a[-1] == '\t'))
		a--;
	while (b < end && (*b == ' ' || *b == '\t' || *b == '\r'))
		b++;
	if ((a > f->all.p && a[-1] != '\n') || (b < end && *b != '\n'))
		return false;
	*from = a;
	*to = b < end ? b + 1 : b;
	return true;
}

/* The tag at the start of s. */
static int read_tag(struct filler *f, struct str s, struct tag *tag)
{
	struct str body = str_skip(s, OPEN.n);
	size_t end = str_find(body, CLOSE);

	if (end == body.n)
		return fail(f, s.p, "a tag has no }}", STR_NONE);
	*tag = (struct tag){ .start = s.p, .end = body.p + end + CLOSE.n };
	body = str_trim(str_head(body, end));
	if (body.n && memchr(KINDS, *body.p, sizeof(KINDS) - 1)) {
		tag->kind = *body.p;
		body = str_trim(str_skip(body, 1));
	}
	tag->name = body;
	if (tag->kind != '!' && !is_name(body))
		return fail(f, s.p, "there is no such tag:", body.n ? body : STR(" "));
	return 0;
}

/* Puts out the text before the next tag, and eats both. 1: *tag is it; 0: there is none; -1. */
static int next_tag(struct filler *f, struct str *rest, struct tag *tag, bool silent)
{
	size_t at = str_find(*rest, OPEN);
	const char *from, *to;

	if (at == rest->n) {
		if (!silent)
			put(f, *rest);
		*rest = str_skip(*rest, rest->n);
		return 0;
	}
	if (read_tag(f, str_skip(*rest, at), tag) < 0)
		return -1;
	from = tag->start;
	to = tag->end;
	if (tag->kind)
		is_alone(f, tag, &from, &to);
	if (!silent && from > rest->p)
		put(f, str_range(rest->p, from));
	*rest = str_range(to, f->all.p + f->all.n);
	return 1;
}

static int fill(struct filler *f, struct str *rest, const struct scope *s, const struct tag *opened,
		bool silent);

/* Fills what stands between the tags as often as it is wanted; *rest is then behind them. */
static int fill_section(struct filler *f, struct str *rest, const struct scope *outer,
			const struct tag *tag, bool silent)
{
	const struct tree *value = silent ? NULL : find(outer, tag->name);
	struct scope inner = { outer->at, outer, outer->depth + 1 };
	struct str body = *rest;
	bool yes = tree_is_true(value);
	size_t times = tag->kind == '#' && yes && tree_is_list(value) ? tree_count(value) : 1;

	if (inner.depth > TEMPLATE_MAX_DEPTH)
		return fail(f, tag->start, "too many sections in each other", tag->name);
	if (silent || yes != (tag->kind != '^'))
		return fill(f, rest, &inner, tag, true);
	for (size_t i = 0; i < times; i++) {
		*rest = body;
		if (tag->kind == '#')
			inner.at = tree_is_list(value) ? tree_at(value, i) : value;
		if (fill(f, rest, &inner, tag, false) < 0)
			return -1;
	}
	return 0;
}

/* Up to the end of the section that `opened` began (NULL: of all). */
static int fill(struct filler *f, struct str *rest, const struct scope *s, const struct tag *opened,
		bool silent)
{
	struct tag tag;
	int rc;

	while ((rc = next_tag(f, rest, &tag, silent)) == 1) {
		if (f->n > TEMPLATE_MAX_OUTPUT)
			return fail(f, tag.start, "it becomes too long", STR_NONE);
		if (tag.kind == '/') {
			if (opened && str_eq(opened->name, tag.name))
				return 0;
			return fail(f, tag.start, "this closes a section that is not open:",
				    tag.name);
		}
		if (!tag.kind && !silent)
			put_value(f, tree_show(find(s, tag.name)));
		if (tag.kind && tag.kind != '!' &&
		    fill_section(f, rest, s, &tag, silent) < 0)
			return -1;
	}
	if (rc == 0 && opened)
		return fail(f, opened->start, "this section has no end:", opened->name);
	return rc;
}

char *template_fill(struct str text, const char *name, const struct tree *facts,
		    enum template_form form, struct error *err)
{
	struct filler f = { .name = name, .all = text, .form = form, .err = err };
	struct scope top = { .at = facts };
	struct str rest = text;

	f.out = xmalloc(1);
	f.room = 1;
	*f.out = '\0';
	if (fill(&f, &rest, &top, NULL, false) == 0 && f.n <= TEMPLATE_MAX_OUTPUT)
		return f.out;
	if (f.n > TEMPLATE_MAX_OUTPUT)
		fail(&f, text.p, "it becomes too long", STR_NONE);
	free(f.out);
	return NULL;
}
