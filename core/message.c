/* Messages, recipients and PHP lines as values: making, freeing, finding a
 * recipient, and the packed form of what only an open message needs.
 *
 * Invariant: every str of a message or PHP line lives in its own arena.
 * This file decides nothing about mail; correlate.c does. */
#include "core/message.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

const char *const message_state_name[] = {
	[MSG_OPEN] = "open",         [MSG_DONE] = "done",
	[MSG_HELD] = "held",         [MSG_DELETED] = "deleted",
	[MSG_DISCARDED] = "discarded", [MSG_REJECTED] = "rejected",
	[MSG_LOST] = "lost",
};

const char *const direction_name[] = {
	[DIR_UNKNOWN] = "unknown", [DIR_OUTBOUND] = "outbound",
	[DIR_FORWARDED] = "forwarded", [DIR_LOCAL] = "local",
	[DIR_INBOUND] = "inbound",
};

const char *const via_name[] = {
	[VIA_NONE] = "none", [VIA_REF] = "ref",   [VIA_HEADER] = "header",
	[VIA_PHPLOG] = "phplog", [VIA_CWD] = "cwd", [VIA_SASL] = "sasl",
	[VIA_UID] = "uid",   [VIA_DOMAIN] = "domain",
};

const char *const channel_name[] = {
	[CHANNEL_NONE] = "unknown", [CHANNEL_LOCAL] = "local",
	[CHANNEL_AUTH] = "auth",    [CHANNEL_SMTP] = "smtp",
	[CHANNEL_INTERNAL] = "internal",
};

const char *const rcpt_status_name[] = {
	[RCPT_PENDING] = "pending", [RCPT_SENT] = "sent",
	[RCPT_DEFERRED] = "deferred", [RCPT_BOUNCED] = "bounced",
	[RCPT_EXPIRED] = "expired", [RCPT_REJECTED] = "rejected",
};

const char *const php_state_name[] = {
	[PHP_WAITING] = "waiting",
	[PHP_MATCHED] = "matched",
	[PHP_UNMATCHED] = "unmatched",
};

struct message *message_new(void)
{
	struct message *m = xcalloc(1, sizeof(*m));

	m->uid = m->size = m->script_line = m->work.nrcpt = m->work.process = -1;
	return m;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	arena_release(&m->strings);
	if (m->rcpt != &m->first)
		free(m->rcpt);
	free(m->aliases);
	free(m);
}

struct recipient *message_recipient(struct message *m, struct str address)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if (str_eq_nocase(m->rcpt[i].address, address))
			return &m->rcpt[i];
	return NULL;
}

static void make_room(struct message *m)
{
	struct recipient *more;

	if (!m->rcpt_room) {
		m->rcpt = &m->first;
		m->rcpt_room = 1;
		return;
	}
	m->rcpt_room *= 4;
	if (m->rcpt != &m->first) {
		m->rcpt = xrealloc(m->rcpt, m->rcpt_room * sizeof(*m->rcpt));
		return;
	}
	more = xmalloc(m->rcpt_room * sizeof(*more));
	*more = m->first;
	m->rcpt = more;
}

struct recipient *message_recipient_add(struct message *m, struct str address)
{
	struct recipient *r;

	if (m->nrcpt >= MESSAGE_MAX_RECIPIENTS) {
		m->rcpt_dropped++;
		return NULL;
	}
	if (m->nrcpt == m->rcpt_room)
		make_room(m);
	r = &m->rcpt[m->nrcpt++];
	memset(r, 0, sizeof(*r));
	r->address = arena_str(&m->strings, address);
	return r;
}

struct str alias_id(struct str alias, struct str *instance)
{
	size_t slash = str_rchr(alias, '/');

	*instance = slash < alias.n ? str_head(alias, slash) : STR_NONE;
	return slash < alias.n ? str_skip(alias, slash + 1) : alias;
}

void message_outcome_changed(struct message *m, const struct recipient *r)
{
	size_t at = (size_t)(r - m->rcpt);

	if (m->judge_from == m->judge_to)
		m->judge_from = m->judge_to = at;
	if (at < m->judge_from)
		m->judge_from = at;
	if (at >= m->judge_to)
		m->judge_to = at + 1;
}

void message_restored(struct message *m)
{
	memset(&m->streams, 0, sizeof(m->streams));
	/* The work column of what is over is empty. */
	if (m->closed && !m->work.waiting) {
		m->work.observed = true;
		m->work.observed_rcpt = (int)m->nrcpt;
	}
	for (size_t i = 0; i < m->nrcpt && m->work.observed; i++)
		m->rcpt[i].judged = m->rcpt[i].status;
	for (size_t i = 0; i < m->nrcpt && i < m->work.novel.n; i++)
		m->rcpt[i].novel = m->work.novel.p[i] == '1';
}

/* ---- the work column ---- */

enum work_type { WORK_NUM, WORK_STR, WORK_FLAG, WORK_INT };

static const struct work_field {
	const char *key;
	enum work_type type;
	size_t offset;
} work_fields[] = {
	{ "nrcpt", WORK_NUM, offsetof(struct message_work, nrcpt) },
	{ "to", WORK_STR, offsetof(struct message_work, header_to) },
	{ "xphp", WORK_STR, offsetof(struct message_work, xphp) },
	{ "ref", WORK_STR, offsetof(struct message_work, ref) },
	{ "waiting", WORK_FLAG, offsetof(struct message_work, waiting) },
	{ "no-end", WORK_FLAG, offsetof(struct message_work, no_end) },
	{ "forward", WORK_STR, offsetof(struct message_work, forward) },
	{ "process", WORK_NUM, offsetof(struct message_work, process) },
	{ "ids", WORK_INT, offsetof(struct message_work, ids_open) },
	{ "observed", WORK_FLAG, offsetof(struct message_work, observed) },
	{ "told", WORK_INT, offsetof(struct message_work, observed_rcpt) },
	{ "novel", WORK_STR, offsetof(struct message_work, novel) },
	{ NULL, WORK_NUM, 0 },
};

static bool plain_byte(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '%';
}

static size_t percent_encode(struct str s, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	char *at = out;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (plain_byte(c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return (size_t)(at - out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct str percent_decode(struct str s, struct arena *to)
{
	char *out = arena_alloc(to, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 &&
		    hex_digit(s.p[i + 2]) >= 0) {
			out[n++] = (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	out[n] = 0;
	return (struct str){ out, n };
}

static int64_t work_number(const struct message_work *w, const struct work_field *f)
{
	const char *at = (const char *)w + f->offset;

	switch (f->type) {
	case WORK_NUM:
		return *(const int64_t *)(const void *)at;
	case WORK_FLAG:
		return *(const bool *)(const void *)at;
	case WORK_INT:
		return *(const int *)(const void *)at;
	case WORK_STR:
		break;
	}
	return 0;
}

static void work_set_number(struct message_work *w, const struct work_field *f, int64_t v)
{
	char *at = (char *)w + f->offset;

	switch (f->type) {
	case WORK_NUM:
		*(int64_t *)(void *)at = v;
		break;
	case WORK_FLAG:
		*(bool *)(void *)at = v != 0;
		break;
	case WORK_INT:
		*(int *)(void *)at = (int)v;
		break;
	case WORK_STR:
		break;
	}
}

static struct str work_text(const struct message_work *w, const struct work_field *f)
{
	return *(const struct str *)(const void *)((const char *)w + f->offset);
}

/* What message_new() sets, and so what need not be written. */
static int64_t usual(const struct work_field *f)
{
	return f->type == WORK_NUM ? -1 : 0;
}

/* Which recipients were novel when the detector was told of them. */
static struct str novel_pack(const struct message *m, struct arena *to)
{
	size_t n = (size_t)m->work.observed_rcpt, any = 0;
	char *out = n ? arena_alloc(to, n) : NULL;

	for (size_t i = 0; i < n && i < m->nrcpt; i++) {
		out[i] = m->rcpt[i].novel ? '1' : '0';
		any += m->rcpt[i].novel;
	}
	return any ? (struct str){ out, n < m->nrcpt ? n : m->nrcpt } : STR_NONE;
}

static struct str work_pack(const struct message *m, struct arena *to)
{
	size_t room = 1, n = 0;
	char *out;

	for (const struct work_field *f = work_fields; f->key; f++)
		room += 32 + (f->type == WORK_STR ? 3 * work_text(&m->work, f).n : 0);
	out = arena_alloc(to, room);
	for (const struct work_field *f = work_fields; f->key; f++) {
		int64_t v = f->type == WORK_STR ? 0 : work_number(&m->work, f);

		if (f->type == WORK_STR ? !work_text(&m->work, f).n : v == usual(f))
			continue;
		n += (size_t)snprintf(out + n, room - n, "%s ", f->key);
		if (f->type == WORK_STR)
			n += percent_encode(work_text(&m->work, f), out + n);
		else
			n += (size_t)snprintf(out + n, room - n, "%lld", (long long)v);
		out[n++] = '\n';
	}
	return (struct str){ out, n };
}

struct str message_evidence_pack(const struct message *m, struct arena *to)
{
	struct message only = { .work = { .nrcpt = -1, .process = -1, .xphp = m->work.xphp,
					  .ref = m->work.ref } };

	return work_pack(&only, to);
}

struct str message_work_pack(const struct message *m, struct arena *to)
{
	struct message with = *m;

	with.work.novel = novel_pack(m, to);
	return work_pack(&with, to);
}

static void work_unpack_line(struct message *m, struct str line)
{
	size_t blank = str_chr(line, ' ');
	struct str key = str_head(line, blank), value = str_skip(line, blank + 1);
	int64_t v;

	for (const struct work_field *f = work_fields; f->key; f++) {
		if (!str_eq(key, str_of(f->key)))
			continue;
		if (f->type == WORK_STR)
			*(struct str *)(void *)((char *)&m->work + f->offset) =
				percent_decode(value, &m->strings);
		else if (str_eq(value, STR("-1")))
			work_set_number(&m->work, f, -1);
		else if (str_int(value, &v))
			work_set_number(&m->work, f, v);
	}
}

void message_work_unpack(struct message *m, struct str packed)
{
	while (packed.n) {
		size_t n = str_chr(packed, '\n');

		work_unpack_line(m, str_head(packed, n));
		packed = str_skip(packed, n + 1);
	}
}

/* ---- PHP lines ---- */

struct php_mail *php_mail_new(void)
{
	struct php_mail *p = xcalloc(1, sizeof(*p));

	p->script_line = p->uid = -1;
	return p;
}

void php_mail_free(struct php_mail *p)
{
	if (!p)
		return;
	arena_release(&p->strings);
	free(p);
}
