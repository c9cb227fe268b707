/* All that is told of one alert.
 *
 * Its findings are read three times: to add them up and find the weightiest, for what is
 * that one's, and for what the others add to the lists.
 *
 * Invariant: every list is bounded, however many findings an alert has. */
#include "notify/facts.h"

#include <stdlib.h>

#include "base/map.h"
#include "core/queue_id.h"
#include "notify/facts_part.h"

/* ---- adding up ---- */

struct sums {
	struct alert_look look;
	struct arena strings;
	int64_t best; /* the weightiest finding */
	struct str login, script, stream, host, queue_id; /* of it */
	int64_t novel, leaked_before, results, unknown_users, spam_answers;
};

/* One that tells whose it is: decimal are qmail's, and by chance some of Postfix's. */
static struct str telling_id(struct str ids)
{
	struct str id, best = STR_NONE;

	while (finding_line(&ids, &id) && (!best.n || queue_id_server(best) == QUEUE_DECIMAL))
		best = id;
	return best;
}

static void take_best(struct sums *all, const struct finding *f)
{
	all->best = f->id;
	all->login = arena_str(&all->strings, f->login);
	all->script = arena_str(&all->strings, f->script);
	all->stream = arena_str(&all->strings, f->stream_key);
	all->host = arena_str(&all->strings, f->host);
	all->queue_id = arena_str(&all->strings, telling_id(f->queue_ids));
}

static bool add_up(void *context, const struct finding *f)
{
	struct sums *all = context;
	int64_t weight = all->look.weight;
	bool first = !all->look.findings;

	alert_look_at(&all->look, f);
	if (first || all->look.weight > weight)
		take_best(all, f);
	all->novel += f->novel;
	all->leaked_before += f->leaked_before;
	all->results += f->results;
	all->unknown_users += f->unknown_users;
	all->spam_answers += f->spam_answers;
	return true;
}

static void release_sums(struct sums *all)
{
	arena_release(&all->look.strings);
	arena_release(&all->strings);
}

static void put_sums(struct tree *t, const struct sums *all)
{
	tree_number(t, "new_recipients", all->novel);
	tree_number(t, "leaked_before", all->leaked_before);
	tree_number(t, "results", all->results);
	tree_number(t, "unknown_users", all->unknown_users);
	tree_number(t, "spam_answers", all->spam_answers);
}

/* ---- lists that all findings add to ---- */

struct lists {
	int64_t best;
	bool others; /* of those that are not the best */
	struct tree *top; /* of the facts */
	struct tree *findings, *sources, *countries, *subjects, *queue_ids;
	struct map seen; /* what is in the lists, with the list's letter before it */
	int64_t left_out; /* findings */
};

/* Is it not in this list yet, and is there room? Then it is, from now on. */
static bool is_news(struct lists *l, const struct tree *list, char letter, struct str s)
{
	char key[FINDING_MAX_LINE + 2];

	if (tree_count(list) >= FACTS_MAX_ITEMS || !s.n)
		return false;
	s = str_head(s, FINDING_MAX_LINE);
	key[0] = letter;
	memcpy(key + 1, s.p, s.n);
	return !map_put(&l->seen, (struct str){ key, s.n + 1 }, l);
}

static void add_lines(struct lists *l, struct tree *list, char letter, struct str lines)
{
	struct str line;

	while (finding_line(&lines, &line))
		if (is_news(l, list, letter, line))
			tree_text(list, NULL, line);
}

/* The last word of a line, eaten from it. */
static struct str eat_last(struct str *line)
{
	size_t at = str_rchr(*line, ' ');
	struct str word = at < line->n ? str_skip(*line, at + 1) : *line;

	*line = str_head(*line, at < line->n ? at : 0);
	return word;
}

/* "203.0.113.7 VN AS131429 12 messages, its own", read from its end: what stands before
 * the country can be anything. */
static void add_source(struct lists *l, struct str line)
{
	bool own = str_ends(line, STR(", its own"));
	struct str asn = STR_NONE, country;
	struct tree *t;
	int64_t messages = 0;

	if (own)
		line = str_head(line, line.n - STR(", its own").n);
	eat_last(&line); /* "messages" */
	str_int(eat_last(&line), &messages);
	country = eat_last(&line);
	if (str_starts(country, STR("AS"))) {
		asn = country;
		country = eat_last(&line);
	}
	if (country.n != 2)
		country = STR_NONE;
	if (is_news(l, l->countries, 'c', country))
		tree_text(l->countries, NULL, country);
	if (!is_news(l, l->sources, 'i', line))
		return;
	t = tree_enter_object(l->sources, NULL);
	tree_text(t, "ip", line);
	tree_text(t, "country", country);
	tree_text(t, "asn", asn);
	tree_number(t, "messages", messages);
	tree_flag(t, "own", own);
}

static void put_line(struct tree *t, const char *key, int64_t line)
{
	if (line > 0)
		tree_number(t, key, line);
	else
		tree_null(t, key);
}

static void add_finding(struct lists *l, const struct finding *f)
{
	struct tree *t;

	if (tree_count(l->findings) >= FACTS_MAX_ITEMS) {
		l->left_out++;
		return;
	}
	t = tree_enter_object(l->findings, NULL);
	tree_number(t, "id", f->id);
	tree_text(t, "case", str_of(finding_case_name[f->verdict]));
	tree_text(t, "case_title", str_of(finding_case_title[f->verdict]));
	tree_text(t, "severity", str_of(severity_name[f->severity]));
	tree_text(t, "login", f->login);
	tree_text(t, "script", f->script);
	put_line(t, "script_line", f->script_line);
	tree_text(t, "summary", f->summary);
	tree_time(t, "first_seen", f->first_seen);
	tree_time(t, "last_seen", f->last_seen);
	tree_time(t, "closed", f->closed);
	tree_number(t, "messages", f->messages);
	tree_number(t, "recipients", f->recipients);
}

/* ---- what is the weightiest finding's ---- */

static void put_lines(struct tree *t, const char *key, struct str lines)
{
	struct tree *list = tree_enter_list(t, key);
	struct str line;

	while (tree_count(list) < FACTS_MAX_ITEMS && finding_line(&lines, &line))
		tree_text(list, NULL, line);
}

static void put_best(struct tree *t, const struct finding *f)
{
	struct tree *score;

	tree_text(t, "login", f->login);
	tree_text(t, "script", f->script);
	put_line(t, "script_line", f->script_line);
	score = tree_enter_object(t, "score");
	for (int i = 0; i < FAMILIES; i++)
		tree_real(score, family_name[i], (double)f->score[i]);
	put_lines(t, "evidence", f->evidence);
	put_lines(t, "why", f->why);
	put_lines(t, "advice", f->advice);
	put_lines(t, "answers", f->answers);
}

static bool add_lists(void *context, const struct finding *f)
{
	struct lists *l = context;
	struct str sources = f->sources, line;

	if (l->others == (f->id == l->best))
		return true;
	if (f->id == l->best)
		put_best(l->top, f);
	add_finding(l, f);
	while (finding_line(&sources, &line))
		add_source(l, line);
	add_lines(l, l->subjects, 's', f->subjects);
	add_lines(l, l->queue_ids, 'q', f->queue_ids);
	return true;
}

static int put_lists(struct tree *t, struct report *r, const struct alert *a, int64_t best,
		     struct error *err)
{
	struct lists l = {
		.best = best, .top = t, .findings = tree_enter_list(t, "findings"),
		.sources = tree_enter_list(t, "sources"),
		.countries = tree_enter_list(t, "countries"),
		.subjects = tree_enter_list(t, "subjects"),
		.queue_ids = tree_enter_list(t, "queue_ids"),
	};
	const struct finding none = { .script_line = -1 };
	int rc = report_alert_findings(r, a->id, add_lists, &l, err);

	if (!tree_count(l.findings)) /* gone by retention */
		put_best(t, &none);
	l.others = true;
	if (rc == 0)
		rc = report_alert_findings(r, a->id, add_lists, &l, err);
	tree_flag(t, "several_findings", tree_count(l.findings) > 1);
	tree_number(t, "findings_left_out", l.left_out);
	tree_number(t, "addresses", (int64_t)tree_count(l.sources));
	tree_flag(t, "one_address", tree_count(l.sources) == 1);
	tree_number(t, "country_count", (int64_t)tree_count(l.countries));
	tree_flag(t, "one_country", tree_count(l.countries) == 1);
	map_release(&l.seen);
	return rc;
}

/* ---- all of it ---- */

static void put_event(struct tree *t, int64_t version, enum alert_change change)
{
	struct tree *is = tree_enter_object(t, "event_is");

	tree_number(t, "version", version);
	for (int i = CHANGE_OPENED; i <= CHANGE_CLOSED; i++)
		tree_flag(is, alert_change_name[i], i == (int)change);
}

/* Whose habits: an account's findings are of its scripts, and it is compared as a whole. */
static struct str habits_of(const struct alert *a, const struct sums *all, struct arena *to)
{
	char *key;

	if (!str_eq(alert_kind(a), STR("account")))
		return all->stream;
	key = arena_alloc(to, a->account.n + 16);
	memcpy(key, "account\n", 8);
	memcpy(key + 8, a->account.p, a->account.n);
	key[8 + a->account.n] = '\n';
	return (struct str){ key, a->account.n + 9 };
}

/* The log's short name of this host is no news. */
static bool is_here(const struct settings *s, struct str host)
{
	struct str here = str_of(s->hostname);

	return !host.n || (str_starts(here, host) &&
			   (here.n == host.n || here.p[host.n] == '.'));
}

static int put_all(struct tree *t, struct report *r, const struct alert *a, struct sums *all,
		   struct error *err)
{
	struct facts_subject subject;

	if (report_alert_findings(r, a->id, add_up, all, err) < 0)
		return -1;
	put_sums(t, all);
	if (put_lists(t, r, a, all->best, err) < 0)
		return -1;
	subject = (struct facts_subject){
		.alert = a, .login = all->login, .script = all->script,
		.stream = habits_of(a, all, &all->strings),
		.mta = facts_mta(all->queue_id), .queue_id = all->queue_id,
	};
	tree_text(t, "mta", str_of(subject.mta));
	if (facts_of_mail(t, r, &subject, err) < 0)
		return -1;
	facts_commands(t, &subject);
	return 0;
}

struct tree *facts_of_alert(struct report *r, const struct settings *s, const struct alert *a,
			    int64_t version, enum alert_change change, usec_t now,
			    struct error *err)
{
	struct tree *t = tree_object();
	struct sums all = { 0 };
	int rc;

	facts_head(t, s, alert_change_name[change], now);
	put_event(t, version, change);
	facts_row(t, a);
	rc = put_all(t, r, a, &all, err);
	if (rc == 0 && !is_here(s, all.host))
		tree_text(t, "host", all.host);
	release_sums(&all);
	if (rc == 0)
		return t;
	tree_free(t);
	return NULL;
}
