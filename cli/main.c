/* mailaudit: asks the database that mailauditd keeps. */
#include <signal.h>
#include <stdlib.h>

#include "cli/args.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif
#ifndef MAILAUDIT_FEATURES
#define MAILAUDIT_FEATURES ""
#endif

static int say_version(void)
{
	puts("mailaudit " PACKAGE_VERSION "\nfeatures: " MAILAUDIT_FEATURES);
	return EXIT_FOUND;
}

static int say_help(const struct command *command)
{
	args_help(stdout, command);
	return EXIT_FOUND;
}

static int say_usage(void)
{
	struct error err;

	error_set(&err, EXIT_USAGE, "no command; 'mailaudit help' lists them");
	return cli_complain(&err);
}

static int run(struct cli *cli, const struct command *command)
{
	if (cli->version)
		return say_version();
	if (cli->help)
		return say_help(command);
	return command ? cli_run(cli, command) : say_usage();
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct error err;
	struct cli cli;

	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is no error: see out_free */
	cli_init(&cli);
	if (args_parse(&cli, argc, argv, &command, &err) < 0)
		return cli_complain(&err);
	return cli_end(&cli, run(&cli, command));
}
