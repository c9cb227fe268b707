/* mailaudit alerts [ID]: what people were told, or will be. */
#include <ctype.h>

#include "cli/desk.h"
#include "cli/tell.h"
#include "schema/action.h"
#include "schema/outbox.h"
#include "schema/report.h"

static struct alert_filter filter;
static bool queued;

const struct option options_alerts[] = {
	{ "account", "NAME", OPTION_TEXT, &filter.account, NULL, 0, "of this account" },
	{ "open", NULL, OPTION_FLAG, &filter.open, NULL, 0, "only those that are not closed" },
	{ "since", "TIME", OPTION_TIME, &filter.since, NULL, 0, "changed then or later" },
	{ "limit", "N", OPTION_NUMBER, &filter.limit, NULL, 0, "at most so many; default: all" },
	{ "queued", NULL, OPTION_FLAG, &queued, NULL, 0,
	  "with an ID: queue ids of its messages that have not left, one a line" },
	{ .name = NULL }
};

const char help_alerts[] =
	"Lists alerts, the newest change first; with an ID all that is known of one: its\n"
	"findings, what was sent, what was done. An alert holds the findings of one subject:\n"
	"a login, the scripts of an account, a mailbox, a network without a login. It gets a\n"
	"new version when it has ten times the recipients, a worse severity or another case.\n"
	"\n"
	"Keys: id state severity case cases[] kind name account summary version messages\n"
	"recipients opened changed first_seen last_seen closed reopened acked acked_by ack_note\n"
	"findings waiting. waiting are mails and posts still to be sent. With an ID, findings[]\n"
	"as `mailaudit findings` has them, deliveries[{version event channel state created done\n"
	"tries error}] and actions[{id name target state time undone}].";

static const struct out_column columns[] = {
	{ "id", "ID", OUT_RIGHT, 0 },
	{ "changed", "TIME", 0, 0 },
	{ "state", "STATE", OUT_STATE, 0 },
	{ "severity", "SEVERITY", OUT_STATE, 0 },
	{ "case", "CASE", 0, 0 },
	{ "kind", NULL, 0, 0 },
	{ "name", "WHO", OUT_TRUNC, 0.25 },
	{ "account", NULL, 0, 0 },
	{ "version", "V", OUT_RIGHT, 0 },
	{ "messages", "MSGS", OUT_RIGHT, 0 },
	{ "recipients", "RCPTS", OUT_RIGHT, 0 },
	{ "cases", NULL, 0, 0 },
	{ "opened", NULL, 0, 0 },
	{ "first_seen", NULL, 0, 0 },
	{ "last_seen", NULL, 0, 0 },
	{ "closed", NULL, 0, 0 },
	{ "reopened", NULL, 0, 0 },
	{ "acked", NULL, 0, 0 },
	{ "acked_by", "ACK", 0, 0 },
	{ "ack_note", NULL, 0, 0 },
	{ "findings", NULL, 0, 0 },
	{ "waiting", NULL, 0, 0 },
	{ "summary", "SUMMARY", OUT_WRAP, 0.4 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column head_columns[] = {
	{ "id", "Alert", 0, 0 },
	{ "state", "State", 0, 0 },
	{ "severity", "Severity", 0, 0 },
	{ "case", "Case", 0, 0 },
	{ "kind", "About", 0, 0 },
	{ "name", "  name", 0, 0 },
	{ "account", "Account", 0, 0 },
	{ "summary", "Summary", 0, 0 },
	{ "version", "Version", 0, 0 },
	{ "messages", "Messages", 0, 0 },
	{ "recipients", "Recipients", 0, 0 },
	{ "opened", "Opened", 0, 0 },
	{ "changed", "Changed", 0, 0 },
	{ "first_seen", "First seen", 0, 0 },
	{ "last_seen", "Last seen", 0, 0 },
	{ "closed", "Closed", 0, 0 },
	{ "acked", "Acknowledged", 0, 0 },
	{ "acked_by", "  by", 0, 0 },
	{ "ack_note", "  because", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column delivery_columns[] = {
	{ "version", "V", OUT_RIGHT, 0 },
	{ "event", "EVENT", 0, 0 },
	{ "channel", "CHANNEL", 0, 0 },
	{ "state", "STATE", 0, 0 },
	{ "created", "TIME", 0, 0 },
	{ "done", "DONE", 0, 0 },
	{ "tries", "TRIES", OUT_RIGHT, 0 },
	{ "error", "ERROR", OUT_WRAP, 0.3 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column action_columns[] = {
	{ "id", "ID", OUT_RIGHT, 0 },
	{ "name", "ACTION", 0, 0 },
	{ "target", "TARGET", OUT_TRUNC, 0.4 },
	{ "state", "STATE", 0, 0 },
	{ "time", "TIME", 0, 0 },
	{ "undone", "UNDONE", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "findings", "Findings", finding_columns },
	{ "deliveries", "Sent", delivery_columns },
	{ "actions", "Done", action_columns },
	{ NULL, NULL, NULL }
};

static void tell_head(struct out *o, const struct alert *a)
{
	out_number(o, "id", a->id);
	out_text(o, "state", str_of(alert_state_name[a->state]));
	out_text(o, "severity", str_of(severity_name[a->severity]));
	out_text(o, "case", str_of(finding_case_name[a->verdict]));
	out_enter_list(o, "cases");
	for (int i = 0; i < CASES; i++)
		if (a->cases & 1u << i)
			out_text(o, NULL, str_of(finding_case_name[i]));
	out_leave(o);
	out_text(o, "kind", alert_kind(a));
	out_text(o, "name", alert_name(a));
	out_text(o, "account", a->account);
	out_text(o, "summary", a->summary);
	out_number(o, "version", a->version);
	out_number(o, "messages", a->messages);
	out_number(o, "recipients", a->recipients);
	out_time(o, "opened", a->opened);
	out_time(o, "changed", a->changed);
	out_time(o, "first_seen", a->first_seen);
	out_time(o, "last_seen", a->last_seen);
	out_time(o, "closed", a->closed);
	out_number(o, "reopened", a->reopened);
	out_time(o, "acked", a->acked);
	out_text(o, "acked_by", a->acked ? a->acked_by : STR_NONE);
	out_text(o, "ack_note", a->acked ? a->ack_note : STR_NONE);
}

static bool tell_row(void *context, const struct alert *a, int64_t findings, int64_t waiting)
{
	struct out *o = context;

	out_record(o);
	tell_head(o, a);
	out_number(o, "findings", findings);
	out_number(o, "waiting", waiting);
	return out_record_end(o);
}

static int list(struct out *o, struct report *report, struct error *err)
{
	int rc;

	out_list(o, columns);
	rc = report_alerts(report, &filter, tell_row, o, err);
	out_list_end(o);
	return rc;
}

/* ---- one ---- */

static bool tell_one_finding(void *context, const struct finding *f)
{
	struct out *o = context;

	out_enter_object(o, NULL);
	tell_finding_row(o, f);
	out_leave(o);
	return true;
}

static bool tell_delivery(void *context, const struct report_delivery *d)
{
	struct out *o = context;

	out_enter_object(o, NULL);
	out_number(o, "version", d->version);
	out_text(o, "event", str_of(alert_change_name[d->change]));
	out_text(o, "channel", d->channel);
	out_text(o, "state", str_of(outbox_state_name[d->state]));
	out_time(o, "created", d->created);
	out_time(o, "done", d->done);
	out_number(o, "tries", d->tries);
	out_text(o, "error", d->error);
	out_leave(o);
	return true;
}

static bool tell_action(void *context, const struct action_row *a)
{
	struct out *o = context;

	out_enter_object(o, NULL);
	out_number(o, "id", a->id);
	out_text(o, "name", a->name);
	out_text(o, "target", a->target);
	out_text(o, "state", str_of(action_state_name[a->state]));
	out_time(o, "time", a->started ? a->started : a->created);
	out_time(o, "undone", a->undone);
	out_leave(o);
	return true;
}

struct page {
	struct out *out;
	struct report *report;
	struct error *err;
	int rc;
};

static bool tell_page(void *context, const struct alert *a, int64_t findings, int64_t waiting)
{
	struct page *p = context;
	struct out *o = p->out;

	(void)findings;
	out_object(o);
	tell_head(o, a);
	out_number(o, "waiting", waiting);
	out_enter_list(o, "findings");
	p->rc = report_alert_findings(p->report, a->id, tell_one_finding, o, p->err);
	out_leave(o);
	out_enter_list(o, "deliveries");
	if (p->rc == 0)
		p->rc = report_deliveries(p->report, a->id, tell_delivery, o, p->err);
	out_leave(o);
	out_enter_list(o, "actions");
	if (p->rc == 0)
		p->rc = report_actions(p->report, a->id, 0, tell_action, o, p->err);
	out_leave(o);
	out_object_end(o, sections);
	return true;
}

static int one(struct out *o, struct report *report, int64_t id, struct error *err)
{
	struct page p = { o, report, err, 0 };
	int rc = report_alert(report, id, tell_page, &p, err);

	return rc < 0 ? rc : p.rc;
}

/* ---- what is still queued, for a pipe ---- */

/* Queue ids are letters, digits and dashes; what is not goes to no other program. */
static bool is_queue_id(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!isalnum((unsigned char)id.p[i]) && (id.p[i] != '-' || i == 0))
			return false;
	return id.n > 0;
}

static bool print_queued_one(void *context, const struct report_queued *row)
{
	struct str aliases = row->aliases, id;

	(void)context;
	if (is_queue_id(row->queue_id))
		printf("%.*s\n", STR_ARG(row->queue_id));
	while (finding_line(&aliases, &id))
		if (is_queue_id(id))
			printf("%.*s\n", STR_ARG(id));
	return true;
}

static int print_queued(struct report *report, int64_t id, struct error *err)
{
	return report_queued(report, id, print_queued_one, NULL, err) < 0 ? -1 : EXIT_FOUND;
}

int run_alerts(struct cli *cli, struct error *err)
{
	struct report *report;
	int64_t id = 0;
	int rc;

	if (cli_operands(cli, queued, 1, err) < 0 ||
	    (cli->noperands && desk_id(cli->operand[0], "an alert", &id, err) < 0))
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	if (queued) {
		rc = print_queued(report, id, err);
		report_close(report);
		return rc;
	}
	rc = id ? one(cli_out(cli), report, id, err) : list(cli_out(cli), report, err);
	report_close(report);
	if (rc < 0)
		return rc;
	return cli_found(cli, id ? "no alert has this id" : "no alert matches");
}
