/* The doctor's hands: reading below a root, telling, and changes that are only planned.
 *
 * Invariant: below a root no path leads out of it, not through a symbolic link either, and no
 * program runs. Nothing is written here. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "notify/child.h"
#include "notify/texts.h"

#define TEXT_MAX ((size_t)1 << 20)
#define NAMES_MAX 5000

const char *const sight_state_name[SIGHT_STATES] = { "seen", "partly", "not seen", "advice" };

int doctor_open(struct doctor *d, const char *root, const struct settings *s, struct error *err)
{
	*d = (struct doctor){ .root = root ? root : "", .live = !root, .settings = s };
	d->rootfd = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->rootfd < 0)
		return error_set(err, EXIT_NOINPUT, "%s: %s", d->root, strerror(errno));
	return 0;
}

void doctor_close(struct doctor *d)
{
	close(d->rootfd);
	free(d->sights);
	free(d->changes);
	free(d->weak);
	free(d->logs);
	arena_release(&d->arena);
}

void doctor_look(struct doctor *d)
{
#define LOOK(name) look_##name(d);
#include "cli/doctor.def"
#undef LOOK
}

const char *doctor_say(struct doctor *d, const char *format, ...)
{
	char *text;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return "";
	text = arena_alloc(&d->arena, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

void doctor_tell(struct doctor *d, const char *check, enum sight_state state, const char *detail,
		 const char *file, const char *line)
{
	d->sights = xrealloc(d->sights, (d->nsights + 1) * sizeof(*d->sights));
	d->sights[d->nsights++] = (struct sight){ check, state, detail, file, line };
}

bool doctor_is_named(const char *check, const char *name)
{
	size_t n = strlen(name);

	return strncmp(check, name, n) == 0 && (check[n] == '\0' || check[n] == '.');
}

bool doctor_fixes(const struct doctor *d, const char *check, enum sight_state state)
{
	for (size_t i = 0; i < d->nasked; i++)
		if (doctor_is_named(check, d->asked[i]))
			return true;
	return !d->nasked && (state == SIGHT_PARTLY || state == SIGHT_NOT);
}

static int open_below(struct doctor *d, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT };

	int fd = (int)syscall(SYS_openat2, d->rootfd, path, &how, sizeof(how));

	d->denied += fd < 0 && errno == EACCES;
	return fd;
}

bool doctor_exists(struct doctor *d, const char *path)
{
	int fd = open_below(d, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool doctor_has_program(struct doctor *d, const char *path)
{
	return doctor_exists(d, path) || !doctor_exists(d, "/usr/sbin");
}

bool doctor_stat(struct doctor *d, const char *path, struct stat *st)
{
	int fd = open_below(d, path, O_PATH);
	bool ok = fd >= 0 && fstat(fd, st) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

ssize_t doctor_xattr(struct doctor *d, const char *path, const char *name, void *value,
		     size_t size)
{
	int fd = open_below(d, path, O_PATH);
	ssize_t n;

	if (fd < 0)
		return -1;
	/* fgetxattr() wants one that was opened for reading. */
	n = getxattr(doctor_say(d, "/proc/self/fd/%d", fd), name, value, size);
	close(fd);
	return n;
}

int doctor_folder(struct doctor *d, const char *path)
{
	return open_below(d, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

static bool read_all(struct doctor *d, int fd, size_t size, struct str *text)
{
	char *p = arena_alloc(&d->arena, size + 1);
	size_t n = 0;
	ssize_t got;

	while (n < size && (got = read(fd, p + n, size - n)) > 0)
		n += (size_t)got;
	p[n] = '\0';
	*text = (struct str){ p, n };
	return true;
}

static bool read_stat(struct doctor *d, const char *path, struct str *text, struct stat *st)
{
	int fd = open_below(d, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	bool ok = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
		  (size_t)st->st_size <= TEXT_MAX && read_all(d, fd, (size_t)st->st_size, text);

	if (fd >= 0)
		close(fd);
	return ok;
}

bool doctor_read(struct doctor *d, const char *path, struct str *text)
{
	struct stat st;

	return read_stat(d, path, text, &st);
}

void doctor_glob(struct doctor *d, const char *pattern,
		 void (*each)(struct doctor *d, const char *path, void *context), void *context)
{
	glob_t found;

	if (glob(doctor_say(d, "%s%s", d->root, pattern), 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && i < NAMES_MAX; i++)
		each(d, doctor_say(d, "%s", found.gl_pathv[i] + strlen(d->root)), context);
	globfree(&found);
}

struct names {
	const char *at[NAMES_MAX];
	size_t n;
};

static const char *base_name(const char *path)
{
	return path + str_rchr(str_of(path), '/') + 1;
}

/* By base names; among equals those of a stronger folder, which come first, stay first. */
static void add_name(struct doctor *d, const char *path, void *context)
{
	struct names *names = context;
	size_t i = names->n;
	int order = 1;

	(void)d;
	while (i && (order = strcmp(base_name(names->at[i - 1]), base_name(path))) > 0)
		i--;
	if (names->n == NAMES_MAX || (i && order == 0))
		return;
	memmove(&names->at[i + 1], &names->at[i], (names->n++ - i) * sizeof(*names->at));
	names->at[i] = path;
}

void doctor_dropins(struct doctor *d, const char *const *folders,
		    void (*each)(struct doctor *d, const char *path, void *context), void *context)
{
	struct names *names = arena_alloc(&d->arena, sizeof(*names));

	names->n = 0;
	for (; *folders; folders++)
		doctor_glob(d, doctor_say(d, "%s/*.conf", *folders), add_name, names);
	for (size_t i = 0; i < names->n; i++)
		each(d, names->at[i], context);
}

bool doctor_follows(const struct doctor *d, struct str path)
{
	const struct settings *s = d->settings;
	char *name = str_dup(path);
	bool found = !s->nsources;

	for (size_t i = 0; i < s->nsources; i++)
		found |= fnmatch(s->sources[i].path, name, FNM_PATHNAME) == 0;
	free(name);
	return found;
}

void doctor_note_log(struct doctor *d, struct str path)
{
	d->logs = xrealloc(d->logs, (d->nlogs + 1) * sizeof(*d->logs));
	d->logs[d->nlogs++] = doctor_say(d, "%.*s", STR_ARG(path));
}

bool doctor_ask(struct doctor *d, const char *const *argv, struct str *answer)
{
	struct child *c;
	bool ok;

	if (!d->live)
		return false;
	c = xcalloc(1, sizeof(*c));
	c->argv = argv;
	c->timeout = 10 * USEC_SECOND;
	ok = child_run(c, NULL) == 0 && c->status == 0;
	if (ok)
		*answer = arena_str(&d->arena, str_trim((struct str){ c->output, c->noutput }));
	free(c);
	return ok;
}

/* What a link leads to is changed, not the link. NULL: it leads out of the root. */
static const char *real_path(struct doctor *d, const char *path)
{
	int fd = open_below(d, path, O_PATH);
	char *real, *root;

	if (fd < 0)
		return path;
	real = realpath(doctor_say(d, "/proc/self/fd/%d", fd), NULL);
	root = realpath(doctor_say(d, "/proc/self/fd/%d", d->rootfd), NULL);
	close(fd);
	path = NULL;
	if (real && root && strcmp(root, "/") == 0)
		path = doctor_say(d, "%s", real);
	else if (real && root && str_starts(str_of(real), str_of(root)))
		path = doctor_say(d, "%s", real + strlen(root));
	free(real);
	free(root);
	return path;
}

struct change *doctor_change(struct doctor *d, const char *path)
{
	struct change c = { .path = real_path(d, path) };

	path = c.path;
	if (!path)
		return NULL;
	for (size_t i = 0; i < d->nchanges; i++)
		if (strcmp(d->changes[i].path, path) == 0)
			return &d->changes[i];
	c.existed = doctor_exists(d, path);
	if (c.existed && !read_stat(d, path, &c.before, &c.st))
		return NULL;
	c.after = c.before;
	d->changes = xrealloc(d->changes, (d->nchanges + 1) * sizeof(*d->changes));
	d->changes[d->nchanges] = c;
	return &d->changes[d->nchanges++];
}

size_t doctor_find_lines(struct str text, struct str lines)
{
	size_t at = 0;

	while ((at += str_find(str_skip(text, at), lines)) < text.n)
		if (at == 0 || text.p[at - 1] == '\n')
			return at;
		else
			at++;
	return text.n;
}

void doctor_splice(struct doctor *d, struct change *c, size_t from, size_t to, struct str text)
{
	c->after = doctor_join(d, str_head(c->after, from), text, str_skip(c->after, to));
}

void doctor_set_ini(struct doctor *d, const char *path, const char *section, const char *key,
		    const char *value)
{
	struct change *c = doctor_change(d, path);
	struct conf_line line = { .from = 0 };
	const char *text = doctor_say(d, "%s=%s\n", key, value);

	if (!c)
		return;
	for (size_t at = 0; ini_next(c->after, &at, &line);) {
		if (!str_eq(line.section, str_of(section)) || !str_eq(line.name, str_of(key)))
			continue;
		doctor_splice(d, c, line.from, line.to, str_of(text));
		return;
	}
	if (!str_eq(line.section, str_of(section)))
		text = doctor_say(d, "[%s]\n%s", section, text);
	doctor_append(d, c, str_of(text));
}

void doctor_append(struct doctor *d, struct change *c, struct str text)
{
	bool ended = !c->after.n || str_ends(c->after, STR("\n"));

	c->after = doctor_join(d, c->after, ended ? STR_NONE : STR("\n"), text);
}

struct str doctor_join(struct doctor *d, struct str before, struct str insert, struct str after)
{
	size_t n = before.n + insert.n + after.n;
	char *p = arena_alloc(&d->arena, n + 1);

	if (before.n)
		memcpy(p, before.p, before.n);
	if (insert.n)
		memcpy(p + before.n, insert.p, insert.n);
	if (after.n)
		memcpy(p + before.n + insert.n, after.p, after.n);
	p[n] = '\0';
	return (struct str){ p, n };
}

struct str doctor_snippet(struct doctor *d, const char *name)
{
	struct str rest = STR_NONE, out = STR_NONE;

	for (const struct builtin_text *t = builtin_snippets; t->name; t++)
		if (strcmp(t->name, name) == 0)
			rest = t->text;
	while (rest.n) {
		struct str line = str_head(rest, str_chr(rest, '\n') + 1);

		rest = str_skip(rest, line.n);
		if (line.p[0] != '#')
			out = doctor_join(d, out, line, STR_NONE);
	}
	return out;
}
