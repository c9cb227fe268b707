/* YAML text to a tree, by libyaml's event parser.
 *
 * Invariant: what is built is bounded by YAML_MAX_* whatever the text says, and
 * recursion by YAML_MAX_DEPTH. Meaning (types, known keys) is base/keys.c's. */
#include "base/yaml.h"

#include "base/map.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	const char *name;
	struct str text;
	struct error *err;
	size_t values;
};

static int read_value(struct builder *b, int depth, struct yaml_value **out);

static int fail(struct builder *b, yaml_mark_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct builder *b, yaml_mark_t at, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return error_set(b->err, EXIT_CONFIG, "%s:%zu:%zu: %s", b->name, at.line + 1,
			 at.column + 1, why);
}

/* Is there a tab among the blanks the line begins with? */
static bool indents_with_tab(struct str text, size_t line)
{
	while (line--)
		text = str_skip(text, str_chr(text, '\n') + 1);
	while (text.n && *text.p == ' ')
		text = str_skip(text, 1);
	return text.n && *text.p == '\t';
}

static int fail_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	yaml_mark_t at = p->problem_mark;

	if (p->error == YAML_READER_ERROR)
		return error_set(b->err, EXIT_CONFIG, "%s: byte %zu: %s", b->name,
				 p->problem_offset + 1, p->problem);
	if (indents_with_tab(b->text, at.line))
		return fail(b, at, "a tab cannot indent here, use blanks");
	if (p->context)
		return fail(b, at, "%s %s", p->context, p->problem);
	return fail(b, at, "%s", p->problem ? p->problem : "cannot be read");
}

static int next_event(struct builder *b, yaml_event_t *event)
{
	return yaml_parser_parse(&b->parser, event) ? 0 : fail_syntax(b);
}

static struct yaml_value *value_new(struct builder *b, enum yaml_kind kind, yaml_mark_t at)
{
	struct yaml_value *v = arena_alloc(b->arena, sizeof(*v));

	*v = (struct yaml_value){ .kind = kind };
	v->line = (int)at.line + 1;
	v->column = (int)at.column + 1;
	return v;
}

static yaml_mark_t mark_of(const struct yaml_value *v)
{
	return (yaml_mark_t){ .line = (size_t)v->line - 1, .column = (size_t)v->column - 1 };
}

static int take_text(struct builder *b, const yaml_event_t *event, struct yaml_value **out)
{
	struct str text = { (const char *)event->data.scalar.value,
			    event->data.scalar.length };

	if (str_chr(text, '\0') < text.n)
		return fail(b, event->start_mark, "a NUL byte cannot be part of a value");
	*out = value_new(b, YAML_IS_TEXT, event->start_mark);
	(*out)->text = arena_str(b->arena, text);
	(*out)->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int take_list(struct builder *b, const yaml_event_t *event, int depth,
		     struct yaml_value **out)
{
	struct yaml_value **tail;

	*out = value_new(b, YAML_IS_LIST, event->start_mark);
	for (tail = &(*out)->first;; tail = &(*tail)->next) {
		if (read_value(b, depth + 1, tail))
			return -1;
		if (!*tail)
			return 0;
	}
}

/* One key and its value; *out NULL at the end of the map. */
static int read_member(struct builder *b, struct map *seen, int depth, struct yaml_value **out)
{
	struct yaml_value *key = NULL;

	*out = NULL;
	if (read_value(b, depth + 1, &key))
		return -1;
	if (!key)
		return 0;
	if (key->kind != YAML_IS_TEXT)
		return fail(b, mark_of(key), "a key is a word, not a %s",
			    yaml_kind_name(key->kind));
	if (map_put(seen, key->text, key))
		return fail(b, mark_of(key), "%s: this key stands here twice", key->text.p);
	if (read_value(b, depth + 1, out))
		return -1;
	(*out)->key = key->text;
	(*out)->key_line = key->line;
	(*out)->key_column = key->column;
	return 0;
}

static int take_map(struct builder *b, const yaml_event_t *event, int depth,
		    struct yaml_value **out)
{
	struct yaml_value **tail;
	struct map seen = { 0 };
	int rc;

	*out = value_new(b, YAML_IS_MAP, event->start_mark);
	tail = &(*out)->first;
	while (!(rc = read_member(b, &seen, depth, tail)) && *tail)
		tail = &(*tail)->next;
	map_release(&seen);
	return rc;
}

static int check_plain(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	if (anchor)
		return fail(b, event->start_mark, "anchors (&%s) are not supported",
			    (const char *)anchor);
	if (tag)
		return fail(b, event->start_mark, "tags (%s) are not supported",
			    (const char *)tag);
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *e, int depth,
		      struct yaml_value **out)
{
	if (depth > YAML_MAX_DEPTH)
		return fail(b, e->start_mark, "more than %d levels deep", YAML_MAX_DEPTH);
	if (++b->values > YAML_MAX_VALUES)
		return fail(b, e->start_mark, "more than %d values", YAML_MAX_VALUES);
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		if (check_plain(b, e, e->data.scalar.anchor, e->data.scalar.tag))
			return -1;
		return take_text(b, e, out);
	case YAML_SEQUENCE_START_EVENT:
		if (check_plain(b, e, e->data.sequence_start.anchor,
				e->data.sequence_start.tag))
			return -1;
		return take_list(b, e, depth, out);
	case YAML_MAPPING_START_EVENT:
		if (check_plain(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag))
			return -1;
		return take_map(b, e, depth, out);
	case YAML_ALIAS_EVENT:
		return fail(b, e->start_mark, "aliases (*%s) are not supported",
			    (const char *)e->data.alias.anchor);
	default: /* the end of the list or map around it */
		return 0;
	}
}

/* The next value; *out NULL at the end of the list or map around it. */
static int read_value(struct builder *b, int depth, struct yaml_value **out)
{
	yaml_event_t event;
	int rc;

	*out = NULL;
	if (next_event(b, &event))
		return -1;
	rc = take_event(b, &event, depth, out);
	yaml_event_delete(&event);
	return rc;
}

/* Eats one event; *is tells whether it was of this type, *at where it stands. */
static int eat(struct builder *b, yaml_event_type_t type, bool *is, yaml_mark_t *at)
{
	yaml_event_t event;

	if (next_event(b, &event))
		return -1;
	*is = event.type == type;
	*at = event.start_mark;
	yaml_event_delete(&event);
	return 0;
}

static int read_document(struct builder *b, struct yaml_value **out)
{
	yaml_mark_t at;
	bool is;

	*out = NULL;
	if (eat(b, YAML_STREAM_START_EVENT, &is, &at) ||
	    eat(b, YAML_DOCUMENT_START_EVENT, &is, &at))
		return -1;
	if (is && (read_value(b, 0, out) || eat(b, YAML_DOCUMENT_END_EVENT, &is, &at) ||
		   eat(b, YAML_STREAM_END_EVENT, &is, &at)))
		return -1;
	if (*out && !is)
		return fail(b, at, "a second document begins: only one is read");
	if (!*out || yaml_is_null(*out))
		*out = value_new(b, YAML_IS_MAP, (yaml_mark_t){ 0 });
	return 0;
}

struct yaml_value *yaml_parse(struct arena *arena, struct str text, const char *name,
			      struct error *err)
{
	struct builder b = { .arena = arena, .name = name, .text = text, .err = err };
	struct yaml_value *root;
	int rc;

	if (text.n > YAML_MAX_BYTES) {
		error_set(err, EXIT_CONFIG, "%s: larger than %d bytes", name, YAML_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&b.parser))
		bug("out of memory");
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.n ? text.p : ""),
				     text.n);
	rc = read_document(&b, &root);
	yaml_parser_delete(&b.parser);
	return rc ? NULL : root;
}

bool yaml_is_null(const struct yaml_value *v)
{
	return v->kind == YAML_IS_TEXT && !v->quoted && v->text.n == 0;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	static const char *const name[] = { "text", "list", "map" };

	return name[kind];
}
