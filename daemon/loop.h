/* The daemon's life between READY and SIGTERM. */
#ifndef MAILAUDIT_DAEMON_LOOP_H
#define MAILAUDIT_DAEMON_LOOP_H

#include "schema/recorder.h"

struct loop_setup {
	/* Settings now. When others replace them the old ones are freed. */
	struct settings *settings;
	/* Reads them again, on SIGHUP. NULL: *err says why, and the old ones stay. */
	struct settings *(*reload)(void *context, struct error *err);
	void *context;
	struct recorder *recorder;
};

/* Follows until SIGTERM or SIGINT; then commits. SIGTERM, SIGINT and SIGHUP
 * are blocked and read from a descriptor. -1: it could not start. */
int loop_run(struct loop_setup *setup, struct error *err);

#endif
