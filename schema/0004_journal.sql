-- Journals, and what was lost. Conventions are those of 0001_init.sql.

-- How far each journal was read; written in the transaction of the rows.
CREATE TABLE journal (
	name TEXT PRIMARY KEY, -- a followed or imported directory; "file HEX": a file, by its id
	cursor TEXT NOT NULL, -- of the last entry read, as journald names it
	first INTEGER NOT NULL, -- number of the first entry read of the journal the cursor is in
	near INTEGER NOT NULL -- time of that last entry
) STRICT, WITHOUT ROWID;

-- Times within which lines were lost, by what the syslog daemon says, or because the
-- journal was shortened before it was read: counts are minimums there.
CREATE TABLE loss (
	id INTEGER PRIMARY KEY,
	source TEXT NOT NULL,
	reporter TEXT NOT NULL, -- program; "mailaudit": a gap that we saw
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	lines INTEGER NOT NULL -- 0: nobody knows
) STRICT;
CREATE INDEX loss_last ON loss (source, reporter, last);
