/* Made-up mail; see store_mail.h.
 *
 * Invariant: what message N is follows from the seed and N, and from which messages came
 * before it only where it reports on one or its account goes on sending. */
#include "tests/bench/store_mail.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/random.h"
#include "tests/sim/text.h"

#define SMALL_DOMAINS 1000000
#define CLIENTS 300000 /* of lists and of who forwards */
#define INODES 40000 /* of the queue */

static const struct {
	const char *domain, *relay;
} providers[] = {
	{ "gmail.com", "gmail-smtp-in.l.google.com" },
	{ "hotmail.com", "hotmail-com.olc.protection.outlook.com" },
	{ "gmx.de", "mx00.emig.gmx.net" },
	{ "web.de", "mx-ha02.web.de" },
	{ "yahoo.com", "mta5.am0.yahoodns.net" },
	{ "t-online.de", "mx03.t-online.de" },
	{ "outlook.com", "outlook-com.olc.protection.outlook.com" },
	{ "icloud.com", "mx01.mail.icloud.com" },
};
#define PROVIDERS (sizeof(providers) / sizeof(providers[0]))

static const char *const names[] = {
	"anna", "bernard", "chen", "daniel", "elena", "frank", "garcia", "hans", "ivan", "julia",
	"klein", "laura", "meyer", "novak", "olga", "peter", "quinn", "robert", "schmidt", "tran",
	"ulrich", "vera", "wolf", "xaver", "yilmaz", "zoe",
};
static const char *const words[] = {
	"adler", "berg", "blau", "druck", "foto", "garten", "hafen", "holz", "hotel", "kanzlei",
	"kranz", "linden", "moden", "musik", "optik", "papier", "praxis", "rad", "reisen", "ring",
	"rosen", "silber", "theater", "verlag", "wald", "wein",
};
static const struct {
	const char *before, *behind;
	bool number;
} subjects[] = {
	{ "Your order ", "", true }, { "New order ", "", true }, { "Order ", " sent", true },
	{ "Contact form", "", false }, { "News from us", "", false },
	{ "Re: holiday on friday", "", false }, { "Re: meeting", "", false },
	{ "Topic reply notification - project", "", false }, { "invoice ", "", true },
	{ "Fwd: garden", "", false }, { "[team] Re: order", "", false },
	{ "[Ticket #", "] Your question", true },
	{ "=?utf-8?Q?Best=C3=A4tigung_Ihrer_Bestellung_", "_im_Shop?=", true },
};
#define TO_RCPT "(in reply to RCPT TO command)"
static const char *const refusals[] = {
	"550 5.1.1 <> User unknown in virtual mailbox table " TO_RCPT,
	"550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). " TO_RCPT,
	"452 4.2.2 Mailbox full " TO_RCPT,
	"554 5.7.1 Message rejected: content identified as spam (in reply to end of DATA command)",
};
static const char phpmailer[] = " Content-Transfer-Encoding: 8bit X-Mailer: PHPMailer 6.9.1 "
				"(https://github.com/PHPMailer/PHPMailer)";

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

/* An integer below n, 0 far more often than n - 1: as ranks by size are (Zipf). */
static uint32_t rank(double unit, uint32_t n)
{
	uint32_t r = (uint32_t)exp(unit * log(n + 1.0)) - 1;

	return r < n ? r : n - 1;
}

static double unit_of(uint64_t hash)
{
	return (double)(hash >> 11) * (1.0 / 9007199254740992.0);
}

__attribute__((format(printf, 2, 3)))
static struct str say(struct arena *to, const char *format, ...)
{
	char buf[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	return arena_str(to, str_head((struct str){ buf, (size_t)n }, sizeof(buf) - 1));
}

/* ---- names ---- */

struct str mail_account_name(uint32_t account, char buf[static 16])
{
	return (struct str){ buf, (size_t)snprintf(buf, 16, "w%05u", account) };
}

static const char *domain_of(const struct mail_maker *k, uint32_t account, char buf[static 64])
{
	uint64_t h = mix(k->seed, account);

	snprintf(buf, 64, "%s-%s%u.example", PICK(words, h), PICK(words, h >> 16), account);
	return buf;
}

/* Large providers have two fifths of the addresses. */
static void rcpt_domain(uint64_t h, char buf[static 64])
{
	uint32_t n = rank(unit_of(mix(h, 1)), SMALL_DOMAINS);

	if (h % 5 < 2)
		snprintf(buf, 64, "%s", providers[rank(unit_of(mix(h, 2)), PROVIDERS)].domain);
	else
		snprintf(buf, 64, "%s-%s%u.example", PICK(words, mix(n, 3)), PICK(names, mix(n, 4)), n);
}

struct str mail_stream_key(const struct mail_maker *k, uint32_t account, bool by_script,
			   char buf[static 128])
{
	char domain[64];
	int n;

	if (by_script)
		n = snprintf(buf, 128, "script\nw%05u\n/home/w%05u/public_html/modules/mail/notify.php",
			     account, account);
	else
		n = snprintf(buf, 128, "login\nw%05u\ninfo@%s", account, domain_of(k, account, domain));
	return (struct str){ buf, (size_t)n };
}

static void ip_text(uint64_t h, char buf[static 16])
{
	snprintf(buf, 16, "%u.%u.%u.%u", (unsigned)(11 + h % 200), (unsigned)(h >> 8 & 255),
		 (unsigned)(h >> 16 & 255), (unsigned)(h >> 24 & 255));
}

/* As Postfix makes its long ones, of the time and the number of an inode. */
static struct str queue_id(struct message *m)
{
	static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	char buf[32];
	struct text to = { .fd = -1, .size = sizeof(buf), .p = buf };

	put_base(&to, (uint64_t)(m->time / USEC_SECOND), digits, 52, 6);
	put_base(&to, (uint64_t)(m->time % USEC_SECOND), digits, 52, 4);
	put_char(&to, 'z');
	put_base(&to, 300000 + mix((uint64_t)m->id, 5) % INODES, digits, 51, 1);
	return arena_str(&m->strings, (struct str){ buf, to.n });
}

/* ---- a message's parts ---- */

/* Hosts sleep at night, a little. */
static usec_t next_time(const struct mail_maker *k, struct rng *r)
{
	static const unsigned char busy[24] = { 4, 3, 2, 2, 2, 3, 5, 8, 12, 15, 16, 15,
						13, 14, 15, 15, 14, 12, 10, 9, 8, 8, 7, 5 };
	double share = busy[k->time / USEC_HOUR % 24] / 9.0;

	return k->time + 1 + (usec_t)rng_exp(r, k->gap / share);
}

static uint32_t next_account(struct mail_maker *k, struct rng *r)
{
	uint32_t *place = &k->lately[rng_below(r, 64)];

	if (k->messages < 64 || rng_chance(r, 0.7))
		*place = rank(rng_unit(r), k->accounts);
	return *place;
}

/* From hundredths of a second to a minute; what was put off: up to hours. */
static usec_t time_in_queue(struct rng *r, bool deferred)
{
	return (usec_t)(1e6 * (deferred ? rng_lognormal(r, 900, 1.2) : rng_lognormal(r, 3, 1.6)));
}

static void set_relay(struct message *m, struct recipient *to, uint64_t h)
{
	const char *domain = to->address.p + str_rchr(to->address, '@') + 1;
	char ip[16];
	size_t i;

	for (i = 0; i < PROVIDERS && strcmp(domain, providers[i].domain) != 0; i++)
		;
	if (i < PROVIDERS) {
		ip_text(mix(i, 7 + h % 6), ip);
		to->relay = say(&m->strings, "%s", providers[i].relay);
	} else {
		ip_text(str_hash(str_of(domain), 8), ip);
		to->relay = say(&m->strings, "mx.%s", domain);
	}
	to->relay_ip = say(&m->strings, "%s", ip);
}

/* Correspondents of an account come again, the first ones more often. */
static void add_recipient(const struct mail_maker *k, struct message *m, uint32_t account,
			  struct rng *r)
{
	uint64_t h = mix(mix(k->seed, account), rank(rng_unit(r), 20000));
	struct str address;
	struct recipient *to;
	char domain[64];

	rcpt_domain(h, domain);
	address = h % 3 ? say(&m->strings, "%s.%s%u@%s", PICK(names, h >> 8), PICK(names, h >> 16),
			      (unsigned)(h >> 40) % 700, domain)
			: say(&m->strings, "info@%s", domain);
	to = message_recipient_add(m, address);
	if (!to)
		return;
	to->status = RCPT_SENT;
	to->place = PLACE_REMOTE;
	to->dsn = STR("2.0.0");
	to->time = m->closed;
	set_relay(m, to, rng_next(r));
}

static void add_recipients(struct mail_maker *k, struct message *m, uint32_t account,
			   struct rng *r)
{
	uint32_t n = rng_chance(r, 0.96) ? 1 : rng_chance(r, 0.995) ? 2 + rng_below(r, 4)
								  : 20 + rng_below(r, 200);

	while (n--)
		add_recipient(k, m, account, r);
	if (!rng_chance(r, 0.015))
		return;
	m->rcpt[0].status = RCPT_BOUNCED;
	m->rcpt[0].dsn = STR("5.1.1");
	m->rcpt[0].response = say(&m->strings, "host %s[%s] said: %s", m->rcpt[0].relay.p,
				  m->rcpt[0].relay_ip.p, PICK(refusals, rng_next(r)));
	k->bounced = m->id;
	k->bounced_account = account;
	memcpy(k->bounced_id, m->queue_id.p, m->queue_id.n + 1);
}

static void set_client(struct message *m, uint64_t h)
{
	char ip[16];

	ip_text(h, ip);
	m->client_ip = say(&m->strings, "%s", ip);
	if (h % 3)
		m->client_name = say(&m->strings, "p%s.dyn.as%u.example", ip, (unsigned)(h >> 40) % 500);
}

static void set_subject(struct message *m, struct rng *r)
{
	uint64_t i = rng_next(r) % (sizeof(subjects) / sizeof(subjects[0]));
	char number[16];

	snprintf(number, sizeof(number), "%u", 10000 + rng_below(r, 90000));
	m->subject = say(&m->strings, "%s%s%s", subjects[i].before,
			 subjects[i].number ? number : "", subjects[i].behind);
}

static void set_message_id(const struct mail_maker *k, struct message *m, uint32_t account,
			   struct rng *r, double own)
{
	char domain[64];

	if (rng_chance(r, own))
		m->message_id = say(&m->strings, "%s@host.example", m->queue_id.p);
	else
		m->message_id = say(&m->strings, "%016llx%016llx@%s", (long long)rng_next(r),
				    (long long)rng_next(r), domain_of(k, account, domain));
}

static struct php_mail *make_php(struct mail_maker *k, const struct message *m, struct rng *r)
{
	struct php_mail *p = php_mail_new();

	p->id = ++k->php;
	p->time = m->time - m->time % USEC_SECOND;
	p->state = PHP_MATCHED;
	p->host = STR("host.example");
	p->account = arena_str(&p->strings, m->account);
	p->script = arena_str(&p->strings, m->script);
	p->script_line = m->script_line;
	p->to = arena_str(&p->strings, m->rcpt[0].address);
	p->subject = arena_str(&p->strings, m->subject);
	p->headers = say(&p->strings, "From: %s MIME-Version: 1.0 Content-Type: text/plain; "
			 "charset=UTF-8%s", m->sender.p, rng_chance(r, 0.4) ? phpmailer : "");
	p->message = m->id;
	return p;
}

/* ---- by way of coming in ---- */

static struct php_mail *by_script(struct mail_maker *k, struct message *m, uint32_t account,
				  struct rng *r)
{
	char domain[64];

	m->channel = CHANNEL_LOCAL;
	m->via = VIA_PHPLOG;
	m->uid = 10000 + account;
	m->script = say(&m->strings, "/home/w%05u/public_html/modules/mail/notify.php", account);
	m->script_line = 20 + account % 700;
	m->sender = say(&m->strings, "info@%s", domain_of(k, account, domain));
	set_message_id(k, m, account, r, 0.83);
	set_subject(m, r);
	add_recipients(k, m, account, r);
	m->php = k->php + 1;
	return make_php(k, m, r);
}

static void by_login(struct mail_maker *k, struct message *m, uint32_t account, struct rng *r)
{
	char domain[64];

	m->channel = CHANNEL_AUTH;
	m->via = VIA_SASL;
	m->sender = m->login = say(&m->strings, "info@%s", domain_of(k, account, domain));
	/* Two networks, an address of each for some days. */
	set_client(m, mix(mix(account, (uint64_t)(m->time / USEC_DAY / 5)), rng_below(r, 2)));
	set_message_id(k, m, account, r, 0);
	set_subject(m, r);
	add_recipients(k, m, account, r);
}

static void by_list(struct mail_maker *k, struct message *m, uint32_t account, struct rng *r)
{
	char domain[64];

	m->channel = CHANNEL_SMTP;
	m->via = VIA_DOMAIN;
	m->client_ip = STR("127.0.0.1");
	m->client_name = STR("localhost");
	set_message_id(k, m, account, r, 0.97);
	set_subject(m, r);
	add_recipients(k, m, account, r);
	m->sender = say(&m->strings, "team-bounces+%.*s=%s@%s",
			(int)str_rchr(m->rcpt[0].address, '@'), m->rcpt[0].address.p,
			m->rcpt[0].address.p + str_rchr(m->rcpt[0].address, '@') + 1,
			domain_of(k, account, domain));
}

static void to_mailbox(const struct mail_maker *k, struct message *m, uint32_t account,
		       const char *box)
{
	struct recipient *to;
	char domain[64];

	m->direction = DIR_LOCAL;
	to = message_recipient_add(m, say(&m->strings, "%s@%s", box, domain_of(k, account, domain)));
	to->status = RCPT_SENT;
	to->place = PLACE_LOCAL;
	to->dsn = STR("2.0.0");
	to->relay = STR("virtual");
	to->time = m->closed;
}

static void by_internet(struct mail_maker *k, struct message *m, uint32_t account, struct rng *r)
{
	uint64_t h = mix(rank(rng_unit(r), CLIENTS), 9);
	char domain[64];

	m->channel = CHANNEL_SMTP;
	m->via = VIA_DOMAIN;
	set_client(m, h);
	rcpt_domain(h, domain);
	m->sender = say(&m->strings, "%s@%s", PICK(names, h), domain);
	set_message_id(k, m, account, r, 0);
	set_subject(m, r);
	to_mailbox(k, m, account, "info");
}

/* A notice about the message that bounced before. */
static void by_bounce(struct mail_maker *k, struct message *m)
{
	m->channel = CHANNEL_INTERNAL;
	m->via = VIA_NONE;
	m->account = STR_NONE;
	m->sender_null = true;
	m->parent = k->bounced;
	m->parent_id = say(&m->strings, "%s", k->bounced_id);
	m->message_id = say(&m->strings, "%s@host.example", m->queue_id.p);
	to_mailbox(k, m, k->bounced_account, "info");
	k->bounced = 0;
}

static void fill_in(struct mail_maker *k, struct mail *mail, struct rng *r)
{
	/* Of a hundred messages of an account: by its scripts, its logins, a list of its own. */
	static const unsigned char ways[3][3] = { { 85, 8, 1 }, { 8, 74, 8 }, { 50, 35, 8 } };
	const unsigned char *way = PICK(ways, mix(k->seed, mail->account));
	int draw = (int)rng_below(r, 100);

	mail->by_script = draw < way[0];
	if (k->bounced && rng_chance(r, 0.5))
		by_bounce(k, mail->message);
	else if (draw < way[0])
		mail->php = by_script(k, mail->message, mail->account, r);
	else if (draw < way[0] + way[1])
		by_login(k, mail->message, mail->account, r);
	else if (draw < way[0] + way[1] + way[2])
		by_list(k, mail->message, mail->account, r);
	else
		by_internet(k, mail->message, mail->account, r);
}

struct mail mail_make(struct mail_maker *k)
{
	struct rng r = rng_of(k->seed, (uint64_t)++k->messages, 0);
	struct mail mail = { .message = message_new(), .account = next_account(k, &r) };
	struct message *m = mail.message;
	char name[16];

	k->time = next_time(k, &r);
	m->id = k->messages;
	m->time = k->time;
	m->closed = m->time + time_in_queue(&r, rng_chance(&r, 0.03));
	m->state = MSG_DONE;
	m->direction = DIR_OUTBOUND;
	m->host = STR("host.example");
	m->queue_id = queue_id(m);
	m->account = arena_str(&m->strings, mail_account_name(mail.account, name));
	m->size = 1000 + rng_below(&r, 40000);
	fill_in(k, &mail, &r);
	return mail;
}

/* ---- findings ---- */

static struct str list_of(struct arena *to, const char *text, struct rng *r, int n)
{
	struct str list = STR_NONE;

	for (int i = 0; i < n; i++)
		list = say(to, "%.*s%s%u %s %u", STR_ARG(list), i ? "\n" : "", rng_below(r, 256), text,
			   rng_below(r, 1000));
	return list;
}

struct finding *mail_finding(const struct mail_maker *k, int64_t id, uint32_t account,
			     int64_t stream)
{
	struct rng r = rng_of(k->seed, (uint64_t)id, 1);
	struct finding *f = finding_new();
	char text[128];

	f->id = id;
	f->stream = stream;
	f->time = f->last_seen = k->time;
	f->first_seen = k->time - rng_below(&r, 3600) * USEC_SECOND;
	f->severity = rng_below(&r, 2);
	f->verdict = rng_below(&r, CASES);
	f->host = STR("host.example");
	f->account = arena_str(&f->strings, mail_account_name(account, text));
	f->login = arena_str(&f->strings, str_of(strrchr(mail_stream_key(k, account, false, text).p,
							 '\n') + 1));
	f->script_line = -1;
	f->score[FAMILY_VOLUME] = (float)rng_range(&r, 5, 20);
	f->score[FAMILY_ORIGIN] = (float)rng_range(&r, 5, 20);
	f->messages = f->recipients = 100 + rng_below(&r, 900);
	f->summary = list_of(&f->told, "messages from strange countries, recipients", &r, 1);
	f->evidence = list_of(&f->told, "recipients are new to it in 20 h; usual are at most", &r, 4);
	f->why = list_of(&f->told, "times headers as always, no upload; not injected (3a)", &r, 2);
	f->advice = list_of(&f->told, "to hold what is queued: postsuper -h ID holds, such as", &r, 4);
	f->sources = list_of(&f->told, "203.0.113.7 VN AS131429", &r, 5);
	f->answers = list_of(&f->told, "550 5.1.1 <> User unknown in virtual mailbox table", &r, 3);
	f->queue_ids = list_of(&f->told, "4fR9Zm2MX6z2SMb", &r, 10);
	f->subjects = list_of(&f->told, "Your invoice", &r, 5);
	return f;
}
