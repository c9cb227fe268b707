/* What the logs of all mail servers share: stamps, lines, and how a message describes itself.
 * Invariant: a line that does not belong into the log leaves nothing behind. */
#include "tests/sim/writer.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

usec_t gap_from, gap_to;

/* Days since 1970 to a civil date (Howard Hinnant's algorithm). */
static void civil(int64_t days, uint32_t *year, uint32_t *month, uint32_t *day)
{
	int64_t z = days + 719468, era = z / 146097, yoe, doy, mp;
	int64_t doe = z - era * 146097;

	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*day = (uint32_t)(doy - (153 * mp + 2) / 5 + 1);
	*month = (uint32_t)(mp < 10 ? mp + 3 : mp - 9);
	*year = (uint32_t)(yoe + era * 400 + (*month <= 2));
}

uint32_t put_stamp(struct text *t, usec_t *last, usec_t time, char between)
{
	static usec_t second = -1;
	static char text[24];
	usec_t at = time < *last ? *last : time, of_day;

	*last = at;
	if (at / USEC_SECOND != second) {
		uint32_t year, month, day;
		struct text to = { .fd = -1, .size = sizeof(text), .p = text };

		second = at / USEC_SECOND;
		civil(at / USEC_DAY, &year, &month, &day);
		of_day = second % 86400;
		put_number(&to, year);
		put_char(&to, '-');
		put_padded(&to, month, 2);
		put_char(&to, '-');
		put_padded(&to, day, 2);
		put_char(&to, 'T');
		put_padded(&to, (uint64_t)of_day / 3600, 2);
		put_char(&to, ':');
		put_padded(&to, (uint64_t)of_day / 60 % 60, 2);
		put_char(&to, ':');
		put_padded(&to, (uint64_t)of_day % 60, 2);
	}
	text[10] = between;
	put_str(t, (struct str){ text, 19 });
	return (uint32_t)(at % USEC_SECOND);
}

static size_t line_start;

void line_begin(struct text *t)
{
	if (t->n > t->size / 2)
		text_flush(t);
	line_start = t->n;
}

void line_end(struct text *t, usec_t time, size_t most)
{
	if (time >= gap_from && time < gap_to) {
		t->n = line_start;
		return;
	}
	if (t->n - line_start > most)
		t->n = line_start + most;
	put_char(t, '\n');
}

/* ---- what a message says ---- */

/* # is a number, % a word. */
static const char *const subjects[SUBJECT_COUNT][4] = {
	[SUBJECT_TALK] = { "Re: % on friday", "Offer #", "%", "=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= %" },
	[SUBJECT_CLUB] = { "Invitation to the meeting", "Newsletter of our club", "Minutes #", "%" },
	[SUBJECT_FORM] = { "Contact form", "Contact form", "Contact form", "Contact form" },
	[SUBJECT_COPY] = { "Your message to us", "Your message to us", "Your message to us",
			   "Your message to us" },
	[SUBJECT_ORDER] = { "Your order #", "Your order #", "New order #", "Order # sent" },
	[SUBJECT_POST] = { "Topic reply notification - %", "Topic reply notification - %",
			   "New topic: %", "Topic reply notification - #" },
	[SUBJECT_NEWS] = { "News from us", "News from us", "News from us", "News from us" },
	[SUBJECT_IMPORT] = { "Your new account", "Your new account", "Welcome", "Welcome" },
	[SUBJECT_RESET] = { "Password reset", "Password reset", "Password reset", "Password reset" },
	[SUBJECT_CRON] = { "Backup report", "Cron <daily>", "Backup report", "Cron <daily>" },
	[SUBJECT_LIST] = { "[team] %", "[team] Re: %", "[team] Re: %", "[team] #" },
	[SUBJECT_TICKET] = { "[#] %", "Re: [#] %", "[#] %", "Re: [#] %" },
	[SUBJECT_ALERT] = { "PROBLEM: service % is DOWN", "PROBLEM: host # is DOWN",
			    "RECOVERY: service %", "PROBLEM: service % is DOWN" },
	[SUBJECT_SAAS] = { "Your report #", "Appointment #", "Reminder: %", "Your report #" },
	[SUBJECT_AWAY] = { "Out of office", "Out of office", "Out of office", "Out of office" },
	[SUBJECT_BOUNCE] = { "Undelivered Mail Returned to Sender", "Mail delivery failed",
			     "Delivery Status Notification (Failure)", "Undeliverable: %" },
	[SUBJECT_SPAM] = { "Your invoice # is overdue", "You won #!", "%", "Re: your % #" },
	[SUBJECT_PHISH] = { "Shared document", "Shared document", "Payment #", "Shared document" },
	[SUBJECT_URL] = { "", "", "", "" },
	[SUBJECT_PROBE] = { "Contact form", "Contact form", "Contact form", "Contact form" },
};
static const char *const words[] = { "photos",	"project", "meeting", "invoice", "garden",
				     "weekend", "order",   "draft",   "ticket",	 "delivery",
				     "holiday", "contract" };

static void put_base64(struct text *t, struct str s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.n; i += 3) {
		uint32_t v = (uint32_t)(uint8_t)s.p[i] << 16;

		v |= i + 1 < s.n ? (uint32_t)(uint8_t)s.p[i + 1] << 8 : 0;
		v |= i + 2 < s.n ? (uint32_t)(uint8_t)s.p[i + 2] : 0;
		put_char(t, digits[v >> 18]);
		put_char(t, digits[v >> 12 & 63]);
		put_char(t, i + 1 < s.n ? digits[v >> 6 & 63] : '=');
		put_char(t, i + 2 < s.n ? digits[v & 63] : '=');
	}
}

/* The uploaded tool's own URL, encoded twice. */
static void put_own_url(struct text *t, const struct plan *p)
{
	char path[200], url[200], once[300];
	struct text name = { .fd = -1, .size = sizeof(path), .p = path };
	struct text plain = { .fd = -1, .size = sizeof(url), .p = url };
	struct text coded = { .fd = -1, .size = sizeof(once), .p = once };
	struct str rest;

	put_script(&name, &run.accounts[p->account], (enum script)p->script);
	rest = (struct str){ path, name.n };
	rest = str_skip(rest, str_find(rest, STR("/public_html/")) + 12);
	PUT(&plain, "http://");
	put_account_domain(&plain, p->account);
	put_str(&plain, rest);
	put_base64(&coded, (struct str){ url, plain.n });
	put_base64(t, (struct str){ once, coded.n });
}

void put_subject(struct text *t, const struct plan *p)
{
	if (p->subject == SUBJECT_URL) {
		put_own_url(t, p);
		return;
	}
	for (const char *at = subjects[p->subject][p->salt % 4]; *at; at++) {
		if (*at == '#')
			put_number(t, p->salt / 4 % 90000 + 1000);
		else if (*at == '%')
			put(t, words[p->salt / 16 % COUNT(words)]);
		else
			put_char(t, *at);
	}
}

/* PHPMailer and mail programs make their own, else the mail server does. */
void put_message_id(struct text *t, const struct live *m)
{
	const struct plan *p = &m->p;
	bool own = p->channel == BY_AUTH || p->channel == BY_WEBMAIL || p->channel == BY_INBOUND ||
		   p->script == SCRIPT_WORDPRESS;

	if (!own || p->flags & PLAN_NULL) {
		put(t, m->id);
		PUT(t, "@host.example");
		return;
	}
	put_base(t, mix(p->salt, (uint64_t)p->time), "0123456789abcdef", 16, 16);
	put_base(t, mix(p->salt, 2), "0123456789abcdef", 16, 16);
	put_char(t, '@');
	put_domain(t, p->from);
}

void put_sender(struct text *t, const struct plan *p, const struct rcpt *to)
{
	if (p->flags & PLAN_NULL)
		return;
	if (p->flags & PLAN_VERP && to) {
		char address[128];
		struct text buf = { .fd = -1, .size = sizeof(address), .p = address };

		put_address(&buf, to->address);
		for (size_t i = 0; i < buf.n; i++)
			address[i] = address[i] == '@' ? '=' : address[i];
		PUT(t, "team-bounces+");
		put_str(t, (struct str){ address, buf.n });
		put_char(t, '@');
		put_domain(t, p->from);
		return;
	}
	put_address(t, p->from);
}

void put_helo(struct text *t, const struct plan *p)
{
	static const char *const bots[] = { "localhost", "User", "ylmf-pc", "[127.0.0.1]" };
	uint32_t salt = p->helo_salt;

	switch (p->helo) {
	case HELO_LITERAL:
	case HELO_PHONE:
		put(t, p->helo == HELO_PHONE ? "[10." : "[192.");
		put(t, p->helo == HELO_PHONE ? "87." : "168.");
		put_number(t, salt % 4);
		put_char(t, '.');
		put_number(t, 2 + salt / 8 % 250);
		put_char(t, ']');
		break;
	case HELO_PC:
		PUT(t, "DESKTOP-");
		put_base(t, mix(salt, 9) >> 30, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 36, 7);
		break;
	case HELO_SERVER:
		if (p->channel == BY_INBOUND)
			put_mx(t, p->from);
		else
			put(t, p->channel == BY_AUTH ? "smtp-out.service.example" : "host.example");
		break;
	default:
		if (salt % 6 < COUNT(bots)) {
			put(t, bots[salt % 6]);
		} else if (salt % 6 == 4) {
			put_ip(t, p->ip);
		} else {
			PUT(t, "WIN-");
			put_base(t, mix(salt, 9), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 36, 11);
		}
	}
}

bool says_login(const struct plan *p)
{
	uint32_t share = p->helo == HELO_BOT ? 70 : p->helo == HELO_PC ? 60 : 20;

	return mix(p->helo_salt, 13) % 100 < share;
}

void put_login(struct text *t, uint32_t account)
{
	PUT(t, "info@");
	put_account_domain(t, account);
}

void put_peer(struct text *t, const struct plan *p, const char *open)
{
	char buf[80];

	if (p->channel == BY_INBOUND)
		put_mx(t, p->from);
	else
		put_str(t, client_name(p->ip, buf, sizeof(buf)));
	put(t, open);
	put_ip(t, p->ip);
	put_char(t, ']');
}

bool is_local(enum fate fate)
{
	return fate == FATE_LOCAL || fate == FATE_LOCAL_UNKNOWN;
}

void put_answer(struct text *t, const struct rcpt *to, enum outcome out, uint64_t salt)
{
	if (out == OUT_DEFERRED) {
		put_str(t, answer_later(to->address, (uint32_t)salt));
	} else if (out == OUT_BOUNCED) {
		put_str(t, to->fate == FATE_REFUSED ? answer_spam(to->address, (uint32_t)salt) :
						      answer_unknown(to->address, (uint32_t)salt));
	} else {
		PUT(t, "250 2.0.0 Ok: queued as ");
		put_base(t, mix(salt, to->address.id) & 0xfffffffffff, "0123456789ABCDEF", 16, 11);
	}
}
