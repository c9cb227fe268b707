/* One statement of one program about mail. Views into the line buffer: what
 * outlives the line is copied, in correlate.c only.
 *
 * EVENT_FIELDS is the one list of fields. A row gives the member, its type
 * and its name in the corpus files. */
#ifndef MAILAUDIT_CORE_EVENT_H
#define MAILAUDIT_CORE_EVENT_H

#include "core/record.h"

#define EVENT_KINDS(X) \
	X(ACCEPT, "accept") /* the MTA took a message: pickup, client=, Exim <= */ \
	X(QUEUED, "queued") /* Postfix qmgr: sender, size, nrcpt */ \
	X(MESSAGE_ID, "message-id") \
	X(HEADER, "header") /* a header field logged with its queue id */ \
	X(LINK, "link") /* Exim's mailaudit-php line: several headers at once */ \
	X(DELIVERY, "delivery") /* outcome for one recipient */ \
	X(NOTICE, "notice") /* queue_id produced the DSN next_id */ \
	X(HOLD, "hold") \
	X(RELEASE, "release") /* released, thawed */ \
	X(REQUEUE, "requeue") /* back in the queue; may get another id */ \
	X(EXPIRE, "expire") /* expired before all was delivered */ \
	X(DELETE, "delete") /* taken from the queue by an administrator */ \
	X(DISCARD, "discard") /* silently dropped by a rule or milter */ \
	X(END, "end") /* removed, Completed */ \
	X(REJECT, "reject") /* refused before or after it had a queue id */ \
	X(WARN, "warn") /* a rule or milter remarked on it; text in response */ \
	X(AUTH_FAIL, "auth-fail") /* login refused */ \
	X(LOGIN, "login") /* somebody read mail, or came in by SSH or FTP */ \
	X(UPLOAD, "upload") /* a file was written by FTP or SFTP */ \
	X(DIRECT, "direct") /* a program opened a connection to an SMTP port itself */ \
	X(AUTH, "auth") /* the client of this process or session has logged in */ \
	X(SESSION, "session") /* OpenSMTPD: a client has connected */ \
	X(SESSION_END, "session-end") \
	X(CWD, "cwd") /* Exim +arguments: cwd and argv of the next <= of pid */ \
	X(PHP_MAIL, "php-mail") /* PHP's mail() was called */ \
	X(LOST, "lost") /* the syslog daemon dropped lines, or Exim could not write them */

enum event_kind {
#define X(name, text) EV_##name,
	EVENT_KINDS(X)
#undef X
	EV_COUNT
};

/* How a message came in. */
enum channel { CHANNEL_NONE, CHANNEL_LOCAL, CHANNEL_AUTH, CHANNEL_SMTP, CHANNEL_INTERNAL };

/* What became of a recipient. */
enum rcpt_status {
	RCPT_PENDING,
	RCPT_SENT,
	RCPT_DEFERRED,
	RCPT_BOUNCED,
	RCPT_EXPIRED,
	RCPT_REJECTED
};

/* Whether the delivery agent was one that stays on this host. */
enum rcpt_place { PLACE_UNKNOWN, PLACE_LOCAL, PLACE_REMOTE };

/* X(type, member, corpus name). Types: str, num (int64_t, -1 when absent),
 * channel, status, place, flag (bool). */
#define EVENT_FIELDS(X) \
	X(str, instance, "instance") /* Postfix instance: "postfix-out"; "" = the only one */ \
	X(str, session, "session") /* OpenSMTPD: joins client and login to what they did */ \
	X(str, queue_id, "qid") /* "" for NOQUEUE and for lines about no message */ \
	X(str, next_id, "next") /* DSN id; "queued as"; "forwarded as"; new id of a requeue */ \
	X(flag, next_is_forward, "forward") /* next_id by "forwarded as" (alias, .forward) */ \
	X(str, parent_id, "parent") /* Exim R=, -E; orig_queue_id= */ \
	X(channel, channel, "channel") \
	X(str, sender, "sender") /* envelope sender without <>; see sender_null */ \
	X(flag, sender_null, "null-sender") /* <> */ \
	X(str, recipient, "rcpt") /* final address, without <> */ \
	X(str, orig_to, "orig") /* as first addressed, when it differs */ \
	X(str, login, "login") /* SASL login, exactly as logged */ \
	X(str, auth, "auth") /* mechanism or Exim authenticator */ \
	X(num, uid, "uid") /* Unix uid: that submitted; UPLOAD: wrote it; DIRECT: has the socket */ \
	X(str, user, "user") /* Exim U=: login name of a local submitter */ \
	X(str, client_name, "client") /* host name, "" for unknown */ \
	X(str, client_ip, "ip") /* without brackets and "IPv6:" */ \
	X(str, helo, "helo") \
	X(str, message_id, "mid") /* without <> */ \
	X(str, subject, "subject") \
	X(num, size, "size") \
	X(num, nrcpt, "nrcpt") \
	X(status, status, "status") \
	X(place, place, "place") \
	X(str, relay, "relay") /* host name of the next hop */ \
	X(str, relay_ip, "relay-ip") /* DIRECT: where to */ \
	X(num, port, "port") /* DIRECT: 25, 465 or 587 */ \
	X(str, interface, "out") /* DIRECT: it left by */ \
	X(str, dsn, "dsn") /* "5.1.1" */ \
	X(str, response, "text") /* reply or reason, without its outer (); DIRECT: rule's prefix */ \
	X(str, header_name, "name") /* EV_HEADER */ \
	X(str, header_value, "value") \
	X(str, header_to, "to") /* LINK, PHP_MAIL: To: as written */ \
	X(str, headers, "headers") /* PHP_MAIL: additional headers as logged */ \
	X(str, script, "script") /* PHP_MAIL: path; LINK: X-PHP-Originating-Script */ \
	X(num, script_line, "line") \
	X(flag, eval, "eval") /* PHP_MAIL: called from eval()'d code */ \
	X(str, pool, "pool") /* PHP_MAIL: php-fpm's pool whose worker said so, in its own words */ \
	X(str, ref, "ref") /* LINK: X-Mailaudit-Ref */ \
	X(str, cwd, "cwd") /* CWD, LINK: working directory of the caller */ \
	X(flag, whole, "whole") /* REJECT: the whole message is gone, not one recipient */ \
	X(flag, no_end, "no-end") /* the log tells no end: it ends with its last answer */ \
	X(str, args, "args") /* CWD: the command line behind "args:" */ \
	X(str, service, "service") /* LOGIN, AUTH_FAIL, UPLOAD: "imap", "ssh", "ftp"; "" SMTP */ \
	X(str, path, "path") /* UPLOAD: as the server saw it: a chroot makes it shorter */ \
	X(num, copy, "copy") /* Exim tells it twice: 0 main log, 1 reject log; -1 once */ \
	X(num, delivery, "delivery") /* qmail's number of it: its outcome names nothing else */ \
	X(num, process, "process") /* pid of the program that queued the message (qmail's qp) */ \
	X(num, lines, "lines") /* LOST: how many; absent: not told yet */ \
	X(num, seconds, "seconds") /* LOST: within the last so many */

struct event {
	enum event_kind kind;
#define EVENT_TYPE_str struct str
#define EVENT_TYPE_num int64_t
#define EVENT_TYPE_channel enum channel
#define EVENT_TYPE_status enum rcpt_status
#define EVENT_TYPE_place enum rcpt_place
#define EVENT_TYPE_flag bool
#define X(type, member, name) EVENT_TYPE_##type member;
	EVENT_FIELDS(X)
#undef X
};

extern const char *const event_kind_name[EV_COUNT];

/* All fields absent: num -1, the rest zero. */
void event_init(struct event *ev, enum event_kind kind);
/* "kind name=value ..." in field order, absent fields left out; values with a
 * blank, a quote, a backslash or an unprintable byte are written as "..."
 * with \", \\ and \xNN. The corpus files hold this. Returns the length that
 * was needed (without the NUL), as snprintf. */
size_t event_print(const struct event *ev, char *buf, size_t size);

#endif
