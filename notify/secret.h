/* Passwords and keys that the administrator put in files. */
#ifndef MAILAUDIT_NOTIFY_SECRET_H
#define MAILAUDIT_NOTIFY_SECRET_H

#include "base/error.h"

/* Longest secret, without the line end behind it. */
#define SECRET_MAX 4096

/* The first line of a file that only its owner and group can read; heap. NULL: EXIT_NOINPUT,
 * EXIT_PERMISSION, or EXIT_CONFIG for what is no secret. */
char *secret_read(const char *path, struct error *err);
/* Wipes it. NULL is fine. */
void secret_free(char *secret);

#endif
