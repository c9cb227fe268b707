/* Hash table from bytes to a pointer, by base/hash.h. */
#ifndef MAILAUDIT_BASE_MAP_H
#define MAILAUDIT_BASE_MAP_H

#include "base/str.h"

struct map_slot {
	uint64_t hash; /* 0: free */
	char *key; /* owned */
	uint32_t key_n;
	void *value;
};

/* All zero is an empty map. */
struct map {
	struct map_slot *slots;
	size_t mask; /* slots - 1, or 0 when nothing is allocated */
	size_t count;
};

void *map_get(const struct map *m, struct str key); /* NULL: not there */
/* Sets and returns the value it replaced, or NULL. value is not NULL. */
void *map_put(struct map *m, struct str key, void *value);
/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, struct str key);
/* Walks: i = 0; while ((slot = map_next(m, &i))). Order is not defined, and
 * the map must not change meanwhile. */
struct map_slot *map_next(const struct map *m, size_t *i);
/* Frees the table and its keys; values stay the caller's. */
void map_release(struct map *m);

#endif
