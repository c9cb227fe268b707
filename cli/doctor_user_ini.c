/* .user.ini files of customers that take mail()'s settings away from us.
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

static void judge_text(struct search *s, struct str text, const char *folder)
{
	struct conf_line line = { .from = 0 };

	for (size_t at = 0; ini_next(text, &at, &line);) {
		if (!str_eq(line.name, STR("mail.log")) &&
		    !str_eq(line.name, STR("mail.add_x_header")))
			continue;
		if (s->overrides++ < SHOWN)
			s->names = doctor_say(s->d, "%s%s%s/.user.ini", s->names,
					      *s->names ? ", " : "", folder);
		return;
	}
}

static void read_user_ini(struct search *s, int folder, const char *name)
{
	static char text[FILE_SIZE];
	int fd = openat(folder, ".user.ini", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
	close(fd);
	if (n < 0)
		return;
	s->files++;
	judge_text(s, (struct str){ text, (size_t)n }, name);
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
	read_user_ini(s, fd, name);
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

void look_user_ini(struct doctor *d)
{
	struct search s = { .d = d, .names = "" };
	const struct string_list *homes = &d->settings->accounts.homes;

	for (size_t i = 0; i < homes->n; i++)
		doctor_glob(d, homes->at[i], look_home, &s);
	if (!s.folders)
		return;
	if (!s.overrides) {
		doctor_tell(d, "php.user_ini", SIGHT_SEEN,
			    doctor_say(d, "none of %lld .user.ini files changes mail() (%lld folders%s)",
				       (long long)s.files, (long long)s.folders,
				       s.folders == FOLDERS_MAX ? ", not all" : ""),
			    NULL, NULL);
		return;
	}
	doctor_tell(d, "php.user_ini", d->weak_pools ? SIGHT_PARTLY : SIGHT_SEEN,
		    doctor_say(d, "%lld .user.ini files set mail()'s log or header: %s%s",
			       (long long)s.overrides, s.names, s.overrides > SHOWN ? ", ..." : ""),
		    "the FPM pools", "php_admin_value[mail.log] = syslog");
}
