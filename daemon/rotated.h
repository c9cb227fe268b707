/* Where the earlier contents of a log went: mail.log.1, mail.log-20261123,
 * mail.log.2.gz, mail-20261123.log ... in the same directory; of `current` @LABEL.s. */
#ifndef MAILAUDIT_DAEMON_ROTATED_H
#define MAILAUDIT_DAEMON_ROTATED_H

#include "base/logfile.h"
#include "base/stamp.h"
#include "daemon/part.h"

/* Entries of one directory that are looked at. */
#define ROTATED_MAX 1000

/* Can a file called `name` be a rotated form of the log `log`? */
bool rotated_name(struct str log, struct str name);

struct rotated {
	char *path; /* heap */
	struct identity id; /* head only after rotated_open */
	usec_t mtime;
	int64_t size; /* on disk */
};

struct rotated_list {
	struct rotated *at; /* newest first */
	size_t n;
};

void rotated_find(const char *path, struct rotated_list *list);
/* Would rotated_find() give the same files under the same names now? */
bool rotated_is_current(const char *path, const struct rotated_list *list);
void rotated_release(struct rotated_list *list);

#endif
