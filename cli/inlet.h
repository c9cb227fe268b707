/* One file of an import: opened, recognised, read into the pipeline. */
#ifndef MAILAUDIT_CLI_INLET_H
#define MAILAUDIT_CLI_INLET_H

#include "base/logfile.h"
#include "core/account.h"
#include "core/pipeline.h"
#include "schema/store.h"

/* What the command line says about all files. */
struct inlet_options {
	const char *format; /* a parser's name, or "auto" */
	const char *zone; /* NULL: the settings' or local */
	usec_t near; /* 0: the file's time */
	usec_t now; /* the time of what is no file */
	const char *host; /* NULL: the settings' */
};

struct inlet_stream;
struct journal_feed;

struct inlet {
	char *name; /* absolute; "" for standard input. Owned */
	struct logfile *file; /* NULL: read to its end, or never opened */
	struct pipeline_source *source; /* NULL: not attached */
	struct inlet_stream *stream; /* of journal entries; NULL: plain lines */
	char *journal_name; /* a journal: as struct journal_position names it; no file then */
	char *journal_path;
	struct journal_feed *journal; /* NULL: not attached, or no journal */
	bool journal_done;
	int64_t skipped; /* bytes that an earlier import read */
	uint64_t dev, ino; /* to tell two names of one file; not stored */
	int64_t size; /* of the packed file, for progress; 0 unknown */
	usec_t mtime;
	uint64_t head_hash; /* stored with the position; see struct position */
	uint32_t head_n;
};

/* path "-" is standard input. -1: EXIT_NOINPUT or EXIT_PERMISSION. */
int inlet_open(struct inlet *in, const char *path, struct error *err);
/* Do both start alike, so that one may hold the other's lines? */
bool inlet_same_log(struct inlet *a, struct inlet *b);
/* Makes it a source of the pipeline and skips what was read before. */
int inlet_attach(struct inlet *in, const struct inlet_options *options,
		 const struct settings *settings, const struct accounts *accounts,
		 struct store *store, struct pipeline *p, struct error *err);
/* Pushes what there is room for. At the end of the file it is closed. Bytes
 * pushed, 0 when there was no room or nothing; -1: damaged, closed. */
int64_t inlet_fill(struct inlet *in, struct error *err);
/* Bytes of the (packed) file that have been read. */
int64_t inlet_done(const struct inlet *in);
/* How far its lines were taken. Strings are the inlet's. */
void inlet_position(const struct inlet *in, struct position *out);
/* While the pipeline is there. */
void inlet_release(struct inlet *in);

#endif
