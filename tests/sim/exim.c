/* Exim 4.96's mainlog with the log_selector of etc/snippets/exim, +millisec and +pid. The forms
 * are those that tests/replay/exim-full captured. */
#include "tests/sim/writer.h"

/* Exim cuts a line there (src/log.c, LOG_BUFFER_SIZE); times have a millisecond. */
#define LINE_MOST 8183

static usec_t last;
static uint32_t pid = 20000;

static void begin(uint32_t by, usec_t time)
{
	uint32_t usec;

	line_begin(&mail_log);
	usec = put_stamp(&mail_log, &last, time, ' ');
	put_char(&mail_log, '.');
	put_padded(&mail_log, usec / 1000, 3);
	PUT(&mail_log, " [");
	put_number(&mail_log, by);
	PUT(&mail_log, "] ");
}

static void begin_id(const struct live *m, uint32_t by, usec_t time)
{
	begin(by, time);
	put(&mail_log, m->id);
	put_char(&mail_log, ' ');
}

static void end_line(void)
{
	line_end(&mail_log, last, LINE_MOST);
}

/* Seconds, pid and half milliseconds in base 62. */
static void name(struct live *m, usec_t time)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct text to = { .fd = -1, .size = sizeof(m->id) - 1, .p = m->id };

	pid = pid < 4000000 ? pid + 1 : 20000;
	put_base(&to, (uint64_t)(time / USEC_SECOND), digits, 62, 6);
	put_char(&to, '-');
	put_base(&to, pid, digits, 62, 6);
	put_char(&to, '-');
	put_base(&to, (uint64_t)(time % USEC_SECOND / 500), digits, 62, 2);
	m->id[to.n] = 0;
}

static void cwd(const struct live *m, usec_t time)
{
	const struct account *a = &run.accounts[m->p.account];
	char path[200];
	struct text buf = { .fd = -1, .size = sizeof(path), .p = path };
	struct str dir;

	put_script(&buf, a, (enum script)m->p.script);
	dir = (struct str){ path, buf.n };
	/* A library runs in the directory of the page that was called. */
	if (m->p.script == SCRIPT_WORDPRESS)
		dir = str_head(dir, str_find(dir, STR("/wp-includes/")) + 1);
	begin(pid, time);
	PUT(&mail_log, "cwd=");
	put_str(&mail_log, str_head(dir, str_rchr(dir, '/')));
	if (pool_kind(m->p.from) == POOL_UNIX) {
		PUT(&mail_log, " 3 args: /usr/sbin/sendmail -t -i");
	} else {
		PUT(&mail_log, " 4 args: /usr/sbin/sendmail -t -i -f");
		put_sender(&mail_log, &m->p, NULL);
	}
	end_line();
}

static void peer(const struct live *m)
{
	bool auth = m->p.channel == BY_AUTH || m->p.channel == BY_WEBMAIL;
	char buf[80];
	struct str host = client_name(m->p.ip, buf, sizeof(buf));

	PUT(&mail_log, " H=");
	if (m->p.channel == BY_INBOUND) {
		put_mx(&mail_log, m->p.from);
	} else {
		if (!str_eq(host, STR("unknown"))) {
			put_str(&mail_log, host);
			put_char(&mail_log, ' ');
		}
		put_char(&mail_log, '(');
		put_helo(&mail_log, &m->p);
		put_char(&mail_log, ')');
	}
	PUT(&mail_log, " [");
	put_ip(&mail_log, m->p.ip);
	PUT(&mail_log, "]");
	if (auth) {
		PUT(&mail_log, " P=esmtpsa X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256"
			       " CV=no A=");
		put(&mail_log, says_login(&m->p) ? "login_server:" : "plain_server:");
		put_login(&mail_log, m->p.account);
	} else {
		PUT(&mail_log, " P=esmtp");
	}
}

static void put_rcpts(struct live *m)
{
	struct rcpt *rcpt = plan_rcpt(&m->p);

	PUT(&mail_log, " for");
	for (uint32_t i = 0; i < m->p.nrcpt; i++) {
		put_char(&mail_log, ' ');
		if (m->p.flags & PLAN_FORWARD)
			put_login(&mail_log, m->p.account);
		else
			put_address(&mail_log, rcpt[i].address);
	}
}

static usec_t arrive(struct live *m, usec_t time)
{
	struct plan *p = &m->p;
	usec_t stamp;

	name(m, time);
	if (p->channel == BY_PHP && knobs.cwd > 0)
		cwd(m, time);
	begin_id(m, pid, time + 1000);
	stamp = last / 1000 * 1000;
	PUT(&mail_log, "<= ");
	if (p->flags & PLAN_NULL)
		PUT(&mail_log, "<>");
	put_sender(&mail_log, p, plan_rcpt(p));
	if (p->channel == BY_PHP || p->channel == BY_SENDMAIL) {
		PUT(&mail_log, " U=");
		put_user(&mail_log, p->account);
		PUT(&mail_log, " P=local");
	} else {
		peer(m);
	}
	PUT(&mail_log, " S=");
	put_number(&mail_log, m->size);
	if (p->script == SCRIPT_WORDPRESS || p->ip) {
		PUT(&mail_log, " id=");
		put_message_id(&mail_log, m);
	}
	if (knobs.headers > 0) {
		PUT(&mail_log, " T=\"");
		put_subject(&mail_log, p);
		put_char(&mail_log, '"');
	}
	PUT(&mail_log, " from <");
	put_sender(&mail_log, p, plan_rcpt(p));
	put_char(&mail_log, '>');
	put_rcpts(m);
	end_line();
	return stamp;
}

static void put_from(const struct live *m, const struct rcpt *to)
{
	PUT(&mail_log, " F=<");
	put_sender(&mail_log, &m->p, to);
	put_char(&mail_log, '>');
}

static void put_original(const struct live *m)
{
	if (!(m->p.flags & PLAN_FORWARD))
		return;
	PUT(&mail_log, " <");
	put_login(&mail_log, m->p.account);
	put_char(&mail_log, '>');
}

static void put_host(const struct rcpt *to)
{
	PUT(&mail_log, " H=");
	put_mx(&mail_log, to->address);
	PUT(&mail_log, " [");
	put_ip(&mail_log, mx_ip(to->address));
	put_char(&mail_log, ']');
}

static void put_error(const struct live *m, const struct rcpt *to, enum outcome out)
{
	PUT(&mail_log, ": SMTP error from remote mail server after ");
	if (to->fate == FATE_REFUSED && out == OUT_BOUNCED) {
		PUT(&mail_log, "end of data: ");
	} else {
		PUT(&mail_log, "RCPT TO:<");
		put_address(&mail_log, to->address);
		PUT(&mail_log, ">: ");
	}
	put_answer(&mail_log, to, out, m->p.salt + to->address.id);
}

static void attempt(struct live *m, const struct rcpt *to, enum outcome out, usec_t time)
{
	static const char *const flags[] = { "=> ", "** ", "== " };

	begin_id(m, 30000 + m->p.salt % 900, time);
	put(&mail_log, flags[out]);
	if (is_local((enum fate)to->fate)) {
		put_user(&mail_log, m->p.account);
		PUT(&mail_log, " <");
		put_address(&mail_log, to->address);
		PUT(&mail_log, ">");
		put_from(m, to);
		PUT(&mail_log, " R=localuser T=local_delivery");
		end_line();
		return;
	}
	put_address(&mail_log, to->address);
	put_original(m);
	if (out != OUT_DEFERRED)
		put_from(m, to);
	PUT(&mail_log, " R=remote T=remote_smtp");
	if (out == OUT_DEFERRED)
		PUT(&mail_log, " defer (-44)");
	put_host(to);
	if (out == OUT_SENT) {
		PUT(&mail_log, " C=\"");
		put_answer(&mail_log, to, out, m->p.salt + to->address.id);
		put_char(&mail_log, '"');
	} else {
		put_error(m, to, out);
	}
	end_line();
}

static void notice(struct live *m, struct live *bounce, usec_t time)
{
	name(bounce, time);
	begin_id(bounce, pid, time);
	PUT(&mail_log, "<= <> R=");
	put(&mail_log, m->id);
	PUT(&mail_log, " U=Debian-exim P=local S=");
	put_number(&mail_log, bounce->size);
	PUT(&mail_log, " T=\"Mail delivery failed: returning message to sender\" from <>");
	put_rcpts(bounce);
	end_line();
}

static void end(struct live *m, usec_t time)
{
	begin_id(m, 30000 + m->p.salt % 900, time);
	PUT(&mail_log, "Completed");
	end_line();
}

const struct mta exim = { "exim", "exim", arrive, attempt, notice, end };
