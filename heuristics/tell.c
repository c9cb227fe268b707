/* A finding in words.
 *
 * Invariant: every figure is the run's own, and what is said depends on nothing
 * but the stream's state, so that it is the same whenever it is written down.
 * Text of the log stands in sentences escaped; in commands only if it is plain. */
#include "heuristics/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "core/observation.h"
#include "core/queue_id.h"

/* A list being written. */
struct lines {
	struct arena *arena;
	char text[(FINDING_MAX_LINE + 1) * FINDING_MAX_LINES];
	size_t n;
	int count;
};

static void add(struct lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct lines *l, const char *format, ...)
{
	char line[FINDING_MAX_LINE + 1];
	va_list args;
	size_t n;

	if (l->count == FINDING_MAX_LINES)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	n = strlen(line);
	if (l->count++)
		l->text[l->n++] = '\n';
	memcpy(l->text + l->n, line, n);
	l->n += n;
}

static struct str end(struct lines *l)
{
	struct str s = arena_str(l->arena, (struct str){ l->text, l->n });

	l->n = 0;
	l->count = 0;
	return s;
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- the summary ---- */

static void countries(const struct run *r, char *buf, size_t size)
{
	char list[128] = "";
	int n = 0;

	for (int i = 0; i < r->nsources; i++) {
		const char *c = r->sources[i].country;

		if (!*c || strstr(list, c))
			continue;
		if (n++ < 8)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
				 *list ? ", " : "", c);
	}
	*buf = 0;
	if (n)
		snprintf(buf, size, " in %d countr%s (%s%s)", n, n == 1 ? "y" : "ies", list,
			 n > 8 ? ", ..." : "");
}

static void who(const struct stream *s, char *buf, size_t size)
{
	char name[200];

	log_escape(s->name.n ? s->name : s->account, name, sizeof(name));
	switch (s->kind) {
	case STREAM_LOGIN:
		snprintf(buf, size, "login %s", name);
		return;
	case STREAM_SCRIPT:
		if (s->script_line)
			snprintf(buf, size, "%s:%lld", name, (long long)s->script_line);
		else
			snprintf(buf, size, "%s", name);
		return;
	case STREAM_USER:
		snprintf(buf, size, "user %s", name);
		return;
	case STREAM_NETWORK:
		snprintf(buf, size, "mail from %s without a login", name);
		return;
	case STREAM_INBOUND:
		snprintf(buf, size, "%s%s", *name == '@' ? "" : "mailboxes of ", name);
		return;
	case STREAM_DIRECT:
		snprintf(buf, size, "direct SMTP of %s%s", name,
			 s->account.n ? "" : ", a user that sites share,");
		return;
	default:
		snprintf(buf, size, "account %s", name);
	}
}

static struct str summary(const struct stream *s, struct finding *f)
{
	const struct run *r = s->run;
	char text[2 * FINDING_MAX_LINE], subject[260], time[STAMP_TEXT];
	char where[240] = "", place[180];
	int64_t more = r->sources_dropped ? 1 : 0;

	who(s, subject, sizeof(subject));
	stamp_span(r->last - r->start, time);
	if (s->kind == STREAM_INBOUND) {
		snprintf(text, sizeof(text), "%s: %lld bounces in %s for mail that did not leave "
			 "here", subject, (long long)f->messages, time);
		if (run_find_sign(r, "catch-all"))
			snprintf(text, sizeof(text), "the catch-all %s draws backscatter: %lld "
				 "bounces in %s, for %lld addresses", subject,
				 (long long)f->messages, time, (long long)f->novel);
		return arena_str(&f->told, str_head(str_of(text), FINDING_MAX_LINE));
	}
	if (s->kind == STREAM_DIRECT) {
		snprintf(text, sizeof(text), "%s past the mail server: %lld connection%s to %lld "
			 "address%s in %s", subject, (long long)f->messages, plural(f->messages),
			 (long long)f->recipients, f->recipients == 1 ? "" : "es", time);
		return arena_str(&f->told, str_head(str_of(text), FINDING_MAX_LINE));
	}
	if (s->kind == STREAM_LOGIN && r->nsources) {
		countries(r, place, sizeof(place));
		snprintf(where, sizeof(where), " from %s%d address%s%s", more ? "over " : "",
			 r->nsources, r->nsources == 1 ? "" : "es", place);
	}
	snprintf(text, sizeof(text), "%s: %lld message%s to %lld recipient%s, %lld of them new to it,"
		 " in %s%s", subject, (long long)f->messages, plural(f->messages),
		 (long long)f->recipients, plural(f->recipients), (long long)f->novel, time, where);
	return arena_str(&f->told, str_head(str_of(text), FINDING_MAX_LINE));
}

/* ---- the evidence ---- */

static float most(const float *hours)
{
	float best = 0;

	for (int i = 0; i < 24; i++)
		if (hours[i] > best)
			best = hours[i];
	return best;
}

static void tell_volume(struct lines *l, const struct stream *s, const struct finding *f)
{
	char time[STAMP_TEXT];

	if (f->score[FAMILY_VOLUME] < 1)
		return;
	stamp_span(s->run->last - s->run->start, time);
	add(l, "volume %.1f: %lld of %lld recipients in %s are new to it; usual are at most %.1f new "
	    "ones an hour, %.0f %% of all", (double)f->score[FAMILY_VOLUME], (long long)f->novel,
	    (long long)f->recipients, time, (double)most(s->usual_novel),
	    (double)s->novelty * 100);
}

static int by_weight(const void *a, const void *b)
{
	const struct run_sign *x = *(const struct run_sign *const *)a;
	const struct run_sign *y = *(const struct run_sign *const *)b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return strcmp(x->rule, y->rule);
}

static void tell_signs(struct lines *l, const struct run *r)
{
	const struct run_sign *order[RUN_MAX_SIGNS];

	for (int i = 0; i < r->nsigns; i++)
		order[i] = &r->signs[i];
	qsort(order, (size_t)r->nsigns, sizeof(*order), by_weight);
	for (int i = 0; i < r->nsigns; i++) {
		const struct run_sign *sign = order[i];
		char times[32] = "";

		if (sign->count > 1)
			snprintf(times, sizeof(times), " (%lld times)", (long long)sign->count);
		add(l, "%s %.1f: %.*s%s", sign->rule, (double)sign->weight, STR_ARG(sign->text),
		    times);
	}
}

static void tell_answers(struct lines *l, const struct stream *s, const struct finding *f)
{
	if (!f->results)
		return;
	add(l, "answers: of %lld final ones %lld say \"no such user\" (usual here: %.0f %%), %lld "
	    "objected to spam", (long long)f->results, (long long)f->unknown_users,
	    (double)s->failure * 100, (long long)f->spam_answers);
}

/* Where direct connections went; the firewall's log has the rest. */
static void tell_destinations(struct lines *l, const struct run *r)
{
	char list[FINDING_MAX_LINE] = "", ip[80];
	size_t n = 0;
	int i;

	for (i = 0; i < r->nsources && n + 2 * sizeof(ip) < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s%s%.2s", i ? ", " : "",
				      log_escape(r->sources[i].ip, ip, sizeof(ip)),
				      *r->sources[i].country ? " " : "", r->sources[i].country);
	add(l, "connections that were logged: to %s%s", list,
	    i < r->nsources || r->sources_dropped ? ", ..." : "");
}

static struct str evidence(const struct stream *s, struct finding *f, struct lines *l)
{
	const struct run *r = s->run;
	int64_t free_share = f->recipients ? r->fact[RUN_FREEMAIL] * 100 / f->recipients : 0;

	tell_volume(l, s, f);
	tell_signs(l, r);
	tell_answers(l, s, f);
	if (s->kind == STREAM_DIRECT)
		tell_destinations(l, r);
	if (f->recipients >= 5 && free_share >= 60)
		add(l, "%lld %% of the recipients are at large free mail providers",
		    (long long)free_share);
	if (r->fact[RUN_MOST_RECIPIENTS] > 20)
		add(l, "up to %lld recipients in one message",
		    (long long)r->fact[RUN_MOST_RECIPIENTS]);
	if (r->fact[RUN_BLOCKED])
		add(l, "%lld call%s of mail() no message followed: PHP refused them, or they failed",
		    (long long)r->fact[RUN_BLOCKED], plural(r->fact[RUN_BLOCKED]));
	if (r->fact[RUN_LOGIN_FAILURES] > 3)
		add(l, "%lld refused logins before: the password may have been guessed",
		    (long long)r->fact[RUN_LOGIN_FAILURES]);
	return end(l);
}

/* ---- why not the neighbours ---- */

static void why_login(struct lines *l, const struct stream *s, const struct finding *f)
{
	const int64_t *fact = s->run->fact;

	switch (f->verdict) {
	case CASE_STOLEN:
		add(l, "not the customer himself (1) nor malware on his PC (2): %lld of %lld messages "
		    "came from networks this login never used", (long long)fact[RUN_FROM_NEW],
		    (long long)f->messages);
		break;
	case CASE_INFECTED:
		add(l, "not a stolen password (4): %lld of %lld messages came from the customer's own "
		    "network", (long long)fact[RUN_FROM_KNOWN], (long long)f->messages);
		add(l, "not the customer himself (1): another client, or senders that are not his");
		break;
	default:
		if (s->messages < 40 && s->last - s->born < 3 * USEC_DAY)
			add(l, "unknown: the login is too young to have habits");
		else
			add(l, "unknown: its own network and its usual client; a bulk mailing of the "
			    "customer (1) and malware on his PC (2) look alike");
	}
	add(l, "not a script (3): it came with a password; not spoofed (5): it left this host");
}

static void why_script(struct lines *l, const struct finding *f)
{
	switch (f->verdict) {
	case CASE_INJECTED:
		add(l, "not an uploaded mailer (3b): the script is known, its headers are not its own");
		break;
	case CASE_MAILER:
		add(l, "not a form (3a, 3c): the file is where no script belongs, or tests itself");
		break;
	case CASE_STOLEN:
		add(l, "not only an uploaded mailer (3b, 3d): who put it there came in by FTP or SSH "
		    "from where this account's logins never came from");
		add(l, "not a mailbox password: it was submitted on this host; not spoofed (5)");
		return;
	case CASE_SCRIPT:
		add(l, "not a form (3a, 3c): the code hides, or sends past PHP's log");
		break;
	case CASE_FORM:
		add(l, "not injected (3a): headers as always; not uploaded (3b): a script that has been "
		    "sending; a mailing of the customer (1) is possible");
		break;
	default:
		add(l, "unknown: sent by a user of this host, by no script we know");
	}
	add(l, "not a mailbox password (2, 4): it was submitted on this host; not spoofed (5)");
}

static void why_direct(struct lines *l, const struct finding *f)
{
	if (f->verdict == CASE_STOLEN)
		add(l, "not only an uploaded mailer (3b, 3d): somebody came in by FTP or SSH before, from "
		    "where this account's logins never came from");
	add(l, "not a form (3a, 3c) nor a mailbox password (2): a program of this user spoke SMTP itself; "
	    "whether a web server or a shell started it is not logged");
	add(l, "not a plugin with a provider's server: that has one network, not another one every time");
	add(l, "a program of the customer's (1) that verifies a list of addresses looks alike");
}

static struct str why(const struct stream *s, struct finding *f, struct lines *l)
{
	if (s->run->fact[RUN_LIMIT] && f->verdict == CASE_UNKNOWN)
		add(l, "unknown: a limit was reached, nothing else was seen");
	else if (s->kind == STREAM_LOGIN)
		why_login(l, s, f);
	else if (s->kind == STREAM_DIRECT)
		why_direct(l, f);
	else if (s->kind == STREAM_SCRIPT || s->kind == STREAM_USER)
		why_script(l, f);
	else if (s->kind == STREAM_INBOUND)
		add(l, "not 2 to 4: %lld of %lld bounces could be of mail that left here",
		    (long long)s->run->fact[RUN_MATCHED], (long long)f->messages);
	else
		add(l, "unknown: who submits from there without a login is not logged");
	return end(l);
}

/* ---- what to do ---- */

/* In a command only what no shell makes anything of. */
static bool is_plain(struct str s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@._+/-";

	if (!s.n || *s.p == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!memchr(plain, s.p[i], sizeof(plain) - 1))
			return false;
	return true;
}

/* What lists a queue, and what holds a message in it. */
static const struct {
	const char *list, *hold, *holds;
} queue_commands[] = {
	[QUEUE_POSTFIX] = { "postqueue -p", "postsuper -h ", "holds" },
	[QUEUE_EXIM] = { "exim -bp", "exim -Mf ", "freezes" },
	[QUEUE_OPENSMTPD] = { "smtpctl show queue", "smtpctl pause envelope ", "holds" },
	[QUEUE_SENDMAIL] = { "mailq", "sendmail -Qwait -qI", "quarantines" },
};

/* An id that tells whose queue it is: decimal ones may be by chance. */
static struct str telling_id(const struct run *r)
{
	struct str id = STR_NONE;

	for (int i = 0; i < r->nqueue_ids && (!id.n || queue_id_server(id) == QUEUE_DECIMAL); i++)
		id = r->queue_ids[i].text;
	return id;
}

static void hold_queue(struct lines *l, const struct stream *s)
{
	struct str id = telling_id(s->run);
	enum queue_server server = queue_id_server(id);

	if (server == QUEUE_DECIMAL)
		add(l, "hold what is queued: qmail-qread lists it; qmail holds no single message, so "
		       "stop qmail-send: svc -d /service/qmail-send");
	else if (server == QUEUE_UNKNOWN)
		add(l, "hold what is queued: mailq lists it");
	else
		add(l, "hold what is queued: %s lists it, %sID %s, such as %s%.*s",
		    queue_commands[server].list, queue_commands[server].hold,
		    queue_commands[server].holds, queue_commands[server].hold, STR_ARG(id));
}

static void advise_login(struct lines *l, const struct stream *s, const struct finding *f)
{
	struct str login = is_plain(s->name) ? s->name : STR("LOGIN");

	if (f->verdict == CASE_INFECTED)
		add(l, "the customer's PC needs cleaning before a new password helps");
	add(l, "change the password of %.*s and end its sessions (doveadm kick %.*s)", STR_ARG(login),
	    STR_ARG(login));
	hold_queue(l, s);
	add(l, "see everything it sent: mailaudit messages --account %.*s --since 2d",
	    STR_ARG(is_plain(s->account) ? s->account : STR("ACCOUNT")));
}

static void advise_script(struct lines *l, const struct stream *s, const struct finding *f)
{
	struct str path = is_plain(s->name) && *s->name.p == '/' ? s->name : STR("SCRIPT");

	if (f->verdict == CASE_INJECTED || f->verdict == CASE_FORM)
		add(l, "take the form out of service until it is mended: chmod 0 %.*s",
		    STR_ARG(path));
	else
		add(l, "keep it for evidence and out of reach: chmod 0 %.*s; look for how it came "
		    "there", STR_ARG(path));
	if (f->verdict == CASE_STOLEN)
		add(l, "change the FTP and SSH password of %.*s, and look at ~/.ssh/authorized_keys",
		    STR_ARG(is_plain(s->account) ? s->account : STR("the account")));
	hold_queue(l, s);
	add(l, "see everything it sent: mailaudit messages --script '%.*s' --since 2d",
	    STR_ARG(path));
}

static void advise_direct(struct lines *l, const struct stream *s, const struct finding *f)
{
	struct str user = is_plain(s->name) ? s->name : STR("USER");

	add(l, "look for its program while it runs: pgrep -a -u %.*s, ss -tpn dport = :25; then for its "
	    "files and crontab -l -u %.*s", STR_ARG(user), STR_ARG(user));
	add(l, "its mail is in no queue here: refuse port 25 to all but the mail server, by the last lines "
	    "of etc/snippets/nftables or iptables");
	if (f->verdict == CASE_STOLEN)
		add(l, "change the FTP and SSH password of %.*s, and look at ~/.ssh/authorized_keys",
		    STR_ARG(is_plain(s->account) ? s->account : STR("the account")));
	if (s->account.n)
		add(l, "see what it sends besides: mailaudit account %.*s",
		    STR_ARG(is_plain(s->account) ? s->account : STR("ACCOUNT")));
}

static struct str advice(const struct stream *s, struct finding *f, struct lines *l)
{
	if (s->kind == STREAM_LOGIN) {
		advise_login(l, s, f);
	} else if (s->kind == STREAM_DIRECT) {
		advise_direct(l, s, f);
	} else if (s->kind == STREAM_SCRIPT || s->kind == STREAM_USER) {
		advise_script(l, s, f);
	} else if (s->kind == STREAM_INBOUND) {
		add(l, "no password needs changing and no script is at fault");
		if (run_find_sign(s->run, "catch-all"))
			add(l, "turn the catch-all %.*s off: only mailboxes that exist should take "
			    "mail", STR_ARG(is_plain(s->name) ? s->name : STR("of this domain")));
		add(l, "publish SPF with -all and DMARC, so that others refuse the forgeries");
	} else {
		hold_queue(l, s);
	}
	add(l, "if this is wanted: a row in `allow` of the settings");
	return end(l);
}

/* ---- samples ---- */

static struct str sources(const struct run *r, struct lines *l)
{
	for (int i = 0; i < r->nsources; i++) {
		const struct run_source *s = &r->sources[i];
		char ip[80], asn[24] = "";

		log_escape(s->ip, ip, sizeof(ip));
		if (s->asn && !(s->asn & PLACE_BY_NAME))
			snprintf(asn, sizeof(asn), " AS%u", (unsigned)s->asn);
		add(l, "%s %s%s %lld message%s%s", ip, *s->country ? s->country : "-", asn,
		    (long long)s->messages, plural(s->messages), s->known ? ", its own" : "");
	}
	return end(l);
}

static int by_count(const void *a, const void *b)
{
	const struct run_text *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return str_cmp(x->text, y->text);
}

static struct str texts(const struct run_text *list, int n, bool counted, struct lines *l)
{
	struct run_text sorted[RUN_MAX_TEXTS];

	memcpy(sorted, list, (size_t)n * sizeof(*list));
	if (counted)
		qsort(sorted, (size_t)n, sizeof(*sorted), by_count);
	for (int i = 0; i < n; i++) {
		if (counted)
			add(l, "%lld %.*s", (long long)sorted[i].count, STR_ARG(sorted[i].text));
		else
			add(l, "%.*s", STR_ARG(sorted[i].text));
	}
	return end(l);
}

void tell_finding(const struct stream *s, struct finding *f, const void *set)
{
	const struct run *r = s->run;
	struct lines l = { .arena = &f->told };

	(void)set;
	if (!r)
		return;
	arena_reset(&f->told);
	f->messages = r->fact[RUN_MESSAGES];
	f->recipients = r->fact[RUN_RECIPIENTS];
	f->novel = r->fact[RUN_NOVEL];
	f->results = r->fact[RUN_RESULTS];
	f->unknown_users = r->fact[RUN_UNKNOWN_USERS];
	f->spam_answers = r->fact[RUN_SPAM_ANSWERS];
	f->script_line = s->script_line ? s->script_line : -1;
	f->summary = summary(s, f);
	f->evidence = evidence(s, f, &l);
	f->why = why(s, f, &l);
	f->advice = advice(s, f, &l);
	/* Those of a direct stream are where it went. */
	f->sources = s->kind == STREAM_DIRECT ? STR_NONE : sources(r, &l);
	f->answers = texts(r->answers, r->nanswers, true, &l);
	f->queue_ids = texts(r->queue_ids, r->nqueue_ids, false, &l);
	f->subjects = texts(r->subjects, r->nsubjects, false, &l);
}
