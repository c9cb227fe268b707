/* Options, operands and the help made from their tables.
 *
 * The command is the first word that is neither an option nor the value of
 * one; so that options may come before it, all commands' tables are asked
 * whether a name takes a value. Invariant: nothing is executed or opened here. */
#include "cli/args.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/words.h"

/* Written by the globals' table; copied into the caller's cli. */
static struct cli given;

const struct option global_options[] = {
	{ "db", "FILE", OPTION_PATH, &given.db, NULL, 0,
	  "the database; default: the settings' `database`" },
	{ "config", "FILE", OPTION_PATH, &given.config, NULL, 0,
	  "the settings; default: " MAILAUDIT_SYSCONFDIR "/mailaudit.yaml" },
	{ "format", "FORMAT", OPTION_CHOICE, &given.format, out_format_name, OUT_FORMATS,
	  "table (default), json, jsonl or csv" },
	{ "color", "WHEN", OPTION_CHOICE, &given.color, out_color_name, OUT_COLORS,
	  "auto (default: on a terminal, unless NO_COLOR is set), always or never" },
	{ "help", NULL, OPTION_FLAG, &given.help, NULL, 0, "this text; after a command, its own" },
	{ "version", NULL, OPTION_FLAG, &given.version, NULL, 0,
	  "version and what it was built with" },
	{ .name = NULL }
};

struct nearest {
	const char *to, *name;
	size_t steps;
};

/* A word with more than a third of its letters wrong is another word. */
static void nearest_ask(struct nearest *n, const char *name)
{
	size_t steps = words_distance(str_of(n->to), str_of(name)), length = strlen(name);
	bool begins = n->to[0] && strncmp(n->to, name, strlen(n->to)) == 0;

	if (begins)
		steps = 1;
	if (steps <= length / 3 + 1 && steps < length && steps < n->steps) {
		n->name = name;
		n->steps = steps;
	}
}

static const struct option *option_in(const struct option *table, struct str name)
{
	for (; table->name; table++)
		if (str_eq(str_of(table->name), name))
			return table;
	return NULL;
}

/* "--name", "--name=value", -h, -V. false: an operand. */
static bool option_name(const char *arg, struct str *name)
{
	if (strcmp(arg, "-h") == 0 || strcmp(arg, "-V") == 0) {
		*name = arg[1] == 'h' ? STR("help") : STR("version");
		return true;
	}
	if (arg[0] != '-' || arg[1] == '\0')
		return false;
	*name = str_of(arg + 1 + (arg[1] == '-'));
	*name = str_head(*name, str_chr(*name, '='));
	return true;
}

static bool takes_next(const struct option *option, const char *arg)
{
	return option && option->metavar && !strchr(arg, '=');
}

/* Before the command is known any command's option may stand there. */
static const struct option *option_anywhere(struct str name)
{
	const struct option *found = option_in(global_options, name);

	for (const struct command *c = commands; c->name && !found; c++)
		found = option_in(c->options, name);
	return found;
}

/* Index of the command's name in argv; argc: there is none. */
static int find_command(int argc, char **argv)
{
	struct str name;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return argc;
		if (!option_name(argv[i], &name))
			break;
		if (takes_next(option_anywhere(name), argv[i]))
			i++;
	}
	return i < argc ? i : argc;
}

static int unknown_command(const char *name, struct error *err)
{
	struct nearest near = { name, NULL, WORDS_MAX };

	for (const struct command *c = commands; c->name; c++)
		nearest_ask(&near, c->name);
	if (near.name)
		return error_set(err, EXIT_USAGE, "no command '%s'; did you mean '%s'? "
				 "'mailaudit help' lists them", name, near.name);
	return error_set(err, EXIT_USAGE, "no command '%s'; 'mailaudit help' lists them", name);
}

static const char *help_command(const struct command *command, char *buf, size_t size)
{
	snprintf(buf, size, "mailaudit help%s%s", command ? " " : "",
		 command ? command->name : "");
	return buf;
}

static int unknown_option(const struct command *command, struct str name, struct error *err)
{
	char word[WORDS_MAX + 2], help[64];
	struct nearest near = { word, NULL, WORDS_MAX };

	snprintf(word, sizeof(word), "%.*s", STR_ARG(name));
	help_command(command, help, sizeof(help));
	for (const struct option *o = global_options; o->name; o++)
		nearest_ask(&near, o->name);
	for (const struct option *o = command ? command->options : NULL; o && o->name; o++)
		nearest_ask(&near, o->name);
	if (near.name)
		return error_set(err, EXIT_USAGE, "no option '--%s'; did you mean '--%s'? "
				 "See '%s'", word, near.name, help);
	return error_set(err, EXIT_USAGE, "no option '--%s'; see '%s'", word, help);
}

static int set_choice(const struct option *option, const char *text, struct error *err)
{
	char list[160] = "";
	size_t used = 0;

	for (int i = 0; i < option->nchoices; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*(int *)option->value = i;
			return 0;
		}
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 i ? ", " : "", option->choices[i]);
	}
	return error_set(err, EXIT_USAGE, "--%s is one of %s; not '%s'", option->name, list, text);
}

static int set_number(const struct option *option, const char *text, struct error *err)
{
	if (str_int(str_of(text), option->value))
		return 0;
	return error_set(err, EXIT_USAGE, "--%s takes a number; not '%s'", option->name, text);
}

static int set_time(const struct option *option, const char *text, const struct cli *cli,
		    struct error *err)
{
	if (stamp_user(str_of(text), cli->local, cli->now, option->value))
		return 0;
	return error_set(err, EXIT_USAGE, "--%s takes a time such as 2h, 3d, 2026-11-23, "
			 "2026-11-23T14:00:00Z; not '%s'", option->name, text);
}

static int set_option(const struct option *option, char *text, const struct cli *cli,
		      struct error *err)
{
	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)option->value = true;
		return 0;
	case OPTION_TEXT:
		*(struct str *)option->value = str_of(text);
		return 0;
	case OPTION_PATH:
		if (!*text)
			return error_set(err, EXIT_USAGE, "--%s needs a name", option->name);
		*(const char **)option->value = text;
		return 0;
	case OPTION_NUMBER:
		return set_number(option, text, err);
	case OPTION_TIME:
		return set_time(option, text, cli, err);
	case OPTION_CHOICE:
		return set_choice(option, text, err);
	}
	bug("an option of no type");
}

/* Takes the option at argv[*i] and its value. */
static int take_option(const struct command *command, struct str name, int argc, char **argv,
		       int *i, struct error *err)
{
	const struct option *option = option_in(global_options, name);
	char *equals = strchr(argv[*i], '='), *text = NULL;

	if (!option && command)
		option = option_in(command->options, name);
	if (!option)
		return unknown_option(command, name, err);
	if (!option->metavar && equals)
		return error_set(err, EXIT_USAGE, "--%s takes no value", option->name);
	if (option->metavar && equals)
		text = equals + 1;
	else if (option->metavar && *i + 1 == argc)
		return error_set(err, EXIT_USAGE, "--%s needs a value: --%s %s", option->name,
				 option->name, option->metavar);
	else if (option->metavar)
		text = argv[++*i];
	return set_option(option, text, &given, err);
}

static int take_all(const struct command *command, int command_at, int argc, char **argv,
		    struct error *err)
{
	bool options = true;
	struct str name;

	for (int i = 1; i < argc; i++) {
		if (i == command_at)
			continue;
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (!options || !option_name(argv[i], &name))
			given.operand[given.noperands++] = argv[i];
		else if (take_option(command, name, argc, argv, &i, err) < 0)
			return -1;
	}
	return 0;
}

int args_parse(struct cli *cli, int argc, char **argv, const struct command **command,
	       struct error *err)
{
	int at = find_command(argc, argv);
	int result;

	given = *cli;
	given.operand = argv + 1;
	*command = at < argc ? command_find(argv[at]) : NULL;
	if (at < argc && !*command)
		return unknown_command(argv[at], err);
	result = take_all(*command, at, argc, argv, err);
	*cli = given;
	return result;
}

static void print_options(FILE *to, const struct option *options)
{
	for (; options->name; options++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", options->name,
			 options->metavar ? " " : "", options->metavar ? options->metavar : "");
		fprintf(to, "  %-22s %s\n", left, options->help);
	}
}

static void help_all(FILE *to)
{
	fputs("Usage: mailaudit [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n"
	      "Whose mail is it? Queries the database that mailauditd keeps.\n\n"
	      "Commands:\n", to);
	for (const struct command *c = commands; c->name; c++)
		fprintf(to, "  %-10s %s\n", c->name, c->summary);
	fputs("\n'mailaudit help COMMAND' tells a command's options. For all commands:\n", to);
	print_options(to, global_options);
	fputs("\nTimes are 30s, 90m, 2h, 3d, 1w (before now), 2026-11-23, \"2026-11-23 14:00\"\n"
	      "or RFC 3339; without a zone they are local. Tables show local time, the other\n"
	      "formats UTC.\n\n"
	      "Formats: json is an array with one record a line, or one object; jsonl one\n"
	      "object a line. csv is RFC 4180; a nested value is its JSON text in one field,\n"
	      "one object is \"key,value\" lines, and a text that starts with = + - @ gets a '\n"
	      "before it. What a value lacks is null. Bytes that are not UTF-8 are shown as\n"
	      "\\xNN in all formats, control characters too in table and csv.\n\n"
	      "Exit status: 0 found, 1 nothing matched, 64 usage, 66 no input, 70 internal\n"
	      "error, 75 database busy, 77 no permission, 78 settings or database unusable.\n",
	      to);
}

void args_help(FILE *to, const struct command *command)
{
	if (!command) {
		help_all(to);
		return;
	}
	fprintf(to, "Usage: mailaudit %s%s%s\n%s\n", command->name, *command->usage ? " " : "",
		command->usage, command->help);
	if (command->options->name) {
		fputs("\nOptions:\n", to);
		print_options(to, command->options);
	}
	fputs("\nOptions for all commands:\n", to);
	print_options(to, global_options);
}
