/* What journald and rsyslog say of lines they dropped.
 *
 *   systemd-journald: Suppressed 16 messages from postfix@-.service
 *   rsyslogd: imuxsock[pid: 1, name: x] from <x:1>: begin to drop messages due to rate-limiting
 *   rsyslogd: imjournal: 12 messages lost due to rate-limiting (20000 allowed within 600 seconds)
 *
 * "Missed 4 kernel messages" is none of them: the kernel logs no mail, and what it logs of
 * connections is no more than the filter's limit lets through, in any case.
 *
 * Invariant: such a line says that counts are too small, and nothing else: one
 * that is made up accuses and clears nobody. */
#include "core/parser.h"
#include "parsers/cursor.h"

enum rule { RULE_SUPPRESSED, RULE_BEGIN, RULE_LOST, RULE_OTHER, RULES };

static const char *const rule_names[RULES] = {
	[RULE_SUPPRESSED] = "suppressed", [RULE_BEGIN] = "begin",
	[RULE_LOST] = "lost",		  [RULE_OTHER] = "other",
};

/* "Suppressed 16 messages from postfix@-.service" */
static bool read_suppressed(struct str s, struct event *ev)
{
	if (!cursor_int(&s, STR("Suppressed "), &ev->lines) ||
	    !str_eat(&s, STR(" messages from ")))
		return false;
	ev->response = s;
	return true;
}

/* "X: begin to drop messages due to rate-limiting" */
static bool read_begin(struct str s, struct event *ev)
{
	return cursor_until(&s, STR(": begin to drop messages due to rate-limiting"),
			    &ev->response);
}

/* "X: 12 messages lost due to rate-limiting (200 allowed within 5 seconds)"; X may have a
 * colon and a number, so the words are looked for, and the number is what stands before them. */
static bool read_lost(struct str s, struct event *ev)
{
	struct str before, allowed;
	size_t blank;

	if (!cursor_until(&s, STR(" messages lost due to rate-limiting"), &before))
		return false;
	blank = str_rchr(before, ' ');
	if (blank == before.n || !str_int(str_skip(before, blank + 1), &ev->lines))
		return false;
	ev->response = str_head(before, blank);
	if (str_ends(ev->response, STR(":")))
		ev->response.n--;
	if (cursor_until(&s, STR(" allowed within "), &allowed))
		str_eat_int(&s, &ev->seconds);
	return true;
}

static bool (*const readers[])(struct str s, struct event *ev) = {
	[RULE_SUPPRESSED] = read_suppressed,
	[RULE_BEGIN] = read_begin,
	[RULE_LOST] = read_lost,
};

static enum parse_result syslogd_parse(const struct record *rec, struct event_sink *sink)
{
	for (int i = 0; i < RULE_OTHER; i++) {
		struct event ev;

		event_init(&ev, EV_LOST);
		if (!readers[i](rec->body, &ev))
			continue;
		sink->rule = i;
		sink->emit(sink, rec, &ev);
		return PARSE_EVENTS;
	}
	sink->rule = RULE_OTHER;
	return PARSE_NOISE;
}

static bool syslogd_claims(const struct record *rec)
{
	return rec->shape == RECORD_SYSLOG && (str_eq(rec->program, STR("systemd-journald")) ||
					       str_eq(rec->program, STR("systemd-journal")) ||
					       str_starts(rec->program, STR("rsyslogd")));
}

const struct parser parser_syslogd = {
	.name = "syslogd",
	.summary = "what journald and rsyslog say of lines they dropped",
	.claims = syslogd_claims,
	.parse = syslogd_parse,
	.rules = rule_names,
	.nrules = RULES,
	.daemons_only = true,
};
