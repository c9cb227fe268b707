/* The files of an import: from what the command line names to inlets in the
 * order in which they are read, whatever order they were named in. */
#ifndef MAILAUDIT_CLI_GATHER_H
#define MAILAUDIT_CLI_GATHER_H

#include "cli/inlet.h"

/* Directories below one that was named. */
#define GATHER_MAX_DEPTH 16

struct gathered {
	struct inlet *inlets; /* by first line, then by name */
	size_t n;
	size_t left; /* that lie in a directory or archive and were not taken */
	bool damaged; /* an archive, or one of its members */
	bool quiet; /* say only what is damaged or cannot be read */
};

/* A name is a file, "-", a tar archive, a directory or, where nothing has that
 * name, a pattern of glob(7). Of directories and archives those files are
 * taken whose lines a parser knows; each is told on standard error, and why
 * another one was left. A file that is named is taken. */
int gather(struct gathered *g, char **names, int nnames, const struct inlet_options *options,
	   const struct settings *settings, struct error *err);
void gather_release(struct gathered *g);

#endif
