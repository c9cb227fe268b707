/* Running another program: argv as it is, no shell, bounded in time and output. */
#ifndef MAILAUDIT_NOTIFY_CHILD_H
#define MAILAUDIT_NOTIFY_CHILD_H

#include "base/error.h"
#include "base/stamp.h"
#include "base/str.h"

/* Bytes of what it writes to standard output and error that are kept. */
#define CHILD_OUTPUT 4096

struct child {
	const char *const *argv; /* ends with NULL; argv[0] is looked up in the usual path
				  * of system programs unless it has a slash */
	struct str input; /* on its standard input */
	usec_t timeout; /* then it is killed, with its process group */
	const char *user; /* whose rights it gets if we are root; NULL or "": ours */
	char output[CHILD_OUTPUT]; /* what it wrote, with a NUL; log text, so escape it */
	size_t noutput;
	int status; /* its exit status; 128 + number of the signal that ended it */
};

/* Runs it to its end. The environment is PATH, LANG=C and nothing else. -1: could not be started,
 * or took too long: *err says. A status that is not 0 is no error here. */
int child_run(struct child *c, struct error *err);
/* *err: with which status it ended, and the first line it wrote. */
void child_complain(const struct child *c, struct error *err);

#endif
