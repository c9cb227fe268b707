-- Fewer bytes and fewer statements a message. Why it is so: docs/decisions/0008-compact-rows.md.
-- Conventions are those of 0001_init.sql. The tables message_row, recipient_row and
-- php_row are told plainly by views with the names and columns they had before.
-- text_hash() and lookup_entry() are functions of schema/migrate.c.

-- Dictionaries that grow with the mail: found by 24 bits of the hash of their texts, so
-- that no text is kept twice. Who sends mail can make up texts of one hash where he knows how
-- it is made: so each database has a secret.
INSERT INTO meta (name, value) VALUES ('hash_secret', random() & 0x7fffffffffffffff);

CREATE TEMP TABLE domain_old AS SELECT * FROM domain;
DROP TABLE domain;
CREATE TABLE domain (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL) STRICT;
INSERT INTO domain SELECT id, text_hash((SELECT value FROM meta WHERE name = 'hash_secret'), text), text
	FROM domain_old;
DROP TABLE domain_old;
CREATE INDEX domain_hash ON domain (hash);

CREATE TEMP TABLE client_old AS SELECT * FROM client;
DROP TABLE client;
CREATE TABLE client (
	id INTEGER PRIMARY KEY,
	hash INTEGER NOT NULL,
	ip TEXT NOT NULL,
	name TEXT NOT NULL,
	helo TEXT NOT NULL
) STRICT;
INSERT INTO client SELECT id, text_hash((SELECT value FROM meta WHERE name = 'hash_secret'), ip, name, helo),
	ip, name, helo FROM client_old;
DROP TABLE client_old;
CREATE INDEX client_hash ON client (hash);

CREATE TEMP TABLE relay_old AS SELECT * FROM relay;
DROP TABLE relay;
CREATE TABLE relay (
	id INTEGER PRIMARY KEY,
	hash INTEGER NOT NULL,
	host TEXT NOT NULL,
	ip TEXT NOT NULL
) STRICT;
INSERT INTO relay SELECT id, text_hash((SELECT value FROM meta WHERE name = 'hash_secret'), host, ip), host, ip
	FROM relay_old;
DROP TABLE relay_old;
CREATE INDEX relay_hash ON relay (hash);

-- Header arguments of mail() without their Message-ID (char(1) in its place). Like
-- response: found by id only, shared within one day.
CREATE TABLE php_headers (
	id INTEGER PRIMARY KEY,
	day INTEGER NOT NULL,
	text TEXT NOT NULL
) STRICT;
CREATE INDEX php_headers_day ON php_headers (day);

-- Local parts of senders, and subjects, that came more than once within a day. Where they
-- are columns, the first time is a text, later ones are numbers of this table. Like
-- response.
CREATE TABLE word (
	id INTEGER PRIMARY KEY,
	day INTEGER NOT NULL,
	text TEXT NOT NULL
) STRICT;
CREATE INDEX word_day ON word (day);

-- Queue ids, aliases and Message-IDs. An entry is 24 bits of the hash of the id, and the
-- message. Commits add to lookup_tail; when that is long enough, it becomes a run, sorted
-- into parts by the high 8 bits of the hashes. Numbers are little endian.
CREATE TABLE lookup_tail (
	id INTEGER PRIMARY KEY,
	first INTEGER NOT NULL, -- the lowest of its messages
	last INTEGER NOT NULL, -- the highest
	entries BLOB NOT NULL -- 3 bytes of hash, 5 of message
) STRICT;
INSERT INTO lookup_tail (first, last, entries)
	SELECT message, message, CAST(lookup_entry(key & 0xffffff, message) AS BLOB) FROM lookup
	ORDER BY message;
DROP TABLE lookup;
CREATE TABLE lookup_run (
	id INTEGER PRIMARY KEY,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL
) STRICT;
CREATE TABLE lookup (
	part INTEGER PRIMARY KEY, -- run << 8 | high 8 bits of the hash
	entries BLOB NOT NULL -- 2 bytes of hash, 3 of message - first; 5 in a run as wide as 2^24
) STRICT;

CREATE TABLE message_row (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	took INTEGER,
	-- 3 bits each: channel, via, state, direction; 2: place of the recipient in this row;
	-- 1: ambiguous; 1: there is a row of message_more
	kind INTEGER NOT NULL,
	origin INTEGER NOT NULL,
	queue_id TEXT NOT NULL,
	account INTEGER,
	login INTEGER,
	user INTEGER,
	uid INTEGER,
	client INTEGER,
	cwd INTEGER,
	script INTEGER,
	script_line INTEGER,
	php INTEGER, -- of php_row
	sender_local ANY, -- a number: of word
	sender_domain INTEGER,
	subject ANY, -- 0: that of its PHP call; another number: of word
	-- The Message-ID: before and behind its last @. A blob: hexadecimal digits. A
	-- number: seconds since the message's time, written as YYYYMMDDHHMMSS, a dot, and
	-- the queue id. char(1) in a text: the queue id. Domain NULL: the sender's; 0: all
	-- of it is in message_id, as it is.
	message_id ANY,
	message_domain INTEGER,
	size INTEGER,
	recipients INTEGER NOT NULL,
	-- Recipients that were not sent to: 1 for each that bounced, 5001 rejected, 5001^2
	-- deferred, 5001^3 pending, 5001^4 expired. NULL: 0
	unsent INTEGER,
	-- Its recipient, if there is one only and no other address led to it; else
	-- rcpt_local is NULL and recipient_row has them.
	rcpt_local TEXT,
	rcpt_domain INTEGER,
	dsn TEXT,
	relay INTEGER,
	response INTEGER,
	delay INTEGER, -- of the last statement, from time + took, or from time while in the queue
	evidence TEXT,
	work TEXT
) STRICT;

-- What few messages have.
CREATE TABLE message_more (
	message INTEGER PRIMARY KEY,
	parent_id TEXT,
	parent INTEGER,
	rcpt_dropped INTEGER,
	aliases TEXT
) STRICT;
INSERT INTO message_more SELECT id, parent_id, parent, rcpt_dropped, aliases FROM message
	WHERE parent_id IS NOT NULL OR parent IS NOT NULL OR rcpt_dropped IS NOT NULL
	OR aliases IS NOT NULL;

INSERT INTO message_row SELECT m.id, m.time, m.took,
	m.channel + 8 * m.via + 64 * coalesce(m.state, 1) + 512 * coalesce(m.direction, 1)
		+ 4096 * iif(r.local IS NULL, 0, coalesce(r.place, 2))
		+ 16384 * coalesce(m.ambiguous, 0) + 32768 * (x.message IS NOT NULL),
	m.origin, m.queue_id, m.account, m.login, m.user, m.uid, m.client, m.cwd, m.script,
	m.script_line, m.php, m.sender_local, m.sender_domain, m.subject, m.message_id,
	iif(m.message_id IS NULL, NULL, 0), m.size, m.recipients,
	nullif(coalesce(m.bounced, 0) + 5001 * (coalesce(m.rejected, 0)
		+ 5001 * (coalesce(m.deferred, 0) + 5001 * (coalesce(m.pending, 0)
		+ 5001 * coalesce(m.expired, 0)))), 0),
	r.local, r.domain, r.dsn, r.relay, r.response, r.delay - coalesce(m.took, 0),
	m.evidence, m.work
	FROM message m LEFT JOIN message_more x ON x.message = m.id
	LEFT JOIN recipient r ON r.message = m.id AND m.recipients = 1 AND r.orig_to IS NULL
	ORDER BY m.id;
DROP TABLE message;
CREATE INDEX message_account ON message_row (time / 3600000000, account)
	WHERE account IS NOT NULL;
CREATE INDEX message_parent ON message_more (parent) WHERE parent IS NOT NULL;
CREATE INDEX message_work ON message_row (id) WHERE work IS NOT NULL;
CREATE INDEX message_slow ON message_row (time + took) WHERE took > 3600000000;

CREATE TABLE recipient_row (
	message INTEGER NOT NULL,
	n INTEGER NOT NULL,
	local TEXT NOT NULL,
	domain INTEGER,
	orig_to TEXT,
	status INTEGER,
	place INTEGER,
	dsn TEXT,
	relay INTEGER,
	response INTEGER,
	delay INTEGER, -- from the message's time
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;
INSERT INTO recipient_row SELECT r.* FROM recipient r JOIN message_row m ON m.id = r.message
	WHERE m.rcpt_local IS NULL ORDER BY r.message, r.n;
DROP TABLE recipient;

CREATE TABLE php_row (
	id INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	state INTEGER,
	flags INTEGER, -- 1 eval, 2 tenant, 4 ambiguous, 8 headers have no Message-ID left out. NULL: 0
	origin INTEGER NOT NULL,
	account INTEGER,
	script INTEGER,
	script_line INTEGER,
	rcpt_local TEXT, -- To: all of it, or what stands before the last @
	rcpt_domain INTEGER, -- NULL: all of it is in rcpt_local
	subject ANY, -- a number: of word
	headers INTEGER, -- of php_headers
	message_id ANY, -- as in message_row
	message_domain INTEGER, -- 0 or NULL: all of it is in message_id
	uid INTEGER,
	pid INTEGER,
	message INTEGER -- of message_row
) STRICT;
INSERT INTO php_headers (id, day, text)
	SELECT id, time / 86400000000, headers FROM php_mail WHERE headers IS NOT NULL;
INSERT INTO php_row SELECT id, time, state,
	nullif(coalesce(eval, 0) + 2 * coalesce(tenant, 0) + 4 * coalesce(ambiguous, 0)
		+ iif(headers IS NULL, 0, 8), 0),
	origin, account, script, script_line, rcpt, NULL, subject, iif(headers IS NULL, NULL, id),
	message_id, iif(message_id IS NULL, NULL, 0), uid, pid, message FROM php_mail ORDER BY id;
DROP TABLE php_mail;
CREATE INDEX php_account ON php_row (time / 3600000000, account) WHERE account IS NOT NULL;
CREATE INDEX php_open ON php_row (state, id) WHERE state IS NOT NULL;

CREATE VIEW message (id, time, took, origin, queue_id, state, direction, channel, account, via,
	ambiguous, login, user, uid, client, cwd, script, script_line, php, sender_local,
	sender_domain, subject, message_id, size, parent_id, parent, recipients, rcpt_dropped,
	pending, deferred, bounced, expired, rejected, aliases, evidence, work) AS
SELECT m.id, m.time, m.took, m.origin, m.queue_id, nullif(m.kind >> 6 & 7, 1),
	nullif(m.kind >> 9 & 7, 1), m.kind & 7, m.account, m.kind >> 3 & 7,
	nullif(m.kind >> 14 & 1, 0), m.login, m.user, m.uid, m.client, m.cwd, m.script,
	m.script_line, m.php, coalesce(v.text, m.sender_local), m.sender_domain,
	nullif(coalesce(b.text, q.subject, m.subject), 0),
	CASE typeof(m.message_id)
		WHEN 'integer' THEN strftime('%Y%m%d%H%M%S', m.time / 1000000 + m.message_id,
			'unixepoch') || '.' || m.queue_id
		WHEN 'blob' THEN lower(hex(m.message_id))
		ELSE iif(m.message_domain = 0, m.message_id,
			replace(m.message_id, char(1), m.queue_id)) END
		|| coalesce('@' || d.text, ''),
	m.size, x.parent_id, x.parent, m.recipients, x.rcpt_dropped,
	nullif(m.unsent / 125075015001 % 5001, 0), nullif(m.unsent / 25010001 % 5001, 0),
	nullif(m.unsent % 5001, 0), nullif(m.unsent / 625500150020001, 0),
	nullif(m.unsent / 5001 % 5001, 0), x.aliases, m.evidence, m.work
FROM message_row m LEFT JOIN message_more x ON x.message = m.id
	LEFT JOIN word v ON v.id = m.sender_local AND typeof(m.sender_local) = 'integer'
	LEFT JOIN php_row q ON q.id = m.php AND m.subject IS 0
	LEFT JOIN word b ON b.id = coalesce(q.subject, m.subject)
		AND typeof(coalesce(q.subject, m.subject)) = 'integer'
	LEFT JOIN domain d ON m.message_id IS NOT NULL
		AND d.id = coalesce(m.message_domain, m.sender_domain);

CREATE VIEW recipient (message, n, local, domain, orig_to, status, place, dsn, relay, response,
	delay) AS
SELECT message, n, local, domain, orig_to, status, place, dsn, relay, response, delay
	FROM recipient_row
UNION ALL
SELECT id, 0, rcpt_local, rcpt_domain, NULL,
	CASE unsent WHEN 1 THEN 3 WHEN 5001 THEN 5 WHEN 25010001 THEN 2 WHEN 125075015001 THEN 0
		WHEN 625500150020001 THEN 4 END,
	nullif(kind >> 12 & 3, 2), dsn, relay, response, delay + coalesce(took, 0)
	FROM message_row WHERE rcpt_local IS NOT NULL;

CREATE VIEW php_mail (id, time, state, origin, account, script, script_line, eval, tenant,
	ambiguous, rcpt, subject, headers, message_id, uid, pid, message) AS
SELECT p.id, p.time, p.state, p.origin, p.account, p.script, p.script_line, nullif(p.flags & 1, 0),
	nullif(p.flags >> 1 & 1, 0), nullif(p.flags >> 2 & 1, 0),
	p.rcpt_local || coalesce('@' || r.text, ''), coalesce(b.text, p.subject),
	iif(p.flags & 8 OR p.message_id IS NULL, h.text, replace(h.text, char(1),
		iif(typeof(p.message_id) = 'blob', lower(hex(p.message_id)), p.message_id)
		|| coalesce('@' || d.text, ''))),
	iif(typeof(p.message_id) = 'blob', lower(hex(p.message_id)), p.message_id)
		|| coalesce('@' || d.text, ''),
	p.uid, p.pid, p.message
FROM php_row p LEFT JOIN domain r ON r.id = p.rcpt_domain
	LEFT JOIN word b ON b.id = p.subject AND typeof(p.subject) = 'integer'
	LEFT JOIN domain d ON d.id = p.message_domain LEFT JOIN php_headers h ON h.id = p.headers;
