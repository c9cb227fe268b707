/* Read positions by path and by content.
 *
 * Invariant: at most one row of a path is current; a content that was read
 * keeps its row, and thereby its offset, when its path gets another file. What
 * comes from standard input (path "") is known by content only. */
#include "schema/position.h"

#define COLUMNS "id, path, dev, ino, head_n, head_hash, offset, near"

static const struct sql_text statements[] = {
	{ offsetof(struct positions, of_old),
	  "SELECT " COLUMNS " FROM position WHERE head_n = ?1 AND head_hash = ?2 AND current = 0"
	  " ORDER BY offset DESC, id DESC" },
	{ offsetof(struct positions, of_path),
	  "SELECT " COLUMNS " FROM position WHERE path = ?1 AND current = 1" },
	{ offsetof(struct positions, of_content),
	  "SELECT " COLUMNS " FROM position WHERE head_n = ?1 AND head_hash = ?2"
	  " ORDER BY offset DESC, id DESC" },
	{ offsetof(struct positions, head_sizes),
	  "SELECT DISTINCT head_n FROM position WHERE head_n BETWEEN 1 AND ?1" },
	{ offsetof(struct positions, update),
	  "UPDATE position SET path = ?2, current = ?3, dev = ?4, ino = ?5, head_n = ?6,"
	  " head_hash = ?7, offset = ?8, near = ?9, seen = ?10 WHERE id = ?1" },
	{ offsetof(struct positions, insert),
	  "INSERT INTO position (id, path, current, dev, ino, head_n, head_hash, offset, near,"
	  " seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)" },
	{ offsetof(struct positions, retire),
	  "UPDATE position SET current = 0 WHERE path = ?1 AND current = 1" },
	{ offsetof(struct positions, prune),
	  "DELETE FROM position WHERE current = 0 AND seen <"
	  " (SELECT seen FROM position WHERE current = 0 ORDER BY seen DESC LIMIT 1 OFFSET ?1)" },
};

int positions_init(struct positions *s, struct sql *db, struct error *err)
{
	*s = (struct positions){ 0 };
	return sql_prepare_all(db, s, statements, SQL_COUNT(statements), err);
}

void positions_release(struct positions *s)
{
	arena_release(&s->found);
}

/* Returns the id of the row. The path lives until the next answer. */
static int64_t take(struct positions *s, struct sql_stmt *st, struct position *out)
{
	arena_reset(&s->found);
	*out = (struct position){
		.path = arena_str(&s->found, sql_str(st, 1)),
		.dev = (uint64_t)sql_int(st, 2),
		.ino = (uint64_t)sql_int(st, 3),
		.head_n = (uint32_t)sql_int(st, 4),
		.head_hash = (uint64_t)sql_int(st, 5),
		.offset = sql_int(st, 6),
		.near = sql_int(st, 7),
	};
	return sql_int(st, 0);
}

static int find_path(struct positions *s, struct str path, struct position *out, int64_t *id,
		     struct error *err)
{
	int rc;

	sql_bind_str(s->of_path, 1, path);
	rc = sql_step(s->of_path, err);
	if (rc == 1) {
		*id = take(s, s->of_path, out);
		sql_reset(s->of_path);
	}
	return rc;
}

int positions_of_path(struct positions *s, struct str path, struct position *out,
		      struct error *err)
{
	int64_t id;

	return find_path(s, path, out, &id, err);
}

/* The one read furthest of those with this head. */
static int find_content(struct positions *s, struct sql_stmt *st, uint32_t head_n,
			uint64_t head_hash, struct position *out, int64_t *id, struct error *err)
{
	int rc;

	sql_bind_int(st, 1, head_n);
	sql_bind_int(st, 2, (int64_t)head_hash);
	rc = sql_step(st, err);
	if (rc == 1) {
		*id = take(s, st, out);
		sql_reset(st);
	}
	return rc;
}

/* Every size of head there is; there are few, since a head is a page or all
 * of a file that is shorter. */
int positions_of_content(struct positions *s, struct str head, struct position *out,
			 struct error *err)
{
	struct position best = { .offset = -1 };
	struct arena kept = { 0 };
	int64_t id;
	int rc;

	sql_bind_int(s->head_sizes, 1, (int64_t)head.n);
	while ((rc = sql_step(s->head_sizes, err)) == 1) {
		uint32_t n = (uint32_t)sql_int(s->head_sizes, 0);
		struct position p;

		rc = find_content(s, s->of_content, n, str_hash(str_head(head, n), 0), &p, &id,
				  err);
		if (rc < 0)
			break;
		if (rc == 0 || p.offset <= best.offset)
			continue;
		best = p;
		best.path = arena_str(&kept, p.path);
	}
	sql_reset(s->head_sizes);
	arena_release(&s->found);
	s->found = kept;
	*out = best;
	return rc < 0 ? -1 : best.offset >= 0;
}

static int write_row(struct sql_stmt *st, int64_t id, const struct position *p, int64_t commit,
		     struct error *err)
{
	sql_bind_int_unless(st, 1, id, 0);
	sql_bind_str(st, 2, p->path);
	sql_bind_int(st, 3, p->path.n > 0);
	sql_bind_int(st, 4, (int64_t)p->dev);
	sql_bind_int(st, 5, (int64_t)p->ino);
	sql_bind_int(st, 6, p->head_n);
	sql_bind_int(st, 7, (int64_t)p->head_hash);
	sql_bind_int(st, 8, p->offset);
	sql_bind_int(st, 9, p->near);
	sql_bind_int(st, 10, commit);
	return sql_run(st, err);
}

/* Is b the file of a, read on? A short file gets a new row each time its head
 * grew, since nobody can tell here whether it grew or was written anew. */
static bool is_same(const struct position *a, const struct position *b)
{
	if (a->head_n == 0)
		return a->dev == b->dev && a->ino == b->ino;
	return a->head_n == b->head_n && a->head_hash == b->head_hash;
}

/* The row this position belongs into: *id, 0 for a new one. */
static int choose_row(struct positions *s, const struct position *p, int64_t *id,
		      struct error *err)
{
	struct position old;
	int rc = p->path.n ? find_path(s, p->path, &old, id, err) : 0;

	if (rc == 1 && is_same(&old, p))
		return 0;
	if (rc == 1) {
		sql_bind_str(s->retire, 1, p->path);
		rc = sql_run(s->retire, err);
	}
	if (rc == 0 && p->head_n)
		rc = find_content(s, s->of_old, p->head_n, p->head_hash, &old, id, err);
	if (rc != 1 || old.offset > p->offset)
		*id = 0;
	return rc < 0 ? -1 : 0;
}

int positions_put(struct positions *s, const struct position *p, int64_t commit,
		  struct error *err)
{
	int64_t id = 0;

	if (choose_row(s, p, &id, err) < 0)
		return -1;
	return write_row(id ? s->update : s->insert, id, p, commit, err);
}

int positions_prune(struct positions *s, struct error *err)
{
	sql_bind_int(s->prune, 1, POSITION_MAX_OLD);
	return sql_run(s->prune, err);
}
