/* Results in four formats, told member by member.
 *
 * A record is gathered as one json-c tree, whatever the format, and goes out
 * when it ends: so all formats show the same values, and what is kept is one
 * record, or TABLE_ROWS of them for a table. Invariants: no byte of a log
 * reaches the stream unescaped; after a failed write nothing is written any
 * more. Does not know what the records are about. */
#include "cli/out.h"

#include <errno.h>
#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "base/log.h"

/* Objects in lists in objects: deeper than any command nests. */
#define DEPTH_MAX 8
/* Rows a table gathers to find its widths; then they go out and the widths
 * stay, so that a million rows need no memory and the first come at once. */
#define TABLE_ROWS 1000
/* Columns of a terminal that OUT_WIDE asks for. */
#define WIDE_COLUMNS 110

const char *const out_format_name[] = { "table", "json", "jsonl", "csv" };
const char *const out_color_name[] = { "auto", "always", "never" };

struct out {
	FILE *stream;
	enum out_format format;
	bool color, terminal;
	int failed; /* errno of the write that failed */
	const struct zone *zone; /* of times in tables */
	const struct out_column *columns;
	struct json_object *open[DEPTH_MAX];
	int depth;
	size_t count;
	struct libscols_table *table;
	size_t rows; /* in table, not yet printed */
};

static const int compact = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
static const int pretty = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			  JSON_C_TO_STRING_NOSLASHESCAPE;

/* Writing. */

static void put(struct out *o, const char *p, size_t n)
{
	if (o->failed || n == 0)
		return;
	errno = 0;
	if (fwrite(p, 1, n, o->stream) != n)
		o->failed = errno ? errno : EIO;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

/* Code point of a character a terminal might obey that JSON lets pass: DEL,
 * U+0080..9F, U+202A..E, U+2066..9. 0: none starts here. */
static unsigned obeyed(const char *text, size_t left, size_t *length)
{
	const unsigned char *p = (const unsigned char *)text;

	*length = 1;
	if (p[0] == 0x7f)
		return 0x7f;
	*length = 2;
	if (p[0] == 0xc2 && left >= 2 && p[1] <= 0x9f)
		return p[1];
	*length = 3;
	if (p[0] != 0xe2 || left < 3)
		return 0;
	if (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae)
		return 0x2000u | (p[2] & 0x3fu);
	if (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
		return 0x2040u | (p[2] & 0x3fu);
	return 0;
}

/* A value as JSON, on the heap. What is not ASCII in it is inside a string. */
static char *json_text(struct json_object *value, int flags)
{
	size_t n, length, room, used = 0;
	const char *text = json_object_to_json_string_length(value, flags, &n);
	char *safe;

	room = n + 1;
	for (size_t i = 0; i < n; i++)
		room += obeyed(text + i, n - i, &length) ? 6 : 0;
	safe = xmalloc(room);
	for (size_t i = 0; i < n; i++) {
		unsigned c = obeyed(text + i, n - i, &length);

		if (!c) {
			safe[used++] = text[i];
			continue;
		}
		used += (size_t)snprintf(safe + used, room - used, "\\u%04x", c);
		i += length - 1;
	}
	safe[used] = '\0';
	return safe;
}

static void put_object(struct out *o, struct json_object *value, int flags)
{
	char *text = json_text(value, flags);

	put_text(o, text);
	free(text);
}

/* Text made safe to show. */

/* Length of the UTF-8 character p starts with; 0 when it starts with none. */
static size_t character(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char lead_min, lead_max, second_min, second_max, length;
	} forms[] = { /* The Unicode Standard, table 3-7 */
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].lead_min || p[0] > forms[i].lead_max)
			continue;
		if (left < forms[i].length || p[1] < forms[i].second_min ||
		    p[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* Bytes of s up to the first that is not UTF-8. */
static size_t valid_prefix(struct str s)
{
	size_t at = 0, n;

	while (at < s.n && (n = character((const unsigned char *)s.p + at, s.n - at)))
		at += n;
	return at;
}

static struct json_object *new_string(const char *p, size_t n)
{
	return json_object_new_string_len(n ? p : "", (int)n);
}

/* A string value; bytes that are not UTF-8 become the text \xNN. */
static struct json_object *text_value(struct str s)
{
	struct json_object *value;
	size_t used = 0;
	char *copy;

	if (valid_prefix(s) == s.n)
		return new_string(s.p, s.n);
	copy = xmalloc(4 * s.n + 1);
	while (s.n) {
		size_t n = valid_prefix(s);

		memcpy(copy + used, s.p, n);
		used += n;
		s = str_skip(s, n);
		if (s.n == 0)
			break;
		used += (size_t)snprintf(copy + used, 5, "\\x%02x", (unsigned char)s.p[0]);
		s = str_skip(s, 1);
	}
	value = new_string(copy, used);
	free(copy);
	return value;
}

/* A value as one line of printable text, on the heap; "" for null. */
static char *shown(struct json_object *value)
{
	struct str s;
	size_t size;
	char *text;

	if (!value)
		return str_dup(STR_NONE);
	if (!json_object_is_type(value, json_type_string))
		return json_text(value, compact);
	s = (struct str){ json_object_get_string(value),
			  (size_t)json_object_get_string_len(value) };
	size = log_escape_length(s) + 1;
	text = xmalloc(size);
	log_escape(s, text, size);
	return text;
}

/* CSV. */

/* Spreadsheets take these for the start of a formula. */
static bool is_formula(const char *text)
{
	return text[0] && strchr("=+-@", text[0]);
}

/* text, with every quote in it doubled */
static void put_doubled(struct out *o, const char *text)
{
	const char *quote;

	while ((quote = strchr(text, '"'))) {
		put(o, text, (size_t)(quote - text) + 1);
		put_text(o, "\"");
		text = quote + 1;
	}
	put_text(o, text);
}

static bool needs_quotes(const char *text)
{
	size_t n = strlen(text);

	return strpbrk(text, "\",") || (n && (text[0] == ' ' || text[n - 1] == ' '));
}

static void put_field(struct out *o, struct json_object *value)
{
	char *text = shown(value);
	const char *quotes = needs_quotes(text) ? "\"" : "";

	put_text(o, quotes);
	if (json_object_is_type(value, json_type_string) && is_formula(text))
		put_text(o, "'");
	put_doubled(o, text);
	put_text(o, quotes);
	free(text);
}

static void put_csv_heading(struct out *o)
{
	const char *separator = "";

	for (const struct out_column *c = o->columns; c->key; c++) {
		if (c->flags & OUT_VIEW)
			continue;
		put_text(o, separator);
		put_text(o, c->key);
		separator = ",";
	}
	put_text(o, "\r\n");
}

static void put_csv_record(struct out *o, struct json_object *record)
{
	const char *separator = "";

	for (const struct out_column *c = o->columns; c->key; c++) {
		if (c->flags & OUT_VIEW)
			continue;
		put_text(o, separator);
		put_field(o, json_object_object_get(record, c->key));
		separator = ",";
	}
	put_text(o, "\r\n");
}

/* "a.b.0.c,value" for every scalar below value. */
static void put_csv_members(struct out *o, const char *prefix, struct json_object *value)
{
	char key[256];

	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, name, member) {
			snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", name);
			put_csv_members(o, key, member);
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			snprintf(key, sizeof(key), "%s.%zu", prefix, i);
			put_csv_members(o, key, json_object_array_get_idx(value, i));
		}
	} else {
		put_text(o, prefix);
		put_text(o, ",");
		put_field(o, value);
		put_text(o, "\r\n");
	}
}

/* Tables. */

/* What the first word of a state means, as a colour. */
static const char *state_color(const char *text)
{
	static const struct {
		const char *words, *color;
	} meanings[] = {
		{ " sent matched following ", "green" },
		{ " deferred pending open held waiting mixed warning ", "yellow" },
		{ " bounced expired rejected lost unmatched missing critical ", "red" },
	};
	char word[32];

	snprintf(word, sizeof(word), " %.*s ", (int)strcspn(text, " ,:"), text);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strstr(meanings[i].words, word))
			return meanings[i].color;
	return NULL;
}

static void add_column(struct out *o, struct libscols_table *table,
		       const struct out_column *c)
{
	int flags = (c->flags & OUT_RIGHT ? SCOLS_FL_RIGHT : 0) |
		    (c->flags & OUT_TRUNC ? SCOLS_FL_TRUNC : 0) |
		    (c->flags & OUT_WRAP ? SCOLS_FL_WRAP : 0);
	struct libscols_column *column;

	if ((c->flags & OUT_WIDE) && o->terminal &&
	    scols_table_get_termwidth(table) < WIDE_COLUMNS)
		flags |= SCOLS_FL_HIDDEN;
	column = scols_table_new_column(table, c->heading, c->width, flags);
	if (!column)
		bug("libsmartcols: out of memory");
	if (o->color)
		scols_cell_set_color(scols_column_get_header(column), "bold");
}

static struct libscols_table *new_table(struct out *o, const struct out_column *columns)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		bug("libsmartcols: out of memory");
	/* Cells are escaped already, by log_escape. */
	scols_table_enable_noencoding(table, 1);
	scols_table_enable_colors(table, o->color);
	scols_table_set_column_separator(table, "  ");
	scols_table_set_termforce(table, o->terminal ? SCOLS_TERMFORCE_ALWAYS :
						       SCOLS_TERMFORCE_NEVER);
	for (const struct out_column *c = columns; c->key; c++)
		if (c->heading)
			add_column(o, table, c);
	return table;
}

static void table_add(struct libscols_table *table, const struct out_column *columns,
		      struct json_object *record)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t at = 0;

	for (const struct out_column *c = columns; c->key; c++) {
		const char *color;
		char *text;

		if (!c->heading)
			continue;
		text = shown(json_object_object_get(record, c->key));
		color = c->flags & OUT_STATE ? state_color(text) : NULL;
		if (color)
			scols_cell_set_color(scols_line_get_cell(line, at), color);
		scols_line_refer_data(line, at++, text);
	}
}

/* Columns that the character at *p takes on a terminal; *p goes behind it. */
static size_t next_columns(const char **p)
{
	wchar_t wide;
	int n = mbtowc(&wide, *p, MB_CUR_MAX);
	int columns = n > 0 ? wcwidth(wide) : 1;

	*p += n > 0 ? n : 1;
	return columns > 0 ? (size_t)columns : 0;
}

static size_t columns_of(const char *text, const char *end)
{
	size_t columns = 0;

	while (text < end)
		columns += next_columns(&text);
	return columns;
}

/* The library goes on in the next line when a column is full, in the middle of a
 * word: so each line is filled up with spaces behind its last whole word. A word
 * that is wider than the column is cut after all. On the heap. */
static char *fold(const char *text, size_t width)
{
	size_t size, at = 0;
	char *folded;
	FILE *to = open_memstream(&folded, &size);

	if (!to)
		bug("out of memory");
	while (*text) {
		const char *end = text + strcspn(text, " ");
		size_t columns = columns_of(text, end);

		if (at && at + columns > width && columns <= width)
			for (; at < width; at++)
				fputc(' ', to);
		fwrite(text, 1, (size_t)(end - text), to);
		at = at == width ? 0 : at;
		while (text < end) {
			size_t one = next_columns(&text);

			at = at + one > width ? one : at + one;
		}
		if (*text && at < width && ++at)
			fputc(' ', to);
		text += *text == ' ';
	}
	fclose(to);
	return folded;
}

static void fold_column(struct libscols_table *table, size_t at, size_t width)
{
	for (size_t i = 0; i < scols_table_get_nlines(table); i++) {
		struct libscols_line *line = scols_table_get_line(table, i);
		const char *text = scols_cell_get_data(scols_line_get_cell(line, at));

		if (text && columns_of(text, text + strlen(text)) > width)
			scols_line_refer_data(line, at, fold(text, width));
	}
}

/* What is printed next has these widths. */
static void keep_widths(struct libscols_table *table)
{
	for (size_t i = 0; i < scols_table_get_ncols(table); i++) {
		struct libscols_column *c = scols_table_get_column(table, i);

		scols_column_set_whint(c, (double)scols_column_get_width(c));
		scols_column_set_flags(c, scols_column_get_flags(c) | SCOLS_FL_STRICTWIDTH);
	}
}

/* Widths are known when it has been printed: if one is too small for its texts,
 * it is printed once more. */
static bool fold_table(struct libscols_table *table)
{
	bool folds = false;

	for (size_t i = 0; i < scols_table_get_ncols(table); i++)
		folds = folds || scols_column_is_wrap(scols_table_get_column(table, i));
	if (!folds)
		return false;
	for (size_t i = 0; i < scols_table_get_ncols(table); i++) {
		struct libscols_column *c = scols_table_get_column(table, i);

		if (scols_column_is_wrap(c) && scols_column_get_width(c))
			fold_column(table, i, scols_column_get_width(c));
	}
	return true;
}

static void put_table(struct out *o, struct libscols_table *table)
{
	char *text = NULL;

	if (scols_print_table_to_string(table, &text) == 0 && o->terminal && fold_table(table)) {
		free(text);
		text = NULL;
		scols_print_table_to_string(table, &text);
	}
	if (text) {
		put_text(o, text);
		put_text(o, "\n");
	}
	free(text);
}

static void flush_rows(struct out *o)
{
	if (o->rows == 0)
		return;
	put_table(o, o->table);
	keep_widths(o->table);
	scols_table_enable_noheadings(o->table, 1);
	scols_table_remove_lines(o->table);
	o->rows = 0;
}

/* Strings of a list with commas between, any other value as it is. */
static char *listed(struct json_object *value)
{
	char *all;
	size_t n = 0;

	if (!json_object_is_type(value, json_type_array))
		return shown(value);
	all = str_dup(STR_NONE);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		char *one = shown(json_object_array_get_idx(value, i));
		size_t length = strlen(one);

		all = xrealloc(all, n + length + 3);
		n += (size_t)snprintf(all + n, length + 3, "%s%s", i ? ", " : "", one);
		free(one);
	}
	return all;
}

/* "Heading:  value" lines for the members that are told. */
static void put_pairs(struct out *o, const struct out_column *columns,
		      struct json_object *object)
{
	static const struct out_column pair[] = {
		{ "heading", "heading", 0, 0 },
		{ "value", "value", OUT_WRAP, 0 },
		{ NULL, NULL, 0, 0 }
	};
	struct libscols_table *table = new_table(o, pair);

	scols_table_enable_noheadings(table, 1);
	for (const struct out_column *c = columns; c->key; c++) {
		struct json_object *value = json_object_object_get(object, c->key);
		struct libscols_line *line;
		char label[64];

		if (!c->heading || !value)
			continue;
		line = scols_table_new_line(table, NULL);
		snprintf(label, sizeof(label), "%s:", c->heading);
		scols_line_set_data(line, 0, label);
		scols_line_refer_data(line, 1, listed(value));
	}
	if (scols_table_get_nlines(table))
		put_table(o, table);
	scols_unref_table(table);
}

static void put_list(struct out *o, const struct out_column *columns,
		     struct json_object *list)
{
	struct libscols_table *table = new_table(o, columns);

	for (size_t i = 0; i < json_object_array_length(list); i++)
		table_add(table, columns, json_object_array_get_idx(list, i));
	put_table(o, table);
	scols_unref_table(table);
}

/* A list of strings, each behind the heading of the one column. */
static void put_lines(struct out *o, const struct out_column *columns,
		      struct json_object *list)
{
	static const struct out_column line[] = {
		{ "mark", "", 0, 0 },
		{ "text", "text", OUT_WRAP, 0 },
		{ NULL, NULL, 0, 0 }
	};
	const char *mark = columns[0].heading;
	struct libscols_table *table = new_table(o, *mark ? line : line + 1);

	scols_table_enable_noheadings(table, 1);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct libscols_line *to = scols_table_new_line(table, NULL);
		char *text = shown(json_object_array_get_idx(list, i));

		if (*mark)
			scols_line_set_data(to, 0, mark);
		scols_line_refer_data(to, *mark != 0, text);
	}
	put_table(o, table);
	scols_unref_table(table);
}

static void put_section(struct out *o, const struct out_section *section,
			struct json_object *object, bool first)
{
	struct json_object *part = object;

	if (section->key)
		part = json_object_object_get(object, section->key);
	if (!part || (json_object_is_type(part, json_type_array) &&
		      json_object_array_length(part) == 0))
		return;
	if (section->title) {
		put_text(o, first ? "" : "\n");
		put_text(o, o->color ? "\033[1m" : "");
		put_text(o, section->title);
		put_text(o, o->color ? "\033[0m\n" : "\n");
	}
	if (json_object_is_type(part, json_type_array) &&
	    json_object_is_type(json_object_array_get_idx(part, 0), json_type_string))
		put_lines(o, section->columns, part);
	else if (json_object_is_type(part, json_type_array))
		put_list(o, section->columns, part);
	else
		put_pairs(o, section->columns, part);
}

/* The stream of results. */

static bool wants_color(enum out_color color, bool terminal)
{
	const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
	const char *term = getenv("TERM");

	if (color != OUT_COLOR_AUTO)
		return color == OUT_COLOR_ALWAYS;
	return terminal && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

struct out *out_new(FILE *stream, enum out_format format, enum out_color color)
{
	struct out *o = xcalloc(1, sizeof(*o));

	o->stream = stream;
	o->format = format;
	o->terminal = isatty(fileno(stream));
	o->color = wants_color(color, o->terminal);
	if (format == OUT_TABLE) {
		o->zone = zone_find(STR("local"));
		if (!o->zone)
			o->zone = zone_utc();
	}
	return o;
}

int out_free(struct out *o, struct error *err)
{
	int failed;

	errno = 0;
	if (!o->failed && fflush(o->stream) != 0)
		o->failed = errno ? errno : EIO;
	failed = o->failed;
	if (o->depth)
		json_object_put(o->open[0]);
	if (o->table)
		scols_unref_table(o->table);
	free(o);
	if (failed && failed != EPIPE)
		return error_set(err, EXIT_INTERNAL, "cannot write: %s", strerror(failed));
	return 0;
}

bool out_is_table(const struct out *o)
{
	return o->format == OUT_TABLE;
}

size_t out_count(const struct out *o)
{
	return o->count;
}

void out_list(struct out *o, const struct out_column *columns)
{
	o->columns = columns;
	if (o->format == OUT_TABLE)
		o->table = new_table(o, columns);
	else if (o->format == OUT_CSV)
		put_csv_heading(o);
}

/* A member whose key is a literal. Replacing a null keeps its place. */
static void member(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add_ex(object, key, value, JSON_C_OBJECT_KEY_IS_CONSTANT);
}

void out_record(struct out *o)
{
	o->open[0] = json_object_new_object();
	o->depth = 1;
	for (const struct out_column *c = o->columns; c->key; c++)
		if (o->format == OUT_TABLE || !(c->flags & OUT_VIEW))
			member(o->open[0], c->key, NULL);
}

static void end_row(struct out *o)
{
	table_add(o->table, o->columns, o->open[0]);
	if (++o->rows == TABLE_ROWS)
		flush_rows(o);
}

bool out_record_end(struct out *o)
{
	if (o->format == OUT_TABLE) {
		end_row(o);
	} else if (o->format == OUT_CSV) {
		put_csv_record(o, o->open[0]);
	} else {
		if (o->format == OUT_JSON)
			put_text(o, o->count ? ",\n" : "[\n");
		put_object(o, o->open[0], compact);
		if (o->format == OUT_JSONL)
			put_text(o, "\n");
	}
	json_object_put(o->open[0]);
	o->depth = 0;
	o->count++;
	return !o->failed;
}

void out_list_end(struct out *o)
{
	if (o->format == OUT_TABLE)
		flush_rows(o);
	else if (o->format == OUT_JSON)
		put_text(o, o->count ? "\n]\n" : "[]\n");
}

void out_object(struct out *o)
{
	o->open[0] = json_object_new_object();
	o->depth = 1;
}

void out_object_end(struct out *o, const struct out_section *sections)
{
	struct json_object *object = o->open[0];

	if (o->format == OUT_TABLE) {
		for (const struct out_section *s = sections; s->columns; s++)
			put_section(o, s, object, s == sections);
	} else if (o->format == OUT_CSV) {
		put_text(o, "key,value\r\n");
		put_csv_members(o, "", object);
	} else {
		put_object(o, object, o->format == OUT_JSON ? pretty : compact);
		put_text(o, "\n");
	}
	json_object_put(object);
	o->depth = 0;
	o->count = 1;
}

/* Members. */

static void tell(struct out *o, const char *key, struct json_object *value)
{
	struct json_object *to = o->open[o->depth - 1];

	if (json_object_is_type(to, json_type_array))
		json_object_array_add(to, value);
	else
		member(to, key, value);
}

void out_string(struct out *o, const char *key, struct str s)
{
	tell(o, key, text_value(s));
}

void out_text(struct out *o, const char *key, struct str s)
{
	tell(o, key, s.n ? text_value(s) : NULL);
}

void out_number(struct out *o, const char *key, int64_t n)
{
	tell(o, key, json_object_new_int64(n));
}

void out_number_or_null(struct out *o, const char *key, int64_t n)
{
	tell(o, key, n < 0 ? NULL : json_object_new_int64(n));
}

void out_real(struct out *o, const char *key, double x)
{
	char text[40];

	snprintf(text, sizeof(text), "%.3f", x);
	tell(o, key, json_object_new_double_s(x, text));
}

void out_bytes(struct out *o, const char *key, int64_t n)
{
	static const char unit[] = " KMGTPE";
	double shown_n = (double)n;
	char text[40];
	int i = 0;

	if (o->format != OUT_TABLE || n < 0) {
		out_number_or_null(o, key, n);
		return;
	}
	for (; shown_n >= 1000 && unit[i + 1]; i++)
		shown_n /= 1024;
	snprintf(text, sizeof(text), i && shown_n < 10 ? "%.1f%c" : "%.0f%c", shown_n, unit[i]);
	out_text(o, key, str_trim(str_of(text)));
}

void out_time(struct out *o, const char *key, usec_t t)
{
	char text[STAMP_TEXT];

	if (t == 0)
		out_null(o, key);
	else if (o->format == OUT_TABLE)
		out_text(o, key, str_of(stamp_show(t, o->zone, text)));
	else
		out_text(o, key, str_of(stamp_text(t, text)));
}

void out_flag(struct out *o, const char *key, bool yes)
{
	tell(o, key, json_object_new_boolean(yes));
}

void out_null(struct out *o, const char *key)
{
	tell(o, key, NULL);
}

static void enter(struct out *o, const char *key, struct json_object *value)
{
	if (o->depth == DEPTH_MAX)
		bug("results nested too deep");
	tell(o, key, value);
	o->open[o->depth++] = value;
}

void out_enter_object(struct out *o, const char *key)
{
	enter(o, key, json_object_new_object());
}

void out_enter_list(struct out *o, const char *key)
{
	enter(o, key, json_object_new_array());
}

void out_leave(struct out *o)
{
	o->depth--;
}
