/* Finds words in expressions, and three bytes in a row in texts.
 *
 * Of a|b one word of each branch is needed, of ab the better of both; what is
 * optional, a class or a look-around needs nothing.
 *
 * Invariant: need_met() never says no to a text that matches. Whatever syntax is not
 * known here makes the whole pattern need nothing. */
#include "base/regex_need.h"

#include <ctype.h>

struct scan {
	const char *p, *end;
	bool lost; /* something not known here */
};

static void read_branches(struct scan *s, int depth, struct need *out);

static bool eat(struct scan *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n))
		return false;
	s->p += n;
	return true;
}

static char peek(const struct scan *s)
{
	return s->p < s->end ? *s->p : '\0';
}

/* How often at least what stands before it comes; 1 without a quantifier, and
 * *is says whether there was one. */
static int quantifier(struct scan *s, bool *is)
{
	int least = 0;

	*is = true;
	if (eat(s, "{")) {
		s->lost |= !isdigit((unsigned char)peek(s));
		for (; isdigit((unsigned char)peek(s)); s->p++)
			least |= *s->p - '0';
		while (isdigit((unsigned char)peek(s)) || peek(s) == ',')
			s->p++;
		s->lost |= !eat(s, "}");
	} else if (eat(s, "+")) {
		least = 1;
	} else if (!eat(s, "?") && !eat(s, "*")) {
		*is = false;
		return 1;
	}
	if (!eat(s, "?"))
		eat(s, "+");
	return least > 0;
}

/* "[...]", its "[" eaten. */
static void skip_class(struct scan *s)
{
	eat(s, "^");
	eat(s, "]");
	while (s->p < s->end && !eat(s, "]")) {
		if (eat(s, "[:") || eat(s, "[.") || eat(s, "[="))
			s->lost = true;
		s->p += peek(s) == '\\' && s->end - s->p > 1 ? 2 : 1;
	}
}

static size_t least_bytes(const struct need *need)
{
	size_t least = need->n ? NEED_MAX_BYTES : 0;

	for (size_t i = 0; i < need->n; i++)
		if (need->word[i].n < least)
			least = need->word[i].n;
	return least;
}

static void keep_better(struct need *best, const struct need *other)
{
	size_t a = least_bytes(best), b = least_bytes(other);

	if (b > a || (b && b == a && other->n < best->n))
		*best = *other;
}

/* The row of letters so far ends. */
static void end_word(struct need_word *word, struct need *best)
{
	struct need one = { .n = 1 };

	one.word[0] = *word;
	if (word->n >= NEED_LEAST_BYTES)
		keep_better(best, &one);
	word->n = 0;
}

/* A group, its "(" eaten. */
static void read_group(struct scan *s, int depth, struct need *best)
{
	bool looks = eat(s, "?=") || eat(s, "?!") || eat(s, "?<=") || eat(s, "?<!"), is;
	struct need inner;

	if (!looks && !eat(s, "?:") && !eat(s, "?i:") && !eat(s, "?-i:"))
		s->lost |= peek(s) == '?' || peek(s) == '*';
	read_branches(s, depth + 1, &inner);
	s->lost |= !eat(s, ")");
	if (quantifier(s, &is) && !looks && !s->lost)
		keep_better(best, &inner);
}

/* Eats one byte that stands for itself into *c. False: it was something else, and
 * *breaks says whether it takes up room in the text. */
static bool read_byte(struct scan *s, char *c, bool *breaks)
{
	*breaks = true;
	*c = *s->p++;
	if (*c == '^' || *c == '$') {
		*breaks = false;
		return false;
	}
	if (*c == '[')
		skip_class(s);
	if (*c == '[' || *c == '.')
		return false;
	if (*c != '\\')
		return true;
	*c = peek(s);
	s->p += s->p < s->end;
	if (!isalnum((unsigned char)*c))
		return true;
	s->lost |= !strchr("bBdDsSwW", *c);
	*breaks = *c != 'b' && *c != 'B';
	return false;
}

static void add_byte(struct need_word *word, char c, struct need *best)
{
	if (word->n == NEED_MAX_BYTES)
		end_word(word, best);
	word->p[word->n++] = (char)tolower((unsigned char)c);
}

static void read_branch(struct scan *s, int depth, struct need *best)
{
	struct need_word word = { .n = 0 };

	best->n = 0;
	while (s->p < s->end && !s->lost && *s->p != '|' && *s->p != ')') {
		bool byte, breaks, is;
		char c;
		int least;

		if (eat(s, "(")) {
			end_word(&word, best);
			read_group(s, depth, best);
			continue;
		}
		byte = read_byte(s, &c, &breaks);
		least = quantifier(s, &is);
		if (byte && least)
			add_byte(&word, c, best);
		if (is || (!byte && breaks))
			end_word(&word, best);
	}
	end_word(&word, best);
}

static void read_branches(struct scan *s, int depth, struct need *out)
{
	struct need branch;
	bool unknown = false;

	out->n = 0;
	s->lost |= depth > NEED_MAX_DEPTH;
	do {
		if (s->lost)
			break;
		read_branch(s, depth, &branch);
		unknown |= !branch.n || out->n + branch.n > NEED_MAX_WORDS;
		if (unknown)
			continue;
		memcpy(out->word + out->n, branch.word, branch.n * sizeof(branch.word[0]));
		out->n += branch.n;
	} while (eat(s, "|"));
	if (unknown || s->lost)
		out->n = 0;
}

void need_read(struct str pattern, struct need *out)
{
	struct scan s = { pattern.p, pattern.p + pattern.n, false };

	out->n = 0;
	if (pattern.n)
		read_branches(&s, 0, out);
	if (s.p != s.end)
		out->n = 0;
}

/* ---- texts ---- */

/* Of three bytes, a place in regex_text.seen. */
static unsigned place(const char *p)
{
	unsigned bytes = (unsigned)(unsigned char)p[0] << 16 | (unsigned)(unsigned char)p[1] << 8 |
			 (unsigned char)p[2];

	return bytes * 2654435761u >> (32 - REGEX_SEEN_BITS);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

void regex_prepare(struct str text, struct regex_text *out)
{
	char last[NEED_LEAST_BYTES] = "";

	memset(out->seen, 0, sizeof(out->seen));
	out->text = text;
	for (size_t i = 0; i < text.n; i++) {
		unsigned at;

		last[0] = last[1];
		last[1] = last[2];
		last[2] = lower(text.p[i]);
		at = place(last);
		out->seen[at / 64] |= UINT64_C(1) << at % 64;
	}
}

static bool has_word(const struct need_word *word, const struct regex_text *text)
{
	for (size_t i = 0; i + NEED_LEAST_BYTES <= word->n; i++) {
		unsigned at = place(word->p + i);

		if (!(text->seen[at / 64] >> at % 64 & 1))
			return false;
	}
	return true;
}

bool need_met(const struct need *need, const struct regex_text *text)
{
	for (size_t i = 0; i < need->n; i++)
		if (has_word(&need->word[i], text))
			return true;
	return !need->n;
}
