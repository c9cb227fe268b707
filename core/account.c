/* The owner maps: passwd, domain and login maps, home patterns, networks.
 *
 * Invariant: an answer is a user of passwd, the right side of a map line or a
 * component of a clean path; a path or domain that is not clean has no owner.
 * When two lines say different things, the first one counts. */
#include "core/account.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "core/network.h"

/* Users below this are the system's own: their homes own no files, except
 * below /home/, where old hosts have customers with small uids. */
#define FIRST_USER_UID 1000
#define DOMAIN_MAX 255 /* RFC 1035, 2.3.4 */
#define LOGIN_MAX 512

struct owner {
	struct str name;
	bool is_user; /* in passwd */
	bool is_shared;
};

struct accounts {
	struct arena arena;
	struct map names; /* name -> struct owner */
	struct map uids; /* bytes of an int64_t -> struct owner */
	struct map homes; /* directory without its last '/' -> struct owner */
	struct map domains; /* in lower case -> struct owner */
	struct map logins; /* in lower case -> struct owner */
	struct str hostname;
	struct str *patterns; /* home patterns, with their last '/' */
	size_t npatterns;
	struct network *networks;
	size_t nnetworks;
};

/* --- names */

static struct owner *owner_of(struct accounts *a, struct str name)
{
	struct owner *o = map_get(&a->names, name);

	if (o)
		return o;
	o = arena_alloc(&a->arena, sizeof(*o));
	*o = (struct owner){ .name = arena_str(&a->arena, name) };
	map_put(&a->names, name, o);
	return o;
}

/* The first line counts. */
static void put_first(struct map *m, struct str key, struct owner *o)
{
	if (key.n && !map_get(m, key))
		map_put(m, key, o);
}

static struct str name_or_none(const struct owner *o)
{
	return o && !o->is_shared ? o->name : STR_NONE;
}

/* Into buf; STR_NONE when it is too long or holds what no name holds. */
static struct str lower(struct str s, char *buf, size_t size)
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

static struct str next_part(struct str *path)
{
	struct str part;

	*path = str_skip(*path, 1);
	part = str_head(*path, str_chr(*path, '/'));
	*path = str_skip(*path, part.n);
	return part;
}

/* Absolute, without NUL and without "." or ".." as a component. */
static bool is_clean(struct str path)
{
	if (!str_starts(path, STR("/")) || str_chr(path, '\0') < path.n)
		return false;
	while (path.n) {
		struct str part = next_part(&path);

		if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return false;
	}
	return true;
}

/* A directory as the key of `homes`: "/" and other top directories, which hold
 * more than one account, are none. */
static struct str home_key(struct str home)
{
	while (home.n > 1 && str_ends(home, STR("/")))
		home.n--;
	if (!is_clean(home) || str_rchr(home, '/') == 0)
		return STR_NONE;
	return home;
}

static bool is_system_tree(struct str path)
{
	static const struct str trees[] = {
		STR("/bin/"), STR("/boot/"), STR("/dev/"), STR("/etc/"), STR("/lib/"),
		STR("/proc/"), STR("/run/"), STR("/sbin/"), STR("/sys/"), STR("/tmp/"),
		STR("/usr/"), STR("/var/lib/"), STR("/var/log/"), STR("/var/run/"),
		STR("/var/spool/"),
	};
	static const struct str containers[] = {
		STR("/var/lib"), STR("/var/mail"), STR("/var/spool"), STR("/var/www"),
	};
	size_t i;

	for (i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		if (str_starts(path, trees[i]))
			return true;
	for (i = 0; i < sizeof(containers) / sizeof(*containers); i++)
		if (str_eq(path, containers[i]))
			return true;
	return false;
}

static bool owns_home(const struct owner *o, int64_t uid, struct str home)
{
	if (o->is_shared || is_system_tree(home))
		return false;
	return uid >= FIRST_USER_UID || str_starts(home, STR("/home/"));
}

/* --- reading the maps */

static struct str next_line(struct str *text)
{
	size_t n = str_chr(*text, '\n');
	struct str line = str_head(*text, n);

	*text = str_skip(*text, n + 1);
	return line;
}

static struct str next_field(struct str *line)
{
	size_t n = str_chr(*line, ':');
	struct str field = str_head(*line, n);

	*line = str_skip(*line, n + 1);
	return field;
}

/* "name:password:uid:gid:gecos:home:shell"; other lines (NIS's "+") say nothing. */
static void read_passwd_line(struct accounts *a, struct str line)
{
	struct str field[6];
	struct owner *o;
	int64_t uid;
	size_t i;

	for (i = 0; i < 6; i++)
		field[i] = next_field(&line);
	if (!field[0].n || !str_int(field[2], &uid))
		return;
	o = owner_of(a, field[0]);
	o->is_user = true;
	put_first(&a->uids, (struct str){ (const char *)&uid, sizeof(uid) }, o);
	field[5] = home_key(field[5]);
	if (owns_home(o, uid, field[5]))
		put_first(&a->homes, field[5], o);
}

/* "name: account"; "#" begins a comment line. cPanel's "*: nobody" is no name. */
static bool split_map_line(struct str line, struct str *name, struct str *account)
{
	size_t colon = str_chr(line, ':');

	*name = str_trim(str_head(line, colon));
	*account = str_trim(str_skip(line, colon + 1));
	return name->n && account->n && *name->p != '#' && !str_eq(*name, STR("*"));
}

static void read_domain_line(struct accounts *a, struct str line)
{
	char buf[DOMAIN_MAX];
	struct str name, account;

	if (!split_map_line(line, &name, &account))
		return;
	str_eat(&name, STR("*."));
	put_first(&a->domains, lower(name, buf, sizeof(buf)), owner_of(a, account));
}

static void read_login_line(struct accounts *a, struct str line)
{
	char buf[LOGIN_MAX];
	struct str name, account;

	if (split_map_line(line, &name, &account))
		put_first(&a->logins, lower(name, buf, sizeof(buf)), owner_of(a, account));
}

static const struct map_format {
	struct str name;
	void (*read_line)(struct accounts *a, struct str line);
} map_formats[] = {
	{ STR("passwd"), read_passwd_line },
	{ STR("domains"), read_domain_line },
	{ STR("logins"), read_login_line },
};

static void read_map(struct accounts *a, const struct map_text *map)
{
	struct str text = map->text;
	size_t i;

	for (i = 0; i < sizeof(map_formats) / sizeof(*map_formats); i++)
		while (str_eq(map_formats[i].name, str_of(map->format)) && text.n)
			map_formats[i].read_line(a, next_line(&text));
}

/* --- life */

static void copy_settings(struct accounts *a, const struct settings *s)
{
	size_t i;

	a->hostname = arena_str(&a->arena, str_of(s->hostname));
	for (i = 0; i < s->accounts.shared.n; i++)
		owner_of(a, str_of(s->accounts.shared.at[i]))->is_shared = true;
	a->npatterns = s->accounts.homes.n;
	a->patterns = arena_alloc(&a->arena, a->npatterns * sizeof(*a->patterns));
	for (i = 0; i < a->npatterns; i++)
		a->patterns[i] = arena_str(&a->arena, str_of(s->accounts.homes.at[i]));
	a->networks = arena_alloc(&a->arena, s->networks.n * sizeof(*a->networks));
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
	for (i = 0; i < nmaps; i++)
		read_map(a, &maps[i]);
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

struct str accounts_uid(const struct accounts *a, int64_t uid, char *buf)
{
	const struct owner *o =
		map_get(&a->uids, (struct str){ (const char *)&uid, sizeof(uid) });

	if (o)
		return o->name;
	return (struct str){ buf, (size_t)snprintf(buf, 24, "#%lld", (long long)uid) };
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
static struct str match_pattern(struct str pattern, struct str path)
{
	struct str star = STR_NONE;

	while (pattern.n > 1) {
		struct str want = next_part(&pattern);
		struct str have = path.n ? next_part(&path) : STR_NONE;

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

	if (!is_clean(path))
		return STR_NONE;
	o = home_above(a, path);
	if (o)
		return o->name;
	for (i = 0; i < a->npatterns; i++) {
		struct str part = match_pattern(a->patterns[i], path);

		if (part.n)
			return site_owner(a, part, part.p + part.n < path.p + path.n);
	}
	return STR_NONE;
}

struct str accounts_domain(const struct accounts *a, struct str domain)
{
	char buf[DOMAIN_MAX];
	const struct owner *o = NULL;

	if (str_ends(domain, STR(".")))
		domain.n--;
	domain = lower(domain, buf, sizeof(buf));
	while (!o && domain.n) {
		o = map_get(&a->domains, domain);
		domain = str_skip(domain, str_chr(domain, '.') + 1);
	}
	return name_or_none(o);
}

static bool is_own_user(const struct accounts *a, struct str name)
{
	const struct owner *o = map_get(&a->names, name);

	return o && o->is_user && !o->is_shared;
}

struct str accounts_login(const struct accounts *a, struct str login)
{
	char buf[LOGIN_MAX];
	struct str key = lower(login, buf, sizeof(buf));
	const struct owner *o = key.n ? map_get(&a->logins, key) : NULL;
	size_t at = str_rchr(login, '@');
	struct str domain = str_skip(login, at + 1);

	if (o)
		return name_or_none(o);
	if (is_own_user(a, login))
		return login;
	if (at == login.n)
		return STR_NONE;
	/* Postfix and Dovecot append the host's own name as the realm. */
	if (str_eq_nocase(domain, a->hostname) && is_own_user(a, str_head(login, at)))
		return str_head(login, at);
	return accounts_domain(a, domain);
}

bool accounts_trusted_ip(const struct accounts *a, struct str ip)
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

struct str accounts_log(const struct accounts *a, const struct source_spec *spec,
			struct str path)
{
	return strcmp(spec->account, "auto") ? str_of(spec->account) : accounts_path(a, path);
}
