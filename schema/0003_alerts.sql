-- What people were told, what they decided, and what was done. Conventions are those
-- of 0001_init.sql. Of these tables mailauditd (and import) writes only news; the
-- others are written by the command line, notify among it. Times are those of the
-- clock, not of the log, but for last_seen.

-- Findings that changed and of which people are to be told, written in the
-- transaction that wrote the finding, taken by notify.
CREATE TABLE news (
	finding INTEGER PRIMARY KEY,
	number INTEGER NOT NULL, -- of the commit
	due INTEGER NOT NULL -- not before: muted until then. 0: at once
) STRICT;
CREATE INDEX news_due ON news (due, number);

-- One row for each incident: core/alert.h.
CREATE TABLE alert (
	id INTEGER PRIMARY KEY,
	subject TEXT NOT NULL, -- "kind\nname"
	account TEXT, -- NULL: nobody
	version INTEGER NOT NULL,
	state INTEGER NOT NULL, -- enum alert_state
	severity INTEGER NOT NULL, -- enum severity
	verdict INTEGER NOT NULL, -- enum finding_case
	cases INTEGER NOT NULL, -- 1 << enum finding_case, all there were
	summary TEXT NOT NULL,
	messages INTEGER NOT NULL,
	recipients INTEGER NOT NULL,
	told_recipients INTEGER NOT NULL,
	opened INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	closed INTEGER, -- NULL: not
	reopened INTEGER, -- how often. NULL: 0
	acked INTEGER, -- NULL: not
	acked_by TEXT, -- NULL: nobody
	ack_note TEXT -- NULL: none
) STRICT;
CREATE INDEX alert_subject ON alert (subject, id);
CREATE INDEX alert_open ON alert (id) WHERE closed IS NULL;
CREATE INDEX alert_closed ON alert (closed) WHERE closed IS NOT NULL;

CREATE TABLE alert_finding (
	finding INTEGER PRIMARY KEY,
	alert INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_finding_alert ON alert_finding (alert);

-- What is to be sent, and what was: one row for each version and channel.
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY,
	alert INTEGER NOT NULL, -- 0: a digest or a summary
	version INTEGER NOT NULL,
	change INTEGER NOT NULL, -- enum alert_change
	channel TEXT NOT NULL, -- "mail", "owner", "webhook", "journal", "command"
	state INTEGER NOT NULL, -- enum outbox_state
	created INTEGER NOT NULL,
	due INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	done INTEGER, -- NULL: not
	error TEXT -- of the last try. NULL: none
) STRICT;
CREATE INDEX outbox_due ON outbox (due) WHERE state = 0;
CREATE INDEX outbox_held ON outbox (channel, id) WHERE state = 2;
CREATE INDEX outbox_done ON outbox (channel, done) WHERE done IS NOT NULL;
CREATE INDEX outbox_alert ON outbox (alert);

CREATE TABLE mute (
	kind TEXT NOT NULL, -- "account", "login", "script"
	name TEXT NOT NULL,
	until INTEGER NOT NULL,
	because TEXT NOT NULL,
	by TEXT NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- What was done about an alert: one row for each run of an action.
CREATE TABLE action (
	id INTEGER PRIMARY KEY,
	alert INTEGER NOT NULL,
	name TEXT NOT NULL, -- of its file in actions.d
	target TEXT NOT NULL, -- what it was done to: a login, a script, "" the queue
	state INTEGER NOT NULL, -- enum action_state
	automatic INTEGER, -- 1: by a rule. NULL: somebody asked for it
	by TEXT, -- who asked. NULL: nobody
	created INTEGER NOT NULL,
	started INTEGER, -- NULL: not yet
	undone INTEGER, -- NULL: not
	undone_by TEXT,
	steps TEXT, -- JSON: what was done, so that it can be undone. NULL: nothing yet
	output TEXT -- what the programs said, and errors. NULL: nothing
) STRICT;
CREATE INDEX action_waiting ON action (id) WHERE state = 0;
CREATE INDEX action_alert ON action (alert);
CREATE INDEX action_started ON action (started) WHERE started IS NOT NULL;

CREATE TABLE notify_meta (
	name TEXT PRIMARY KEY, -- "summary": when the last daily one was queued
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
