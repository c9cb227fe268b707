/* The systemd journal as entries of fields, read by libsystemd. Paths are of a
 * directory of journal files or of one file; this host's journal is both
 * /var/log/journal and /run/log/journal, whichever of them is named. */
#ifndef MAILAUDIT_BASE_SDJOURNAL_H
#define MAILAUDIT_BASE_SDJOURNAL_H

#include "base/error.h"
#include "base/stamp.h"
#include "base/str.h"

/* Longer values are cut here by the library. */
#define SDJOURNAL_MAX_VALUE (128 * 1024)

struct sdjournal;

/* Is it the journal of this host? */
bool sdjournal_is_host(const char *path);
/* Was the program built with libsystemd? */
bool sdjournal_is_built(void);
/* A journal without files is fine: they may come. NULL: EXIT_NOINPUT,
 * EXIT_PERMISSION; EXIT_CONFIG when there is no libsystemd. */
struct sdjournal *sdjournal_open(const char *path, struct error *err);
void sdjournal_close(struct sdjournal *j); /* NULL is fine */
/* For poll(2), POLLIN; -1: it has none (files that do not change). */
int sdjournal_fd(struct sdjournal *j);
/* What the descriptor announced. false: files came or went: where we stand
 * must be looked up again. */
bool sdjournal_process(struct sdjournal *j);
/* After it sdjournal_next() gives the entry behind this one (1), or, when the
 * entry is gone, the oldest that is left behind its place (0). -1: error. */
int sdjournal_seek(struct sdjournal *j, const char *cursor, struct error *err);
/* To the first entry at or after this time; 0: to the oldest. */
int sdjournal_seek_time(struct sdjournal *j, usec_t time, struct error *err);
/* 1: an entry; 0: no more for now; -1: error. */
int sdjournal_next(struct sdjournal *j, struct error *err);
usec_t sdjournal_time(struct sdjournal *j); /* of the entry, UTC */
/* Each field; views live until fn returns. -1: the entry is damaged. */
int sdjournal_fields(struct sdjournal *j, void (*fn)(void *context, struct str name,
						    struct str value), void *context);
/* The entry's own name; heap. NULL: damaged. */
char *sdjournal_cursor(struct sdjournal *j);

#endif
