/* How the database and its sources are.
 *
 * Invariant: counts come from running totals, so that asking costs the same
 * whatever the size of the database. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/stamp.h"
#include "schema/report_state.h"

static int64_t file_bytes(const char *path, const char *suffix)
{
	char name[4096];
	struct stat st;

	if ((size_t)snprintf(name, sizeof(name), "%s%s", path, suffix) >= sizeof(name))
		return 0;
	return stat(name, &st) < 0 ? 0 : st.st_size;
}

/* Numbers that one row each of these gives, in this order. */
static const char totals[] =
	"SELECT (SELECT value FROM meta WHERE name = 'messages'),"
	" (SELECT value FROM meta WHERE name = 'recipients'),"
	" (SELECT value FROM meta WHERE name = 'php'),"
	" (SELECT value FROM meta WHERE name = 'created'),"
	" (SELECT value FROM meta WHERE name = 'watermark'),"
	" (SELECT count(*) FROM message_row WHERE work IS NOT NULL AND took IS NULL),"
	" (SELECT min(m.time) FROM (SELECT minute, first, last FROM minute WHERE what = 0"
	"  AND minute = (SELECT minute FROM minute WHERE what = 0 AND EXISTS"
	"  (SELECT 1 FROM message_row m WHERE m.id BETWEEN minute.first AND minute.last"
	"  AND m.time / 60000000 = minute.minute) ORDER BY minute LIMIT 1)) s"
	"  CROSS JOIN message_row m ON m.id BETWEEN s.first AND s.last"
	"  AND m.time / 60000000 = s.minute),"
	" (SELECT user_version FROM pragma_user_version),"
	" (SELECT count(*) FROM finding WHERE closed IS NULL),"
	" (SELECT value FROM meta WHERE name = 'streams'),"
	" (SELECT count(*) FROM alert WHERE closed IS NULL),"
	" (SELECT count(*) FROM outbox WHERE state = 0) +"
	" (SELECT count(*) FROM outbox WHERE state = 2),"
	" total(lines), total(parsed), total(unknown), total(noise) FROM source";

static void take_totals(struct sql_stmt *st, struct report_status *out)
{
	out->messages = sql_int(st, 0);
	out->recipients = sql_int(st, 1);
	out->php = sql_int(st, 2);
	out->created = sql_int(st, 3);
	out->watermark = sql_int(st, 4);
	out->open = sql_int(st, 5);
	out->oldest = sql_int(st, 6);
	out->schema_version = (int)sql_int(st, 7);
	out->open_findings = sql_int(st, 8);
	out->streams = sql_int(st, 9);
	out->open_alerts = sql_int(st, 10);
	out->unsent = sql_int(st, 11);
	out->lines = sql_int(st, 12);
	out->parsed = sql_int(st, 13);
	out->unknown = sql_int(st, 14);
	out->noise = sql_int(st, 15);
}

int report_status(struct report *r, struct report_status *out, struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, totals, err);
	int rc;

	*out = (struct report_status){ 0 };
	if (!st)
		return -1;
	rc = sql_step(st, err);
	if (rc == 1)
		take_totals(st, out);
	sql_finalize(st);
	out->bytes = file_bytes(sql_path(r->db), "") + file_bytes(sql_path(r->db), "-wal");
	return rc < 0 ? -1 : 0;
}

static struct report_source take_source(struct sql_stmt *st)
{
	return (struct report_source){
		.path = sql_str(st, 0),
		.lines = sql_int(st, 1),
		.parsed = sql_int(st, 2),
		.unknown = sql_int(st, 3),
		.noise = sql_int(st, 4),
		.cut = sql_int(st, 5),
		.last = sql_int(st, 6),
		.has_position = !sql_is_null(st, 9),
		.dev = (uint64_t)sql_int(st, 7),
		.ino = (uint64_t)sql_int(st, 8),
		.offset = sql_int(st, 9),
		.cursor = sql_str(st, 10),
	};
}

int report_sources(struct report *r, report_source_fn *fn, void *context, struct error *err)
{
	static const char query[] =
		"SELECT s.path, s.lines, s.parsed, s.unknown, s.noise, s.cut, s.last, p.dev, p.ino,"
		" p.offset, j.cursor FROM source s"
		" LEFT JOIN position p ON p.path = s.path AND p.current = 1"
		" LEFT JOIN journal j ON j.name = s.path"
		" ORDER BY s.path";
	struct sql_stmt *st = sql_prepare(r->db, query, err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1) {
		struct report_source row = take_source(st);

		if (!fn(context, &row))
			break;
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_unknown(struct report *r, bool shapes, report_unknown_fn *fn, void *context,
		   struct error *err)
{
	/* The sample is that of the row with most lines: max() picks the others. */
	static const char grouped[] =
		"SELECT source, program, '', sample, time, sum(lines) AS n, max(lines), last"
		" FROM unknown GROUP BY source, program ORDER BY n DESC, source, program";
	static const char each[] =
		"SELECT source, program, shape, sample, time, lines, lines, last"
		" FROM unknown ORDER BY lines DESC, source, program, shape";
	struct sql_stmt *st = sql_prepare(r->db, shapes ? each : grouped, err);
	int rc = -1;

	while (st && (rc = sql_step(st, err)) == 1) {
		struct report_unknown row = {
			.source = sql_str(st, 0), .program = sql_str(st, 1),
			.shape = sql_str(st, 2), .sample = sql_str(st, 3),
			.time = sql_int(st, 4), .lines = sql_int(st, 5), .last = sql_int(st, 7),
		};

		if (!fn(context, &row))
			break;
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}

int report_losses(struct report *r, int64_t limit, report_loss_fn *fn, void *context,
		  struct error *err)
{
	static const char query[] = "SELECT source, reporter, first, last, lines FROM loss"
				    " ORDER BY last DESC, id DESC LIMIT ?1";
	struct sql_stmt *st = sql_prepare(r->db, query, err);
	int rc = -1;

	if (st)
		sql_bind_int(st, 1, limit);
	while (st && (rc = sql_step(st, err)) == 1) {
		struct report_loss row = {
			.source = sql_str(st, 0), .reporter = sql_str(st, 1),
			.first = sql_int(st, 2), .last = sql_int(st, 3),
			.lines = sql_int(st, 4) ? sql_int(st, 4) : -1,
		};

		if (!fn(context, &row))
			break;
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}
