/* mailaudit mute KIND NAME: nobody is told of it for some time. */
#include "base/log.h"
#include "cli/desk.h"
#include "schema/report.h"

static struct str length, because;

const struct option options_mute[] = {
	{ "for", "LENGTH", OPTION_TEXT, &length, NULL, 0, "how long: 12h, 7d, 2w; default 7d" },
	{ "because", "TEXT", OPTION_TEXT, &because, NULL, 0, "why; required" },
	{ .name = NULL }
};

const char help_mute[] =
	"Findings of this account, script or login are kept, and listed by 'mailaudit\n"
	"findings', but nobody is told of them before the mute ends. What then still goes on\n"
	"is told. Mutes the same again: the new length counts. Without operands it lists what\n"
	"is muted. For what is wanted for good, see `allow` in mailaudit.yaml(5).\n"
	"\n"
	"Keys: kind name until because by created.";

static const struct out_column columns[] = {
	{ "kind", "KIND", 0, 0 },
	{ "name", "NAME", OUT_TRUNC, 0.3 },
	{ "until", "UNTIL", 0, 0 },
	{ "because", "BECAUSE", OUT_WRAP, 0.4 },
	{ "by", "BY", 0, 0 },
	{ "created", "SINCE", OUT_WIDE, 0 },
	{ NULL, NULL, 0, 0 }
};

static bool tell_mute(void *context, const struct mute *m)
{
	struct out *o = context;

	out_record(o);
	out_text(o, "kind", m->kind);
	out_text(o, "name", m->name);
	out_time(o, "until", m->until);
	out_text(o, "because", m->because);
	out_text(o, "by", m->by);
	out_time(o, "created", m->created);
	return out_record_end(o);
}

static int list(struct cli *cli, struct error *err)
{
	struct report *report = cli_report(cli, err);
	struct out *o;
	int rc;

	if (!report)
		return -1;
	o = cli_out(cli);
	out_list(o, columns);
	rc = report_mutes(report, cli->now, tell_mute, o, err);
	out_list_end(o);
	report_close(report);
	return rc < 0 ? -1 : cli_found(cli, "nothing is muted");
}

static int put(struct decide *d, void *context, struct error *err)
{
	return decide_mute(d, context, err);
}

static int take_mute(struct cli *cli, struct mute *m, struct error *err)
{
	usec_t span;

	m->kind = str_of(cli->operand[0]);
	m->name = str_of(cli->operand[1]);
	if (desk_kind(m->kind, err) < 0)
		return -1;
	if (!m->name.n)
		return error_set(err, EXIT_USAGE, "the name is empty");
	if (!because.n)
		return error_set(err, EXIT_USAGE, "--because TEXT is missing: why is it muted?");
	if (!stamp_length(length.p ? length : STR("7d"), &span) || span <= 0)
		return error_set(err, EXIT_USAGE, "--for takes a length such as 12h, 7d or 2w; not "
				 "'%.*s'", STR_ARG(length));
	m->until = cli->now + span;
	m->created = cli->now;
	m->because = because;
	return 0;
}

int run_mute(struct cli *cli, struct error *err)
{
	char user[64];
	struct mute m = { .by = str_of(desk_user(user)) };
	struct decide *d;
	int rc;

	if (!cli->noperands && !because.n)
		return list(cli, err);
	if (cli_operands(cli, 2, 2, err) < 0 || take_mute(cli, &m, err) < 0)
		return -1;
	d = desk_open(cli, err);
	if (!d)
		return -1;
	rc = decide_transaction(d, put, &m, err);
	decide_close(d);
	return rc < 0 ? -1 : EXIT_FOUND;
}
