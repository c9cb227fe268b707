/* Rows of sums to struct share.
 *
 * Invariant: what is in no other state was sent, as in table message. */
#include "schema/report_share.h"

void share_take_volume(struct sql_stmt *st, struct volume *v)
{
	static const enum rcpt_status columns[] = { RCPT_PENDING, RCPT_DEFERRED, RCPT_BOUNCED,
						    RCPT_EXPIRED, RCPT_REJECTED };

	*v = (struct volume){ .messages = sql_int(st, 1), .recipients = sql_int(st, 2) };
	v->status[RCPT_SENT] = v->recipients;
	for (int i = 0; i < 5; i++) {
		v->status[columns[i]] = sql_int(st, 3 + i);
		v->status[RCPT_SENT] -= sql_int(st, 3 + i);
	}
}

struct share share_take(struct sql_stmt *st)
{
	struct share row = {
		.key = sql_str(st, 0), .first = sql_int(st, 8), .last = sql_int(st, 9)
	};

	share_take_volume(st, &row.volume);
	return row;
}

int share_each(struct sql_stmt *st, report_share_fn *fn, void *context, struct error *err)
{
	int rc;

	while ((rc = sql_step(st, err)) == 1) {
		struct share row = share_take(st);

		if (!fn(context, &row))
			break;
	}
	sql_reset(st);
	return rc < 0 ? -1 : 0;
}
