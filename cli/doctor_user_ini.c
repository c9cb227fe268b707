/* .user.ini files of customers, and with mod_php .htaccess files, that take mail()'s settings away.
 *
 * Invariant: no symbolic link is followed, and the walk has an end. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define DEPTH_MAX 6
#define FOLDERS_MAX 50000
#define FILE_SIZE 65536
#define SHOWN 3

struct search {
	struct doctor *d;
	int64_t folders, files, overrides;
	const char *names;
};

/* "php_value mail.log /x", "php_flag mail.add_x_header off" */
static struct str htaccess_name(struct str line)
{
	line = str_trim(line);
	if (!str_starts_nocase(line, STR("php_value")) && !str_starts_nocase(line, STR("php_flag")))
		return STR_NONE;
	line = str_trim(str_skip(line, str_chr(line, '_') + 6));
	str_eat(&line, STR("\""));
	return line;
}

static bool is_override(struct str name)
{
	return str_starts(name, STR("mail.log")) || str_starts(name, STR("mail.add_x_header"));
}

static bool overrides(struct str text, const char *file)
{
	struct conf_line line = { .from = 0 };

	if (strcmp(file, ".user.ini") == 0) {
		for (size_t at = 0; ini_next(text, &at, &line);)
			if (is_override(line.name))
				return true;
		return false;
	}
	for (; text.n; text = str_skip(text, str_chr(text, '\n') + 1))
		if (is_override(htaccess_name(str_head(text, str_chr(text, '\n')))))
			return true;
	return false;
}

static void read_file(struct search *s, int folder, const char *name, const char *file)
{
	static char text[FILE_SIZE];
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
	close(fd);
	if (n < 0)
		return;
	s->files++;
	if (overrides((struct str){ text, (size_t)n }, file) && s->overrides++ < SHOWN)
		s->names = doctor_say(s->d, "%s%s%s/%s", s->names, *s->names ? ", " : "", name, file);
}

/* Takes the descriptor. */
static void walk(struct search *s, int fd, const char *name, int depth)
{
	DIR *folder = fdopendir(fd);
	struct dirent *entry;

	if (!folder) {
		close(fd);
		return;
	}
	s->folders++;
	read_file(s, fd, name, ".user.ini");
	if (s->d->htaccess)
		read_file(s, fd, name, ".htaccess");
	while (depth < DEPTH_MAX && s->folders < FOLDERS_MAX && (entry = readdir(folder))) {
		int next;

		if (entry->d_name[0] == '.' ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		next = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next >= 0)
			walk(s, next, doctor_say(s->d, "%s/%s", name, entry->d_name), depth + 1);
	}
	closedir(folder);
}

static void look_home(struct doctor *d, const char *home, void *context)
{
	struct str name = str_of(home);
	int fd;

	if (name.n && name.p[name.n - 1] == '/')
		name.n--;
	home = doctor_say(d, "%.*s", STR_ARG(name));
	fd = doctor_folder(d, home);
	if (fd >= 0)
		walk(context, fd, home, 0);
}

/* What the administrator sets by php_admin_*, in each pool and before Apache's hosts, is not
 * changed by customers' files. */
static void plan(struct doctor *d)
{
	struct change *c;

	for (size_t i = 0; i < d->nweak; i++) {
		const struct weak *w = &d->weak[i];
		size_t at;

		c = doctor_change(d, w->file);
		at = c ? doctor_find_lines(c->after, w->header) : 0;
		if (c && at < c->after.n)
			doctor_splice(d, c, at + w->header.n, at + w->header.n, str_of(w->lines));
	}
	c = d->weak_hosts && d->apache_file ? doctor_change(d, d->apache_file) : NULL;
	if (c && !c->after.n)
		c->after = str_of(doctor_say(d, "<IfModule %.*s>\n"
				  "php_admin_value mail.log syslog\n"
				  "php_admin_value syslog.facility mail\n"
				  "php_admin_flag mail.add_x_header On\n"
				  "</IfModule>\n", STR_ARG(d->apache_module)));
}

static void tell_overrides(struct doctor *d, const struct search *s, const char *files)
{
	static const char check[] = "php.user_ini";
	const char *what = doctor_say(d, "%lld %s files set mail()'s log or header: %s%s",
				      (long long)s->overrides, files, s->names,
				      s->overrides > SHOWN ? ", ..." : "");

	if (!d->nweak && !d->weak_hosts) {
		doctor_tell(d, check, SIGHT_SEEN,
			    doctor_say(d, "%s; php_admin_value does not let them", what), NULL, NULL);
		return;
	}
	if (doctor_fixes(d, check, SIGHT_PARTLY))
		plan(d);
	if (d->nweak)
		doctor_tell(d, check, SIGHT_PARTLY, what,
			    d->nweak > 1 ? doctor_say(d, "%s and %zu more", d->weak[0].file, d->nweak - 1) :
					   d->weak[0].file,
			    "php_admin_value[mail.log] = syslog");
	else
		doctor_tell(d, check, SIGHT_PARTLY, what,
			    d->apache_file ? d->apache_file : "Apache's virtual hosts",
			    "php_admin_value mail.log syslog");
}

void look_user_ini(struct doctor *d)
{
	const char *files = d->htaccess ? ".user.ini and .htaccess" : ".user.ini";
	struct search s = { .d = d, .names = "" };
	const struct string_list *homes = &d->settings->accounts.homes;

	for (size_t i = 0; i < homes->n; i++)
		doctor_glob(d, homes->at[i], look_home, &s);
	if (!s.folders)
		return;
	if (!s.overrides) {
		doctor_tell(d, "php.user_ini", SIGHT_SEEN,
			    doctor_say(d, "none of %lld %s files changes mail() (%lld folders%s)",
				       (long long)s.files, files, (long long)s.folders,
				       s.folders == FOLDERS_MAX ? ", not all" : ""),
			    NULL, NULL);
		return;
	}
	tell_overrides(d, &s, files);
}
