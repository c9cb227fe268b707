/* A way to tell somebody of an alert: one file each, listed in channels.def. */
#ifndef MAILAUDIT_NOTIFY_CHANNEL_H
#define MAILAUDIT_NOTIFY_CHANNEL_H

#include "core/alert.h"
#include "core/settings.h"
#include "notify/tree.h"

enum handed {
	HANDED_OVER,
	HANDED_LATER, /* the other side is down, or refuses for now, or the settings are wrong,
		       * which somebody can put right: try again */
	HANDED_NEVER /* refused for good: the same again would be refused again */
};

struct handover {
	const struct settings *settings;
	const struct tree *facts; /* notify/facts.h */
	int64_t alert, version;
	enum alert_change change;
	const char *message_id; /* without <>: the same for each try of a version */
	usec_t now;
};

struct notify_channel {
	const char *name; /* in table outbox */
	bool (*wanted)(const struct settings *s); /* is it set up? */
	bool ends; /* is told when an alert goes quiet or is closed, too */
	bool is_mail; /* counts against alerts.per_hour */
	bool only_opened; /* is told of the first version only */
	/* *err: why not, for HANDED_LATER and HANDED_NEVER. HANDED_OVER leaves it alone, or
	 * says who of several was left out. */
	enum handed (*hand_over)(const struct handover *h, struct error *err);
};

#define CHANNEL(name) extern const struct notify_channel channel_##name;
#include "notify/channels.def"
#undef CHANNEL

extern const struct notify_channel *const all_channels[]; /* ends with NULL */
const struct notify_channel *channel_find(struct str name); /* NULL: none */

#endif
