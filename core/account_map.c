/* Reading owner maps: passwd, flat maps, the files of hosting panels.
 *
 * Invariant: what a format does not understand, or what names nobody, is counted
 * and changes nothing. The first line about a name counts. A name of an account
 * holds no blank and no control character: it is shown in commands. */
#include "core/account_state.h"

/* Users below this are the system's own: their homes own no files, except
 * below /home/, where old hosts have customers with small uids. */
#define FIRST_USER_UID 1000
#define LINE_MAX_BYTES (64 * 1024) /* hestia: all aliases of a domain are one line */
#define NAME_MAX_BYTES 255

/* One file that is being read. */
struct reading {
	struct accounts *a;
	const struct map_text *map;
	struct map_count *count;
	struct str owner; /* the part of the path at the pattern's star; may be none */
	int64_t line;
};

/* The first line counts. */
static void put_first(struct map *m, struct str key, struct owner *o)
{
	if (key.n && !map_get(m, key))
		map_put(m, key, o);
}

/* Of a line: one that says nothing of use, and does not try to. */
static bool is_comment(struct str line)
{
	line = str_trim(line);
	return !line.n || *line.p == '#';
}

static void bad(struct reading *r)
{
	if (!r->count->bad++)
		r->count->bad_line = r->line;
}

/* NULL: no name of an account. */
static struct owner *named(struct reading *r, struct str account)
{
	size_t i;

	if (!account.n || account.n > NAME_MAX_BYTES)
		return NULL;
	for (i = 0; i < account.n; i++)
		if ((unsigned char)account.p[i] <= ' ' || account.p[i] == 0x7f)
			return NULL;
	return account_owner(r->a, account);
}

static void own_domain(struct reading *r, struct str domain, struct owner *o)
{
	char buf[ACCOUNT_DOMAIN_MAX];
	struct str key;

	str_eat(&domain, STR("*."));
	key = account_key(domain, buf, sizeof(buf));
	if (!key.n || !o) {
		bad(r);
		return;
	}
	put_first(&r->a->domains, key, o);
	r->count->names++;
}

static void own_login(struct reading *r, struct str login, struct owner *o)
{
	char buf[ACCOUNT_LOGIN_MAX];
	struct str key = account_key(login, buf, sizeof(buf));

	if (!key.n || !o) {
		bad(r);
		return;
	}
	put_first(&r->a->logins, key, o);
	r->count->names++;
}

/* "@example.com", or a name without "@" and with a dot, is a domain. */
static void own_either(struct reading *r, struct str name, struct owner *o)
{
	if (str_eat(&name, STR("@")) || str_chr(name, '@') == name.n)
		own_domain(r, name, o);
	else
		own_login(r, name, o);
}

/* --- homes */

/* A directory as the key of `homes`: "/" and other top directories, which hold
 * more than one account, are none. */
static struct str home_key(struct str home)
{
	while (home.n > 1 && str_ends(home, STR("/")))
		home.n--;
	if (!account_is_clean(home) || str_rchr(home, '/') == 0)
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

/* Never what is somebody else's: customers choose their document roots. */
static void own_home(struct reading *r, struct str home, struct owner *o)
{
	struct str now;

	home = home_key(home);
	if (!home.n || !o || o->is_shared || is_system_tree(home))
		return;
	now = accounts_path(r->a, home);
	if (now.n && !str_eq(now, o->name))
		bad(r);
	else
		put_first(&r->a->homes, home, o);
}

/* Whose files lie there; NULL: nobody's. */
static struct owner *owner_of_path(struct reading *r, struct str path)
{
	struct str owner = accounts_path(r->a, path);

	return owner.n ? named(r, owner) : NULL;
}

static struct owner *owner_of_uid(struct reading *r, struct str uid)
{
	int64_t value;
	struct owner *o;

	if (!str_int(uid, &value))
		return NULL;
	o = map_get(&r->a->uids, (struct str){ (const char *)&value, sizeof(value) });
	return o && !o->is_shared ? o : NULL;
}

/* --- the formats, line by line */

static struct str next_field(struct str *line, char separator)
{
	size_t n = str_chr(*line, separator);
	struct str field = str_head(*line, n);

	*line = str_skip(*line, n + 1);
	return field;
}

/* "name:password:uid:gid:gecos:home:shell"; NIS's "+" lines say nothing. */
static void read_passwd(struct reading *r, struct str line)
{
	struct str field[6];
	struct owner *o;
	int64_t uid;
	size_t i;

	if (str_starts(line, STR("+")) || str_starts(line, STR("-")))
		return;
	for (i = 0; i < 6; i++)
		field[i] = next_field(&line, ':');
	o = str_int(field[2], &uid) ? named(r, field[0]) : NULL;
	if (!o) {
		bad(r);
		return;
	}
	o->is_user = true;
	put_first(&r->a->uids, (struct str){ (const char *)&uid, sizeof(uid) }, o);
	r->count->names++;
	field[5] = home_key(field[5]);
	if (!owns_home(o, uid, field[5]))
		return;
	put_first(&r->a->homes, field[5], o);
	if (!o->home.n)
		o->home = field[5]; /* lives as long as the map's text: see account_settle */
}

/* "name: account". cPanel's "*: nobody" is no name. */
static struct owner *split_flat(struct reading *r, struct str line, struct str *name)
{
	*name = str_trim(next_field(&line, ':'));
	return named(r, str_trim(line));
}

static bool is_rest(struct str line)
{
	return str_eq(str_trim(next_field(&line, ':')), STR("*"));
}

static void read_domains(struct reading *r, struct str line)
{
	struct str name;
	struct owner *o = split_flat(r, line, &name);

	if (!is_rest(line))
		own_domain(r, name, o);
}

static void read_logins(struct reading *r, struct str line)
{
	struct str name;
	struct owner *o = split_flat(r, line, &name);

	if (!is_rest(line))
		own_login(r, name, o);
}

/* cPanel's /etc/userdatadomains: "domain: account==reseller==kind==main
 * domain==document root==address:port==..." */
static void read_userdatadomains(struct reading *r, struct str line)
{
	struct str domain = str_trim(next_field(&line, ':')), part[5];
	struct owner *o;
	size_t i;

	line = str_trim(line);
	for (i = 0; i < 5; i++) {
		size_t n = str_find(line, STR("=="));

		part[i] = str_head(line, n);
		line = str_skip(line, n + 2);
	}
	if (str_eq(domain, STR("*")))
		return;
	o = part[1].n ? named(r, part[0]) : NULL;
	own_domain(r, domain, o);
	own_home(r, part[4], o);
}

/* The source of a Postfix map (texthash, hash, regexp is not read): "key value".
 * The value is a uid, a path, or the account's name. */
static void read_postfix(struct reading *r, struct str line)
{
	size_t n = 0;
	struct str key, value;
	struct owner *o;

	if (*line.p == ' ' || *line.p == '\t')
		return; /* goes on with the line before */
	line = str_trim(line);
	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
		n++;
	key = str_head(line, n);
	value = str_trim(str_skip(line, n));
	if (str_starts(value, STR("/")))
		o = owner_of_path(r, value);
	else if (value.n && *value.p >= '0' && *value.p <= '9')
		o = owner_of_uid(r, value);
	else
		o = str_chr(value, '@') < value.n || str_chr(value, '/') < value.n ||
				    str_chr(value, ',') < value.n ?
			    NULL :
			    named(r, value);
	own_either(r, key, o);
}

/* Dovecot's passwd-file: "user:password:uid:gid:gecos:home:shell:extra". The home
 * says more than a uid that mailboxes may share. */
static void read_dovecot(struct reading *r, struct str line)
{
	struct str field[6];
	struct owner *o;
	size_t i;

	for (i = 0; i < 6; i++)
		field[i] = next_field(&line, ':');
	o = owner_of_path(r, field[5]);
	if (!o)
		o = owner_of_uid(r, field[2]);
	own_login(r, field[0], o);
}

/* --- HestiaCP, VestaCP: data/users/ACCOUNT/web.conf and mail.conf */

/* The value of KEY='value' in the line; STR_NONE: there is none. */
static struct str quoted_value(struct str line, struct str key)
{
	while (line.n) {
		struct str name = next_field(&line, '=');

		if (!str_eat(&line, STR("'")) || str_chr(line, '\'') == line.n)
			return STR_NONE;
		if (str_eq(str_trim(name), key))
			return str_head(line, str_chr(line, '\''));
		next_field(&line, '\'');
	}
	return STR_NONE;
}

static void read_hestia(struct reading *r, struct str line)
{
	struct owner *o = named(r, r->owner);
	struct str aliases = quoted_value(line, STR("ALIAS"));

	own_domain(r, quoted_value(line, STR("DOMAIN")), o);
	own_home(r, quoted_value(line, STR("CUSTOM_DOCROOT")), o);
	while (o && aliases.n)
		own_domain(r, next_field(&aliases, ','), o);
}

/* --- Virtualmin: virtual-server/domains/ID, one domain a file, "key=value" lines */

struct virtualmin {
	struct str dom, user, home;
};

static void read_virtualmin_line(struct virtualmin *v, struct str line)
{
	struct str key = next_field(&line, '=');

	if (str_eq(key, STR("dom")))
		v->dom = line;
	else if (str_eq(key, STR("user")))
		v->user = line;
	else if (str_eq(key, STR("home")))
		v->home = line;
}

/* Mailboxes are users of passwd with homes below homes/ of the domain's home. */
static void own_virtualmin(struct reading *r, const struct virtualmin *v)
{
	struct owner *o = named(r, v->user);

	own_domain(r, v->dom, o);
	own_home(r, v->home, o);
	if (o)
		o->is_panel = true;
}

/* --- files */

static struct str next_line(struct str *text)
{
	struct str line = next_field(text, '\n');

	if (str_ends(line, STR("\r")))
		line.n--;
	return line;
}

static const struct map_format {
	const char *name;
	void (*read_line)(struct reading *r, struct str line);
} map_formats[] = {
	{ "passwd", read_passwd },
	{ "domains", read_domains },
	{ "logins", read_logins },
	{ "userdatadomains", read_userdatadomains },
	{ "postfix", read_postfix },
	{ "dovecot", read_dovecot },
	{ "hestia", read_hestia },
	{ "virtualmin", NULL }, /* the whole file is one entry */
};

const char *const account_map_formats[] = { "passwd", "domains", "logins", "userdatadomains",
					    "postfix", "dovecot", "hestia", "virtualmin", NULL };

static void read_lines(struct reading *r, void (*read_line)(struct reading *r, struct str line))
{
	struct str text = r->map->text;

	while (text.n) {
		struct str line = next_line(&text);

		r->line++;
		if (line.n > LINE_MAX_BYTES)
			bad(r);
		else if (!is_comment(line))
			read_line(r, line);
	}
}

static void read_virtualmin(struct reading *r)
{
	struct str text = r->map->text;
	struct virtualmin v = { STR_NONE, STR_NONE, STR_NONE };

	while (text.n)
		read_virtualmin_line(&v, next_line(&text));
	r->line = 1;
	if (r->map->text.n)
		own_virtualmin(r, &v);
}

void account_read_map(struct accounts *a, const struct map_text *map, struct map_count *count)
{
	struct reading r = { .a = a, .map = map, .count = count };
	size_t i;

	if (map->pattern)
		r.owner = account_match(str_of(map->pattern), str_of(map->path));
	for (i = 0; i < sizeof(map_formats) / sizeof(*map_formats); i++) {
		if (strcmp(map_formats[i].name, map->format) != 0)
			continue;
		if (map_formats[i].read_line)
			read_lines(&r, map_formats[i].read_line);
		else
			read_virtualmin(&r);
	}
}

/* A user whose home is HOME/homes/... of a panel's account is that account's mailbox. */
static struct owner *lord_of(const struct accounts *a, const struct owner *user)
{
	const struct str below = STR("/homes");
	struct str home = str_head(user->home, str_rchr(user->home, '/'));
	struct owner *o;

	if (home.n == user->home.n || !str_ends(home, below))
		return NULL;
	home.n -= below.n;
	o = map_get(&a->homes, home);
	return o && o != user && o->is_panel ? o : NULL;
}

void account_settle(struct accounts *a)
{
	struct map_slot *at;
	size_t i = 0;

	while ((at = map_next(&a->names, &i))) {
		struct owner *o = at->value;

		o->lord = o->is_user && !o->is_shared ? lord_of(a, o) : NULL;
	}
	for (i = 0; (at = map_next(&a->names, &i));)
		((struct owner *)at->value)->home = STR_NONE;
}
