/* From findings that changed to alerts, and to what is to be sent and done. */
#ifndef MAILAUDIT_NOTIFY_INCIDENT_H
#define MAILAUDIT_NOTIFY_INCIDENT_H

#include "core/settings.h"
#include "notify/action.h"
#include "schema/decide.h"

struct incidents {
	struct decide *decide;
	const struct settings *settings;
	const struct actions *actions;
	usec_t now; /* the clock */
};

/* Takes what is in table news: alerts, outbox and actions are brought up to date in
 * the transaction that forgets the news. Returns how many it took (then there may be
 * more), 0: nothing was due; -1. */
int incidents_take(const struct incidents *in, struct error *err);
/* Alerts that become quiet by time alone. */
int incidents_sweep(const struct incidents *in, struct error *err);

#endif
