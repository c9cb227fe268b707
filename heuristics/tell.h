/* A finding in words: what a person is told about a run. */
#ifndef MAILAUDIT_HEURISTICS_TELL_H
#define MAILAUDIT_HEURISTICS_TELL_H

#include "core/run.h"
#include "core/stream.h"

struct verdict_settings {
	double enough, enough_bulk, bad_list;
	double least[FAMILIES];
};

/* Fills the finding's figures and sentences from the stream and its run. Text of
 * the log is escaped. set: struct verdict_settings. */
void tell_finding(const struct stream *s, struct finding *f, const void *set);

#endif
