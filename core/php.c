/* Lines of PHP's mail log: their arrival, those that look alike, and the
 * marriage of a line and a message that join.c found to belong together. */
#include "core/mailtext.h"
#include "core/step.h"

/* How far a clock may be ahead of ours. */
#define PHP_MAX_AHEAD (5 * USEC_MINUTE)

/* ---- lines alike ---- */

static uint64_t hash_alike(const struct php_mail *p)
{
	uint64_t h = str_hash(p->account, 1);

	h = str_hash(p->to, h);
	h = str_hash(p->subject, h);
	h = str_hash(p->cc, h);
	return str_hash(p->bcc, h);
}

#define TWIN_KEY 16

static struct str twin_key(struct php_mail *p, char buf[TWIN_KEY])
{
	if (!p->alike)
		p->alike = hash_alike(p);
	return str_range(buf, str_put_hex(buf, p->alike));
}

static void twin_note(struct correlate *c, struct php_mail *p)
{
	char key[TWIN_KEY], value[2 * STR_INT_MAX + 1], *end = str_put_int(value, p->id);

	*end++ = ' ';
	end = str_put_int(end, p->message);
	notes_put(&c->notes, STR("twin"), twin_key(p, key), str_range(value, end), p->time);
}

/* An earlier line that a later one cannot be told from. */
static void mark_twin(struct correlate *c, struct str note)
{
	int64_t php = 0, row = 0;
	struct php_mail *p;
	struct queue_entry *e;
	struct message *m;

	if (!str_eat_int(&note, &php) || !str_eat(&note, STR(" ")) || !str_eat_int(&note, &row))
		return;
	p = join_php_of_row(&c->join, php);
	if (p && !p->ambiguous) {
		p->ambiguous = true;
		correlate_php_changed(c, p);
	}
	e = row ? queue_wake_row(&c->queue, row) : NULL;
	m = e ? queue_message(&c->queue, e) : NULL;
	if (m && m->php == php && !m->ambiguous) {
		m->ambiguous = true;
		correlate_touch(c, m);
	}
}

static void find_twins(struct correlate *c, struct php_mail *p)
{
	char key[TWIN_KEY];
	const struct note *note;

	if (p->message_id.n)
		return;
	note = notes_get(&c->notes, STR("twin"), twin_key(p, key));
	if (note && p->time - note->time <= c->settings->php_wait) {
		p->ambiguous = true;
		mark_twin(c, note->value);
	}
	twin_note(c, p);
}

static bool exact_pair(const struct php_mail *p, const struct message *m)
{
	struct reference ref;

	if (p->message_id.n && str_eq(p->message_id, m->message_id))
		return true;
	return p->pid && m->work.ref.n && reference_parse(m->work.ref, &ref) &&
	       ref.pid == p->pid;
}

void php_stop_waiting(struct correlate *c, struct message *m)
{
	join_remove_message(&c->join, m);
	m->work.waiting = false;
}

static void marry(struct correlate *c, struct message *m, struct php_mail *p, bool open)
{
	char key[TWIN_KEY];
	const struct note *note;
	bool exact = exact_pair(p, m);

	join_remove_php(&c->join, p);
	php_stop_waiting(c, m);
	p->state = PHP_MATCHED;
	p->message = m->id;
	m->php = p->id;
	p->ambiguous |= open;
	m->ambiguous = p->ambiguous && !exact;
	step_keep_first(m, &m->subject, p->subject);
	attribute_message(c->accounts, m, p);
	note = notes_get(&c->notes, STR("twin"), twin_key(p, key));
	if (note && !exact) {
		struct str value = note->value;
		int64_t last = 0;

		if (str_eat_int(&value, &last) && last == p->id)
			twin_note(c, p);
	}
	if (c->detect) {
		detect_message(c->detect, m, c->now, false);
		detect_joined(c->detect, m, p, c->now);
	}
	correlate_php_changed(c, p);
	correlate_touch(c, m);
}

/* Are the recipients of the message, or its header, known well enough? */
bool php_comparable(const struct message *m)
{
	if (m->closed || m->comparable)
		return true;
	if (m->work.nrcpt < 0)
		return false;
	return (int64_t)m->nrcpt >= m->work.nrcpt;
}

void php_seek(struct correlate *c, struct message *m, bool comparable)
{
	struct php_mail *p;
	bool open;

	if (m->channel != CHANNEL_LOCAL || m->php || !m->work.waiting)
		return;
	if (!comparable && !m->message_id.n && !m->work.ref.n)
		return; /* nothing that it can be found by yet */
	m->comparable = comparable;
	p = join_find_php(&c->join, m, !comparable, &open);
	if (p)
		marry(c, m, p, open);
	else
		join_add_message(&c->join, m, comparable);
}

/* Whose words the line is, where one customer wrote it: his log, his pool, his process. A pool
 * is named after its user, or after a domain. false: nobody's in particular. */
static bool find_writer(const struct step *s, struct str *account, char *buf)
{
	const struct accounts *a = s->c->accounts;
	struct str pool = s->ev->pool;

	if (s->from->tenant) {
		*account = s->from->tenant_account;
		return true;
	}
	if (pool.n) {
		*account = accounts_login(a, pool);
		if (!account->n)
			*account = accounts_domain(a, pool);
		return true;
	}
	if (s->rec->cred_uid < RECORD_FIRST_PERSON)
		return false;
	*account = accounts_uid(a, s->rec->cred_uid, buf);
	return !accounts_is_shared(a, *account);
}

static void fill_php(struct step *s, struct php_mail *p)
{
	const struct event *ev = s->ev;
	struct arena *a = &p->strings;
	struct str account = STR_NONE;
	char buf[24];

	p->time = s->time;
	p->host = arena_str(a, s->from->host);
	p->script = arena_str(a, ev->script);
	p->script_line = ev->script_line;
	p->eval = ev->eval;
	p->tenant = find_writer(s, &account, buf);
	p->to = arena_str(a, ev->header_to);
	p->subject = arena_str(a, ev->subject);
	p->headers = arena_str(a, str_head(ev->headers, PHP_MAIL_MAX_HEADERS));
	mailtext_copies(p->headers, &p->cc, &p->bcc);
	p->message_id = arena_str_or_none(a, mailtext_message_id(ev->headers));
	/* The worker's words come from its master's process. */
	p->uid = ev->pool.n ? -1 : s->rec->cred_uid;
	p->pid = ev->pool.n ? 0 : s->rec->cred_pid;
	p->account = arena_str_or_none(a, attribute_php(s->c->accounts, p->script, p->tenant,
							account));
}

/* Customers can write any stamp. No message will ever bear such a time, and
 * whoever waited for it would make the lines behind it wait too. */
static bool from_the_future(const struct correlate *c, const struct php_mail *p)
{
	return c->clock && p->time > c->clock + PHP_MAX_AHEAD;
}

/* PHP's stamps are of whole seconds, and what is found must not seem to be found
 * before it happened. A customer's log does not move time for the heuristics either. */
static usec_t call_time(const struct correlate *c, const struct php_mail *p)
{
	if (!c->clock && p->tenant && c->now && p->time > c->now + PHP_MAX_AHEAD)
		return c->now;
	return p->time % USEC_SECOND ? p->time : p->time + USEC_SECOND - 1;
}

void on_php_mail(struct step *s)
{
	struct php_mail *p = php_mail_new();
	struct message *m;
	bool open;

	fill_php(s, p);
	p->id = s->c->next_php++;
	s->c->php_mail++;
	find_twins(s->c, p);
	correlate_php_changed(s->c, p);
	if (from_the_future(s->c, p)) {
		p->state = PHP_UNMATCHED;
		return;
	}
	if (s->c->detect)
		detect_call(s->c->detect, p, call_time(s->c, p));
	join_add_php(&s->c->join, p);
	m = join_find_message(&s->c->join, p, &open);
	if (m)
		marry(s->c, m, p, open);
}
