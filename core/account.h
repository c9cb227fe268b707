/* Who is behind a uid, a login, a path, a domain: the owner maps.
 *
 * Pure: texts of the map files come in, answers go out. The reader of the
 * files (base/logfile.c's callers) calls accounts_new() again on change. */
#ifndef MAILAUDIT_CORE_ACCOUNT_H
#define MAILAUDIT_CORE_ACCOUNT_H

#include "core/settings.h"

struct accounts;

/* Text of one map file. */
struct map_text {
	const char *path;
	const char *format; /* one of account_map_formats */
	struct str text;
	const char *pattern; /* by which it was found; NULL: its path */
};

/* What a map's file gave. */
struct map_count {
	int64_t names; /* lines, or entries, that named an owner */
	int64_t bad; /* that could not be read, or named nobody */
	int64_t bad_line; /* the first of them, from 1 */
};

/* "passwd", "domains", ...; NULL at the end. Each is told of in mailaudit.yaml(5). */
extern const char *const account_map_formats[];

struct accounts *accounts_new(const struct settings *settings, const struct map_text *maps,
			      size_t nmaps);
void accounts_free(struct accounts *a);
/* Of the map given as number `map`. */
const struct map_count *accounts_map_count(const struct accounts *a, size_t map);

/* All answers are views that live as long as `a`, or as the argument. */
/* Name of a uid; "#1234" (in buf, at least 24 bytes) for one passwd lacks. */
struct str accounts_uid(const struct accounts *a, int64_t uid, char *buf);
bool accounts_is_shared(const struct accounts *a, struct str user);
/* Does the user speak SMTP for the mail server? */
bool accounts_is_mailer(const struct accounts *a, struct str user);
/* Site owner of an absolute path: longest passwd home above it, then the home
 * patterns. STR_NONE: nobody's (system path, relative, "..", hostile). */
struct str accounts_path(const struct accounts *a, struct str path);
/* Whose log this is, for a source with trust: tenant. STR_NONE: nobody's, and
 * then it accuses nobody. */
struct str accounts_log(const struct accounts *a, const struct source_spec *spec,
			struct str path);
/* Owner of a domain (exact, then parent domains through "domains" maps). */
struct str accounts_domain(const struct accounts *a, struct str domain);
/* Account of a mailbox login: the logins map; the login itself when it is a
 * Unix user; the domain's owner for user@domain. */
struct str accounts_login(const struct accounts *a, struct str login);
/* Is this a user of passwd or the right side of a map? A shared one is not. */
bool accounts_known(const struct accounts *a, struct str name);
/* Is the address in a network of the settings' `networks`? */
bool accounts_trusted_ip(const struct accounts *a, struct str ip);

#endif
