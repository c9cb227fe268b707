/* Rows of `allow:` that fit. A row that names several things wants all of them. */
#include "heuristics/allow.h"

#include <fnmatch.h>

static bool fits(const char *pattern, struct str text)
{
	char z[512];

	if (!*pattern)
		return true;
	if (!text.n || text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = 0;
	return fnmatch(pattern, z, 0) == 0;
}

static bool equals(const char *name, struct str text)
{
	return !*name || str_eq_nocase(str_of(name), text);
}

static bool from_network(const struct allowance *a, const struct observation *o)
{
	struct network address;

	if (!a->has_network)
		return true;
	return o->message && network_parse(o->message->client_ip, &address) &&
	       network_has(&a->parsed, &address);
}

static bool row_fits(const struct allowance *a, const struct observation *o)
{
	const struct stream *s = o->stream;

	return equals(a->account, s->account) &&
	       equals(a->login, s->kind == STREAM_LOGIN ? s->name : STR_NONE) &&
	       fits(a->script, s->kind == STREAM_SCRIPT ? s->name : STR_NONE) &&
	       fits(a->sender, o->message ? o->message->sender : STR_NONE) && from_network(a, o);
}

struct allowed allow_of(const struct observation *o)
{
	const struct settings *set = o->world->settings;
	struct allowed all = { 0 };

	for (size_t i = 0; i < set->nallow; i++) {
		const struct allowance *a = &set->allow[i];

		if (!row_fits(a, o))
			continue;
		all.newsletter |= a->newsletter;
		all.muted |= o->time < a->muted_until;
		if (a->per_hour > all.per_hour)
			all.per_hour = a->per_hour;
		if (a->per_day > all.per_day)
			all.per_day = a->per_day;
	}
	return all;
}
