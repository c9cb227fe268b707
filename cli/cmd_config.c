/* mailaudit config check|defaults|show: settings, without the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "heuristics/heuristics.h"
#include "notify/action.h"
#include "notify/mail.h"
#include "schema/world.h"

const struct option options_config[] = { { .name = NULL } };

const char help_config[] =
	"check [FILE]  reads FILE, or the settings in use, and says what is wrong with it;\n"
	"              exit status 78 if something is, 66 if there is no such file;\n"
	"              patterns, actions and templates that it names are read, too, and missing\n"
	"              databases of places told of; for each owner map how many names it gave,\n"
	"              and its first line that was not understood\n"
	"defaults      prints a commented settings file with every key and its default\n"
	"show          the settings in use, with the defaults filled in\n"
	"\n"
	"Keys of show: database hostname store retention_messages_seconds php_wait_seconds\n"
	"sources[{path format trust account timezone}]\n"
	"accounts{passwd maps[{path format}] shared[] homes[]} networks[]\n"
	"retention_findings_seconds.";

static const struct out_column head_columns[] = {
	{ "database", "database", 0, 0 },
	{ "hostname", "hostname", 0, 0 },
	{ "store", "store", 0, 0 },
	{ "retention_messages_seconds", "retention of messages, s", 0, 0 },
	{ "retention_findings_seconds", "retention of findings, s", 0, 0 },
	{ "php_wait_seconds", "wait for a PHP line's message, s", 0, 0 },
	{ "networks", "networks", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column source_columns[] = {
	{ "path", "PATH", OUT_TRUNC, 0 },
	{ "format", "FORMAT", 0, 0 },
	{ "trust", "TRUST", 0, 0 },
	{ "account", "ACCOUNT", 0, 0 },
	{ "timezone", "TIMEZONE", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column accounts_columns[] = {
	{ "passwd", "passwd", 0, 0 },
	{ "maps", "maps", 0, 0 },
	{ "shared", "shared", 0, 0 },
	{ "homes", "homes", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "sources", "sources", source_columns },
	{ "accounts", "accounts", accounts_columns },
	{ NULL, NULL, NULL }
};

static void tell_owner_map(const struct world_map *map)
{
	char path[2048];

	log_escape(str_of(map->path), path, sizeof(path));
	if (!map->files) {
		printf("  %s (%s): not there\n", path, map->format);
		return;
	}
	printf("  %s (%s): %lld names", path, map->format, (long long)map->names);
	if (strpbrk(map->path, "*?["))
		printf(" in %zu files", map->files);
	if (map->bad) {
		log_escape(str_of(map->bad_path), path, sizeof(path));
		printf("; %lld not understood or nobody's, the first: %s:%lld",
		       (long long)map->bad, path, (long long)map->bad_line);
	}
	putchar('\n');
}

static void tell_owner_maps(const struct world *world)
{
	struct world_map map;

	printf("owner maps:\n");
	for (size_t i = 0; world_map(world, i, &map); i++)
		tell_owner_map(&map);
}

/* What the settings name: owner maps, patterns and databases of places (which may be
 * missing), actions, templates. */
static int check_files(const struct settings *s, struct error *err)
{
	struct world *world = world_open(s, err);
	struct actions *actions;

	if (!world)
		return -1;
	tell_owner_maps(world);
	world_close(world);
	actions = actions_load(s, err);
	if (!actions)
		return -1;
	actions_free(actions);
	return mail_check_templates(s, err);
}

static int check(struct cli *cli, struct error *err)
{
	const char *path = cli->noperands > 1 ? cli->operand[1] : cli->config;

	if (path && access(path, R_OK) < 0)
		return error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_NOINPUT, "%s: %s",
				 path, strerror(errno));
	cli->config = path;
	if (!cli_settings(cli, err) || check_files(cli->settings, err) < 0)
		return -1;
	printf("%s: ok\n", path ? path : "settings in use");
	return EXIT_FOUND;
}

static int defaults(struct cli *cli, struct error *err)
{
	char *text;

	if (cli_operands(cli, 1, 1, err) < 0)
		return -1;
	text = settings_sample(all_heuristics);
	fputs(text, stdout);
	free(text);
	return EXIT_FOUND;
}

static void tell_strings(struct out *o, const char *key, const struct string_list *list)
{
	out_enter_list(o, key);
	for (size_t i = 0; i < list->n; i++)
		out_text(o, NULL, str_of(list->at[i]));
	out_leave(o);
}

static void tell_sources(struct out *o, const struct settings *s)
{
	out_enter_list(o, "sources");
	for (size_t i = 0; i < s->nsources; i++) {
		out_enter_object(o, NULL);
		out_text(o, "path", str_of(s->sources[i].path));
		out_text(o, "format", str_of(s->sources[i].format));
		out_text(o, "trust", s->sources[i].tenant ? STR("tenant") : STR("system"));
		out_text(o, "account", str_of(s->sources[i].account));
		out_text(o, "timezone", str_of(s->sources[i].timezone));
		out_leave(o);
	}
	out_leave(o);
}

static void tell_map(struct out *o, const struct map_spec *map)
{
	char text[512];

	if (out_is_table(o)) {
		snprintf(text, sizeof(text), "%s (%s)", map->path, map->format);
		out_text(o, NULL, str_of(text));
		return;
	}
	out_enter_object(o, NULL);
	out_text(o, "path", str_of(map->path));
	out_text(o, "format", str_of(map->format));
	out_leave(o);
}

static void tell_accounts(struct out *o, const struct settings *s)
{
	out_enter_object(o, "accounts");
	out_text(o, "passwd", str_of(s->accounts.passwd));
	out_enter_list(o, "maps");
	for (size_t i = 0; i < s->accounts.nmaps; i++)
		tell_map(o, &s->accounts.maps[i]);
	out_leave(o);
	tell_strings(o, "shared", &s->accounts.shared);
	tell_strings(o, "homes", &s->accounts.homes);
	out_leave(o);
}

static int show(struct cli *cli, struct error *err)
{
	const struct settings *s;
	struct out *o;

	if (cli_operands(cli, 1, 1, err) < 0)
		return -1;
	s = cli_settings(cli, err);
	if (!s)
		return -1;
	o = cli_out(cli);
	out_object(o);
	out_text(o, "database", str_of(s->database));
	out_text(o, "hostname", str_of(s->hostname));
	out_text(o, "store", s->store_all ? STR("all") : STR("outbound"));
	out_number(o, "retention_messages_seconds", s->retention_messages / USEC_SECOND);
	out_number(o, "php_wait_seconds", s->php_wait / USEC_SECOND);
	tell_sources(o, s);
	tell_accounts(o, s);
	tell_strings(o, "networks", &s->networks);
	out_number(o, "retention_findings_seconds", s->retention_findings / USEC_SECOND);
	out_object_end(o, sections);
	return EXIT_FOUND;
}

int run_config(struct cli *cli, struct error *err)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *cli, struct error *err);
	} verbs[] = { { "check", check }, { "defaults", defaults }, { "show", show } };

	if (cli_operands(cli, 1, 2, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, cli->operand[0]) == 0)
			return verbs[i].run(cli, err);
	return error_set(err, EXIT_USAGE, "config what? check, defaults or show; not '%s'",
			 cli->operand[0]);
}
