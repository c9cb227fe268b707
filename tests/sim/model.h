/* The simulated host: accounts, what they plan to send, and the attacks on them. Times are
 * microseconds since 1970, days count from the start of the run. */
#ifndef MAILAUDIT_TESTS_SIM_MODEL_H
#define MAILAUDIT_TESTS_SIM_MODEL_H

#include "base/stamp.h"
#include "tests/sim/internet.h"
#include "tests/sim/knobs.h"

/* What an account is for. */
#define KINDS(X) \
	X(human) X(form) X(shop) X(forum) X(newsletter) X(first) X(burst) X(cron) X(list) \
	X(helpdesk) X(monitor) X(saas)

enum kind {
#define KIND_MEMBER(name) KIND_##name,
	KINDS(KIND_MEMBER)
#undef KIND_MEMBER
	KIND_COUNT
};
const char *kind_name(enum kind kind);

/* How a message comes to us. */
enum channel {
	BY_NONE, /* nothing but a line of PHP's log: PHP refused the headers */
	BY_AUTH, /* SMTP with a login */
	BY_WEBMAIL, /* the same from 127.0.0.1 */
	BY_PHP, /* PHP's mail(), as the account's uid */
	BY_SENDMAIL, /* sendmail(1) as the account's uid, and no line of PHP's log */
	BY_LOOPBACK, /* SMTP from 127.0.0.1 without a login */
	BY_INBOUND /* SMTP from elsewhere */
};

enum script {
	SCRIPT_NONE,
	SCRIPT_FORM,
	SCRIPT_COPY, /* the form's second mail(), to who filled it in */
	SCRIPT_WORDPRESS,
	SCRIPT_SHOP,
	SCRIPT_FORUM,
	SCRIPT_NEWS,
	SCRIPT_IMPORT,
	SCRIPT_DESK,
	SCRIPT_CACHE, /* the plugin below wp-content/uploads/cache */
	SCRIPT_BACKUP, /* php on the command line, by cron */
	SCRIPT_UPLOADED, /* from here on an attacker's */
	SCRIPT_FTP,
	SCRIPT_EVAL,
};

/* What becomes of a recipient. */
enum fate {
	FATE_SENT,
	FATE_UNKNOWN, /* refused: no such user */
	FATE_REFUSED, /* refused as spam or by policy */
	FATE_LATE, /* taken, and bounced from there later */
	FATE_LATER, /* deferred once or twice, then sent */
	FATE_LOCAL, /* delivered to a mailbox here */
	FATE_LOCAL_UNKNOWN /* a mailbox that we lack, of a catch-all: delivered */
};

struct rcpt {
	struct address address;
	uint8_t fate; /* enum fate */
};

/* HELO of a client: what kind, and which of it. */
enum helo { HELO_LITERAL, HELO_PC, HELO_PHONE, HELO_SERVER, HELO_BOT };

enum subject {
	SUBJECT_TALK, SUBJECT_CLUB, SUBJECT_FORM, SUBJECT_COPY, SUBJECT_ORDER, SUBJECT_POST,
	SUBJECT_NEWS, SUBJECT_IMPORT, SUBJECT_RESET, SUBJECT_CRON, SUBJECT_LIST, SUBJECT_TICKET,
	SUBJECT_ALERT, SUBJECT_SAAS, SUBJECT_AWAY, SUBJECT_BOUNCE, SUBJECT_SPAM, SUBJECT_PHISH,
	SUBJECT_URL, SUBJECT_PROBE, SUBJECT_COUNT
};

/* What is special about a message. */
enum {
	PLAN_NULL = 1, /* null sender */
	PLAN_VERP = 2, /* the recipient is coded into the sender */
	PLAN_INJECTED = 4, /* all recipients but the first are in an injected Bcc */
	PLAN_CC = 8, /* the second recipient is in the script's own Cc header */
	PLAN_FORWARD = 16, /* inbound for a mailbox that is forwarded to the recipient */
	PLAN_LF = 32, /* the injected line ends are LF, not CRLF */
	PLAN_MULTIPART = 64 /* the injection of the bots of 2005: multipart/mixed */
};

struct plan {
	usec_t time;
	uint32_t account;
	uint8_t channel, script, subject, helo;
	uint32_t helo_salt, ip;
	uint16_t attack; /* number + 1; 0: benign */
	uint16_t nrcpt;
	uint16_t flags;
	struct address from; /* of the envelope */
	uint32_t salt; /* for what is drawn when it is written */
	struct rcpt one;
	struct rcpt *more; /* nrcpt > 1: all of them, on the heap */
};
static inline struct rcpt *plan_rcpt(struct plan *p)
{
	return p->more ? p->more : &p->one;
}

struct access {
	uint16_t as;
	bool fixed; /* the same address every day */
	bool mobile;
};

struct account {
	uint32_t id;
	uint8_t kind; /* enum kind */
	uint8_t country;
	usec_t born;

	/* people */
	bool human, webmail, vpn, club, forwarded;
	double rate, new_share, fail;
	uint32_t contacts;
	struct access access[4];
	uint8_t naccess;
	uint32_t device[4]; /* one for each access */
	int trip_until; /* day */
	struct access trip[2];
	int away_until; /* day */

	/* web sites */
	bool outside, copy, wordpress, cache_plugin, crlf, replies;
	bool evals; /* in old templates */
	uint32_t version, moves; /* of the scripts */
	double pace; /* orders, tickets, messages a day */
	uint32_t buyers;

	/* lists */
	uint32_t subscribers;
	double stale;
	int next_issue, interval; /* days */
	usec_t issued; /* when the last issue went out */
	bool by_smtp, elsewhere;
	double throttle; /* messages an hour */
	int issues;
};

/* Of the run. */
struct run {
	uint64_t seed;
	uint32_t naccounts; /* with those that attacks add */
	int days, warmup;
	usec_t start;
	struct account *accounts;
};
extern struct run run;

static inline usec_t day_start(int day)
{
	return run.start + day * USEC_DAY;
}

void accounts_make(uint32_t n);
/* Plans a day of an account, in no order. */
void benign_day(struct account *a, int day);

/* Where plans go; owns p->more from then on. */
void plan_add(const struct plan *p);
/* n recipients, to be filled in. */
struct rcpt *plan_many(struct plan *p, uint32_t n);
/* A plan of the account, with its usual sender. */
struct plan plan_new(struct account *a, usec_t time, enum channel channel);
struct address box_of(const struct account *a, uint32_t box);
struct address unix_of(const struct account *a);
/* Where the owner reads mail; sets the fate, too. */
struct rcpt owner_of(const struct account *a);
/* Sender, client and HELO of the account's own mail program at that time. */
void plan_from_home(struct plan *p, struct account *a, struct rng *r, int day);
/* Makes it an account of a person that did not exist before. */
void account_newcomer(struct account *a, usec_t born);
/* The address at home on that day. */
uint32_t home_ip(const struct account *a, int day);
/* A time of the day as people keep it. */
usec_t human_time(struct rng *r, int day);
/* Fate of a benign message to an address; `fail`: share of dead ones. */
enum fate benign_fate(struct rng *r, double fail, bool first_contact);
/* One of the account's known correspondents, the frequent ones more often. */
struct address contact_known(const struct account *a, struct rng *r);

/* Attacks: one of each scenario on `each` accounts that suit it. */
#define SCENARIOS(X) \
	X(botnet, "4a", "4") \
	X(vps, "4b", "4") \
	X(many_rcpt, "4c", "4") \
	X(slow, "4d", "4") \
	X(proxies, "4e", "4") \
	X(address_book, "4f", "4") \
	X(stealth, "4g", "4") \
	X(new_account, "4h", "4") \
	X(during_news, "4n", "4") \
	X(warm_up, "4w", "4") \
	X(injection, "3a", "3a") \
	X(uploaded, "3b", "3b") \
	X(ftp, "3bf", "3b 4") \
	X(form_copy, "3c", "3c") \
	X(eval, "3d", "3d 3b") \
	X(invisible, "3di", "3d") \
	X(infected, "2a", "2") \
	X(infected_slow, "2b", "2") \
	X(backscatter, "5", "5") \
	X(mixed_login, "45", "4") \
	X(mixed_bounce, "54", "5") \
	X(two_login, "2x4", "4") \
	X(two_script, "2x3", "3b")

enum scenario {
#define SCENARIO_MEMBER(name, id, cases) ATTACK_##name,
	SCENARIOS(SCENARIO_MEMBER)
#undef SCENARIO_MEMBER
	SCENARIO_COUNT
};

struct attack_message {
	usec_t time;
	uint32_t recipients;
};

struct attack {
	enum scenario scenario;
	uint32_t account;
	int day; /* it is planned on */
	usec_t start, end; /* end: 24 h after the start, or when it gives up */
	usec_t probe; /* 0: none */
	usec_t blast; /* of the first message that is not a probe or a warm-up */
	uint8_t script; /* enum script */
	char path[128]; /* of the script */
	uint32_t line;
	uint32_t ips, list; /* the spam list it uses */
	double unknown, refused;
	/* As they were accepted. */
	struct attack_message *messages;
	uint32_t n, room;
};
extern struct attack *attacks;
extern uint32_t nattacks;

/* Chooses accounts and times; only scenarios whose id is in `only` (NULL: all), separated by
 * commas. */
void attacks_make(uint32_t each, const char *only);
/* Extra accounts, the last ones, that attacks_make() needs. */
uint32_t attacks_newcomers(uint32_t each, const char *only);
/* Plans the attacks that begin on that day. */
void attacks_day(int day);
void attack_accepted(uint32_t number, usec_t time, uint32_t recipients);
const char *scenario_id(enum scenario s);
const char *scenario_cases(enum scenario s);
bool scenario_has_login(enum scenario s);

/* Path and line of a script of the account. */
void put_script(struct text *t, const struct account *a, enum script script);
/* Of eval()'d code: the line of the eval. */
uint32_t script_line(const struct account *a, enum script script);
bool script_evals(const struct account *a, enum script script);

#endif
