/* mailaudit account NAME: volumes, means, networks, outcomes of one account. */
#include "cli/cli.h"
#include "cli/tell.h"

static struct {
	usec_t since, until;
	int64_t limit;
} opt = { .limit = 10 };

const struct option options_account[] = {
	{ "since", "TIME", OPTION_TIME, &opt.since, NULL, 0, "messages first seen then or later" },
	{ "until", "TIME", OPTION_TIME, &opt.until, NULL, 0, "messages first seen before" },
	{ "limit", "N", OPTION_NUMBER, &opt.limit, NULL, 0,
	  "at most so many rows a list (10; 0: all); days are always all" },
	{ .name = NULL }
};

const char help_account[] =
	"What one account sent: messages and recipients told apart, by outcome, script,\n"
	"login, network, evidence, sender and day.\n"
	"\n"
	"Keys: account first_seen last_seen volumes{messages recipients pending sent deferred\n"
	"bounced expired rejected} directions{outbound forwarded local inbound unknown}\n"
	"php{calls unmatched} direct{smtp submission last_seen}: connections past the mail\n"
	"server that were logged, to port 25 and to 465 and 587; and lists: scripts logins\n"
	"networks via senders outcomes days, each of {name messages recipients pending sent\n"
	"... last_seen}; findings: the open ones whatever the period, with the keys of\n"
	"'findings'.";

static const char *const part_key[ACCOUNT_PARTS] = {
	[PART_SCRIPTS] = "scripts",   [PART_LOGINS] = "logins", [PART_NETWORKS] = "networks",
	[PART_VIA] = "via",	      [PART_SENDERS] = "senders", [PART_OUTCOMES] = "outcomes",
	[PART_DAYS] = "days",
};

static const struct out_column head_columns[] = {
	{ "account", "Account", 0, 0 },
	{ "first_seen", "First seen", 0, 0 },
	{ "last_seen", "Last seen", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column volume_columns[] = {
	{ "messages", "Messages", 0, 0 },     { "recipients", "Recipients", 0, 0 },
	{ "sent", "  sent", 0, 0 },           { "deferred", "  deferred", 0, 0 },
	{ "bounced", "  bounced", 0, 0 },     { "expired", "  expired", 0, 0 },
	{ "rejected", "  rejected", 0, 0 },   { "pending", "  pending", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column direction_columns[] = {
	{ "outbound", "Outbound", 0, 0 }, { "forwarded", "Forwarded", 0, 0 },
	{ "local", "Local", 0, 0 },       { "inbound", "Inbound", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column php_call_columns[] = {
	{ "calls", "Calls of mail()", 0, 0 },
	{ "unmatched", "  no message followed", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column direct_columns[] = {
	{ "smtp", "To port 25", 0, 0 },
	{ "submission", "To ports 465, 587", 0, 0 },
	{ "last_seen", "Last seen", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column share_columns[] = {
	{ "name", "NAME", OUT_TRUNC, 0 },
	{ "messages", "MESSAGES", OUT_RIGHT, 0 },
	{ "recipients", "RECIPIENTS", OUT_RIGHT, 0 },
	{ "sent", "SENT", OUT_RIGHT, 0 },
	{ "deferred", "DEFERRED", OUT_RIGHT, 0 },
	{ "bounced", "BOUNCED", OUT_RIGHT, 0 },
	{ "last_seen", "LAST SEEN", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column outcome_columns[] = {
	{ "name", "OUTCOME", OUT_STATE | OUT_TRUNC, 0 },
	{ "messages", "MESSAGES", OUT_RIGHT, 0 },
	{ "recipients", "RECIPIENTS", OUT_RIGHT, 0 },
	{ "last_seen", "LAST SEEN", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "findings", "Open findings", finding_columns },
	{ "volumes", "Volume", volume_columns },
	{ "directions", "Messages by direction", direction_columns },
	{ "php", "PHP", php_call_columns },
	{ "direct", "Connections past the mail server, as logged", direct_columns },
	{ "scripts", "Scripts", share_columns },
	{ "logins", "Logins", share_columns },
	{ "networks", "Networks", share_columns },
	{ "via", "Evidence", share_columns },
	{ "senders", "Senders", share_columns },
	{ "outcomes", "Outcomes", outcome_columns },
	{ "days", "Days (UTC)", share_columns },
	{ NULL, NULL, NULL }
};

static void tell_share(struct out *o, const struct share *row)
{
	bool none = out_is_table(o) && row->key.n == 0;

	out_enter_object(o, NULL);
	out_text(o, "name", none ? STR("(none)") : row->key);
	tell_volume(o, &row->volume);
	out_time(o, "first_seen", row->first);
	out_time(o, "last_seen", row->last);
	out_leave(o);
}

static void tell_summary(struct out *o, struct str account, const struct account_summary *sum)
{
	out_text(o, "account", account);
	out_time(o, "first_seen", sum->first);
	out_time(o, "last_seen", sum->last);
	out_enter_object(o, "volumes");
	tell_volume(o, &sum->volume);
	out_leave(o);
	out_enter_object(o, "directions");
	for (int d = DIRECTIONS - 1; d >= 0; d--)
		out_number(o, direction_name[d], sum->direction[d]);
	out_leave(o);
	out_enter_object(o, "php");
	out_number(o, "calls", sum->php);
	out_number(o, "unmatched", sum->php_unmatched);
	out_leave(o);
	out_enter_object(o, "direct");
	out_number(o, "smtp", sum->direct_smtp);
	out_number(o, "submission", sum->direct_submission);
	out_time(o, "last_seen", sum->direct_last);
	out_leave(o);
}

/* The list that is being told; -1: none yet. */
struct lists {
	struct out *out;
	int part;
};

/* On to a list, past those that have no row. */
static void go_to(struct lists *l, int part)
{
	while (l->part < part) {
		if (l->part >= 0)
			out_leave(l->out);
		if (++l->part < ACCOUNT_PARTS)
			out_enter_list(l->out, part_key[l->part]);
	}
}

static bool tell_part(void *context, enum account_part part, const struct share *row)
{
	struct lists *l = context;

	go_to(l, part);
	tell_share(l->out, row);
	return true;
}

static int tell_parts(struct out *o, struct report *report, struct str account,
		      struct error *err)
{
	struct lists l = { o, -1 };
	int result = report_account_parts(report, account, opt.since, opt.until, opt.limit,
					  tell_part, &l, err);

	go_to(&l, ACCOUNT_PARTS);
	return result;
}

static bool tell_open(void *context, const struct finding *f)
{
	out_enter_object(context, NULL);
	tell_finding_row(context, f);
	out_leave(context);
	return true;
}

static int tell_findings(struct out *o, struct report *report, struct str account,
			 struct error *err)
{
	struct finding_filter filter = FINDING_FILTER_ALL;
	int result;

	filter.account = account;
	filter.open = true;
	out_enter_list(o, "findings");
	result = report_findings(report, &filter, tell_open, o, err);
	out_leave(o);
	return result;
}

static int tell_account(struct out *o, struct report *report, struct str account,
			struct error *err)
{
	struct account_summary sum;

	if (report_account(report, account, opt.since, opt.until, &sum, err) < 0)
		return -1;
	if (sum.volume.messages == 0 && sum.php == 0 && !sum.direct_last)
		return 0;
	out_object(o);
	tell_summary(o, account, &sum);
	if (tell_parts(o, report, account, err) < 0 ||
	    tell_findings(o, report, account, err) < 0)
		return -1;
	out_object_end(o, sections);
	return 0;
}

int run_account(struct cli *cli, struct error *err)
{
	struct report *report;
	int result;

	if (cli_operands(cli, 1, 1, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	result = tell_account(cli_out(cli), report, str_of(cli->operand[0]), err);
	report_close(report);
	return result < 0 ? result : cli_found(cli, "no mail of this account");
}
