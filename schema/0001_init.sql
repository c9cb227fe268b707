-- The first layout. Why it is so: docs/decisions/0003-schema.md.
--
-- Times are microseconds since 1970 UTC. Numbers of enums are those of
-- core/message.h and core/event.h. A column is NULL when its value is the usual
-- one, given behind "NULL:". References are by id; nothing enforces them, and
-- dictionary entries outlive the rows that used them.
-- Text is log bytes: any byte can be in it, also NUL and invalid UTF-8.

-- Dictionaries: what repeats is written once.
CREATE TABLE account (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE login (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE path (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE domain (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE origin (
	id INTEGER PRIMARY KEY,
	host TEXT NOT NULL,
	instance TEXT NOT NULL,
	UNIQUE (host, instance)
) STRICT;
CREATE TABLE client (
	id INTEGER PRIMARY KEY,
	ip TEXT NOT NULL,
	name TEXT NOT NULL,
	helo TEXT NOT NULL,
	UNIQUE (ip, name, helo)
) STRICT;
CREATE TABLE relay (
	id INTEGER PRIMARY KEY,
	host TEXT NOT NULL,
	ip TEXT NOT NULL,
	UNIQUE (host, ip)
) STRICT;
-- Answers of remote servers are found by id only and shared within one day, so
-- they need no index on hostile text and can be deleted by day.
CREATE TABLE response (
	id INTEGER PRIMARY KEY,
	day INTEGER NOT NULL, -- of the newest event when it was written
	text TEXT NOT NULL
) STRICT;
CREATE INDEX response_day ON response (day);

-- One row for each queued message. Ids grow with the time it was first seen.
CREATE TABLE message (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL, -- first seen
	took INTEGER, -- until it left the queue. NULL: still in it
	origin INTEGER NOT NULL,
	queue_id TEXT NOT NULL,
	state INTEGER, -- enum message_state. NULL: MSG_DONE
	direction INTEGER, -- enum direction. NULL: DIR_OUTBOUND
	channel INTEGER NOT NULL, -- enum channel
	account INTEGER, -- NULL: nobody
	via INTEGER NOT NULL, -- enum via
	ambiguous INTEGER, -- 1. NULL: no
	login INTEGER, -- SASL. NULL: none
	user INTEGER, -- of login; Exim's U=. NULL: none
	uid INTEGER, -- NULL: unknown
	client INTEGER, -- NULL: no ip, name and helo
	cwd INTEGER, -- of path. NULL: unknown
	script INTEGER, -- of path. NULL: none
	script_line INTEGER, -- NULL: unknown
	php INTEGER, -- php_mail. NULL: none
	sender_local TEXT, -- '' without domain: <>. NULL: unknown
	sender_domain INTEGER, -- NULL: the sender has no @
	subject TEXT, -- NULL: unknown
	message_id TEXT, -- NULL: unknown
	size INTEGER, -- NULL: unknown
	parent_id TEXT, -- queue id of what it reports on. NULL: none
	parent INTEGER, -- message. NULL: none
	recipients INTEGER NOT NULL, -- rows of recipient
	rcpt_dropped INTEGER, -- more, not kept. NULL: 0
	-- Recipients by status; those that are left were sent. NULL: 0
	pending INTEGER,
	deferred INTEGER,
	bounced INTEGER,
	expired INTEGER,
	rejected INTEGER,
	aliases TEXT, -- further queue ids, one a line. NULL: none
	evidence TEXT, -- logged headers it was attributed by. NULL: none, or in work
	work TEXT -- what its end still needs. NULL: closed and not waiting
) STRICT;
-- Hours in which an account has messages are known from hourly, so that a small
-- bucket costs a search nothing and keeps writing within a few pages.
CREATE INDEX message_account ON message (time / 3600000000, account)
	WHERE account IS NOT NULL;
CREATE INDEX message_parent ON message (parent) WHERE parent IS NOT NULL;
-- For the restart: what is open, and what closed long after it was first seen.
CREATE INDEX message_work ON message (id) WHERE work IS NOT NULL;
CREATE INDEX message_slow ON message (time + took) WHERE took > 3600000000;

CREATE TABLE recipient (
	message INTEGER NOT NULL,
	n INTEGER NOT NULL, -- 0, 1, 2 ...
	local TEXT NOT NULL, -- before the last @
	domain INTEGER, -- NULL: the address has no @
	orig_to TEXT, -- NULL: none
	status INTEGER, -- enum rcpt_status. NULL: RCPT_SENT
	place INTEGER, -- enum rcpt_place. NULL: PLACE_REMOTE
	dsn TEXT, -- NULL: 2.0.0
	relay INTEGER, -- NULL: none
	response INTEGER, -- kept for what was not sent. NULL: none
	delay INTEGER, -- of the last statement, from the message's time. NULL: unknown
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE php_mail (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	state INTEGER, -- enum php_state. NULL: PHP_MATCHED
	origin INTEGER NOT NULL, -- its instance is ''
	account INTEGER, -- NULL: unknown
	script INTEGER, -- of path. NULL: unknown
	script_line INTEGER, -- NULL: unknown
	eval INTEGER, -- 1. NULL: no
	tenant INTEGER, -- 1. NULL: no
	ambiguous INTEGER, -- 1. NULL: no
	rcpt TEXT, -- To: as written. NULL: none
	subject TEXT, -- NULL: none
	headers TEXT, -- NULL: none
	message_id TEXT, -- NULL: none
	uid INTEGER, -- NULL: unknown
	pid INTEGER, -- NULL: unknown
	message INTEGER -- NULL: none
) STRICT;
CREATE INDEX php_account ON php_mail (time / 3600000000, account)
	WHERE account IS NOT NULL;
CREATE INDEX php_open ON php_mail (state, id) WHERE state IS NOT NULL;

-- In place of an index on time: the ranges of ids that hold the rows of one
-- minute. Ranges of one minute do not overlap each other, but can overlap those
-- of other minutes.
CREATE TABLE minute (
	what INTEGER NOT NULL, -- 0 message, 1 php_mail
	minute INTEGER NOT NULL, -- time / 60000000
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (what, minute, first)
) STRICT, WITHOUT ROWID;

-- Queue ids, aliases and Message-IDs: hour of the message << 24 | 24 bits of
-- the hash of the id, so that keys grow with time.
CREATE TABLE lookup (
	key INTEGER NOT NULL,
	message INTEGER NOT NULL,
	PRIMARY KEY (key, message)
) STRICT, WITHOUT ROWID;

-- Bloom filter of the recipients of 4096 message ids.
CREATE TABLE sieve (
	chunk INTEGER PRIMARY KEY, -- message id / 4096
	bits BLOB NOT NULL
) STRICT;

-- Sums of message by account; account 0: nobody.
CREATE TABLE hourly (
	day INTEGER NOT NULL, -- hour / 24
	account INTEGER NOT NULL,
	hour INTEGER NOT NULL, -- time / 3600000000
	messages INTEGER NOT NULL,
	recipients INTEGER NOT NULL,
	pending INTEGER NOT NULL,
	deferred INTEGER NOT NULL,
	bounced INTEGER NOT NULL,
	expired INTEGER NOT NULL,
	rejected INTEGER NOT NULL,
	PRIMARY KEY (day, account, hour)
) STRICT, WITHOUT ROWID;

-- Mail for local domains that is only counted.
CREATE TABLE inbound (
	hour INTEGER NOT NULL, -- time / 3600000000
	domain INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	recipients INTEGER NOT NULL,
	PRIMARY KEY (hour, domain)
) STRICT, WITHOUT ROWID;

CREATE TABLE unknown (
	source TEXT NOT NULL,
	program TEXT NOT NULL,
	lines INTEGER NOT NULL,
	sample TEXT NOT NULL,
	time INTEGER NOT NULL, -- of the sample
	PRIMARY KEY (source, program)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
	path TEXT PRIMARY KEY,
	lines INTEGER NOT NULL,
	parsed INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	noise INTEGER NOT NULL,
	cut INTEGER NOT NULL,
	last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far each file was read: one row for each content seen, the one that is
-- now under its path being the current one.
CREATE TABLE position (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL,
	current INTEGER NOT NULL, -- 1 or 0
	dev INTEGER NOT NULL,
	ino INTEGER NOT NULL,
	head_n INTEGER NOT NULL,
	head_hash INTEGER NOT NULL,
	offset INTEGER NOT NULL,
	near INTEGER NOT NULL,
	seen INTEGER NOT NULL -- number of the commit
) STRICT;
CREATE UNIQUE INDEX position_path ON position (path) WHERE current = 1;
CREATE INDEX position_content ON position (head_n, head_hash);
CREATE INDEX position_seen ON position (seen) WHERE current = 0;

CREATE TABLE note (
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	time INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- created, watermark, next_message, next_php, commits; messages, recipients,
-- php: rows there are.
CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
