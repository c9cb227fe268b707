/* PHP 8's mail.log. php-src ext/standard/mail.c: each CR and each LF of the headers becomes one
 * blank, so that CRLF shows as two and LF as one; the line is written before sendmail runs. */
#include "tests/sim/writer.h"

static usec_t last;

static void put_php_stamp(usec_t time)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char iso[24];
	struct text buf = { .fd = -1, .size = sizeof(iso), .p = iso };

	put_stamp(&buf, &last, time, 'T');
	put_char(&php_log, '[');
	put_str(&php_log, (struct str){ iso + 8, 2 });
	put_char(&php_log, '-');
	put(&php_log, months[(iso[5] - '0') * 10 + iso[6] - '0' - 1]);
	put_char(&php_log, '-');
	put_str(&php_log, (struct str){ iso, 4 });
	put_char(&php_log, ' ');
	put_str(&php_log, (struct str){ iso + 11, 8 });
	PUT(&php_log, " UTC] ");
}

static const struct account *account_of(const struct live *m)
{
	return &run.accounts[m->p.account];
}

/* The end of a header as this site's developer writes it. */
static void eol(const struct live *m)
{
	put(&php_log, account_of(m)->crlf ? "  " : " ");
}

static void put_list(const struct rcpt *rcpt, uint32_t from, uint32_t n, const char *between)
{
	for (uint32_t i = from; i < n; i++) {
		if (i > from)
			put(&php_log, between);
		put_address(&php_log, rcpt[i].address);
	}
}

/* What the visitor typed as his address: with injected lines behind it. */
static void put_injected(const struct live *m, const struct rcpt *rcpt)
{
	const char *newline = m->p.flags & PLAN_LF ? " " : "  ";

	if (m->p.flags & PLAN_MULTIPART) {
		put(&php_log, newline);
		PUT(&php_log, "Content-Type: multipart/mixed; boundary=\"===============");
		put_number(&php_log, mix(m->p.salt, 4) % 10000000000);
		PUT(&php_log, "==\"");
		put(&php_log, newline);
		PUT(&php_log, "MIME-Version: 1.0");
		put(&php_log, newline);
		PUT(&php_log, "Subject: ");
		put_base(&php_log, mix(m->p.salt, 5) & 0xffffff, "0123456789abcdef", 16, 6);
		put(&php_log, newline);
		PUT(&php_log, "bcc: ");
	} else {
		put(&php_log, newline);
		PUT(&php_log, "Bcc: ");
	}
	put_list(rcpt, 1, m->p.nrcpt, m->p.salt & 1 ? "," : ", ");
	/* An empty line, which PHP refuses. */
	if (m->p.channel == BY_NONE) {
		put(&php_log, newline);
		put(&php_log, newline);
		PUT(&php_log, "buy now");
	}
}

static void put_visitor(const struct live *m)
{
	struct address visitor = { POOL(POOL_STRANGER, m->p.account), m->p.salt };
	const struct rcpt *rcpt = plan_rcpt(&((struct live *)m)->p);

	/* A copy to the visitor: his address is the one in Cc. */
	if (m->p.flags & PLAN_CC)
		visitor = rcpt[1].address;
	put_address(&php_log, visitor);
}

static void form_headers(const struct live *m)
{
	const struct account *a = account_of(m);
	const struct rcpt *rcpt = plan_rcpt(&((struct live *)m)->p);

	PUT(&php_log, "From: ");
	put_visitor(m);
	if (m->p.flags & PLAN_INJECTED)
		put_injected(m, rcpt);
	if (a->replies) {
		eol(m);
		PUT(&php_log, "Reply-To: ");
		put_visitor(m);
	}
	if (m->p.flags & PLAN_CC) {
		eol(m);
		PUT(&php_log, "Cc: ");
		put_address(&php_log, rcpt[1].address);
	}
	eol(m);
	PUT(&php_log, "X-Mailer: PHP/8.2.");
	put_number(&php_log, 10 + a->version);
}

static void wordpress_headers(const struct live *m)
{
	PUT(&php_log, "Date: Mon, 02 Mar 2026 10:00:00 +0000  From: ");
	put_account_domain(&php_log, m->p.account);
	PUT(&php_log, " <");
	put_address(&php_log, box_of(account_of(m), BOX_WORDPRESS));
	PUT(&php_log, ">  ");
	if (m->p.flags & PLAN_CC) {
		PUT(&php_log, "Cc: ");
		put_visitor(m);
		PUT(&php_log, "  ");
	}
	PUT(&php_log, "Message-ID: <");
	put_message_id(&php_log, m);
	PUT(&php_log, ">  X-Mailer: PHPMailer 6.9.3 (https://github.com/PHPMailer/PHPMailer)  "
		      "MIME-Version: 1.0  Content-Type: text/plain; charset=UTF-8");
}

static void mailer_headers(const struct live *m)
{
	struct address from = { POOL(POOL_STRANGER, m->p.account), m->p.salt };

	PUT(&php_log, "From: ");
	put_person(&php_log, m->p.salt);
	PUT(&php_log, " <");
	put_address(&php_log, from);
	PUT(&php_log, "> Return-Path: ");
	put_address(&php_log, from);
	PUT(&php_log, " MIME-Version: 1.0 Content-Type: text/html; charset=utf-8");
}

static void site_headers(const struct live *m)
{
	PUT(&php_log, "From: ");
	put_address(&php_log, box_of(account_of(m), m->p.script == SCRIPT_SHOP ? BOX_SHOP :
										 BOX_INFO));
	if (account_of(m)->replies) {
		eol(m);
		PUT(&php_log, "Reply-To: ");
		put_address(&php_log, box_of(account_of(m), BOX_INFO));
	}
	eol(m);
	PUT(&php_log, "MIME-Version: 1.0");
	eol(m);
	PUT(&php_log, "Content-Type: text/plain; charset=UTF-8");
	if (m->p.script == SCRIPT_NEWS) {
		eol(m);
		PUT(&php_log, "List-Unsubscribe: <https://");
		put_account_domain(&php_log, m->p.account);
		PUT(&php_log, "/off>");
	}
}

static void put_headers(const struct live *m)
{
	switch (m->p.script) {
	case SCRIPT_FORM:
		form_headers(m);
		break;
	case SCRIPT_WORDPRESS:
		wordpress_headers(m);
		break;
	case SCRIPT_UPLOADED:
	case SCRIPT_FTP:
	case SCRIPT_EVAL:
		mailer_headers(m);
		break;
	default:
		site_headers(m);
	}
}

/* "12", or for eval()'d code that of the eval and the one in it: "(3) : eval()'d code:1". */
static void put_line(const struct live *m)
{
	enum script script = (enum script)m->p.script;
	bool evals = script_evals(account_of(m), script);
	uint32_t line = script_line(account_of(m), script);

	if (evals) {
		put_char(&php_log, '(');
		put_number(&php_log, line);
		PUT(&php_log, ") : eval()'d code");
	}
	put_char(&php_log, ':');
	put_number(&php_log, evals ? 1 : line);
}

void php_line(const struct live *m, usec_t time)
{
	const struct rcpt *rcpt = plan_rcpt(&((struct live *)m)->p);

	line_begin(&php_log);
	put_php_stamp(time);
	PUT(&php_log, "mail() on [");
	put_script(&php_log, account_of(m), (enum script)m->p.script);
	put_line(m);
	PUT(&php_log, "]: To: ");
	put_address(&php_log, rcpt[0].address);
	PUT(&php_log, " -- Headers: ");
	put_headers(m);
	PUT(&php_log, " -- Subject: ");
	put_subject(&php_log, &m->p);
	line_end(&php_log, time, 100000);
}
