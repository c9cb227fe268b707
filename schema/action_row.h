/* The columns of table action, for those who read them. */
#ifndef MAILAUDIT_SCHEMA_ACTION_ROW_H
#define MAILAUDIT_SCHEMA_ACTION_ROW_H

#include "schema/action.h"
#include "schema/sql.h"

#define ACTION_COLUMNS \
	"id, alert, name, target, state, automatic, by, created, started, undone, undone_by," \
	" steps, output"

/* Fills a fresh one from the statement's row, which has ACTION_COLUMNS. */
void action_row_take(struct sql_stmt *st, struct action_row *a);

#endif
