/* The owner maps: who is behind a uid, a path, a domain, a login.
 *
 * Invariant: an answer is a user of passwd, an account that a map names or a
 * component of a clean path; a path or domain that is not clean has no owner.
 * When two lines say different things, the first one counts. */
#include "core/account.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "core/account_state.h"
#include "core/network.h"

/* --- names */

struct owner *account_owner(struct accounts *a, struct str name)
{
	struct owner *o = map_get(&a->names, name);

	if (o)
		return o;
	o = arena_alloc(&a->arena, sizeof(*o));
	*o = (struct owner){ .name = arena_str(&a->arena, name) };
	map_put(&a->names, name, o);
	return o;
}

/* Who stands behind it: a mailbox's user is its lord's. */
static struct str name_of(const struct owner *o)
{
	return o->lord ? o->lord->name : o->name;
}

static struct str name_or_none(const struct owner *o)
{
	return o && !o->is_shared ? name_of(o) : STR_NONE;
}

struct str account_key(struct str s, char *buf, size_t size)
{
	size_t i;

	if (s.n > size)
		return STR_NONE;
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 0x7f)
			return STR_NONE;
		buf[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : (char)c;
	}
	return (struct str){ buf, s.n };
}

/* --- paths */

struct str account_next_part(struct str *path)
{
	struct str part;

	*path = str_skip(*path, 1);
	part = str_head(*path, str_chr(*path, '/'));
	*path = str_skip(*path, part.n);
	return part;
}

bool account_is_clean(struct str path)
{
	if (!str_starts(path, STR("/")) || str_chr(path, '\0') < path.n)
		return false;
	while (path.n) {
		struct str part = account_next_part(&path);

		if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return false;
	}
	return true;
}

/* --- life */

static void copy_settings(struct accounts *a, const struct settings *s)
{
	size_t i;

	a->hostname = arena_str(&a->arena, str_of(s->hostname));
	for (i = 0; i < s->accounts.shared.n; i++)
		account_owner(a, str_of(s->accounts.shared.at[i]))->is_shared = true;
	a->nmailers = s->accounts.mailers.n;
	a->mailers = arena_alloc(&a->arena, a->nmailers * sizeof(*a->mailers));
	for (i = 0; i < a->nmailers; i++)
		a->mailers[i] = arena_str(&a->arena, str_of(s->accounts.mailers.at[i]));
	a->npatterns = s->accounts.homes.n;
	a->patterns = arena_alloc(&a->arena, a->npatterns * sizeof(*a->patterns));
	for (i = 0; i < a->npatterns; i++)
		a->patterns[i] = arena_str(&a->arena, str_of(s->accounts.homes.at[i]));
	a->networks = arena_alloc(&a->arena, s->networks.n * sizeof(*a->networks));
	a->trusted = arena_alloc(&a->arena, ACCOUNT_TRUSTED_KEPT * sizeof(*a->trusted));
	memset(a->trusted, 0, ACCOUNT_TRUSTED_KEPT * sizeof(*a->trusted));
	for (i = 0; i < s->networks.n; i++)
		a->nnetworks += network_parse(str_of(s->networks.at[i]),
					      &a->networks[a->nnetworks]);
}

struct accounts *accounts_new(const struct settings *settings, const struct map_text *maps,
			      size_t nmaps)
{
	struct accounts *a = xcalloc(1, sizeof(*a));
	size_t i;

	copy_settings(a, settings);
	a->counts = arena_alloc(&a->arena, (nmaps + 1) * sizeof(*a->counts));
	a->ncounts = nmaps;
	for (i = 0; i < nmaps; i++) {
		a->counts[i] = (struct map_count){ 0 };
		account_read_map(a, &maps[i], &a->counts[i]);
	}
	account_settle(a);
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	map_release(&a->names);
	map_release(&a->uids);
	map_release(&a->homes);
	map_release(&a->domains);
	map_release(&a->logins);
	arena_release(&a->arena);
	free(a);
}

/* --- answers */

const struct map_count *accounts_map_count(const struct accounts *a, size_t map)
{
	return &a->counts[map];
}

struct str accounts_uid(const struct accounts *a, int64_t uid, char *buf)
{
	const struct owner *o =
		map_get(&a->uids, (struct str){ (const char *)&uid, sizeof(uid) });

	if (o)
		return name_of(o);
	return (struct str){ buf, (size_t)snprintf(buf, 24, "#%lld", (long long)uid) };
}

bool accounts_is_mailer(const struct accounts *a, struct str user)
{
	for (size_t i = 0; i < a->nmailers; i++)
		if (str_eq(a->mailers[i], user))
			return true;
	return false;
}

bool accounts_is_shared(const struct accounts *a, struct str user)
{
	const struct owner *o = map_get(&a->names, user);

	return o && o->is_shared;
}

bool accounts_known(const struct accounts *a, struct str name)
{
	const struct owner *o = map_get(&a->names, name);

	return o && !o->is_shared;
}

/* From the path itself upwards: the longest home wins. */
static const struct owner *home_above(const struct accounts *a, struct str path)
{
	const struct owner *o = NULL;

	while (!o && path.n > 1) {
		o = map_get(&a->homes, path);
		path.n = str_rchr(path, '/');
	}
	return o;
}

/* The component at the pattern's last star. Empty when the path is another, or
 * ends there: "/home/x.php" is a file, not a home. */
struct str account_match(struct str pattern, struct str path)
{
	struct str star = STR_NONE;

	while (pattern.n > 1) {
		struct str want = account_next_part(&pattern);
		struct str have = path.n ? account_next_part(&path) : STR_NONE;

		if (str_eq(want, STR("*")))
			star = have;
		else if (!str_eq(want, have))
			return STR_NONE;
		if (!have.n)
			return STR_NONE;
	}
	return star;
}

/* `part` is a component that stands for an account, or for a domain of one.
 * One that nobody knows is taken at its word only as a directory. */
static struct str site_owner(const struct accounts *a, struct str part, bool is_directory)
{
	struct str owner;

	if (accounts_is_shared(a, part))
		return STR_NONE;
	if (accounts_known(a, part))
		return part;
	owner = accounts_domain(a, part);
	if (owner.n)
		return owner;
	return is_directory ? part : STR_NONE;
}

struct str accounts_path(const struct accounts *a, struct str path)
{
	const struct owner *o;
	size_t i;

	if (!account_is_clean(path))
		return STR_NONE;
	o = home_above(a, path);
	if (o)
		return name_of(o);
	for (i = 0; i < a->npatterns; i++) {
		struct str part = account_match(a->patterns[i], path);

		if (part.n)
			return site_owner(a, part, part.p + part.n < path.p + path.n);
	}
	return STR_NONE;
}

struct str accounts_domain(const struct accounts *a, struct str domain)
{
	char buf[ACCOUNT_DOMAIN_MAX];
	const struct owner *o = NULL;

	if (str_ends(domain, STR(".")))
		domain.n--;
	domain = account_key(domain, buf, sizeof(buf));
	while (!o && domain.n) {
		o = map_get(&a->domains, domain);
		domain = str_skip(domain, str_chr(domain, '.') + 1);
	}
	return name_or_none(o);
}

/* STR_NONE: no user of passwd, or a shared one. */
static struct str own_user(const struct accounts *a, struct str name)
{
	const struct owner *o = map_get(&a->names, name);

	return o && o->is_user ? name_or_none(o) : STR_NONE;
}

struct str accounts_login(const struct accounts *a, struct str login)
{
	char buf[ACCOUNT_LOGIN_MAX];
	struct str key = account_key(login, buf, sizeof(buf));
	const struct owner *o = key.n ? map_get(&a->logins, key) : NULL;
	size_t at = str_rchr(login, '@');
	struct str domain = str_skip(login, at + 1), user;

	if (o)
		return name_or_none(o);
	user = own_user(a, login);
	if (user.n || at == login.n)
		return user;
	/* Postfix and Dovecot append the host's own name as the realm. */
	if (str_eq_nocase(domain, a->hostname))
		user = own_user(a, str_head(login, at));
	return user.n ? user : accounts_domain(a, domain);
}

static bool in_networks(const struct accounts *a, struct str ip)
{
	struct network address;
	size_t i;

	if (str_chr(ip, '/') < ip.n || !network_parse(ip, &address))
		return false;
	for (i = 0; i < a->nnetworks; i++)
		if (network_has(&a->networks[i], &address))
			return true;
	return false;
}

bool accounts_trusted_ip(const struct accounts *a, struct str ip)
{
	struct trusted *kept = &a->trusted[hash_str(0, ip) % ACCOUNT_TRUSTED_KEPT];

	if (!ip.n || ip.n > sizeof(kept->ip))
		return false;
	if (kept->n != ip.n || memcmp(kept->ip, ip.p, ip.n) != 0) {
		memcpy(kept->ip, ip.p, ip.n);
		kept->n = ip.n;
		kept->is = in_networks(a, ip);
	}
	return kept->is;
}

struct str accounts_log(const struct accounts *a, const struct source_spec *spec,
			struct str path)
{
	return strcmp(spec->account, "auto") ? str_of(spec->account) : accounts_path(a, path);
}
