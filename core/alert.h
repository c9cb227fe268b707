/* An alert: what a person is told about one subject, which can be several
 * findings. It is opened once, gets a new version when it became much worse, and is
 * closed when all its findings are. The same subject within FINDING_REOPEN
 * opens it again.
 *
 * Pure: what happened is decided here, telling it is notify's. */
#ifndef MAILAUDIT_CORE_ALERT_H
#define MAILAUDIT_CORE_ALERT_H

#include "core/finding.h"

/* So many times the recipients that were last told of are worth a word. */
#define ALERT_GROWTH 10
/* Nothing suspicious for this long: quiet. It may go on; closing takes a day. */
#define ALERT_QUIET_AFTER (2 * USEC_HOUR)

enum alert_state { ALERT_OPEN, ALERT_QUIET, ALERT_CLOSED };

/* What became of it. The first three are new versions. */
enum alert_change {
	CHANGE_NONE,
	CHANGE_OPENED,
	CHANGE_UPDATED, /* ten times the recipients, worse, or another case */
	CHANGE_REOPENED,
	CHANGE_WENT_QUIET,
	CHANGE_CLOSED
};
extern const char *const alert_state_name[]; /* "open", "quiet", "closed" */
extern const char *const alert_change_name[]; /* "", "opened", "updated", ... */

struct alert {
	int64_t id;
	struct arena strings; /* owner of every str below */
	struct str subject; /* "kind\nname", see alert_subject() */
	struct str account; /* "" nobody */
	int64_t version; /* 1 when opened */
	enum alert_state state;
	enum severity severity; /* the worst of this incident */
	enum finding_case verdict; /* of its weightiest finding */
	unsigned cases; /* 1 << enum finding_case: all it had */
	struct str summary; /* of its weightiest finding */
	int64_t messages, recipients; /* of its findings together */
	int64_t told_recipients; /* as of the newest version */
	usec_t opened, changed; /* by the clock; changed: the newest version or state */
	usec_t first_seen, last_seen; /* of the suspicious mail, by the log */
	usec_t closed; /* by the clock; 0: not */
	int64_t reopened;
	usec_t acked; /* 0: not */
	struct str acked_by, ack_note;
};

/* All findings of an alert in one look. */
struct alert_look {
	struct arena strings; /* of the summary; to be released */
	int findings, open;
	enum severity severity;
	enum finding_case verdict;
	unsigned cases;
	struct str summary;
	int64_t messages, recipients;
	usec_t first_seen, last_seen;
	int64_t weight; /* of the one that verdict and summary are of */
};

struct alert *alert_new(void);
void alert_free(struct alert *a); /* NULL is fine */
/* What a finding is about, "kind\nname". Scripts of an account are one subject: who
 * uploads mailers uploads many. Kinds: login, account, script (nobody's),
 * network, mailbox, host. */
struct str alert_subject(const struct finding *f, struct arena *to);
/* The parts of a subject. */
struct str alert_kind(const struct alert *a);
struct str alert_name(const struct alert *a);
/* Adds one finding to the look. */
void alert_look_at(struct alert_look *look, const struct finding *f);
/* Brings the alert up to date and says what that means. A fresh one (version 0) is
 * opened. watermark: newest event time; now: the clock. */
enum alert_change alert_step(struct alert *a, const struct alert_look *look, usec_t watermark,
			     usec_t now);
/* Has it a worse severity, or a case it never had? Asked before alert_step(). */
bool alert_is_worse(const struct alert *a, const struct alert_look *look);
/* Does the change make a new version? */
bool alert_is_version(enum alert_change change);
/* Is a person to be told? Not of more of the same once it is acknowledged. `worse`: the
 * change was to a worse severity or another case. */
bool alert_is_loud(const struct alert *a, enum alert_change change, bool worse);

#endif
