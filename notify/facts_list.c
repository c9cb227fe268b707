/* Many alerts in one mail: a digest of what was held back, and the daily summary. */
#include <string.h>

#include "notify/facts_part.h"

#define TOP_ACCOUNTS_SHOWN 10

static bool add_alert(void *context, const struct alert *a, int64_t findings, int64_t waiting)
{
	struct tree *t = tree_enter_object(context, NULL);

	(void)findings;
	(void)waiting;
	tree_number(t, "version", a->version);
	facts_row(t, a);
	return true;
}

static void put_more(struct tree *t, const struct tree *list, int64_t total)
{
	int64_t listed = (int64_t)tree_count(list);

	tree_number(t, "total", total);
	tree_flag(t, "one", total == 1);
	tree_number(t, "more", total > listed ? total - listed : 0);
}

struct tree *facts_of_digest(struct report *r, const struct settings *s, const int64_t *ids,
			     size_t n, int64_t total, usec_t now, struct error *err)
{
	struct tree *t = tree_object(), *list;

	facts_head(t, s, "digest", now);
	tree_number(t, "per_hour", s->alerts.per_hour);
	list = tree_enter_list(t, "alerts");
	for (size_t i = 0; i < n && i < FACTS_MAX_ALERTS; i++) {
		if (report_alert(r, ids[i], add_alert, list, err) < 0) {
			tree_free(t);
			return NULL;
		}
	}
	put_more(t, list, total);
	return t;
}

/* ---- the summary ---- */

struct top {
	struct {
		char name[FACTS_TEXT * 4];
		size_t n;
		struct volume volume;
	} at[TOP_ACCOUNTS_SHOWN];
	size_t n;
	int64_t messages, recipients; /* of all */
};

/* Keeps those with most recipients, in order. */
static bool take_account(void *context, const struct share *row)
{
	struct top *top = context;
	size_t i = top->n;

	top->messages += row->volume.messages;
	top->recipients += row->volume.recipients;
	while (i > 0 && top->at[i - 1].volume.recipients < row->volume.recipients)
		i--;
	if (i == TOP_ACCOUNTS_SHOWN)
		return true;
	if (top->n < TOP_ACCOUNTS_SHOWN)
		top->n++;
	memmove(&top->at[i + 1], &top->at[i], (top->n - 1 - i) * sizeof(top->at[0]));
	top->at[i].n = row->key.n < sizeof(top->at[i].name) ? row->key.n : sizeof(top->at[i].name);
	if (row->key.n)
		memcpy(top->at[i].name, row->key.p, top->at[i].n);
	top->at[i].volume = row->volume;
	return true;
}

static void put_top(struct tree *t, const struct top *top)
{
	struct tree *list = tree_enter_list(t, "accounts");

	tree_number(t, "messages", top->messages);
	tree_number(t, "recipients", top->recipients);
	for (size_t i = 0; i < top->n; i++) {
		struct tree *row = tree_enter_object(list, NULL);
		const struct volume *v = &top->at[i].volume;

		tree_text(row, "account", (struct str){ top->at[i].name, top->at[i].n });
		tree_number(row, "messages", v->messages);
		tree_number(row, "recipients", v->recipients);
		tree_number(row, "bounced", v->status[RCPT_BOUNCED] + v->status[RCPT_EXPIRED]);
		tree_number(row, "rejected", v->status[RCPT_REJECTED]);
		tree_number(row, "deferred", v->status[RCPT_DEFERRED]);
	}
}

static void put_counts(struct tree *t, const struct alert_counts *c)
{
	tree_number(t, "opened", c->opened);
	tree_number(t, "reopened", c->reopened);
	tree_number(t, "closed", c->closed);
	tree_number(t, "open", c->open);
	tree_number(t, "acked", c->acked);
	tree_number(t, "muted", c->muted);
}

static int put_summary(struct tree *t, struct report *r, usec_t since, usec_t now,
		       struct error *err)
{
	struct alert_filter open = { .open = true, .limit = FACTS_MAX_ITEMS };
	struct tree *list = tree_enter_list(t, "alerts");
	struct alert_counts counts;
	struct top top = { .n = 0 };

	if (report_alert_counts(r, since, now, &counts, err) < 0 ||
	    report_alerts(r, &open, add_alert, list, err) < 0 ||
	    report_top(r, TOP_ACCOUNTS, since, now, 0, take_account, &top, err) < 0)
		return -1;
	put_counts(t, &counts);
	put_more(t, list, counts.open);
	put_top(t, &top);
	return 0;
}

struct tree *facts_of_summary(struct report *r, const struct settings *s, usec_t since, usec_t now,
			      struct error *err)
{
	struct tree *t = tree_object();

	facts_head(t, s, "summary", now);
	tree_time(t, "since", since);
	facts_put_time(t, "since_shown", since);
	if (put_summary(t, r, since, now, err) == 0)
		return t;
	tree_free(t);
	return NULL;
}
