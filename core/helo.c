/* What a client calls itself in HELO or EHLO.
 *
 * Invariant: the class of one client stays the same while its addresses and the
 * numbers in its name change; only a name of another shape is another class. */
#include <ctype.h>

#include "core/network.h"
#include "core/patterns_state.h"

const char *const helo_kind_name[] = { "none", "literal", "address", "localhost",
				       "own",  "bare",	  "fqdn",    NULL };

#define MAX_HELO 255 /* RFC 1035 2.3.4 */

/* Networks that are nobody's on the Internet: RFC 6890. */
static const struct str private_networks[] = {
	STR("0.0.0.0/8"),      STR("10.0.0.0/8"),     STR("100.64.0.0/10"), STR("127.0.0.0/8"),
	STR("169.254.0.0/16"), STR("172.16.0.0/12"),  STR("192.168.0.0/16"), STR("::1/128"),
	STR("fc00::/7"),       STR("fe80::/10"),
};

static bool is_address(struct str s)
{
	struct network n;

	return str_chr(s, '/') == s.n && network_parse(s, &n);
}

static bool is_public(struct str ip)
{
	struct network address, private;

	if (!is_address(ip) || !network_parse(ip, &address))
		return false;
	for (size_t i = 0; i < sizeof(private_networks) / sizeof(private_networks[0]); i++)
		if (network_parse(private_networks[i], &private) &&
		    network_has(&private, &address))
			return false;
	return true;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]": what is between the brackets. */
static bool literal(struct str helo, struct str *address)
{
	if (!str_starts(helo, STR("[")) || !str_ends(helo, STR("]")))
		return false;
	*address = str_range(helo.p + 1, helo.p + helo.n - 1);
	if (str_starts_nocase(*address, STR("IPv6:")))
		*address = str_skip(*address, sizeof("IPv6:") - 1);
	return true;
}

static bool is_loopback(struct str address)
{
	return str_eq(address, STR("::1")) ||
	       (str_starts(address, STR("127.")) && is_address(address));
}

static bool is_localhost(struct str helo)
{
	static const struct str names[] = { STR("localhost"), STR("localhost.localdomain"),
					    STR("localhost.localhost") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(helo, names[i]))
			return true;
	return false;
}

static enum helo_kind kind_of(struct str helo, struct str client_ip, struct str own)
{
	struct str address = helo;
	bool brackets = literal(helo, &address);

	if (!helo.n)
		return HELO_NONE;
	if (own.n && (str_eq_nocase(helo, own) || str_eq_nocase(address, own)))
		return HELO_OWN;
	if (is_localhost(helo) || (is_loopback(address) && !is_loopback(client_ip)))
		return HELO_LOCALHOST;
	if (brackets)
		return HELO_LITERAL;
	if (is_address(helo))
		return HELO_ADDRESS;
	return str_chr(helo, '.') < helo.n - 1 ? HELO_FQDN : HELO_BARE;
}

/* Lower case, each row of digits "0": "DESKTOP-4F7Q21" and "desktop-9k1m2" differ
 * as names do; "dsl-84-12.isp" and "dsl-91-3.isp" are the same. */
static struct str masked(struct str s, char *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && i < MAX_HELO; i++) {
		char c = (char)tolower((unsigned char)s.p[i]);

		if (!isdigit((unsigned char)c))
			buf[n++] = c;
		else if (!n || buf[n - 1] != '0')
			buf[n++] = '0';
	}
	return (struct str){ buf, n };
}

struct helo helo_class(struct str helo, struct str client_ip, struct str own)
{
	struct helo h = { .kind = kind_of(helo, client_ip, own) };
	char buf[MAX_HELO];

	h.hash = str_hash(str_of(helo_kind_name[h.kind]), 0);
	if (h.kind == HELO_BARE || h.kind == HELO_FQDN)
		h.hash = str_hash(masked(helo, buf), h.hash);
	return h;
}

void patterns_helo(const struct patterns *p, struct str helo, struct str client_ip,
		   struct str own, struct signs *out)
{
	enum helo_kind kind = kind_of(helo, client_ip, own);
	bool public = is_public(client_ip);

	struct regex_text text;

	*out = (struct signs){ .count = 0 };
	regex_prepare(str_head(helo, MAX_HELO), &text);
	for (size_t i = 0; i < p->n[PATTERNS_HELO] && helo.n; i++) {
		const struct pattern *row = &p->list[PATTERNS_HELO][i];

		if (row->rule->public_only && !public)
			continue;
		if (row->rule->test == TEST_OWN_NAME && kind != HELO_OWN)
			continue;
		if (!pattern_fits(row, &text))
			continue;
		signs_add(out, row);
		out->weight += row->weight;
	}
}
