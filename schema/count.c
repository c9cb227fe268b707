/* Counters that grow with every commit.
 *
 * Invariant: a batch is added once, in the transaction of its rows. */
#include "schema/count.h"

static const struct sql_text statements[] = {
	{ offsetof(struct counts, inbound),
	  "INSERT INTO inbound (hour, domain, messages, recipients) VALUES (?1, ?2, ?3, ?4)"
	  " ON CONFLICT DO UPDATE SET messages = messages + ?3, recipients = recipients + ?4" },
	{ offsetof(struct counts, unknown_rows), "SELECT count(*) FROM unknown" },
	{ offsetof(struct counts, unknown_has),
	  "SELECT 1 FROM unknown WHERE source = ?1 AND program = ?2" },
	{ offsetof(struct counts, unknown),
	  "INSERT INTO unknown (source, program, lines, sample, time) VALUES (?1, ?2, ?3, ?4, ?5)"
	  " ON CONFLICT DO UPDATE SET lines = lines + ?3, sample = ?4, time = ?5" },
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

/* 1: there is a row for it, or room for one more. */
static int has_room(struct counts *c, const struct unknown_count *u, struct error *err)
{
	int64_t rows;
	int rc;

	sql_bind_str(c->unknown_has, 1, u->source);
	sql_bind_str(c->unknown_has, 2, u->program);
	rc = sql_step(c->unknown_has, err);
	if (rc != 0) {
		sql_reset(c->unknown_has);
		return rc;
	}
	rc = sql_step(c->unknown_rows, err);
	if (rc < 0)
		return -1;
	rows = sql_int(c->unknown_rows, 0);
	sql_reset(c->unknown_rows);
	return rows < COUNT_MAX_UNKNOWN;
}

static int put_unknown(struct counts *c, const struct unknown_count *u, struct error *err)
{
	int room = has_room(c, u, err);

	if (room < 0)
		return -1;
	sql_bind_str(c->unknown, 1, u->source);
	sql_bind_str(c->unknown, 2, room ? u->program : STR_NONE);
	sql_bind_int(c->unknown, 3, u->lines);
	sql_bind_str(c->unknown, 4, u->sample);
	sql_bind_int(c->unknown, 5, u->time);
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

int counts_put(struct counts *c, struct dictionary *domains, const struct batch *b,
	       struct error *err)
{
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
