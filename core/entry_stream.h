/* Streams of journal entries: what `journalctl -o export` and `-o json` write.
 * systemd.io/JOURNAL_EXPORT_FORMATS. Pure. */
#ifndef MAILAUDIT_CORE_ENTRY_STREAM_H
#define MAILAUDIT_CORE_ENTRY_STREAM_H

#include "core/entry.h"

/* A value longer than this is cut (export); so is a line of JSON, whose rest is not read. */
#define ENTRY_STREAM_MAX_VALUE (128 * 1024)
#define ENTRY_STREAM_MAX_JSON (1024 * 1024)

enum entry_format { ENTRY_FORMAT_NONE, ENTRY_FORMAT_EXPORT, ENTRY_FORMAT_JSON };

struct entry_stream;

/* Which of them starts with these bytes. */
enum entry_format entry_format_of(struct str head);
struct entry_stream *entry_stream_new(enum entry_format format);
void entry_stream_free(struct entry_stream *s); /* NULL is fine */
/* Eats bytes up to the end of the next entry. NULL: all were eaten and the entry goes on.
 * Else the entry, until the next call; one without a field is skipped. */
struct entry *entry_stream_read(struct entry_stream *s, struct str *bytes);
/* The bytes have ended: the last entry may lack its end. NULL: there is none. */
struct entry *entry_stream_finish(struct entry_stream *s);

#endif
