/* One line of Exim on its way through the rules of exim.c, and the readers of
 * the kinds of lines that have files of their own: an inside of the Exim
 * parser, not for others.
 *
 * A reader turns line->rest into events. PARSE_UNKNOWN: it is not such a line,
 * and nothing was emitted. */
#ifndef MAILAUDIT_PARSERS_EXIM_LINE_H
#define MAILAUDIT_PARSERS_EXIM_LINE_H

#include "core/parser.h"
#include "parsers/exim_fields.h"

struct exim_line {
	const struct record *rec;
	struct str id; /* the message it is about; empty: none */
	struct str said; /* what stands behind the id and the client */
	struct str rest; /* said, without what the rule matched at its start */
	bool cut; /* ends early: syslog or the reader split it */
	const struct exim_fields *client; /* "H=... U=... F=..." before it, or NULL */
};

/* Emits the event as one of the line's message: always PARSE_EVENTS. */
enum parse_result exim_emit(const struct exim_line *line, struct event_sink *sink,
			    struct event *ev);

/* exim_arrival.c: "<= ", "(= " */
enum parse_result exim_read_accept(struct exim_line *line, struct event_sink *sink);

/* exim_delivery.c: "=> ", "-> ", ">> ", "*> "; "** "; "== " */
enum parse_result exim_read_sent(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_failed(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_deferred(struct exim_line *line, struct event_sink *sink);

/* exim_client.c: refusals, warnings, logins */
enum parse_result exim_read_reject(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_warning(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_acl_discard(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_early_reject(struct exim_line *line, struct event_sink *sink);
enum parse_result exim_read_outgoing_hold(struct exim_line *line,
					  struct event_sink *sink);
enum parse_result exim_read_auth_failed(struct exim_line *line, struct event_sink *sink);

#endif
