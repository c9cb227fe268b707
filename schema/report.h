/* Reading: every question the command line asks, on a connection that cannot
 * write and never waits for the daemon (WAL), nor holds it up.
 *
 * Rows come one by one through a callback. What it is given (structs and the
 * bytes their strings show) is valid until the callback returns; strings are
 * log bytes as they were, so escape them before a terminal sees them. A
 * callback returns true to go on, false to stop; stopping is no error.
 * Each call sees one moment of the database. Functions return 0, or -1 with
 * *err filled: EXIT_NOINPUT no such file, EXIT_PERMISSION, EXIT_CONFIG not
 * ours, corrupt or of another version, EXIT_AGAIN busy.
 *
 * Periods are [since, until) of the message's first line; 0 leaves that side
 * open. In filters a string with p == NULL asks for nothing; one with n == 0
 * and p != NULL asks for rows that have none ("without an account"). */
#ifndef MAILAUDIT_SCHEMA_REPORT_H
#define MAILAUDIT_SCHEMA_REPORT_H

#include "base/error.h"
#include "core/finding.h"
#include "core/message.h"

struct report;

struct report *report_open(const char *path, struct error *err);
void report_close(struct report *r); /* NULL is fine */

/* --- messages ---------------------------------------------------------- */

struct message_filter {
	struct str account, login; /* exact; login also finds Exim's U= user */
	struct str script; /* GLOB: * ? [a-z], * crosses slashes */
	struct str sender; /* exact; n == 0: the null sender <> */
	struct str rcpt; /* exact, final address or as first addressed */
	struct str ip; /* exact client address, without brackets */
	/* Domain parts of addresses compare without ASCII case; "@example.com"
	 * asks for all of a domain in sender and rcpt. */
	int status; /* enum rcpt_status of at least one recipient; -1 any */
	int direction; /* enum direction; -1 any */
	usec_t since, until;
	int64_t limit; /* 0: all */
};

/* Asks for everything. */
#define MESSAGE_FILTER_ALL ((struct message_filter){ .status = -1, .direction = -1 })

/* The message with all recipients that were kept, aliases and parent (its
 * book-keeping members mean nothing here) and its PHP line or NULL. The text
 * of the answer (recipient.response) is kept only for what is not plainly sent. */
struct report_message {
	const struct message *message;
	const struct php_mail *php;
};

typedef bool report_message_fn(void *context, const struct report_message *row);

/* Newest first. */
int report_messages(struct report *r, const struct message_filter *filter,
		    report_message_fn *fn, void *context, struct error *err);

/* --- volumes ----------------------------------------------------------- */

#define RCPT_STATUSES (RCPT_REJECTED + 1)
#define DIRECTIONS (DIR_INBOUND + 1)

struct volume {
	int64_t messages, recipients;
	int64_t status[RCPT_STATUSES]; /* of the recipients, by enum rcpt_status */
};

/* One line of a list that is grouped by key. */
struct share {
	struct str key; /* "" : none */
	struct volume volume;
	usec_t first, last; /* 0: not known for this list */
};

typedef bool report_share_fn(void *context, const struct share *row);

struct account_summary {
	struct volume volume;
	int64_t direction[DIRECTIONS]; /* messages, by enum direction */
	usec_t first, last; /* first lines of its oldest and newest message; 0 none */
	int64_t php, php_unmatched; /* calls of mail() */
	/* Connections past the mail server that were logged, in the hours that the period
	 * touches: to port 25; to 465 and 587; the newest, 0 none. */
	int64_t direct_smtp, direct_submission;
	usec_t direct_last;
};

/* All of volume.messages, php and direct_last 0: there is no such account in the period. */
int report_account(struct report *r, struct str account, usec_t since, usec_t until,
		   struct account_summary *out, struct error *err);

/* In the order in which they are told. */
enum account_part {
	PART_SCRIPTS, /* key: path. Most messages first, as in all but the last */
	PART_LOGINS,
	PART_NETWORKS, /* key "192.0.2.0/24", "2001:db8:1::/48", or the text as it is */
	PART_VIA, /* key: via_name[] */
	PART_SENDERS, /* key: envelope sender, "" also for <> */
	PART_OUTCOMES, /* key: "bounced 5.1.1"; volume counts those recipients only */
	PART_DAYS, /* key "2026-11-23" (UTC), oldest first */
	ACCOUNT_PARTS
};

typedef bool report_part_fn(void *context, enum account_part part, const struct share *row);

/* All parts. limit: rows of each, but for days, which are always all; 0: all. */
int report_account_parts(struct report *r, struct str account, usec_t since, usec_t until,
			 int64_t limit, report_part_fn *fn, void *context, struct error *err);

enum top_what {
	TOP_ACCOUNTS,
	TOP_SCRIPTS,
	TOP_LOGINS,
	TOP_IPS,
	TOP_SENDERS, /* envelope senders */
	TOP_DOMAINS, /* of the recipients; volume counts those recipients only */
	TOP_COUNT
};
extern const char *const top_what_name[TOP_COUNT]; /* "accounts", ... */

/* Most messages first. Rows without the thing asked for are left out, but for
 * TOP_ACCOUNTS, where key "" is the mail nobody was found for. limit 0: all. */
int report_top(struct report *r, enum top_what what, usec_t since, usec_t until,
	       int64_t limit, report_share_fn *fn, void *context, struct error *err);

/* --- one message's story ------------------------------------------------ */

enum trace_role {
	TRACE_MATCH, /* has the id as queue id, alias or Message-ID */
	TRACE_PARENT, /* the message a match reports on */
	TRACE_CHILD /* reports on a match: bounce, delay notice */
};

struct report_trace {
	enum trace_role role;
	struct report_message row;
};

typedef bool report_trace_fn(void *context, const struct report_trace *row);

/* id: queue id (any of the message's) or Message-ID, with or without <>.
 * In order of time; each message once. */
int report_trace(struct report *r, struct str id, report_trace_fn *fn, void *context,
		 struct error *err);

/* --- PHP ----------------------------------------------------------------- */

struct php_filter {
	struct str account;
	bool unmatched; /* only those that no message followed */
	usec_t since, until;
	int64_t limit; /* 0: all */
};

typedef bool report_php_fn(void *context, const struct php_mail *row);

/* Newest first. */
int report_php(struct report *r, const struct php_filter *filter, report_php_fn *fn,
	       void *context, struct error *err);

/* --- findings ------------------------------------------------------------- */

struct finding_filter {
	struct str account;
	int first_case, last_case; /* enum finding_case, from and to; first -1: any */
	int severity; /* enum severity; -1 any */
	usec_t since, until; /* of the time it was raised */
	bool open; /* only those that are not closed */
	int64_t limit; /* 0: all */
};

/* Asks for everything. */
#define FINDING_FILTER_ALL ((struct finding_filter){ .first_case = -1, .severity = -1 })

typedef bool report_finding_fn(void *context, const struct finding *row);

/* Newest first. */
int report_findings(struct report *r, const struct finding_filter *filter,
		    report_finding_fn *fn, void *context, struct error *err);
/* The one with this id, if there is one. */
int report_finding(struct report *r, int64_t id, report_finding_fn *fn, void *context,
		   struct error *err);

/* --- the mail of one subject -------------------------------------------------- */

/* Members that are "" ask for nothing; one of them is given. */
struct report_subject {
	struct str account, login, script;
	bool by_scripts; /* without a login only */
};

typedef bool report_hour_fn(void *context, int64_t hour, const struct volume *volume);

/* Hours (since 1970) that have mail, oldest first. since and until are both given. */
int report_subject_hours(struct report *r, const struct report_subject *s, usec_t since,
			 usec_t until, report_hour_fn *fn, void *context, struct error *err);

typedef bool report_script_fn(void *context, struct str script, int64_t line,
			      const struct volume *volume);

/* Most recipients first. line: -1 unknown. */
int report_subject_scripts(struct report *r, const struct report_subject *s, usec_t since,
			   usec_t until, int64_t limit, report_script_fn *fn, void *context,
			   struct error *err);
/* queued: messages that have not left the queue. */
int report_subject_volume(struct report *r, const struct report_subject *s, usec_t since,
			  usec_t until, struct volume *out, int64_t *queued, struct error *err);
/* Recipients that a stream (core/stream.h) usually has in each hour of the day, UTC. 1;
 * 0: there is no such stream, and usual is all 0; -1. */
int report_usual(struct report *r, struct str stream_key, float usual[24], struct error *err);

/* --- alerts ----------------------------------------------------------------- */

struct alert;
struct action_row;
struct mute;

struct alert_filter {
	struct str account;
	bool open; /* only those that are not closed */
	usec_t since; /* changed since, by the clock */
	int64_t limit; /* 0: all */
};

/* findings: how many it has. waiting: rows of the outbox that wait or are held. */
typedef bool report_alert_fn(void *context, const struct alert *row, int64_t findings,
			     int64_t waiting);

/* Newest change first. */
int report_alerts(struct report *r, const struct alert_filter *filter, report_alert_fn *fn,
		  void *context, struct error *err);
/* The one with this id, if there is one. */
int report_alert(struct report *r, int64_t id, report_alert_fn *fn, void *context,
		 struct error *err);
/* The findings of an alert, oldest first. */
int report_alert_findings(struct report *r, int64_t alert, report_finding_fn *fn, void *context,
			  struct error *err);

struct alert_counts {
	int64_t opened, reopened, closed; /* since */
	int64_t open, acked; /* acked: of those that are open */
	int64_t muted; /* names that are muted now */
};

int report_alert_counts(struct report *r, usec_t since, usec_t now, struct alert_counts *out,
			struct error *err);

struct report_delivery {
	int64_t alert, version, change; /* enum alert_change */
	struct str channel, error; /* error: of the last try */
	int state; /* enum outbox_state */
	usec_t created, due, done;
	int64_t tries;
};
typedef bool report_delivery_fn(void *context, const struct report_delivery *row);

/* What was sent about an alert, or is to be, oldest first. */
int report_deliveries(struct report *r, int64_t alert, report_delivery_fn *fn, void *context,
		      struct error *err);

typedef bool report_mute_fn(void *context, const struct mute *row);
/* Those that go on at `now`, by kind and name. */
int report_mutes(struct report *r, usec_t now, report_mute_fn *fn, void *context,
		 struct error *err);

typedef bool report_action_fn(void *context, const struct action_row *row);
/* Newest first. alert 0: of all. limit 0: all. */
int report_actions(struct report *r, int64_t alert, int64_t limit, report_action_fn *fn,
		   void *context, struct error *err);

/* More messages than these of one alert are not told. */
#define REPORT_MAX_QUEUED 10000

struct report_queued {
	struct str queue_id;
	struct str aliases; /* list: further queue ids of it, as a filter makes them */
	usec_t time;
	int64_t recipients, waiting; /* waiting: pending or deferred */
	bool held; /* on hold, frozen */
};
typedef bool report_queued_fn(void *context, const struct report_queued *row);

/* The messages of an alert's findings that are still in the queue, as far as the log
 * says; oldest first. */
int report_queued(struct report *r, int64_t alert, report_queued_fn *fn, void *context,
		  struct error *err);

/* --- status -------------------------------------------------------------- */

struct report_status {
	int schema_version;
	int64_t bytes; /* of the database with its write-ahead log */
	int64_t messages, open, recipients, php; /* rows; messages and recipients by rollup */
	int64_t open_findings, streams;
	int64_t open_alerts, unsent; /* unsent: rows of the outbox that wait, or are held */
	int64_t lines, parsed, unknown, noise; /* sums over the sources */
	usec_t created, watermark; /* watermark: newest event time; 0 none */
	usec_t oldest; /* first line of the oldest message kept; 0 none */
};

int report_status(struct report *r, struct report_status *out, struct error *err);

struct report_source {
	struct str path;
	int64_t lines, parsed, unknown, noise, cut;
	usec_t last; /* time of the newest line; 0 none */
	bool has_position;
	uint64_t dev, ino; /* of the file last read under this path */
	int64_t offset; /* bytes taken */
	struct str cursor; /* of the last entry taken of a journal; "": it is none */
};

typedef bool report_source_fn(void *context, const struct report_source *row);

/* By path. */
int report_sources(struct report *r, report_source_fn *fn, void *context, struct error *err);

struct report_loss {
	struct str source, reporter; /* as struct loss */
	usec_t first, last;
	int64_t lines; /* -1 unknown */
};

typedef bool report_loss_fn(void *context, const struct report_loss *row);

/* Times within which counts are minimums, newest first, at most `limit`. */
int report_losses(struct report *r, int64_t limit, report_loss_fn *fn, void *context,
		  struct error *err);

struct report_unknown {
	struct str source, program;
	struct str shape; /* "": all of the program, or those over the bound */
	struct str sample;
	int64_t lines;
	usec_t time; /* of the sample */
	usec_t last; /* of the newest line of that shape */
};

typedef bool report_unknown_fn(void *context, const struct report_unknown *row);

/* Most lines first; a row for each program, or for each shape. */
int report_unknown(struct report *r, bool shapes, report_unknown_fn *fn, void *context,
		   struct error *err);

/* Mail for local domains that was only counted: key is the domain; by whole
 * hours (UTC) that touch the period. Most messages first. limit 0: all. */
int report_inbound(struct report *r, usec_t since, usec_t until, int64_t limit,
		   report_share_fn *fn, void *context, struct error *err);

#endif
