/* notify/template.c: each tag, each mistake, and values that look like tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify/templates.h"
#include "notify/texts.h"

static struct tree *facts;

static int make_facts(void **state)
{
	struct tree *list, *item;

	(void)state;
	facts = tree_object();
	tree_text(facts, "name", STR("<b>\"A&B's\"</b> {{name}}"));
	tree_text(facts, "lines", STR("a\r\nb\x1b[0m\xff"));
	tree_number(facts, "n", 7);
	tree_number(facts, "zero", 0);
	tree_null(facts, "none");
	tree_flag(facts, "yes", true);
	tree_flag(facts, "no", false);
	tree_text(tree_enter_object(facts, "o"), "name", STR("inner"));
	list = tree_enter_list(facts, "words");
	tree_text(list, NULL, STR("one"));
	tree_text(list, NULL, STR("two"));
	tree_enter_list(facts, "empty");
	list = tree_enter_list(facts, "rows");
	item = tree_enter_object(list, NULL);
	tree_text(item, "k", STR("x"));
	tree_null(item, "n");
	item = tree_enter_object(list, NULL);
	tree_text(item, "k", STR("y"));
	return 0;
}

static int free_facts(void **state)
{
	(void)state;
	tree_free(facts);
	return 0;
}

static void gives(const char *text, enum template_form form, const char *wanted)
{
	struct error err = { 0 };
	char *got = template_fill(str_of(text), "t", facts, form, &err);

	if (!got)
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(got, wanted);
	free(got);
}

static void fails(const char *text, const char *why)
{
	struct error err = { 0 };
	char *got = template_fill(str_of(text), "en/x.txt", facts, FORM_TEXT, &err);

	free(got);
	assert_null(got);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, why);
}

static void test_values(void **state)
{
	(void)state;
	gives("", FORM_TEXT, "");
	gives("a {{n}} { } }} b", FORM_TEXT, "a 7 { } }} b");
	gives("{{name}}", FORM_TEXT, "<b>\"A&B's\"</b> {{name}}");
	gives("{{ name }}", FORM_HTML,
	      "&lt;b&gt;&quot;A&amp;B&#39;s&quot;&lt;/b&gt; {{name}}");
	gives("{{lines}}", FORM_TEXT, "a\\x0d\\x0ab\\x1b[0m\\xff");
	gives("[{{none}}{{missing}}{{o.missing}}{{missing.x}}{{n.x}}]", FORM_TEXT, "[]");
	gives("{{o.name}} {{zero}}", FORM_TEXT, "inner 0");
	gives("a{{! not told }}b", FORM_TEXT, "ab");
}

static void test_sections(void **state)
{
	(void)state;
	gives("{{#words}}<{{.}}>{{/words}}", FORM_HTML, "<one><two>");
	gives("{{#empty}}x{{/empty}}{{^empty}}none{{/empty}}", FORM_TEXT, "none");
	gives("{{#yes}}y{{/yes}}{{^yes}}n{{/yes}}{{#no}}y{{/no}}{{^no}}n{{/no}}", FORM_TEXT, "yn");
	gives("{{#zero}}y{{/zero}}{{#missing}}y{{/missing}}{{#none}}y{{/none}}", FORM_TEXT, "");
	gives("{{#o}}{{name}} {{n}}{{/o}}", FORM_TEXT, "inner 7");
	gives("{{#n}}{{.}}{{n}}{{/n}}", FORM_TEXT, "77");
	/* A member that is null hides the one further out. */
	gives("{{#rows}}{{k}}{{n}};{{/rows}}", FORM_TEXT, "x;y7;");
	gives("{{?words}}Words:{{#words}} {{.}}{{/words}}{{/words}}{{?empty}}E{{/empty}}", FORM_TEXT,
	      "Words: one two");
	gives("{{#rows}}{{#words}}{{k}}{{.}} {{/words}}{{/rows}}", FORM_TEXT,
	      "xone xtwo yone ytwo ");
	gives("{{#empty}}{{#words}}x{{/words}}{{^o}}{{/o}}{{/empty}}.", FORM_TEXT, ".");
}

static void test_lines_that_vanish(void **state)
{
	(void)state;
	gives("a\n{{#words}}\n- {{.}}\n{{/words}}\nb\n", FORM_TEXT, "a\n- one\n- two\nb\n");
	gives("a\n  {{^no}}  \r\nx\n\t{{/no}}\n{{! c }}\nb", FORM_TEXT, "a\nx\nb");
	gives("{{#yes}}\n{{/yes}}", FORM_TEXT, "");
	gives("{{#yes}} {{/yes}}\nb", FORM_TEXT, " \nb"); /* two in a line stay */
	gives(" {{n}} \n", FORM_TEXT, " 7 \n"); /* a value stays */
}

static void test_mistakes(void **state)
{
	char deep[600] = "";

	(void)state;
	fails("a\nb {{#words}}\n", "en/x.txt:2: this section has no end: {{words}}");
	fails("a\n\n{{/words}}", "en/x.txt:3: this closes a section that is not open: {{words}}");
	fails("{{#words}}{{/rows}}", "en/x.txt:1: this closes a section that is not open: {{rows}}");
	fails("{{#no}}{{/words}}", "en/x.txt:1: this closes a section that is not open: {{words}}");
	fails("a {{n", "en/x.txt:1: a tag has no }}");
	fails("{{{n}}}", "en/x.txt:1: there is no such tag: {{{n}}");
	fails("{{&n}}", "en/x.txt:1: there is no such tag: {{&n}}");
	fails("{{> n}}", "en/x.txt:1: there is no such tag: {{> n}}");
	fails("{{}}", "en/x.txt:1: there is no such tag: {{ }}");
	for (int i = 0; i < TEMPLATE_MAX_DEPTH + 1; i++)
		snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "{{#yes}}");
	fails(deep, "en/x.txt:1: too many sections in each other {{yes}}");
}

static void test_bounds(void **state)
{
	char *text = xmalloc(200000), *long_value = xmalloc(1000000);
	struct error err = { 0 };
	struct tree *t = tree_object();
	char *got;

	(void)state;
	memset(long_value, 'x', 1000000);
	memcpy(long_value + 298, "\xc3\xa4\xc3\xb6", 4); /* the cut falls between them */
	tree_text(t, "v", (struct str){ long_value, 1000000 });
	got = template_fill(STR("{{v}}"), "t", t, FORM_HTML, &err);
	assert_int_equal(strlen(got), 298 + 4 + 3);
	assert_string_equal(got + 298, "\xc3\xa4\xc3\xb6\xe2\x80\xa6");
	free(got);
	got = template_fill(STR("{{v}}"), "t", t, FORM_LINE, &err);
	assert_int_equal(strlen(got), 103);
	free(got);
	memset(text, 'y', 200000);
	snprintf(text, 200000, "{{#words}}{{#words}}{{#words}}%0*d{{/words}}{{/words}}{{/words}}",
		 190000, 0);
	assert_null(template_fill(str_of(text), "t", facts, FORM_TEXT, &err));
	assert_non_null(strstr(err.text, "it becomes too long"));
	free(text);
	free(long_value);
	tree_free(t);
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static struct settings *own_templates(const char *dir, const char *language)
{
	struct error err = { 0 };
	char yaml[300];
	struct settings *s;

	snprintf(yaml, sizeof(yaml), "alerts: {language: %s, templates: %s}", language, dir);
	s = settings_parse(str_of(yaml), "test", NULL, &err);
	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void filled(const struct settings *s, const char *name, const char *wanted)
{
	struct error err = { 0 };
	char *got = templates_fill(s, name, facts, FORM_TEXT, &err);

	if (!got)
		fail_msg("%s", err.text);
	if (strncmp(got, wanted, strlen(wanted)) != 0)
		fail_msg("%s begins with '%.60s', not '%s'", name, got, wanted);
	free(got);
}

/* The administrator's file, else the one compiled in, else the English one. */
static void test_where_they_are(void **state)
{
	char dir[] = "/tmp/test_template.XXXXXX", sub[64], path[200];
	struct error err = { 0 };
	struct settings *s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/de", dir);
	mkdir(sub, 0755);
	put_file(sub, "owner.txt", "Eigener {{n}}");
	put_file(sub, "digest.txt", "a\n{{#n}}");
	s = own_templates(dir, "de");
	filled(s, "owner.txt", "Eigener 7");
	filled(s, "summary.txt", "Tages");
	assert_null(templates_fill(s, "digest.txt", facts, FORM_TEXT, &err));
	assert_non_null(strstr(err.text, "/de/digest.txt:2: this section has no end"));
	assert_null(templates_fill(s, "nothing.txt", facts, FORM_TEXT, &err));
	settings_free(s);
	s = own_templates(dir, "xx"); /* a language there is none of */
	filled(s, "summary.txt", "Daily");
	settings_free(s);
	snprintf(path, sizeof(path), "%s/owner.txt", sub);
	unlink(path);
	mkdir(path, 0755); /* what cannot be read is told of */
	s = own_templates(dir, "de");
	assert_null(templates_fill(s, "owner.txt", facts, FORM_TEXT, &err));
	assert_non_null(strstr(err.text, "not a plain file"));
	settings_free(s);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/digest.txt", sub);
	unlink(path);
	rmdir(sub);
	rmdir(dir);
}

/* Each there is, for each language, can be filled with nothing at all. */
static void test_builtin(void **state)
{
	struct error err = { 0 };
	struct tree *nothing = tree_object();
	int n = 0;

	(void)state;
	for (const struct builtin_text *b = builtin_templates; b->name; b++, n++) {
		char *got = template_fill(b->text, b->name, nothing, FORM_HTML, &err);

		if (!got)
			fail_msg("%s", err.text);
		free(got);
	}
	assert_int_equal(n, 24);
	tree_free(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_lines_that_vanish),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_where_they_are),
		cmocka_unit_test(test_builtin),
	};

	return cmocka_run_group_tests(tests, make_facts, free_facts);
}
