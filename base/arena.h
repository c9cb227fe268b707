/* Memory that is given back all at once. */
#ifndef MAILAUDIT_BASE_ARENA_H
#define MAILAUDIT_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

/* All zero is an empty arena. */
struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out, for limits */
};

/* Aligned for any type; aborts when memory is out. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of s, with a NUL behind it that n does not count. */
struct str arena_str(struct arena *a, struct str s);
/* arena_str, or STR_NONE for an empty s. */
struct str arena_str_or_none(struct arena *a, struct str s);
/* Forgets all; keeps the newest block for reuse. */
void arena_reset(struct arena *a);
/* Gives all memory back; the arena is empty again. */
void arena_release(struct arena *a);

#endif
