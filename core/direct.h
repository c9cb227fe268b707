/* Connections to SMTP ports that programs open by themselves, past the mail server: what a
 * packet filter logs of them. Counted by user, port and hour, and shown to the detector. */
#ifndef MAILAUDIT_CORE_DIRECT_H
#define MAILAUDIT_CORE_DIRECT_H

#include "base/map.h"
#include "core/batch.h"

/* Users, ports and hours that one commit tells apart; the rest is counted together: a log
 * that somebody can write to could name any uid. */
#define DIRECT_MAX 4096

struct directs {
	struct map counts; /* hour, uid and port -> struct direct_count, since the last commit */
};

void directs_batch(const struct directs *d, struct batch *b);
void directs_clear(struct directs *d);

#endif
