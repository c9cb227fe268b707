/* Messages, PHP lines and volumes as records.
 *
 * A message's record has the contract's keys for machines and, in tables only,
 * a few that sum them up for people. Columns are shown in the order of the
 * table, so those for people come last. */
#include "cli/tell.h"

const struct out_column message_columns[] = {
	{ "host", NULL, 0, 0 },
	{ "instance", NULL, 0, 0 },
	{ "queue_id", NULL, 0, 0 },
	{ "message_id", NULL, 0, 0 },
	{ "time", "TIME", 0, 0 },
	{ "state", NULL, 0, 0 },
	{ "direction", NULL, 0, 0 },
	{ "channel", NULL, 0, 0 },
	{ "account", "ACCOUNT", OUT_TRUNC, 0 },
	{ "via", "VIA", 0, 0 },
	{ "login", NULL, 0, 0 },
	{ "uid", NULL, 0, 0 },
	{ "client_ip", NULL, 0, 0 },
	{ "helo", NULL, 0, 0 },
	{ "script", NULL, 0, 0 },
	{ "script_line", NULL, 0, 0 },
	{ "sender", NULL, 0, 0 },
	{ "subject", NULL, 0, 0 },
	{ "size", NULL, 0, 0 },
	{ "recipients", NULL, 0, 0 },
	{ "php", NULL, 0, 0 },
	{ "parent", NULL, 0, 0 },
	{ "ambiguous", NULL, 0, 0 },
	{ "closed", NULL, 0, 0 },
	{ "cwd", NULL, 0, 0 },
	{ "from", "FROM", OUT_TRUNC | OUT_VIEW, 0.25 },
	{ "to", "RECIPIENTS", OUT_TRUNC | OUT_VIEW, 0.2 },
	{ "outcome", "STATUS", OUT_STATE | OUT_TRUNC | OUT_VIEW, 0.1 },
	{ "title", "SUBJECT", OUT_TRUNC | OUT_VIEW, 0.2 },
	{ "id", "QUEUE ID", OUT_WIDE | OUT_VIEW, 0 },
	{ NULL, NULL, 0, 0 }
};

const struct out_column php_columns[] = {
	{ "time", "TIME", 0, 0 },
	{ "host", NULL, 0, 0 },
	{ "account", "ACCOUNT", OUT_TRUNC, 0 },
	{ "state", "STATE", OUT_STATE, 0 },
	{ "ambiguous", NULL, 0, 0 },
	{ "script", "SCRIPT", OUT_TRUNC, 0.3 },
	{ "line", "LINE", OUT_RIGHT, 0 },
	{ "eval", NULL, 0, 0 },
	{ "to", "TO", OUT_TRUNC, 0.2 },
	{ "subject", "SUBJECT", OUT_TRUNC, 0.2 },
	{ "headers", NULL, 0, 0 },
	{ "message_id", NULL, 0, 0 },
	{ "uid", NULL, 0, 0 },
	{ "trust", NULL, 0, 0 },
	{ NULL, NULL, 0, 0 }
};

struct str tell_name(const char *const *names, int value)
{
	return value ? str_of(names[value]) : STR_NONE;
}

static void tell_recipient(struct out *o, const struct recipient *r)
{
	out_enter_object(o, NULL);
	out_text(o, "address", r->address);
	out_text(o, "orig_to", r->orig_to);
	out_text(o, "status", str_of(rcpt_status_name[r->status]));
	out_text(o, "dsn", r->dsn);
	out_text(o, "relay", r->relay.n ? r->relay : r->relay_ip);
	out_text(o, "response", r->response);
	out_time(o, "time", r->time);
	out_leave(o);
}

static void tell_recipients(struct out *o, const struct message *m)
{
	out_enter_list(o, "recipients");
	for (size_t i = 0; i < m->nrcpt; i++)
		tell_recipient(o, &m->rcpt[i]);
	out_leave(o);
}

static void tell_php_of_message(struct out *o, const struct php_mail *php)
{
	if (!php) {
		out_null(o, "php");
		return;
	}
	out_enter_object(o, "php");
	out_time(o, "time", php->time);
	out_text(o, "script", php->script);
	out_number_or_null(o, "line", php->script_line);
	out_text(o, "to", php->to);
	out_text(o, "subject", php->subject);
	out_text(o, "headers", php->headers);
	out_text(o, "state", str_of(php_state_name[php->state]));
	out_flag(o, "ambiguous", php->ambiguous);
	out_leave(o);
}

/* The null sender is known: it is "", not null. */
static void tell_sender(struct out *o, const struct message *m)
{
	if (m->sender_null)
		out_string(o, "sender", STR_NONE);
	else
		out_text(o, "sender", m->sender);
}

static void tell_origin(struct out *o, const struct message *m)
{
	out_text(o, "direction", tell_name(direction_name, m->direction));
	out_text(o, "channel", tell_name(channel_name, m->channel));
	out_text(o, "account", m->account);
	out_text(o, "via", tell_name(via_name, m->via));
	out_text(o, "login", m->login);
	out_number_or_null(o, "uid", m->uid);
	out_text(o, "client_ip", m->client_ip);
	out_text(o, "helo", m->helo);
	out_text(o, "script", m->script);
	out_number_or_null(o, "script_line", m->script_line);
}

const char *tell_outcome(const struct message *m, char *buf)
{
	static const enum rcpt_status order[] = { RCPT_REJECTED, RCPT_BOUNCED, RCPT_EXPIRED,
						  RCPT_DEFERRED, RCPT_PENDING, RCPT_SENT };
	size_t count[RCPT_STATUSES] = { 0 }, used = 0;

	for (size_t i = 0; i < m->nrcpt; i++)
		count[m->rcpt[i].status]++;
	if (m->nrcpt == 0)
		return message_state_name[m->state];
	if (count[m->rcpt[0].status] == m->nrcpt)
		return rcpt_status_name[m->rcpt[0].status];
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (count[order[i]])
			used += (size_t)snprintf(buf + used, 128 - used, "%s%s %zu",
						 used ? ", " : "", rcpt_status_name[order[i]],
						 count[order[i]]);
	return buf;
}

/* The path below the account's directory: the end is what tells scripts apart. */
static struct str short_script(const struct message *m)
{
	char directory[128];
	size_t at;

	snprintf(directory, sizeof(directory), "/%.*s/", STR_ARG(str_head(m->account, 100)));
	at = str_find(m->script, str_of(directory));
	return m->account.n && at < m->script.n ? str_skip(m->script, at + m->account.n + 2) :
						 m->script;
}

/* What a person would name as its origin: script, login, host, uid. */
static struct str origin(const struct message *m, char *buf, size_t size)
{
	if (m->script.n)
		return short_script(m);
	if (m->login.n)
		return m->login;
	if (m->client_ip.n)
		return m->client_ip;
	if (m->user.n)
		return m->user;
	if (m->channel == CHANNEL_INTERNAL)
		return STR("(mail server)");
	if (m->uid < 0)
		return STR_NONE;
	snprintf(buf, size, "uid %lld", (long long)m->uid);
	return str_of(buf);
}

static void tell_view(struct out *o, const struct message *m)
{
	char buf[256], outcome[128];

	out_text(o, "from", origin(m, buf, sizeof(buf)));
	if (m->nrcpt > 1)
		snprintf(buf, sizeof(buf), "%.*s +%zu", (int)str_head(m->rcpt[0].address, 200).n,
			 m->rcpt[0].address.p, m->nrcpt - 1);
	out_text(o, "to", m->nrcpt > 1 ? str_of(buf) : m->nrcpt ? m->rcpt[0].address : STR_NONE);
	out_text(o, "outcome", str_of(tell_outcome(m, outcome)));
	out_text(o, "title", m->subject);
	out_text(o, "id", m->queue_id);
}

void tell_message(struct out *o, const struct report_message *row)
{
	const struct message *m = row->message;

	out_text(o, "host", m->host);
	out_text(o, "instance", m->instance);
	out_text(o, "queue_id", m->queue_id);
	out_text(o, "message_id", m->message_id);
	out_time(o, "time", m->time);
	out_text(o, "state", str_of(message_state_name[m->state]));
	tell_origin(o, m);
	tell_sender(o, m);
	out_text(o, "subject", m->subject);
	out_number_or_null(o, "size", m->size);
	tell_recipients(o, m);
	tell_php_of_message(o, row->php);
	out_text(o, "parent", m->parent_id);
	out_flag(o, "ambiguous", m->ambiguous);
	out_time(o, "closed", m->closed);
	out_text(o, "cwd", m->cwd);
	if (out_is_table(o))
		tell_view(o, m);
}

void tell_php(struct out *o, const struct php_mail *php)
{
	out_time(o, "time", php->time);
	out_text(o, "host", php->host);
	out_text(o, "account", php->account);
	out_text(o, "state", str_of(php_state_name[php->state]));
	out_flag(o, "ambiguous", php->ambiguous);
	out_text(o, "script", php->script);
	out_number_or_null(o, "line", php->script_line);
	out_flag(o, "eval", php->eval);
	out_text(o, "to", php->to);
	out_text(o, "subject", php->subject);
	out_text(o, "headers", php->headers);
	out_text(o, "message_id", php->message_id);
	out_number_or_null(o, "uid", php->uid);
	out_text(o, "trust", php->tenant ? STR("tenant") : STR("system"));
}

void tell_volume(struct out *o, const struct volume *volume)
{
	out_number(o, "messages", volume->messages);
	out_number(o, "recipients", volume->recipients);
	for (int s = 0; s < RCPT_STATUSES; s++)
		out_number(o, rcpt_status_name[s], volume->status[s]);
}
