/* Where mail for an account's owner goes. */
#ifndef MAILAUDIT_NOTIFY_OWNER_H
#define MAILAUDIT_NOTIFY_OWNER_H

#include "base/arena.h"
#include "base/error.h"
#include "core/settings.h"

#define OWNER_MAX_FILE (4 << 20)

/* The address in the map alerts.owners, else the user of this host. "": nobody is to be
 * written to, since the name is not one a mail program can be given; err->code is then 0,
 * or says why the map could not be read. */
struct str owner_address(const struct settings *s, struct str account, struct arena *to,
			 struct error *err);

#endif
