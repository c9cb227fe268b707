/* What the command line asks, of subjects drawn at random, on a connection that stays open
 * and from memory, or each time anew and from the disk. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "schema/report_state.h"
#include "tests/bench/store_load.h"
#include "tests/bench/store_samples.h"
#include "tests/sim/random.h"

#define LIST 50 /* rows of a list */
#define ROUND_MOST (10 * USEC_SECOND) /* for a question; what is slow is asked less often */

struct subject {
	struct str account, queue_id, message_id, rcpt;
};

struct asker {
	const struct load_options *o;
	struct report *report;
	struct rng rng;
	struct arena arena; /* of the subjects */
	struct subject *subjects;
	struct str busiest;
	usec_t now; /* the newest event */
};

static _Noreturn void fail(const struct error *err)
{
	fprintf(stderr, "store_load: %s\n", err->text);
	exit(err->code);
}

/* ---- answers, which nobody reads ---- */

static bool take_message(void *context, const struct report_message *row)
{
	(void)context;
	(void)row;
	return true;
}

static bool take_share(void *context, const struct share *row)
{
	(void)context;
	(void)row;
	return true;
}

static bool take_part(void *context, enum account_part part, const struct share *row)
{
	(void)part;
	return take_share(context, row);
}

static bool take_trace(void *context, const struct report_trace *row)
{
	int64_t *rows = context;

	(void)row;
	++*rows;
	return true;
}

static bool take_finding(void *context, const struct finding *row)
{
	(void)context;
	(void)row;
	return true;
}

/* ---- questions ---- */

static int account_view(struct asker *a, struct str account, struct error *err)
{
	usec_t since = a->now - USEC_DAY;
	struct finding_filter open = FINDING_FILTER_ALL;
	struct account_summary sum;

	open.account = account;
	open.open = true;
	if (report_account(a->report, account, since, 0, &sum, err) < 0 ||
	    report_findings(a->report, &open, take_finding, NULL, err) < 0)
		return -1;
	return report_account_parts(a->report, account, since, 0, 10, take_part, NULL, err);
}

static int ask_account(struct asker *a, const struct subject *s, struct error *err)
{
	return account_view(a, s->account, err);
}

static int ask_busiest(struct asker *a, const struct subject *s, struct error *err)
{
	(void)s;
	return account_view(a, a->busiest, err);
}

static int ask_newest(struct asker *a, const struct subject *s, struct error *err)
{
	struct message_filter f = MESSAGE_FILTER_ALL;

	f.account = s->account;
	f.limit = LIST;
	return report_messages(a->report, &f, take_message, NULL, err);
}

static int ask_rcpt(struct asker *a, const struct subject *s, struct error *err)
{
	struct message_filter f = MESSAGE_FILTER_ALL;

	f.rcpt = s->rcpt;
	f.limit = LIST;
	return report_messages(a->report, &f, take_message, NULL, err);
}

static int ask_top(struct asker *a, const struct subject *s, struct error *err)
{
	(void)s;
	return report_top(a->report, TOP_ACCOUNTS, a->now - USEC_HOUR, 0, 20, take_share, NULL,
			  err);
}

static int ask_top_day(struct asker *a, const struct subject *s, struct error *err)
{
	(void)s;
	return report_top(a->report, TOP_ACCOUNTS, a->now - USEC_DAY, 0, 20, take_share, NULL, err);
}

/* An id that was stored and is not found would make the figures worthless. */
static int trace(struct asker *a, struct str id, struct error *err)
{
	int64_t rows = 0;

	if (report_trace(a->report, id, take_trace, &rows, err) < 0)
		return -1;
	return rows ? 0 : error_set(err, EXIT_INTERNAL, "%.*s is not found", STR_ARG(id));
}

static int ask_queue_id(struct asker *a, const struct subject *s, struct error *err)
{
	return trace(a, s->queue_id, err);
}

static int ask_message_id(struct asker *a, const struct subject *s, struct error *err)
{
	return trace(a, s->message_id, err);
}

static int ask_findings(struct asker *a, const struct subject *s, struct error *err)
{
	struct finding_filter f = FINDING_FILTER_ALL;

	(void)s;
	f.limit = LIST;
	return report_findings(a->report, &f, take_finding, NULL, err);
}

static int ask_status(struct asker *a, const struct subject *s, struct error *err)
{
	struct report_status st;

	(void)s;
	return report_status(a->report, &st, err);
}

static const struct question {
	const char *name;
	int (*ask)(struct asker *a, const struct subject *s, struct error *err);
} questions[] = {
	{ "account", ask_account },	  { "account_busiest", ask_busiest },
	{ "newest", ask_newest },	  { "top_hour", ask_top },
	{ "top_day", ask_top_day },	  { "trace_queue_id", ask_queue_id },
	{ "trace_message_id", ask_message_id }, { "messages_rcpt", ask_rcpt },
	{ "findings", ask_findings },	  { "status", ask_status },
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* ---- subjects ---- */

/* The account of a message of the last day; ids, recipient of any. */
struct list {
	struct str *names;
	struct arena *arena;
	size_t n, room;
};

static bool note_account(void *context, const struct share *row)
{
	struct list *l = context;

	if (!row->key.n)
		return true;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->names = xrealloc(l->names, l->room * sizeof(*l->names));
	}
	l->names[l->n++] = arena_str(l->arena, row->key);
	return true;
}

/* Of a message that is still there and has an account. */
static void draw_message(struct asker *a, int64_t messages, struct subject *s)
{
	struct loaded l = { NULL, NULL };
	struct error err;

	do {
		int64_t id = 1 + (int64_t)(rng_next(&a->rng) % (uint64_t)messages);
		int rc = report_load(a->report, id, &l, &err);

		if (rc < 0)
			fail(&err);
		if (rc == 0)
			continue;
		s->queue_id = arena_str(&a->arena, l.message->queue_id);
		s->message_id = arena_str(&a->arena, l.message->message_id);
		s->rcpt = arena_str(&a->arena, l.message->rcpt[0].address);
		report_unload(&l);
	} while (!s->rcpt.n);
}

/* Accounts: any that sent within the last day, whether much or little. */
static void draw_subjects(struct asker *a)
{
	struct list accounts = { .arena = &a->arena };
	struct report_status st;
	struct error err;

	if (report_status(a->report, &st, &err) < 0)
		fail(&err);
	a->now = st.watermark;
	if (report_top(a->report, TOP_ACCOUNTS, a->now - USEC_DAY, 0, 0, note_account, &accounts,
		       &err) < 0)
		fail(&err);
	a->busiest = accounts.names[0];
	a->subjects = xcalloc((size_t)a->o->count, sizeof(*a->subjects));
	for (int64_t i = 0; i < a->o->count; i++) {
		a->subjects[i].account = accounts.names[rng_below(&a->rng, (uint32_t)accounts.n)];
		draw_message(a, st.messages, &a->subjects[i]);
	}
	free(accounts.names);
}

/* ---- asking ---- */

static void open_report(struct asker *a)
{
	struct error err;

	report_close(a->report);
	a->report = report_open(a->o->database, &err);
	if (!a->report)
		fail(&err);
}

/* What the kernel has of the file in memory is dropped, as far as it is on the disk. */
static void drop_memory(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fdatasync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)) {
		perror(path);
		exit(EXIT_INTERNAL);
	}
	close(fd);
}

static void ask_one(struct asker *a, const struct question *q, int64_t i, struct samples *times)
{
	struct error err;
	usec_t start;

	if (a->o->cold)
		drop_memory(a->o->database);
	start = samples_clock();
	if (a->o->cold)
		open_report(a);
	if (q->ask(a, &a->subjects[i], &err) < 0)
		fail(&err);
	samples_add(times, start);
}

/* Warm: what is measured was asked before. */
static void ask_all(struct asker *a, const struct question *q)
{
	struct samples times = { 0 };

	for (int round = a->o->cold ? 1 : 0; round < 2; round++) {
		usec_t start = samples_clock();

		times.n = 0;
		for (int64_t i = 0; i < a->o->count && samples_clock() < start + ROUND_MOST; i++)
			ask_one(a, q, i, &times);
	}
	samples_print(q->name, &times);
}

int load_ask(const struct load_options *o)
{
	struct asker a = { .o = o, .rng = rng_of((uint64_t)o->seed, 0, 2) };

	setvbuf(stdout, NULL, _IOLBF, 0);
	open_report(&a);
	draw_subjects(&a);
	fputs("{", stdout);
	for (size_t i = 0; i < QUESTIONS; i++) {
		ask_all(&a, &questions[i]);
		puts(",");
	}
	printf("\"subjects\": [\n");
	for (int64_t i = 0; i < o->count; i++)
		printf("%s[\"%s\", \"%s\", \"%s\", \"%s\"]", i ? ",\n" : "", a.subjects[i].account.p,
		       a.subjects[i].queue_id.p, a.subjects[i].message_id.p, a.subjects[i].rcpt.p);
	puts("]}");
	report_close(a.report);
	arena_release(&a.arena);
	free(a.subjects);
	return 0;
}
