/* The stored past once more, in the order of time: what `mailaudit replay`
 * shows to the detector. */
#ifndef MAILAUDIT_SCHEMA_PAST_H
#define MAILAUDIT_SCHEMA_PAST_H

#include "schema/report.h"

enum past_kind {
	PAST_CALL, /* PHP's mail() was called */
	PAST_MESSAGE, /* was first seen; with the call it became of, if there was one */
	PAST_ANSWER, /* the last statement about one recipient */
	PAST_UNSENT /* a call that no message followed: as long after it as was waited */
};

/* Valid until the next call of past_next(). */
struct past_event {
	enum past_kind kind;
	usec_t time;
	struct message *message; /* NULL for calls; the caller may mark it */
	size_t nth; /* PAST_ANSWER: of the message's recipients */
	const struct php_mail *php; /* of calls, and of PAST_MESSAGE; else NULL */
};

struct past;

/* Messages and calls of [since, until), 0 leaves that side open, with all that
 * became of them. Sees one moment of the database, and lets the report answer
 * nothing else until past_close(). NULL: error, as report.h says. */
struct past *past_open(struct report *r, usec_t since, usec_t until, usec_t php_wait,
		       struct error *err);
/* 1: an event; 0: there is no more; -1: error. */
int past_next(struct past *p, struct past_event *out, struct error *err);
void past_close(struct past *p); /* NULL is fine */

#endif
