/* Reading small files of the administrator: templates, maps. */
#ifndef MAILAUDIT_NOTIFY_TEXTFILE_H
#define MAILAUDIT_NOTIFY_TEXTFILE_H

#include "base/error.h"
#include "base/str.h"

/* All of a file, with a NUL behind it; heap. NULL with *err: EXIT_NOINPUT it is not there,
 * EXIT_PERMISSION, EXIT_CONFIG no plain file, or over `most` bytes. */
char *textfile_read(const char *path, size_t most, size_t *n, struct error *err);

#endif
