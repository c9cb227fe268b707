/* hand_over: one hand-over of one channel, as mailaudit notify makes it.
 *
 *   hand_over CONFIG CHANNEL [ALERT VERSION CHANGE] <FACTS.json
 *   hand_over CONFIG transport <MAIL
 *
 * Prints "over", "later" or "never", and behind a blank what the channel says. Exits 0, or
 * 64 for what it was not told well, 78 for what the settings do not ask for. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "notify/channel.h"
#include "notify/transport.h"

#define INPUT_MAX (16 << 20)

static struct str read_input(void)
{
	char *text = xmalloc(INPUT_MAX);

	return (struct str){ text, fread(text, 1, INPUT_MAX, stdin) };
}

static struct tree *read_facts(struct str text)
{
	struct tree *facts = tree_parse(text);

	if (!facts)
		die(EXIT_USAGE, "standard input is no JSON object");
	return facts;
}

static enum alert_change change_of(const char *name)
{
	for (int i = CHANGE_NONE; i <= CHANGE_CLOSED; i++)
		if (strcmp(alert_change_name[i], name) == 0)
			return (enum alert_change)i;
	die(EXIT_USAGE, "no change '%s'", name);
}

static int64_t number_of(const char *text)
{
	int64_t n;

	if (!str_int(str_of(text), &n))
		die(EXIT_USAGE, "'%s' is no number", text);
	return n;
}

static void say(enum handed result, const struct error *err)
{
	static const char *const names[] = { "over", "later", "never" };

	printf("%s%s%s\n", names[result], *err->text ? " " : "", err->text);
}

static void take_arguments(struct handover *h, int argc, char **argv)
{
	if (argc == 6) {
		h->alert = number_of(argv[3]);
		h->version = number_of(argv[4]);
		h->change = change_of(argv[5]);
	}
	h->message_id = "12.1.0d38439eaf93487f@host.example";
	h->now = time(NULL) * USEC_SECOND;
}

static enum handed by_channel(struct handover *h, const char *name, struct str input,
			      struct error *err)
{
	const struct notify_channel *channel = channel_find(str_of(name));
	struct tree *facts = read_facts(input);
	enum handed result;

	if (!channel)
		die(EXIT_USAGE, "no channel '%s'", name);
	if (!channel->wanted(h->settings))
		die(EXIT_CONFIG, "the settings do not ask for this channel");
	h->facts = facts;
	result = channel->hand_over(h, err);
	tree_free(facts);
	return result;
}

int main(int argc, char **argv)
{
	struct handover h = { .alert = 12, .version = 1, .change = CHANGE_OPENED };
	struct error err = { .code = 0 };
	struct settings *s;
	struct str input;

	if (argc != 3 && argc != 6)
		die(EXIT_USAGE, "usage: hand_over CONFIG CHANNEL [ALERT VERSION CHANGE]");
	signal(SIGPIPE, SIG_IGN);
	h.settings = s = settings_load(argv[1], &err);
	if (!s)
		die(err.code, "%s", err.text);
	take_arguments(&h, argc, argv);
	input = read_input();
	if (strcmp(argv[2], "transport") == 0)
		say(transport_send(s, input, s->alerts.from, &s->alerts.to, &err), &err);
	else
		say(by_channel(&h, argv[2], input, &err), &err);
	free((char *)(uintptr_t)input.p);
	settings_free(s);
	return 0;
}
