/* mailaudit findings [ID]: what the heuristics found. */
#include "cli/cli.h"
#include "cli/tell.h"

/* --case by its place in the list: each case, then all that are scripts. */
#define CASE_SCRIPTS CASES
static const char *const case_choices[CASES + 1] = {
	"unknown", "2", "3a", "3b", "3c", "3d", "4", "5", "3",
};

static struct finding_filter filter = { .first_case = -1, .severity = -1 };
static int asked_case = -1;

const struct option options_findings[] = {
	{ "account", "NAME", OPTION_TEXT, &filter.account, NULL, 0,
	  "of this account; \"\" for nobody's" },
	{ "case", "CASE", OPTION_CHOICE, &asked_case, case_choices, CASES + 1,
	  "2, 3a, 3b, 3c, 3d, 4, 5 or unknown; 3 for 3a to 3d" },
	{ "severity", "SEVERITY", OPTION_CHOICE, &filter.severity, severity_name,
	  SEVERITY_CRITICAL + 1, "warning or critical" },
	{ "open", NULL, OPTION_FLAG, &filter.open, NULL, 0, "only what still goes on" },
	{ "since", "TIME", OPTION_TIME, &filter.since, NULL, 0, "raised then or later" },
	{ "until", "TIME", OPTION_TIME, &filter.until, NULL, 0, "raised before" },
	{ "limit", "N", OPTION_NUMBER, &filter.limit, NULL, 0, "at most so many; default: all" },
	{ .name = NULL }
};

const char help_findings[] =
	"Lists what was found, newest first; with an ID, all that is known of one finding:\n"
	"evidence, why it is this case and no other, what to do.\n"
	"\n"
	"CASE: 2 infected PC, 3a injected form, 3b uploaded mailer, 3c abused form,\n"
	"3d unknown script, 4 stolen password, 5 spoofed elsewhere, or unknown.\n"
	"\n"
	"Keys: id time first_seen last_seen severity case account login script host summary\n"
	"score{volume origin delivery injection script identity} evidence[] messages\n"
	"recipients leaked_before line closed reopened title novel results unknown_users\n"
	"spam_answers sources[] answers[] queue_ids[] subjects[] why[] advice[]. time is when\n"
	"it was raised, leaked_before the recipients accepted from first_seen until then;\n"
	"novel are recipients never written to before; closed is null while it goes on.";

static bool tell_row(void *context, const struct finding *f)
{
	struct out *o = context;

	out_record(o);
	tell_finding_row(o, f);
	return out_record_end(o);
}

static bool tell_page(void *context, const struct finding *f)
{
	struct out *o = context;

	out_object(o);
	tell_finding_row(o, f);
	out_object_end(o, finding_sections);
	return true;
}

static int list(struct out *o, struct report *report, struct error *err)
{
	int result;

	out_list(o, finding_columns);
	result = report_findings(report, &filter, tell_row, o, err);
	out_list_end(o);
	return result;
}

static int take_operand(struct cli *cli, int64_t *id, struct error *err)
{
	if (cli_operands(cli, 0, 1, err) < 0)
		return -1;
	if (asked_case >= 0) {
		filter.first_case = asked_case == CASE_SCRIPTS ? CASE_INJECTED : asked_case;
		filter.last_case = asked_case == CASE_SCRIPTS ? CASE_SCRIPT : asked_case;
	}
	if (cli->noperands && !str_int(str_of(cli->operand[0]), id))
		return error_set(err, EXIT_USAGE, "a finding's id is a number; not '%s'",
				 cli->operand[0]);
	return 0;
}

int run_findings(struct cli *cli, struct error *err)
{
	struct report *report;
	struct out *o;
	int64_t id;
	int result;

	if (take_operand(cli, &id, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	o = cli_out(cli);
	result = cli->noperands ? report_finding(report, id, tell_page, o, err) :
				  list(o, report, err);
	report_close(report);
	if (result < 0)
		return result;
	return cli_found(cli, cli->noperands ? "no finding has this id" : "no finding matches");
}
