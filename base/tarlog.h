/* Log files inside a tar archive, packed or not. Members may be packed, too;
 * an archive in an archive is not opened. */
#ifndef MAILAUDIT_BASE_TARLOG_H
#define MAILAUDIT_BASE_TARLOG_H

#include "base/archive.h"
#include "base/logfile.h"

/* More members are not looked at. */
#define TARLOG_MAX_MEMBERS 100000

/* Is it one? As far as its unpacked head tells. */
bool tarlog_is(struct logfile *f);

/* Goes through the archive once, from the start, and tells of each member: its
 * number from 0 and, for regular files, its content, open until the callback
 * returns; NULL when it cannot be opened, *why says so. -1: the archive is
 * damaged; the members before it were told. */
int tarlog_each(const char *path,
		void (*tell)(void *to, size_t number, const struct archive_member *member,
			     struct logfile *content, const struct error *why),
		void *to, struct error *err);
/* Opens member `number`. An archive that is packed is unpacked as far as there. */
struct logfile *tarlog_open(const char *path, size_t number, const char *label,
			    struct error *err);

#endif
