/* store_load: the store at size, without parsing or joining anything.
 *
 *     store_load fill DATABASE [NAME=NUMBER...]
 *     store_load retain DATABASE [NAME=NUMBER...]
 *     store_load ask DATABASE [NAME=NUMBER...]
 *
 * tests/bench/store runs it and says what the names mean. */
#include "tests/bench/store_load.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

static const struct {
	const char *name;
	size_t member;
} numbers[] = {
	{ "messages", offsetof(struct load_options, messages) },
	{ "batch", offsetof(struct load_options, batch) },
	{ "accounts", offsetof(struct load_options, accounts) },
	{ "days", offsetof(struct load_options, days) },
	{ "seed", offsetof(struct load_options, seed) },
	{ "retain", offsetof(struct load_options, retain) },
	{ "rows", offsetof(struct load_options, rows) },
	{ "count", offsetof(struct load_options, count) },
	{ "cold", offsetof(struct load_options, cold) },
};

static int64_t *number_named(struct load_options *o, struct str name)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (str_eq(name, str_of(numbers[i].name)))
			return (int64_t *)(void *)((char *)o + numbers[i].member);
	return NULL;
}

int main(int argc, char **argv)
{
	struct load_options o = { .messages = 1000000, .batch = 7500, .accounts = 5000, .days = 90,
				  .seed = 1, .rows = 200, .count = 300 };
	bool ok = argc >= 3;

	for (int i = 3; ok && i < argc; i++) {
		struct str text = str_of(argv[i]), name = str_head(text, str_chr(text, '='));
		int64_t *number = number_named(&o, name);

		ok = number && str_int(str_skip(text, name.n + 1), number);
	}
	if (ok)
		o.database = argv[2];
	if (ok && strcmp(argv[1], "fill") == 0)
		return load_fill(&o);
	if (ok && strcmp(argv[1], "retain") == 0)
		return load_retain(&o);
	if (ok && strcmp(argv[1], "ask") == 0)
		return load_ask(&o);
	fputs("Usage: store_load fill|retain|ask DATABASE [NAME=NUMBER...]\n", stderr);
	return EXIT_USAGE;
}
