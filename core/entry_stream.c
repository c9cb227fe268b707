/* Streams of journal entries, taken apart as the bytes come.
 *
 * Invariant: how the bytes were cut changes nothing, memory is bounded whatever
 * lengths they claim, and what is not understood is left out, field by field. */
#include "core/entry_stream.h"

#include <stdlib.h>

#include "base/error.h"

#define MAX_NAME 128

enum state {
	AT_LINE, /* "NAME=value", "NAME", or the empty line that ends an entry */
	AT_SIZE, /* 64 bits, little endian */
	AT_DATA, /* so many bytes and a newline */
};

struct entry_stream {
	enum entry_format format;
	struct entry entry;
	bool has_field;
	bool over; /* the entry was given out: the next byte begins another */
	enum state state;
	char *text; /* line or value so far; what is beyond its bound is dropped */
	size_t n, room, max;
	uint64_t size, left; /* of binary data; left: with its newline */
	unsigned size_bytes;
	char name[MAX_NAME];
	size_t name_n;
};

enum entry_format entry_format_of(struct str head)
{
	static const char *const first[] = { "__CURSOR=", "__REALTIME_TIMESTAMP=",
					     "__MONOTONIC_TIMESTAMP=", "__SEQNUM" };

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		if (str_starts(head, str_of(first[i])))
			return ENTRY_FORMAT_EXPORT;
	if (!str_starts(head, STR("{")))
		return ENTRY_FORMAT_NONE;
	head = str_head(head, str_chr(head, '\n'));
	if (str_find(head, STR("\"__CURSOR\"")) < head.n ||
	    str_find(head, STR("\"__REALTIME_TIMESTAMP\"")) < head.n ||
	    str_find(head, STR("\"_BOOT_ID\"")) < head.n)
		return ENTRY_FORMAT_JSON;
	return ENTRY_FORMAT_NONE;
}

struct entry_stream *entry_stream_new(enum entry_format format)
{
	struct entry_stream *s = xcalloc(1, sizeof(*s));

	s->format = format;
	s->max = format == ENTRY_FORMAT_JSON ? ENTRY_STREAM_MAX_JSON : ENTRY_STREAM_MAX_VALUE;
	entry_clear(&s->entry);
	return s;
}

void entry_stream_free(struct entry_stream *s)
{
	if (!s)
		return;
	entry_release(&s->entry);
	free(s->text);
	free(s);
}

static void keep(struct entry_stream *s, struct str bytes)
{
	bytes = str_head(bytes, s->max - s->n);
	if (!bytes.n)
		return;
	if (s->n + bytes.n > s->room) {
		s->room = (s->n + bytes.n) * 2;
		s->text = xrealloc(s->text, s->room);
	}
	memcpy(s->text + s->n, bytes.p, bytes.n);
	s->n += bytes.n;
}

static struct str text_of(const struct entry_stream *s)
{
	return (struct str){ s->text, s->n };
}

/* Up to the newline. true: it is there, eaten and not kept. */
static bool take_line(struct entry_stream *s, struct str *bytes)
{
	size_t n = str_chr(*bytes, '\n');
	bool whole = n < bytes->n;

	keep(s, str_head(*bytes, n));
	*bytes = str_skip(*bytes, n + 1);
	return whole;
}

static void add_field(struct entry_stream *s, struct str name, struct str value)
{
	s->has_field = true;
	entry_field(&s->entry, name, value);
}

/* ---- export ---- */

/* A whole line. true: it ended an entry that has something. */
static bool export_line(struct entry_stream *s)
{
	struct str line = text_of(s);
	size_t equals = str_chr(line, '=');

	s->n = 0;
	if (!line.n)
		return s->has_field;
	if (equals < line.n) {
		add_field(s, str_head(line, equals), str_skip(line, equals + 1));
		return false;
	}
	s->name_n = line.n < MAX_NAME ? line.n : MAX_NAME;
	memcpy(s->name, line.p, s->name_n);
	s->state = AT_SIZE;
	s->size = 0;
	s->size_bytes = 0;
	return false;
}

static void export_size(struct entry_stream *s, struct str *bytes)
{
	while (bytes->n && s->size_bytes < 8) {
		s->size |= (uint64_t)(unsigned char)bytes->p[0] << (8 * s->size_bytes++);
		*bytes = str_skip(*bytes, 1);
	}
	if (s->size_bytes < 8)
		return;
	s->left = s->size == UINT64_MAX ? s->size : s->size + 1;
	s->state = AT_DATA;
}

static void export_data(struct entry_stream *s, struct str *bytes)
{
	size_t n = bytes->n < s->left ? bytes->n : (size_t)s->left;

	keep(s, str_head(*bytes, n));
	*bytes = str_skip(*bytes, n);
	s->left -= n;
	if (s->left)
		return;
	add_field(s, (struct str){ s->name, s->name_n }, str_head(text_of(s), (size_t)s->size));
	s->n = 0;
	s->state = AT_LINE;
}

static bool read_export(struct entry_stream *s, struct str *bytes)
{
	while (bytes->n) {
		if (s->state == AT_SIZE)
			export_size(s, bytes);
		else if (s->state == AT_DATA)
			export_data(s, bytes);
		else if (take_line(s, bytes) && export_line(s))
			return true;
	}
	return false;
}

/* ---- JSON: one object a line, of strings, arrays of byte values, null ---- */

static void skip_blanks(struct str *s)
{
	while (s->n && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == '\r'))
		*s = str_skip(*s, 1);
}

static bool eat_token(struct str *s, struct str token)
{
	skip_blanks(s);
	return str_eat(s, token);
}

static bool eat_hex4(struct str *s, unsigned *out)
{
	*out = 0;
	if (s->n < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, s->p[i] | (s->p[i] >= 'A' ? 0x20 : 0), 16);

		if (!digit)
			return false;
		*out = *out * 16 + (unsigned)(digit - digits);
	}
	*s = str_skip(*s, 4);
	return true;
}

static char *put_utf8(char *w, unsigned c)
{
	if (c < 0x80) {
		*w++ = (char)c;
	} else if (c < 0x800) {
		*w++ = (char)(0xc0 | c >> 6);
		*w++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*w++ = (char)(0xe0 | c >> 12);
		*w++ = (char)(0x80 | (c >> 6 & 0x3f));
		*w++ = (char)(0x80 | (c & 0x3f));
	} else {
		*w++ = (char)(0xf0 | c >> 18);
		*w++ = (char)(0x80 | (c >> 12 & 0x3f));
		*w++ = (char)(0x80 | (c >> 6 & 0x3f));
		*w++ = (char)(0x80 | (c & 0x3f));
	}
	return w;
}

/* Behind "\u". A pair of surrogates is one character. */
static bool eat_unicode(struct str *s, char **w)
{
	unsigned c, low;
	struct str rest;

	if (!eat_hex4(s, &c))
		return false;
	rest = *s;
	if (c >= 0xd800 && c < 0xdc00 && str_eat(&rest, STR("\\u")) && eat_hex4(&rest, &low) &&
	    low >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*s = rest;
	}
	*w = put_utf8(*w, c);
	return true;
}

/* Behind a backslash. */
static bool eat_escape(struct str *s, char **w)
{
	static const char from[] = "bfnrt\"\\/", to[] = "\b\f\n\r\t\"\\/";
	const char *at;
	char c;

	if (!s->n)
		return false;
	c = s->p[0];
	*s = str_skip(*s, 1);
	if (c == 'u')
		return eat_unicode(s, w);
	at = memchr(from, c, sizeof(from) - 1);
	if (!at)
		return false;
	*(*w)++ = to[at - from];
	return true;
}

/* Unescapes in place: what is written is never longer than what was read. */
static bool eat_string(struct str *s, struct str *out)
{
	char *start, *w;

	if (!eat_token(s, STR("\"")))
		return false;
	start = w = (char *)(uintptr_t)s->p;
	while (s->n && s->p[0] != '"') {
		char c = s->p[0];

		*s = str_skip(*s, 1);
		if (c != '\\')
			*w++ = c;
		else if (!eat_escape(s, &w))
			return false;
	}
	*out = str_range(start, w);
	return str_eat(s, STR("\""));
}

/* "[ 72, 228, 10 ]", likewise in place: a value is at least as long as its byte. */
static bool eat_bytes(struct str *s, struct str *out)
{
	char *start = (char *)(uintptr_t)s->p, *w = start;
	int64_t byte;

	do {
		skip_blanks(s);
		if (!str_eat_int(s, &byte) || byte < 0 || byte > 255)
			return false;
		*w++ = (char)byte;
	} while (eat_token(s, STR(",")));
	*out = str_range(start, w);
	return eat_token(s, STR("]"));
}

static bool eat_value(struct str *s, struct str *out);

/* Behind '[': bytes of one value, or several values of one field. The first counts. */
static bool eat_array(struct str *s, struct str *out)
{
	struct str other;

	skip_blanks(s);
	if (s->n && s->p[0] >= '0' && s->p[0] <= '9')
		return eat_bytes(s, out);
	if (!eat_value(s, out))
		return false;
	while (eat_token(s, STR(",")))
		if (!eat_value(s, &other))
			return false;
	return eat_token(s, STR("]"));
}

/* A string, bytes, null; arrays of arrays are not nested deeper. */
static bool eat_value(struct str *s, struct str *out)
{
	int64_t number;

	*out = STR_NONE;
	if (eat_token(s, STR("null")))
		return true;
	if (str_starts(*s, STR("\"")))
		return eat_string(s, out);
	if (str_eat(s, STR("[")))
		return s->n && (*s).p[0] != '[' && eat_bytes(s, out);
	return str_eat_int(s, &number);
}

static void json_object(struct entry_stream *s)
{
	struct str rest = text_of(s), name, value;

	if (!eat_token(&rest, STR("{")))
		return;
	do {
		if (!eat_string(&rest, &name) || !eat_token(&rest, STR(":")))
			return;
		skip_blanks(&rest);
		if (str_eat(&rest, STR("[")) ? !eat_array(&rest, &value) :
					       !eat_value(&rest, &value))
			return;
		if (value.p)
			add_field(s, name, value);
	} while (eat_token(&rest, STR(",")));
}

static bool read_json(struct entry_stream *s, struct str *bytes)
{
	while (bytes->n) {
		if (!take_line(s, bytes))
			return false;
		json_object(s);
		s->n = 0;
		if (s->has_field)
			return true;
	}
	return false;
}

/* ---- both ---- */

static void begin_if_over(struct entry_stream *s)
{
	if (!s->over)
		return;
	entry_clear(&s->entry);
	s->over = s->has_field = false;
}

struct entry *entry_stream_read(struct entry_stream *s, struct str *bytes)
{
	begin_if_over(s);
	s->over = s->format == ENTRY_FORMAT_JSON ? read_json(s, bytes) : read_export(s, bytes);
	return s->over ? &s->entry : NULL;
}

struct entry *entry_stream_finish(struct entry_stream *s)
{
	begin_if_over(s);
	if (s->format == ENTRY_FORMAT_JSON)
		json_object(s);
	else if (s->state == AT_LINE && s->n)
		export_line(s);
	s->n = 0;
	s->over = s->has_field;
	return s->over ? &s->entry : NULL;
}
