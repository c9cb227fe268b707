/* Actions: what can be done about an alert, and undone. etc/actions.d says what each
 * one is; here it is carried out, by argv only, with names that were checked.
 *
 * An action is run for an alert: for its login, its scripts, or the messages of it that
 * are still queued. It writes down each step before the next, so that what was done
 * half can be undone, too.
 *
 * A file, NAME.yaml, is a map:
 *
 *   about: Refuses mail of the login.   # one sentence
 *   for: login                # what it is done to: login | script | queue (the queued messages)
 *   mta: postfix              # postfix | exim | any (default): whose queue ids it wants
 *   do:                       # steps in their order; undone from the last to the first
 *     - run: [postmap, /etc/postfix/x]   # a program and its arguments, as they are
 *       undo: [postmap, /etc/postfix/x]  # likewise; a step may have one of them only
 *       input: "{queue_ids}"  # each id on a line of standard input
 *       done: "{queue_id}: placed on hold"   # what the program says of a message that was done
 *       undone: ["{queue_id}: released"]     # any of it: undone, or nothing to undo
 *     - line: {file: /etc/postfix/x, text: "{login} REJECT"}  # a line the file gets, and loses
 *     - mode: {path: "{script}", mode: "0000"}  # of a customer's file; undo gives back the old
 *     - rename: {path: "{script}", suffix: .off}  # likewise
 *
 * {login}, {script}, {account}, {queue_id} are put in within a word, and only if they
 * pass a strict check; there is no escaping. A word that is {queue_ids} becomes many
 * words. Without it and without input a program is run once for each queue id. */
#ifndef MAILAUDIT_NOTIFY_ACTION_H
#define MAILAUDIT_NOTIFY_ACTION_H

#include "core/alert.h"
#include "core/settings.h"
#include "schema/action.h"
#include "schema/report.h"

struct actions; /* those there are */

/* Those built in, and those of actions.folder, which only root and we may be able to
 * write. -1: EXIT_CONFIG, also where a rule names one there is not. */
struct actions *actions_load(const struct settings *s, struct error *err);
void actions_free(struct actions *a); /* NULL is fine */
bool actions_have(const struct actions *a, const char *name);

/* What `mailaudit actions --list` shows. Strings live as long as `a`. */
typedef bool actions_fn(void *context, const char *name, const char *about, const char *target,
			const char *mta);
void actions_list(const struct actions *a, actions_fn *fn, void *context);

/* For a new version of an alert: puts a row for each action that a rule asks for and
 * that was not done for this alert and target before. May stand in a transaction. */
int actions_follow_rules(const struct actions *a, const struct settings *s, struct decide *d,
			 const struct alert *alert, usec_t now, struct error *err);
/* Carries out one at once on somebody's demand, and shows each row that came of it.
 * Returns how many (0: the alert names nothing to do it to), or -1. dry: as if
 * actions.dry_run were set. */
int actions_act(const struct actions *a, const char *name, const struct settings *s,
		struct decide *d, struct report *r, const struct alert *alert, const char *by,
		bool dry, usec_t now, report_action_fn *fn, void *context, struct error *err);
/* Carries out the oldest that waits and stores what came of it. 1: one was; 0: none
 * waits; -1. dry: as if actions.dry_run were set. */
int actions_run_next(const struct actions *a, const struct settings *s, struct decide *d,
		     struct report *r, bool dry, usec_t now, struct error *err);
/* Undoes what an action did, last step first, and stores it; cancels one that waits.
 * Once undone it is no error to ask again. -1: not all of it; *err says. */
int actions_undo(const struct actions *a, const struct settings *s, struct decide *d, int64_t id,
		 const char *by, usec_t now, struct error *err);

#endif
