/* A table by key, and a list by age.
 *
 * Invariant: each sleeper is in both; one that was taken is in neither, and lives until the
 * next call. Knows nothing of what a state means. */
#include "core/asleep.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

struct sleeper {
	struct table_node by_key;
	struct sleeper *older, *newer;
	int64_t id;
	usec_t time;
	size_t key_n, state_n;
	char bytes[]; /* key, state */
};

static struct str key_of(const struct sleeper *s)
{
	return (struct str){ s->bytes, s->key_n };
}

static size_t bytes_of(const struct sleeper *s)
{
	return sizeof(*s) + s->key_n + s->state_n;
}

static void unlink_one(struct asleep *a, struct sleeper *s)
{
	table_remove(&a->by_key, &s->by_key);
	*(s->older ? &s->older->newer : &a->first) = s->newer;
	*(s->newer ? &s->newer->older : &a->last) = s->older;
	a->bytes -= bytes_of(s);
}

static struct sleeper *find(const struct asleep *a, struct str key)
{
	struct table_node *node = table_get(&a->by_key, hash_str(0, key));

	for (; node; node = table_get_next(node)) {
		struct sleeper *s = table_owner(node, struct sleeper, by_key);

		if (str_eq(key_of(s), key))
			return s;
	}
	return NULL;
}

void asleep_init(struct asleep *a)
{
	*a = (struct asleep){ .complete = true };
}

void asleep_release(struct asleep *a)
{
	struct sleeper *s = a->first, *newer;

	for (; s; s = newer) {
		newer = s->newer;
		free(s);
	}
	free(a->woken);
	table_release(&a->by_key);
	*a = (struct asleep){ .complete = a->complete && !a->first };
}

static void forget_oldest(struct asleep *a)
{
	struct sleeper *s = a->first;

	unlink_one(a, s);
	free(s);
	a->complete = false;
}

void asleep_add(struct asleep *a, const struct stream_row *row)
{
	struct sleeper *s = xmalloc(sizeof(*s) + row->key.n + row->state.n);

	*s = (struct sleeper){ .older = a->last, .id = row->id, .time = row->last,
			       .key_n = row->key.n, .state_n = row->state.n };
	str_put(str_put(s->bytes, row->key), row->state);
	*(a->last ? &a->last->newer : &a->first) = s;
	a->last = s;
	table_insert(&a->by_key, &s->by_key, hash_str(0, row->key));
	a->bytes += bytes_of(s);
	while (a->bytes > ASLEEP_MAX_BYTES)
		forget_oldest(a);
}

bool asleep_take(struct asleep *a, struct str key, struct stream_row *row)
{
	struct sleeper *s = find(a, key);

	free(a->woken);
	a->woken = s;
	if (!s)
		return false;
	unlink_one(a, s);
	*row = (struct stream_row){ .id = s->id, .key = key_of(s), .last = s->time,
				    .state = { s->bytes + s->key_n, s->state_n } };
	return true;
}
