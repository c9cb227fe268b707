/* Message-IDs in the shapes that programs give them, told in fewer bytes: columns
 * message_id and message_domain of 0007_compact.sql.
 *
 * What is packed comes back byte for byte, whatever it is. */
#ifndef MAILAUDIT_SCHEMA_MID_H
#define MAILAUDIT_SCHEMA_MID_H

#include "base/arena.h"
#include "base/stamp.h"

enum mid_form {
	MID_TEXT, /* local, with MID_QUEUE_ID in the place of the queue id */
	MID_DIGITS, /* local is the bytes that the hexadecimal digits stand for */
	MID_STAMP, /* seconds behind the message's time as YYYYMMDDHHMMSS, ".", the queue id */
	MID_WHOLE /* local is all of it */
};
#define MID_QUEUE_ID '\1'

struct mid {
	enum mid_form form;
	struct str local, domain;
	int64_t seconds;
};

/* queue_id may be STR_NONE. */
struct mid mid_pack(struct str id, struct str queue_id, usec_t time, struct arena *to);
struct str mid_unpack(const struct mid *m, struct str queue_id, usec_t time, struct arena *to);

#endif
