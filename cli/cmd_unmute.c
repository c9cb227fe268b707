/* mailaudit unmute KIND NAME: ends a mute before its time. */
#include "cli/desk.h"

const struct option options_unmute[] = { { .name = NULL } };

const char help_unmute[] =
	"Ends a mute before its time. What was found meanwhile, and still goes on, is told.";

struct unmute {
	struct str kind, name;
	int found;
};

static int drop(struct decide *d, void *context, struct error *err)
{
	struct unmute *u = context;

	u->found = decide_unmute(d, u->kind, u->name, err);
	return u->found < 0 ? -1 : 0;
}

int run_unmute(struct cli *cli, struct error *err)
{
	struct unmute u = { .found = 0 };
	struct decide *d;
	int rc;

	if (cli_operands(cli, 2, 2, err) < 0)
		return -1;
	u.kind = str_of(cli->operand[0]);
	u.name = str_of(cli->operand[1]);
	if (desk_kind(u.kind, err) < 0)
		return -1;
	d = desk_open(cli, err);
	if (!d)
		return -1;
	rc = decide_transaction(d, drop, &u, err);
	decide_close(d);
	if (rc < 0)
		return -1;
	return u.found ? EXIT_FOUND :
			 error_set(err, EXIT_NOTHING, "%s '%s' is not muted", cli->operand[0],
				   cli->operand[1]);
}
