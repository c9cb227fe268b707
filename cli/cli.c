/* The table of commands, and what they share: settings, database, output.
 *
 * Does not look at the command line (args.c), nor know what a command does. */
#include "cli/cli.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "heuristics/heuristics.h"
#include "parsers/parsers.h"
#include "schema/report.h"

static const char default_config[] = MAILAUDIT_SYSCONFDIR "/mailaudit.yaml";

const struct command commands[] = {
#define COMMAND(name, usage, summary) \
	{ #name, usage, summary, help_##name, options_##name, run_##name },
#include "cli/commands.def"
#undef COMMAND
	{ .name = NULL }
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* Results are UTF-8 in every locale; the library that lays out tables counts
 * characters as the locale does. */
static void use_utf8(void)
{
	if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return;
	setlocale(LC_CTYPE, "C.UTF-8");
}

void cli_init(struct cli *cli)
{
	struct timespec now;

	use_utf8();
	clock_gettime(CLOCK_REALTIME, &now);
	*cli = (struct cli){ .now = now.tv_sec * USEC_SECOND + now.tv_nsec / 1000 };
	cli->local = zone_find(STR("local"));
	if (!cli->local)
		cli->local = zone_utc();
}

int cli_complain(const struct error *err)
{
	fprintf(stderr, "mailaudit: %s\n", err->text);
	return err->code ? err->code : EXIT_INTERNAL;
}

int cli_run(struct cli *cli, const struct command *command)
{
	struct error err = { .code = EXIT_INTERNAL };
	int code = command->run(cli, &err);

	return code < 0 ? cli_complain(&err) : code;
}

int cli_end(struct cli *cli, int code)
{
	struct error err = { .code = EXIT_INTERNAL };

	if (cli->out && out_free(cli->out, &err) < 0)
		code = cli_complain(&err);
	cli->out = NULL;
	settings_free(cli->settings);
	cli->settings = NULL;
	return code;
}

const struct settings *cli_settings(struct cli *cli, struct error *err)
{
	if (cli->settings)
		return cli->settings;
	if (cli->config)
		cli->settings = settings_load(cli->config, err);
	else if (access(default_config, F_OK) == 0)
		cli->settings = settings_load(default_config, err);
	else
		cli->settings = settings_default();
	if (cli->settings && (settings_check_formats(cli->settings, all_parsers, err) < 0 ||
			      settings_heuristics(cli->settings, all_heuristics, err) < 0)) {
		settings_free(cli->settings);
		cli->settings = NULL;
	}
	if (cli->settings && cli->db)
		cli->settings->database = cli->db;
	return cli->settings;
}

int cli_reload(struct cli *cli, struct error *err)
{
	struct settings *before = cli->settings;

	cli->settings = NULL;
	if (!cli_settings(cli, err)) {
		cli->settings = before;
		return -1;
	}
	settings_free(before);
	return 0;
}

const char *cli_database(struct cli *cli, struct error *err)
{
	const struct settings *settings;

	if (cli->db)
		return cli->db;
	settings = cli_settings(cli, err);
	return settings ? settings->database : NULL;
}

struct report *cli_report(struct cli *cli, struct error *err)
{
	const char *path = cli_database(cli, err);
	struct report *report;

	if (!path)
		return NULL;
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		error_set(err, EXIT_NOINPUT, "no database at %s; start mailauditd, read a log with "
			  "'mailaudit import FILE', or name a database with --db", path);
		return NULL;
	}
	report = report_open(path, err);
	if (!report && err->code == EXIT_PERMISSION && geteuid() != 0)
		error_prefix(err, "try as root or as a member of the database's group");
	return report;
}

struct out *cli_out(struct cli *cli)
{
	if (!cli->out)
		cli->out = out_new(stdout, (enum out_format)cli->format,
				   (enum out_color)cli->color);
	return cli->out;
}

int cli_found(struct cli *cli, const char *nothing)
{
	if (out_count(cli->out))
		return EXIT_FOUND;
	if (out_is_table(cli->out))
		fprintf(stderr, "mailaudit: %s\n", nothing);
	return EXIT_NOTHING;
}

int cli_operands(struct cli *cli, int min, int max, struct error *err)
{
	if (cli->noperands < min)
		return error_set(err, EXIT_USAGE, "too few arguments; see 'mailaudit help'");
	if (cli->noperands > max)
		return error_set(err, EXIT_USAGE, "one argument too many: '%s'; see "
				 "'mailaudit help'", cli->operand[max]);
	return 0;
}
