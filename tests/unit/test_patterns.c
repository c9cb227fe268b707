/* Reading pattern texts, and what tests/corpus/signs cannot say of the look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/regex.h"
#include "core/patterns.h"

#define LARGE ((size_t)1024 * 1024)
#define SECONDS_MAX 2.0

static struct patterns *read_one(const char *yaml, struct error *err)
{
	struct pattern_text text = { "dir/f.yaml", str_of(yaml) };

	return patterns_new(&text, 1, err);
}

static void fails(const char *yaml, const char *wanted)
{
	struct error err;
	struct patterns *p = read_one(yaml, &err);

	assert_null(p);
	assert_int_equal(err.code, EXIT_CONFIG);
	if (!strstr(err.text, wanted))
		fail_msg("\"%s\" is not in \"%s\"", wanted, err.text);
}

static void says_where_and_why(void **state)
{
	(void)state;
	fails("paths: [\n", "dir/f.yaml:2:1: ");
	fails("- a\n", "dir/f.yaml:1:1: needs a map");
	fails("path: []\n", "dir/f.yaml:1:1: path: unknown key, did you mean paths?");
	fails("paths:\n- {name: a, help: b., match: ['(x']}\n", "needs the key weight");
	fails("paths:\n- {name: a, help: b., weight: 1, match: ['(x']}\n",
	      "f.yaml:2:42: paths[0].match[0]: (x ");
	fails("paths:\n- {name: a, help: b., weight: 11, match: [x]}\n", "paths[0].weight: 11");
	fails("paths:\n- {name: a, help: b., weight: 1e1, match: [x]}\n", "paths[0].weight: 1e1");
	fails("paths:\n- {name: a, help: b., weight: 1}\n", "f.yaml:2:3: paths[0]: needs match");
	fails("paths:\n- {name: a, help: b., weight: 1, test: own-url}\n", "not for this list");
	fails("paths:\n- {name: a, help: b., weight: 1, test: eval, match: [x]}\n", "in place of");
	fails("paths:\n- {name: a, help: b., weight: 1, match: [x]}\n"
	      "- {name: a, help: b., weight: 1, match: [y]}\n",
	      "f.yaml:3:3: paths[1]: name: this name stands here twice");
	fails("responses:\n- {name: a, help: b., class: x, match: [x]}\n", "x is none of: other");
	fails("responses:\n- {name: a, help: b., class: quota, code: ['5.2.2.2']}\n", "code[0]");
	fails("responses:\n- {name: a, help: b., class: quota, code: [y.2]}\n", "code[0]");
	fails("responses:\n- {name: a, help: b., class: quota}\n", "needs match or code");
}

static void overloaded_code_needs_text(void **state)
{
	static const char *const codes[] = { "'5.7.1'", "x.7.1", "'4.7'", "'5'", "x" };
	char yaml[200];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(yaml, sizeof(yaml),
			 "responses:\n- {name: a, help: b., class: quota, code: [%s]}\n", codes[i]);
		fails(yaml, "x.7.1 means nothing without a text");
	}
}

#define ROW(name, expression) \
	"probes:\n- {name: " name ", help: b., weight: 0.5, match: [" expression "]}\n"

static void later_texts_win(void **state)
{
	struct pattern_text texts[] = { { "/a/one.yaml", STR(ROW("first", "x")) },
					{ "two.yaml", STR(ROW("second", "x")) },
					{ "/b/one.yaml", STR(ROW("third", "y")) } };
	struct patterns *p = patterns_new(texts, 3, NULL);
	size_t n;

	(void)state;
	assert_non_null(p);
	patterns_list(p, PATTERNS_PROBE, &n);
	assert_int_equal(n, 2);
	assert_true(str_eq(patterns_match(p, PATTERNS_PROBE, STR("X"))->name, STR("second")));
	assert_true(str_eq(patterns_match(p, PATTERNS_PROBE, STR("xy"))->name, STR("third")));
	assert_true(patterns_match(p, PATTERNS_PROBE, STR("xy"))->weight == 0.5);
	assert_null(patterns_match(p, PATTERNS_PROBE, STR("z")));
	assert_null(patterns_match(p, PATTERNS_PATH, STR("x")));
	patterns_free(p);
	patterns_free(NULL);
	p = patterns_new(NULL, 0, NULL);
	assert_non_null(p);
	assert_null(patterns_answer(p, STR("5.1.1"), STR("550 5.1.1 x"), false));
	patterns_free(p);
}

static void answers_tell_their_row(void **state)
{
	struct patterns *p = patterns_default();
	const struct pattern *row;

	(void)state;
	row = patterns_answer(p, STR("4.7.0"), STR("host x[192.0.2.1] said: 421 4.7.0 [TSS04] no"),
			      true);
	assert_non_null(row);
	assert_int_equal(row->class, RESPONSE_RATE_SPAM);
	assert_true(row->server && row->help.n);
	row = patterns_answer(p, STR("5.1.1"), STR("user unknown"), false);
	assert_true(row && !row->server && row->weight > 0);
	assert_int_equal(patterns_response(p, STR("5.1.1"), STR_NONE, false),
			 RESPONSE_UNKNOWN_RCPT);
	assert_int_equal(patterns_response(p, STR_NONE, STR_NONE, false), RESPONSE_OTHER);
	assert_int_equal(patterns_response(p, STR_NONE, STR_NONE, true), RESPONSE_DEFER);
	patterns_free(p);
}

static void alike_answers_have_one_fingerprint(void **state)
{
	uint64_t one = patterns_fingerprint(STR("host mx1.x.example[192.0.2.1] said: 550 5.7.1 "
						"<a@x.example>: blocked, see http://x/?id=77"));

	(void)state;
	assert_true(one == patterns_fingerprint(STR("host mx2.x.example[192.0.2.9] said: 550 5.7.1 "
						    "<bob@x.example>: Blocked, see http://x/?id=8")));
	assert_true(one != patterns_fingerprint(STR("550 5.7.1 <a@x.example>: welcome")));
	assert_true(one != patterns_fingerprint(STR("550 5.7.2 <>: blocked, see http://x/?id=77")));
}

static void knows_providers(void **state)
{
	struct patterns *p = patterns_default();

	(void)state;
	assert_true(str_eq(patterns_provider(p, STR("gmail-smtp-in.l.GOOGLE.com[192.0.2.1]:25")),
			   STR("Google")));
	assert_true(str_eq(patterns_provider(p, STR("x.mail.protection.outlook.com")),
			   STR("Microsoft")));
	assert_int_equal(patterns_provider(p, STR("notgoogle.com")).n, 0);
	assert_int_equal(patterns_provider(p, STR("google.com.evil.example")).n, 0);
	assert_int_equal(patterns_provider(p, STR_NONE).n, 0);
	patterns_free(p);
}

static void knows_freemail(void **state)
{
	struct patterns *p = patterns_default();

	(void)state;
	assert_true(patterns_freemail(p, STR("bob@gmail.com")));
	assert_true(patterns_freemail(p, STR("Yahoo.co.uk")));
	assert_true(patterns_freemail(p, STR("a@b@GMX.net")));
	assert_true(patterns_freemail(p, STR("outlook.com.br")));
	assert_false(patterns_freemail(p, STR("yahoo.evil.example")));
	assert_false(patterns_freemail(p, STR("gmail.com.example")));
	assert_false(patterns_freemail(p, STR("notgmail.com")));
	assert_false(patterns_freemail(p, STR("gmail")));
	assert_false(patterns_freemail(p, STR("@")));
	assert_false(patterns_freemail(p, STR_NONE));
	patterns_free(p);
}

static void helo_classes_are_stable(void **state)
{
	static const struct {
		const char *helo, *client;
		enum helo_kind kind;
	} cases[] = {
		{ "[192.168.1.20]", "198.51.100.7", HELO_LITERAL },
		{ "[IPv6:2001:db8::1]", "2001:db8::1", HELO_LITERAL },
		{ "198.51.100.7", "198.51.100.7", HELO_ADDRESS },
		{ "localhost", "198.51.100.7", HELO_LOCALHOST },
		{ "[127.0.0.1]", "198.51.100.7", HELO_LOCALHOST },
		{ "[127.0.0.1]", "127.0.0.1", HELO_LITERAL },
		{ "Host.Example", "198.51.100.7", HELO_OWN },
		{ "BOBS-PC", "198.51.100.7", HELO_BARE },
		{ "pc.bob.example", "198.51.100.7", HELO_FQDN },
		{ ".", "198.51.100.7", HELO_BARE },
		{ "", "198.51.100.7", HELO_NONE },
	};
	struct str own = STR("host.example"), ip = STR("198.51.100.7");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].kind, helo_class(str_of(cases[i].helo),
							   str_of(cases[i].client), own).kind);
	assert_true(helo_class(STR("[10.0.0.1]"), ip, own).hash ==
		    helo_class(STR("[192.168.17.20]"), ip, own).hash);
	assert_true(helo_class(STR("dsl-84-12.isp.example"), ip, own).hash ==
		    helo_class(STR("DSL-9-177.isp.example"), ip, own).hash);
	assert_true(helo_class(STR("bobs-pc"), ip, own).hash !=
		    helo_class(STR("anns-pc"), ip, own).hash);
	assert_true(helo_class(STR("bobs-pc"), ip, own).hash !=
		    helo_class(STR("bobs-pc.x"), ip, own).hash);
}

static void path_weights_have_a_cap(void **state)
{
	struct patterns *p = patterns_default();
	struct signs s;

	(void)state;
	patterns_path(p, STR("/tmp/.x/uploads/logo.png.php"), false, &s);
	assert_true(s.count >= 3 && s.weight == PATTERNS_PATH_CAP);
	patterns_path(p, STR("/tmp/.x/uploads/logo.png.php"), true, &s);
	assert_true(s.weight > PATTERNS_PATH_CAP);
	patterns_path(p, STR("/home/kim/public_html/contact.php"), false, &s);
	assert_true(s.count == 0 && s.weight == 0);
	patterns_free(p);
}

/* ---- hostile texts ---- */

static void ask_all(const struct patterns *p, struct str text)
{
	struct signs s;

	patterns_answer(p, text, text, false);
	patterns_response(p, STR("5.1.1"), text, true);
	patterns_fingerprint(text);
	patterns_provider(p, text);
	patterns_freemail(p, text);
	patterns_path(p, text, false, &s);
	patterns_probe(p, text, text, text, text, &s);
	patterns_helo(p, text, text, text, &s);
	helo_class(text, text, text);
	patterns_random_name(p, text);
	patterns_match(p, PATTERNS_RESPONSE, text);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hostile_texts_end_in_time(void **state)
{
	static const struct str units[] = {
		STR("\0"),	STR("\xff\xfe"),     STR("a"),	       STR(" "),  STR("<a@b> "),
		STR("<"),	STR("@"),	     STR("\\n"),	STR("["),  STR("550-5.1.1 "),
		STR("user "),	STR("rejected "),    STR("/.x/cache/"), STR("."), STR("mx.x[192.0.2.1] "),
		STR("spam is "), STR(": 550 "),	     STR("aHR0c"),	STR("-"), STR("1.1.1"),
		STR("exceeds "), STR(") : eval()'d code"), STR("name="),
	};
	struct patterns *p = patterns_default();
	char *text = xmalloc(LARGE);

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double start = seconds();
		size_t n = 0;

		for (; n + units[i].n <= LARGE; n += units[i].n)
			memcpy(text + n, units[i].p, units[i].n);
		ask_all(p, (struct str){ text, n });
		if (seconds() - start > SECONDS_MAX)
			fail_msg("\"%.*s\" took %.1f s", STR_ARG(units[i]), seconds() - start);
	}
	for (size_t n = 0; n < 40; n++)
		ask_all(p, (struct str){ text, n });
	free(text);
	patterns_free(p);
}

/* What an administrator writes may be slow: it is cut short, and counted. */
static void slow_expressions_are_cut_short(void **state)
{
	struct patterns *p = read_one(ROW("slow", "'(x+x+)+[yz]'"), NULL);
	uint64_t hit = regex_limits_hit();
	char text[200];

	(void)state;
	assert_non_null(p);
	memset(text, 'x', sizeof(text));
	assert_null(patterns_match(p, PATTERNS_PROBE, (struct str){ text, sizeof(text) }));
	assert_true(regex_limits_hit() > hit);
	patterns_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_where_and_why),
		cmocka_unit_test(overloaded_code_needs_text),
		cmocka_unit_test(later_texts_win),
		cmocka_unit_test(answers_tell_their_row),
		cmocka_unit_test(alike_answers_have_one_fingerprint),
		cmocka_unit_test(knows_providers),
		cmocka_unit_test(knows_freemail),
		cmocka_unit_test(helo_classes_are_stable),
		cmocka_unit_test(path_weights_have_a_cap),
		cmocka_unit_test(hostile_texts_end_in_time),
		cmocka_unit_test(slow_expressions_are_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
