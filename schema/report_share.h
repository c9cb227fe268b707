/* What the lists that are grouped by key have in common: report_account.c and
 * report_top.c. */
#ifndef MAILAUDIT_SCHEMA_REPORT_SHARE_H
#define MAILAUDIT_SCHEMA_REPORT_SHARE_H

#include "schema/report_state.h"
#include "schema/row_layout.h"

/* Messages m of a period through the table `minute`; to be followed by joins. */
#define IN_PERIOD(since, until) \
	" FROM minute s CROSS JOIN message_row m ON s.what = 0" \
	" AND s.minute BETWEEN " since " / 60000000 AND (" until " - 1) / 60000000" \
	" AND m.id BETWEEN s.first AND s.last AND m.time / 60000000 = s.minute" \
	" AND m.time >= " since " AND m.time < " until

/* Columns behind the key, of messages m. */
#define SUMS \
	"count(*), sum(m.recipients), sum(" M_PENDING "), sum(" M_DEFERRED ")," \
	" sum(" M_BOUNCED "), sum(" M_EXPIRED "), sum(" M_REJECTED "), min(m.time), max(m.time)"
/* To be followed by conditions: each recipient of messages m, in its message's row or as r. */
#define WITH_RECIPIENTS \
	" LEFT JOIN recipient_row r ON m.rcpt_local IS NULL AND r.message = m.id"
#define IS_RECIPIENT "(m.rcpt_local IS NOT NULL OR r.message IS NOT NULL)"
#define R_DOMAIN "coalesce(r.domain, m.rcpt_domain)"
#define R_DSN "coalesce(r.dsn, m.dsn)"
#define IN_STATE(own, number) \
	"sum(iif(m.rcpt_local IS NULL, r.status = " number ", " own "))"
/* The sums of recipients: their message counts with the first of them only that is in a
 * group, which `again` compares. (CASE and not OR: OR would run the subquery for the first
 * recipient too.) */
#define RECIPIENT_SUMS(again) \
	"sum(CASE coalesce(r.n, 0) WHEN 0 THEN 1 ELSE NOT EXISTS (SELECT 1 FROM recipient_row q" \
	" WHERE q.message = r.message AND q.n < r.n AND " again ") END), count(*)," \
	IN_STATE(M_PENDING, "0") "," IN_STATE(M_DEFERRED, "2") "," IN_STATE(M_BOUNCED, "3") "," \
	IN_STATE(M_EXPIRED, "4") "," IN_STATE(M_REJECTED, "5") ", min(m.time), max(m.time)"

/* Columns 1 to 7 of a row: the sums. */
void share_take_volume(struct sql_stmt *st, struct volume *v);
/* Columns 0 to 9: key and nine sums. */
struct share share_take(struct sql_stmt *st);
/* Hands out the rows of a statement. */
int share_each(struct sql_stmt *st, report_share_fn *fn, void *context, struct error *err);

#endif
