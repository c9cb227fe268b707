/* Numbers, reals and texts as bytes: what is read is what was written, and cut or
 * made-up bytes end in zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/pack.h"

static const int64_t numbers[] = {
	0, 1, 127, 128, -1, -128, 300, 16383, 16384, INT32_MAX, INT32_MIN, UINT32_MAX, 1LL << 62,
	INT64_MAX, INT64_MIN,
};
static const float reals[] = { 0.0f,	 -0.0f,	   1.5f,	  -0.03f,   FLT_MIN,
			       FLT_MAX, -FLT_MAX, FLT_TRUE_MIN, INFINITY, -INFINITY };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct str packed(struct arena *to)
{
	struct packer p = { .arena = to };

	for (size_t i = 0; i < COUNT(numbers); i++)
		pack_number(&p, numbers[i]);
	for (size_t i = 0; i < COUNT(reals); i++)
		pack_real(&p, reals[i]);
	pack_text(&p, STR_NONE);
	pack_text(&p, STR("a\0b\nc"));
	return pack_end(&p);
}

static void test_round_trip(void **state)
{
	struct arena arena = { 0 };
	struct unpacker u = { .rest = packed(&arena) };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++)
		assert_int_equal(unpack_number(&u), numbers[i]);
	for (size_t i = 0; i < COUNT(reals); i++) {
		float v = unpack_real(&u);

		assert_memory_equal(&v, &reals[i], sizeof(v));
	}
	assert_int_equal(unpack_text(&u).n, 0);
	assert_true(str_eq(unpack_text(&u), STR("a\0b\nc")));
	assert_false(u.bad);
	assert_int_equal(u.rest.n, 0);
	arena_release(&arena);
}

static void test_bytes(void **state)
{
	static const unsigned char want[] = { 0xac, 0x02, 0x00, 0x00, 0xc0, 0x3f, 0x01, 'x' };
	struct arena arena = { 0 };
	struct packer p = { .arena = &arena };

	(void)state;
	pack_number(&p, 300);
	pack_real(&p, 1.5f);
	pack_text(&p, STR("x"));
	assert_int_equal(p.n, sizeof(want));
	assert_memory_equal(p.p, want, sizeof(want));
	arena_release(&arena);
}

static void test_few_reals(void **state)
{
	static const float some[] = { 0, 1.5f, 0, 0, -2, 0 };
	struct arena arena = { 0 };
	char room[20];
	struct packer p = { .arena = &arena, .p = room, .room = sizeof(room) };
	struct unpacker u;
	float back[COUNT(some)];

	(void)state;
	pack_reals(&p, some, COUNT(some));
	assert_int_equal(p.n, 1 + 2 * 4);
	pack_text(&p, STR("more than there is room for"));
	u = (struct unpacker){ .rest = pack_end(&p) };
	memset(room, 0, sizeof(room));
	unpack_reals(&u, back, COUNT(back));
	assert_memory_equal(back, some, sizeof(some));
	assert_true(str_eq(unpack_text(&u), STR("more than there is room for")));
	assert_int_equal(u.rest.n, 0);
	arena_release(&arena);
}

static void read_all(struct unpacker *u)
{
	for (size_t i = 0; i < COUNT(numbers); i++)
		unpack_number(u);
	for (size_t i = 0; i < COUNT(reals); i++)
		unpack_real(u);
	unpack_text(u);
	unpack_text(u);
}

static void test_cut_input(void **state)
{
	struct arena arena = { 0 };
	struct str all = packed(&arena);

	(void)state;
	for (size_t n = 0; n < all.n; n++) {
		struct unpacker u = { .rest = str_head(all, n) };

		read_all(&u);
		assert_true(u.bad);
		assert_int_equal(u.rest.n, 0);
		assert_int_equal(unpack_number(&u), 0);
		assert_true(unpack_real(&u) == 0.0f);
		assert_int_equal(unpack_text(&u).n, 0);
	}
	arena_release(&arena);
}

static void test_made_up_input(void **state)
{
	struct unpacker endless = { .rest = STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") };
	struct unpacker longer = { .rest = STR("\x05""abcd") };
	struct unpacker negative = { .rest = STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01""ab") };

	(void)state;
	assert_int_equal(unpack_number(&endless), 0);
	assert_true(endless.bad);
	assert_int_equal(unpack_text(&longer).n, 0);
	assert_true(longer.bad);
	assert_int_equal(unpack_text(&negative).n, 0);
	assert_true(negative.bad);
}

static void test_counts(void **state)
{
	struct unpacker fine = { .rest = STR("\x02""ab") };
	struct unpacker none = { .rest = STR("\0") };
	struct unpacker many = { .rest = STR("\x03""abc") };
	struct unpacker cut = { .rest = STR("\x03""ab") };

	(void)state;
	assert_int_equal(unpack_count(&fine, 2), 2);
	assert_int_equal(unpack_count(&none, 2), 0);
	assert_false(fine.bad || none.bad);
	assert_int_equal(unpack_count(&many, 2), 0);
	assert_true(many.bad);
	assert_int_equal(unpack_count(&cut, 9), 0);
	assert_true(cut.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_few_reals),
		cmocka_unit_test(test_cut_input),
		cmocka_unit_test(test_made_up_input),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
