/* Names and values, as a json-c object.
 *
 * Invariant: every text in it is printable UTF-8. */
#include "notify/tree.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"

/* A struct tree is a struct json_object that nobody else knows. */
static struct json_object *object_of(const struct tree *t)
{
	return (struct json_object *)(uintptr_t)t;
}

static struct tree *tree_of(struct json_object *o)
{
	return (struct tree *)o;
}

struct tree *tree_object(void)
{
	return tree_of(json_object_new_object());
}

void tree_free(struct tree *t)
{
	json_object_put(object_of(t));
}

/* --- putting in ---- */

static struct json_object *put(struct tree *t, const char *key, struct json_object *value)
{
	if (json_object_is_type(object_of(t), json_type_array))
		json_object_array_add(object_of(t), value);
	else
		json_object_object_add_ex(object_of(t), key, value,
					  JSON_C_OBJECT_KEY_IS_CONSTANT);
	return value;
}

void tree_text(struct tree *t, const char *key, struct str s)
{
	size_t n = log_escape_length(s);
	char *safe;

	if (!s.n) {
		put(t, key, NULL);
		return;
	}
	safe = xmalloc(n + 1);
	log_escape(s, safe, n + 1);
	put(t, key, json_object_new_string_len(safe, (int)n));
	free(safe);
}

void tree_number(struct tree *t, const char *key, int64_t n)
{
	put(t, key, json_object_new_int64(n));
}

void tree_real(struct tree *t, const char *key, double x)
{
	char text[40];

	snprintf(text, sizeof(text), "%.3f", x);
	put(t, key, json_object_new_double_s(x, text));
}

void tree_time(struct tree *t, const char *key, usec_t when)
{
	char text[STAMP_TEXT];

	tree_text(t, key, when ? str_of(stamp_text(when, text)) : STR_NONE);
}

void tree_flag(struct tree *t, const char *key, bool yes)
{
	put(t, key, json_object_new_boolean(yes));
}

void tree_null(struct tree *t, const char *key)
{
	put(t, key, NULL);
}

struct tree *tree_enter_object(struct tree *t, const char *key)
{
	return tree_of(put(t, key, json_object_new_object()));
}

struct tree *tree_enter_list(struct tree *t, const char *key)
{
	return tree_of(put(t, key, json_object_new_array()));
}

char *tree_json(const struct tree *t)
{
	size_t n;
	const char *text = json_object_to_json_string_length(
		object_of(t), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	return str_dup((struct str){ text, n });
}

struct tree *tree_parse(struct str json)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *o = json_tokener_parse_ex(tokener, json.p, (int)json.n);

	json_tokener_free(tokener);
	if (o && json_object_is_type(o, json_type_object))
		return tree_of(o);
	json_object_put(o);
	return NULL;
}

/* --- looking ---- */

static bool find(const struct tree *t, struct str key, struct json_object **value)
{
	char name[64];

	if (!tree_is_object(t) || key.n >= sizeof(name))
		return false;
	memcpy(name, key.p, key.n);
	name[key.n] = '\0';
	return json_object_object_get_ex(object_of(t), name, value);
}

bool tree_has(const struct tree *t, struct str key)
{
	struct json_object *value;

	return find(t, key, &value);
}

const struct tree *tree_get(const struct tree *t, struct str key)
{
	struct json_object *value = NULL;

	return find(t, key, &value) ? tree_of(value) : NULL;
}

bool tree_is_true(const struct tree *t)
{
	if (tree_is_list(t))
		return tree_count(t) > 0;
	if (tree_is_object(t))
		return true;
	return t && json_object_get_boolean(object_of(t));
}

bool tree_is_list(const struct tree *t)
{
	return t && json_object_is_type(object_of(t), json_type_array);
}

bool tree_is_object(const struct tree *t)
{
	return t && json_object_is_type(object_of(t), json_type_object);
}

size_t tree_count(const struct tree *t)
{
	return tree_is_list(t) ? json_object_array_length(object_of(t)) : 0;
}

const struct tree *tree_at(const struct tree *t, size_t i)
{
	return tree_of(json_object_array_get_idx(object_of(t), i));
}

struct str tree_show(const struct tree *t)
{
	return t ? str_of(json_object_get_string(object_of(t))) : STR_NONE;
}
