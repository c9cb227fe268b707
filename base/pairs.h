/* Pairs of a hash and a number, found by the hash: sixteen bytes for what there is much of.
 * A hash may have several numbers, and numbers of others: who asks compares what they stand for. */
#ifndef MAILAUDIT_BASE_PAIRS_H
#define MAILAUDIT_BASE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
	uint64_t hash;
	int64_t number; /* 0: free */
};

/* All zero is empty. */
struct pairs {
	struct pair *slots;
	size_t mask; /* slots - 1, or 0 when nothing is allocated */
	size_t count;
};

/* number is not 0; a pair that is there already is there twice. */
void pairs_add(struct pairs *p, uint64_t hash, int64_t number);
/* One of the hash's numbers; 0: none. */
int64_t pairs_get(const struct pairs *p, uint64_t hash);
/* false: it was not there. */
bool pairs_remove(struct pairs *p, uint64_t hash, int64_t number);
void pairs_release(struct pairs *p);

#endif
