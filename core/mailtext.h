/* Header text as PHP's mail log shows it: line ends have become blanks. */
#ifndef MAILAUDIT_CORE_MAILTEXT_H
#define MAILAUDIT_CORE_MAILTEXT_H

#include "base/str.h"

/* The next address of a To, Cc or Bcc list, without name, brackets, comments;
 * eaten from *list. false: no more. An address may lack its domain. */
bool mailtext_address(struct str *list, struct str *address);
/* The next value of the named field ("Bcc") in logged headers, from *at on,
 * which moves behind it. It ends where another field's name begins. */
bool mailtext_field(struct str headers, struct str name, size_t *at, struct str *value);
/* The first Cc and the first Bcc, in one pass. */
void mailtext_copies(struct str headers, struct str *cc, struct str *bcc);
/* Message-ID of the logged headers without <>; "" if there is none. */
struct str mailtext_message_id(struct str headers);
/* Do both say the same, as far as logs that cut, unfold and escape let one
 * tell? An encoded or escaped text cannot be compared and counts as same. */
bool mailtext_alike(struct str a, struct str b);

#endif
