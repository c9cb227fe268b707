/* What is known of a log from before.
 *
 * Invariant: an answer is about one moment. Rotation renames many files one by
 * one; when the directory is not the same before and after a search, there is
 * no answer. Which files were read is the database's knowledge, by content, so
 * that renaming and packing change nothing. Does not change the follower. */
#include "daemon/history.h"

#include <limits.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/rotated.h"

/* How far the stamps of a log may be behind its file's time. */
#define CLOCK_SLACK_USEC USEC_HOUR
/* A directory that changes all the time is looked at so often in a row. */
#define MAX_TRIES 8

int history_open_file(const struct follow *f, const char *path, struct error *err)
{
	return f->tenant ? safe_open_tenant(path, f->env->owners, err) :
			   safe_open_system(path, err);
}

bool history_is_known(const struct follow *f)
{
	struct position pos;

	return store_position_of_path(f->env->store, str_of(f->path), &pos);
}

static bool position_fits(const struct position *pos, struct str head)
{
	struct identity id = identity_of_head(head, pos->head_n);

	return id.telling && id.head_n == pos->head_n && id.head_hash == pos->head_hash;
}

/* The row of the path may be an older one than that of the content: the file
 * may have been read on under the name it got by rotation. */
static bool known_position(const struct follow *f, const struct identity *id,
			   struct str head, struct position *pos)
{
	struct store *store = f->env->store;
	struct position of_path;
	bool by_path = store_position_of_path(store, str_of(f->path), &of_path) &&
		       of_path.dev == id->dev && of_path.ino == id->ino &&
		       position_fits(&of_path, head);
	bool by_content = store_position_of_content(store, head, pos) &&
			  position_fits(pos, head);

	if (by_path && (!by_content || of_path.offset > pos->offset))
		*pos = of_path;
	return by_path || by_content;
}

int64_t history_offset(const struct follow *f, const struct part *p, usec_t *near)
{
	int64_t size = part_is_plain(p) ? part_size(p) : INT64_MAX;
	struct position pos;

	if (!known_position(f, &p->id, logfile_head(p->file), &pos))
		return -1;
	*near = pos.near;
	return pos.offset < size ? pos.offset : size;
}

/* Files last written before this were read, or were there before we came. */
static usec_t read_until(const struct follow *f)
{
	struct position pos;

	if (f->has_done)
		return f->done_mtime;
	if (!store_position_of_path(f->env->store, str_of(f->path), &pos))
		return f->since;
	return pos.head_n ? pos.near - CLOCK_SLACK_USEC : pos.near;
}

static bool is_held(const struct follow *f, const struct identity *id)
{
	for (const struct part *p = f->old; p; p = p->next)
		if (identity_same_file(&p->id, id))
			return true;
	return false;
}

/* Is it the newest one that was read to its end: the same file, or a packed
 * copy of it? */
static bool is_done(const struct follow *f, const struct part *p)
{
	return f->has_done && (identity_same_file(&f->done, &p->id) ||
			       identity_matches(&f->done, logfile_head(p->file)));
}

/* A rotated file, opened to see what it is. NULL: not readable, or empty. */
static struct part *open_rotated(const struct follow *f, const struct rotated *r)
{
	struct logfile *file;
	struct part *p;
	struct error err;
	int fd = history_open_file(f, r->path, &err);

	file = fd < 0 ? NULL : logfile_open_fd(fd, r->path, &err);
	if (!file) {
		log_debug("%s", err.text);
		return NULL;
	}
	p = part_new(file, r->path, false);
	if (p->id.head_n && identity_same_file(&p->id, &r->id))
		return p;
	part_free(p);
	return NULL;
}

/* ---- the oldest unread ---- */

struct search {
	const struct follow *f;
	const struct part *live; /* the file at the path; may be NULL */
	bool late_only; /* files never seen do not count */
	usec_t since; /* files last written before this hold nothing new */
	struct history_find find;
};

/* What to do with a rotated file, and whether older ones can hold more. */
enum consider { SKIP_AND_GO_ON, SKIP_AND_STOP, TAKE_AND_GO_ON, TAKE_AND_STOP };

static enum consider judge(const struct search *s, struct part *p, const struct rotated *r,
			   int64_t *offset, usec_t *near)
{
	if (s->live && identity_matches(&p->id, logfile_head(s->live->file)))
		return SKIP_AND_GO_ON; /* copytruncate is at work */
	if (is_done(s->f, p))
		return SKIP_AND_STOP;
	*offset = history_offset(s->f, p, near);
	if (*offset >= 0 && part_is_plain(p))
		return part_size(p) > *offset ? TAKE_AND_STOP : SKIP_AND_STOP;
	if (*offset >= 0)
		return s->late_only ? SKIP_AND_STOP : TAKE_AND_STOP;
	if (s->late_only || r->mtime < s->since)
		return SKIP_AND_STOP;
	*offset = 0;
	return TAKE_AND_GO_ON;
}

/* From the newest to the oldest. false: older ones have been read. */
static bool consider(struct search *s, const struct rotated *r)
{
	struct part *p = open_rotated(s->f, r);
	struct history_find find = { .part = p };
	enum consider answer;

	if (!p)
		return true;
	answer = judge(s, p, r, &find.offset, &find.near);
	if (answer == TAKE_AND_GO_ON || answer == TAKE_AND_STOP) {
		part_free(s->find.part);
		s->find = find;
	} else {
		part_free(p);
	}
	return answer == SKIP_AND_GO_ON || answer == TAKE_AND_GO_ON;
}

static void search_list(struct search *s, const struct rotated_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct rotated *r = &list->at[i];

		if (s->live && identity_same_file(&s->live->id, &r->id))
			continue;
		if (is_held(s->f, &r->id) || !consider(s, r))
			break;
	}
}

/* Where the rotated files lie: beside the file a symbolic link leads to. */
static const char *place_of(const struct follow *f, char *buf)
{
	return !f->tenant && realpath(f->path, buf) ? buf : f->path;
}

/* Has nothing been renamed since? */
static bool is_settled(const struct follow *f, const struct rotated_list *list)
{
	char place[PATH_MAX];

	return rotated_is_current(place_of(f, place), list);
}

enum history_answer history_oldest_unread(const struct follow *f, const struct part *live,
					  bool live_known, struct history_find *find)
{
	char place[PATH_MAX];

	for (int i = 0; i < MAX_TRIES; i++) {
		struct search s = { .f = f, .live = live, .late_only = live_known,
				    .since = read_until(f) };
		struct rotated_list list;
		bool settled;

		rotated_find(place_of(f, place), &list);
		search_list(&s, &list);
		settled = is_settled(f, &list);
		rotated_release(&list);
		*find = s.find;
		if (settled)
			return s.find.part ? HISTORY_FOUND : HISTORY_NOTHING;
		part_free(s.find.part);
	}
	return HISTORY_UNSETTLED;
}

/* ---- copies ---- */

static bool is_copy(const struct part *p, const struct part *of)
{
	return !identity_same_file(&p->id, &of->id) &&
	       identity_matches(&of->id, logfile_head(p->file));
}

static struct part *copy_in(const struct follow *f, const struct part *of,
			    const struct rotated_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct part *p = open_rotated(f, &list->at[i]);

		if (p && is_copy(p, of))
			return p;
		part_free(p);
	}
	return NULL;
}

enum history_answer history_copy(const struct follow *f, const struct part *of,
				 struct part **copy)
{
	char place[PATH_MAX];

	for (int i = 0; i < MAX_TRIES; i++) {
		struct rotated_list list;
		bool settled;

		rotated_find(place_of(f, place), &list);
		*copy = copy_in(f, of, &list);
		settled = *copy || is_settled(f, &list);
		rotated_release(&list);
		if (settled)
			return *copy ? HISTORY_FOUND : HISTORY_NOTHING;
	}
	return HISTORY_UNSETTLED;
}
