/* Finding the rotated files of a log.
 *
 * Names are only a first sieve: what a file is, its first bytes say. Knows the
 * names of logrotate (numbered, dateext, dateformat, extension, compressed),
 * savelog, exicyclog and multilog. Invariant: the list is newest first. */
#include "daemon/rotated.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct str packed_endings[] = { { ".gz", 3 }, { ".xz", 3 }, { ".zst", 4 } };

static struct str without_packing(struct str name)
{
	for (size_t i = 0; i < sizeof(packed_endings) / sizeof(*packed_endings); i++)
		if (str_ends(name, packed_endings[i]))
			return str_head(name, name.n - packed_endings[i].n);
	return name;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ".1", "-20261123", "-2026-11-23_06:00", ".20261123T0600Z", ".old" */
static bool is_age(struct str s)
{
	if (str_eq(s, STR(".old")) || str_eq(s, STR("-old")))
		return true;
	if (s.n < 2 || !memchr(".-_", s.p[0], 3) || !is_digit(s.p[1]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_digit(s.p[i]) && !memchr(".-_:+TZ", s.p[i], 7))
			return false;
	return true;
}

/* "@400000006b0dd29525bc454c.s", or ".u" of a multilog that was killed: multilog(8). */
static bool is_multilog(struct str name)
{
	struct str rest = without_packing(name);
	usec_t time;

	return stamp_tai64n(&rest, &time) && (str_eq(rest, STR(".s")) || str_eq(rest, STR(".u")));
}

bool rotated_name(struct str log, struct str name)
{
	size_t dot = str_rchr(log, '.');
	struct str stem = str_head(log, dot), extension = str_skip(log, dot);
	struct str rest = without_packing(name);

	if (str_eq(log, STR("current")) && is_multilog(name))
		return true;
	if (str_starts(rest, log))
		return is_age(str_skip(rest, log.n));
	if (!extension.n || !str_starts(rest, stem) || !str_ends(rest, extension) ||
	    rest.n < stem.n + extension.n)
		return false;
	return is_age(str_head(str_skip(rest, stem.n), rest.n - stem.n - extension.n));
}

/* The N of "name.N" and "name.N.gz"; -1 for dates and others. */
static int64_t number_of(struct str path)
{
	struct str rest = without_packing(path);
	int64_t number;

	rest = str_skip(rest, str_rchr(rest, '.') + 1);
	return rest.n && rest.n <= 4 && str_int(rest, &number) ? number : -1;
}

static struct str base_of(struct str path)
{
	size_t slash = str_rchr(path, '/');

	return slash < path.n ? str_skip(path, slash + 1) : path;
}

/* Newest first. The number is surer than the time of the last write. While
 * gzip is at work there are both: the plain file first. */
static int compare(const void *left, const void *right)
{
	const struct rotated *a = left, *b = right;
	int64_t na = number_of(str_of(a->path)), nb = number_of(str_of(b->path));

	if (str_eq(without_packing(str_of(a->path)), without_packing(str_of(b->path))))
		return strcmp(a->path, b->path);
	if (na >= 0 && nb >= 0 && na != nb)
		return na < nb ? -1 : 1;
	/* A busy multilog writes several files within a tick of the file system's clock. */
	if (is_multilog(base_of(str_of(a->path))) && is_multilog(base_of(str_of(b->path))))
		return -strcmp(a->path, b->path);
	if (a->mtime != b->mtime)
		return a->mtime > b->mtime ? -1 : 1;
	return -strcmp(a->path, b->path);
}

static void add(struct rotated_list *list, const char *dir, size_t dir_n, const char *name)
{
	struct rotated *r = &list->at[list->n];
	char path[PATH_MAX];
	size_t n = strlen(name);
	struct stat st;

	if (dir_n + n >= sizeof(path))
		return;
	memcpy(path, dir, dir_n);
	memcpy(path + dir_n, name, n + 1);
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return;
	*r = (struct rotated){
		.path = str_dup(str_of(path)),
		.id = { .dev = st.st_dev, .ino = st.st_ino },
		.mtime = (usec_t)st.st_mtim.tv_sec * USEC_SECOND + st.st_mtim.tv_nsec / 1000,
		.size = st.st_size,
	};
	list->n++;
}

void rotated_find(const char *path, struct rotated_list *list)
{
	size_t slash = str_rchr(str_of(path), '/');
	size_t dir_n = path[slash] ? slash + 1 : 0;
	struct str log = str_of(path + dir_n);
	char *dir = str_dup(str_head(str_of(path), dir_n));
	DIR *d = opendir(dir_n ? dir : ".");
	const struct dirent *entry;

	*list = (struct rotated_list){ xcalloc(ROTATED_MAX, sizeof(*list->at)), 0 };
	while (d && list->n < ROTATED_MAX && (entry = readdir(d)))
		if (rotated_name(log, str_of(entry->d_name)))
			add(list, dir, dir_n, entry->d_name);
	qsort(list->at, list->n, sizeof(*list->at), compare);
	if (d)
		closedir(d);
	free(dir);
}

void rotated_release(struct rotated_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].path);
	free(list->at);
	*list = (struct rotated_list){ 0 };
}

bool rotated_is_current(const char *path, const struct rotated_list *list)
{
	struct rotated_list now;
	bool same;

	rotated_find(path, &now);
	same = now.n == list->n;
	for (size_t i = 0; same && i < now.n; i++)
		same = identity_same_file(&now.at[i].id, &list->at[i].id) &&
		       strcmp(now.at[i].path, list->at[i].path) == 0;
	rotated_release(&now);
	return same;
}
