/* `mailaudit notify`: takes what mailauditd found to those who must know. */
#ifndef MAILAUDIT_NOTIFY_NOTIFY_H
#define MAILAUDIT_NOTIFY_NOTIFY_H

#include "core/settings.h"

struct notify_setup {
	const struct settings *settings;
	const char *database;
	bool follow; /* until SIGTERM; else until nothing is due */
	bool summary; /* send the daily summary now */
	bool dry_run; /* actions are only written down */
};

enum notify_end { NOTIFY_DONE, NOTIFY_RELOAD /* SIGHUP: call again with new settings */ };

/* Works on a database that mailauditd may be writing to. One at a time: EXIT_AGAIN when
 * another is at work. With follow it waits for a database that is not there, or cannot
 * be used for now. Returns an enum notify_end, or -1. */
int notify_run(const struct notify_setup *setup, struct error *err);

#endif
