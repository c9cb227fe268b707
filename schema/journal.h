/* The tables `journal` and `loss`: how far journals were read, and when lines
 * were lost. */
#ifndef MAILAUDIT_SCHEMA_JOURNAL_H
#define MAILAUDIT_SCHEMA_JOURNAL_H

#include "core/batch.h"
#include "schema/sql.h"

/* The newest times of loss are kept. */
#define JOURNAL_MAX_LOSSES 1000

struct journals {
	struct sql_stmt *put, *find, *all, *grow, *add, *prune;
	struct arena found;
};

int journals_init(struct journals *j, struct sql *db, struct error *err);
void journals_release(struct journals *j);
/* The batch's journals and losses. */
int journals_write(struct journals *j, const struct batch *b, struct error *err);
/* As store.h says. */
bool journals_find(struct journals *j, struct str name, struct journal_position *out);
void journals_each(struct journals *j,
		   void (*fn)(void *context, const struct journal_position *row), void *context);

#endif
