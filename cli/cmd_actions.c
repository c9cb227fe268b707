/* mailaudit actions: what was done about alerts, and what there is. */
#include "cli/cli.h"
#include "cli/tell_action.h"
#include "notify/action.h"
#include "schema/report.h"

static int64_t alert, limit;
static bool list_known;

const struct option options_actions[] = {
	{ "alert", "ID", OPTION_NUMBER, &alert, NULL, 0, "what was done about this alert" },
	{ "list", NULL, OPTION_FLAG, &list_known, NULL, 0, "the actions there are" },
	{ "limit", "N", OPTION_NUMBER, &limit, NULL, 0, "at most so many; default: all" },
	{ .name = NULL }
};

const char help_actions[] =
	"Lists what was done about alerts, by a rule or on demand, newest first. With --list\n"
	"the actions there are: those installed, and those of the settings' actions.folder.\n"
	"\n"
	ACTION_KEYS "\n"
	"Keys of --list: name for mta about. for: login, script, or queue (the messages of the\n"
	"alert that are still queued).";

static const struct out_column known_columns[] = {
	{ "name", "ACTION", 0, 0 },
	{ "for", "FOR", 0, 0 },
	{ "mta", "MTA", 0, 0 },
	{ "about", "WHAT IT DOES", OUT_WRAP, 0 },
	{ NULL, NULL, 0, 0 }
};

static bool tell_known(void *context, const char *name, const char *about, const char *target,
		       const char *mta)
{
	struct out *o = context;

	out_record(o);
	out_text(o, "name", str_of(name));
	out_text(o, "for", str_of(target));
	out_text(o, "mta", str_of(mta));
	out_text(o, "about", str_of(about));
	return out_record_end(o);
}

static int tell_all_known(struct cli *cli, struct error *err)
{
	const struct settings *s = cli_settings(cli, err);
	struct actions *actions = s ? actions_load(s, err) : NULL;
	struct out *o;

	if (!actions)
		return -1;
	o = cli_out(cli);
	out_list(o, known_columns);
	actions_list(actions, tell_known, o);
	out_list_end(o);
	actions_free(actions);
	return EXIT_FOUND;
}

int run_actions(struct cli *cli, struct error *err)
{
	struct report *report;
	struct out *o;
	int rc;

	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	if (list_known)
		return tell_all_known(cli, err);
	report = cli_report(cli, err);
	if (!report)
		return -1;
	o = cli_out(cli);
	out_list(o, action_columns);
	rc = report_actions(report, alert, limit, tell_action, o, err);
	out_list_end(o);
	report_close(report);
	return rc < 0 ? rc : cli_found(cli, "nothing was done so far");
}
