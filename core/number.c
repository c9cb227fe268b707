/* What a server tells by numbers that are no queue ids: qmail gives each delivery one, and
 * names a message that a program queues by that program's process.
 *
 * Invariant: a number leads to a row, not to a queue id, which is used again at once. What it
 * stands for is kept as a note, so that a restart knows it too; one that is not known says
 * nothing about anybody. A claim about a process never changes an account that a uid gave. */
#include <stdio.h>

#include "core/step.h"

/* Longer addresses and logins are no mail addresses: RFC 5321 has 320 bytes. */
#define TEXT_MAX 512
/* Digits of a message's number. */
#define ID_MAX 20

/* Users as whom qmail-smtpd runs, in qmail's and in vpopmail's instructions. */
static const struct str smtp_users[] = { STR("qmaild"), STR("vpopmail") };

enum channel number_channel(const struct step *s)
{
	char buf[24];
	struct str user = accounts_uid(s->c->accounts, s->ev->uid, buf);

	for (size_t i = 0; i < sizeof(smtp_users) / sizeof(*smtp_users); i++)
		if (str_eq(user, smtp_users[i]))
			return CHANNEL_SMTP;
	return CHANNEL_LOCAL;
}

/* "host:instance:number" */
static struct str number_key(const struct step *s, int64_t number, char *buf, size_t size)
{
	struct str host = str_head(s->from->host, 255), instance = str_head(s->ev->instance, 64);
	int n = snprintf(buf, size, "%.*s:%.*s:", (int)host.n, host.n ? host.p : "",
			 (int)instance.n, instance.n ? instance.p : "");

	if (number >= 0)
		n += snprintf(buf + n, size - (size_t)n, "%lld", (long long)number);
	return (struct str){ buf, (size_t)n };
}
#define KEY_ROOM 400

/* "row text" */
static bool eat_row(struct str *s, int64_t *row)
{
	return str_eat_int(s, row) && str_eat(s, STR(" "));
}

static struct message *message_of(struct step *s, int64_t row)
{
	s->entry = queue_wake_row(&s->c->queue, row);
	s->m = s->entry && !s->entry->ghost ? queue_message(&s->c->queue, s->entry) : NULL;
	return s->m;
}

/* ---- deliveries ---- */

void number_forwarded(struct message *m, struct recipient *r)
{
	if (!m->work.forward.n || r->orig_to.n)
		return;
	r->orig_to = m->work.forward;
	m->rcpt_dirty = true;
}

void number_started(struct step *s, struct recipient *r)
{
	char key[KEY_ROOM], value[TEXT_MAX + 32];
	struct str address = r ? r->address : STR_NONE;

	if (r)
		number_forwarded(s->m, r);
	/* The first one: it was started again, and nobody will answer what was under way. */
	if (s->ev->delivery == 1)
		notes_remove_all(&s->c->notes, NOTES_DELIVERY,
				 number_key(s, -1, key, sizeof(key)));
	if (!r || address.n > TEXT_MAX)
		return;
	snprintf(value, sizeof(value), "%lld %.*s", (long long)s->m->id, STR_ARG(address));
	notes_put(&s->c->notes, NOTES_DELIVERY,
		  number_key(s, s->ev->delivery, key, sizeof(key)), str_of(value), s->time);
}

struct recipient *number_ended(struct step *s)
{
	char key[KEY_ROOM];
	struct str k = number_key(s, s->ev->delivery, key, sizeof(key)), address;
	const struct note *note = notes_get(&s->c->notes, NOTES_DELIVERY, k);
	struct recipient *r = NULL;
	int64_t row;

	if (!note)
		return NULL;
	address = note->value;
	if (eat_row(&address, &row) && message_of(s, row) && !s->m->closed)
		r = message_recipient(s->m, address);
	notes_remove(&s->c->notes, NOTES_DELIVERY, k);
	return r;
}

/* ---- processes ---- */

/* Notes of a process: "m ROW" its message, which has come; or a claim, whose message is still
 * to come: "b ROW ID" a bounce of that message; "f ROW ID s ADDRESS" forwarded by ADDRESS, to
 * which it came from outside (s) or from here (l); "l IP LOGIN\nSENDER\nHOST". */
#define PROCESS STR("process")

static void put_process(struct step *s, const char *value)
{
	char key[KEY_ROOM];

	notes_put(&s->c->notes, PROCESS, number_key(s, s->ev->process, key, sizeof(key)),
		  str_of(value), s->time);
}

static struct str get_process(const struct step *s)
{
	char key[KEY_ROOM];
	const struct note *note = notes_get(&s->c->notes, PROCESS,
					    number_key(s, s->ev->process, key, sizeof(key)));

	return note && s->time - note->time <= NOTES_TTL ? note->value : STR_NONE;
}

/* "ROW ID": the row is none any more if it was only counted. */
static bool eat_parent(struct step *s, struct message *m, struct str *claim)
{
	struct queue_entry *e;
	struct str id;
	int64_t row;

	if (!eat_row(claim, &row))
		return false;
	id = str_head(*claim, str_chr(*claim, ' '));
	*claim = str_skip(*claim, id.n + 1);
	if (m->parent_id.n || row == m->id)
		return true;
	m->parent_id = arena_str(&m->strings, id);
	e = queue_wake_row(&s->c->queue, row);
	if (e && !e->ghost)
		m->parent = row;
	return true;
}

static void apply_bounce(struct step *s, struct message *m, struct str claim)
{
	if (m->sender_null && eat_parent(s, m, &claim))
		m->channel = CHANNEL_INTERNAL;
}

/* What came from outside and leaves again was sent by nobody here, as long as nobody has been
 * told otherwise. */
static void apply_forward(struct step *s, struct message *m, struct str claim)
{
	if (!eat_parent(s, m, &claim) || !str_eat(&claim, STR("s ")) || m->work.observed)
		return;
	m->channel = CHANNEL_SMTP;
	m->work.forward = arena_str(&m->strings, claim);
	for (size_t i = 0; i < m->nrcpt; i++)
		number_forwarded(m, &m->rcpt[i]);
}

/* The sender must be the same: process numbers come round again. */
static void apply_login(struct message *m, struct str claim)
{
	struct str ip = str_head(claim, str_chr(claim, ' ')), login, sender;

	claim = str_skip(claim, ip.n + 1);
	login = str_head(claim, str_chr(claim, '\n'));
	claim = str_skip(claim, login.n + 1);
	sender = str_head(claim, str_chr(claim, '\n'));
	if (m->channel != CHANNEL_SMTP || m->work.observed || !str_eq_nocase(m->sender, sender))
		return;
	m->channel = CHANNEL_AUTH;
	step_keep_first(m, &m->login, login);
	step_keep_first(m, &m->client_ip, ip);
	step_keep_first(m, &m->client_name, str_skip(claim, sender.n + 1));
}

static void apply(struct step *s, struct message *m, struct str claim)
{
	if (str_eat(&claim, STR("l ")))
		apply_login(m, claim);
	else if (str_eat(&claim, STR("b ")))
		apply_bounce(s, m, claim);
	else if (str_eat(&claim, STR("f ")))
		apply_forward(s, m, claim);
}

void number_arrived(struct step *s)
{
	struct arena scratch = { 0 };
	struct str claim = arena_str(&scratch, get_process(s));
	char value[40];

	if (!str_starts(claim, STR("m ")))
		apply(s, s->m, claim);
	snprintf(value, sizeof(value), "m %lld", (long long)s->m->id);
	put_process(s, value);
	arena_release(&scratch);
}

/* About a message that has come, or one that is to come. */
static void claim(struct step *s, const char *value)
{
	struct str known = get_process(s);
	struct step child = *s;
	int64_t row;

	if (!str_eat(&known, STR("m "))) {
		put_process(s, value);
		return;
	}
	if (!str_int(known, &row) || !message_of(&child, row) || child.m->closed)
		return;
	apply(&child, child.m, str_of(value));
	if (child.m->channel != CHANNEL_LOCAL && child.m->work.waiting)
		php_stop_waiting(s->c, child.m);
	step_settle(&child, false);
}

void number_bounce(struct step *s)
{
	char value[64];

	if (!step_locate(s, s->ev->queue_id) || s->m->closed)
		return;
	snprintf(value, sizeof(value), "b %lld %.*s", (long long)s->m->id,
		 STR_ARG(str_head(s->m->queue_id, ID_MAX)));
	claim(s, value);
}

void number_forward(struct step *s, const struct recipient *r)
{
	char value[TEXT_MAX + 64];

	if (r->address.n > TEXT_MAX)
		return;
	snprintf(value, sizeof(value), "f %lld %.*s %c %.*s", (long long)s->m->id,
		 STR_ARG(str_head(s->m->queue_id, ID_MAX)),
		 s->m->channel == CHANNEL_SMTP ? 's' : 'l', STR_ARG(r->address));
	claim(s, value);
}

void number_login(struct step *s)
{
	const struct event *ev = s->ev;
	char value[4 * TEXT_MAX];

	if (ev->login.n > TEXT_MAX || ev->sender.n > TEXT_MAX || ev->client_ip.n > 64 ||
	    str_chr(ev->login, '\0') < ev->login.n || s->from->tenant)
		return;
	snprintf(value, sizeof(value), "l %.*s %.*s\n%.*s\n%.*s", STR_ARG(ev->client_ip),
		 STR_ARG(ev->login), STR_ARG(ev->sender),
		 STR_ARG(str_head(ev->client_name, TEXT_MAX)));
	claim(s, value);
}
