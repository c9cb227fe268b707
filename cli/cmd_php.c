/* mailaudit php: calls of PHP's mail(), as its log told them. */
#include "cli/cli.h"
#include "cli/tell.h"

static struct php_filter filter;

const struct option options_php[] = {
	{ "unmatched", NULL, OPTION_FLAG, &filter.unmatched, NULL, 0,
	  "only those that no message followed" },
	{ "account", "NAME", OPTION_TEXT, &filter.account, NULL, 0, "of this account's scripts" },
	{ "since", "TIME", OPTION_TIME, &filter.since, NULL, 0, "logged then or later" },
	{ "until", "TIME", OPTION_TIME, &filter.until, NULL, 0, "logged before" },
	{ "limit", "N", OPTION_NUMBER, &filter.limit, NULL, 0, "at most so many; default: all" },
	{ .name = NULL }
};

const char help_php[] =
	"Lists calls of PHP's mail(), newest first. STATE: matched (its message is known),\n"
	"waiting (for one) or unmatched: PHP logs before it sends, so the mail was blocked\n"
	"or never sent.\n"
	"\n"
	"Keys: time host account state ambiguous script line eval to subject headers\n"
	"message_id uid trust(system|tenant: the customer could have written it).";

static bool tell_row(void *context, const struct php_mail *php)
{
	struct out *o = context;

	out_record(o);
	tell_php(o, php);
	return out_record_end(o);
}

int run_php(struct cli *cli, struct error *err)
{
	struct report *report;
	struct out *o;
	int result;

	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	o = cli_out(cli);
	out_list(o, php_columns);
	result = report_php(report, &filter, tell_row, o, err);
	out_list_end(o);
	report_close(report);
	return result < 0 ? result : cli_found(cli, "no call of PHP's mail() matches");
}
