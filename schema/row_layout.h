/* How message_row and php_row pack what is small: 0007_compact.sql. For those that read and
 * write rows, and for queries (SQL text, of a message_row m). */
#ifndef MAILAUDIT_SCHEMA_ROW_LAYOUT_H
#define MAILAUDIT_SCHEMA_ROW_LAYOUT_H

/* Column kind: where each part begins, and its bits. */
#define KIND_CHANNEL 0
#define KIND_VIA 3
#define KIND_STATE 6
#define KIND_DIRECTION 9
#define KIND_PLACE 12
#define KIND_AMBIGUOUS 14
#define KIND_MORE 15
#define KIND_BITS 7
#define KIND_PLACE_BITS 3

#define M_CHANNEL "(m.kind & 7)"
#define M_VIA "(m.kind >> 3 & 7)"
#define M_STATE "(m.kind >> 6 & 7)"
#define M_DIRECTION "(m.kind >> 9 & 7)"
#define WITH_MORE " LEFT JOIN message_more x ON x.message = m.id AND m.kind >= 32768"

/* Column unsent: a number whose digits, to the base MESSAGE_MAX_RECIPIENTS + 1, say how many
 * recipients are in each state; from the lowest one: bounced, rejected, deferred, pending,
 * expired. */
#define M_BOUNCED "(m.unsent % 5001)"
#define M_REJECTED "(m.unsent / 5001 % 5001)"
#define M_DEFERRED "(m.unsent / 25010001 % 5001)"
#define M_PENDING "(m.unsent / 125075015001 % 5001)"
#define M_EXPIRED "(m.unsent / 625500150020001)"

/* Column sender_local: the text itself or the number of a word. */
#define M_SENDER_LOCAL \
	"iif(typeof(m.sender_local) = 'integer'," \
	" (SELECT w.text FROM word w WHERE w.id = m.sender_local), m.sender_local)"

/* Column subject of a message that has that of its PHP call. */
#define SUBJECT_OF_PHP 0

/* Column flags of php_row. */
#define PHP_FLAG_EVAL 1
#define PHP_FLAG_TENANT 2
#define PHP_FLAG_AMBIGUOUS 4
#define PHP_FLAG_HEADERS_WHOLE 8

#endif
