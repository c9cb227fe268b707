/* Where an IP address is: its country and its network, by databases in
 * MaxMind's format (https://maxmind.github.io/MaxMind-DB/), version 2.
 *
 * Records as in GeoLite2 Country and ASN are understood, and the flat ones of
 * @ip-location-db ("country_code"). What a database does not say is unknown,
 * and so is what it says wrongly. */
#ifndef MAILAUDIT_BASE_GEO_H
#define MAILAUDIT_BASE_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct geo;

struct geo_place {
	char country[3]; /* ISO 3166-1 alpha-2, upper case; "" unknown */
	uint32_t asn; /* number of the autonomous system; 0 unknown */
	char organization[64]; /* that runs it; cut at a whole character; "" unknown */
};

/* Opens the databases; either path may be NULL, and its half is then unknown
 * everywhere. Files are copied into memory (GeoLite2: 10 MB each), so what
 * becomes of them later does no harm. NULL and *err: EXIT_NOINPUT for what
 * cannot be read, EXIT_CONFIG for what is no such database, or when mailaudit
 * was built without libmaxminddb. The caller frees. */
struct geo *geo_open(const char *country_path, const char *asn_path, struct error *err);
void geo_free(struct geo *g);

/* Was a file replaced since it was opened: another device, inode, mtime or
 * size? One that is gone, or cannot be looked at, was not. */
bool geo_changed(const struct geo *g);

/* ip: IPv4, IPv6 or IPv4-mapped, as text. Anything else is unknown. */
void geo_find(const struct geo *g, struct str ip, struct geo_place *out);

#endif
