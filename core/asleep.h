/* Streams that are not in use, as they are packed: a fifth of the memory they take in use,
 * and no question to the database when they speak again. */
#ifndef MAILAUDIT_CORE_ASLEEP_H
#define MAILAUDIT_CORE_ASLEEP_H

#include "base/table.h"
#include "core/batch.h"

/* What they may take together; beyond it the first to fall asleep are forgotten. */
#define ASLEEP_MAX_BYTES ((size_t)32 * 1024 * 1024)

struct asleep {
	struct table by_key;
	struct sleeper *first, *last; /* in the order in which they fell asleep */
	struct sleeper *woken; /* told last */
	size_t bytes;
	bool complete; /* none was forgotten */
};

void asleep_init(struct asleep *a);
void asleep_release(struct asleep *a); /* forgets all */
/* Copies the row, which is in the database as it is. */
void asleep_add(struct asleep *a, const struct stream_row *row);
/* Fills *row (valid until the next call) and lets go of it. false: it does not sleep here. */
bool asleep_take(struct asleep *a, struct str key, struct stream_row *row);

#endif
