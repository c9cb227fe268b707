/* Parts of the facts, for the files that put them together: facts.c, facts_mail.c,
 * facts_list.c, commands.c. */
#ifndef MAILAUDIT_NOTIFY_FACTS_PART_H
#define MAILAUDIT_NOTIFY_FACTS_PART_H

#include "notify/facts.h"

/* Text for a time or a span. */
#define FACTS_TEXT 64

/* What every mail and every row of a list has of an alert. */
void facts_row(struct tree *t, const struct alert *a);
/* What every mail has: event, version of mailaudit, host, time. */
void facts_head(struct tree *t, const struct settings *s, const char *event, usec_t now);
/* "2026-11-23 07:20:05", local time; "" for 0. */
void facts_put_time(struct tree *t, const char *key, usec_t when);

/* Of one alert, as its weightiest finding tells it. */
struct facts_subject {
	const struct alert *alert;
	struct str login, script; /* of that finding */
	struct str stream; /* the key of the stream whose habits are compared with */
	const char *mta; /* "postfix", "exim", "opensmtpd"; NULL: not known */
	struct str queue_id; /* one of it, or "" */
};

/* Which of these, by the form of a queue id; NULL: none. */
const char *facts_mta(struct str queue_id);
/* outcomes, queued, scripts, usual_per_hour, hours and chart. */
int facts_of_mail(struct tree *t, struct report *r, const struct facts_subject *s,
		  struct error *err);
/* What to type on this machine. */
void facts_commands(struct tree *t, const struct facts_subject *s);

#endif
