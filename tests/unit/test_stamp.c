/* base/stamp and base/zone: every form, zones with their gaps and folds.
 *
 * The zones are written by the test, so that a tz database of another year
 * cannot change what is expected. The table was made with another implementation
 * (Python's zoneinfo, fold=0), which also was compared over 1971..2060. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/stamp.h"
#include "base/zone.h"

#define NOV_23 (INT64_C(1795392000) * USEC_SECOND) /* 2026-11-23T00:00:00Z */

static char dir[] = "/tmp/mailaudit-zones-XXXXXX";

static const struct {
	const char *name, *rule;
} zones[] = {
	{ "Berlin", "CET-1CEST,M3.5.0,M10.5.0/3" },
	{ "NewYork", "EST5EDT,M3.2.0,M11.1.0" },
	{ "LordHowe", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" },
	{ "Dublin", "IST-1GMT0,M10.5.0,M3.5.0/1" },
	{ "Always", "XXX3EDT4,0/0,J365/23" }, /* DST all year: RFC 8536, 3.3.1 */
	{ "Fixed", "<+0545>-5:45" },
	{ "Bad", "CET-1CEST,M13.5.0,M10.5.0" },
};

/* A TZif file of version 2 with one type and no transitions: all is footer. */
static void write_zone(const char *name, const char *rule)
{
	char path[256], header[44] = "TZif2";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(header, 1, sizeof(header), f);
	header[39] = 1; /* types */
	header[43] = 4; /* name bytes */
	fwrite(header, 1, sizeof(header), f);
	fwrite("\0\0\0\0\0\0XXX\0", 1, 10, f);
	fprintf(f, "\n%s\n", rule);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || setenv("TZDIR", dir, 1))
		return -1;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		write_zone(zones[i].name, zones[i].rule);
	write_zone("Cut", "x");
	return 0;
}

static int tear_down(void **state)
{
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, zones[i].name);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/Cut", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/Late", dir);
	unlink(path);
	return rmdir(dir);
}

static const struct {
	const char *zone;
	int year, month, day, hour, minute;
	int64_t utc;
} civil[] = {
	/* Europe/Berlin */
	{ "Berlin", 2026, 3, 29, 1, 59, 1774745940 },
	{ "Berlin", 2026, 3, 29, 2, 30, 1774747800 },
	{ "Berlin", 2026, 3, 29, 3, 0, 1774746000 },
	{ "Berlin", 2026, 10, 25, 1, 59, 1792886340 },
	{ "Berlin", 2026, 10, 25, 2, 30, 1792888200 },
	{ "Berlin", 2026, 10, 25, 3, 0, 1792893600 },
	{ "Berlin", 2029, 3, 25, 2, 30, 1869096600 },
	{ "Berlin", 2029, 10, 28, 2, 30, 1887841800 },
	{ "Berlin", 2032, 3, 28, 2, 30, 1964050200 },
	{ "Berlin", 2032, 10, 31, 2, 30, 1982795400 },
	{ "Berlin", 2036, 3, 30, 2, 30, 2090453400 },
	{ "Berlin", 2036, 10, 26, 2, 30, 2108593800 },
	{ "Berlin", 2040, 3, 25, 1, 59, 2216249940 },
	{ "Berlin", 2040, 3, 25, 2, 30, 2216251800 },
	{ "Berlin", 2040, 3, 25, 3, 0, 2216250000 },
	{ "Berlin", 2040, 10, 28, 1, 59, 2234995140 },
	{ "Berlin", 2040, 10, 28, 2, 30, 2234997000 },
	{ "Berlin", 2040, 10, 28, 3, 0, 2235002400 },
	/* America/New_York */
	{ "NewYork", 2026, 3, 8, 1, 59, 1772953140 },
	{ "NewYork", 2026, 3, 8, 2, 30, 1772955000 },
	{ "NewYork", 2026, 3, 8, 3, 0, 1772953200 },
	{ "NewYork", 2026, 11, 1, 0, 59, 1793509140 },
	{ "NewYork", 2026, 11, 1, 1, 30, 1793511000 },
	{ "NewYork", 2026, 11, 1, 2, 0, 1793516400 },
	{ "NewYork", 2029, 3, 11, 2, 30, 1867908600 },
	{ "NewYork", 2029, 11, 4, 1, 30, 1888464600 },
	{ "NewYork", 2032, 3, 14, 2, 30, 1962862200 },
	{ "NewYork", 2032, 11, 7, 1, 30, 1983418200 },
	{ "NewYork", 2036, 3, 9, 2, 30, 2088660600 },
	{ "NewYork", 2036, 11, 2, 1, 30, 2109216600 },
	{ "NewYork", 2040, 3, 11, 1, 59, 2215061940 },
	{ "NewYork", 2040, 3, 11, 2, 30, 2215063800 },
	{ "NewYork", 2040, 3, 11, 3, 0, 2215062000 },
	{ "NewYork", 2040, 11, 4, 0, 59, 2235617940 },
	{ "NewYork", 2040, 11, 4, 1, 30, 2235619800 },
	{ "NewYork", 2040, 11, 4, 2, 0, 2235625200 },
	/* Australia/Lord_Howe */
	{ "LordHowe", 2026, 4, 5, 1, 29, 1775312940 },
	{ "LordHowe", 2026, 4, 5, 1, 45, 1775313900 },
	{ "LordHowe", 2026, 4, 5, 2, 0, 1775316600 },
	{ "LordHowe", 2026, 10, 4, 1, 59, 1791041340 },
	{ "LordHowe", 2026, 10, 4, 2, 15, 1791042300 },
	{ "LordHowe", 2026, 10, 4, 2, 30, 1791041400 },
	{ "LordHowe", 2029, 4, 1, 1, 45, 1869662700 },
	{ "LordHowe", 2029, 10, 7, 2, 15, 1885995900 },
	{ "LordHowe", 2032, 4, 4, 1, 45, 1964616300 },
	{ "LordHowe", 2032, 10, 3, 2, 15, 1980344700 },
	{ "LordHowe", 2036, 4, 6, 1, 45, 2091019500 },
	{ "LordHowe", 2036, 10, 5, 2, 15, 2106747900 },
	{ "LordHowe", 2040, 4, 1, 1, 29, 2216816940 },
	{ "LordHowe", 2040, 4, 1, 1, 45, 2216817900 },
	{ "LordHowe", 2040, 4, 1, 2, 0, 2216820600 },
	{ "LordHowe", 2040, 10, 7, 1, 59, 2233150140 },
	{ "LordHowe", 2040, 10, 7, 2, 15, 2233151100 },
	{ "LordHowe", 2040, 10, 7, 2, 30, 2233150200 },
	/* Europe/Dublin */
	{ "Dublin", 2026, 3, 29, 0, 59, 1774745940 },
	{ "Dublin", 2026, 3, 29, 1, 30, 1774747800 },
	{ "Dublin", 2026, 3, 29, 2, 0, 1774746000 },
	{ "Dublin", 2026, 10, 25, 0, 59, 1792886340 },
	{ "Dublin", 2026, 10, 25, 1, 30, 1792888200 },
	{ "Dublin", 2026, 10, 25, 2, 0, 1792893600 },
	{ "Dublin", 2029, 3, 25, 1, 30, 1869096600 },
	{ "Dublin", 2029, 10, 28, 1, 30, 1887841800 },
	{ "Dublin", 2032, 3, 28, 1, 30, 1964050200 },
	{ "Dublin", 2032, 10, 31, 1, 30, 1982795400 },
	{ "Dublin", 2036, 3, 30, 1, 30, 2090453400 },
	{ "Dublin", 2036, 10, 26, 1, 30, 2108593800 },
	{ "Dublin", 2040, 3, 25, 0, 59, 2216249940 },
	{ "Dublin", 2040, 3, 25, 1, 30, 2216251800 },
	{ "Dublin", 2040, 3, 25, 2, 0, 2216250000 },
	{ "Dublin", 2040, 10, 28, 0, 59, 2234995140 },
	{ "Dublin", 2040, 10, 28, 1, 30, 2234997000 },
	{ "Dublin", 2040, 10, 28, 2, 0, 2235002400 },
};

static void converts_civil_time(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) /* again: a day is remembered */
		for (size_t i = 0; i < sizeof(civil) / sizeof(civil[0]); i++) {
			const struct zone *z = zone_find(str_of(civil[i].zone));

			assert_non_null(z);
			assert_int_equal(stamp_civil(z, civil[i].year, civil[i].month,
						     civil[i].day, civil[i].hour,
						     civil[i].minute, 7, 5),
					 (civil[i].utc + 7) * USEC_SECOND + 5);
		}
}

/* Every local hour of 15 years, there and back. */
static void goes_there_and_back(void **state)
{
	const struct zone *z = zone_find(STR("Berlin"));
	int64_t t = NOV_23 / USEC_SECOND, folds = 0;

	(void)state;
	for (int hour = 0; hour < 15 * 366 * 24; hour++, t += 3600) {
		int64_t local = t + zone_at(z, t).offset;
		int year, month, day;
		usec_t back;

		civil_date(local / 86400, &year, &month, &day);
		back = stamp_civil(z, year, month, day, (int)(local / 3600 % 24), 0, 0,
				   0);
		folds += back != t * USEC_SECOND;
		if (back != t * USEC_SECOND) /* the first of two equal hours */
			assert_int_equal(back, (t - 3600) * USEC_SECOND);
	}
	assert_int_equal(folds, 15);
}

static void finds_zones(void **state)
{
	static const char *const bad[] = { "",
					   "No/Such",
					   "../etc/localtime",
					   "/etc/localtime",
					   "Berlin/",
					   "a//b",
					   ".",
					   "Berlin\n",
					   "Bad",
					   "Cut",
					   "+2500",
					   "+01:60",
					   "+1",
					   "-",
					   "Berlin CET" };

	(void)state;
	assert_ptr_equal(zone_find(STR("UTC")), zone_utc());
	assert_ptr_equal(zone_find(STR("+0000")), zone_utc());
	assert_ptr_equal(zone_find(STR("Berlin")), zone_find(STR("Berlin")));
	assert_ptr_equal(zone_find(STR("+01:00")), zone_find(STR("+0100")));
	assert_ptr_equal(zone_find(STR("+01")), zone_find(STR("+0100")));
	assert_int_equal(zone_at(zone_find(STR("-05:30")), 0).offset, -19800);
	assert_int_equal(zone_at(zone_find(STR("Fixed")), 0).offset, 20700);
	assert_int_equal(zone_at(zone_find(STR("Always")), 1700000000).offset, -4 * 3600);
	assert_non_null(zone_find(STR("local")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(zone_find(str_of(bad[i])));
	assert_null(zone_find(STR("Ber\0lin")));
}

/* A log full of unknown names does not fill the memory: what comes after the
 * first ones is not remembered, and so is found when it appears. */
static void forgets_unknown_names(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "None/Such%d", i);
		assert_null(zone_find(str_of(name)));
	}
	assert_non_null(zone_find(STR("Dublin")));
	assert_null(zone_find(STR("Late")));
	write_zone("Late", "EST5");
	assert_non_null(zone_find(STR("Late")));
}

/* Stamps of one minute: what is behind the clock may differ. */
static void follows_within_a_minute(void **state)
{
	static const struct {
		const char *text;
		usec_t time;
		size_t rest;
	} stamps[] = {
		{ "2026-11-23T07:20:05.115029+01:00 x", 1795414805115029, 2 },
		{ "2026-11-23T07:20:06.5+01:00 x", 1795414806500000, 2 },
		{ "2026-11-23T07:20:07+01:00", 1795414807000000, 0 },
		{ "2026-11-23T07:20:08+0100", 1795414808000000, 0 },
		{ "2026-11-23T07:20:08Z", 1795418408000000, 0 },
		{ "2026-11-23T07:20:60Z", 1795418460000000, 0 },
		{ "2026-11-23T07:20:09+01:00", 1795414809000000, 0 },
		{ "2026-11-23T07:20:09", 1795418409000000, 0 },
		{ "2026-11-23T07:20:09.", 1795418409000000, 1 },
		{ "2026-11-23 07:20:10Z", 1795418410000000, 0 },
		{ "2026-11-23T07:20:11Z", 1795418411000000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stamps) / sizeof(*stamps); i++) {
		struct str s = str_of(stamps[i].text);
		usec_t t = 0;

		assert_true(stamp_iso8601(&s, zone_utc(), &t));
		assert_int_equal(t, stamps[i].time);
		assert_int_equal(s.n, stamps[i].rest);
	}
	for (const char *const *bad = (const char *const[]){ "2026-11-23T07:20:1xZ",
							     "2026-11-23T07:20:61Z",
							     "2026-11-23T07:20:1", NULL };
	     *bad; bad++) {
		struct str s = str_of(*bad);
		usec_t t;

		assert_false(stamp_iso8601(&s, zone_utc(), &t));
	}
}

static void infers_the_year(void **state)
{
	static const struct {
		struct str text;
		const char *near, *expected;
	} cases[] = {
		{ STR("Nov 23 06:43:13"), "2026-11-23", "2026-11-23T06:43:13Z" },
		{ STR("Nov  3 06:43:13"), "2026-11-23", "2026-11-03T06:43:13Z" },
		{ STR("Nov 3 06:43:13"), "2026-11-23", "2026-11-03T06:43:13Z" },
		{ STR("Nov 03 06:43:13"), "2026-11-23", "2026-11-03T06:43:13Z" },
		{ STR("Dec 31 23:59:59"), "2027-01-01", "2026-12-31T23:59:59Z" },
		{ STR("Jan  1 00:00:00"), "2026-12-31", "2027-01-01T00:00:00Z" },
		{ STR("Jun  1 12:00:00"), "2026-11-23", "2026-06-01T12:00:00Z" },
		{ STR("May 20 12:00:00"), "2026-11-23", "2027-05-20T12:00:00Z" },
		{ STR("Feb 29 12:00:00"), "2028-02-29", "2028-02-29T12:00:00Z" },
		{ STR("Feb 29 12:00:00"), "2026-11-23", "2028-02-29T12:00:00Z" },
		{ STR("Feb 29 12:00:00"), "2025-11-23", "2024-02-29T12:00:00Z" },
		{ STR("Nov 23 23:59:60"), "2026-11-23", "2026-11-24T00:00:00Z" },
	};
	char text[STAMP_TEXT];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			struct str s = cases[i].text;
			usec_t near, t = 0;

			assert_true(
				stamp_user(str_of(cases[i].near), zone_utc(), 0, &near));
			assert_true(stamp_rfc3164(&s, zone_utc(), near, &t));
			assert_int_equal(s.n, 0);
			assert_string_equal(stamp_text(t, text), cases[i].expected);
		}
}

/* The remembered day must not answer for another zone, year or day. */
static void remembers_only_what_fits(void **state)
{
	const struct zone *berlin = zone_find(STR("Berlin"));
	struct str a = STR("Nov 23 10:00:00"), b = a, c = a;
	usec_t t;

	(void)state;
	assert_true(stamp_rfc3164(&a, zone_utc(), NOV_23, &t));
	assert_int_equal(t, NOV_23 + 10 * USEC_HOUR);
	assert_true(stamp_rfc3164(&b, berlin, NOV_23, &t));
	assert_int_equal(t, NOV_23 + 9 * USEC_HOUR);
	assert_true(stamp_rfc3164(&c, berlin, NOV_23 + 365 * USEC_DAY, &t));
	assert_int_equal(t, NOV_23 + 365 * USEC_DAY + 9 * USEC_HOUR);
}

static void reads_iso8601(void **state)
{
	static const struct {
		struct str text;
		usec_t expected;
		size_t left;
	} cases[] = {
		{ STR("2026-11-23T07:20:05.115029+00:00 host"), 26405115029, 5 },
		{ STR("2026-11-23T07:20:05Z"), 26405000000, 0 },
		{ STR("2026-11-23T07:20:05.1+0100"), 22805100000, 0 },
		{ STR("2026-11-23T07:20:05.123456789-05:30 x"), 46205123456, 2 },
		{ STR("2026-11-23 07:20:05"), 22805000000, 0 }, /* read in Berlin */
		{ STR("2026-11-23T07:20:05. x"), 22805000000, 3 },
	};
	static const char *const bad[] = { "2026-11-23T24:00:00Z", "2026-13-01T00:00:00Z",
					   "2026-02-29T00:00:00Z", "2026-11-23T07:20:0",
					   "2026-11-23x07:20:05",  "1969-12-31T00:00:00Z",
					   "2026-11-2aT07:20:05Z", "",
					   "2026-11-23T07:60:05Z" };
	const struct zone *z = zone_find(STR("Berlin"));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = cases[i].text;
		usec_t t;

		assert_true(stamp_iso8601(&s, z, &t));
		assert_int_equal(t, NOV_23 + cases[i].expected);
		assert_int_equal(s.n, cases[i].left);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str s = str_of(bad[i]);
		usec_t t = -7;

		assert_false(stamp_iso8601(&s, z, &t));
		assert_ptr_equal(s.p, bad[i]);
		assert_int_equal(t, -7);
	}
}

static void reads_exim(void **state)
{
	static const struct {
		struct str text;
		usec_t expected;
		struct str left;
	} cases[] = {
		{ STR("2026-11-23 06:52:53 1xVNv3"), 21173000000, STR(" 1xVNv3") },
		{ STR("2026-11-23 06:52:53.421 [7]"), 21173421000, STR(" [7]") },
		{ STR("2026-11-23 06:52:53 +0100 1x"), 21173000000, STR(" 1x") },
		{ STR("2026-11-23 06:52:53.421 -0500 1x"), 42773421000, STR(" 1x") },
		{ STR("2026-11-23 06:52:53 Zebra"), 21173000000, STR(" Zebra") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = cases[i].text;
		usec_t t;

		assert_true(stamp_exim(&s, zone_find(STR("+0100")), &t));
		assert_int_equal(t, NOV_23 + cases[i].expected);
		assert_true(str_eq(s, cases[i].left));
	}
}

static void reads_php(void **state)
{
	static const struct {
		struct str text;
		usec_t expected;
		bool known;
		struct str left;
	} cases[] = {
		{ STR("23-Nov-2026 06:48:36 UTC] x"), 24516000000, true, STR("] x") },
		{ STR("23-Nov-2026 06:48:36 Berlin]"), 20916000000, true, STR("]") },
		{ STR("23-Nov-2026 06:48:36 +0100]"), 20916000000, true, STR("]") },
		{ STR("23-Nov-2026 06:48:36 No/Such]"), 20916000000, false, STR("]") },
		{ STR("23-Nov-2026 06:48:36]"), 20916000000, false, STR("]") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = cases[i].text;
		bool known = !cases[i].known;
		usec_t t;

		assert_true(stamp_php(&s, zone_find(STR("Berlin")), &t, &known));
		assert_int_equal(t, NOV_23 + cases[i].expected);
		assert_int_equal(known, cases[i].known);
		assert_true(str_eq(s, cases[i].left));
	}
}

static void reads_what_people_write(void **state)
{
	static const struct {
		const char *text;
		usec_t expected; /* -1: refused */
	} cases[] = {
		{ "2h", NOV_23 - 2 * USEC_HOUR },
		{ "3d", NOV_23 - 3 * USEC_DAY },
		{ "90m", NOV_23 - 90 * USEC_MINUTE },
		{ "30s", NOV_23 - 30 * USEC_SECOND },
		{ "1w", NOV_23 - 7 * USEC_DAY },
		{ "2026-11-23", NOV_23 - USEC_HOUR },
		{ "2026-11-23 14:00", NOV_23 + 13 * USEC_HOUR },
		{ "2026-11-23T14:00", NOV_23 + 13 * USEC_HOUR },
		{ "2026-11-23 14:00:01", NOV_23 + 13 * USEC_HOUR + USEC_SECOND },
		{ "2026-11-23T14:00:00Z", NOV_23 + 14 * USEC_HOUR },
		{ "9999999w", 0 },
		{ "", -1 },
		{ "h", -1 },
		{ "2x", -1 },
		{ "2h ", -1 },
		{ "2026-11-31", -1 },
		{ "2026-11-23 25:00", -1 },
		{ "2026-11-23T14:00:00Zx", -1 },
		{ "9223372036854775807w", -1 },
		{ "5", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		usec_t t = -1;
		bool ok = stamp_user(str_of(cases[i].text), zone_find(STR("Berlin")),
				     NOV_23, &t);

		assert_int_equal(ok, cases[i].expected != -1);
		assert_int_equal(t, cases[i].expected);
	}
}

static void reads_lengths(void **state)
{
	usec_t t = -1;

	(void)state;
	assert_true(stamp_length(STR("90d"), &t));
	assert_int_equal(t, 90 * USEC_DAY);
	assert_true(stamp_length(STR("0"), &t));
	assert_int_equal(t, 0);
	assert_false(stamp_length(STR("90"), &t));
	assert_false(stamp_length(STR("1d2h"), &t));
	assert_false(stamp_length(STR("-1d"), &t));
}

static void writes_text(void **state)
{
	char buf[STAMP_TEXT];

	(void)state;
	assert_string_equal(stamp_text(NOV_23, buf), "2026-11-23T00:00:00Z");
	assert_string_equal(stamp_text(NOV_23 + 120000, buf), "2026-11-23T00:00:00.120Z");
	assert_string_equal(stamp_text(NOV_23 + 5, buf), "2026-11-23T00:00:00.000005Z");
	assert_string_equal(stamp_text(-1, buf), "1969-12-31T23:59:59.999999Z");
	assert_true(strlen(stamp_text(INT64_MAX, buf)) < STAMP_TEXT);
	assert_true(strlen(stamp_text(INT64_MIN, buf)) < STAMP_TEXT);
	assert_string_equal(stamp_show(NOV_23, zone_find(STR("Berlin")), buf),
			    "2026-11-23 01:00:00");
	assert_string_equal(stamp_show(NOV_23, zone_find(STR("-0500")), buf),
			    "2026-11-22 19:00:00");
	assert_int_equal(stamp_civil(zone_utc(), 2026, 2, 30, 0, 0, 0, 0), 0);
}

static void test_span(void **state)
{
	static const struct { usec_t length; const char *text; } rows[] = {
		{ 0, "1 s" }, { 41 * USEC_SECOND, "41 s" }, { 7 * USEC_MINUTE, "7 min" },
		{ 138 * USEC_MINUTE, "2.3 h" }, { 3 * USEC_DAY, "3 d" },
	};
	char text[STAMP_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(stamp_span(rows[i].length, text), rows[i].text);
}

static void ctime_is(const char *text, const char *expected, const char *rest)
{
	struct str s = str_of(text);
	char buf[STAMP_TEXT];
	usec_t t = 0;

	if (!expected) {
		assert_false(stamp_ctime(&s, zone_utc(), &t));
		assert_ptr_equal(s.p, text);
		return;
	}
	assert_true(stamp_ctime(&s, zone_utc(), &t));
	assert_string_equal(stamp_text(t, buf), expected);
	assert_true(str_eq(s, str_of(rest)));
}

static void test_ctime(void **state)
{
	(void)state;
	ctime_is("Mon Nov 23 06:43:13 2026 1 x", "2026-11-23T06:43:13Z", " 1 x");
	ctime_is("Mon Nov  2 06:43:13 2026", "2026-11-02T06:43:13Z", "");
	ctime_is("Mon Nov 31 06:43:13 2026", NULL, NULL);
	ctime_is("Mon Nov -2 06:43:13 2026", NULL, NULL);
	ctime_is("Mon Nov 23 06:43:13 20x6", NULL, NULL);
	ctime_is("Mon Nov 23 06:43:13 202", NULL, NULL);
	ctime_is("Mon Now 23 06:43:13 2026", NULL, NULL);
}

static void tai_is(const char *text, const char *expected)
{
	struct str s = str_of(text);
	char buf[STAMP_TEXT];
	usec_t t;

	if (!expected) {
		assert_false(stamp_tai64n(&s, &t));
		assert_int_equal(s.n, strlen(text));
		return;
	}
	assert_true(stamp_tai64n(&s, &t));
	assert_string_equal(stamp_text(t, buf), expected);
	assert_true(str_eq(s, STR(" x")));
}

/* As TZ=UTC tai64nlocal of daemontools 0.76 shows them. */
static void test_tai64n(void **state)
{
	(void)state;
	tai_is("@4000000037c219bf2ef02e94 x", "1999-08-24T04:04:05.787492Z");
	tai_is("@400000006b0dd29525bc454c x", "2026-11-30T19:46:19.633095Z");
	tai_is("@400000000000000a00000000 x", "1970-01-01T00:00:00Z");
	tai_is("@400000006b0dd2953b9ac9ff x", "2026-11-30T19:46:19.999999Z");
	tai_is("@400000006b0dd2953b9aca00 x", NULL); /* a billion nanoseconds */
	tai_is("@400000000000000900000000 x", NULL); /* before 1970 */
	tai_is("@7fffffffffffffff00000000 x", NULL);
	tai_is("@ffffffffffffffff00000000 x", NULL);
	tai_is("@400000006B0DD29525BC454C x", NULL);
	tai_is("@400000006b0dd29525bc454", NULL);
	tai_is("@400000006b0dd29525bc454g x", NULL);
	tai_is("400000006b0dd29525bc454c x", NULL);
}

static void test_tai64nlocal(void **state)
{
	struct str s = STR("2026-11-23 14:34:34.123456789 x");
	char buf[STAMP_TEXT];
	usec_t t;

	(void)state;
	assert_true(stamp_tai64nlocal(&s, zone_find(STR("+0100")), &t));
	assert_string_equal(stamp_text(t, buf), "2026-11-23T13:34:34.123456Z");
	assert_true(str_eq(s, STR(" x")));
	s = STR("2026-11-23 14:34:34.123 1xVNv3-000321-1M x");
	assert_false(stamp_tai64nlocal(&s, zone_utc(), &t));
	s = STR("2026-11-23 14:34:34.12345678 x");
	assert_false(stamp_tai64nlocal(&s, zone_utc(), &t));
	s = STR("2026-13-23 14:34:34.123456789");
	assert_false(stamp_tai64nlocal(&s, zone_utc(), &t));
}

#define DAYS 10
#define READING_USEC (100 * 1000)

/* Days of November 2026, read in a circle. */
struct reader {
	int first; /* day */
	int times; /* each is read so often before the next */
	char text[DAYS][STAMP_TEXT];
	pthread_barrier_t *start;
	int wrong;
};

static bool reads_day(const char *text, int day)
{
	struct str s = str_of(text);
	usec_t t;

	if (!stamp_iso8601(&s, zone_utc(), &t) && !stamp_rfc3164(&s, zone_utc(), NOV_23, &t))
		return false;
	return t == NOV_23 + (day - 23) * USEC_DAY + 7 * USEC_SECOND;
}

static usec_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * USEC_SECOND + t.tv_nsec / 1000;
}

static void *read_days(void *context)
{
	struct reader *r = context;
	usec_t end;

	pthread_barrier_wait(r->start);
	end = monotonic() + READING_USEC;
	while (monotonic() < end)
		for (int i = 0; i < 1000; i++) {
			int nth = i / r->times % DAYS;

			r->wrong += !reads_day(r->text[nth], r->first + nth);
		}
	return NULL;
}

/* As in an import, where one thread reads the lines of a log and another Message-IDs. Each form
 * goes through a memory of its own; if threads shared it, one would now and then find the time
 * of the other's day, nearly always at least once in so long. */
static void remembers_for_each_thread(void **state)
{
	static const struct {
		const char *before, *behind;
	} forms[] = {
		{ "2026-11-", "T00:00:07Z" }, /* a minute */
		{ "2026-11-", "T00:00:07" }, /* a day */
		{ "Nov ", " 00:00:07" }, /* a day without a year */
	};
	pthread_barrier_t start;
	struct reader readers[] = { { .first = 1, .times = 4, .start = &start },
				    { .first = 1 + DAYS, .times = 1, .start = &start } };

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (size_t form = 0; form < sizeof(forms) / sizeof(*forms); form++) {
		pthread_t thread;

		for (int i = 0; i < 2 * DAYS; i++)
			snprintf(readers[i / DAYS].text[i % DAYS], STAMP_TEXT, "%s%02d%s",
				 forms[form].before, 1 + i, forms[form].behind);
		assert_int_equal(pthread_create(&thread, NULL, read_days, &readers[1]), 0);
		read_days(&readers[0]);
		assert_int_equal(pthread_join(thread, NULL), 0);
		if (readers[0].wrong + readers[1].wrong)
			fail_msg("%d as %s", readers[0].wrong + readers[1].wrong,
				 readers[0].text[0]);
	}
	pthread_barrier_destroy(&start);
}

static void *reads_nuls(void *context)
{
	static const char text[] = { [17] = '4', [18] = '2', [19] = ' ' };
	struct str s = { text, sizeof(text) };
	usec_t t;

	*(bool *)context = stamp_iso8601(&s, zone_utc(), &t);
	return NULL;
}

/* A memory of nothing looks like the minute of so many NULs: only a new thread has one. */
static void remembers_nothing_at_first(void **state)
{
	pthread_t thread;
	bool is_stamp = true;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, reads_nuls, &is_stamp), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(is_stamp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts_civil_time),
		cmocka_unit_test(goes_there_and_back),
		cmocka_unit_test(finds_zones),
		cmocka_unit_test(follows_within_a_minute),
		cmocka_unit_test(infers_the_year),
		cmocka_unit_test(remembers_only_what_fits),
		cmocka_unit_test(remembers_for_each_thread),
		cmocka_unit_test(remembers_nothing_at_first),
		cmocka_unit_test(reads_iso8601),
		cmocka_unit_test(reads_exim),
		cmocka_unit_test(reads_php),
		cmocka_unit_test(reads_what_people_write),
		cmocka_unit_test(reads_lengths),
		cmocka_unit_test(writes_text),
		cmocka_unit_test(forgets_unknown_names),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_ctime),
		cmocka_unit_test(test_tai64n),
		cmocka_unit_test(test_tai64nlocal),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
