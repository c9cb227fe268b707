/* A message's row in words.
 *
 * Says only what the row holds: a piece of evidence is told when its member is
 * there, and the rung that named the account is marked. The database keeps the
 * last statement about each recipient, so earlier deferrals are not told. */
#include "cli/story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const happening_name[] = {
	[HAPPENED_PHP] = "php",           [HAPPENED_ACCEPTED] = "accepted",
	[HAPPENED_PARENT] = "parent",     [HAPPENED_DELIVERY] = "delivery",
	[HAPPENED_CHILD] = "child",       [HAPPENED_END] = "end",
};

/* Text with room to grow; pieces are log bytes or our words. */
struct words {
	char text[2048];
	size_t n;
};

static void say_bytes(struct words *w, struct str s)
{
	size_t room = sizeof(w->text) - w->n;

	s = str_head(s, room);
	if (s.n)
		memcpy(w->text + w->n, s.p, s.n);
	w->n += s.n;
}

__attribute__((format(printf, 2, 3)))
static void say(struct words *w, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say_bytes(w, str_of(text));
}

/* before + value + after, or nothing for an empty value. */
static void say_if(struct words *w, const char *before, struct str value, const char *after)
{
	if (value.n == 0)
		return;
	say_bytes(w, str_of(before));
	say_bytes(w, str_head(value, 400));
	say_bytes(w, str_of(after));
}

static struct str said(struct story *s, const struct words *w)
{
	return arena_str(&s->arena, (struct str){ w->text, w->n });
}

static void add_event(struct story *s, usec_t time, enum happening what, struct str queue_id,
		      const struct words *w)
{
	struct story_event *e;

	if (s->nevents == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->events = xrealloc(s->events, s->room * sizeof(*s->events));
	}
	e = &s->events[s->nevents];
	*e = (struct story_event){ .time = time, .what = what, .order = s->nevents++ };
	e->queue_id = arena_str_or_none(&s->arena, queue_id);
	e->text = said(s, w);
}

static void say_place(struct words *w, struct str script, int64_t line)
{
	say_bytes(w, str_head(script, 400));
	if (line >= 0)
		say(w, ":%lld", (long long)line);
}

static void tell_php_call(struct story *s, const struct php_mail *php)
{
	struct words w = { .n = 0 };

	say(&w, "PHP's mail() called");
	if (php->script.n) {
		say(&w, " by ");
		say_place(&w, php->script, php->script_line);
	}
	say_if(&w, ", To: ", php->to, "");
	say_if(&w, ", Subject: ", php->subject, "");
	add_event(s, php->time, HAPPENED_PHP, STR_NONE, &w);
}

static void say_submitter(struct words *w, const struct message *m)
{
	static const char *const way[] = {
		[CHANNEL_NONE] = "accepted",
		[CHANNEL_LOCAL] = "accepted from a program on this host",
		[CHANNEL_AUTH] = "accepted from an authenticated client",
		[CHANNEL_SMTP] = "accepted by SMTP without login",
		[CHANNEL_INTERNAL] = "made by the mail server itself",
	};

	say(w, "%s", way[m->channel]);
	say_if(w, ", login ", m->login, "");
	if (m->uid >= 0)
		say(w, ", uid %lld", (long long)m->uid);
	say_if(w, ", user ", m->user, "");
	say_if(w, ", client ", m->client_name, "");
	say_if(w, m->client_name.n ? " [" : ", client [", m->client_ip, "]");
	say_if(w, ", HELO ", m->helo, "");
}

static void tell_acceptance(struct story *s, const struct message *m)
{
	struct words w = { .n = 0 };

	say_submitter(&w, m);
	if (m->sender_null)
		say(&w, ", from <>");
	say_if(&w, ", from <", m->sender, ">");
	if (m->size >= 0)
		say(&w, ", %lld bytes", (long long)m->size);
	say_if(&w, ", Subject: ", m->subject, "");
	say_if(&w, ", Message-ID <", m->message_id, ">");
	add_event(s, m->time, HAPPENED_ACCEPTED, m->queue_id, &w);
}

static void tell_delivery(struct story *s, const struct message *m, const struct recipient *r)
{
	struct words w = { .n = 0 };
	bool both = r->relay.n && r->relay_ip.n;

	say_if(&w, "<", r->address, ">");
	say_if(&w, " (addressed as <", r->orig_to, ">)");
	say(&w, ": %s", rcpt_status_name[r->status]);
	say_if(&w, " ", r->dsn, "");
	say_if(&w, " via ", r->relay.n ? r->relay : r->relay_ip, "");
	say_if(&w, " [", both ? r->relay_ip : STR_NONE, "]");
	say_if(&w, ": ", r->response, "");
	add_event(s, r->time ? r->time : m->time, HAPPENED_DELIVERY, m->queue_id, &w);
}

static void tell_end(struct story *s, const struct message *m)
{
	static const char *const end[] = {
		[MSG_OPEN] = "", [MSG_HELD] = "",
		[MSG_DONE] = "left the queue",
		[MSG_DELETED] = "taken from the queue by an administrator",
		[MSG_DISCARDED] = "dropped by a rule or milter",
		[MSG_REJECTED] = "refused",
		[MSG_LOST] = "its queue id was used again before its end was seen",
	};
	struct words w = { .n = 0 };

	if (!m->closed)
		return;
	say(&w, "%s", end[m->state]);
	add_event(s, m->closed, HAPPENED_END, m->queue_id, &w);
}

/* Evidence. */

static void add_evidence(struct story *s, const struct message *m, enum via rung,
			 const struct words *w)
{
	struct story_evidence *e;

	if (s->nevidence == sizeof(s->evidence) / sizeof(s->evidence[0]))
		return;
	e = &s->evidence[s->nevidence++];
	e->rung = rung;
	e->used = m->via == rung;
	e->text = said(s, w);
}

static bool is_recipient(const struct message *m, struct str to)
{
	for (size_t i = 0; to.n && i < m->nrcpt; i++)
		if (str_eq_nocase(m->rcpt[i].address, to) || str_eq_nocase(m->rcpt[i].orig_to, to))
			return true;
	return false;
}

/* The members a PHP line shares with the message, compared here. */
static void say_shared(struct words *w, const struct message *m, const struct php_mail *php)
{
	const char *glue = ", with the same ";
	const struct {
		bool same;
		const char *name;
	} members[] = {
		{ is_recipient(m, str_trim(php->to)), "recipient" },
		{ php->subject.n && str_eq(php->subject, m->subject), "Subject" },
		{ php->message_id.n && str_eq(php->message_id, m->message_id), "Message-ID" },
		{ php->uid >= 0 && php->uid == m->uid, "uid" },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!members[i].same)
			continue;
		say(w, "%s%s", glue, members[i].name);
		glue = " and ";
	}
}

static void say_php_line(struct words *w, const struct message *m, const struct php_mail *php)
{
	usec_t early = m->time - php->time;

	say(w, "PHP's mail log has a call %.3f s %s, in ",
	    (double)(early < 0 ? -early : early) / USEC_SECOND, early < 0 ? "later" : "before");
	say_place(w, php->script, php->script_line);
	say_shared(w, m, php);
	if (php->ambiguous || m->ambiguous)
		say(w, "; several calls were alike, so it may be another of them");
	if (php->tenant)
		say(w, "; the customer could have written this line");
}

static void weigh_php(struct story *s, const struct message *m, const struct php_mail *php)
{
	struct words w = { .n = 0 };

	if (!php)
		return;
	say_php_line(&w, m, php);
	say_if(&w, "; it is a script of ", php->account, "");
	add_evidence(s, m, VIA_PHPLOG, &w);
}

static void weigh_header(struct story *s, const struct message *m, enum via rung,
			 const char *name, struct str value)
{
	struct words w = { .n = 0 };

	if (!value.n)
		return;
	say(&w, "the mail server logged the header %s with this queue id", name);
	say_if(&w, ": ", value, "");
	add_evidence(s, m, rung, &w);
}

static void weigh_cwd(struct story *s, const struct message *m)
{
	struct words w = { .n = 0 };

	if (m->cwd.n == 0)
		return;
	say_if(&w, "the program that submitted it ran in ", m->cwd, "");
	if (m->via == VIA_CWD)
		say_if(&w, ", a directory of ", m->account, "");
	add_evidence(s, m, VIA_CWD, &w);
}

static void weigh_login(struct story *s, const struct message *m)
{
	struct words w = { .n = 0 };

	if (m->login.n == 0)
		return;
	say_if(&w, "login ", m->login, " was used");
	if (m->via == VIA_SASL)
		say_if(&w, ", which the mailbox maps give to ", m->account, "");
	add_evidence(s, m, VIA_SASL, &w);
}

static void weigh_uid(struct story *s, const struct message *m)
{
	struct words w = { .n = 0 };

	if (m->uid < 0 && m->user.n == 0)
		return;
	if (m->uid >= 0)
		say(&w, "uid %lld submitted it", (long long)m->uid);
	else
		say_if(&w, "user ", m->user, " submitted it");
	if (m->via == VIA_UID)
		say_if(&w, m->uid >= 0 ? ", which is " : ": ", m->account,
		       m->uid >= 0 ? " in passwd" : "");
	add_evidence(s, m, VIA_UID, &w);
}

static void weigh_domain(struct story *s, const struct message *m)
{
	struct words w = { .n = 0 };

	if (m->via != VIA_DOMAIN)
		return;
	say_if(&w, "the domain of <", m->sender, "> or of the address it was forwarded from");
	say_if(&w, " belongs to ", m->account, "");
	add_evidence(s, m, VIA_DOMAIN, &w);
}

/* In the order of the ladder. */
static void weigh(struct story *s, const struct report_message *row)
{
	weigh_header(s, row->message, VIA_REF, "X-Mailaudit-Ref", row->message->work.ref);
	weigh_header(s, row->message, VIA_HEADER, "X-PHP-Originating-Script",
		     row->message->work.xphp);
	weigh_php(s, row->message, row->php);
	weigh_cwd(s, row->message);
	weigh_login(s, row->message);
	weigh_uid(s, row->message);
	weigh_domain(s, row->message);
}

void story_release(struct story *s)
{
	arena_release(&s->arena);
	free(s->events);
	*s = (struct story){ .nevents = 0 };
}

void story_message(struct story *s, const struct report_message *row)
{
	const struct message *m = row->message;

	if (row->php)
		tell_php_call(s, row->php);
	tell_acceptance(s, m);
	for (size_t i = 0; i < m->nrcpt; i++)
		tell_delivery(s, m, &m->rcpt[i]);
	tell_end(s, m);
	weigh(s, row);
}

void story_relative(struct story *s, enum trace_role role, const struct message *relative)
{
	struct words w = { .n = 0 };
	bool parent = role == TRACE_PARENT;

	say(&w, parent ? "the message this one reports on" : "report on it made");
	say_if(&w, ", to <", relative->nrcpt ? relative->rcpt[0].address : STR_NONE, ">");
	if (relative->nrcpt)
		say(&w, ": %s", rcpt_status_name[relative->rcpt[0].status]);
	add_event(s, relative->time, parent ? HAPPENED_PARENT : HAPPENED_CHILD,
		  relative->queue_id, &w);
}

static int compare(const void *a, const void *b)
{
	const struct story_event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

void story_sort(struct story *s)
{
	if (s->nevents)
		qsort(s->events, s->nevents, sizeof(*s->events), compare);
}
