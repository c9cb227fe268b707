/* The doctor's hands: reading below a root, telling, and changes that are only planned.
 *
 * Invariant: below a root no path leads out of it, not through a symbolic link either, and no
 * program runs. Nothing is written here. */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

static int open_below(const struct doctor *d, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, d->rootfd, path, &how, sizeof(how));
}

bool doctor_exists(struct doctor *d, const char *path)
{
	int fd = open_below(d, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool doctor_stat(struct doctor *d, const char *path, struct stat *st)
{
	int fd = open_below(d, path, O_PATH);
	bool ok = fd >= 0 && fstat(fd, st) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
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

struct change *doctor_change(struct doctor *d, const char *path)
{
	struct change c = { .path = path };

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
