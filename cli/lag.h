/* How far behind a source is. */
#ifndef MAILAUDIT_CLI_LAG_H
#define MAILAUDIT_CLI_LAG_H

#include "schema/report.h"

/* Bytes in the file that have not been taken; -1: it is not the file that was
 * read, or cannot be seen. */
int64_t lag_of(const struct report_source *source);

#endif
