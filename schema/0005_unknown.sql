-- Lines nobody understood, by their shape (core/shape.h). Shape '' counts those of a
-- program that are over the bound, program '' those of a source.
CREATE TABLE unknown_shape (
	source TEXT NOT NULL,
	program TEXT NOT NULL,
	shape TEXT NOT NULL,
	lines INTEGER NOT NULL,
	sample TEXT NOT NULL, -- the first of them
	time INTEGER NOT NULL, -- of the sample
	last INTEGER NOT NULL, -- of the newest
	PRIMARY KEY (source, program, shape)
) STRICT, WITHOUT ROWID;

INSERT INTO unknown_shape (source, program, shape, lines, sample, time, last)
	SELECT source, program, '', lines, sample, time, time FROM unknown;
DROP TABLE unknown;
ALTER TABLE unknown_shape RENAME TO unknown;
