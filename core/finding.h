/* What the heuristics found: one suspicious run of one stream, named as one of
 * the five cases, with the figures it rests on. It is raised once, kept up to
 * date in place, closed when its stream has been quiet, and opened again when
 * the stream goes on within FINDING_REOPEN. */
#ifndef MAILAUDIT_CORE_FINDING_H
#define MAILAUDIT_CORE_FINDING_H

#include "base/arena.h"
#include "base/stamp.h"

/* What would not have been raised any more for this long is closed. */
#define FINDING_QUIET (24 * USEC_HOUR)
/* Closed for longer, what comes next is a finding of its own. */
#define FINDING_REOPEN (7 * USEC_DAY)
/* Lines of each list that are kept. */
#define FINDING_MAX_LINES 20
#define FINDING_MAX_LINE 400

/* Why mail went wrong, as the administrator must know it. */
enum finding_case {
	CASE_UNKNOWN, /* none of them for sure; the summary says why */
	CASE_INFECTED, /* 2: malware on the customer's own PC */
	CASE_INJECTED, /* 3a: header injection into a form */
	CASE_MAILER, /* 3b: an uploaded mailer */
	CASE_FORM, /* 3c: a script of the customer's, made to write to strangers */
	CASE_SCRIPT, /* 3d: code that is no known script: eval, past the PHP log */
	CASE_STOLEN, /* 4: somebody else has the password */
	CASE_SPOOFED, /* 5: the address was used elsewhere */
	CASES
};

enum severity { SEVERITY_WARNING, SEVERITY_CRITICAL };

/* The families of evidence; a verdict needs two of them, or one certain sign. */
enum family {
	FAMILY_VOLUME,
	FAMILY_ORIGIN,
	FAMILY_DELIVERY,
	FAMILY_INJECTION,
	FAMILY_SCRIPT,
	FAMILY_IDENTITY,
	FAMILIES
};

extern const char *const finding_case_name[CASES]; /* "unknown", "2", "3a" ... */
extern const char *const finding_case_title[CASES]; /* "infected PC" ... */
extern const char *const severity_name[], *const family_name[FAMILIES];

/* Lists are lines of text, one item a line, '\n' between them; an item holds no
 * '\n', but else any byte that a log line can hold. */
struct finding {
	int64_t id; /* its row; grows with the time it was raised */
	struct arena strings; /* owner of every str below, but for */
	struct arena told; /* what is told anew before each commit: summary and below */
	int64_t stream; /* row of the stream */
	struct str stream_key;
	usec_t time; /* raised; never moves */
	usec_t first_seen, last_seen; /* of the suspicious run */
	usec_t closed; /* 0: open */
	int64_t reopened; /* how often */
	enum severity severity; /* the worst it had */
	enum finding_case verdict;
	struct str host, account, login, script; /* "" none */
	int64_t script_line; /* -1 */
	float score[FAMILIES]; /* at their highest */

	int64_t messages, recipients; /* of the run, so far */
	int64_t leaked_before; /* recipients from first_seen to time */
	int64_t novel; /* recipients this stream had never written to */
	int64_t results, unknown_users, spam_answers; /* answers of other servers */

	struct str summary; /* one sentence */
	struct str evidence; /* list: what was seen, with figures */
	struct str why; /* list: why this case and not its neighbours */
	struct str advice; /* list: what to do next */
	struct str sources; /* list: "203.0.113.7 VN AS131429 12 messages" */
	struct str answers; /* list: "7 550 5.1.1 user unknown", most frequent first */
	struct str queue_ids; /* list: samples */
	struct str subjects; /* list: samples */

	bool stored, dirty;
};

struct finding *finding_new(void);
void finding_free(struct finding *f); /* NULL is fine */
/* The next line of a list, eaten from it. false: no more. */
bool finding_line(struct str *list, struct str *line);

#endif
