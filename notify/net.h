/* What leaves this host over the network: mails by SMTP, alerts by HTTP. The only user of
 * libcurl. Nothing here takes longer than a minute. */
#ifndef MAILAUDIT_NOTIFY_NET_H
#define MAILAUDIT_NOTIFY_NET_H

#include "notify/channel.h"

struct net_mail {
	struct str text; /* RFC 5322, with CRLF */
	const char *from;
	const struct string_list *to; /* each with its domain */
};

/* To the server of alerts.smtp. HANDED_OVER with *err filled: some did not get it. */
enum handed net_submit(const struct settings *s, const struct net_mail *mail, struct error *err);

struct net_request {
	const char *url; /* http or https; redirects are not followed */
	const char *const *headers; /* "Name: value"; ends with NULL */
	struct str body;
};

enum handed net_post(const struct net_request *request, struct error *err);

#endif
