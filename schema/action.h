/* What was done about alerts, and what is to be. */
#ifndef MAILAUDIT_SCHEMA_ACTION_H
#define MAILAUDIT_SCHEMA_ACTION_H

#include "schema/decide.h"

enum action_state {
	ACTION_WAITING, /* for notify */
	ACTION_DONE,
	ACTION_FAILED,
	ACTION_DRY, /* only written down what it would have done */
	ACTION_UNDONE,
	ACTION_REFUSED /* over the limit of an hour, or nothing to do it to */
};
extern const char *const action_state_name[]; /* "waiting", "done", ... */

struct action_row {
	int64_t id, alert;
	struct arena strings; /* owner of every str below */
	struct str name, target;
	enum action_state state;
	bool automatic; /* by a rule */
	struct str by; /* who asked, "" nobody */
	usec_t created, started, undone; /* 0: not */
	struct str undone_by;
	struct str steps; /* JSON; "" nothing yet */
	struct str output;
};

struct action_row *action_row_new(void);
void action_row_free(struct action_row *a); /* NULL is fine */
/* Inserts (id 0, which it fills) or updates all but id, alert, name, created. */
int action_put(struct decide *d, struct action_row *a, struct error *err);
/* NULL: none, and err->code 0; or *err. */
struct action_row *action_load(struct decide *d, int64_t id, struct error *err);
/* The oldest that waits. NULL as above. */
struct action_row *action_next(struct decide *d, struct error *err);
/* The newest of this name for this alert and target. NULL as above. */
struct action_row *action_newest(struct decide *d, int64_t alert, struct str name,
				 struct str target, struct error *err);
/* Automatic ones that were started since. */
int64_t action_started_since(struct decide *d, usec_t since);

#endif
