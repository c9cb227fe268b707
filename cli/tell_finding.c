/* Findings as records, and one of them as a page.
 *
 * A record has the contract's keys for machines and, in tables only, a few that
 * sum them up for people; those come last. Lists are lists of sentences or
 * samples, log bytes in them as they were. */
#include "cli/tell.h"

const struct out_column finding_columns[] = {
	{ "id", "ID", OUT_RIGHT, 0 },
	{ "time", "TIME", 0, 0 },
	{ "first_seen", NULL, 0, 0 },
	{ "last_seen", NULL, 0, 0 },
	{ "severity", "SEVERITY", OUT_STATE, 0 },
	{ "case", NULL, 0, 0 },
	{ "account", NULL, 0, 0 },
	{ "login", NULL, 0, 0 },
	{ "script", NULL, 0, 0 },
	{ "host", NULL, 0, 0 },
	{ "summary", NULL, 0, 0 },
	{ "score", NULL, 0, 0 },
	{ "evidence", NULL, 0, 0 },
	{ "messages", NULL, 0, 0 },
	{ "recipients", NULL, 0, 0 },
	{ "leaked_before", NULL, 0, 0 },
	{ "line", NULL, 0, 0 },
	{ "closed", NULL, 0, 0 },
	{ "reopened", NULL, 0, 0 },
	{ "title", NULL, 0, 0 },
	{ "novel", NULL, 0, 0 },
	{ "results", NULL, 0, 0 },
	{ "unknown_users", NULL, 0, 0 },
	{ "spam_answers", NULL, 0, 0 },
	{ "sources", NULL, 0, 0 },
	{ "answers", NULL, 0, 0 },
	{ "queue_ids", NULL, 0, 0 },
	{ "subjects", NULL, 0, 0 },
	{ "why", NULL, 0, 0 },
	{ "advice", NULL, 0, 0 },
	{ "verdict", "CASE", OUT_VIEW, 0 },
	{ "who", "WHO", OUT_TRUNC | OUT_WIDE | OUT_VIEW, 0.2 },
	{ "volume", "MSGS/RCPTS", OUT_RIGHT | OUT_WIDE | OUT_VIEW, 0 },
	{ "what", "SUMMARY", OUT_WRAP | OUT_VIEW, 0.5 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column head_columns[] = {
	{ "id", "Finding", 0, 0 },
	{ "state", "State", OUT_VIEW, 0 },
	{ "verdict", "Case", OUT_VIEW, 0 },
	{ "summary", "Summary", 0, 0 },
	{ "account", "Account", 0, 0 },
	{ "login", "Login", 0, 0 },
	{ "script", "Script", 0, 0 },
	{ "line", "Line", 0, 0 },
	{ "host", "Host", 0, 0 },
	{ "time", "Raised", 0, 0 },
	{ "first_seen", "First seen", 0, 0 },
	{ "last_seen", "Last seen", 0, 0 },
	{ "closed", "Closed", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column figure_columns[] = {
	{ "messages", "Messages", 0, 0 },
	{ "recipients", "Recipients", 0, 0 },
	{ "novel", "  never written to before", 0, 0 },
	{ "leaked_before", "  before it was raised", 0, 0 },
	{ "results", "Answers of other servers", 0, 0 },
	{ "unknown_users", "  no such user", 0, 0 },
	{ "spam_answers", "  spam", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column score_columns[] = {
	{ "volume", "Volume", 0, 0 },       { "origin", "Origin", 0, 0 },
	{ "delivery", "Delivery", 0, 0 },   { "injection", "Injection", 0, 0 },
	{ "script", "Script", 0, 0 },       { "identity", "Identity", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column line_columns[] = {
	{ "line", "-", OUT_WRAP, 0 }, { NULL, NULL, 0, 0 }
};

const struct out_section finding_sections[] = {
	{ NULL, NULL, head_columns },
	{ "evidence", "Evidence", line_columns },
	{ "why", "Why this case", line_columns },
	{ "advice", "What to do", line_columns },
	{ NULL, "Figures", figure_columns },
	{ "score", "Score", score_columns },
	{ "sources", "Where it came from", line_columns },
	{ "answers", "Answers of other servers", line_columns },
	{ "subjects", "Subjects", line_columns },
	{ "queue_ids", "Queue ids", line_columns },
	{ NULL, NULL, NULL }
};

static void tell_lines(struct out *o, const char *key, struct str list)
{
	struct str line;

	out_enter_list(o, key);
	while (finding_line(&list, &line))
		out_string(o, NULL, line);
	out_leave(o);
}

static void tell_score(struct out *o, const struct finding *f)
{
	out_enter_object(o, "score");
	for (int i = 0; i < FAMILIES; i++)
		out_real(o, family_name[i], (double)f->score[i]);
	out_leave(o);
}

/* Whom it is about, as a person would name it. */
static struct str who(const struct finding *f)
{
	if (f->login.n)
		return f->login;
	return f->script.n ? f->script : f->account;
}

static void tell_view(struct out *o, const struct finding *f)
{
	char buf[128];

	out_text(o, "who", who(f));
	snprintf(buf, sizeof(buf), "%lld/%lld", (long long)f->messages, (long long)f->recipients);
	out_text(o, "volume", str_of(buf));
	out_text(o, "what", f->summary);
	snprintf(buf, sizeof(buf), "%s, %s%s", severity_name[f->severity],
		 f->closed ? "closed" : "open", f->reopened ? " (again)" : "");
	out_text(o, "state", str_of(buf));
	snprintf(buf, sizeof(buf), "%s %s", finding_case_name[f->verdict],
		 finding_case_title[f->verdict]);
	out_text(o, "verdict", str_of(buf));
}

static void tell_more(struct out *o, const struct finding *f)
{
	out_number_or_null(o, "line", f->script_line);
	out_time(o, "closed", f->closed);
	out_number(o, "reopened", f->reopened);
	out_text(o, "title", str_of(finding_case_title[f->verdict]));
	out_number(o, "novel", f->novel);
	out_number(o, "results", f->results);
	out_number(o, "unknown_users", f->unknown_users);
	out_number(o, "spam_answers", f->spam_answers);
	tell_lines(o, "sources", f->sources);
	tell_lines(o, "answers", f->answers);
	tell_lines(o, "queue_ids", f->queue_ids);
	tell_lines(o, "subjects", f->subjects);
	tell_lines(o, "why", f->why);
	tell_lines(o, "advice", f->advice);
}

void tell_finding_row(struct out *o, const struct finding *f)
{
	out_number(o, "id", f->id);
	out_time(o, "time", f->time);
	out_time(o, "first_seen", f->first_seen);
	out_time(o, "last_seen", f->last_seen);
	out_text(o, "severity", str_of(severity_name[f->severity]));
	out_text(o, "case", str_of(finding_case_name[f->verdict]));
	out_text(o, "account", f->account);
	out_text(o, "login", f->login);
	out_text(o, "script", f->script);
	out_text(o, "host", f->host);
	out_text(o, "summary", f->summary);
	tell_score(o, f);
	tell_lines(o, "evidence", f->evidence);
	out_number(o, "messages", f->messages);
	out_number(o, "recipients", f->recipients);
	out_number(o, "leaked_before", f->leaked_before);
	tell_more(o, f);
	if (out_is_table(o))
		tell_view(o, f);
}
