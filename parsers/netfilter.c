/* The kernel's packet filter: connections to SMTP ports that a program of a known uid opens
 * by itself, past the mail server. iptables' LOG --log-uid, nftables' `log flags skuid`, and
 * ulogd2's LOGEMU, to its file or to syslog, which is the same but for details.
 *
 *   kernel: [  387.939392] mailaudit-smtp: IN= OUT=eth0 SRC=192.0.2.10 DST=198.51.100.7 LEN=60
 *   TOS=0x00 PREC=0x00 TTL=64 ID=59293 DF PROTO=TCP SPT=52706 DPT=25 WINDOW=65495 RES=0x00 SYN
 *   URGP=0 UID=5101 GID=5101
 *
 * Invariant: the prefix is the administrator's, and the rest the kernel's, in this order; it is
 * read from left to right, so that a prefix that looks like fields changes nothing. A line that
 * somebody sent to syslog in the kernel's name is none of its: the kernel has no uid.
 *
 * Formats: Linux 2.6 to 6.18, net/netfilter/nf_log_syslog.c; ulogd 2.0, util/printpkt.c. */
#include "core/parser.h"
#include "parsers/cursor.h"

enum rule {
	RULE_SMTP, RULE_OTHER_PORT, RULE_NO_UID, RULE_NOT_NEW, RULE_NOT_OUT, RULE_KERNEL, RULES
};

static const char *const rule_names[RULES] = {
	[RULE_SMTP] = "smtp",		[RULE_OTHER_PORT] = "other-port", [RULE_NO_UID] = "no-uid",
	[RULE_NOT_NEW] = "not-new",	[RULE_NOT_OUT] = "not-out",	  [RULE_KERNEL] = "kernel",
};

/* "[12345.678901] ", where the syslog daemon left it. */
static void eat_uptime(struct str *s)
{
	struct str rest = *s, number;

	if (str_eat(&rest, STR("[")) && cursor_until(&rest, STR("] "), &number) &&
	    str_chr(number, '.') < number.n)
		*s = rest;
}

/* "prefix IN=eth1 OUT=eth0 ": no packet without both. */
static bool read_interfaces(struct str *s, struct event *ev)
{
	struct str before;

	if (!cursor_until(s, STR(" OUT="), &before) ||
	    !cursor_until_last(&before, STR("IN="), &ev->response) ||
	    !cursor_until(s, STR(" "), &ev->interface))
		return false;
	ev->response = str_trim(ev->response);
	return true;
}

/* "SRC=192.0.2.10 DST=198.51.100.7 "; ulogd has MAC= before it, a bridge PHYSIN=. */
static bool read_addresses(struct str *s, struct event *ev)
{
	struct str before;

	return cursor_until(s, STR("SRC="), &before) && cursor_until(s, STR(" DST="), &ev->client_ip) &&
	       cursor_until(s, STR(" "), &ev->relay_ip);
}

static bool is_smtp(int64_t port)
{
	return port == 25 || port == 465 || port == 587;
}

/* The first packet of a connection has SYN and no ACK; ulogd's "ACK=0" is a number. */
static bool is_new(struct str flags)
{
	return str_find(flags, STR(" SYN ")) < flags.n && str_find(flags, STR(" ACK ")) == flags.n;
}

static enum rule read_packet(struct str s, struct event *ev)
{
	struct str before, flags;
	int64_t from;

	eat_uptime(&s);
	if (!read_interfaces(&s, ev))
		return RULE_KERNEL;
	if (!ev->interface.n || str_eq(ev->interface, STR("lo")))
		return RULE_NOT_OUT;
	/* The first protocol is the packet's: an error's holds another packet in brackets. */
	if (!read_addresses(&s, ev) || !cursor_until(&s, STR(" PROTO="), &before) ||
	    !cursor_int(&s, STR("TCP SPT="), &from) || !cursor_int(&s, STR(" DPT="), &ev->port) ||
	    !is_smtp(ev->port))
		return RULE_OTHER_PORT;
	if (!cursor_until(&s, STR("UID="), &flags) || !str_eat_int(&s, &ev->uid) || ev->uid < 0 ||
	    ev->uid > UINT32_MAX)
		return RULE_NO_UID;
	return is_new(flags) ? RULE_SMTP : RULE_NOT_NEW;
}

static bool is_ulogd(const struct record *rec)
{
	return str_eq(rec->program, STR("ulogd"));
}

static enum parse_result netfilter_parse(const struct record *rec, struct event_sink *sink)
{
	struct event ev;

	sink->rule = -1;
	if (!is_ulogd(rec) && rec->cred_uid >= 0)
		return PARSE_UNKNOWN;
	event_init(&ev, EV_DIRECT);
	sink->rule = (int)read_packet(rec->body, &ev);
	if (sink->rule != RULE_SMTP)
		return PARSE_NOISE;
	sink->emit(sink, rec, &ev);
	return PARSE_EVENTS;
}

/* In ulogd's own file the administrator's prefix stands where a program's name would:
 * "Nov 30 19:42:13 host mailaudit-smtp:  IN= OUT=eth0 MAC= SRC=...". */
static bool is_logemu(const struct record *rec)
{
	size_t in = str_find(rec->body, STR("IN=")), out = str_find(rec->body, STR(" OUT="));

	return in < out && str_find(rec->body, STR(" MAC=")) < rec->body.n;
}

static bool netfilter_claims(const struct record *rec)
{
	return rec->shape == RECORD_SYSLOG && (str_eq(rec->program, STR("kernel")) ||
					       is_ulogd(rec) || is_logemu(rec));
}

const struct parser parser_netfilter = {
	.name = "netfilter",
	.summary = "connections to SMTP ports past the mail server (kern.log)",
	.claims = netfilter_claims,
	.parse = netfilter_parse,
	.rules = rule_names,
	.nrules = RULES,
	.daemons_only = true,
	.among_others = true,
};
