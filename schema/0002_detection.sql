-- What detection learned and found. Conventions are those of 0001_init.sql;
-- enums are those of core/finding.h.

-- One row for each way of sending mail that has habits of its own. A commit of
-- an import changes thousands of them: so the row is changed by its id, its key
-- and the key's index are written once, and nothing is indexed that changes.
CREATE TABLE stream (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE,
	state BLOB NOT NULL, -- core/stream.h
	last INTEGER NOT NULL -- newest observation
) STRICT;

-- Recipients a stream has written to, 32-bit hashes. A full chunk never changes.
CREATE TABLE stream_known (
	stream INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	chunk INTEGER NOT NULL,
	hashes BLOB NOT NULL,
	PRIMARY KEY (stream, generation, chunk)
) STRICT, WITHOUT ROWID;

-- One row for each suspicious run of a stream. Lists hold one item a line.
CREATE TABLE finding (
	id INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL,
	time INTEGER NOT NULL, -- raised
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	closed INTEGER, -- NULL: open
	reopened INTEGER, -- how often. NULL: 0
	severity INTEGER NOT NULL, -- enum severity
	verdict INTEGER NOT NULL, -- enum finding_case
	origin INTEGER, -- its instance is ''. NULL: no host
	account INTEGER, -- NULL: nobody
	login INTEGER, -- NULL: none
	script INTEGER, -- of path. NULL: none
	script_line INTEGER, -- NULL: unknown
	-- Scores of the families of evidence. NULL: 0
	score_volume REAL,
	score_origin REAL,
	score_delivery REAL,
	score_injection REAL,
	score_script REAL,
	score_identity REAL,
	messages INTEGER NOT NULL,
	recipients INTEGER NOT NULL,
	leaked_before INTEGER, -- NULL: 0
	novel INTEGER, -- NULL: 0
	results INTEGER, -- NULL: 0
	unknown_users INTEGER, -- NULL: 0
	spam_answers INTEGER, -- NULL: 0
	-- NULL: empty
	summary TEXT,
	evidence TEXT, -- list
	why TEXT, -- list
	advice TEXT, -- list
	sources TEXT, -- list
	answers TEXT, -- list
	queue_ids TEXT, -- list
	subjects TEXT -- list
) STRICT;
CREATE INDEX finding_time ON finding (time);
CREATE INDEX finding_account ON finding (account, time) WHERE account IS NOT NULL;
CREATE INDEX finding_open ON finding (time) WHERE closed IS NULL;

INSERT INTO meta (name, value) VALUES ('next_stream', 1), ('next_finding', 1), ('streams', 0);
