/* The logs: how a message looks in them. One writer for each mail server, and PHP's log. */
#ifndef MAILAUDIT_TESTS_SIM_WRITER_H
#define MAILAUDIT_TESTS_SIM_WRITER_H

#include "tests/sim/model.h"

/* A message on its way through the queue. */
struct live {
	struct plan p;
	char id[24];
	uint32_t left; /* recipients without a last word */
	uint32_t bounced;
	uint32_t size;
	bool arrived;
	struct live *free; /* next of the free ones */
};

/* How one attempt ends. */
enum outcome { OUT_SENT, OUT_BOUNCED, OUT_DEFERRED };

struct mta {
	const char *name, *format;
	/* Gives the message its queue id and logs its arrival; returns the stamp of it. */
	usec_t (*arrive)(struct live *m, usec_t time);
	void (*attempt)(struct live *m, const struct rcpt *to, enum outcome out, usec_t time);
	/* `notice` is the bounce that tells the sender of m; its arrival is logged, too. */
	void (*notice)(struct live *m, struct live *notice, usec_t time);
	void (*end)(struct live *m, usec_t time);
};
extern const struct mta postfix, exim;

extern struct text mail_log, php_log;
/* No line is written for times in here: a hole in the logs. */
extern usec_t gap_from, gap_to;

/* "2026-03-02T10:00:00" with `between` in place of the T, and the rest in microseconds. Times
 * never go back in a log: an earlier one is taken for the last. */
uint32_t put_stamp(struct text *t, usec_t *last, usec_t time, char between);
void line_begin(struct text *t);
void line_end(struct text *t, usec_t time, size_t most);

void php_line(const struct live *m, usec_t time);

/* What a message says about itself. */
void put_subject(struct text *t, const struct plan *p);
void put_message_id(struct text *t, const struct live *m);
void put_sender(struct text *t, const struct plan *p, const struct rcpt *to);
void put_helo(struct text *t, const struct plan *p);
/* PLAIN or LOGIN: which one says little about who is there. */
bool says_login(const struct plan *p);
void put_login(struct text *t, uint32_t account);
/* The client's name and address; for mail from outside the other server's. */
void put_peer(struct text *t, const struct plan *p, const char *open);
bool is_local(enum fate fate);
/* The last answer of a remote server. */
void put_answer(struct text *t, const struct rcpt *to, enum outcome out, uint64_t salt);

#endif
