/* Exim's panic log: what went so wrong that somebody should look.
 *
 * Its lines stand in the main log, too, except when the main log cannot be written: then
 * here is the line that was to be written, and behind it the reason. Such a line says of
 * no mail what became of it. Exim gives up with it: a "<=" means that the message was not
 * taken, for its client was told to try later (log_write() in src/log.c, receive_msg() in
 * src/receive.c), and "=>" that it may be delivered once more.
 *
 * Invariant: it tells of loss, and nothing else. */
#include "core/parser.h"

enum rule { RULE_LOSS, RULE_OTHER, RULES };

static const char *const rule_names[RULES] = { [RULE_LOSS] = "loss", [RULE_OTHER] = "other" };

struct loss_sink {
	struct event_sink base;
	struct event_sink *to;
	bool told;
};

static void pass_loss(struct event_sink *base, const struct record *rec, const struct event *ev)
{
	struct loss_sink *sink = (struct loss_sink *)base;

	if (ev->kind != EV_LOST)
		return;
	sink->told = true;
	sink->to->emit(sink->to, rec, ev);
}

static enum parse_result eximpanic_parse(const struct record *rec, struct event_sink *sink)
{
	struct loss_sink loss = { .base = { .emit = pass_loss, .rule = -1 }, .to = sink };

	parser_exim.parse(rec, &loss.base);
	sink->rule = loss.told ? RULE_LOSS : RULE_OTHER;
	return loss.told ? PARSE_EVENTS : PARSE_NOISE;
}

/* What has no stamp is a further line of the one before. */
static bool eximpanic_claims(const struct record *rec)
{
	return rec->shape == RECORD_EXIM || rec->shape == RECORD_PLAIN;
}

const struct parser parser_eximpanic = {
	.name = "exim-panic",
	.summary = "Exim panic log",
	.claims = eximpanic_claims,
	.parse = eximpanic_parse,
	.rules = rule_names,
	.nrules = RULES,
	.by_name_only = true,
};
