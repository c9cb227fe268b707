/* A stream's habits: what is usual, lists that make room, and a packed form that
 * is the same whenever it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/pack.h"
#include "core/stream.h"

#define START (1795392000 * USEC_SECOND) /* midnight, UTC */
#define KEY STR("login\nalice\ninfo@shop.example")

static void assert_near(double got, double want)
{
	if (fabs(got - want) > 0.0001)
		fail_msg("%f, not %f", got, want);
}

static void test_key(void **state)
{
	static const char *const kinds[] = { "login",	"script",  "user", "network",
					     "account", "inbound", "direct", "host" };

	(void)state;
	for (int k = 0; k < STREAM_KINDS; k++) {
		char key[64];
		struct stream *s;

		snprintf(key, sizeof(key), "%s\nacc\nna me", kinds[k]);
		s = stream_new(str_of(key));
		assert_int_equal(s->kind, k);
		assert_true(str_eq(s->account, STR("acc")));
		assert_true(str_eq(s->name, STR("na me")));
		assert_string_equal(s->key, key);
		stream_free(s);
	}
	stream_free(NULL);
}

static void test_net_of(void **state)
{
	uint32_t net = stream_net_of(STR("203.0.113.7"));

	(void)state;
	assert_int_not_equal(net, 0);
	assert_int_equal(stream_net_of(STR("203.0.255.1")), net);
	assert_int_not_equal(stream_net_of(STR("203.1.113.7")), net);
	net = stream_net_of(STR("2001:db8:1::1"));
	assert_int_not_equal(net, 0);
	assert_int_equal(stream_net_of(STR("2001:db8:ffff::")), net);
	assert_int_not_equal(stream_net_of(STR("2001:db9::1")), net);
	assert_int_equal(stream_net_of(STR("unknown")), 0);
	assert_int_equal(stream_net_of(STR_NONE), 0);
	assert_int_equal(stream_net_of(STR("1.2.3.4                                               "
					   "              ")), 0);
}

static void test_lists_make_room(void **state)
{
	struct stream *s = stream_new(KEY);
	bool fresh;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		usec_t now = START + i * USEC_HOUR;

		stream_net(s, i + 1, now, &fresh);
		assert_true(fresh);
		stream_word(&s->helos, &s->nhelos, i + 1, now, &fresh);
		assert_true(fresh);
		stream_form(s, i + 1, now, &fresh);
		assert_true(fresh);
		/* The first one is in use all the time. */
		stream_net(s, 1, now, &fresh)->last = (uint32_t)(now / USEC_MINUTE);
		assert_false(fresh);
	}
	assert_int_equal(s->nnets, STREAM_MAX_NETS);
	assert_int_equal(s->nhelos, STREAM_MAX_WORDS);
	assert_int_equal(s->nforms, STREAM_MAX_FORMS);
	assert_null(stream_find_word(s->helos, s->nhelos, 100 - STREAM_MAX_WORDS));
	for (uint32_t i = 100 - STREAM_MAX_WORDS + 1; i <= 100; i++)
		assert_non_null(stream_find_word(s->helos, s->nhelos, i));
	stream_net(s, 100 - STREAM_MAX_NETS + 1, START, &fresh);
	assert_true(fresh);
	stream_form(s, 93, START, &fresh);
	assert_false(fresh);
	stream_free(s);
}

static void test_hours_are_learned(void **state)
{
	struct stream *s = stream_new(KEY);

	(void)state;
	stream_roll(s, START + 10 * USEC_HOUR);
	s->hour_novel = 10;
	s->hour_all = 20;
	stream_roll(s, START + 10 * USEC_HOUR + USEC_HOUR / 2);
	assert_near(s->hour_novel, 10);
	stream_roll(s, START + 11 * USEC_HOUR);
	assert_near(s->hour_novel, 0);
	assert_near(s->usual_novel[10], 3); /* a rise: 0.30 */
	assert_near(s->usual_all[10], 6);
	stream_roll(s, START + 35 * USEC_HOUR); /* a day without any: a fall, 0.15 */
	assert_near(s->usual_novel[10], 2.55);
	s->hour_novel = 1000;
	s->hour_tainted = true;
	stream_roll(s, START + 36 * USEC_HOUR);
	assert_near(s->usual_novel[11], 0);
	assert_false(s->hour_tainted);
	/* What was usual long ago is not usual. */
	stream_roll(s, START + 60 * USEC_DAY);
	assert_near(s->usual_novel[10], 0);
	assert_int_equal(s->hour, (START + 60 * USEC_DAY) / USEC_HOUR);
	stream_free(s);
}

/* A way in one step is a way in many. */
static void test_rolling_in_steps(void **state)
{
	struct stream *once = stream_new(KEY), *often = stream_new(KEY);
	usec_t end = START + 20 * USEC_DAY;

	(void)state;
	for (int i = 0; i < 24; i++)
		once->usual_novel[i] = often->usual_novel[i] = (float)i;
	once->hour = often->hour = START / USEC_HOUR;
	once->switching = often->switching = 5;
	for (usec_t t = START; t < end; t += 17 * USEC_MINUTE)
		stream_roll(often, t);
	stream_roll(often, end);
	stream_roll(once, end);
	assert_memory_equal(once->usual_novel, often->usual_novel, sizeof(once->usual_novel));
	assert_true(once->switching == often->switching);
	stream_free(once);
	stream_free(often);
}

static void test_usual(void **state)
{
	struct stream *s = stream_new(KEY);
	usec_t now = START + 10 * USEC_HOUR;

	(void)state;
	s->born = now - 30 * USEC_DAY;
	s->usual_novel[9] = 4;
	s->usual_novel[12] = 100;
	assert_near(stream_usual(s, s->usual_novel, now, 1, 50), 4);
	assert_near(stream_usual(s, s->usual_novel, now, 7, 50), 7);
	assert_near(stream_usual(s, s->usual_novel, now + USEC_HOUR, 1, 50), 100);
	/* Midnight has neighbours, too. */
	s->usual_novel[23] = 9;
	assert_near(stream_usual(s, s->usual_novel, START, 1, 50), 9);
	/* While it is young, what is usual for anybody counts. */
	s->born = now;
	assert_near(stream_usual(s, s->usual_novel, now, 1, 50), 50);
	s->born = now - 7 * USEC_DAY;
	assert_near(stream_usual(s, s->usual_novel, now, 1, 50), 27);
	assert_near(stream_usual(s, s->usual_novel, now + USEC_HOUR, 1, 50), 100);
	stream_free(s);
}

static void random_run(struct stream *s, usec_t now)
{
	static const char *const rules[] = { "new-country", "unseen-script", "INJ1" };
	struct run_sign *sign;

	if (!s->run)
		s->run = run_new(now);
	sign = run_sign(s->run, rules[rand() % 3], (enum family)(rand() % FAMILIES));
	sign->weight += (float)(rand() % 100) / 7;
	sign->text = arena_str(&s->run->strings, STR("a sentence"));
	s->run->fact[rand() % RUN_FACTS] += rand();
	run_text(s->run, s->run->subjects, &s->run->nsubjects, STR("Hi"));
}

/* Anything a detector may do to a stream. */
static void random_step(struct stream *s, usec_t now)
{
	bool fresh;

	switch (rand() % 9) {
	case 0:
		stream_net(s, (uint32_t)rand() % 50 + 1, now, &fresh)->asn = (uint32_t)rand() * 2;
		memcpy(s->nets[0].country, rand() % 2 ? "DE" : "\xc3\xff", 2);
		stream_read(s, (uint32_t)rand() % 50 + 1, now, &fresh)->days++;
		stream_enter(s, &(struct stream_entry){ .path = (uint64_t)rand() % 40,
							.ssh = rand() % 2,
							.minute = (uint32_t)(now / USEC_MINUTE),
							.refused = (uint16_t)rand(),
							.country = { 'D', 'E' },
							.ip = "2001:db8::7" });
		return;
	case 1:
		stream_word(&s->helos, &s->nhelos, (uint32_t)rand() % 30 + 1, now, &fresh)->count++;
		return;
	case 2:
		stream_word(&s->domains, &s->ndomains, (uint32_t)rand() % 30 + 1, now, &fresh);
		return;
	case 3:
		stream_form(s, (uint64_t)rand() << 33 | 1, now, &fresh)->mixed = rand() % 2;
		s->forms[0].most_recipients = (uint16_t)(rand() % 30000);
		return;
	case 4:
		if (!s->tally)
			s->tally = xcalloc(1, sizeof(*s->tally));
		tally_add(s->tally, now, (enum tally_what)(rand() % TALLY_WHATS), 1);
		return;
	case 5:
		random_run(s, now);
		return;
	case 6:
		run_free(s->run);
		s->run = NULL;
		return;
	case 7:
		known_add(&s->known, (uint32_t)rand() | 1);
		s->score[rand() % FAMILIES] = (float)rand() / 1e6f;
		s->rate = (float)rand() / 1e9f;
		s->refused_login = now;
		s->finding = rand();
		return;
	default:
		s->hour_novel += (float)(rand() % 20);
		s->hour_all += 20;
		s->hour_tainted = rand() % 7 == 0;
		s->messages++;
		s->script_line = rand();
	}
}

static void assert_same_state(const struct stream *s, struct arena *arena)
{
	struct stream *back = stream_new(str_of(s->key));
	struct str first = stream_pack(s, arena);

	assert_true(stream_unpack(back, first));
	assert_true(str_eq(first, stream_pack(back, arena)));
	assert_int_equal(back->born, s->born);
	assert_int_equal(back->finding, s->finding);
	assert_int_equal(back->known.tail_n, s->known.tail_n);
	assert_int_equal(back->nnets, s->nnets);
	assert_int_equal(back->nreads, s->nreads);
	assert_int_equal(back->nentries, s->nentries);
	if (s->nentries)
		assert_memory_equal(back->entries, s->entries,
				    s->nentries * sizeof(*s->entries));
	assert_memory_equal(back->usual_novel, s->usual_novel, sizeof(s->usual_novel));
	assert_memory_equal(back->score, s->score, sizeof(s->score));
	assert_int_equal(back->run != NULL, s->run != NULL);
	assert_int_equal(back->tally != NULL, s->tally != NULL);
	if (s->tally)
		assert_memory_equal(back->tally, s->tally, sizeof(*s->tally));
	stream_free(back);
}

static void test_packed_and_back(void **state)
{
	struct stream *s = stream_new(KEY);
	struct arena arena = { 0 };
	usec_t now = START;

	(void)state;
	srand(11);
	s->born = s->last = s->scored = now;
	assert_same_state(s, &arena);
	for (int i = 0; i < 4000; i++) {
		now += (usec_t)rand() % (2 * USEC_HOUR);
		stream_roll(s, now);
		random_step(s, now);
		if (i % 16 == 0)
			assert_same_state(s, &arena);
		arena_reset(&arena);
	}
	assert_true(stream_bytes(s) > sizeof(*s) && stream_bytes(s) < 64 * 1024);
	stream_free(s);
	arena_release(&arena);
}

/* Going on with what was read back is going on. */
static void test_a_restart_changes_nothing(void **state)
{
	struct stream *a = stream_new(KEY), *b = stream_new(KEY);
	struct arena arena = { 0 };
	usec_t now = START;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		now += (usec_t)(i % 90) * USEC_MINUTE;
		srand(i);
		stream_roll(a, now);
		random_step(a, now);
		srand(i);
		stream_roll(b, now);
		random_step(b, now);
		if (i % 5 == 0) {
			struct stream *back = stream_new(KEY);

			assert_true(stream_unpack(back, stream_pack(b, &arena)));
			stream_free(b);
			b = back;
		}
	}
	assert_true(str_eq(stream_pack(a, &arena), stream_pack(b, &arena)));
	stream_free(a);
	stream_free(b);
	arena_release(&arena);
}

static void test_entries_are_bounded(void **state)
{
	struct stream *s = stream_new(KEY);

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		stream_enter(s, &(struct stream_entry){ .path = 1 + i % 20, .minute = i });
	assert_int_equal(s->nentries, STREAM_MAX_ENTRIES);
	assert_int_equal(s->entries[0].minute, 24);
	assert_int_equal(s->entries[STREAM_MAX_ENTRIES - 1].minute, 39);
	assert_true(stream_path_hash(STR("//a//b.php")) == stream_path_hash(STR("a/b.php")));
	assert_true(stream_path_hash(STR("/a/b.php")) != stream_path_hash(STR("/a/c.php")));
	stream_free(s);
}

/* As versions 1 and 2 wrote it: every time and every real in full, no or empty lists. */
static struct str old_state(int version, struct arena *to)
{
	int lists = version == 1 ? 10 : 12;
	struct packer p = { .arena = to };

	pack_number(&p, version);
	for (int i = 1; i <= 24; i++)
		pack_number(&p, i);
	for (int i = 1; i <= 12 + FAMILIES; i++)
		pack_real(&p, (float)i);
	for (int i = 0; i < lists; i++)
		pack_number(&p, 0);
	return pack_end(&p);
}

static void test_state_of_an_older_version(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (int version = 1; version <= 2; version++) {
		struct stream *s = stream_new(KEY);

		assert_true(stream_unpack(s, old_state(version, &arena)));
		assert_int_equal(s->born, 1);
		assert_int_equal(s->last, 2);
		assert_int_equal(s->messages, 3);
		assert_int_equal(s->finding, 24);
		assert_near(s->hour_novel, 1);
		assert_near(s->usual_sources, 12);
		assert_near(s->score[FAMILIES - 1], 12 + FAMILIES);
		assert_same_state(s, &arena);
		stream_free(s);
	}
	arena_release(&arena);
}

/* A state that is damaged leaves a stream that is as new; its rows stay its own. */
static void test_damaged(void **state)
{
	struct stream *s = stream_new(KEY), *anew = stream_new(KEY);
	struct arena arena = { 0 };
	struct str all, none = stream_pack(anew, &arena);
	char *copy;

	(void)state;
	srand(3);
	for (int i = 0; i < 200; i++)
		random_step(s, START + i * USEC_HOUR);
	random_run(s, START);
	all = stream_pack(s, &arena);
	copy = malloc(all.n);
	for (size_t n = 0; n < all.n; n++) {
		struct stream *back = stream_new(KEY);

		back->id = 9;
		assert_false(stream_unpack(back, str_head(all, n)));
		if (n % 8 == 0)
			assert_true(str_eq(stream_pack(back, &arena), none));
		assert_int_equal(back->id, 9);
		assert_true(back->known.in_rows);
		stream_free(back);
	}
	for (size_t i = 0; i < all.n; i++) {
		struct stream *back = stream_new(KEY);

		memcpy(copy, all.p, all.n);
		copy[i] ^= (char)(0x80 + i % 127);
		stream_unpack(back, (struct str){ copy, all.n });
		assert_in_range(back->nnets, 0, STREAM_MAX_NETS);
		assert_in_range(back->nhelos, 0, STREAM_MAX_WORDS);
		stream_free(back);
	}
	free(copy);
	stream_free(s);
	stream_free(anew);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_net_of),
		cmocka_unit_test(test_lists_make_room),
		cmocka_unit_test(test_hours_are_learned),
		cmocka_unit_test(test_rolling_in_steps),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_packed_and_back),
		cmocka_unit_test(test_a_restart_changes_nothing),
		cmocka_unit_test(test_entries_are_bounded),
		cmocka_unit_test(test_state_of_an_older_version),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
