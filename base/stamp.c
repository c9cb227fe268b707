/* Reading and writing the time stamps of logs.
 *
 * Invariant: a stamp is taken whole or not at all. Lines of one day follow each
 * other, so the last day worked out is remembered, by each thread for itself: a stamp
 * then costs reading its digits. Knows no clock: `now` and `near` are given. */
#include "base/stamp.h"

#include <stdio.h>

#include "base/zone.h"

#define DAY_SECONDS INT64_C(86400)
/* Two years' stamps are 365 days apart, so one this close is the nearest. */
#define SURELY_NEAREST (180 * USEC_DAY)

struct civil {
	int year, month, day, hour, minute, second, usec;
};

/* The last day on which one offset holds, and on the days next to it. */
static _Thread_local struct {
	const struct zone *zone;
	int year, month, day;
	usec_t start; /* UTC of local midnight */
} last_day;

/* Likewise for stamps without a year. */
static _Thread_local struct {
	const struct zone *zone;
	char text[6]; /* "Nov 23" */
	usec_t start;
} last_short_day;

/* --- civil time to UTC --- */

/* Local seconds to UTC seconds. In a gap or a fold the offset before the change
 * counts: it gives the time after the gap, and the first of the two. */
static int64_t local_to_utc(const struct zone *z, int64_t local)
{
	struct zone_span before = zone_at(z, local - DAY_SECONDS);
	struct zone_span after = zone_at(z, local + DAY_SECONDS);
	int64_t early = local - before.offset, late = local - after.offset;

	if (early < before.until)
		return early;
	return zone_at(z, late).offset == after.offset ? late : early;
}

static bool one_offset(const struct zone *z, int64_t local_midnight, int32_t *offset)
{
	struct zone_span span = zone_at(z, local_midnight - DAY_SECONDS);

	*offset = span.offset;
	return local_midnight + 2 * DAY_SECONDS < span.until;
}

/* UTC of local midnight, if one offset holds on that day and around it. */
static bool day_start(const struct zone *z, int year, int month, int day, usec_t *start)
{
	int64_t midnight;
	int32_t offset;

	if (z == last_day.zone && day == last_day.day && month == last_day.month &&
	    year == last_day.year) {
		*start = last_day.start;
		return true;
	}
	midnight = civil_days(year, month, day) * DAY_SECONDS;
	if (!one_offset(z, midnight, &offset))
		return false;
	*start = (midnight - offset) * USEC_SECOND;
	last_day.zone = z;
	last_day.year = year;
	last_day.month = month;
	last_day.day = day;
	last_day.start = *start;
	return true;
}

/* A leap second is allowed; it counts as the next second. */
static bool valid_time(const struct civil *c)
{
	return (unsigned)c->hour < 24 && (unsigned)c->minute < 60 &&
	       (unsigned)c->second <= 60 && (unsigned)c->usec < 1000000;
}

static bool valid_date(const struct civil *c)
{
	return c->year >= 1970 && c->year <= 9999 && c->month >= 1 && c->month <= 12 &&
	       c->day >= 1 && c->day <= civil_month_days(c->year, c->month);
}

static int64_t day_seconds(const struct civil *c)
{
	return c->hour * 3600 + c->minute * 60 + c->second;
}

/* The fields are valid. */
static usec_t civil_to_usec(const struct zone *z, const struct civil *c)
{
	int64_t local;
	usec_t start;

	if (day_start(z, c->year, c->month, c->day, &start))
		return start + day_seconds(c) * USEC_SECOND + c->usec;
	local = civil_days(c->year, c->month, c->day) * DAY_SECONDS + day_seconds(c);
	return local_to_utc(z, local) * USEC_SECOND + c->usec;
}

usec_t stamp_civil(const struct zone *z, int year, int month, int day, int hour,
		   int minute, int second, int usec)
{
	const struct civil c = { year, month, day, hour, minute, second, usec };

	return valid_date(&c) && valid_time(&c) ? civil_to_usec(z, &c) : 0;
}

/* --- pieces of a stamp --- */

/* Two digits at p, or a number over 99 if they are not. */
static int two_digits(const char *p)
{
	unsigned tens = (unsigned char)p[0] - (unsigned)'0';
	unsigned ones = (unsigned char)p[1] - (unsigned)'0';

	return tens < 10 && ones < 10 ? (int)(tens * 10 + ones) : 1000;
}

static int four_digits(const char *p)
{
	int high = two_digits(p), low = two_digits(p + 2);

	return high < 100 && low < 100 ? high * 100 + low : -1;
}

/* 1..12, or 0. */
static int month_number(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (memcmp(p, names + i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/* "hh:mm:ss", 8 bytes that are there. */
static bool read_clock(const char *p, struct civil *c)
{
	c->hour = two_digits(p);
	c->minute = two_digits(p + 3);
	c->second = two_digits(p + 6);
	return p[2] == ':' && p[5] == ':' && valid_time(c);
}

/* "yyyy-mm-dd", 10 bytes that are there. */
static bool read_date(const char *p, struct civil *c)
{
	c->year = four_digits(p);
	c->month = two_digits(p + 5);
	c->day = two_digits(p + 8);
	return p[4] == '-' && p[7] == '-' && valid_date(c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ".115029": 1 to 9 digits; what is finer than a microsecond is dropped. */
static void eat_fraction(struct str *s, struct civil *c)
{
	size_t i = 1, kept = s->n < 7 ? s->n : 7;
	int usec = 0;

	if (s->n < 2 || (s->p[0] != '.' && s->p[0] != ','))
		return;
	for (; i < kept && is_digit(s->p[i]); i++)
		usec = usec * 10 + (s->p[i] - '0');
	if (i == 1)
		return;
	for (size_t missing = i; missing < 7; missing++)
		usec *= 10;
	for (; i < s->n && i <= 9 && is_digit(s->p[i]); i++)
		;
	c->usec = usec;
	*s = str_skip(*s, i);
}

/* "+01:00", "+0100" or "Z": seconds to be added to UTC. */
static bool eat_offset(struct str *s, int32_t *seconds)
{
	size_t colon = s->n > 3 && s->p[3] == ':';
	int hours, minutes;

	if (str_eat(s, STR("Z"))) {
		*seconds = 0;
		return true;
	}
	if (s->n < 5 + colon || (s->p[0] != '+' && s->p[0] != '-'))
		return false;
	hours = two_digits(s->p + 1);
	minutes = two_digits(s->p + 3 + colon);
	if (hours > 23 || minutes > 59)
		return false;
	*seconds = (s->p[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	*s = str_skip(*s, 5 + colon);
	return true;
}

static usec_t at_offset(const struct civil *c, int32_t offset)
{
	return civil_to_usec(zone_utc(), c) - offset * USEC_SECOND;
}

/* --- the stamps --- */

static int year_of(usec_t t)
{
	int year, month, day;

	civil_date(t / USEC_DAY, &year, &month, &day);
	return year;
}

static usec_t distance(usec_t a, usec_t b)
{
	return a > b ? a - b : b - a;
}

/* Sets c->year to the one, of those around near in which the day exists, that
 * puts the stamp nearest. */
static bool nearest_year(struct civil *c, const struct zone *z, usec_t near, usec_t *out)
{
	int middle = year_of(near), reach = c->month == 2 && c->day == 29 ? 8 : 1;
	int best = 0;

	for (c->year = middle - reach; c->year <= middle + reach; c->year++) {
		usec_t t;

		if (!valid_date(c))
			continue;
		t = civil_to_usec(z, c);
		if (best && distance(t, near) >= distance(*out, near))
			continue;
		best = c->year;
		*out = t;
	}
	c->year = best;
	return best;
}

/* Digits of "Nov 23" at p: the day may be padded by a blank. */
static bool read_short_date(const char *p, struct civil *c)
{
	const char day[2] = { p[4] == ' ' ? '0' : p[4], p[5] };

	c->month = month_number(p);
	c->day = two_digits(day);
	return c->month && c->day >= 1 && c->day <= 31;
}

static bool slow_rfc3164(const char *p, const struct zone *z, usec_t near,
			 struct civil *c, usec_t *out)
{
	if (!read_short_date(p, c))
		return false;
	c->year = year_of(near);
	if (valid_date(c))
		*out = civil_to_usec(z, c);
	if (!valid_date(c) || distance(*out, near) >= SURELY_NEAREST)
		if (!nearest_year(c, z, near, out))
			return false;
	if (day_start(z, c->year, c->month, c->day, &last_short_day.start)) {
		last_short_day.zone = z;
		memcpy(last_short_day.text, p, sizeof(last_short_day.text));
	} else {
		last_short_day.zone = NULL;
	}
	return true;
}

/* "Nov 3 06:43:13" of daemons that do not pad the day, as "Nov  3 06:43:13". */
static bool unpadded_rfc3164(struct str *s, const struct zone *z, usec_t near,
			     usec_t *out)
{
	struct str padded;
	char copy[15];

	if (s->n < 14 || s->p[3] != ' ' || s->p[4] == ' ' || s->p[5] != ' ')
		return false;
	memcpy(copy, s->p, 4);
	copy[4] = ' ';
	memcpy(copy + 5, s->p + 4, 10);
	padded = (struct str){ copy, sizeof(copy) };
	if (!stamp_rfc3164(&padded, z, near, out))
		return false;
	*s = str_skip(*s, 14);
	return true;
}

bool stamp_rfc3164(struct str *s, const struct zone *z, usec_t near, usec_t *out)
{
	struct civil c = { 0 };
	const char *p = s->p;

	if (s->n >= 14 && p[5] == ' ')
		return unpadded_rfc3164(s, z, near, out);
	if (s->n < 15 || p[3] != ' ' || p[6] != ' ' || !read_clock(p + 7, &c))
		return false;
	if (z == last_short_day.zone && memcmp(p, last_short_day.text, 6) == 0 &&
	    distance(last_short_day.start, near) < SURELY_NEAREST - USEC_DAY)
		*out = last_short_day.start + day_seconds(&c) * USEC_SECOND;
	else if (!slow_rfc3164(p, z, near, &c, out))
		return false;
	*s = str_skip(*s, 15);
	return true;
}

bool stamp_ctime(struct str *s, const struct zone *z, usec_t *out)
{
	struct civil c = { 0 };
	const char *p = s->p;

	if (s->n < 24 || p[3] != ' ' || p[7] != ' ' || p[10] != ' ' || p[19] != ' ' ||
	    !read_clock(p + 11, &c))
		return false;
	c.month = month_number(p + 4);
	c.day = two_digits(p + 8);
	if (p[8] == ' ' && p[9] >= '0' && p[9] <= '9')
		c.day = p[9] - '0';
	c.year = four_digits(p + 20);
	if (!valid_date(&c))
		return false;
	*out = civil_to_usec(z, &c);
	*s = str_skip(*s, 24);
	return true;
}

/* Date and clock with one byte between them, and a fraction. */
static bool eat_date_time(struct str *s, char between, struct civil *c)
{
	if (s->n < 19 || s->p[10] != between || !read_date(s->p, c) ||
	    !read_clock(s->p + 11, c))
		return false;
	*s = str_skip(*s, 19);
	eat_fraction(s, c);
	return true;
}

/* The last minute that a stamp with an offset was of: those of a log come in order. */
static _Thread_local struct {
	char text[17]; /* "2026-11-23T07:20:" */
	char offset[6];
	size_t offset_n;
	usec_t start;
} last_minute;

static bool in_last_minute(struct str *s, usec_t *out)
{
	struct civil c = { 0 };
	struct str rest = *s, offset = { last_minute.offset, last_minute.offset_n };

	if (!last_minute.offset_n || s->n < 19 ||
	    memcmp(s->p, last_minute.text, sizeof(last_minute.text)) != 0)
		return false;
	c.second = two_digits(s->p + 17);
	rest = str_skip(rest, 19);
	eat_fraction(&rest, &c);
	if (c.second > 59 || !str_eat(&rest, offset))
		return false;
	*out = last_minute.start + c.second * USEC_SECOND + c.usec;
	*s = rest;
	return true;
}

static void keep_minute(const char *p, struct str offset, const struct civil *c, usec_t t)
{
	memcpy(last_minute.text, p, sizeof(last_minute.text));
	memcpy(last_minute.offset, offset.p, offset.n);
	last_minute.offset_n = offset.n;
	last_minute.start = t - c->second * USEC_SECOND - c->usec;
}

bool stamp_iso8601(struct str *s, const struct zone *z, usec_t *out)
{
	struct civil c = { 0 };
	struct str rest = *s, behind;
	int32_t offset;

	if (in_last_minute(s, out))
		return true;
	if (!eat_date_time(&rest, 'T', &c) && !eat_date_time(&rest, ' ', &c))
		return false;
	behind = rest;
	if (eat_offset(&behind, &offset)) {
		*out = at_offset(&c, offset);
		keep_minute(s->p, str_range(rest.p, behind.p), &c, *out);
	} else {
		*out = civil_to_usec(z, &c);
	}
	*s = behind;
	return true;
}

bool stamp_exim(struct str *s, const struct zone *z, usec_t *out)
{
	struct civil c = { 0 };
	struct str rest = *s, behind;
	int32_t offset;

	if (!eat_date_time(&rest, ' ', &c))
		return false;
	behind = rest;
	if (str_eat(&behind, STR(" ")) && behind.n && behind.p[0] != 'Z' &&
	    eat_offset(&behind, &offset)) {
		*out = at_offset(&c, offset);
		rest = behind;
	} else {
		*out = civil_to_usec(z, &c);
	}
	*s = rest;
	return true;
}

/* 2^62 + 10: see the header. */
#define TAI_OF_1970 ((INT64_C(1) << 62) + 10)
#define TAI_DIGITS 16
#define TAI64N_BYTES (1 + TAI_DIGITS + 8)
/* As of the other stamps: the end of the year 9999. */
#define LAST_SECOND INT64_C(253402300799)
#define TAI64NLOCAL_BYTES 29

static bool eat_hex(struct str *s, size_t digits, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < digits; i++) {
		char c = s->p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*s = str_skip(*s, digits);
	*out = value;
	return true;
}

bool stamp_tai64n(struct str *s, usec_t *out)
{
	struct str rest = *s;
	uint64_t seconds, nanoseconds;

	if (rest.n < TAI64N_BYTES || !str_eat(&rest, STR("@")) ||
	    !eat_hex(&rest, TAI_DIGITS, &seconds) || !eat_hex(&rest, 8, &nanoseconds) ||
	    nanoseconds > 999999999 || seconds < TAI_OF_1970 ||
	    seconds - TAI_OF_1970 > LAST_SECOND)
		return false;
	*out = (usec_t)(seconds - TAI_OF_1970) * USEC_SECOND + (usec_t)(nanoseconds / 1000);
	*s = rest;
	return true;
}

bool stamp_tai64nlocal(struct str *s, const struct zone *z, usec_t *out)
{
	struct civil c = { 0 };
	struct str rest = *s;

	if (s->n < TAI64NLOCAL_BYTES || s->p[19] != '.' || !eat_date_time(&rest, ' ', &c) ||
	    s->n - rest.n != TAI64NLOCAL_BYTES)
		return false;
	*out = civil_to_usec(z, &c);
	*s = rest;
	return true;
}

static bool is_zone_byte(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_+/:-", c));
}

/* " Europe/Berlin"; true if there is such a zone, which is then in *z. */
static bool eat_zone_name(struct str *s, const struct zone **z)
{
	const struct zone *found;
	size_t n = 1;

	if (s->n < 2 || s->p[0] != ' ')
		return false;
	while (n < s->n && is_zone_byte(s->p[n]))
		n++;
	if (n == 1)
		return false;
	found = zone_find((struct str){ s->p + 1, n - 1 });
	*s = str_skip(*s, n);
	if (found)
		*z = found;
	return found;
}

bool stamp_php(struct str *s, const struct zone *z, usec_t *out, bool *zone_known)
{
	struct civil c = { 0 };
	const char *p = s->p;
	struct str rest;
	bool known;

	if (s->n < 20 || p[2] != '-' || p[6] != '-' || p[11] != ' ' ||
	    !read_clock(p + 12, &c))
		return false;
	c.day = two_digits(p);
	c.month = month_number(p + 3);
	c.year = four_digits(p + 7);
	if (!valid_date(&c))
		return false;
	rest = str_skip(*s, 20);
	known = eat_zone_name(&rest, &z);
	if (zone_known)
		*zone_known = known;
	*out = civil_to_usec(z, &c);
	*s = rest;
	return true;
}

/* --- for people --- */

static usec_t unit_length(char unit)
{
	switch (unit) {
	case 's':
		return USEC_SECOND;
	case 'm':
		return USEC_MINUTE;
	case 'h':
		return USEC_HOUR;
	case 'd':
		return USEC_DAY;
	case 'w':
		return 7 * USEC_DAY;
	default:
		return 0;
	}
}

bool stamp_length(struct str s, usec_t *out)
{
	int64_t count;
	usec_t unit;

	if (!str_eat_int(&s, &count))
		return false;
	unit = s.n == 1 ? unit_length(s.p[0]) : 0;
	if (s.n == 0 && count == 0)
		unit = USEC_SECOND;
	if (!unit || count > INT64_MAX / unit)
		return false;
	*out = count * unit;
	return true;
}

/* "2026-11-23" or "2026-11-23 14:00" */
static bool short_date(struct str s, const struct zone *z, usec_t *out)
{
	struct civil c = { 0 };

	if (s.n < 10 || !read_date(s.p, &c))
		return false;
	if (s.n == 16 && (s.p[10] == ' ' || s.p[10] == 'T') && s.p[13] == ':') {
		c.hour = two_digits(s.p + 11);
		c.minute = two_digits(s.p + 14);
	} else if (s.n != 10) {
		return false;
	}
	if (!valid_time(&c))
		return false;
	*out = civil_to_usec(z, &c);
	return true;
}

bool stamp_user(struct str s, const struct zone *z, usec_t now, usec_t *out)
{
	usec_t t;

	if (stamp_length(s, &t) && s.n > 1) {
		*out = now > t ? now - t : 0;
		return true;
	}
	if (short_date(s, z, out))
		return true;
	if (!stamp_iso8601(&s, z, &t) || s.n)
		return false;
	*out = t;
	return true;
}

/* Splits t + offset seconds; years before 0 and after 9999 may come out. */
static struct civil split(usec_t t, int32_t offset)
{
	int64_t seconds = t / USEC_SECOND, days;
	struct civil c = { .usec = (int)(t % USEC_SECOND) };

	if (c.usec < 0) {
		c.usec += (int)USEC_SECOND;
		seconds--;
	}
	seconds += offset;
	days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	seconds -= days * DAY_SECONDS;
	civil_date(days, &c.year, &c.month, &c.day);
	c.hour = (int)(seconds / 3600);
	c.minute = (int)(seconds / 60 % 60);
	c.second = (int)(seconds % 60);
	return c;
}

const char *stamp_text(usec_t t, char *buf)
{
	struct civil c = split(t, 0);
	int n = snprintf(buf, STAMP_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", c.year,
			 c.month, c.day, c.hour, c.minute, c.second);

	if (c.usec % 1000)
		n += snprintf(buf + n, (size_t)(STAMP_TEXT - n), ".%06d", c.usec);
	else if (c.usec)
		n += snprintf(buf + n, (size_t)(STAMP_TEXT - n), ".%03d", c.usec / 1000);
	snprintf(buf + n, (size_t)(STAMP_TEXT - n), "Z");
	return buf;
}

const char *stamp_show(usec_t t, const struct zone *z, char *buf)
{
	int64_t seconds = t / USEC_SECOND - (t % USEC_SECOND < 0);
	struct civil c = split(t, zone_at(z, seconds).offset);

	snprintf(buf, STAMP_TEXT, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day,
		 c.hour, c.minute, c.second);
	return buf;
}

const char *stamp_span(usec_t length, char *buf)
{
	double seconds = (double)length / USEC_SECOND;

	if (seconds < 120)
		snprintf(buf, STAMP_TEXT, "%.0f s", seconds < 1 ? 1 : seconds);
	else if (seconds < 7200)
		snprintf(buf, STAMP_TEXT, "%.0f min", seconds / 60);
	else if (seconds < 2 * 86400)
		snprintf(buf, STAMP_TEXT, "%.1f h", seconds / 3600);
	else
		snprintf(buf, STAMP_TEXT, "%.0f d", seconds / 86400);
	return buf;
}
