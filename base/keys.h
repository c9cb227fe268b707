/* Typed tables of settings: one row is one key with its type, its default, its
 * help and where it goes. The reader of the settings file, the sample file and
 * the test that compares the man page all walk the same rows.
 *
 * A part of the program that has settings of its own has a table of its own
 * and one KEY_SECTION row in the table above it. */
#ifndef MAILAUDIT_BASE_KEYS_H
#define MAILAUDIT_BASE_KEYS_H

#include "base/stamp.h"
#include "base/yaml.h"

#include <stdio.h>

struct string_list {
	const char **at;
	size_t n;
};

/* What the member at `offset` is, in the comment. */
enum key_type {
	KEY_STRING, /* const char *; not empty */
	KEY_TEXT, /* const char *; may be empty */
	KEY_ANY_PATH, /* const char *; may be empty, else as KEY_PATH */
	KEY_PATH, /* const char *; relative ones are taken from the file's folder */
	KEY_BOOL, /* bool: true false yes no on off */
	KEY_EITHER, /* bool: one of two words, words[1] being true */
	KEY_ENUM, /* int: index in words */
	KEY_INTEGER, /* int64_t from min to max, not negative */
	KEY_REAL, /* double, "0.5", not negative */
	KEY_TIME, /* usec_t: "2026-12-31", RFC 3339; UTC where no zone is given */
	KEY_TREE, /* const struct yaml_value *: a map, for whoever has a table for it */
	KEY_SIZE, /* int64_t bytes from min to max: "64K", "1M", "2G" */
	KEY_LENGTH, /* usec_t: "90d", "60s", 0 */
	KEY_STRINGS, /* struct string_list */
	KEY_PATHS, /* struct string_list, each as KEY_PATH */
	KEY_STRUCTS, /* pointer to table->size bytes each, their number at `count` */
	KEY_SECTION /* a struct, or with offset 0 further members of the same */
};

struct key_table;

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	const char *preset; /* YAML text; NULL: must be given (sections have none) */
	const char *help; /* sentences; the sample wraps them */
	const char *const *words; /* KEY_EITHER, KEY_ENUM; NULL behind the last */
	int64_t min, max; /* KEY_INTEGER, KEY_SIZE */
	/* For text, and for each text of a list: NULL, or what is wrong with it. */
	const char *(*check)(const char *text);
	const struct key_table *table; /* KEY_STRUCTS, KEY_SECTION */
	size_t count; /* KEY_STRUCTS: offset of a size_t */
};

struct key_table {
	const struct key *keys;
	size_t n;
	size_t size; /* of the struct it fills, for KEY_STRUCTS */
};

/* Where the text comes from. */
struct key_origin {
	const char *name; /* of the file, for "name:line:column: key: why" */
	const char *base; /* folder of relative paths, NULL: they stay relative */
	struct arena *arena; /* of all that is pointed at */
};

/* Sets every member that has a default. */
void keys_preset(const struct key_table *table, void *into, const struct key_origin *from);
/* Sets the members the map names. -1: EXIT_CONFIG, and `into` is half-filled. */
int keys_read(const struct key_table *table, void *into, const struct yaml_value *map,
	      const struct key_origin *from, struct error *err);
/* Every key with its help and default, as a YAML file. */
void keys_sample(const struct key_table *table, FILE *out);
/* The same, indented, as part of a map. */
void keys_sample_part(const struct key_table *table, int indent, FILE *out);

#endif
