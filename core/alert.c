/* What a person is told about one subject, and when again.
 *
 * Invariant: each version has something new to say: it was opened, opened again, ten
 * times as much, worse, or another case. Volume within the same power of ten,
 * however long it goes on, says nothing. */
#include "core/alert.h"

#include <stdlib.h>

#include "base/error.h"

const char *const alert_state_name[] = { "open", "quiet", "closed" };
const char *const alert_change_name[] = { "", "opened", "updated", "reopened", "quiet", "closed" };

struct alert *alert_new(void)
{
	return xcalloc(1, sizeof(struct alert));
}

void alert_free(struct alert *a)
{
	if (!a)
		return;
	arena_release(&a->strings);
	free(a);
}

/* ---- what it is about ---- */

static struct str join(struct arena *to, struct str kind, struct str name)
{
	char *p = arena_alloc(to, kind.n + name.n + 2);

	memcpy(p, kind.p, kind.n);
	p[kind.n] = '\n';
	if (name.n)
		memcpy(p + kind.n + 1, name.p, name.n);
	p[kind.n + 1 + name.n] = '\0';
	return (struct str){ p, kind.n + 1 + name.n };
}

/* The name behind "kind\naccount\n". */
static struct str name_in_key(struct str key)
{
	key = str_skip(key, str_chr(key, '\n') + 1);
	return str_skip(key, str_chr(key, '\n') + 1);
}

struct str alert_subject(const struct finding *f, struct arena *to)
{
	struct str kind = str_head(f->stream_key, str_chr(f->stream_key, '\n'));
	struct str name = name_in_key(f->stream_key);

	if (f->login.n)
		return join(to, STR("login"), f->login);
	if (str_eq(kind, STR("inbound")))
		return join(to, STR("mailbox"), name);
	if (f->account.n)
		return join(to, STR("account"), f->account);
	if (f->script.n)
		return join(to, STR("script"), f->script);
	/* Some site's program, under a user that all of them share. */
	if (str_eq(kind, STR("host")) || str_eq(kind, STR("direct")) || !name.n)
		return join(to, STR("host"), f->host);
	return join(to, str_eq(kind, STR("network")) ? kind : STR("script"), name);
}

struct str alert_kind(const struct alert *a)
{
	return str_head(a->subject, str_chr(a->subject, '\n'));
}

struct str alert_name(const struct alert *a)
{
	return str_skip(a->subject, str_chr(a->subject, '\n') + 1);
}

/* ---- what its findings say together ---- */

/* Critical before open before many recipients. */
static int64_t weight_of(const struct finding *f)
{
	int64_t recipients = f->recipients < (1LL << 60) ? f->recipients : (1LL << 60);

	return (f->severity == SEVERITY_CRITICAL ? 1LL << 62 : 0) +
	       (f->closed ? 0 : 1LL << 61) + recipients;
}

void alert_look_at(struct alert_look *look, const struct finding *f)
{
	int64_t weight = weight_of(f);

	look->open += !f->closed;
	look->cases |= 1u << f->verdict;
	look->messages += f->messages;
	look->recipients += f->recipients;
	if (f->severity > look->severity)
		look->severity = f->severity;
	if (!look->findings || f->first_seen < look->first_seen)
		look->first_seen = f->first_seen;
	if (f->last_seen > look->last_seen)
		look->last_seen = f->last_seen;
	if (!look->findings++ || weight > look->weight) {
		look->weight = weight;
		look->verdict = f->verdict;
		look->summary = arena_str(&look->strings, f->summary);
	}
}

/* ---- what that means ---- */

bool alert_is_worse(const struct alert *a, const struct alert_look *look)
{
	return look->severity > a->severity || look->cases & ~a->cases;
}

static bool has_grown(const struct alert *a, const struct alert_look *look)
{
	int64_t told = a->told_recipients > 0 ? a->told_recipients : 1;

	return look->recipients / ALERT_GROWTH >= told;
}

static enum alert_change change_of(const struct alert *a, const struct alert_look *look,
				   usec_t watermark)
{
	if (!a->version)
		return CHANGE_OPENED;
	if (!look->open)
		return a->state == ALERT_CLOSED ? CHANGE_NONE : CHANGE_CLOSED;
	if (a->state == ALERT_CLOSED)
		return CHANGE_REOPENED;
	if (alert_is_worse(a, look) || has_grown(a, look))
		return CHANGE_UPDATED;
	if (a->state == ALERT_OPEN && watermark - look->last_seen >= ALERT_QUIET_AFTER)
		return CHANGE_WENT_QUIET;
	return CHANGE_NONE;
}

static void take(struct alert *a, const struct alert_look *look)
{
	a->verdict = look->verdict;
	a->cases |= look->cases;
	if (look->severity > a->severity)
		a->severity = look->severity;
	if (!str_eq(a->summary, look->summary))
		a->summary = arena_str(&a->strings, look->summary);
	a->messages = look->messages;
	a->recipients = look->recipients;
	a->first_seen = look->first_seen;
	a->last_seen = look->last_seen;
}

enum alert_change alert_step(struct alert *a, const struct alert_look *look, usec_t watermark,
			     usec_t now)
{
	enum alert_change change = change_of(a, look, watermark);

	take(a, look);
	if (change != CHANGE_NONE)
		a->changed = now;
	if (change == CHANGE_OPENED)
		a->opened = now;
	if (change == CHANGE_REOPENED) {
		a->reopened++;
		a->acked = 0;
	}
	if (alert_is_version(change)) {
		a->version++;
		a->told_recipients = look->recipients;
	}
	a->closed = look->open ? 0 : a->closed ? a->closed : now;
	if (a->closed)
		a->state = ALERT_CLOSED;
	else if (change == CHANGE_WENT_QUIET)
		a->state = ALERT_QUIET;
	else if (watermark - look->last_seen < ALERT_QUIET_AFTER || a->state == ALERT_CLOSED)
		a->state = ALERT_OPEN;
	return change;
}

bool alert_is_version(enum alert_change change)
{
	return change == CHANGE_OPENED || change == CHANGE_UPDATED || change == CHANGE_REOPENED;
}

bool alert_is_loud(const struct alert *a, enum alert_change change, bool worse)
{
	if (change == CHANGE_OPENED || change == CHANGE_REOPENED)
		return true;
	return change == CHANGE_UPDATED && (!a->acked || worse);
}
