/* compose DATABASE SETTINGS WHAT [ALERT...]: prints what `mailaudit notify` would hand over.
 *
 * WHAT: alert, owner, facts (of one alert), digest, digest-facts (of these alerts), summary,
 * summary-facts. The clock is the newest mail's. Driven by mail_format.py. */
#include <stdio.h>
#include <stdlib.h>

#include "notify/facts.h"
#include "notify/mail.h"

#define MAX_ALERTS 1000

struct job {
	const struct settings *settings;
	struct report *report;
	struct error err;
	usec_t now;
	struct tree *facts;
};

static _Noreturn void fail(const struct error *err)
{
	fprintf(stderr, "compose: %s\n", err->text);
	exit(err->code ? err->code : 1);
}

static bool take_alert(void *context, const struct alert *a, int64_t findings, int64_t waiting)
{
	struct job *job = context;
	enum alert_change change = a->version > 1 ? CHANGE_UPDATED : CHANGE_OPENED;

	(void)findings;
	(void)waiting;
	job->now = a->last_seen + USEC_MINUTE;
	job->facts = facts_of_alert(job->report, job->settings, a, a->version, change, job->now,
				    &job->err);
	return true;
}

static bool take_time(void *context, const struct alert *a, int64_t findings, int64_t waiting)
{
	struct job *job = context;

	(void)findings;
	(void)waiting;
	if (a->last_seen > job->now)
		job->now = a->last_seen;
	return true;
}

static void find_facts(struct job *job, const char *what, char **ids, int nids)
{
	struct alert_filter all = { .limit = 0 };
	int64_t id[MAX_ALERTS] = { 0 };

	for (int i = 0; i < nids && i < MAX_ALERTS; i++)
		str_int(str_of(ids[i]), &id[i]);
	report_alerts(job->report, &all, take_time, job, &job->err);
	if (strncmp(what, "digest", 6) == 0)
		job->facts = facts_of_digest(job->report, job->settings, id, (size_t)nids, nids,
					     job->now, &job->err);
	else if (strncmp(what, "summary", 7) == 0)
		job->facts = facts_of_summary(job->report, job->settings, job->now - USEC_DAY,
					      job->now + USEC_SECOND, &job->err);
	else
		report_alert(job->report, id[0], take_alert, job, &job->err);
	if (!job->facts)
		fail(&job->err);
}

static enum mail_kind kind_of(const char *what)
{
	static const char *const names[] = { "alert", "owner", "digest", "summary" };

	for (int i = 0; i < 4; i++)
		if (strcmp(what, names[i]) == 0)
			return (enum mail_kind)i;
	fprintf(stderr, "compose: what is %s?\n", what);
	exit(64);
}

int main(int argc, char **argv)
{
	struct job job = { .now = 0 };
	struct mail mail;
	struct settings *s;
	char *json;

	if (argc < 4)
		return 64;
	s = settings_load(argv[2], &job.err);
	job.settings = s;
	if (s)
		job.report = report_open(argv[1], &job.err);
	if (!job.report)
		fail(&job.err);
	find_facts(&job, argv[3], argv + 4, argc - 4);
	if (strstr(argv[3], "facts")) {
		json = tree_json(job.facts);
		puts(json);
		free(json);
	} else {
		mail = mail_compose(kind_of(argv[3]), job.facts, s, &s->alerts.to,
				    "mailaudit.1.1@host.example", job.now, &job.err);
		if (!mail.text)
			fail(&job.err);
		fwrite(mail.text, 1, mail.n, stdout);
		mail_release(&mail);
	}
	tree_free(job.facts);
	report_close(job.report);
	settings_free(s);
	return 0;
}
