/* Levenshtein's distance, one row at a time. For short words only. */
#include "base/words.h"

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

size_t words_distance(struct str a, struct str b)
{
	size_t row[WORDS_MAX + 1];
	size_t i, j;

	if (a.n > WORDS_MAX || b.n > WORDS_MAX)
		return WORDS_MAX;
	for (j = 0; j <= b.n; j++)
		row[j] = j;
	for (i = 1; i <= a.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (j = 1; j <= b.n; j++) {
			size_t change = corner + (a.p[i - 1] != b.p[j - 1]);

			corner = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, change);
		}
	}
	return row[b.n];
}
