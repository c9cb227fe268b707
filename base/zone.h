/* What stamp.c needs to know of a zone; everybody else uses stamp.h. */
#ifndef MAILAUDIT_BASE_ZONE_H
#define MAILAUDIT_BASE_ZONE_H

#include "base/stamp.h"

/* Seconds, as everything in this header. */
struct zone_span {
	int64_t from, until; /* UTC; offset holds in [from, until) */
	int32_t offset; /* to be added to UTC for local time */
};

/* The span that holds at UTC second t. */
struct zone_span zone_at(const struct zone *z, int64_t t);

/* Proleptic Gregorian calendar, days since 1970-01-01. */
int64_t civil_days(int64_t year, int month, int day);
void civil_date(int64_t days, int *year, int *month, int *day);
int civil_month_days(int year, int month);

#endif
