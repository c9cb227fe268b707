/* Time zones, read from the system's TZif files (RFC 8536).
 *
 * Invariant: a zone that was handed out never changes and is never freed, so
 * its pointer may be kept and compared. Names come from log text: what is
 * remembered about unknown ones is bounded, and no name can leave the zone
 * directory. The process's own TZ is never touched. One thread at a time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_CLOEXEC */
#endif
#include "base/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/map.h"

#define ZONE_DIR "/usr/share/zoneinfo"
#define ZONE_NAME_MAX 64
#define ZONE_UNKNOWN_MAX 128
/* The largest file of tzdata 2024 has 3.6 kB. */
#define ZONE_FILE_MAX (64 * 1024)
#define TZIF_HEADER 44
#define TZIF_TYPE 6
#define DAY_SECONDS INT64_C(86400)

/* One half of a POSIX TZ rule: the day of the year on which offset starts. */
struct rule_date {
	char form; /* 'M', 'J', or '0' for a zero-based day */
	int month, week, day;
	int32_t time; /* seconds after local midnight, may be negative */
};

struct zone_rule {
	bool known, has_dst;
	int32_t std, dst; /* offsets */
	struct rule_date to_dst, to_std;
};

struct zone {
	int64_t *times; /* transitions, ascending */
	int32_t *offsets; /* offsets[i] holds from times[i] */
	size_t count;
	int32_t before; /* offset before the first transition */
	struct zone_rule rule; /* after the last one */
};

static const struct zone utc; /* no transitions, offset 0 */
/* Stands in the cache for a name without a zone. */
static const struct zone unknown;
static struct map cache;
static int unknown_count;

int64_t civil_days(int64_t year, int month, int day)
{
	/* H. Hinnant, "chrono-compatible low-level date algorithms": years of
	 * March to February, eras of 400 years. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void civil_date(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int civil_month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* --- POSIX TZ strings, as in the footer of a TZif file --- */

static bool eat_zone_name(struct str *s)
{
	size_t n = 0;

	if (s->n && s->p[0] == '<') {
		n = str_chr(*s, '>');
		if (n == s->n)
			return false;
		*s = str_skip(*s, n + 1);
		return true;
	}
	while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
		n++;
	*s = str_skip(*s, n);
	return n >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool eat_hms(struct str *s, int32_t *out)
{
	int64_t part[3] = { 0, 0, 0 };
	int32_t sign = 1;

	if (str_eat(s, STR("-")))
		sign = -1;
	else
		str_eat(s, STR("+"));
	if (!str_eat_int(s, &part[0]))
		return false;
	for (int i = 1; i < 3 && str_eat(s, STR(":")); i++)
		if (!str_eat_int(s, &part[i]))
			return false;
	if (part[0] > 167 || part[1] > 59 || part[2] > 59)
		return false;
	*out = sign * (int32_t)(part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

static bool eat_month_form(struct str *s, struct rule_date *d)
{
	int64_t month, week, day;

	if (!str_eat_int(s, &month) || !str_eat(s, STR(".")) || !str_eat_int(s, &week) ||
	    !str_eat(s, STR(".")) || !str_eat_int(s, &day))
		return false;
	if (month < 1 || month > 12 || week < 1 || week > 5 || day > 6)
		return false;
	d->month = (int)month;
	d->week = (int)week;
	d->day = (int)day;
	return true;
}

/* ",Mm.w.d[/time]", ",Jn[/time]" or ",n[/time]" */
static bool eat_rule_date(struct str *s, struct rule_date *d)
{
	int64_t day;

	if (!str_eat(s, STR(",")))
		return false;
	d->time = 2 * 3600;
	if (str_eat(s, STR("M"))) {
		d->form = 'M';
		if (!eat_month_form(s, d))
			return false;
	} else {
		d->form = str_eat(s, STR("J")) ? 'J' : '0';
		if (!str_eat_int(s, &day) || day > 365 || (d->form == 'J' && day < 1))
			return false;
		d->day = (int)day;
	}
	return !str_eat(s, STR("/")) || eat_hms(s, &d->time);
}

static bool parse_rule(struct str s, struct zone_rule *r)
{
	int32_t west;

	*r = (struct zone_rule){ .known = true };
	if (!eat_zone_name(&s) || !eat_hms(&s, &west))
		return false;
	r->std = -west;
	if (s.n == 0)
		return true;
	r->has_dst = true;
	r->dst = r->std + 3600;
	if (!eat_zone_name(&s))
		return false;
	if (s.n && s.p[0] != ',') {
		if (!eat_hms(&s, &west))
			return false;
		r->dst = -west;
	}
	return eat_rule_date(&s, &r->to_dst) && eat_rule_date(&s, &r->to_std) && s.n == 0;
}

/* Local second at which the date of a rule falls in a year. */
static int64_t rule_local(const struct rule_date *d, int year)
{
	int64_t first, days;
	int weekday;

	if (d->form == '0')
		return (civil_days(year, 1, 1) + d->day) * DAY_SECONDS + d->time;
	if (d->form == 'J') /* 29 February is never counted */
		return (civil_days(year, 1, 1) + d->day - 1 +
			(is_leap(year) && d->day > 59)) *
			       DAY_SECONDS +
		       d->time;
	first = civil_days(year, d->month, 1);
	weekday = (int)((first % 7 + 11) % 7); /* 1970-01-01 was a Thursday */
	days = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
	while (days >= civil_month_days(year, d->month))
		days -= 7; /* week 5 is the last one */
	return (first + days) * DAY_SECONDS + d->time;
}

static struct zone_span rule_at(const struct zone_rule *r, int64_t t, int64_t since)
{
	struct zone_span span = { since, INT64_MAX, r->std };
	int year, month, day;

	if (!r->has_dst)
		return span;
	civil_date((t + r->std - (t + r->std < 0 ? DAY_SECONDS - 1 : 0)) / DAY_SECONDS,
		   &year, &month, &day);
	/* Three years around t hold every change next to it. Read in this order,
	 * an end of DST that falls on the next start is overruled by it. */
	for (int y = year - 1; y <= year + 1; y++) {
		const int64_t at[2] = { rule_local(&r->to_dst, y) - r->std,
					rule_local(&r->to_std, y) - r->dst };
		const int32_t offset[2] = { r->dst, r->std };
		int first = at[0] > at[1];

		for (int i = 0; i < 2; i++) {
			int k = i ^ first;

			if (at[k] > t) {
				span.until = at[k];
				return span;
			}
			span.offset = offset[k];
			span.from = at[k] > since ? at[k] : since;
		}
	}
	return span;
}

struct zone_span zone_at(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->count; /* times[low - 1] <= t < times[high] */

	if (high == 0 || t < z->times[0])
		if (z->count || !z->rule.known)
			return (struct zone_span){ INT64_MIN,
						   z->count ? z->times[0] : INT64_MAX,
						   z->before };
	if (high == 0 || (t >= z->times[high - 1] && z->rule.known))
		return rule_at(&z->rule, t, high ? z->times[high - 1] : INT64_MIN);
	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (z->times[middle] <= t)
			low = middle;
		else
			high = middle;
	}
	return (struct zone_span){ z->times[low],
				   low + 1 < z->count ? z->times[low + 1] : INT64_MAX,
				   z->offsets[low] };
}

/* --- TZif files --- */

static int64_t big_endian(const char *p, int bytes)
{
	uint64_t v = (unsigned char)p[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)p[i];
	return (int64_t)v;
}

struct tzif_counts {
	int64_t isut, isstd, leap, time, type, chars;
};

static bool eat_header(struct str *s, struct tzif_counts *c)
{
	const char *p = s->p + 20;

	if (s->n < TZIF_HEADER || !str_starts(*s, STR("TZif")) || s->p[4] < '2')
		return false;
	c->isut = big_endian(p, 4);
	c->isstd = big_endian(p + 4, 4);
	c->leap = big_endian(p + 8, 4);
	c->time = big_endian(p + 12, 4);
	c->type = big_endian(p + 16, 4);
	c->chars = big_endian(p + 20, 4);
	*s = str_skip(*s, TZIF_HEADER);
	for (int i = 0; i < 6; i++)
		if (big_endian(p + 4 * i, 4) < 0 ||
		    big_endian(p + 4 * i, 4) > ZONE_FILE_MAX)
			return false;
	return true;
}

/* Bytes of the block behind a header, with times of 4 or 8 bytes. */
static size_t block_size(const struct tzif_counts *c, int time_bytes)
{
	return (size_t)(c->time * (time_bytes + 1) + c->type * TZIF_TYPE + c->chars +
			c->leap * (time_bytes + 4) + c->isstd + c->isut);
}

static bool read_block(struct str block, const struct tzif_counts *c, struct zone *z)
{
	const char *index = block.p + c->time * 8;
	const char *types = index + c->time;

	z->count = (size_t)c->time;
	z->times = xcalloc(z->count, sizeof(*z->times));
	z->offsets = xcalloc(z->count, sizeof(*z->offsets));
	z->before = (int32_t)big_endian(types, 4);
	for (size_t i = 0; i < z->count; i++) {
		unsigned char type = (unsigned char)index[i];

		if (type >= c->type)
			return false;
		z->times[i] = big_endian(block.p + i * 8, 8);
		z->offsets[i] = (int32_t)big_endian(types + type * TZIF_TYPE, 4);
		if (i && z->times[i] <= z->times[i - 1])
			return false;
	}
	return true;
}

/* Version 2 and later: a block with 32-bit times to skip, one with 64-bit
 * times, a footer "\nTZ\n". Files that count leap seconds are refused. */
static bool parse_tzif(struct str s, struct zone *z)
{
	struct tzif_counts c;
	size_t n;

	if (!eat_header(&s, &c) || block_size(&c, 4) > s.n)
		return false;
	s = str_skip(s, block_size(&c, 4));
	if (!eat_header(&s, &c) || block_size(&c, 8) > s.n || c.type == 0 || c.leap)
		return false;
	if (!read_block(s, &c, z))
		return false;
	s = str_skip(s, block_size(&c, 8));
	if (!str_eat(&s, STR("\n")))
		return false;
	n = str_chr(s, '\n');
	return n == 0 || parse_rule(str_head(s, n), &z->rule);
}

/* Reads at most size bytes; -1 when it cannot be read or is larger. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size); /* a regular file comes whole */
	close(fd);
	return n == (ssize_t)size ? -1 : n;
}

static const struct zone *load_path(const char *path)
{
	char *buf = xmalloc(ZONE_FILE_MAX);
	ssize_t n = read_file(path, buf, ZONE_FILE_MAX);
	struct zone *z = xcalloc(1, sizeof(*z));

	if (n < 0 || !parse_tzif((struct str){ buf, (size_t)n }, z)) {
		free(z->times);
		free(z->offsets);
		free(z);
		z = NULL;
	}
	free(buf);
	return z;
}

/* --- names --- */

static bool name_byte(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_+/-", c));
}

/* Without empty components, so that one zone cannot have endless names. */
static bool is_zone_name(struct str name)
{
	if (name.n == 0 || name.n > ZONE_NAME_MAX || name.p[0] == '/' ||
	    name.p[name.n - 1] == '/' || str_find(name, STR("//")) != name.n)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!name_byte(name.p[i]))
			return false;
	return true;
}

static const struct zone *load_name(struct str name)
{
	const char *dir = getenv("TZDIR");
	char path[4096];
	int n;

	n = snprintf(path, sizeof(path), "%s/%.*s", dir && *dir ? dir : ZONE_DIR,
		     STR_ARG(name));
	return n < 0 || (size_t)n >= sizeof(path) ? NULL : load_path(path);
}

/* "+0100", "-05:30", "+05" */
static bool parse_offset(struct str s, int32_t *seconds)
{
	int32_t sign = s.n && s.p[0] == '-' ? -1 : 1;
	int64_t hours, minutes = 0;
	struct str digits;

	if (s.n < 3 || (s.p[0] != '+' && s.p[0] != '-'))
		return false;
	digits = str_skip(s, 3);
	str_eat(&digits, STR(":"));
	if (!str_int((struct str){ s.p + 1, 2 }, &hours) || hours > 23)
		return false;
	if (s.n > 3 && (digits.n != 2 || !str_int(digits, &minutes) || minutes > 59))
		return false;
	*seconds = sign * (int32_t)(hours * 3600 + minutes * 60);
	return true;
}

static const struct zone *find_offset(int32_t seconds)
{
	struct zone *z;
	char key[16];

	if (seconds == 0)
		return &utc;
	snprintf(key, sizeof(key), ":%d", (int)seconds); /* no name holds a colon */
	z = map_get(&cache, str_of(key));
	if (!z) {
		z = xcalloc(1, sizeof(*z));
		z->before = seconds;
		map_put(&cache, str_of(key), z);
	}
	return z;
}

/* $TZ as tzset(3) reads it (":name", a name or a rule), or /etc/localtime. */
static const struct zone *load_local(void)
{
	const char *tz = getenv("TZ");
	struct zone rule_zone = { 0 };
	const struct zone *z = NULL;
	struct zone *copy;
	struct str name;

	if (!tz || !*tz) {
		z = load_path("/etc/localtime");
		return z ? z : &utc;
	}
	name = str_of(tz);
	str_eat(&name, STR(":"));
	if (name.n && name.p[0] == '/')
		z = load_path(name.p);
	else if (is_zone_name(name))
		z = load_name(name);
	if (z || !parse_rule(name, &rule_zone.rule))
		return z ? z : &utc;
	copy = xmalloc(sizeof(*copy));
	*copy = rule_zone;
	return copy;
}

static const struct zone *load(struct str name)
{
	if (str_eq(name, STR("local")))
		return load_local();
	return is_zone_name(name) ? load_name(name) : NULL;
}

const struct zone *zone_find(struct str name)
{
	const struct zone *z;
	int32_t seconds;

	if (str_eq(name, STR("UTC")) || str_eq(name, STR("Z")))
		return &utc;
	if (parse_offset(name, &seconds))
		return find_offset(seconds);
	if (name.n > ZONE_NAME_MAX)
		return NULL;
	z = map_get(&cache, name);
	if (z)
		return z == &unknown ? NULL : z;
	z = load(name);
	if (z || unknown_count < ZONE_UNKNOWN_MAX) {
		unknown_count += !z;
		map_put(&cache, name, (void *)(z ? z : &unknown));
	}
	return z;
}

const struct zone *zone_utc(void)
{
	return &utc;
}
