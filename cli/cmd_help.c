/* mailaudit help [COMMAND]: the texts are made in args.c from the tables. */
#include "cli/args.h"

const struct option options_help[] = { { .name = NULL } };
const char help_help[] = "Lists the commands, or tells one command's options.";

int run_help(struct cli *cli, struct error *err)
{
	const struct command *command = NULL;

	if (cli_operands(cli, 0, 1, err) < 0)
		return -1;
	if (cli->noperands) {
		command = command_find(cli->operand[0]);
		if (!command)
			return error_set(err, EXIT_USAGE, "no command '%s'; 'mailaudit help' "
					 "lists them", cli->operand[0]);
	}
	args_help(stdout, command);
	return EXIT_FOUND;
}
