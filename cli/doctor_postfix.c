/* Postfix: does it log the headers that tie a message to its script, and where does it log? */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define MAIN_CF "/etc/postfix/main.cf"
#define TABLE "/etc/postfix/mailaudit_header_checks"

static const char *const headers[] = { "X-Mailaudit-Ref", "X-PHP-Originating-Script", "Subject",
				       "To" };
#define NHEADERS (sizeof(headers) / sizeof(*headers))

/* What Postfix itself says; else what the file says. */
static struct str value_of(struct doctor *d, struct str main_cf, const char *name)
{
	const char *const argv[] = { "postconf", "-xh", name, NULL };
	struct str value = STR_NONE;

	if (!doctor_ask(d, argv, &value))
		postfix_conf_get(main_cf, name, &d->arena, &value);
	return value;
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

static void plan_headers(struct doctor *d, const char *line)
{
	struct change *table = doctor_change(d, TABLE), *cf;

	if (table)
		table->after = doctor_join(d, STR("# Installed by mailaudit doctor.\n"),
					   doctor_snippet(d, "postfix/header_checks"), STR_NONE);
	cf = doctor_change(d, MAIN_CF);
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

static void look_headers(struct doctor *d, struct str main_cf)
{
	bool logged[NHEADERS] = { false };
	struct str checks = written(d, main_cf, "header_checks");
	const char *missing = "", *line;
	size_t n = 0;

	read_tables(d, value_of(d, main_cf, "header_checks"), logged);
	for (size_t i = 0; i < NHEADERS; i++) {
		if (logged[i])
			continue;
		missing = doctor_say(d, "%s%s%s", missing, n++ ? ", " : "", headers[i]);
	}
	if (!n) {
		doctor_tell(d, "postfix.header_checks", SIGHT_SEEN,
			    "logs the reference, PHP's script, Subject and To", NULL, NULL);
		return;
	}
	line = doctor_say(d, "%.*s%sregexp:" TABLE, STR_ARG(checks), checks.n ? ", " : "");
	/* Ours is named already, and is what lacks rules. */
	if (str_find(checks, STR(TABLE)) < checks.n)
		line = doctor_say(d, "%.*s", STR_ARG(checks));
	plan_headers(d, line);
	doctor_tell(d, "postfix.header_checks", n == NHEADERS ? SIGHT_NOT : SIGHT_PARTLY,
		    doctor_say(d, "not logged: %s", missing), MAIN_CF,
		    doctor_say(d, "header_checks = %s", line));
}

static void look_log(struct doctor *d, struct str main_cf)
{
	struct str file = value_of(d, main_cf, "maillog_file");

	doctor_tell(d, "postfix.log", SIGHT_SEEN,
		    file.n ? doctor_say(d, "logs to %.*s", STR_ARG(file)) : "logs through syslog",
		    NULL, NULL);
	if (str_eq(value_of(d, main_cf, "enable_long_queue_ids"), STR("yes")))
		doctor_tell(d, "postfix.queue_ids", SIGHT_SEEN, "long queue ids", NULL, NULL);
	else
		doctor_tell(d, "postfix.queue_ids", SIGHT_ADVICE,
			    "short queue ids are used again within minutes", MAIN_CF,
			    "enable_long_queue_ids = yes");
}

void look_postfix(struct doctor *d)
{
	static const char *const argv[] = { "postconf", "-h", "mail_version", NULL };
	struct str main_cf, version = STR_NONE;

	if (!doctor_read(d, MAIN_CF, &main_cf))
		return;
	doctor_ask(d, argv, &version);
	doctor_tell(d, "postfix", SIGHT_SEEN, doctor_say(d, "Postfix%s%.*s", version.n ? " " : "", STR_ARG(version)),
		    NULL, NULL);
	look_headers(d, main_cf);
	look_log(d, main_cf);
}
