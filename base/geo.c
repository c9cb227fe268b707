/* Countries and networks of IP addresses; the only user of libmaxminddb.
 *
 * Invariant: a database is a private copy in memory. The library maps the file
 * it is given, and a mapped file that somebody cuts (cp over it does) ends the
 * program with SIGBUS. */
#include "base/geo.h"

#ifdef HAVE_MAXMINDDB

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* GeoLite2 City, the largest that people have, has 60 MiB. */
#define GEO_FILE_MAX_BYTES (256 * 1024 * 1024)

struct database {
	char *path; /* NULL: there is none */
	struct stat seen; /* the file that was copied */
	MMDB_s mmdb;
};

struct geo {
	struct database country, asn;
};

/* All of `from` into `to`; what is there counts, not the size that stat said. */
static int copy_bytes(int from, int to)
{
	char buf[64 * 1024];
	int64_t all = 0;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		all += n;
		if (all > GEO_FILE_MAX_BYTES) {
			errno = EFBIG;
			return -1;
		}
		for (ssize_t done = 0, k; done < n; done += k) {
			k = write(to, buf + done, (size_t)(n - done));
			if (k < 0)
				return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

/* A descriptor of a copy of the file, or -1 and errno. */
static int private_copy(const char *path, struct stat *seen)
{
	/* O_NONBLOCK: a fifo does not make us wait for its writer. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int to = -1, saved;

	if (from < 0)
		return -1;
	if (fstat(from, seen) == 0) {
		if (S_ISREG(seen->st_mode))
			to = memfd_create("geoip", MFD_CLOEXEC);
		else
			errno = EINVAL;
	}
	if (to >= 0 && copy_bytes(from, to) < 0) {
		saved = errno;
		close(to);
		errno = saved;
		to = -1;
	}
	saved = errno;
	close(from);
	errno = saved;
	return to;
}

static int database_open(struct database *d, const char *path, struct error *err)
{
	char copy[64];
	int fd, rc;

	if (!path)
		return 0;
	fd = private_copy(path, &d->seen);
	if (fd < 0)
		return error_set(err, EXIT_NOINPUT, "%s: %s", path, strerror(errno));
	snprintf(copy, sizeof(copy), "/proc/self/fd/%d", fd);
	rc = MMDB_open(copy, MMDB_MODE_MMAP, &d->mmdb);
	close(fd);
	if (rc != MMDB_SUCCESS)
		return error_set(err, EXIT_CONFIG, "%s: %s", path, MMDB_strerror(rc));
	d->path = str_dup(str_of(path));
	return 0;
}

static void database_close(struct database *d)
{
	if (d->path)
		MMDB_close(&d->mmdb);
	free(d->path);
}

struct geo *geo_open(const char *country_path, const char *asn_path, struct error *err)
{
	struct geo *g = xcalloc(1, sizeof(*g));

	if (database_open(&g->country, country_path, err) == 0 &&
	    database_open(&g->asn, asn_path, err) == 0)
		return g;
	geo_free(g);
	return NULL;
}

void geo_free(struct geo *g)
{
	if (!g)
		return;
	database_close(&g->country);
	database_close(&g->asn);
	free(g);
}

static bool database_changed(const struct database *d)
{
	struct stat now;

	return d->path && stat(d->path, &now) == 0 &&
	       (now.st_dev != d->seen.st_dev || now.st_ino != d->seen.st_ino ||
		now.st_size != d->seen.st_size ||
		now.st_mtim.tv_sec != d->seen.st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != d->seen.st_mtim.tv_nsec);
}

bool geo_changed(const struct geo *g)
{
	return database_changed(&g->country) || database_changed(&g->asn);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* An IPv4-mapped address is looked up as the IPv4 address it is: a database
 * of IPv4 has no other, and one of both keeps them at ::/96. */
static bool parse_address(struct str ip, union address *out)
{
	char text[INET6_ADDRSTRLEN];

	*out = (union address){ 0 };
	if (ip.n == 0 || ip.n >= sizeof(text) || str_chr(ip, '\0') < ip.n)
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
		struct in6_addr a = out->v6.sin6_addr;

		if (!IN6_IS_ADDR_V4MAPPED(&a)) {
			out->v6.sin6_family = AF_INET6;
			return true;
		}
		memcpy(&out->v4.sin_addr, a.s6_addr + 12, 4);
	} else if (inet_pton(AF_INET, text, &out->v4.sin_addr) != 1) {
		return false;
	}
	out->v4.sin_family = AF_INET;
	return true;
}

static bool find_entry(const struct database *d, const union address *a, MMDB_entry_s *out)
{
	int rc = MMDB_SUCCESS;
	MMDB_lookup_result_s found;

	if (!d->path)
		return false;
	found = MMDB_lookup_sockaddr(&d->mmdb, &a->any, &rc);
	*out = found.entry;
	return rc == MMDB_SUCCESS && found.found_entry;
}

static struct str text_at(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return STR_NONE;
	return (struct str){ data.utf8_string, data.data_size };
}

static uint32_t number_at(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data)
		return 0;
	switch (data.type) {
	case MMDB_DATA_TYPE_UINT16:
		return data.uint16;
	case MMDB_DATA_TYPE_UINT32:
		return data.uint32;
	}
	return 0;
}

static const char *const country_paths[][3] = {
	{ "country", "iso_code", NULL },
	{ "registered_country", "iso_code", NULL },
	{ "country_code", NULL, NULL },
};

static void find_country(MMDB_entry_s *entry, char out[3])
{
	for (size_t i = 0; i < sizeof(country_paths) / sizeof(country_paths[0]); i++) {
		struct str code = text_at(entry, country_paths[i]);

		if (code.n == 2 && isupper((unsigned char)code.p[0]) &&
		    isupper((unsigned char)code.p[1])) {
			memcpy(out, code.p, 2);
			return;
		}
	}
}

static void find_network(MMDB_entry_s *entry, struct geo_place *out)
{
	static const char *const number[] = { "autonomous_system_number", NULL };
	static const char *const name[] = { "autonomous_system_organization", NULL };
	struct str s = text_at(entry, name);
	size_t n = s.n;

	out->asn = number_at(entry, number);
	if (n >= sizeof(out->organization)) {
		n = sizeof(out->organization) - 1;
		while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--; /* not in the middle of a UTF-8 sequence */
	}
	if (n)
		memcpy(out->organization, s.p, n);
}

void geo_find(const struct geo *g, struct str ip, struct geo_place *out)
{
	union address address;
	MMDB_entry_s entry;

	*out = (struct geo_place){ 0 };
	if (!parse_address(ip, &address))
		return;
	if (find_entry(&g->country, &address, &entry))
		find_country(&entry, out->country);
	if (find_entry(&g->asn, &address, &entry))
		find_network(&entry, out);
}

#else

struct geo *geo_open(const char *country_path, const char *asn_path, struct error *err)
{
	error_set(err, EXIT_CONFIG, "%s: built without libmaxminddb",
		  country_path ? country_path : asn_path ? asn_path : "geoip");
	return NULL;
}

void geo_free(struct geo *g)
{
	(void)g;
}

bool geo_changed(const struct geo *g)
{
	(void)g;
	return false;
}

void geo_find(const struct geo *g, struct str ip, struct geo_place *out)
{
	(void)g, (void)ip;
	*out = (struct geo_place){ 0 };
}

#endif
