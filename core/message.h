/* All that is known of one queued message. Its strings are its own copies.
 *
 * A message's identity is (host, instance, queue id, first seen): short queue
 * ids are reused within minutes and one log can hold many hosts. An open
 * message is its row: memory is a bounded cache of the rows that are open or
 * closed a moment ago (late lines still come: a bounce's notice, a rotated
 * log's tail). */
#ifndef MAILAUDIT_CORE_MESSAGE_H
#define MAILAUDIT_CORE_MESSAGE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/table.h"
#include "core/event.h"

struct stream;

/* More recipients of one message are counted and not kept one by one. */
#define MESSAGE_MAX_RECIPIENTS 5000

enum message_state {
	MSG_OPEN, /* in the queue, as far as the log says */
	MSG_DONE, /* left the queue: removed, Completed */
	MSG_HELD, /* open, on hold or frozen */
	MSG_DELETED, /* taken from the queue by an administrator */
	MSG_DISCARDED, /* dropped by a rule or milter */
	MSG_REJECTED, /* refused, never queued or thrown out before queueing */
	MSG_LOST /* its queue id was used again before its end was seen */
};

enum direction { DIR_UNKNOWN, DIR_OUTBOUND, DIR_FORWARDED, DIR_LOCAL, DIR_INBOUND };

/* The rungs of the attribution ladder, strongest first. */
enum via {
	VIA_NONE,
	VIA_REF, /* a reference header logged with the queue id */
	VIA_HEADER, /* X-PHP-Originating-Script logged by the MTA */
	VIA_PHPLOG, /* a line of PHP's mail log joined */
	VIA_CWD, /* Exim's +arguments */
	VIA_SASL, /* login, through the mailbox map */
	VIA_UID, /* Unix uid of the submitter */
	VIA_DOMAIN /* domain of the sender or of the forwarded address */
};

extern const char *const message_state_name[], *const direction_name[],
	*const via_name[], *const channel_name[], *const rcpt_status_name[];

struct recipient {
	struct str address, orig_to;
	enum rcpt_status status;
	enum rcpt_place place;
	struct str dsn, relay, relay_ip, response;
	usec_t time; /* of the last statement about it */
	enum rcpt_status judged; /* as the detector was last told */
	bool novel; /* its stream had never written to it */
};

/* What only an open message needs, in its row's work column; of xphp and ref, the
 * evidence column keeps what was seen when it is closed. */
struct message_work {
	int64_t nrcpt; /* as the MTA announced it; -1 */
	struct str header_to; /* To: as logged */
	struct str xphp; /* X-PHP-Originating-Script: "uid:basename" */
	struct str ref; /* X-Mailaudit-Ref */
	bool waiting; /* for its PHP line */
	bool no_end; /* the log tells no end: it ends with the last answer */
	struct str forward; /* the address of ours that forwarded it */
	int64_t process; /* pid of the program that queued it; -1 */
	int ids_open; /* queue ids joined into this message that have not ended */
	bool observed; /* the detector was told of it */
	int observed_rcpt; /* and of so many recipients */
	struct str novel; /* of those: '1' novel, '0' not; made for the row */
};

/* Book-keeping of detect.c: the streams of a message, for as long as no stream was
 * put out of memory and nobody says otherwise of the message. */
struct message_streams {
	struct stream *stream, *account;
	int64_t dropped;
	const char *account_name, *script, *cwd;
};

/* Book-keeping of attribute.c: by what it judged. No text of a message changes where it is, so
 * its place tells it. */
struct message_evidence {
	enum channel channel;
	int64_t uid, php;
	const char *user, *login, *sender, *cwd, *ref, *xphp;
};

struct message {
	int64_t id; /* its row; given at birth, grows with time */
	struct arena strings; /* owner of every str below */
	struct str host, instance, queue_id;
	usec_t time, closed; /* first seen; left the queue (0: open) */
	enum message_state state;
	enum direction direction;
	enum channel channel;

	struct str account; /* "" none */
	enum via via;
	bool ambiguous; /* the PHP line was one of several alike */
	struct str login, user; /* SASL login; Exim U= */
	int64_t uid; /* -1 unknown */
	struct str client_ip, client_name, helo;
	struct str cwd; /* of the submitting process */
	struct str script; /* full path, or what the header gave; "" none */
	int64_t script_line; /* -1 */
	int64_t php; /* id of the joined PHP line; 0 */
	struct str sender;
	bool sender_null;
	struct str subject, message_id;
	int64_t size; /* bytes, -1 */
	struct str parent_id; /* queue id of the message this one reports on */
	int64_t parent; /* its row; 0 */

	struct recipient *rcpt; /* &first, or heap */
	struct recipient first; /* most have no other */
	size_t nrcpt, rcpt_room;
	uint32_t rcpt_dropped; /* beyond MESSAGE_MAX_RECIPIENTS */

	struct str *aliases; /* further queue ids of the same mail, heap; [instance]/id */
	size_t naliases;

	struct message_work work;

	/* Book-keeping of correlate.c. */
	bool stored; /* the row exists */
	bool dirty; /* differs from the row */
	bool rcpt_dirty; /* a recipient differs from its row */
	bool awaited; /* a deadline of correlate.c is to find it in memory */
	bool comparable; /* waits for its PHP line with its recipients known */
	size_t judge_from, judge_to; /* recipients whose outcome may be news to the detector */
	struct join_node *nodes; /* of join.c */
	struct message_streams streams;
	struct message_evidence judged;
};

struct message *message_new(void);
void message_free(struct message *m); /* NULL is fine */
/* The recipient with this address (and, if given, orig_to), or NULL. */
struct recipient *message_recipient(struct message *m, struct str address);
/* Appends; NULL when MESSAGE_MAX_RECIPIENTS is reached (counted). */
struct recipient *message_recipient_add(struct message *m, struct str address);

/* The id in "[instance]/id", as aliases are; what stands before the slash in *instance. */
struct str alias_id(struct str alias, struct str *instance);

/* What became of this recipient may be news to the detector. */
void message_outcome_changed(struct message *m, const struct recipient *r);

/* Just read back from its row: what the detector was told follows from it. */
void message_restored(struct message *m);

/* The work part as text for the row, and back. The text is "key value\n" lines
 * with values percent-encoded; unknown keys are skipped. */
struct str message_work_pack(const struct message *m, struct arena *to);
void message_work_unpack(struct message *m, struct str packed);
/* Only what stays of it once the message is closed: the logged headers that the
 * attribution rests on. "" when there were none. */
struct str message_evidence_pack(const struct message *m, struct arena *to);

/* One call of PHP's mail(), as its log told it. */
enum php_state { PHP_WAITING, PHP_MATCHED, PHP_UNMATCHED };
extern const char *const php_state_name[];

struct php_mail {
	int64_t id; /* its row */
	usec_t time;
	enum php_state state;
	struct arena strings;
	struct str host; /* of the source */
	struct str account; /* owner of the script or of the log; "" unknown */
	struct str script;
	int64_t script_line;
	bool eval;
	bool tenant; /* one customer wrote it: from his log, pool or process */
	struct str to, subject, headers; /* headers cut at PHP_MAIL_MAX_HEADERS */
	struct str message_id; /* found in headers, without <> */
	struct str cc, bcc; /* the first of each there, while it waits */
	int64_t uid; /* vouched for by the syslog daemon; -1 */
	uint32_t pid;
	bool ambiguous;
	int64_t message; /* row of the message; 0 */

	bool stored, dirty;
	uint64_t alike; /* php.c: what lines that cannot be told apart share; 0 not asked yet */
	/* Book-keeping of join.c. */
	struct table_node by_row;
	struct php_mail *older, *newer; /* among the waiting */
	struct join_node *nodes;
};
#define PHP_MAIL_MAX_HEADERS 2048

struct php_mail *php_mail_new(void);
void php_mail_free(struct php_mail *p);

#endif
