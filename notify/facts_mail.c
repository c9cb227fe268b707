/* What became of the mail of an alert, by which scripts it came, and how it compares
 * with what is usual, hour by hour.
 *
 * Invariant: an hour's recipients and what is usual then are of the same mail: of the
 * login, or of all the account sends. */
#include <stdio.h>

#include "notify/facts_part.h"

#define HOURS 24
#define TOP_SCRIPTS_SHOWN 5
/* Without an account no index leads to a subject's mail: not further back than this. */
#define LONGEST_SEARCH USEC_DAY
/* Columns of a bar in text. */
#define BAR_COLUMNS 40

struct period {
	usec_t since, until;
};

static struct report_subject whose(const struct facts_subject *s, bool all)
{
	struct str kind = alert_kind(s->alert);

	if (str_eq(kind, STR("login")))
		return (struct report_subject){ .account = s->alert->account,
						.login = alert_name(s->alert) };
	if (str_eq(kind, STR("account")))
		return (struct report_subject){ .account = s->alert->account, .by_scripts = !all };
	if (str_eq(kind, STR("script")))
		return (struct report_subject){ .account = s->alert->account,
						.script = alert_name(s->alert) };
	return (struct report_subject){ 0 };
}

static bool is_somebody(const struct report_subject *w)
{
	return w->account.n || w->login.n || w->script.n;
}

/* ---- outcomes and scripts ---- */

/* PHP's whole seconds are taken for their end, and what a call sent comes behind it. */
static struct period of_alert(const struct facts_subject *s, const struct report_subject *w)
{
	usec_t until = s->alert->last_seen + USEC_MINUTE;
	usec_t since = s->alert->first_seen - s->alert->first_seen % USEC_SECOND;

	if (!w->account.n && since < until - LONGEST_SEARCH)
		since = until - LONGEST_SEARCH;
	return (struct period){ since, until };
}

static void put_outcomes(struct tree *t, const struct volume *v, int64_t queued)
{
	struct tree *o = tree_enter_object(t, "outcomes");

	tree_number(o, "sent", v->status[RCPT_SENT]);
	tree_number(o, "deferred", v->status[RCPT_DEFERRED]);
	tree_number(o, "bounced", v->status[RCPT_BOUNCED]);
	tree_number(o, "expired", v->status[RCPT_EXPIRED]);
	tree_number(o, "rejected", v->status[RCPT_REJECTED]);
	tree_number(o, "pending", v->status[RCPT_PENDING]);
	tree_number(t, "queued", queued);
}

struct scripts {
	struct tree *list;
	int64_t recipients; /* of all */
};

static bool put_script(void *context, struct str script, int64_t line, const struct volume *v)
{
	struct scripts *all = context;
	struct tree *t = tree_enter_object(all->list, NULL);

	tree_text(t, "script", script);
	if (line > 0)
		tree_number(t, "line", line);
	else
		tree_null(t, "line");
	tree_number(t, "messages", v->messages);
	tree_number(t, "recipients", v->recipients);
	tree_number(t, "share", all->recipients ? v->recipients * 100 / all->recipients : 0);
	return true;
}

static int tell_outcomes(struct tree *t, struct report *r, const struct facts_subject *s,
			 struct error *err)
{
	struct report_subject w = whose(s, false);
	struct period p = of_alert(s, &w);
	struct scripts scripts;
	struct volume v = { 0 };
	int64_t queued = 0;

	if (is_somebody(&w) &&
	    report_subject_volume(r, &w, p.since, p.until, &v, &queued, err) < 0)
		return -1;
	put_outcomes(t, &v, queued);
	scripts = (struct scripts){ tree_enter_list(t, "scripts"), v.recipients };
	if (!is_somebody(&w))
		return 0;
	return report_subject_scripts(r, &w, p.since, p.until, TOP_SCRIPTS_SHOWN, put_script,
				      &scripts, err);
}

/* ---- the chart ---- */

struct chart {
	int64_t first; /* hour since 1970 */
	int64_t recipients[HOURS];
	float usual[HOURS]; /* by the hour of the day, UTC */
	double most;
};

static bool take_hour(void *context, int64_t hour, const struct volume *v)
{
	struct chart *c = context;

	if (hour >= c->first && hour < c->first + HOURS)
		c->recipients[hour - c->first] = v->recipients;
	return true;
}

static double usual_at(const struct chart *c, int i)
{
	return (double)c->usual[(c->first + i) % HOURS];
}

static void find_most(struct chart *c)
{
	for (int i = 0; i < HOURS; i++) {
		if ((double)c->recipients[i] > c->most)
			c->most = (double)c->recipients[i];
		if (usual_at(c, i) > c->most)
			c->most = usual_at(c, i);
	}
}

/* Its part of the longest bar, and never nothing for something. */
static int part_of(const struct chart *c, double x, int longest)
{
	int n = c->most > 0 ? (int)(x * longest / c->most + 0.5) : 0;

	return x > 0.05 && n == 0 ? 1 : n;
}

/* "19:00", local time */
static void put_label(struct tree *t, const struct chart *c, int i)
{
	char text[FACTS_TEXT];

	stamp_show((c->first + i) * USEC_HOUR, zone_find(STR("local")), text);
	tree_text(t, "label", (struct str){ text + 11, 5 });
}

/* The hour that has most. */
static void put_peak(struct tree *t, const struct chart *c)
{
	struct tree *peak;
	int at = 0;

	for (int i = 0; i < HOURS; i++)
		if (c->recipients[i] > c->recipients[at])
			at = i;
	peak = tree_enter_object(t, "peak");
	put_label(peak, c, at);
	tree_number(peak, "recipients", c->recipients[at]);
}

/* "0.6", "12" */
static void put_short(struct tree *t, const char *key, double x)
{
	char text[FACTS_TEXT];

	snprintf(text, sizeof(text), x < 9.95 && x > 0.05 ? "%.1f" : "%.0f", x);
	tree_text(t, key, str_of(text));
}

static void put_hour(struct tree *list, const struct chart *c, int i)
{
	static const char bar[BAR_COLUMNS + 1] = "########################################";
	struct tree *t = tree_enter_object(list, NULL);
	double recipients = (double)c->recipients[i], usual = usual_at(c, i);

	tree_time(t, "hour", (c->first + i) * USEC_HOUR);
	put_label(t, c, i);
	tree_number(t, "recipients", c->recipients[i]);
	tree_real(t, "usual", usual);
	put_short(t, "usual_shown", usual);
	tree_number(t, "percent", part_of(c, recipients, 100));
	tree_number(t, "usual_percent", part_of(c, usual, 100));
	tree_text(t, "bar", (struct str){ bar, (size_t)part_of(c, recipients, BAR_COLUMNS) });
	tree_flag(t, "any", recipients > 0 || usual > 0.05);
	tree_flag(t, "tick", i % 6 == 0);
}

static void put_usual(struct tree *t, const struct chart *c)
{
	double most = 0;

	for (int i = 0; i < HOURS; i++)
		if ((double)c->usual[i] > most)
			most = (double)c->usual[i];
	tree_real(t, "usual_per_hour", most);
	put_short(t, "usual_shown", most);
}

static int tell_hours(struct tree *t, struct report *r, const struct facts_subject *s,
		      struct error *err)
{
	struct report_subject w = whose(s, true);
	struct chart c = { .first = s->alert->last_seen / USEC_HOUR - (HOURS - 1) };
	struct tree *list = tree_enter_list(t, "hours");

	if (!is_somebody(&w)) {
		tree_null(t, "usual_per_hour");
		tree_null(t, "usual_shown");
		tree_null(t, "peak");
		return 0;
	}
	if (report_usual(r, s->stream, c.usual, err) < 0 ||
	    report_subject_hours(r, &w, c.first * USEC_HOUR, (c.first + HOURS) * USEC_HOUR,
				 take_hour, &c, err) < 0)
		return -1;
	put_usual(t, &c);
	find_most(&c);
	put_peak(t, &c);
	for (int i = 0; i < HOURS && c.most > 0; i++)
		put_hour(list, &c, i);
	return 0;
}

int facts_of_mail(struct tree *t, struct report *r, const struct facts_subject *s,
		  struct error *err)
{
	return tell_outcomes(t, r, s, err) < 0 ? -1 : tell_hours(t, r, s, err);
}
