/* Messages as they are completed and findings as they are raised, one line each.
 *
 * Invariant: a message is printed once (as far as the last few thousand are
 * concerned), and no byte of a log reaches the terminal unescaped. */
#include "daemon/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"

#define SHOWN_MAX 4096

struct show {
	const struct zone *zone;
	int64_t shown[SHOWN_MAX]; /* ids, by id modulo SHOWN_MAX */
};

struct show *show_new(void)
{
	struct show *s = xcalloc(1, sizeof(*s));

	s->zone = zone_find(STR("local"));
	if (!s->zone)
		s->zone = zone_utc();
	return s;
}

void show_free(struct show *s)
{
	free(s);
}

/* Outcomes other than "all sent" as " 1 bounced 2 deferred". */
static void print_outcomes(const struct message *m)
{
	for (int status = 0; status <= RCPT_REJECTED; status++) {
		int n = 0;

		for (size_t i = 0; i < m->nrcpt; i++)
			n += (int)m->rcpt[i].status == status;
		if (n && status != RCPT_SENT)
			printf(", %d %s", n, rcpt_status_name[status]);
	}
}

static struct str origin_of(const struct message *m)
{
	if (m->script.n)
		return m->script;
	return m->login.n ? m->login : m->sender;
}

static void print_message(const struct show *s, const struct message *m)
{
	char time[STAMP_TEXT], account[64], origin[160], subject[120];
	size_t recipients = m->nrcpt + m->rcpt_dropped;

	log_escape(m->account, account, sizeof(account));
	log_escape(origin_of(m), origin, sizeof(origin));
	log_escape(m->subject, subject, sizeof(subject));
	printf("%s  %-14s %-7s %s  %zu rcpt", stamp_show(m->time, s->zone, time),
	       *account ? account : "-", via_name[m->via], *origin ? origin : "-", recipients);
	print_outcomes(m);
	printf("  %s\n", subject);
}

static bool is_shown(struct show *s, const struct message *m)
{
	int64_t *slot = &s->shown[m->id % SHOWN_MAX];

	if (m->closed == 0 || *slot == m->id ||
	    (m->direction != DIR_OUTBOUND && m->direction != DIR_FORWARDED))
		return false;
	*slot = m->id;
	return true;
}

static void print_finding(const struct show *s, const struct finding *f)
{
	char time[STAMP_TEXT], account[64], summary[400];

	log_escape(f->account, account, sizeof(account));
	log_escape(f->summary, summary, sizeof(summary));
	printf("%s  %-14s %s %s, %s: %s\n", stamp_show(f->time, s->zone, time),
	       *account ? account : "-", f->severity == SEVERITY_CRITICAL ? "CRITICAL" : "WARNING",
	       finding_case_name[f->verdict], finding_case_title[f->verdict], summary);
}

void show_batch(void *show, const struct batch *b)
{
	struct show *s = show;

	for (size_t i = 0; i < b->nmessages; i++)
		if (is_shown(s, b->messages[i]))
			print_message(s, b->messages[i]);
	for (size_t i = 0; i < b->nfindings; i++)
		if (!b->findings[i]->stored)
			print_finding(s, b->findings[i]);
	fflush(stdout);
}
