/* Handing finished mails to a mail server: sendmail(8), or SMTP where alerts.smtp is set. */
#ifndef MAILAUDIT_NOTIFY_TRANSPORT_H
#define MAILAUDIT_NOTIFY_TRANSPORT_H

#include "notify/channel.h"

bool transport_is_set_up(const struct settings *s);
/* mail: RFC 5322, any line ends. from, to: checked addresses; of this host where they have no
 * domain. HANDED_OVER with *err filled: some did not get it. */
enum handed transport_send(const struct settings *s, struct str mail, const char *from,
			   const struct string_list *to, struct error *err);

#endif
