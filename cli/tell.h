/* What several commands tell alike: messages, PHP lines, volumes, findings. The column
 * tables here are the contract: keys are stable. */
#ifndef MAILAUDIT_CLI_TELL_H
#define MAILAUDIT_CLI_TELL_H

#include "cli/out.h"
#include "schema/report.h"

extern const struct out_column message_columns[];
/* The members of a record of message_columns. */
void tell_message(struct out *o, const struct report_message *row);

extern const struct out_column php_columns[];
/* The members of a record of php_columns. */
void tell_php(struct out *o, const struct php_mail *php);

extern const struct out_column finding_columns[];
/* How a table shows one finding with all its members. */
extern const struct out_section finding_sections[];
/* The members of a record of finding_columns. */
void tell_finding_row(struct out *o, const struct finding *f);

/* messages, recipients, then recipients by status. */
void tell_volume(struct out *o, const struct volume *volume);

/* Text of what became of all recipients: "sent", "bounced 1, sent 3"; without
 * recipients the message's state. buf holds at least 128 bytes. */
const char *tell_outcome(const struct message *m, char *buf);
/* Name for a value of an enum, STR_NONE for 0: unknown is told as null. */
struct str tell_name(const char *const *names, int value);

#endif
