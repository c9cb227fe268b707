/* What is left to read of a file, by its position in the database.
 *
 * Invariant: a file that took the other's place says nothing about it. */
#include "cli/lag.h"

#include <stdlib.h>
#include <sys/stat.h>

int64_t lag_of(const struct report_source *source)
{
	char *path = str_dup(source->path);
	struct stat st;
	int64_t lag = -1;

	if (source->has_position && source->ino && stat(path, &st) == 0 &&
	    st.st_dev == source->dev && st.st_ino == source->ino)
		lag = st.st_size > source->offset ? st.st_size - source->offset : 0;
	free(path);
	return lag;
}
