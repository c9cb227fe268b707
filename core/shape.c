/* Lines of one kind look alike here.
 *
 * Invariant: a shape depends on its line only, is printable ASCII and no longer
 * than SHAPE_MAX; each byte of the line is looked at a bounded number of times. */
#include "core/shape.h"

#define WORD_MAX 24 /* a longer one is an id */
#define CUT STR("...")

struct shape {
	char *buf;
	size_t n;
	bool cut;
};

static void add(struct shape *s, struct str text)
{
	if (s->cut)
		return;
	if (s->n + text.n > SHAPE_MAX - CUT.n) {
		text = CUT;
		s->cut = true;
	}
	memcpy(s->buf + s->n, text.p, text.n);
	s->n += text.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_printable(char c)
{
	return c > ' ' && c < 0x7f;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_mark(char c)
{
	return memchr("\"'<>()[]{},;:=|", c, 15) != NULL;
}

/* Bytes of the word at the front: until a blank or a mark. A mark within is the
 * word's: "can't", "::1", "10:20". */
static size_t word_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) &&
	       (!is_mark(s.p[n]) || (n && n + 1 < s.n && (s.p[n] == '\'' || s.p[n] == ':') &&
				     !is_blank(s.p[n + 1]) && !is_mark(s.p[n + 1]))))
		n++;
	return n;
}

static struct str word_shape(struct str word)
{
	size_t digits = 0, i;

	for (i = 0; i < word.n; i++) {
		if (!is_printable(word.p[i]))
			return STR("*");
		digits += is_digit(word.p[i]);
	}
	if (str_chr(word, '@') < word.n)
		return STR("@");
	if (*word.p == '/')
		return STR("/");
	if (digits)
		return digits == word.n ? STR("N") : STR("*");
	i = str_chr(word, '.');
	/* "mail.example.org" is a name, "done." is not. */
	return word.n > WORD_MAX || i + 1 < word.n ? STR("*") : word;
}

/* "key=" is followed by a value, whatever it looks like. */
static bool is_value(const struct shape *s)
{
	return s->n && s->buf[s->n - 1] == '=';
}

static size_t add_word(struct shape *s, struct str rest)
{
	size_t n = word_length(rest);

	add(s, is_value(s) ? STR("*") : word_shape(str_head(rest, n)));
	return n;
}

/* Text between marks is one thing, when they are both there. 0: they are not. */
static size_t add_quoted(struct shape *s, struct str rest)
{
	static const struct {
		char open, close;
		struct str shape;
	} pairs[] = { { '"', '"', STR("\"*\"") }, { '\'', '\'', STR("'*'") },
		      { '<', '>', STR("<*>") }, { '[', ']', STR("[*]") } };
	size_t i, n;

	for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		if (*rest.p != pairs[i].open)
			continue;
		n = str_chr(str_skip(rest, 1), pairs[i].close);
		if (n + 1 >= rest.n)
			return 0;
		add(s, pairs[i].shape);
		return n + 2;
	}
	return 0;
}

static size_t add_next(struct shape *s, struct str rest)
{
	size_t n = 0;

	while (n < rest.n && is_blank(rest.p[n]))
		n++;
	if (n) {
		if (s->n && n < rest.n)
			add(s, STR(" "));
		return n;
	}
	if (!is_mark(*rest.p))
		return add_word(s, rest);
	n = add_quoted(s, rest);
	if (n)
		return n;
	add(s, str_head(rest, 1));
	return 1;
}

struct str shape_of(struct str body, char *buf)
{
	struct shape s = { .buf = buf };

	while (body.n && !s.cut)
		body = str_skip(body, add_next(&s, body));
	if (!s.n)
		add(&s, STR("(empty)"));
	return (struct str){ buf, s.n };
}
