/* mailaudit explain [HEURISTIC]: what is looked at, and with which figures. */
#include <stdlib.h>

#include "cli/cli.h"
#include "heuristics/heuristics.h"

const struct option options_explain[] = { { .name = NULL } };

const char help_explain[] =
	"Lists the heuristics, or tells about one: what it looks at, where its figures come\n"
	"from, what it takes for innocent, and its settings with the value in use.\n"
	"\n"
	"Keys: name family summary about settings[{key default value help}]. about has a blank\n"
	"line between paragraphs.";

static const struct out_column list_columns[] = {
	{ "name", "NAME", 0, 0 },
	{ "family", NULL, 0, 0 },
	{ "summary", "LOOKS FOR", OUT_WRAP, 0 },
	{ "about", NULL, 0, 0 },
	{ "settings", NULL, 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column head_columns[] = {
	{ "name", "Heuristic", 0, 0 },
	{ "family", "Evidence", 0, 0 },
	{ "summary", "Looks for", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column paragraph_columns[] = {
	{ "paragraph", "", OUT_WRAP, 0 }, { NULL, NULL, 0, 0 }
};

static const struct out_column setting_columns[] = {
	{ "key", "KEY", 0, 0 },
	{ "value", "VALUE", OUT_RIGHT, 0 },
	{ "default", "DEFAULT", OUT_RIGHT, 0 },
	{ "help", "MEANING", OUT_WRAP, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "about", "About", paragraph_columns },
	{ "settings", "Settings", setting_columns },
	{ NULL, NULL, NULL }
};

static void tell_strings(struct out *o, const char *key, const struct string_list *list)
{
	out_enter_list(o, key);
	for (size_t i = 0; i < list->n; i++)
		out_text(o, NULL, str_of(list->at[i]));
	out_leave(o);
}

/* A member of a struct of settings by its type; what a heuristic cannot have is
 * told as null. */
static void tell_value(struct out *o, const char *name, const struct key *key, const void *set)
{
	const void *at = (const char *)set + key->offset;

	switch (key->type) {
	case KEY_REAL:
		out_real(o, name, *(const double *)at);
		return;
	case KEY_INTEGER:
	case KEY_SIZE:
		out_number(o, name, *(const int64_t *)at);
		return;
	case KEY_LENGTH:
		out_number(o, name, *(const usec_t *)at / USEC_SECOND);
		return;
	case KEY_BOOL:
		out_flag(o, name, *(const bool *)at);
		return;
	case KEY_STRING:
		out_text(o, name, str_of(*(const char *const *)at));
		return;
	case KEY_STRINGS:
		tell_strings(o, name, at);
		return;
	default:
		out_null(o, name);
	}
}

static void tell_settings(struct out *o, const struct heuristic *h, const void *used)
{
	struct arena arena = { 0 };
	struct key_origin from = { h->name, NULL, &arena };
	void *preset = xcalloc(1, h->keys.size + 1);

	keys_preset(&h->keys, preset, &from);
	out_enter_list(o, "settings");
	for (size_t i = 0; i < h->keys.n; i++) {
		const struct key *key = &h->keys.keys[i];

		out_enter_object(o, NULL);
		out_text(o, "key", str_of(key->name));
		tell_value(o, "default", key, preset);
		tell_value(o, "value", key, used);
		out_text(o, "help", str_of(key->help));
		out_leave(o);
	}
	out_leave(o);
	free(preset);
	arena_release(&arena);
}

/* For people a list of paragraphs, an empty line between them. */
static void tell_about(struct out *o, struct str text)
{
	if (!out_is_table(o)) {
		out_text(o, "about", text);
		return;
	}
	out_enter_list(o, "about");
	while (text.n) {
		size_t end = str_chr(text, '\n');

		out_string(o, NULL, str_head(text, end));
		text = str_skip(text, end + 1);
	}
	out_leave(o);
}

static void tell_heuristic(struct out *o, const struct heuristic *h, const void *used)
{
	out_text(o, "name", str_of(h->name));
	out_text(o, "family", h->family < FAMILIES ? str_of(family_name[h->family]) : STR_NONE);
	out_text(o, "summary", str_of(h->summary));
	tell_about(o, str_of(h->about));
	tell_settings(o, h, used);
}

static int explain_all(struct cli *cli, const struct settings *s)
{
	struct out *o = cli_out(cli);

	out_list(o, list_columns);
	for (size_t i = 0; all_heuristics[i]; i++) {
		out_record(o);
		tell_heuristic(o, all_heuristics[i], s->heuristics.at[i]);
		out_record_end(o);
	}
	out_list_end(o);
	return EXIT_FOUND;
}

static int explain_one(struct cli *cli, const struct settings *s, const char *name,
		       struct error *err)
{
	struct out *o = cli_out(cli);

	for (size_t i = 0; all_heuristics[i]; i++) {
		if (strcmp(all_heuristics[i]->name, name) != 0)
			continue;
		out_object(o);
		tell_heuristic(o, all_heuristics[i], s->heuristics.at[i]);
		out_object_end(o, sections);
		return EXIT_FOUND;
	}
	return error_set(err, EXIT_USAGE, "no heuristic '%s'; 'mailaudit explain' lists them", name);
}

int run_explain(struct cli *cli, struct error *err)
{
	const struct settings *s;

	if (cli_operands(cli, 0, 1, err) < 0)
		return -1;
	s = cli_settings(cli, err);
	if (!s)
		return -1;
	return cli->noperands ? explain_one(cli, s, cli->operand[0], err) : explain_all(cli, s);
}
