/* The attacks: who is hit, when, and what is sent in his name.
 * Invariant: they are added to what the customers do and change nothing of it. */
#include <stdlib.h>

#include "base/error.h"
#include "tests/sim/model.h"

struct attack *attacks;
uint32_t nattacks;

static const struct scenario_row {
	const char *id, *cases;
} scenarios[] = {
#define SCENARIO_ROW(name, id, cases) { id, cases },
	SCENARIOS(SCENARIO_ROW)
#undef SCENARIO_ROW
};

const char *scenario_id(enum scenario s)
{
	return scenarios[s].id;
}

const char *scenario_cases(enum scenario s)
{
	return scenarios[s].cases;
}

static bool has_script(enum scenario s)
{
	return (s >= ATTACK_injection && s <= ATTACK_invisible) || s == ATTACK_two_script;
}

static bool is_backscatter(enum scenario s)
{
	return s == ATTACK_backscatter || s == ATTACK_mixed_bounce;
}

bool scenario_has_login(enum scenario s)
{
	return !has_script(s) && !is_backscatter(s);
}

void attack_accepted(uint32_t number, usec_t time, uint32_t recipients)
{
	struct attack *k = &attacks[number];

	if (k->n == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->messages = xrealloc(k->messages, k->room * sizeof(*k->messages));
	}
	k->messages[k->n++] = (struct attack_message){ time, recipients };
	if (k->end < time)
		k->end = time;
}

/* ---- who and when ---- */

static bool suits(enum scenario s, const struct account *a)
{
	bool site = a->kind == KIND_form || a->kind == KIND_shop || a->kind == KIND_forum;

	switch (s) {
	case ATTACK_injection:
		return a->kind == KIND_form && !a->wordpress;
	case ATTACK_form_copy:
		return a->kind == KIND_form && a->copy;
	case ATTACK_uploaded:
	case ATTACK_ftp:
	case ATTACK_eval:
	case ATTACK_invisible:
		return site;
	case ATTACK_two_login:
	case ATTACK_two_script:
		return site && a->human;
	case ATTACK_during_news:
		return (a->kind == KIND_newsletter || a->kind == KIND_first) && a->human;
	default:
		return a->human && a->kind != KIND_saas;
	}
}

/* The day of an issue in the scored period, or -1. */
static int issue_day(const struct account *a)
{
	int day = a->next_issue;

	while (day < run.warmup)
		day += a->interval;
	return day < run.days - 2 ? day : -1;
}

static struct attack *attack_new(enum scenario s, uint32_t account, int day, usec_t start)
{
	struct attack *k = &attacks[nattacks++];
	struct rng r = rng_of(run.seed, account, 7000000 + (uint64_t)s);
	double unknown = rng_normal(&r, knobs.spam_unknown, knobs.spam_unknown_sigma);

	*k = (struct attack){ .scenario = s, .account = account, .day = day, .start = start };
	k->unknown = unknown < 0.03 ? 0.03 : unknown > 0.6 ? 0.6 : unknown;
	k->refused = rng_range(&r, 0, knobs.spam_refused);
	k->list = mix(run.seed, account * 64u + s) & 0x3ffffff;
	k->ips = 1;
	return k;
}

/* Their partner is made together with them. */
static enum scenario partner(enum scenario s)
{
	return s == ATTACK_mixed_login ? ATTACK_mixed_bounce :
	       s == ATTACK_two_login   ? ATTACK_two_script :
					 SCENARIO_COUNT;
}

static bool is_partner(enum scenario s)
{
	return s == ATTACK_mixed_bounce || s == ATTACK_two_script;
}

static bool wanted(enum scenario s, const char *only)
{
	size_t n = strlen(scenarios[s].id);

	for (const char *at = only; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == n && !memcmp(at, scenarios[s].id, n))
			return true;
	return !only;
}

uint32_t attacks_newcomers(uint32_t each, const char *only)
{
	return wanted(ATTACK_new_account, only) ? each : 0;
}

static uint32_t choose(enum scenario s, struct rng *r, bool *taken)
{
	for (uint32_t tries = 0; tries < 20000; tries++) {
		uint32_t i = rng_below(r, run.naccounts);
		const struct account *a = &run.accounts[i];

		if (taken[i] || a->born > run.start || !suits(s, a) ||
		    (s == ATTACK_during_news && issue_day(a) < 0))
			continue;
		taken[i] = true;
		return i;
	}
	return UINT32_MAX;
}

static void place(enum scenario s, struct rng *r, bool *taken)
{
	uint32_t account = choose(s, r, taken);
	int last = run.days - (s == ATTACK_warm_up ? 5 : 2);
	int day = run.warmup + (int)rng_below(r, (uint32_t)(last > run.warmup ?
								    last - run.warmup : 1));
	usec_t start = day_start(day) + (usec_t)(rng_unit(r) * USEC_DAY);

	if (account == UINT32_MAX)
		return;
	if (s == ATTACK_during_news)
		day = issue_day(&run.accounts[account]);
	attack_new(s, account, day, start);
	if (partner(s) != SCENARIO_COUNT)
		attack_new(partner(s), account, day, start);
}

static void place_newcomer(uint32_t account, struct rng *r)
{
	int day = run.warmup + (int)rng_below(r, (uint32_t)(run.days - run.warmup - 2));
	usec_t born = day_start(day) + (usec_t)(rng_unit(r) * USEC_DAY / 2);
	usec_t start = born + (usec_t)(rng_range(r, 0.3, 1.2) * USEC_DAY);

	account_newcomer(&run.accounts[account], born);
	attack_new(ATTACK_new_account, account, (int)((start - run.start) / USEC_DAY), start);
}

void attacks_make(uint32_t each, const char *only)
{
	uint32_t newcomers = attacks_newcomers(each, only);
	bool *taken = xcalloc(run.naccounts, sizeof(*taken));
	struct rng r = rng_of(run.seed, 0, 6);

	attacks = xcalloc((size_t)each * SCENARIO_COUNT + 1, sizeof(*attacks));
	for (uint32_t i = 0; i < newcomers; i++) {
		taken[run.naccounts - 1 - i] = true;
		place_newcomer(run.naccounts - 1 - i, &r);
	}
	for (enum scenario s = 0; s < SCENARIO_COUNT; s++)
		for (uint32_t i = 0; i < each && s != ATTACK_new_account; i++)
			if (wanted(s, only) && !is_partner(s))
				place(s, &r, taken);
	free(taken);
}

/* ---- what they send ---- */

/* One attack as it is planned. */
struct wave {
	struct attack *attack;
	struct account *account;
	struct rng r;
	usec_t time, until;
	double per_hour;
	uint32_t messages, recipients; /* so far */
	uint32_t ips[1024];
	uint32_t nips;
	bool foreign; /* the envelope sender is not the customer's */
	uint8_t helo; /* enum helo */
};

static uint8_t spam_fate(struct wave *w)
{
	double at = rng_unit(&w->r);

	if ((at -= w->attack->unknown) < 0)
		return rng_chance(&w->r, knobs.late) ? FATE_LATE : FATE_UNKNOWN;
	if ((at -= w->attack->refused) < 0)
		return rng_chance(&w->r, knobs.late) ? FATE_LATER : FATE_REFUSED;
	return rng_chance(&w->r, knobs.grey) ? FATE_LATER : FATE_SENT;
}

static struct rcpt spam_rcpt(struct wave *w)
{
	struct address address = { POOL(POOL_SPAM, w->attack->list),
				   (uint32_t)(rng_next(&w->r) >> 40) };

	return (struct rcpt){ address, spam_fate(w) };
}

static struct rcpt drop_box(struct wave *w)
{
	struct address address = { POOL(POOL_DROP, 1), w->attack->list % 7 };

	return (struct rcpt){ address, FATE_SENT };
}

static struct address foreign(struct wave *w)
{
	return (struct address){ POOL(POOL_STRANGER, w->attack->list),
				 (uint32_t)rng_next(&w->r) };
}

static bool goes_on(const struct wave *w)
{
	return w->time < w->until && w->messages < knobs.attack_messages &&
	       w->recipients < knobs.attack_recipients;
}

static void next_time(struct wave *w)
{
	w->time += 1 + (usec_t)rng_exp(&w->r, 3600e6 / w->per_hour);
}

static void send(struct wave *w, struct plan *p)
{
	p->attack = (uint16_t)(w->attack - attacks + 1);
	if (w->foreign)
		p->from = foreign(w);
	w->messages++;
	w->recipients += p->nrcpt;
	w->attack->end = p->time;
	plan_add(p);
}

/* n addresses of access networks in some of the countries. */
static void botnet(struct wave *w, uint32_t n, uint32_t countries)
{
	int of[64];

	for (uint32_t i = 0; i < countries && i < 64; i++)
		of[i] = country_other(&w->r, w->account->country);
	for (w->nips = 0; w->nips < n && w->nips < 1024; w->nips++) {
		int country = of[rng_below(&w->r, countries)];

		w->ips[w->nips] = ip_of_as(&w->r, as_pick(&w->r, AS_EYEBALL, country));
	}
	w->attack->ips = w->nips;
}

static void one_address(struct wave *w, enum as_kind kind, int country)
{
	w->ips[0] = ip_of_as(&w->r, as_pick(&w->r, kind, country));
	w->nips = 1;
}

static void foreign_address(struct wave *w)
{
	one_address(w, rng_chance(&w->r, 0.5) ? AS_HOSTING : AS_EYEBALL,
		    country_other(&w->r, w->account->country));
}

/* Another address for every message. */
static void proxy(struct wave *w)
{
	one_address(w, AS_EYEBALL, w->account->country);
	w->attack->ips = w->messages + 1;
}

static struct plan login_plan(struct wave *w)
{
	struct plan p = plan_new(w->account, w->time, BY_AUTH);

	p.ip = w->ips[rng_below(&w->r, w->nips)];
	p.helo = w->helo;
	p.helo_salt = (uint32_t)mix(w->attack->list, w->nips > 1 ? p.ip : 1);
	p.subject = SUBJECT_SPAM;
	return p;
}

/* Messages with low to high recipients each until it is over. */
static void login_spam(struct wave *w, uint32_t low, uint32_t high)
{
	w->attack->blast = w->attack->blast ? w->attack->blast : w->time;
	for (; goes_on(w); next_time(w)) {
		struct plan p;
		struct rcpt *rcpt;

		if (w->attack->scenario == ATTACK_proxies || w->attack->scenario == ATTACK_stealth)
			proxy(w);
		p = login_plan(w);
		rcpt = plan_many(&p, low + rng_below(&w->r, high - low + 1));
		for (uint32_t i = 0; i < p.nrcpt; i++)
			rcpt[i] = spam_rcpt(w);
		send(w, &p);
	}
}

/* Mostly people the customer knows; Ho 2019. */
static void address_book(struct wave *w)
{
	static const char *const homes[] = { "NG", "CI", "ZA", "MY", "CN" };
	uint32_t left = (uint32_t)rng_log_range(&w->r, 60, 500), known = 0;
	enum as_kind kind = rng_chance(&w->r, 0.5) ? AS_MOBILE : AS_EYEBALL;

	w->foreign = false;
	one_address(w, kind, country_find(homes[rng_below(&w->r, 5)]));
	w->per_hour = rng_log_range(&w->r, 60, 600);
	w->attack->blast = w->time;
	for (; left && goes_on(w); left--, next_time(w)) {
		struct plan p = login_plan(w);

		p.helo = HELO_LITERAL;
		p.subject = SUBJECT_PHISH;
		p.one.address = (struct address){ POOL(POOL_CONTACT, w->account->id), 0 };
		p.one.address.id = rng_chance(&w->r, 0.8) ? known++ % w->account->contacts :
							    1000000 + left;
		p.one.fate = (uint8_t)benign_fate(&w->r, w->account->fail, false);
		send(w, &p);
	}
}

static void warm_up(struct wave *w)
{
	usec_t begin = w->time + 3 * USEC_DAY;

	foreign_address(w);
	while (w->time < begin) {
		struct plan p = login_plan(w);

		p.one = spam_rcpt(w);
		send(w, &p);
		w->time += (usec_t)rng_exp(&w->r, USEC_DAY / 6.0);
	}
	w->time = begin;
	w->until = begin + (usec_t)(knobs.attack_hours * USEC_HOUR);
	w->per_hour = rng_log_range(&w->r, 60, 600);
	login_spam(w, 1, 1);
}

/* The customer's own address, but another program. */
static void infected(struct wave *w)
{
	w->helo = HELO_BOT;
	w->attack->blast = w->time;
	for (; goes_on(w); next_time(w)) {
		struct plan p;

		w->ips[0] = home_ip(w->account, (int)((w->time - run.start) / USEC_DAY));
		w->nips = 1;
		p = login_plan(w);
		w->foreign = rng_chance(&w->r, 0.7);
		p.one = spam_rcpt(w);
		send(w, &p);
	}
}

/* ---- through scripts ---- */

static struct plan script_plan(struct wave *w, enum script script, enum subject subject)
{
	struct plan p = plan_new(w->account, w->time, BY_PHP);

	w->attack->script = (uint8_t)script;
	p.script = (uint8_t)script;
	p.subject = (uint8_t)subject;
	p.from = unix_of(w->account);
	return p;
}

static void inject(struct wave *w, uint16_t flags, uint32_t bcc, enum channel channel)
{
	struct plan p = script_plan(w, SCRIPT_FORM, SUBJECT_FORM);
	struct rcpt *rcpt = plan_many(&p, bcc ? bcc + 1 : 2);

	p.channel = (uint8_t)channel;
	p.flags = flags;
	rcpt[0] = owner_of(w->account);
	rcpt[1] = drop_box(w);
	for (uint32_t i = 1; i <= bcc; i++)
		rcpt[i] = spam_rcpt(w);
	send(w, &p);
}

/* Klein 2006: a probe to a drop box, a pause, then the spam. Now and then PHP refuses an
 * attempt that holds an empty line. */
static void injection(struct wave *w)
{
	uint16_t flags = PLAN_INJECTED;

	flags |= rng_chance(&w->r, 0.5) ? PLAN_LF : 0;
	flags |= rng_chance(&w->r, 0.3) ? PLAN_MULTIPART : 0;
	if (rng_chance(&w->r, 0.3)) {
		inject(w, flags, 0, BY_NONE);
		w->time += 2 * USEC_SECOND + rng_below(&w->r, 30000000);
	}
	w->attack->probe = w->time;
	inject(w, flags, 0, BY_PHP);
	w->time += (usec_t)(rng_log_range(&w->r, 1, 120) * USEC_MINUTE);
	w->attack->blast = w->time;
	for (; goes_on(w); next_time(w))
		inject(w, flags, 10 + rng_below(&w->r, 31), BY_PHP);
}

static void mailer(struct wave *w, enum script script, enum channel channel)
{
	w->attack->blast = w->time;
	for (; goes_on(w); next_time(w)) {
		struct plan p = script_plan(w, script, SUBJECT_SPAM);

		p.channel = (uint8_t)channel;
		p.one = spam_rcpt(w);
		send(w, &p);
	}
}

/* The upload's own test mail, and much later the spam. */
static void uploaded(struct wave *w)
{
	struct plan p = script_plan(w, SCRIPT_UPLOADED, SUBJECT_URL);

	w->attack->probe = w->time;
	p.one = drop_box(w);
	send(w, &p);
	w->time += (usec_t)(rng_log_range(&w->r, 5, 600) * USEC_MINUTE);
	mailer(w, SCRIPT_UPLOADED, BY_PHP);
}

/* The site's own form, filled in with strangers' addresses. */
static void form_copies(struct wave *w)
{
	bool wordpress = w->account->wordpress, cc = w->account->id % 2;
	enum script script = wordpress ? SCRIPT_WORDPRESS : cc ? SCRIPT_FORM : SCRIPT_COPY;

	w->foreign = false;
	w->attack->blast = w->time;
	for (; goes_on(w); next_time(w)) {
		struct plan p = script_plan(w, wordpress ? SCRIPT_WORDPRESS : SCRIPT_FORM,
					    SUBJECT_FORM);

		p.from = wordpress ? box_of(w->account, BOX_WORDPRESS) : p.from;
		p.one = owner_of(w->account);
		if (cc) {
			struct rcpt *both = plan_many(&p, 2);

			both[0] = owner_of(w->account);
			both[1] = spam_rcpt(w);
			p.flags = PLAN_CC;
		}
		send(w, &p);
		if (cc)
			continue;
		p = script_plan(w, script, SUBJECT_COPY);
		p.from = wordpress ? box_of(w->account, BOX_WORDPRESS) : p.from;
		p.time += 100000;
		p.one = spam_rcpt(w);
		send(w, &p);
	}
}

/* ---- bounces of mail that others sent ---- */

static void backscatter(struct wave *w)
{
	bool catch_all = rng_chance(&w->r, 0.5);
	double matched = rng_range(&w->r, 0, 0.02);

	w->per_hour = rng_log_range(&w->r, 20, 5000);
	w->attack->blast = w->time;
	for (; goes_on(w); next_time(w)) {
		struct plan p = plan_new(w->account, w->time, BY_INBOUND);

		p.flags = PLAN_NULL;
		p.subject = SUBJECT_BOUNCE;
		p.helo = HELO_SERVER;
		p.from = rng_chance(&w->r, matched) ? contact_known(w->account, &w->r) :
						      foreign(w);
		p.ip = mx_ip(p.from);
		p.one.fate = FATE_LOCAL;
		p.one.address = box_of(w->account, catch_all ? BOX_NAMED + rng_below(&w->r, 9999) :
							       BOX_INFO);
		w->foreign = false;
		send(w, &p);
	}
}

/* ---- the scenarios ---- */

static double pick_rate(struct wave *w, double a, double b, double c)
{
	uint32_t at = rng_below(&w->r, c > 0 ? 3 : 2);

	return at == 0 ? a : at == 1 ? b : c;
}

static void by_botnet(struct wave *w)
{
	botnet(w, (uint32_t)knobs.botnet_addresses, (uint32_t)knobs.botnet_countries);
	w->per_hour = rng_log_range(&w->r, 60, 600);
	login_spam(w, 1, 1);
}

static void by_server(struct wave *w, double low, double high)
{
	one_address(w, AS_HOSTING, country_other(&w->r, w->account->country));
	w->per_hour = rng_log_range(&w->r, low, high);
	login_spam(w, 1, 1);
}

static void login_scenario(struct wave *w)
{
	switch (w->attack->scenario) {
	case ATTACK_vps:
		by_server(w, 2000, 6458);
		break;
	case ATTACK_many_rcpt:
		foreign_address(w);
		w->per_hour = 110;
		login_spam(w, 100, 200);
		break;
	case ATTACK_slow:
		foreign_address(w);
		w->per_hour = 20;
		login_spam(w, 1, 1);
		break;
	case ATTACK_proxies:
		w->per_hour = 40;
		login_spam(w, 1, 1);
		break;
	case ATTACK_stealth:
		w->per_hour = 10;
		w->attack->unknown = 0.03;
		w->attack->refused = 0;
		login_spam(w, 1, 1);
		break;
	case ATTACK_new_account:
		if (rng_chance(&w->r, 0.5))
			by_botnet(w);
		else
			by_server(w, 60, 600);
		break;
	case ATTACK_during_news:
		by_server(w, 60, 600);
		break;
	default:
		by_botnet(w);
	}
}

static void run_attack(struct wave *w)
{
	switch (w->attack->scenario) {
	case ATTACK_address_book:
		address_book(w);
		break;
	case ATTACK_warm_up:
		warm_up(w);
		break;
	case ATTACK_infected:
		w->per_hour = rng_range(&w->r, 200, 600);
		infected(w);
		break;
	case ATTACK_infected_slow:
		w->per_hour = 30;
		infected(w);
		break;
	case ATTACK_injection:
		w->per_hour = rng_log_range(&w->r, 30, 400);
		injection(w);
		break;
	case ATTACK_uploaded:
	case ATTACK_two_script:
		w->per_hour = pick_rate(w, 40, 400, 3000);
		uploaded(w);
		break;
	case ATTACK_ftp:
		w->per_hour = pick_rate(w, 40, 400, 0);
		mailer(w, SCRIPT_FTP, BY_PHP);
		break;
	case ATTACK_form_copy:
		w->per_hour = rng_log_range(&w->r, 30, 500);
		form_copies(w);
		break;
	case ATTACK_eval:
		w->per_hour = pick_rate(w, 40, 400, 0);
		mailer(w, SCRIPT_EVAL, BY_PHP);
		break;
	case ATTACK_invisible:
		w->per_hour = pick_rate(w, 40, 400, 0);
		mailer(w, SCRIPT_NONE, BY_SENDMAIL);
		break;
	case ATTACK_backscatter:
	case ATTACK_mixed_bounce:
		backscatter(w);
		break;
	default:
		login_scenario(w);
	}
}

/* As it is now: developers go on changing scripts. */
static void name_culprit(struct attack *k)
{
	const struct account *a = &run.accounts[k->account];
	struct text t = { .fd = -1, .size = sizeof(k->path) - 1, .p = k->path };

	if (k->script == SCRIPT_NONE)
		return;
	put_script(&t, a, (enum script)k->script);
	k->line = script_line(a, (enum script)k->script);
}

void attacks_day(int day)
{
	static struct wave w;

	for (uint32_t i = 0; i < nattacks; i++) {
		struct attack *k = &attacks[i];

		if (k->day != day)
			continue;
		memset(&w, 0, sizeof(w));
		w.attack = k;
		w.account = &run.accounts[k->account];
		w.r = rng_of(run.seed, k->account, 8000000 + (uint64_t)k->scenario);
		if (k->scenario == ATTACK_during_news && w.account->issued >= day_start(day))
			k->start = w.account->issued + 5 * USEC_MINUTE;
		w.time = k->start;
		w.until = k->start + (usec_t)(knobs.attack_hours * USEC_HOUR);
		/* Most submission services let a login send under its own addresses only. */
		w.foreign = rng_chance(&w.r, 0.3) && !is_backscatter(k->scenario) &&
			    k->scenario != ATTACK_injection;
		w.helo = rng_chance(&w.r, knobs.bot_helo) ? HELO_BOT : HELO_LITERAL;
		run_attack(&w);
		name_culprit(k);
	}
}
