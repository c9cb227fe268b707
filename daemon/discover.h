/* The logs a machine has, for a start without settings. */
#ifndef MAILAUDIT_DAEMON_DISCOVER_H
#define MAILAUDIT_DAEMON_DISCOVER_H

#include "core/settings.h"

/* Looks below root ("" for the real one; tests give a directory) at the usual
 * places, Postfix's maillog_file and the mail.log of PHP's ini files and FPM
 * pools; where no file has the lines of a mail server, the journal, if there is one;
 * and, if there is any of these, at the usual logs of logins. Only what exists and may
 * be read by us is named; of PHP's logs also those that do not exist yet, when their
 * directory does. Strings live in the arena; *list is in it, too. Returns how many. */
size_t discover_sources(const char *root, struct arena *arena, struct source_spec **list);
/* The usual places of system logs, whether or not there is something. */
size_t discover_usual(struct arena *arena, struct source_spec **list);
/* The same as the `sources:` part of a settings file. */
void discover_print(const struct source_spec *list, size_t n);

#endif
