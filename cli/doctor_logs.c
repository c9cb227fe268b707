/* May the daemon's user read the logs? By the bits and lists (acl(5)) of files and folders, as the
 * kernel does, with the groups and rights that the unit gives.
 *
 * What --fix adds is a file beside the unit: logs and their modes are left to who rotates them. */
#include <endian.h>
#include <stdio.h>

#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define USER "mailaudit"
#define OURS "/etc/systemd/system/mailauditd.service.d/doctor.conf"
#define GROUPS_MAX 32
#define NAMES_SHOWN 5
#define CAPABILITY "CAP_DAC_READ_SEARCH"

static const char *const usual_logs[] = { "/var/log/mail.log", "/var/log/maillog",
					  "/var/log/exim4/mainlog", "/var/log/exim_mainlog",
					  "/var/log/exim/mainlog", "/var/log/exim/main.log",
					  "/var/log/qmail/current", "/var/log/qmail/send/current",
					  "/var/log/qmail/qmail-send/current",
					  /* logins */
					  "/var/log/dovecot.log", "/var/log/dovecot-info.log",
					  "/var/log/auth.log", "/var/log/secure",
					  "/var/log/vsftpd.log", "/var/log/xferlog",
					  "/var/log/proftpd/proftpd.log" };

struct reader {
	int64_t uid, gids[GROUPS_MAX];
	size_t ngids, logs, unreadable;
	struct str groups; /* /etc/group */
	bool all; /* may read any file */
	const char *names; /* of logs that cannot be read */
	struct {
		const char *names; /* of groups that would help */
		bool all; /* no group would */
	} wants;
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

/* The line of a group; by number where `name` is "". */
static struct str group_line(const struct reader *r, struct str name, int64_t gid)
{
	struct str rest = r->groups;

	while (rest.n) {
		struct str line = str_head(rest, str_chr(rest, '\n'));
		int64_t number;

		rest = str_skip(rest, line.n + 1);
		if (name.n ? str_eq(field(line, 0), name) :
			     str_int(field(line, 2), &number) && number == gid)
			return line;
	}
	return STR_NONE;
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
	if (!found || !doctor_read(d, "/etc/group", &r->groups))
		return found;
	for (text = r->groups; text.n; text = str_skip(text, line.n + 1)) {
		line = str_head(text, str_chr(text, '\n'));
		/* adm: its unit says so */
		if (str_eq(field(line, 0), STR("adm")) || is_member(field(line, 3), STR(USER)))
			add_group(r, field(line, 2));
	}
	return true;
}

static void take_words(struct reader *r, const struct conf_line *line)
{
	struct str words = line->value;

	while (words.n) {
		struct str one = str_head(words, str_chr(words, ' '));

		words = str_skip(words, one.n + 1);
		if (str_eq(line->name, STR("SupplementaryGroups")) && one.n)
			add_group(r, field(group_line(r, one, 0), 2));
		else if (str_eq(line->name, STR("AmbientCapabilities")))
			r->all |= str_eq(one, STR(CAPABILITY));
	}
}

static void read_unit(struct doctor *d, const char *path, void *context)
{
	struct conf_line line = { .from = 0 };
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);)
		take_words(context, &line);
}

static void read_dropins(struct doctor *d, struct reader *r)
{
	static const char *const folders[] = { "/etc/systemd/system/mailauditd.service.d",
					       "/run/systemd/system/mailauditd.service.d",
					       "/usr/lib/systemd/system/mailauditd.service.d", NULL };

	doctor_dropins(d, folders, read_unit, r);
}

/* An entry of a list for our user: what acl_ea_entry of <linux/posix_acl_xattr.h> says. */
static bool list_lets(const struct reader *r, const char *list, ssize_t n, mode_t bit)
{
	enum { USER_TAG = 2, GROUP_TAG = 8, MASK_TAG = 16, HEAD = 4, ENTRY = 8 };
	unsigned mask = 7, lets = 0;

	for (ssize_t at = HEAD; at + ENTRY <= n; at += ENTRY) {
		uint16_t tag, bits;
		uint32_t id;

		memcpy(&tag, list + at, sizeof(tag));
		memcpy(&bits, list + at + 2, sizeof(bits));
		memcpy(&id, list + at + 4, sizeof(id));
		if (le16toh(tag) == MASK_TAG)
			mask = le16toh(bits);
		if (le16toh(tag) == USER_TAG && le32toh(id) == r->uid)
			lets |= le16toh(bits);
		for (size_t i = 0; i < r->ngids; i++)
			if (le16toh(tag) == GROUP_TAG && le32toh(id) == r->gids[i])
				lets |= le16toh(bits);
	}
	return lets & mask & bit;
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

static bool may_path(struct doctor *d, const struct reader *r, const char *path, struct stat *st,
		     mode_t bit)
{
	char list[1024];

	if (!doctor_stat(d, path, st))
		return false;
	return may(r, st, bit) ||
	       list_lets(r, list, doctor_xattr(d, path, "system.posix_acl_access", list, sizeof(list)),
			 bit);
}

/* A group that may what we may not, or else the right to read all. */
static void want(struct doctor *d, struct reader *r, const struct stat *st, mode_t bit)
{
	struct str line = group_line(r, STR_NONE, st->st_gid), name = field(line, 0);

	if (!(st->st_mode & (bit << 3)) || !name.n || r->ngids == GROUPS_MAX) {
		r->wants.all = true;
		return;
	}
	add_group(r, field(line, 2));
	r->wants.names = doctor_say(d, "%s%s%.*s", r->wants.names, *r->wants.names ? " " : "",
				    STR_ARG(name));
}

static bool readable(struct doctor *d, struct reader *r, const char *path)
{
	const char *at = path;
	bool ok = true;
	struct stat st;

	do {
		mode_t bit;

		at = strchr(at + 1, '/');
		bit = at ? 1 : 4;
		if (may_path(d, r, at ? doctor_say(d, "%.*s", (int)(at - path), path) : path, &st, bit))
			continue;
		want(d, r, &st, bit);
		ok = false;
	} while (at);
	return ok;
}

static void look_log(struct doctor *d, const char *path, void *context)
{
	struct reader *r = context;

	r->logs++;
	if (r->all || readable(d, r, path))
		return;
	if (r->unreadable++ < NAMES_SHOWN)
		r->names = doctor_say(d, "%s%s%s", r->names, *r->names ? ", " : "", path);
	else if (r->unreadable == NAMES_SHOWN + 1)
		r->names = doctor_say(d, "%s, ...", r->names);
}

/* Files of panels that say whose a domain is. */
static void look_maps(struct doctor *d, const struct reader *logs)
{
	const struct settings *s = d->settings;
	struct reader r = *logs;

	r.unreadable = 0;
	r.names = "";
	for (size_t i = 0; i < s->accounts.nmaps; i++)
		doctor_glob(d, s->accounts.maps[i].path, look_log, &r);
	if (r.unreadable)
		doctor_tell(d, "panel.permissions", SIGHT_NOT,
			    doctor_say(d, USER " may not read whose domains are whose: %s", r.names),
			    NULL, "setfacl -m u:" USER ":r FILE; setfacl -m u:" USER ":x its folders");
}

static bool reads_journal(const struct settings *s)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (strcmp(s->sources[i].format, "journal") == 0)
			return true;
	return false;
}

/* Sources that are named may be others than the mail server's log. */
static void look_followed(struct doctor *d)
{
	for (size_t i = 0; i < d->nlogs; i++)
		if (!doctor_follows(d, str_of(d->logs[i])) && !reads_journal(d->settings))
			doctor_tell(d, "logs.followed", SIGHT_NOT,
				    doctor_say(d, "no source follows %s", d->logs[i]),
				    MAILAUDIT_SYSCONFDIR "/mailaudit.yaml",
				    doctor_say(d, "sources: [{path: %s}]", d->logs[i]));
}

static void tell_seen(struct doctor *d, const struct reader *r)
{
	static const char check[] = "logs.permissions";

	if (r->logs)
		doctor_tell(d, check, SIGHT_SEEN, doctor_say(d, USER " may read all %zu logs there are",
			    r->logs), NULL, NULL);
	else if (d->reads_journal || d->collector || !doctor_exists(d, "/etc/systemd"))
		doctor_tell(d, check, SIGHT_ADVICE, "no log file of mail was found", NULL, NULL);
	else
		doctor_tell(d, check, SIGHT_SEEN, "there is no log file of mail: the journal is read",
			    NULL, NULL);
}

static void tell_unreadable(struct doctor *d, const struct reader *r)
{
	static const char check[] = "logs.permissions";
	enum sight_state state = r->unreadable < r->logs ? SIGHT_PARTLY : SIGHT_NOT;
	const char *key = r->wants.all ? "AmbientCapabilities" : "SupplementaryGroups";
	const char *value = r->wants.all ? CAPABILITY : r->wants.names;

	if (doctor_fixes(d, check, state)) {
		if (r->wants.all)
			doctor_set_ini(d, OURS, "Service", "CapabilityBoundingSet", value);
		doctor_set_ini(d, OURS, "Service", key, value);
	}
	doctor_tell(d, check, state, doctor_say(d, USER " may not read %s", r->names), OURS,
		    doctor_say(d, "[Service] %s=%s%s", key, value,
			       r->wants.all ? "   # or give the files to group adm, mode 0640, where they "
					      "are made and rotated" : ""));
}

void look_logs(struct doctor *d)
{
	struct reader r = { .names = "", .wants.names = "" };
	const struct settings *s = d->settings;

	look_followed(d);
	if (!find_user(d, &r)) {
		doctor_tell(d, "logs.permissions", SIGHT_ADVICE,
			    "there is no user " USER " on this host: the service is not installed",
			    NULL, "systemd-sysusers");
		return;
	}
	read_dropins(d, &r);
	for (size_t i = 0; i < s->nsources; i++)
		if (!s->sources[i].tenant)
			doctor_glob(d, s->sources[i].path, look_log, &r);
	for (size_t i = 0; !s->nsources && i < sizeof(usual_logs) / sizeof(*usual_logs); i++)
		doctor_glob(d, usual_logs[i], look_log, &r);
	look_maps(d, &r);
	if (r.unreadable)
		tell_unreadable(d, &r);
	else
		tell_seen(d, &r);
}
