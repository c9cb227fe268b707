/* Mail to the administrators: alerts, digests, summaries.
 *
 * Invariant: each try of a version has the same Message-ID, so a repeat is known for one. */
#include "notify/channel.h"
#include "notify/mail.h"
#include "notify/transport.h"
#include "schema/outbox.h"

static bool wanted(const struct settings *s)
{
	return s->alerts.to.n && transport_is_set_up(s);
}

static enum mail_kind kind_of(const struct handover *h)
{
	if (h->alert)
		return MAIL_ALERT;
	return h->version == OUTBOX_DIGEST ? MAIL_DIGEST : MAIL_SUMMARY;
}

static enum handed hand_over(const struct handover *h, struct error *err)
{
	const struct settings *s = h->settings;
	struct mail m = mail_compose(kind_of(h), h->facts, s, &s->alerts.to, h->message_id, h->now,
				     err);
	enum handed result;

	if (!m.text)
		return HANDED_LATER;
	result = transport_send(s, (struct str){ m.text, m.n }, mail_from(s), &s->alerts.to, err);
	mail_release(&m);
	return result;
}

const struct notify_channel channel_mail = {
	.name = "mail",
	.wanted = wanted,
	.is_mail = true,
	.hand_over = hand_over,
};
