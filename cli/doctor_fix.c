/* Writing what the doctor planned, and taking it back.
 *
 * Invariant: what stood in a file is on disk, in a folder only root can enter, before the file is
 * replaced, and so are all new files, beside those they replace; a file is replaced as a whole or
 * not at all. A file that is not as it was when it was planned, or as it was left, is not touched.
 * One doctor at a time writes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "notify/child.h"

/* Not below /var/lib/mailaudit: what lies there the service's user can change. */
#define BACKUPS "/var/backups/mailaudit"
#define BACKUPS_MAX 1000
#define CHECK_TIMEOUT (60 * USEC_SECOND)

/* ---- one file ---- */

static int fail(const char *path, struct error *err)
{
	return error_set(err, errno == EACCES || errno == EPERM ? EXIT_PERMISSION : EXIT_NOINPUT,
			 "%s: %s", path, strerror(errno));
}

static const char *base_name(const char *path)
{
	return path + str_rchr(str_of(path), '/') + 1;
}

static int open_folder(const struct doctor *d, const char *path, struct error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT };
	char *folder = str_dup(str_head(str_of(path), str_rchr(str_of(path), '/') + 1));
	int fd = (int)syscall(SYS_openat2, d->rootfd, folder, &how, sizeof(how));

	free(folder);
	return fd >= 0 ? fd : fail(path, err);
}

/* Makes what is missing of the folders of a path, and says how many that was; -1: error. */
static int make_folders(const struct doctor *d, const char *path, mode_t mode, struct error *err)
{
	int made = 0;

	for (const char *at = path + 1; (at = strchr(at, '/')); at++) {
		char *folder = str_dup(str_range(path, at));
		int parent = open_folder(d, folder, err);
		bool ok = parent >= 0;

		if (ok && mkdirat(parent, base_name(folder), mode) == 0)
			made++;
		else if (ok && errno != EEXIST)
			ok = fail(folder, err) == 0;
		if (parent >= 0)
			close(parent);
		free(folder);
		if (!ok)
			return -1;
	}
	return made;
}

static bool write_whole(int fd, struct str text, const struct stat *st)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0)
			return false;
		text = str_skip(text, (size_t)n);
	}
	return fchown(fd, st->st_uid, st->st_gid) == 0 &&
	       fchmod(fd, st->st_mode & 07777) == 0 && fsync(fd) == 0;
}

/* No server reads names that begin so: they would be read by its patterns else. */
static char *temporary(const char *path)
{
	const char *name = base_name(path);
	size_t n = strlen(name) + sizeof(".mailaudit-.tmp");
	char *made = xmalloc(n);

	snprintf(made, n, ".mailaudit-%s.tmp", name);
	return made;
}

/* Writes what will be the file beside it. Owner and mode are those of *st. */
static int stage(struct doctor *d, const char *path, struct str text, const struct stat *st,
		 struct error *err)
{
	int folder = open_folder(d, path, err), fd, result = 0;
	char *name = temporary(path);
	struct stat there;

	if (folder < 0)
		result = -1;
	else if (fstatat(folder, base_name(path), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		 !S_ISREG(there.st_mode))
		result = error_set(err, EXIT_CONFIG, "%s is a link that leads nowhere", path);
	if (result == 0) {
		unlinkat(folder, name, 0);
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 || !write_whole(fd, text, st)) {
			result = fail(path, err);
			unlinkat(folder, name, 0);
		}
		if (fd >= 0)
			close(fd);
	}
	if (folder >= 0)
		close(folder);
	free(name);
	return result;
}

/* Lets the staged file take its place, or, where `drop`, go. */
static int settle(struct doctor *d, const char *path, bool drop, struct error *err)
{
	int folder = open_folder(d, path, err), result;
	char *name = temporary(path);

	if (folder < 0)
		result = -1;
	else if (drop)
		result = unlinkat(folder, name, 0);
	else if ((result = renameat(folder, name, folder, base_name(path))) < 0)
		fail(path, err);
	if (folder >= 0) {
		fsync(folder);
		close(folder);
	}
	free(name);
	return result;
}

static int put(struct doctor *d, const char *path, struct str text, const struct stat *st,
	       struct error *err)
{
	if (stage(d, path, text, st, err) < 0)
		return -1;
	if (settle(d, path, false, err) == 0)
		return 0;
	settle(d, path, true, NULL);
	return -1;
}

static int take_away(struct doctor *d, const char *path, int flags, struct error *err)
{
	int folder = open_folder(d, path, err), result = 0;

	if (folder < 0)
		return -1;
	if (unlinkat(folder, base_name(path), flags) < 0)
		result = fail(path, err);
	close(folder);
	return result;
}

/* Folders that were made for a file, unless somebody else uses them now. */
static void take_folders(struct doctor *d, const char *path, int made)
{
	char *folder = str_dup(str_of(path));

	while (made-- > 0) {
		folder[str_rchr(str_of(folder), '/')] = '\0';
		if (take_away(d, folder, AT_REMOVEDIR, NULL) < 0)
			break;
	}
	free(folder);
}

/* Is it still what it was? A file that is not there is empty. */
static bool holds(struct doctor *d, const char *path, struct str text, bool existed)
{
	struct str now;

	if (!existed)
		return !doctor_exists(d, path);
	return doctor_read(d, path, &now) && str_eq(now, text);
}

static int put_back(struct doctor *d, const struct change *c, struct error *err)
{
	if (c->existed)
		return put(d, c->path, c->before, &c->st, err);
	if (take_away(d, c->path, 0, err) < 0)
		return -1;
	take_folders(d, c->path, c->made);
	return 0;
}

/* ---- programs that check what was written ---- */

static const struct {
	const char *below; /* for files below this folder */
	const char *program; /* must be there; NULL nothing checks them */
	const char *argv[3];
	bool makes; /* makes the configuration of it, so it runs after taking back too */
	const char *then; /* what the administrator does next */
} checks[] = {
	{ "/etc/exim4/", "/usr/sbin/update-exim4.conf", { "update-exim4.conf", NULL, NULL }, true,
	  "systemctl reload exim4" },
	{ "/etc/exim4/", "/usr/sbin/exim4", { "exim4", "-bV", NULL }, false, NULL },
	{ "/etc/exim", "/usr/sbin/exim", { "exim", "-bV", NULL }, false, "systemctl reload exim" },
	{ "/etc/rsyslog", "/usr/sbin/rsyslogd", { "rsyslogd", "-N1", NULL }, false,
	  "systemctl restart rsyslog" },
	{ "/etc/apache2/", "/usr/sbin/apache2ctl", { "apache2ctl", "-t", NULL }, false,
	  "systemctl reload apache2" },
	{ "/etc/httpd/", "/usr/sbin/httpd", { "httpd", "-t", NULL }, false, "systemctl reload httpd" },
	{ "/etc/systemd/journald.conf.d/", NULL, { NULL }, false,
	  "systemctl restart systemd-journald" },
	{ "/etc/systemd/system/mailauditd.service.d/", NULL, { NULL }, false,
	  "systemctl daemon-reload && systemctl restart mailauditd" },
};
#define NCHECKS (sizeof(checks) / sizeof(*checks))

static bool changed_below(const struct doctor *d, const char *folder)
{
	for (size_t i = 0; i < d->nchanges; i++)
		if (str_starts(str_of(d->changes[i].path), str_of(folder)))
			return true;
	return false;
}

/* All it says, in one line: which of them tells what is wrong differs. */
static int complain(struct child *c, struct error *err)
{
	struct str said = str_trim((struct str){ c->output, c->noutput });

	for (size_t i = 0; i < c->noutput; i++)
		if (c->output[i] == '\n')
			c->output[i] = ' ';
	return error_set(err, EXIT_AGAIN, "%s: exit status %d%s%.*s", c->argv[0], c->status,
			 said.n ? ": " : "", STR_ARG(said));
}

static int run(const char *const *argv, struct error *err)
{
	struct child *c = xcalloc(1, sizeof(*c));
	int result;

	c->argv = argv;
	c->timeout = CHECK_TIMEOUT;
	result = child_run(c, err);
	if (result == 0 && c->status != 0)
		result = complain(c, err);
	free(c);
	return result;
}

/* Where a PHP has its files: VERSION is what stands between `below` and `inside`. */
static const struct {
	const char *below, *inside;
	const char *program, *program_end; /* around VERSION: what checks them; NULL nothing */
	const char *then, *then_end; /* likewise; what has to read them again */
	bool dotless; /* "82" in `then` */
} phps[] = {
	{ "/etc/php/", "/fpm/", "/usr/sbin/php-fpm", "", "systemctl reload php", "-fpm", false },
	{ "/etc/php/", "/apache2/", NULL, NULL, "systemctl reload apache2   # PHP ", "", false },
	{ "/etc/", "php-fpm", "/usr/sbin/php-fpm", "", "systemctl reload php-fpm", "", false },
	{ "/etc/", "php.d/", "/usr/sbin/php-fpm", "", "systemctl reload php-fpm", "", false },
	{ "/opt/cpanel/", "/root/etc/", "/opt/cpanel/", "/root/usr/sbin/php-fpm",
	  "/scripts/restartsrv_apache_php_fpm   # ", "", false },
	{ "/opt/plesk/php/", "/etc/", "/opt/plesk/php/", "/sbin/php-fpm",
	  "systemctl reload plesk-php", "-fpm", true },
	{ "/etc/opt/remi/", "/", "/opt/remi/", "/root/usr/sbin/php-fpm", "systemctl reload ",
	  "-php-fpm", false },
};
#define NPHPS (sizeof(phps) / sizeof(*phps))

/* false: the file is not for this row. */
static bool php_version(const char *path, size_t row, struct str *version)
{
	struct str rest = str_of(path);

	if (!str_eat(&rest, str_of(phps[row].below)))
		return false;
	*version = str_head(rest, str_find(rest, str_of(phps[row].inside)));
	return version->n < rest.n && str_chr(*version, '/') == version->n;
}

static const char *without_dots(struct doctor *d, struct str version)
{
	const char *out = "";

	for (; version.n; version = str_skip(version, 1))
		if (version.p[0] != '.')
			out = doctor_say(d, "%s%c", out, version.p[0]);
	return out;
}

static int check_version(struct doctor *d, size_t row, struct str version, bool dry,
			 struct error *err)
{
	const char *name = doctor_say(d, "%.*s", STR_ARG(version));
	const char *argv[] = { NULL, "-t", NULL };

	if (dry) {
		printf("then: %s%s%s\n", phps[row].then,
		       phps[row].dotless ? without_dots(d, version) : name, phps[row].then_end);
		return 0;
	}
	if (!phps[row].program)
		return 0;
	argv[0] = doctor_say(d, "%s%s%s", phps[row].program, name, phps[row].program_end);
	return doctor_exists(d, argv[0]) ? run(argv, err) : 0;
}

/* Once for each, however many pools were changed: those of one version follow each other. */
static int check_php(struct doctor *d, bool dry, struct error *err)
{
	for (size_t row = 0; row < NPHPS; row++) {
		struct str last = { NULL, 0 }, version;

		for (size_t i = 0; i < d->nchanges; i++) {
			if (!php_version(d->changes[i].path, row, &version) ||
			    (last.p && str_eq(version, last)))
				continue;
			last = version;
			if (check_version(d, row, version, dry, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Each instance of Postfix whose folder has a changed file. */
static int check_postfix(struct doctor *d, bool dry, struct error *err)
{
	const char *last = "";

	for (size_t i = 0; i < d->nchanges; i++) {
		const char *path = d->changes[i].path;
		const char *folder = doctor_say(d, "%.*s", (int)str_rchr(str_of(path), '/'), path);
		const char *const argv[] = { "postfix", "-c", folder, "check", NULL };
		/* What is wrong with main.cf postfix(1) tells a terminal only. */
		const char *const reads[] = { "postconf", "-c", folder, "-h", "mail_name", NULL };

		if (strcmp(folder, last) == 0 || !doctor_exists(d, doctor_say(d, "%s/main.cf", folder)) ||
		    !doctor_exists(d, "/usr/sbin/postfix"))
			continue;
		last = folder;
		if (dry && strcmp(folder, "/etc/postfix") == 0)
			puts("then: postfix reload");
		else if (dry)
			printf("then: postfix -c %s reload\n", folder);
		else if (run(reads, err) < 0 || run(argv, err) < 0)
			return -1;
	}
	return 0;
}

static bool concerns(struct doctor *d, size_t check)
{
	const char *program = checks[check].program;

	return changed_below(d, checks[check].below) && (!program || doctor_exists(d, program));
}

static int check_all(struct doctor *d, struct error *err)
{
	if (!d->live)
		return 0;
	for (size_t i = 0; i < NCHECKS; i++)
		if (checks[i].program && concerns(d, i) && run(checks[i].argv, err) < 0)
			return -1;
	return check_postfix(d, false, err) < 0 ? -1 : check_php(d, false, err);
}

static void make_again(struct doctor *d)
{
	for (size_t i = 0; d->live && i < NCHECKS; i++)
		if (checks[i].makes && concerns(d, i))
			run(checks[i].argv, NULL);
}

static void tell_next(struct doctor *d)
{
	for (size_t i = 0; i < NCHECKS; i++)
		if (checks[i].then && concerns(d, i))
			printf("then: %s\n", checks[i].then);
	check_postfix(d, true, NULL);
	check_php(d, true, NULL);
}

/* ---- backups: BACKUPS/N/list, N/0.before, N/0.after, ... ---- */

static const char *backup_name(struct doctor *d, int number, const char *file)
{
	return doctor_say(d, BACKUPS "/%d/%s", number, file);
}

/* The number of the newest backup, 0 none. */
static int newest(struct doctor *d)
{
	int number = 0;

	for (int i = 1; i < BACKUPS_MAX; i++)
		if (doctor_exists(d, backup_name(d, i, "list")))
			number = i;
	return number;
}

static void forget(struct doctor *d, int number)
{
	take_away(d, backup_name(d, number, "list"), 0, NULL);
	for (size_t i = 0; i < d->nchanges; i++) {
		take_away(d, backup_name(d, number, doctor_say(d, "%zu.before", i)), 0, NULL);
		take_away(d, backup_name(d, number, doctor_say(d, "%zu.after", i)), 0, NULL);
	}
	take_away(d, doctor_say(d, BACKUPS "/%d", number), AT_REMOVEDIR, NULL);
}

static int save(struct doctor *d, int number, struct error *err)
{
	const struct stat st = { .st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0600 };
	struct str list = STR_NONE;

	for (size_t i = 0; i < d->nchanges; i++) {
		const struct change *c = &d->changes[i];
		const char *before = doctor_say(d, "%zu.before", i);
		const char *after = doctor_say(d, "%zu.after", i);

		if (put(d, backup_name(d, number, before), c->before, &st, err) < 0 ||
		    put(d, backup_name(d, number, after), c->after, &st, err) < 0)
			return -1;
		list = doctor_join(d, list, str_of(doctor_say(d, "%d %d %u %u %u %s\n", c->existed, c->made,
				   c->st.st_mode & 07777, c->st.st_uid, c->st.st_gid, c->path)),
				   STR_NONE);
	}
	return put(d, backup_name(d, number, "list"), list, &st, err);
}

static int back_up(struct doctor *d, int number, struct error *err)
{
	if (number >= BACKUPS_MAX)
		return error_set(err, EXIT_NOINPUT, "%s" BACKUPS " is full: remove what is old", d->root);
	if (make_folders(d, backup_name(d, number, ""), 0700, err) < 0)
		return -1;
	if (save(d, number, err) == 0)
		return 0;
	forget(d, number);
	return -1;
}

static bool read_row(struct doctor *d, struct str row, int number, size_t i)
{
	int64_t value[5] = { 0 };
	struct change c = { .path = "" };

	for (int k = 0; k < 5; k++)
		if (!str_eat_int(&row, &value[k]) || !str_eat(&row, STR(" ")))
			return false;
	c.existed = value[0];
	c.made = (int)value[1];
	c.st.st_mode = (mode_t)value[2];
	c.st.st_uid = (uid_t)value[3];
	c.st.st_gid = (gid_t)value[4];
	c.path = doctor_say(d, "%.*s", STR_ARG(row));
	if (!doctor_read(d, backup_name(d, number, doctor_say(d, "%zu.before", i)), &c.before) ||
	    !doctor_read(d, backup_name(d, number, doctor_say(d, "%zu.after", i)), &c.after))
		return false;
	d->changes = xrealloc(d->changes, (d->nchanges + 1) * sizeof(*d->changes));
	d->changes[d->nchanges++] = c;
	return true;
}

static int read_backup(struct doctor *d, int number, struct error *err)
{
	const char *name = backup_name(d, number, "list");
	struct str list;

	if (!doctor_read(d, name, &list))
		return error_set(err, EXIT_NOINPUT, "%s cannot be read", name);
	d->nchanges = 0;
	for (size_t i = 0; list.n; i++) {
		struct str row = str_head(list, str_chr(list, '\n'));

		list = str_skip(list, row.n + 1);
		if (!read_row(d, row, number, i))
			return error_set(err, EXIT_CONFIG, "%s: row %zu is damaged", name, i + 1);
	}
	if (!d->nchanges)
		return error_set(err, EXIT_CONFIG, "%s is empty", name);
	return 0;
}

/* ---- both ways ---- */

/* One doctor at a time; -1: another is at it, or there is no folder. */
static int lock(struct doctor *d, struct error *err)
{
	int fd = open_folder(d, BACKUPS "/", err);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return error_set(err, EXIT_AGAIN, "another mailaudit doctor is changing files");
	}
	return fd;
}

/* All that can fail for want of space or rights comes before the first file is replaced. */
static int stage_all(struct doctor *d, struct error *err)
{
	const struct stat fresh = { .st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0644 };

	for (size_t i = 0; i < d->nchanges; i++) {
		const struct change *c = &d->changes[i];

		if (stage(d, c->path, c->after, c->existed ? &c->st : &fresh, err) == 0)
			continue;
		while (i--)
			settle(d, d->changes[i].path, true, NULL);
		return -1;
	}
	return 0;
}

static int write_all(struct doctor *d, size_t *done, struct error *err)
{
	for (*done = 0; *done < d->nchanges; ++*done) {
		const struct change *c = &d->changes[*done];

		if (settle(d, c->path, false, err) < 0) {
			for (size_t i = *done; i < d->nchanges; i++)
				settle(d, d->changes[i].path, true, NULL);
			return -1;
		}
		printf("wrote %s\n", c->path);
	}
	return check_all(d, err);
}

static int replace_all(struct doctor *d, int number, struct error *err)
{
	struct error other = { .code = 0 };
	bool kept = false;
	size_t done;

	if (write_all(d, &done, err) == 0) {
		printf("backup: %s" BACKUPS "/%d; 'mailaudit doctor --undo' takes it back\n", d->root,
		       number);
		tell_next(d);
		return 0;
	}
	while (done--)
		kept |= put_back(d, &d->changes[done], &other) < 0;
	make_again(d);
	if (kept)
		return error_prefix(err, "%s; a backup is in " BACKUPS "/%d", other.text, number);
	forget(d, number);
	return error_prefix(err, "all was taken back");
}

/* Counts what it makes in each change, so that undoing takes it away again. */
static int make_places(struct doctor *d, struct error *err)
{
	for (size_t i = 0; i < d->nchanges; i++) {
		int made = make_folders(d, d->changes[i].path, 0755, err);

		if (made < 0)
			return -1;
		d->changes[i].made = made;
	}
	return 0;
}

static int fix_locked(struct doctor *d, struct error *err)
{
	int number = newest(d) + 1;

	for (size_t i = 0; i < d->nchanges; i++)
		if (!holds(d, d->changes[i].path, d->changes[i].before, d->changes[i].existed))
			return error_set(err, EXIT_AGAIN, "%s was changed meanwhile",
					 d->changes[i].path);
	if (make_places(d, err) == 0 && back_up(d, number, err) == 0) {
		if (stage_all(d, err) == 0)
			return replace_all(d, number, err);
		forget(d, number);
	}
	for (size_t i = d->nchanges; i--;)
		take_folders(d, d->changes[i].path, d->changes[i].made);
	return error_prefix(err, "nothing was changed");
}

int doctor_fix(struct doctor *d, struct error *err)
{
	int held = -1, result = -1;

	if (make_folders(d, BACKUPS "/", 0700, err) >= 0)
		held = lock(d, err);
	if (held >= 0) {
		result = fix_locked(d, err);
		close(held);
	}
	return result;
}

/* By hand, or by an --undo that did not come to its end. */
static bool is_back(struct doctor *d, const struct change *c)
{
	return holds(d, c->path, c->before, c->existed);
}

/* Says of each file that is not as it was left where that is which stood there before. */
static int check_left(struct doctor *d, int number, struct error *err)
{
	const char *names = "";

	for (size_t i = 0; i < d->nchanges; i++) {
		const char *path = d->changes[i].path;

		if (!holds(d, path, d->changes[i].after, true) && !is_back(d, &d->changes[i]))
			names = doctor_say(d, "%s%s%s (before: %s" BACKUPS "/%d/%zu.before)", names,
					   *names ? ", " : "", path, d->root, number, i);
	}
	if (!*names)
		return 0;
	return error_set(err, EXIT_CONFIG, "nothing was undone; changed since: %s", names);
}

static int undo_locked(struct doctor *d, struct error *err)
{
	int number = newest(d);

	if (!number)
		return error_set(err, EXIT_NOINPUT, "there is nothing to undo in %s" BACKUPS, d->root);
	if (read_backup(d, number, err) < 0 || check_left(d, number, err) < 0)
		return -1;
	for (size_t i = d->nchanges; i--;) {
		if (is_back(d, &d->changes[i]))
			continue;
		if (put_back(d, &d->changes[i], err) < 0)
			return -1;
		printf("restored %s\n", d->changes[i].path);
	}
	make_again(d);
	tell_next(d);
	forget(d, number);
	return 0;
}

int doctor_undo(struct doctor *d, struct error *err)
{
	int held, result;

	if (!doctor_exists(d, BACKUPS))
		return error_set(err, EXIT_NOINPUT, "there is nothing to undo in %s" BACKUPS, d->root);
	held = lock(d, err);
	if (held < 0)
		return -1;
	result = undo_locked(d, err);
	close(held);
	return result;
}
