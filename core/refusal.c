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

/* The lines that a log told a moment ago: one note for each source, however many there
 * are, "TIME HASH COUNT\n" each. More than fit into it are not remembered. */
#define TOLD STR("refusal")
#define TOLD_MAX_BYTES (64 * 1024)

/* One entry; `s` is what is behind it. */
static bool eat_told(struct str *s, usec_t *time, struct str *hash, int64_t *count)
{
	struct str line = str_head(*s, str_chr(*s, '\n'));

	*s = str_skip(*s, line.n + 1);
	if (!str_eat_int(&line, time) || !str_eat(&line, STR(" ")))
		return false;
	*hash = str_head(line, 16);
	line = str_skip(line, 16);
	return str_eat(&line, STR(" ")) && str_int(line, count);
}

/* How often this line was told within the last `window`; from now on it was `add` times
 * more, or never if that is 0. */
static int64_t told(struct step *s, usec_t window, int64_t add)
{
	const struct note *note = notes_get(&s->c->notes, TOLD, s->from->source);
	struct str rest = note ? note->value : STR_NONE, hash;
	struct arena scratch = { 0 };
	char *value = arena_alloc(&scratch, rest.n + 64), this_one[17];
	int64_t count, before = 0;
	size_t n = 0;
	usec_t time;

	snprintf(this_one, sizeof(this_one), "%016llx", (unsigned long long)line_hash(s));
	while (rest.n) {
		struct str all = rest;

		if (!eat_told(&rest, &time, &hash, &count) || s->time - time > window ||
		    s->time < time)
			continue;
		if (str_eq(hash, str_of(this_one))) {
			before = count;
			continue;
		}
		memcpy(value + n, all.p, all.n - rest.n);
		n += all.n - rest.n;
	}
	if (add && n < TOLD_MAX_BYTES)
		n += (size_t)snprintf(value + n, 64, "%lld %s %lld\n", (long long)s->time, this_one,
				      (long long)(before + add));
	notes_put(&s->c->notes, TOLD, s->from->source, (struct str){ value, n }, s->time);
	arena_release(&scratch);
	return before;
}

bool refusal_is_repeated(struct step *s)
{
	if (s->rec->shape != RECORD_SYSLOG)
		return false;
	/* The second line ends it: a third is another refusal. */
	if (!told(s, SYSLOG_COPY, 1))
		return false;
	told(s, SYSLOG_COPY, 0);
	return true;
}

bool refusal_is_known(struct step *s, char id[REFUSAL_ID_SIZE])
{
	struct str text;
	int n;

	*id = '\0';
	if (s->rec->shape != RECORD_EXIM)
		return refusal_is_repeated(s);
	/* No queue id begins so. */
	n = snprintf(id, REFUSAL_ID_SIZE, "~%016llx.%lld",
		     (unsigned long long)str_hash(STR("refusal"), line_hash(s) ^ (uint64_t)s->time),
		     (long long)told(s, 0, 1) + 1);
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
