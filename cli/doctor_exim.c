/* Exim: does log_selector name what was sent, and does an ACL log who ran sendmail?
 *
 * Reads the files that Exim's configuration is made of, with macros and includes; conditions
 * (.ifdef) are taken as true. Exim itself is asked where it may be. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define SNIPPET MAILAUDIT_DATADIR "/snippets/exim/acl_not_smtp"
#define FILES_MAX 64
#define MACROS_MAX 256
#define DEPTH_MAX 4

static const struct str wanted[] = { STR("subject"), STR("received_recipients"),
				     STR("received_sender"), STR("sender_on_delivery") };
#define NWANTED (sizeof(wanted) / sizeof(*wanted))

struct exim {
	const char *program;
	const char *files[FILES_MAX];
	size_t nfiles;
	struct {
		struct str name, value;
	} macros[MACROS_MAX];
	size_t nmacros;
	struct str selector, acl, log; /* values of options */
	const char *selector_file, *acl_file; /* where they, or the ACL itself, stand */
	bool logs; /* the ACL's line is there */
};

static void add_file(struct doctor *d, const char *path, void *context)
{
	struct exim *e = context;

	(void)d;
	if (e->nfiles < FILES_MAX)
		e->files[e->nfiles++] = path;
}

/* Debian's three ways, then everybody else's. */
static void find_files(struct doctor *d, struct exim *e)
{
	static const char *const single[] = { "/etc/exim4/exim4.conf", "/etc/exim.conf",
					      "/etc/exim/exim.conf" };
	struct str debian;

	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++)
		if (!e->nfiles && doctor_exists(d, single[i]))
			add_file(d, single[i], e);
	if (e->nfiles)
		return;
	if (doctor_read(d, "/etc/exim4/update-exim4.conf.conf", &debian) &&
	    str_find(debian, STR("dc_use_split_config='true'")) < debian.n) {
		doctor_glob(d, "/etc/exim4/conf.d/main/*", add_file, e);
		doctor_glob(d, "/etc/exim4/conf.d/acl/*", add_file, e);
	} else if (doctor_exists(d, "/etc/exim4/exim4.conf.template")) {
		add_file(d, "/etc/exim4/exim4.conf.template", e);
	}
}

static struct str macro(const struct exim *e, struct str name)
{
	for (size_t i = 0; i < e->nmacros; i++)
		if (str_eq(e->macros[i].name, name))
			return e->macros[i].value;
	return STR_NONE;
}

static void take_include(struct doctor *d, struct exim *e, struct str text)
{
	if (!str_eat(&text, STR(".include_if_exists")) && !str_eat(&text, STR(".include")))
		return;
	text = str_trim(text);
	add_file(d, doctor_say(d, "%.*s", STR_ARG(text)), e);
}

static void take_line(struct doctor *d, struct exim *e, const char *file,
		      const struct conf_line *line)
{
	take_include(d, e, line->text);
	if (str_eq(line->name, STR("log_selector"))) {
		e->selector = line->value;
		e->selector_file = file;
	} else if (str_eq(line->name, STR("acl_not_smtp"))) {
		e->acl = line->value;
	} else if (str_eq(line->name, STR("log_file_path"))) {
		e->log = line->value;
	} else if (str_eq(line->name, STR("logwrite"))) {
		e->logs |= str_starts(line->value, STR("mailaudit-php uid="));
	} else if (line->name.n && line->name.p[0] >= 'A' && line->name.p[0] <= 'Z' &&
		   e->nmacros < MACROS_MAX) {
		e->macros[e->nmacros].name = line->name;
		e->macros[e->nmacros++].value = line->value;
	}
}

static void read_files(struct doctor *d, struct exim *e)
{
	for (size_t i = 0; i < e->nfiles; i++) {
		struct conf_line line = { .from = 0 };
		struct str text;
		size_t at = 0;

		if (!doctor_read(d, e->files[i], &text))
			continue;
		while (exim_conf_next(text, &at, &d->arena, &line))
			take_line(d, e, e->files[i], &line);
	}
}

/* From left to right, "+all" and "-subject" too; words of macros in between. */
static void apply_selector(const struct exim *e, struct str value, bool *on, int depth)
{
	while (value.n) {
		size_t n = 0;
		struct str word, rest;

		while (n < value.n && value.p[n] != ' ' && value.p[n] != '\t')
			n++;
		word = str_head(value, n);
		value = str_skip(value, n + 1);
		if (!word.n)
			continue;
		rest = str_skip(word, 1);
		for (size_t i = 0; i < NWANTED; i++)
			if (str_eq(rest, wanted[i]) || str_eq(rest, STR("all")))
				on[i] = word.p[0] == '+';
		if (word.p[0] != '+' && word.p[0] != '-' && depth < DEPTH_MAX)
			apply_selector(e, macro(e, word), on, depth + 1);
	}
}

/* The line of a file that `begins` so; false: none. */
static bool find_line(struct doctor *d, struct str text, struct str begins, struct conf_line *line)
{
	size_t at = 0;

	while (exim_conf_next(text, &at, &d->arena, line))
		if (str_starts(line->text, begins))
			return true;
	return false;
}

static void insert(struct doctor *d, struct change *c, size_t at, struct str text)
{
	c->after = doctor_join(d, str_head(c->after, at), text, str_skip(c->after, at));
}

/* Before the first section, where the main options end. */
static void add_option(struct doctor *d, const char *file, const char *option)
{
	struct change *c = doctor_change(d, file);
	struct conf_line line = { .from = 0 };

	if (c && find_line(d, c->after, STR("begin "), &line))
		insert(d, c, line.from, str_of(option));
	else if (c)
		doctor_append(d, c, str_of(option));
}

/* Adds to the words there are: what else is logged stays logged. */
static void plan_selector(struct doctor *d, const struct exim *e, const char *words)
{
	struct change *c;
	struct conf_line line = { .from = 0 };

	if (!e->selector_file) {
		add_option(d, e->files[0], doctor_say(d, "log_selector =%s\n", words));
		return;
	}
	c = doctor_change(d, e->selector_file);
	if (c && find_line(d, c->after, STR("log_selector"), &line)) {
		size_t end = line.to - (line.to > line.from && c->after.p[line.to - 1] == '\n');

		insert(d, c, end, str_of(words));
	}
}

/* The line of +arguments has a directory's name as it is, which a customer chooses. */
static void look_arguments(struct doctor *d, const struct exim *e, struct str value)
{
	if (str_find(value, STR("+arguments")) < value.n && d->own_log)
		doctor_tell(d, "exim.arguments", SIGHT_ADVICE,
			    "a directory whose name holds a newline forges a line of the log",
			    e->selector_file ? e->selector_file : e->files[0],
			    "log_selector without +arguments: acl_not_smtp logs the directory");
}

static void look_selector(struct doctor *d, struct exim *e)
{
	const char *const argv[] = { e->program, "-bP", "log_selector", NULL };
	bool on[NWANTED] = { false };
	struct str value = e->selector;
	const char *missing = "";

	if (doctor_ask(d, argv, &value))
		value = str_skip(value, str_find(value, STR("log_selector =")) + 14);
	apply_selector(e, value, on, 0);
	look_arguments(d, e, value);
	for (size_t i = 0; i < NWANTED; i++)
		if (!on[i])
			missing = doctor_say(d, "%s +%.*s", missing, STR_ARG(wanted[i]));
	if (!*missing) {
		doctor_tell(d, "exim.log_selector", SIGHT_SEEN, "logs what was sent, to whom",
			    NULL, NULL);
		return;
	}
	if (doctor_fixes(d, "exim.log_selector", SIGHT_PARTLY))
		plan_selector(d, e, missing);
	doctor_tell(d, "exim.log_selector", SIGHT_PARTLY, doctor_say(d, "lacks%s", missing),
		    e->selector_file ? e->selector_file : e->files[0],
		    doctor_say(d, "log_selector = ...%s", missing));
}

/* The rule goes to the beginning of the ACL that there is, or an ACL of its own. */
static bool plan_rule(struct doctor *d, const char *file, struct str acl, struct str label,
		      struct str rule)
{
	struct change *c = doctor_change(d, file);
	struct conf_line line = { .from = 0 };

	if (!c)
		return false;
	if (label.n && find_line(d, c->after, str_of(doctor_say(d, "%.*s:", STR_ARG(label))), &line)) {
		insert(d, c, line.to, rule);
		return true;
	}
	if (label.n || !find_line(d, c->after, STR("begin acl"), &line))
		return false;
	insert(d, c, line.to, doctor_join(d, STR("\n"), acl, STR("\n")));
	return true;
}

static void plan_acl(struct doctor *d, const struct exim *e)
{
	struct str acl = doctor_snippet(d, "exim/acl_not_smtp");
	struct str rule = str_skip(acl, str_chr(acl, '\n') + 1);

	rule = str_head(rule, str_rfind(rule, STR("  accept")));
	for (size_t i = 0; i < e->nfiles; i++) {
		if (!plan_rule(d, e->files[i], acl, e->acl, rule))
			continue;
		if (!e->acl.n)
			add_option(d, e->selector_file ? e->selector_file : e->files[0],
				   "acl_not_smtp = acl_check_not_smtp\n");
		return;
	}
}

static void look_acl(struct doctor *d, const struct exim *e)
{
	if (e->acl.n && e->logs) {
		doctor_tell(d, "exim.acl_not_smtp", SIGHT_SEEN,
			    "logs uid, directory and reference of local mail", NULL, NULL);
		return;
	}
	if (doctor_fixes(d, "exim.acl_not_smtp", SIGHT_NOT))
		plan_acl(d, e);
	doctor_tell(d, "exim.acl_not_smtp", SIGHT_NOT,
		    "no line ties local mail to its directory and script", e->files[0],
		    e->acl.n ? doctor_say(d, "the rule of " SNIPPET " at the top of acl %.*s",
					  STR_ARG(e->acl)) :
			       "acl_not_smtp = acl_check_not_smtp   # and the acl of " SNIPPET);
}

void look_exim(struct doctor *d)
{
	const char *program = doctor_exists(d, "/usr/sbin/exim4") ? "exim4" : "exim";
	const char *const argv[] = { program, "-bV", NULL };
	struct exim *e = arena_alloc(&d->arena, sizeof(*e));
	struct str version = STR_NONE;

	*e = (struct exim){ .program = program };
	find_files(d, e);
	if (!e->nfiles)
		return;
	read_files(d, e);
	/* Complaints about its files come first. */
	if (doctor_ask(d, argv, &version))
		version = str_skip(version, str_find(version, STR("Exim version ")) + 13);
	version = str_head(version, str_chr(version, ' '));
	doctor_tell(d, "exim", SIGHT_SEEN,
		    doctor_say(d, "Exim%s%.*s", version.n ? " " : "", STR_ARG(version)), NULL, NULL);
	/* A path, or "" for the one compiled in; "syslog" alone or among them. */
	d->own_log |= str_find(e->log, STR("syslog")) == e->log.n;
	look_selector(d, e);
	look_acl(d, e);
}
