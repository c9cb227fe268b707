/* anchors: what other people's rules would have found in the same traffic.
 *
 * Reads the events.bin of generate and writes one file of findings per rule, as `mailaudit
 * findings --format jsonl` would, for tests/sim/score. Each rule is given the most favourable
 * reading of its source: it counts recipients, sees both logins and scripts where it can, and
 * alarms at once. Invariant: one finding per key of a rule and 24 hours. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/map.h"
#include "base/stamp.h"
#include "tests/sim/events.h"

enum of { OF_ACCOUNT, OF_IP, OF_SCRIPT };
enum what {
	RECIPIENTS,
	COUNTRIES,
	ADDRESSES,
	UNKNOWN, /* recipients that do not exist */
	FAILURES, /* failed and deferred, and at least the share of all */
	LOGINS_AND_NETS /* more than the threshold, from more than five /16 */
};

/* LOGINS: events with a login; BOTH: scripts, too. */
enum { LOGINS = 1 << EVENT_LOGIN, SCRIPTS = 1 << EVENT_SCRIPT, BOTH = LOGINS | SCRIPTS };

static const struct rule {
	const char *name;
	unsigned events;
	enum of of;
	enum what what;
	usec_t window;
	bool tumbling; /* the counter is set back each window, else it slides */
	double above;
} rules[] = {
	/* csf/lfd: RT_AUTHRELAY_LIMIT and its like, per address, local ones per uid */
	{ "lfd", LOGINS, OF_IP, RECIPIENTS, USEC_HOUR, true, 100 },
	{ "lfd", SCRIPTS, OF_ACCOUNT, RECIPIENTS, USEC_HOUR, true, 100 },
	{ "lfd-script", SCRIPTS, OF_SCRIPT, RECIPIENTS, USEC_HOUR, true, 100 },
	{ "vnet", LOGINS, OF_ACCOUNT, COUNTRIES, USEC_DAY, false, 5 },
	{ "pcc", LOGINS, OF_ACCOUNT, COUNTRIES, USEC_DAY, false, 2 },
	{ "saslpolicyd", LOGINS, OF_ACCOUNT, ADDRESSES, USEC_HOUR, false, 30 },
	{ "saslpolicyd", LOGINS, OF_ACCOUNT, RECIPIENTS, USEC_HOUR, false, 1000 },
	{ "exim-wiki", LOGINS, OF_ACCOUNT, ADDRESSES, USEC_DAY, false, 10 },
	{ "dgeo", LOGINS, OF_ACCOUNT, LOGINS_AND_NETS, USEC_DAY, false, 80 },
	{ "lena", BOTH, OF_ACCOUNT, UNKNOWN, USEC_HOUR, false, 100 },
	{ "cpanel", BOTH, OF_ACCOUNT, FAILURES, USEC_HOUR, true, 4 },
	{ "500-hour", BOTH, OF_ACCOUNT, RECIPIENTS, USEC_HOUR, false, 500 },
	{ "500-day", BOTH, OF_ACCOUNT, RECIPIENTS, USEC_DAY, false, 500 },
};

#define NRULES (sizeof(rules) / sizeof(*rules))
#define CPANEL_SHARE 0.38
#define DGEO_NETS 5

struct item {
	usec_t time;
	uint32_t value, weight;
};

/* What a rule remembers of one key. */
struct counter {
	struct item *items; /* of distinct values: each once, with its last time */
	size_t first, n, room;
	uint64_t sum;
	usec_t started, alarmed;
	uint64_t messages;
};

static struct map counters[NRULES];
static FILE *outputs[NRULES];
static double factor = 1;

static void append(struct counter *c, struct item item)
{
	if (c->first + c->n == c->room) {
		/* Slides back when half of it is behind us. */
		if (c->first > c->room / 2) {
			memmove(c->items, c->items + c->first, c->n * sizeof(*c->items));
			c->first = 0;
		} else {
			c->room = c->room ? 2 * c->room : 8;
			c->items = xrealloc(c->items, c->room * sizeof(*c->items));
		}
	}
	c->items[c->first + c->n++] = item;
	c->sum += item.weight;
}

static void forget(struct counter *c, usec_t before)
{
	while (c->n && c->items[c->first].time <= before) {
		c->sum -= c->items[c->first].weight;
		c->first++;
		c->n--;
	}
}

/* Distinct values; the ones seen longest ago fall out wherever they are. */
static size_t distinct(struct counter *c, usec_t now, usec_t window, uint32_t value)
{
	size_t kept = 0;
	bool known = false;

	for (size_t i = 0; i < c->n; i++) {
		struct item *item = &c->items[c->first + i];

		if (item->value == value) {
			item->time = now;
			known = true;
		}
		if (item->time > now - window)
			c->items[c->first + kept++] = *item;
	}
	c->n = kept;
	if (!known)
		append(c, (struct item){ now, value, 0 });
	return c->n;
}

static void count(const struct rule *rule, struct counter *c, const struct sim_event *e,
		  uint32_t weight)
{
	if (rule->tumbling) {
		if (e->time - c->started >= rule->window) {
			c->sum = c->messages = 0;
			c->started = e->time - e->time % rule->window;
		}
		c->sum += weight;
		return;
	}
	forget(c, e->time - rule->window);
	append(c, (struct item){ e->time, 0, weight });
}

/* Does the rule fire on this event? */
static bool fires(const struct rule *rule, struct counter *c, const struct sim_event *e)
{
	double above = rule->above * factor;
	bool arrival = e->type == EVENT_LOGIN || e->type == EVENT_SCRIPT;

	switch (rule->what) {
	case RECIPIENTS:
		count(rule, c, e, e->recipients);
		return (double)c->sum > above;
	case COUNTRIES:
		return e->country != UINT16_MAX &&
		       (double)distinct(c, e->time, rule->window, e->country) > above;
	case ADDRESSES:
		return (double)distinct(c, e->time, rule->window, e->ip) > above;
	case UNKNOWN:
		count(rule, c, e, e->unknown);
		return (double)c->sum >= above;
	case FAILURES:
		count(rule, c, e, arrival ? 0 : 1);
		c->messages += arrival;
		return (double)c->sum > above &&
		       (double)c->sum >= CPANEL_SHARE * (double)c->messages;
	case LOGINS_AND_NETS:
		if (e->time - c->started >= rule->window) {
			c->messages = 0;
			c->started = e->time - e->time % rule->window;
		}
		c->messages++;
		return distinct(c, e->time, rule->window, e->ip >> 16) > DGEO_NETS * factor &&
		       (double)c->messages > above;
	}
	return false;
}

static bool concerns(const struct rule *rule, const struct sim_event *e)
{
	if (e->type == EVENT_FAILED)
		return rule->what == UNKNOWN || rule->what == FAILURES;
	if (e->type == EVENT_DEFERRED)
		return rule->what == FAILURES;
	if (rule->of == OF_SCRIPT && e->script == EVENT_NO_SCRIPT)
		return false;
	return rule->what != UNKNOWN && rule->events & 1u << e->type;
}

static void alarm_of(size_t rule, const struct sim_event *e)
{
	char stamp[STAMP_TEXT];

	fprintf(outputs[rule],
		"{\"time\": \"%s\", \"severity\": \"critical\", \"case\": \"unknown\", "
		"\"account\": \"w%05u\", \"login\": null, \"script\": null}\n",
		stamp_text(e->time + 1, stamp), e->account);
}

static void look(size_t i, const struct sim_event *e)
{
	const struct rule *rule = &rules[i];
	uint64_t key = rule->of == OF_IP     ? e->ip :
		       rule->of == OF_SCRIPT ? (uint64_t)e->account << 16 | e->script :
					       e->account;
	struct str bytes = { (const char *)&key, sizeof(key) };
	struct counter *c;

	if (!concerns(rule, e))
		return;
	c = map_get(&counters[i], bytes);
	if (!c) {
		c = xcalloc(1, sizeof(*c));
		map_put(&counters[i], bytes, c);
	}
	if (!fires(rule, c, e) || (c->alarmed && e->time - c->alarmed < USEC_DAY))
		return;
	c->alarmed = e->time;
	alarm_of(i, e);
}

static FILE *output(const char *dir, size_t rule)
{
	char path[4096];
	FILE *f;

	for (size_t i = 0; i < rule; i++)
		if (!strcmp(rules[i].name, rules[rule].name))
			return outputs[i];
	snprintf(path, sizeof(path), "%s/%s.jsonl", dir, rules[rule].name);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(EXIT_NOINPUT);
	}
	return f;
}

int main(int argc, char **argv)
{
	struct sim_event e;
	FILE *in;

	if (argc < 3 || argc > 4) {
		fputs("Usage: anchors EVENTS DIR [FACTOR]\n"
		      "Writes DIR/RULE.jsonl; FACTOR multiplies the rules' thresholds.\n", stderr);
		return EXIT_USAGE;
	}
	factor = argc > 3 ? strtod(argv[3], NULL) : 1;
	in = fopen(argv[1], "r");
	if (!in) {
		perror(argv[1]);
		return EXIT_NOINPUT;
	}
	for (size_t i = 0; i < NRULES; i++)
		outputs[i] = output(argv[2], i);
	while (fread(&e, sizeof(e), 1, in) == 1)
		for (size_t i = 0; i < NRULES; i++)
			look(i, &e);
	fclose(in);
	for (size_t i = 0; i < NRULES; i++)
		if (fflush(outputs[i])) {
			perror("anchors");
			return EXIT_INTERNAL;
		}
	return 0;
}
