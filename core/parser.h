/* What a dialect parser is. A parser is a rule table and a cursor over
 * (ptr, len): pure, no allocation, no regex, left to right, trusting no field
 * after the first one that a client or sender chose. */
#ifndef MAILAUDIT_CORE_PARSER_H
#define MAILAUDIT_CORE_PARSER_H

#include "core/event.h"

enum parse_result {
	PARSE_UNKNOWN, /* not understood: counted, one sample kept */
	PARSE_NOISE, /* understood, and of no interest */
	PARSE_EVENTS /* said something */
};

/* Where events go. One line may say several things. */
struct event_sink {
	void (*emit)(struct event_sink *sink, const struct record *rec, const struct event *ev);
	int rule; /* out: index of the rule that took the line, -1 none */
};

struct parser {
	const char *name; /* "postfix"; the `format:` of a source */
	const char *summary;
	/* Is this line this dialect's? Decided on shape and program only. */
	bool (*claims)(const struct record *rec);
	enum parse_result (*parse)(const struct record *rec, struct event_sink *sink);
	const char *const *rules; /* names of the rules, for the coverage test */
	int nrules;
	/* Its lines come from daemons only, so that one which the syslog daemon
	 * vouches a person's uid for is made up (logger, postlog). */
	bool daemons_only;
	/* But for this line, which a program of whoever calls it writes, too. NULL: for none. */
	bool (*by_anybody)(const struct record *rec);
	/* How the names of programs that write its lines begin, or, with '/' behind it, the
	 * directory they lie in; NULL at the end. No list: it is the last word of the tag. */
	const char *const *programs;
	/* Reads only sources that name it: its lines look like another's. */
	bool by_name_only;
	/* Its logs are shared with programs that are of no interest (cron, sudo). */
	bool among_others;
};

extern const struct parser parser_postfix, parser_exim, parser_sendmail, parser_opensmtpd;
extern const struct parser parser_qmail, parser_phpmail, parser_dovecot, parser_sshd, parser_ftp;
extern const struct parser parser_syslogd, parser_netfilter;
extern const struct parser parser_eximreject, parser_eximpanic;

#endif
