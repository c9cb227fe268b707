/* What a visit teaches, and how a script came here.
 *
 * Invariant: a network becomes the stream's own by being seen on several days, and
 * never while the stream is suspicious; what is kept is bounded, and nothing here
 * judges. A stream changes at most once an hour by being read, since mail clients
 * come by every minute. */
#include "core/visit.h"

#include "core/habit.h"

bool visit_is_mail(struct str service)
{
	return !str_eq(service, STR("ssh")) && !str_eq(service, STR("sftp")) &&
	       !str_eq(service, STR("ftp"));
}

bool visit_is_script(struct str path)
{
	static const struct str endings[] = { STR(".pl"), STR(".cgi"), STR(".py"), STR(".sh") };
	struct str name = path;
	size_t slash = str_rchr(path, '/');

	if (slash < path.n)
		name = str_skip(path, slash + 1);
	/* .php, .php5, .phtml, .phar; also in front of a second ending */
	for (size_t i = 0; i + 3 <= name.n; i++)
		if (str_starts_nocase(str_skip(name, i), STR(".ph")))
			return true;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (name.n > endings[i].n &&
		    str_eq_nocase(str_skip(name, name.n - endings[i].n), endings[i]))
			return true;
	return false;
}

static struct geo_place place_of(const struct visit *v)
{
	struct geo_place place = { 0 };

	if (v->world->geo)
		geo_find(v->world->geo, v->ip, &place);
	return place;
}

static bool is_here(const struct visit *v)
{
	return accounts_trusted_ip(v->world->accounts, v->ip);
}

bool visit_learn(struct stream *s, const struct visit *v, bool calm)
{
	uint32_t net = stream_net_of(v->ip), now = (uint32_t)(v->time / USEC_MINUTE);
	struct stream_net *n;
	struct geo_place place;
	bool fresh;

	if (!net || !calm || is_here(v))
		return false;
	n = stream_read(s, net, v->time, &fresh);
	if (!fresh && now / 60 <= n->last / 60)
		return false;
	if (fresh) {
		place = place_of(v);
		n->asn = place.asn;
		memcpy(n->country, place.country, sizeof(n->country));
	}
	n->days += (fresh || now / 1440 != n->last / 1440) && n->days < UINT16_MAX;
	n->last = now > n->last ? now : n->last;
	if (v->time > s->last)
		s->last = v->time;
	return true;
}

static bool own_in(const struct stream_net *list, int n, uint32_t net, usec_t now)
{
	for (int i = 0; i < n; i++)
		if (list[i].net == net)
			return habit_own_net(&list[i], now);
	return false;
}

bool visit_is_own(const struct stream *s, struct str ip, usec_t now)
{
	uint32_t net = stream_net_of(ip);

	return net && (own_in(s->nets, s->nnets, net, now) ||
		       own_in(s->reads, s->nreads, net, now));
}

/* An account that nobody came in to before has no place to be strange to. */
static bool is_strange(const struct stream *s, const struct visit *v,
		       const struct geo_place *place)
{
	uint32_t net = stream_net_of(v->ip);
	bool any = false;

	for (int i = 0; i < s->nreads; i++) {
		const struct stream_net *n = &s->reads[i];

		if (!habit_own_net(n, v->time))
			continue;
		any = true;
		if (n->net == net ||
		    (place->country[0] && n->country[0] == place->country[0] &&
		     n->country[1] == place->country[1]))
			return false;
	}
	return any && net && !is_here(v);
}

/* SFTP's lines name a file and no address: that of the newest SSH login is meant. */
static void borrow_address(const struct stream *s, struct stream_entry *e)
{
	for (int i = s->nentries; i-- > 0;) {
		const struct stream_entry *login = &s->entries[i];

		if (login->path || !login->ssh)
			continue;
		memcpy(e->ip, login->ip, sizeof(e->ip));
		memcpy(e->country, login->country, sizeof(e->country));
		e->strange = login->strange;
		e->refused = login->refused;
		return;
	}
}

void visit_enter(struct stream *account, const struct visit *v, struct str path)
{
	struct geo_place place = place_of(v);
	struct stream_entry e = { .minute = (uint32_t)(v->time / USEC_MINUTE),
				  .ssh = !str_eq(v->service, STR("ftp")) };

	e.path = path.n ? stream_path_hash(path) : 0;
	if (v->ip.n && v->ip.n < sizeof(e.ip)) {
		memcpy(e.ip, v->ip.p, v->ip.n);
		memcpy(e.country, place.country, sizeof(e.country));
		e.strange = is_strange(account, v, &place);
		if (v->time - account->refused_login < USEC_DAY)
			e.refused = (uint16_t)account->refused_logins;
	} else if (e.ssh) {
		borrow_address(account, &e);
	}
	stream_enter(account, &e);
}

/* A server in a chroot tells the end of a path only. */
static bool is_upload_of(const struct stream_entry *e, struct str script)
{
	for (size_t i = 0; i < script.n; i++)
		if (script.p[i] == '/' && stream_path_hash(str_skip(script, i)) == e->path)
			return true;
	return false;
}

const struct stream_entry *visit_before(const struct stream *account, struct str script,
					usec_t now)
{
	const struct stream_entry *login = NULL;

	for (int i = account->nentries; i-- > 0;) {
		const struct stream_entry *e = &account->entries[i];
		usec_t ago = now - e->minute * USEC_MINUTE;

		if (e->path && ago < VISIT_UPLOAD_LATELY &&
		    (script.n ? is_upload_of(e, script) : e->strange))
			return e;
		if (!e->path && e->strange && ago < VISIT_LOGIN_LATELY && !login)
			login = e;
	}
	return login;
}
