/* Visits: who reads a mailbox, who comes in to an account by FTP or SSH, and what he
 * wrote there. They teach streams what is their own beside what they send. */
#ifndef MAILAUDIT_CORE_VISIT_H
#define MAILAUDIT_CORE_VISIT_H

#include "core/observation.h"

/* A script that was written longer ago has no news in how it came. */
#define VISIT_UPLOAD_LATELY USEC_DAY
/* And so long a login by itself is held against what the account sends. */
#define VISIT_LOGIN_LATELY (10 * USEC_MINUTE)

struct visit {
	const struct detect_world *world;
	struct str service; /* "imap", "ssh", "ftp", ... */
	struct str ip; /* "" not known */
	usec_t time;
};

/* Of a mailbox, not of an account: "imap", "pop3", or "" for SMTP. */
bool visit_is_mail(struct str service);
/* Is it code that a web server would run? */
bool visit_is_script(struct str path);
/* The stream was read, or entered, from there. `calm`: it may learn. true: it changed. */
bool visit_learn(struct stream *s, const struct visit *v, bool calm);
/* Was it seen to send or to be read from this network on several days? */
bool visit_is_own(const struct stream *s, struct str ip, usec_t now);
/* Keeps a login ("" path), or that a script was written, in an account's stream. */
void visit_enter(struct stream *account, const struct visit *v, struct str path);
/* How the script came here: its upload, or else a strange login a moment ago. NULL: not
 * known. Of a script without a name, "", it is the newest that was written from a strange
 * network. */
const struct stream_entry *visit_before(const struct stream *account, struct str script,
					usec_t now);

#endif
