/* A database with one alert and the mail behind it, for test_facts.c and test_mail.c. */
#ifndef MAILAUDIT_TESTS_UNIT_ALERTED_H
#define MAILAUDIT_TESTS_UNIT_ALERTED_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/stream.h"
#include "notify/facts.h"
#include "schema/decide.h"
#include "schema/store.h"

#define T0 ((usec_t)1795548900 * USEC_SECOND) /* 2026-11-24T19:35:00Z */

struct alerted {
	char dir[64], path[96];
	struct settings *settings;
	struct report *report;
	int64_t next_message;
};

static void must(bool yes, const struct error *err)
{
	if (!yes)
		fail_msg("%s", err->text);
}

static struct message *mail_of(struct alerted *a, usec_t when, struct str account, struct str login,
			       struct str script, int recipients)
{
	struct message *m = message_new();
	char text[40];

	m->id = a->next_message++;
	m->time = when;
	m->host = STR("web1");
	snprintf(text, sizeof(text), "%XABCDE", (unsigned)(0x10000 + m->id));
	m->queue_id = arena_str(&m->strings, str_of(text));
	m->direction = DIR_OUTBOUND;
	m->channel = login.n ? CHANNEL_AUTH : CHANNEL_LOCAL;
	m->account = account;
	m->via = login.n ? VIA_SASL : VIA_UID;
	m->login = login;
	m->script = script;
	m->script_line = script.n ? 7 : -1;
	m->sender = STR("x@shop.example");
	for (int i = 0; i < recipients; i++) {
		snprintf(text, sizeof(text), "t%d@dest.example", i);
		message_recipient_add(m, arena_str(&m->strings, str_of(text)))->status =
			i ? RCPT_SENT : RCPT_DEFERRED;
	}
	m->state = MSG_OPEN; /* one recipient waits */
	return m;
}

static void put_mail(struct store *s, struct message **list, size_t n)
{
	struct error err = { 0 };
	struct batch b = { .messages = list, .nmessages = n, .watermark = T0 };

	must(store_commit(s, &b, &err) == 0, &err);
	for (size_t i = 0; i < n; i++)
		message_free(list[i]);
}

/* The findings, and a stream that usually has `usual` recipients in the hour of T0. */
static void put_findings(struct store *s, struct finding **list, size_t n, float usual)
{
	struct stream *stream = stream_new(list[0]->stream_key);
	struct arena arena = { 0 };
	struct error err = { 0 };
	struct stream_row row;
	struct batch b = { .findings = list, .nfindings = n, .streams = &row, .nstreams = 1,
			   .watermark = T0 };

	stream->usual_all[T0 / USEC_HOUR % 24] = usual;
	row = (struct stream_row){ list[0]->stream, list[0]->stream_key,
				   stream_pack(stream, &arena), T0 };
	must(store_commit(s, &b, &err) == 0, &err);
	arena_release(&arena);
	stream_free(stream);
}

static struct store *alerted_start(struct alerted *a, const char *settings)
{
	struct error err = { 0 };
	struct store *s;

	*a = (struct alerted){ .next_message = 1 };
	snprintf(a->dir, sizeof(a->dir), "/tmp/test_alerted.XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	snprintf(a->path, sizeof(a->path), "%s/db", a->dir);
	a->settings = settings_parse(str_of(settings), "test", a->dir, &err);
	must(a->settings, &err);
	s = store_open(a->path, &err);
	must(s, &err);
	return s;
}

/* Closes the store; makes one alert of these findings, and frees them. */
static struct alert *alerted_raise(struct alerted *a, struct store *s, struct finding **list,
				   size_t n)
{
	struct alert *alert = alert_new();
	struct alert_look look = { 0 };
	struct error err = { 0 };
	struct decide *d;

	store_close(s);
	d = decide_open(a->path, &err);
	must(d, &err);
	alert->subject = alert_subject(list[0], &alert->strings);
	alert->account = arena_str_or_none(&alert->strings, list[0]->account);
	for (size_t i = 0; i < n; i++)
		alert_look_at(&look, list[i]);
	alert_step(alert, &look, T0, T0 + USEC_SECOND);
	must(decide_put_alert(d, alert, &err) == 0, &err);
	for (size_t i = 0; i < n; i++) {
		must(decide_join(d, list[i]->id, alert->id, &err) == 0, &err);
		finding_free(list[i]);
	}
	arena_release(&look.strings);
	decide_close(d);
	a->report = report_open(a->path, &err);
	must(a->report, &err);
	return alert;
}

static void alerted_end(struct alerted *a)
{
	struct dirent *entry;
	char path[400];
	DIR *d = opendir(a->dir);

	report_close(a->report);
	settings_free(a->settings);
	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", a->dir, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(a->dir);
}

/* A finding of a stolen login. */
static struct finding *stolen(int64_t id)
{
	struct finding *f = finding_new();

	f->id = id;
	f->stream = 1;
	f->stream_key = STR("login\ncarol\ninfo@shop.example");
	f->time = f->first_seen = T0 - 41 * USEC_SECOND;
	f->last_seen = T0;
	f->severity = SEVERITY_CRITICAL;
	f->verdict = CASE_STOLEN;
	f->host = STR("web1");
	f->account = STR("carol");
	f->login = STR("info@shop.example");
	f->script_line = -1;
	f->messages = 9;
	f->recipients = 12;
	f->novel = 11;
	f->leaked_before = 4;
	f->results = 12;
	f->unknown_users = 3;
	f->summary = STR("login info@shop.example: 9 messages");
	f->evidence = STR("volume 14.9: much\norigin: strange");
	f->why = STR("not a script (3)");
	f->advice = STR("change the password");
	f->sources = STR("203.0.113.7 VN AS131429 5 messages\n198.51.100.9 BR 2 messages\n"
			 "192.0.2.1 - 1 message, its own\n203.0.113.8 VN 1 message");
	f->answers = STR("3 550 5.1.1 no such user");
	f->queue_ids = STR("4jYtNf0DJ3z3C\n4jYtNf0cHQz3M");
	f->subjects = STR("Your parcel");
	return f;
}

#endif
