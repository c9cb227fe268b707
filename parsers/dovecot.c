/* Dovecot: who reads a mailbox, and whose password was refused. Through syslog
 * ("dovecot: imap-login: ...") or in its own file ("imap-login: Info: ...").
 *
 * Invariant: the user's name is whatever a client sent, and may spell any field;
 * it is what lies between the first "user=<" and the last ">, method=" or
 * ">, rip=", and the address is read behind that, where all is Dovecot's own.
 * Refusals are counted from the line that ends the connection, which says how
 * many there were; the auth service's own lines would count them twice.
 *
 * Formats: Dovecot 2.2 to 2.4, src/login-common/client-common.c and
 * sasl-server.c. */
#include "core/parser.h"
#include "parsers/cursor.h"

/* Of one connection; Dovecot itself ends it long before. */
#define ATTEMPTS_MAX 50

enum rule {
	RULE_LOGIN, RULE_REFUSED, RULE_DISCONNECTED, RULE_AUTH, RULE_SESSION, RULE_HOUSE, RULES
};

static const char *const rule_names[RULES] = {
	[RULE_LOGIN] = "login",	      [RULE_REFUSED] = "refused",
	[RULE_DISCONNECTED] = "disconnected", [RULE_AUTH] = "auth",
	[RULE_SESSION] = "session",   [RULE_HOUSE] = "housekeeping",
};

/* What follows a service's name says which kind of line it is. */
static const struct service {
	struct str name;
	enum rule rule;
} services[] = {
	{ STR("imap-login"), RULE_LOGIN },     { STR("pop3-login"), RULE_LOGIN },
	{ STR("managesieve-login"), RULE_LOGIN }, { STR("submission-login"), RULE_LOGIN },
	{ STR("imap"), RULE_SESSION },	       { STR("pop3"), RULE_SESSION },
	{ STR("managesieve"), RULE_SESSION },  { STR("submission"), RULE_SESSION },
	{ STR("lmtp"), RULE_SESSION },	       { STR("lda"), RULE_SESSION },
	{ STR("auth"), RULE_AUTH },	       { STR("auth-worker"), RULE_AUTH },
	{ STR("master"), RULE_HOUSE },	       { STR("config"), RULE_HOUSE },
	{ STR("anvil"), RULE_HOUSE },	       { STR("stats"), RULE_HOUSE },
	{ STR("log"), RULE_HOUSE },	       { STR("indexer"), RULE_HOUSE },
	{ STR("indexer-worker"), RULE_HOUSE }, { STR("doveadm"), RULE_HOUSE },
	{ STR("ssl-params"), RULE_HOUSE },     { STR("imap-hibernate"), RULE_HOUSE },
};

/* "imap(info@shop.example)<113><BfBxx>" begins with its service. */
static const struct service *service_of(struct str s)
{
	size_t n = 0;

	while (n < s.n && !memchr("(:<", s.p[n], 3))
		n++;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (str_eq(services[i].name, str_head(s, n)))
			return &services[i];
	return NULL;
}

/* The service and its statement. In Dovecot's own file there is no host, the service
 * is the program, and the statement has its level in front. */
static const struct service *split_service(const struct record *rec, struct str *statement)
{
	static const struct str levels[] = { STR("Info: "), STR("Warning: "), STR("Error: "),
					     STR("Fatal: "), STR("Debug: "), STR("Panic: ") };
	struct str s = rec->body, name;

	if (rec->shape != RECORD_SYSLOG)
		return NULL;
	if (!str_eq(rec->program, STR("dovecot"))) {
		*statement = s;
		for (size_t i = 0; !rec->host.n && i < sizeof(levels) / sizeof(levels[0]); i++)
			if (str_eat(statement, levels[i]))
				return service_of(rec->program);
		return NULL;
	}
	*statement = s;
	if (cursor_until(&s, STR(": "), &name) && service_of(name))
		*statement = s;
	return service_of(rec->body);
}

/* "user=<NAME>, method=M, rip=IP, lip=..." */
static bool read_client(struct str s, struct event *ev)
{
	struct str name, rest;
	size_t end;

	if (!str_eat(&s, STR("user=<")))
		return false;
	end = str_rfind(s, STR(">, rip="));
	if (str_rfind(s, STR(">, method=")) < s.n)
		end = str_rfind(s, STR(">, method="));
	if (end == s.n)
		return false;
	name = str_head(s, end);
	rest = str_skip(s, end + 3);
	if (str_eat(&rest, STR("method=")) && !cursor_until(&rest, STR(", "), &ev->auth))
		return false;
	if (!str_eat(&rest, STR("rip=")))
		return false;
	cursor_until_or_rest(&rest, STR(","), &ev->client_ip);
	ev->login = name;
	return true;
}

static struct str protocol_of(const struct service *service)
{
	return str_head(service->name, service->name.n - STR("-login").n);
}

static enum parse_result read_login(const struct service *service, struct str s,
				    const struct record *rec, struct event_sink *sink)
{
	struct event ev;

	event_init(&ev, EV_LOGIN);
	ev.service = protocol_of(service);
	if (!read_client(s, &ev) || !ev.login.n)
		return PARSE_UNKNOWN;
	sink->rule = RULE_LOGIN;
	sink->emit(sink, rec, &ev);
	return PARSE_EVENTS;
}

/* "Disconnected: Connection closed (auth failed, 3 attempts in 18 secs): user=<...". Several
 * names may have been tried: the one that is told was the last. */
static enum parse_result read_end(const struct service *service, struct str s,
				  const struct record *rec, struct event_sink *sink)
{
	struct str reason, before;
	struct event ev;
	int64_t attempts = 0;

	if (!cursor_until(&s, STR(": user=<"), &reason))
		return PARSE_UNKNOWN;
	s = str_range(reason.p + reason.n + 2, s.p + s.n);
	event_init(&ev, EV_AUTH_FAIL);
	ev.service = protocol_of(service);
	if (!read_client(s, &ev))
		return PARSE_UNKNOWN;
	if (cursor_until(&reason, STR("(auth failed, "), &before))
		str_eat_int(&reason, &attempts);
	sink->rule = attempts && ev.login.n ? RULE_REFUSED : RULE_DISCONNECTED;
	if (sink->rule == RULE_DISCONNECTED)
		return PARSE_NOISE;
	for (int64_t i = 0; i < attempts && i < ATTEMPTS_MAX; i++)
		sink->emit(sink, rec, &ev);
	return PARSE_EVENTS;
}

static enum parse_result dovecot_parse(const struct record *rec, struct event_sink *sink)
{
	struct str s;
	const struct service *service = split_service(rec, &s);

	sink->rule = -1;
	if (!service)
		return PARSE_UNKNOWN;
	if (service->rule != RULE_LOGIN) {
		sink->rule = (int)service->rule;
		return PARSE_NOISE;
	}
	if (str_eat(&s, STR("Login: ")) || str_eat(&s, STR("Logged in: ")))
		return read_login(service, s, rec, sink);
	return read_end(service, s, rec, sink);
}

static bool dovecot_claims(const struct record *rec)
{
	struct str s;

	return (rec->shape == RECORD_SYSLOG && str_eq(rec->program, STR("dovecot"))) ||
	       split_service(rec, &s);
}

static const char *const programs[] = { "dovecot", "dovecot/", "doveadm", NULL };

const struct parser parser_dovecot = {
	.name = "dovecot",
	.summary = "Dovecot's logins, through syslog or in a file of its own",
	.claims = dovecot_claims,
	.parse = dovecot_parse,
	.rules = rule_names,
	.nrules = RULES,
	.daemons_only = true,
	.programs = programs,
};
