/* A suspicious run: its lists are bounded, and packing it loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/run.h"

#define START (1795435200 * USEC_SECOND)

static struct str numbered(char *buf, size_t size, const char *what, int i)
{
	snprintf(buf, size, "%s-%d", what, i);
	return str_of(buf);
}

/* One with more of everything than fits. */
static struct run *full(void)
{
	struct run *r = run_new(START);
	char buf[64];

	r->last = START + USEC_HOUR;
	r->last_message = 77;
	r->sources_dropped = 3;
	for (int i = 0; i < RUN_FACTS; i++)
		r->fact[i] = i * 1000;
	for (int i = 0; i < FAMILIES; i++)
		r->peak[i] = (float)i / 3;
	for (int i = 0; i < 2 * RUN_MAX_SIGNS; i++) {
		struct run_sign *s = run_sign(r, numbered(buf, sizeof(buf), "rule", i).p,
					      (enum family)(i % FAMILIES));

		assert_int_equal(s != NULL, i < RUN_MAX_SIGNS);
		if (!s)
			continue;
		s->weight = 0.1f * (float)i;
		s->count = i;
		s->first = START + i;
		s->last = START + 2 * i;
		s->text = arena_str(&r->strings, numbered(buf, sizeof(buf), "sentence", i));
		s->text_weight = 0.3f;
	}
	for (int i = 0; i < 2 * RUN_MAX_SOURCES; i++) {
		struct run_source *s = run_source(r, numbered(buf, sizeof(buf), "ip", i));

		assert_int_equal(s != NULL, i < RUN_MAX_SOURCES);
		if (!s)
			continue;
		memcpy(s->country, i % 2 ? "DE" : "\0\0", 2);
		s->asn = 4200000000u;
		s->known = i % 3 == 0;
		s->messages = i;
	}
	for (int i = 0; i < 2 * RUN_MAX_TEXTS; i++) {
		run_text(r, r->answers, &r->nanswers, numbered(buf, sizeof(buf), "answer", i));
		run_text(r, r->subjects, &r->nsubjects, numbered(buf, sizeof(buf), "subject", i));
		run_text(r, r->queue_ids, &r->nqueue_ids, numbered(buf, sizeof(buf), "id", i));
	}
	return r;
}

static void test_bounds(void **state)
{
	struct run *r = full();

	(void)state;
	assert_int_equal(r->nsigns, RUN_MAX_SIGNS);
	assert_int_equal(r->nsources, RUN_MAX_SOURCES);
	assert_int_equal(r->nanswers, RUN_MAX_TEXTS);
	assert_int_equal(r->nqueue_ids, RUN_MAX_TEXTS);
	/* What came first stays, and is still counted. */
	assert_true(str_eq(r->answers[0].text, STR("answer-0")));
	run_text(r, r->answers, &r->nanswers, STR("answer-9"));
	assert_int_equal(r->answers[9].count, 2);
	assert_ptr_equal(run_source(r, STR("ip-3")), &r->sources[3]);
	assert_ptr_equal(run_sign(r, "rule-5", FAMILY_VOLUME), &r->signs[5]);
	assert_ptr_equal(run_find_sign(r, "rule-5"), &r->signs[5]);
	assert_null(run_find_sign(r, "rule-16"));
	run_free(r);
	run_free(NULL);
}

static void test_long_text_is_cut(void **state)
{
	char text[2 * FINDING_MAX_LINE];
	struct run *r = run_new(START);
	struct str all = { text, sizeof(text) };

	(void)state;
	memset(text, 'x', sizeof(text));
	run_text(r, r->subjects, &r->nsubjects, all);
	run_text(r, r->subjects, &r->nsubjects, str_head(all, FINDING_MAX_LINE));
	assert_int_equal(r->nsubjects, 1);
	assert_int_equal(r->subjects[0].count, 2);
	assert_int_equal(r->subjects[0].text.n, FINDING_MAX_LINE / 2);
	run_free(r);
}

static void test_packed_and_back(void **state)
{
	struct run *runs[] = { full(), run_new(START) };

	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct arena arena = { 0 };
		struct str first = run_pack(runs[i], &arena), again;
		struct run *back = run_unpack(first);

		assert_non_null(back);
		again = run_pack(back, &arena);
		assert_true(str_eq(first, again));
		assert_int_equal(back->start, runs[i]->start);
		assert_int_equal(back->nsigns, runs[i]->nsigns);
		assert_memory_equal(back->fact, runs[i]->fact, sizeof(back->fact));
		if (back->nsources > 1) {
			assert_string_equal(back->sources[1].country, "DE");
			assert_string_equal(back->sources[0].country, "");
			assert_true(str_eq(back->sources[1].ip, STR("ip-1")));
			assert_string_equal(back->signs[4].rule, "rule-4");
		}
		run_free(back);
		run_free(runs[i]);
		arena_release(&arena);
	}
}

static void test_damaged(void **state)
{
	struct run *r = full();
	struct arena arena = { 0 };
	struct str all = run_pack(r, &arena);
	char *copy = malloc(all.n);

	(void)state;
	for (size_t n = 0; n < all.n; n++)
		assert_null(run_unpack(str_head(all, n)));
	/* Changed bytes: anything but a crash, and nothing beyond the bounds. */
	for (size_t i = 0; i < all.n; i++) {
		struct run *back;

		memcpy(copy, all.p, all.n);
		copy[i] ^= (char)(0x80 + i % 127);
		back = run_unpack((struct str){ copy, all.n });
		if (!back)
			continue;
		assert_in_range(back->nsigns, 0, RUN_MAX_SIGNS);
		assert_in_range(back->nsources, 0, RUN_MAX_SOURCES);
		for (int k = 0; k < back->nsigns; k++)
			assert_in_range(back->signs[k].family, 0, FAMILIES);
		run_free(back);
	}
	free(copy);
	run_free(r);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_packed_and_back),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
