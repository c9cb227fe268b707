/* PHP: does mail() leave a line, a header, and a reference? Each kind of PHP (FPM, command line,
 * module) has a php.ini with a folder of further files, of which a later one wins, and FPM's
 * pools may say otherwise. */
#include "cli/doctor_conf.h"
#include "cli/doctor_php.h"

#define NAMES_SHOWN 5
#define POOLS_MAX 5000

static const struct {
	const char *ini; /* pattern of its php.ini */
	const char *more, *fpm; /* from the php.ini's folder on; fpm NULL: none */
} layouts[] = {
	{ "/etc/php/*/*/php.ini", "conf.d", "php-fpm.conf" }, /* Debian */
	{ "/etc/php.ini", "php.d", "php-fpm.conf" }, /* Red Hat */
	{ "/opt/cpanel/ea-php*/root/etc/php.ini", "php.d", "php-fpm.conf" },
	{ "/opt/plesk/php/*/etc/php.ini", "php.d", "php-fpm.conf" },
	{ "/usr/local/php*/lib/php.ini", "php.conf.d", "../etc/php-fpm.conf" }, /* DirectAdmin */
	{ "/opt/alt/php*/etc/php.ini", "../link/conf", "php-fpm.conf" }, /* CloudLinux */
	{ "/etc/opt/remi/php*/php.ini", "php.d", "php-fpm.conf" },
	{ "/usr/local/etc/php/php.ini", "conf.d", "../php-fpm.conf" },
};

enum { LOG = PHP_LOG, HEADER = PHP_HEADER, PATH = PHP_PATH, NSETTINGS = PHP_SETTINGS };
const struct str php_setting_name[NSETTINGS] = { STR("mail.log"), STR("mail.add_x_header"),
						 STR("sendmail_path") };
static const char *const checks[] = { "php.mail_log", "php.add_x_header",
				      "php.sendmail_path" };

/* One php.ini's or one pool's view of them. */
struct unit {
	struct str value[NSETTINGS];
	const char *set_in[NSETTINGS]; /* the pool's file, if it is the pool that says so */
	struct str line[NSETTINGS]; /* how it names the setting there */
	struct str header; /* the pool's "[name]" */
};

struct php {
	struct unit base; /* php.ini and its folder */
	const char *own; /* the file for lines of ours */
	size_t units, npools;
	size_t off[NSETTINGS];
	const char *names[NSETTINGS], *file[NSETTINGS];
	const char *pool_line[NSETTINGS]; /* how that file says it; NULL: as ini files do */
	struct str facility;
	bool by_syslog; /* some unit logs there */
	size_t unread; /* logs to a file that no source names */
	const char *unread_file;
};

static void read_ini(struct doctor *d, const char *path, void *context)
{
	struct php *php = context;
	struct conf_line line = { .from = 0 };
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);) {
		int setting = php_setting_find(line.name);

		if (setting < NSETTINGS)
			php->base.value[setting] = line.value;
		if (str_eq(line.name, STR("syslog.facility")))
			php->facility = line.value;
	}
}

int php_setting_find(struct str name)
{
	int i = 0;

	while (i < NSETTINGS && !str_eq(name, php_setting_name[i]))
		i++;
	return i;
}

bool php_is_on(int setting, struct str value)
{
	if (setting == HEADER)
		return ini_true(value);
	if (setting == PATH)
		return str_find(value, STR("/mailaudit-")) < value.n;
	/* /dev/stderr and what it is a link to cannot be opened by a worker of php-fpm. */
	return value.n > 0 && !str_starts(value, STR("/dev/")) && !str_starts(value, STR("/proc/"));
}

const char *php_cure(struct doctor *d, int setting, struct str value)
{
	if (setting == LOG)
		return "syslog";
	if (setting == HEADER)
		return "On";
	if (value.n && value.p[0] == '/')
		return doctor_say(d, DOCTOR_REF " %.*s", STR_ARG(value));
	return DOCTOR_WRAPPER " -t -i";
}

bool php_can_cure(struct doctor *d, int setting)
{
	return setting != PATH || doctor_exists(d, DOCTOR_WRAPPER);
}

static const char *pool_line(struct doctor *d, const struct unit *u, int setting)
{
	struct str old = u->line[setting];

	return doctor_say(d, "%.*s= %s", (int)str_chr(old, '='), old.p,
			  php_cure(d, setting, u->value[setting]));
}

/* A pool's own line is written again where it stands. */
static void plan_pool(struct doctor *d, const struct unit *u, int setting)
{
	struct change *c = doctor_change(d, u->set_in[setting]);
	struct str old = u->line[setting], text;
	size_t at;

	if (!c)
		return;
	at = doctor_find_lines(c->after, old);
	text = str_of(doctor_say(d, "%s\n", pool_line(d, u, setting)));
	if (at < c->after.n)
		c->after = doctor_join(d, str_head(c->after, at), text,
				       str_skip(c->after, at + old.n));
}

static void plan_ini(struct doctor *d, const struct php *php, int setting)
{
	struct change *c = doctor_change(d, php->own);
	const char *line = doctor_say(d, "%.*s = \"%s\"\n", STR_ARG(php_setting_name[setting]),
				      php_cure(d, setting, php->base.value[setting]));

	if (setting == HEADER)
		line = "mail.add_x_header = On\n";
	if (setting == LOG)
		line = "mail.log = syslog\n";
	if (c && doctor_find_lines(c->after, str_of(line)) == c->after.n)
		doctor_append(d, c, str_of(line));
}

static bool is_mail(struct str facility)
{
	return str_eq(facility, STR("mail")) || str_eq(facility, STR("LOG_MAIL"));
}

/* With facility mail the lines are in the mail log, which is followed. */
static void plan_facility(struct doctor *d, const struct php *php)
{
	struct change *c = is_mail(php->facility) ? NULL : doctor_change(d, php->own);
	static const struct str line = STR("syslog.facility = mail\n");

	if (c && doctor_find_lines(c->after, line) == c->after.n)
		doctor_append(d, c, line);
}

static void judge_log(struct doctor *d, struct php *php, const struct unit *u)
{
	struct str value = u->value[LOG];

	/* What is off will be logged by syslog, see php_cure(). */
	if (!value.n || str_eq(value, STR("syslog")))
		d->own_log = false;
	php->by_syslog |= str_eq(value, STR("syslog"));
	if (str_starts(value, STR("/")) && !doctor_follows(d, value) && !php->unread++)
		php->unread_file = doctor_say(d, "%.*s", STR_ARG(value));
}

static bool is_admin(struct str line)
{
	return str_starts(line, STR("php_admin_"));
}

/* A customer's .user.ini does not change what php_admin_value says. */
static void note_weak(struct doctor *d, const struct unit *u, const char *path)
{
	struct str log = u->value[LOG];
	const char *lines = "";

	if (!is_admin(u->line[LOG]))
		lines = doctor_say(d, "php_admin_value[mail.log] = %.*s\n",
				   STR_ARG(log.n ? log : STR("syslog")));
	if (!is_admin(u->line[HEADER]))
		lines = doctor_say(d, "%sphp_admin_flag[mail.add_x_header] = On\n", lines);
	if (!*lines)
		return;
	d->weak = xrealloc(d->weak, (d->nweak + 1) * sizeof(*d->weak));
	d->weak[d->nweak++] = (struct weak){ path, u->header, lines };
}

static void judge(struct doctor *d, struct php *php, const struct unit *u, const char *name)
{
	php->units++;
	judge_log(d, php, u);
	for (int i = 0; i < NSETTINGS; i++) {
		if (php_is_on(i, u->value[i]))
			continue;
		if (php->off[i]++ < NAMES_SHOWN)
			php->names[i] = doctor_say(d, "%s%s%s", php->off[i] > 1 ? php->names[i] : "",
						   php->off[i] > 1 ? ", " : "", name);
		if (php->off[i] == 1) {
			php->file[i] = u->set_in[i] ? u->set_in[i] : php->own;
			php->pool_line[i] = u->set_in[i] ? pool_line(d, u, i) : NULL;
		}
		if (!doctor_fixes(d, checks[i], SIGHT_PARTLY))
			continue;
		if (i == LOG)
			plan_facility(d, php);
		if (php_can_cure(d, i) && u->set_in[i])
			plan_pool(d, u, i);
		else if (php_can_cure(d, i))
			plan_ini(d, php, i);
	}
}

/* "php_admin_value[mail.log]": the number of the setting, or NSETTINGS. */
static int pool_setting(struct str name)
{
	if (!str_eat(&name, STR("php_admin_value[")) && !str_eat(&name, STR("php_admin_flag[")) &&
	    !str_eat(&name, STR("php_value[")) && !str_eat(&name, STR("php_flag[")))
		return NSETTINGS;
	return php_setting_find(str_head(name, str_chr(name, ']')));
}

static void end_pool(struct doctor *d, struct php *php, const struct unit *u, struct str section,
		     const char *path)
{
	if (!section.n || str_eq(section, STR("global")) || php->npools == POOLS_MAX)
		return;
	php->npools++;
	note_weak(d, u, path);
	judge(d, php, u, doctor_say(d, "%.*s", STR_ARG(section)));
}

static void read_pools(struct doctor *d, const char *path, void *context)
{
	struct php *php = context;
	struct conf_line line = { .from = 0 };
	struct unit u = php->base;
	struct str text, section = STR_NONE;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);) {
		int setting = pool_setting(line.name);

		if (!line.name.n && !str_eq(line.section, section)) {
			end_pool(d, php, &u, section, path);
			section = line.section;
			u = php->base;
			u.header = str_range(text.p + line.from, text.p + line.to);
		}
		/* FPM sets the administrator's last. */
		if (setting == NSETTINGS ||
		    (is_admin(u.line[setting]) && !is_admin(line.name)))
			continue;
		u.value[setting] = line.value;
		u.set_in[setting] = path;
		u.line[setting] = str_range(text.p + line.from, text.p + line.to);
	}
	end_pool(d, php, &u, section, path);
}

static void read_fpm(struct doctor *d, const char *path, struct php *php)
{
	struct conf_line line = { .from = 0 };
	struct str text;

	read_pools(d, path, php);
	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);)
		if (str_eq(line.name, STR("include")))
			doctor_glob(d, doctor_say(d, "%.*s", STR_ARG(line.value)), read_pools, php);
}

static void tell_setting(struct doctor *d, const struct php *php, const char *ini, int i)
{
	const char *where = ini, *line;

	if (!php->off[i]) {
		if (php->npools)
			where = doctor_say(d, "all %zu pools of %s", php->npools, ini);
		doctor_tell(d, checks[i], SIGHT_SEEN, doctor_say(d, "on in %s", where), NULL, NULL);
		return;
	}
	if (php->npools)
		where = doctor_say(d, "%zu of %zu pools of %s: %s%s", php->off[i], php->units, ini,
				   php->names[i], php->off[i] > NAMES_SHOWN ? ", ..." : "");
	if (!php_can_cure(d, i))
		line = "install " DOCTOR_WRAPPER " first";
	else if (php->pool_line[i])
		line = php->pool_line[i];
	else
		line = doctor_say(d, "%.*s = %s", STR_ARG(php_setting_name[i]),
				  php_cure(d, i, php->base.value[i]));
	doctor_tell(d, checks[i], php->off[i] < php->units ? SIGHT_PARTLY : SIGHT_NOT,
		    doctor_say(d, "%.*s off in %s", STR_ARG(php_setting_name[i]), where), php->file[i],
		    line);
}

/* Where the lines go, of those that are written. */
static void tell_places(struct doctor *d, const struct php *php, const char *ini)
{
	if (php->unread)
		doctor_tell(d, "php.followed", SIGHT_PARTLY,
			    doctor_say(d, "%zu logs of mail() are followed by no source: %s%s", php->unread,
				       php->unread_file, php->unread > 1 ? ", ..." : ""),
			    MAILAUDIT_SYSCONFDIR "/mailaudit.yaml",
			    doctor_say(d, "sources: [{path: %s, format: php}]", php->unread_file));
	/* A journal has the lines of all facilities. */
	if (!php->by_syslog || is_mail(php->facility) || !doctor_exists(d, "/etc/rsyslog.conf"))
		return;
	if (doctor_fixes(d, "php.facility", SIGHT_PARTLY))
		plan_facility(d, php);
	doctor_tell(d, "php.facility", SIGHT_PARTLY,
		    doctor_say(d, "PHP's lines go to syslog's facility %.*s, past the mail log: %s",
			       STR_ARG(php->facility.n ? php->facility : STR("user")), ini),
		    php->own, "syslog.facility = mail");
}

static void look_at(struct doctor *d, const char *ini, void *context)
{
	const char *const *row = context;
	size_t n = str_rchr(str_of(ini), '/');
	const char *more = doctor_say(d, "%.*s/%s", (int)n, ini, row[0]);
	const char *fpm = doctor_say(d, "%.*s/%s", (int)n, ini, row[1]);
	struct php php = { .own = ini };

	if (doctor_exists(d, more))
		php.own = doctor_say(d, "%s/99-mailaudit.ini", more);
	read_ini(d, ini, &php);
	doctor_glob(d, doctor_say(d, "%s/*.ini", more), read_ini, &php);
	if (doctor_exists(d, fpm))
		read_fpm(d, fpm, &php);
	if (!php.units)
		judge(d, &php, &php.base, ini);
	for (int i = 0; i < NSETTINGS; i++)
		tell_setting(d, &php, ini, i);
	tell_places(d, &php, ini);
}

void look_php(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		const char *row[] = { layouts[i].more, layouts[i].fpm };

		doctor_glob(d, layouts[i].ini, look_at, row);
	}
}
