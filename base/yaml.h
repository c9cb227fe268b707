/* YAML text as a tree of text, lists and maps: what a settings file needs, and
 * nothing that can grow. Anchors, aliases, tags, further documents and repeated
 * keys are errors. This is the only user of <yaml.h>. */
#ifndef MAILAUDIT_BASE_YAML_H
#define MAILAUDIT_BASE_YAML_H

#include "base/arena.h"
#include "base/error.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_VALUES 100000
#define YAML_MAX_DEPTH 16

enum yaml_kind { YAML_IS_TEXT, YAML_IS_LIST, YAML_IS_MAP };

struct yaml_value {
	enum yaml_kind kind;
	int line, column; /* from 1 */
	struct str text; /* YAML_IS_TEXT; a NUL stands behind it, none within */
	bool quoted; /* text in quotes, or a block */
	struct yaml_value *first; /* of the list's or map's members, in order */
	struct yaml_value *next; /* member of the same list or map */
	struct str key; /* for a member of a map; likewise with a NUL behind it */
	int key_line, key_column;
};

/* The text as one value, in `arena`. Empty text is an empty map. NULL: the
 * error says "name:line:column: why" and its code is EXIT_CONFIG. */
struct yaml_value *yaml_parse(struct arena *arena, struct str text, const char *name,
			      struct error *err);
/* "key:" with nothing behind it. */
bool yaml_is_null(const struct yaml_value *v);
const char *yaml_kind_name(enum yaml_kind kind);

#endif
