/* The simulated internet: countries, autonomous systems, their networks, mail domains and
 * addresses. The same for every seed, so that one GeoIP file serves all runs. */
#ifndef MAILAUDIT_TESTS_SIM_INTERNET_H
#define MAILAUDIT_TESTS_SIM_INTERNET_H

#include "tests/sim/random.h"
#include "tests/sim/text.h"

#include <stdio.h>

enum as_kind { AS_EYEBALL, AS_MOBILE, AS_HOSTING, AS_VPN, AS_KINDS };

struct as {
	char name[48];
	uint32_t number;
	enum as_kind kind;
	int country; /* of most of its networks; a VPN has them everywhere */
	uint32_t first, n; /* of its /16s, in the order of allocation */
};

void internet_init(void);
/* "network,country,asn,organization,kind", a line for each /16. */
void internet_csv(FILE *out);

int country_count(void);
int country_find(const char *code); /* -1: no such country */
const char *country_code(int country);
/* One that is not `home`. */
int country_other(struct rng *r, int home);
/* Where a customer of the host lives. */
int country_of_customer(struct rng *r);

const struct as *as_at(uint32_t index);
uint32_t as_pick(struct rng *r, enum as_kind kind, int country);
uint32_t ip_of_as(struct rng *r, uint32_t as);
/* One of the few addresses behind which a mobile provider hides its customers. */
uint32_t ip_of_cgnat(struct rng *r, uint32_t as);
/* Of a VPN exit in the country. */
uint32_t ip_of_vpn(struct rng *r, int country);
int country_of_ip(uint32_t ip);
uint32_t asn_of_ip(uint32_t ip);
/* "host[1.2.3.4]", by reverse DNS or "unknown". */
void put_client(struct text *t, uint32_t ip);
struct str client_name(uint32_t ip, char *buf, size_t size);

/* Mail addresses are numbers until they are written: a pool and which of it. */
enum pool_kind {
	POOL_CONTACT, /* correspondents of an account */
	POOL_BUYER,
	POOL_LIST, /* subscribers */
	POOL_SPAM, /* a spammer's list */
	POOL_BOX, /* mailboxes of the account's own domain */
	POOL_OUTSIDE, /* the owner's address elsewhere */
	POOL_DROP, /* where attackers look whether it works */
	POOL_STRANGER, /* senders that nobody here knows */
	POOL_UNIX, /* the account's Unix user at this host */
};
struct address {
	uint32_t pool; /* enum pool_kind << 26 | account or list */
	uint32_t id;
};
#define POOL(kind, number) ((uint32_t)(kind) << 26 | ((uint32_t)(number) & 0x3ffffff))
static inline enum pool_kind pool_kind(struct address a)
{
	return (enum pool_kind)(a.pool >> 26);
}
static inline uint32_t pool_number(struct address a)
{
	return a.pool & 0x3ffffff;
}

/* Mailboxes of POOL_BOX; any other id is a name nobody has. */
enum { BOX_INFO, BOX_OWNER, BOX_SHOP, BOX_NEWS, BOX_WORDPRESS, BOX_LIST, BOX_NAMED };

void put_address(struct text *t, struct address a);
void put_domain(struct text *t, struct address a);
void put_account_domain(struct text *t, uint32_t account);
void put_user(struct text *t, uint32_t account); /* Unix user */
/* A person's name for display: "Given Surname". */
void put_person(struct text *t, uint64_t salt);
/* Is it at one of the big providers? */
bool address_is_freemail(struct address a);
/* The mail server of its domain: its name and address. */
void put_mx(struct text *t, struct address a);
uint32_t mx_ip(struct address a);
/* What that server says to a dead address, to spam, to greylist, to a full mailbox. */
struct str answer_unknown(struct address a, uint32_t salt);
struct str answer_spam(struct address a, uint32_t salt);
struct str answer_later(struct address a, uint32_t salt);

#endif
