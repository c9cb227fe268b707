/* A suspicious run: counts, signs and samples, and their packed form.
 *
 * Invariant: every list is bounded, and what does not fit is counted or left
 * out, never in place of what came first. Every str lives in the run's arena. */
#include "core/run.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/pack.h"

struct run *run_new(usec_t now)
{
	struct run *r = xcalloc(1, sizeof(*r));

	r->start = r->last = now;
	return r;
}

void run_free(struct run *r)
{
	if (!r)
		return;
	arena_release(&r->strings);
	free(r);
}

const struct run_sign *run_find_sign(const struct run *r, const char *rule)
{
	for (int i = 0; i < r->nsigns; i++)
		if (strcmp(r->signs[i].rule, rule) == 0)
			return &r->signs[i];
	return NULL;
}

struct run_sign *run_sign(struct run *r, const char *rule, enum family family)
{
	struct run_sign *sign = (struct run_sign *)(uintptr_t)run_find_sign(r, rule);

	if (sign)
		return sign;
	if (r->nsigns == RUN_MAX_SIGNS)
		return NULL;
	sign = &r->signs[r->nsigns++];
	*sign = (struct run_sign){ .rule = arena_str(&r->strings, str_of(rule)).p,
				   .family = family };
	return sign;
}

struct run_source *run_source(struct run *r, struct str ip)
{
	for (int i = 0; i < r->nsources; i++)
		if (str_eq(r->sources[i].ip, ip))
			return &r->sources[i];
	if (r->nsources == RUN_MAX_SOURCES)
		return NULL;
	r->sources[r->nsources] = (struct run_source){ .ip = arena_str(&r->strings, ip) };
	return &r->sources[r->nsources++];
}

void run_text(struct run *r, struct run_text *list, int *n, struct str text)
{
	text = str_head(text, FINDING_MAX_LINE / 2);
	for (int i = 0; i < *n; i++) {
		if (str_eq(list[i].text, text)) {
			list[i].count++;
			return;
		}
	}
	if (*n < RUN_MAX_TEXTS)
		list[(*n)++] = (struct run_text){ arena_str(&r->strings, text), 1 };
}

/* ---- the packed form ---- */

static void pack_sign(struct packer *p, const struct run_sign *s)
{
	pack_text(p, str_of(s->rule));
	pack_number(p, s->family);
	pack_real(p, s->weight);
	pack_number(p, s->count);
	pack_number(p, s->first);
	pack_number(p, s->last);
	pack_text(p, s->text);
	pack_real(p, s->text_weight);
}

static void unpack_sign(struct unpacker *u, struct run *r, struct run_sign *s)
{
	s->rule = arena_str(&r->strings, unpack_text(u)).p;
	s->family = (enum family)unpack_count(u, FAMILIES);
	s->weight = unpack_real(u);
	s->count = unpack_number(u);
	s->first = unpack_number(u);
	s->last = unpack_number(u);
	s->text = arena_str(&r->strings, unpack_text(u));
	s->text_weight = unpack_real(u);
}

static void pack_source(struct packer *p, const struct run_source *s)
{
	pack_text(p, s->ip);
	pack_text(p, str_of(s->country));
	pack_number(p, s->asn);
	pack_number(p, s->known);
	pack_number(p, s->messages);
}

static void unpack_source(struct unpacker *u, struct run *r, struct run_source *s)
{
	struct str country;

	s->ip = arena_str(&r->strings, unpack_text(u));
	country = str_head(unpack_text(u), sizeof(s->country) - 1);
	if (country.n)
		memcpy(s->country, country.p, country.n);
	s->asn = (uint32_t)unpack_number(u);
	s->known = unpack_number(u) != 0;
	s->messages = unpack_number(u);
}

static void pack_texts(struct packer *p, const struct run_text *list, int n)
{
	pack_number(p, n);
	for (int i = 0; i < n; i++) {
		pack_text(p, list[i].text);
		pack_number(p, list[i].count);
	}
}

static int unpack_texts(struct unpacker *u, struct run *r, struct run_text *list)
{
	int n = (int)unpack_count(u, RUN_MAX_TEXTS);

	for (int i = 0; i < n; i++) {
		list[i].text = arena_str(&r->strings, unpack_text(u));
		list[i].count = unpack_number(u);
	}
	return n;
}

struct str run_pack(const struct run *r, struct arena *to)
{
	char room[2000];
	struct packer p = { .arena = to, .p = room, .room = sizeof(room) };

	pack_number(&p, r->start);
	pack_number(&p, r->last);
	pack_number(&p, r->last_message);
	for (int i = 0; i < RUN_FACTS; i++)
		pack_number(&p, r->fact[i]);
	for (int i = 0; i < FAMILIES; i++)
		pack_real(&p, r->peak[i]);
	pack_number(&p, r->nsigns);
	for (int i = 0; i < r->nsigns; i++)
		pack_sign(&p, &r->signs[i]);
	pack_number(&p, r->nsources);
	for (int i = 0; i < r->nsources; i++)
		pack_source(&p, &r->sources[i]);
	pack_number(&p, r->sources_dropped);
	pack_texts(&p, r->answers, r->nanswers);
	pack_texts(&p, r->subjects, r->nsubjects);
	pack_texts(&p, r->queue_ids, r->nqueue_ids);
	return pack_end(&p);
}

struct run *run_unpack(struct str packed)
{
	struct unpacker u = { .rest = packed };
	struct run *r = run_new(0);

	r->start = unpack_number(&u);
	r->last = unpack_number(&u);
	r->last_message = unpack_number(&u);
	for (int i = 0; i < RUN_FACTS; i++)
		r->fact[i] = unpack_number(&u);
	for (int i = 0; i < FAMILIES; i++)
		r->peak[i] = unpack_real(&u);
	r->nsigns = (int)unpack_count(&u, RUN_MAX_SIGNS);
	for (int i = 0; i < r->nsigns; i++)
		unpack_sign(&u, r, &r->signs[i]);
	r->nsources = (int)unpack_count(&u, RUN_MAX_SOURCES);
	for (int i = 0; i < r->nsources; i++)
		unpack_source(&u, r, &r->sources[i]);
	r->sources_dropped = unpack_number(&u);
	r->nanswers = unpack_texts(&u, r, r->answers);
	r->nsubjects = unpack_texts(&u, r, r->subjects);
	r->nqueue_ids = unpack_texts(&u, r, r->queue_ids);
	if (!u.bad)
		return r;
	run_free(r);
	return NULL;
}
