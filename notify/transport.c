/* Ways to a mail server.
 *
 * Invariants: an address is an argument, never an option and never a command of SMTP; the
 * text has one kind of line end, so that none of its lines is taken for the end of it. */
#include "notify/transport.h"

#include <stdlib.h>

#include "base/arena.h"
#include "notify/child.h"
#include "notify/net.h"

/* sendmail(8) writes the mail to its queue. */
#define SENDMAIL_TIMEOUT (60 * USEC_SECOND)
/* Longest address, RFC 5321. */
#define ADDRESS_MAX 320

bool transport_is_set_up(const struct settings *s)
{
	return *s->alerts.smtp || *s->alerts.sendmail;
}

/* Settings are checked when they are read; here it is what a mistake elsewhere would cost. */
static bool is_harmless(const char *address)
{
	if (!*address || *address == '-' || strlen(address) > ADDRESS_MAX)
		return false;
	for (const char *c = address; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '<' || *c == '>')
			return false;
	return true;
}

static bool are_harmless(const char *from, const struct string_list *to)
{
	bool good = is_harmless(from) && to->n;

	for (size_t i = 0; i < to->n; i++)
		good = good && is_harmless(to->at[i]);
	return good;
}

/* The text with `end` for each CR LF, LF or CR. */
static struct str with_ends(struct str text, struct str end, struct arena *to)
{
	char *p = arena_alloc(to, 2 * text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' && text.p[i] != '\n') {
			p[n++] = text.p[i];
			continue;
		}
		if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			i++;
		memcpy(p + n, end.p, end.n);
		n += end.n;
	}
	return (struct str){ p, n };
}

/* --- sendmail ---- */

/* What would be the same next time, of sysexits(3): wrong usage (argv is ours), a text it
 * does not take, no such user. All others can be put right, and some send mail later on. */
static enum handed judge_status(int status)
{
	if (status == 0)
		return HANDED_OVER;
	return status == 64 || status == 65 || status == 67 ? HANDED_NEVER : HANDED_LATER;
}

static enum handed run_sendmail(const struct settings *s, struct str mail, const char *from,
				const struct string_list *to, struct arena *a, struct error *err)
{
	const char **argv = arena_alloc(a, (to->n + 6) * sizeof(*argv));
	struct child c = { .argv = argv, .timeout = SENDMAIL_TIMEOUT };
	size_t n = 0;
	enum handed result;

	argv[n++] = s->alerts.sendmail;
	argv[n++] = "-i";
	argv[n++] = "-f";
	argv[n++] = from;
	argv[n++] = "--";
	for (size_t i = 0; i < to->n; i++)
		argv[n++] = to->at[i];
	argv[n] = NULL;
	c.input = with_ends(mail, STR("\n"), a);
	if (child_run(&c, err) < 0)
		return HANDED_LATER;
	result = judge_status(c.status);
	if (result != HANDED_OVER)
		child_complain(&c, err);
	return result;
}

/* --- SMTP ---- */

/* A server elsewhere does not know whose users are meant. */
static const char *with_domain(const char *address, const struct settings *s, struct arena *a)
{
	size_t n = strlen(address), host = strlen(s->hostname);
	char *full;

	if (strchr(address, '@'))
		return address;
	full = arena_alloc(a, n + host + 2);
	memcpy(full, address, n);
	full[n] = '@';
	memcpy(full + n + 1, s->hostname, host + 1);
	return full;
}

static enum handed speak_smtp(const struct settings *s, struct str mail, const char *from,
			      const struct string_list *to, struct arena *a, struct error *err)
{
	struct string_list full = { arena_alloc(a, to->n * sizeof(*full.at)), to->n };
	struct net_mail m = { with_ends(mail, STR("\r\n"), a), with_domain(from, s, a), &full };

	for (size_t i = 0; i < to->n; i++)
		full.at[i] = with_domain(to->at[i], s, a);
	return net_submit(s, &m, err);
}

enum handed transport_send(const struct settings *s, struct str mail, const char *from,
			   const struct string_list *to, struct error *err)
{
	struct arena a = { 0 };
	enum handed result = HANDED_NEVER;

	if (!are_harmless(from, to))
		error_set(err, EXIT_CONFIG, "not an address, or none, to send to or from");
	else if (*s->alerts.smtp)
		result = speak_smtp(s, mail, from, to, &a, err);
	else
		result = run_sendmail(s, mail, from, to, &a, err);
	arena_release(&a);
	return result;
}
