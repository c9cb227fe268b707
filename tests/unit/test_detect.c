/* The detector behind the pipeline, fed with log text: what is found and what is
 * not, as which case, and that neither chunks, commits nor restarts change it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/detect.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"

#define START (1793599200 * USEC_SECOND) /* 2026-11-02 06:00 UTC, a Monday */
#define MINUTE USEC_MINUTE
#define HOUR USEC_HOUR
#define DAY USEC_DAY
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char passwd[] = "alice:x:5101:5101::/home/alice:/bin/sh\n"
			     "bob:x:5102:5102::/home/bob:/bin/sh\n"
			     "mailaudit:x:5190:5190::/var/lib/mailaudit:/bin/false\n"
			     "www-data:x:33:33::/var/www:/bin/sh\n";
static const char domains[] = "alice.example: alice\nshop.example: bob\n";

/* ---- rows, as the database keeps them ---- */

struct blob {
	char *p;
	size_t n;
};

struct stored_stream {
	struct stream_row row; /* key and state on the heap */
};

struct stored_chunk {
	int64_t stream, generation, chunk;
	struct blob hashes;
};

struct stored_note {
	char *kind, *key, *value;
	size_t value_n;
	usec_t time;
};

#define MAX_ROWS 4000

struct rows {
	struct message *message[MAX_ROWS]; /* by id */
	struct php_mail *php[MAX_ROWS];
	struct finding *finding[100];
	struct stored_stream stream[200];
	struct stored_chunk chunk[400];
	struct stored_note note[400];
	size_t nstreams, nchunks, nnotes;
	int64_t next_message, next_php, next_stream, next_finding;
	usec_t watermark;
	size_t taken[2]; /* bytes of each log */
	usec_t near[2];
	int loads; /* of messages */
};

static struct str keep(struct str s)
{
	return (struct str){ str_dup(s), s.n };
}

static void drop(struct str s)
{
	free((char *)(uintptr_t)s.p);
}

static struct str copy_to(struct arena *a, struct str s)
{
	return s.p ? arena_str(a, s) : STR_NONE;
}

static void copy_recipients(struct message *to, const struct message *m)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		struct recipient *r = message_recipient_add(to, m->rcpt[i].address);

		*r = m->rcpt[i];
		r->address = copy_to(&to->strings, m->rcpt[i].address);
		r->orig_to = copy_to(&to->strings, m->rcpt[i].orig_to);
		r->dsn = copy_to(&to->strings, m->rcpt[i].dsn);
		r->relay = copy_to(&to->strings, m->rcpt[i].relay);
		r->relay_ip = copy_to(&to->strings, m->rcpt[i].relay_ip);
		r->response = copy_to(&to->strings, m->rcpt[i].response);
		r->judged = RCPT_PENDING; /* no column */
	}
}

/* What the row holds of it, and no more. */
static struct message *copy_message(const struct message *m)
{
	struct message *c = message_new();
	struct arena scratch = { 0 }, mine = c->strings;
	struct str *const strings[] = {
		&c->host, &c->instance, &c->queue_id, &c->account, &c->login, &c->user,
		&c->client_ip, &c->client_name, &c->helo, &c->cwd, &c->script, &c->sender,
		&c->subject, &c->message_id, &c->parent_id,
	};
	bool over = m->closed && !m->work.waiting;

	assert_int_equal(m->naliases, 0);
	*c = *m;
	c->strings = mine;
	for (size_t i = 0; i < LENGTH(strings); i++)
		*strings[i] = copy_to(&c->strings, *strings[i]);
	c->rcpt = NULL;
	c->nrcpt = c->rcpt_room = 0;
	c->work = (struct message_work){ .nrcpt = -1 };
	c->stored = true;
	c->dirty = c->rcpt_dirty = c->comparable = c->awaited = false;
	c->judge_from = c->judge_to = 0;
	c->nodes = NULL;
	copy_recipients(c, m);
	message_work_unpack(c, over ? message_evidence_pack(m, &scratch) :
				      message_work_pack(m, &scratch));
	arena_release(&scratch);
	return c;
}

static struct php_mail *copy_php(const struct php_mail *p)
{
	struct php_mail *c = php_mail_new();
	struct str *const strings[] = { &c->host, &c->account, &c->script, &c->to, &c->subject,
					&c->headers, &c->message_id };
	struct arena mine = c->strings;

	*c = *p;
	c->strings = mine;
	for (size_t i = 0; i < LENGTH(strings); i++)
		*strings[i] = copy_to(&c->strings, *strings[i]);
	c->stored = true;
	c->dirty = false;
	c->older = c->newer = NULL;
	c->nodes = NULL;
	return c;
}

static struct finding *copy_finding(const struct finding *f)
{
	struct finding *c = finding_new();
	struct str *const strings[] = { &c->stream_key, &c->host, &c->account, &c->login,
					&c->script, &c->summary, &c->evidence, &c->why,
					&c->advice, &c->sources, &c->answers, &c->queue_ids,
					&c->subjects };

	*c = *f;
	c->strings = c->told = (struct arena){ 0 };
	for (size_t i = 0; i < LENGTH(strings); i++)
		*strings[i] = copy_to(i < 5 ? &c->strings : &c->told, *strings[i]);
	c->stored = true;
	c->dirty = false;
	return c;
}

static void put_stream(struct rows *db, const struct stream_row *row)
{
	size_t i = 0;

	while (i < db->nstreams && db->stream[i].row.id != row->id)
		i++;
	assert_true(i < LENGTH(db->stream));
	if (i == db->nstreams) {
		db->stream[db->nstreams++].row = *row;
		db->stream[i].row.key = keep(row->key);
	} else {
		assert_true(str_eq(db->stream[i].row.key, row->key));
		drop(db->stream[i].row.state);
	}
	db->stream[i].row.state = keep(row->state);
	db->stream[i].row.last = row->last;
}

static void put_chunk(struct rows *db, const struct known_row *row)
{
	size_t i = 0;

	while (i < db->nchunks && (db->chunk[i].stream != row->stream ||
				   db->chunk[i].generation != row->generation ||
				   db->chunk[i].chunk != row->chunk))
		i++;
	assert_true(i < LENGTH(db->chunk));
	if (i < db->nchunks)
		free(db->chunk[i].hashes.p);
	db->nchunks += i == db->nchunks;
	db->chunk[i] = (struct stored_chunk){ row->stream, row->generation, row->chunk,
					      { str_dup(row->hashes), row->hashes.n } };
}

static void put_note(struct rows *db, const struct note *n)
{
	size_t i = 0;

	while (i < db->nnotes && !(str_eq(str_of(db->note[i].kind), n->kind) &&
				   str_eq(str_of(db->note[i].key), n->key)))
		i++;
	assert_true(i < LENGTH(db->note));
	if (i < db->nnotes) {
		free(db->note[i].kind);
		free(db->note[i].key);
		free(db->note[i].value);
		db->note[i] = db->note[--db->nnotes];
	}
	if (n->value.p)
		db->note[db->nnotes++] = (struct stored_note){ str_dup(n->kind), str_dup(n->key),
							       str_dup(n->value), n->value.n,
							       n->time };
}

static void put_messages(struct rows *db, const struct batch *b)
{
	for (size_t i = 0; i < b->ndropped; i++) {
		message_free(db->message[b->dropped[i]]);
		db->message[b->dropped[i]] = NULL;
	}
	for (size_t i = 0; i < b->nmessages; i++) {
		int64_t id = b->messages[i]->id;

		assert_true(id < MAX_ROWS);
		message_free(db->message[id]);
		db->message[id] = copy_message(b->messages[i]);
	}
	for (size_t i = 0; i < b->nphp; i++) {
		int64_t id = b->php[i]->id;

		assert_true(id < MAX_ROWS);
		php_mail_free(db->php[id]);
		db->php[id] = copy_php(b->php[i]);
	}
}

static void put_batch(struct rows *db, const struct batch *b)
{
	put_messages(db, b);
	for (size_t i = 0; i < b->nstreams; i++)
		put_stream(db, &b->streams[i]);
	for (size_t i = 0; i < b->nknown; i++)
		put_chunk(db, &b->known[i]);
	assert_int_equal(b->nforgotten, 0);
	for (size_t i = 0; i < b->nnotes; i++)
		put_note(db, &b->notes[i]);
	for (size_t i = 0; i < b->nfindings; i++) {
		int64_t id = b->findings[i]->id;

		assert_true((size_t)id < LENGTH(db->finding));
		finding_free(db->finding[id]);
		db->finding[id] = copy_finding(b->findings[i]);
	}
	db->next_message = b->next_message;
	db->next_php = b->next_php;
	db->next_stream = b->next_stream;
	db->next_finding = b->next_finding;
	db->watermark = b->watermark;
}

static void rows_free(struct rows *db)
{
	for (size_t i = 0; i < MAX_ROWS; i++) {
		message_free(db->message[i]);
		if (db->php[i])
			php_mail_free(db->php[i]);
	}
	for (size_t i = 0; i < LENGTH(db->finding); i++)
		finding_free(db->finding[i]);
	for (size_t i = 0; i < db->nstreams; i++) {
		drop(db->stream[i].row.key);
		drop(db->stream[i].row.state);
	}
	for (size_t i = 0; i < db->nchunks; i++)
		free(db->chunk[i].hashes.p);
	for (size_t i = 0; i < db->nnotes; i++) {
		free(db->note[i].kind);
		free(db->note[i].key);
		free(db->note[i].value);
	}
	free(db);
}

/* ---- rows, as the core asks for them ---- */

static struct message *load(void *context, int64_t id)
{
	struct rows *db = context;

	db->loads++;
	return db->message[id] ? copy_message(db->message[id]) : NULL;
}

static int64_t find(void *context, struct str host, struct str id, usec_t time, usec_t *seen,
		    usec_t *closed)
{
	const struct rows *db = context;

	for (int64_t i = 0; i < MAX_ROWS; i++) {
		const struct message *m = db->message[i];

		if (!m || m->time < time - MINUTE || m->time > time + MINUTE ||
		    !str_eq(m->host, host) || !str_eq(m->queue_id, id))
			continue;
		*seen = m->time;
		*closed = m->closed;
		return i;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct known_row *x = a, *y = b;

	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return (x->chunk > y->chunk) - (x->chunk < y->chunk);
}

static void load_known(void *context, int64_t stream,
		       void (*known)(void *to, const struct known_row *chunk), void *to)
{
	const struct rows *db = context;
	struct known_row rows[LENGTH(db->chunk)];
	size_t n = 0;

	for (size_t i = 0; i < db->nchunks; i++)
		if (db->chunk[i].stream == stream)
			rows[n++] = (struct known_row){ stream, db->chunk[i].generation,
							db->chunk[i].chunk,
							{ db->chunk[i].hashes.p,
							  db->chunk[i].hashes.n } };
	if (n)
		qsort(rows, n, sizeof(*rows), by_number);
	for (size_t i = 0; i < n; i++)
		known(to, &rows[i]);
}

static bool load_stream(void *context, struct str key, struct stream_row *row)
{
	struct rows *db = context;

	for (size_t i = 0; i < db->nstreams; i++) {
		if (!str_eq(db->stream[i].row.key, key))
			continue;
		*row = db->stream[i].row;
		return true;
	}
	return false;
}

static struct finding *load_finding(void *context, int64_t id)
{
	struct rows *db = context;

	return db->finding[id] ? copy_finding(db->finding[id]) : NULL;
}

/* ---- a host: its settings, its logs, the pipeline that reads them ---- */

enum { MTA, PHP, LOGS };

struct host {
	struct settings *settings;
	struct accounts *accounts;
	struct patterns *patterns;
	struct geo *geo;
	struct detect_world world;
	struct rows *db;
	struct pipeline *pipeline;
	struct pipeline_source *source[LOGS];
	size_t start[LOGS]; /* bytes taken before the source was added */
	size_t pushed[LOGS];
	FILE *log[LOGS];
	char *text[LOGS];
	size_t n[LOGS];
	usec_t now; /* of the newest line written */
	unsigned next_id;
};

static void add_source(struct host *h, int which)
{
	struct source_setup setup = { .name = which == MTA ? STR("mail.log") : STR("php.log"),
				      .format = which == MTA ? STR("auto") : STR("php"),
				      .zone = zone_utc(),
				      .near = h->db->near[which] ? h->db->near[which] : START,
				      .host = STR("host") };

	h->source[which] = pipeline_source_add(h->pipeline, &setup);
	h->start[which] = h->pushed[which] = h->db->taken[which];
}

static int by_end(const void *a, const void *b)
{
	const struct message *x = *(struct message *const *)a, *y = *(struct message *const *)b;

	if (x->closed != y->closed)
		return x->closed < y->closed ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static void restore_message(struct host *h, const struct message *m)
{
	pipeline_restore_message(h->pipeline, m->host, m->instance, m->queue_id, m->id, m->time,
				 m->closed, m->work.waiting);
}

/* In the order of schema/restore.c. */
static void restore_messages(struct host *h)
{
	struct message *ended[MAX_ROWS];
	size_t n = 0;

	for (size_t i = 0; i < MAX_ROWS; i++) {
		struct message *m = h->db->message[i];

		if (m && (!m->closed || m->work.waiting))
			restore_message(h, m);
		else if (m && m->closed >= h->db->watermark - PIPELINE_LINGER)
			ended[n++] = m;
	}
	if (n)
		qsort(ended, n, sizeof(*ended), by_end);
	for (size_t i = 0; i < n; i++)
		restore_message(h, ended[i]);
}

static void restore_rest(struct host *h)
{
	struct rows *db = h->db;

	for (size_t i = 0; i < MAX_ROWS; i++)
		if (db->php[i] && db->php[i]->state == PHP_WAITING)
			pipeline_restore_php(h->pipeline, copy_php(db->php[i]));
	for (size_t i = 0; i < db->nnotes; i++) {
		struct note n = { str_of(db->note[i].kind), str_of(db->note[i].key),
				  { db->note[i].value, db->note[i].value_n }, db->note[i].time };

		pipeline_restore_note(h->pipeline, &n);
	}
	pipeline_restore_detection(h->pipeline, db->next_stream, db->next_finding);
	for (size_t i = 0; i < LENGTH(db->finding); i++)
		if (db->finding[i] && !db->finding[i]->closed)
			pipeline_restore_finding(h->pipeline, copy_finding(db->finding[i]));
}

/* From what was committed, as after a crash. */
static void start(struct host *h)
{
	struct row_source rows = { h->db, load, find, load_stream, load_known, load_finding };

	pipeline_free(h->pipeline);
	h->pipeline = pipeline_new(h->settings, h->accounts, all_parsers, rows);
	pipeline_detect(h->pipeline, &h->world, all_heuristics);
	if (h->db->next_message) {
		pipeline_restore_ids(h->pipeline, h->db->next_message, h->db->next_php,
				     h->db->watermark);
		restore_messages(h);
		restore_rest(h);
	}
	add_source(h, MTA);
	add_source(h, PHP);
}

static void commit(struct host *h)
{
	put_batch(h->db, pipeline_batch(h->pipeline));
	for (int i = 0; i < LOGS; i++) {
		h->db->taken[i] = h->start[i] + (size_t)pipeline_taken(h->source[i]);
		h->db->near[i] = pipeline_source_near(h->source[i]);
	}
	pipeline_committed(h->pipeline);
}

static struct host *host_new(const char *yaml, struct geo *geo)
{
	struct host *h = xcalloc(1, sizeof(*h));
	struct map_text maps[] = { { "passwd", "passwd", str_of(passwd), NULL },
				   { "domains", "domains", str_of(domains), NULL } };
	struct error err;

	h->settings = settings_parse(str_of(yaml), "test", NULL, &err);
	assert_non_null(h->settings);
	h->settings->hostname = "host";
	assert_int_equal(settings_heuristics(h->settings, all_heuristics, &err), 0);
	h->accounts = accounts_new(h->settings, maps, 2);
	h->patterns = patterns_default();
	h->geo = geo;
	h->world = (struct detect_world){ h->settings, h->accounts, geo, h->patterns };
	h->db = xcalloc(1, sizeof(*h->db));
	for (int i = 0; i < LOGS; i++)
		h->log[i] = open_memstream(&h->text[i], &h->n[i]);
	start(h);
	return h;
}

static void host_free(struct host *h)
{
	pipeline_free(h->pipeline);
	rows_free(h->db);
	geo_free(h->geo);
	patterns_free(h->patterns);
	accounts_free(h->accounts);
	settings_free(h->settings);
	for (int i = 0; i < LOGS; i++) {
		fclose(h->log[i]);
		free(h->text[i]);
	}
	free(h);
}

/* ---- log text ---- */

static void mta_line(struct host *h, usec_t at, const char *program, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void mta_line(struct host *h, usec_t at, const char *program, const char *format, ...)
{
	time_t seconds = at / USEC_SECOND;
	char stamp[40];
	va_list args;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
	fprintf(h->log[MTA], "%s.%06d+00:00 host postfix/%s[9]: ", stamp, (int)(at % USEC_SECOND),
		program);
	va_start(args, format);
	vfprintf(h->log[MTA], format, args);
	va_end(args);
	fputc('\n', h->log[MTA]);
	if (at > h->now)
		h->now = at;
}

struct letter {
	usec_t at;
	const char *login, *ip; /* by submission; ip alone: from outside */
	int uid; /* else: from a program of this host */
	const char *from, *to; /* to: addresses with blanks between them */
	const char *orig_to;
	const char *answer; /* "5.1.1 550 ..."; NULL: sent */
	bool local; /* delivered into a mailbox here */
};

static unsigned count_words(const char *list)
{
	unsigned n = 1;

	for (; *list; list++)
		n += *list == ' ';
	return n;
}

static void write_outcomes(struct host *h, const struct letter *l, const char *id)
{
	struct str rest = str_of(l->to);

	while (rest.n) {
		struct str to = str_head(rest, str_chr(rest, ' '));

		rest = str_skip(rest, to.n + 1);
		mta_line(h, l->at + USEC_SECOND, l->local ? "virtual" : "smtp",
			 "%s: to=<%.*s>,%s%s%s relay=%s, delay=1, delays=0/0/0/1, dsn=%.*s, status=%s (%s)",
			 id, STR_ARG(to), l->orig_to ? " orig_to=<" : "",
			 l->orig_to ? l->orig_to : "", l->orig_to ? ">," : "",
			 l->local ? "virtual" : "mx.far.example[192.0.2.1]:25", 5,
			 l->answer ? l->answer : "2.0.0", l->answer ? "bounced" : "sent",
			 l->answer ? l->answer + 6 : "250 2.0.0 Ok");
	}
}

static void write_mail(struct host *h, struct letter l)
{
	char id[16];

	snprintf(id, sizeof(id), "4%07X", ++h->next_id);
	if (l.login)
		mta_line(h, l.at, "submission/smtpd",
			 "%s: client=unknown[%s], sasl_method=PLAIN, sasl_username=%s", id, l.ip,
			 l.login);
	else if (l.ip)
		mta_line(h, l.at, "smtpd", "%s: client=mx.else.example[%s]", id, l.ip);
	else
		mta_line(h, l.at, "pickup", "%s: uid=%d from=<%s>", id, l.uid, l.from);
	mta_line(h, l.at, "cleanup", "%s: message-id=<%s@host>", id, id);
	mta_line(h, l.at, "qmgr", "%s: from=<%s>, size=900, nrcpt=%u (queue active)", id, l.from,
		 count_words(l.to));
	write_outcomes(h, &l, id);
	mta_line(h, l.at + USEC_SECOND, "qmgr", "%s: removed", id);
	h->now = l.at;
}
#define MAIL(h, ...) write_mail(h, (struct letter){ __VA_ARGS__ })

static void php_line(struct host *h, usec_t at, const char *script, const char *to,
		     const char *headers, const char *subject)
{
	time_t seconds = at / USEC_SECOND;
	char stamp[40];

	strftime(stamp, sizeof(stamp), "%d-%b-%Y %H:%M:%S", gmtime(&seconds));
	fprintf(h->log[PHP], "[%s UTC] mail() on [%s]: To: %s -- Headers: %s -- Subject: %s\n",
		stamp, script, to, headers, subject);
}

/* A call of mail(), and the message it becomes. */
static void php_mail(struct host *h, usec_t at, int uid, const char *script, const char *to,
		     const char *headers, const char *subject)
{
	php_line(h, at, script, to, headers, subject);
	MAIL(h, .at = at, .uid = uid, .from = "web@host", .to = to);
}

/* A customer at his desk: five a day, to people he knows. */
static void calm_login(struct host *h, usec_t from, int days)
{
	static const char *const to[] = { "anna@a.example", "ben@b.example",
					  "carl@c.example dora@d.example" };

	for (int i = 0; i < 5 * days; i++)
		MAIL(h, .at = from + i / 5 * DAY + i % 5 * HOUR, .login = "info@shop.example",
		     .ip = i % 2 ? "198.51.100.7" : "198.51.77.9", .from = "info@shop.example",
		     .to = to[i % 3]);
}

#define FORM "/home/alice/public_html/contact.php:12"
#define FORM_HEAD "From: web@alice.example  Reply-To: %s  X-Mailer: PHP"

static void form_call(struct host *h, usec_t at, const char *visitor)
{
	char headers[600];

	snprintf(headers, sizeof(headers), FORM_HEAD, visitor);
	php_mail(h, at, 5101, FORM, "office@alice.example", headers, "Contact form");
}

static void calm_form(struct host *h, usec_t from, int days)
{
	char visitor[64];

	for (int i = 0; i < 4 * days; i++) {
		snprintf(visitor, sizeof(visitor), "guest%d@far.example", i);
		form_call(h, from + i / 4 * DAY + i % 4 * HOUR, visitor);
	}
}

/* To eight people nobody here ever wrote to. */
static void strangers(char *list, size_t size, int nth, int n)
{
	size_t at = 0;

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(list + at, size - at, "%sv%d-%d@victim%d.example",
				       i ? " " : "", nth, i, i);
}

/* One message each from networks far apart. */
static void stolen_login(struct host *h, usec_t from, int messages, int recipients)
{
	static const char *const ips[] = { "203.0.113.5", "45.10.3.3", "91.20.4.4", "5.30.6.6",
					   "177.40.7.7" };
	char to[1000];

	for (int i = 0; i < messages; i++) {
		strangers(to, sizeof(to), i, recipients);
		MAIL(h, .at = from + i * 2 * MINUTE, .login = "info@shop.example",
		     .ip = ips[(size_t)i % LENGTH(ips)], .from = "info@shop.example", .to = to);
	}
}

/* A line of another program in the same log. */
static void other_line(struct host *h, usec_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void other_line(struct host *h, usec_t at, const char *format, ...)
{
	char stamp[STAMP_TEXT];
	va_list args;

	fprintf(h->log[MTA], "%s host ", stamp_text(at, stamp));
	va_start(args, format);
	vfprintf(h->log[MTA], format, args);
	va_end(args);
	fputc('\n', h->log[MTA]);
	h->now = at;
}

static void read_mailbox(struct host *h, usec_t at, const char *ip)
{
	other_line(h, at, "dovecot: imap-login: Login: user=<info@shop.example>, method=PLAIN, "
		   "rip=%s, lip=192.0.2.10, mpid=7, TLS, session=<x>", ip);
}

static void ftp_login(struct host *h, usec_t at, const char *ip)
{
	other_line(h, at, "vsftpd[233]: [alice] OK LOGIN: Client \"%s\"", ip);
}

/* ---- reading them ---- */

static void push(struct host *h, int which, size_t n)
{
	size_t left = h->n[which] - h->pushed[which];
	size_t room = pipeline_room(h->source[which]);

	n = n > left ? left : n;
	n = n > room ? room : n;
	pipeline_push(h->source[which], h->text[which] + h->pushed[which], n);
	h->pushed[which] += n;
	if (h->pushed[which] == h->n[which])
		pipeline_finish(h->source[which]);
}

static bool all_pushed(const struct host *h)
{
	return h->pushed[MTA] == h->n[MTA] && h->pushed[PHP] == h->n[PHP];
}

static void flush(struct host *h)
{
	for (int i = 0; i < LOGS; i++)
		fflush(h->log[i]);
}

static void take_lines(struct host *h)
{
	flush(h);
	do {
		push(h, MTA, SIZE_MAX);
		push(h, PHP, SIZE_MAX);
		while (pipeline_run(h->pipeline, 1000))
			;
	} while (!all_pushed(h));
}

/* All that was written, in one go, and a commit. */
static void read_logs(struct host *h)
{
	take_lines(h);
	pipeline_end_waits(h->pipeline, INT64_MAX);
	commit(h);
}

static void let_pass(struct host *h, usec_t t)
{
	h->now += t;
	pipeline_tick(h->pipeline, h->now);
	commit(h);
}

/* ---- what was found ---- */

static size_t count_findings(const struct host *h)
{
	size_t n = 0;

	for (size_t i = 0; i < LENGTH(h->db->finding); i++)
		n += h->db->finding[i] != NULL;
	return n;
}

static void print_findings(const struct host *h)
{
	for (size_t i = 0; i < LENGTH(h->db->finding); i++) {
		const struct finding *f = h->db->finding[i];

		if (f)
			print_error("%s %s %.*s: %.*s\n", finding_case_name[f->verdict],
				    severity_name[f->severity], STR_ARG(f->stream_key),
				    STR_ARG(f->evidence));
	}
}

static void expect_none(const struct host *h)
{
	if (!count_findings(h))
		return;
	print_findings(h);
	fail_msg("%zu findings", count_findings(h));
}

static const struct finding *expect_one(const struct host *h, enum finding_case verdict,
					enum severity severity)
{
	const struct finding *f = h->db->finding[1];

	if (count_findings(h) != 1 || f->verdict != verdict || f->severity != severity) {
		print_findings(h);
		fail_msg("%zu findings, not one of case %s, %s", count_findings(h),
			 finding_case_name[verdict], severity_name[severity]);
	}
	return f;
}

#define assert_str(s, z) assert_true(str_eq((s), str_of(z)))

static bool says(struct str list, const char *part)
{
	return str_find(list, str_of(part)) < list.n;
}

/* ---- case 4 ---- */

static void test_stolen_password(void **state)
{
	struct host *h = host_new("", NULL);
	usec_t attack = START + 10 * DAY + 2 * HOUR;
	const struct finding *f;

	(void)state;
	calm_login(h, START, 10);
	read_logs(h);
	expect_none(h);
	stolen_login(h, attack, 5, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_str(f->account, "bob");
	assert_str(f->login, "info@shop.example");
	assert_str(f->host, "host");
	assert_int_equal(f->script.n, 0);
	assert_int_equal(f->first_seen, attack);
	assert_true(f->time >= attack && f->time <= attack + 8 * MINUTE + USEC_SECOND);
	assert_true(f->leaked_before <= 40);
	assert_int_equal(f->messages, 5);
	assert_int_equal(f->recipients, 40);
	assert_int_equal(f->novel, 40);
	assert_true(f->score[FAMILY_ORIGIN] >= 2.5f && f->score[FAMILY_VOLUME] >= 3);
	assert_true(says(f->summary, "5 messages to 40 recipients"));
	assert_true(says(f->sources, "203.0.113.5"));
	host_free(h);
}

/* Not even the first mail of a new login is held against it. */
static void test_young_login(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	stolen_login(h, START, 3, 1);
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* A journey: new networks, but people he knows. */
static void test_traveller(void **state)
{
	static const char *const ips[] = { "203.0.113.5", "45.10.3.3", "91.20.4.4" };
	struct host *h = host_new("", NULL);

	(void)state;
	calm_login(h, START, 10);
	for (int i = 0; i < 9; i++)
		MAIL(h, .at = START + 10 * DAY + i * 4 * HOUR, .login = "info@shop.example",
		     .ip = ips[i / 3], .from = "info@shop.example", .to = "anna@a.example");
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* With a database of countries one recipient each is enough. NULL: no writer of
 * such databases is here. */
static struct geo *countries(void)
{
	static const char networks[] = "198.51.0.0/16 DE\\n203.0.0.0/16 VN\\n45.10.0.0/16 BR\\n"
				       "91.20.0.0/16 UA\\n5.30.0.0/16 AE\\n177.40.0.0/16 AR\\n";
	const char *top = getenv("MAILAUDIT_SRCDIR");
	char path[] = "/tmp/test_detect.XXXXXX", command[2048];
	struct geo *g = NULL;
	struct error err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "printf '%s' | %s/tests/rig/geo country %s", networks,
		 top ? top : ".", path);
	if (system(command) == 0)
		g = geo_open(path, NULL, &err);
	unlink(path);
	return g;
}

static void test_stolen_password_with_countries(void **state)
{
	struct geo *geo = countries();
	struct host *h;
	const struct finding *f;

	(void)state;
	if (!geo)
		skip();
	h = host_new("", geo);
	calm_login(h, START, 10);
	stolen_login(h, START + 10 * DAY, 5, 1);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_true(f->leaked_before <= 5);
	assert_true(says(f->summary, "in 5 countries (VN, BR, UA, AE, AR)"));
	host_free(h);
}

static void refused_logins(struct host *h, usec_t at, int n)
{
	for (int i = 0; i < n; i++)
		mta_line(h, at + i * USEC_SECOND, "submission/smtpd",
			 "warning: unknown[203.0.113.40]: SASL PLAIN authentication failed: "
			 "authentication failure, sasl_username=info@shop.example");
}

/* Those of the day before, not those of last week nor those that follow. */
static void test_guessed_password(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 6);
	refused_logins(h, START + 6 * DAY, 50);
	calm_login(h, START + 6 * DAY + HOUR, 4);
	refused_logins(h, START + 10 * DAY - HOUR, 7);
	stolen_login(h, START + 10 * DAY, 5, 8);
	refused_logins(h, START + 10 * DAY + HOUR, 30);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_true(says(f->evidence, "7 refused logins before: "));
	host_free(h);
}

static void test_ten_guesses_speak(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 6);
	for (int i = 0; i < 12; i++)
		other_line(h, START + 10 * DAY - HOUR + i * MINUTE, "dovecot: imap-login: Disconnected: "
			   "Connection closed (auth failed, 1 attempts in 2 secs): "
			   "user=<info@shop.example>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.10, "
			   "session=<x>");
	stolen_login(h, START + 10 * DAY, 5, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_true(says(f->evidence, "guessed-password 1.5: 12 refused logins"));
	host_free(h);
}

/* A telephone with the old password knocks from home, and is no guesser. */
static void test_refused_at_home(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 9);
	other_line(h, START + 10 * DAY - HOUR, "dovecot: imap-login: Disconnected: Connection closed "
		   "(auth failed, 30 attempts in 90 secs): user=<info@shop.example>, method=PLAIN, "
		   "rip=198.51.100.7, lip=192.0.2.10, session=<x>");
	stolen_login(h, START + 10 * DAY, 5, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_false(says(f->evidence, "guess"));
	host_free(h);
}

/* Where the mailbox was read on several days is its owner's network, though nothing was
 * sent from there; who begins to read on the day of the attack gains little. */
static void attack_with_reading(struct host *h, int days)
{
	static const char *const ips[] = { "203.0.113.5", "45.10.3.3", "91.20.4.4", "5.30.6.6",
					   "177.40.7.7" };

	for (int day = 0; day < 10; day++) {
		calm_login(h, START + day * DAY, 1);
		for (size_t i = 0; day >= 10 - days && i < LENGTH(ips); i++)
			read_mailbox(h, START + day * DAY + 9 * HOUR, ips[i]);
	}
	stolen_login(h, START + 10 * DAY + 2 * HOUR, 5, 8);
	read_logs(h);
}

static void test_reading_teaches(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	attack_with_reading(h, 8);
	for (size_t i = 0; i < LENGTH(h->db->finding); i++)
		if (h->db->finding[i])
			assert_false(says(h->db->finding[i]->evidence, "new-network"));
	host_free(h);
	h = host_new("", NULL);
	attack_with_reading(h, 1);
	expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	host_free(h);
}

/* Reading alone is no habit of sending: a login that begins to send is young. */
static void test_reading_does_not_age(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	for (int day = 0; day < 10; day++)
		read_mailbox(h, START + day * DAY, "198.51.100.7");
	stolen_login(h, START + 10 * DAY, 3, 1);
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* ---- case 3 ---- */

static void test_injected_form(void **state)
{
	struct host *h = host_new("", NULL);
	usec_t attack = START + 10 * DAY;
	const struct finding *f;

	(void)state;
	calm_form(h, START, 10);
	read_logs(h);
	expect_none(h);
	form_call(h, attack, "x@y.example Bcc: v1@a.example, v2@b.example, v3@c.example");
	read_logs(h);
	f = expect_one(h, CASE_INJECTED, SEVERITY_CRITICAL);
	assert_str(f->account, "alice");
	assert_str(f->script, "/home/alice/public_html/contact.php");
	assert_int_equal(f->script_line, 12);
	assert_int_equal(f->time / USEC_SECOND, attack / USEC_SECOND);
	assert_int_equal(f->leaked_before, 0);
	assert_true(f->score[FAMILY_INJECTION] >= 5);
	assert_true(says(f->evidence, "INJ1"));
	host_free(h);
}

static void test_uploaded_mailer(void **state)
{
	static const char script[] = "/home/alice/public_html/wp-content/uploads/2026/x7f3a9c2.php:3";
	struct host *h = host_new("", NULL);
	usec_t attack = START + 10 * DAY;
	const struct finding *f;
	char to[1000];

	(void)state;
	calm_form(h, START, 10);
	php_mail(h, attack, 5101, script, "drop@box.example", "From: a@b.example",
		 "mailer test https://alice.example/wp-content/uploads/2026/x7f3a9c2.php");
	for (int i = 0; i < 6; i++) {
		strangers(to, sizeof(to), i, 1);
		php_mail(h, attack + MINUTE + i * 5 * USEC_SECOND, 5101, script, to,
			 "From: a@b.example", "You won");
	}
	read_logs(h);
	f = expect_one(h, CASE_MAILER, SEVERITY_CRITICAL);
	assert_str(f->script, "/home/alice/public_html/wp-content/uploads/2026/x7f3a9c2.php");
	assert_true(f->leaked_before <= 6);
	assert_true(says(f->evidence, "bad-path"));
	host_free(h);
}

/* The same, and how it came there. */
static const struct finding *mailer_by_ftp(struct host *h, const char *ip, const char *path,
					   enum finding_case verdict)
{
	static const char script[] = "/home/alice/public_html/wp-content/uploads/2026/x7f3a9c2.php:3";
	usec_t attack = START + 10 * DAY;
	char to[1000];

	for (int day = 0; day < 10; day++) {
		calm_form(h, START + day * DAY, 1);
		ftp_login(h, START + day * DAY + 12 * HOUR, "198.51.100.7");
	}
	ftp_login(h, attack - 3 * MINUTE, ip);
	other_line(h, attack - 3 * MINUTE, "vsftpd[233]: [alice] OK UPLOAD: Client \"%s\", \"%s\", "
		   "35 bytes, 93.90Kbyte/sec", ip, path);
	php_mail(h, attack, 5101, script, "drop@box.example", "From: a@b.example",
		 "mailer test https://alice.example/wp-content/uploads/2026/x7f3a9c2.php");
	for (int i = 0; i < 6; i++) {
		strangers(to, sizeof(to), i, 1);
		php_mail(h, attack + MINUTE + i * 5 * USEC_SECOND, 5101, script, to,
			 "From: a@b.example", "You won");
	}
	read_logs(h);
	return expect_one(h, verdict, SEVERITY_CRITICAL);
}

static void test_mailer_uploaded_from_home(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	f = mailer_by_ftp(h, "198.51.100.7", "/public_html/wp-content/uploads/2026/x7f3a9c2.php",
			  CASE_MAILER);
	assert_true(says(f->evidence, "uploaded by FTP from 198.51.100.7 3 min before"));
	host_free(h);
}

static void test_mailer_uploaded_by_a_stranger(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	f = mailer_by_ftp(h, "203.0.113.9",
			  "/home/alice//public_html/wp-content/uploads/2026/x7f3a9c2.php",
			  CASE_STOLEN);
	assert_true(says(f->evidence, "uploaded by FTP from 203.0.113.9, where this account's logins "
				      "never came from, 3 min before"));
	assert_true(says(f->why, "by FTP or SSH"));
	assert_true(says(f->advice, "change the FTP and SSH password of alice"));
	host_free(h);
}

/* Another file of the same account says nothing about this one. */
static void test_another_upload(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	f = mailer_by_ftp(h, "198.51.100.7", "/public_html/index.php", CASE_MAILER);
	assert_false(says(f->evidence, "uploaded by"));
	host_free(h);
}

/* ---- what is innocent ---- */

static void test_newsletter_to_a_known_list(void **state)
{
	struct host *h = host_new("", NULL);
	char to[4000];

	(void)state;
	strangers(to, sizeof(to), 0, 60);
	calm_login(h, START, 10);
	for (int issue = 0; issue < 4; issue++)
		MAIL(h, .at = START + (10 + issue * 7) * DAY, .login = "info@shop.example",
		     .ip = "198.51.100.7", .from = "info@shop.example", .to = to);
	read_logs(h);
	expect_none(h);
	host_free(h);
}

static void test_programs_of_the_host(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	calm_form(h, START, 3);
	for (int i = 0; i < 100; i++) {
		usec_t at = START + 4 * DAY + i * 30 * MINUTE;

		/* cron, a forward from outside, an automatic answer, our own report */
		MAIL(h, .at = at, .uid = 5101, .from = "alice@host", .to = "office@alice.example");
		MAIL(h, .at = at, .ip = "192.0.2.44", .from = "s@else.example", .to = "me@far.example",
		     .orig_to = "info@shop.example");
		MAIL(h, .at = at, .uid = 5102, .from = "", .to = "asker@else.example");
	}
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* What notify hands in is nobody's habit; from another user the same would be found. */
static void test_own_alerts(void **state)
{
	static const int uids[] = { 5190, 5101 };

	(void)state;
	for (size_t which = 0; which < LENGTH(uids); which++) {
		struct host *h = host_new("", NULL);
		char to[1000];

		for (int i = 0; i < 60; i++) {
			strangers(to, sizeof(to), i, 4);
			MAIL(h, .at = START + i * 5 * USEC_SECOND, .uid = uids[which],
			     .from = "mailaudit@host", .to = to, .answer = "5.1.1 550 no such user");
		}
		read_logs(h);
		assert_int_equal(count_findings(h), which);
		host_free(h);
	}
}

/* Who gets alerts is a stranger to nobody: a login that submits them writes to nobody new. */
static void test_alerts_by_smtp(void **state)
{
	static const char *const settings[] = { "alerts: {to: [admin@far.example]}\n", "" };
	int64_t novel[LENGTH(settings)];

	(void)state;
	for (size_t which = 0; which < LENGTH(settings); which++) {
		struct host *h = host_new(settings[which], NULL);

		MAIL(h, .at = START, .login = "info@shop.example", .ip = "198.51.100.7",
		     .from = "info@shop.example", .to = "Admin@far.example");
		read_logs(h);
		novel[which] = h->db->message[1]->rcpt[0].novel;
		host_free(h);
	}
	assert_int_equal(novel[0], 0);
	assert_int_equal(novel[1], 1);
}

/* ---- case 5 ---- */

static void bounce_in(struct host *h, usec_t at, int nth)
{
	char ip[32], to[64];

	snprintf(ip, sizeof(ip), "192.0.%d.%d", nth % 200, nth % 250);
	snprintf(to, sizeof(to), "name%d@shop.example", nth);
	MAIL(h, .at = at, .ip = ip, .from = "", .to = to, .local = true);
}

static void test_backscatter(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 4);
	for (int i = 0; i < 60; i++)
		bounce_in(h, START + 4 * DAY + i * 20 * USEC_SECOND, i);
	read_logs(h);
	assert_int_equal(count_findings(h), 2);
	for (int i = 1; i <= 2; i++) {
		f = h->db->finding[i];
		assert_int_equal(f->verdict, CASE_SPOOFED);
		assert_int_equal(f->severity, SEVERITY_WARNING);
		assert_str(f->account, "bob");
		assert_int_equal(f->login.n, 0);
	}
	assert_true(says(h->db->finding[1]->summary, "mailboxes of shop.example"));
	assert_true(says(f->summary, "the catch-all @shop.example draws backscatter"));
	assert_true(says(f->advice, "turn the catch-all @shop.example off"));
	host_free(h);
}

/* Bounces of our own mail: the log tells which message they are about. */
static void test_own_reports(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	calm_login(h, START, 4);
	for (unsigned i = 0; i < 60; i++) {
		usec_t at = START + 4 * DAY + i * 20 * USEC_SECOND;

		mta_line(h, at, "cleanup", "5%07X: message-id=<r%u@host>", i, i);
		mta_line(h, at, "qmgr", "5%07X: from=<>, size=900, nrcpt=1 (queue active)", i);
		mta_line(h, at, "bounce", "4%07X: sender non-delivery notification: 5%07X", i + 1, i);
		mta_line(h, at, "virtual", "5%07X: to=<info@shop.example>, relay=virtual, delay=1, "
			 "delays=0/0/0/1, dsn=2.0.0, status=sent (delivered)", i);
		mta_line(h, at, "qmgr", "5%07X: removed", i);
	}
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* ---- what is allowed, what is limited ---- */

static void test_muted(void **state)
{
	static const char *const allow[] = {
		"allow: [{login: info@shop.example, muted_until: 2026-12-31}]\n",
		"allow: [{account: bob, muted_until: 2026-12-31}]\n",
		"allow: [{sender: \"*@shop.example\", muted_until: 2026-12-31}]\n",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(allow); i++) {
		struct host *h = host_new(allow[i], NULL);

		calm_login(h, START, 10);
		stolen_login(h, START + 10 * DAY, 5, 8);
		read_logs(h);
		expect_none(h);
		host_free(h);
	}
}

/* What is about somebody else, or over, mutes nothing. */
static void test_not_muted(void **state)
{
	static const char *const allow[] = {
		"allow: [{login: info@shop.example, muted_until: 2026-11-05}]\n",
		"allow: [{login: else@shop.example, muted_until: 2026-12-31}]\n",
		"allow: [{account: alice, login: info@shop.example, muted_until: 2026-12-31}]\n",
		"allow: [{network: 198.51.0.0/16, muted_until: 2026-12-31}]\n",
		"allow: [{script: \"*\", muted_until: 2026-12-31}]\n",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(allow); i++) {
		struct host *h = host_new(allow[i], NULL);

		calm_login(h, START, 10);
		stolen_login(h, START + 10 * DAY, 5, 8);
		read_logs(h);
		expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
		host_free(h);
	}
}

static float volume_of_a_first_newsletter(const char *yaml)
{
	struct host *h = host_new(yaml, NULL);
	struct stream *s = stream_new(STR("login\nbob\ninfo@shop.example"));
	struct stream_row row = { .id = 0 };
	char to[64];
	float score;

	calm_login(h, START, 10);
	for (int i = 0; i < 60; i++) {
		strangers(to, sizeof(to), i, 1);
		MAIL(h, .at = START + 10 * DAY + i * MINUTE, .login = "info@shop.example",
		     .ip = "198.51.100.7", .from = "info@shop.example", .to = to);
	}
	read_logs(h);
	expect_none(h);
	for (size_t i = 0; i < h->db->nstreams; i++)
		if (str_eq(h->db->stream[i].row.key, str_of(s->key)))
			row = h->db->stream[i].row;
	assert_true(stream_unpack(s, row.state));
	score = s->score[FAMILY_VOLUME];
	stream_free(s);
	host_free(h);
	return score;
}

static void test_newsletter_and_rates(void **state)
{
	float plain = volume_of_a_first_newsletter("");
	float newsletter = volume_of_a_first_newsletter(
		"allow: [{login: info@shop.example, newsletter: yes}]\n");
	float hourly = volume_of_a_first_newsletter(
		"allow: [{login: info@shop.example, per_hour: 100}]\n");
	float daily = volume_of_a_first_newsletter(
		"allow: [{login: info@shop.example, per_day: 2400}]\n");

	(void)state;
	assert_true(plain >= 10);
	assert_true(newsletter < 0.1f);
	/* That all are new is told all the same, but weighs less than a finding's least. */
	assert_true(hourly < plain / 2);
	assert_true(daily < plain / 2);
}

static void test_limits(void **state)
{
	struct host *h = host_new("limits: {login: {messages_per_hour: 20}}\n", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 10);
	for (int i = 0; i < 9; i++)
		MAIL(h, .at = START + 10 * DAY + i * MINUTE, .login = "info@shop.example",
		     .ip = "198.51.100.7", .from = "info@shop.example", .to = "anna@a.example");
	read_logs(h);
	expect_none(h);
	MAIL(h, .at = START + 10 * DAY + 10 * MINUTE, .login = "info@shop.example",
	     .ip = "198.51.100.7", .from = "info@shop.example", .to = "anna@a.example");
	read_logs(h);
	f = expect_one(h, CASE_UNKNOWN, SEVERITY_WARNING);
	assert_int_equal(f->time, START + 10 * DAY + 10 * MINUTE);
	assert_true(says(f->evidence, "10 messages within an hour, of 20 that are allowed"));
	for (int i = 0; i < 10; i++)
		MAIL(h, .at = START + 10 * DAY + (11 + i) * MINUTE, .login = "info@shop.example",
		     .ip = "198.51.100.7", .from = "info@shop.example", .to = "anna@a.example");
	read_logs(h);
	f = expect_one(h, CASE_UNKNOWN, SEVERITY_CRITICAL);
	assert_int_equal(f->time, START + 10 * DAY + 10 * MINUTE);
	host_free(h);
}

/* All that an account sends, whatever it sends with. */
static void test_limits_of_an_account(void **state)
{
	struct host *h = host_new("limits: {account: {recipients_per_hour: 20}}\n", NULL);
	const struct finding *f;
	usec_t last = 0;

	(void)state;
	calm_login(h, START, 10);
	for (int i = 0; i < 12; i++) {
		last = START + 10 * DAY + i * 4 * MINUTE;
		MAIL(h, .at = last, .login = i % 2 ? "info@shop.example" : "box@shop.example",
		     .ip = "198.51.100.7", .from = "info@shop.example",
		     .to = "anna@a.example ben@b.example");
	}
	read_logs(h);
	f = expect_one(h, CASE_UNKNOWN, SEVERITY_CRITICAL);
	assert_str(f->account, "bob");
	assert_int_equal(f->login.n, 0);
	assert_true(f->last_seen >= last);
	assert_true(f->messages > 0 && f->recipients > 0);
	host_free(h);
}

/* ---- the life of a finding ---- */

static void test_closes_and_opens_again(void **state)
{
	struct host *h = host_new("", NULL);
	usec_t attack = START + 10 * DAY, raised, last;
	const struct finding *f;

	(void)state;
	calm_login(h, START, 10);
	stolen_login(h, attack, 5, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	raised = f->time;
	last = f->last_seen;
	let_pass(h, DAY - HOUR);
	assert_int_equal(h->db->finding[1]->closed, 0);
	let_pass(h, 2 * HOUR);
	f = h->db->finding[1];
	assert_int_equal(f->closed, last + FINDING_QUIET);
	assert_true(says(f->summary, "40 recipients"));
	stolen_login(h, attack + 3 * DAY, 5, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_int_equal(f->closed, 0);
	assert_int_equal(f->reopened, 1);
	assert_int_equal(f->time, raised);
	assert_int_equal(f->first_seen, attack);
	assert_true(f->last_seen >= attack + 3 * DAY);
	/* Too long ago: the next one is a finding of its own. */
	stolen_login(h, attack + 14 * DAY, 5, 8);
	read_logs(h);
	assert_int_equal(count_findings(h), 2);
	assert_true(h->db->finding[1]->closed != 0);
	assert_true(h->db->finding[2]->time >= attack + 14 * DAY);
	assert_int_equal(h->db->finding[1]->time, raised);
	host_free(h);
}

/* It begins and ends between two commits: it is told all the same. */
static void test_told_when_closed_at_once(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	calm_login(h, START, 10);
	stolen_login(h, START + 10 * DAY, 5, 8);
	calm_login(h, START + 13 * DAY, 1);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_int_not_equal(f->closed, 0);
	assert_true(says(f->summary, "5 messages to 40 recipients"));
	assert_true(f->evidence.n && f->why.n && f->advice.n && f->sources.n);
	host_free(h);
}

/* ---- past the mail server ---- */

static void connects(struct host *h, usec_t at, int uid, int port, int net, int host)
{
	char line[400];

	snprintf(line, sizeof(line), "kernel: mailaudit-smtp: IN= OUT=eth0 SRC=192.0.2.10 "
		 "DST=10.%d.0.%d LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=4000 DPT=%d "
		 "WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%d ", net, host, port, uid, uid);
	other_line(h, at, "%s", line);
}

/* To so many networks, a second after the other. */
static void connects_to_many(struct host *h, usec_t at, int uid, int port, int nets)
{
	for (int i = 0; i < nets; i++)
		connects(h, at + i * USEC_SECOND, uid, port, i, 25);
}

static void test_direct_to_mx(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	connects_to_many(h, START, 5101, 25, 5);
	read_logs(h);
	expect_none(h);
	connects(h, START + 10 * USEC_SECOND, 5101, 25, 90, 25);
	connects(h, START + 2 * MINUTE, 5101, 25, 90, 26);
	connects(h, START + 2 * MINUTE, 5101, 25, 90, 26);
	read_logs(h);
	f = expect_one(h, CASE_SCRIPT, SEVERITY_CRITICAL);
	assert_str(f->account, "alice");
	assert_str(f->host, "host");
	assert_int_equal(f->time, START + 10 * USEC_SECOND);
	assert_int_equal(f->first_seen, START);
	assert_int_equal(f->messages, 8);
	assert_int_equal(f->recipients, 7);
	assert_true(says(f->summary, "direct SMTP of alice past the mail server: 8 connections to "
				     "7 addresses in 2 min"));
	assert_true(says(f->evidence, "uid 5101 connected to port 25"));
	assert_true(says(f->evidence, "logged as 'mailaudit-smtp:' (6 times)"));
	assert_true(says(f->evidence, "10.90.0.26"));
	assert_true(says(f->advice, "pgrep -a -u alice"));
	assert_int_equal(f->sources.n, 0);
	host_free(h);
}

/* As many as fill the lists, and more: counted on, by what it never connected to. */
static void test_direct_flood(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	for (int i = 0; i < 300; i++)
		connects(h, START + i * USEC_SECOND / 10, 5101, 25, i % 100, 1 + i / 100);
	read_logs(h);
	f = expect_one(h, CASE_SCRIPT, SEVERITY_CRITICAL);
	assert_true(says(f->summary, "300 connections to 300 addresses"));
	host_free(h);
}

static void test_direct_of_many_sites(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	connects_to_many(h, START, 33, 25, 8);
	read_logs(h);
	f = expect_one(h, CASE_SCRIPT, SEVERITY_CRITICAL);
	assert_int_equal(f->account.n, 0);
	assert_true(says(f->summary, "direct SMTP of www-data, a user that sites share,"));
	host_free(h);
}

/* A provider's server, a monitor, a form that verifies addresses, one mail to a provider
 * with five networks, the mail server itself, a relay of ours. */
static void test_direct_and_harmless(void **state)
{
	struct host *h = host_new("networks: [10.200.0.0/16]\n", NULL);

	(void)state;
	for (int i = 0; i < 600; i++)
		connects(h, START + i * USEC_SECOND, 5101, 587, 1, 1 + i % 3);
	for (int i = 0; i < 3; i++)
		connects(h, START + HOUR + i * USEC_SECOND, 5101, 465, 2 + i, 1);
	for (int i = 0; i < 288; i++)
		connects(h, START + DAY + i * 5 * MINUTE, 5102, 25, 1, 1);
	for (int i = 0; i < 60; i++)
		connects(h, START + 3 * DAY + i * 2 * MINUTE, 5101, 25, i, 1);
	connects_to_many(h, START + 4 * DAY, 5101, 25, 5);
	connects_to_many(h, START + 4 * DAY, 5190, 25, 30);
	for (int i = 0; i < 30; i++)
		connects(h, START + 5 * DAY + i * USEC_SECOND, 5102, 25, 200, i + 1);
	read_logs(h);
	expect_none(h);
	host_free(h);
}

static void test_direct_submission(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	connects_to_many(h, START, 5101, 587, 17);
	read_logs(h);
	expect_none(h);
	connects_to_many(h, START + MINUTE, 5101, 465, 25);
	read_logs(h);
	expect_one(h, CASE_SCRIPT, SEVERITY_CRITICAL);
	host_free(h);
}

/* What it connects to for days is its own; not what a finding is about. */
static void test_direct_becomes_usual(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	for (int day = 0; day < 5; day++)
		for (int i = 0; i < 8; i++)
			connects(h, START + day * DAY + i * HOUR, 5101, 25, i, 25);
	connects_to_many(h, START + 5 * DAY, 5101, 25, 8);
	for (int day = 0; day < 6; day++)
		connects_to_many(h, START + day * DAY + HOUR, 5102, 25, 8);
	read_logs(h);
	assert_str(expect_one(h, CASE_SCRIPT, SEVERITY_CRITICAL)->account, "bob");
	assert_true(h->db->finding[1]->last_seen >= START + 5 * DAY + HOUR);
	host_free(h);
}

static void test_direct_after_a_break_in(void **state)
{
	struct host *h = host_new("", NULL);
	const struct finding *f;

	(void)state;
	for (int day = 0; day < 6; day++)
		ftp_login(h, START + day * DAY, "198.51.100.7");
	ftp_login(h, START + 6 * DAY, "203.0.113.9");
	other_line(h, START + 6 * DAY + MINUTE, "vsftpd[1]: [alice] OK UPLOAD: Client "
		   "\"203.0.113.9\", \"/public_html/a.php\", 35 bytes, 9Kbyte/sec");
	connects_to_many(h, START + 6 * DAY + 2 * HOUR, 5101, 25, 8);
	read_logs(h);
	f = expect_one(h, CASE_STOLEN, SEVERITY_CRITICAL);
	assert_true(says(f->evidence, "uploaded by FTP from 203.0.113.9"));
	assert_true(says(f->advice, "change the FTP and SSH password of alice"));
	host_free(h);
}

static void test_direct_allowed(void **state)
{
	struct host *h = host_new("allow: [{account: alice, muted_until: 2026-12-31}]\n",
				  NULL);

	(void)state;
	connects_to_many(h, START, 5101, 25, 20);
	read_logs(h);
	expect_none(h);
	host_free(h);
}

/* ---- out of memory, and back ---- */

static void put_away(struct host *h, int times)
{
	for (int i = 0; i < times; i++)
		pipeline_put_away(h->pipeline);
}

#define SENDMAIL_LINE "sm-mta[31]: 6A260000000031: "
#define SENDMAIL_SENT(to) SENDMAIL_LINE "to=<" to ">, delay=00:00:01, xdelay=00:00:01, " \
	"mailer=esmtp, pri=120428, relay=mx.far.example. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)"

/* The log tells no end, and then nothing: what is judged is what stayed in memory. */
static void test_judged_after_a_silence(void **state)
{
	struct host *h = host_new("", NULL);

	(void)state;
	other_line(h, START, SENDMAIL_LINE "from=<office@alice.example>, size=428, class=0, "
		   "nrcpts=1, msgid=<x@host>, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]");
	other_line(h, START + USEC_SECOND, SENDMAIL_SENT("bob@far.example"));
	take_lines(h);
	commit(h);
	assert_int_equal(h->db->nstreams, 0);
	put_away(h, 2); /* daemon/loop.c does so twice a minute */
	let_pass(h, MINUTE);
	assert_true(h->db->nstreams > 0);
	/* It need not stay any longer. */
	assert_int_equal(h->db->loads, 0);
	put_away(h, 2);
	other_line(h, h->now, SENDMAIL_SENT("carl@far.example"));
	read_logs(h);
	assert_int_equal(h->db->loads, 1);
	host_free(h);
}

/* An instance that was not named before a restart goes on with a message of then: two ways
 * lead to its row. */
static void test_one_row_of_two_instances(void **state)
{
	struct host *h = host_new("", NULL);
	const struct message *m;

	(void)state;
	mta_line(h, START, "smtpd", "4AAAAAAA: client=pc[198.51.100.7], sasl_method=PLAIN, "
		 "sasl_username=info@shop.example");
	mta_line(h, START, "qmgr", "4AAAAAAA: from=<info@shop.example>, size=900, nrcpt=1 "
		 "(queue active)");
	read_logs(h);
	start(h);
	other_line(h, START, "postfix-b/smtp[9]: 4AAAAAAA: to=<x@far.example>, relay=none, "
		   "delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (timed out)");
	read_logs(h);
	put_away(h, 3);
	mta_line(h, START + HOUR, "smtp", "4AAAAAAA: to=<x@far.example>, "
		 "relay=mx.far.example[192.0.2.1]:25, delay=9, delays=0/0/0/9, dsn=2.0.0, "
		 "status=sent (250 ok)");
	mta_line(h, START + HOUR, "qmgr", "4AAAAAAA: removed");
	read_logs(h);
	assert_int_equal(h->db->next_message, 2);
	m = h->db->message[1];
	assert_int_equal(m->state, MSG_DONE);
	assert_int_equal(m->nrcpt, 1);
	assert_int_equal(m->rcpt[0].status, RCPT_SENT);
	host_free(h);
}

/* ---- invariance ---- */

/* Something of everything, over five weeks. */
static void write_everything(struct host *h)
{
	char to[1000];

	calm_login(h, START, 8);
	for (int i = 0; i < 8; i++) {
		calm_form(h, START + (8 + i) * DAY, 1);
		read_mailbox(h, START + (8 + i) * DAY + 20 * HOUR, "45.10.3.3");
		ftp_login(h, START + (8 + i) * DAY + 21 * HOUR, "198.51.100.7");
	}
	for (int i = 0; i < 40; i++) {
		usec_t at = START + 16 * DAY + i * 17 * USEC_SECOND;

		bounce_in(h, at, i);
		if (i == 20)
			stolen_login(h, at + USEC_SECOND, 1, 3);
	}
	for (int week = 0; week < 3; week++) {
		usec_t at = START + (17 + 4 * week) * DAY;

		refused_logins(h, at - HOUR, 5);
		stolen_login(h, at, 5, 8);
		refused_logins(h, at + 30 * MINUTE, 5);
		form_call(h, at + HOUR + MINUTE, "guest@far.example");
		form_call(h, at + HOUR + 2 * MINUTE, "x@y.example Bcc: v1@a.example, v2@b.example");
		strangers(to, sizeof(to), week, 4);
		MAIL(h, .at = at + 2 * HOUR, .login = "info@shop.example", .ip = "45.10.3.3",
		     .from = "info@shop.example", .to = to,
		     .answer = "5.1.1 550 5.1.1 user unknown");
		ftp_login(h, at + 3 * HOUR - 2 * MINUTE, "203.0.113.9");
		other_line(h, at + 3 * HOUR - MINUTE, "vsftpd[1]: [alice] OK UPLOAD: Client "
			   "\"203.0.113.9\", \"/public_html/images/a.php\", 35 bytes, 9Kbyte/sec");
		php_line(h, at + 3 * HOUR, "/home/alice/public_html/images/a.php:1", "q@z.example", "",
			 "test");
		MAIL(h, .at = at + 4 * HOUR, .uid = 5102, .from = "bob@host", .to = to);
		MAIL(h, .at = at + 5 * HOUR, .ip = "192.0.2.44", .from = "s@else.example",
		     .to = "info@shop.example", .local = true);
		connects_to_many(h, at + 6 * HOUR, 5101, 25, 9);
		connects_to_many(h, at + 6 * HOUR + MINUTE, 33, 587, 4);
		calm_login(h, at + 8 * HOUR, 1);
	}
	calm_login(h, START + 34 * DAY, 1);
	refused_logins(h, START + 35 * DAY, 5);
}

#define EVERYTHING_SETTINGS "limits: {account: {messages_per_day: 12}}\n"

/* Read in random pieces, with commits after which more or less is put out of memory, and
 * crashes back to the last of them. */
static void read_in_pieces(struct host *h, unsigned seed, bool crashes)
{
	srand(seed);
	flush(h);
	for (;;) {
		size_t most = 1 + (size_t)rand() % (1u << (rand() % 13));

		push(h, rand() % 4 ? MTA : PHP, most);
		/* One that a restart found at its end has to hear of it again. */
		push(h, MTA, 0);
		push(h, PHP, 0);
		if (!pipeline_run(h->pipeline, 1 + (size_t)rand() % 60) && all_pushed(h))
			break;
		if (rand() % 16 == 0) {
			commit(h);
			for (int i = rand() % 4; i > 0; i--)
				pipeline_put_away(h->pipeline);
		}
		if (crashes && rand() % 40 == 0)
			start(h);
	}
	pipeline_end_waits(h->pipeline, INT64_MAX);
	commit(h);
	let_pass(h, 2 * DAY);
}

static void compare_findings(const struct host *a, const struct host *b)
{
	assert_int_equal(count_findings(a), count_findings(b));
	for (size_t i = 0; i < LENGTH(a->db->finding); i++) {
		const struct finding *x = a->db->finding[i], *y = b->db->finding[i];

		if (!x)
			continue;
		assert_non_null(y);
		assert_true(str_eq(x->stream_key, y->stream_key));
		assert_int_equal(x->time, y->time);
		assert_int_equal(x->first_seen, y->first_seen);
		assert_int_equal(x->last_seen, y->last_seen);
		assert_int_equal(x->closed, y->closed);
		assert_int_equal(x->reopened, y->reopened);
		assert_int_equal(x->severity, y->severity);
		assert_int_equal(x->verdict, y->verdict);
		assert_int_equal(x->leaked_before, y->leaked_before);
		assert_memory_equal(x->score, y->score, sizeof(x->score));
		assert_int_equal(x->messages, y->messages);
		assert_int_equal(x->recipients, y->recipients);
		if (!str_eq(x->evidence, y->evidence))
			fail_msg("\n%.*s\nis not\n%.*s", STR_ARG(x->evidence), STR_ARG(y->evidence));
		assert_true(str_eq(x->summary, y->summary) && str_eq(x->why, y->why) &&
			    str_eq(x->advice, y->advice) && str_eq(x->sources, y->sources) &&
			    str_eq(x->answers, y->answers) && str_eq(x->subjects, y->subjects) &&
			    str_eq(x->queue_ids, y->queue_ids));
	}
}

static void compare_streams(const struct host *a, const struct host *b)
{
	assert_int_equal(a->db->nstreams, b->db->nstreams);
	assert_int_equal(a->db->nchunks, b->db->nchunks);
	for (size_t i = 0; i < a->db->nstreams; i++) {
		const struct stream_row *x = &a->db->stream[i].row;
		const struct stream_row *y = NULL;

		for (size_t k = 0; k < b->db->nstreams; k++)
			if (str_eq(b->db->stream[k].row.key, x->key))
				y = &b->db->stream[k].row;
		assert_non_null(y);
		assert_int_equal(x->id, y->id);
		assert_int_equal(x->last, y->last);
		if (!str_eq(x->state, y->state))
			fail_msg("the states of %.*s differ", STR_ARG(x->key));
	}
	for (size_t i = 0; i < a->db->nchunks; i++) {
		const struct stored_chunk *x = &a->db->chunk[i], *y = NULL;

		for (size_t k = 0; k < b->db->nchunks; k++)
			if (b->db->chunk[k].stream == x->stream &&
			    b->db->chunk[k].chunk == x->chunk)
				y = &b->db->chunk[k];
		assert_non_null(y);
		assert_int_equal(x->hashes.n, y->hashes.n);
		assert_memory_equal(x->hashes.p, y->hashes.p, x->hashes.n);
	}
}

static void compare_reads(unsigned from, unsigned to, bool crashes)
{
	struct host *whole = host_new(EVERYTHING_SETTINGS, NULL);

	write_everything(whole);
	read_logs(whole);
	let_pass(whole, 2 * DAY);
	assert_true(count_findings(whole) >= 5);
	for (unsigned seed = from; seed < to; seed++) {
		struct host *pieces = host_new(EVERYTHING_SETTINGS, NULL);

		write_everything(pieces);
		read_in_pieces(pieces, seed, crashes);
		compare_findings(whole, pieces);
		compare_streams(whole, pieces);
		host_free(pieces);
	}
	host_free(whole);
}

static void test_pieces_and_commits_change_nothing(void **state)
{
	(void)state;
	compare_reads(1, 10, false);
}

static void test_restarts_change_nothing(void **state)
{
	(void)state;
	compare_reads(100, 115, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stolen_password),
		cmocka_unit_test(test_young_login),
		cmocka_unit_test(test_traveller),
		cmocka_unit_test(test_stolen_password_with_countries),
		cmocka_unit_test(test_guessed_password),
		cmocka_unit_test(test_ten_guesses_speak),
		cmocka_unit_test(test_refused_at_home),
		cmocka_unit_test(test_reading_teaches),
		cmocka_unit_test(test_reading_does_not_age),
		cmocka_unit_test(test_injected_form),
		cmocka_unit_test(test_uploaded_mailer),
		cmocka_unit_test(test_mailer_uploaded_from_home),
		cmocka_unit_test(test_mailer_uploaded_by_a_stranger),
		cmocka_unit_test(test_another_upload),
		cmocka_unit_test(test_newsletter_to_a_known_list),
		cmocka_unit_test(test_programs_of_the_host),
		cmocka_unit_test(test_own_alerts),
		cmocka_unit_test(test_alerts_by_smtp),
		cmocka_unit_test(test_backscatter),
		cmocka_unit_test(test_own_reports),
		cmocka_unit_test(test_muted),
		cmocka_unit_test(test_not_muted),
		cmocka_unit_test(test_newsletter_and_rates),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_of_an_account),
		cmocka_unit_test(test_closes_and_opens_again),
		cmocka_unit_test(test_told_when_closed_at_once),
		cmocka_unit_test(test_direct_to_mx),
		cmocka_unit_test(test_direct_flood),
		cmocka_unit_test(test_direct_of_many_sites),
		cmocka_unit_test(test_direct_and_harmless),
		cmocka_unit_test(test_direct_submission),
		cmocka_unit_test(test_direct_becomes_usual),
		cmocka_unit_test(test_direct_after_a_break_in),
		cmocka_unit_test(test_direct_allowed),
		cmocka_unit_test(test_judged_after_a_silence),
		cmocka_unit_test(test_one_row_of_two_instances),
		cmocka_unit_test(test_pieces_and_commits_change_nothing),
		cmocka_unit_test(test_restarts_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
