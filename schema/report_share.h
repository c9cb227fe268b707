/* What the lists that are grouped by key have in common: report_account.c and
 * report_top.c. */
#ifndef MAILAUDIT_SCHEMA_REPORT_SHARE_H
#define MAILAUDIT_SCHEMA_REPORT_SHARE_H

#include "schema/report_state.h"

/* Messages m of a period through the table `minute`; to be followed by joins. */
#define IN_PERIOD(since, until) \
	" FROM minute s CROSS JOIN message m ON s.what = 0" \
	" AND s.minute BETWEEN " since " / 60000000 AND (" until " - 1) / 60000000" \
	" AND m.id BETWEEN s.first AND s.last AND m.time / 60000000 = s.minute" \
	" AND m.time >= " since " AND m.time < " until

/* Columns behind the key, of messages m. */
#define SUMS \
	"count(*), sum(m.recipients), sum(m.pending), sum(m.deferred), sum(m.bounced)," \
	" sum(m.expired), sum(m.rejected), min(m.time), max(m.time)"
/* The same of recipients r: their message counts with the first of them only
 * that is in a group, which `again` compares. (CASE and not OR: OR would run the
 * subquery for the first recipient too.) */
#define RECIPIENT_SUMS(again) \
	"sum(CASE r.n WHEN 0 THEN 1 ELSE NOT EXISTS (SELECT 1 FROM recipient q" \
	" WHERE q.message = r.message AND q.n < r.n AND " again ") END), count(*)," \
	" sum(r.status = 0), sum(r.status = 2), sum(r.status = 3), sum(r.status = 4)," \
	" sum(r.status = 5), min(m.time), max(m.time)"
#define WITH_RECIPIENTS " CROSS JOIN recipient r ON r.message = m.id"

/* Columns 1 to 7 of a row: the sums. */
void share_take_volume(struct sql_stmt *st, struct volume *v);

/* How a key that is no text yet becomes one. */
typedef struct str share_key_fn(struct str raw, int64_t number, char *buf, size_t size);

/* Hands out the rows of a statement: key and nine sums. key may be NULL. */
int share_each(struct sql_stmt *st, share_key_fn *key, report_share_fn *fn, void *context,
	       struct error *err);

#endif
