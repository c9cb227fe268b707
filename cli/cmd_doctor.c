/* mailaudit doctor: what can be seen of this host's mail, and what has to change for more. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/doctor.h"

static struct {
	const char *root;
	bool fix, yes, undo;
} asked;

const struct option options_doctor[] = {
	{ "fix", NULL, OPTION_FLAG, &asked.fix, NULL, 0, "show what to change, and after a yes do it" },
	{ "yes", NULL, OPTION_FLAG, &asked.yes, NULL, 0, "with --fix: do not ask" },
	{ "undo", NULL, OPTION_FLAG, &asked.undo, NULL, 0, "take the last --fix back" },
	{ "root", "DIR", OPTION_PATH, &asked.root, NULL, 0,
	  "look at the files below DIR, and run no programs" },
	{ .name = NULL }
};

const char help_doctor[] =
	"Looks at the mail server, PHP, the logs and the firewall of this host, and tells what\n"
	"mailaudit sees and what it does not. FILE and LINE: what to add where. STATE: seen,\n"
	"partly, not seen, or advice (nothing is missing, but it could be better).\n"
	"Exit status 0: all is seen; 1: something is not.\n"
	"\n"
	"--fix shows what it would change, asks, keeps a backup in /var/backups/mailaudit, lets\n"
	"postfix check, exim -bV, php-fpm -t, apache2ctl -t and rsyslogd -N1 look at it, and takes\n"
	"all back if one complains. It changes what is partly or not seen; with names of checks\n"
	"(php.mail_log, or journal for all that begin so) only these, and advice too.\n"
	"\n"
	"Keys: check state detail file line.";

static const struct out_column columns[] = {
	{ "check", "CHECK", 0, 0 },
	{ "state", "STATE", OUT_STATE, 0 },
	{ "detail", "WHAT", OUT_WRAP, 0 },
	{ "file", "FILE", OUT_WRAP, 0 },
	{ "line", "LINE", OUT_WRAP, 0 },
	{ NULL, NULL, 0, 0 }
};

static int tell(struct cli *cli, const struct doctor *d)
{
	struct out *o = cli_out(cli);
	int code = EXIT_FOUND;

	out_list(o, columns);
	for (size_t i = 0; i < d->nsights; i++) {
		const struct sight *s = &d->sights[i];

		if (s->state == SIGHT_PARTLY || s->state == SIGHT_NOT)
			code = EXIT_NOTHING;
		out_record(o);
		out_text(o, "check", str_of(s->check));
		out_text(o, "state", str_of(sight_state_name[s->state]));
		out_text(o, "detail", str_of(s->detail));
		out_text(o, "file", str_of(s->file));
		out_text(o, "line", str_of(s->line));
		if (!out_record_end(o))
			break;
	}
	out_list_end(o);
	if (d->denied)
		fputs("mailaudit: not all files can be read; root sees more\n", stderr);
	return code;
}

/* What comes out as it went in is no change. */
static void drop_idle(struct doctor *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nchanges; i++)
		if (!str_eq(d->changes[i].before, d->changes[i].after))
			d->changes[n++] = d->changes[i];
	d->nchanges = n;
}

static bool confirmed(size_t n)
{
	int c, rest;

	if (asked.yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fputs("mailaudit: nothing was changed; --yes does it without asking\n", stderr);
		return false;
	}
	printf("Change %zu file%s? [y/N] ", n, n == 1 ? "" : "s");
	fflush(stdout);
	c = rest = getchar();
	while (rest != '\n' && rest != EOF)
		rest = getchar();
	if (c == EOF)
		putchar('\n');
	return c == 'y' || c == 'Y';
}

static int fix(struct doctor *d, struct error *err)
{
	drop_idle(d);
	if (!d->nchanges) {
		puts("nothing to change");
		return EXIT_FOUND;
	}
	for (size_t i = 0; i < d->nchanges; i++)
		doctor_diff(&d->changes[i]);
	if (!confirmed(d->nchanges))
		return EXIT_NOTHING;
	return doctor_fix(d, err) < 0 ? -1 : EXIT_FOUND;
}

/* A name of no row is a mistake, or a check that has nothing to look at here. */
static int check_names(const struct doctor *d, struct error *err)
{
	for (size_t i = 0; i < d->nasked; i++) {
		size_t k = 0;

		while (k < d->nsights && !doctor_is_named(d->sights[k].check, d->asked[i]))
			k++;
		if (k == d->nsights)
			return error_set(err, EXIT_USAGE, "'%s' is no check of this host", d->asked[i]);
	}
	return 0;
}

int run_doctor(struct cli *cli, struct error *err)
{
	const struct settings *settings;
	struct doctor d;
	int result;

	if (cli_operands(cli, 0, asked.fix ? cli->noperands : 0, err) < 0)
		return -1;
	if (asked.fix && asked.undo)
		return error_set(err, EXIT_USAGE, "--fix or --undo, not both");
	settings = cli_settings(cli, err);
	if (!settings || doctor_open(&d, asked.root, settings, err) < 0)
		return -1;
	if (asked.undo) {
		result = doctor_undo(&d, err) < 0 ? -1 : EXIT_FOUND;
	} else {
		d.asked = cli->operand;
		d.nasked = (size_t)cli->noperands;
		doctor_look(&d);
		if (check_names(&d, err) < 0)
			result = -1;
		else
			result = asked.fix ? fix(&d, err) : tell(cli, &d);
	}
	doctor_close(&d);
	return result;
}
