/* One event on its way through the correlator: shared by the files that know
 * what a statement means (arrival, delivery, statement, php), and by nobody else. */
#ifndef MAILAUDIT_CORE_STEP_H
#define MAILAUDIT_CORE_STEP_H

#include "core/correlate.h"

struct step {
	struct correlate *c;
	const struct origin *from;
	const struct record *rec;
	const struct event *ev;
	usec_t time;
	struct queue_entry *entry; /* of the message it is about, once found */
	struct message *m;
};

/* ---- correlate.c ---- */

/* The message of this queue id becomes s->entry, s->m. false: none, or one that
 * is only counted (then s->entry is set). */
bool step_locate(struct step *s, struct str id);
void step_create(struct step *s, struct str id);
/* The same, of what was stored by an earlier import: only where the line is older than
 * what was read before. */
bool step_recall(struct step *s, struct str id);
/* For statements about a message whose start we may have missed. */
bool step_locate_or_create(struct step *s);
/* After each statement: direction, account, PHP line, end. `evidence`: it told
 * something a PHP line can be found by. */
void step_settle(struct step *s, bool evidence);
/* The message left the queue. */
void step_finish(struct correlate *c, struct queue_entry *e, enum message_state state,
		 usec_t time);

/* Where the log tells no end: it has ended when all recipients have an answer. */
void step_end_if_answered(struct step *s);

/* The first statement stands: later ones can be the sender's own text. */
void step_keep_first(struct message *m, struct str *field, struct str value);
/* The last one stands; an empty value says nothing. */
void step_set(struct message *m, struct str *field, struct str value);
/* A further queue id of the message, as its aliases name it: [instance/]id. */
void step_add_alias(struct message *m, struct str instance, struct str id);
/* Whoever changes a message or PHP line says so, for the next commit. */
void correlate_touch(struct correlate *c, struct message *m);
void correlate_php_changed(struct correlate *c, struct php_mail *p);
void rows_add(int64_t **rows, size_t *n, size_t *room, int64_t row);
void deadline_add(struct deadlines *d, int64_t row, usec_t time);

/* ---- php.c ---- */

/* Looks for the message's PHP line; without one it waits. */
void php_seek(struct correlate *c, struct message *m, bool comparable);
void php_stop_waiting(struct correlate *c, struct message *m);
/* Are its recipients known, so that it can be compared? */
bool php_comparable(const struct message *m);

/* ---- number.c ---- */

/* How a message of this uid came in. */
enum channel number_channel(const struct step *s);
/* The message that s->ev->process queued is s->m: takes what was told of that process. */
void number_arrived(struct step *s);
/* A line about s->ev->process, whose message may have come or may still come: a bounce, a
 * forward (s->m, r: of what), a login. */
void number_bounce(struct step *s);
void number_forward(struct step *s, const struct recipient *r);
void number_login(struct step *s);
/* Delivery s->ev->delivery of s->m to r has begun. */
void number_started(struct step *s, struct recipient *r);
/* The address that forwarded the message is where its recipient was first addressed. */
void number_forwarded(struct message *m, struct recipient *r);
/* Whose it was, and s->m; NULL: nobody knows. */
struct recipient *number_ended(struct step *s);

/* ---- arrival.c ---- */

/* Exim's cwd= line that belongs to the statement's process. */
void arrival_take_cwd(struct step *s);
/* The login of the client that this process talks to (Sendmail), in `scratch`; "" none. */
struct str arrival_login(struct step *s, struct arena *scratch);

/* ---- returned.c ---- */

/* This recipient was not reached: the sender may get a bounce. */
void returned_note(struct step *s, const struct recipient *r);
/* Is the message such a bounce? Then it is the server's own. */
void returned_seek(struct step *s);

/* ---- the statements, by file ---- */

void on_accept(struct step *s); /* arrival.c */
void on_cwd(struct step *s);
void on_auth(struct step *s);
void on_delivery(struct step *s); /* delivery.c */
void on_notice(struct step *s);
void on_php_mail(struct step *s); /* php.c */
void on_queued(struct step *s); /* statement.c */
void on_message_id(struct step *s);
void on_header(struct step *s);
void on_link(struct step *s);
void on_hold(struct step *s);
void on_release(struct step *s);
void on_requeue(struct step *s);
void on_expire(struct step *s);
void on_delete(struct step *s);
void on_discard(struct step *s);
void on_end(struct step *s);
void on_reject(struct step *s);
void on_direct(struct step *s); /* direct.c */

/* ---- refusal.c ---- */

/* A refusal without a queue id: was it told before, by the other log of Exim or by its
 * other line in syslog? Else the id for refusal_name(). */
#define REFUSAL_ID_SIZE 48
bool refusal_is_known(struct step *s, char id[REFUSAL_ID_SIZE]);
/* Is it the second of the two lines that Exim writes to syslog of one thing? */
bool refusal_is_repeated(struct step *s);
/* Gives the message the id by which it is known again. */
void refusal_name(struct step *s, const char *id);
/* A refusal in the reject log: the header lines that follow it are of this message. */
void refusal_begin(struct step *s);
/* One of these lines. */
void refusal_header(struct step *s);

#endif
