/* The accounts as they are on the first day.
 * Invariant: an account follows from the seed and its number alone. */
#include "base/error.h"
#include "tests/sim/model.h"

struct run run;

const char *kind_name(enum kind kind)
{
	static const char *const names[] = {
#define KIND_NAME(name) #name,
		KINDS(KIND_NAME)
#undef KIND_NAME
	};

	return names[kind];
}

static enum kind pick_kind(struct rng *r)
{
	const double shares[] = {
#define KIND_SHARE(name) knobs.share_##name,
		KINDS(KIND_SHARE)
#undef KIND_SHARE
	};
	double sum = 0, at;

	for (int i = 0; i < KIND_COUNT; i++)
		sum += shares[i];
	at = rng_range(r, 0, sum);
	for (int i = 0; i < KIND_COUNT; i++)
		if ((at -= shares[i]) < 0)
			return (enum kind)i;
	return KIND_human;
}

static struct access make_access(struct rng *r, enum as_kind kind, int country)
{
	return (struct access){ .as = (uint16_t)as_pick(r, kind, country),
				.fixed = !rng_chance(r, knobs.dynamic_ip),
				.mobile = kind == AS_MOBILE };
}

static void make_human(struct account *a, struct rng *r)
{
	double at = rng_unit(r);
	int nets = at < 0.5 ? 1 : at < 0.85 ? 2 : 3;

	a->human = true;
	a->rate = rng_lognormal(r, knobs.human_median, knobs.human_sigma);
	if (a->rate > 400)
		a->rate = 400;
	a->new_share = rng_range(r, knobs.human_new_low, knobs.human_new_high);
	a->fail = rng_range(r, knobs.human_fail_low, knobs.human_fail_high);
	a->contacts = 5 + (uint32_t)rng_lognormal(r, knobs.contacts_median, 0.8);
	a->webmail = rng_chance(r, knobs.webmail);
	a->vpn = rng_chance(r, knobs.vpn);
	a->club = rng_chance(r, knobs.club);
	a->forwarded = rng_chance(r, knobs.forward);
	for (int i = 0; i < nets; i++)
		a->access[a->naccess++] = make_access(r, AS_EYEBALL, a->country);
	if (rng_chance(r, knobs.mobile))
		a->access[a->naccess++] = make_access(r, AS_MOBILE, a->country);
	for (int i = 0; i < 4; i++)
		a->device[i] = (uint32_t)rng_next(r);
	a->trip_until = a->away_until = -1;
}

static void make_site(struct account *a, struct rng *r)
{
	a->outside = rng_chance(r, knobs.owner_outside);
	a->copy = rng_chance(r, knobs.form_copy);
	a->wordpress = rng_chance(r, knobs.wordpress);
	a->cache_plugin = a->wordpress && rng_chance(r, knobs.cache_plugin * 2);
	a->evals = rng_chance(r, knobs.eval);
	a->crlf = rng_chance(r, 0.7);
	a->replies = rng_chance(r, 0.5);
	a->buyers = 50;
	a->pace = rng_lognormal(r, knobs.shop_median, 0.8);
	if (a->kind == KIND_helpdesk)
		a->pace = rng_lognormal(r, knobs.desk_tickets, 0.5);
	if (a->kind == KIND_saas)
		a->pace = rng_lognormal(r, knobs.saas_median, 0.7);
}

static void make_list(struct account *a, struct rng *r)
{
	double n = rng_lognormal(r, knobs.news_median, knobs.news_sigma);
	double most = knobs.news_max;

	if (a->kind == KIND_forum) {
		n = rng_log_range(r, 20, 600);
		a->stale = rng_range(r, knobs.forum_stale_low, knobs.forum_stale_high);
	} else {
		a->stale = rng_range(r, knobs.news_fail_low, knobs.news_fail_high);
	}
	if (a->kind == KIND_list)
		n = rng_log_range(r, 30, 400);
	a->subscribers = (uint32_t)(n < 10 ? 10 : n > most ? most : n);
	a->throttle = rng_log_range(r, 100, 4000);
	a->by_smtp = rng_chance(r, knobs.news_smtp);
	a->elsewhere = a->by_smtp && rng_chance(r, knobs.news_smtp_away);
	a->interval = rng_chance(r, 0.4) ? 7 : rng_chance(r, 0.5) ? 14 : 28;
	a->next_issue = (int)rng_below(r, (uint32_t)a->interval);
	if (a->kind == KIND_newsletter)
		a->issues = rng_chance(r, 0.9) ? 10 : 0;
	if (a->kind == KIND_first) {
		a->next_issue = run.warmup + (int)rng_below(r, (uint32_t)(run.days - run.warmup));
		a->interval = 28;
	}
}

static void make_account(struct account *a, uint32_t id)
{
	struct rng r = rng_of(run.seed, id, 1);

	a->id = id;
	a->born = run.start;
	a->kind = (uint8_t)pick_kind(&r);
	a->country = (uint8_t)country_of_customer(&r);
	make_site(a, &r);
	make_list(a, &r);
	/* Newsletters by SMTP need a mail program. */
	if (a->kind == KIND_human || rng_chance(&r, knobs.also_human) ||
	    ((a->kind == KIND_first || a->kind == KIND_newsletter) && a->by_smtp))
		make_human(a, &r);
}

void account_newcomer(struct account *a, usec_t born)
{
	struct rng r = rng_of(run.seed, a->id, 3);

	a->kind = KIND_human;
	a->naccess = 0;
	make_human(a, &r);
	a->born = born;
}

void accounts_make(uint32_t n)
{
	run.naccounts = n;
	run.accounts = xcalloc(n, sizeof(*run.accounts));
	for (uint32_t i = 0; i < n; i++)
		make_account(&run.accounts[i], i);
}

struct address box_of(const struct account *a, uint32_t box)
{
	return (struct address){ POOL(POOL_BOX, a->id), box };
}

struct address unix_of(const struct account *a)
{
	return (struct address){ POOL(POOL_UNIX, a->id), 0 };
}

struct rcpt owner_of(const struct account *a)
{
	if (a->outside)
		return (struct rcpt){ { POOL(POOL_OUTSIDE, a->id), 0 }, FATE_SENT };
	return (struct rcpt){ box_of(a, BOX_INFO), FATE_LOCAL };
}

/* ---- scripts ---- */

/* Nine random letters, as the uploads of the 2019 campaign had. */
static void put_letters(struct text *t, uint64_t salt, int n)
{
	while (n--) {
		put_char(t, (char)('a' + salt % 26));
		salt = mix(salt, 3);
	}
}

void put_script(struct text *t, const struct account *a, enum script script)
{
	static const char *const forms[] = { "contact.php", "kontakt.php", "php/mail.php",
					     "formular/send.php" };
	static const char *const places[] = { "wp-content/uploads/2026/03/", "images/",
					      "cache/", "wp-includes/css/" };
	uint64_t h = mix(a->id, script + 100u);

	PUT(t, "/home/");
	put_user(t, a->id);
	put(t, script == SCRIPT_BACKUP ? "/bin/" : "/public_html/");
	switch (script) {
	case SCRIPT_FORM:
	case SCRIPT_COPY:
		put(t, forms[(mix(a->id, 9) + a->moves) % 4]);
		break;
	case SCRIPT_WORDPRESS:
		PUT(t, "wp-includes/PHPMailer/PHPMailer.php");
		break;
	case SCRIPT_SHOP:
		put(t, h % 2 ? "shop/checkout/order.php" : "modules/mail/notify.php");
		break;
	case SCRIPT_FORUM:
		PUT(t, "forum/includes/functions_messenger.php");
		break;
	case SCRIPT_NEWS:
		put(t, h % 2 ? "newsletter/send.php" : "admin/mailing.php");
		break;
	case SCRIPT_IMPORT:
		PUT(t, "admin/users/import.php");
		break;
	case SCRIPT_DESK:
		PUT(t, "support/include/mailer.php");
		break;
	case SCRIPT_CACHE:
		PUT(t, "wp-content/uploads/cache/report.php");
		break;
	case SCRIPT_BACKUP:
		PUT(t, "backup.php");
		break;
	case SCRIPT_UPLOADED:
	case SCRIPT_FTP:
		put(t, places[(h >> 9) % 4]);
		put_letters(t, h, 9);
		PUT(t, ".php");
		break;
	case SCRIPT_EVAL:
		put(t, h % 2 ? "wp-content/themes/classic/header.php" : "index.php");
		break;
	case SCRIPT_NONE:
		break;
	}
}

bool script_evals(const struct account *a, enum script script)
{
	bool own = script == SCRIPT_FORM || script == SCRIPT_SHOP || script == SCRIPT_FORUM;

	return script == SCRIPT_EVAL || (a->evals && own);
}

uint32_t script_line(const struct account *a, enum script script)
{
	if (script_evals(a, script))
		return 3;
	if (script == SCRIPT_WORDPRESS)
		return 863 + a->version * 11;
	return 12 + (uint32_t)(mix(a->id, script) % 180) + a->version * 3;
}
