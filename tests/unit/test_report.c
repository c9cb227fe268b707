/* schema/report.c: every answer is compared with one worked out here from the
 * messages that were stored, and every plan is looked at for a full scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stamp.h"
#include "schema/migrate.h"
#include "schema/past.h"
#include "schema/report.h"
#include "schema/row_read.h"
#include "schema/sql.h"
#include "schema/store.h"

#define T0 ((usec_t)1793430000 * USEC_SECOND) /* 2026-10-31T07:00:00Z */
#define MESSAGES 3000
#define PHPS 600
#define FINDINGS 300
#define STREAMS 40

static char dir[64];
static struct message *all[MESSAGES];
static struct php_mail *php[PHPS];
static struct finding *findings[FINDINGS];
static struct report *report;
static uint64_t seed = 88172645463325252u;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 20) % n;
}

static const char *in_dir(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* --- the data -------------------------------------------------------------- */

#define PICK(list) ((list)[rnd(sizeof(list) / sizeof((list)[0]))])

static const struct str accounts[] = {
	{ "", 0 }, { "alice", 5 }, { "bob", 3 }, { "carol", 5 }, { "a\0b", 3 }, { "\xff", 1 },
};
static const struct str logins[] = {
	{ "", 0 }, { "", 0 }, { "info@alice.example", 18 }, { "bob", 3 },
};
static const struct str scripts[] = {
	{ "", 0 }, { "/home/alice/public_html/form.php", 32 },
	{ "/home/bob/www/wp-content/plugins/x.php", 38 }, { "/home/bob/www/index.php", 23 },
};
static const struct str senders[] = {
	{ "", 0 }, { "info@alice.example", 18 }, { "bob@bob.example", 15 },
	{ "Bob@BOB.example", 15 }, { "root", 4 }, { "x@y\0z", 5 },
};
static const struct str rcpts[] = {
	{ "one@gmail.example", 17 }, { "Two@Gmail.Example", 17 }, { "three@web.example", 17 },
	{ "root", 4 }, { "four@gmail.example", 18 }, { "\x80@web.example", 13 },
};
static const struct str ips[] = {
	{ "", 0 }, { "192.0.2.7", 9 }, { "192.0.2.99", 10 }, { "198.51.100.1", 12 },
	{ "2001:db8:1:2::3", 15 }, { "2001:db8:1:9::3", 15 }, { "not an ip", 9 },
};

/* Two weeks, a busy hour in it, an old log imported late. */
static usec_t random_time(int i)
{
	if (i > MESSAGES * 9 / 10)
		return T0 - 100 * USEC_DAY + (usec_t)rnd(86400) * USEC_SECOND;
	if (i > MESSAGES / 2 && i < MESSAGES * 6 / 10)
		return T0 + 7 * USEC_DAY + (usec_t)(i - MESSAGES / 2) * USEC_SECOND;
	return T0 + (usec_t)i * 14 * USEC_DAY / MESSAGES + (usec_t)rnd(1000000);
}

static struct message *make(int i)
{
	struct message *m = message_new();
	char id[32];

	m->id = i + 1;
	m->time = random_time(i);
	m->host = STR("web1");
	snprintf(id, sizeof(id), "%X", 0x10000 + i % 700); /* short ids come again */
	m->queue_id = arena_str(&m->strings, str_of(id));
	snprintf(id, sizeof(id), "%d@web1", i / 2); /* as do Message-IDs */
	m->message_id = arena_str(&m->strings, str_of(id));
	m->closed = rnd(20) ? m->time + USEC_SECOND : 0;
	m->state = m->closed ? MSG_DONE : MSG_OPEN;
	m->direction = rnd(DIR_INBOUND + 1);
	m->account = PICK(accounts);
	m->via = m->account.n ? 1 + rnd(VIA_DOMAIN) : VIA_NONE;
	m->login = PICK(logins);
	m->user = rnd(9) ? STR_NONE : STR("bob");
	m->script = PICK(scripts);
	m->sender = PICK(senders);
	m->sender_null = !m->sender.n && rnd(2);
	m->client_ip = PICK(ips);
	for (unsigned n = rnd(5) ? 1 : rnd(5); n; n--) {
		struct recipient *r = message_recipient_add(m, PICK(rcpts));

		r->status = rnd(3) ? RCPT_SENT : rnd(RCPT_STATUSES);
		r->dsn = r->status == RCPT_SENT ? STR("2.0.0") : rnd(2) ? STR("5.1.1") : STR_NONE;
		r->orig_to = rnd(10) ? STR_NONE : STR("alias@old.example");
		r->time = m->time + 1;
	}
	return m;
}

static struct php_mail *make_php(int i)
{
	struct php_mail *p = php_mail_new();

	p->id = i + 1;
	p->time = T0 + (usec_t)rnd(14 * 86400) * USEC_SECOND;
	p->state = rnd(PHP_UNMATCHED + 1);
	p->host = STR("web1");
	p->account = PICK(accounts);
	p->script = PICK(scripts);
	return p;
}

static struct finding *make_a_finding(int i)
{
	struct finding *f = finding_new();

	f->id = i + 1;
	f->stream = 1 + i % STREAMS;
	f->time = T0 + (usec_t)rnd(30) * USEC_HOUR; /* some at the same time */
	f->closed = rnd(3) ? f->time + USEC_DAY : 0;
	f->severity = rnd(2);
	f->verdict = rnd(CASES);
	f->account = PICK(accounts);
	f->login = PICK(logins);
	f->script = PICK(scripts);
	f->host = STR("web1");
	f->summary = STR("summary");
	f->evidence = STR("one\ntwo");
	f->score[FAMILY_VOLUME] = 1.5f;
	return f;
}

static void commit_detection(struct store *s)
{
	struct stream_row rows[STREAMS];
	char keys[STREAMS][16];
	struct batch b = { .findings = findings, .nfindings = FINDINGS, .streams = rows,
			   .nstreams = STREAMS };
	struct error err = { 0 };

	for (int i = 0; i < STREAMS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key %d", i + 1);
		rows[i] = (struct stream_row){ i + 1, str_of(keys[i]), STR("state"), T0 };
	}
	assert_int_equal(store_commit(s, &b, &err), 0);
}

static void link_some(void)
{
	struct str alias = STR("out/ALIAS1");

	all[10]->aliases = xmalloc(sizeof(alias));
	all[10]->aliases[all[10]->naliases++] = alias;
	all[10]->queue_id = STR("STORY");
	all[10]->php = 1;
	all[900]->parent = 11; /* reports on all[10], much later */
	all[900]->parent_id = STR("STORY");
	all[901]->parent = 11;
}

static void commit_all(struct store *s)
{
	struct error err = { 0 };
	struct source_count source = { STR("/var/log/mail.log"), 9, 7, 1, 1, 0, T0 };
	struct unknown_count unknown = { STR("/var/log/mail.log"), STR("odd"), STR("a *"), 1,
					 STR("a line"), T0, T0 };
	struct position position = { .path = STR("/var/log/mail.log"), .dev = 1, .ino = 2,
				     .offset = 3 };
	struct inbound_count inbound[] = { { STR("d1"), T0 - T0 % USEC_HOUR, 5, 6 },
					   { STR("d2"), T0 - T0 % USEC_HOUR, 7, 8 },
					   { STR("d1"), T0 - T0 % USEC_HOUR + USEC_DAY, 9, 9 } };
	struct direct_count direct[] = { { T0, 5109, 25, STR("dora"), 5, T0 },
					 { T0, 5109, 465, STR("dora"), 2, T0 + 1 },
					 { T0, 5109, 587, STR("dora"), 1, T0 },
					 { T0 + USEC_DAY, 5109, 25, STR("dora"), 8, T0 + USEC_DAY } };
	struct batch b = { .php = php, .nphp = PHPS, .sources = &source, .nsources = 1,
			   .unknown = &unknown, .nunknown = 1, .positions = &position,
			   .npositions = 1, .inbound = inbound, .ninbound = 3, .direct = direct,
			   .ndirect = 4, .watermark = T0 };

	assert_int_equal(store_commit(s, &b, &err), 0);
	for (int i = 0; i < MESSAGES; i += 100) {
		b = (struct batch){ .messages = all + i, .nmessages = 100, .watermark = T0 };
		assert_int_equal(store_commit(s, &b, &err), 0);
	}
}

static int build(void **state)
{
	struct error err = { 0 };
	struct store *s;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_report.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	s = store_open(in_dir("db"), &err);
	for (int i = 0; i < MESSAGES; i++)
		all[i] = make(i);
	for (int i = 0; i < PHPS; i++)
		php[i] = make_php(i);
	for (int i = 0; i < FINDINGS; i++)
		findings[i] = make_a_finding(i);
	link_some();
	commit_all(s);
	commit_detection(s);
	store_close(s);
	report = report_open(in_dir("db"), &err);
	if (!report)
		print_message("%s\n", err.text);
	return report ? 0 : -1;
}

static int clean_up(void **state)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	(void)state;
	report_close(report);
	for (int i = 0; i < MESSAGES; i++)
		message_free(all[i]);
	for (int i = 0; i < PHPS; i++)
		php_mail_free(php[i]);
	for (int i = 0; i < FINDINGS; i++)
		finding_free(findings[i]);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlink(in_dir(entry->d_name));
	closedir(d);
	return rmdir(dir);
}

/* --- messages -------------------------------------------------------------- */

static bool in_period(usec_t time, usec_t since, usec_t until)
{
	return time >= since && (until == 0 || time < until);
}

static bool is_asked(struct str got, struct str asked)
{
	return !asked.p || str_eq(got, asked);
}

static bool is_address(struct str got, struct str asked)
{
	if (asked.n && asked.p[0] == '@')
		return got.n > asked.n && str_eq_nocase(str_skip(got, got.n - asked.n), asked);
	return str_eq_nocase(got, asked);
}

static bool has_rcpt(const struct message *m, struct str asked)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if (is_address(m->rcpt[i].address, asked) || is_address(m->rcpt[i].orig_to, asked))
			return true;
	return false;
}

static bool has_status(const struct message *m, int status)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if ((int)m->rcpt[i].status == status)
			return true;
	return false;
}

static bool has_sender(const struct message *m, struct str asked)
{
	return asked.n ? is_address(m->sender, asked) : m->sender_null;
}

static bool has_script(const struct message *m, struct str asked)
{
	char script[128];

	snprintf(script, sizeof(script), "%.*s", STR_ARG(m->script));
	return asked.n ? m->script.n && fnmatch(asked.p, script, 0) == 0 : !m->script.n;
}

static bool passes(const struct message *m, const struct message_filter *f)
{
	if (!in_period(m->time, f->since, f->until) || !is_asked(m->account, f->account))
		return false;
	if (f->login.p && !(f->login.n ? str_eq(m->login, f->login) || str_eq(m->user, f->login)
				       : !m->login.n && !m->user.n))
		return false;
	if (f->script.p && !has_script(m, f->script))
		return false;
	if ((f->sender.p && !has_sender(m, f->sender)) || (f->rcpt.p && !has_rcpt(m, f->rcpt)))
		return false;
	if (!is_asked(m->client_ip, f->ip) || (f->status >= 0 && !has_status(m, f->status)))
		return false;
	return f->direction < 0 || (int)m->direction == f->direction;
}

static int newest_first(const void *a, const void *b)
{
	const struct message *x = *(struct message *const *)a, *y = *(struct message *const *)b;

	if (x->time != y->time)
		return x->time > y->time ? -1 : 1;
	return x->id > y->id ? -1 : 1;
}

struct expected {
	struct message *at[MESSAGES];
	size_t n, seen;
};

static bool check_message(void *context, const struct report_message *row)
{
	struct expected *e = context;
	const struct message *want, *got = row->message;

	if (e->seen >= e->n)
		fail_msg("message %lld is one too many", (long long)got->id);
	want = e->at[e->seen++];
	assert_int_equal(got->id, want->id);
	assert_int_equal(got->nrcpt, want->nrcpt);
	assert_true(str_eq(got->account, want->account) && str_eq(got->script, want->script));
	assert_true(str_eq(got->sender, want->sender) && str_eq(got->message_id, want->message_id));
	for (size_t i = 0; i < want->nrcpt; i++)
		assert_true(str_eq(got->rcpt[i].address, want->rcpt[i].address));
	assert_int_equal(row->php ? row->php->id : 0, want->php);
	return true;
}

static void check_filter(const struct message_filter *f)
{
	static struct expected e;
	struct error err = { 0 };

	e.n = e.seen = 0;
	for (int i = 0; i < MESSAGES; i++)
		if (passes(all[i], f))
			e.at[e.n++] = all[i];
	qsort(e.at, e.n, sizeof(e.at[0]), newest_first);
	if (f->limit && e.n > (size_t)f->limit)
		e.n = (size_t)f->limit;
	if (report_messages(report, f, check_message, &e, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(e.seen, e.n);
}

static void test_all_messages(void **state)
{
	struct message_filter f = MESSAGE_FILTER_ALL;

	(void)state;
	check_filter(&f);
	f.limit = 50;
	check_filter(&f);
}

static void test_each_filter(void **state)
{
	static const struct {
		size_t member;
		struct str value;
	} cases[] = {
#define CASE(member, text) { offsetof(struct message_filter, member), { text, sizeof(text) - 1 } }
		CASE(account, "alice"),
		CASE(account, ""),
		CASE(account, "a\0b"),
		CASE(account, "a"),
		CASE(account, "nobody such"),
		CASE(login, "bob"),
		CASE(login, ""),
		CASE(login, "none"),
		CASE(script, "/home/bob/*"),
		CASE(script, "*.php"),
		CASE(script, "/home/[ab]*/public_html/form.ph?"),
		CASE(script, ""),
		CASE(script, "/nowhere/*"),
		CASE(sender, ""),
		CASE(sender, "bob@bob.example"),
		CASE(sender, "@BOB.EXAMPLE"),
		CASE(sender, "root"),
		CASE(sender, "nobody@nowhere.example"),
		CASE(rcpt, "one@gmail.example"),
		CASE(rcpt, "TWO@gmail.example"),
		CASE(rcpt, "@gmail.example"),
		CASE(rcpt, "root"),
		CASE(rcpt, "alias@old.example"),
		CASE(rcpt, "@old.example"),
		CASE(rcpt, "\x80@web.example"),
		CASE(rcpt, "nobody@nowhere.example"),
		CASE(ip, "192.0.2.7"),
		CASE(ip, "2001:db8:1:2::3"),
		CASE(ip, ""),
		CASE(ip, "192.0.2"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_filter f = MESSAGE_FILTER_ALL;

		*(struct str *)(void *)((char *)&f + cases[i].member) = cases[i].value;
		check_filter(&f);
		f.limit = 7;
		check_filter(&f);
		f.since = T0 + 5 * USEC_DAY + 1;
		f.until = T0 + 8 * USEC_DAY - 1;
		check_filter(&f);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	for (int status = 0; status < RCPT_STATUSES; status++) {
		struct message_filter f = MESSAGE_FILTER_ALL;

		f.status = status;
		check_filter(&f);
	}
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		struct message_filter f = MESSAGE_FILTER_ALL;

		f.direction = direction;
		check_filter(&f);
	}
}

/* Any of them together. */
static void test_random_filters(void **state)
{
	static const struct str patterns[] = { { "*", 1 }, { "/home/*.php", 11 }, { "*form*", 6 } };

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct message_filter f = MESSAGE_FILTER_ALL;

		if (rnd(2))
			f.account = PICK(accounts);
		if (!rnd(4))
			f.login = PICK(logins);
		if (!rnd(4))
			f.script = PICK(patterns);
		if (!rnd(4))
			f.sender = PICK(senders);
		if (!rnd(4))
			f.rcpt = PICK(rcpts);
		if (!rnd(4))
			f.ip = PICK(ips);
		if (!rnd(4))
			f.status = (int)rnd(RCPT_STATUSES);
		if (!rnd(4))
			f.direction = (int)rnd(DIRECTIONS);
		if (rnd(2))
			f.since = all[rnd(MESSAGES)]->time;
		if (rnd(2))
			f.until = all[rnd(MESSAGES)]->time;
		if (rnd(2))
			f.limit = 1 + rnd(60);
		check_filter(&f);
	}
}

static bool stop_after_three(void *context, const struct report_message *row)
{
	(void)row;
	return ++*(int *)context < 3;
}

static void test_callback_stops(void **state)
{
	struct message_filter f = MESSAGE_FILTER_ALL;
	struct error err = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(report_messages(report, &f, stop_after_three, &n, &err), 0);
	assert_int_equal(n, 3);
	n = 0;
	f.account = STR("alice");
	assert_int_equal(report_messages(report, &f, stop_after_three, &n, &err), 0);
	assert_int_equal(n, 3);
}

/* --- volumes --------------------------------------------------------------- */

/* The same sums worked out by hand. */
struct grouped {
	struct share share;
	char key[200];
};

struct groups {
	struct grouped at[200];
	size_t n, seen;
	bool times;
};

static struct share *group_of(struct groups *g, struct str key)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq(g->at[i].share.key, key))
			return &g->at[i].share;
	memset(&g->at[g->n], 0, sizeof(g->at[0]));
	if (key.n)
		memcpy(g->at[g->n].key, key.p, key.n);
	g->at[g->n].share.key = (struct str){ g->at[g->n].key, key.n };
	return &g->at[g->n++].share;
}

static void count_time(struct share *s, const struct message *m)
{
	if (!s->first || m->time < s->first)
		s->first = m->time;
	if (m->time > s->last)
		s->last = m->time;
}

static void count_message(struct groups *g, struct str key, const struct message *m)
{
	struct share *s = group_of(g, key);

	s->volume.messages++;
	s->volume.recipients += (int64_t)m->nrcpt;
	for (size_t i = 0; i < m->nrcpt; i++)
		s->volume.status[m->rcpt[i].status]++;
	count_time(s, m);
}

/* Those recipients only; the message once for each key. */
static void count_recipient(struct groups *g, struct str key, const struct message *m, size_t k,
			    bool again)
{
	struct share *s = group_of(g, key);

	s->volume.messages += !again;
	s->volume.recipients++;
	s->volume.status[m->rcpt[k].status]++;
	count_time(s, m);
}

static bool check_share(void *context, const struct share *row)
{
	struct groups *g = context;

	for (size_t i = 0; i < g->n; i++) {
		const struct share *want = &g->at[i].share;

		if (!str_eq(want->key, row->key))
			continue;
		assert_memory_equal(&want->volume, &row->volume, sizeof(row->volume));
		if (g->times)
			assert_true(want->first == row->first && want->last == row->last);
		g->seen++;
		return true;
	}
	fail_msg("\"%.*s\" is not expected", STR_ARG(row->key));
	return false;
}

static const char *share_error;
static struct share previous;

static bool check_order(void *context, const struct share *row)
{
	if (previous.key.p && previous.volume.messages < row->volume.messages)
		share_error = "not most first";
	previous = *row;
	return check_share(context, row);
}

static struct str domain_of(struct str address)
{
	size_t at = str_rchr(address, '@');

	return at < address.n ? str_skip(address, at + 1) : STR_NONE;
}

static void expect_top(struct groups *g, enum top_what what, const struct message *m)
{
	const struct str keys[] = { m->account, m->script, m->login, m->client_ip, m->sender };

	if (what < TOP_DOMAINS) {
		if (keys[what].n || what == TOP_ACCOUNTS)
			count_message(g, keys[what], m);
		return;
	}
	for (size_t k = 0; k < m->nrcpt; k++) {
		bool again = false;

		for (size_t j = 0; j < k; j++)
			again = again || str_eq(domain_of(m->rcpt[j].address),
						domain_of(m->rcpt[k].address));
		if (domain_of(m->rcpt[k].address).n)
			count_recipient(g, domain_of(m->rcpt[k].address), m, k, again);
	}
}

static void check_top(enum top_what what, usec_t since, usec_t until)
{
	static struct groups g;
	struct error err = { 0 };

	memset(&g, 0, sizeof(g));
	g.times = what != TOP_ACCOUNTS;
	for (int i = 0; i < MESSAGES; i++)
		if (in_period(all[i]->time, since, until))
			expect_top(&g, what, all[i]);
	previous = (struct share){ 0 };
	share_error = NULL;
	if (report_top(report, what, since, until, 0, check_order, &g, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(g.seen, g.n);
	assert_null(share_error);
}

static void test_top(void **state)
{
	(void)state;
	for (int what = 0; what < TOP_COUNT; what++) {
		check_top(what, 0, 0);
		check_top(what, T0 + 7 * USEC_DAY, T0 + 7 * USEC_DAY + USEC_HOUR);
		check_top(what, T0 + 7 * USEC_DAY + 60, T0 + 7 * USEC_DAY + 70 * USEC_SECOND);
		for (int i = 0; i < 30; i++)
			check_top(what, all[rnd(MESSAGES)]->time,
				  all[rnd(MESSAGES)]->time + rnd(2));
	}
}

/* Ends of a period within one hour or two, each in a first or second half. */
static void test_top_broken_hours(void **state)
{
	static const int minutes[] = { 0, 10, 30, 31, 50, 60, 75, 90, 100 };
	const size_t n = sizeof(minutes) / sizeof(minutes[0]);
	const usec_t hour = all[rnd(MESSAGES)]->time / USEC_HOUR * USEC_HOUR;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			check_top(TOP_ACCOUNTS, hour + minutes[i] * USEC_MINUTE,
				  hour + minutes[k] * USEC_MINUTE);
}

static bool count_rows(void *context, const struct share *row)
{
	(void)row;
	++*(int *)context;
	return true;
}

static void test_top_limit(void **state)
{
	struct error err = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(report_top(report, TOP_ACCOUNTS, 0, 0, 2, count_rows, &n, &err), 0);
	assert_int_equal(n, 2);
}

static struct str network_of(struct str ip)
{
	if (str_starts(ip, STR("192.0.2.")))
		return STR("192.0.2.0/24");
	if (str_starts(ip, STR("198.51.100.")))
		return STR("198.51.100.0/24");
	return str_starts(ip, STR("2001:db8:1:")) ? STR("2001:db8:1::/48") : ip;
}

static struct str day_of(usec_t time, char *buf)
{
	stamp_text(time, buf);
	return (struct str){ buf, 10 };
}

static void expect_part(struct groups *g, enum account_part part, const struct message *m)
{
	char day[STAMP_TEXT];
	const struct str keys[] = {
		[PART_DAYS] = day_of(m->time, day),	[PART_SCRIPTS] = m->script,
		[PART_LOGINS] = m->login,		[PART_NETWORKS] = network_of(m->client_ip),
		[PART_VIA] = str_of(via_name[m->via]), [PART_SENDERS] = m->sender,
	};

	if (part != PART_OUTCOMES) {
		count_message(g, keys[part], m);
		return;
	}
	for (size_t k = 0; k < m->nrcpt; k++) {
		bool again = false;
		char key[64];

		for (size_t j = 0; j < k; j++)
			again = again || (m->rcpt[j].status == m->rcpt[k].status &&
					  str_eq(m->rcpt[j].dsn, m->rcpt[k].dsn));
		snprintf(key, sizeof(key), "%s%s%.*s", rcpt_status_name[m->rcpt[k].status],
			 m->rcpt[k].dsn.n ? " " : "", STR_ARG(m->rcpt[k].dsn));
		count_recipient(g, str_of(key), m, k, again);
	}
}

static void check_account(struct str account, usec_t since, usec_t until)
{
	static struct groups g;
	struct account_summary got, want = { 0 };
	struct error err = { 0 };

	memset(&g, 0, sizeof(g));
	for (int i = 0; i < MESSAGES; i++)
		if (in_period(all[i]->time, since, until) && str_eq(all[i]->account, account)) {
			count_message(&g, STR_NONE, all[i]);
			want.direction[all[i]->direction]++;
		}
	if (g.n)
		want.volume = g.at[0].share.volume;
	want.first = g.n ? g.at[0].share.first : 0;
	want.last = g.n ? g.at[0].share.last : 0;
	for (int i = 0; i < PHPS; i++)
		if (in_period(php[i]->time, since, until) && str_eq(php[i]->account, account)) {
			want.php++;
			want.php_unmatched += php[i]->state == PHP_UNMATCHED;
		}
	if (report_account(report, account, since, until, &got, &err) < 0)
		fail_msg("%s", err.text);
	assert_memory_equal(&got, &want, sizeof(got));
}

/* Who sent nothing by the mail server. */
static void test_direct(void **state)
{
	struct account_summary got;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(report_account(report, STR("dora"), 0, 0, &got, &err), 0);
	assert_true(got.direct_smtp == 13 && got.direct_submission == 3);
	assert_true(got.direct_last == T0 + USEC_DAY && got.volume.messages == 0);
	assert_int_equal(report_account(report, STR("dora"), T0, T0 + USEC_HOUR, &got, &err), 0);
	assert_true(got.direct_smtp == 5 && got.direct_submission == 3);
	assert_true(got.direct_last == T0 + 1);
}

struct part_groups {
	struct groups of[ACCOUNT_PARTS];
	int newest; /* part */
};

static bool check_part(void *context, enum account_part part, const struct share *row)
{
	struct part_groups *g = context;

	assert_true((int)part >= g->newest);
	g->newest = (int)part;
	return check_share(&g->of[part], row);
}

static void check_parts(struct str account, usec_t since, usec_t until)
{
	static struct part_groups g;
	struct error err = { 0 };

	memset(&g, 0, sizeof(g));
	for (int part = 0; part < ACCOUNT_PARTS; part++) {
		g.of[part].times = true;
		for (int i = 0; i < MESSAGES; i++)
			if (in_period(all[i]->time, since, until) &&
			    str_eq(all[i]->account, account))
				expect_part(&g.of[part], part, all[i]);
	}
	if (report_account_parts(report, account, since, until, 0, check_part, &g, &err) < 0)
		fail_msg("%s", err.text);
	for (int part = 0; part < ACCOUNT_PARTS; part++)
		assert_int_equal(g.of[part].seen, g.of[part].n);
}

static bool count_part(void *context, enum account_part part, const struct share *row)
{
	int *rows = context;

	(void)row;
	rows[part]++;
	return true;
}

static void test_account_limit(void **state)
{
	int rows[ACCOUNT_PARTS] = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(report_account_parts(report, STR("alice"), 0, 0, 2, count_part, rows,
					      &err), 0);
	for (int part = 0; part < ACCOUNT_PARTS; part++)
		assert_true(part == PART_DAYS ? rows[part] > 2 : rows[part] == 2);
}

static void test_account(void **state)
{
	static const struct str names[] = {
		{ "alice", 5 }, { "a\0b", 3 }, { "", 0 }, { "zoe", 3 },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (int k = 0; k < 20; k++) {
			usec_t since = k ? all[rnd(MESSAGES)]->time : 0;
			usec_t until = k > 1 ? all[rnd(MESSAGES)]->time : 0;

			check_account(names[i], since, until);
			check_parts(names[i], since, until);
		}
	}
}

/* --- trace, php, status ---------------------------------------------------- */

struct story {
	char text[512];
	size_t n;
};

static bool tell(void *context, const struct report_trace *row)
{
	static const char *const roles[] = { "match", "parent", "child" };
	struct story *s = context;

	s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s %lld%s\n",
				 roles[row->role], (long long)row->row.message->id,
				 row->row.php ? " php" : "");
	return true;
}

static void check_story(struct str id, const char *want)
{
	struct story s = { .n = 0 };
	struct error err = { 0 };

	if (report_trace(report, id, tell, &s, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(s.text, want);
}

static void test_trace(void **state)
{
	(void)state;
	check_story(STR("STORY"), "match 11 php\nchild 901\nchild 902\n");
	check_story(STR("ALIAS1"), "match 11 php\nchild 901\nchild 902\n");
	check_story(STR("<5@web1>"), "match 11 php\nmatch 12\nchild 901\nchild 902\n");
	check_story(STR("450@web1"), "parent 11 php\nmatch 901\nmatch 902\n");
	check_story(STR("none such"), "");
	check_story(STR(""), "");
	check_story(STR("out/ALIAS1"), "");
}

/* An id that only looks like another by its 24 bits. */
static void test_trace_is_not_fooled(void **state)
{
	int64_t wanted = lookup_hash(STR("STORY"));
	char id[16];
	unsigned i = 0;

	(void)state;
	do
		snprintf(id, sizeof(id), "%X", i++);
	while (lookup_hash(str_of(id)) != wanted);
	check_story(str_of(id), "");
}

static bool check_php(void *context, const struct php_mail *row)
{
	int64_t *seen = context;

	assert_true(str_eq(php[row->id - 1]->script, row->script));
	assert_true(str_eq(php[row->id - 1]->account, row->account));
	assert_true(seen[1] == 0 || row->time <= seen[1]);
	seen[0]++;
	seen[1] = row->time;
	return true;
}

static void test_php(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct php_filter f = { .unmatched = rnd(2) };
		int64_t want = 0, seen[2] = { 0, 0 };
		struct error err = { 0 };

		if (rnd(2))
			f.account = PICK(accounts);
		if (rnd(2))
			f.since = php[rnd(PHPS)]->time;
		if (rnd(2))
			f.until = php[rnd(PHPS)]->time;
		if (rnd(2))
			f.limit = 1 + rnd(9);
		for (int k = 0; k < PHPS; k++)
			want += is_asked(php[k]->account, f.account) &&
				in_period(php[k]->time, f.since, f.until) &&
				(!f.unmatched || php[k]->state == PHP_UNMATCHED);
		if (f.limit && want > f.limit)
			want = f.limit;
		if (report_php(report, &f, check_php, seen, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(seen[0], want);
	}
}

/* --- findings -------------------------------------------------------------- */

static bool is_wanted(const struct finding *f, const struct finding_filter *asked)
{
	return in_period(f->time, asked->since, asked->until) &&
	       is_asked(f->account, asked->account) && !(asked->open && f->closed) &&
	       (asked->severity < 0 || (int)f->severity == asked->severity) &&
	       (asked->first_case < 0 || ((int)f->verdict >= asked->first_case &&
					  (int)f->verdict <= asked->last_case));
}

struct list {
	const struct finding_filter *asked;
	int64_t seen;
	const struct finding *previous;
};

static bool check_finding(void *context, const struct finding *row)
{
	const struct finding *want = findings[row->id - 1];
	struct list *l = context;
	char key[16];

	assert_true(is_wanted(want, l->asked));
	assert_true(!l->previous || row->time < l->previous->time ||
		    (row->time == l->previous->time && row->id < l->previous->id));
	snprintf(key, sizeof(key), "key %d", (int)want->stream);
	assert_true(str_eq(row->stream_key, str_of(key)));
	assert_true(str_eq(row->account, want->account) && str_eq(row->login, want->login));
	assert_true(str_eq(row->script, want->script) && str_eq(row->host, want->host));
	assert_true(str_eq(row->evidence, want->evidence) && row->score[FAMILY_VOLUME] == 1.5f);
	l->previous = want;
	l->seen++;
	return true;
}

static void check_findings(const struct finding_filter *asked)
{
	struct list l = { .asked = asked };
	struct error err = { 0 };
	int64_t want = 0;

	for (int i = 0; i < FINDINGS; i++)
		want += is_wanted(findings[i], asked);
	if (asked->limit && want > asked->limit)
		want = asked->limit;
	if (report_findings(report, asked, check_finding, &l, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(l.seen, want);
}

static void test_findings(void **state)
{
	struct finding_filter f = FINDING_FILTER_ALL;

	(void)state;
	check_findings(&f);
	f.account = STR("zoe");
	check_findings(&f);
	for (int i = 0; i < 400; i++) {
		f = FINDING_FILTER_ALL;
		if (rnd(2))
			f.account = PICK(accounts);
		if (rnd(2))
			f.first_case = f.last_case = rnd(CASES);
		if (rnd(4) == 0)
			f.first_case = CASE_INJECTED, f.last_case = CASE_SCRIPT;
		if (rnd(2))
			f.severity = rnd(2);
		if (rnd(2))
			f.since = findings[rnd(FINDINGS)]->time;
		if (rnd(2))
			f.until = findings[rnd(FINDINGS)]->time;
		if (rnd(2))
			f.limit = 1 + rnd(9);
		f.open = rnd(2);
		check_findings(&f);
	}
}

static void test_one_finding(void **state)
{
	struct finding_filter all_of_them = FINDING_FILTER_ALL;
	struct list l = { .asked = &all_of_them };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(report_finding(report, 7, check_finding, &l, &err), 0);
	assert_true(l.seen == 1 && l.previous == findings[6]);
	assert_int_equal(report_finding(report, FINDINGS + 1, check_finding, &l, &err), 0);
	assert_int_equal(l.seen, 1);
}

/* --- the past again --------------------------------------------------------- */

#define WAIT USEC_MINUTE

/* How many events of each kind a period must have. */
static void count_past(usec_t since, usec_t until, int64_t want[4])
{
	memset(want, 0, 4 * sizeof(*want));
	for (int i = 0; i < MESSAGES; i++) {
		if (!in_period(all[i]->time, since, until))
			continue;
		want[PAST_MESSAGE]++;
		for (size_t k = 0; k < all[i]->nrcpt; k++)
			want[PAST_ANSWER] += all[i]->rcpt[k].status != RCPT_PENDING;
	}
	for (int i = 0; i < PHPS; i++) {
		if (!in_period(php[i]->time, since, until))
			continue;
		want[PAST_CALL]++;
		want[PAST_UNSENT] += php[i]->state == PHP_UNMATCHED;
	}
}

static void check_event(const struct past_event *e)
{
	switch (e->kind) {
	case PAST_CALL:
		assert_true(e->time == php[e->php->id - 1]->time && !e->message);
		return;
	case PAST_MESSAGE:
		assert_true(e->time == all[e->message->id - 1]->time);
		assert_int_equal(e->php ? e->php->id : 0, all[e->message->id - 1]->php);
		return;
	case PAST_ANSWER:
		assert_true(e->time == all[e->message->id - 1]->rcpt[e->nth].time);
		return;
	case PAST_UNSENT:
		assert_int_equal(php[e->php->id - 1]->state, PHP_UNMATCHED);
		assert_true(e->time == e->php->time + WAIT);
		return;
	}
}

static void check_past(usec_t since, usec_t until)
{
	struct error err = { 0 };
	struct past *p = past_open(report, since, until, WAIT, &err);
	int64_t want[4], got[4] = { 0 };
	struct past_event e;
	usec_t before = 0;
	int rc;

	assert_non_null(p);
	while ((rc = past_next(p, &e, &err)) == 1) {
		assert_true(e.time >= before);
		before = e.time;
		got[e.kind]++;
		check_event(&e);
	}
	assert_int_equal(rc, 0);
	past_close(p);
	count_past(since, until, want);
	assert_memory_equal(got, want, sizeof(want));
}

static void test_past(void **state)
{
	struct error err = { 0 };
	struct past *p;
	struct past_event e;

	(void)state;
	check_past(0, 0);
	for (int i = 0; i < 30; i++)
		check_past(all[rnd(MESSAGES)]->time, i % 3 ? all[rnd(MESSAGES)]->time : 0);
	p = past_open(report, 0, 0, WAIT, &err); /* left in its middle */
	for (int i = 0; i < 500; i++)
		assert_int_equal(past_next(p, &e, &err), 1);
	past_close(p);
	check_past(0, 0);
}

static bool check_source(void *context, const struct report_source *row)
{
	++*(int *)context;
	assert_true(str_eq(row->path, STR("/var/log/mail.log")));
	assert_true(row->lines == 9 && row->parsed == 7 && row->last == T0);
	assert_true(row->has_position && row->dev == 1 && row->ino == 2 && row->offset == 3);
	return true;
}

static bool check_unknown(void *context, const struct report_unknown *row)
{
	++*(int *)context;
	assert_true(str_eq(row->program, STR("odd")) && str_eq(row->sample, STR("a line")));
	return true;
}

static bool check_inbound(void *context, const struct share *row)
{
	int *n = context;

	if (++*n == 1)
		assert_true(str_eq(row->key, STR("d1")) && row->volume.messages == 14);
	else
		assert_true(str_eq(row->key, STR("d2")) && row->volume.recipients == 8);
	return true;
}

static void test_status(void **state)
{
	struct report_status st;
	struct error err = { 0 };
	int64_t open = 0, recipients = 0, open_findings = 0, oldest = INT64_MAX;
	int sources = 0, unknown = 0, inbound = 0;

	(void)state;
	for (int i = 0; i < MESSAGES; i++) {
		open += !all[i]->closed;
		recipients += (int64_t)all[i]->nrcpt;
		oldest = all[i]->time < oldest ? all[i]->time : oldest;
	}
	for (int i = 0; i < FINDINGS; i++)
		open_findings += !findings[i]->closed;
	assert_int_equal(report_status(report, &st, &err), 0);
	assert_int_equal(st.schema_version, migrations_count);
	assert_true(st.open_findings == open_findings && st.streams == STREAMS);
	assert_int_equal(st.messages, MESSAGES);
	assert_int_equal(st.recipients, recipients);
	assert_int_equal(st.open, open);
	assert_int_equal(st.php, PHPS);
	assert_true(st.oldest == oldest && st.watermark == T0 && st.created > 0);
	assert_true(st.bytes > 100000 && st.lines == 9 && st.noise == 1);
	assert_int_equal(report_sources(report, check_source, &sources, &err), 0);
	assert_int_equal(report_unknown(report, false, check_unknown, &unknown, &err), 0);
	assert_int_equal(report_inbound(report, 0, 0, 0, check_inbound, &inbound, &err), 0);
	assert_true(sources == 1 && unknown == 1 && inbound == 2);
}

/* --- who may read, and what it costs --------------------------------------- */

static void test_open_errors(void **state)
{
	struct error err = { 0 };
	int fd = open(in_dir("empty"), O_WRONLY | O_CREAT, 0640);

	(void)state;
	close(fd);
	assert_null(report_open(in_dir("none"), &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
	assert_null(report_open(in_dir("empty"), &err));
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_null(report_open(dir, &err));
	assert_int_equal(err.code, EXIT_NOINPUT);
	fd = open(in_dir("empty"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "no database, this is text ......", 32), 32);
	close(fd);
	assert_null(report_open(in_dir("empty"), &err));
	assert_int_equal(err.code, EXIT_CONFIG);
}

/* What a child without our rights gets: 0, or the code of the error. */
static int open_as(gid_t gid)
{
	struct error err = { 0 };
	struct report_status st;
	struct report *r;
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(65534) < 0)
			_exit(99);
		r = report_open(in_dir("db"), &err);
		if (!r || report_status(r, &st, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			_exit(err.code);
		}
		_exit(st.messages == MESSAGES ? 0 : 98);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

/* Members of the group read, with and without a writer, though the directory
 * and the files are not theirs to write; others do not. */
static void test_group_reads(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm" };
	struct error err = { 0 };
	struct store *s;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(chown(in_dir(names[i]), 0, 12345), 0);
	assert_int_equal(open_as(12345), 0);
	assert_int_equal(open_as(54321), EXIT_PERMISSION);
	report_close(report); /* nobody has it open */
	assert_int_equal(open_as(12345), 0);
	s = store_open(in_dir("db"), &err);
	assert_non_null(s);
	assert_int_equal(open_as(12345), 0);
	store_close(s);
	assert_int_equal(open_as(12345), 0);
	report = report_open(in_dir("db"), &err);
	assert_non_null(report);
}

/* --- the mail of one subject ------------------------------------------------ */

static bool is_of(const struct message *m, const struct report_subject *s)
{
	if ((s->account.n && !str_eq(m->account, s->account)) ||
	    (s->script.n && !str_eq(m->script, s->script)))
		return false;
	return s->login.n ? str_eq(m->login, s->login) : !s->by_scripts || !m->login.n;
}

struct hours {
	int64_t first, recipients[48];
};

static bool take_hour(void *context, int64_t hour, const struct volume *v)
{
	struct hours *h = context;

	assert_in_range(hour - h->first, 0, 47);
	h->recipients[hour - h->first] = v->recipients;
	return true;
}

static bool take_script(void *context, struct str script, int64_t line, const struct volume *v)
{
	int64_t *sum = context;

	assert_true(script.n && line == -1);
	*sum += v->recipients;
	return true;
}

static void check_subject(const struct report_subject *s, usec_t since, usec_t until)
{
	struct hours got = { .first = since / USEC_HOUR }, wanted = got;
	struct volume v, sum = { 0 };
	int64_t queued, open = 0, of_scripts = 0, told = 0;
	struct error err;

	for (int i = 0; i < MESSAGES; i++) {
		const struct message *m = all[i];

		if (!in_period(m->time, since, until) || !is_of(m, s))
			continue;
		sum.messages++;
		sum.recipients += (int64_t)m->nrcpt;
		open += !m->closed;
		of_scripts += m->script.n ? (int64_t)m->nrcpt : 0;
		wanted.recipients[m->time / USEC_HOUR - wanted.first] += (int64_t)m->nrcpt;
	}
	assert_int_equal(report_subject_hours(report, s, since, until, take_hour, &got, &err), 0);
	assert_memory_equal(&got, &wanted, sizeof(got));
	assert_int_equal(report_subject_volume(report, s, since, until, &v, &queued, &err), 0);
	assert_int_equal(v.messages, sum.messages);
	assert_int_equal(v.recipients, sum.recipients);
	assert_int_equal(queued, open);
	assert_int_equal(report_subject_scripts(report, s, since, until, 99, take_script, &told,
						&err), 0);
	assert_int_equal(told, of_scripts);
}

static void test_subject(void **state)
{
	const usec_t since = T0 + 7 * USEC_DAY - 5 * USEC_HOUR + 3, until = since + 40 * USEC_HOUR;
	const struct report_subject subjects[] = {
		{ .account = STR("alice") },
		{ .account = STR("alice"), .by_scripts = true },
		{ .account = STR("alice"), .login = STR("info@alice.example") },
		{ .login = STR("bob") },
		{ .account = STR("bob"), .script = STR("/home/bob/www/index.php") },
		{ .script = STR("/home/bob/www/index.php") },
		{ .account = { "a\0b", 3 } },
		{ .account = STR("nobody of this name") },
		{ .account = STR("bob"), .login = STR("no such login") },
	};
	float usual[24];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		check_subject(&subjects[i], since, until);
	assert_int_equal(report_usual(report, STR("no such key"), usual, &err), 0);
	/* Its state is no state: it is as new. */
	assert_int_equal(report_usual(report, STR("key 1"), usual, &err), 1);
	assert_true(usual[0] == 0 && usual[23] == 0);
}

/* Every query's plan, as it is logged when it is prepared. */
static char *plans_of(void (*run)(void))
{
	int saved = dup(2), fd = open(in_dir("plans"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *text = xcalloc(1, 1 << 20);

	dup2(fd, 2);
	log_level = LOG_LEVEL_DEBUG;
	run();
	log_level = LOG_LEVEL_INFO;
	dup2(saved, 2);
	assert_true(pread(fd, text, (1 << 20) - 1, 0) > 100);
	close(fd);
	close(saved);
	return text;
}

static bool ignore_message(void *context, const struct report_message *row)
{
	(void)context;
	(void)row;
	return false;
}

static bool ignore_share(void *context, const struct share *row)
{
	(void)context;
	(void)row;
	return false;
}

static bool ignore_part(void *context, enum account_part part, const struct share *row)
{
	(void)part;
	return ignore_share(context, row);
}

static bool ignore_hour(void *context, int64_t hour, const struct volume *v)
{
	(void)context;
	(void)hour;
	(void)v;
	return true;
}

static bool ignore_script(void *context, struct str script, int64_t line, const struct volume *v)
{
	(void)context;
	(void)script;
	(void)line;
	(void)v;
	return true;
}

static void ask_subject(struct report *r, usec_t since, usec_t until)
{
	struct report_subject s = { .login = STR("bob") };
	struct volume v;
	int64_t queued;
	float usual[24];

	for (int i = 0; i < 2; i++) {
		report_subject_hours(r, &s, since, until, ignore_hour, NULL, NULL);
		report_subject_scripts(r, &s, since, until, 5, ignore_script, NULL, NULL);
		report_subject_volume(r, &s, since, until, &v, &queued, NULL);
		s.account = STR("alice");
	}
	report_usual(r, STR("key 1"), usual, NULL);
}

static bool ignore_php(void *context, const struct php_mail *row)
{
	(void)context;
	(void)row;
	return false;
}

static bool ignore_finding(void *context, const struct finding *row)
{
	(void)context;
	(void)row;
	return false;
}

static void list_findings(struct report *r, usec_t since, usec_t until)
{
	struct finding_filter f = FINDING_FILTER_ALL;

	report_findings(r, &f, ignore_finding, NULL, NULL);
	f.since = since;
	f.until = until;
	for (int i = 0; i < 2; i++) {
		f.open = i;
		f.account = STR("alice");
		report_findings(r, &f, ignore_finding, NULL, NULL);
		f.account = STR_NONE;
		report_findings(r, &f, ignore_finding, NULL, NULL);
	}
	report_finding(r, 7, ignore_finding, NULL, NULL);
}

static void run_queries(void)
{
	const usec_t since = T0 + USEC_DAY + 1, until = T0 + 2 * USEC_DAY;
	struct message_filter f = { .status = 3, .direction = 1, .since = since, .until = until,
				    .login = STR("bob"), .script = STR("*"), .ip = STR("192.0.2.7"),
				    .sender = STR("bob@bob.example") };
	struct php_filter p = { .since = since };
	struct report *r = report_open(in_dir("db"), NULL);
	struct account_summary summary;
	struct report_status st;
	struct story story = { .n = 0 };

	report_messages(r, &f, ignore_message, NULL, NULL);
	f.rcpt = STR("one@gmail.example");
	report_messages(r, &f, ignore_message, NULL, NULL);
	f.account = STR("alice");
	report_messages(r, &f, ignore_message, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		report_account(r, i ? STR("alice") : STR_NONE, since, until, &summary, NULL);
		report_account_parts(r, i ? STR("alice") : STR_NONE, since, until, 5, ignore_part,
				     NULL, NULL);
		p.unmatched = i;
		report_php(r, &p, ignore_php, NULL, NULL);
	}
	p.account = STR("alice");
	report_php(r, &p, ignore_php, NULL, NULL);
	for (int what = 0; what < TOP_COUNT; what++)
		report_top(r, what, since, until, 5, ignore_share, NULL, NULL);
	report_trace(r, STR("STORY"), tell, &story, NULL);
	report_inbound(r, since, until, 5, ignore_share, NULL, NULL);
	report_status(r, &st, NULL);
	list_findings(r, since, until);
	ask_subject(r, since, until);
	past_close(past_open(r, since, until, WAIT, NULL));
	report_close(r);
}

/* Aliases of the tables that grow with the mail. An index of the few messages or
 * findings that are open may be read as a whole. */
static void test_no_full_scans(void **state)
{
	static const char *const big[] = {
		"m", "message_row", "x", "message_more", "recipient_row", "p", "php_row", "q", "l",
		"lookup", "s", "minute",
		"hourly", "i", "inbound", "direct", "f", "finding", "stream", "stream_known",
	};
	char *plans = plans_of(run_queries), scan[32];
	struct str rest = str_of(plans);

	(void)state;
	assert_non_null(strstr(plans, "SEARCH m USING INTEGER PRIMARY KEY"));
	assert_non_null(strstr(plans, "SEARCH m USING INDEX message_account"));
	assert_non_null(strstr(plans, "SEARCH p USING INDEX php_account"));
	assert_non_null(strstr(plans, "SEARCH hourly USING PRIMARY KEY"));
	assert_non_null(strstr(plans, "SEARCH l USING INTEGER PRIMARY KEY"));
	assert_non_null(strstr(plans, "SEARCH f USING INDEX finding_time (time>? AND time<?)"));
	assert_non_null(strstr(plans, "SEARCH f USING INDEX finding_open (time>? AND time<?)"));
	assert_non_null(strstr(plans, "SEARCH f USING INDEX finding_account (account=? AND time>?"));
	while (rest.n) {
		struct str line = str_head(rest, str_chr(rest, '\n'));

		for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++) {
			snprintf(scan, sizeof(scan), "plan: SCAN %s", big[i]);
			line = str_skip(line, str_find(line, STR("plan: SCAN ")));
			if (str_eq(str_head(line, strlen(scan)), str_of(scan)) &&
			    (line.n == strlen(scan) || line.p[strlen(scan)] == ' ') &&
			    str_find(line, STR("message_work")) == line.n &&
			    str_find(line, STR("finding_open")) == line.n)
				fail_msg("%.*s", STR_ARG(line));
		}
		rest = str_skip(rest, str_chr(rest, '\n') + 1);
	}
	free(plans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_messages),
		cmocka_unit_test(test_each_filter),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_random_filters),
		cmocka_unit_test(test_callback_stops),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_top_broken_hours),
		cmocka_unit_test(test_top_limit),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_account_limit),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_is_not_fooled),
		cmocka_unit_test(test_php),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_one_finding),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_group_reads),
		cmocka_unit_test(test_no_full_scans),
	};

	return cmocka_run_group_tests(tests, build, clean_up);
}
