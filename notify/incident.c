/* From findings that changed to alerts.
 *
 * Invariant: news is forgotten in the transaction that put what follows from it, so a
 * finding is told of even if we die at any moment. An alert is looked at once for
 * all of its findings that changed, however many they are. */
#include "notify/incident.h"

#include "notify/channel.h"
#include "schema/outbox.h"

/* News in one transaction: the daemon may wait for its end. */
#define BATCH 500

struct batch {
	const struct incidents *in;
	int64_t alerts[BATCH]; /* to be looked at */
	int nalerts;
	int taken;
};

/* ---- what is to be sent ---- */

static int put_outbox(const struct incidents *in, const struct alert *a, enum alert_change change,
		      bool loud, struct error *err)
{
	bool ends = change == CHANGE_WENT_QUIET || change == CHANGE_CLOSED;

	for (const struct notify_channel *const *c = all_channels; *c; c++) {
		if (!(*c)->wanted(in->settings) || (ends && !(*c)->ends))
			continue;
		if (!ends && (!loud || ((*c)->only_opened && change != CHANGE_OPENED)))
			continue;
		if (outbox_put(in->decide, a->id, a->version, change, (*c)->name, in->now, err) < 0)
			return -1;
	}
	return 0;
}

/* Looks at all findings of the alert, and acts on what that means. */
static int look_again(const struct incidents *in, int64_t id, struct error *err)
{
	struct alert *a = decide_alert(in->decide, id, err);
	enum alert_change change;
	struct alert_look look;
	bool worse;
	int rc = -1;

	if (!a)
		return err->code ? -1 : 0;
	if (decide_look(in->decide, id, &look, err) == 0 && look.findings) {
		worse = alert_is_worse(a, &look);
		change = alert_step(a, &look, decide_watermark(in->decide), in->now);
		rc = decide_put_alert(in->decide, a, err);
		if (rc == 0 && change != CHANGE_NONE)
			rc = put_outbox(in, a, change, alert_is_loud(a, change, worse), err);
		if (rc == 0 && alert_is_version(change))
			rc = actions_follow_rules(in->actions, in->settings, in->decide, a, in->now,
						  err);
	}
	arena_release(&look.strings);
	alert_free(a);
	return rc;
}

/* ---- which alert ---- */

static int remember(struct batch *b, int64_t alert)
{
	for (int i = 0; i < b->nalerts; i++)
		if (b->alerts[i] == alert)
			return 0;
	b->alerts[b->nalerts++] = alert;
	return 0;
}

static int join_alert(struct batch *b, const struct finding *f, struct error *err)
{
	struct decide *d = b->in->decide;
	struct arena scratch = { 0 };
	struct str subject = alert_subject(f, &scratch);
	struct alert *a = decide_alert_of(d, f->id, subject, b->in->now - FINDING_REOPEN, err);
	int rc = a || !err->code ? 0 : -1;

	if (rc == 0 && !a) {
		a = alert_new();
		a->subject = arena_str(&a->strings, subject);
		a->account = arena_str_or_none(&a->strings, f->account);
		rc = decide_put_alert(d, a, err);
	}
	if (rc == 0)
		rc = decide_join(d, f->id, a->id, err);
	if (rc == 0)
		rc = remember(b, a->id);
	alert_free(a);
	arena_release(&scratch);
	return rc;
}

/* What is muted waits; its end is told to nobody. */
static int take_finding(struct batch *b, const struct news *n, const struct finding *f,
			struct error *err)
{
	usec_t muted = decide_muted_until(b->in->decide, f, b->in->now);

	if (muted && !f->closed)
		return decide_news_later(b->in->decide, n, muted, err);
	if (!muted && join_alert(b, f, err) < 0)
		return -1;
	return decide_news_done(b->in->decide, n, err);
}

static int take_news(struct batch *b, const struct news *n, struct error *err)
{
	struct finding *f = decide_finding(b->in->decide, n->finding, err);
	int rc;

	if (!f)
		return err->code ? -1 : decide_news_done(b->in->decide, n, err);
	rc = take_finding(b, n, f, err);
	finding_free(f);
	return rc;
}

static int take_batch(struct decide *d, void *context, struct error *err)
{
	struct batch *b = context;
	struct news n;
	int rc = 0;

	while (b->taken < BATCH && (rc = decide_next_news(d, b->in->now, &n, err)) == 1) {
		b->taken++;
		if (take_news(b, &n, err) < 0)
			return -1;
	}
	for (int i = 0; i < b->nalerts && rc >= 0; i++)
		rc = look_again(b->in, b->alerts[i], err);
	return rc < 0 ? -1 : 0;
}

int incidents_take(const struct incidents *in, struct error *err)
{
	struct batch b = { .in = in };
	struct news n;
	int rc = decide_next_news(in->decide, in->now, &n, err);

	/* Nothing to do takes no lock. */
	if (rc != 1)
		return rc;
	if (decide_transaction(in->decide, take_batch, &b, err) < 0)
		return -1;
	return b.taken;
}

/* ---- by time alone ---- */

static int sweep(struct decide *d, void *context, struct error *err)
{
	const struct incidents *in = context;
	int64_t id = 0;
	int rc;

	while ((rc = decide_next_open(d, id, &id, err)) == 1)
		if (look_again(in, id, err) < 0)
			return -1;
	return rc;
}

int incidents_sweep(const struct incidents *in, struct error *err)
{
	int64_t id;
	int rc = decide_next_open(in->decide, 0, &id, err);

	return rc == 1 ? decide_transaction(in->decide, sweep, (void *)(uintptr_t)in, err) : rc;
}
