/* A file of journal entries, as `journalctl -o export` or `-o json` wrote it, on
 * its way into the pipeline. */
#ifndef MAILAUDIT_CLI_INLET_STREAM_H
#define MAILAUDIT_CLI_INLET_STREAM_H

#include "base/logfile.h"
#include "core/entry_stream.h"
#include "core/pipeline.h"
#include "schema/store.h"

struct inlet_stream;

struct inlet_stream *inlet_stream_new(enum entry_format format);
void inlet_stream_free(struct inlet_stream *s); /* NULL is fine */
/* offset: bytes of the file that were skipped. */
void inlet_stream_attach(struct inlet_stream *s, struct pipeline_source *source,
			 struct store *store, int64_t offset);
/* Reads some. 0: there was no room, or it is over; -1: damaged. */
int64_t inlet_stream_fill(struct inlet_stream *s, struct logfile *file, struct error *err);
bool inlet_stream_is_over(const struct inlet_stream *s);
/* Bytes of the file up to the last entry whose line was taken. */
int64_t inlet_stream_taken(struct inlet_stream *s);

#endif
