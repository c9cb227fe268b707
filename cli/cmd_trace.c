/* mailaudit trace ID: one message's whole story.
 *
 * An id can name several messages (queue ids are reused): the newest is told,
 * the others are listed. The first pass over the rows chooses, the second
 * tells. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/story.h"
#include "cli/tell.h"

static usec_t until;

const struct option options_trace[] = {
	{ "until", "TIME", OPTION_TIME, &until, NULL, 0,
	  "of several messages with this id the newest that was first seen before" },
	{ .name = NULL }
};

const char help_trace[] =
	"Tells one message's story in order of time: PHP call, acceptance, what became of\n"
	"each recipient, reports on it, end; and the evidence that says whose it is. Any of\n"
	"its queue ids will do, and the Message-ID with or without <>.\n"
	"\n"
	"Keys: message (as in 'messages'), events[{time event queue_id text}], event is php,\n"
	"accepted, parent, delivery, child or end; evidence[{via used text}];\n"
	"related[{role time queue_id account status}], role is match (has the id, too),\n"
	"parent or child.";

static const struct out_column head_columns[] = {
	{ "verdict", "Attributed", OUT_VIEW, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column message_lines[] = {
	{ "queue_id", "Queue id", 0, 0 },   { "message_id", "Message-ID", 0, 0 },
	{ "host", "Host", 0, 0 },           { "instance", "Instance", 0, 0 },
	{ "state", "State", 0, 0 },         { "direction", "Direction", 0, 0 },
	{ "sender", "Sender", 0, 0 },       { "subject", "Subject", 0, 0 },
	{ "outcome", "Recipients", 0, 0 },  { NULL, NULL, 0, 0 }
};

static const struct out_column event_columns[] = {
	{ "time", "TIME", 0, 0 },
	{ "event", "EVENT", 0, 0 },
	{ "queue_id", "QUEUE ID", 0, 0 },
	{ "text", "WHAT", OUT_WRAP, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column evidence_columns[] = {
	{ "via", "VIA", 0, 0 },
	{ "used", "USED", 0, 0 },
	{ "text", "EVIDENCE", OUT_WRAP, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_column related_columns[] = {
	{ "role", "ROLE", 0, 0 },
	{ "time", "TIME", 0, 0 },
	{ "queue_id", "QUEUE ID", 0, 0 },
	{ "account", "ACCOUNT", OUT_TRUNC, 0 },
	{ "status", "STATUS", OUT_STATE, 0 },
	{ NULL, NULL, 0, 0 }
};

static const struct out_section sections[] = {
	{ NULL, NULL, head_columns },
	{ "message", NULL, message_lines },
	{ "events", "Story", event_columns },
	{ "evidence", "Evidence", evidence_columns },
	{ "related", "Related messages", related_columns },
	{ NULL, NULL, NULL }
};

static const char *const role_name[] = {
	[TRACE_MATCH] = "match", [TRACE_PARENT] = "parent", [TRACE_CHILD] = "child",
};

struct related {
	enum trace_role role;
	usec_t time;
	struct str queue_id, account, outcome;
};

struct trace {
	struct out *out;
	int64_t chosen, parent; /* rows; 0 none */
	struct story story;
	struct related *related;
	size_t nrelated;
	char verdict[1024];
};

static bool choose(void *context, const struct report_trace *row)
{
	struct trace *t = context;
	const struct message *m = row->row.message;

	if (row->role != TRACE_MATCH || (until && m->time >= until))
		return true;
	t->chosen = m->id;
	t->parent = m->parent;
	return true;
}

static void add_related(struct trace *t, enum trace_role role, const struct message *m)
{
	char outcome[128];
	struct related *r;

	t->related = xrealloc(t->related, (t->nrelated + 1) * sizeof(*t->related));
	r = &t->related[t->nrelated++];
	r->role = role;
	r->time = m->time;
	r->queue_id = arena_str_or_none(&t->story.arena, m->queue_id);
	r->account = arena_str_or_none(&t->story.arena, m->account);
	r->outcome = arena_str(&t->story.arena, str_of(tell_outcome(m, outcome)));
}

static struct str because(const struct story *s)
{
	for (size_t i = 0; i < s->nevidence; i++)
		if (s->evidence[i].used)
			return s->evidence[i].text;
	return STR_NONE;
}

static void judge(struct trace *t, const struct message *m)
{
	struct str reason = because(&t->story);

	if (m->account.n == 0)
		snprintf(t->verdict, sizeof(t->verdict), "to nobody: the log names no account");
	else
		snprintf(t->verdict, sizeof(t->verdict), "to %.*s via %s%s%s%.*s",
			 STR_ARG(str_head(m->account, 100)), via_name[m->via],
			 m->ambiguous ? " (one of several alike)" : "",
			 reason.n ? ", because " : "", STR_ARG(reason));
}

static bool tell_row(void *context, const struct report_trace *row)
{
	const struct message *m = row->row.message;
	struct trace *t = context;

	if (m->id == t->chosen) {
		out_enter_object(t->out, "message");
		tell_message(t->out, &row->row);
		out_leave(t->out);
		story_message(&t->story, &row->row);
		judge(t, m);
		return true;
	}
	if (row->role == TRACE_PARENT && m->id != t->parent)
		return true;
	if (row->role == TRACE_CHILD && m->parent != t->chosen)
		return true;
	if (row->role != TRACE_MATCH)
		story_relative(&t->story, row->role, m);
	add_related(t, row->role, m);
	return true;
}

static void tell_events(struct out *o, const struct story *s)
{
	out_enter_list(o, "events");
	for (size_t i = 0; i < s->nevents; i++) {
		out_enter_object(o, NULL);
		out_time(o, "time", s->events[i].time);
		out_text(o, "event", str_of(happening_name[s->events[i].what]));
		out_text(o, "queue_id", s->events[i].queue_id);
		out_text(o, "text", s->events[i].text);
		out_leave(o);
	}
	out_leave(o);
}

static void tell_evidence(struct out *o, const struct story *s)
{
	out_enter_list(o, "evidence");
	for (size_t i = 0; i < s->nevidence; i++) {
		out_enter_object(o, NULL);
		out_text(o, "via", str_of(via_name[s->evidence[i].rung]));
		out_flag(o, "used", s->evidence[i].used);
		out_text(o, "text", s->evidence[i].text);
		out_leave(o);
	}
	out_leave(o);
}

static void tell_related(struct out *o, const struct trace *t)
{
	out_enter_list(o, "related");
	for (size_t i = 0; i < t->nrelated; i++) {
		out_enter_object(o, NULL);
		out_text(o, "role", str_of(role_name[t->related[i].role]));
		out_time(o, "time", t->related[i].time);
		out_text(o, "queue_id", t->related[i].queue_id);
		out_text(o, "account", t->related[i].account);
		out_text(o, "status", t->related[i].outcome);
		out_leave(o);
	}
	out_leave(o);
}

static int tell_story(struct trace *t, struct report *report, struct str id, struct error *err)
{
	struct out *o = t->out;

	if (report_trace(report, id, choose, t, err) < 0)
		return -1;
	if (!t->chosen)
		return 0;
	out_object(o);
	if (report_trace(report, id, tell_row, t, err) < 0)
		return -1;
	if (t->verdict[0] && out_is_table(o))
		out_text(o, "verdict", str_of(t->verdict));
	story_sort(&t->story);
	tell_events(o, &t->story);
	tell_evidence(o, &t->story);
	tell_related(o, t);
	out_object_end(o, sections);
	return 0;
}

int run_trace(struct cli *cli, struct error *err)
{
	struct trace t = { .out = NULL };
	struct report *report;
	int result;

	if (cli_operands(cli, 1, 1, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	t.out = cli_out(cli);
	result = tell_story(&t, report, str_of(cli->operand[0]), err);
	story_release(&t.story);
	free(t.related);
	report_close(report);
	return result < 0 ? result : cli_found(cli, "no message has this id");
}
