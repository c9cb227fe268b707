/* The words and fields of Exim's log lines, and who they say the client is.
 *
 * Invariant: a field is taken only whole, to the end that its shape gives it;
 * quoted ones to their closing quote. Which of several readings of a line is
 * the true one is for the readers to decide. Order of the fields and their
 * quoting: add_host_info_for_log() and receive_msg() in Exim's src/receive.c,
 * delivery_log() in src/deliver.c, host_and_ident() in src/host.c.
 */
#include "parsers/exim_fields.h"

#include "parsers/cursor.h"

/* ---- words ---------------------------------------------------------- */

/* A field ends at a blank, at the end of the line, or where text begins. */
static bool at_end_of_field(struct str s)
{
	return s.n == 0 || s.p[0] == ' ' ||
	       (s.p[0] == ':' && (s.n == 1 || s.p[1] == ' '));
}

static const bool ends_or_quotes[256] = { [' '] = true, [':'] = true, ['"'] = true,
					  ['\\'] = true };

/* Bytes that neither end a field nor quote. */
static void eat_plain(struct str *s)
{
	size_t n = 0;

	while (n < s->n && !ends_or_quotes[(unsigned char)s->p[n]])
		n++;
	*s = str_skip(*s, n);
}

/* Bytes up to the end of the field; what is quoted does not end it. false:
 * nothing there, a quote stays open, or one is escaped outside of quotes: then
 * this is the inside of a subject or of a quoted local part. So any reading
 * that begins inside one has an odd number of quotes before it, and fails. */
bool exim_eat_word(struct str *s, struct str *out)
{
	struct str rest = *s, quoted;

	for (eat_plain(&rest); !at_end_of_field(rest); eat_plain(&rest)) {
		if (str_starts(rest, STR("\\\"")))
			return false;
		if (rest.p[0] != '"')
			rest = str_skip(rest, 1);
		else if (!cursor_quoted(&rest, &quoted))
			return false;
	}
	if (rest.p == s->p)
		return false;
	*out = str_range(s->p, rest.p);
	*s = rest;
	return true;
}

/* "<address>" and the end of the field; quoted local parts hold anything. */
bool exim_eat_angle(struct str *s, struct str *out)
{
	struct str rest = *s, quoted;
	const char *from = rest.p + 1;

	if (!str_eat(&rest, STR("<")))
		return false;
	while (rest.n && rest.p[0] != '>') {
		size_t n = 0;

		while (n < rest.n && rest.p[n] != '>' && rest.p[n] != '"')
			n++;
		rest = str_skip(rest, n);
		if (rest.n && rest.p[0] == '"' && !cursor_quoted(&rest, &quoted))
			return false;
	}
	if (rest.n == 0 || !at_end_of_field(str_skip(rest, 1)))
		return false;
	*out = str_range(from, rest.p);
	*s = str_skip(rest, 1);
	return true;
}

static bool eat_base62(struct str *s, size_t n)
{
	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_base62(s->p[i]))
			return false;
	*s = str_skip(*s, n);
	return true;
}

/* 6-6-2 up to 4.96, 6-11-4 since 4.97; base 62, or 36 in upper case. */
bool exim_eat_message_id(struct str *s, struct str *id)
{
	static const unsigned char forms[2][3] = { { 6, 11, 4 }, { 6, 6, 2 } };

	for (size_t i = 0; i < COUNT(forms); i++) {
		struct str rest = *s;

		if (!eat_base62(&rest, forms[i][0]) || !str_eat(&rest, STR("-")) ||
		    !eat_base62(&rest, forms[i][1]) || !str_eat(&rest, STR("-")) ||
		    !eat_base62(&rest, forms[i][2]) || is_base62(first(rest)))
			continue;
		*id = str_range(s->p, rest.p);
		*s = rest;
		return true;
	}
	return false;
}

/* ---- fields --------------------------------------------------------- */

enum shape { SHAPE_WORD, SHAPE_QUOTED, SHAPE_PEER, SHAPE_ANGLE, SHAPE_HOST };

struct field {
	struct str key;
	enum shape shape;
	enum exim_slot slot;
};

/* Exim writes the fields in this order, each at most once. */
static const struct field arrival_fields[] = {
	{ STR("R="), SHAPE_WORD, SLOT_PARENT },
	{ STR("H="), SHAPE_HOST, SLOT_HOST },
	{ STR("U="), SHAPE_WORD, SLOT_USER },
	{ STR("P="), SHAPE_WORD, SLOT_PROTOCOL },
	{ STR("DN=\""), SHAPE_PEER, SLOT_PEER },
	{ STR("SNI=\""), SHAPE_PEER, SLOT_PEER },
	{ STR("A="), SHAPE_WORD, SLOT_LOGIN },
	{ STR("S="), SHAPE_WORD, SLOT_SIZE },
	{ STR("id="), SHAPE_WORD, SLOT_ID },
	{ STR("id*="), SHAPE_WORD, SLOT_ID },
	{ STR("T="), SHAPE_QUOTED, SLOT_SUBJECT },
};

static const struct field delivery_fields[] = {
	{ STR("F="), SHAPE_ANGLE, SLOT_SENDER },
	{ STR("SRS="), SHAPE_ANGLE, SLOT_OTHER },
	{ STR("P="), SHAPE_ANGLE, SLOT_OTHER },
	{ STR("R="), SHAPE_WORD, SLOT_ROUTER },
	{ STR("T="), SHAPE_WORD, SLOT_TRANSPORT },
	{ STR("H="), SHAPE_HOST, SLOT_HOST },
	{ STR("DN=\""), SHAPE_PEER, SLOT_PEER },
	{ STR("C="), SHAPE_QUOTED, SLOT_REPLY },
};

/* Before "rejected", "Warning:" and the like. F= stands first (local_scan) or
 * behind the client, A= on either side of it. */
static const struct field client_fields[] = {
	{ STR("F="), SHAPE_WORD, SLOT_SENDER },
	{ STR("H="), SHAPE_HOST, SLOT_HOST },
	{ STR("U="), SHAPE_WORD, SLOT_USER },
	{ STR("P="), SHAPE_WORD, SLOT_PROTOCOL },
	{ STR("DN=\""), SHAPE_PEER, SLOT_PEER },
	{ STR("SNI=\""), SHAPE_PEER, SLOT_PEER },
	{ STR("A="), SHAPE_WORD, SLOT_LOGIN },
	{ STR("F="), SHAPE_WORD, SLOT_SENDER },
	{ STR("A="), SHAPE_WORD, SLOT_LOGIN },
};

/* "(helo) ", up to the f->reading-th place that could be its end. */
static bool eat_helo(struct str *s, struct exim_fields *f)
{
	struct str rest = str_skip(*s, 1);
	size_t at = str_find(rest, STR(") ["));

	f->has_helo = true;
	for (unsigned i = 0; i < f->reading && at < rest.n; i++) {
		struct str after = str_skip(rest, at + 1);

		at += 1 + str_find(after, STR(") ["));
	}
	if (at >= rest.n)
		return false;
	f->another = str_has(str_skip(rest, at + 1), STR(") ["));
	f->helo = str_head(rest, at);
	*s = str_skip(rest, at + 2);
	return true;
}

/* "name (helo) [ip]:port", each part optional; "name DS [ip]:port*" and a bare
 * name in deliveries. */
bool exim_eat_host(struct str *s, struct exim_fields *f)
{
	struct str rest = *s, after;

	if (first(rest) != '(' && first(rest) != '[') {
		if (!exim_eat_word(&rest, &f->name))
			return false;
		after = rest;
		str_eat(&after, STR(" DS"));
		if (!str_starts(after, STR(" [")) && !str_starts(after, STR(" ("))) {
			*s = rest;
			return true;
		}
		rest = str_skip(after, 1);
	}
	if (first(rest) == '(' && !eat_helo(&rest, f))
		return false;
	if (!cursor_ip(&rest, &f->ip))
		return false;
	str_eat(&rest, STR("*"));
	*s = rest;
	return at_end_of_field(rest);
}

static bool eat_value(struct str *s, enum shape shape, struct exim_fields *f,
		      struct str *out)
{
	switch (shape) {
	case SHAPE_WORD:
		return exim_eat_word(s, out);
	case SHAPE_QUOTED:
		return cursor_quoted(s, out) && at_end_of_field(*s);
	case SHAPE_PEER:
		return cursor_until(s, STR("\""), out) && at_end_of_field(*s);
	case SHAPE_ANGLE:
		return exim_eat_angle(s, out);
	case SHAPE_HOST:
		return exim_eat_host(s, f);
	}
	return false;
}

/* Marks without a value: pipelining, chunking, fast open and such. */
static bool eat_mark(struct str *s)
{
	static const struct str marks[] = { STR("L"),  STR("K"),   STR("PRDR"),
					    STR("DS"), STR("TFO"), STR("ARC"),
					    STR("SPF") };
	struct str rest = *s, word;

	if (!cursor_word(&rest, &word))
		return false;
	while (word.n && memchr("*.-", word.p[word.n - 1], 3))
		word.n--;
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (str_eq(word, marks[i])) {
			*s = rest;
			return true;
		}
	}
	return false;
}

/* A field that no table names: "CV=no", "I=[ip]:port", one of tomorrow. It may
 * not be quoted: a quoted one of no meaning could hide what is not understood. */
static bool eat_other(struct str *s)
{
	struct str rest = *s, word;
	size_t n = 0;

	while (n < rest.n && is_base62(rest.p[n]))
		n++;
	if (n == 0 || is_digit(rest.p[0]) || rest.p[0] >= 'a')
		return false;
	rest = str_skip(rest, n);
	if (!str_eat(&rest, STR("=")) || !exim_eat_word(&rest, &word) ||
	    str_has_byte(word, '"'))
		return false;
	*s = rest;
	return true;
}

/* One field of the table from row *next on, or one of no interest. */
static bool eat_field(const struct field *table, size_t rows, size_t *next, struct str *s,
		      struct exim_fields *f)
{
	struct str rest = *s, value = STR_NONE;
	bool known = false;

	if (!str_eat(&rest, STR(" ")) && rest.p != f->start)
		return false;
	for (size_t i = 0; i < rows; i++) {
		struct str after = rest;

		if (!str_eat(&after, table[i].key))
			continue;
		known = true;
		if (i < *next || !eat_value(&after, table[i].shape, f, &value))
			continue;
		f->has[table[i].slot] = true;
		f->value[table[i].slot] = value;
		*next = i + 1;
		*s = after;
		return true;
	}
	if (known || (!eat_mark(&rest) && !eat_other(&rest)))
		return false;
	*s = rest;
	return true;
}

static void eat_fields(const struct field *table, size_t rows, struct str *s,
		       struct exim_fields *f)
{
	size_t next = 0;

	while (s->n && eat_field(table, rows, &next, s, f))
		;
}

void exim_eat_arrival_fields(struct str *s, struct exim_fields *f)
{
	eat_fields(arrival_fields, COUNT(arrival_fields), s, f);
}

void exim_eat_delivery_fields(struct str *s, struct exim_fields *f)
{
	eat_fields(delivery_fields, COUNT(delivery_fields), s, f);
}

void exim_eat_client_fields(struct str *s, struct exim_fields *f)
{
	eat_fields(client_fields, COUNT(client_fields), s, f);
}

bool exim_has_raw_quotes(struct str s)
{
	return str_has(s, STR(" DN=\"")) || str_has(s, STR(" SNI=\""));
}

/* Bytes that let a HELO look like other fields. Exim refuses them unless
 * helo_accept_junk_hosts says otherwise, as cPanel does. */
static bool helo_is_junk(struct str helo)
{
	if (str_starts(helo, STR("[")) && str_ends(helo, STR("]")))
		helo = str_head(str_skip(helo, 1), helo.n - 2);
	for (size_t i = 0; i < helo.n; i++)
		if (memchr("()[]=\"", helo.p[i], 6))
			return true;
	return false;
}

/* ---- what the fields say -------------------------------------------- */

void exim_set_sender(struct event *ev, struct str sender)
{
	ev->sender = cursor_strip_angles(sender);
	ev->sender_null = ev->sender.n == 0;
	if (ev->sender_null)
		ev->sender = STR_NONE;
}

/* "authenticator:id:sender"; :sender with +smtp_mailauth. */
static void set_login(struct event *ev, struct str value)
{
	cursor_until_or_rest(&value, STR(":"), &ev->auth);
	cursor_until_or_rest(&value, STR(":"), &ev->login);
}

static bool is_auth_protocol(struct str p)
{
	return str_ends(p, STR("smtpa")) || str_ends(p, STR("smtpsa")) ||
	       str_eq(p, STR("asmtp"));
}

static enum channel channel_of(const struct exim_fields *f)
{
	if (!f->has[SLOT_HOST])
		return CHANNEL_LOCAL;
	if (f->has[SLOT_LOGIN] || is_auth_protocol(f->value[SLOT_PROTOCOL]))
		return CHANNEL_AUTH;
	return CHANNEL_SMTP;
}

/* Who handed the message over. With H=, U= is the answer of the client's ident
 * server and means nothing; without, it is the login name of the caller. */
void exim_set_client(struct event *ev, const struct exim_fields *f)
{
	bool junk = helo_is_junk(f->helo);

	ev->channel = junk ? CHANNEL_SMTP : channel_of(f);
	ev->client_name = f->name;
	ev->client_ip = f->ip;
	ev->helo = f->helo;
	if (f->has[SLOT_LOGIN] && !junk)
		set_login(ev, f->value[SLOT_LOGIN]);
	if (!f->has[SLOT_HOST])
		ev->user = f->value[SLOT_USER];
}
