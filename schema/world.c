/* Owner maps, databases of places and patterns, from files.
 *
 * Invariant: a view is complete and stays until whoever uses it was given the
 * next one. Reads no log and no database of ours. */
#include "schema/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* The largest owner map that is read: cPanel's /etc/userdomains of a host with
 * 100,000 domains has 4 MB. */
#define MAP_MAX_BYTES (64 << 20)
/* Files of one pattern, and what all owner maps hold together: a panel has a file
 * or two for each of its customers or domains. */
#define MAPS_MAX_FILES 20000
#define MAPS_MAX_BYTES ((size_t)256 << 20)
/* Marks a map that is not there. */
#define MAP_ABSENT ((struct map_stamp){ 0 })

struct map_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct map_file {
	char *path;
	const char *format;
	size_t spec; /* passwd is 0, then as in the settings */
	struct map_stamp stamp;
	char *text; /* of owner maps: only until they are read */
	size_t n;
	struct map_count count;
};

#define PATTERNS_MAX_FILES 64

struct world {
	struct detect_world view;
	struct accounts *accounts;
	struct geo *geo;
	struct patterns *patterns;
	struct map_file *maps; /* owner maps, then pattern files */
	size_t nowner, nmaps;
	size_t owner_bytes;
	char *directory; /* of pattern files; NULL: none */
	struct map_stamp directory_stamp;
};

/* ---- files ---- */

static struct map_stamp stamp_of(const struct stat *st)
{
	return (struct map_stamp){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

static bool same_stamp(const struct map_stamp *a, const struct map_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static size_t read_all(int fd, char *to, size_t room)
{
	size_t n = 0;

	while (n < room) {
		ssize_t got = read(fd, to + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static void map_read(struct map_file *map)
{
	struct stat st;
	int fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	free(map->text);
	map->text = NULL;
	map->n = 0;
	map->stamp = MAP_ABSENT;
	if (fd < 0) {
		if (errno != ENOENT)
			log_warning("%s: %m", map->path);
		/* Not told of again until it changes. */
		if (stat(map->path, &st) == 0 && S_ISREG(st.st_mode))
			map->stamp = stamp_of(&st);
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAP_MAX_BYTES) {
		map->text = xmalloc((size_t)st.st_size + 1);
		map->n = read_all(fd, map->text, (size_t)st.st_size);
		map->stamp = stamp_of(&st);
	} else {
		log_warning("%s is no plain file of at most %d MiB: not read",
			    map->path, MAP_MAX_BYTES >> 20);
	}
	close(fd);
}

static bool map_changed(const struct map_file *map)
{
	struct stat st;
	struct map_stamp now = MAP_ABSENT;

	if (stat(map->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAP_MAX_BYTES)
		now = stamp_of(&st);
	return !same_stamp(&now, &map->stamp);
}

/* ---- owner maps ---- */

static struct map_file *file_add(struct world *w, const char *path, const char *format)
{
	struct map_file *file;

	w->maps = xrealloc(w->maps, (w->nmaps + 1) * sizeof(*w->maps));
	file = &w->maps[w->nmaps++];
	*file = (struct map_file){ .path = str_dup(str_of(path)), .format = format };
	map_read(file);
	return file;
}

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

static struct map_spec spec_of(const struct settings *s, size_t i)
{
	return i ? s->accounts.maps[i - 1] :
		   (struct map_spec){ .path = s->accounts.passwd, .format = "passwd" };
}

/* What a path stands for now, in order; a plain path need not exist. */
static void find_files(const char *path, glob_t *found)
{
	if (glob(path, is_pattern(path) ? 0 : GLOB_NOCHECK | GLOB_NOESCAPE, NULL, found) != 0)
		*found = (glob_t){ 0 };
	while (found->gl_pathc > MAPS_MAX_FILES)
		free(found->gl_pathv[--found->gl_pathc]);
}

static void add_owner_map(struct world *w, size_t spec, const char *path, const char *format)
{
	struct map_file *file = file_add(w, path, format);

	file->spec = spec;
	if (w->owner_bytes + file->n > MAPS_MAX_BYTES) {
		log_warning("%s: all owner maps are over %zu MiB: not read", path,
			    MAPS_MAX_BYTES >> 20);
		free(file->text);
		file->text = NULL;
		file->n = 0;
	}
	w->owner_bytes += file->n;
}

static void tell_owner_map(const struct map_file *file)
{
	if (file->count.bad)
		log_warning("%s:%lld: not understood as %s, or names nobody; %lld lines of it",
			    file->path, (long long)file->count.bad_line, file->format,
			    (long long)file->count.bad);
}

static void make_accounts(struct world *w)
{
	const struct settings *s = w->view.settings;
	struct map_text *texts = xcalloc(w->nowner, sizeof(*texts));

	for (size_t i = 0; i < w->nowner; i++) {
		struct map_file *file = &w->maps[i];

		texts[i] = (struct map_text){ file->path, file->format, { file->text, file->n },
					      spec_of(s, file->spec).path };
	}
	w->accounts = accounts_new(s, texts, w->nowner);
	w->view.accounts = w->accounts;
	for (size_t i = 0; i < w->nowner; i++) {
		struct map_file *file = &w->maps[i];

		file->count = *accounts_map_count(w->accounts, i);
		tell_owner_map(file);
		free(file->text);
		file->text = NULL;
	}
	free(texts);
}

static void read_accounts(struct world *w)
{
	const struct settings *s = w->view.settings;

	for (size_t i = 0; i <= s->accounts.nmaps; i++) {
		struct map_spec spec = spec_of(s, i);
		glob_t found;

		find_files(spec.path, &found);
		if (found.gl_pathc == MAPS_MAX_FILES)
			log_warning("%s: has %d files or more: the rest is not read", spec.path,
				    MAPS_MAX_FILES);
		for (size_t k = 0; k < found.gl_pathc; k++)
			add_owner_map(w, i, found.gl_pathv[k], spec.format);
		globfree(&found);
	}
	w->nowner = w->nmaps;
	make_accounts(w);
}

bool world_map(const struct world *w, size_t i, struct world_map *out)
{
	struct map_spec spec;

	if (i > w->view.settings->accounts.nmaps)
		return false;
	spec = spec_of(w->view.settings, i);
	*out = (struct world_map){ .path = spec.path, .format = spec.format };
	for (size_t k = 0; k < w->nowner; k++) {
		const struct map_file *file = &w->maps[k];

		if (file->spec != i || same_stamp(&file->stamp, &MAP_ABSENT))
			continue;
		out->files++;
		out->names += file->count.names;
		out->bad += file->count.bad;
		if (file->count.bad && !out->bad_path) {
			out->bad_path = file->path;
			out->bad_line = file->count.bad_line;
		}
	}
	return true;
}

/* Files that came or went; *at is the first one of this spec, then of the next. */
static bool files_changed(const struct world *w, size_t spec, const char *path, size_t *at)
{
	bool same = true;
	glob_t found;

	find_files(path, &found);
	for (size_t k = 0; k < found.gl_pathc; k++, ++*at)
		same = same && *at < w->nowner && w->maps[*at].spec == spec &&
		       strcmp(w->maps[*at].path, found.gl_pathv[k]) == 0;
	globfree(&found);
	return !same || (*at < w->nowner && w->maps[*at].spec == spec);
}

static const char *owner_files_changed(const struct world *w)
{
	const struct settings *s = w->view.settings;
	size_t at = 0;

	for (size_t i = 0; i <= s->accounts.nmaps; i++) {
		const char *path = spec_of(s, i).path;

		if (files_changed(w, i, path, &at))
			return path;
	}
	return NULL;
}

/* ---- places ---- */

static const char *path_or_null(const char *path)
{
	return *path ? path : NULL;
}

static void read_geo(struct world *w)
{
	const struct settings *s = w->view.settings;
	struct error err;

	if (!*s->geoip.country && !*s->geoip.asn)
		return;
	w->geo = geo_open(path_or_null(s->geoip.country), path_or_null(s->geoip.asn), &err);
	if (!w->geo)
		log_warning("geoip: %s; countries and networks stay unknown", err.text);
	w->view.geo = w->geo;
}

/* ---- patterns ---- */

static struct map_stamp directory_now(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? stamp_of(&st) : MAP_ABSENT;
}

static int is_pattern_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends(str_of(entry->d_name), STR(".yaml"));
}

static int list_patterns(struct world *w, const char *directory, struct error *err)
{
	struct dirent **list;
	int n = scandir(directory, &list, is_pattern_file, alphasort);

	if (n < 0)
		return error_set(err, errno == EACCES ? EXIT_PERMISSION : EXIT_CONFIG,
				 "patterns: %s: %s", directory, strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[4096];

		if (i < PATTERNS_MAX_FILES &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", directory, list[i]->d_name) <
			    sizeof(path))
			file_add(w, path, "patterns");
		free(list[i]);
	}
	free(list);
	if (n > PATTERNS_MAX_FILES)
		return error_set(err, EXIT_CONFIG, "patterns: %s has more than %d files", directory,
				 PATTERNS_MAX_FILES);
	return 0;
}

static int read_patterns(struct world *w, struct error *err)
{
	const char *directory = path_or_null(w->view.settings->patterns);
	size_t builtin, n;
	const struct pattern_text *texts = patterns_builtin(&builtin);
	struct pattern_text *all;

	if (directory) {
		w->directory = str_dup(str_of(directory));
		w->directory_stamp = directory_now(directory);
		if (list_patterns(w, directory, err) < 0)
			return -1;
	}
	n = w->nmaps - w->nowner;
	all = xcalloc(builtin + n, sizeof(*all));
	memcpy(all, texts, builtin * sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		const struct map_file *file = &w->maps[w->nowner + i];

		all[builtin + i] = (struct pattern_text){ file->path, { file->text, file->n } };
	}
	w->patterns = patterns_new(all, builtin + n, err);
	w->view.patterns = w->patterns;
	free(all);
	return w->patterns ? 0 : -1;
}

/* ---- life ---- */

struct world *world_open(const struct settings *settings, struct error *err)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->view.settings = settings;
	read_accounts(w);
	read_geo(w);
	if (read_patterns(w, err) < 0) {
		world_close(w);
		return NULL;
	}
	return w;
}

void world_close(struct world *w)
{
	if (!w)
		return;
	accounts_free(w->accounts);
	geo_free(w->geo);
	patterns_free(w->patterns);
	for (size_t i = 0; i < w->nmaps; i++) {
		free(w->maps[i].path);
		free(w->maps[i].text);
	}
	free(w->maps);
	free(w->directory);
	free(w);
}

const struct detect_world *world_view(const struct world *w)
{
	return &w->view;
}

const char *world_changed(const struct world *w)
{
	const char *changed;
	struct map_stamp now;

	for (size_t i = 0; i < w->nmaps; i++)
		if (map_changed(&w->maps[i]))
			return w->maps[i].path;
	changed = owner_files_changed(w);
	if (changed)
		return changed;
	if (w->geo && geo_changed(w->geo))
		return "geoip";
	if (!w->directory)
		return NULL;
	now = directory_now(w->directory);
	return same_stamp(&now, &w->directory_stamp) ? NULL : w->directory;
}
