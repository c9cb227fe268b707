/* Alerts to rows and back; a NULL is what 0003_alerts.sql says. */
#include "schema/alert_row.h"

#include "schema/cells.h"

void alert_row_take(struct sql_stmt *st, struct alert *a)
{
	struct cells_in c = { st, &a->strings, 0 };

	a->id = take_int(&c, 0);
	a->subject = take_str(&c);
	a->account = take_str(&c);
	a->version = take_int(&c, 0);
	a->state = take_enum(&c, 0, ALERT_CLOSED);
	a->severity = take_enum(&c, 0, SEVERITY_CRITICAL);
	a->verdict = take_enum(&c, 0, CASES - 1);
	a->cases = (unsigned)take_int(&c, 0);
	a->summary = take_str(&c);
	a->messages = take_int(&c, 0);
	a->recipients = take_int(&c, 0);
	a->told_recipients = take_int(&c, 0);
	a->opened = take_int(&c, 0);
	a->changed = take_int(&c, 0);
	a->first_seen = take_int(&c, 0);
	a->last_seen = take_int(&c, 0);
	a->closed = take_int(&c, 0);
	a->reopened = take_int(&c, 0);
	a->acked = take_int(&c, 0);
	a->acked_by = take_str(&c);
	a->ack_note = take_str(&c);
}

int alert_row_put(struct sql *db, struct sql_stmt *st, struct alert *a, struct error *err)
{
	struct cells_out c = { st, 1, err };

	give_int(&c, a->id, 0);
	sql_bind_str(st, c.at++, a->subject);
	give_str(&c, a->account);
	give_number(&c, a->version);
	give_number(&c, a->state);
	give_number(&c, a->severity);
	give_number(&c, a->verdict);
	give_number(&c, a->cases);
	sql_bind_str(st, c.at++, a->summary);
	give_number(&c, a->messages);
	give_number(&c, a->recipients);
	give_number(&c, a->told_recipients);
	give_number(&c, a->opened);
	give_number(&c, a->changed);
	give_number(&c, a->first_seen);
	give_number(&c, a->last_seen);
	give_int(&c, a->closed, 0);
	give_int(&c, a->reopened, 0);
	give_int(&c, a->acked, 0);
	give_str(&c, a->acked_by);
	give_str(&c, a->ack_note);
	if (sql_run(st, err) < 0)
		return -1;
	if (!a->id)
		a->id = sql_last_id(db);
	return 0;
}
