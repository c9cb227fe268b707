/* Finds words in expressions, and three bytes in a row in texts.
 *
 * Of a|b the words of one branch are needed, of ab all words or what a group among them
 * needs, whichever is longer; what is optional, a class or a look-around needs nothing.
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
		if (need->of[i].n < least)
			least = need->of[i].n;
	return least;
}

static void keep_better(struct need *best, const struct need *other)
{
	size_t a = least_bytes(best), b = least_bytes(other);

	if (b > a || (b && b == a && other->n < best->n))
		*best = *other;
}

/* The row of letters so far ends: it is one more word of the branch, if there is room. */
static void end_word(struct need_words *word, struct need_words *all)
{
	size_t gap = all->n > 0;

	if (word->n >= NEED_LEAST_BYTES && all->n + gap + word->n <= NEED_MAX_BYTES) {
		if (gap)
			all->p[all->n] = '\0';
		memcpy(all->p + all->n + gap, word->p, word->n);
		all->n = (unsigned char)(all->n + gap + word->n);
	}
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

static void add_byte(struct need_words *word, char c, struct need_words *all)
{
	if (word->n == NEED_MAX_BYTES)
		end_word(word, all);
	word->p[word->n++] = (char)tolower((unsigned char)c);
}

/* What a branch without groups needs: all its words. */
static void keep_words(struct need *best, const struct need_words *all)
{
	struct need own = { .n = all->n > 0 };

	own.of[0] = *all;
	keep_better(best, &own);
}

static void read_branch(struct scan *s, int depth, struct need *best)
{
	struct need_words word = { .n = 0 }, all = { .n = 0 };

	best->n = 0;
	while (s->p < s->end && !s->lost && *s->p != '|' && *s->p != ')') {
		bool byte, breaks, is;
		char c;
		int least;

		if (eat(s, "(")) {
			end_word(&word, &all);
			read_group(s, depth, best);
			continue;
		}
		byte = read_byte(s, &c, &breaks);
		least = quantifier(s, &is);
		if (byte && least)
			add_byte(&word, c, &all);
		if (is || (!byte && breaks))
			end_word(&word, &all);
	}
	end_word(&word, &all);
	keep_words(best, &all);
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
		memcpy(out->of + out->n, branch.of, branch.n * sizeof(branch.of[0]));
		out->n += branch.n;
	} while (eat(s, "|"));
	if (unknown || s->lost)
		out->n = 0;
}

/* ---- places ---- */

/* A row of bytes and the one behind it. The bit folds the case of letters; what else it makes
 * alike costs a match that was not needed. */
static inline uint32_t row_add(uint32_t row, char c)
{
	return row << 8 | (unsigned char)c | 0x20;
}

/* Of the last three bytes of a row, a place in regex_text.seen. */
static inline unsigned place(uint32_t row)
{
	return (row << 8) * 2654435761u >> (32 - REGEX_SEEN_BITS);
}

static unsigned place_of(const char *p)
{
	return place(row_add(row_add(row_add(0, p[0]), p[1]), p[2]));
}

static inline bool is_seen(const struct regex_text *text, unsigned at)
{
	return text->seen[at / 64] >> at % 64 & 1;
}

void need_read(struct str pattern, struct need *out)
{
	struct scan s = { pattern.p, pattern.p + pattern.n, false };

	out->n = 0;
	if (pattern.n)
		read_branches(&s, 0, out);
	if (s.p != s.end)
		out->n = 0;
	for (size_t i = 0; i < out->n; i++)
		out->of[i].first = (uint16_t)place_of(out->of[i].p);
}

void regex_prepare(struct str text, struct regex_text *out)
{
	uint32_t row = 0;

	memset(out->seen, 0, sizeof(out->seen));
	out->text = text;
	for (size_t i = 0; i < text.n; i++) {
		unsigned at;

		row = row_add(row, text.p[i]);
		at = place(row);
		out->seen[at / 64] |= UINT64_C(1) << at % 64;
	}
}

static bool has_words(const struct need_words *words, const struct regex_text *text)
{
	if (!is_seen(text, words->first))
		return false;
	for (size_t i = 1; i + NEED_LEAST_BYTES <= words->n; i++)
		if (memchr(words->p + i, '\0', NEED_LEAST_BYTES) == NULL &&
		    !is_seen(text, place_of(words->p + i)))
			return false;
	return true;
}

bool need_met(const struct need *need, const struct regex_text *text)
{
	for (size_t i = 0; i < need->n; i++)
		if (has_words(&need->of[i], text))
			return true;
	return !need->n;
}
