/* Entries of journals that were read before, by whichever way. */
#ifndef MAILAUDIT_SCHEMA_JOURNAL_KNOWN_H
#define MAILAUDIT_SCHEMA_JOURNAL_KNOWN_H

#include "schema/store.h"

struct journal_known;

/* files: those of single files, too, whose numbers may lie among those of other files. */
struct journal_known *journal_known_load(struct store *store, bool files);
void journal_known_free(struct journal_known *k); /* NULL is fine */
/* Was the entry with this cursor read? */
bool journal_known_has(const struct journal_known *k, struct str cursor);

#endif
