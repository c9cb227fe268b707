-- Connections to SMTP ports that programs of users opened themselves, past the mail server,
-- as a packet filter logged them. Conventions are those of 0001_init.sql.
CREATE TABLE direct (
	account INTEGER NOT NULL, -- 0: of a user that sites share
	hour INTEGER NOT NULL, -- since 1970
	uid INTEGER NOT NULL, -- -1: of many users
	port INTEGER NOT NULL,
	connections INTEGER NOT NULL, -- that were logged
	last INTEGER NOT NULL, -- the newest
	PRIMARY KEY (account, hour, uid, port)
) STRICT, WITHOUT ROWID;
CREATE INDEX direct_hour ON direct (hour);
