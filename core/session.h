/* Who is at the other end of an SMTP session. OpenSMTPD tells a session's client and
 * its login once, each in a line of its own, and names the session's id where it tells
 * what was done in it.
 *
 * A session is a note (core/notes.h), so it outlives a restart: kept until its end is
 * told, or until nothing was heard of it for NOTES_TTL_SESSION. */
#ifndef MAILAUDIT_CORE_SESSION_H
#define MAILAUDIT_CORE_SESSION_H

#include "core/step.h"

void on_session(struct step *s);
void on_session_end(struct step *s);
/* EV_AUTH with a session. */
void session_login(struct step *s);
/* Adds to `ev` what is known of its session and not told by itself: channel, client,
 * login. The texts are valid until a note changes. */
void session_fill(const struct step *s, struct event *ev);

#endif
