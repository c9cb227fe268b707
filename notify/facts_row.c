/* What every mail and every row of a list says of an alert.
 *
 * Invariant: for each word that a person reads there is a member of its own that is true,
 * so that a template of another language finds words of its own. */
#include <stdio.h>

#include "notify/facts_part.h"

/* The cases by name, for templates. */
static const char *const case_flag[CASES] = {
	[CASE_UNKNOWN] = "unknown", [CASE_INFECTED] = "infected", [CASE_INJECTED] = "injected",
	[CASE_MAILER] = "mailer",   [CASE_FORM] = "form",	  [CASE_SCRIPT] = "hidden",
	[CASE_STOLEN] = "stolen",   [CASE_SPOOFED] = "spoofed",
};

static const char *const subject_kinds[] = { "login",	"account", "script",
					     "network", "mailbox", "host" };

void facts_put_time(struct tree *t, const char *key, usec_t when)
{
	char text[FACTS_TEXT];

	tree_text(t, key, when ? str_of(stamp_show(when, zone_find(STR("local")), text)) : STR_NONE);
}

static void put_subject(struct tree *t, const struct alert *a)
{
	struct tree *subject = tree_enter_object(t, "subject");
	struct tree *is = tree_enter_object(t, "subject_is");
	struct str kind = alert_kind(a);

	tree_text(subject, "kind", kind);
	tree_text(subject, "name", alert_name(a));
	for (size_t i = 0; i < sizeof(subject_kinds) / sizeof(subject_kinds[0]); i++)
		tree_flag(is, subject_kinds[i], str_eq(kind, str_of(subject_kinds[i])));
	tree_text(t, "account", a->account);
}

static void put_case(struct tree *t, const struct alert *a)
{
	struct tree *is, *cases;

	tree_text(t, "case", str_of(finding_case_name[a->verdict]));
	tree_text(t, "case_title", str_of(finding_case_title[a->verdict]));
	cases = tree_enter_list(t, "cases");
	for (int i = 0; i < CASES; i++)
		if (a->cases & 1u << i)
			tree_text(cases, NULL, str_of(finding_case_name[i]));
	is = tree_enter_object(t, "case_is");
	for (int i = 0; i < CASES; i++)
		tree_flag(is, case_flag[i], i == (int)a->verdict);
	tree_text(t, "severity", str_of(severity_name[a->severity]));
	tree_flag(t, "critical", a->severity == SEVERITY_CRITICAL);
}

static void put_state(struct tree *t, const struct alert *a)
{
	tree_text(t, "state", str_of(alert_state_name[a->state]));
	tree_number(t, "reopened", a->reopened);
	tree_time(t, "acked", a->acked);
	tree_text(t, "acked_by", a->acked ? a->acked_by : STR_NONE);
	tree_text(t, "ack_note", a->acked ? a->ack_note : STR_NONE);
}

static void put_times(struct tree *t, const struct alert *a)
{
	char text[FACTS_TEXT];

	tree_time(t, "first_seen", a->first_seen);
	tree_time(t, "last_seen", a->last_seen);
	tree_text(t, "lasted", str_of(stamp_span(a->last_seen - a->first_seen, text)));
	facts_put_time(t, "first_shown", a->first_seen);
	facts_put_time(t, "last_shown", a->last_seen);
}

void facts_row(struct tree *t, const struct alert *a)
{
	tree_number(t, "alert", a->id);
	put_state(t, a);
	put_case(t, a);
	put_subject(t, a);
	tree_text(t, "summary", a->summary);
	put_times(t, a);
	tree_number(t, "messages", a->messages);
	tree_number(t, "recipients", a->recipients);
	tree_flag(t, "one_message", a->messages == 1);
	tree_flag(t, "one_recipient", a->recipients == 1);
}

void facts_head(struct tree *t, const struct settings *s, const char *event, usec_t now)
{
	tree_text(t, "event", str_of(event));
	tree_text(t, "host", str_of(s->hostname));
	tree_time(t, "time", now);
	facts_put_time(t, "time_shown", now);
}
