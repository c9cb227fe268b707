/* Counters that grow with every commit.
 *
 * Invariant: a batch is added once, in the transaction of its rows. */
#include "schema/count.h"

static const struct sql_text statements[] = {
	{ offsetof(struct counts, inbound),
	  "INSERT INTO inbound (hour, domain, messages, recipients) VALUES (?1, ?2, ?3, ?4)"
	  " ON CONFLICT DO UPDATE SET messages = messages + ?3, recipients = recipients + ?4" },
	{ offsetof(struct counts, direct),
	  "INSERT INTO direct (account, hour, uid, port, connections, last)"
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE"
	  " SET connections = connections + ?5, last = max(last, ?6)" },
	{ offsetof(struct counts, unknown_has),
	  "SELECT 1 FROM unknown WHERE source = ?1 AND program = ?2 AND shape = ?3" },
	{ offsetof(struct counts, unknown_rows),
	  "SELECT (SELECT count(*) FROM unknown WHERE source = ?1 AND program = ?2),"
	  " (SELECT count(*) FROM unknown WHERE source = ?1), (SELECT count(*) FROM unknown)" },
	{ offsetof(struct counts, unknown),
	  "INSERT INTO unknown (source, program, shape, lines, sample, time, last)"
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	  " ON CONFLICT DO UPDATE SET lines = lines + ?4, last = max(last, ?7)" },
	{ offsetof(struct counts, source),
	  "INSERT INTO source (path, lines, parsed, unknown, noise, cut, last)"
	  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET lines = lines + ?2,"
	  " parsed = parsed + ?3, unknown = unknown + ?4, noise = noise + ?5, cut = cut + ?6,"
	  " last = max(last, ?7)" },
};

int counts_init(struct counts *c, struct sql *db, struct error *err)
{
	*c = (struct counts){ 0 };
	return sql_prepare_all(db, c, statements, SQL_COUNT(statements), err);
}

static int put_inbound(struct counts *c, struct dictionary *domains,
		       const struct inbound_count *n, struct error *err)
{
	int64_t domain;

	if (dictionary_id(domains, &n->domain, &domain, err) < 0)
		return -1;
	sql_bind_int(c->inbound, 1, n->hour / USEC_HOUR);
	sql_bind_int(c->inbound, 2, domain);
	sql_bind_int(c->inbound, 3, n->messages);
	sql_bind_int(c->inbound, 4, n->recipients);
	return sql_run(c->inbound, err);
}

static int put_direct(struct counts *c, struct dictionary *accounts,
		      const struct direct_count *n, struct error *err)
{
	int64_t account = 0;

	if (n->account.n && dictionary_id(accounts, &n->account, &account, err) < 0)
		return -1;
	sql_bind_int(c->direct, 1, account);
	sql_bind_int(c->direct, 2, n->hour / USEC_HOUR);
	sql_bind_int(c->direct, 3, n->uid);
	sql_bind_int(c->direct, 4, n->port);
	sql_bind_int(c->direct, 5, n->connections);
	sql_bind_int(c->direct, 6, n->last);
	return sql_run(c->direct, err);
}

static int has_row(struct counts *c, const struct unknown_count *u, struct error *err)
{
	int rc;

	sql_bind_str(c->unknown_has, 1, u->source);
	sql_bind_str(c->unknown_has, 2, u->program);
	sql_bind_str(c->unknown_has, 3, u->shape);
	rc = sql_step(c->unknown_has, err);
	if (rc >= 0)
		sql_reset(c->unknown_has);
	return rc;
}

/* Puts it together with others where there is no room for a row of its own. */
static int find_room(struct counts *c, struct unknown_count *u, struct error *err)
{
	int64_t of_program, of_source, all;
	int rc = has_row(c, u, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	sql_bind_str(c->unknown_rows, 1, u->source);
	sql_bind_str(c->unknown_rows, 2, u->program);
	if (sql_step(c->unknown_rows, err) < 0)
		return -1;
	of_program = sql_int(c->unknown_rows, 0);
	of_source = sql_int(c->unknown_rows, 1);
	all = sql_int(c->unknown_rows, 2);
	sql_reset(c->unknown_rows);
	if (of_program < COUNT_MAX_SHAPES && of_source < COUNT_MAX_OF_SOURCE &&
	    all < COUNT_MAX_UNKNOWN)
		return 0;
	if (!of_program)
		u->program = STR("");
	u->shape = STR("");
	return 0;
}

static int put_unknown(struct counts *c, const struct unknown_count *counted, struct error *err)
{
	struct unknown_count u = *counted;

	if (find_room(c, &u, err) < 0)
		return -1;
	sql_bind_str(c->unknown, 1, u.source);
	sql_bind_str(c->unknown, 2, u.program);
	sql_bind_str(c->unknown, 3, u.shape);
	sql_bind_int(c->unknown, 4, u.lines);
	sql_bind_str(c->unknown, 5, u.sample);
	sql_bind_int(c->unknown, 6, u.time);
	sql_bind_int(c->unknown, 7, u.last);
	return sql_run(c->unknown, err);
}

static int put_source(struct counts *c, const struct source_count *n, struct error *err)
{
	sql_bind_str(c->source, 1, n->source);
	sql_bind_int(c->source, 2, n->lines);
	sql_bind_int(c->source, 3, n->parsed);
	sql_bind_int(c->source, 4, n->unknown);
	sql_bind_int(c->source, 5, n->noise);
	sql_bind_int(c->source, 6, n->cut);
	sql_bind_int(c->source, 7, n->last);
	return sql_run(c->source, err);
}

int counts_put(struct counts *c, struct dictionary *domains, struct dictionary *accounts,
	       const struct batch *b, struct error *err)
{
	for (size_t i = 0; i < b->ndirect; i++)
		if (put_direct(c, accounts, &b->direct[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->ninbound; i++)
		if (put_inbound(c, domains, &b->inbound[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nunknown; i++)
		if (put_unknown(c, &b->unknown[i], err) < 0)
			return -1;
	for (size_t i = 0; i < b->nsources; i++)
		if (put_source(c, &b->sources[i], err) < 0)
			return -1;
	return 0;
}
