/* Reads settings by their tables, and prints the sample file from them.
 *
 * Invariant: a value reaches its member only after its type, range and check
 * passed. What a key means is its owner's. */
#include "base/keys.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/words.h"

#define PATH_ROOM 256 /* of a key's full name: "accounts.maps[3].format" */

/* One walk over a tree of values. */
struct reading {
	const struct key_origin *from;
	struct error *err;
	char path[PATH_ROOM];
	size_t path_n;
};

typedef int (*reader)(struct reading *r, const struct key *key, const struct yaml_value *v,
		      void *member);

static int read_map(struct reading *r, const struct key_table *table, void *into,
		    const struct yaml_value *map);

static int fail(struct reading *r, const struct yaml_value *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct reading *r, const struct yaml_value *at, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return error_set(r->err, EXIT_CONFIG, "%s:%d:%d: %s%s%s", r->from->name, at->line,
			 at->column, r->path, r->path_n ? ": " : "", why);
}

/* Lengthens the name of the key that is read; path_cut takes it back. */
static size_t path_add(struct reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static size_t path_add(struct reading *r, const char *format, ...)
{
	size_t before = r->path_n;
	size_t room = sizeof(r->path) - before;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(r->path + before, room, format, args);
	va_end(args);
	r->path_n += (size_t)n < room ? (size_t)n : room - 1;
	return before;
}

static void path_cut(struct reading *r, size_t before)
{
	r->path_n = before;
	r->path[before] = '\0';
}

/* --- text */

static int need(struct reading *r, const struct yaml_value *v, enum yaml_kind kind)
{
	static const char *const wanted[] = { "a value", "a list: [a, b]", "a map: {key: value}" };

	if (v->kind != kind)
		return fail(r, v, "needs %s, not a %s", wanted[kind], yaml_kind_name(v->kind));
	if (kind == YAML_IS_TEXT && v->text.n == 0)
		return fail(r, v, "has no value");
	return 0;
}

static int read_text(struct reading *r, const struct key *key, const struct yaml_value *v,
		     const char **out)
{
	const char *wrong = NULL;

	if (need(r, v, YAML_IS_TEXT))
		return -1;
	if (key->check)
		wrong = key->check(v->text.p);
	if (wrong)
		return fail(r, v, "%s %s", v->text.p, wrong);
	*out = arena_str(r->from->arena, v->text).p;
	return 0;
}

static int read_string(struct reading *r, const struct key *key, const struct yaml_value *v,
		       void *member)
{
	return read_text(r, key, v, member);
}

static int read_any_text(struct reading *r, const struct key *key, const struct yaml_value *v,
			 void *member)
{
	if (v->kind == YAML_IS_TEXT && v->text.n == 0) {
		*(const char **)member = "";
		return 0;
	}
	return read_text(r, key, v, member);
}

static const char *path_from(const struct key_origin *from, const char *path)
{
	size_t n;
	char *full;

	if (!from->base || *path == '/')
		return path;
	n = strlen(from->base) + 1 + strlen(path) + 1;
	full = arena_alloc(from->arena, n);
	snprintf(full, n, "%s/%s", from->base, path);
	return full;
}

static int read_path(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	const char **out = member;

	if (read_text(r, key, v, out))
		return -1;
	*out = path_from(r->from, *out);
	return 0;
}

static int read_any_path(struct reading *r, const struct key *key, const struct yaml_value *v,
			 void *member)
{
	if (v->kind == YAML_IS_TEXT && v->text.n == 0)
		return read_any_text(r, key, v, member);
	return read_path(r, key, v, member);
}

/* --- words and numbers */

static int word_index(const char *const *words, struct str text)
{
	int i;

	for (i = 0; words[i]; i++)
		if (str_eq(str_of(words[i]), text))
			return i;
	return -1;
}

static int read_word(struct reading *r, const struct key *key, const struct yaml_value *v, int *out)
{
	char list[160] = "";
	size_t n = 0;
	int i;

	if (need(r, v, YAML_IS_TEXT))
		return -1;
	*out = word_index(key->words, v->text);
	if (*out >= 0)
		return 0;
	for (i = 0; key->words[i] && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      key->words[i]);
	return fail(r, v, "%s is none of: %s", v->text.p, list);
}

static int read_enum(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	return read_word(r, key, v, member);
}

static int read_either(struct reading *r, const struct key *key, const struct yaml_value *v,
		       void *member)
{
	int index;

	if (read_word(r, key, v, &index))
		return -1;
	*(bool *)member = index == 1;
	return 0;
}

static int read_bool(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", NULL };
	struct key any = *key;
	int index;

	any.words = words;
	if (read_word(r, &any, v, &index))
		return -1;
	*(bool *)member = index % 2 == 1;
	return 0;
}

static int check_range(struct reading *r, const struct key *key, const struct yaml_value *v,
		       int64_t number)
{
	if (number < key->min || number > key->max)
		return fail(r, v, "%s is not within %lld and %lld", v->text.p,
			    (long long)key->min, (long long)key->max);
	return 0;
}

static int read_integer(struct reading *r, const struct key *key, const struct yaml_value *v,
			void *member)
{
	if (need(r, v, YAML_IS_TEXT))
		return -1;
	if (!str_int(v->text, member))
		return fail(r, v, "%s is not a whole number", v->text.p);
	return check_range(r, key, v, *(int64_t *)member);
}

static int read_real(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	double *out = member;
	char *end;

	(void)key;
	if (need(r, v, YAML_IS_TEXT))
		return -1;
	*out = strtod(v->text.p, &end);
	if (*end || !(*out >= 0 && *out < 1e15))
		return fail(r, v, "%s is not a number from 0 up", v->text.p);
	return 0;
}

/* "64K", "64KB" and "64KiB" are all 65536. */
static bool parse_size(struct str text, int64_t *out)
{
	static const char unit[] = "KMGT";
	const char *at;
	int64_t number;
	int shift = 0;

	if (!str_eat_int(&text, &number))
		return false;
	at = text.n ? memchr(unit, *text.p, sizeof(unit) - 1) : NULL;
	if (at) {
		shift = 10 * (int)(at - unit + 1);
		text = str_skip(text, 1);
		str_eat(&text, STR("i"));
	}
	str_eat(&text, STR("B"));
	if (text.n || number > INT64_MAX >> shift)
		return false;
	*out = number << shift;
	return true;
}

static int read_size(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	if (need(r, v, YAML_IS_TEXT))
		return -1;
	if (!parse_size(v->text, member))
		return fail(r, v, "%s is not a size such as 64K or 10M", v->text.p);
	return check_range(r, key, v, *(int64_t *)member);
}

static int read_length(struct reading *r, const struct key *key, const struct yaml_value *v,
		       void *member)
{
	(void)key;
	if (need(r, v, YAML_IS_TEXT))
		return -1;
	if (!stamp_length(v->text, member))
		return fail(r, v, "%s is not a length of time such as 60s, 2h or 90d", v->text.p);
	return 0;
}

static int read_time(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	usec_t *out = member;

	(void)key;
	if (need(r, v, YAML_IS_TEXT))
		return -1;
	*out = 0;
	if (str_eq(v->text, STR("0")))
		return 0;
	/* A length of time has no meaning without a "now". */
	if (v->text.n < 8 || !stamp_user(v->text, zone_utc(), 0, out))
		return fail(r, v, "%s is not a time such as 2026-12-31", v->text.p);
	return 0;
}

static int read_tree(struct reading *r, const struct key *key, const struct yaml_value *v,
		     void *member)
{
	(void)key;
	if (!yaml_is_null(v) && need(r, v, YAML_IS_MAP))
		return -1;
	*(const struct yaml_value **)member = v;
	return 0;
}

/* --- lists and sections */

static size_t count_members(const struct yaml_value *v)
{
	size_t n = 0;

	for (v = v->first; v; v = v->next)
		n++;
	return n;
}

static int read_each(struct reading *r, const struct key *key, const struct yaml_value *list,
		     char *out, size_t size, reader read_one)
{
	const struct yaml_value *v;
	size_t i = 0;

	for (v = list->first; v; v = v->next, i++) {
		size_t before = path_add(r, "[%zu]", i);

		if (read_one(r, key, v, out + i * size))
			return -1;
		path_cut(r, before);
	}
	return 0;
}

static int read_list(struct reading *r, const struct key *key, const struct yaml_value *v,
		     struct string_list *out, reader read_one)
{
	if (need(r, v, YAML_IS_LIST))
		return -1;
	out->n = count_members(v);
	out->at = arena_alloc(r->from->arena, out->n * sizeof(*out->at));
	return read_each(r, key, v, (char *)out->at, sizeof(*out->at), read_one);
}

static int read_strings(struct reading *r, const struct key *key, const struct yaml_value *v,
			void *member)
{
	return read_list(r, key, v, member, read_string);
}

static int read_paths(struct reading *r, const struct key *key, const struct yaml_value *v,
		      void *member)
{
	return read_list(r, key, v, member, read_path);
}

static const struct yaml_value *member_named(const struct yaml_value *map, const char *name)
{
	const struct yaml_value *v;

	for (v = map->first; v; v = v->next)
		if (str_eq(v->key, str_of(name)))
			return v;
	return NULL;
}

static int read_struct(struct reading *r, const struct key *key, const struct yaml_value *v,
		       void *member)
{
	const struct key_table *t = key->table;
	size_t i;

	if (need(r, v, YAML_IS_MAP))
		return -1;
	for (i = 0; i < t->n; i++)
		if (t->keys[i].type != KEY_SECTION && !t->keys[i].preset &&
		    !member_named(v, t->keys[i].name))
			return fail(r, v, "needs the key %s", t->keys[i].name);
	memset(member, 0, t->size);
	keys_preset(t, member, r->from);
	return read_map(r, t, member, v);
}

/* read_keys() sets the number of structs: only it knows where that stands. */
static int read_structs(struct reading *r, const struct key *key, const struct yaml_value *v,
			void *member)
{
	char *array;

	if (need(r, v, YAML_IS_LIST))
		return -1;
	array = arena_alloc(r->from->arena, count_members(v) * key->table->size);
	*(void **)member = array;
	return read_each(r, key, v, array, key->table->size, read_struct);
}

static int read_section(struct reading *r, const struct key *key, const struct yaml_value *v,
			void *member)
{
	if (yaml_is_null(v))
		return 0;
	return need(r, v, YAML_IS_MAP) ? -1 : read_map(r, key->table, member, v);
}

static const reader readers[] = {
	[KEY_STRING] = read_string,
	[KEY_TEXT] = read_any_text,
	[KEY_ANY_PATH] = read_any_path,
	[KEY_PATH] = read_path,
	[KEY_BOOL] = read_bool,
	[KEY_EITHER] = read_either,
	[KEY_ENUM] = read_enum,
	[KEY_INTEGER] = read_integer,
	[KEY_REAL] = read_real,
	[KEY_TIME] = read_time,
	[KEY_TREE] = read_tree,
	[KEY_SIZE] = read_size,
	[KEY_LENGTH] = read_length,
	[KEY_STRINGS] = read_strings,
	[KEY_PATHS] = read_paths,
	[KEY_STRUCTS] = read_structs,
	[KEY_SECTION] = read_section,
};

/* --- unknown keys */

static int fail_unknown(struct reading *r, const struct key_table *t, const struct yaml_value *v)
{
	struct yaml_value at = { .line = v->key_line, .column = v->key_column };
	const char *best = NULL;
	size_t least = 3; /* two slips of the finger, and less than half the word */
	size_t i;

	for (i = 0; i < t->n; i++) {
		size_t d = words_distance(v->key, str_of(t->keys[i].name));

		if (d < least && 2 * d < strlen(t->keys[i].name)) {
			least = d;
			best = t->keys[i].name;
		}
	}
	if (best)
		return fail(r, &at, "%s: unknown key, did you mean %s?", v->key.p, best);
	return fail(r, &at, "%s: unknown key", v->key.p);
}

/* --- the walk */

static int read_key(struct reading *r, const struct key *key, void *into,
		    const struct yaml_value *v)
{
	char *member = (char *)into + key->offset;
	size_t before = path_add(r, "%s%s", r->path_n ? "." : "", key->name);

	if (readers[key->type](r, key, v, member))
		return -1;
	if (key->type == KEY_STRUCTS)
		*(size_t *)((char *)into + key->count) = count_members(v);
	path_cut(r, before);
	return 0;
}

static const struct key *key_named(const struct key_table *t, struct str name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (str_eq(str_of(t->keys[i].name), name))
			return &t->keys[i];
	return NULL;
}

static int read_map(struct reading *r, const struct key_table *table, void *into,
		    const struct yaml_value *map)
{
	const struct yaml_value *v;

	for (v = map->first; v; v = v->next) {
		const struct key *key = key_named(table, v->key);

		if (!key)
			return fail_unknown(r, table, v);
		if (read_key(r, key, into, v))
			return -1;
	}
	return 0;
}

int keys_read(const struct key_table *table, void *into, const struct yaml_value *map,
	      const struct key_origin *from, struct error *err)
{
	struct reading r = { .from = from, .err = err };

	return need(&r, map, YAML_IS_MAP) ? -1 : read_map(&r, table, into, map);
}

static void preset_key(const struct key *key, void *into, const struct key_origin *from)
{
	struct key_origin preset = { .name = key->name, .arena = from->arena };
	struct error err;
	struct reading r = { .from = &preset, .err = &err };
	struct yaml_value *v;

	v = yaml_parse(from->arena, str_of(key->preset), key->name, &err);
	if (!v || read_key(&r, key, into, v))
		bug(err.text);
}

void keys_preset(const struct key_table *table, void *into, const struct key_origin *from)
{
	size_t i;

	for (i = 0; i < table->n; i++) {
		const struct key *key = &table->keys[i];

		if (key->type == KEY_SECTION)
			keys_preset(key->table, (char *)into + key->offset, from);
		else if (key->preset)
			preset_key(key, into, from);
	}
}
