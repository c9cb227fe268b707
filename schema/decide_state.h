/* Inside of struct decide, for the files that make it up: decide.c, outbox.c,
 * action.c. */
#ifndef MAILAUDIT_SCHEMA_DECIDE_STATE_H
#define MAILAUDIT_SCHEMA_DECIDE_STATE_H

#include "schema/decide.h"
#include "schema/sql.h"

struct decide {
	struct sql *db;
	struct sql_stmt *begin, *commit, *rollback, *watermark, *created;
	struct sql_stmt *next_news, *news_done, *news_later, *news_now;
	struct sql_stmt *finding, *findings, *muted;
	struct sql_stmt *alert, *alert_of_finding, *alert_of_subject, *put_alert, *join, *next_open;
	struct sql_stmt *mute, *unmute, *number, *set_number;
	struct sql_stmt *outbox_put, *outbox_next, *outbox_held, *outbox_result, *outbox_sent,
		*outbox_due, *outbox_told, *outbox_postpone, *outbox_waits;
	struct sql_stmt *action_put, *action_one, *action_next, *action_newest, *action_started;
};

int outbox_prepare(struct decide *d, struct error *err);
int action_prepare(struct decide *d, struct error *err);

#endif
