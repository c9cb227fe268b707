/* What honest customers send on a day, and what reaches them from outside.
 * Invariant: what an account does follows from the seed, its number and the day. */
#include "base/error.h"
#include "tests/sim/model.h"

/* Percent of a day's mail in each hour of the day (UTC; a European working day). */
static const int hours[24] = { 1, 0, 0, 0, 1, 2, 5, 9, 11, 10, 8, 7,
			       6, 8, 8, 7, 5, 4, 3, 2,	1, 1, 1, 0 };

usec_t human_time(struct rng *r, int day)
{
	int at = (int)rng_below(r, 100), hour = 0;

	while (hour < 23 && (at -= hours[hour]) >= 0)
		hour++;
	return day_start(day) + hour * USEC_HOUR + (usec_t)(rng_unit(r) * USEC_HOUR);
}

/* Visitors of web sites: half as people work, half around the clock. */
static usec_t web_time(struct rng *r, int day)
{
	if (rng_chance(r, 0.5))
		return human_time(r, day);
	return day_start(day) + (usec_t)(rng_unit(r) * USEC_DAY);
}

static bool weekend(int day)
{
	int64_t days = run.start / USEC_DAY + day; /* 1970-01-01 was a Thursday */

	return (days + 4) % 7 == 0 || (days + 4) % 7 == 6;
}

/* ---- plans ---- */

struct plan plan_new(struct account *a, usec_t time, enum channel channel)
{
	struct rng r = rng_of(run.seed, a->id, (uint64_t)time);

	return (struct plan){ .time = time,
			      .account = a->id,
			      .channel = (uint8_t)channel,
			      .from = box_of(a, BOX_INFO),
			      .salt = (uint32_t)rng_next(&r),
			      .nrcpt = 1 };
}

struct rcpt *plan_many(struct plan *p, uint32_t n)
{
	p->nrcpt = (uint16_t)n;
	p->more = n > 1 ? xcalloc(n, sizeof(*p->more)) : NULL;
	return plan_rcpt(p);
}

enum fate benign_fate(struct rng *r, double fail, bool first_contact)
{
	double at = rng_unit(r);

	if ((at -= fail) < 0)
		return rng_chance(r, knobs.late) ? FATE_LATE : FATE_UNKNOWN;
	if ((at -= knobs.remote_spam) < 0)
		return FATE_REFUSED;
	if ((at -= knobs.defer) < 0)
		return FATE_LATER;
	if (first_contact && (at -= knobs.grey) < 0)
		return FATE_LATER;
	return FATE_SENT;
}

/* ---- people ---- */

struct address contact_known(const struct account *a, struct rng *r)
{
	double u = rng_unit(r);

	return (struct address){ POOL(POOL_CONTACT, a->id), (uint32_t)(u * u * a->contacts) };
}

/* Typing errors and old cards: new addresses fail more often than known ones. */
static struct rcpt human_rcpt(struct account *a, struct rng *r)
{
	bool is_new = rng_chance(r, a->new_share);
	double fail = is_new ? a->fail * 0.8 / a->new_share : a->fail * 0.2;
	struct rcpt rcpt;

	rcpt.address = is_new ? (struct address){ POOL(POOL_CONTACT, a->id), a->contacts++ } :
				contact_known(a, r);
	rcpt.fate = (uint8_t)benign_fate(r, fail > 0.5 ? 0.5 : fail, is_new);
	return rcpt;
}

static uint32_t access_ip(const struct account *a, const struct access *access, struct rng *r,
			  int day)
{
	struct rng fixed = rng_of(run.seed, a->id * 64u + access->as,
				  access->fixed ? 2 : (uint64_t)day + 1000);

	return access->mobile ? ip_of_cgnat(r, access->as) : ip_of_as(&fixed, access->as);
}

uint32_t home_ip(const struct account *a, int day)
{
	struct rng r = rng_of(run.seed, a->id, 5);

	return access_ip(a, &a->access[0], &r, day);
}

void plan_from_home(struct plan *p, struct account *a, struct rng *r, int day)
{
	uint32_t which = 0;
	const struct access *access;

	p->channel = BY_AUTH;
	if (a->webmail && rng_chance(r, 0.7) && day > a->trip_until) {
		p->channel = BY_WEBMAIL;
		p->ip = 0x7f000001;
		p->helo = HELO_SERVER;
		return;
	}
	if (a->naccess > 1 && a->access[a->naccess - 1].mobile) {
		if (rng_chance(r, knobs.mobile_use))
			which = a->naccess - 1u;
		else
			which = rng_chance(r, 0.6) ? 0 : rng_below(r, a->naccess - 1u);
	} else if (a->naccess > 1) {
		which = rng_chance(r, 0.6) ? 0 : rng_below(r, a->naccess);
	}
	access = &a->access[which];
	if (day <= a->trip_until)
		access = &a->trip[rng_below(r, 2)];
	p->helo = access->mobile ? HELO_PHONE : a->device[which] % 3 ? HELO_LITERAL : HELO_PC;
	p->helo_salt = a->device[which];
	p->ip = access_ip(a, access, r, day);
	if (a->vpn && rng_chance(r, 0.5)) {
		struct rng exit = rng_of(run.seed, a->id, (uint64_t)day * 4 + rng_below(r, 3));

		p->ip = ip_of_vpn(&exit, (int)rng_below(&exit, (uint32_t)country_count()));
	}
}

static void life_changes(struct account *a, struct rng *r, int day)
{
	if (day > a->trip_until && rng_chance(r, knobs.trip)) {
		int country = country_other(r, a->country);
		uint32_t as = as_pick(r, AS_EYEBALL, country);

		a->trip_until = day + 3 + (int)rng_below(r, 13);
		a->trip[0] = (struct access){ .as = (uint16_t)as, .fixed = true };
		a->trip[1] = (struct access){ .as = (uint16_t)as_pick(r, AS_MOBILE, country),
					      .mobile = true };
	}
	if (rng_chance(r, knobs.move_abroad)) {
		a->country = (uint8_t)country_other(r, a->country);
		for (int i = 0; i < a->naccess; i++)
			a->access[i].as = (uint16_t)as_pick(
				r, a->access[i].mobile ? AS_MOBILE : AS_EYEBALL, a->country);
	}
	if (rng_chance(r, knobs.isp_change))
		a->access[0].as = (uint16_t)as_pick(r, AS_EYEBALL, a->country);
	if (rng_chance(r, knobs.new_device))
		a->device[rng_below(r, a->naccess)] = (uint32_t)rng_next(r);
	if (day > a->away_until && rng_chance(r, knobs.vacation))
		a->away_until = day + 5 + (int)rng_below(r, 10);
}

static void human_message(struct account *a, struct rng *r, int day)
{
	struct plan p = plan_new(a, human_time(r, day), BY_AUTH);
	uint32_t n = rng_chance(r, 0.8) ? 1 : 2 + rng_below(r, 4);
	struct rcpt *rcpt = plan_many(&p, n);

	plan_from_home(&p, a, r, day);
	p.subject = SUBJECT_TALK;
	for (uint32_t i = 0; i < n; i++)
		rcpt[i] = human_rcpt(a, r);
	plan_add(&p);
}

/* The club's 40 to 300 addresses are the end of the contacts. */
static void club_mail(struct account *a, struct rng *r, int day)
{
	struct plan p = plan_new(a, human_time(r, day), BY_AUTH);
	uint32_t n = 40 + (uint32_t)(mix(a->id, 17) % 261);
	struct rcpt *rcpt = plan_many(&p, n);

	plan_from_home(&p, a, r, day);
	p.subject = SUBJECT_CLUB;
	for (uint32_t i = 0; i < n; i++) {
		rcpt[i].address = (struct address){ POOL(POOL_LIST, a->id), i };
		rcpt[i].fate = (uint8_t)benign_fate(r, a->fail, true);
	}
	plan_add(&p);
}

/* A message from outside; the autoresponder answers it. */
static void inbound_message(struct account *a, struct rng *r, int day)
{
	struct plan p = plan_new(a, human_time(r, day), BY_INBOUND);
	struct address other = contact_known(a, r);

	p.from = other;
	p.ip = mx_ip(other);
	p.helo = HELO_SERVER;
	p.subject = SUBJECT_TALK;
	p.one = (struct rcpt){ box_of(a, BOX_INFO), FATE_LOCAL };
	if (rng_chance(r, knobs.inbound_null))
		p.flags |= PLAN_NULL;
	if (a->forwarded) {
		p.flags |= PLAN_FORWARD;
		p.one = (struct rcpt){ { POOL(POOL_OUTSIDE, a->id), 1 }, FATE_SENT };
		if (rng_chance(r, knobs.forward_spam))
			p.one.fate = FATE_REFUSED;
	}
	plan_add(&p);
	if (day <= a->away_until && !(p.flags & PLAN_NULL)) {
		struct plan answer = plan_new(a, p.time + USEC_SECOND, BY_SENDMAIL);

		answer.flags = PLAN_NULL;
		answer.subject = SUBJECT_AWAY;
		answer.one = (struct rcpt){ other, (uint8_t)benign_fate(r, 0.02, false) };
		plan_add(&answer);
	}
}

static void human_day(struct account *a, struct rng *r, int day)
{
	double share = weekend(day) ? knobs.weekend : 1;
	uint32_t n;

	life_changes(a, r, day);
	for (n = rng_poisson(r, a->rate * share); n; n--)
		human_message(a, r, day);
	for (n = rng_poisson(r, knobs.inbound * share); n; n--)
		inbound_message(a, r, day);
	if (a->club && rng_chance(r, knobs.club_day))
		club_mail(a, r, day);
}

/* ---- web sites ---- */

static struct address stranger(struct account *a, struct rng *r)
{
	return (struct address){ POOL(POOL_STRANGER, a->id), (uint32_t)rng_next(r) };
}

/* To the owner, and a copy to who filled it in, by Cc or by a second mail(). */
static void form_use(struct account *a, struct rng *r, usec_t time, double fail)
{
	struct plan p = plan_new(a, time, BY_PHP);
	bool cc = a->copy && a->id % 2;
	struct rcpt visitor = { stranger(a, r), (uint8_t)benign_fate(r, fail, true) };

	p.script = a->wordpress ? SCRIPT_WORDPRESS : SCRIPT_FORM;
	p.from = a->wordpress ? box_of(a, BOX_WORDPRESS) : unix_of(a);
	p.subject = SUBJECT_FORM;
	if (cc) {
		struct rcpt *both = plan_many(&p, 2);

		both[0] = owner_of(a);
		both[1] = visitor;
		p.flags |= PLAN_CC;
	} else {
		p.one = owner_of(a);
	}
	plan_add(&p);
	if (!a->copy || cc)
		return;
	p = plan_new(a, time + 100000, BY_PHP);
	p.script = a->wordpress ? SCRIPT_WORDPRESS : SCRIPT_COPY;
	p.from = a->wordpress ? box_of(a, BOX_WORDPRESS) : unix_of(a);
	p.subject = SUBJECT_COPY;
	p.one = visitor;
	plan_add(&p);
}

static void form_day(struct account *a, struct rng *r, int day)
{
	uint32_t n = rng_poisson(r, knobs.form_daily);

	while (n--)
		form_use(a, r, web_time(r, day), 0.03);
	if (!rng_chance(r, knobs.form_spam_day))
		return;
	/* The spammer's addresses in the form are made up as often as not. */
	for (n = (uint32_t)rng_log_range(r, 30, 400); n; n--)
		form_use(a, r, day_start(day) + (usec_t)(rng_unit(r) * USEC_DAY),
			 knobs.spam_unknown);
}

/* A script's mail to one address. */
static void script_mail(struct account *a, usec_t time, enum script script, enum subject subject,
			struct rcpt to)
{
	struct plan p = plan_new(a, time, BY_PHP);

	p.script = (uint8_t)script;
	p.subject = (uint8_t)subject;
	p.one = to;
	plan_add(&p);
}

/* Three mails per order: confirmation, copy for the shop, dispatch. */
static void order(struct account *a, struct rng *r, int day)
{
	enum script script = a->wordpress ? SCRIPT_WORDPRESS : SCRIPT_SHOP;
	usec_t time = web_time(r, day);
	bool again = rng_chance(r, 0.25);
	struct rcpt buyer = { { POOL(POOL_BUYER, a->id),
				again ? rng_below(r, a->buyers) : a->buyers++ },
			      (uint8_t)benign_fate(r, 0.01, !again) };

	script_mail(a, time, script, SUBJECT_ORDER, buyer);
	script_mail(a, time + 300000, script, SUBJECT_ORDER, owner_of(a));
	if (buyer.fate == FATE_LATER)
		buyer.fate = FATE_SENT;
	script_mail(a, time + (usec_t)rng_exp(r, 20 * 3600e6), script, SUBJECT_ORDER, buyer);
}

static void shop_day(struct account *a, struct rng *r, int day)
{
	double orders = a->pace;

	if (rng_chance(r, knobs.shop_sale))
		orders *= rng_range(r, 4, 10);
	for (uint32_t n = rng_poisson(r, orders); n; n--)
		order(a, r, day);
}

/* A dead address stays dead; the list is cleaned after the first issue. */
static struct rcpt subscriber(struct account *a, struct rng *r, uint32_t i, bool first)
{
	struct address address = { POOL(POOL_LIST, a->id), i };
	double at = (double)(mix(address.pool, mix(i, 21)) >> 11) / 9007199254740992.0;
	struct rcpt rcpt = { address, FATE_SENT };

	if (at < a->stale * (first ? 1 : 0.1))
		rcpt.fate = at * 1e6 - (double)(int)(at * 1e6) < knobs.late ? FATE_LATE :
									      FATE_UNKNOWN;
	else
		rcpt.fate = (uint8_t)benign_fate(r, 0, first);
	return rcpt;
}

static void forum_day(struct account *a, struct rng *r, int day)
{
	for (uint32_t posts = rng_poisson(r, knobs.forum_posts); posts; posts--) {
		usec_t time = web_time(r, day);
		uint32_t n = (uint32_t)rng_log_range(r, 1, a->subscribers), i;

		/* Whoever subscribed to the thread: n neighbours on the list. */
		i = rng_below(r, a->subscribers);
		while (n--) {
			struct rcpt to = subscriber(a, r, i++ % a->subscribers, true);

			script_mail(a, time, SCRIPT_FORUM, SUBJECT_POST, to);
			time += 30000 + rng_below(r, 100000);
		}
	}
	if (rng_chance(r, 0.3))
		a->subscribers++;
}

/* ---- newsletters ---- */

static void issue_message(struct account *a, struct rng *r, usec_t time, int day,
			  struct rcpt to)
{
	struct plan p = plan_new(a, time, a->by_smtp ? BY_AUTH : BY_PHP);

	if (a->elsewhere) {
		struct rng service = rng_of(3, a->id % 5, 1);

		p.ip = ip_of_as(&service, as_pick(&service, AS_HOSTING, country_find("US")));
		p.ip += rng_below(r, 8) - (p.ip & 7);
		p.helo = HELO_SERVER;
	} else if (a->by_smtp) {
		struct rng stay = rng_of(run.seed, a->id, 31);
		bool webmail = a->webmail;

		a->webmail = false;
		plan_from_home(&p, a, &stay, day);
		a->webmail = webmail;
	} else {
		p.script = SCRIPT_NEWS;
	}
	p.from = box_of(a, BOX_NEWS);
	p.subject = SUBJECT_NEWS;
	p.one = to;
	plan_add(&p);
}

static void news_day(struct account *a, struct rng *r, int day)
{
	usec_t time = human_time(r, day);
	bool first = a->issues == 0;

	if (day != a->next_issue)
		return;
	a->next_issue += a->interval;
	a->issued = time;
	for (uint32_t i = 0; i < a->subscribers; i++) {
		issue_message(a, r, time, day, subscriber(a, r, i, first));
		time += (usec_t)(rng_range(r, 0.7, 1.3) * 3600e6 / a->throttle);
	}
	a->issues++;
	a->subscribers += a->subscribers / 200;
}

/* ---- the rest ---- */

static void burst_day(struct account *a, struct rng *r, int day)
{
	bool reset = rng_chance(r, 0.4);
	double fail = rng_range(r, knobs.burst_fail_low, knobs.burst_fail_high);
	usec_t time = human_time(r, day);

	form_day(a, r, day);
	if (!rng_chance(r, knobs.burst_day))
		return;
	for (uint32_t n = (uint32_t)rng_log_range(r, 50, 1500); n; n--) {
		struct rcpt to = { { POOL(POOL_BUYER, a->id), a->buyers++ },
				   (uint8_t)benign_fate(r, fail, true) };

		script_mail(a, time, reset && a->wordpress ? SCRIPT_WORDPRESS : SCRIPT_IMPORT,
			    reset ? SUBJECT_RESET : SUBJECT_IMPORT, to);
		time += reset ? (usec_t)rng_exp(r, 4e6) : 200000 + rng_below(r, 600000);
	}
}

static void cron_mail(struct account *a, usec_t time, enum subject subject)
{
	bool php = a->id % 2;
	struct plan p = plan_new(a, time, php ? BY_PHP : BY_SENDMAIL);

	p.script = php ? SCRIPT_BACKUP : SCRIPT_NONE;
	p.from = unix_of(a);
	p.subject = (uint8_t)subject;
	p.one = owner_of(a);
	plan_add(&p);
}

static void cron_day(struct account *a, struct rng *r, int day)
{
	uint32_t n = 1 + (uint32_t)(mix(a->id, 19) % 3);

	while (n--)
		cron_mail(a, day_start(day) + (2 + n) * USEC_HOUR + rng_below(r, 5000000),
			  SUBJECT_CRON);
}

static void monitor_day(struct account *a, struct rng *r, int day)
{
	usec_t time = day_start(day) + (usec_t)(rng_unit(r) * USEC_DAY);

	for (uint32_t n = rng_poisson(r, 3); n; n--)
		cron_mail(a, web_time(r, day), SUBJECT_ALERT);
	if (!rng_chance(r, knobs.storm_day))
		return;
	for (uint32_t n = (uint32_t)rng_log_range(r, 50, 500); n; n--)
		cron_mail(a, time + (usec_t)(rng_unit(r) * USEC_HOUR), SUBJECT_ALERT);
}

static void list_day(struct account *a, struct rng *r, int day)
{
	for (uint32_t posts = rng_poisson(r, knobs.list_posts); posts; posts--) {
		usec_t time = human_time(r, day);

		for (uint32_t i = 0; i < a->subscribers; i++) {
			struct plan p = plan_new(a, time, BY_LOOPBACK);

			time += 40000 + rng_below(r, 40000);
			p.ip = 0x7f000001;
			p.helo = HELO_SERVER;
			p.from = box_of(a, BOX_LIST);
			p.flags = PLAN_VERP;
			p.subject = SUBJECT_LIST;
			p.one = subscriber(a, r, i, false);
			plan_add(&p);
		}
	}
}

static void desk_day(struct account *a, struct rng *r, int day)
{
	double share = weekend(day) ? knobs.weekend : 1;

	for (uint32_t n = rng_poisson(r, a->pace * share); n; n--) {
		struct rcpt to = { { POOL(POOL_BUYER, a->id),
				     rng_chance(r, 0.5) ? a->buyers++ : rng_below(r, a->buyers) },
				   (uint8_t)benign_fate(r, 0.01, true) };

		script_mail(a, human_time(r, day), SCRIPT_DESK, SUBJECT_TICKET, to);
	}
}

static void saas_day(struct account *a, struct rng *r, int day)
{
	struct rng cloud = rng_of(run.seed, a->id, 41);
	uint32_t as = as_pick(&cloud, AS_HOSTING, country_find(a->id % 2 ? "IE" : "US"));
	uint32_t base = ip_of_as(&cloud, as);

	for (uint32_t n = rng_poisson(r, a->pace); n; n--) {
		struct plan p = plan_new(a, web_time(r, day), BY_AUTH);

		p.ip = base + rng_below(r, 16) * 256;
		p.helo = HELO_SERVER;
		p.subject = SUBJECT_SAAS;
		p.one = (struct rcpt){ { POOL(POOL_BUYER, a->id),
					 rng_chance(r, 0.6) ? a->buyers++ :
							      rng_below(r, a->buyers) },
				       (uint8_t)benign_fate(r, 0.01, true) };
		plan_add(&p);
	}
}

static void site_changes(struct account *a, struct rng *r, int day)
{
	if (rng_chance(r, knobs.script_update)) {
		a->version++;
		if (rng_chance(r, 0.3))
			a->replies = !a->replies;
		if (rng_chance(r, knobs.script_move))
			a->moves++;
	}
	if (a->cache_plugin)
		script_mail(a, day_start(day) + 4 * USEC_HOUR + rng_below(r, 1000000),
			    SCRIPT_CACHE, SUBJECT_CRON, owner_of(a));
}

static void no_day(struct account *a, struct rng *r, int day)
{
	(void)a, (void)r, (void)day;
}

static void (*const days[KIND_COUNT])(struct account *a, struct rng *r, int day) = {
	[KIND_human] = no_day,	    [KIND_form] = form_day,   [KIND_shop] = shop_day,
	[KIND_forum] = forum_day,   [KIND_newsletter] = news_day, [KIND_first] = news_day,
	[KIND_burst] = burst_day,   [KIND_cron] = cron_day,   [KIND_list] = list_day,
	[KIND_helpdesk] = desk_day, [KIND_monitor] = monitor_day, [KIND_saas] = saas_day,
};

void benign_day(struct account *a, int day)
{
	struct rng r = rng_of(run.seed, a->id, 100 + (uint64_t)day);
	struct rng person = rng_of(run.seed, a->id, 100000 + (uint64_t)day);

	if (day_start(day) + USEC_DAY <= a->born)
		return;
	if (a->kind != KIND_human)
		site_changes(a, &r, day);
	days[a->kind](a, &r, day);
	if (a->human)
		human_day(a, &person, day);
}
