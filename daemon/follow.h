/* Following one log through growth, rotation and restarts.
 *
 * A log is its path; what lies there changes. The file being read is a part
 * (part.h); rotated ones are read to their end before what came after them. */
#ifndef MAILAUDIT_DAEMON_FOLLOW_H
#define MAILAUDIT_DAEMON_FOLLOW_H

#include "daemon/part.h"
#include "daemon/safe_open.h"
#include "schema/store.h"

/* A file seen for the first time is read from its beginning up to this size,
 * and of a larger one the last so many bytes. */
#define FOLLOW_FIRST_BYTES (64 * 1024 * 1024)
/* A customer's log keeps the others waiting for its older lines (so that all
 * come in order) for at most this much backlog. */
#define FOLLOW_TENANT_HOLD_BYTES (16 * 1024 * 1024)

/* What is known of the file we read, and of a file as it is now. */
struct follow_known {
	struct identity id;
	int64_t offset; /* read so far */
};

struct follow_look {
	bool exists;
	uint64_t dev, ino;
	int64_t size;
	bool same_head; /* its first id.head_n bytes are the known ones */
};

enum follow_verdict { FOLLOW_SAME, FOLLOW_GREW, FOLLOW_TRUNCATED, FOLLOW_ROTATED, FOLLOW_GONE };

/* open: the file we hold; path: what lies at the path. Pure. Truncated: other
 * contents in the file we hold, whatever its size. Grew comes before rotated
 * and gone: the old file is read to its end first. */
enum follow_verdict follow_decide(const struct follow_known *known,
				  const struct follow_look *open,
				  const struct follow_look *path);

/* What all followers share. */
struct follow_env {
	struct pipeline *pipeline;
	struct store *store;
	const struct safe_owners *owners;
	bool starting; /* the daemon starts: files found now may be old */
	bool drained; /* the pipeline has taken every line it could */
};

struct follow {
	const struct follow_env *env;
	char *path;
	char *format;
	const struct zone *zone;
	bool tenant;
	char *host;
	char *account; /* tenant's; "" unknown */

	struct part *active; /* read now: live, or the rest of a rotated one */
	struct part *old; /* rotated, their late lines; or finished, not committed */
	struct identity done; /* the newest rotated file that was read to its end */
	bool has_done;
	usec_t done_mtime; /* of its last write, for files that are not known */
	bool marked; /* the database has a position for the path */
	bool opened; /* the path was opened since somebody last asked */
	bool look; /* compare path and file at the next end */
	usec_t since; /* when we began to wait for it (wall clock) */
	int failures; /* to read the rest of a rotated file, in a row */
	bool told; /* that it cannot be read */
	usec_t retry; /* monotonic: not before this; 0 at once */
	usec_t mtime; /* of the file, when its end was last reached */
};

/* Copies what it needs. account: STR_NONE unknown. */
struct follow *follow_new(const struct follow_env *env, const char *path, const char *format,
			  bool tenant, const struct zone *zone, const char *host,
			  struct str account);
void follow_free(struct follow *f);

/* Reads at most max_bytes; now is monotonic. true: there is more to do at once. */
bool follow_turn(struct follow *f, size_t max_bytes, usec_t now);
/* When it must have a turn though nothing was announced; 0: never. */
usec_t follow_deadline(const struct follow *f, usec_t now);
/* Lines were read that the pipeline has not taken yet, since another log's come first. */
bool follow_has_lines(const struct follow *f);
/* Nothing is open and nothing is left to commit. */
bool follow_is_empty(const struct follow *f);
/* Bytes in the live file not yet committed: the lag. */
int64_t follow_lag(const struct follow *f);
/* Positions there can be. */
size_t follow_part_count(const struct follow *f);
/* The positions that differ from what is stored, at most `room`: give it
 * follow_part_count(). When they are committed: follow_stored(). */
size_t follow_positions(struct follow *f, struct position *out, size_t room);
void follow_stored(struct follow *f);

#endif
