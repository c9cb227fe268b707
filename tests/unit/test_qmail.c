/* qmail's numbers: deliveries and queueing processes lead to the right message, and to none
 * where nobody can know, whatever was lost and however soon a number is used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/detect.h"
#include "heuristics/heuristics.h"
#include "parsers/parsers.h"

static const char passwd[] = "alice:x:5101:5101::/home/alice:/bin/sh\n"
			     "bob:x:5102:5102::/home/bob:/bin/sh\n"
			     "www-data:x:33:33::/var/www:/bin/sh\n"
			     "qmaild:x:64011:64010::/var/qmail:/bin/false\n"
			     "qmails:x:64015:64010::/var/qmail:/bin/false\n"
			     "alias:x:64010:64010::/var/qmail/alias:/bin/false\n";
static const char domains[] = "shop.example: bob\n";
static const char logins[] = "info@shop.example: bob\n";

struct world {
	struct settings *settings;
	struct accounts *accounts;
	struct detect_world detect;
	struct pipeline *pipeline;
	struct pipeline_source *log;
	int second;
};

static struct pipeline *new_pipeline(struct world *w)
{
	struct source_setup setup = { .name = STR("current"), .format = STR("auto"),
				      .zone = zone_utc(), .host = STR("host") };
	struct pipeline *p = pipeline_new(w->settings, w->accounts, all_parsers,
					  (struct row_source){ .load = NULL });

	w->detect = (struct detect_world){ w->settings, w->accounts, NULL, NULL };
	pipeline_detect(p, &w->detect, all_heuristics);
	w->log = pipeline_source_add(p, &setup);
	pipeline_at_end(w->log, true);
	return p;
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
	assert_int_equal(settings_heuristics(w->settings, all_heuristics, &err), 0);
	w->accounts = accounts_new(w->settings, maps, 3);
	w->pipeline = new_pipeline(w);
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

/* One line, a second after the one before. */
static void say(struct world *w, const char *text)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "2026-11-23 %02d:%02d:%02d.000000000 %s\n",
			 w->second / 3600, w->second / 60 % 60, w->second % 60, text);

	w->second++;
	pipeline_push(w->log, line, (size_t)n);
	while (pipeline_run(w->pipeline, 100))
		;
}

static void arrive(struct world *w, const char *id, const char *sender, int qp, int uid)
{
	char line[512];

	snprintf(line, sizeof(line), "new msg %s", id);
	say(w, line);
	snprintf(line, sizeof(line), "info msg %s: bytes 300 from <%s> qp %d uid %d", id, sender,
		 qp, uid);
	say(w, line);
}

/* The nth message under this number. */
static const struct message *message(struct world *w, const char *id, int nth)
{
	const struct batch *b = pipeline_batch(w->pipeline);

	for (size_t i = 0; i < b->nmessages; i++)
		if (str_eq(b->messages[i]->queue_id, str_of(id)) && nth-- == 0)
			return b->messages[i];
	return NULL;
}

#define assert_str(s, z) assert_true(str_eq((s), str_of(z)))

static void test_message(void **state)
{
	struct world *w = *state;
	const struct message *m;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "starting delivery 1: msg 5 to remote x@out.example");
	say(w, "starting delivery 2: msg 5 to remote y@out.example");
	say(w, "delivery 2: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:"
	       "_550_5.1.1_no_such_user/");
	say(w, "delivery 1: deferral: Sorry._(#4.4.1)/");
	m = message(w, "5", 0);
	assert_int_equal(m->rcpt[0].status, RCPT_DEFERRED);
	say(w, "starting delivery 3: msg 5 to remote x@out.example");
	say(w, "delivery 3: success: 192.0.2.1_accepted_message./Remote_host_said:_250_ok/");
	say(w, "end msg 5");
	m = message(w, "5", 0);
	assert_str(m->account, "alice");
	assert_int_equal(m->via, VIA_UID);
	assert_int_equal(m->direction, DIR_OUTBOUND);
	assert_int_equal(m->state, MSG_DONE);
	assert_int_equal(m->nrcpt, 2);
	assert_int_equal(m->rcpt[0].status, RCPT_SENT);
	assert_int_equal(m->rcpt[1].status, RCPT_BOUNCED);
	assert_str(m->rcpt[1].dsn, "5.1.1");
	assert_str(m->rcpt[1].relay_ip, "192.0.2.1");
	assert_str(m->rcpt[1].response, "192.0.2.1 does not like recipient./Remote host said: "
					"550 5.1.1 no such user/");
}

static void test_number_used_again(void **state)
{
	struct world *w = *state;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "starting delivery 1: msg 5 to remote x@out.example");
	say(w, "delivery 1: success: ok/");
	say(w, "end msg 5");
	w->second--; /* within the same moment */
	arrive(w, "5", "b@shop.example", 101, 5102);
	say(w, "starting delivery 2: msg 5 to remote z@out.example");
	say(w, "delivery 2: failure: no/");
	say(w, "end msg 5");
	assert_str(message(w, "5", 0)->account, "alice");
	assert_int_equal(message(w, "5", 0)->nrcpt, 1);
	assert_str(message(w, "5", 1)->account, "bob");
	assert_int_equal(message(w, "5", 1)->rcpt[0].status, RCPT_BOUNCED);
	assert_null(message(w, "5", 2));
}

/* qmail-send reads an envelope again when it could not write what it made of it. */
static void test_told_twice(void **state)
{
	struct world *w = *state;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "warning: unable to create local/5");
	arrive(w, "5", "a@shop.example", 100, 5101);
	assert_non_null(message(w, "5", 0));
	assert_null(message(w, "5", 1));
	arrive(w, "5", "b@shop.example", 101, 5102); /* its end was lost */
	assert_int_equal(message(w, "5", 0)->state, MSG_LOST);
	assert_str(message(w, "5", 1)->account, "bob");
}

/* The arrival of the second message 5 was lost: its delivery is not the first one's. */
static void test_lost_arrival(void **state)
{
	struct world *w = *state;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "end msg 5");
	say(w, "starting delivery 7: msg 5 to remote victim@out.example");
	say(w, "delivery 7: failure: spam/");
	assert_int_equal(message(w, "5", 0)->nrcpt, 0);
	assert_int_equal(message(w, "5", 1)->nrcpt, 1);
	assert_str(message(w, "5", 1)->account, "");
	assert_int_equal(message(w, "5", 1)->rcpt[0].status, RCPT_BOUNCED);
}

/* Numbers begin at 1 again: what was under way before has no answer. */
static void test_started_again(void **state)
{
	struct world *w = *state;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "starting delivery 8: msg 5 to remote x@out.example");
	say(w, "status: local 0/10 remote 0/20");
	say(w, "starting delivery 1: msg 5 to remote x@out.example");
	say(w, "delivery 8: failure: of_another,_whose_start_was_lost/");
	assert_int_equal(message(w, "5", 0)->rcpt[0].status, RCPT_PENDING);
	say(w, "delivery 1: success: ok/");
	assert_int_equal(message(w, "5", 0)->rcpt[0].status, RCPT_SENT);
	say(w, "delivery 1: failure: again/");
	assert_int_equal(message(w, "5", 0)->rcpt[0].status, RCPT_SENT);
}

/* Begun before a restart of ours, ended after it: the note is all that is kept. */
static void test_note_survives(void **state)
{
	struct world *w = *state;
	struct batch *b;
	char kind[32] = "", key[64] = "", value[64] = "";

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "starting delivery 3: msg 5 to remote x@out.example");
	b = pipeline_batch(w->pipeline);
	for (size_t i = 0; i < b->nnotes; i++) {
		if (!str_eq(b->notes[i].kind, STR("delivery")))
			continue;
		snprintf(kind, sizeof(kind), "%.*s", STR_ARG(b->notes[i].kind));
		snprintf(key, sizeof(key), "%.*s", STR_ARG(b->notes[i].key));
		snprintf(value, sizeof(value), "%.*s", STR_ARG(b->notes[i].value));
	}
	assert_string_equal(key, "host::3");
	assert_string_equal(value, "1 x@out.example");
	w->second += 3600; /* longer than other notes live */
	say(w, "delivery 3: success: ok/");
	assert_int_equal(message(w, "5", 0)->rcpt[0].status, RCPT_SENT);
	b = pipeline_batch(w->pipeline);
	for (size_t i = 0; i < b->nnotes; i++)
		assert_false(str_eq(b->notes[i].kind, STR("delivery")) && b->notes[i].value.p);
}

static void test_bounce(void **state)
{
	struct world *w = *state;
	const struct message *m;

	arrive(w, "5", "a@shop.example", 100, 5101);
	say(w, "bounce msg 5 qp 200");
	say(w, "end msg 5");
	arrive(w, "6", "", 200, 64015);
	say(w, "starting delivery 2: msg 6 to local a@shop.example");
	m = message(w, "6", 0);
	assert_int_equal(m->channel, CHANNEL_INTERNAL);
	assert_str(m->parent_id, "5");
	assert_int_equal(m->parent, message(w, "5", 0)->id);
	assert_str(m->account, "");
	/* The process's number came round: with a sender it is no bounce. */
	arrive(w, "7", "a@shop.example", 101, 5101);
	say(w, "bounce msg 7 qp 201");
	arrive(w, "8", "b@shop.example", 201, 5102);
	m = message(w, "8", 0);
	assert_int_equal(m->channel, CHANNEL_LOCAL);
	assert_str(m->parent_id, "");
	assert_str(m->account, "bob");
}

static void test_smtp_has_no_account(void **state)
{
	struct world *w = *state;
	const struct message *m;

	arrive(w, "5", "a@shop.example", 100, 64011);
	say(w, "starting delivery 1: msg 5 to remote x@out.example");
	m = message(w, "5", 0);
	assert_int_equal(m->channel, CHANNEL_SMTP);
	assert_str(m->account, "");
	assert_int_equal(m->direction, DIR_FORWARDED);
	arrive(w, "6", "a@shop.example", 101, 64010);
	m = message(w, "6", 0);
	assert_int_equal(m->channel, CHANNEL_LOCAL);
	assert_str(m->account, "");
}

static void forward(struct world *w, bool arrived_first)
{
	static const char outcome[] = "delivery 1: success: did_0+1+0/qp_300/";
	const struct message *m;

	arrive(w, "5", "stranger@out.example", 100, 64011);
	say(w, "starting delivery 1: msg 5 to local info@shop.example");
	if (!arrived_first)
		say(w, outcome);
	w->second--;
	arrive(w, "6", "stranger@out.example", 300, 5101);
	w->second--;
	if (arrived_first)
		say(w, outcome);
	say(w, "end msg 5");
	say(w, "starting delivery 2: msg 6 to remote me@isp.example");
	m = message(w, "6", 0);
	assert_int_equal(m->direction, DIR_FORWARDED);
	assert_str(m->parent_id, "5");
	assert_str(m->rcpt[0].orig_to, "info@shop.example");
	assert_str(m->account, "bob");
	assert_int_equal(m->via, VIA_DOMAIN);
	assert_int_equal(m->uid, 5101);
}

static void test_forward(void **state)
{
	forward(*state, false);
}

static void test_forward_told_late(void **state)
{
	forward(*state, true);
}

/* What somebody of ours sent to an address that forwards is still of the uid that sends it. */
static void test_forward_of_our_own(void **state)
{
	struct world *w = *state;

	arrive(w, "5", "b@shop.example", 100, 5102);
	say(w, "starting delivery 1: msg 5 to local alice@host.example");
	say(w, "delivery 1: success: did_0+1+0/qp_300/");
	arrive(w, "6", "b@shop.example", 300, 5101);
	assert_int_equal(message(w, "6", 0)->channel, CHANNEL_LOCAL);
	assert_str(message(w, "6", 0)->account, "alice");
	assert_str(message(w, "6", 0)->parent_id, "5");
}

#define ALLOWED(from, qp) \
	"ALLOWED from: " from " to: x@out.example origin_ip: 203.0.113.31 origin_rdns: pc.isp.example" \
	" auth: info@shop.example encryption: TLS reason: 250_ok_1795428000_qp_" qp

static void test_login(void **state)
{
	struct world *w = *state;
	const struct message *m;

	say(w, ALLOWED("a@shop.example", "100"));
	arrive(w, "5", "a@shop.example", 100, 64011);
	arrive(w, "6", "a@shop.example", 101, 64011);
	w->second--;
	say(w, "starting delivery 1: msg 6 to remote x@out.example");
	w->second--;
	say(w, ALLOWED("a@shop.example", "101"));
	for (int i = 0; i < 2; i++) {
		m = message(w, i ? "6" : "5", 0);
		assert_int_equal(m->channel, CHANNEL_AUTH);
		assert_str(m->login, "info@shop.example");
		assert_str(m->client_ip, "203.0.113.31");
		assert_str(m->client_name, "pc.isp.example");
		assert_str(m->account, "bob");
	}
	arrive(w, "6", "a@shop.example", 101, 64011); /* told twice */
	assert_int_equal(message(w, "6", 0)->channel, CHANNEL_AUTH);
	/* Not with another sender, not for what was not taken by SMTP, not after minutes. */
	say(w, ALLOWED("a@shop.example", "102"));
	arrive(w, "7", "b@shop.example", 102, 64011);
	assert_int_equal(message(w, "7", 0)->channel, CHANNEL_SMTP);
	say(w, ALLOWED("a@shop.example", "103"));
	arrive(w, "8", "a@shop.example", 103, 5101);
	assert_str(message(w, "8", 0)->account, "alice");
	say(w, ALLOWED("a@shop.example", "104"));
	w->second += 400;
	arrive(w, "9", "a@shop.example", 104, 64011);
	assert_int_equal(message(w, "9", 0)->channel, CHANNEL_SMTP);
}

/* Its recipients are known one by one: it is compared when it has ended, or after a moment. */
static void test_php_line(void **state)
{
	struct world *w = *state;
	struct source_setup php = { .name = STR("php.log"), .format = STR("php"),
				    .zone = zone_utc(), .host = STR("host") };
	struct pipeline_source *log = pipeline_source_add(w->pipeline, &php);
	static const char lines[] =
		"[23-Nov-2026 00:00:00 UTC] mail() on [/home/alice/one.php:3]: To: x@out.example"
		" -- Headers:  -- Subject: S\n"
		"[23-Nov-2026 00:00:00 UTC] mail() on [/home/bob/two.php:3]: To: y@out.example"
		" -- Headers:  -- Subject: S\n";

	pipeline_push(log, lines, strlen(lines));
	pipeline_at_end(log, true);
	arrive(w, "5", "www-data@host.example", 100, 33);
	arrive(w, "6", "www-data@host.example", 101, 33);
	say(w, "starting delivery 1: msg 5 to remote y@out.example");
	say(w, "starting delivery 2: msg 6 to remote x@out.example");
	say(w, "delivery 2: success: ok/");
	say(w, "end msg 6");
	say(w, "status: local 0/10 remote 1/20");
	assert_str(message(w, "6", 0)->script, "/home/alice/one.php");
	assert_str(message(w, "6", 0)->account, "alice");
	assert_str(message(w, "5", 0)->script, "/home/bob/two.php");
	assert_int_equal(message(w, "5", 0)->via, VIA_PHPLOG);
}

/* A flood of beginnings without an end takes bounded room. */
static void test_bounded(void **state)
{
	struct world *w = *state;
	char line[128];
	size_t n = 0;
	struct batch *b;

	for (int id = 1; id <= 20; id++) {
		snprintf(line, sizeof(line), "%d", id);
		arrive(w, line, "a@shop.example", id, 5101);
	}
	for (int i = 2; i < 70000; i++) {
		snprintf(line, sizeof(line), "starting delivery %d: msg %d to remote x%d@o.example",
			 i, i % 20 + 1, i % 50);
		say(w, line);
		w->second--;
	}
	say(w, "status: local 0/10 remote 20/20"); /* the next line takes the oldest away */
	b = pipeline_batch(w->pipeline);
	for (size_t i = 0; i < b->nnotes; i++)
		n += str_eq(b->notes[i].kind, STR("delivery")) && b->notes[i].value.p;
	assert_int_equal(n, 65536);
	say(w, "delivery 5: failure: forgotten/");
	say(w, "delivery 69999: failure: known/");
	assert_int_equal(message(w, "20", 0)->rcpt[4].status, RCPT_BOUNCED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message),	    TEST(test_number_used_again),
		TEST(test_told_twice),	    TEST(test_lost_arrival),
		TEST(test_started_again),   TEST(test_note_survives),
		TEST(test_bounce),	    TEST(test_smtp_has_no_account),
		TEST(test_forward),	    TEST(test_forward_told_late),
		TEST(test_forward_of_our_own), TEST(test_login),
		TEST(test_php_line),	    TEST(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
