/* mailaudit status: how far each source has been read, what was not
 * understood, what the database holds. */
#include "cli/cli.h"
#include "cli/lag.h"
#include "schema/report.h"

#include <stdio.h>

/* Domains shown, those with most mail first. */
#define INBOUND_DOMAINS 20
/* Times of loss shown, the newest first. */
#define LOSSES 20

static bool shapes;

const struct option options_status[] = {
	{ "unknown", NULL, OPTION_FLAG, &shapes, NULL, 0,
	  "only the lines not understood, grouped by their shape" },
	{ .name = NULL }
};

const char help_status[] =
	"Shows the database, each source with what is left to read (lag) and its share of\n"
	"lines not understood, and a sample of those lines per source and program; and the\n"
	"mail of the last day for domains of this host, which is only counted.\n"
	"--unknown lists each kind of line that was not understood, most frequent first: in\n"
	"SHAPE, N stands for a number, @ for an address, / for a path, * for anything else.\n"
	"\n"
	"Keys: database schema_version bytes created watermark oldest messages open\n"
	"recipients php_mail lines parsed noise unknown rates{messages_last_hour\n"
	"recipients_last_hour messages_last_day recipients_last_day}\n"
	"sources[{path last lag_bytes lag_entries lag_seconds lines parsed noise unknown\n"
	"unknown_share cut offset}] unknown_lines[{source program lines time sample}]\n"
	"inbound[{domain messages recipients}] open_findings streams open_alerts unsent\n"
	"losses[{source reporter first last lines}]. lag_* is null when the file read last\n"
	"cannot be seen, and lag_bytes for a journal: there lag_entries counts the entries about\n"
	"mail, of 20000 at most; watermark is the newest time in any log; streams are logins, scripts\n"
	"and users whose habits are known; unsent are mails and posts about alerts that\n"
	"'mailaudit notify' has still to hand over. losses are times within which journald or\n"
	"rsyslog dropped lines, or the journal was shortened before it was read: counts are\n"
	"minimums from first to last; lines is null when nobody knows how many.\n"
	"Keys of --unknown: lines last program shape sample source. shape is null for what is\n"
	"over the bound on shapes; last is the newest line's time.";

static const struct out_column head_columns[] = {
	{ "database", "Database", 0, 0 },
	{ "bytes", "Size", 0, 0 },
	{ "schema_version", "Version", 0, 0 },
	{ "created", "Created", 0, 0 },
	{ "oldest", "Oldest message", 0, 0 },
	{ "watermark", "Newest log line", 0, 0 },
	{ "messages", "Messages", 0, 0 },
	{ "open", "  in the queue", 0, 0 },
	{ "recipients", "Recipients", 0, 0 },
	{ "php_mail", "PHP mail() calls", 0, 0 },
	{ "lines", "Lines", 0, 0 },
	{ "unknown", "  not understood", 0, 0 },
	{ "open_findings", "Open findings", 0, 0 },
	{ "open_alerts", "Open alerts", 0, 0 },
	{ "unsent", "  not told yet", 0, 0 },
	{ "streams", "Senders known", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column rate_columns[] = {
	{ "messages_last_hour", "Messages in the last hour", 0, 0 },
	{ "recipients_last_hour", "Recipients in the last hour", 0, 0 },
	{ "messages_last_day", "Messages in the last day", 0, 0 },
	{ "recipients_last_day", "Recipients in the last day", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column source_columns[] = {
	{ "path", "SOURCE", OUT_TRUNC, 0 },
	{ "state", "STATE", OUT_STATE | OUT_VIEW, 0 },
	{ "last", "NEWEST LINE", 0, 0 },
	{ "lag", "LAG", OUT_RIGHT | OUT_VIEW, 0 },
	{ "lines", "LINES", OUT_RIGHT, 0 },
	{ "unknown", "UNKNOWN", OUT_RIGHT, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column loss_columns[] = {
	{ "first", "FROM", 0, 0 },
	{ "last", "TO", 0, 0 },
	{ "lines", "LINES LOST", OUT_RIGHT, 0 },
	{ "reporter", "SAID BY", 0, 0 },
	{ "source", "SOURCE", OUT_TRUNC, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column unknown_columns[] = {
	{ "lines", "LINES", OUT_RIGHT, 0 },
	{ "program", "PROGRAM", OUT_TRUNC, 0 },
	{ "source", "SOURCE", OUT_TRUNC, 0 },
	{ "sample", "SAMPLE", OUT_TRUNC, 0.5 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column shape_columns[] = {
	{ "lines", "LINES", OUT_RIGHT, 0 },
	{ "last", "LAST", 0, 0 },
	{ "program", "PROGRAM", OUT_TRUNC, 0 },
	{ "shape", "SHAPE", OUT_TRUNC, 0.4 },
	{ "sample", "SAMPLE", OUT_TRUNC, 0.3 },
	{ "source", "SOURCE", OUT_TRUNC, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column inbound_columns[] = {
	{ "domain", "DOMAIN", OUT_TRUNC, 0 },
	{ "messages", "MESSAGES", OUT_RIGHT, 0 },
	{ "recipients", "RECIPIENTS", OUT_RIGHT, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "rates", "Rates", rate_columns },
	{ "sources", "Sources", source_columns },
	{ "losses", "Lines were lost: counts are minimums", loss_columns },
	{ "unknown_lines", "Lines not understood", unknown_columns },
	{ "inbound", "Inbound mail of the last day, only counted", inbound_columns },
	{ NULL, NULL, NULL }
};

struct context {
	struct out *out;
	usec_t now;
};

/* How old what waits is: of a file's lines, what was read last stands in for them. */
static int64_t lag_seconds(const struct context *c, const struct lag *lag, usec_t last)
{
	usec_t since = lag->since ? lag->since : last;

	if (lag->bytes <= 0 && lag->entries <= 0)
		return lag->bytes > lag->entries ? lag->bytes : lag->entries;
	return since && since < c->now ? (c->now - since) / USEC_SECOND : -1;
}

static void show_lag(struct out *o, const struct lag *lag, int64_t left)
{
	char text[40];

	out_text(o, "state", left < 0 ? STR("read") : left ? STR("waiting") : STR("following"));
	if (lag->entries < 0) {
		out_bytes(o, "lag", lag->bytes);
		return;
	}
	snprintf(text, sizeof(text), lag->entries == 1 ? "%lld entry" : "%lld entries",
		 (long long)lag->entries);
	out_text(o, "lag", str_of(text));
}

static void tell_lag(struct context *c, const struct report_source *source)
{
	struct lag lag = lag_of(source);

	out_bytes(c->out, "lag_bytes", lag.bytes);
	out_number_or_null(c->out, "lag_entries", lag.entries);
	out_number_or_null(c->out, "lag_seconds", lag_seconds(c, &lag, source->last));
	if (out_is_table(c->out))
		show_lag(c->out, &lag, lag.entries < 0 ? lag.bytes : lag.entries);
}

static bool tell_source(void *context, const struct report_source *source)
{
	struct context *c = context;
	struct out *o = c->out;

	out_enter_object(o, NULL);
	out_text(o, "path", source->path);
	out_time(o, "last", source->last);
	tell_lag(c, source);
	out_number(o, "lines", source->lines);
	out_number(o, "parsed", source->parsed);
	out_number(o, "noise", source->noise);
	out_number(o, "unknown", source->unknown);
	out_real(o, "unknown_share",
		 source->lines ? (double)source->unknown / (double)source->lines : 0);
	out_number(o, "cut", source->cut);
	out_number_or_null(o, "offset", source->has_position ? source->offset : -1);
	out_leave(o);
	return true;
}

static bool tell_loss(void *context, const struct report_loss *loss)
{
	struct context *c = context;
	struct out *o = c->out;

	out_enter_object(o, NULL);
	out_text(o, "source", loss->source);
	out_text(o, "reporter", loss->reporter);
	out_time(o, "first", loss->first);
	out_time(o, "last", loss->last);
	out_number_or_null(o, "lines", loss->lines);
	out_leave(o);
	return true;
}

static bool tell_unknown(void *context, const struct report_unknown *unknown)
{
	struct context *c = context;
	struct out *o = c->out;

	out_enter_object(o, NULL);
	out_text(o, "source", unknown->source);
	out_text(o, "program", unknown->program);
	out_number(o, "lines", unknown->lines);
	out_time(o, "time", unknown->time);
	out_text(o, "sample", unknown->sample);
	out_leave(o);
	return true;
}

static bool tell_inbound(void *context, const struct share *row)
{
	struct context *c = context;

	out_enter_object(c->out, NULL);
	out_text(c->out, "domain", row->key);
	out_number(c->out, "messages", row->volume.messages);
	out_number(c->out, "recipients", row->volume.recipients);
	out_leave(c->out);
	return true;
}

static void tell_head(struct out *o, const char *path, const struct report_status *status)
{
	out_text(o, "database", str_of(path));
	out_number(o, "schema_version", status->schema_version);
	out_bytes(o, "bytes", status->bytes);
	out_time(o, "created", status->created);
	out_time(o, "watermark", status->watermark);
	out_time(o, "oldest", status->oldest);
	out_number(o, "messages", status->messages);
	out_number(o, "open", status->open);
	out_number(o, "recipients", status->recipients);
	out_number(o, "php_mail", status->php);
	out_number(o, "lines", status->lines);
	out_number(o, "parsed", status->parsed);
	out_number(o, "noise", status->noise);
	out_number(o, "unknown", status->unknown);
}

static bool add_volume(void *context, const struct share *row)
{
	struct volume *sum = context;

	sum->messages += row->volume.messages;
	sum->recipients += row->volume.recipients;
	return true;
}

static int tell_rates(struct out *o, struct report *report, usec_t now, struct error *err)
{
	struct volume hour = { 0 }, day = { 0 };

	if (report_top(report, TOP_ACCOUNTS, now - USEC_HOUR, 0, 0, add_volume, &hour, err) < 0 ||
	    report_top(report, TOP_ACCOUNTS, now - USEC_DAY, 0, 0, add_volume, &day, err) < 0)
		return -1;
	out_enter_object(o, "rates");
	out_number(o, "messages_last_hour", hour.messages);
	out_number(o, "recipients_last_hour", hour.recipients);
	out_number(o, "messages_last_day", day.messages);
	out_number(o, "recipients_last_day", day.recipients);
	out_leave(o);
	return 0;
}

static int tell_lists(struct context *c, struct report *report, struct error *err)
{
	int result;

	out_enter_list(c->out, "sources");
	result = report_sources(report, tell_source, c, err);
	out_leave(c->out);
	if (result < 0)
		return result;
	out_enter_list(c->out, "unknown_lines");
	result = report_unknown(report, false, tell_unknown, c, err);
	out_leave(c->out);
	if (result < 0)
		return result;
	out_enter_list(c->out, "inbound");
	result = report_inbound(report, c->now - USEC_DAY, 0, INBOUND_DOMAINS, tell_inbound, c,
				err);
	out_leave(c->out);
	return result;
}

static int tell_losses(struct context *c, struct report *report, struct error *err)
{
	int result;

	out_enter_list(c->out, "losses");
	result = report_losses(report, LOSSES, tell_loss, c, err);
	out_leave(c->out);
	return result;
}

static int tell_status(struct cli *cli, struct report *report, struct error *err)
{
	struct context c = { .out = cli_out(cli), .now = cli->now };
	struct report_status status;

	if (report_status(report, &status, err) < 0)
		return -1;
	out_object(c.out);
	tell_head(c.out, cli_database(cli, err), &status);
	if (tell_rates(c.out, report, cli->now, err) < 0 || tell_lists(&c, report, err) < 0)
		return -1;
	out_number(c.out, "open_findings", status.open_findings);
	out_number(c.out, "streams", status.streams);
	out_number(c.out, "open_alerts", status.open_alerts);
	out_number(c.out, "unsent", status.unsent);
	if (tell_losses(&c, report, err) < 0)
		return -1;
	out_object_end(c.out, sections);
	return EXIT_FOUND;
}

static bool tell_shape(void *context, const struct report_unknown *row)
{
	struct out *o = context;

	out_record(o);
	out_number(o, "lines", row->lines);
	out_time(o, "last", row->last);
	out_text(o, "program", row->program);
	out_text(o, "shape", row->shape);
	out_text(o, "sample", row->sample);
	out_text(o, "source", row->source);
	return out_record_end(o);
}

static int tell_shapes(struct cli *cli, struct report *report, struct error *err)
{
	struct out *o = cli_out(cli);
	int result;

	out_list(o, shape_columns);
	result = report_unknown(report, true, tell_shape, o, err);
	out_list_end(o);
	return result < 0 ? result : EXIT_FOUND;
}

int run_status(struct cli *cli, struct error *err)
{
	struct report *report;
	int result;

	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	result = shapes ? tell_shapes(cli, report, err) : tell_status(cli, report, err);
	report_close(report);
	return result;
}
