/* Alerts to rows and back. */
#ifndef MAILAUDIT_SCHEMA_ALERT_ROW_H
#define MAILAUDIT_SCHEMA_ALERT_ROW_H

#include "core/alert.h"
#include "schema/sql.h"

#define ALERT_COLUMNS \
	"id, subject, account, version, state, severity, verdict, cases, summary, messages," \
	" recipients, told_recipients, opened, changed, first_seen, last_seen, closed, reopened," \
	" acked, acked_by, ack_note"
#define ALERT_PUT \
	"REPLACE INTO alert (" ALERT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?," \
	" ?, ?, ?, ?, ?, ?, ?)"

/* Fills a fresh one from the statement's row, which has ALERT_COLUMNS. */
void alert_row_take(struct sql_stmt *st, struct alert *a);
/* Runs ALERT_PUT; id 0 is given a number, which the alert then has. */
int alert_row_put(struct sql *db, struct sql_stmt *st, struct alert *a, struct error *err);

#endif
