/* Everything one commit writes. Filled by the pipeline, written by
 * schema/store.c, emptied by pipeline_committed(). */
#ifndef MAILAUDIT_CORE_BATCH_H
#define MAILAUDIT_CORE_BATCH_H

#include "core/finding.h"
#include "core/message.h"

/* How far a source has been read. The identity of a file is device, inode and
 * a hash of its first bytes, since inode numbers are reused. */
struct position {
	struct str path; /* as configured or found by the glob; "" for stdin */
	uint64_t dev, ino;
	uint64_t head_hash; /* of the first head_n bytes, str_hash(…, 0) */
	uint32_t head_n;
	int64_t offset; /* bytes of complete lines taken */
	usec_t near; /* time of the last line: for stamps without a year */
};

/* How far a journal has been read. */
struct journal_position {
	/* As configured, or "file HEX"; with " s=ID" behind it: of the entries under that id,
	 * where the cursor's is another. */
	struct str name;
	struct str cursor; /* of the last entry whose line was taken */
	int64_t first; /* number of the first entry read of the journal the cursor is in */
	usec_t near; /* time of that last entry */
};

/* A time within which lines were lost: counts are minimums there. */
struct loss {
	struct str source;
	struct str reporter; /* program that said so; "mailaudit": we found them gone */
	usec_t first, last;
	int64_t lines; /* 0 unknown */
};

/* Mail for a local domain, only counted. */
struct inbound_count {
	struct str domain;
	usec_t hour; /* start of the hour, UTC */
	int64_t messages, recipients;
};

/* Connections to an SMTP port that programs of a user opened themselves, only counted. */
struct direct_count {
	usec_t hour; /* start of the hour, UTC */
	int64_t uid; /* -1: of many users, in a commit that had too many */
	int64_t port;
	struct str account; /* "" nobody's */
	int64_t connections;
	usec_t last;
};

/* Lines nobody understood, per source, program and shape; in the order in which
 * they came, since the first ones get rows of their own. */
struct unknown_count {
	struct str source, program, shape; /* shape: see core/shape.h; "" the rest */
	int64_t lines;
	struct str sample; /* the first line, at most 1 KiB */
	usec_t time; /* of the sample */
	usec_t last; /* of the newest */
};

/* Lines per source, for `status`. */
struct source_count {
	struct str source;
	int64_t lines, parsed, unknown, noise, cut;
	usec_t last; /* time of the newest line */
};

/* What must survive a restart though it is not a row yet: Exim's cwd= by pid,
 * queue ids announced by "queued as" that have not arrived, ... */
struct note {
	struct str kind, key; /* together unique */
	struct str value; /* STR_NONE: remove */
	usec_t time;
};

/* A stream's state as it is written: see core/stream.h. */
struct stream_row {
	int64_t id;
	struct str key; /* any byte but '\n' between its parts */
	struct str state; /* packed; opaque to the database */
	usec_t last; /* newest observation: for retention */
};

/* Recipients a stream has written to: KNOWN_CHUNK 32-bit hashes, little endian. It never
 * changes; one with fewer is of a version that wrote them while they grew. */
struct known_row {
	int64_t stream;
	int64_t generation, chunk;
	struct str hashes;
};

struct batch {
	struct arena arena; /* of the lists below, reset after commit */
	bool more; /* only mail (messages, dropped, php): the transaction goes on */
	struct message **messages; /* dirty ones, in order of id */
	size_t nmessages;
	int64_t *dropped; /* rows to delete: inbound, or joined into another */
	size_t ndropped;
	struct php_mail **php;
	size_t nphp;
	struct inbound_count *inbound; /* to be added to what is stored */
	size_t ninbound;
	struct direct_count *direct; /* likewise */
	size_t ndirect;
	struct unknown_count *unknown; /* to be added */
	size_t nunknown;
	struct source_count *sources; /* to be added */
	size_t nsources;
	struct note *notes; /* changes since the last commit */
	size_t nnotes;
	struct finding **findings; /* new or changed */
	size_t nfindings;
	struct stream_row *streams; /* new or changed */
	size_t nstreams;
	struct known_row *known; /* chunks that became full */
	size_t nknown;
	struct known_row *forgotten; /* chunks of the stream below this generation go */
	size_t nforgotten;
	/* Numbers not given yet. */
	int64_t next_message, next_php, next_stream, next_finding;
	const struct position *positions; /* filled by the reader of the files */
	size_t npositions;
	const struct journal_position *journals; /* likewise */
	size_t njournals;
	struct loss *losses; /* since the last commit */
	size_t nlosses;
	usec_t watermark; /* newest event time seen */
};

/* Moves a batch out of the pipeline, with copies of all that it refers to: it can be
 * written while the pipeline goes on. `from` is empty then. */
void batch_take(struct batch *to, struct batch *from);
/* Of a batch that was taken. */
void batch_release(struct batch *b);

#endif
