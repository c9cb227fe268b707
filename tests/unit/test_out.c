/* Results in four formats, fed with what an attacker puts into a log. */
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/out.h"

static const struct out_column columns[] = {
	{ "name", "NAME", OUT_TRUNC, 0 },
	{ "count", "COUNT", OUT_RIGHT, 0 },
	{ "list", NULL, 0, 0 },
	{ "time", "TIME", 0, 0 },
	{ "state", "STATE", OUT_STATE, 0 },
	{ "view", "VIEW", OUT_VIEW, 0 },
	{ NULL, NULL, 0, 0 }
};

struct capture {
	FILE *file;
	struct out *out;
	char *text;
};

static void begin(struct capture *c, enum out_format format, enum out_color color)
{
	c->file = tmpfile();
	assert_non_null(c->file);
	c->text = NULL;
	c->out = out_new(c->file, format, color);
}

static const char *end(struct capture *c)
{
	long n;

	assert_int_equal(out_free(c->out, NULL), 0);
	n = ftell(c->file);
	rewind(c->file);
	c->text = calloc(1, (size_t)n + 1);
	assert_int_equal(fread(c->text, 1, (size_t)n, c->file), n);
	fclose(c->file);
	return c->text;
}

static void one_name(struct capture *c, enum out_format format, struct str name)
{
	begin(c, format, OUT_COLOR_NEVER);
	out_list(c->out, columns);
	out_record(c->out);
	out_text(c->out, "name", name);
	assert_true(out_record_end(c->out));
	out_list_end(c->out);
	end(c);
}

/* What one name looks like in a format; the rest of the record is empty. */
static void check_name(enum out_format format, struct str name, const char *expected)
{
	struct capture c;

	one_name(&c, format, name);
	assert_string_equal(c.text, expected);
	free(c.text);
}

#define CSV_HEADING "name,count,list,time,state\r\n"
#define JSONL_REST ",\"count\":null,\"list\":null,\"time\":null,\"state\":null}\n"

static void test_csv_quoting(void **state)
{
	(void)state;
	check_name(OUT_CSV, STR("plain"), CSV_HEADING "plain,,,,\r\n");
	check_name(OUT_CSV, STR("a,b"), CSV_HEADING "\"a,b\",,,,\r\n");
	check_name(OUT_CSV, STR("say \"hi\""), CSV_HEADING "\"say \"\"hi\"\"\",,,,\r\n");
	check_name(OUT_CSV, STR(" blank"), CSV_HEADING "\" blank\",,,,\r\n");
	check_name(OUT_CSV, STR("a\r\nb,c"), CSV_HEADING "\"a\\x0d\\x0ab,c\",,,,\r\n");
	check_name(OUT_CSV, STR_NONE, CSV_HEADING ",,,,\r\n");
}

static void test_csv_formulas(void **state)
{
	(void)state;
	check_name(OUT_CSV, STR("=cmd|' /C calc'!A0"), CSV_HEADING "'=cmd|' /C calc'!A0,,,,\r\n");
	check_name(OUT_CSV, STR("+1"), CSV_HEADING "'+1,,,,\r\n");
	check_name(OUT_CSV, STR("-1"), CSV_HEADING "'-1,,,,\r\n");
	check_name(OUT_CSV, STR("@SUM(A1,A2)"), CSV_HEADING "\"'@SUM(A1,A2)\",,,,\r\n");
	check_name(OUT_CSV, STR("a=b"), CSV_HEADING "a=b,,,,\r\n");
}

static void test_csv_values(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_CSV, OUT_COLOR_ALWAYS);
	out_list(c.out, columns);
	out_record(c.out);
	out_number(c.out, "count", -5);
	out_enter_list(c.out, "list");
	out_enter_object(c.out, NULL);
	out_text(c.out, "address", STR("a\"b@x\xe2\x80\xae"));
	out_leave(c.out);
	out_leave(c.out);
	out_time(c.out, "time", 1795443570 * USEC_SECOND + 814000);
	out_record_end(c.out);
	out_list_end(c.out);
	assert_string_equal(end(&c), CSV_HEADING
			    ",-5,\"[{\"\"address\"\":\"\"a\\\"\"b@x\\u202e\"\"}]\","
			    "2026-11-23T14:19:30.814Z,\r\n");
	free(c.text);
}

static void test_csv_object(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_CSV, OUT_COLOR_NEVER);
	out_object(c.out);
	out_enter_object(c.out, "volumes");
	out_number(c.out, "sent", 3);
	out_leave(c.out);
	out_enter_list(c.out, "scripts");
	out_enter_object(c.out, NULL);
	out_text(c.out, "name", STR("=x,y"));
	out_leave(c.out);
	out_leave(c.out);
	out_object_end(c.out, NULL);
	assert_string_equal(end(&c), "key,value\r\nvolumes.sent,3\r\n"
			    "scripts.0.name,\"'=x,y\"\r\n");
	free(c.text);
}

static void test_json_hostile(void **state)
{
	(void)state;
	check_name(OUT_JSONL, STR("a\"\\/\n\033[2J"),
		   "{\"name\":\"a\\\"\\\\/\\n\\u001b[2J\"" JSONL_REST);
	check_name(OUT_JSONL, STR("a\0b"), "{\"name\":\"a\\u0000b\"" JSONL_REST);
	check_name(OUT_JSONL, STR("h\xc3\xa9"), "{\"name\":\"h\xc3\xa9\"" JSONL_REST);
	check_name(OUT_JSONL, STR("h\xe9!"), "{\"name\":\"h\\\\xe9!\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xc3"), "{\"name\":\"\\\\xc3\"" JSONL_REST);
	/* overlong, surrogate, beyond U+10FFFF, a lone continuation */
	check_name(OUT_JSONL, STR("\xc0\xaf"), "{\"name\":\"\\\\xc0\\\\xaf\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xed\xa0\x80"),
		   "{\"name\":\"\\\\xed\\\\xa0\\\\x80\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xf4\x90\x80\x80"),
		   "{\"name\":\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\x80"), "{\"name\":\"\\\\x80\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xf0\x9f\x93\xa7"),
		   "{\"name\":\"\xf0\x9f\x93\xa7\"" JSONL_REST);
}

/* JSON lets these pass; a terminal that shows it may obey them. */
static void test_json_terminal_controls(void **state)
{
	(void)state;
	check_name(OUT_JSONL, STR("\x7f"), "{\"name\":\"\\u007f\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xc2\x9b" "2J"), "{\"name\":\"\\u009b2J\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xe2\x80\xae" "x"), "{\"name\":\"\\u202ex\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xe2\x81\xa9"), "{\"name\":\"\\u2069\"" JSONL_REST);
	check_name(OUT_JSONL, STR("\xc2\xa0\xe2\x80\xa6"),
		   "{\"name\":\"\xc2\xa0\xe2\x80\xa6\"" JSONL_REST);
}

static void test_json_lists(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_JSON, OUT_COLOR_ALWAYS);
	out_list(c.out, columns);
	for (int i = 0; i < 2; i++) {
		out_record(c.out);
		out_number(c.out, "count", i);
		out_record_end(c.out);
	}
	out_list_end(c.out);
	assert_int_equal(out_count(c.out), 2);
	assert_string_equal(end(&c), "[\n"
			    "{\"name\":null,\"count\":0,\"list\":null,\"time\":null,"
			    "\"state\":null},\n"
			    "{\"name\":null,\"count\":1,\"list\":null,\"time\":null,"
			    "\"state\":null}\n"
			    "]\n");
	free(c.text);
	begin(&c, OUT_JSON, OUT_COLOR_NEVER);
	out_list(c.out, columns);
	out_list_end(c.out);
	assert_string_equal(end(&c), "[]\n");
	free(c.text);
}

/* Told out of order, keys stay in the columns' order. */
static void test_json_order(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_JSONL, OUT_COLOR_NEVER);
	out_list(c.out, columns);
	out_record(c.out);
	out_text(c.out, "state", STR("sent"));
	out_string(c.out, "name", STR_NONE);
	out_record_end(c.out);
	out_list_end(c.out);
	assert_string_equal(end(&c), "{\"name\":\"\",\"count\":null,\"list\":null,\"time\":null,"
			    "\"state\":\"sent\"}\n");
	free(c.text);
}

static void test_table_hostile(void **state)
{
	static const struct {
		struct str name;
		const char *shown;
	} cases[] = {
		{ { "a\033[31mb", 7 }, "a\\x1b[31mb" },
		{ { "a\0b", 3 }, "a\\x00b" },
		{ { "a\nb\tc", 5 }, "a\\x0ab\\x09c" },
		{ { "\xff\xfe", 2 }, "\\xff\\xfe" },
		{ { "x\xe2\x80\xaey", 5 }, "x\\xe2\\x80\\xaey" },
		{ { "x\xc2\x9by", 4 }, "x\\xc2\\x9by" },
		{ { "gr\xc3\xbc\xc3\x9f", 6 }, "gr\xc3\xbc\xc3\x9f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture c;

		one_name(&c, OUT_TABLE, cases[i].name);
		assert_non_null(strstr(c.text, cases[i].shown));
		for (const char *p = c.text; *p; p++)
			assert_true((unsigned char)*p >= 0x20 || *p == '\n');
		free(c.text);
	}
}

static void put_rows(struct out *o, int n)
{
	out_list(o, columns);
	for (int i = 0; i < n; i++) {
		out_record(o);
		out_number(o, "count", i);
		out_text(o, "state", STR("bounced"));
		assert_true(out_record_end(o));
	}
	out_list_end(o);
}

static size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* A long table goes out in pieces: one heading, every row once, one width. */
static void test_table_pieces(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_TABLE, OUT_COLOR_NEVER);
	put_rows(c.out, 2500);
	end(&c);
	assert_int_equal(count_of(c.text, "COUNT"), 1);
	assert_int_equal(count_of(c.text, "\n"), 2501);
	assert_int_equal(count_of(c.text, "bounced"), 2500);
	assert_non_null(strstr(c.text, " 2499  "));
	free(c.text);
}

static void test_color(void **state)
{
	struct capture c;

	(void)state;
	begin(&c, OUT_TABLE, OUT_COLOR_ALWAYS);
	put_rows(c.out, 1);
	assert_non_null(strstr(end(&c), "\033[31mbounced"));
	free(c.text);
	begin(&c, OUT_TABLE, OUT_COLOR_AUTO);
	put_rows(c.out, 1);
	assert_null(strchr(end(&c), '\033'));
	free(c.text);
}

static void test_bytes(void **state)
{
	static const struct {
		int64_t n;
		const char *shown;
	} cases[] = { { 0, " 0\n" }, { 999, " 999\n" }, { 1000, " 1.0K\n" },
		      { 4404019, " 4.2M\n" }, { 52428800, " 50M\n" } };
	static const struct out_column lines[] = { { "size", "Size", 0, 0 }, { .key = NULL } };
	static const struct out_section sections[] = { { NULL, NULL, lines },
						       { .columns = NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture c;

		begin(&c, OUT_TABLE, OUT_COLOR_NEVER);
		out_object(c.out);
		out_bytes(c.out, "size", cases[i].n);
		out_object_end(c.out, sections);
		assert_non_null(strstr(end(&c), cases[i].shown));
		free(c.text);
	}
}

/* What cannot be written is an error; a reader that went away is not. */
static void test_write_errors(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct error err = { 0 };
	struct out *o;
	int ends[2];

	(void)state;
	assert_non_null(full);
	o = out_new(full, OUT_JSONL, OUT_COLOR_NEVER);
	out_list(o, columns);
	out_record(o);
	out_record_end(o);
	assert_int_equal(out_free(o, &err), -1);
	assert_non_null(strstr(err.text, "No space left"));
	fclose(full);

	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	full = fdopen(ends[1], "w");
	setvbuf(full, NULL, _IONBF, 0);
	o = out_new(full, OUT_JSONL, OUT_COLOR_NEVER);
	out_list(o, columns);
	out_record(o);
	assert_false(out_record_end(o));
	assert_int_equal(out_free(o, &err), 0);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv_quoting),
		cmocka_unit_test(test_csv_formulas),
		cmocka_unit_test(test_csv_values),
		cmocka_unit_test(test_csv_object),
		cmocka_unit_test(test_json_hostile),
		cmocka_unit_test(test_json_terminal_controls),
		cmocka_unit_test(test_json_lists),
		cmocka_unit_test(test_json_order),
		cmocka_unit_test(test_table_hostile),
		cmocka_unit_test(test_table_pieces),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_write_errors),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
