/* A message arrives: pickup, smtpd's client=, Exim's <=, and the cwd= line that
 * Exim writes before it. */
#include "core/session.h"
#include "core/step.h"

/* Exim writes cwd= and the <= that follows within one process: older ones are
 * of a process that ended without a message. */
#define CWD_MAX_AGE USEC_MINUTE
#define CWD_MAX_AGE_UNNUMBERED (10 * USEC_SECOND)
#define CWD_MAX_WAITING 32

#define KEY_ROOM (255 + 1 + STR_INT_MAX)

/* "host:pid" */
static struct str process_key(const struct step *s, char buf[KEY_ROOM])
{
	char *end = str_put(buf, str_head(s->from->host, 255));

	*end++ = ':';
	return str_range(buf, str_put_int(end, s->rec->pid));
}

static void take_cwd_of_pid(struct step *s)
{
	char key[KEY_ROOM];
	struct str k = process_key(s, key);
	const struct note *note = notes_get(&s->c->notes, STR("cwd"), k);

	if (!note)
		return;
	if (s->time - note->time <= CWD_MAX_AGE)
		step_keep_first(s->m, &s->m->cwd, note->value);
	notes_remove(&s->c->notes, STR("cwd"), k);
}

/* "usec path\n" entries, oldest first: without +pid only the order tells. */
static void take_cwd_by_order(struct step *s)
{
	char key[KEY_ROOM], buf[24];
	struct str k = process_key(s, key), rest, owner, submitter;
	const struct note *note = notes_get(&s->c->notes, STR("cwd"), k);
	struct arena scratch = { 0 };
	struct str text;

	if (!note)
		return;
	submitter = attribute_submitter(s->c->accounts, s->m, buf);
	rest = text = arena_str(&scratch, note->value);
	while (rest.n) {
		struct str line = str_head(rest, str_chr(rest, '\n'));
		struct str path = str_skip(line, str_chr(line, ' ') + 1);
		int64_t at = 0;

		rest = str_skip(rest, line.n + 1);
		str_eat_int(&line, &at);
		owner = accounts_path(s->c->accounts, path);
		if (s->time - at > CWD_MAX_AGE_UNNUMBERED ||
		    (owner.n && !attribute_shared(s->c->accounts, submitter) &&
		     !str_eq(owner, submitter)))
			continue;
		step_keep_first(s->m, &s->m->cwd, path);
		break;
	}
	if (rest.n)
		notes_put(&s->c->notes, STR("cwd"), k, rest, s->time);
	else
		notes_remove(&s->c->notes, STR("cwd"), k);
	arena_release(&scratch);
}

void arrival_take_cwd(struct step *s)
{
	if (s->rec->pid)
		take_cwd_of_pid(s);
	else
		take_cwd_by_order(s);
}

void on_cwd(struct step *s)
{
	char key[KEY_ROOM], *value, *end;
	struct str k = process_key(s, key), path = str_head(s->ev->cwd, 1024), old = STR_NONE;
	const struct note *note;
	struct arena scratch = { 0 };

	if (s->rec->pid) {
		notes_put(&s->c->notes, STR("cwd"), k, path, s->time);
		return;
	}
	note = notes_get(&s->c->notes, STR("cwd"), k);
	if (note && note->value.n < CWD_MAX_WAITING * 128)
		old = note->value;
	value = arena_alloc(&scratch, old.n + STR_INT_MAX + path.n + 2);
	end = str_put_int(str_put(value, old), s->time);
	*end++ = ' ';
	end = str_put(end, path);
	*end++ = '\n';
	notes_put(&s->c->notes, STR("cwd"), k, str_range(value, end), s->time);
	arena_release(&scratch);
}

/* OpenSMTPD before 6.4 tells the start once for each recipient, at one go. */
#define START_TAKES USEC_MINUTE

/* A line that repeats the start of a message we know: the same line read
 * twice, or the start of one whose later lines came first. */
static bool same_start(const struct step *s)
{
	const struct message *m = s->m;
	bool now = m->time == s->time ||
		   (s->ev->session.n && m->time < s->time && s->time - m->time < START_TAKES);

	if (m->closed && m->time < s->time && !now)
		return false;
	/* qmail uses its numbers again at once, and may read one message's envelope twice. */
	if (s->ev->process >= 0 && m->work.process >= 0)
		return m->work.process == s->ev->process;
	return m->channel == CHANNEL_NONE || (now && m->channel == s->ev->channel);
}

static void adopt_parent(struct step *s)
{
	struct queue_entry *parent;

	if (!s->ev->parent_id.n || s->m->parent_id.n)
		return;
	step_keep_first(s->m, &s->m->parent_id, s->ev->parent_id);
	parent = queue_find(&s->c->queue, s->from->host, s->ev->instance, true, s->ev->parent_id);
	if (parent)
		s->m->parent = parent->id;
}

/* Sendmail names the login in a line of its own, once for each connection, which is
 * one process. The address is kept before it: another client is another process. */
void on_auth(struct step *s)
{
	char key[KEY_ROOM];
	struct arena scratch = { 0 };
	struct str ip = s->ev->client_ip, login = str_head(s->ev->login, 256);
	char *value;

	if (s->ev->session.n) {
		session_login(s);
		return;
	}
	if (s->ev->process >= 0) {
		number_login(s);
		return;
	}
	if (!s->rec->pid || !login.n || s->from->tenant)
		return;
	value = arena_alloc(&scratch, ip.n + 1 + login.n);
	memcpy(value, ip.n ? ip.p : "", ip.n);
	value[ip.n] = ' ';
	memcpy(value + ip.n + 1, login.p, login.n);
	notes_put(&s->c->notes, STR("login"), process_key(s, key),
		  (struct str){ value, ip.n + 1 + login.n }, s->time);
	arena_release(&scratch);
}

/* A connection sends more than one message: the note is made younger. */
struct str arrival_login(struct step *s, struct arena *scratch)
{
	char key[KEY_ROOM];
	struct str k = process_key(s, key), value;
	const struct note *note =
		s->rec->pid ? notes_get(&s->c->notes, STR("login"), k) : NULL;

	if (!note)
		return STR_NONE;
	value = arena_str(scratch, note->value);
	if (!str_eq(str_head(value, str_chr(value, ' ')), s->ev->client_ip))
		return STR_NONE;
	notes_put(&s->c->notes, STR("login"), k, value, s->time);
	return str_skip(value, str_chr(value, ' ') + 1);
}

static void take_login(struct step *s)
{
	struct arena scratch = { 0 };

	step_keep_first(s->m, &s->m->login, arrival_login(s, &scratch));
	arena_release(&scratch);
}

static void fill_start(struct step *s)
{
	const struct event *ev = s->ev;
	struct message *m = s->m;

	m->channel = ev->channel;
	if (ev->uid >= 0)
		m->uid = ev->uid;
	m->sender_null |= ev->sender_null;
	if (ev->size >= 0)
		m->size = ev->size;
	if (ev->nrcpt >= 0)
		m->work.nrcpt = ev->nrcpt;
	step_keep_first(m, &m->user, ev->user);
	m->work.no_end |= ev->no_end;
	m->work.process = ev->process;
	step_keep_first(m, &m->login, ev->login);
	if (ev->channel == CHANNEL_AUTH && !m->login.n)
		take_login(s);
	step_keep_first(m, &m->client_ip, ev->client_ip);
	step_keep_first(m, &m->client_name, ev->client_name);
	step_keep_first(m, &m->helo, ev->helo);
	step_set(m, &m->sender, ev->sender);
	step_keep_first(m, &m->subject, ev->subject);
	step_keep_first(m, &m->message_id, ev->message_id);
	if (ev->channel != CHANNEL_LOCAL)
		adopt_parent(s);
}

/* What waits for its PHP line, and what waits to be told from a forward. */
static void begin_to_wait(struct step *s)
{
	struct message *m = s->m;

	if (m->channel == CHANNEL_LOCAL && !m->php && !m->work.waiting) {
		if (s->rec->shape == RECORD_EXIM || m->user.n)
			arrival_take_cwd(s);
		m->work.waiting = true;
		deadline_add(&s->c->patience, m->id, m->time + JOIN_PATIENCE);
		deadline_add(&s->c->giving_up, m->id,
			     m->time + s->c->settings->php_wait + USEC_SECOND);
	}
	if (m->channel == CHANNEL_SMTP && (m->work.no_end || s->ev->process >= 0)) {
		deadline_add(&s->c->patience, m->id, m->time + JOIN_PATIENCE);
		m->awaited = true;
	}
}

static void accept_message(struct step *s)
{
	bool numbered = s->ev->process >= 0;

	if (!step_locate(s, s->ev->queue_id) && !s->entry)
		step_recall(s, s->ev->queue_id);
	if (s->m && !same_start(s)) {
		if (!s->m->closed) {
			php_stop_waiting(s->c, s->m);
			step_finish(s->c, s->entry, MSG_LOST, s->time);
		}
		s->m = NULL;
	}
	if (s->m && numbered && s->m->work.process == s->ev->process)
		return; /* told twice: what was joined to it stays */
	if (!s->m) {
		if (!s->ev->queue_id.n)
			return;
		step_create(s, s->ev->queue_id);
	}
	fill_start(s);
	if (numbered)
		number_arrived(s);
	begin_to_wait(s);
	step_settle(s, true);
}

void on_accept(struct step *s)
{
	struct event told;

	if (s->ev->process >= 0 && s->ev->channel == CHANNEL_NONE) {
		told = *s->ev;
		told.channel = number_channel(s);
		s->ev = &told;
	}
	accept_message(s);
}
