/* Hexadecimal digits as half as many bytes, the queue id and the stamp of mail servers left
 * out, domains apart.
 *
 * Invariant: a form is chosen only when unpacking gives the id back. */
#include "schema/mid.h"

#include <stdio.h>
#include <time.h>

#define STAMP 14
#define MIN_DIGITS 8
#define MIN_QUEUE_ID 5

static const char digits[] = "0123456789abcdef";

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_digits(struct str s)
{
	if (s.n < MIN_DIGITS || s.n % 2)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (digit(s.p[i]) < 0)
			return false;
	return true;
}

static struct str from_digits(struct str s, struct arena *to)
{
	char *bytes = arena_alloc(to, s.n / 2);

	for (size_t i = 0; i < s.n / 2; i++)
		bytes[i] = (char)(digit(s.p[2 * i]) << 4 | digit(s.p[2 * i + 1]));
	return (struct str){ bytes, s.n / 2 };
}

static void write_digits(struct str bytes, char *to)
{
	for (size_t i = 0; i < bytes.n; i++) {
		*to++ = digits[(unsigned char)bytes.p[i] >> 4];
		*to++ = digits[(unsigned char)bytes.p[i] & 15];
	}
}

static void write_stamp(usec_t time, int64_t seconds, char *to)
{
	time_t t = (time_t)(time / USEC_SECOND + seconds);
	struct tm tm = { 0 };
	char text[64];

	gmtime_r(&t, &tm);
	snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(to, text, STAMP);
}

static int two(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* "YYYYMMDDHHMMSS.QUEUEID" */
static bool is_stamp(struct str s, struct str queue_id, usec_t time, int64_t *seconds)
{
	char again[STAMP];
	usec_t t;

	if (s.n != STAMP + 1 + queue_id.n || s.p[STAMP] != '.' || !str_ends(s, queue_id))
		return false;
	for (size_t i = 0; i < STAMP; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	t = stamp_civil(zone_utc(), 100 * two(s.p) + two(s.p + 2), two(s.p + 4), two(s.p + 6),
			two(s.p + 8), two(s.p + 10), two(s.p + 12), 0);
	*seconds = t / USEC_SECOND - time / USEC_SECOND;
	write_stamp(time, *seconds, again);
	return memcmp(again, s.p, STAMP) == 0;
}

static struct str without_queue_id(struct str s, struct str queue_id, struct arena *to)
{
	size_t at = queue_id.n >= MIN_QUEUE_ID ? str_find(s, queue_id) : s.n;
	char *text;

	if (at == s.n)
		return s;
	text = arena_alloc(to, s.n - queue_id.n + 1);
	memcpy(text, s.p, at);
	text[at] = MID_QUEUE_ID;
	memcpy(text + at + 1, s.p + at + queue_id.n, s.n - at - queue_id.n);
	return (struct str){ text, s.n - queue_id.n + 1 };
}

struct mid mid_pack(struct str id, struct str queue_id, usec_t time, struct arena *to)
{
	size_t at = str_rchr(id, '@');
	struct mid m = { MID_TEXT, str_head(id, at), str_skip(id, at + 1), 0 };

	if (!m.domain.n || str_chr(m.local, MID_QUEUE_ID) < m.local.n)
		return (struct mid){ .form = MID_WHOLE, .local = id };
	if (is_digits(m.local)) {
		m.form = MID_DIGITS;
		m.local = from_digits(m.local, to);
	} else if (queue_id.n && is_stamp(m.local, queue_id, time, &m.seconds)) {
		m.form = MID_STAMP;
	} else {
		m.local = without_queue_id(m.local, queue_id, to);
	}
	return m;
}

static size_t unpacked_length(const struct mid *m, struct str queue_id)
{
	switch (m->form) {
	case MID_DIGITS:
		return 2 * m->local.n;
	case MID_STAMP:
		return STAMP + 1 + queue_id.n;
	default:
		return m->local.n + queue_id.n;
	}
}

static char *append(char *to, struct str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

/* What stands before the @; returns its end. */
static char *write_local(const struct mid *m, struct str queue_id, usec_t time, char *to)
{
	size_t at;

	switch (m->form) {
	case MID_DIGITS:
		write_digits(m->local, to);
		return to + 2 * m->local.n;
	case MID_STAMP:
		write_stamp(time, m->seconds, to);
		to[STAMP] = '.';
		return append(to + STAMP + 1, queue_id);
	default:
		at = str_chr(m->local, MID_QUEUE_ID);
		to = append(to, str_head(m->local, at));
		if (at < m->local.n)
			to = append(to, queue_id);
		return append(to, str_skip(m->local, at + 1));
	}
}

struct str mid_unpack(const struct mid *m, struct str queue_id, usec_t time, struct arena *to)
{
	char *text, *end;

	if (m->form == MID_WHOLE)
		return arena_str_or_none(to, m->local);
	text = arena_alloc(to, unpacked_length(m, queue_id) + 1 + m->domain.n + 1);
	end = write_local(m, queue_id, time, text);
	*end++ = '@';
	end = append(end, m->domain);
	*end = 0;
	return str_range(text, end);
}
