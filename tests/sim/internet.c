/* Countries, networks and addresses; see internet.h. Invariant: everything follows from constants
 * and the numbers asked for; the run's seed does not matter here. */
#include "tests/sim/internet.h"

#include <stdlib.h>
#include <string.h>

#define INTERNET_SEED 20260302
#define MAX_AS 1200
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char countries[][3] = {
	"DE", "AT", "CH", "NL", "PL", "FR", "IT", "ES", "GB", "BE", "CZ", "DK", "SE", "NO",
	"FI", "HU", "RO", "BG", "GR", "PT", "IE", "US", "CA", "MX", "BR", "AR", "CL", "CO",
	"PE", "VE", "EC", "CN", "HK", "TW", "JP", "KR", "IN", "PK", "BD", "LK", "VN", "TH",
	"MY", "ID", "PH", "SG", "AU", "NZ", "ZA", "NG", "CI", "KE", "EG", "MA", "DZ", "TN",
	"SA", "AE", "IR", "IQ", "TR", "UA", "RU", "BY", "KZ", "GE", "IL",
};

/* Customers of a host in Germany; an assumption. */
static const struct {
	const char code[3];
	int weight;
} customers[] = { { "DE", 74 }, { "AT", 9 }, { "CH", 7 }, { "NL", 3 }, { "PL", 2 },
		  { "FR", 2 },	{ "GB", 2 }, { "US", 1 } };

static const char *const as_first[] = { "Nord", "Sued", "Alpha", "Delta", "Orion", "Vega",
					"Rapid", "Terra", "Pacific", "Union", "Metro", "Zenit",
					"Aurora", "Cobalt", "Iris", "Polar" };
static const char *const as_second[AS_KINDS][4] = {
	{ "Telecom", "Broadband", "Cable", "Online" },
	{ "Mobile", "Wireless", "Cellular", "Telecom Mobile" },
	{ "Hosting", "Datacenter", "Cloud", "Networks" },
	{ "VPN", "Privacy Networks", "Datapoint", "Transit" },
};

static struct as as_table[MAX_AS];
static uint32_t nas;
static uint16_t allocated[65536]; /* /16s in the order of allocation */
static uint32_t nallocated;
static uint16_t block_as[65536]; /* 0: nobody's, else index + 1 */
static uint8_t block_country[65536];
/* Where in as_table the systems of a kind and country are. */
static uint16_t as_of[AS_KINDS][COUNT(countries)][8];
static uint8_t as_n[AS_KINDS][COUNT(countries)];

/* ---- networks ---- */

/* First octets that hold reserved networks are left out whole. */
static bool usable(uint32_t block)
{
	static const uint8_t reserved[] = { 0, 10, 100, 127, 169, 172, 192, 198, 203 };
	uint32_t octet = block >> 8;

	for (size_t i = 0; i < sizeof(reserved); i++)
		if (octet == reserved[i])
			return false;
	return octet < 224;
}

static void allocate(struct as *as, int country)
{
	/* Odd, so that it walks through all of them. */
	uint32_t block = (nallocated * 40503u + 77u) & 0xffff;

	while (!usable(block) || block_as[block])
		block = (block + 257) & 0xffff;
	if (!as->n)
		as->first = nallocated;
	as->n++;
	allocated[nallocated++] = (uint16_t)block;
	block_as[block] = (uint16_t)(as - as_table + 1);
	block_country[block] = (uint8_t)country;
}

static struct as *as_new(struct rng *r, enum as_kind kind, int country)
{
	struct as *as = &as_table[nas++];

	as->kind = kind;
	as->country = country;
	as->number = 1000 + nas * 53 % 64000;
	snprintf(as->name, sizeof(as->name), "%s %s %s", as_first[rng_below(r, COUNT(as_first))],
		 as_second[kind][rng_below(r, 4)], countries[country]);
	if (kind != AS_VPN)
		as_of[kind][country][as_n[kind][country]++] = (uint16_t)(as - as_table);
	return as;
}

static void as_fill(struct rng *r, enum as_kind kind, int country, uint32_t systems,
		    uint32_t least, uint32_t most)
{
	while (systems--) {
		struct as *as = as_new(r, kind, country);
		uint32_t blocks = least + rng_below(r, most - least + 1);

		while (blocks--)
			allocate(as, country);
	}
}

void internet_init(void)
{
	struct rng r = rng_of(INTERNET_SEED, 1, 1);

	if (nas)
		return;
	for (int c = 0; c < (int)COUNT(countries); c++) {
		as_fill(&r, AS_EYEBALL, c, 3 + rng_below(&r, 3), 2, 6);
		as_fill(&r, AS_MOBILE, c, 2, 1, 2);
		as_fill(&r, AS_HOSTING, c, 2 + rng_below(&r, 2), 1, 2);
	}
	for (int i = 0; i < 6; i++) {
		struct as *vpn = as_new(&r, AS_VPN, (int)rng_below(&r, COUNT(countries)));

		for (int c = 0; c < (int)COUNT(countries); c++)
			allocate(vpn, c);
	}
}

void internet_csv(FILE *out)
{
	static const char *const kinds[] = { "eyeball", "mobile", "hosting", "vpn" };

	fputs("network,country,asn,organization,kind\n", out);
	for (uint32_t i = 0; i < nallocated; i++) {
		uint32_t block = allocated[i];
		const struct as *as = &as_table[block_as[block] - 1];

		fprintf(out, "%u.%u.0.0/16,%s,%u,%s,%s\n", block >> 8, block & 255,
			countries[block_country[block]], as->number, as->name, kinds[as->kind]);
	}
}

int country_count(void)
{
	return COUNT(countries);
}

int country_find(const char *code)
{
	for (int i = 0; i < (int)COUNT(countries); i++)
		if (!strcmp(countries[i], code))
			return i;
	return -1;
}

const char *country_code(int country)
{
	return country >= 0 ? countries[country] : "--";
}

int country_other(struct rng *r, int home)
{
	int country = (int)rng_below(r, COUNT(countries) - 1);

	return country >= home ? country + 1 : country;
}

int country_of_customer(struct rng *r)
{
	int at = (int)rng_below(r, 100);

	for (size_t i = 0; i < COUNT(customers); i++)
		if ((at -= customers[i].weight) < 0)
			return country_find(customers[i].code);
	return 0;
}

const struct as *as_at(uint32_t index)
{
	return &as_table[index];
}

uint32_t as_pick(struct rng *r, enum as_kind kind, int country)
{
	return as_of[kind][country][rng_below(r, as_n[kind][country])];
}

static uint32_t ip_in_block(struct rng *r, uint32_t block)
{
	return block << 16 | (1 + rng_below(r, 254)) << 8 | (1 + rng_below(r, 254));
}

uint32_t ip_of_as(struct rng *r, uint32_t as)
{
	return ip_in_block(r, allocated[as_table[as].first + rng_below(r, as_table[as].n)]);
}

uint32_t ip_of_cgnat(struct rng *r, uint32_t as)
{
	uint32_t block = allocated[as_table[as].first + rng_below(r, as_table[as].n)];

	return block << 16 | 200 << 8 | (1 + rng_below(r, 250));
}

uint32_t ip_of_vpn(struct rng *r, int country)
{
	const struct as *vpn = &as_table[nas - 1 - rng_below(r, 6)];

	return ip_in_block(r, allocated[vpn->first + (uint32_t)country]);
}

int country_of_ip(uint32_t ip)
{
	return block_as[ip >> 16] ? block_country[ip >> 16] : -1;
}

uint32_t asn_of_ip(uint32_t ip)
{
	return block_as[ip >> 16] ? as_table[block_as[ip >> 16] - 1].number : 0;
}

struct str client_name(uint32_t ip, char *buf, size_t size)
{
	static const char *const forms[AS_KINDS] = { "p%u-%u-%u-%u.dyn.as%u.example",
						     "%u.%u.%u.%u.mobile.as%u.example",
						     "host-%u-%u-%u-%u.as%u.example",
						     "exit-%u-%u-%u-%u.as%u.example" };
	uint32_t at = block_as[ip >> 16];
	int n;

	if (ip == 0x7f000001)
		return STR("localhost");
	/* Every fifth address has no name. */
	if (!at || mix(ip, 5) % 5 == 0)
		return STR("unknown");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = snprintf(buf, size, forms[as_table[at - 1].kind], ip >> 24, ip >> 16 & 255,
		     ip >> 8 & 255, ip & 255, as_table[at - 1].number);
#pragma GCC diagnostic pop
	return (struct str){ buf, (size_t)n };
}

void put_client(struct text *t, uint32_t ip)
{
	char buf[80];

	put_str(t, client_name(ip, buf, sizeof(buf)));
	put_char(t, '[');
	put_ip(t, ip);
	put_char(t, ']');
}
