/* What is left to read of a source, by its position in the database.
 *
 * Invariant: a file that took the other's place says nothing about it, and a journal
 * in which the last entry read is not to be found never counts as read to its end. */
#include "cli/lag.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/sdjournal.h"
#include "core/entry.h"

static int64_t bytes_left(const struct report_source *source, const char *path)
{
	struct stat st;

	if (!source->has_position || !source->ino || stat(path, &st) < 0 ||
	    st.st_dev != source->dev || st.st_ino != source->ino)
		return -1;
	return st.st_size > source->offset ? st.st_size - source->offset : 0;
}

static void take_field(void *context, struct str name, struct str value)
{
	entry_field(context, name, value);
}

static void count_entries(struct sdjournal *journal, struct lag *lag)
{
	struct entry e = { .uid = -1 };

	for (int i = 0; i < LAG_MAX_ENTRIES && sdjournal_next(journal, NULL) == 1; i++) {
		entry_clear(&e);
		e.time = sdjournal_time(journal);
		if (sdjournal_fields(journal, take_field, &e) < 0 || !entry_is_wanted(&e))
			continue;
		if (!lag->entries++)
			lag->since = e.time;
	}
	entry_release(&e);
}

static void look_at_journal(const char *path, struct str cursor, struct lag *lag)
{
	struct sdjournal *journal = sdjournal_open(path, NULL);
	char *copy = str_dup(cursor);
	int found = journal ? sdjournal_seek(journal, copy, NULL) : -1;

	lag->entries = 0;
	if (found >= 0)
		count_entries(journal, lag);
	if (found != 1 && !lag->entries)
		lag->entries = -1;
	sdjournal_close(journal);
	free(copy);
}

struct lag lag_of(const struct report_source *source)
{
	char *path = str_dup(source->path);
	struct lag lag = { .bytes = bytes_left(source, path), .entries = -1 };

	if (source->cursor.n)
		look_at_journal(path, source->cursor, &lag);
	free(path);
	return lag;
}
