/* Findings to rows and back. */
#ifndef MAILAUDIT_SCHEMA_FINDING_H
#define MAILAUDIT_SCHEMA_FINDING_H

#include "core/finding.h"
#include "schema/row_write.h"

struct finding_rows {
	struct sql_stmt *put, *one, *drop;
};

int finding_rows_init(struct finding_rows *r, struct sql *db, struct error *err);
/* Inserts the finding, or brings its row up to date. w: for the dictionaries. */
int finding_put(struct finding_rows *r, struct row_writer *w, const struct finding *f,
		struct error *err);
/* Deletes at most `rows` of those raised and last seen before a time, oldest first;
 * open ones stay. Returns how many; -1 error. */
int64_t finding_drop_old(struct finding_rows *r, struct sql *db, usec_t before, int64_t rows,
			 struct error *err);

/* The columns that finding_take() reads, of findings f; to be followed by WHERE. */
#define FINDING_SELECT \
	"SELECT f.id, f.stream, s.key, f.time, f.first_seen, f.last_seen, f.closed, f.reopened," \
	" f.severity, f.verdict, o.host, a.text, l.text, p.text, f.script_line, f.score_volume," \
	" f.score_origin, f.score_delivery, f.score_injection, f.score_script," \
	" f.score_identity, f.messages, f.recipients, f.leaked_before, f.novel, f.results," \
	" f.unknown_users, f.spam_answers, f.summary, f.evidence, f.why, f.advice, f.sources," \
	" f.answers, f.queue_ids, f.subjects FROM finding f" \
	" LEFT JOIN stream s ON s.id = f.stream LEFT JOIN origin o ON o.id = f.origin" \
	" LEFT JOIN account a ON a.id = f.account LEFT JOIN login l ON l.id = f.login" \
	" LEFT JOIN path p ON p.id = f.script "
/* Fills a fresh one from the statement's row; strings are copied to its arena. */
void finding_take(struct sql_stmt *st, struct finding *f);
/* 1: filled; 0: no such row; -1: error. */
int finding_read(struct finding_rows *r, int64_t id, struct finding *f, struct error *err);

#endif
