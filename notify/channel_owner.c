/* Mail to the owner of the account: once for each alert, in simpler words.
 *
 * Invariant: it is about the owner's own account; nobody else's alert goes there. */
#include "notify/channel.h"
#include "notify/mail.h"
#include "notify/owner.h"
#include "notify/transport.h"

static bool wanted(const struct settings *s)
{
	return s->alerts.owner && transport_is_set_up(s);
}

static enum handed write_to(const char *address, const struct handover *h, struct error *err)
{
	const struct settings *s = h->settings;
	struct string_list to = { &address, 1 };
	struct mail m = mail_compose(MAIL_OWNER, h->facts, s, &to, h->message_id, h->now, err);
	enum handed result;

	if (!m.text)
		return HANDED_LATER;
	result = transport_send(s, (struct str){ m.text, m.n }, mail_from(s), &to, err);
	mail_release(&m);
	return result;
}

static enum handed hand_over(const struct handover *h, struct error *err)
{
	struct str account = tree_show(tree_get(h->facts, STR("account"))), address;
	struct arena a = { 0 };
	enum handed result;

	address = owner_address(h->settings, account, &a, err);
	if (address.n) {
		result = write_to(arena_str(&a, address).p, h, err);
	} else if (err->code) {
		result = HANDED_LATER;
	} else {
		error_set(err, EXIT_NOINPUT, "%.*s has no address",
			  STR_ARG(account.n ? account : STR("nobody")));
		result = HANDED_NEVER;
	}
	arena_release(&a);
	return result;
}

const struct notify_channel channel_owner = {
	.name = "owner",
	.wanted = wanted,
	.is_mail = true,
	.only_opened = true,
	.hand_over = hand_over,
};
