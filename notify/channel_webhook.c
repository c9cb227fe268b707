/* Alerts for programs elsewhere: the facts as JSON, posted and signed.
 *
 * Invariant: headers hold numbers, names of ours and the signature; text of the log is
 * in the body only. */
#include "notify/channel.h"

#include <stdio.h>
#include <stdlib.h>

#include "notify/net.h"
#include "notify/secret.h"
#include "notify/sign.h"

#define HEADER_MAX 256

static bool wanted(const struct settings *s)
{
	return *s->alerts.webhook.url;
}

/* "" in header: no secret is set. */
static int put_signature(const struct handover *h, struct str body, char *header,
			 struct error *err)
{
	const char *path = h->settings->alerts.webhook.secret_file;
	char signature[SIGNATURE_TEXT];
	char *secret;
	int rc;

	*header = '\0';
	if (!*path)
		return 0;
	secret = secret_read(path, err);
	if (!secret)
		return error_prefix(err, "alerts.webhook.secret_file");
	rc = sign(str_of(secret), h->now, body, signature, err);
	secret_free(secret);
	if (rc == 0)
		snprintf(header, HEADER_MAX, "X-Mailaudit-Signature: %s", signature);
	return rc;
}

static enum handed post(const struct handover *h, struct str body, struct error *err)
{
	const char *change = alert_change_name[h->change];
	char event[HEADER_MAX], delivery[HEADER_MAX], signature[HEADER_MAX];
	const char *headers[] = { "Content-Type: application/json", event, delivery, NULL, NULL };
	struct net_request request = { h->settings->alerts.webhook.url, headers, body };

	snprintf(event, sizeof(event), "X-Mailaudit-Event: %s", change);
	snprintf(delivery, sizeof(delivery), "X-Mailaudit-Delivery: %lld.%lld.%s",
		 (long long)h->alert, (long long)h->version, change);
	if (put_signature(h, body, signature, err) < 0)
		return HANDED_LATER;
	if (*signature)
		headers[3] = signature;
	return net_post(&request, err);
}

static enum handed hand_over(const struct handover *h, struct error *err)
{
	char *json = tree_json(h->facts);
	enum handed result = post(h, str_of(json), err);

	free(json);
	return result;
}

const struct notify_channel channel_webhook = {
	.name = "webhook",
	.wanted = wanted,
	.ends = true,
	.hand_over = hand_over,
};
