/* Mail addresses, domains, servers and their answers, out of numbers.
 * Invariant: the same number always gives the same text. */
#include "tests/sim/internet.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const given[] = {
	"anna", "peter", "maria", "thomas", "julia", "michael", "sabine", "andreas", "lena",
	"stefan", "katrin", "markus", "petra", "daniel", "monika", "martin", "laura", "klaus",
	"sofia", "john", "mary", "james", "linda", "robert", "susan", "david", "karen", "paul",
	"emma", "luca", "giulia", "pierre", "claire", "jan", "eva", "tomas", "olga", "ivan",
	"fatima", "ahmed", "yuki", "chen", "carlos", "ana", "miguel", "ines", "erik", "astrid",
};
static const char *const family[] = {
	"mueller", "schmidt", "schneider", "fischer", "weber", "meyer", "wagner", "becker",
	"schulz", "hoffmann", "koch", "bauer", "richter", "klein", "wolf", "schroeder",
	"neumann", "schwarz", "braun", "zimmermann", "krueger", "hartmann", "lange", "werner",
	"smith", "jones", "taylor", "brown", "wilson", "evans", "martin", "bernard", "dubois",
	"rossi", "ferrari", "bianchi", "garcia", "lopez", "silva", "santos", "novak", "horvat",
	"kowalski", "nowak", "ivanov", "petrov", "nguyen", "tran", "khan", "singh", "tanaka",
	"kim", "larsen", "hansen",
};
static const char *const branch[] = {
	"alpin", "hafen", "nordlicht", "sonne", "berg", "wald", "fluss", "stern", "stadt",
	"garten", "metall", "holz", "glas", "papier", "licht", "wasser", "feuer", "wind",
	"blau", "gruen", "silber", "kranz", "adler", "falken", "linden", "eichen", "rosen",
	"muehlen", "brunnen", "markt", "ring", "anker",
};
static const char *const trade[] = {
	"bau", "reisen", "moden", "technik", "software", "praxis", "kanzlei", "verein",
	"schule", "hotel", "kaffee", "wein", "rad", "foto", "druck", "moebel", "optik",
	"musik", "sport", "theater", "verlag", "logistik", "immobilien", "versand",
};
/* Shares of freemail among private addresses; an assumption. */
static const struct {
	const char *domain, *mx;
	int weight;
} freemail[] = {
	{ "gmail.com", "gmail-smtp-in.l.google.com", 34 },
	{ "gmx.de", "mx00.emig.gmx.net", 16 },
	{ "web.de", "mx-ha02.web.de", 14 },
	{ "hotmail.com", "hotmail-com.olc.protection.outlook.com", 9 },
	{ "t-online.de", "mx03.t-online.de", 8 },
	{ "outlook.com", "outlook-com.olc.protection.outlook.com", 6 },
	{ "yahoo.com", "mta5.am0.yahoodns.net", 6 },
	{ "icloud.com", "mx01.mail.icloud.com", 4 },
	{ "aol.com", "mx-aol.mail.gm0.yahoodns.net", 2 },
	{ "mail.ru", "mxs.mail.ru", 1 },
};
/* Percent of freemail in a pool; the rest are companies. Section 3 for buyers (65) and for the
 * strangers that forms are abused for (80), assumptions otherwise. */
static const int freemail_percent[] = { [POOL_CONTACT] = 35,  [POOL_BUYER] = 65,
					[POOL_LIST] = 55,     [POOL_SPAM] = 80,
					[POOL_BOX] = 0,	      [POOL_OUTSIDE] = 100,
					[POOL_DROP] = 100,    [POOL_STRANGER] = 40,
					[POOL_UNIX] = 0 };
#define COMPANIES 30000

static uint64_t hash_of(struct address a)
{
	return mix(a.pool, a.id);
}

/* Index in freemail, or -1 and the number of a company. */
static int provider(struct address a, uint32_t *company)
{
	uint64_t h = hash_of(a);
	int at = (int)(h >> 40) % 100;

	*company = (uint32_t)(h >> 8) % COMPANIES;
	if ((int)(h % 100) >= freemail_percent[pool_kind(a)])
		return -1;
	for (size_t i = 0; i < COUNT(freemail); i++)
		if ((at -= freemail[i].weight) < 0)
			return (int)i;
	return 0;
}

bool address_is_freemail(struct address a)
{
	uint32_t company;

	return provider(a, &company) >= 0;
}

void put_account_domain(struct text *t, uint32_t account)
{
	uint64_t h = mix(account, 11);

	put(t, branch[h % COUNT(branch)]);
	put_char(t, '-');
	put(t, trade[(h >> 20) % COUNT(trade)]);
	put_number(t, account);
	PUT(t, ".example");
}

void put_user(struct text *t, uint32_t account)
{
	put_char(t, 'w');
	put_padded(t, account, 5);
}

static void put_company(struct text *t, uint32_t company)
{
	put(t, trade[company % COUNT(trade)]);
	put_char(t, '-');
	put(t, family[company / 24 % COUNT(family)]);
	put_number(t, company);
	PUT(t, ".example");
}

void put_person(struct text *t, uint64_t salt)
{
	const char *first = given[salt % COUNT(given)];
	const char *last = family[(salt >> 16) % COUNT(family)];

	put_char(t, (char)(first[0] - 32));
	put(t, first + 1);
	put_char(t, ' ');
	put_char(t, (char)(last[0] - 32));
	put(t, last + 1);
}

static void put_box(struct text *t, struct address a)
{
	static const char *const boxes[] = { "info",	  "",	"shop", "news",
					     "wordpress", "team" };
	uint64_t h = hash_of(a);

	if (a.id < BOX_NAMED && a.id != BOX_OWNER) {
		put(t, boxes[a.id]);
		return;
	}
	put(t, given[h % COUNT(given)]);
	if (a.id == BOX_OWNER)
		return;
	put_char(t, h & 256 ? '.' : '_');
	put(t, family[(h >> 16) % COUNT(family)]);
	put_number(t, a.id % 1000);
}

static void put_local_part(struct text *t, struct address a, bool private)
{
	static const char *const offices[] = { "info", "office", "kontakt", "mail" };
	uint64_t h = hash_of(a) >> 3;

	if (!private && h % 3 == 0) {
		put(t, offices[(h >> 8) % COUNT(offices)]);
		return;
	}
	put(t, given[h % COUNT(given)]);
	if (h & 0x10000)
		put_char(t, '.');
	put(t, family[(h >> 20) % COUNT(family)]);
	if (private)
		put_number(t, (h >> 34) % 1000);
}

void put_domain(struct text *t, struct address a)
{
	uint32_t company;
	int at = provider(a, &company);

	if (pool_kind(a) == POOL_BOX)
		put_account_domain(t, pool_number(a));
	else if (pool_kind(a) == POOL_UNIX)
		PUT(t, "host.example");
	else if (at >= 0)
		put(t, freemail[at].domain);
	else
		put_company(t, company);
}

void put_address(struct text *t, struct address a)
{
	uint32_t company;

	if (pool_kind(a) == POOL_BOX)
		put_box(t, a);
	else if (pool_kind(a) == POOL_UNIX)
		put_user(t, pool_number(a));
	else
		put_local_part(t, a, provider(a, &company) >= 0);
	put_char(t, '@');
	put_domain(t, a);
}

void put_mx(struct text *t, struct address a)
{
	uint32_t company;
	int at = provider(a, &company);

	if (at >= 0) {
		put(t, freemail[at].mx);
		return;
	}
	PUT(t, "mx.");
	put_domain(t, a);
}

uint32_t mx_ip(struct address a)
{
	uint32_t company;
	int at = provider(a, &company);
	struct rng r = rng_of(7, at >= 0 ? (uint64_t)at : company + 100u, 1);

	return ip_of_as(&r, as_pick(&r, AS_HOSTING, (int)(company % 21)));
}

/* The wordings of well-known servers, by domain; the numbers in them vary. */
struct str answer_unknown(struct address a, uint32_t salt)
{
	static const struct str answers[] = {
		STR("550 5.1.1 <> User unknown in virtual mailbox table"),
		STR("550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 "
		    "https://support.google.com/mail/?p=NoSuchUser - gsmtp"),
		STR("550 Requested action not taken: mailbox unavailable"),
		STR("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
		STR("550 5.1.1 Recipient address rejected: User unknown"),
		STR("554 delivery error: dd This user doesn't have an account (0) - mta.example"),
		STR("550 No such user here"),
	};

	(void)salt;
	return answers[hash_of(a) / 7 % COUNT(answers)];
}

struct str answer_spam(struct address a, uint32_t salt)
{
	static const struct str answers[] = {
		STR("550-5.7.1 [192.0.2.11] Our system has detected that this message is likely "
		    "unsolicited mail. 550 5.7.1 this message has been blocked. - gsmtp"),
		STR("554 Transaction failed: Reject due to policy restrictions."),
		STR("550 5.7.1 Message looks like spam (score=12.4)"),
		STR("554 5.7.1 Message rejected: content identified as spam"),
		STR("550 spam message rejected. Please visit https://help.example/spam"),
		STR("554 5.7.9 Message not accepted for policy reasons."),
	};

	return answers[(hash_of(a) / 5 + salt % 2) % COUNT(answers)];
}

struct str answer_later(struct address a, uint32_t salt)
{
	static const struct str answers[] = {
		STR("450 4.2.0 Greylisted, please try again in 300 seconds"),
		STR("451 4.7.1 Greylisting in action, please come back later"),
		STR("450 4.2.0 Recipient address rejected: Greylisted"),
		STR("452 4.2.2 Mailbox full"),
		STR("421 4.3.2 Service not available, try again later"),
		STR("451 4.3.0 Temporary lookup failure"),
	};

	return answers[salt % 2 ? hash_of(a) % 3 : 3 + hash_of(a) % 3];
}
