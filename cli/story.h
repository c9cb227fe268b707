/* One message as a story: what happened in order of time, and in plain words
 * why it is whose. */
#ifndef MAILAUDIT_CLI_STORY_H
#define MAILAUDIT_CLI_STORY_H

#include "base/arena.h"
#include "schema/report.h"

enum happening {
	HAPPENED_PHP, /* PHP's mail() was called */
	HAPPENED_ACCEPTED,
	HAPPENED_PARENT, /* the message this one reports on */
	HAPPENED_DELIVERY, /* the last statement about one recipient */
	HAPPENED_CHILD, /* a report on this message */
	HAPPENED_END
};
extern const char *const happening_name[];

struct story_event {
	usec_t time;
	enum happening what;
	struct str queue_id; /* whose event; of parent and child their own */
	struct str text;
	size_t order; /* among events of the same time */
};

struct story_evidence {
	enum via rung;
	bool used; /* the account comes from this rung */
	struct str text;
};

/* All zero is an empty story. Texts live in the arena; what they quote from
 * the log is as it was. */
struct story {
	struct arena arena;
	struct story_event *events;
	size_t nevents, room;
	struct story_evidence evidence[16];
	size_t nevidence;
};

void story_release(struct story *s);
/* Adds what the row itself tells, and its evidence. */
void story_message(struct story *s, const struct report_message *row);
/* Adds a message that is parent or child of the one told. */
void story_relative(struct story *s, enum trace_role role, const struct message *relative);
/* By time; what causes comes before what it causes. */
void story_sort(struct story *s);

#endif
