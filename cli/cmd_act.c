/* mailaudit act ALERT_ID ACTION: does something about an alert, now. */
#include "cli/desk.h"
#include "cli/tell_action.h"
#include "notify/action.h"

static bool dry;

const struct option options_act[] = {
	{ "dry-run", NULL, OPTION_FLAG, &dry, NULL, 0, "only write down what would be done" },
	{ .name = NULL }
};

const char help_act[] =
	"Does something about an alert, at once and in this process: for its login, for each of\n"
	"its scripts, or for its messages that are still queued, as the action says.\n"
	"'mailaudit actions --list' lists the actions. It needs the rights of what it does,\n"
	"most often root's. While the settings' actions.dry_run is yes, nothing is really done.\n"
	"Exit status 1: it was refused or failed, or the alert names nothing to do it to.\n"
	"\n"
	ACTION_KEYS;

/* Rows that were told, and those that did not go well. */
struct telling {
	struct out *out;
	int bad, dry;
};

static bool tell(void *context, const struct action_row *row)
{
	struct telling *t = context;

	t->bad += row->state != ACTION_DONE && row->state != ACTION_DRY;
	t->dry += row->state == ACTION_DRY;
	return tell_action(t->out, row);
}

static int act(struct cli *cli, struct decide *d, struct report *r, const struct actions *actions,
	       int64_t id, struct error *err)
{
	struct alert *alert = decide_alert(d, id, err);
	struct telling t = { .out = cli_out(cli) };
	char by[64];
	int rc;

	if (!alert)
		return err->code ? -1 : error_set(err, EXIT_NOTHING, "there is no alert %lld",
						  (long long)id);
	out_list(t.out, action_columns);
	rc = actions_act(actions, cli->operand[1], cli->settings, d, r, alert, desk_user(by), dry,
			 cli->now, tell, &t, err);
	out_list_end(t.out);
	alert_free(alert);
	if (rc < 0)
		return -1;
	if (t.dry && !dry && out_is_table(t.out))
		fputs("mailaudit: nothing was done: actions.dry_run is yes\n", stderr);
	if (!rc)
		return cli_found(cli, "the alert names nothing that this could be done to");
	return t.bad ? EXIT_NOTHING : EXIT_FOUND;
}

int run_act(struct cli *cli, struct error *err)
{
	const struct settings *s;
	struct actions *actions;
	struct decide *d = NULL;
	struct report *r = NULL;
	int64_t id;
	int rc = -1;

	if (cli_operands(cli, 2, 2, err) < 0 ||
	    desk_id(cli->operand[0], "an alert", &id, err) < 0)
		return -1;
	s = cli_settings(cli, err);
	actions = s ? actions_load(s, err) : NULL;
	if (actions)
		r = cli_report(cli, err);
	if (r)
		d = desk_open(cli, err);
	if (d)
		rc = act(cli, d, r, actions, id, err);
	decide_close(d);
	report_close(r);
	actions_free(actions);
	return rc;
}
