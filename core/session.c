/* Client and login of an SMTP session, by the session's id.
 *
 * Invariant: the note's value is "ADDRESS NAME LOGIN", of which only LOGIN, the last,
 * may hold blanks; ADDRESS is "local" for a program on this host. What the line tells
 * by itself is not overruled. */
#include "core/session.h"

#include <stdio.h>

#define LOGIN_MAX 256
#define NAME_MAX_BYTES 255

/* "host:session" */
static struct str session_key(const struct step *s, char *buf, size_t size)
{
	struct str host = str_head(s->from->host, 255), id = str_head(s->ev->session, 32);
	int n = snprintf(buf, size, "%.*s:%.*s", STR_ARG(host), STR_ARG(id));

	return (struct str){ buf, (size_t)n };
}

static struct str next_word(struct str *s)
{
	struct str word = str_head(*s, str_chr(*s, ' '));

	*s = str_skip(*s, word.n + 1);
	return word;
}

static void keep(struct step *s, struct str address, struct str name, struct str login)
{
	char key[300], value[1024];
	int n = snprintf(value, sizeof(value), "%.*s %.*s %.*s", STR_ARG(str_head(address, 64)),
			 STR_ARG(str_head(name, NAME_MAX_BYTES)),
			 STR_ARG(str_head(login, LOGIN_MAX)));

	notes_put(&s->c->notes, NOTES_SESSION, session_key(s, key, sizeof(key)),
		  (struct str){ value, (size_t)n }, s->time);
}

void on_session(struct step *s)
{
	struct str name = s->ev->client_name;

	if (s->from->tenant || !s->ev->session.n)
		return;
	keep(s, s->ev->channel == CHANNEL_LOCAL ? STR("local") : s->ev->client_ip,
	     str_head(name, str_chr(name, ' ')), STR_NONE);
}

void on_session_end(struct step *s)
{
	char key[300];

	if (!s->from->tenant)
		notes_remove(&s->c->notes, NOTES_SESSION, session_key(s, key, sizeof(key)));
}

void session_login(struct step *s)
{
	char key[300];
	const struct note *note;
	struct arena scratch = { 0 };
	struct str rest, address, name;

	if (s->from->tenant)
		return;
	note = notes_get(&s->c->notes, NOTES_SESSION, session_key(s, key, sizeof(key)));
	rest = note ? arena_str(&scratch, note->value) : STR_NONE;
	address = next_word(&rest);
	name = next_word(&rest);
	keep(s, s->ev->client_ip.n ? s->ev->client_ip : address,
	     s->ev->client_ip.n ? s->ev->client_name : name, s->ev->login);
	arena_release(&scratch);
}

void session_fill(const struct step *s, struct event *ev)
{
	char key[300];
	struct str k = session_key(s, key, sizeof(key)), rest, address, name;
	const struct note *note = notes_get(&s->c->notes, NOTES_SESSION, k);

	if (!note || s->from->tenant)
		return;
	notes_refresh(&s->c->notes, note, s->time);
	rest = note->value;
	address = next_word(&rest);
	name = next_word(&rest);
	if (ev->channel == CHANNEL_NONE) {
		bool local = str_eq(address, STR("local"));

		ev->channel = local ? CHANNEL_LOCAL : CHANNEL_SMTP;
		ev->client_ip = local ? STR_NONE : address;
		ev->client_name = name;
	}
	if (!rest.n)
		return;
	ev->channel = CHANNEL_AUTH;
	if (!ev->login.n)
		ev->login = rest;
}
