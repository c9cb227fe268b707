/* Chains in a power of two of buckets.
 *
 * Invariant: a chain has the nodes of one hash from the newest to the oldest, also after
 * the table has grown. No more nodes than buckets. Does not shrink. */
#include "base/table.h"

#include <stdlib.h>

#include "base/error.h"

#define BUCKETS_FIRST 16

static struct table_node *of_hash(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_get(const struct table *t, uint64_t hash)
{
	return t->count ? of_hash(t->buckets[hash & t->mask], hash) : NULL;
}

struct table_node *table_get_next(const struct table_node *node)
{
	return of_hash(node->next, node->hash);
}

/* One bucket becomes two, each in the old order. */
static void split(struct table_node *node, struct table_node **low, struct table_node **high,
		  size_t bit)
{
	for (; node; node = node->next) {
		struct table_node ***end = node->hash & bit ? &high : &low;

		**end = node;
		*end = &node->next;
	}
	*low = *high = NULL;
}

static void grow(struct table *t)
{
	size_t old = t->buckets ? t->mask + 1 : 0, n = old ? 2 * old : BUCKETS_FIRST;
	struct table_node **from = t->buckets;

	t->buckets = xcalloc(n, sizeof(*t->buckets));
	t->mask = n - 1;
	for (size_t i = 0; i < old; i++)
		split(from[i], &t->buckets[i], &t->buckets[i + old], old);
	free(from);
}

void table_insert(struct table *t, struct table_node *node, uint64_t hash)
{
	struct table_node **bucket;

	if (!t->buckets || t->count > t->mask)
		grow(t);
	bucket = &t->buckets[hash & t->mask];
	*node = (struct table_node){ *bucket, hash };
	*bucket = node;
	t->count++;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = &t->buckets[node->hash & t->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->count--;
}

struct table_node *table_walk(const struct table *t, const struct table_node *node)
{
	size_t i = node ? (node->hash & t->mask) + 1 : 0;

	if (node && node->next)
		return node->next;
	while (t->buckets && i <= t->mask && !t->buckets[i])
		i++;
	return t->buckets && i <= t->mask ? t->buckets[i] : NULL;
}

void table_release(struct table *t)
{
	free(t->buckets);
	*t = (struct table){ 0 };
}
