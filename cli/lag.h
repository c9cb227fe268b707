/* How far behind a source is. */
#ifndef MAILAUDIT_CLI_LAG_H
#define MAILAUDIT_CLI_LAG_H

#include "schema/report.h"

/* Entries of a journal that are looked at: beyond them a figure is a minimum. */
#define LAG_MAX_ENTRIES 20000

struct lag {
	int64_t bytes; /* in the file that have not been taken; -1: it is no file, not the one
			* that was read, or cannot be seen */
	int64_t entries; /* about mail, of the journal, likewise; -1 */
	usec_t since; /* time of the first of them; 0: there is none, or nobody knows */
};

struct lag lag_of(const struct report_source *source);

#endif
