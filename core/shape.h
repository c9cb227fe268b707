/* The shape of a line: what is left when numbers, ids, names, addresses and quoted
 * text are replaced, so that lines of one kind look alike. For grouping lines that
 * nobody understood. */
#ifndef MAILAUDIT_CORE_SHAPE_H
#define MAILAUDIT_CORE_SHAPE_H

#include "base/str.h"

#define SHAPE_MAX 160 /* bytes; what is longer ends in "..." */

/* Into buf (SHAPE_MAX bytes). Printable ASCII, never empty. A word stands for itself,
 * N for a number, @ for an address, / for a path, * for what is else no plain word. */
struct str shape_of(struct str body, char *buf);

#endif
