/* Alerts in the journal, with fields to ask by; or as one line of syslog.
 *
 * Invariants: where nobody listens there is nobody to tell, and that is no failure. Its
 * facility is daemon, not mail, so that the line does not come back in a mail log that is
 * followed. It takes some seconds at most. */
#include "notify/channel.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

/* mailaudit-notify(8) and systemd/mailaudit.catalog have the same. */
static const char *const message_ids[] = {
	[CHANGE_NONE] = NULL,
	[CHANGE_OPENED] = "0d38439eaf93487fbd73d7d6775cd918",
	[CHANGE_UPDATED] = "15406d174fd2485789a2998be829b9dd",
	[CHANGE_REOPENED] = "23cf5c487d65453b9432525199d40b10",
	[CHANGE_WENT_QUIET] = "d507f06c7ae54d89ba6392e4bbba8863",
	[CHANGE_CLOSED] = "c07bc16cf7734408aea1822269bc3e76",
};

/* Longest line of syslog; what is more is cut. */
#define LINE_MAX_BYTES 2000

static bool wanted(const struct settings *s)
{
	return s->alerts.journal;
}

static struct str fact(const struct handover *h, const char *name)
{
	return tree_show(tree_get(h->facts, str_of(name)));
}

static int priority_of(const struct handover *h)
{
	if (h->change == CHANGE_WENT_QUIET || h->change == CHANGE_CLOSED)
		return LOG_NOTICE;
	return str_eq(fact(h, "severity"), STR("critical")) ? LOG_CRIT : LOG_WARNING;
}

static FILE *open_text(char **text, size_t *n)
{
	FILE *out = open_memstream(text, n);

	if (!out)
		bug("out of memory");
	return out;
}

/* "alert 12 opened, case 4: ..." on the heap. */
static char *sentence(const struct handover *h)
{
	char *text;
	size_t n;
	FILE *out = open_text(&text, &n);

	fprintf(out, "alert %lld %s, case %.*s: %.*s", (long long)h->alert,
		alert_change_name[h->change], STR_ARG(fact(h, "case")),
		STR_ARG(fact(h, "summary")));
	fclose(out);
	return text;
}

/* --- syslog ---- */

/* What a log names comes last: what reads the line from its start is not misled. */
static void tell_syslog(const struct handover *h, const char *message)
{
	char *text, line[LINE_MAX_BYTES];
	size_t n;
	FILE *out = open_text(&text, &n);

	fprintf(out, "alert=%lld version=%lld event=%s severity=%.*s messages=%.*s "
		     "recipients=%.*s account=%.*s login=%.*s: %s", (long long)h->alert,
		(long long)h->version, alert_change_name[h->change],
		STR_ARG(fact(h, "severity")), STR_ARG(fact(h, "messages")),
		STR_ARG(fact(h, "recipients")), STR_ARG(fact(h, "account")),
		STR_ARG(fact(h, "login")), message);
	fclose(out);
	log_escape((struct str){ text, n }, line, sizeof(line));
	free(text);
	openlog("mailaudit", LOG_PID, LOG_DAEMON);
	syslog(priority_of(h), "%s", line);
	closelog();
}

/* --- the journal ---- */

#ifdef HAVE_SYSTEMD
/* Where it was logged from says nothing about an alert. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* sd_journal_sendv() tells nothing where there is no journal. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define FIELDS_MAX 20

struct entry {
	struct iovec fields[FIELDS_MAX];
	int n;
};

static void add(struct entry *e, const char *name, struct str value)
{
	size_t length = strlen(name);
	char *p;

	if (!value.n)
		return;
	if (e->n == FIELDS_MAX)
		bug("more fields than there is room for");
	p = xmalloc(length + 1 + value.n);
	memcpy(p, name, length);
	p[length] = '=';
	memcpy(p + length + 1, value.p, value.n);
	e->fields[e->n++] = (struct iovec){ p, length + 1 + value.n };
}

static void add_number(struct entry *e, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	add(e, name, str_of(digits));
}

static void add_all(struct entry *e, const struct handover *h, const char *message)
{
	static const char *const facts[][2] = {
		{ "MAILAUDIT_CASE", "case" },	      { "MAILAUDIT_SEVERITY", "severity" },
		{ "MAILAUDIT_ACCOUNT", "account" },   { "MAILAUDIT_LOGIN", "login" },
		{ "MAILAUDIT_SCRIPT", "script" },     { "MAILAUDIT_MESSAGES", "messages" },
		{ "MAILAUDIT_RECIPIENTS", "recipients" }, { "MAILAUDIT_SUMMARY", "summary" },
	};

	add(e, "MESSAGE", str_of(message));
	add(e, "MESSAGE_ID", str_of(message_ids[h->change]));
	add_number(e, "PRIORITY", priority_of(h));
	add_number(e, "SYSLOG_FACILITY", LOG_DAEMON >> 3);
	add(e, "SYSLOG_IDENTIFIER", STR("mailaudit"));
	add_number(e, "MAILAUDIT_ALERT", h->alert);
	add_number(e, "MAILAUDIT_VERSION", h->version);
	add(e, "MAILAUDIT_EVENT", str_of(alert_change_name[h->change]));
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		add(e, facts[i][0], fact(h, facts[i][1]));
}

static bool tell_journal(const struct handover *h, const char *message)
{
	struct entry e = { .n = 0 };
	bool told;

	if (access(JOURNAL_SOCKET, W_OK) < 0)
		return false;
	add_all(&e, h, message);
	told = sd_journal_sendv(e.fields, e.n) >= 0;
	while (e.n)
		free(e.fields[--e.n].iov_base);
	return told;
}
#else
static bool tell_journal(const struct handover *h, const char *message)
{
	(void)h, (void)message, (void)message_ids;
	return false;
}
#endif

/* --- patience ---- */

/* A journal that is stopped, but there, takes a call and does not answer it. */
#define PATIENCE_SECONDS 5

static volatile sig_atomic_t out_of_patience;

static void lose_patience(int signal_number)
{
	(void)signal_number;
	out_of_patience = 1;
}

/* Breaks off calls that wait, again and again until 0 is set. */
static void set_patience(int seconds)
{
	struct itimerval timer = { { seconds, 0 }, { seconds, 0 } };
	struct sigaction action = { .sa_handler = lose_patience };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static enum handed hand_over(const struct handover *h, struct error *err)
{
	char *message = sentence(h);

	out_of_patience = 0;
	set_patience(PATIENCE_SECONDS);
	if (!tell_journal(h, message) && !out_of_patience)
		tell_syslog(h, message);
	set_patience(0);
	free(message);
	if (!out_of_patience)
		return HANDED_OVER;
	error_set(err, EXIT_AGAIN, "neither journal nor syslog takes anything");
	return HANDED_LATER;
}

const struct notify_channel channel_journal = {
	.name = "journal",
	.wanted = wanted,
	.ends = true,
	.hand_over = hand_over,
};
