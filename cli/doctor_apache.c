/* Apache with mod_php: what virtual hosts make of mail()'s settings. What none sets is php.ini's.
 *
 * Reads the configuration as Apache does, with its includes; conditions (<IfModule>) are taken
 * as true, and what stands in a <Directory> as said of its virtual host. */
#include <fnmatch.h>
#include <stdlib.h>

#include "cli/doctor_conf.h"
#include "cli/doctor_php.h"

#define FILES_MAX 5000
#define DEPTH_MAX 8
#define NAMES_SHOWN 5

static const struct {
	const char *conf, *folder; /* the folder: ServerRoot, unless the file says another */
	const char *own; /* a file for lines of ours */
} roots[] = {
	{ "/etc/apache2/apache2.conf", "/etc/apache2", "/etc/apache2/conf-enabled/mailaudit.conf" },
	{ "/etc/httpd/conf/httpd.conf", "/etc/httpd", "/etc/httpd/conf.d/mailaudit.conf" },
	{ "/etc/apache2/conf/httpd.conf", "/etc/apache2", NULL }, /* cPanel */
};

struct value {
	struct str text;
	const char *file; /* NULL: not set */
	struct str line; /* all of it, for the change */
	bool admin; /* by php_admin_value: no weaker place changes it, nor a .htaccess */
};

struct host {
	struct value value[PHP_SETTINGS];
	struct str name, user;
};

struct apache {
	const char *folder;
	const char *own; /* the file for lines of ours */
	size_t nfiles, nhosts, nusers; /* nusers: hosts that run as a user of their own */
	int depth;
	struct str module; /* mod_php, as it is loaded: "php_module", "php7_module" */
	bool inside; /* of a <VirtualHost> */
	struct host server, host; /* host: the one that is read */
	struct host *hosts;
	size_t off[PHP_SETTINGS];
	const char *names[PHP_SETTINGS], *file[PHP_SETTINGS];
	struct value *wrong; /* what is to be changed */
	int *setting; /* of each of them */
	size_t nwrong;
};

static void note_wrong(struct doctor *d, struct apache *a, struct str host, const struct value *v,
		       int setting)
{
	const char *name = doctor_say(d, "%.*s", STR_ARG(host));

	if (a->off[setting]++ < NAMES_SHOWN)
		a->names[setting] = doctor_say(d, "%s%s%s", a->off[setting] > 1 ? a->names[setting] : "",
					       a->off[setting] > 1 ? ", " : "", name);
	if (a->off[setting] == 1)
		a->file[setting] = v->file;
	a->wrong = xrealloc(a->wrong, (a->nwrong + 1) * sizeof(*a->wrong));
	a->setting = xrealloc(a->setting, (a->nwrong + 1) * sizeof(*a->setting));
	a->setting[a->nwrong] = setting;
	a->wrong[a->nwrong++] = *v;
}

static void end_host(struct apache *a)
{
	a->inside = false;
	a->hosts = xrealloc(a->hosts, (a->nhosts + 1) * sizeof(*a->hosts));
	a->hosts[a->nhosts++] = a->host;
}

/* With what is said outside of all hosts, wherever that stands. */
static void judge(struct doctor *d, struct apache *a, struct host *h)
{
	for (int i = 0; i < PHP_SETTINGS; i++) {
		struct value *v = &h->value[i];

		if (!v->file || (a->server.value[i].admin && !v->admin))
			*v = a->server.value[i];
		if (v->file && !php_is_on(i, v->text))
			note_wrong(d, a, h->name, v, i);
		else if (i == PHP_LOG && str_eq(v->text, STR("syslog")))
			d->own_log = false;
	}
	a->nusers += h->user.n > 0;
	d->weak_hosts += !h->value[PHP_LOG].admin || !h->value[PHP_HEADER].admin;
}

/* php_value cannot set what only the administrator may: then PHP ignores the line. */
static void take_php(struct apache *a, const char *file, struct str directive, struct str rest,
		     struct str line)
{
	bool admin = str_starts_nocase(directive, STR("php_admin_"));
	int setting = php_setting_find(conf_eat_word(&rest));
	struct host *h = a->inside ? &a->host : &a->server;
	struct str text = conf_eat_word(&rest);

	if (setting == PHP_SETTINGS || (setting == PHP_PATH && !admin) ||
	    (h->value[setting].admin && !admin))
		return;
	if (str_eq_nocase(text, STR("none")))
		text = STR_NONE;
	h->value[setting] = (struct value){ text, file, line, admin };
}

static void read_conf(struct doctor *d, const char *path, void *context);

static void take_include(struct doctor *d, struct apache *a, struct str rest)
{
	struct str path = conf_eat_word(&rest);
	const char *pattern = doctor_say(d, "%.*s", STR_ARG(path));
	struct stat st;

	if (a->depth == DEPTH_MAX)
		return;
	if (*pattern != '/')
		pattern = doctor_say(d, "%s/%s", a->folder, pattern);
	if (doctor_stat(d, pattern, &st) && S_ISDIR(st.st_mode))
		pattern = doctor_say(d, "%s%s*", pattern, str_ends(path, STR("/")) ? "" : "/");
	if (a->own && fnmatch(pattern, a->own, FNM_PATHNAME) == 0)
		d->apache_file = a->own;
	a->depth++;
	doctor_glob(d, pattern, read_conf, a);
	a->depth--;
}

static void take_section(struct apache *a, struct str directive)
{
	if (str_starts_nocase(directive, STR("<VirtualHost"))) {
		a->inside = true;
		a->host = (struct host){ .name = STR("(without a name)") };
	} else if (str_starts_nocase(directive, STR("</VirtualHost")) && a->inside) {
		end_host(a);
	}
}

static void take_module(struct apache *a, struct str name)
{
	if (str_starts(name, STR("php")))
		a->module = name;
}

static void take_line(struct doctor *d, struct apache *a, const char *path, struct str line)
{
	struct str rest = str_trim(line), directive;

	if (!rest.n || rest.p[0] == '#')
		return;
	directive = conf_eat_word(&rest);
	if (directive.n && directive.p[0] == '<')
		take_section(a, directive);
	else if (str_starts_nocase(directive, STR("php_")))
		take_php(a, path, directive, rest, line);
	else if (str_eq_nocase(directive, STR("Include")) ||
		 str_eq_nocase(directive, STR("IncludeOptional")))
		take_include(d, a, rest);
	else if (str_eq_nocase(directive, STR("ServerRoot")))
		a->folder = doctor_say(d, "%.*s", STR_ARG(conf_eat_word(&rest)));
	else if (str_eq_nocase(directive, STR("LoadModule")))
		take_module(a, conf_eat_word(&rest));
	else if (a->inside && str_eq_nocase(directive, STR("ServerName")))
		a->host.name = conf_eat_word(&rest);
	else if (a->inside && (str_eq_nocase(directive, STR("AssignUserID")) ||
			       str_eq_nocase(directive, STR("RUidGid"))))
		a->host.user = conf_eat_word(&rest);
}

static void read_conf(struct doctor *d, const char *path, void *context)
{
	struct apache *a = context;
	struct str text, line;

	if (a->nfiles++ >= FILES_MAX || !doctor_read(d, path, &text))
		return;
	for (; text.n; text = str_skip(text, line.n)) {
		line = str_head(text, str_chr(text, '\n') + 1);
		take_line(d, a, path, line);
	}
}

/* The value in its line, which stays as it is else. */
static void plan(struct doctor *d, const struct value *v, int setting)
{
	struct change *c = doctor_change(d, v->file);
	size_t at, from;
	struct str rest = v->line;

	if (!c)
		return;
	at = doctor_find_lines(c->after, v->line);
	conf_eat_word(&rest);
	conf_eat_word(&rest);
	rest = str_trim(rest);
	from = (size_t)(rest.p - v->line.p);
	if (at < c->after.n)
		doctor_splice(d, c, at + from, at + from + rest.n,
			      str_of(doctor_say(d, "\"%s\"", php_cure(d, setting, v->text))));
}

static void tell_setting(struct doctor *d, const struct apache *a, int i)
{
	static const char *const checks[] = { "apache.mail_log", "apache.add_x_header",
					      "apache.sendmail_path" };
	const char *name = doctor_say(d, "%.*s", STR_ARG(php_setting_name[i]));
	struct str old = STR_NONE;

	if (!a->off[i]) {
		doctor_tell(d, checks[i], SIGHT_SEEN,
			    doctor_say(d, "none of %zu virtual hosts takes %s away", a->nhosts, name), NULL,
			    NULL);
		return;
	}
	for (size_t k = a->nwrong; k--;) {
		if (a->setting[k] != i)
			continue;
		old = a->wrong[k].text;
		if (doctor_fixes(d, checks[i], SIGHT_PARTLY) && php_can_cure(d, i))
			plan(d, &a->wrong[k], i);
	}
	doctor_tell(d, checks[i], a->off[i] < a->nhosts ? SIGHT_PARTLY : SIGHT_NOT,
		    doctor_say(d, "%s off in %zu of %zu virtual hosts: %s%s", name, a->off[i], a->nhosts,
			       a->names[i], a->off[i] > NAMES_SHOWN ? ", ..." : ""),
		    a->file[i],
		    php_can_cure(d, i) ? doctor_say(d, "php_admin_value %s \"%s\"", name,
						    php_cure(d, i, old)) :
					 "install " DOCTOR_WRAPPER " first");
}

void look_apache(struct doctor *d)
{
	struct apache *a = arena_alloc(&d->arena, sizeof(*a));
	size_t i = 0;

	while (i < sizeof(roots) / sizeof(*roots) && !doctor_exists(d, roots[i].conf))
		i++;
	if (i == sizeof(roots) / sizeof(*roots))
		return;
	*a = (struct apache){ .folder = roots[i].folder, .own = roots[i].own };
	read_conf(d, roots[i].conf, a);
	if (a->module.n && a->nhosts) {
		d->htaccess = true;
		d->apache_module = a->module;
		for (size_t k = 0; k < a->nhosts; k++)
			judge(d, a, &a->hosts[k]);
		doctor_tell(d, "apache", SIGHT_SEEN,
			    doctor_say(d, "Apache with mod_php, %zu virtual hosts; %zu run as a user of "
				       "their own, of the others the script's path tells whose it is",
				       a->nhosts, a->nusers),
			    NULL, NULL);
		for (int k = 0; k < PHP_SETTINGS; k++)
			tell_setting(d, a, k);
	}
	free(a->hosts);
	free(a->wrong);
	free(a->setting);
}
