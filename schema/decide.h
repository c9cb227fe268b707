/* Decisions: alerts, acknowledgements, mutes, what is to be sent and what was done.
 * Written by the command line, notify among it, beside a mailauditd that writes the
 * facts: other tables, so neither waits for the other for more than one commit.
 *
 * Functions return 0 or -1 with *err filled, as those of report.h; others say so. */
#ifndef MAILAUDIT_SCHEMA_DECIDE_H
#define MAILAUDIT_SCHEMA_DECIDE_H

#include "base/error.h"
#include "core/alert.h"

struct decide;

/* A database that is there and of this version. EXIT_AGAIN: mailauditd has to bring
 * it up to date first. */
struct decide *decide_open(const char *path, struct error *err);
void decide_close(struct decide *d); /* NULL is fine */
/* Runs fn(d, context) in a transaction: all of it happens or nothing. */
int decide_transaction(struct decide *d, int (*fn)(struct decide *d, void *context,
						   struct error *err),
		       void *context, struct error *err);
/* A number that changes with every commit of others. -1: error. */
int64_t decide_data_version(struct decide *d, struct error *err);
/* Newest event time of the log; 0: none. */
usec_t decide_watermark(struct decide *d);

/* --- findings that changed ------------------------------------------------- */

struct news {
	int64_t finding, number;
};

/* The next one due. 1: there is one; 0: none; -1. */
int decide_next_news(struct decide *d, usec_t now, struct news *out, struct error *err);
/* It was looked at: forgets it, unless it changed again. */
int decide_news_done(struct decide *d, const struct news *n, struct error *err);
/* Looks at it again then. */
int decide_news_later(struct decide *d, const struct news *n, usec_t due, struct error *err);
/* NULL: no such finding, or *err. err->code is 0 in the first case. */
struct finding *decide_finding(struct decide *d, int64_t id, struct error *err);

/* --- alerts ---------------------------------------------------------------- */

/* With this id. NULL as decide_finding(). */
struct alert *decide_alert(struct decide *d, int64_t id, struct error *err);
/* The one a finding belongs to: its own, or the newest of the subject that is not
 * closed or was closed since. NULL: none. */
struct alert *decide_alert_of(struct decide *d, int64_t finding, struct str subject,
			      usec_t closed_since, struct error *err);
/* Inserts (id 0, which it fills) or updates. */
int decide_put_alert(struct decide *d, struct alert *a, struct error *err);
int decide_join(struct decide *d, int64_t finding, int64_t alert, struct error *err);
/* Looks at all findings of an alert; the look is to be released. */
int decide_look(struct decide *d, int64_t alert, struct alert_look *look, struct error *err);
/* Shows each finding of an alert; stops when fn returns less than 0, which is returned. */
int decide_each_finding(struct decide *d, int64_t alert,
			int (*fn)(void *context, const struct finding *f, struct error *err),
			void *context, struct error *err);
/* The next alert behind `after` that is not closed. 1, 0, -1. */
int decide_next_open(struct decide *d, int64_t after, int64_t *id, struct error *err);

/* --- mutes ----------------------------------------------------------------- */

struct mute {
	struct str kind, name; /* kind: account, login, script */
	usec_t until, created;
	struct str because, by;
};

int decide_mute(struct decide *d, const struct mute *m, struct error *err);
/* 1: it was muted; 0: it was not; -1. What waited is looked at again at once. */
int decide_unmute(struct decide *d, struct str kind, struct str name, struct error *err);
/* The same for an alert: by its account, and its subject. */
usec_t decide_alert_muted_until(struct decide *d, const struct alert *a, usec_t now);
/* Until when a finding is muted by its account, login or script; 0: not. */
usec_t decide_muted_until(struct decide *d, const struct finding *f, usec_t now);

/* --- housekeeping ---------------------------------------------------------- */

/* When the database was made, by the clock: tells it from another. */
usec_t decide_created(struct decide *d);
/* Numbers of notify's own; 0 for one never set. */
int64_t decide_number(struct decide *d, const char *name);
int decide_set_number(struct decide *d, const char *name, int64_t value, struct error *err);
/* Forgets alerts closed before, with all that hangs on them, at most `rows` at a time,
 * and mutes that ended before. */
int decide_forget(struct decide *d, usec_t before, int64_t rows, struct error *err);

#endif
