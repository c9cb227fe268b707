/* Open addressing with linear probing, as in map.c, without keys.
 *
 * Invariant: every pair is reachable from its home slot without crossing a free one. At
 * most 7/8 of the slots are used. Does not shrink until it is empty. */
#include "base/pairs.h"

#include <stdlib.h>

#include "base/error.h"

#define SLOTS_FIRST 64

static void place(struct pairs *p, struct pair pair)
{
	size_t i = pair.hash & p->mask;

	while (p->slots[i].number)
		i = (i + 1) & p->mask;
	p->slots[i] = pair;
}

static void grow(struct pairs *p)
{
	size_t old = p->slots ? p->mask + 1 : 0;
	struct pair *from = p->slots;

	p->mask = (old ? 2 * old : SLOTS_FIRST) - 1;
	p->slots = xcalloc(p->mask + 1, sizeof(*p->slots));
	for (size_t i = 0; i < old; i++)
		if (from[i].number)
			place(p, from[i]);
	free(from);
}

void pairs_add(struct pairs *p, uint64_t hash, int64_t number)
{
	if (!number)
		bug("a pair without a number");
	if (!p->slots || (p->count + 1) * 8 > (p->mask + 1) * 7)
		grow(p);
	place(p, (struct pair){ hash, number });
	p->count++;
}

/* Its slot, or a free one. number 0: any of the hash. */
static size_t find(const struct pairs *p, uint64_t hash, int64_t number)
{
	size_t i = hash & p->mask;

	while (p->slots[i].number &&
	       (p->slots[i].hash != hash || (number && p->slots[i].number != number)))
		i = (i + 1) & p->mask;
	return i;
}

int64_t pairs_get(const struct pairs *p, uint64_t hash)
{
	return p->count ? p->slots[find(p, hash, 0)].number : 0;
}

/* Moves the rest of the cluster back over the hole at i. */
static void close_hole(struct pairs *p, size_t hole)
{
	size_t i = hole;

	for (;;) {
		size_t home;

		i = (i + 1) & p->mask;
		if (!p->slots[i].number)
			break;
		home = p->slots[i].hash & p->mask;
		if (((i - home) & p->mask) < ((i - hole) & p->mask))
			continue; /* its home lies behind the hole */
		p->slots[hole] = p->slots[i];
		hole = i;
	}
	p->slots[hole] = (struct pair){ 0 };
}

bool pairs_remove(struct pairs *p, uint64_t hash, int64_t number)
{
	size_t i;

	if (!p->count)
		return false;
	i = find(p, hash, number);
	if (!p->slots[i].number)
		return false;
	close_hole(p, i);
	if (--p->count == 0)
		pairs_release(p);
	return true;
}

void pairs_release(struct pairs *p)
{
	free(p->slots);
	*p = (struct pairs){ 0 };
}
