/* mailaudit undo ID: takes back what an action did. */
#include "cli/desk.h"
#include "cli/tell_action.h"
#include "notify/action.h"

const struct option options_undo[] = { { .name = NULL } };

const char help_undo[] =
	"Undoes what an action did, its last step first; one that waits is cancelled. ID is that\n"
	"of 'mailaudit actions'. It needs the rights that the action needed. What somebody\n"
	"changed otherwise meanwhile is left alone. It can be asked again if not all of it\n"
	"could be undone.\n"
	"\n"
	ACTION_KEYS;

static int tell_row(struct cli *cli, struct decide *d, int64_t id, struct error *err)
{
	struct action_row *row = action_load(d, id, err);
	struct out *o = cli_out(cli);

	if (!row)
		return -1;
	out_list(o, action_columns);
	tell_action(o, row);
	out_list_end(o);
	action_row_free(row);
	return EXIT_FOUND;
}

int run_undo(struct cli *cli, struct error *err)
{
	const struct settings *s;
	struct actions *actions;
	struct decide *d = NULL;
	char by[64];
	int64_t id;
	int rc = -1;

	if (cli_operands(cli, 1, 1, err) < 0 ||
	    desk_id(cli->operand[0], "an action", &id, err) < 0)
		return -1;
	s = cli_settings(cli, err);
	actions = s ? actions_load(s, err) : NULL;
	if (actions)
		d = desk_open(cli, err);
	if (d && actions_undo(actions, s, d, id, desk_user(by), cli->now, err) == 0)
		rc = tell_row(cli, d, id, err);
	decide_close(d);
	actions_free(actions);
	return rc;
}
