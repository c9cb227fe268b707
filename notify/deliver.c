/* Handing over, with patience and a ceiling.
 *
 * Invariant: a row says it was sent only once a channel has taken it; whoever dies in
 * between sends it again with the same Message-ID. Within any hour no more than
 * per_hour mails and one digest go out. */
#include "notify/deliver.h"

#include <stdio.h>

#include "base/log.h"
#include "notify/channel.h"
#include "notify/facts.h"
#include "schema/outbox.h"

#define RETRY_FIRST (2 * USEC_SECOND)
#define RETRY_MAX (15 * USEC_MINUTE)
/* As long as mail servers try. */
#define GIVE_UP_AFTER (5 * USEC_DAY)
/* What comes within a minute of the ceiling is in the digest, too. */
#define DIGEST_GATHER USEC_MINUTE
/* Alerts a digest names one by one. */
#define DIGEST_ALERTS 200
#define ERROR_TEXT 300

static usec_t retry_after(int64_t tries)
{
	usec_t wait = RETRY_FIRST;

	for (int64_t i = 0; i < tries && wait < RETRY_MAX; i++)
		wait *= 2;
	return wait < RETRY_MAX ? wait : RETRY_MAX;
}

static int settle(const struct deliveries *d, const struct outbox_item *item,
		  enum outbox_state state, const char *why, struct error *err)
{
	return outbox_result(d->decide, item->id, state, item->due, d->now, why, err);
}

/* ---- what came of a try ---- */

static int try_again(const struct deliveries *d, const struct notify_channel *c,
		     const struct outbox_item *item, const struct error *why, struct error *err)
{
	usec_t due = d->now + retry_after(item->tries);

	if (!item->tries)
		log_warning("%s: %s; trying again", c->name, why->text);
	if (outbox_result(d->decide, item->id, OUTBOX_WAITING, due, d->now, why->text, err) < 0)
		return -1;
	return outbox_postpone(d->decide, c->name, due, err);
}

static int came_of_it(const struct deliveries *d, const struct notify_channel *c,
		      const struct outbox_item *item, enum handed handed, const struct error *why,
		      struct error *err)
{
	bool too_old = d->now - item->created > GIVE_UP_AFTER;

	if (handed == HANDED_OVER)
		return settle(d, item, OUTBOX_SENT, why->text[0] ? why->text : NULL, err);
	if (handed == HANDED_LATER && !too_old)
		return try_again(d, c, item, why, err);
	log_error("%s: %s; alert %lld is not told there", c->name, why->text,
		  (long long)item->alert);
	return settle(d, item, OUTBOX_DROPPED, why->text, err);
}

static int hand_over(const struct deliveries *d, const struct notify_channel *c,
		     const struct outbox_item *item, const struct tree *facts, struct error *err)
{
	struct error why = { .code = 0 };
	char id[200];
	struct handover h = { .settings = d->settings, .facts = facts, .alert = item->alert,
			      .version = item->version, .change = item->change, .message_id = id,
			      .now = d->now };

	why.text[0] = '\0';
	snprintf(id, sizeof(id), "mailaudit.%s.%lld.%lld.%llx@%s", c->name,
		 (long long)(item->alert ? item->alert : item->id), (long long)item->version,
		 (unsigned long long)decide_created(d->decide), d->settings->hostname);
	return came_of_it(d, c, item, c->hand_over(&h, &why), &why, err);
}

/* ---- digests and summaries ---- */

struct held {
	int64_t alerts[DIGEST_ALERTS];
	int64_t n, total, last;
};

static int gather_held(const struct deliveries *d, const struct notify_channel *c,
		       struct held *held, struct error *err)
{
	struct outbox_item item;
	int rc;

	while ((rc = outbox_next_held(d->decide, c->name, held->last, &item, err)) == 1) {
		bool again = held->n && held->alerts[held->n - 1] == item.alert;

		held->last = item.id;
		held->total++;
		if (held->n < DIGEST_ALERTS && !again)
			held->alerts[held->n++] = item.alert;
	}
	return rc;
}

static int send_digest(const struct deliveries *d, const struct notify_channel *c,
		       const struct outbox_item *item, struct error *err)
{
	struct held held = { .n = 0 };
	struct tree *facts;
	int rc;

	if (gather_held(d, c, &held, err) < 0)
		return -1;
	if (!held.total)
		return settle(d, item, OUTBOX_DROPPED, "nothing is held any more", err);
	facts = facts_of_digest(d->report, d->settings, held.alerts, (size_t)held.n, held.total,
				d->now, err);
	if (!facts)
		return -1;
	rc = hand_over(d, c, item, facts, err);
	tree_free(facts);
	/* If it could not be handed over, the next try tells of what came meanwhile. */
	if (rc == 0 && !outbox_waits(d->decide, c->name, OUTBOX_DIGEST))
		rc = outbox_digested(d->decide, c->name, held.last, d->now, err);
	return rc;
}

static int send_summary(const struct deliveries *d, const struct notify_channel *c,
			const struct outbox_item *item, struct error *err)
{
	struct tree *facts = facts_of_summary(d->report, d->settings, item->created - USEC_DAY,
					      item->created, err);
	int rc;

	if (!facts)
		return -1;
	rc = hand_over(d, c, item, facts, err);
	tree_free(facts);
	return rc;
}

/* ---- the ceiling ---- */

/* The digest comes a minute after the ceiling was reached, but not within an hour of
 * the one before. */
static int hold(const struct deliveries *d, const struct notify_channel *c,
		const struct outbox_item *item, struct error *err)
{
	usec_t due = decide_number(d->decide, "digest") + USEC_HOUR;

	if (due < d->now + DIGEST_GATHER)
		due = d->now + DIGEST_GATHER;
	if (settle(d, item, OUTBOX_HELD, NULL, err) < 0)
		return -1;
	if (outbox_waits(d->decide, c->name, OUTBOX_DIGEST))
		return 0;
	if (decide_set_number(d->decide, "digest", due, err) < 0)
		return -1;
	return outbox_put_later(d->decide, 0, OUTBOX_DIGEST, CHANGE_NONE, c->name, d->now, due,
				err);
}

/* Owners are told one by one: what is too much waits. */
static int over_ceiling(const struct deliveries *d, const struct notify_channel *c,
			const struct outbox_item *item, struct error *err)
{
	if (c->only_opened)
		return outbox_postpone(d->decide, c->name, d->now + USEC_MINUTE, err);
	return hold(d, c, item, err);
}

static bool is_over_ceiling(const struct deliveries *d, const struct notify_channel *c)
{
	return c->is_mail && outbox_sent_since(d->decide, c->name, d->now - USEC_HOUR) >=
				     d->settings->alerts.per_hour;
}

/* ---- one alert ---- */

/* NULL: still to be told. */
static const char *why_not(const struct deliveries *d, const struct notify_channel *c,
			   const struct outbox_item *item, const struct alert *a)
{
	if (decide_alert_muted_until(d->decide, a, d->now))
		return "muted";
	if (c->is_mail && a->acked > item->created && item->change == CHANGE_UPDATED)
		return "acknowledged";
	return NULL;
}

static int send_alert(const struct deliveries *d, const struct notify_channel *c,
		      const struct outbox_item *item, struct error *err)
{
	struct alert *a = decide_alert(d->decide, item->alert, err);
	const char *not = a ? why_not(d, c, item, a) : "the alert is gone";
	struct tree *facts;
	int rc;

	if (!a && err->code)
		return -1;
	if (not) {
		alert_free(a);
		return settle(d, item, OUTBOX_DROPPED, not, err);
	}
	facts = facts_of_alert(d->report, d->settings, a, item->version, item->change, d->now, err);
	rc = facts ? hand_over(d, c, item, facts, err) : -1;
	tree_free(facts);
	alert_free(a);
	return rc;
}

static int deliver(const struct deliveries *d, const struct outbox_item *item, struct error *err)
{
	const struct notify_channel *c = channel_find(item->channel);

	if (!c || !c->wanted(d->settings))
		return settle(d, item, OUTBOX_DROPPED, "not in the settings any more", err);
	if (!item->alert)
		return item->version == OUTBOX_DIGEST ? send_digest(d, c, item, err) :
							send_summary(d, c, item, err);
	if (is_over_ceiling(d, c))
		return over_ceiling(d, c, item, err);
	return send_alert(d, c, item, err);
}

int deliver_next(const struct deliveries *d, struct error *err)
{
	struct outbox_item item;
	int rc = outbox_next(d->decide, d->now, &item, err);

	if (rc != 1)
		return rc;
	return deliver(d, &item, err) < 0 ? -1 : 1;
}

/* ---- the daily summary ---- */

/* When today's is due, local time. */
static usec_t hour_today(const struct deliveries *d)
{
	const struct zone *zone = zone_find(STR("local"));
	char text[STAMP_TEXT];
	usec_t midnight = 0;

	if (!zone)
		zone = zone_utc();
	stamp_show(d->now, zone, text);
	stamp_user(str_head(str_of(text), strlen("2026-11-23")), zone, d->now, &midnight);
	return midnight + d->settings->alerts.daily_hour * USEC_HOUR;
}

int deliver_summary(const struct deliveries *d, bool at_once, struct error *err)
{
	usec_t last = decide_number(d->decide, "summary"), today = hour_today(d);

	if (!channel_find(STR("mail"))->wanted(d->settings))
		return at_once ? error_set(err, EXIT_CONFIG, "alerts.to names nobody to mail to") : 0;
	if (!at_once && (!d->settings->alerts.daily || d->now < today || last >= today))
		return 0;
	if (decide_set_number(d->decide, "summary", d->now, err) < 0)
		return -1;
	/* The first one is tomorrow's: there is no day to tell of. */
	if (!at_once && !last)
		return 0;
	return outbox_put(d->decide, 0, OUTBOX_SUMMARY, CHANGE_NONE, "mail", d->now, err);
}
