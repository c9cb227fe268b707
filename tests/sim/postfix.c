/* Postfix through rsyslog: RFC 3339 stamps, long queue ids. The forms are those that
 * tests/replay/postfix-linked captured. */
#include "tests/sim/writer.h"

#include <stdio.h>

#define NO_LIMIT 100000

static usec_t last;

/* ---- lines ---- */

static void begin(const char *daemon, uint32_t pid, usec_t time)
{
	uint32_t usec;

	line_begin(&mail_log);
	usec = put_stamp(&mail_log, &last, time, 'T');
	put_char(&mail_log, '.');
	put_padded(&mail_log, usec, 6);
	PUT(&mail_log, "+00:00 host postfix/");
	put(&mail_log, daemon);
	put_char(&mail_log, '[');
	put_number(&mail_log, pid);
	PUT(&mail_log, "]: ");
}

static void begin_id(const struct live *m, const char *daemon, uint32_t pid, usec_t time)
{
	begin(daemon, pid, time);
	put(&mail_log, m->id);
	PUT(&mail_log, ": ");
}

static void end_line(void)
{
	line_end(&mail_log, last, NO_LIMIT);
}

/* src/global/mail_queue.h: seconds and microseconds in base 52, z, inode in base 51. */
static void name(struct live *m, usec_t time)
{
	static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	static uint32_t inode = 300000;
	struct text to = { .fd = -1, .size = sizeof(m->id) - 1, .p = m->id };

	inode = inode < 2000000 ? inode + 1 : 300000;
	put_base(&to, (uint64_t)(time / USEC_SECOND), digits, 52, 6);
	put_base(&to, (uint64_t)(time % USEC_SECOND), digits, 52, 4);
	put_char(&to, 'z');
	put_base(&to, inode, digits, 51, 1);
	m->id[to.n] = 0;
}

/* ---- arrival ---- */

static void tail(const struct live *m)
{
	const struct plan *p = &m->p;

	if (p->channel == BY_PHP || p->channel == BY_SENDMAIL) {
		PUT(&mail_log, " from local; from=<");
		put_sender(&mail_log, p, plan_rcpt(&((struct live *)m)->p));
		put_char(&mail_log, '>');
	} else {
		const struct rcpt *rcpt = plan_rcpt(&((struct live *)m)->p);

		PUT(&mail_log, " from ");
		put_peer(&mail_log, p, "[");
		PUT(&mail_log, "; from=<");
		put_sender(&mail_log, p, rcpt);
		PUT(&mail_log, "> to=<");
		put_address(&mail_log, rcpt[p->nrcpt - 1].address);
		PUT(&mail_log, "> proto=ESMTP helo=<");
		put_helo(&mail_log, p);
		put_char(&mail_log, '>');
	}
	PUT(&mail_log, ": mailaudit");
}

static void headers(struct live *m, usec_t time)
{
	if (m->p.channel == BY_INBOUND)
		return;
	if (knobs.headers > 1) {
		begin_id(m, "cleanup", 812, time);
		PUT(&mail_log, "info: header To: ");
		put_address(&mail_log, plan_rcpt(&m->p)->address);
		tail(m);
		end_line();
	}
	if (knobs.headers > 0) {
		begin_id(m, "cleanup", 812, time);
		PUT(&mail_log, "info: header Subject: ");
		put_subject(&mail_log, &m->p);
		tail(m);
		end_line();
	}
}

static void accepted(struct live *m, usec_t time)
{
	begin_id(m, "cleanup", 812, time);
	PUT(&mail_log, "message-id=<");
	put_message_id(&mail_log, m);
	put_char(&mail_log, '>');
	end_line();
	begin_id(m, "qmgr", 801, time + 60);
	PUT(&mail_log, "from=<");
	put_sender(&mail_log, &m->p, plan_rcpt(&m->p));
	PUT(&mail_log, ">, size=");
	put_number(&mail_log, m->size);
	PUT(&mail_log, ", nrcpt=");
	put_number(&mail_log, m->p.nrcpt);
	PUT(&mail_log, " (queue active)");
	end_line();
}

static void by_pickup(struct live *m, usec_t time)
{
	begin_id(m, "pickup", 803, time);
	PUT(&mail_log, "uid=");
	put_number(&mail_log, 10000 + m->p.account);
	PUT(&mail_log, " from=<");
	if (pool_kind(m->p.from) == POOL_UNIX && !(m->p.flags & PLAN_NULL))
		put_user(&mail_log, m->p.account);
	else
		put_sender(&mail_log, &m->p, NULL);
	put_char(&mail_log, '>');
	end_line();
}

static void session(const struct live *m, bool begins, const char *daemon, uint32_t pid,
		    usec_t time)
{
	begin(daemon, pid, time);
	put(&mail_log, begins ? "connect from " : "disconnect from ");
	put_peer(&mail_log, &m->p, "[");
	if (!begins) {
		PUT(&mail_log, " ehlo=1 mail=1 rcpt=");
		put_number(&mail_log, m->p.nrcpt);
		PUT(&mail_log, " data=1 quit=1 commands=");
		put_number(&mail_log, 4u + m->p.nrcpt);
	}
	end_line();
}

static void by_smtpd(struct live *m, usec_t time)
{
	bool auth = m->p.channel == BY_AUTH || m->p.channel == BY_WEBMAIL;
	const char *daemon = auth ? "submission/smtpd" : "smtpd";
	uint32_t pid = 900 + m->p.salt % 30;

	if (knobs.noise > 0)
		session(m, true, daemon, pid, time - 3000);
	begin_id(m, daemon, pid, time);
	PUT(&mail_log, "client=");
	put_peer(&mail_log, &m->p, "[");
	if (auth) {
		put(&mail_log, says_login(&m->p) ? ", sasl_method=LOGIN" : ", sasl_method=PLAIN");
		PUT(&mail_log, ", sasl_username=");
		put_login(&mail_log, m->p.account);
	}
	end_line();
}

static usec_t arrive(struct live *m, usec_t time)
{
	usec_t stamp;

	name(m, time);
	if (m->p.channel == BY_PHP || m->p.channel == BY_SENDMAIL)
		by_pickup(m, time);
	else
		by_smtpd(m, time);
	stamp = last;
	headers(m, time + 30);
	accepted(m, time + 40);
	if (knobs.noise > 0 && m->p.ip)
		session(m, false,
			m->p.channel == BY_AUTH || m->p.channel == BY_WEBMAIL ?
				"submission/smtpd" : "smtpd",
			900 + m->p.salt % 30, time + 200);
	return stamp;
}

/* ---- delivery ---- */

static void put_delay(const struct live *m, usec_t time)
{
	uint64_t hundredths = (uint64_t)(time - m->p.time) / 10000;

	PUT(&mail_log, ", delay=");
	put_number(&mail_log, hundredths / 100);
	put_char(&mail_log, '.');
	put_padded(&mail_log, hundredths % 100, 2);
	PUT(&mail_log, ", delays=0.01/0/0.02/");
	put_number(&mail_log, hundredths / 100);
}

/* "5.1.1" of "550 5.1.1 text" or "550-5.1.1 text"; Postfix fills in what is missing. */
static struct str dsn_of(struct str answer, enum outcome out)
{
	struct str code = str_skip(answer, 4);
	size_t n = str_chr(code, ' ');

	if (n > 4 && n < 9 && code.p[1] == '.')
		return str_head(code, n);
	return out == OUT_DEFERRED ? STR("4.0.0") : STR("5.0.0");
}

static void remote(const struct live *m, const struct rcpt *to, enum outcome out, usec_t time)
{
	static const char *const status[] = { "sent", "bounced", "deferred" };
	char answer[400];
	struct text buf = { .fd = -1, .size = sizeof(answer), .p = answer };

	put_answer(&buf, to, out, m->p.salt + to->address.id);
	PUT(&mail_log, ", relay=");
	put_mx(&mail_log, to->address);
	put_char(&mail_log, '[');
	put_ip(&mail_log, mx_ip(to->address));
	PUT(&mail_log, "]:25");
	put_delay(m, time);
	PUT(&mail_log, ", dsn=");
	put_str(&mail_log, out == OUT_SENT ? STR("2.0.0") :
					     dsn_of((struct str){ answer, buf.n }, out));
	PUT(&mail_log, ", status=");
	put(&mail_log, status[out]);
	PUT(&mail_log, " (");
	if (out != OUT_SENT) {
		PUT(&mail_log, "host ");
		put_mx(&mail_log, to->address);
		put_char(&mail_log, '[');
		put_ip(&mail_log, mx_ip(to->address));
		PUT(&mail_log, "] said: ");
	}
	put_str(&mail_log, (struct str){ answer, buf.n });
	if (out != OUT_SENT)
		put(&mail_log, to->fate == FATE_REFUSED ? " (in reply to end of DATA command)" :
							  " (in reply to RCPT TO command)");
	put_char(&mail_log, ')');
}

static void attempt(struct live *m, const struct rcpt *to, enum outcome out, usec_t time)
{
	bool local = is_local((enum fate)to->fate);

	begin_id(m, local ? "virtual" : "smtp", 1000 + m->p.salt % 60, time);
	PUT(&mail_log, "to=<");
	put_address(&mail_log, to->address);
	put_char(&mail_log, '>');
	if (m->p.flags & PLAN_FORWARD) {
		PUT(&mail_log, ", orig_to=<");
		put_login(&mail_log, m->p.account);
		put_char(&mail_log, '>');
	}
	if (local) {
		PUT(&mail_log, ", relay=virtual");
		put_delay(m, time);
		PUT(&mail_log, ", dsn=2.0.0, status=sent (delivered to maildir)");
	} else {
		remote(m, to, out, time);
	}
	end_line();
}

static void notice(struct live *m, struct live *bounce, usec_t time)
{
	name(bounce, time);
	accepted(bounce, time);
	begin_id(m, "bounce", 840, time + 100);
	PUT(&mail_log, "sender non-delivery notification: ");
	put(&mail_log, bounce->id);
	end_line();
}

static void end(struct live *m, usec_t time)
{
	begin_id(m, "qmgr", 801, time);
	PUT(&mail_log, "removed");
	end_line();
}

const struct mta postfix = { "postfix", "postfix", arrive, attempt, notice, end };
