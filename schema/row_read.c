/* From rows to structs, the mirror image of row_write.c.
 *
 * Invariant: a NULL reads as the usual value that 0001_init.sql names, so what
 * was written comes back byte for byte; only the response of what was plainly
 * sent is not there. Values a damaged file may hold are put in range. */
#include "schema/row_read.h"

#include "base/stamp.h"
#include "schema/cells.h"

#define MESSAGE_COLUMNS \
	"m.time, m.took, o.host, o.instance, m.queue_id, m.state, m.direction, m.channel," \
	" a.text, m.via, m.ambiguous, l.text, u.text, m.uid, c.ip, c.name, c.helo, w.text," \
	" s.text, m.script_line, m.php, m.sender_local, d.text, m.subject, m.message_id," \
	" m.size, m.parent_id, m.parent, m.rcpt_dropped, m.aliases, m.evidence," \
	" m.work"

static const struct sql_text statements[] = {
	{ offsetof(struct row_reader, message),
	  "SELECT " MESSAGE_COLUMNS " FROM message m"
	  " LEFT JOIN origin o ON o.id = m.origin LEFT JOIN account a ON a.id = m.account"
	  " LEFT JOIN login l ON l.id = m.login LEFT JOIN login u ON u.id = m.user"
	  " LEFT JOIN client c ON c.id = m.client LEFT JOIN path w ON w.id = m.cwd"
	  " LEFT JOIN path s ON s.id = m.script LEFT JOIN domain d ON d.id = m.sender_domain"
	  " WHERE m.id = ?1" },
	{ offsetof(struct row_reader, recipients),
	  "SELECT r.local, d.text, r.orig_to, r.status, r.place, r.dsn, y.host, y.ip, p.text,"
	  " r.delay FROM recipient r LEFT JOIN domain d ON d.id = r.domain"
	  " LEFT JOIN relay y ON y.id = r.relay LEFT JOIN response p ON p.id = r.response"
	  " WHERE r.message = ?1 ORDER BY r.n" },
	{ offsetof(struct row_reader, php),
	  "SELECT p.time, p.state, o.host, a.text, s.text, p.script_line, p.eval, p.tenant,"
	  " p.rcpt, p.subject, p.headers, p.message_id, p.uid, p.pid, p.ambiguous, p.message"
	  " FROM php_mail p LEFT JOIN origin o ON o.id = p.origin"
	  " LEFT JOIN account a ON a.id = p.account LEFT JOIN path s ON s.id = p.script"
	  " WHERE p.id = ?1" },
	{ offsetof(struct row_reader, find),
	  "SELECT m.id, m.time, m.took, m.queue_id, m.aliases FROM lookup l"
	  " CROSS JOIN message m ON m.id = l.message JOIN origin o ON o.id = m.origin"
	  " WHERE l.key = ?1 AND o.host = ?2 AND m.time BETWEEN ?3 AND ?4 ORDER BY m.id" },
};

int row_reader_init(struct row_reader *r, struct sql *db, struct error *err)
{
	return sql_prepare_all(db, r, statements, SQL_COUNT(statements), err);
}

int64_t lookup_hash(struct str id)
{
	return (int64_t)(str_hash(id, 0) & ((1 << LOOKUP_HASH_BITS) - 1));
}

struct str alias_id(struct str alias, struct str *instance)
{
	size_t slash = str_rchr(alias, '/');

	*instance = slash < alias.n ? str_head(alias, slash) : STR_NONE;
	return slash < alias.n ? str_skip(alias, slash + 1) : alias;
}

bool address_split(struct str address, struct str *local, struct str *domain)
{
	size_t at = str_rchr(address, '@');

	*local = address;
	*domain = STR_NONE;
	if (at + 1 >= address.n)
		return false;
	*local = str_head(address, at);
	*domain = str_skip(address, at + 1);
	return true;
}

static struct str take_address(struct cells_in *c)
{
	struct str local = sql_str(c->st, c->at++), domain = sql_str(c->st, c->at++);
	char *text;

	if (!domain.n)
		return arena_str_or_none(c->arena, local);
	text = arena_alloc(c->arena, local.n + 1 + domain.n + 1);
	if (local.n)
		memcpy(text, local.p, local.n);
	text[local.n] = '@';
	memcpy(text + local.n + 1, domain.p, domain.n);
	text[local.n + 1 + domain.n] = 0;
	return (struct str){ text, local.n + 1 + domain.n };
}

static void take_aliases(struct message *m, struct str list)
{
	size_t n = 1;

	if (!list.n)
		return;
	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == '\n';
	m->aliases = xcalloc(n, sizeof(*m->aliases));
	for (; m->naliases < n; m->naliases++) {
		size_t end = str_chr(list, '\n');

		m->aliases[m->naliases] = arena_str(&m->strings, str_head(list, end));
		list = str_skip(list, end + 1);
	}
}

static void take_where_from(struct cells_in *c, struct message *m)
{
	m->account = take_str(c);
	m->via = take_enum(c, 0, VIA_DOMAIN);
	m->ambiguous = take_int(c, 0);
	m->login = take_str(c);
	m->user = take_str(c);
	m->uid = take_int(c, -1);
	m->client_ip = take_str(c);
	m->client_name = take_str(c);
	m->helo = take_str(c);
	m->cwd = take_str(c);
	m->script = take_str(c);
	m->script_line = take_int(c, -1);
	m->php = take_int(c, 0);
}

static void take_content(struct cells_in *c, struct message *m)
{
	m->sender_null = !sql_is_null(c->st, c->at) && !sql_str(c->st, c->at).n &&
			 sql_is_null(c->st, c->at + 1);
	m->sender = take_address(c);
	m->subject = take_str(c);
	m->message_id = take_str(c);
	m->size = take_int(c, -1);
	m->parent_id = take_str(c);
	m->parent = take_int(c, 0);
	m->rcpt_dropped = (uint32_t)take_int(c, 0);
	take_aliases(m, sql_str(c->st, c->at++));
	message_work_unpack(m, sql_str(c->st, c->at++));
	message_work_unpack(m, sql_str(c->st, c->at++));
}

static void take_message(struct sql_stmt *st, struct message *m)
{
	struct cells_in c = { st, &m->strings, 0 };

	m->time = take_int(&c, 0);
	m->closed = sql_is_null(st, c.at) ? 0 : m->time + sql_int(st, c.at);
	c.at++;
	m->host = take_str(&c);
	m->instance = take_str(&c);
	m->queue_id = take_str(&c);
	m->state = take_enum(&c, MSG_DONE, MSG_LOST);
	m->direction = take_enum(&c, DIR_OUTBOUND, DIR_INBOUND);
	m->channel = take_enum(&c, 0, CHANNEL_INTERNAL);
	take_where_from(&c, m);
	take_content(&c, m);
}

static void take_recipient(struct sql_stmt *st, struct message *m)
{
	struct cells_in c = { st, &m->strings, 0 };
	struct recipient *r = message_recipient_add(m, STR_NONE);
	bool usual_dsn;

	if (!r)
		return;
	r->address = take_address(&c);
	r->orig_to = take_str(&c);
	r->status = take_enum(&c, RCPT_SENT, RCPT_REJECTED);
	r->place = take_enum(&c, PLACE_REMOTE, PLACE_REMOTE);
	usual_dsn = sql_is_null(st, c.at);
	r->dsn = take_str(&c);
	if (usual_dsn)
		r->dsn = STR("2.0.0");
	r->relay = take_str(&c);
	r->relay_ip = take_str(&c);
	r->response = take_str(&c);
	r->time = sql_is_null(st, c.at) ? 0 : m->time + sql_int(st, c.at);
}

int row_read_message(struct row_reader *r, int64_t id, struct message *m, struct error *err)
{
	int rc;

	sql_bind_int(r->message, 1, id);
	rc = sql_step(r->message, err);
	if (rc != 1)
		return rc;
	m->id = id;
	take_message(r->message, m);
	sql_reset(r->message);
	sql_bind_int(r->recipients, 1, id);
	while ((rc = sql_step(r->recipients, err)) == 1)
		take_recipient(r->recipients, m);
	return rc < 0 ? -1 : 1;
}

/* Is it one of the ids, one a line, of `aliases`? */
static bool is_alias(struct str aliases, struct str id)
{
	struct str instance;

	while (aliases.n) {
		size_t end = str_chr(aliases, '\n');

		if (str_eq(alias_id(str_head(aliases, end), &instance), id))
			return true;
		aliases = str_skip(aliases, end + 1);
	}
	return false;
}

static int64_t find_in_hour(struct row_reader *r, int64_t hour, struct str id, usec_t *seen,
			    usec_t *closed)
{
	int64_t row = 0;

	sql_bind_int(r->find, 1, hour << LOOKUP_HASH_BITS | lookup_hash(id));
	while (!row && sql_step(r->find, NULL) == 1) {
		if (!str_eq(sql_str(r->find, 3), id) && !is_alias(sql_str(r->find, 4), id))
			continue;
		row = sql_int(r->find, 0);
		*seen = sql_int(r->find, 1);
		*closed = sql_is_null(r->find, 2) ? 0 : *seen + sql_int(r->find, 2);
	}
	sql_reset(r->find);
	return row;
}

int64_t row_find(struct row_reader *r, struct str host, struct str id, usec_t time, usec_t *seen,
		 usec_t *closed)
{
	usec_t from = time - USEC_MINUTE, to = time + USEC_MINUTE;
	int64_t row = 0;

	sql_bind_str(r->find, 2, host);
	sql_bind_int(r->find, 3, from);
	sql_bind_int(r->find, 4, to);
	for (int64_t hour = from / USEC_HOUR; hour <= to / USEC_HOUR && !row; hour++)
		row = find_in_hour(r, hour, id, seen, closed);
	return row;
}

static void take_php(struct sql_stmt *st, struct php_mail *p)
{
	struct cells_in c = { st, &p->strings, 0 };

	p->time = take_int(&c, 0);
	p->state = take_enum(&c, PHP_MATCHED, PHP_UNMATCHED);
	p->host = take_str(&c);
	p->account = take_str(&c);
	p->script = take_str(&c);
	p->script_line = take_int(&c, -1);
	p->eval = take_int(&c, 0);
	p->tenant = take_int(&c, 0);
	p->to = take_str(&c);
	p->subject = take_str(&c);
	p->headers = take_str(&c);
	p->message_id = take_str(&c);
	p->uid = take_int(&c, -1);
	p->pid = (uint32_t)take_int(&c, 0);
	p->ambiguous = take_int(&c, 0);
	p->message = take_int(&c, 0);
}

int row_read_php(struct row_reader *r, int64_t id, struct php_mail *p, struct error *err)
{
	int rc;

	sql_bind_int(r->php, 1, id);
	rc = sql_step(r->php, err);
	if (rc != 1)
		return rc;
	p->id = id;
	take_php(r->php, p);
	sql_reset(r->php);
	return 1;
}
