/* From mail to streams, past the heuristics, to findings: the frame. What is
 * suspicious is in heuristics/, what becomes a habit in habit.c.
 *
 * Invariant: a stream that differs from its row is in memory and marked, a
 * finding that is open or changed is in `findings`. Scores fade by the log's
 * time only, and nothing depends on when a commit happens. */
#include "core/detect.h"

#include "core/join.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "core/asleep.h"
#include "core/attribute.h"
#include "core/habit.h"
#include "core/visit.h"

/* Evidence fades to a third within this: origin faster, since a journey ends. */
#define FADE_ORIGIN ((float)(6 * USEC_HOUR))
#define FADE_OTHER ((float)(12 * USEC_HOUR))
/* What opens connections by itself is a matter of minutes: heuristics/direct.c. */
#define FADE_DIRECT ((float)(5 * USEC_MINUTE))
/* Less than this is no suspicion any more. */
#define CALM 0.1f
/* With so much against what it does nothing is learned. Where it comes from does not
 * count: who moves abroad must become usual there some day. */
#define SUSPICIOUS 2.5f
/* An account whose PHP log spoke within this time has one. */
#define PHP_LOG_ALIVE (30 * USEC_DAY)
/* Refused logins are held together, and against what follows, for so long. */
#define LOGINS_LATELY USEC_DAY
#define KEY_ROOM 1200
#define KEY_PART 300

struct detect {
	struct detect_world world;
	const struct heuristic *const *heuristics;
	struct row_source rows;
	struct map streams; /* key -> struct stream */
	struct stream *oldest, *newest; /* use order */
	size_t nstreams;
	struct stream *host; /* the roll-up, once looked up */
	int64_t dropped; /* streams put out of memory so far */
	uint32_t turn; /* of detect_put_away() */
	struct asleep asleep;
	struct arena packed; /* scratch */
	bool all_here; /* but for what `asleep` forgot, no stream has a row and is not in memory */
	struct stream **dirty;
	size_t ndirty, dirty_room;
	struct finding **findings; /* open ones, and changed ones */
	size_t nfindings, findings_room;
	usec_t next_close; /* no finding closes before; 0: look */
	int64_t next_stream, next_finding, raised;
};

/* ---- streams ---- */

static void use_unlink(struct detect *d, struct stream *s)
{
	*(s->older ? &s->older->newer : &d->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &d->newest) = s->older;
	s->older = s->newer = NULL;
}

static void use_append(struct detect *d, struct stream *s)
{
	s->older = d->newest;
	s->used = d->turn;
	*(d->newest ? &d->newest->newer : &d->oldest) = s;
	d->newest = s;
}

static struct finding *finding_in_memory(struct detect *d, int64_t id)
{
	for (size_t i = 0; i < d->nfindings; i++)
		if (d->findings[i]->id == id)
			return d->findings[i];
	return NULL;
}

static void restore_known(void *to, const struct known_row *chunk)
{
	known_restore(to, chunk);
}

static void stream_restore(struct detect *d, struct stream *s, const struct stream_row *row)
{
	s->id = row->id;
	s->stored = true;
	if (!stream_unpack(s, row->state))
		log_warning("the state of stream %lld is damaged; it starts anew",
			    (long long)row->id);
	if (s->known.in_rows)
		d->rows.load_known(d->rows.context, s->id, restore_known, &s->known);
}

static bool load_row(const struct detect *d, struct str key, struct stream_row *row)
{
	return d->rows.load_stream && !(d->all_here && d->asleep.complete) &&
	       d->rows.load_stream(d->rows.context, key, row);
}

static struct stream *stream_load(struct detect *d, struct str key)
{
	struct stream *s = stream_new(key);
	struct stream_row row;

	if (asleep_take(&d->asleep, key, &row) || load_row(d, key, &row))
		stream_restore(d, s, &row);
	if (s->finding) {
		struct finding *f = finding_in_memory(d, s->finding);

		s->open = f && !f->closed ? f : NULL;
	}
	return s;
}

static void stream_touch(struct detect *d, struct stream *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	if (d->ndirty == d->dirty_room) {
		d->dirty_room = d->dirty_room ? 2 * d->dirty_room : 64;
		d->dirty = xrealloc(d->dirty, d->dirty_room * sizeof(*d->dirty));
	}
	d->dirty[d->ndirty++] = s;
}

static struct stream *stream_get(struct detect *d, struct str key, usec_t now)
{
	struct stream *s = map_get(&d->streams, key);

	if (s) {
		use_unlink(d, s);
		use_append(d, s);
		return s;
	}
	s = stream_load(d, key);
	if (!s->id)
		s->id = d->next_stream++;
	if (!s->stored)
		s->born = s->last = s->scored = now;
	map_put(&d->streams, key, s);
	use_append(d, s);
	d->nstreams++;
	/* Its number is given: a restart must not give it to another. */
	if (!s->stored)
		stream_touch(d, s);
	return s;
}

static void stream_drop(struct detect *d, struct stream *s)
{
	use_unlink(d, s);
	map_remove(&d->streams, str_of(s->key));
	d->nstreams--;
	d->dropped++;
	d->host = s == d->host ? NULL : d->host;
	stream_free(s);
}

/* Streams are told apart by the first bytes of overlong names only. */
static void key_part(char *buf, size_t *n, struct str part)
{
	char *to = buf + *n;

	part = str_head(part, KEY_PART);
	if (part.n)
		memcpy(to, part.p, part.n);
	*n += part.n;
	if (str_chr(part, '\n') == part.n && str_chr(part, '\0') == part.n)
		return;
	for (size_t i = 0; i < part.n; i++)
		if (to[i] == '\n' || !to[i])
			to[i] = ' ';
}

static struct stream *stream_of(struct detect *d, enum stream_kind kind, struct str account,
				struct str name, usec_t now)
{
	char key[KEY_ROOM];
	size_t n = 0;

	key_part(key, &n, str_of(stream_kind_name[kind]));
	key[n++] = '\n';
	key_part(key, &n, account);
	key[n++] = '\n';
	key_part(key, &n, name);
	key[n] = 0;
	return stream_get(d, (struct str){ key, n }, now);
}

static struct stream *host_stream(struct detect *d, usec_t now)
{
	if (!d->host)
		d->host = stream_of(d, STREAM_HOST, STR_NONE, STR_NONE, now);
	return d->host;
}

/* ---- findings ---- */

static void finding_keep(struct detect *d, struct finding *f)
{
	if (d->nfindings == d->findings_room) {
		d->findings_room = d->findings_room ? 2 * d->findings_room : 16;
		d->findings = xrealloc(d->findings, d->findings_room * sizeof(*d->findings));
	}
	d->findings[d->nfindings++] = f;
	d->next_close = 0;
}

static struct str host_of(const struct observation *o)
{
	if (o->direct)
		return o->direct->host;
	return o->message ? o->message->host : o->call->host;
}

static void finding_start(const struct observation *o, struct finding *f)
{
	struct stream *s = o->stream;

	f->stream = s->id;
	f->stream_key = arena_str(&f->strings, str_of(s->key));
	f->host = arena_str(&f->strings, host_of(o));
	f->account = arena_str(&f->strings, s->account);
	if (s->kind == STREAM_LOGIN)
		f->login = arena_str(&f->strings, s->name);
	if (s->kind == STREAM_SCRIPT)
		f->script = arena_str(&f->strings, s->name);
	f->time = f->last_seen = o->time;
	f->first_seen = s->run->start;
	f->leaked_before = s->run->fact[RUN_RECIPIENTS];
}

/* What was counted before goes on being counted. */
static void go_on(struct run *r, const struct finding *f)
{
	r->start = f->first_seen;
	r->fact[RUN_MESSAGES] += f->messages;
	r->fact[RUN_RECIPIENTS] += f->recipients;
	r->fact[RUN_NOVEL] += f->novel;
	r->fact[RUN_RESULTS] += f->results;
	r->fact[RUN_UNKNOWN_USERS] += f->unknown_users;
	r->fact[RUN_SPAM_ANSWERS] += f->spam_answers;
}

/* The one before, if it is fresh enough to go on with it. */
static struct finding *finding_reopen(struct detect *d, struct stream *s, usec_t now)
{
	struct finding *f = s->finding ? finding_in_memory(d, s->finding) : NULL;

	if (!f && s->finding && d->rows.load_finding) {
		f = d->rows.load_finding(d->rows.context, s->finding);
		if (f)
			finding_keep(d, f);
	}
	if (!f || f->closed + FINDING_REOPEN < now)
		return NULL;
	f->closed = 0;
	f->reopened++;
	go_on(s->run, f);
	return f;
}

struct finding *observe_finding(const struct observation *o, bool raise)
{
	struct detect *d = o->detect;
	struct stream *s = o->stream;

	if (s->open || !raise || !s->run)
		return s->open;
	s->open = finding_reopen(d, s, o->time);
	if (!s->open) {
		s->open = finding_new();
		s->open->id = d->next_finding++;
		d->raised++;
		finding_start(o, s->open);
		finding_keep(d, s->open);
	}
	d->next_close = 0;
	s->finding = s->open->id;
	return s->open;
}

/* ---- what heuristics say ---- */

static void count_source(const struct observation *o, struct run *r)
{
	const struct message *m = o->message;
	struct run_source *source;

	if (!m->client_ip.n || m->channel == CHANNEL_LOCAL)
		return;
	source = run_source(r, m->client_ip);
	if (!source) {
		r->sources_dropped++;
		return;
	}
	source->messages++;
	if (o->kind != OBSERVED_SUBMIT)
		return;
	source->asn = o->place.asn;
	memcpy(source->country, o->place.country, sizeof(source->country));
}

static void take_samples(const struct observation *o, struct run *r)
{
	const struct message *m = o->message;

	r->last_message = m->id;
	count_source(o, r);
	if (!str_eq(m->queue_id, STR("NOQUEUE"))) /* nothing that can be held */
		run_text(r, r->queue_ids, &r->nqueue_ids, m->queue_id);
	if (m->subject.n)
		run_text(r, r->subjects, &r->nsubjects, m->subject);
}

static void count_answer(const struct observation *o, struct run *r)
{
	const struct recipient *rcpt = o->recipient;

	if (rcpt->status != RCPT_DEFERRED)
		r->fact[RUN_RESULTS]++;
	r->fact[RUN_UNKNOWN_USERS] += o->answer == RESPONSE_UNKNOWN_RCPT &&
				      rcpt->status != RCPT_DEFERRED;
	r->fact[RUN_SPAM_ANSWERS] += o->answer == RESPONSE_CONTENT_SPAM ||
				     o->answer == RESPONSE_RATE_SPAM ||
				     o->answer == RESPONSE_ACCOUNT_BANNED;
	if (rcpt->response.n)
		run_text(r, r->answers, &r->nanswers, rcpt->response);
}

/* Beyond the addresses that a run has by name, those that were never seen before count. */
static void count_connection(const struct observation *o, struct run *r)
{
	struct run_source *to = run_source(r, o->direct->ip);

	r->fact[RUN_MESSAGES]++;
	r->fact[RUN_RECIPIENTS] += to ? !to->messages : o->novel;
	r->fact[RUN_NOVEL] += o->novel;
	if (!to) {
		r->sources_dropped++;
		return;
	}
	to->messages++;
	to->asn = o->place.asn;
	memcpy(to->country, o->place.country, sizeof(to->country));
}

/* What was sent since the stream was calm is part of it. */
static void run_begin(const struct observation *o)
{
	struct stream *s = o->stream;
	struct run *r = s->run = run_new(s->since ? s->since : o->time);

	r->last = o->time;
	r->fact[RUN_MESSAGES] = s->since_messages;
	r->fact[RUN_RECIPIENTS] = s->since_recipients;
	r->fact[RUN_NOVEL] = s->since_novel;
	if (r->start - s->refused_login < LOGINS_LATELY)
		r->fact[RUN_LOGIN_FAILURES] = s->refused_logins;
	if (o->message)
		take_samples(o, r);
	if (o->direct)
		count_connection(o, r);
	if (o->kind == OBSERVED_ANSWER)
		count_answer(o, r);
}

void observe_fact(const struct observation *o, enum run_fact fact, int64_t n)
{
	if (!o->stream->run)
		run_begin(o);
	o->stream->run->fact[fact] += n;
}

void observe_sure(const struct observation *o)
{
	observe_fact(o, RUN_SURE, 1);
}

const char *observe_text(struct str s, char *buf, size_t size)
{
	return log_escape(s, buf, size);
}

void observe_sign(const struct observation *o, const char *rule, enum family family,
		  double weight, double cap, const char *format, ...)
{
	struct stream *s = o->stream;
	struct run_sign *sign;
	char text[FINDING_MAX_LINE];
	va_list args;

	if (!s->run)
		run_begin(o);
	sign = run_sign(s->run, rule, family);
	if (weight > 0 && s->score[family] < (float)cap) {
		s->score[family] += (float)weight;
		if (s->score[family] > (float)cap)
			s->score[family] = (float)cap;
	}
	if (!sign)
		return;
	if (!sign->count)
		sign->first = o->time;
	sign->last = o->time;
	sign->count++;
	sign->weight += (float)weight;
	if (!sign->text.n || (float)weight > sign->text_weight) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		sign->text = arena_str(&s->run->strings, str_of(text));
		sign->text_weight = (float)weight;
	}
}

/* ---- the run's own counts ---- */

static void count_message(const struct observation *o, struct run *r)
{
	if (r->last_message == o->message->id)
		return;
	r->fact[RUN_MESSAGES]++;
	take_samples(o, r);
}

/* Before there is a run: what it would begin with. */
static void count_calm(const struct observation *o)
{
	struct stream *s = o->stream;
	const struct message *m = o->message;

	if (stream_total(s) < CALM) {
		s->since = m ? m->time : o->time;
		s->since_messages = m && o->kind != OBSERVED_SUBMIT;
		s->since_recipients = s->since_novel = 0;
		for (size_t i = 0; m && i < o->nth; i++)
			s->since_recipients += m->rcpt[i].status != RCPT_REJECTED;
	}
	s->since_messages += o->kind == OBSERVED_SUBMIT;
	if (o->kind != OBSERVED_RECIPIENT)
		return;
	s->since_recipients += o->recipient->status != RCPT_REJECTED;
	s->since_novel += o->novel && o->recipient->status != RCPT_REJECTED;
}

static void count_recipient(const struct observation *o, struct run *r)
{
	if (o->recipient->status != RCPT_REJECTED)
		r->fact[RUN_RECIPIENTS]++;
	r->fact[RUN_NOVEL] += o->novel && o->recipient->status != RCPT_REJECTED;
	if (o->world->patterns && patterns_freemail(o->world->patterns, o->recipient->address))
		r->fact[RUN_FREEMAIL]++;
	if ((int64_t)o->nth + 1 > r->fact[RUN_MOST_RECIPIENTS])
		r->fact[RUN_MOST_RECIPIENTS] = (int64_t)o->nth + 1;
}

static void run_count(const struct observation *o)
{
	struct run *r = o->stream->run;

	if (!r) {
		count_calm(o);
		return;
	}
	r->last = o->time;
	switch (o->kind) {
	case OBSERVED_SUBMIT:
		count_message(o, r);
		return;
	case OBSERVED_RECIPIENT:
		count_recipient(o, r);
		return;
	case OBSERVED_ANSWER:
		count_answer(o, r);
		return;
	case OBSERVED_CALL:
		r->fact[RUN_CALLS]++;
		return;
	case OBSERVED_JOIN:
		return;
	case OBSERVED_UNSENT:
		r->fact[RUN_BLOCKED]++;
		return;
	case OBSERVED_BOUNCE:
		count_message(o, r);
		r->fact[RUN_MATCHED] += o->matched;
		return;
	case OBSERVED_DIRECT:
		count_connection(o, r);
		return;
	}
}

/* The account's own run, which a limit of all it sends may have begun. */
static void roll_up(const struct observation *o)
{
	struct observation all = *o;

	if (!o->account || o->account == o->stream ||
	    (o->kind != OBSERVED_SUBMIT && o->kind != OBSERVED_RECIPIENT &&
	     o->kind != OBSERVED_ANSWER))
		return;
	all.stream = o->account;
	if (all.time < o->account->last)
		all.time = o->account->last;
	run_count(&all);
	if (o->account->open)
		o->account->open->dirty = true;
}

/* ---- one observation ---- */

static float fade_of(const struct stream *s, int family)
{
	if (s->kind == STREAM_DIRECT)
		return FADE_DIRECT;
	return family == FAMILY_ORIGIN ? FADE_ORIGIN : FADE_OTHER;
}

static void fade(struct stream *s, usec_t now)
{
	float passed = (float)(now - s->scored);

	if (passed <= 0)
		return;
	for (int f = 0; f < FAMILIES; f++) {
		if (s->score[f] <= 0)
			continue;
		s->score[f] *= expf(-passed / fade_of(s, f));
		if (s->score[f] < CALM / FAMILIES)
			s->score[f] = 0;
	}
	s->scored = now;
}

static bool is_mature(const struct stream *s, usec_t now)
{
	return now - s->born >= DETECT_MATURE_USEC || s->messages >= DETECT_MATURE_MESSAGES;
}

static void run_end(struct stream *s)
{
	run_free(s->run);
	s->run = NULL;
	memset(s->score, 0, sizeof(s->score));
	s->rate = s->run_of_novel = s->total = s->bulk_rate = s->bad_list = s->pending = 0;
}

static void prepare(struct detect *d, struct observation *o)
{
	struct stream *s = o->stream;

	o->detect = d;
	o->world = &d->world;
	/* Visits know a stream before it sends. */
	if (!s->born)
		s->born = o->time;
	/* What it does past the mail server is no mail that it sent. */
	if (o->account && !o->account->born && !o->direct)
		o->account->born = o->time;
	/* A late line of another log does not turn time back. */
	if (o->time < s->last)
		o->time = s->last;
	stream_roll(s, o->time);
	fade(s, o->time);
	o->mature = is_mature(s, o->time);
	if (s->run && !s->open && stream_total(s) < CALM && !s->run->fact[RUN_SURE])
		run_end(s);
}

static bool is_calm(const struct stream *s)
{
	return stream_total(s) - s->score[FAMILY_ORIGIN] < SUSPICIOUS && !s->open;
}

static void conclude(struct detect *d, const struct observation *o)
{
	struct stream *s = o->stream;
	bool calm = is_calm(s);

	habit_count(o);
	if (calm)
		habit_learn(o);
	else
		s->hour_tainted = true;
	s->last = o->time;
	stream_touch(d, s);
	if (o->account && o->account != s) {
		if (o->time > o->account->last)
			o->account->last = o->time;
		stream_touch(d, o->account);
	}
	if (o->host)
		stream_touch(d, o->host);
	if (!s->open)
		return;
	s->open->dirty = true;
}

static void observe(struct detect *d, struct observation *o)
{
	prepare(d, o);
	run_count(o);
	roll_up(o);
	for (size_t i = 0; d->heuristics[i]; i++)
		d->heuristics[i]->observe(o, d->world.settings->heuristics.at[i]);
	conclude(d, o);
}

/* ---- messages ---- */

/* What `mailaudit notify` hands to sendmail(8): the uid is the kernel's word. */
static bool is_alert(const struct detect *d, const struct message *m)
{
	char buf[24];

	return !m->script.n &&
	       str_eq(attribute_submitter(d->world.accounts, m, buf), STR("mailaudit"));
}

/* Mail that passes through, reports of our own, and answers of a machine are no
 * habit of anybody's; what a script sends is, whatever sender it names. */
static bool is_ours(const struct detect *d, const struct message *m)
{
	switch (m->channel) {
	case CHANNEL_AUTH:
		return m->login.n != 0;
	case CHANNEL_LOCAL:
		return (!m->sender_null || m->script.n) && !is_alert(d, m);
	case CHANNEL_SMTP:
		return !m->sender_null && accounts_trusted_ip(d->world.accounts, m->client_ip);
	case CHANNEL_NONE:
	case CHANNEL_INTERNAL:
		return false;
	}
	return false;
}

static struct stream *message_stream(struct detect *d, const struct message *m, usec_t now)
{
	char buf[24];
	struct str user;

	if (m->channel == CHANNEL_AUTH)
		return stream_of(d, STREAM_LOGIN, m->account, m->login, now);
	if (m->channel == CHANNEL_SMTP)
		return stream_of(d, STREAM_NETWORK, m->account, m->client_ip, now);
	if (m->script.n || m->cwd.n)
		return stream_of(d, STREAM_SCRIPT, m->account,
				 m->script.n ? m->script : m->cwd, now);
	user = attribute_submitter(d->world.accounts, m, buf);
	if (!user.n)
		return stream_of(d, STREAM_NETWORK, m->account, STR("this host"), now);
	return stream_of(d, STREAM_USER, m->account, user, now);
}

/* Generic endings that look like countries, and are no place. */
static bool is_country(struct str label)
{
	static const struct str other[] = { STR("eu"), STR("io"), STR("tv"), STR("me"),
					    STR("co"), STR("cc"), STR("ai"), STR("to") };

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (str_eq_nocase(label, other[i]))
			return false;
	return label.n == 2 && isalpha((unsigned char)label.p[0]) &&
	       isalpha((unsigned char)label.p[1]);
}

static void place_by_name(struct str name, struct geo_place *place)
{
	struct str domain, label;

	if (!name.n)
		return;
	domain = habit_registered(name);
	label = str_skip(name, str_rchr(name, '.') + 1);
	if (domain.n == name.n || !label.n)
		return;
	place->asn = habit_domain(domain) | PLACE_BY_NAME;
	observe_text(domain, place->organization, sizeof(place->organization));
	if (!is_country(label))
		return;
	place->country[0] = (char)toupper((unsigned char)label.p[0]);
	place->country[1] = (char)toupper((unsigned char)label.p[1]);
}

static void fill(struct detect *d, struct observation *o, struct message *m, usec_t now)
{
	struct message_streams *kept = &m->streams;

	o->time = now;
	o->message = m;
	/* Most lines are about a message whose streams were looked up a moment ago. */
	if (!kept->stream || kept->dropped != d->dropped || kept->account_name != m->account.p ||
	    kept->script != m->script.p || kept->cwd != m->cwd.p) {
		kept->stream = message_stream(d, m, now);
		kept->account = m->account.n ? stream_of(d, STREAM_ACCOUNT, m->account, STR_NONE,
							 now) : NULL;
		kept->dropped = d->dropped;
		kept->account_name = m->account.p;
		kept->script = m->script.p;
		kept->cwd = m->cwd.p;
	}
	o->stream = kept->stream;
	o->account = kept->account;
	o->host = host_stream(d, now);
	if (m->channel != CHANNEL_AUTH || o->kind != OBSERVED_SUBMIT)
		return;
	if (d->world.geo)
		geo_find(d->world.geo, m->client_ip, &o->place);
	else if (!accounts_trusted_ip(d->world.accounts, m->client_ip))
		place_by_name(m->client_name, &o->place);
}

void detect_submit(struct detect *d, struct message *m, usec_t now)
{
	struct observation o = { .kind = OBSERVED_SUBMIT };

	m->work.observed = true;
	if (!is_ours(d, m))
		return;
	fill(d, &o, m, now);
	observe(d, &o);
}

static bool is_regular(const struct stream *s, uint32_t hash)
{
	return s->regulars[0] == hash || s->regulars[1] == hash;
}

/* Is the address of no domain of the account? */
static bool is_outside(const struct detect *d, struct str account, struct str address)
{
	struct str domain = str_skip(address, str_rchr(address, '@') + 1);
	struct str owner = accounts_domain(d->world.accounts, domain);

	return !owner.n || !str_eq(owner, account);
}

/* Who gets alerts: no stranger to anybody here. */
static bool is_admin(const struct detect *d, struct str address)
{
	const struct string_list *to = &d->world.settings->alerts.to;

	for (size_t i = 0; i < to->n; i++)
		if (str_eq_nocase(address, str_of(to->at[i])))
			return true;
	return false;
}

void detect_recipient(struct detect *d, struct message *m, size_t nth, usec_t now)
{
	struct observation o = { .kind = OBSERVED_RECIPIENT, .nth = nth };
	struct str to = m->rcpt[nth].address;

	m->work.observed_rcpt = (int)nth + 1;
	if (!is_ours(d, m))
		return;
	fill(d, &o, m, now);
	o.recipient = &m->rcpt[nth];
	o.whom = known_hash(to);
	o.novel = !known_has(&o.stream->known, o.whom) && !is_admin(d, to);
	o.regular = !o.novel && is_regular(o.stream, o.whom);
	m->rcpt[nth].novel = o.novel;
	o.stranger = o.novel && is_outside(d, m->account, to);
	observe(d, &o);
}

void detect_answer(struct detect *d, struct message *m, size_t nth, usec_t now)
{
	struct observation o = { .kind = OBSERVED_ANSWER, .nth = nth };
	struct recipient *r = &m->rcpt[nth];

	r->judged = r->status;
	if (r->status == RCPT_PENDING || !is_ours(d, m))
		return;
	fill(d, &o, m, now);
	o.recipient = r;
	o.novel = r->novel;
	if (d->world.patterns && r->response.n)
		o.answer = patterns_response(d->world.patterns, r->dsn, r->response,
					     r->status == RCPT_DEFERRED);
	observe(d, &o);
}

/* May what the message is be taken for settled? */
static bool is_settled(struct detect *d, const struct message *m, usec_t now, bool patient)
{
	struct stream *account;

	/* May be the other half of a local message, which says so in a moment. */
	if (m->work.no_end && m->channel == CHANNEL_SMTP &&
	    accounts_trusted_ip(d->world.accounts, m->client_ip))
		return patient || m->time + JOIN_PATIENCE < now;
	/* Who logged in may be told by another program, in a moment. */
	if (m->work.process >= 0 && m->channel == CHANNEL_SMTP)
		return patient || m->time + JOIN_PATIENCE < now;
	if (m->channel != CHANNEL_LOCAL)
		return m->nrcpt || m->work.nrcpt >= 0 || m->closed;
	if (patient || !m->work.waiting)
		return true;
	if (!m->comparable)
		return false;
	if (!m->account.n || m->via == VIA_DOMAIN)
		return false;
	account = stream_of(d, STREAM_ACCOUNT, m->account, STR_NONE, m->time);
	return !account->php_seen || account->php_seen + PHP_LOG_ALIVE < m->time;
}

void detect_message(struct detect *d, struct message *m, usec_t now, bool patient)
{
	bool first = !m->work.observed;

	if (first) {
		if (!is_settled(d, m, now, patient))
			return;
		detect_submit(d, m, now);
	}
	for (size_t i = (size_t)m->work.observed_rcpt; i < m->nrcpt; i++)
		detect_recipient(d, m, i, now);
	for (size_t i = first ? 0 : m->judge_from; i < (first ? m->nrcpt : m->judge_to); i++)
		if (i < m->nrcpt && m->rcpt[i].judged != m->rcpt[i].status)
			detect_answer(d, m, i, now);
	m->judge_from = m->judge_to = 0;
}

/* ---- calls of PHP's mail() ---- */

static void fill_call(struct detect *d, struct observation *o, const struct php_mail *p,
		      struct phphead *head)
{
	struct str script = p->script;

	phphead_read(p->headers, head);
	o->head = head;
	/* A library sends for its site, as in use_php() of attribute.c. */
	if (attribute_is_library(script) && attribute_site_root(script).n)
		script = attribute_site_root(script);
	o->call = p;
	o->stream = stream_of(d, STREAM_SCRIPT, p->account, script, o->time);
	if (p->account.n)
		o->account = stream_of(d, STREAM_ACCOUNT, p->account, STR_NONE, o->time);
	o->host = host_stream(d, o->time);
}

void detect_call(struct detect *d, const struct php_mail *p, usec_t now)
{
	struct phphead head;
	struct observation o = { .kind = OBSERVED_CALL, .time = now };

	/* Who can write the log could make up habits of his own only. */
	if (!p->account.n && p->tenant)
		return;
	fill_call(d, &o, p, &head);
	observe(d, &o);
}

void detect_unsent(struct detect *d, const struct php_mail *p, usec_t now)
{
	struct phphead head;
	struct observation o = { .kind = OBSERVED_UNSENT, .time = now };

	if (!p->account.n && p->tenant)
		return;
	fill_call(d, &o, p, &head);
	observe(d, &o);
}

void detect_joined(struct detect *d, const struct message *m, const struct php_mail *p,
		   usec_t now)
{
	struct phphead head;
	struct observation o = { .kind = OBSERVED_JOIN, .time = now, .message = m };

	/* One recipient is never more than the call named. */
	if (m->nrcpt < 2 || (!p->account.n && p->tenant))
		return;
	fill_call(d, &o, p, &head);
	observe(d, &o);
}

/* ---- mail that comes back, logins that fail ---- */

/* Scripts send as user@this-host, which no map of domains has. */
static struct str mailbox_owner(struct detect *d, struct str address, struct str domain)
{
	struct str owner = accounts_domain(d->world.accounts, domain);
	struct str local = str_head(address, str_rchr(address, '@'));

	if (!owner.n)
		owner = accounts_login(d->world.accounts, address);
	if (!owner.n && accounts_known(d->world.accounts, local))
		owner = local;
	return owner;
}

void detect_bounce(struct detect *d, const struct message *m, usec_t now)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		struct observation o = { .kind = OBSERVED_BOUNCE, .time = now, .message = m,
					 .nth = i, .recipient = &m->rcpt[i] };
		struct str to = habit_addressed(&m->rcpt[i]);
		size_t at = str_rchr(to, '@');
		struct str domain = str_skip(to, at + 1);
		struct str account = mailbox_owner(d, to, domain);

		if (m->rcpt[i].status == RCPT_REJECTED || !domain.n)
			continue;
		if (account.n)
			o.account = stream_of(d, STREAM_ACCOUNT, account, STR_NONE, now);
		o.host = host_stream(d, now);
		o.stream = stream_of(d, STREAM_INBOUND, account, domain, now);
		o.whom = known_hash(to);
		o.novel = !known_has(&o.stream->known, o.whom);
		observe(d, &o);
		/* A catch-all is a matter of its own: it can be turned off. */
		if (at == to.n)
			continue;
		o.stream = stream_of(d, STREAM_INBOUND, account, str_skip(to, at), now);
		observe(d, &o);
	}
}

/* By login, by the uid that wrote the file, or by the file. */
static struct str visitor(const struct accounts *a, const struct event *ev, char *buf)
{
	struct str account = accounts_login(a, ev->login);

	if (account.n)
		return account;
	if (ev->uid <= 0)
		return ev->path.n ? accounts_path(a, ev->path) : STR_NONE;
	account = accounts_uid(a, ev->uid, buf);
	return accounts_known(a, account) ? account : STR_NONE;
}

/* The stream that a visit teaches: the mailbox's, or the account's. NULL: nobody's; guessed
 * names must not make streams. One that is made by it has not begun to send. */
static struct stream *visited(struct detect *d, const struct event *ev, usec_t now)
{
	char buf[24];
	struct str account = visitor(d->world.accounts, ev, buf);
	int64_t next = d->next_stream;
	bool mail = visit_is_mail(ev->service);
	struct stream *s;

	if (!account.n)
		return NULL;
	s = stream_of(d, mail ? STREAM_LOGIN : STREAM_ACCOUNT, account,
		      mail ? ev->login : STR_NONE, now);
	if (d->next_stream != next)
		s->born = 0;
	return s;
}

void detect_refused_login(struct detect *d, const struct event *ev, usec_t now)
{
	struct stream *s = visited(d, ev, now);

	/* A telephone with the old password knocks from home. */
	if (!s || visit_is_own(s, ev->client_ip, now))
		return;
	if (now - s->refused_login > LOGINS_LATELY)
		s->refused_logins = 0;
	s->refused_logins += s->refused_logins < 1000;
	s->refused_login = now;
	stream_touch(d, s);
}

void detect_login(struct detect *d, const struct event *ev, usec_t now)
{
	struct visit v = { &d->world, ev->service, ev->client_ip, now };
	/* Who submits by Dovecot is the mail server's to tell, and reads nothing. */
	struct stream *s = str_eq(ev->service, STR("submission")) ? NULL : visited(d, ev, now);
	bool changed;

	if (!s)
		return;
	fade(s, now);
	changed = visit_learn(s, &v, is_calm(s));
	if (!visit_is_mail(ev->service)) {
		visit_enter(s, &v, STR_NONE);
		changed = true;
	}
	if (changed)
		stream_touch(d, s);
}

void detect_upload(struct detect *d, const struct event *ev, usec_t now)
{
	struct visit v = { &d->world, ev->service, ev->client_ip, now };
	struct stream *s = visit_is_script(ev->path) ? visited(d, ev, now) : NULL;

	if (!s)
		return;
	visit_enter(s, &v, ev->path);
	stream_touch(d, s);
}

void detect_direct(struct detect *d, const struct direct *direct, usec_t now)
{
	struct observation o = { .kind = OBSERVED_DIRECT, .time = now, .direct = direct };
	int64_t next = d->next_stream;

	if (direct->account.n)
		o.account = stream_of(d, STREAM_ACCOUNT, direct->account, STR_NONE, now);
	if (d->next_stream != next)
		o.account->born = 0;
	o.stream = stream_of(d, STREAM_DIRECT, direct->account, direct->user, now);
	o.whom = known_hash(direct->ip);
	o.novel = !known_has(&o.stream->known, o.whom);
	if (d->world.geo)
		geo_find(d->world.geo, direct->ip, &o.place);
	observe(d, &o);
}

/* ---- quiet ---- */

/* Puts into the finding what its stream's run tells. */
static void tell(struct detect *d, struct finding *f)
{
	struct stream *s = map_get(&d->streams, f->stream_key);

	if (!s || s->open != f)
		return;
	for (size_t i = 0; d->heuristics[i]; i++)
		if (d->heuristics[i]->tell)
			d->heuristics[i]->tell(s, f, d->world.settings->heuristics.at[i]);
}

static void finding_close(struct detect *d, struct finding *f)
{
	struct stream *s = stream_get(d, f->stream_key, f->last_seen);

	f->closed = f->last_seen + FINDING_QUIET;
	f->dirty = true;
	tell(d, f); /* the run's figures go with it */
	run_end(s);
	s->open = NULL;
	stream_touch(d, s);
}

void detect_advance(struct detect *d, usec_t now)
{
	if (d->next_close && now <= d->next_close)
		return;
	d->next_close = now + FINDING_QUIET;
	for (size_t i = 0; i < d->nfindings; i++) {
		struct finding *f = d->findings[i];
		usec_t due = f->last_seen + FINDING_QUIET;

		if (f->closed)
			continue;
		if (due < now)
			finding_close(d, f);
		else if (due < d->next_close)
			d->next_close = due;
	}
}

/* ---- for the commit ---- */

bool detect_dirty(const struct detect *d)
{
	return d->ndirty != 0;
}

static void batch_findings(struct detect *d, struct batch *b)
{
	b->findings = arena_alloc(&b->arena, (d->nfindings + 1) * sizeof(*b->findings));
	b->nfindings = 0;
	for (size_t i = 0; i < d->nfindings; i++) {
		if (!d->findings[i]->dirty)
			continue;
		tell(d, d->findings[i]);
		b->findings[b->nfindings++] = d->findings[i];
	}
}

static struct stream_row row_of(const struct stream *s, struct arena *to)
{
	return (struct stream_row){ s->id, str_of(s->key), stream_pack(s, to), s->last };
}

void detect_batch(struct detect *d, struct batch *b)
{
	size_t known = 0;

	for (size_t i = 0; i < d->ndirty; i++)
		known += known_rows(&d->dirty[i]->known);
	b->streams = arena_alloc(&b->arena, (d->ndirty + 1) * sizeof(*b->streams));
	b->known = arena_alloc(&b->arena, (known + 1) * sizeof(*b->known));
	b->forgotten = arena_alloc(&b->arena, (d->ndirty + 1) * sizeof(*b->forgotten));
	b->nstreams = d->ndirty;
	b->nknown = b->nforgotten = 0;
	for (size_t i = 0; i < d->ndirty; i++) {
		const struct stream *s = d->dirty[i];

		b->streams[i] = row_of(s, &b->arena);
		for (size_t k = known_rows(&s->known); k-- > 0;)
			known_row(&s->known, k, s->id, &b->arena, &b->known[b->nknown++]);
		if (s->known.turned && s->known.generation)
			b->forgotten[b->nforgotten++] = (struct known_row){
				.stream = s->id, .generation = s->known.generation - 1 };
	}
	batch_findings(d, b);
	b->next_stream = d->next_stream;
	b->next_finding = d->next_finding;
}

static void forget_closed(struct detect *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->nfindings; i++) {
		struct finding *f = d->findings[i];

		f->dirty = false;
		f->stored = true;
		/* Without rows to read it back from it stays. */
		if (f->closed && d->rows.load_finding)
			finding_free(f);
		else
			d->findings[kept++] = f;
	}
	d->nfindings = kept;
}

static void fall_asleep(struct detect *d, struct stream *s)
{
	struct stream_row row = row_of(s, &d->packed);

	asleep_add(&d->asleep, &row);
	arena_reset(&d->packed);
	stream_drop(d, s);
}

void detect_committed(struct detect *d)
{
	struct stream *newer;

	for (size_t i = 0; i < d->ndirty; i++) {
		d->dirty[i]->dirty = false;
		d->dirty[i]->stored = true;
		known_committed(&d->dirty[i]->known);
	}
	d->ndirty = 0;
	forget_closed(d);
	if (!d->rows.load_stream)
		return;
	for (struct stream *s = d->oldest; s && d->nstreams > STREAMS_MAX_IN_MEMORY; s = newer) {
		newer = s->newer;
		fall_asleep(d, s);
	}
	arena_release(&d->packed);
}

bool detect_full(const struct detect *d)
{
	size_t many = STREAMS_MAX_IN_MEMORY + STREAMS_MAX_IN_MEMORY / 2;

	return d->rows.load_stream && d->nstreams > many;
}

void detect_put_away(struct detect *d)
{
	struct stream *s = d->oldest, *newer;

	for (; s && s->used != d->turn && d->rows.load_stream; s = newer) {
		newer = s->newer;
		if (!s->stored || s->dirty)
			continue;
		d->all_here = false;
		stream_drop(d, s);
	}
	asleep_release(&d->asleep);
	d->turn++;
}

/* ---- life ---- */

struct detect *detect_new(const struct detect_world *world,
			  const struct heuristic *const *heuristics, struct row_source rows)
{
	struct detect *d = xcalloc(1, sizeof(*d));

	d->world = *world;
	d->heuristics = heuristics;
	d->rows = rows;
	d->next_stream = d->next_finding = 1;
	asleep_init(&d->asleep);
	return d;
}

void detect_free(struct detect *d)
{
	struct stream *newer;

	if (!d)
		return;
	for (struct stream *s = d->oldest; s; s = newer) {
		newer = s->newer;
		stream_free(s);
	}
	for (size_t i = 0; i < d->nfindings; i++)
		finding_free(d->findings[i]);
	map_release(&d->streams);
	asleep_release(&d->asleep);
	arena_release(&d->packed);
	free(d->dirty);
	free(d->findings);
	free(d);
}

void detect_reload(struct detect *d, const struct detect_world *world)
{
	d->world = *world;
	for (struct stream *s = d->oldest; s; s = s->newer)
		s->plain_library = 0;
}

void detect_restore(struct detect *d, int64_t next_stream, int64_t next_finding)
{
	d->next_stream = next_stream > 0 ? next_stream : 1;
	d->all_here = d->next_stream == 1;
	d->next_finding = next_finding > 0 ? next_finding : 1;
}

void detect_restore_finding(struct detect *d, struct finding *open)
{
	open->stored = true;
	finding_keep(d, open);
}

int64_t detect_raised(const struct detect *d)
{
	return d->raised;
}

void detect_each_finding(struct detect *d, detect_finding_fn *fn, void *context)
{
	for (size_t i = 0; i < d->nfindings; i++) {
		tell(d, d->findings[i]);
		fn(context, d->findings[i]);
	}
}
