/* OpenSMTPD's sessions: who sent a message is told in other lines than the message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/detect.h"
#include "core/notes.h"
#include "parsers/parsers.h"

static const char passwd[] = "alice:x:5101:5101::/home/alice:/bin/sh\n"
			     "bob:x:5102:5102::/home/bob:/bin/sh\n"
			     "www-data:x:33:33::/var/www:/bin/sh\n";
static const char domains[] = "shop.example: bob\n";
static const char logins[] = "info@shop.example: bob\n";

struct world {
	struct settings *settings;
	struct accounts *accounts;
	struct pipeline *pipeline;
	struct pipeline_source *mta, *php;
};

static struct pipeline_source *add(struct world *w, const char *name, const char *format)
{
	struct source_setup setup = { .name = str_of(name),
				      .format = str_of(format),
				      .journal = strcmp(name, "journal") == 0,
				      .zone = zone_utc(),
				      .near = 1795435200 * USEC_SECOND, /* 2026-11-23 */
				      .host = STR("host") };

	return pipeline_source_add(w->pipeline, &setup);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct map_text maps[] = { { "passwd", "passwd", str_of(passwd), NULL },
				   { "domains", "domains", str_of(domains), NULL },
				   { "logins", "logins", str_of(logins), NULL } };
	struct error err;

	w->settings = settings_parse(STR("store: all\n"), "test", NULL, &err);
	assert_non_null(w->settings);
	w->accounts = accounts_new(w->settings, maps, 3);
	w->pipeline = pipeline_new(w->settings, w->accounts, all_parsers,
				   (struct row_source){ .load = NULL });
	w->mta = add(w, "mail.log", "auto");
	w->php = add(w, "php.log", "php");
	pipeline_at_end(w->mta, true);
	pipeline_at_end(w->php, true);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	pipeline_free(w->pipeline);
	accounts_free(w->accounts);
	settings_free(w->settings);
	free(w);
	return 0;
}

static void push(struct pipeline_source *s, const char *text)
{
	pipeline_push(s, text, strlen(text));
}

static struct batch *batch(struct world *w)
{
	while (pipeline_run(w->pipeline, 1000))
		;
	return pipeline_batch(w->pipeline);
}

static const struct message *message(const struct batch *b, const char *id)
{
	for (size_t i = 0; i < b->nmessages; i++)
		if (str_eq(b->messages[i]->queue_id, str_of(id)))
			return b->messages[i];
	return NULL;
}

#define assert_str(s, z) assert_true(str_eq((s), str_of(z)))

#define LINE(t, text) "Nov 23 " t " host smtpd[9]: " text "\n"
#define CONNECTED(t, sid, address) LINE(t, sid " smtp connected address=" address " host=h.example")
#define LOGIN(t, sid, user) LINE(t, sid " smtp authentication user=" user " result=ok")
#define ACCEPTED(t, sid, id, n) LINE(t, sid " smtp message msgid=" id " size=300 nrcpt=" n " proto=ESMTP")
#define ENVELOPE(t, sid, id, from, to) \
	LINE(t, sid " smtp envelope evpid=" id "00000001 from=<" from "> to=<" to ">")
#define CLOSED(t, sid) LINE(t, sid " smtp disconnected reason=quit")
#define RELAYED(t, id, from, to, rcpt, result, stat) \
	LINE(t, "00000000000000ff mta delivery evpid=" id "00000001 from=<" from "> to=<" to \
		"> rcpt=<" rcpt "> source=\"-\" relay=\"198.51.100.1 (mx.out.example)\" delay=1s" \
		" result=\"" result "\" stat=\"" stat "\"")
#define MAIL(t, sid, id, address, from, to) \
	CONNECTED(t, sid, address) ACCEPTED(t, sid, id, "1") ENVELOPE(t, sid, id, from, to) \
	CLOSED(t, sid)
#define S1 "1111111111111111"
#define S2 "2222222222222222"

static void test_session_names_client_and_login(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, CONNECTED("10:00:00", S1, "203.0.113.31") CONNECTED("10:00:00", S2, "203.0.113.9"));
	push(w->mta, LOGIN("10:00:01", S1, "info@shop.example"));
	push(w->mta, ACCEPTED("10:00:02", S1, "aaaaaaaa", "1")
		     ENVELOPE("10:00:02", S1, "aaaaaaaa", "info@shop.example", "x@out.example"));
	push(w->mta, RELAYED("10:00:03", "aaaaaaaa", "info@shop.example", "x@out.example", "-", "Ok",
			     "250 2.0.0 ok"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->channel, CHANNEL_AUTH);
	assert_str(m->login, "info@shop.example");
	assert_str(m->client_ip, "203.0.113.31");
	assert_str(m->client_name, "h.example");
	assert_str(m->account, "bob");
	assert_str(m->sender, "info@shop.example");
	assert_int_equal(m->state, MSG_DONE);
	assert_int_equal(m->rcpt[0].status, RCPT_SENT);
}

static void test_ended_session_says_nothing_of_the_next(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, CONNECTED("10:00:00", S1, "203.0.113.31") LOGIN("10:00:01", S1, "info@shop.example")
		     CLOSED("10:00:02", S1));
	push(w->mta, ACCEPTED("10:00:03", S1, "aaaaaaaa", "1"));
	push(w->mta, MAIL("10:00:04", S1, "bbbbbbbb", "203.0.113.9", "a@b.example", "x@out.example"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->channel, CHANNEL_NONE);
	assert_int_equal(m->login.n, 0);
	m = message(batch(w), "bbbbbbbb");
	assert_int_equal(m->channel, CHANNEL_SMTP);
	assert_str(m->client_ip, "203.0.113.9");
}

static void test_session_lives_while_a_large_mail_comes(void **state)
{
	struct world *w = *state;

	push(w->mta, CONNECTED("10:00:00", S1, "203.0.113.31") LOGIN("10:00:01", S1, "info@shop.example"));
	push(w->mta, LINE("10:50:00", "info: mda paused"));
	push(w->mta, ACCEPTED("10:50:01", S1, "aaaaaaaa", "1"));
	push(w->mta, LINE("11:45:00", "info: mda paused"));
	push(w->mta, ACCEPTED("11:45:01", S1, "bbbbbbbb", "1"));
	assert_str(message(batch(w), "aaaaaaaa")->login, "info@shop.example");
	assert_str(message(batch(w), "bbbbbbbb")->login, "info@shop.example");
	push(w->mta, LINE("13:00:00", "info: mda paused"));
	push(w->mta, ACCEPTED("13:00:01", S1, "cccccccc", "1"));
	assert_int_equal(message(batch(w), "cccccccc")->login.n, 0);
}

static void test_sessions_are_bounded(void **state)
{
	struct world *w = *state;
	char line[128];

	for (int i = 0; i < NOTES_MAX_SESSIONS + 100; i++) {
		snprintf(line, sizeof(line), CONNECTED("10:00:00", "%016x", "203.0.113.31"), i);
		push(w->mta, line);
		if (i % 100 == 0)
			batch(w);
	}
	push(w->mta, LINE("10:00:01", "info: mda paused"));
	assert_int_equal(batch(w)->nnotes, NOTES_MAX_SESSIONS);
	push(w->mta, ACCEPTED("10:00:01", "0000000000000001", "aaaaaaaa", "1")
		     ACCEPTED("10:00:01", "0000000000002000", "bbbbbbbb", "1"));
	assert_int_equal(message(batch(w), "aaaaaaaa")->channel, CHANNEL_NONE);
	assert_int_equal(message(batch(w), "bbbbbbbb")->channel, CHANNEL_SMTP);
}

static void test_no_account_is_made_up(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, MAIL("10:00:00", S1, "aaaaaaaa", "local", "alice@host.example", "x@out.example"));
	push(w->mta, MAIL("10:00:00", S2, "bbbbbbbb", "local", "info@shop.example", "x@out.example"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->channel, CHANNEL_LOCAL);
	assert_int_equal(m->uid, -1);
	assert_int_equal(m->user.n, 0);
	assert_int_equal(m->account.n, 0);
	assert_int_equal(m->via, VIA_NONE);
	m = message(batch(w), "bbbbbbbb");
	assert_str(m->account, "bob");
	assert_int_equal(m->via, VIA_DOMAIN);
}

#define PHP(t, path) \
	"[23-Nov-2026 " t " UTC] mail() on [" path ":7]: To: x@out.example -- Headers:  -- Subject: S\n"

static void test_php_line_beats_the_sender(void **state)
{
	struct world *w = *state;
	const struct message *m;

	/* alice's script names bob's domain as sender. */
	push(w->php, PHP("10:00:00", "/home/alice/a.php"));
	push(w->mta, MAIL("10:00:00", S1, "aaaaaaaa", "local", "info@shop.example", "x@out.example"));
	m = message(batch(w), "aaaaaaaa");
	assert_str(m->account, "alice");
	assert_str(m->script, "/home/alice/a.php");
	assert_int_equal(m->via, VIA_PHPLOG);
	assert_false(m->ambiguous);
}

static void test_sender_decides_between_scripts_of_two(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->php, PHP("10:00:00", "/home/alice/a.php") PHP("10:00:00", "/home/bob/b.php"));
	push(w->mta, MAIL("10:00:01", S1, "aaaaaaaa", "local", "info@shop.example", "x@out.example"));
	push(w->mta, MAIL("10:00:01", S2, "bbbbbbbb", "local", "alice@host.example", "x@out.example"));
	b = batch(w);
	assert_str(message(b, "aaaaaaaa")->account, "bob");
	assert_str(message(b, "bbbbbbbb")->account, "alice");
	assert_false(message(b, "aaaaaaaa")->ambiguous);
}

static void test_undecided_between_scripts_of_two_is_told(void **state)
{
	struct world *w = *state;

	push(w->php, PHP("10:00:00", "/home/alice/a.php") PHP("10:00:00", "/home/bob/b.php"));
	push(w->mta, MAIL("10:00:01", S1, "aaaaaaaa", "local", "x@elsewhere.example", "x@out.example"));
	assert_true(message(batch(w), "aaaaaaaa")->ambiguous);
}

static void test_refused_in_a_session(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, CONNECTED("10:00:00", S1, "203.0.113.31") LOGIN("10:00:01", S1, "info@shop.example")
		     CONNECTED("10:00:00", S2, "203.0.113.9"));
	push(w->mta, LINE("10:00:02", S1 " smtp failed-command command=\"RCPT TO:<x@out.example>\""
					 " result=\"550 5.7.1 no\""));
	push(w->mta, LINE("10:00:02", S2 " smtp failed-command command=\"RCPT TO:<y@out.example>\""
					 " result=\"550 5.7.1 no\""));
	assert_int_equal(batch(w)->nmessages, 1);
	m = message(batch(w), "NOQUEUE");
	assert_str(m->login, "info@shop.example");
	assert_str(m->account, "bob");
	assert_str(m->rcpt[0].address, "x@out.example");
	assert_int_equal(m->rcpt[0].status, RCPT_REJECTED);
	assert_int_equal(m->state, MSG_REJECTED);
}

static void test_alias_opens_the_message_again(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, MAIL("10:00:00", S1, "aaaaaaaa", "local", "info@shop.example", "all@shop.example"));
	push(w->mta, RELAYED("10:00:01", "aaaaaaaa", "info@shop.example", "a@out.example", "all@shop.example",
			     "Ok", "250 ok"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->state, MSG_DONE);
	push(w->mta, RELAYED("10:00:02", "aaaaaaaa", "info@shop.example", "b@out.example", "all@shop.example",
			     "TempFail", "451 later"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->state, MSG_OPEN);
	assert_int_equal(m->closed, 0);
	assert_int_equal(m->nrcpt, 2);
	/* long after an ended message would have been forgotten */
	push(w->mta, RELAYED("12:00:02", "aaaaaaaa", "info@shop.example", "b@out.example", "all@shop.example",
			     "Ok", "250 ok"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->state, MSG_DONE);
	assert_str(m->rcpt[0].orig_to, "all@shop.example");
	assert_int_equal(batch(w)->nmessages, 1);
}

static void test_counted_mail_that_leaves_again(void **state)
{
	struct world *w = *state;
	struct settings *outbound = settings_default();
	struct detect_world before = { w->settings, w->accounts, NULL, NULL };
	struct detect_world now = { outbound, w->accounts, NULL, NULL };
	struct batch *b;
	const struct message *m;

	pipeline_reload(w->pipeline, &now);
	push(w->mta, MAIL("10:00:00", S1, "aaaaaaaa", "203.0.113.9", "s@else.example", "info@shop.example"));
	push(w->mta, LINE("10:00:01", "00000000000000ff mda delivery evpid=aaaaaaaa00000002 "
				      "from=<s@else.example> to=<info@shop.example> "
				      "rcpt=<info@shop.example> user=bob delay=1s result=Ok stat=Delivered"));
	b = batch(w);
	assert_int_equal(b->nmessages, 0);
	assert_int_equal(b->ninbound, 1);
	push(w->mta, RELAYED("10:00:09", "aaaaaaaa", "s@else.example", "bob@out.example", "info@shop.example",
			     "Ok", "250 ok"));
	b = batch(w);
	assert_int_equal(b->nmessages, 1);
	m = message(b, "aaaaaaaa");
	assert_int_equal(m->direction, DIR_FORWARDED);
	assert_str(m->account, "bob");
	assert_str(m->sender, "s@else.example");
	assert_int_equal(m->state, MSG_DONE);
	pipeline_committed(w->pipeline);
	pipeline_reload(w->pipeline, &before);
	settings_free(outbound);
}

static void test_message_whose_start_was_missed_ends(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, RELAYED("10:00:01", "aaaaaaaa", "info@shop.example", "a@out.example", "-", "TempFail",
			     "451 later"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(m->state, MSG_OPEN);
	assert_str(m->sender, "info@shop.example");
	assert_int_equal(m->account.n, 0);
	push(w->mta, RELAYED("10:30:01", "aaaaaaaa", "info@shop.example", "a@out.example", "-", "Ok",
			     "250 ok"));
	assert_int_equal(message(batch(w), "aaaaaaaa")->state, MSG_DONE);
}

static void test_one_bounce_for_each_failure(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, MAIL("10:00:00", S1, "aaaaaaaa", "local", "info@shop.example", "x@out.example"));
	push(w->mta, RELAYED("10:00:01", "aaaaaaaa", "info@shop.example", "x@out.example", "-", "PermFail",
			     "550 5.1.1 no"));
	push(w->mta, MAIL("10:00:02", S1, "bbbbbbbb", "local", "", "info@shop.example"));
	push(w->mta, MAIL("10:00:02", S2, "cccccccc", "local", "", "info@shop.example"));
	push(w->mta, MAIL("10:00:02", S2, "dddddddd", "local", "", "other@out.example"));
	b = batch(w);
	assert_int_equal(message(b, "bbbbbbbb")->channel, CHANNEL_INTERNAL);
	assert_str(message(b, "bbbbbbbb")->parent_id, "aaaaaaaa");
	assert_int_equal(message(b, "bbbbbbbb")->parent, message(b, "aaaaaaaa")->id);
	assert_int_equal(message(b, "cccccccc")->channel, CHANNEL_LOCAL);
	assert_int_equal(message(b, "dddddddd")->channel, CHANNEL_LOCAL);
}

static void test_removed_and_expired_envelopes(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, CONNECTED("10:00:00", S1, "local") ACCEPTED("10:00:00", S1, "aaaaaaaa", "2")
		     ENVELOPE("10:00:00", S1, "aaaaaaaa", "info@shop.example", "x@out.example")
		     ENVELOPE("10:00:00", S1, "aaaaaaaa", "info@shop.example", "y@out.example"));
	push(w->mta, LINE("10:00:09", "relay: Expire for aaaaaaaa00000001: from=<info@shop.example>, "
				      "to=<x@out.example>, rcpt=<->, delay=9s, stat=Envelope expired"));
	b = batch(w);
	assert_int_equal(message(b, "aaaaaaaa")->rcpt[0].status, RCPT_EXPIRED);
	assert_int_equal(message(b, "aaaaaaaa")->rcpt[1].status, RCPT_PENDING);
	assert_int_equal(message(b, "aaaaaaaa")->state, MSG_OPEN);
	push(w->mta, LINE("10:00:10", "relay: Remove for aaaaaaaa00000002: from=<info@shop.example>, "
				      "to=<y@out.example>, rcpt=<->, delay=9s, "
				      "stat=Removed by administrator"));
	assert_int_equal(message(batch(w), "aaaaaaaa")->state, MSG_DELETED);
}

static void test_started_once_for_each_recipient(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, LINE("10:00:00", S1 " smtp event=connected address=local host=host.example"));
	push(w->mta, LINE("10:00:00", S1 " smtp event=message msgid=aaaaaaaa from=<info@shop.example> "
					 "to=<x@out.example> size=300 ndest=1 proto=ESMTP"));
	push(w->mta, LINE("10:00:01", S1 " smtp event=message msgid=aaaaaaaa from=<info@shop.example> "
					 "to=<y@out.example> size=300 ndest=1 proto=ESMTP"));
	m = message(batch(w), "aaaaaaaa");
	assert_int_equal(batch(w)->nmessages, 1);
	assert_int_equal(m->nrcpt, 2);
	assert_int_equal(m->state, MSG_OPEN);
}

static void test_line_of_another_program_is_forged(void **state)
{
	struct world *w = *state;
	struct pipeline_source *journal = add(w, "journal", "auto");
	struct batch *b;

#define CRED(uid, exe) \
	"2026-11-23T10:00:00.000000+00:00 host cred(pid=9,uid=" uid ",exe=" exe ") smtpd[9]: "
	pipeline_at_end(journal, true);
	push(journal, CRED("5102", "/usr/sbin/smtpd") S1 " smtp message msgid=aaaaaaaa size=1 nrcpt=1 proto=SMTP\n"
		     CRED("33", "/usr/bin/php8.2") S1 " smtp message msgid=bbbbbbbb size=1 nrcpt=1 proto=SMTP\n"
		     CRED("33", "/tmp/smtpd") S1 " smtp message msgid=cccccccc size=1 nrcpt=1 proto=SMTP\n"
		     CRED("33", "") S1 " smtp message msgid=dddddddd size=1 nrcpt=1 proto=SMTP\n"
		     CRED("104", "/usr/sbin/smtpd") S1 " smtp message msgid=eeeeeeee size=1 nrcpt=1 proto=SMTP\n"
		     CRED("104", "") S1 " smtp message msgid=ffffffff size=1 nrcpt=1 proto=SMTP\n");
	b = batch(w);
	assert_int_equal(b->nmessages, 2);
	assert_non_null(message(b, "eeeeeeee"));
	assert_non_null(message(b, "ffffffff"));
	assert_int_equal(b->sources[0].unknown, 4);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_session_names_client_and_login),
		T(test_ended_session_says_nothing_of_the_next),
		T(test_session_lives_while_a_large_mail_comes),
		T(test_sessions_are_bounded),
		T(test_no_account_is_made_up),
		T(test_php_line_beats_the_sender),
		T(test_sender_decides_between_scripts_of_two),
		T(test_undecided_between_scripts_of_two_is_told),
		T(test_refused_in_a_session),
		T(test_alias_opens_the_message_again),
		T(test_counted_mail_that_leaves_again),
		T(test_message_whose_start_was_missed_ends),
		T(test_one_bounce_for_each_failure),
		T(test_removed_and_expired_envelopes),
		T(test_started_once_for_each_recipient),
		T(test_line_of_another_program_is_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
