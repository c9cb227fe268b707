/* Hash table of nodes that lie in the things themselves: for what is looked up often and
 * made and freed often. Who asks compares the keys; see hash.h for the hash. */
#ifndef MAILAUDIT_BASE_TABLE_H
#define MAILAUDIT_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next; /* in its bucket */
	uint64_t hash;
};

/* All zero is an empty table. */
struct table {
	struct table_node **buckets;
	size_t mask; /* buckets - 1, or 0 when nothing is allocated */
	size_t count;
};

/* The thing that a node lies in. */
#define table_owner(node, type, member) \
	((type *)(void *)((char *)(node) - offsetof(type, member)))

/* The node that was added last under this hash; NULL: none. */
struct table_node *table_get(const struct table *t, uint64_t hash);
/* The one that was added before it under the same hash. */
struct table_node *table_get_next(const struct table_node *node);
void table_insert(struct table *t, struct table_node *node, uint64_t hash);
/* The node is in the table. */
void table_remove(struct table *t, struct table_node *node);
/* Walks all: the one behind `node` in no order, the first for NULL. */
struct table_node *table_walk(const struct table *t, const struct table_node *node);
/* Frees the buckets; the nodes stay the caller's. */
void table_release(struct table *t);

#endif
