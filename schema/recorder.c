/* Pipeline, owner maps and store in one piece.
 *
 * Invariant: what the pipeline forgets in pipeline_committed() is in the
 * database, together with the read positions it was told of. It reads owner
 * maps and nothing else; log files are its callers'. */
#include "schema/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* The largest owner map that is read: cPanel's /etc/userdomains of a host with
 * 100,000 domains has 4 MB. */
#define MAP_MAX_BYTES (64 << 20)
/* Marks a map that is not there. */
#define MAP_ABSENT ((struct map_stamp){ 0 })

struct map_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct map_file {
	const char *path, *format; /* the settings' */
	struct map_stamp stamp;
	char *text;
	size_t n;
};

struct recorder {
	const struct settings *settings;
	struct store *store;
	struct accounts *accounts;
	struct pipeline *pipeline;
	struct map_file *maps;
	size_t nmaps;
	void (*committed)(void *context, const struct batch *b);
	void *committed_context;
};

/* ---- owner maps ---- */

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
			log_warning("owner map %s: %m", map->path);
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAP_MAX_BYTES) {
		map->text = xmalloc((size_t)st.st_size + 1);
		map->n = read_all(fd, map->text, (size_t)st.st_size);
		map->stamp = stamp_of(&st);
	} else {
		log_warning("owner map %s is no plain file of at most %d MiB: not read",
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

static void maps_free(struct recorder *r)
{
	for (size_t i = 0; i < r->nmaps; i++)
		free(r->maps[i].text);
	free(r->maps);
	r->maps = NULL;
	r->nmaps = 0;
}

static void maps_list(struct recorder *r, const struct settings *s)
{
	maps_free(r);
	r->nmaps = s->accounts.nmaps + 1;
	r->maps = xcalloc(r->nmaps, sizeof(*r->maps));
	r->maps[0].path = s->accounts.passwd;
	r->maps[0].format = "passwd";
	for (size_t i = 1; i < r->nmaps; i++) {
		r->maps[i].path = s->accounts.maps[i - 1].path;
		r->maps[i].format = s->accounts.maps[i - 1].format;
	}
}

static struct accounts *accounts_from(const struct settings *s, const struct map_file *maps,
				      size_t nmaps)
{
	struct map_text *texts = xcalloc(nmaps, sizeof(*texts));
	struct accounts *a;

	for (size_t i = 0; i < nmaps; i++)
		texts[i] = (struct map_text){ maps[i].path, maps[i].format,
					      { maps[i].text, maps[i].n } };
	a = accounts_new(s, texts, nmaps);
	free(texts);
	return a;
}

/* Reads every map (the accounts' strings may view their texts, so the old
 * accounts go first out of use, then away). */
static void maps_load(struct recorder *r)
{
	struct accounts *old = r->accounts;

	for (size_t i = 0; i < r->nmaps; i++)
		map_read(&r->maps[i]);
	r->accounts = accounts_from(r->settings, r->maps, r->nmaps);
	if (r->pipeline)
		pipeline_reload(r->pipeline, r->settings, r->accounts);
	accounts_free(old);
}

bool recorder_refresh_maps(struct recorder *r)
{
	for (size_t i = 0; i < r->nmaps; i++) {
		if (!map_changed(&r->maps[i]))
			continue;
		maps_load(r);
		log_info("owner map %s changed: read again", r->maps[i].path);
		return true;
	}
	return false;
}

int recorder_reload(struct recorder *r, const struct settings *settings, struct error *err)
{
	(void)err;
	r->settings = settings;
	maps_list(r, settings);
	maps_load(r);
	return 0;
}

/* ---- life ---- */

struct recorder *recorder_open(const struct settings *settings, const struct parser *const *parsers,
			       struct error *err)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->settings = settings;
	r->store = store_open(settings->database, err);
	if (!r->store) {
		free(r);
		return NULL;
	}
	maps_list(r, settings);
	maps_load(r);
	r->pipeline = pipeline_new(settings, r->accounts, parsers,
				   (struct row_source){ r->store, store_load_message });
	if (store_restore(r->store, r->pipeline, PIPELINE_LINGER, err) < 0) {
		recorder_close(r);
		return NULL;
	}
	return r;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	pipeline_free(r->pipeline);
	accounts_free(r->accounts);
	maps_free(r);
	store_close(r->store);
	free(r);
}

struct pipeline *recorder_pipeline(struct recorder *r)
{
	return r->pipeline;
}

struct store *recorder_store(struct recorder *r)
{
	return r->store;
}

const struct accounts *recorder_accounts(const struct recorder *r)
{
	return r->accounts;
}

int recorder_commit(struct recorder *r, const struct position *positions, size_t npositions,
		    struct error *err)
{
	struct batch *b = pipeline_batch(r->pipeline);

	b->positions = positions;
	b->npositions = npositions;
	if (store_commit(r->store, b, err) < 0)
		return -1;
	if (r->committed)
		r->committed(r->committed_context, b);
	pipeline_committed(r->pipeline);
	return 0;
}

void recorder_watch(struct recorder *r, void (*committed)(void *context, const struct batch *b),
		    void *context)
{
	r->committed = committed;
	r->committed_context = context;
}
