/* Which message a line of PHP's mail log became.
 *
 * Both sides wait for each other for at most settings->php_wait of event time.
 * Exact evidence (Message-ID in the PHP headers, the PHP process's pid in a
 * reference header) joins at once. Otherwise a message is compared when its
 * recipients are known: same submitter, X-PHP-Originating-Script, To, Subject,
 * recipients, working directory; among equals first in, first out. */
#ifndef MAILAUDIT_CORE_JOIN_H
#define MAILAUDIT_CORE_JOIN_H

#include "base/table.h"
#include "core/attribute.h"

/* A message whose recipients stay unknown (slow remote host) is compared by
 * what is known after this long. */
#define JOIN_PATIENCE (3 * USEC_SECOND)
/* More waiting on one key are not looked at: they are alike anyway. */
#define JOIN_MAX_LOOK 256
/* Lines that wait at the same time; beyond it the oldest are given up early. */
#define JOIN_MAX_WAITING 100000

struct join_node;

struct join {
	const struct accounts *accounts;
	usec_t wait;
	struct table php_by, messages_by; /* struct join_list by key */
	struct php_mail *php_oldest, *php_newest; /* waiting lines, in order of arrival */
	size_t nphp;
	struct table php_rows; /* waiting lines by row */
};

void join_init(struct join *j, const struct accounts *a, usec_t wait);
void join_release(struct join *j);

/* A new (or restored) waiting line; owned by the join until it is removed. */
void join_add_php(struct join *j, struct php_mail *p);
struct php_mail *join_php_of_row(struct join *j, int64_t row);
/* The best waiting message for a line; NULL none yet. `open`: the log does not say who
 * submitted it, and another that waits is as good a match: it may be somebody else's. */
struct message *join_find_message(struct join *j, const struct php_mail *p, bool *open);
/* The best waiting line for a message. `exact`: only by exact evidence. `open`: no
 * submitter, and a line of another account matches as well. */
struct php_mail *join_find_php(struct join *j, const struct message *m, bool exact, bool *open);
/* The message waits from now on under all its keys (again after it learnt more). */
void join_add_message(struct join *j, struct message *m, bool comparable);
void join_remove_message(struct join *j, struct message *m);
/* Removes from the waiting lines; the caller owns p then. */
void join_remove_php(struct join *j, struct php_mail *p);
/* The oldest waiting line when it has waited too long at `now`, else NULL. */
struct php_mail *join_overdue(struct join *j, usec_t now);

#endif
