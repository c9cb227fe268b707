/* A log file as the bytes that were logged: plain, or packed by gzip, xz, zstd or
 * bzip2, told apart by its first bytes and never by its name. All offsets are
 * of unpacked bytes. */
#ifndef MAILAUDIT_BASE_LOGFILE_H
#define MAILAUDIT_BASE_LOGFILE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* A file's identity is the hash of at most this many first bytes. NUL bytes
 * before them do not count: copytruncate leaves any number of them when the
 * writer does not append, and they would make all such files one. */
#define LOGFILE_HEAD 4096
/* A file that starts with more NUL bytes has no head. */
#define LOGFILE_MAX_NULS (1 << 30)

enum logfile_format {
	LOGFILE_PLAIN,
	LOGFILE_GZIP,
	LOGFILE_XZ,
	LOGFILE_ZSTD,
	LOGFILE_BZIP2,
	LOGFILE_FORMATS
};

/* Raw bytes that come from elsewhere than a file: from a member of an archive. */
struct logfile_bytes {
	/* At most n bytes, 0 at the end, -1. */
	ssize_t (*read)(void *from, char *buf, size_t n, struct error *err);
	void (*close)(void *from);
	void *from;
};

struct logfile;

/* Symbolic links are followed. "-" is standard input. The file must be a regular one or a
 * pipe (a shell's <(...)), or, for "-" only, anything that can be read. NULL: *err has
 * EXIT_NOINPUT or EXIT_PERMISSION. */
struct logfile *logfile_open(const char *path, struct error *err);
/* Takes the descriptor over, also when it fails; name is for messages. */
struct logfile *logfile_open_fd(int fd, const char *name, struct error *err);
/* Takes the bytes over, also when it fails. fd is lent, for logfile_fd(). */
struct logfile *logfile_open_bytes(struct logfile_bytes bytes, int fd, const char *name,
				   struct error *err);
/* As logfile_open_fd, but always plain: a live log that somebody gave the
 * first bytes of a packed file is still a log. Never fails. */
struct logfile *logfile_open_plain(int fd, const char *name);
void logfile_close(struct logfile *f); /* NULL is fine */

/* At most n bytes from the current offset on. 0: the end (of a plain file: for
 * now). -1: a read error, or packed data that is damaged or not yet complete;
 * what was unpacked before it has been returned. */
ssize_t logfile_read(struct logfile *f, char *buf, size_t n, struct error *err);
/* Moves to an offset at or behind the current one, for a plain regular file to
 * any. An offset behind the end of a packed file or pipe is an error. */
int logfile_seek(struct logfile *f, int64_t offset, struct error *err);
int64_t logfile_offset(const struct logfile *f);

/* The first bytes, at most LOGFILE_HEAD, without moving the offset. Of a plain
 * regular file: as it is now. The view lives until the next call. */
struct str logfile_head(struct logfile *f);
/* Where the head begins: 0, or behind the NUL bytes. As logfile_head left it. */
int64_t logfile_start(const struct logfile *f);
/* str_hash(head, 0) of at most n of the first bytes; *got says how many there
 * were. */
uint64_t logfile_head_hash(struct logfile *f, uint32_t n, uint32_t *got);

enum logfile_format logfile_format(const struct logfile *f);
/* Which format packed data that starts with these bytes has. */
enum logfile_format logfile_format_of(struct str head);
/* For fstat. */
int logfile_fd(const struct logfile *f);

#endif
