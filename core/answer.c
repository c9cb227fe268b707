/* What a remote server's answer means.
 *
 * An answer comes wrapped in our own server's words ("host mx.x[192.0.2.1] said:
 * 550-5.1.1 ..."), in several lines made one, and with names in it that the
 * sender or the recipient chose. It is brought into one shape first: reply code,
 * enhanced code, text, all addresses and host[ip] pairs made the same.
 *
 * Invariant: what stands in an address or names a relay tells nothing; x.7.1 tells
 * nothing without a text (patterns_read.c sees to the rows). */
#include "core/patterns_state.h"

#include <ctype.h>

/* An address in <> is at most that long: RFC 5321 4.5.3.1.3, and some. */
#define MAX_ADDRESS 320

struct answer {
	struct str text; /* in the buffer: "550 5.1.1 no such user" */
	struct str basic, enhanced; /* "" unknown */
	bool later; /* the mail is tried again */
};

/* ---- one shape ---- */

/* Bytes of the "<a@b>" that s starts with, or 0. */
static size_t bracketed(struct str s)
{
	struct str inner = str_head(s, MAX_ADDRESS);
	size_t end = str_chr(inner, '>');

	if (end == inner.n || str_chr(str_head(inner, end), '@') == end)
		return 0;
	return end + 1;
}

/* Bytes of blank that s starts with; also of "\n" as Exim writes a line's end. */
static size_t blank(struct str s)
{
	size_t n = 0;

	for (;;) {
		if (n < s.n && (unsigned char)s.p[n] <= ' ')
			n++;
		else if (n + 1 < s.n && s.p[n] == '\\' && s.p[n + 1] == 'n')
			n += 2;
		else
			return n;
	}
}

/* Copies a word with its "<a@b>" made "<>"; returns how much of s it was. */
static size_t copy_word(struct str s, char *out, size_t *n)
{
	size_t i = 0;

	*n = 0;
	while (i < s.n && !blank(str_skip(s, i))) {
		size_t skip = s.p[i] == '<' ? bracketed(str_skip(s, i)) : 0;

		if (skip) {
			memcpy(out + *n, "<>", 2);
			*n += 2;
			i += skip;
		} else {
			out[(*n)++] = s.p[i++];
		}
	}
	return i;
}

/* Does an address in brackets begin here: "[192.0.2.1" or "[2001:"? */
static bool is_ip(struct str s)
{
	return s.n > 2 && s.p[0] == '[' && (isxdigit((unsigned char)s.p[1]) || s.p[1] == ':');
}

/* A word that somebody chose: "bob@x", "mx.x[192.0.2.1]:25", "name=x" become "@",
 * "[192.0.2.1]:25", "name="; `next` is what follows it. Returns its new length. */
static size_t neutral(char *word, size_t n, struct str next)
{
	struct str w = { word, n };
	size_t at = str_chr(w, '@'), open = str_chr(w, '['), dot = str_chr(w, '.'), end;

	if (at < n) {
		word[0] = '@';
		end = n - 1;
		while (end && strchr(":,;])", word[end]))
			end--;
		memmove(word + 1, word + end + 1, n - end - 1);
		return n - end;
	}
	if (open && open < n && dot < open && is_ip(str_skip(w, open))) {
		memmove(word, word + open, n - open);
		return n - open;
	}
	if (str_starts(w, STR("name=")))
		return sizeof("name=") - 1;
	return dot < n && open == n && is_ip(next) && !isdigit((unsigned char)w.p[0]) ? 0 : n;
}

/* Returns the length; buf holds PATTERNS_MAX_TEXT and one byte. */
static size_t flatten(struct str text, char *buf)
{
	size_t n = 0;

	text = str_head(text, PATTERNS_MAX_TEXT);
	for (;;) {
		size_t word;

		text = str_skip(text, blank(text));
		if (!text.n)
			return n && buf[n - 1] == ' ' ? n - 1 : n;
		text = str_skip(text, copy_word(text, buf + n, &word));
		word = neutral(buf + n, word, str_skip(text, blank(text)));
		n += word;
		if (word)
			buf[n++] = ' ';
	}
}

static bool is_reply_code(struct str s)
{
	return s.n >= 3 && s.p[0] >= '2' && s.p[0] <= '5' && isdigit((unsigned char)s.p[1]) &&
	       isdigit((unsigned char)s.p[2]) && (s.n == 3 || s.p[3] == ' ' || s.p[3] == '-');
}

/* Where the reply begins; s.n when our own server speaks for itself. */
static size_t reply_start(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (i && (i < 2 || s.p[i - 1] != ' ' || s.p[i - 2] != ':'))
			continue;
		if (is_reply_code(str_skip(s, i)))
			return i;
	}
	return s.n;
}

/* Length of the "5.1.1" that s starts with, or 0. */
static size_t enhanced_length(struct str s)
{
	struct str rest = s;
	int64_t class, subject, detail;

	if (!str_eat_int(&rest, &class) || class < 2 || class > 5 || !str_eat(&rest, STR(".")) ||
	    !str_eat_int(&rest, &subject) || !str_eat(&rest, STR(".")) ||
	    !str_eat_int(&rest, &detail) || subject > 999 || detail > 999)
		return 0;
	return s.n - rest.n;
}

/* "550-5.1.1 a 550-5.1.1 b 550 5.1.1 c" becomes "550 5.1.1 a b c", in place. */
static void unfold(struct answer *a, char *text, size_t n)
{
	struct str s = { text, n };
	size_t out, in = 4;
	bool lines = n > 3 && text[3] == '-';

	a->basic = str_head(s, 3);
	if (n > 3)
		text[3] = ' ';
	if (in < n && text[in] == '#')
		in++;
	a->enhanced = str_head(str_skip(s, in), enhanced_length(str_skip(s, in)));
	for (out = 4; in < n; out++) {
		struct str here = str_skip(s, in);

		if (lines && text[in - 1] == ' ' && str_starts(here, a->basic) &&
		    is_reply_code(here)) {
			in += here.n > 3 ? 4 : 3;
			if (a->enhanced.n && str_starts(str_skip(s, in), a->enhanced))
				in += a->enhanced.n + 1;
			out--;
			continue;
		}
		text[out] = text[in++];
	}
	if (n > 4)
		a->enhanced.p = text + 4;
	a->text = str_head(s, n > 4 ? out : n);
}

/* The code that qmail puts at the end: "(#5.1.1)". */
static struct str trailing_code(struct str s)
{
	size_t at = str_rfind(s, STR("(#"));
	struct str code = str_skip(s, at + 2);

	return at < s.n ? str_head(code, enhanced_length(code)) : STR_NONE;
}

static bool says_nothing(struct str dsn)
{
	return !dsn.n || str_ends(dsn, STR(".0.0"));
}

static void read_answer(struct answer *a, struct str dsn, struct str text, bool deferred,
			char *buf)
{
	size_t n = flatten(text, buf), start = reply_start((struct str){ buf, n });

	*a = (struct answer){ .text = { buf, n } };
	if (start < n)
		unfold(a, buf + start, n - start);
	/* The status of mail that was given up after days is 4.4.7: the reply says more. */
	if (says_nothing(a->enhanced))
		a->enhanced = says_nothing(dsn) ? trailing_code(a->text) : dsn;
	if (!a->enhanced.n)
		a->enhanced = dsn;
	a->later = deferred || (a->basic.n ? a->basic.p[0] == '4' :
					     str_starts(a->enhanced, STR("4")));
}

/* ---- rows ---- */

/* "x.7" fits 4.7.1 and 5.7.1, "4" fits 4.2.0 and 421. */
static bool code_fits(struct str code, const struct answer *a)
{
	struct str have = a->enhanced;

	if (code.n == 3 && code.p[1] != '.')
		return str_eq(code, a->basic);
	if (!have.n)
		have = str_head(a->basic, 1);
	if (have.n < code.n)
		return false;
	if (code.p[0] == 'x' ? have.p[0] != '4' && have.p[0] != '5' : have.p[0] != code.p[0])
		return false;
	return str_starts(str_skip(have, 1), str_skip(code, 1)) &&
	       (have.n == code.n || have.p[code.n] == '.');
}

static bool codes_fit(const struct code_list *codes, const struct answer *a)
{
	for (size_t i = 0; i < codes->n; i++)
		if (code_fits(codes->at[i], a))
			return true;
	return !codes->n;
}

static const struct pattern *find(const struct patterns *p, const struct answer *a)
{
	struct regex_text text;

	regex_prepare(a->text, &text);
	for (size_t i = 0; i < p->n[PATTERNS_RESPONSE]; i++) {
		const struct pattern *row = &p->list[PATTERNS_RESPONSE][i];

		if (a->later && row->class == RESPONSE_UNKNOWN_RCPT)
			continue;
		if (codes_fit(&row->rule->code, a) && pattern_fits(row, &text))
			return row;
	}
	return NULL;
}

const struct pattern *patterns_answer(const struct patterns *p, struct str dsn, struct str text,
				      bool deferred)
{
	char buf[PATTERNS_MAX_TEXT + 8];
	struct answer a;

	read_answer(&a, dsn, text, deferred, buf);
	return find(p, &a);
}

enum response_class patterns_response(const struct patterns *p, struct str dsn, struct str text,
				      bool deferred)
{
	char buf[PATTERNS_MAX_TEXT + 8];
	const struct pattern *row;
	struct answer a;

	read_answer(&a, dsn, text, deferred, buf);
	row = find(p, &a);
	if (row)
		return row->class;
	return a.later ? RESPONSE_DEFER : RESPONSE_OTHER;
}

uint64_t patterns_fingerprint(struct str text)
{
	char buf[PATTERNS_MAX_TEXT + 8];
	struct answer a;
	uint64_t h = 0;

	read_answer(&a, STR_NONE, text, false, buf);
	for (struct str s = a.text; s.n;) {
		size_t n = str_chr(s, ' '), i = 0;

		for (; i < n && !isdigit((unsigned char)s.p[i]); i++)
			buf[s.p - buf + (ptrdiff_t)i] = (char)tolower((unsigned char)s.p[i]);
		/* Words with digits are ids, except the codes the text begins with. */
		if (i == n || s.p < a.text.p + 4 || s.p == a.enhanced.p)
			h = str_hash(str_head(s, n), h);
		s = str_skip(s, n + 1);
	}
	return h;
}
