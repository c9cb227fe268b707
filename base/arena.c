/* Memory handed out from blocks and given back all at once.
 *
 * Invariant: the blocks form a list from the newest on; only the newest has
 * room that is still used. Does not free or grow a single allocation. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/error.h"

/* First block, with its header half a KiB: all texts of nearly every message. Each further
 * one doubles until the second number. */
#define BLOCK_FIRST ((size_t)512 - sizeof(struct arena_block))
#define BLOCK_LAST ((size_t)1024 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size; /* of bytes[] */
	size_t used;
	alignas(max_align_t) char bytes[];
};

static struct arena_block *add_block(struct arena *a, size_t need)
{
	size_t size = a->head ? a->head->size * 2 : BLOCK_FIRST;
	struct arena_block *b;

	if (size > BLOCK_LAST)
		size = BLOCK_LAST;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*b))
		bug("arena block over the address space");
	b = xmalloc(sizeof(*b) + size);
	*b = (struct arena_block){ .next = a->head, .size = size };
	a->head = b;
	return b;
}

static size_t aligned(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* n bytes at an offset that is a multiple of `align`. */
static inline char *take(struct arena *a, size_t n, size_t align)
{
	struct arena_block *b = a->head;
	size_t at = b ? aligned(b->used, align) : 0;

	if (!b || at > b->size || n > b->size - at) {
		b = add_block(a, n);
		at = 0;
	}
	b->used = at + n;
	a->used += n;
	return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return take(a, n, alignof(max_align_t));
}

struct str arena_str(struct arena *a, struct str s)
{
	char *copy = take(a, s.n + 1, 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return (struct str){ copy, s.n };
}

struct str arena_str_or_none(struct arena *a, struct str s)
{
	return s.n ? arena_str(a, s) : STR_NONE;
}

static void free_blocks(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void arena_reset(struct arena *a)
{
	a->used = 0;
	if (!a->head)
		return;
	free_blocks(a->head->next);
	a->head->next = NULL;
	a->head->used = 0;
}

void arena_release(struct arena *a)
{
	free_blocks(a->head);
	*a = (struct arena){ 0 };
}
