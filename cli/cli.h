/* What every command is given, and what a command is. */
#ifndef MAILAUDIT_CLI_CLI_H
#define MAILAUDIT_CLI_CLI_H

#include "cli/out.h"
#include "core/settings.h"

struct cli {
	const char *db, *config; /* as given; NULL: not */
	int format, color; /* enum out_format, enum out_color */
	bool help, version; /* asked for */
	usec_t now;
	const struct zone *local; /* of times on the command line and in tables */
	char **operand; /* what is no option, without the command's name */
	int noperands;
	struct settings *settings; /* see cli_settings */
	struct out *out; /* see cli_out */
};

enum option_type {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* struct str; p stays NULL when not given, "" is allowed */
	OPTION_PATH, /* const char * */
	OPTION_NUMBER, /* int64_t, not negative */
	OPTION_TIME, /* usec_t, see stamp_user */
	OPTION_CHOICE /* int, index into choices */
};

/* One row of a table that ends with a NULL name. value points to what the
 * type says and keeps what it was initialised with if the option is not given. */
struct option {
	const char *name; /* without the dashes */
	const char *metavar; /* NULL for flags */
	enum option_type type;
	void *value;
	const char *const *choices;
	int nchoices;
	const char *help;
};

/* A row of commands.def and what the command's file has for it. */
struct command {
	const char *name, *usage, *summary;
	const char *help; /* further lines for --help */
	const struct option *options;
	/* An enum exit_code, or -1 with *err filled. */
	int (*run)(struct cli *cli, struct error *err);
};

#define COMMAND(name, usage, summary)              \
	extern const char help_##name[];           \
	extern const struct option options_##name[]; \
	int run_##name(struct cli *cli, struct error *err);
#include "cli/commands.def"
#undef COMMAND

extern const struct command commands[]; /* ends with a NULL name */
const struct command *command_find(const char *name); /* NULL: none */

/* Locale, clock, zone. */
void cli_init(struct cli *cli);
/* Runs the command and says what went wrong. Returns the exit code. */
int cli_run(struct cli *cli, const struct command *command);
/* Writes what is left of the results and frees. code, or that of a failed write. */
int cli_end(struct cli *cli, int code);
/* "mailaudit: text" on standard error; returns the error's exit code. */
int cli_complain(const struct error *err);

/* The settings of --config, of the default file, or the defaults. Read when
 * first asked for; NULL with *err filled. --db replaces their database. */
const struct settings *cli_settings(struct cli *cli, struct error *err);
/* Reads them again; on failure (-1) those there were stay. */
int cli_reload(struct cli *cli, struct error *err);
/* The database to use; NULL with *err filled. */
const char *cli_database(struct cli *cli, struct error *err);
struct report;
/* Opened for reading; NULL with *err filled, saying how to get a database. */
struct report *cli_report(struct cli *cli, struct error *err);
/* Standard output in the format asked for. */
struct out *cli_out(struct cli *cli);
/* EXIT_FOUND or EXIT_NOTHING by what was told; a table says so in words. */
int cli_found(struct cli *cli, const char *nothing);

/* 0, or -1 with a usage error when there are not min..max operands. */
int cli_operands(struct cli *cli, int min, int max, struct error *err);

#endif
