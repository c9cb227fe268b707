/* What a heuristic is: one family of evidence, in one file of heuristics/.
 *
 * It is shown each observation with what is known of its stream, and adds signs
 * to the stream's run (core/run.h). It opens no file, keeps no state of its own,
 * and judges nobody: the one named "verdict" does, when all have spoken. */
#ifndef MAILAUDIT_CORE_HEURISTIC_H
#define MAILAUDIT_CORE_HEURISTIC_H

#include "base/keys.h"
#include "core/observation.h"

struct heuristic {
	const char *name; /* its key below `heuristics:`, and for `mailaudit explain` */
	enum family family; /* FAMILIES for the verdict */
	const char *summary; /* one line */
	/* For `mailaudit explain`: what it looks at, with which figures, where
	 * they come from, what it takes for innocent. Paragraphs of plain text. */
	const char *about;
	/* Its settings: a key table of one struct, table.size its size. */
	struct key_table keys;
	/* Looks at one observation; `set` is its struct of settings. */
	void (*observe)(struct observation *o, const void *set);
	/* The verdict's: puts what the stream's run tells into the finding, which is
	 * about to be written. NULL for the others. */
	void (*tell)(const struct stream *s, struct finding *f, const void *set);
};

#endif
