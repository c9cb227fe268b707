/* The channels there are: the rows of channels.def.
 *
 * Invariant: in the order of the file. What one does is in its channel_NAME.c. */
#include "notify/channel.h"

const struct notify_channel *const all_channels[] = {
#define CHANNEL(name) &channel_##name,
#include "notify/channels.def"
#undef CHANNEL
	NULL
};

const struct notify_channel *channel_find(struct str name)
{
	for (const struct notify_channel *const *c = all_channels; *c; c++)
		if (str_eq(name, str_of((*c)->name)))
			return *c;
	return NULL;
}
