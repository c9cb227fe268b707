/* May the daemon's user read the logs? By the bits of files and folders, as the kernel does. */
#include <stdio.h>

#include "cli/doctor.h"

#define USER "mailaudit"
#define GROUPS_MAX 32

static const char *const usual_logs[] = { "/var/log/mail.log", "/var/log/maillog",
					  "/var/log/exim4/mainlog", "/var/log/exim_mainlog",
					  "/var/log/exim/mainlog", "/var/log/exim/main.log" };

struct reader {
	int64_t uid, gids[GROUPS_MAX];
	size_t ngids, logs, unreadable;
	const char *names;
};

static struct str field(struct str line, int n)
{
	while (n--)
		line = str_skip(line, str_chr(line, ':') + 1);
	return str_head(line, str_chr(line, ':'));
}

static void add_group(struct reader *r, struct str gid)
{
	if (r->ngids < GROUPS_MAX && str_int(gid, &r->gids[r->ngids]))
		r->ngids++;
}

static bool is_member(struct str members, struct str name)
{
	while (members.n) {
		struct str one = str_head(members, str_chr(members, ','));

		if (str_eq(one, name))
			return true;
		members = str_skip(members, one.n + 1);
	}
	return false;
}

static bool find_user(struct doctor *d, struct reader *r)
{
	struct str text, line;
	bool found = false;

	if (!doctor_read(d, "/etc/passwd", &text))
		return false;
	for (; text.n; text = str_skip(text, line.n + 1)) {
		line = str_head(text, str_chr(text, '\n'));
		if (!str_eq(field(line, 0), STR(USER)) || !str_int(field(line, 2), &r->uid))
			continue;
		add_group(r, field(line, 3));
		found = true;
	}
	if (!found || !doctor_read(d, "/etc/group", &text))
		return found;
	for (; text.n; text = str_skip(text, line.n + 1)) {
		line = str_head(text, str_chr(text, '\n'));
		/* adm: its unit says so */
		if (str_eq(field(line, 0), STR("adm")) || is_member(field(line, 3), STR(USER)))
			add_group(r, field(line, 2));
	}
	return true;
}

static bool may(const struct reader *r, const struct stat *st, mode_t bit)
{
	if (st->st_uid == r->uid)
		return st->st_mode & (bit << 6);
	for (size_t i = 0; i < r->ngids; i++)
		if (st->st_gid == r->gids[i])
			return st->st_mode & (bit << 3);
	return st->st_mode & bit;
}

static bool readable(struct doctor *d, const struct reader *r, const char *path)
{
	struct stat st;

	for (const char *at = path + 1; (at = strchr(at, '/')); at++)
		if (!doctor_stat(d, doctor_say(d, "%.*s", (int)(at - path), path), &st) ||
		    !may(r, &st, 1))
			return false;
	return doctor_stat(d, path, &st) && may(r, &st, 4);
}

static void look_log(struct doctor *d, const char *path, void *context)
{
	struct reader *r = context;

	r->logs++;
	if (readable(d, r, path))
		return;
	r->names = doctor_say(d, "%s%s%s", r->names, r->unreadable++ ? ", " : "", path);
}

void look_logs(struct doctor *d)
{
	struct reader r = { .names = "" };
	const struct settings *s = d->settings;

	if (!find_user(d, &r)) {
		doctor_tell(d, "logs.permissions", SIGHT_ADVICE,
			    "there is no user " USER " on this host: the service is not installed",
			    NULL, "systemd-sysusers");
		return;
	}
	for (size_t i = 0; i < s->nsources; i++)
		if (!s->sources[i].tenant)
			doctor_glob(d, s->sources[i].path, look_log, &r);
	for (size_t i = 0; !s->nsources && i < sizeof(usual_logs) / sizeof(*usual_logs); i++)
		doctor_glob(d, usual_logs[i], look_log, &r);
	if (!r.unreadable)
		doctor_tell(d, "logs.permissions", r.logs ? SIGHT_SEEN : SIGHT_ADVICE,
			    doctor_say(d, USER " may read all %zu logs there are", r.logs), NULL, NULL);
	else
		doctor_tell(d, "logs.permissions", SIGHT_NOT,
			    doctor_say(d, USER " may not read %s", r.names), NULL,
			    "chgrp adm FILE && chmod g+r FILE");
}
