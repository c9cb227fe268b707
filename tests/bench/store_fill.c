/* Filling a database through store_commit(), with what a batch of the pipeline holds:
 * messages, some of which end in a later one, PHP lines, streams, findings, positions.
 *
 * Invariant: a message that is still in the queue at the time of a commit is written as it
 * is then, and again in the commit after its end. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "core/known.h"
#include "schema/report.h"
#include "schema/store.h"
#include "tests/bench/store_load.h"
#include "tests/bench/store_mail.h"
#include "tests/bench/store_samples.h"
#include "tests/sim/random.h"

#define CHUNKS (KNOWN_GENERATION / KNOWN_CHUNK)
#define OPEN_FINDINGS 32
#define MESSAGES_PER_FINDING 10000
#define CALM_COMMITS 300 /* before the deleting begins */
#define COMMITS_PER_FINDING 20 /* in which it is told anew, before it is closed */

/* A message in the queue, as it will be. */
struct waiting {
	struct message *message;
	usec_t ends;
	enum rcpt_status status; /* of its first recipient */
};

/* A stream as the detector keeps it; row numbers are places in the list, from 1 on. */
struct sender {
	uint32_t known; /* recipients */
	uint32_t chunks; /* of them, that were written */
	bool touched;
};

struct load {
	const struct load_options *o;
	struct store *store;
	struct mail_maker maker;
	struct batch batch;
	struct waiting *heap; /* the first to end on top */
	size_t waiting, heap_room;
	struct message **ending;
	size_t nending;
	struct sender *senders; /* of each account: its own stream, login, script */
	int64_t *touched;
	size_t ntouched;
	struct finding *open[OPEN_FINDINGS];
	int told[OPEN_FINDINGS]; /* how often */
	int64_t findings, recipients, offset;
	struct samples commits;
	usec_t spent; /* in commits */
};

/* ---- the queue ---- */

static void swap(struct waiting *a, struct waiting *b)
{
	struct waiting c = *a;

	*a = *b;
	*b = c;
}

static void heap_push(struct load *l, struct waiting w)
{
	size_t i = l->waiting++;

	if (i == l->heap_room) {
		l->heap_room = i ? 2 * i : 1024;
		l->heap = xrealloc(l->heap, l->heap_room * sizeof(*l->heap));
	}
	l->heap[i] = w;
	for (; i && l->heap[i].ends < l->heap[(i - 1) / 2].ends; i = (i - 1) / 2)
		swap(&l->heap[i], &l->heap[(i - 1) / 2]);
}

static struct waiting heap_pop(struct load *l)
{
	struct waiting top = l->heap[0];
	size_t i = 0, child;

	l->heap[0] = l->heap[--l->waiting];
	while ((child = 2 * i + 1) < l->waiting) {
		if (child + 1 < l->waiting && l->heap[child + 1].ends < l->heap[child].ends)
			child++;
		if (l->heap[i].ends <= l->heap[child].ends)
			break;
		swap(&l->heap[i], &l->heap[child]);
		i = child;
	}
	return top;
}

/* Back to what is known of it while it waits. */
static void put_off(struct load *l, struct message *m)
{
	heap_push(l, (struct waiting){ m, m->closed, m->rcpt[0].status });
	m->closed = 0;
	m->state = MSG_OPEN;
	m->rcpt[0].status = RCPT_DEFERRED;
	m->rcpt[0].dsn = STR("4.2.0");
}

static void end(struct load *l, const struct waiting *w)
{
	struct message *m = w->message;

	m->closed = w->ends;
	m->state = MSG_DONE;
	m->rcpt[0].status = w->status;
	m->rcpt[0].dsn = w->status == RCPT_SENT ? STR("2.0.0") : STR("5.1.1");
	m->rcpt[0].time = w->ends;
	m->stored = m->rcpt_dirty = true;
	l->ending = xrealloc(l->ending, (l->nending + 1) * sizeof(struct message *));
	l->ending[l->nending++] = m;
}

static int by_id(const void *a, const void *b)
{
	const struct message *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

/* ---- a batch ---- */

static void touch(struct load *l, int64_t number, size_t recipients)
{
	struct sender *s = &l->senders[number - 1];

	/* A third of the recipients are new to it. */
	s->known += (uint32_t)(recipients > 1 ? recipients / 2 : l->maker.messages % 3 == 0);
	if (s->touched)
		return;
	s->touched = true;
	l->touched[l->ntouched++] = number;
}

/* Its login, or script; and the account. */
static void touch_streams(struct load *l, const struct mail *mail)
{
	int64_t first = 3 * (int64_t)mail->account + 1;
	size_t n = mail->message->nrcpt;

	if (mail->message->channel == CHANNEL_INTERNAL)
		return;
	touch(l, first, n);
	touch(l, first + (mail->by_script ? 2 : 1), n);
}

static void raise_finding(struct load *l, uint32_t account)
{
	int i = (int)(l->findings % OPEN_FINDINGS);

	finding_free(l->open[i]);
	l->open[i] = mail_finding(&l->maker, ++l->findings, account, 3 * (int64_t)account + 2);
	l->told[i] = 0;
}

static void add_mail(struct load *l)
{
	struct batch *b = &l->batch;
	struct mail mail = mail_make(&l->maker);

	b->messages[b->nmessages++] = mail.message;
	l->recipients += (int64_t)mail.message->nrcpt;
	if (mail.php)
		b->php[b->nphp++] = mail.php;
	touch_streams(l, &mail);
	l->offset += 1100; /* bytes of its lines */
	if (mail.message->id % MESSAGES_PER_FINDING == 0)
		raise_finding(l, mail.account);
}

static struct str stream_key(const struct load *l, int64_t number, char buf[static 128])
{
	uint32_t account = (uint32_t)((number - 1) / 3);
	int kind = (int)((number - 1) % 3);

	if (kind)
		return mail_stream_key(&l->maker, account, kind == 2, buf);
	return (struct str){ buf, (size_t)snprintf(buf, 128, "account\nw%05u\n", account) };
}

/* What was learned, and, of those that write to somebody, the recipients known last. */
static struct str stream_state(struct load *l, int64_t number)
{
	uint32_t known = l->senders[number - 1].known;
	size_t n = number % 3 == 1 ? 264 : 220 + known % KNOWN_CHUNK * sizeof(uint32_t);
	uint64_t *p = arena_alloc(&l->batch.arena, n + 8);

	for (size_t i = 0; i <= n / 8; i++)
		p[i] = mix((uint64_t)number, i);
	p[0] = (uint64_t)l->maker.time;
	return (struct str){ (const char *)p, n };
}

static void give_stream(struct load *l, int64_t number)
{
	struct batch *b = &l->batch;
	struct sender *s = &l->senders[number - 1];
	char key[128];
	uint32_t *hashes;

	s->touched = false;
	b->streams[b->nstreams++] = (struct stream_row){
		number, arena_str(&b->arena, stream_key(l, number, key)), stream_state(l, number),
		l->maker.time
	};
	if (s->chunks == s->known / KNOWN_CHUNK)
		return;
	hashes = arena_alloc(&b->arena, KNOWN_CHUNK * sizeof(*hashes));
	for (uint32_t i = 0; i < KNOWN_CHUNK; i++)
		hashes[i] = (uint32_t)mix((uint64_t)number, i);
	b->known[b->nknown++] = (struct known_row){
		number, s->chunks / CHUNKS, s->chunks % CHUNKS,
		{ (const char *)hashes, KNOWN_CHUNK * sizeof(*hashes) }
	};
	s->chunks++;
}

static void give_findings(struct load *l)
{
	struct batch *b = &l->batch;

	for (int i = 0; i < OPEN_FINDINGS; i++) {
		struct finding *f = l->open[i];

		if (!f || f->closed)
			continue;
		f->last_seen = l->maker.time;
		f->messages++;
		if (++l->told[i] > COMMITS_PER_FINDING && f->id % 50)
			f->closed = l->maker.time;
		b->findings[b->nfindings++] = f;
	}
}

/* Those that ended by now, in place before the new ones: a batch is in order of id. */
static void give_ended(struct load *l)
{
	struct batch *b = &l->batch;

	while (l->waiting && l->heap[0].ends <= l->maker.time) {
		struct waiting w = heap_pop(l);

		end(l, &w);
	}
	if (!l->nending)
		return;
	qsort(l->ending, l->nending, sizeof(*l->ending), by_id);
	b->messages = xrealloc(b->messages,
			       (b->nmessages + l->nending) * sizeof(*b->messages));
	memmove(b->messages + l->nending, b->messages, b->nmessages * sizeof(*b->messages));
	memcpy(b->messages, l->ending, l->nending * sizeof(*b->messages));
	b->nmessages += l->nending;
}

static void make_batch(struct load *l)
{
	struct batch *b = &l->batch;
	size_t n = (size_t)l->o->batch;

	*b = (struct batch){ .arena = b->arena };
	arena_reset(&b->arena);
	l->nending = l->ntouched = 0;
	b->messages = xcalloc(n, sizeof(*b->messages));
	b->php = xcalloc(n, sizeof(*b->php));
	while (b->nmessages < n)
		add_mail(l);
	for (size_t i = 0; i < n; i++)
		if (b->messages[i]->closed > l->maker.time)
			put_off(l, b->messages[i]);
	give_ended(l);
	b->streams = arena_alloc(&b->arena, l->ntouched * sizeof(*b->streams));
	b->known = arena_alloc(&b->arena, l->ntouched * sizeof(*b->known));
	for (size_t i = 0; i < l->ntouched; i++)
		give_stream(l, l->touched[i]);
	b->findings = arena_alloc(&b->arena, OPEN_FINDINGS * sizeof(struct finding *));
	give_findings(l);
	b->watermark = l->maker.time;
	b->next_message = l->maker.messages + 1;
	b->next_php = l->maker.php + 1;
	b->next_stream = 3 * l->o->accounts + 1;
	b->next_finding = l->findings + 1;
}

static void free_batch(struct load *l)
{
	struct batch *b = &l->batch;

	for (size_t i = 0; i < b->nmessages; i++) {
		b->messages[i]->stored = true;
		if (b->messages[i]->closed)
			message_free(b->messages[i]);
	}
	for (size_t i = 0; i < b->nphp; i++)
		php_mail_free(b->php[i]);
	for (size_t i = 0; i < b->nfindings; i++)
		b->findings[i]->stored = true;
	free(b->messages);
	free(b->php);
}

/* ---- commits ---- */

static _Noreturn void fail(const struct error *err)
{
	fprintf(stderr, "store_load: %s\n", err->text);
	exit(err->code);
}

static void commit(struct load *l)
{
	struct batch *b = &l->batch;
	struct source_count source = { .source = STR("/var/log/mail.log"), .last = b->watermark };
	struct position position = { .path = STR("/var/log/mail.log"), .dev = 1, .ino = 2,
				     .head_n = 4096, .offset = l->offset, .near = b->watermark };
	struct error err;
	usec_t start;

	source.lines = source.parsed = 8 * (int64_t)b->nmessages;
	b->sources = &source;
	b->positions = &position;
	b->nsources = b->npositions = 1;
	start = samples_clock();
	if (store_commit(l->store, b, &err) < 0)
		fail(&err);
	samples_add(&l->commits, start);
	l->spent += samples_clock() - start;
}

/* ---- figures ---- */

struct spent {
	int64_t messages;
	usec_t usec;
};

/* The value of a line "NAME: VALUE" of /proc/self/io. */
static int64_t io(const char *name)
{
	FILE *f = fopen("/proc/self/io", "r");
	char line[128];
	int64_t value = 0;

	while (f && fgets(line, sizeof(line), f)) {
		struct str text = str_trim(str_of(line));

		if (str_eat(&text, str_of(name)) && str_eat(&text, STR(": ")))
			str_int(text, &value);
	}
	if (f)
		fclose(f);
	return value;
}

static int64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_size;
}

static double rate(struct spent from, struct spent to)
{
	return to.usec > from.usec ? 1e6 * (double)(to.messages - from.messages) /
					     (double)(to.usec - from.usec)
				   : 0;
}

static void print(struct load *l, const struct spent at[static 11])
{
	printf("{\"messages\": %lld, \"recipients\": %lld, \"php\": %lld, \"findings\": %lld,\n"
	       " \"seconds\": %.3f, \"rate\": %.0f, \"rate_first\": %.0f, \"rate_last\": %.0f,\n"
	       " \"written\": %lld, \"handed\": %lld, \"bytes\": %lld,\n ",
	       (long long)l->maker.messages, (long long)l->recipients, (long long)l->maker.php,
	       (long long)l->findings, (double)l->spent / 1e6, rate(at[0], at[10]),
	       rate(at[0], at[1]), rate(at[9], at[10]), (long long)io("write_bytes"),
	       (long long)io("wchar"),
	       (long long)file_bytes(l->o->database));
	samples_print("commits", &l->commits);
	puts("}");
}

/* ---- all of it ---- */

static void open_load(struct load *l, const struct load_options *o, int64_t messages, int64_t php,
		      usec_t time)
{
	struct error err;

	*l = (struct load){ .o = o };
	l->findings = messages / MESSAGES_PER_FINDING;
	l->senders = xcalloc((size_t)(3 * o->accounts), sizeof(*l->senders));
	l->touched = xcalloc((size_t)(3 * o->accounts), sizeof(*l->touched));
	l->maker = (struct mail_maker){ .seed = (uint64_t)o->seed,
					.accounts = (uint32_t)o->accounts,
					.gap = (double)(o->days * USEC_DAY) / (double)o->messages,
					.time = time, .messages = messages, .php = php };
	l->store = store_open(o->database, &err);
	if (!l->store)
		fail(&err);
}

static void close_load(struct load *l)
{
	while (l->waiting)
		message_free(heap_pop(l).message);
	for (int i = 0; i < OPEN_FINDINGS; i++)
		finding_free(l->open[i]);
	arena_release(&l->batch.arena);
	free(l->heap);
	free(l->ending);
	free(l->senders);
	free(l->touched);
	store_idle(l->store);
	store_close(l->store);
}

static void store_one_batch(struct load *l)
{
	make_batch(l);
	commit(l);
	free_batch(l);
}

int load_fill(const struct load_options *o)
{
	usec_t now = (usec_t)time(NULL) / 3600 * USEC_HOUR;
	struct spent at[11];
	struct load l;

	open_load(&l, o, 0, 0, now - o->days * USEC_DAY);
	for (int tenth = 0; tenth < 10; tenth++) {
		at[tenth] = (struct spent){ l.maker.messages, l.spent };
		while (l.maker.messages * 10 < o->messages * (tenth + 1))
			store_one_batch(&l);
	}
	at[10] = (struct spent){ l.maker.messages, l.spent };
	close_load(&l);
	print(&l, at);
	return 0;
}

/* ---- deleting ---- */

static struct report_status status_of(const char *path)
{
	struct report_status st;
	struct error err;
	struct report *r = report_open(path, &err);

	if (!r || report_status(r, &st, &err) < 0)
		fail(&err);
	report_close(r);
	return st;
}

/* A step behind each commit, as the daemon makes them. Returns what was deleted. */
static int64_t retain(struct load *l, usec_t before, struct samples *steps)
{
	int64_t n, all = 0;
	struct error err;

	do {
		usec_t start;

		store_one_batch(l);
		start = samples_clock();
		n = store_retain(l->store, before, l->o->rows, &err);
		if (n < 0)
			fail(&err);
		samples_add(steps, start);
		all += n;
	} while (n >= l->o->rows);
	return all;
}

/* The newest messages are added to what is there, the oldest go. What waits in the
 * queue at the end of the last run stays open. As in the daemon a thread keeps the
 * write-ahead log short. */
int load_retain(const struct load_options *o)
{
	struct report_status st = status_of(o->database);
	int64_t bytes = file_bytes(o->database), deleted;
	struct samples steps = { 0 };
	struct error err;
	struct load l;

	open_load(&l, o, st.messages, st.php, st.watermark);
	if (store_checkpoint_beside(l.store, &err) < 0)
		fail(&err);
	for (int i = 0; i < CALM_COMMITS; i++)
		store_one_batch(&l);
	fputs("{", stdout);
	samples_print("calm", &l.commits);
	deleted = retain(&l, st.oldest + (usec_t)((double)o->retain * l.maker.gap), &steps);
	fputs(",\n ", stdout);
	samples_print("commits", &l.commits);
	fputs(",\n ", stdout);
	samples_print("steps", &steps);
	close_load(&l);
	printf(",\n \"added\": %lld, \"deleted\": %lld, \"bytes_before\": %lld, \"bytes\": %lld}\n",
	       (long long)(l.maker.messages - st.messages), (long long)deleted, (long long)bytes,
	       (long long)file_bytes(o->database));
	return 0;
}
