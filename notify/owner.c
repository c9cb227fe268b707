/* Where mail for an account's owner goes.
 *
 * Invariant: an address holds only what stands in one as it is, without quotes, so that it
 * is one recipient in a header, on a command line and in SMTP. */
#include "notify/owner.h"

#include <stdio.h>
#include <stdlib.h>

#include "notify/textfile.h"

#define LONGEST_ADDRESS 254

static bool only(struct str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				 (c >= '0' && c <= '9');

		if (!is_letter && (!c || !strchr(others, c)))
			return false;
	}
	return s.n > 0;
}

/* Is it a local part that needs no quotes and is no option? */
static bool is_plain_local(struct str s)
{
	return only(s, "._+-=&/#") && *s.p != '-' && *s.p != '.' && s.p[s.n - 1] != '.' &&
	       str_find(s, STR("..")) == s.n && s.n <= 64;
}

static bool is_plain_address(struct str s)
{
	size_t at = str_rchr(s, '@');
	struct str domain = str_skip(s, at + 1);

	return s.n <= LONGEST_ADDRESS && is_plain_local(str_head(s, at)) &&
	       (at == s.n || (only(domain, ".-") && *domain.p != '.' && *domain.p != '-'));
}

/* The value of a line "account: address" of this account, or "". */
static struct str find_in(struct str text, struct str account)
{
	while (text.n) {
		size_t end = str_chr(text, '\n');
		struct str line = str_trim(str_head(text, end)), key;
		size_t colon = str_chr(line, ':');

		text = str_skip(text, end + 1);
		key = str_trim(str_head(line, colon));
		if (colon < line.n && *line.p != '#' && str_eq(key, account))
			return str_trim(str_skip(line, colon + 1));
	}
	return STR_NONE;
}

static struct str at_host(const struct settings *s, struct str local, struct arena *to)
{
	char address[LONGEST_ADDRESS + 1];
	int n = snprintf(address, sizeof(address), "%.*s@%s", STR_ARG(local), s->hostname);

	if (n < 0 || (size_t)n >= sizeof(address))
		return STR_NONE;
	return arena_str(to, (struct str){ address, (size_t)n });
}

struct str owner_address(const struct settings *s, struct str account, struct arena *to,
			 struct error *err)
{
	struct str found = STR_NONE;
	char *text = NULL;
	size_t n = 0;

	err->code = 0;
	if (!account.n)
		return STR_NONE;
	if (*s->alerts.owners) {
		text = textfile_read(s->alerts.owners, OWNER_MAX_FILE, &n, err);
		if (!text)
			return STR_NONE;
		found = find_in((struct str){ text, n }, account);
	}
	if (!found.n && is_plain_local(account))
		found = at_host(s, account, to);
	else if (is_plain_address(found) && str_chr(found, '@') < found.n)
		found = arena_str(to, found);
	else if (is_plain_address(found))
		found = at_host(s, found, to);
	else
		found = STR_NONE;
	free(text);
	return found;
}
