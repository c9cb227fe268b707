/* The table `position`: how far each content was read. */
#ifndef MAILAUDIT_SCHEMA_POSITION_H
#define MAILAUDIT_SCHEMA_POSITION_H

#include "core/batch.h"
#include "schema/sql.h"

/* Contents that are no longer under their path: the newest of them are kept,
 * so that a rotated file is found again and one imported twice adds nothing. */
#define POSITION_MAX_OLD 100000

struct positions {
	struct sql_stmt *of_path, *of_content, *of_old, *head_sizes;
	struct sql_stmt *update, *insert, *retire, *prune;
	struct arena found; /* the path last answered */
};

int positions_init(struct positions *s, struct sql *db, struct error *err);
void positions_release(struct positions *s);
/* commit: its number, to know the old ones. */
int positions_put(struct positions *s, const struct position *p, int64_t commit,
		  struct error *err);
/* Deletes the oldest beyond POSITION_MAX_OLD. Looks at all: not for every commit. */
int positions_prune(struct positions *s, struct error *err);
/* As store.h says. 1: found; 0: none; -1: error. */
int positions_of_path(struct positions *s, struct str path, struct position *out,
		      struct error *err);
int positions_of_content(struct positions *s, struct str head, struct position *out,
			 struct error *err);

#endif
