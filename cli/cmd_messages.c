/* mailaudit messages: one record a message. */
#include "cli/cli.h"
#include "cli/tell.h"

static struct message_filter filter = { .status = -1, .direction = -1 };

const struct option options_messages[] = {
	{ "account", "NAME", OPTION_TEXT, &filter.account, NULL, 0,
	  "attributed to it; \"\" for nobody's" },
	{ "login", "LOGIN", OPTION_TEXT, &filter.login, NULL, 0, "submitted with this login" },
	{ "script", "GLOB", OPTION_TEXT, &filter.script, NULL, 0,
	  "sent by a script; * ? [a-z], * crosses slashes" },
	{ "sender", "ADDRESS", OPTION_TEXT, &filter.sender, NULL, 0,
	  "envelope sender; @domain for all of a domain, \"\" for <>" },
	{ "rcpt", "ADDRESS", OPTION_TEXT, &filter.rcpt, NULL, 0,
	  "a recipient, also as first addressed; or @domain" },
	{ "ip", "ADDRESS", OPTION_TEXT, &filter.ip, NULL, 0, "address of the client" },
	{ "status", "STATUS", OPTION_CHOICE, &filter.status, rcpt_status_name, RCPT_STATUSES,
	  "of a recipient: pending, sent, deferred, bounced, expired, rejected" },
	{ "direction", "WHERE", OPTION_CHOICE, &filter.direction, direction_name, DIRECTIONS,
	  "outbound, forwarded, local, inbound or unknown" },
	{ "since", "TIME", OPTION_TIME, &filter.since, NULL, 0, "first seen then or later" },
	{ "until", "TIME", OPTION_TIME, &filter.until, NULL, 0, "first seen before" },
	{ "limit", "N", OPTION_NUMBER, &filter.limit, NULL, 0, "at most so many; default: all" },
	{ .name = NULL }
};

const char help_messages[] =
	"Lists messages, newest first: when, whose, by which evidence (VIA), from what\n"
	"script, login or host, to whom, and what became of it.\n"
	"\n"
	"VIA, strongest first: ref (reference header logged with the queue id), header\n"
	"(X-PHP-Originating-Script logged), phplog (joined line of PHP's mail log), cwd\n"
	"(directory Exim logged), sasl (login), uid, domain (weakest).\n"
	"\n"
	"Keys: host instance queue_id message_id time state direction channel account via\n"
	"login uid client_ip helo script script_line sender subject size\n"
	"recipients[{address orig_to status dsn relay response time}]\n"
	"php{time script line to subject headers state ambiguous} parent ambiguous closed\n"
	"cwd. A sender of \"\" is the null sender <>.";

static bool tell_row(void *context, const struct report_message *row)
{
	struct out *o = context;

	out_record(o);
	tell_message(o, row);
	return out_record_end(o);
}

int run_messages(struct cli *cli, struct error *err)
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
	out_list(o, message_columns);
	result = report_messages(report, &filter, tell_row, o, err);
	out_list_end(o);
	report_close(report);
	return result < 0 ? result : cli_found(cli, "no message matches");
}
