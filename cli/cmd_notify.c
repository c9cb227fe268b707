/* mailaudit notify: tells people, by all channels that are set up. */
#include <stdlib.h>

#include "base/log.h"
#include "cli/cli.h"
#include "notify/facts.h"
#include "notify/mail.h"
#include "notify/notify.h"
#include "schema/decide.h"

static struct {
	bool follow, summary, dry_run;
	int64_t show;
} opt;

const struct option options_notify[] = {
	{ "follow", NULL, OPTION_FLAG, &opt.follow, NULL, 0,
	  "go on until SIGTERM; SIGHUP reads the settings again" },
	{ "summary", NULL, OPTION_FLAG, &opt.summary, NULL, 0, "send the daily summary now" },
	{ "show", "ID", OPTION_NUMBER, &opt.show, NULL, 0,
	  "print the mail about this alert as it would be sent now, and send nothing" },
	{ "dry-run", NULL, OPTION_FLAG, &opt.dry_run, NULL, 0,
	  "write down what actions would do, and do none" },
	{ .name = NULL }
};

const char help_notify[] =
	"Makes alerts of the findings that mailauditd wrote, and tells of them: by mail, to\n"
	"the journal, a webhook, a command, as `alerts` in the settings says. Runs the\n"
	"actions that `actions` asks for. Without --follow it does what is due and ends; the\n"
	"service mailaudit-notify runs it with --follow. What cannot be handed over is\n"
	"tried again for five days.";

static int run_with(struct cli *cli, struct error *err)
{
	struct notify_setup setup = { .follow = opt.follow, .summary = opt.summary,
				      .dry_run = opt.dry_run };

	setup.settings = cli_settings(cli, err);
	setup.database = cli_database(cli, err);
	return setup.settings && setup.database ? notify_run(&setup, err) : -1;
}

static int run_all(struct cli *cli, struct error *err)
{
	int rc;

	while ((rc = run_with(cli, err)) == NOTIFY_RELOAD) {
		struct error why;

		opt.summary = false;
		if (cli_reload(cli, &why) < 0)
			log_error("%s; the settings stay as they were", why.text);
		else
			log_info("settings read again");
	}
	return rc < 0 ? -1 : EXIT_FOUND;
}

static int print_mail(const struct tree *facts, const struct settings *s, usec_t now,
		      struct error *err)
{
	static const char *const someone[] = { "root" };
	struct string_list to = s->alerts.to;
	struct mail mail;

	if (!to.n)
		to = (struct string_list){ (const char **)(uintptr_t)someone, 1 };
	mail = mail_compose(MAIL_ALERT, facts, s, &to, "shown.and.not.sent@mailaudit.invalid", now,
			    err);
	if (!mail.text)
		return -1;
	fwrite(mail.text, 1, mail.n, stdout);
	mail_release(&mail);
	return EXIT_FOUND;
}

static int show(struct cli *cli, struct error *err)
{
	const struct settings *s = cli_settings(cli, err);
	struct report *report = s ? cli_report(cli, err) : NULL;
	struct decide *decide = report ? decide_open(cli_database(cli, err), err) : NULL;
	struct alert *a = decide ? decide_alert(decide, opt.show, err) : NULL;
	struct tree *facts = NULL;
	int rc = -1;

	if (a)
		facts = facts_of_alert(report, s, a, a->version, CHANGE_UPDATED, cli->now, err);
	else if (decide && !err->code)
		rc = error_set(err, EXIT_NOTHING, "no alert has this id");
	if (facts)
		rc = print_mail(facts, s, cli->now, err);
	tree_free(facts);
	alert_free(a);
	decide_close(decide);
	report_close(report);
	return rc;
}

int run_notify(struct cli *cli, struct error *err)
{
	if (cli_operands(cli, 0, 0, err) < 0)
		return -1;
	return opt.show ? show(cli, err) : run_all(cli, err);
}
