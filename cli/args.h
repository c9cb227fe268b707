/* The command line: options in any place, "--name value" or "--name=value". */
#ifndef MAILAUDIT_CLI_ARGS_H
#define MAILAUDIT_CLI_ARGS_H

#include "cli/cli.h"

/* Options that every command takes; they fill the cli given to args_parse. */
extern const struct option global_options[];

/* Fills *cli, the command's options and *command (NULL: none named).
 * Operands are put together at the front of argv[1..]. -1: usage error. */
int args_parse(struct cli *cli, int argc, char **argv, const struct command **command,
	       struct error *err);
/* The text of --help, for one command or (NULL) for all. */
void args_help(FILE *to, const struct command *command);

#endif
