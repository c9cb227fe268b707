/* Refusals as Exim tells them: in its main log, and again in its reject log, there with
 * the header of what was refused. Through syslog both lines come to one file.
 *
 * Invariant: a refusal counts once, whichever of the logs was read, and in whichever
 * order. One without a queue id is known by its line: by its time, its text, and the
 * how manieth such line of its log it is. Nothing is believed of a header but what Exim
 * itself wrote, and what accuses nobody. */
#include <stdio.h>

#include "core/step.h"

/* Both lines are written by one process, one behind the other. */
#define SYSLOG_COPY USEC_SECOND

static struct str host_of(const struct step *s)
{
	return str_head(s->from->host, 255);
}

/* Stamps of syslog are the daemon's: its two lines do not bear the same. */
static uint64_t line_hash(const struct step *s)
{
	return str_hash(s->rec->body, str_hash(host_of(s), s->rec->pid));
}

bool refusal_is_repeated(struct step *s)
{
	char key[24];
	struct str k = { key, (size_t)snprintf(key, sizeof(key), "%016llx",
					       (unsigned long long)line_hash(s)) };
	const struct note *note = notes_get(&s->c->notes, STR("refusal"), k);
	bool known = note && s->time - note->time <= SYSLOG_COPY;

	if (s->rec->shape != RECORD_SYSLOG)
		return false;
	if (known)
		notes_remove(&s->c->notes, STR("refusal"), k);
	else
		notes_put(&s->c->notes, STR("refusal"), k, STR("1"), s->time);
	return known;
}

/* How many such lines this log, main or reject, has told with this one. */
static int64_t count_line(struct step *s, uint64_t hash)
{
	char key[48], value[24];
	struct str k = { key, (size_t)snprintf(key, sizeof(key), "%lld %lld %016llx",
					       (long long)s->ev->copy, (long long)s->time,
					       (unsigned long long)hash) };
	const struct note *note = notes_get(&s->c->notes, STR("refusal"), k);
	int64_t n = 0;
	int length;

	if (note)
		str_int(note->value, &n);
	length = snprintf(value, sizeof(value), "%lld", (long long)++n);
	notes_put(&s->c->notes, STR("refusal"), k, (struct str){ value, (size_t)length }, s->time);
	return n;
}

bool refusal_is_known(struct step *s, char id[REFUSAL_ID_SIZE])
{
	uint64_t hash = line_hash(s);
	struct str text;
	int n;

	*id = '\0';
	if (s->rec->shape != RECORD_EXIM)
		return refusal_is_repeated(s);
	/* No queue id begins so. */
	n = snprintf(id, REFUSAL_ID_SIZE, "~%016llx.%lld",
		     (unsigned long long)str_hash(STR("refusal"), hash ^ (uint64_t)s->time),
		     (long long)count_line(s, hash));
	text = (struct str){ id, (size_t)n };
	return queue_find(&s->c->queue, s->from->host, s->ev->instance, false, text) ||
	       step_recall(s, text);
}

void refusal_name(struct step *s, const char *id)
{
	if (!*id)
		return;
	queue_alias(&s->c->queue, s->entry, s->from->host, s->ev->instance, str_of(id));
	step_add_alias(s->m, s->ev->instance, str_of(id));
}

/* ---- the header ---- */

/* The note of a source is "QUEUEID", then "QUEUEID CALLER" when Received: named the
 * caller, and "QUEUEID -" when nothing more is believed of a Received:. */
#define DUMP STR("dump")

static void set_dump(struct step *s, struct str id, struct str caller)
{
	char value[512];
	int n = snprintf(value, sizeof(value), "%.*s%s%.*s", STR_ARG(id), caller.n ? " " : "",
			 STR_ARG(caller));

	if (n > 0 && (size_t)n < sizeof(value))
		notes_put(&s->c->notes, DUMP, s->from->source, (struct str){ value, (size_t)n },
			  s->time);
}

void refusal_begin(struct step *s)
{
	notes_remove(&s->c->notes, DUMP, s->from->source);
	if (!s->ev->queue_id.n)
		return;
	/* Before these ACLs Exim has not written its own Received: yet, and the first one
	 * is the sender's. */
	set_dump(s, s->ev->queue_id,
		 str_starts(s->ev->response, STR("rejected by non-SMTP ACL")) ? STR_NONE : STR("-"));
}

/* "from bob by host.example with local (Exim 4.96)": Exim's word for the login name of
 * the caller. */
static struct str caller_of(struct str received)
{
	struct str rest = received, name;

	if (!str_eat(&rest, STR("from ")))
		return STR("-");
	name = str_head(rest, str_chr(rest, ' '));
	rest = str_skip(rest, name.n);
	if (!name.n || !str_starts(rest, STR(" by ")) || str_find(rest, STR(" with local")) == rest.n)
		return STR("-");
	return name;
}

/* Only Exim knows the id while the message comes in: the line is of its own header. */
static void take_caller(struct step *s, struct str id, struct str caller)
{
	if (!str_eq(caller, STR("-")) && str_eq(s->ev->header_value, id) && step_locate(s, id) &&
	    s->m->channel == CHANNEL_LOCAL) {
		step_keep_first(s->m, &s->m->user, caller);
		step_settle(s, false);
	}
	set_dump(s, id, STR("-"));
}

static void take_line(struct step *s, struct str id)
{
	bool subject = str_eq(s->ev->header_name, STR("Subject"));

	if (!step_locate(s, id))
		return;
	step_keep_first(s->m, subject ? &s->m->subject : &s->m->message_id, s->ev->header_value);
	step_settle(s, false);
}

void refusal_header(struct step *s)
{
	const struct note *note = notes_get(&s->c->notes, DUMP, s->from->source);
	struct arena scratch = { 0 };
	struct str id, caller;

	if (!note)
		return;
	id = arena_str(&scratch, note->value);
	caller = str_skip(id, str_chr(id, ' ') + 1);
	id = str_head(id, str_chr(id, ' '));
	if (str_eq(s->ev->header_name, STR("Received")) && !caller.n)
		set_dump(s, id, caller_of(s->ev->header_value));
	else if (str_eq(s->ev->header_name, STR("Received id")) && caller.n)
		take_caller(s, id, caller);
	else if (str_eq(s->ev->header_name, STR("Subject")) ||
		 str_eq(s->ev->header_name, STR("Message-ID")))
		take_line(s, id);
	arena_release(&scratch);
}
