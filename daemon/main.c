/* mailauditd: follows mail logs and stores who sent what.
 *
 * Runs in the foreground and writes to standard error: service managers want
 * nothing else. All work is loop.c's; here is the start only, and everything
 * that may still fail with an exit code. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/discover.h"
#include "daemon/loop.h"
#include "daemon/privilege.h"
#include "daemon/show.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"

#ifndef MAILAUDIT_SYSCONFDIR
#define MAILAUDIT_SYSCONFDIR "/etc/mailaudit"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unversioned"
#endif
#define DEFAULT_CONFIG MAILAUDIT_SYSCONFDIR "/mailaudit.yaml"

struct options {
	const char *config; /* NULL: the default file, if it is there */
	const char *database; /* NULL: the settings' */
	const char *user; /* NULL: PRIVILEGE_USER, if there is such a user */
	bool check, discover, show;
};

static const char help[] =
	"Usage: mailauditd [OPTION]...\n"
	"Follow mail logs, find out which account sent each message, store it.\n"
	"\n"
	"  -c, --config FILE    settings; default " DEFAULT_CONFIG ", if it exists\n"
	"  -d, --database FILE  the database, whatever the settings say\n"
	"  -u, --user USER      as whom to run when started as root; default " PRIVILEGE_USER "\n"
	"  -f, --foreground     do not go to the background; it never does\n"
	"      --show           print each message sent, and what is found, as it is stored\n"
	"      --check          check the settings and exit\n"
	"      --discover       print the logs found on this machine as settings and exit\n"
	"  -v, --verbose        say more on standard error\n"
	"  -h, --help           print this and exit\n"
	"  -V, --version        print the version and exit\n"
	"\n"
	"Without `sources' in the settings the logs found on this machine are followed.\n"
	"SIGHUP reads the settings again, SIGTERM ends it.\n";

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "database", required_argument, NULL, 'd' },
	{ "user", required_argument, NULL, 'u' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "show", no_argument, NULL, 'S' },
	{ "check", no_argument, NULL, 'C' },
	{ "discover", no_argument, NULL, 'D' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

_Noreturn static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_INTERNAL);
}

static void take_option(struct options *o, int option)
{
	switch (option) {
	case 'c':
		o->config = optarg;
		break;
	case 'd':
		o->database = optarg;
		break;
	case 'u':
		o->user = optarg;
		break;
	case 'f':
		break;
	case 'S':
		o->show = true;
		break;
	case 'C':
		o->check = true;
		break;
	case 'D':
		o->discover = true;
		break;
	case 'v':
		log_level = LOG_LEVEL_DEBUG;
		break;
	case 'h':
		print_and_exit(help);
	case 'V':
		print_and_exit("mailauditd " PACKAGE_VERSION "\n");
	default:
		exit(EXIT_USAGE); /* getopt has said why */
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:d:u:fvhV", long_options, NULL)) != -1)
		take_option(o, option);
	if (optind < argc)
		die(EXIT_USAGE, "unexpected argument: %s", argv[optind]);
}

static struct settings *load(const struct options *o, struct error *err)
{
	struct settings *s;

	if (!o->config && access(DEFAULT_CONFIG, F_OK) < 0 && errno == ENOENT)
		s = settings_default();
	else
		s = settings_load(o->config ? o->config : DEFAULT_CONFIG, err);
	if (s && (settings_check_formats(s, all_parsers, err) < 0 ||
		  settings_heuristics(s, all_heuristics, err) < 0)) {
		settings_free(s);
		return NULL;
	}
	if (s && o->database)
		s->database = o->database;
	return s;
}

/* The logs of this machine, when the settings name none. */
static void find_logs(struct settings *s)
{
	if (s->nsources)
		return;
	s->nsources = discover_sources("", &s->arena, &s->sources);
	if (s->nsources == 0) {
		log_warning("no logs found here; waiting for those in the usual places");
		s->nsources = discover_usual(&s->arena, &s->sources);
	}
	for (size_t i = 0; i < s->nsources; i++)
		log_debug("following %s", s->sources[i].path);
}

static struct settings *reload(void *context, struct error *err)
{
	struct settings *s = load(context, err);

	if (s)
		find_logs(s);
	return s;
}

static struct settings *load_or_die(const struct options *o)
{
	struct error err;
	struct settings *s = load(o, &err);

	if (!s)
		die(err.code == EXIT_NOINPUT ? EXIT_CONFIG : err.code, "%s", err.text);
	return s;
}

_Noreturn static void check(const struct options *o)
{
	struct settings *s = load_or_die(o);

	printf("settings are fine: %zu sources, database %s\n", s->nsources, s->database);
	settings_free(s);
	exit(EXIT_SUCCESS);
}

_Noreturn static void discover(void)
{
	struct arena arena = { 0 };
	struct source_spec *list;
	size_t n = discover_sources("", &arena, &list);

	discover_print(list, n);
	arena_release(&arena);
	exit(n ? EXIT_SUCCESS : EXIT_NOTHING);
}

/* Before anything of others is opened. */
static void drop_rights(const struct options *o, const struct settings *s)
{
	const char *slash = strrchr(s->database, '/');
	char *directory = slash && slash > s->database ?
				  str_dup(str_range(s->database, slash)) : NULL;
	struct error err;

	if (privilege_drop(o->user ? o->user : PRIVILEGE_USER, o->user != NULL, directory,
			   &err) < 0)
		die(err.code, "%s", err.text);
	free(directory);
}

static int run(struct options *o, struct settings *s)
{
	struct show *show = o->show ? show_new() : NULL;
	struct loop_setup setup = { .settings = s, .reload = reload, .context = o };
	struct error err;

	setup.recorder = recorder_open(s, all_parsers, all_heuristics, RECORDER_AT_ONCE,
				       &err);
	if (!setup.recorder)
		die(err.code, "%s", err.text);
	if (store_checkpoint_beside(recorder_store(setup.recorder), &err) < 0)
		log_warning("%s; commits wait for the disk now and then", err.text);
	if (show)
		recorder_watch(setup.recorder, show_batch, show);
	if (loop_run(&setup, &err) < 0)
		die(err.code, "%s", err.text);
	recorder_close(setup.recorder);
	settings_free(setup.settings);
	show_free(show);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct settings *s;

	parse_options(&options, argc, argv);
	if (options.check)
		check(&options);
	if (options.discover)
		discover();
	s = load_or_die(&options);
	drop_rights(&options, s);
	find_logs(s);
	return run(&options, s);
}
