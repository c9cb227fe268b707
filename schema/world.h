/* What is needed beside the logs, from files: owner maps, databases of places,
 * pattern files. A world never changes; when a file does, the next one is read
 * and takes its place. */
#ifndef MAILAUDIT_SCHEMA_WORLD_H
#define MAILAUDIT_SCHEMA_WORLD_H

#include "core/detect.h"

struct world;

/* Maps and databases that cannot be read are told of on the log and left out; a
 * pattern file with a mistake is EXIT_CONFIG, and NULL. `settings` must outlive it. */
struct world *world_open(const struct settings *settings, struct error *err);
void world_close(struct world *w); /* NULL is fine */
/* Lives as long as the world. */
const struct detect_world *world_view(const struct world *w);

/* An owner map of the settings, and what its files gave. */
struct world_map {
	const char *path, *format;
	size_t files; /* that are there */
	int64_t names, bad; /* see struct map_count */
	const char *bad_path; /* the first file with such a line; NULL: none */
	int64_t bad_line;
};

/* passwd is 0, then as in the settings. false: no more. */
bool world_map(const struct world *w, size_t i, struct world_map *out);
/* The file that is not as it was read, or NULL. */
const char *world_changed(const struct world *w);

#endif
