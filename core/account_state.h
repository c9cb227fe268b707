/* What the owner maps hold: read by core/account_map.c, asked by core/account.c. */
#ifndef MAILAUDIT_CORE_ACCOUNT_STATE_H
#define MAILAUDIT_CORE_ACCOUNT_STATE_H

#include <netinet/in.h>

#include "base/map.h"
#include "core/account.h"

#define ACCOUNT_DOMAIN_MAX 255 /* RFC 1035, 2.3.4 */
#define ACCOUNT_LOGIN_MAX 512

struct owner {
	struct str name;
	bool is_user; /* in passwd */
	bool is_shared;
	bool is_panel; /* a panel's file says that its home holds mailboxes' users */
	struct str home; /* of passwd; STR_NONE: none that owns files */
	struct owner *lord; /* whose mailbox this user is; NULL: his own */
};

/* What accounts_trusted_ip() answered: it is asked of each line of a message. */
struct trusted {
	char ip[INET6_ADDRSTRLEN];
	size_t n; /* 0: empty */
	bool is;
};
#define ACCOUNT_TRUSTED_KEPT 64

struct accounts {
	struct arena arena;
	struct map names; /* name -> struct owner */
	struct map uids; /* bytes of an int64_t -> struct owner */
	struct map homes; /* directory without its last '/' -> struct owner */
	struct map domains; /* in lower case -> struct owner */
	struct map logins; /* in lower case -> struct owner */
	struct str hostname;
	struct str *mailers;
	size_t nmailers;
	struct str *patterns; /* home patterns, with their last '/' */
	size_t npatterns;
	struct network *networks;
	size_t nnetworks;
	struct trusted *trusted; /* by the hash of the address */
	struct map_count *counts; /* one for each map */
	size_t ncounts;
};

/* The owner of that name, made where there is none. */
struct owner *account_owner(struct accounts *a, struct str name);
/* A domain or login as it is looked up, in lower case, in buf; STR_NONE when it
 * is too long or holds what no name holds. */
struct str account_key(struct str s, char *buf, size_t size);
/* Removes "/part" from the front of *path and returns the part. */
struct str account_next_part(struct str *path);
/* Absolute, without NUL and without "." or ".." as a component. */
bool account_is_clean(struct str path);
/* What is behind the part of `path` at the pattern's last star; STR_NONE: it
 * does not match, or ends there. */
struct str account_match(struct str pattern, struct str path);
void account_read_map(struct accounts *a, const struct map_text *map, struct map_count *count);
/* Once all maps are read. */
void account_settle(struct accounts *a);

#endif
