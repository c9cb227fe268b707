/* A change as a unified diff of one hunk: what both have in front and behind is left out. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/doctor.h"

#define CONTEXT 3
#define CELLS_MAX ((size_t)4 << 20)

struct lines {
	struct str *at;
	size_t n;
};

static struct lines split(struct str text)
{
	struct lines l = { xmalloc((text.n + 1) * sizeof(struct str)), 0 };

	while (text.n) {
		l.at[l.n] = str_head(text, str_chr(text, '\n') + 1);
		text = str_skip(text, l.at[l.n++].n);
	}
	return l;
}

/* Files may hold anything; tabs are left as they are. */
static void print_line(char mark, struct str line)
{
	bool ended = str_ends(line, STR("\n"));

	putchar(mark);
	for (size_t i = 0; i < line.n - ended; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f || c >= 0x80)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	puts(ended ? "" : "\n\\ No newline at end of file");
}

static void print_range(const struct lines *l, size_t from, size_t to, char mark)
{
	for (; from < to; from++)
		print_line(mark, l->at[from]);
}

/* The longest common lines of a[i..] and b[j..], for all i and j; NULL: too many. */
static unsigned *common_lengths(const struct lines *a, const struct lines *b)
{
	size_t width = b->n + 1;
	unsigned *length;

	if ((a->n + 1) * width > CELLS_MAX)
		return NULL;
	length = xcalloc((a->n + 1) * width, sizeof(*length));
	for (size_t i = a->n; i--;) {
		for (size_t j = b->n; j--;) {
			unsigned *here = &length[i * width + j];
			unsigned down = here[width], right = here[1];

			if (str_eq(a->at[i], b->at[j]))
				*here = here[width + 1] + 1;
			else
				*here = down > right ? down : right;
		}
	}
	return length;
}

/* What differs, with the lines in between that do not. */
static void print_middle(const struct lines *a, const struct lines *b)
{
	unsigned *length = common_lengths(a, b);
	size_t i = 0, j = 0;

	while (length && i < a->n && j < b->n) {
		size_t cell = i * (b->n + 1) + j;

		if (str_eq(a->at[i], b->at[j])) {
			print_line(' ', a->at[i++]);
			j++;
		} else if (length[cell + b->n + 1] >= length[cell + 1]) {
			print_line('-', a->at[i++]);
		} else {
			print_line('+', b->at[j++]);
		}
	}
	print_range(a, i, a->n, '-');
	print_range(b, j, b->n, '+');
	free(length);
}

void doctor_diff(const struct change *c)
{
	struct lines a = split(c->before), b = split(c->after);
	size_t same = 0, tail = 0, from, more;

	while (same < a.n && same < b.n && str_eq(a.at[same], b.at[same]))
		same++;
	while (tail < a.n - same && tail < b.n - same &&
	       str_eq(a.at[a.n - 1 - tail], b.at[b.n - 1 - tail]))
		tail++;
	from = same > CONTEXT ? same - CONTEXT : 0;
	more = tail > CONTEXT ? CONTEXT : tail;
	printf("--- %s%s\n+++ b%s\n", c->existed ? "a" : "", c->existed ? c->path : "/dev/null",
	       c->path);
	printf("@@ -%zu,%zu +%zu,%zu @@\n", a.n ? from + 1 : 0, a.n - tail + more - from, from + 1,
	       b.n - tail + more - from);
	print_range(&a, from, same, ' ');
	print_middle(&(struct lines){ a.at + same, a.n - tail - same },
		     &(struct lines){ b.at + same, b.n - tail - same });
	print_range(&a, a.n - tail, a.n - tail + more, ' ');
	free(a.at);
	free(b.at);
}
