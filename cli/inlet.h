/* One file of an import: opened, recognised, read into the pipeline. */
#ifndef MAILAUDIT_CLI_INLET_H
#define MAILAUDIT_CLI_INLET_H

#include "base/tarlog.h"
#include "core/account.h"
#include "core/pipeline.h"
#include "schema/store.h"

/* A turn's share of one file, at most. */
#define INLET_READ_BYTES (64 * 1024)

/* Logs packed by gzip become so many times as long, about; by xz twice that. */
#define INLET_EXPANSION 10

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

enum inlet_state {
	INLET_WAITS, /* its first line's time has not come */
	INLET_READ, /* a source of the pipeline */
	INLET_DONE /* read to its end, or nothing new in it */
};

struct inlet {
	char *name; /* absolute, of a member "ARCHIVE:MEMBER"; "" standard input. Owned */
	char *path; /* to open, as given. Owned */
	int64_t member; /* its number in the tar archive `path`; -1: the file itself */
	enum inlet_state state;
	struct logfile *file; /* NULL: closed for now, or for good */
	struct pipeline_source *source; /* while it is read and until inlet_drop() */
	struct inlet_stream *stream; /* of journal entries; NULL: plain lines */
	char *journal_name; /* a journal: as struct journal_position names it; no file then */
	char *journal_path;
	struct journal_feed *journal; /* while it is read; it has no source here */
	int64_t skipped; /* bytes that an earlier import read */
	int64_t offset; /* bytes read in all */
	int64_t taken, committed; /* bytes of lines taken, now and at the last commit */
	bool ended; /* nothing more to push */
	uint64_t dev, ino; /* of the file when it was looked at */
	int64_t size; /* of the packed file, of a member as the archive says; 0 unknown */
	int64_t done; /* of size */
	usec_t mtime;
	struct str head; /* first bytes; heap, until inlet_forget_head() */
	bool packed;
	bool squeezed; /* itself, not only the archive it is in: size is that of the packed */
	size_t group; /* those of one number start alike; 0: none does */
	usec_t first; /* time of the first line; 0 unknown */
	const char *kind; /* the parser that knows its first lines; NULL: none does */
	uint64_t head_hash; /* stored with the position; see struct position */
	uint32_t head_n;
};

/* Looks at a file: its name, head and first line; it is closed again, but for standard
 * input, "-", and a pipe. -1: EXIT_NOINPUT, EXIT_PERMISSION, EXIT_USAGE. */
int inlet_look(struct inlet *in, const char *path, const struct inlet_options *options,
	       const struct settings *settings, struct error *err);
/* The same for a member of an archive that was looked at; f is its content. */
int inlet_look_member(struct inlet *in, const struct inlet *archive, int64_t number,
		      const struct archive_member *member, struct logfile *f,
		      const struct inlet_options *options, const struct settings *settings,
		      struct error *err);
/* Is the directory a journal? Then *in is filled. */
bool inlet_look_journal(struct inlet *in, const char *directory);
/* What it is packed by, where that is nothing that is read: "zip"; NULL. */
const char *inlet_foreign(const struct inlet *in);
void inlet_forget_head(struct inlet *in);
/* Makes it a source of the pipeline and skips what was read before. */
int inlet_attach(struct inlet *in, const struct inlet_options *options,
		 const struct settings *settings, const struct accounts *accounts,
		 struct store *store, struct pipeline *p, struct error *err);
/* Pushes at most n bytes. Bytes pushed, 0 when there was no room or nothing
 * more; -1: damaged, and ended. */
int64_t inlet_fill(struct inlet *in, size_t n, struct error *err);
/* Standard input, or a pipe: it cannot be opened again, and reading it may take for ever. */
bool inlet_is_pipe(const struct inlet *in);
/* Closes the file until the next fill: not more than so many can be open. */
void inlet_rest(struct inlet *in);
/* Its lines are all taken and committed: lets go of the source. */
void inlet_drop(struct inlet *in, struct pipeline *p);
/* How far its lines were taken. Strings are the inlet's. false: no further than
 * at the last commit. */
bool inlet_position(struct inlet *in, struct position *out);
/* While the pipeline is there. */
void inlet_release(struct inlet *in);

#endif
