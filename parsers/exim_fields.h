/* The words and fields of Exim's log lines, shared by the readers exim*.c: an
 * inside of the Exim parser, not for others.
 *
 * Every "eat" function takes what it names from the start of *s and returns
 * true, or returns false and leaves *s alone. Outputs are views into the line.
 */
#ifndef MAILAUDIT_PARSERS_EXIM_FIELDS_H
#define MAILAUDIT_PARSERS_EXIM_FIELDS_H

#include "core/event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Ends of a HELO that are tried; a line with more is believed in nothing. */
#define EXIM_MAX_READINGS 8

/* ---- bytes ---------------------------------------------------------- */

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_base62(char c)
{
	static const bool is[256] = { ['0' ... '9'] = true, ['A' ... 'Z'] = true,
				      ['a' ... 'z'] = true };

	return is[(unsigned char)c];
}

/* NUL where there is none. */
static inline char first(struct str s)
{
	return s.n ? s.p[0] : '\0';
}

static inline bool str_has(struct str s, struct str needle)
{
	return str_find(s, needle) < s.n;
}

static inline bool str_has_byte(struct str s, char c)
{
	return str_chr(s, c) < s.n;
}

/* ---- words ---------------------------------------------------------- */

/* Bytes up to the end of the field: a blank, ": " or the end of the line,
 * outside of quotes. */
bool exim_eat_word(struct str *s, struct str *out);
/* "<address>" up to the end of the field; the address without the brackets. */
bool exim_eat_angle(struct str *s, struct str *out);
/* "1xVVZf-0005GE-04", or of 4.97 and later "1xVVZf-000000005GE-04aB". */
bool exim_eat_message_id(struct str *s, struct str *id);

/* ---- fields: "H=... U=... P=..." ------------------------------------ */

/* What a field means, whatever letter the kind of line gives it. */
enum exim_slot {
	SLOT_PARENT,
	SLOT_HOST,
	SLOT_USER,
	SLOT_PROTOCOL,
	SLOT_PEER, /* DN=, and SNI= of old: quotes inside are not escaped */
	SLOT_LOGIN,
	SLOT_SIZE,
	SLOT_ID,
	SLOT_SUBJECT,
	SLOT_SENDER,
	SLOT_ROUTER,
	SLOT_TRANSPORT,
	SLOT_REPLY,
	SLOT_OTHER,
	SLOTS
};

/* The fields of one line under one reading of it. A HELO may hold anything, so
 * a line with several ") [" is read once for each end that the HELO could have:
 * reading 0, 1, ... while `another` comes out true. */
struct exim_fields {
	const char *start; /* in: where a field needs no blank before it */
	unsigned reading; /* in: ends of the HELO to pass over */
	bool another; /* out: there is a later end of the HELO */
	bool has_helo;
	bool has[SLOTS];
	struct str value[SLOTS];
	struct str name, helo, ip; /* of H= */
};

/* Fields of "<=" lines, of deliveries, and of "H=... rejected ..." lines, as
 * many as there are in Exim's order; *s is left before what is none. */
void exim_eat_arrival_fields(struct str *s, struct exim_fields *f);
void exim_eat_delivery_fields(struct str *s, struct exim_fields *f);
void exim_eat_client_fields(struct str *s, struct exim_fields *f);
/* "name (helo) [ip]:port", as behind H=. */
bool exim_eat_host(struct str *s, struct exim_fields *f);

/* Has the line a certificate's name? Quotes in DN= and in SNI= of old are not
 * escaped, so what stands behind them may be the client's, and the true reading
 * of a line may fail. */
bool exim_has_raw_quotes(struct str s);

/* ---- what the fields say -------------------------------------------- */

/* "a@b", "<a@b>" or "<>". */
void exim_set_sender(struct event *ev, struct str sender);
/* Who handed the message over, and by which channel. */
void exim_set_client(struct event *ev, const struct exim_fields *f);

#endif
