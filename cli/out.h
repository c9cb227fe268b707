/* Where results go: one interface, four formats. The only user of
 * libsmartcols and json-c.
 *
 * A result is a list of records or one object, told member by member; what
 * becomes of it is the format's business:
 *   table  columns for people: local time, terminal width, colours only on a
 *          terminal, every byte that is not printable UTF-8 shown as \xNN
 *   json   an array with one record a line, or one object
 *   jsonl  one object a line
 *   csv    RFC 4180, a heading and one record a line; a nested value is its
 *          JSON text in one field. One object: "key,value" lines with dotted
 *          keys ("messages.sent", "scripts.0.script").
 * JSON is valid UTF-8 whatever the log held: a byte that is not becomes the
 * text \xNN; control and bidirectional characters are \uNNNN. A CSV text that
 * starts with = + - @ gets a ' before it, so that no spreadsheet takes hostile
 * text for a formula; unprintable bytes are \xNN there as in tables. */
#ifndef MAILAUDIT_CLI_OUT_H
#define MAILAUDIT_CLI_OUT_H

#include <stdio.h>

#include "base/error.h"
#include "base/stamp.h"

enum out_format { OUT_TABLE, OUT_JSON, OUT_JSONL, OUT_CSV, OUT_FORMATS };
extern const char *const out_format_name[OUT_FORMATS];

enum out_color { OUT_COLOR_AUTO, OUT_COLOR_ALWAYS, OUT_COLOR_NEVER, OUT_COLORS };
extern const char *const out_color_name[OUT_COLORS];

enum out_flag {
	OUT_RIGHT = 1, /* numbers */
	OUT_TRUNC = 2, /* may be cut to fit the terminal */
	OUT_STATE = 4, /* coloured by what its first word means */
	OUT_WRAP = 16, /* may go on in the next line */
	OUT_WIDE = 32, /* left out on a narrow terminal */
	OUT_VIEW = 8 /* made for tables; the other formats lack it */
};

struct out_column {
	const char *key;
	const char *heading; /* NULL: not shown in tables */
	unsigned flags;
	double width; /* hint: below 1 a share of the terminal, else columns; 0 none */
};

/* How a table shows one part of an object. */
struct out_section {
	const char *key; /* member: object or list; NULL: the object itself */
	const char *title; /* NULL: none */
	/* Ends with a NULL key. A list of strings has one, whose heading stands in
	 * front of each. */
	const struct out_column *columns;
};

struct out;

/* stream stays the caller's. $NO_COLOR and $TERM are honoured with AUTO. */
struct out *out_new(FILE *stream, enum out_format format, enum out_color color);
/* Writes what is left and frees. A reader that went away (EPIPE) is no error. */
int out_free(struct out *o, struct error *err);
bool out_is_table(const struct out *o);
/* Records, or 1 for an object, told so far. */
size_t out_count(const struct out *o);

/* A list. Every record has exactly the columns' keys, in their order, null
 * where nothing is told. columns end with a NULL key and must stay. */
void out_list(struct out *o, const struct out_column *columns);
void out_record(struct out *o);
/* false: nobody reads any more, stop. */
bool out_record_end(struct out *o);
void out_list_end(struct out *o);

/* One object; its keys are those told. sections end with NULL columns. */
void out_object(struct out *o);
void out_object_end(struct out *o, const struct out_section *sections);

/* Members of the innermost record, object or list (there key is NULL). Keys
 * are literals. Nested: enter, tell, leave. */
void out_text(struct out *o, const char *key, struct str s); /* empty: null */
void out_string(struct out *o, const char *key, struct str s); /* empty: "" */
void out_number(struct out *o, const char *key, int64_t n);
void out_number_or_null(struct out *o, const char *key, int64_t n); /* below 0: null */
void out_real(struct out *o, const char *key, double x); /* three decimals */
void out_bytes(struct out *o, const char *key, int64_t n); /* table: "4.2M" */
void out_time(struct out *o, const char *key, usec_t t); /* 0: null */
void out_flag(struct out *o, const char *key, bool yes);
void out_null(struct out *o, const char *key);
void out_enter_object(struct out *o, const char *key);
void out_enter_list(struct out *o, const char *key);
void out_leave(struct out *o);

#endif
