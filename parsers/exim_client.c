/* Lines about a client of the SMTP server: refusals, warnings, failed logins.
 *
 * Invariant: client and login are told only when the line has one reading; the
 * text of a refusal is kept, never read for more than its recipient. The
 * client before "rejected" was read by exim.c, which needs it to find the rule.
 */
#include "parsers/cursor.h"
#include "parsers/exim_line.h"

/* "RCPT <address>" or "RCPT address:" in the text of a refusal. */
static struct str refused_recipient(struct str s)
{
	struct str rcpt = STR_NONE;

	str_eat(&s, STR("temporarily "));
	str_eat(&s, STR("rejected "));
	if (str_eat(&s, STR("RCPT ")) && !exim_eat_angle(&s, &rcpt) && first(s) != '<')
		exim_eat_word(&s, &rcpt);
	return rcpt;
}

static enum parse_result emit_refusal(struct exim_line *line, struct event_sink *sink,
				      enum event_kind kind)
{
	struct event ev;

	event_init(&ev, kind);
	ev.response = line->said;
	if (kind == EV_REJECT) {
		ev.status = RCPT_REJECTED;
		ev.copy = 0;
	}
	/* A message has its id only when its content is refused. */
	ev.whole = kind == EV_REJECT && line->id.n;
	if (line->client) {
		ev.recipient = refused_recipient(line->said);
		exim_set_client(&ev, line->client);
		if (line->client->has[SLOT_SENDER])
			exim_set_sender(&ev, line->client->value[SLOT_SENDER]);
	}
	return exim_emit(line, sink, &ev);
}

enum parse_result exim_read_reject(struct exim_line *line, struct event_sink *sink)
{
	return emit_refusal(line, sink, EV_REJECT);
}

enum parse_result exim_read_warning(struct exim_line *line, struct event_sink *sink)
{
	return emit_refusal(line, sink, EV_WARN);
}

/* "RCPT <a@b>: discarded by RCPT ACL" */
enum parse_result exim_read_acl_discard(struct exim_line *line, struct event_sink *sink)
{
	if (!str_has(line->rest, STR(": discarded by ")))
		return PARSE_UNKNOWN;
	return emit_refusal(line, sink, EV_DISCARD);
}

/* "MAIL FROM:<sender> H=... : text": the client comes behind. */
enum parse_result exim_read_early_reject(struct exim_line *line, struct event_sink *sink)
{
	struct exim_fields f = { 0 };
	struct str s = line->rest;
	struct event ev;

	event_init(&ev, EV_REJECT);
	ev.status = RCPT_REJECTED;
	ev.copy = 0;
	ev.response = line->said;
	if (exim_eat_angle(&s, &ev.sender)) {
		exim_set_sender(&ev, ev.sender);
		exim_eat_client_fields(&s, &f);
		if (!f.another && !f.has[SLOT_LOGIN] && str_starts(s, STR(": ")))
			exim_set_client(&ev, &f);
	}
	return exim_emit(line, sink, &ev);
}

/* "x@y has an outgoing mail hold|suspension" (cPanel) */
enum parse_result exim_read_outgoing_hold(struct exim_line *line, struct event_sink *sink)
{
	struct str sender, rest = line->rest;
	struct event ev;

	if (!exim_eat_word(&rest, &sender) ||
	    !str_starts(rest, STR(" has an outgoing mail ")))
		return PARSE_UNKNOWN;
	event_init(&ev, EV_WARN);
	ev.sender = sender;
	ev.response = line->said;
	return exim_emit(line, sink, &ev);
}

/* Behind "authenticator failed for": a client, then ": 535 text". */
static bool read_failed_client(struct str *s, unsigned reading, struct exim_fields *f)
{
	*f = (struct exim_fields){ .start = s->p, .reading = reading };
	if (!str_starts(*s, STR("H=")) && !str_starts(*s, STR("U="))) {
		if (!exim_eat_host(s, f))
			return false;
		f->has[SLOT_HOST] = true;
	}
	exim_eat_client_fields(s, f);
	return str_eat(s, STR(": ")) && is_digit(first(*s));
}

/* "text (set_id=login)" with, in 4.98, ": more" behind. */
static void set_failed_login(struct event *ev, struct str s)
{
	size_t at = str_find(s, STR(" (set_id="));
	struct str login = str_skip(s, at + 9);

	ev->response = str_head(s, at);
	if (str_ends(login, STR(")")))
		ev->login = str_head(login, login.n - 1);
	else
		cursor_until(&login, STR("): "), &ev->login);
}

enum parse_result exim_read_auth_failed(struct exim_line *line, struct event_sink *sink)
{
	struct exim_fields f, good = { 0 };
	struct str s, text = STR_NONE;
	unsigned readings = 0, reading = 0;
	struct event ev;

	event_init(&ev, EV_AUTH_FAIL);
	ev.copy = 0;
	if (!cursor_until(&line->rest, STR(" authenticator failed for "), &ev.auth))
		return PARSE_UNKNOWN;
	do {
		s = line->rest;
		if (read_failed_client(&s, reading, &f) && readings++ == 0) {
			good = f;
			text = s;
		}
	} while (f.another && ++reading < EXIM_MAX_READINGS);
	if (readings == 0)
		return PARSE_UNKNOWN;
	set_failed_login(&ev, text);
	if (readings == 1 && !f.another) {
		ev.client_name = good.name;
		ev.client_ip = good.ip;
		ev.helo = good.helo;
	}
	return exim_emit(line, sink, &ev);
}
