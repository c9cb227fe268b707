/* Writing what the doctor planned, and taking it back.
 *
 * Invariant: what stood in a file is on disk, in a folder only root can enter, before the file is
 * replaced; a file is replaced as a whole or not at all. A file that is not as it was when it was
 * planned, or as it was left, is not touched. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
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

static int open_folder(const struct doctor *d, const char *path, struct error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT };
	char *folder = str_dup(str_head(str_of(path), str_rchr(str_of(path), '/') + 1));
	int fd = (int)syscall(SYS_openat2, d->rootfd, folder, &how, sizeof(how));

	free(folder);
	return fd >= 0 ? fd : fail(path, err);
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

/* Owner and mode are those of *st. */
static int put(struct doctor *d, const char *path, struct str text, const struct stat *st,
	       struct error *err)
{
	static const char temporary[] = ".mailaudit-doctor.tmp";
	const char *name = path + str_rchr(str_of(path), '/') + 1;
	int folder = open_folder(d, path, err), fd, result = 0;
	struct stat there;

	if (folder < 0)
		return -1;
	if (fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(there.st_mode)) {
		close(folder);
		return error_set(err, EXIT_CONFIG, "%s is a link; change what it leads to by hand",
				 path);
	}
	unlinkat(folder, temporary, 0);
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || !write_whole(fd, text, st) || renameat(folder, temporary, folder, name) < 0) {
		result = fail(path, err);
		unlinkat(folder, temporary, 0);
	}
	if (fd >= 0)
		close(fd);
	fsync(folder);
	close(folder);
	return result;
}

static int take_away(struct doctor *d, const char *path, struct error *err)
{
	int folder = open_folder(d, path, err), result = 0;

	if (folder < 0)
		return -1;
	if (unlinkat(folder, path + str_rchr(str_of(path), '/') + 1, 0) < 0)
		result = fail(path, err);
	close(folder);
	return result;
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
	return c->existed ? put(d, c->path, c->before, &c->st, err) : take_away(d, c->path, err);
}

/* ---- programs that check what was written ---- */

static const struct {
	const char *below; /* for files below this folder */
	const char *program; /* must be there */
	const char *argv[3];
	bool makes; /* makes the configuration of it, so it runs after taking back too */
	const char *then; /* what the administrator does next */
} checks[] = {
	{ "/etc/postfix/", "/usr/sbin/postfix", { "postfix", "check", NULL }, false,
	  "postfix reload" },
	{ "/etc/exim4/", "/usr/sbin/update-exim4.conf", { "update-exim4.conf", NULL, NULL }, true,
	  "systemctl reload exim4" },
	{ "/etc/exim4/", "/usr/sbin/exim4", { "exim4", "-bV", NULL }, false, NULL },
	{ "/etc/exim", "/usr/sbin/exim", { "exim", "-bV", NULL }, false, "systemctl reload exim" },
};

static bool changed_below(const struct doctor *d, const char *folder)
{
	for (size_t i = 0; i < d->nchanges; i++)
		if (str_starts(str_of(d->changes[i].path), str_of(folder)))
			return true;
	return false;
}

static int run(const char *const *argv, struct error *err)
{
	struct child *c = xcalloc(1, sizeof(*c));
	int result;

	c->argv = argv;
	c->timeout = CHECK_TIMEOUT;
	result = child_run(c, err);
	if (result == 0 && c->status != 0) {
		child_complain(c, err);
		result = -1;
	}
	free(c);
	return result;
}

/* "/etc/php/8.2/fpm/..." is checked by php-fpm8.2 -t. */
static int check_php(struct doctor *d, bool dry, struct error *err)
{
	for (size_t i = 0; i < d->nchanges; i++) {
		struct str rest = str_of(d->changes[i].path), version;
		const char *argv[] = { NULL, "-t", NULL };

		if (!str_eat(&rest, STR("/etc/php/")))
			continue;
		version = str_head(rest, str_chr(rest, '/'));
		if (!str_starts(str_skip(rest, version.n), STR("/fpm/")))
			continue;
		argv[0] = doctor_say(d, "php-fpm%.*s", STR_ARG(version));
		if (dry)
			printf("then: systemctl reload php%.*s-fpm\n", STR_ARG(version));
		else if (run(argv, err) < 0)
			return -1;
		if (dry)
			break;
	}
	return 0;
}

static int check_all(struct doctor *d, struct error *err)
{
	if (!d->live)
		return 0;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (changed_below(d, checks[i].below) && doctor_exists(d, checks[i].program) &&
		    run(checks[i].argv, err) < 0)
			return -1;
	return check_php(d, false, err);
}

static void make_again(struct doctor *d)
{
	for (size_t i = 0; d->live && i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i].makes && changed_below(d, checks[i].below) &&
		    doctor_exists(d, checks[i].program))
			run(checks[i].argv, NULL);
}

static void tell_next(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (checks[i].then && changed_below(d, checks[i].below) &&
		    doctor_exists(d, checks[i].program))
			printf("then: %s\n", checks[i].then);
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

static int make_folder(struct doctor *d, const char *path, struct error *err)
{
	const char *name = doctor_say(d, "%s%s", d->root, path);

	return mkdir(name, 0700) == 0 || errno == EEXIST ? 0 : fail(name, err);
}

static int back_up(struct doctor *d, int number, struct error *err)
{
	const struct stat st = { .st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0600 };
	struct str list = STR_NONE;

	if (make_folder(d, "/var/backups", err) < 0 || make_folder(d, BACKUPS, err) < 0 ||
	    make_folder(d, doctor_say(d, BACKUPS "/%d", number), err) < 0)
		return -1;
	for (size_t i = 0; i < d->nchanges; i++) {
		const struct change *c = &d->changes[i];
		const char *before = doctor_say(d, "%zu.before", i);
		const char *after = doctor_say(d, "%zu.after", i);

		if (put(d, backup_name(d, number, before), c->before, &st, err) < 0 ||
		    put(d, backup_name(d, number, after), c->after, &st, err) < 0)
			return -1;
		list = doctor_join(d, list, str_of(doctor_say(d, "%d %u %u %u %s\n", c->existed,
				   c->st.st_mode & 07777, c->st.st_uid, c->st.st_gid, c->path)),
				   STR_NONE);
	}
	return put(d, backup_name(d, number, "list"), list, &st, err);
}

static bool read_row(struct doctor *d, struct str row, int number, size_t i)
{
	int64_t value[4] = { 0 };
	struct change c = { .path = "" };

	for (int k = 0; k < 4; k++)
		if (!str_eat_int(&row, &value[k]) || !str_eat(&row, STR(" ")))
			return false;
	c.existed = value[0];
	c.st.st_mode = (mode_t)value[1];
	c.st.st_uid = (uid_t)value[2];
	c.st.st_gid = (gid_t)value[3];
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
	return 0;
}

static void forget(struct doctor *d, int number)
{
	take_away(d, backup_name(d, number, "list"), NULL);
	for (size_t i = 0; i < d->nchanges; i++) {
		take_away(d, backup_name(d, number, doctor_say(d, "%zu.before", i)), NULL);
		take_away(d, backup_name(d, number, doctor_say(d, "%zu.after", i)), NULL);
	}
	rmdir(doctor_say(d, "%s" BACKUPS "/%d", d->root, number));
}

/* ---- both ways ---- */

static int write_all(struct doctor *d, size_t *done, struct error *err)
{
	const struct stat fresh = { .st_uid = geteuid(), .st_gid = getegid(), .st_mode = 0644 };

	for (*done = 0; *done < d->nchanges; ++*done) {
		const struct change *c = &d->changes[*done];

		if (put(d, c->path, c->after, c->existed ? &c->st : &fresh, err) < 0)
			return -1;
		printf("wrote %s\n", c->path);
	}
	return check_all(d, err);
}

int doctor_fix(struct doctor *d, struct error *err)
{
	struct error other = { .code = 0 };
	int number = newest(d) + 1;
	bool kept = false;
	size_t done;

	for (size_t i = 0; i < d->nchanges; i++)
		if (!holds(d, d->changes[i].path, d->changes[i].before, d->changes[i].existed))
			return error_set(err, EXIT_AGAIN, "%s was changed meanwhile",
					 d->changes[i].path);
	if (back_up(d, number, err) < 0)
		return -1;
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

int doctor_undo(struct doctor *d, struct error *err)
{
	int number = newest(d);

	if (!number)
		return error_set(err, EXIT_NOINPUT, "there is nothing to undo in %s" BACKUPS, d->root);
	if (read_backup(d, number, err) < 0)
		return -1;
	for (size_t i = 0; i < d->nchanges; i++)
		if (!holds(d, d->changes[i].path, d->changes[i].after, true))
			return error_set(err, EXIT_CONFIG, "%s was changed since; what stood there is "
					 "%s" BACKUPS "/%d/%zu.before", d->changes[i].path, d->root,
					 number, i);
	for (size_t i = d->nchanges; i--;) {
		if (put_back(d, &d->changes[i], err) < 0)
			return -1;
		printf("restored %s\n", d->changes[i].path);
	}
	make_again(d);
	tell_next(d);
	forget(d, number);
	return 0;
}
