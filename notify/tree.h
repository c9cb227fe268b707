/* What is told of an alert, as names and values: printed as JSON for programs, filled
 * into templates for people. The only user of json-c beside cli/out.c.
 *
 * Text of the log is made safe on its way in: a byte that is not printable UTF-8
 * becomes \xNN, so no line end, escape sequence or NUL is ever in a value. */
#ifndef MAILAUDIT_NOTIFY_TREE_H
#define MAILAUDIT_NOTIFY_TREE_H

#include "base/stamp.h"
#include "base/str.h"

struct tree;

struct tree *tree_object(void); /* heap; to be freed by its maker */
void tree_free(struct tree *t); /* NULL is fine */

/* Members of an object, or items of a list (there key is NULL). Keys are literals. */
void tree_text(struct tree *t, const char *key, struct str s); /* empty: null */
void tree_number(struct tree *t, const char *key, int64_t n);
void tree_real(struct tree *t, const char *key, double x); /* three decimals */
void tree_time(struct tree *t, const char *key, usec_t when); /* RFC 3339, UTC; 0: null */
void tree_flag(struct tree *t, const char *key, bool yes);
void tree_null(struct tree *t, const char *key);
/* What is returned belongs to t. */
struct tree *tree_enter_object(struct tree *t, const char *key);
struct tree *tree_enter_list(struct tree *t, const char *key);

/* On one line, valid UTF-8. Heap. */
char *tree_json(const struct tree *t);
/* What tree_json() wrote. NULL: it is no JSON object. */
struct tree *tree_parse(struct str json);

/* NULL: there is no such member, or it is null. */
const struct tree *tree_get(const struct tree *t, struct str key);
bool tree_has(const struct tree *t, struct str key); /* a member, be it null */
/* Not null, false, 0, "" or an empty list. NULL is false. */
bool tree_is_true(const struct tree *t);
bool tree_is_list(const struct tree *t);
bool tree_is_object(const struct tree *t);
size_t tree_count(const struct tree *t); /* items of a list, else 0 */
const struct tree *tree_at(const struct tree *t, size_t i);
/* A text as it is, a number in digits; "" for NULL. Lives as long as t. */
struct str tree_show(const struct tree *t);

#endif
