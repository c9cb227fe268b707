/* Alerts for a program of this host: the facts as JSON on its standard input.
 *
 * Invariant: its argv is the setting's, nothing of the alert is in it. Whether it is worth
 * another try is the caller's ceiling of tries to say: no exit status means never. */
#include "notify/channel.h"

#include <stdlib.h>

#include "notify/child.h"

#define COMMAND_TIMEOUT (30 * USEC_SECOND)

static bool wanted(const struct settings *s)
{
	return s->alerts.command.n > 0;
}

static const char **argv_of(const struct string_list *words)
{
	const char **argv = xcalloc(words->n + 1, sizeof(*argv));

	for (size_t i = 0; i < words->n; i++)
		argv[i] = words->at[i];
	return argv;
}

static enum handed hand_over(const struct handover *h, struct error *err)
{
	char *json = tree_json(h->facts);
	const char **argv = argv_of(&h->settings->alerts.command);
	struct child c = { .argv = argv, .input = str_of(json), .timeout = COMMAND_TIMEOUT };
	enum handed result = HANDED_LATER;

	if (child_run(&c, err) == 0) {
		if (c.status == 0)
			result = HANDED_OVER;
		else
			child_complain(&c, err);
	}
	free(argv);
	free(json);
	return result;
}

const struct notify_channel channel_command = {
	.name = "command",
	.wanted = wanted,
	.ends = true,
	.hand_over = hand_over,
};
