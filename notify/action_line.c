/* Steps that add a line to a file: a list of logins.
 *
 * Invariant: the file is always whole, the old one or the new one; its other lines, its
 * owner and its mode stay; and no symbolic link leads to another file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/walk.h"
#include "notify/action_state.h"

#define MAX_BYTES (16 * 1024 * 1024)
/* Of a file that is made: mail servers read it as users of their own. It is a list of
 * logins, not of secrets. */
#define NEW_MODE 0644

struct list {
	struct walk walk;
	struct stat st; /* st_mode 0: there is no such file */
	char *text; /* heap */
	size_t n;
};

/* --- reading ---- */

static int read_all(struct list *l, int fd, struct error *err)
{
	if (fstat(fd, &l->st) < 0)
		return walk_fail(l->walk.path, err);
	if (!S_ISREG(l->st.st_mode) || l->st.st_size > MAX_BYTES)
		return error_set(err, REFUSED, "%s is no regular file, or too large", l->walk.path);
	l->n = (size_t)l->st.st_size;
	l->text = xmalloc(l->n + 1);
	if (pread(fd, l->text, l->n, 0) == (ssize_t)l->n)
		return 0;
	return error_set(err, EXIT_AGAIN, "%s changes while it is read", l->walk.path);
}

static int read_file(struct list *l, struct error *err)
{
	int fd = openat(l->walk.dir, l->walk.name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP)
		return error_set(err, REFUSED, "%s is a symbolic link", l->walk.path);
	if (fd < 0)
		return walk_fail(l->walk.path, err);
	rc = read_all(l, fd, err);
	close(fd);
	return rc;
}

static void list_close(struct list *l)
{
	free(l->text);
	walk_end(&l->walk);
}

static int list_open(struct list *l, const char *path, struct error *err)
{
	*l = (struct list){ .text = NULL };
	if (walk_to(&l->walk, path, err) < 0)
		return -1;
	if (read_file(l, err) == 0)
		return 0;
	list_close(l);
	return -1;
}

/* Where the line is, with its end; STR_NONE: nowhere. Of several the last, which is the
 * one that was added. */
static struct str find(const struct list *l, struct str wanted)
{
	struct str rest = { l->text, l->n }, found = STR_NONE;

	while (rest.n) {
		size_t n = str_chr(rest, '\n');

		if (str_eq(str_head(rest, n), wanted))
			found = str_head(rest, n + 1);
		rest = str_skip(rest, n + 1);
	}
	return found;
}

/* --- writing ---- */

static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* The new text in a file beside it, as the old one was. */
static int fill(const struct list *l, int fd, const struct str *parts, size_t n)
{
	mode_t mode = l->st.st_mode ? l->st.st_mode & 07777 : NEW_MODE;

	for (size_t i = 0; i < n; i++)
		if (write_all(fd, parts[i]) < 0)
			return -1;
	if (l->st.st_mode && fchown(fd, l->st.st_uid, l->st.st_gid) < 0)
		return -1;
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -1 : 0;
}

static int sync_directory(const struct list *l)
{
	int fd = openat(l->walk.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

static int replace(const struct list *l, const struct str *parts, size_t n, struct error *err)
{
	char name[NAME_MAX + 1];
	int fd, rc;

	if ((size_t)snprintf(name, sizeof(name), ".%s.new", l->walk.name) >= sizeof(name))
		return error_set(err, REFUSED, "%s: name too long", l->walk.path);
	unlinkat(l->walk.dir, name, 0); /* of one that died */
	fd = openat(l->walk.dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return walk_fail(l->walk.path, err);
	rc = fill(l, fd, parts, n);
	if (rc == 0)
		rc = renameat(l->walk.dir, name, l->walk.dir, l->walk.name);
	if (rc < 0) {
		walk_fail(l->walk.path, err);
		unlinkat(l->walk.dir, name, 0);
	} else if (sync_directory(l) < 0) {
		rc = walk_fail(l->walk.path, err);
	}
	close(fd);
	return rc;
}

/* --- the kind ---- */

static int plan(struct work *w, struct step *s, struct error *err)
{
	s->text = action_fill(s->rule->line.text, &w->values, &w->arena, err);
	if (!s->text)
		return -1;
	s->what = work_describe(w, "line in %s: %s", s->rule->line.file, s->text);
	return 0;
}

/* A line that somebody else put there is not ours to take away. */
static int prepare(struct work *w, struct step *s, struct error *err)
{
	struct list l;

	(void)w;
	if (list_open(&l, s->rule->line.file, err) < 0)
		return -1;
	if (find(&l, str_of(s->text)).n)
		s->state = STEP_NOTHING;
	list_close(&l);
	return 0;
}

static int perform(struct work *w, struct step *s, struct error *err)
{
	struct list l;
	int rc = 0;

	(void)w;
	if (list_open(&l, s->rule->line.file, err) < 0)
		return -1;
	if (!find(&l, str_of(s->text)).n) {
		bool ends = !l.n || l.text[l.n - 1] == '\n';
		struct str parts[] = { { l.text, l.n }, ends ? STR_NONE : STR("\n"),
				       str_of(s->text), STR("\n") };

		rc = replace(&l, parts, 4, err);
	}
	list_close(&l);
	return rc;
}

static int undo(struct work *w, struct step *s, struct error *err)
{
	struct str line;
	struct list l;
	int rc = 0;

	(void)w;
	if (list_open(&l, s->rule->line.file, err) < 0)
		return -1;
	line = find(&l, str_of(s->text));
	if (line.n) {
		struct str parts[] = { str_range(l.text, line.p),
				       str_range(line.p + line.n, l.text + l.n) };

		rc = replace(&l, parts, 2, err);
	}
	list_close(&l);
	return rc;
}

const struct step_kind step_line = {
	.name = "line", .plan = plan, .prepare = prepare, .perform = perform, .undo = undo
};
