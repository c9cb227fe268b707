/* live_read DB MAIL.LOG PHP.LOG: when each line can be read as rows, by a connection of its own.
 *
 * Facts and read positions are one transaction, so a log's position says which of its lines can be
 * read. Prints at each change the time (CLOCK_MONOTONIC, nanoseconds), the file (0 mail, 1 PHP)
 * and how far its lines are in the database, once the newest message was read, too. Ends at
 * end of input on standard input. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "schema/sql.h"

#define FILES 2
/* Between two looks: what a time may be late by. */
#define STEP_NS 100000

struct reader {
	struct sql_stmt *version, *position, *message;
	int64_t seen; /* version of the database */
	int64_t offset[FILES];
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void prepare(struct reader *r, struct sql *db)
{
	static const struct sql_text statements[] = {
		{ offsetof(struct reader, version), "PRAGMA data_version" },
		{ offsetof(struct reader, position),
		  "SELECT offset FROM position WHERE path = ?1 AND current = 1" },
		{ offsetof(struct reader, message),
		  "SELECT * FROM message ORDER BY id DESC LIMIT 1" },
	};
	struct error err;

	if (sql_prepare_all(db, r, statements, SQL_COUNT(statements), &err) < 0)
		die(err.code, "%s", err.text);
}

static void look(struct reader *r, char **logs)
{
	int64_t version = sql_run_int(r->version), at[FILES], now;

	if (version == r->seen)
		return;
	r->seen = version;
	for (int i = 0; i < FILES; i++) {
		sql_bind_str(r->position, 1, str_of(logs[i]));
		at[i] = sql_run_int(r->position);
	}
	sql_run(r->message, NULL);
	now = now_ns();
	for (int i = 0; i < FILES; i++)
		if (at[i] != r->offset[i])
			printf("%lld %d %lld\n", (long long)now, i, (long long)at[i]);
	memcpy(r->offset, at, sizeof(at));
}

int main(int argc, char **argv)
{
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec step = { .tv_nsec = STEP_NS };
	struct reader reader = { 0 };
	struct error err;
	struct sql *db;

	if (argc != 4)
		die(EXIT_USAGE, "usage: live_read DB MAIL.LOG PHP.LOG");
	prctl(PR_SET_TIMERSLACK, 1);
	db = sql_open_read(argv[1], &err);
	if (!db)
		die(err.code, "%s", err.text);
	prepare(&reader, db);
	while (ppoll(&end, 1, &step, NULL) == 0)
		look(&reader, argv + 2);
	sql_close(db);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_AGAIN;
}
