/* Expressions over hostile bytes: what fits, what is refused, and that no text makes
 * a match slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/regex_need.h"

#define LARGE ((size_t)1024 * 1024)
#define MATCH_SECONDS_MAX 2.0

static bool fits(const char *pattern, bool caseless, struct str text, struct str *found)
{
	struct error err;
	struct regex *re = regex_new(str_of(pattern), caseless, &err);
	bool yes;

	if (!re)
		fail_msg("%s", err.text);
	yes = regex_match(re, text, found);
	regex_free(re);
	return yes;
}

static void finds(void **state)
{
	struct str found;

	(void)state;
	assert_true(fits("b+", false, STR("abbc"), &found));
	assert_true(str_eq(found, STR("bb")));
	assert_true(fits("^$", false, STR_NONE, &found));
	assert_int_equal(found.n, 0);
	assert_false(fits("B", false, STR("abbc"), NULL));
	assert_true(fits("B", true, STR("abbc"), NULL));
	assert_false(fits("c$", false, STR("abc\n"), NULL));
	assert_true(fits("a.c", false, STR("a\nc"), NULL));
	assert_true(fits("a\\Kb", false, STR("ab"), &found));
	assert_true(str_eq(found, STR("b")));
}

static void takes_any_bytes(void **state)
{
	struct str found;

	(void)state;
	assert_true(fits("b", false, STR("a\0b"), &found));
	assert_true(fits("a.b", false, STR("a\0b"), NULL));
	assert_true(fits("\\x00b$", false, STR("a\0b"), NULL));
	assert_true(fits("^.{3}$", false, STR("\xff\xfe\x80"), NULL));
	assert_true(fits("\xc3\xa4", true, STR("\xff\xc3\xa4\xc3"), NULL));
	assert_false(fits("\\w", true, STR("\xe4\xf6"), NULL));
}

static void refuses(const char *pattern)
{
	struct error err;

	assert_null(regex_new(str_of(pattern), true, &err));
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_non_null(strstr(err.text, "at byte"));
	assert_null(regex_new(str_of(pattern), true, NULL));
}

static void tells_what_is_wrong(void **state)
{
	char longest[REGEX_MAX_PATTERN + 2];
	struct error err;

	(void)state;
	refuses("a(b");
	refuses("[z-a]");
	refuses("*");
	refuses("(*UTF)a");
	refuses("(*UCP)a");
	refuses("a\\Cb");
	refuses("((((a{1,999}){1,999}){1,999}){1,999})");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(regex_new(str_of(longest), true, &err));
	assert_int_equal(err.code, EXIT_CONFIG);
	regex_free(NULL);
}

/* "spam&mail|junk": both words are needed, or the third. */
static void needs(const char *pattern, const char *wanted)
{
	char got[1000] = "";
	struct need need;
	size_t n = 0;

	need_read(str_of(pattern), &need);
	for (size_t i = 0; i < need.n; i++) {
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s", i ? "|" : "");
		for (size_t k = 0; k < need.of[i].n; k++)
			got[n++] = need.of[i].p[k] ? need.of[i].p[k] : '&';
	}
	if (strcmp(got, wanted))
		fail_msg("%s needs \"%s\", not \"%s\"", pattern, got, wanted);
}

static void knows_what_is_needed(void **state)
{
	(void)state;
	needs("Spam", "spam");
	needs("spam|junk", "spam|junk");
	needs("spam|j.nk", "");
	needs("spam|", "");
	needs("ab", "");
	needs("\\bspam\\b", "spam");
	needs("spam\\.org", "spam.org");
	needs("spams?", "spam");
	needs("spa?m", "");
	needs("spam+er", "spam");
	needs("spam{0,3}mer", "spa&mer");
	needs("spam{2}mer", "spam&mer");
	needs("spam.*mail", "spam&mail");
	needs("leaf ?php ?mailer|x", "");
	needs("leaf ?php ?mailer|junk.{3}", "leaf&php&mailer|junk");
	needs("(spam|junk).*m.*mail", "mail");
	needs("(spam|junk).*hot.*mail", "hot&mail");
	needs("(spam|junk) mail", " mail");
	needs("(spam|junk)?mail", "mail");
	needs("(?:viagra|cialis).{0,20}mg", "viagra|cialis");
	needs("(?!spam)mail", "mail");
	needs("(?<!spam|junk)mail", "mail");
	needs("(?-i:SPAM)x", "spam");
	needs("[]a]spam", "spam");
	needs("[^]\\]|]spam[a-z]", "spam");
	needs("spam[[:alpha:]]", "");
	needs("(?i)spam", "");
	needs("(?|spam|junk)", "");
	needs("(spam)\\1", "");
	needs("\\Qa|b\\E", "");
	needs("spam\\x41", "");
	needs("a very long word it is", "a very long word it is");
	needs("thirty bytes are more than fit.", "thirty bytes are more than fi");
	needs("twenty bytes of it, .ten that fit no more", "twenty bytes of it, ");
	needs("((((((((((spam))))))))))", "");
	needs("", "");
}

/* regex_try() and regex_match() say the same. */
static void looks_before_it_matches(void **state)
{
	static const char *const patterns[] = { "spam|junk", "\\bspam(mer)?s?\\b", "x{0}spam",
						"(a|bc|def)+g", "[^s]pam", "s.am", "(?=spam)s",
						"spam.*junk" };
	static const char *const texts[] = { "",     "SPAM", "a spammer", "junk", "xxspam", "spams",
					     "defg", "bcg",  "ag",	  "npam", "sxam",   "SpA",
					     "spam and JUNK", "junk and spam", "spam and jun" };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct regex *re = regex_new(str_of(patterns[i]), true, NULL);

		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
			struct regex_text text;

			regex_prepare(str_of(texts[k]), &text);
			assert_int_equal(regex_try(re, &text), regex_match(re, text.text, NULL));
		}
		regex_free(re);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Expressions that take for ever on such a text end, and count as no match. */
static void ends_in_time(void **state)
{
	static const char *const slow[] = { "(a+)+$", "(a|aa)+$", "^(a?){40}a{40}b", "(.*)*x",
					    "(?:a|b|ab)*c", "(a*)*b", "^(([a-z])+.)+[A-Z]$" };
	char *text = xmalloc(LARGE);
	uint64_t hit;

	(void)state;
	memset(text, 'a', LARGE);
	text[LARGE - 1] = '!';
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		double start = seconds();

		hit = regex_limits_hit();
		assert_false(fits(slow[i], false, (struct str){ text, LARGE }, NULL));
		if (seconds() - start > MATCH_SECONDS_MAX)
			fail_msg("%s took %.1f s", slow[i], seconds() - start);
		if (i < 2)
			assert_true(regex_limits_hit() > hit);
	}
	hit = regex_limits_hit();
	assert_true(fits("a!", false, (struct str){ text, LARGE }, NULL));
	assert_int_equal(regex_limits_hit(), hit);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(takes_any_bytes),
		cmocka_unit_test(tells_what_is_wrong),
		cmocka_unit_test(knows_what_is_needed),
		cmocka_unit_test(looks_before_it_matches),
		cmocka_unit_test(ends_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
