/* Actions as records: what `actions`, `act` and `undo` tell alike. */
#ifndef MAILAUDIT_CLI_TELL_ACTION_H
#define MAILAUDIT_CLI_TELL_ACTION_H

#include "cli/out.h"
#include "schema/action.h"

/* The keys of them, for the commands' help. */
#define ACTION_KEYS \
	"Keys: id time alert name target state automatic by undone undone_by\n" \
	"steps[{what state queue_ids[]}] output[]. automatic: by a rule; by: whoever asked. A\n" \
	"step is begun, done, later (when it is undone), nothing (it was so before), failed,\n" \
	"undone or dry. output is what the programs said, and why something was not done."

extern const struct out_column action_columns[];
/* One record of them. For report_action_fn; context: struct out. */
bool tell_action(void *context, const struct action_row *row);

#endif
