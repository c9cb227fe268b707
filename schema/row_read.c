/* From rows to structs, the mirror image of row_write.c.
 *
 * Invariant: a NULL reads as the usual value that 0007_compact.sql names, so what
 * was written comes back byte for byte; only the response of what was plainly
 * sent is not there. Values a damaged file may hold are put in range. */
#include "schema/row_read.h"

#include "base/stamp.h"
#include "schema/cells.h"
#include "schema/hourly.h"
#include "schema/mid.h"
#include "schema/row_layout.h"

#define MESSAGE_COLUMNS \
	"m.time, m.took, m.kind, o.host, o.instance, m.queue_id, a.text, l.text, u.text, m.uid," \
	" c.ip, c.name, c.helo, w.text, s.text, m.script_line, m.php," \
	" coalesce(v.text, m.sender_local), d.text, coalesce(b.text, q.subject, m.subject)," \
	" m.message_id, m.message_domain, e.text, m.size, x.parent_id," \
	" x.parent, x.rcpt_dropped, x.aliases, m.evidence, m.work, m.rcpt_local, f.text," \
	" m.unsent, m.dsn, y.host, y.ip, p.text, m.delay"
#define AT_SINGLE 30 /* rcpt_local */

static const struct sql_text statements[] = {
	{ offsetof(struct row_reader, message),
	  "SELECT " MESSAGE_COLUMNS " FROM message_row m"
	  " LEFT JOIN origin o ON o.id = m.origin LEFT JOIN account a ON a.id = m.account"
	  " LEFT JOIN login l ON l.id = m.login LEFT JOIN login u ON u.id = m.user"
	  " LEFT JOIN client c ON c.id = m.client LEFT JOIN path w ON w.id = m.cwd"
	  " LEFT JOIN path s ON s.id = m.script LEFT JOIN domain d ON d.id = m.sender_domain"
	  " LEFT JOIN word v ON v.id = m.sender_local AND typeof(m.sender_local) = 'integer'"
	  " LEFT JOIN php_row q ON q.id = m.php AND m.subject IS 0"
	  " LEFT JOIN word b ON b.id = coalesce(q.subject, m.subject)"
	  "  AND typeof(coalesce(q.subject, m.subject)) = 'integer'"
	  " LEFT JOIN domain e ON e.id = coalesce(m.message_domain, m.sender_domain)"
	  " LEFT JOIN domain f ON f.id = m.rcpt_domain LEFT JOIN relay y ON y.id = m.relay"
	  " LEFT JOIN response p ON p.id = m.response" WITH_MORE " WHERE m.id = ?1" },
	{ offsetof(struct row_reader, recipients),
	  "SELECT r.local, d.text, r.orig_to, r.status, r.place, r.dsn, y.host, y.ip, p.text,"
	  " r.delay FROM recipient_row r LEFT JOIN domain d ON d.id = r.domain"
	  " LEFT JOIN relay y ON y.id = r.relay LEFT JOIN response p ON p.id = r.response"
	  " WHERE r.message = ?1 ORDER BY r.n" },
	{ offsetof(struct row_reader, php),
	  "SELECT p.time, p.state, p.flags, o.host, a.text, s.text, p.script_line, p.rcpt_local,"
	  " d.text, coalesce(b.text, p.subject), h.text, p.message_id, p.message_domain, e.text, p.uid, p.pid,"
	  " p.message FROM php_row p LEFT JOIN origin o ON o.id = p.origin"
	  " LEFT JOIN account a ON a.id = p.account LEFT JOIN path s ON s.id = p.script"
	  " LEFT JOIN word b ON b.id = p.subject AND typeof(p.subject) = 'integer'"
	  " LEFT JOIN domain d ON d.id = p.rcpt_domain LEFT JOIN domain e ON e.id ="
	  " p.message_domain LEFT JOIN php_headers h ON h.id = p.headers WHERE p.id = ?1" },
	{ offsetof(struct row_reader, find),
	  "SELECT m.time, m.took, m.queue_id, x.aliases FROM message_row m" WITH_MORE
	  " JOIN origin o ON o.id = m.origin WHERE m.id = ?1 AND o.host = ?2"
	  " AND m.time BETWEEN ?3 AND ?4" },
	{ offsetof(struct row_reader, range),
	  "SELECT min(first), max(last) FROM minute WHERE what = 0 AND minute BETWEEN ?1 AND ?2" },
};

int row_reader_init(struct row_reader *r, struct sql *db, struct error *err)
{
	if (lookup_reader_init(&r->lookup, db, err) < 0)
		return -1;
	return sql_prepare_all(db, r, statements, SQL_COUNT(statements), err);
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

static void take_kind(struct cells_in *c, struct message *m)
{
	int64_t kind = take_int(c, 0);

	m->channel = kind >> KIND_CHANNEL & KIND_BITS;
	m->via = kind >> KIND_VIA & KIND_BITS;
	m->state = kind >> KIND_STATE & KIND_BITS;
	m->direction = kind >> KIND_DIRECTION & KIND_BITS;
	m->ambiguous = kind >> KIND_AMBIGUOUS & 1;
	if (m->channel > CHANNEL_INTERNAL)
		m->channel = 0;
	if (m->state > MSG_LOST)
		m->state = 0;
	if (m->direction > DIR_INBOUND)
		m->direction = 0;
}

static void take_where_from(struct cells_in *c, struct message *m)
{
	m->account = take_str(c);
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

/* Three columns: the id, number of its domain, text of its domain. */
static struct str take_mid(struct cells_in *c, struct str queue_id, usec_t time)
{
	struct mid mid = { .form = MID_TEXT };

	if (sql_is_null(c->st, c->at + 2))
		mid.form = MID_WHOLE;
	else if (sql_is_int(c->st, c->at))
		mid.form = MID_STAMP;
	else if (sql_is_blob(c->st, c->at))
		mid.form = MID_DIGITS;
	if (mid.form == MID_STAMP)
		mid.seconds = sql_int(c->st, c->at);
	else
		mid.local = sql_str(c->st, c->at);
	mid.domain = sql_str(c->st, c->at + 2);
	if (sql_is_null(c->st, c->at))
		mid = (struct mid){ .form = MID_WHOLE };
	c->at += 3;
	return mid_unpack(&mid, queue_id, time, c->arena);
}

static void take_content(struct cells_in *c, struct message *m)
{
	m->sender_null = !sql_is_null(c->st, c->at) && !sql_str(c->st, c->at).n &&
			 sql_is_null(c->st, c->at + 1);
	m->sender = take_address(c);
	if (sql_is_int(c->st, c->at)) /* that of a PHP call which is gone */
		c->at++;
	else
		m->subject = take_str(c);
	m->message_id = take_mid(c, m->queue_id, m->time);
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
	take_kind(&c, m);
	m->host = take_str(&c);
	m->instance = take_str(&c);
	m->queue_id = take_str(&c);
	take_where_from(&c, m);
	take_content(&c, m);
}

/* Five columns. */
static void take_outcome(struct cells_in *c, struct recipient *r, usec_t from)
{
	bool usual_dsn = sql_is_null(c->st, c->at);

	r->dsn = take_str(c);
	if (usual_dsn)
		r->dsn = STR("2.0.0");
	r->relay = take_str(c);
	r->relay_ip = take_str(c);
	r->response = take_str(c);
	r->time = sql_is_null(c->st, c->at) ? 0 : from + sql_int(c->st, c->at);
}

static void take_recipient(struct sql_stmt *st, struct message *m)
{
	struct cells_in c = { st, &m->strings, 0 };
	struct recipient *r = message_recipient_add(m, STR_NONE);

	if (!r)
		return;
	r->address = take_address(&c);
	r->orig_to = take_str(&c);
	r->status = take_enum(&c, RCPT_SENT, RCPT_REJECTED);
	r->place = take_enum(&c, PLACE_REMOTE, PLACE_REMOTE);
	take_outcome(&c, r, m->time);
}

/* The state of the only recipient. */
static enum rcpt_status single_status(int64_t unsent)
{
	struct tally t = { .time = 0 };

	tally_read_unsent(&t, unsent);
	for (enum rcpt_status i = 0; i < HOURLY_STATUSES; i++)
		if (t.status[i])
			return i;
	return RCPT_SENT;
}

/* The recipient in the message's own row, if there is one. */
static void take_single(struct sql_stmt *st, struct message *m)
{
	struct cells_in c = { st, &m->strings, AT_SINGLE };
	struct recipient *r;

	if (sql_is_null(st, AT_SINGLE))
		return;
	r = message_recipient_add(m, STR_NONE);
	r->address = take_address(&c);
	r->status = single_status(take_int(&c, 0));
	r->place = sql_int(st, 2) >> KIND_PLACE & KIND_PLACE_BITS;
	if (r->place > PLACE_REMOTE)
		r->place = PLACE_UNKNOWN;
	take_outcome(&c, r, m->closed ? m->closed : m->time);
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
	take_single(r->message, m);
	sql_reset(r->message);
	if (m->nrcpt)
		return 1;
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

struct wanted {
	struct row_reader *reader;
	struct str id;
	int64_t row;
	usec_t seen, closed;
};

static int is_wanted(void *context, int64_t message, struct error *err)
{
	struct wanted *w = context;
	struct sql_stmt *st = w->reader->find;
	int rc;

	sql_bind_int(st, 1, message);
	rc = sql_step(st, err);
	if (rc != 1)
		return rc;
	if (str_eq(sql_str(st, 2), w->id) || is_alias(sql_str(st, 3), w->id)) {
		w->row = message;
		w->seen = sql_int(st, 0);
		w->closed = sql_is_null(st, 1) ? 0 : w->seen + sql_int(st, 1);
	}
	sql_reset(st);
	return w->row != 0;
}

int64_t row_find(struct row_reader *r, struct str host, struct str id, usec_t time, usec_t *seen,
		 usec_t *closed)
{
	usec_t from = time - USEC_MINUTE, to = time + USEC_MINUTE;
	struct wanted w = { .reader = r, .id = id };
	int64_t first = 0, last = 0;

	sql_bind_int(r->range, 1, from / USEC_MINUTE);
	sql_bind_int(r->range, 2, to / USEC_MINUTE);
	if (sql_step(r->range, NULL) == 1) {
		first = sql_int(r->range, 0);
		last = sql_int(r->range, 1);
		sql_reset(r->range);
	}
	if (!last)
		return 0;
	sql_bind_str(r->find, 2, host);
	sql_bind_int(r->find, 3, from);
	sql_bind_int(r->find, 4, to);
	lookup_find(&r->lookup, id, first, last, is_wanted, &w, NULL);
	*seen = w.seen;
	*closed = w.closed;
	return w.row;
}

/* Headers with the Message-ID that was left out of them. */
static struct str put_mid_back(struct str headers, struct str message_id, struct arena *to)
{
	size_t at = str_chr(headers, MID_QUEUE_ID);
	char *text;

	if (at == headers.n)
		return arena_str_or_none(to, headers);
	text = arena_alloc(to, headers.n + message_id.n);
	memcpy(text, headers.p, at);
	memcpy(text + at, message_id.p, message_id.n);
	memcpy(text + at + message_id.n, headers.p + at + 1, headers.n - at - 1);
	text[headers.n + message_id.n - 1] = 0;
	return (struct str){ text, headers.n + message_id.n - 1 };
}

static void take_call(struct cells_in *c, struct php_mail *p, bool whole)
{
	struct str headers;

	p->to = take_address(c);
	p->subject = take_str(c);
	headers = sql_str(c->st, c->at++);
	p->message_id = take_mid(c, STR_NONE, p->time);
	p->headers = whole || !p->message_id.n ? arena_str_or_none(c->arena, headers) :
						 put_mid_back(headers, p->message_id, c->arena);
}

static void take_php(struct sql_stmt *st, struct php_mail *p)
{
	struct cells_in c = { st, &p->strings, 0 };
	int64_t flags;

	p->time = take_int(&c, 0);
	p->state = take_enum(&c, PHP_MATCHED, PHP_UNMATCHED);
	flags = take_int(&c, 0);
	p->eval = flags & PHP_FLAG_EVAL;
	p->tenant = flags & PHP_FLAG_TENANT;
	p->ambiguous = flags & PHP_FLAG_AMBIGUOUS;
	p->host = take_str(&c);
	p->account = take_str(&c);
	p->script = take_str(&c);
	p->script_line = take_int(&c, -1);
	take_call(&c, p, flags & PHP_FLAG_HEADERS_WHOLE);
	p->uid = take_int(&c, -1);
	p->pid = (uint32_t)take_int(&c, 0);
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
