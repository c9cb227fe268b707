/* Exim's reject log: what was refused, as the main log says it, and behind a refusal of
 * a whole message the header of that message. log_write() in Exim's src/log.c:
 *
 *   2026-11-23 14:29:33 1xVV2z-0005E6-0z F=<bob@host.example> rejected by non-SMTP ACL: text
 *   Envelope-from: <bob@host.example>
 *   Envelope-to: <list@dest.example>
 *       <second@dest.example>
 *   P Received: from bob by host.example with local (Exim 4.96)
 *   	id 1xVV2z-0005E6-0z
 *   T To: list@dest.example
 *     Subject: Refused
 *   *** truncated ***
 *
 * A header line has its type and a blank in front, the type of most being a blank; its
 * further lines begin with a blank or a tab, since receive.c makes that of a bare CR or
 * LF, too. So no sender writes at column 0, and no stamp is his. But "  Subject:" may be
 * the second line of any header: what has no type is the sender's to choose, and of such
 * only the subject is told, never a script or a reference.
 *
 * Invariant: refusals pass as the main log's copies, nothing else with a stamp does. */
#include "core/parser.h"
#include "parsers/cursor.h"

enum rule { RULE_REFUSAL, RULE_OTHER, RULE_RECEIVED, RULE_RECEIVED_ID, RULE_MESSAGE_ID,
	    RULE_SUBJECT, RULE_HEADER, RULES };

static const char *const rule_names[RULES] = {
	[RULE_REFUSAL] = "refusal",	      [RULE_OTHER] = "other",
	[RULE_RECEIVED] = "received",	      [RULE_RECEIVED_ID] = "received-id",
	[RULE_MESSAGE_ID] = "message-id",     [RULE_SUBJECT] = "subject",
	[RULE_HEADER] = "header",
};

struct copy_sink {
	struct event_sink base;
	struct event_sink *to;
	bool told;
};

static void pass_refusal(struct event_sink *base, const struct record *rec,
			 const struct event *ev)
{
	struct copy_sink *sink = (struct copy_sink *)base;
	struct event copy = *ev;

	if (ev->kind != EV_REJECT)
		return;
	copy.copy = 1;
	sink->told = true;
	sink->to->emit(sink->to, rec, &copy);
}

static enum parse_result read_stamped(const struct record *rec, struct event_sink *sink)
{
	struct copy_sink copy = { .base = { .emit = pass_refusal, .rule = -1 }, .to = sink };
	enum parse_result result = parser_exim.parse(rec, &copy.base);

	if (result == PARSE_UNKNOWN)
		return result;
	sink->rule = copy.told ? RULE_REFUSAL : RULE_OTHER;
	return copy.told ? PARSE_EVENTS : PARSE_NOISE;
}

static enum parse_result tell(const struct record *rec, struct event_sink *sink, enum rule rule,
			      struct str name, struct str value)
{
	struct event ev;

	sink->rule = (int)rule;
	event_init(&ev, EV_HEADER);
	ev.copy = 1;
	ev.header_name = name;
	ev.header_value = value;
	sink->emit(sink, rec, &ev);
	return PARSE_EVENTS;
}

static bool eat_nocase(struct str *s, struct str prefix)
{
	if (!str_eq_nocase(str_head(*s, prefix.n), prefix))
		return false;
	*s = str_trim(str_skip(*s, prefix.n));
	return true;
}

static enum parse_result read_header(const struct record *rec, struct event_sink *sink)
{
	struct str s = rec->body;

	if (eat_nocase(&s, STR("P Received:")))
		return tell(rec, sink, RULE_RECEIVED, STR("Received"), s);
	if (str_eat(&s, STR("\tid ")))
		return tell(rec, sink, RULE_RECEIVED_ID, STR("Received id"), str_trim(s));
	if (eat_nocase(&s, STR("I Message-ID:")))
		return tell(rec, sink, RULE_MESSAGE_ID, STR("Message-ID"), cursor_strip_angles(s));
	if (eat_nocase(&s, STR("  Subject:")))
		return tell(rec, sink, RULE_SUBJECT, STR("Subject"), s);
	sink->rule = RULE_HEADER;
	return PARSE_NOISE;
}

static enum parse_result eximreject_parse(const struct record *rec, struct event_sink *sink)
{
	sink->rule = -1;
	return rec->shape == RECORD_EXIM ? read_stamped(rec, sink) : read_header(rec, sink);
}

/* A line that another parser knows is no header's: it begins with a stamp. */
static bool eximreject_claims(const struct record *rec)
{
	return rec->shape == RECORD_EXIM || rec->shape == RECORD_PLAIN;
}

const struct parser parser_eximreject = {
	.name = "exim-reject",
	.summary = "Exim reject log",
	.claims = eximreject_claims,
	.parse = eximreject_parse,
	.rules = rule_names,
	.nrules = RULES,
	.by_name_only = true,
};
