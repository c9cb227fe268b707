/* Inside of actions, for the files that make them up: action_read.c (their files),
 * action_value.c (names that are put in), action_step.c with action_run.c,
 * action_line.c, action_mode.c and action_rename.c (the kinds of steps), action_script.c
 * (files of customers), action_record.c (what is written down), action.c (rows). */
#ifndef MAILAUDIT_NOTIFY_ACTION_STATE_H
#define MAILAUDIT_NOTIFY_ACTION_STATE_H

#include <sys/stat.h>

#include "base/walk.h"
#include "notify/action.h"

enum action_target { FOR_NONE, FOR_LOGIN, FOR_SCRIPT, FOR_QUEUE };
enum action_mta { MTA_ANY, MTA_POSTFIX, MTA_EXIM };

/* A step as its file has it. */
struct step_rule {
	struct string_list run, undo, undone;
	const char *input, *done;
	struct {
		const char *file, *text;
	} line;
	struct {
		const char *path, *mode;
	} mode;
	struct {
		const char *path, *suffix;
	} rename;
	const struct step_kind *kind;
	unsigned new_mode; /* of mode */
};

struct action {
	const char *name, *about;
	int target; /* enum action_target */
	int mta; /* enum action_mta */
	struct step_rule *steps;
	size_t nsteps;
};

struct actions {
	struct arena arena;
	struct action *list; /* by name */
	size_t n;
};

const struct action *actions_find(const struct actions *a, struct str name); /* NULL: none */

/* --- names that are put in: action_value.c ---------------------------------- */

struct values {
	struct str login, script, account, queue_id;
};

/* NULL, or what is wrong with it, "has ...". */
const char *value_wrong_login(struct str s);
const char *value_wrong_script(struct str s);
const char *value_wrong_account(struct str s);
const char *value_wrong_queue_id(struct str s);
/* Does it look like a queue id of this mail server? */
bool value_is_queue_id(struct str s, enum action_mta mta);
/* NULL, or what is wrong with a word of an action for this. */
const char *action_wrong(const char *text, enum action_target target);
bool action_has(const char *text, const char *name); /* {name} */
/* The text with the values in it. NULL: one of them failed its check. */
const char *action_fill(const char *text, const struct values *v, struct arena *to,
			struct error *err);

/* --- one that is carried out, or undone --------------------------------------- */

enum step_state {
	STEP_AHEAD, /* not begun */
	STEP_BEGUN, /* it may have had its effect, or not */
	STEP_DONE,
	STEP_LATER, /* nothing to do but when it is undone */
	STEP_NOTHING, /* it was so before: nothing to undo */
	STEP_FAILED, /* as begun */
	STEP_UNDONE,
	STEP_DRY,
	STEP_STATES
};

struct step {
	const struct step_rule *rule;
	enum step_state state;
	const char *what; /* in words; tells whether the action is still what it was */
	const char *text; /* of line: the line; of rename: the new path */
	const char *path; /* of mode and rename */
	struct string_list ids; /* queue ids it was tried on, then those it was done to */
	const char *file; /* of mode and rename: which file it was, "DEVICE:INODE" */
	unsigned old_mode; /* of mode: what it had */
};

#define WORK_MAX_OUTPUT 8192

struct work {
	const struct action *action;
	const struct settings *settings;
	struct decide *decide;
	struct action_row *row;
	struct alert *alert;
	struct arena arena;
	struct values values;
	uid_t uid; /* of the account, for mode */
	struct step *steps; /* as many as the action's; NULL: not planned yet */
	struct string_list ids; /* queue ids to do it to */
	char output[WORK_MAX_OUTPUT];
	size_t noutput;
	bool finished; /* the row's state is what came of it */
};

/* The code of errors that say why something is not done at all. */
#define REFUSED EXIT_USAGE

/* What a step is made of. They return 0, or -1 with *err. */
struct step_kind {
	const char *name;
	/* Fills what the rest needs, and `what`. Nothing is done. */
	int (*plan)(struct work *w, struct step *s, struct error *err);
	/* Looks, and notes what undoing will need; NULL: nothing. May make it STEP_NOTHING. */
	int (*prepare)(struct work *w, struct step *s, struct error *err);
	int (*perform)(struct work *w, struct step *s, struct error *err);
	/* Done again it does no harm. */
	int (*undo)(struct work *w, struct step *s, struct error *err);
};
extern const struct step_kind step_run, step_line, step_mode, step_rename;

/* A file of the account's, open: action_script.c. */
struct script {
	struct walk at;
	int fd; /* O_PATH */
	struct stat st;
	const char *id; /* "DEVICE:INODE", in the work's arena */
};

/* Fills the step's path, and finds out whose it has to be. */
int script_plan(struct work *w, struct step *s, const char *path, struct error *err);
/* -1: *err says why it is left alone; errno is ENOENT if there is none. */
int script_open(struct work *w, struct script *f, const char *path, struct error *err);
void script_close(struct script *f);
/* Is it the file that the step noted? */
bool script_is(const struct script *f, const struct step *s);

/* Adds lines to what is kept of an action, made safe. */
void work_say(struct work *w, struct str text);
/* A step in words, as it is stored. */
const char *work_describe(struct work *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Brings back what was kept before. */
void work_take_output(struct work *w);
/* Stores the row with its steps as they are now. */
int work_write(struct work *w, struct error *err);
/* The steps of a row, as they were written. */
int work_read_steps(struct work *w, struct error *err);
/* The steps of the action for this row, with the names in them. */
int work_plan(struct work *w, struct error *err);
/* Looks whether each could be done, and does nothing. -1: the first reason why not. */
int work_rehearse(struct work *w, struct error *err);
/* Does them one by one. */
int work_perform(struct work *w, struct error *err);
/* Undoes them, last first. */
int work_undo(struct work *w, struct error *err);

#endif
