/* Postfix: does it log the headers that tie a message to its script, and where does it log? Each
 * instance (postmulti(1)) has a folder with a main.cf of its own. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define FOLDER "/etc/postfix"
#define INSTANCES_MAX 100

struct instance {
	const char *folder, *label; /* label: "" or "postfix-out: ", in front of what is told */
	const char *main_cf_name, *table;
	struct str main_cf; /* as it is */
	struct str known; /* the same, and where it lies: for $config_directory */
};

static const char *const headers[] = { "X-Mailaudit-Ref", "X-PHP-Originating-Script", "Subject",
				       "To" };
#define NHEADERS (sizeof(headers) / sizeof(*headers))

/* What Postfix itself says; else what the file says. */
static struct str value_of(struct doctor *d, const struct instance *in, const char *name)
{
	const char *const argv[] = { "postconf", "-c", in->folder, "-xh", name, NULL };
	struct str value = STR_NONE;

	if (!doctor_ask(d, argv, &value))
		postfix_conf_get(in->known, name, &d->arena, &value);
	return value;
}

static void tell(struct doctor *d, const struct instance *in, const char *check,
		 enum sight_state state, const char *detail, const char *file, const char *line)
{
	doctor_tell(d, check, state, doctor_say(d, "%s%s", in->label, detail), file, line);
}

/* "/^Subject:/   INFO mailaudit": for this header? */
static bool logs_header(struct str line, const char *header)
{
	size_t close = str_rfind(str_head(line, str_find(line, STR("INFO"))), STR("/"));
	struct str wanted = str_of(header), pattern = str_head(line, close);

	if (line.n == 0 || line.p[0] != '/' || str_find(line, STR("INFO")) == line.n)
		return false;
	pattern = str_skip(pattern, 1);
	str_eat(&pattern, STR("^"));
	return str_starts_nocase(pattern, wanted) &&
	       (pattern.n == wanted.n || pattern.p[wanted.n] == ':');
}

static void read_table(struct doctor *d, struct str table, bool *logged)
{
	struct str text;

	table = str_skip(table, str_chr(table, ':') + 1);
	if (!doctor_read(d, doctor_say(d, "%.*s", STR_ARG(table)), &text))
		return;
	while (text.n) {
		struct str line = str_head(text, str_chr(text, '\n'));

		text = str_skip(text, line.n + 1);
		for (size_t i = 0; i < NHEADERS; i++)
			logged[i] |= logs_header(line, headers[i]);
	}
}

static void read_tables(struct doctor *d, struct str checks, bool *logged)
{
	while (checks.n) {
		size_t n = 0;

		while (n < checks.n && !strchr(", \t\n", checks.p[n]))
			n++;
		read_table(d, str_head(checks, n), logged);
		checks = str_skip(checks, n + 1);
	}
}

static void plan_headers(struct doctor *d, const struct instance *in, const char *line)
{
	struct change *table = doctor_change(d, in->table), *cf;

	if (table)
		table->after = doctor_join(d, STR("# Installed by mailaudit doctor.\n"),
					   doctor_snippet(d, "postfix/header_checks"), STR_NONE);
	cf = doctor_change(d, in->main_cf_name);
	if (cf)
		cf->after = postfix_conf_set(cf->after, "header_checks", line, &d->arena);
}

/* The value as it is written, so that $name in it stays. */
static struct str written(struct doctor *d, struct str main_cf, const char *name)
{
	struct conf_line line = { .from = 0 };
	struct str value = STR_NONE;

	for (size_t at = 0; postfix_conf_next(main_cf, &at, &d->arena, &line);)
		if (str_eq(line.name, str_of(name)))
			value = line.value;
	return value;
}

static void look_headers(struct doctor *d, const struct instance *in)
{
	static const char check[] = "postfix.header_checks";
	bool logged[NHEADERS] = { false };
	struct str checks = written(d, in->main_cf, "header_checks");
	const char *missing = "", *line;
	enum sight_state state;
	size_t n = 0;

	read_tables(d, value_of(d, in, "header_checks"), logged);
	for (size_t i = 0; i < NHEADERS; i++) {
		if (logged[i])
			continue;
		missing = doctor_say(d, "%s%s%s", missing, n++ ? ", " : "", headers[i]);
	}
	if (!n) {
		tell(d, in, check, SIGHT_SEEN, "logs the reference, PHP's script, Subject and To", NULL,
		     NULL);
		return;
	}
	state = n == NHEADERS ? SIGHT_NOT : SIGHT_PARTLY;
	line = doctor_say(d, "%.*s%sregexp:%s", STR_ARG(checks), checks.n ? ", " : "", in->table);
	/* Ours is named already, and is what lacks rules. */
	if (str_find(checks, str_of(in->table)) < checks.n)
		line = doctor_say(d, "%.*s", STR_ARG(checks));
	if (doctor_fixes(d, check, state))
		plan_headers(d, in, line);
	tell(d, in, check, state, doctor_say(d, "not logged: %s", missing), in->main_cf_name,
	     doctor_say(d, "header_checks = %s", line));
}

/* A service of master.cf can leave header_checks out: pickup takes what sendmail(1) is given,
 * cleanup looks at the headers. */
static void look_master(struct doctor *d, const struct instance *in)
{
	const char *path = doctor_say(d, "%s/master.cf", in->folder);
	struct conf_line line = { .from = 0 };
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; postfix_conf_next(text, &at, &d->arena, &line);) {
		if (str_starts(line.text, STR("pickup ")) &&
		    str_find(line.text, STR("no_header_body_checks")) < line.text.n)
			tell(d, in, "postfix.master", SIGHT_NOT,
			     "pickup has no_header_body_checks: of local mail no header is logged", path,
			     "remove it from pickup's receive_override_options");
		if (str_starts(line.text, STR("cleanup ")) &&
		    str_find(line.text, STR(" header_checks=")) < line.text.n &&
		    str_find(line.text, str_of(in->table)) == line.text.n)
			tell(d, in, "postfix.master", SIGHT_NOT,
			     "cleanup has header_checks of its own, which hide those of main.cf", path,
			     doctor_say(d, "remove them, or add regexp:%s", in->table));
	}
	text = value_of(d, in, "receive_override_options");
	if (str_find(text, STR("no_header_body_checks")) < text.n)
		tell(d, in, "postfix.master", SIGHT_NOT, "no_header_body_checks: no header is logged",
		     in->main_cf_name, "remove it from receive_override_options");
}

static void look_log(struct doctor *d, const struct instance *in)
{
	struct str file = value_of(d, in, "maillog_file");

	d->own_log |= file.n > 0;
	if (file.n)
		doctor_note_log(d, file);
	tell(d, in, "postfix.log", SIGHT_SEEN,
	     file.n ? doctor_say(d, "logs to %.*s", STR_ARG(file)) : "logs through syslog", NULL, NULL);
	if (str_eq(value_of(d, in, "enable_long_queue_ids"), STR("yes"))) {
		tell(d, in, "postfix.queue_ids", SIGHT_SEEN, "long queue ids", NULL, NULL);
		return;
	}
	if (doctor_fixes(d, "postfix.queue_ids", SIGHT_ADVICE)) {
		struct change *cf = doctor_change(d, in->main_cf_name);

		if (cf)
			cf->after = postfix_conf_set(cf->after, "enable_long_queue_ids", "yes", &d->arena);
	}
	tell(d, in, "postfix.queue_ids", SIGHT_ADVICE, "short queue ids are used again within minutes",
	     in->main_cf_name, "enable_long_queue_ids = yes");
}

/* false: there is none. */
static bool open_instance(struct doctor *d, const char *folder, struct instance *in)
{
	*in = (struct instance){ .folder = folder, .label = "" };
	in->main_cf_name = doctor_say(d, "%s/main.cf", folder);
	in->table = doctor_say(d, "%s/mailaudit_header_checks", folder);
	if (!doctor_read(d, in->main_cf_name, &in->main_cf))
		return false;
	in->known = doctor_join(d, str_of(doctor_say(d, "config_directory = %s\n", folder)),
				in->main_cf, STR_NONE);
	return true;
}

static void look_further(struct doctor *d, const char *folder)
{
	struct instance in;
	struct str name;

	if (!open_instance(d, folder, &in)) {
		doctor_tell(d, "postfix", SIGHT_NOT, doctor_say(d, "instance %s has no main.cf", folder),
			    FOLDER "/main.cf", "multi_instance_directories");
		return;
	}
	name = value_of(d, &in, "multi_instance_name");
	if (name.n)
		in.label = doctor_say(d, "%.*s: ", STR_ARG(name));
	else
		in.label = doctor_say(d, "%s: ", folder);
	/* postmulti(1) leaves out those that are off. */
	if (!str_eq(value_of(d, &in, "multi_instance_enable"), STR("yes"))) {
		tell(d, &in, "postfix", SIGHT_SEEN, "an instance that is not enabled", NULL, NULL);
		return;
	}
	tell(d, &in, "postfix", SIGHT_SEEN, "an instance of Postfix", NULL, NULL);
	look_headers(d, &in);
	look_master(d, &in);
	look_log(d, &in);
}

static void look_others(struct doctor *d, struct str folders)
{
	for (int i = 0; folders.n && i < INSTANCES_MAX; i++) {
		size_t n = 0;

		while (n < folders.n && !strchr(", \t\n", folders.p[n]))
			n++;
		if (n && folders.p[0] == '/')
			look_further(d, doctor_say(d, "%.*s", (int)n, folders.p));
		folders = str_skip(folders, n + 1);
	}
}

void look_postfix(struct doctor *d)
{
	static const char *const argv[] = { "postconf", "-h", "mail_version", NULL };
	struct str version = STR_NONE;
	struct instance in;

	if (!doctor_has_program(d, "/usr/sbin/postfix") || !open_instance(d, FOLDER, &in))
		return;
	doctor_ask(d, argv, &version);
	doctor_tell(d, "postfix", SIGHT_SEEN, doctor_say(d, "Postfix%s%.*s", version.n ? " " : "", STR_ARG(version)),
		    NULL, NULL);
	look_headers(d, &in);
	look_master(d, &in);
	look_log(d, &in);
	look_others(d, value_of(d, &in, "multi_instance_directories"));
}
