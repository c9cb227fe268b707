/* Events as text, made from the one list of fields.
 *
 * Invariant: what is printed is one line of printable UTF-8, whatever a field
 * holds. Does not read the text back. */
#include "core/event.h"

#include <stdio.h>

#include "base/log.h"
#include "core/message.h"

const char *const event_kind_name[EV_COUNT] = {
#define X(name, text) [EV_##name] = text,
	EVENT_KINDS(X)
#undef X
};

static const char *const place_name[] = { "unknown", "local", "remote" };

/* Text that grows past the buffer is counted, not written. */
struct printer {
	char *buf;
	size_t size, length;
};

static void put_escaped(struct printer *p, struct str s)
{
	if (p->length < p->size)
		log_escape(s, p->buf + p->length, p->size - p->length);
	p->length += log_escape_length(s);
}

/* ASCII only: log_escape leaves it as it is. */
static void put(struct printer *p, const char *text)
{
	put_escaped(p, str_of(text));
}

static void put_name(struct printer *p, const char *name)
{
	put(p, " ");
	put(p, name);
	put(p, "=");
}

/* Offset of the first quote or backslash, or s.n. */
static size_t first_special(struct str s)
{
	size_t quote = str_chr(s, '"'), backslash = str_chr(s, '\\');

	return quote < backslash ? quote : backslash;
}

static void put_quoted(struct printer *p, struct str s)
{
	put(p, "\"");
	while (s.n) {
		size_t n = first_special(s);

		put_escaped(p, str_head(s, n));
		if (n < s.n)
			put(p, s.p[n] == '"' ? "\\\"" : "\\\\");
		s = str_skip(s, n + 1);
	}
	put(p, "\"");
}

static void print_str(struct printer *p, const char *name, struct str s)
{
	if (s.n == 0)
		return;
	put_name(p, name);
	if (str_chr(s, ' ') == s.n && first_special(s) == s.n &&
	    log_escape_length(s) == s.n)
		put_escaped(p, s);
	else
		put_quoted(p, s);
}

static void print_num(struct printer *p, const char *name, int64_t n)
{
	char text[24];

	if (n == -1)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)n);
	put_name(p, name);
	put(p, text);
}

static void print_flag(struct printer *p, const char *name, bool on)
{
	if (!on)
		return;
	put_name(p, name);
	put(p, "yes");
}

static void print_word(struct printer *p, const char *name, unsigned value,
		       const char *const *words)
{
	if (value == 0)
		return;
	put_name(p, name);
	put(p, words[value]);
}

static void print_channel(struct printer *p, const char *name, enum channel c)
{
	print_word(p, name, c, channel_name);
}

static void print_status(struct printer *p, const char *name, enum rcpt_status s)
{
	print_word(p, name, s, rcpt_status_name);
}

static void print_place(struct printer *p, const char *name, enum rcpt_place place)
{
	print_word(p, name, place, place_name);
}

void event_init(struct event *ev, enum event_kind kind)
{
#define ABSENT_str { NULL, 0 }
#define ABSENT_num -1
#define ABSENT_channel CHANNEL_NONE
#define ABSENT_status RCPT_PENDING
#define ABSENT_place PLACE_UNKNOWN
#define ABSENT_flag false
#define X(type, member, name) .member = ABSENT_##type,
	static const struct event absent = { .kind = 0, EVENT_FIELDS(X) };
#undef X

	*ev = absent;
	ev->kind = kind;
}

size_t event_print(const struct event *ev, char *buf, size_t size)
{
	struct printer p = { buf, size, 0 };

	if (size)
		buf[0] = '\0';
	put(&p, event_kind_name[ev->kind]);
#define X(type, member, name) print_##type(&p, name, ev->member);
	EVENT_FIELDS(X)
#undef X
	return p.length;
}
