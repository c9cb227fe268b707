/* The sample file: every key of the tables with its help and default. */
#include "base/keys.h"

#define COLUMNS 88

/* Prints `text` in comment lines of at most COLUMNS, words whole, every line
 * behind `lead`, and behind `hang` from the second one. */
static void print_comment(FILE *out, const char *lead, const char *hang, const char *text)
{
	struct str rest = str_of(text);
	size_t column = (size_t)fprintf(out, "%s", lead);

	while (rest.n) {
		struct str word = str_head(rest, str_chr(rest, ' '));

		if (column + 1 + word.n > COLUMNS)
			column = (size_t)fprintf(out, "\n%s", hang) - 1;
		column += (size_t)fprintf(out, " %.*s", STR_ARG(word));
		rest = str_skip(rest, word.n + 1);
	}
	fputc('\n', out);
}

static void print_help(FILE *out, int indent, const char *text)
{
	char lead[32];

	snprintf(lead, sizeof(lead), "%*s#", indent, "");
	print_comment(out, lead, lead, text);
}

/* The keys of a struct, as comments: the list itself may have no members. */
static void print_members(FILE *out, int indent, const struct key_table *t)
{
	char lead[96], hang[64];
	size_t i;

	snprintf(hang, sizeof(hang), "%*s#    ", indent, "");
	for (i = 0; i < t->n; i++) {
		const struct key *key = &t->keys[i];

		snprintf(lead, sizeof(lead), "%*s#   %s (%s%s):", indent, "", key->name,
			 key->preset ? "default " : "must be given",
			 key->preset ? key->preset : "");
		print_comment(out, lead, hang, key->help);
	}
}

static void print_text(FILE *out, const struct yaml_value *v)
{
	const char *quote = v->quoted ? "\"" : "";

	fprintf(out, "%s%s%s", quote, v->text.p, quote);
}

/* The preset of a list of structs, one member a line. */
static void print_structs(FILE *out, int indent, const struct key *key)
{
	struct arena arena = { 0 };
	struct error err;
	const struct yaml_value *list = yaml_parse(&arena, str_of(key->preset), key->name, &err);
	const struct yaml_value *item, *v;

	if (!list)
		bug(err.text);
	fprintf(out, "%*s%s:%s\n", indent, "", key->name, list->first ? "" : " []");
	for (item = list->first; item; item = item->next) {
		fprintf(out, "%*s- {", indent + 2, "");
		for (v = item->first; v; v = v->next) {
			fprintf(out, "%s: ", v->key.p);
			print_text(out, v);
			fputs(v->next ? ", " : "}\n", out);
		}
	}
	arena_release(&arena);
}

static void print_table(FILE *out, int indent, const struct key_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct key *key = &t->keys[i];

		/* Whoever has a table for it prints it. */
		if (key->type == KEY_TREE)
			continue;
		fputc('\n', out);
		print_help(out, indent, key->help);
		if (key->type == KEY_SECTION) {
			fprintf(out, "%*s%s:", indent, "", key->name);
			print_table(out, indent + 2, key->table);
		} else if (key->type == KEY_STRUCTS) {
			print_members(out, indent, key->table);
			print_structs(out, indent, key);
		} else {
			fprintf(out, "%*s%s: %s\n", indent, "", key->name, key->preset);
		}
	}
}

void keys_sample_part(const struct key_table *table, int indent, FILE *out)
{
	print_table(out, indent, table);
}

void keys_sample(const struct key_table *table, FILE *out)
{
	print_table(out, 0, table);
}
