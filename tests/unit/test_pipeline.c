/* The pure core, fed with log text: lines, their order in time, messages put
 * together, PHP lines joined, accounts named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/detect.h"
#include "core/direct.h"
#include "parsers/parsers.h"

static const char passwd[] = "alice:x:5101:5101::/home/alice:/bin/sh\n"
			     "bob:x:5102:5102::/home/bob:/bin/sh\n"
			     "www-data:x:33:33::/var/www:/bin/sh\n";
static const char domains[] = "shop.example: bob\n";

/* One world: settings, accounts and a pipeline; batches are kept as rows. */
struct world {
	struct settings *settings;
	struct accounts *accounts;
	struct pipeline *pipeline;
	struct pipeline_source *mta, *php;
};

static struct pipeline_source *add(struct world *w, const char *name, const char *format,
				   const char *tenant)
{
	struct source_setup setup = { .name = str_of(name),
				      .format = str_of(format),
				      .tenant = tenant != NULL,
				      .tenant_account = str_of(tenant),
				      .zone = zone_utc(),
				      .near = 1795435200 * USEC_SECOND, /* 2026-11-23 */
				      .host = STR("host") };

	return pipeline_source_add(w->pipeline, &setup);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct map_text maps[] = { { "passwd", "passwd", str_of(passwd), NULL },
				   { "domains", "domains", str_of(domains), NULL } };
	struct error err;

	w->settings = settings_parse(STR("store: all\n"), "test", NULL, &err);
	assert_non_null(w->settings);
	w->accounts = accounts_new(w->settings, maps, 2);
	w->pipeline = pipeline_new(w->settings, w->accounts, all_parsers,
				   (struct row_source){ .load = NULL });
	w->mta = add(w, "mail.log", "auto", NULL);
	w->php = add(w, "php.log", "php", NULL);
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

static void run(struct world *w)
{
	while (pipeline_run(w->pipeline, 1000))
		;
}

static struct batch *batch(struct world *w)
{
	run(w);
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

#define PICKUP(t, id, uid, from) \
	"Nov 23 " t " host postfix/pickup[9]: " id ": uid=" uid " from=<" from ">\n" \
	"Nov 23 " t " host postfix/cleanup[9]: " id ": message-id=<" id "@host>\n"
#define QUEUED(t, id, from, n) \
	"Nov 23 " t " host postfix/qmgr[9]: " id ": from=<" from ">, size=300, nrcpt=" n \
	" (queue active)\n"
#define SENT(t, id, to) \
	"Nov 23 " t " host postfix/smtp[9]: " id ": to=<" to ">, relay=mx.x.example[192.0.2.1]:25," \
	" delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as FFFFFF)\n"
#define REMOVED(t, id) "Nov 23 " t " host postfix/qmgr[9]: " id ": removed\n"
#define LOCAL_MAIL(t, id, uid, to) \
	PICKUP(t, id, uid, "a@host") QUEUED(t, id, "a@host", "1") SENT(t, id, to) REMOVED(t, id)

static void test_local_message(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	m = message(batch(w), "4AAAAAAA");
	assert_non_null(m);
	assert_str(m->account, "alice");
	assert_int_equal(m->via, VIA_UID);
	assert_int_equal(m->direction, DIR_OUTBOUND);
	assert_int_equal(m->state, MSG_DONE);
	assert_int_equal(m->size, 300);
	assert_int_equal(m->nrcpt, 1);
	assert_int_equal(m->rcpt[0].status, RCPT_SENT);
}

static void test_partial_line_waits(void **state)
{
	struct world *w = *state;
	const char *line = "Nov 23 10:00:00 host postfix/pickup[9]: 4AAAAAAA: uid=5101 from=<a>";

	push(w->mta, line);
	assert_int_equal(pipeline_run(w->pipeline, 10), 0);
	assert_int_equal(pipeline_taken(w->mta), 0);
	assert_int_equal(pipeline_pending(w->mta), strlen(line));
	push(w->mta, "\n");
	assert_int_equal(pipeline_run(w->pipeline, 10), 1);
	assert_int_equal(pipeline_taken(w->mta), strlen(line) + 1);
	push(w->mta, "Nov 23 10:00:00 host postfix/qmgr[9]: 4AAAAAAA: removed");
	assert_int_equal(pipeline_run(w->pipeline, 10), 0);
	pipeline_finish(w->mta);
	assert_int_equal(pipeline_run(w->pipeline, 10), 1);
	assert_int_equal(message(batch(w), "4AAAAAAA")->state, MSG_DONE);
}

static void push_long_line(struct pipeline *p, struct pipeline_source *s, size_t n)
{
	char block[10000];
	const char *head = "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: To: x@y.z"
			   " -- Headers: X: ";

	memset(block, 'A', sizeof(block));
	push(s, head);
	for (; n > sizeof(block); n -= sizeof(block)) {
		assert_true(pipeline_room(s) >= sizeof(block));
		pipeline_push(s, block, sizeof(block));
		assert_int_equal(pipeline_run(p, 10), 0);
	}
	push(s, " -- Subject: S\n");
}

static void test_endless_line_is_cut(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push_long_line(w->pipeline, w->php, 3000000);
	push(w->php, "[23-Nov-2026 10:00:01 UTC] mail() on [/home/alice/b.php:2]: To: x@y.z"
		     " -- Headers:  -- Subject: T\n");
	b = batch(w);
	assert_int_equal(b->nphp, 2);
	assert_int_equal(pipeline_totals(w->pipeline)->cut, 1);
	assert_str(b->php[0]->script, "/home/alice/a.php");
	assert_str(b->php[1]->subject, "T");
	assert_int_equal(pipeline_pending(w->php), 0);
}

static void test_sources_merge_by_time(void **state)
{
	struct world *w = *state;
	const struct message *m;

	/* The PHP log is read first, and its second line is of later. */
	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/one.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n"
		     "[23-Nov-2026 11:00:00 UTC] mail() on [/home/alice/two.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	push(w->mta, LOCAL_MAIL("11:00:00", "4BBBBBBB", "5101", "x@out.example"));
	m = message(batch(w), "4AAAAAAA");
	assert_str(m->script, "/home/alice/one.php");
	assert_int_equal(m->via, VIA_PHPLOG);
	assert_str(message(batch(w), "4BBBBBBB")->script, "/home/alice/two.php");
}

static void test_waits_for_a_source_that_has_more(void **state)
{
	struct world *w = *state;

	pipeline_at_end(w->php, false);
	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	assert_int_equal(pipeline_run(w->pipeline, 10), 0);
	pipeline_at_end(w->php, true);
	assert_int_equal(pipeline_run(w->pipeline, 10), 5);
}

static void test_php_line_after_the_message(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, LOCAL_MAIL("10:00:02", "4AAAAAAA", "33", "x@out.example"));
	run(w);
	push(w->php, "[23-Nov-2026 10:00:01 UTC] mail() on [/home/bob/form.php:7]: "
		     "To: Mr X <X@out.example> -- Headers: From: a@b.c -- Subject: Hi\n");
	m = message(batch(w), "4AAAAAAA");
	assert_str(m->account, "bob");
	assert_str(m->script, "/home/bob/form.php");
	assert_int_equal(m->script_line, 7);
	assert_str(m->subject, "Hi");
	assert_false(m->ambiguous);
}

static void test_php_line_of_another_account_is_not_joined(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/bob/form.php:7]: "
		     "To: x@out.example -- Headers:  -- Subject: Hi\n");
	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	m = message(batch(w), "4AAAAAAA");
	assert_str(m->account, "alice");
	assert_int_equal(m->via, VIA_UID);
}

static void test_alike_lines_are_first_in_first_out_and_marked(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n"
		     "[23-Nov-2026 10:00:01 UTC] mail() on [/home/alice/b.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	push(w->mta, LOCAL_MAIL("10:00:01", "4AAAAAAA", "5101", "x@out.example"));
	push(w->mta, LOCAL_MAIL("10:00:01", "4BBBBBBB", "5101", "x@out.example"));
	b = batch(w);
	assert_str(message(b, "4AAAAAAA")->script, "/home/alice/a.php");
	assert_str(message(b, "4BBBBBBB")->script, "/home/alice/b.php");
	assert_true(message(b, "4AAAAAAA")->ambiguous);
	assert_true(message(b, "4BBBBBBB")->ambiguous);
}

static void test_recipients_tell_alike_lines_apart(void **state)
{
	struct world *w = *state;
	struct batch *b;

	/* Same To and Subject; the one with one more recipient comes first. */
	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: "
		     "To: x@out.example -- Headers: Bcc: y@out.example -- Subject: S\n"
		     "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/b.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	push(w->mta, PICKUP("10:00:01", "4AAAAAAA", "5101", "a@host"));
	push(w->mta, QUEUED("10:00:01", "4AAAAAAA", "a@host", "2"));
	push(w->mta, PICKUP("10:00:01", "4BBBBBBB", "5101", "a@host"));
	push(w->mta, QUEUED("10:00:01", "4BBBBBBB", "a@host", "1"));
	push(w->mta, SENT("10:00:01", "4BBBBBBB", "x@out.example"));
	push(w->mta, SENT("10:00:01", "4AAAAAAA", "x@out.example"));
	push(w->mta, SENT("10:00:02", "4AAAAAAA", "y@out.example"));
	b = batch(w);
	assert_str(message(b, "4AAAAAAA")->script, "/home/alice/a.php");
	assert_str(message(b, "4BBBBBBB")->script, "/home/alice/b.php");
}

static void test_directory_tells_alike_lines_apart(void **state)
{
	struct world *w = *state;

	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/old/form.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n"
		     "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/new/form.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	push(w->mta, PICKUP("10:00:01", "4AAAAAAA", "5101", "a@host"));
	push(w->mta, "Nov 23 10:00:01 host postfix/cleanup[9]: 4AAAAAAA: info: header "
		     "X-Mailaudit-Ref: v1 pid=7 uid=5101 cwd=/home/alice/new from local; "
		     "from=<a@host>: mailaudit\n");
	push(w->mta, QUEUED("10:00:01", "4AAAAAAA", "a@host", "1"));
	push(w->mta, SENT("10:00:01", "4AAAAAAA", "x@out.example"));
	assert_str(message(batch(w), "4AAAAAAA")->script, "/home/alice/new/form.php");
}

static void test_message_id_joins_exactly(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: To: x@out.example"
		     " -- Headers: Message-ID: <4BBBBBBB@host>  X: y -- Subject: S\n"
		     "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/b.php:1]: To: x@out.example"
		     " -- Headers: Message-ID: <4AAAAAAA@host> -- Subject: S\n");
	push(w->mta, LOCAL_MAIL("10:00:01", "4AAAAAAA", "5101", "x@out.example"));
	push(w->mta, LOCAL_MAIL("10:00:01", "4BBBBBBB", "5101", "x@out.example"));
	b = batch(w);
	assert_str(message(b, "4AAAAAAA")->script, "/home/alice/b.php");
	assert_str(message(b, "4BBBBBBB")->script, "/home/alice/a.php");
	assert_false(message(b, "4AAAAAAA")->ambiguous);
}

static void test_php_line_without_message(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->php, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	b = batch(w);
	assert_int_equal(b->php[0]->state, PHP_WAITING);
	pipeline_tick(w->pipeline, pipeline_newest(w->pipeline) + USEC_HOUR);
	b = batch(w);
	assert_int_equal(b->php[0]->state, PHP_UNMATCHED);
}

static void test_tenant_line_before_any_other(void **state)
{
	struct world *w = *state;
	struct pipeline_source *tenant = add(w, "/home/alice/logs/php.log", "php", "alice");

	pipeline_at_end(tenant, true);
	push(tenant, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	run(w);
	push(w->mta, LOCAL_MAIL("10:00:01", "4AAAAAAA", "5101", "x@out.example"));
	assert_str(message(batch(w), "4AAAAAAA")->script, "/home/alice/a.php");
}

static void test_php_line_after_a_quiet_hour(void **state)
{
	struct world *w = *state;
	struct pipeline_source *tenant = add(w, "/home/alice/logs/php.log", "php", "alice");

	pipeline_at_end(tenant, true);
	push(w->mta, LOCAL_MAIL("09:00:00", "4BBBBBBB", "5101", "y@out.example"));
	run(w);
	push(tenant, "[23-Nov-2026 10:00:00 UTC] mail() on [/home/alice/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n");
	run(w);
	push(w->mta, LOCAL_MAIL("10:00:01", "4AAAAAAA", "5101", "x@out.example"));
	assert_str(message(batch(w), "4AAAAAAA")->script, "/home/alice/a.php");
}

static void test_tenant_log_does_not_move_time_and_accuses_only_itself(void **state)
{
	struct world *w = *state;
	struct pipeline_source *tenant = add(w, "/home/alice/logs/php.log", "auto", "alice");
	struct batch *b;
	usec_t before;

	pipeline_at_end(tenant, true);
	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5102", "x@out.example"));
	run(w);
	before = pipeline_watermark(w->pipeline);
	pipeline_clock(w->pipeline, before);
	push(tenant, "[23-Nov-2099 10:00:00 UTC] mail() on [/home/bob/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n"
		     "[23-Nov-2026 10:00:00 UTC] mail() on [/home/bob/a.php:1]: "
		     "To: x@out.example -- Headers:  -- Subject: S\n"
		     "Nov 23 10:00:00 host postfix/pickup[9]: 4FFFFFFF: uid=5102 from=<b>\n");
	b = batch(w);
	assert_int_equal(pipeline_watermark(w->pipeline), before);
	assert_null(message(b, "4FFFFFFF"));
	assert_int_equal(message(b, "4AAAAAAA")->via, VIA_UID);
	assert_int_equal(b->nphp, 2);
	assert_str(b->php[0]->account, "alice");
	/* Nothing waits for a line from 2099, nor behind it. */
	assert_int_equal(b->php[0]->state, PHP_UNMATCHED);
	assert_int_equal(b->php[1]->state, PHP_WAITING);
	pipeline_tick(w->pipeline, before + 2 * USEC_MINUTE);
	assert_int_equal(batch(w)->php[1]->state, PHP_UNMATCHED);
}

static void test_queue_id_used_again(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, LOCAL_MAIL("10:00:00", "ABCDEF12", "5101", "x@out.example"));
	push(w->mta, LOCAL_MAIL("10:05:00", "ABCDEF12", "5102", "y@out.example"));
	b = batch(w);
	assert_int_equal(b->nmessages, 2);
	assert_str(b->messages[0]->account, "alice");
	assert_str(b->messages[1]->account, "bob");
	assert_int_equal(b->messages[0]->nrcpt, 1);
}

static void test_queue_id_used_again_before_its_end(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, PICKUP("10:00:00", "ABCDEF12", "5101", "a@host"));
	push(w->mta, LOCAL_MAIL("10:05:00", "ABCDEF12", "5102", "y@out.example"));
	b = batch(w);
	assert_int_equal(b->nmessages, 2);
	assert_int_equal(b->messages[0]->state, MSG_LOST);
	assert_str(b->messages[0]->account, "alice");
	assert_int_equal(b->messages[0]->nrcpt, 0);
	assert_str(b->messages[1]->account, "bob");
}

static void test_instances_have_their_own_ids(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, PICKUP("10:00:00", "ABCDEF12", "5101", "a"));
	push(w->mta, "Nov 23 10:00:00 host postfix-out/pickup[9]: ABCDEF12: uid=5102 from=<b>\n");
	push(w->mta, SENT("10:00:01", "ABCDEF12", "x@out.example"));
	b = batch(w);
	assert_int_equal(b->nmessages, 2);
	assert_int_equal(b->messages[0]->nrcpt, 1);
	assert_int_equal(b->messages[1]->nrcpt, 0);
	assert_str(b->messages[1]->account, "bob");
}

static void test_content_filter_is_one_message(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, PICKUP("10:00:00", "4AAAAAAA", "5101", "a@host"));
	push(w->mta, QUEUED("10:00:00", "4AAAAAAA", "a@host", "1"));
	push(w->mta, "Nov 23 10:00:01 host postfix/smtpd[9]: 4BBBBBBB: client=localhost[127.0.0.1]\n");
	push(w->mta, QUEUED("10:00:01", "4BBBBBBB", "a@host", "1"));
	push(w->mta, "Nov 23 10:00:01 host postfix/smtp[9]: 4AAAAAAA: to=<x@out.example>, "
		     "relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, "
		     "status=sent (250 2.0.0 Ok: queued as 4BBBBBBB)\n");
	push(w->mta, REMOVED("10:00:01", "4AAAAAAA"));
	b = batch(w);
	assert_int_equal(message(b, "4AAAAAAA")->state, MSG_OPEN);
	push(w->mta, SENT("10:00:02", "4BBBBBBB", "x@out.example"));
	push(w->mta, REMOVED("10:00:02", "4BBBBBBB"));
	b = batch(w);
	assert_int_equal(b->nmessages, 1);
	assert_int_equal(b->messages[0]->state, MSG_DONE);
	assert_int_equal(b->messages[0]->nrcpt, 1);
	assert_int_equal(b->messages[0]->naliases, 1);
	assert_str(b->messages[0]->account, "alice");
	assert_str(b->messages[0]->rcpt[0].relay, "mx.x.example");
	assert_int_equal(pipeline_totals(w->pipeline)->messages, 1);
	assert_int_equal(pipeline_totals(w->pipeline)->recipients, 1);
}

static void test_remote_queue_id_is_no_filter(void **state)
{
	struct world *w = *state;
	struct batch *b;

	/* The remote host's id happens to be that of one we just got. */
	push(w->mta, "Nov 23 10:00:00 host postfix/smtpd[9]: FFFFFF: client=pc[198.51.100.7]\n");
	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	b = batch(w);
	assert_int_equal(b->nmessages, 2);
}

static void test_bounce_is_linked_to_its_parent(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, PICKUP("10:00:00", "4AAAAAAA", "5101", "a@host"));
	push(w->mta, "Nov 23 10:00:01 host postfix/cleanup[9]: 4CCCCCCC: message-id=<q@host>\n");
	push(w->mta, QUEUED("10:00:01", "4CCCCCCC", "", "1"));
	push(w->mta, REMOVED("10:00:01", "4CCCCCCC"));
	push(w->mta, "Nov 23 10:00:01 host postfix/bounce[9]: 4AAAAAAA: sender non-delivery "
		     "notification: 4CCCCCCC\n");
	m = message(batch(w), "4CCCCCCC");
	assert_int_equal(m->channel, CHANNEL_INTERNAL);
	assert_str(m->parent_id, "4AAAAAAA");
	assert_int_equal(m->parent, message(batch(w), "4AAAAAAA")->id);
	assert_int_equal(m->account.n, 0);
}

/* New owner maps count for messages that are open, too. */
static void test_owner_is_asked_anew_after_a_reload(void **state)
{
	static const char other_passwd[] = "carol:x:5101:5101::/home/carol:/bin/sh\n";
	struct world *w = *state;
	struct map_text map = { "passwd", "passwd", str_of(other_passwd), NULL };
	struct accounts *other = accounts_new(w->settings, &map, 1);
	struct detect_world before = { w->settings, w->accounts, NULL, NULL };
	struct detect_world now = { w->settings, other, NULL, NULL };

	push(w->mta, PICKUP("10:00:00", "4AAAAAAA", "5101", "a@host"));
	assert_str(message(batch(w), "4AAAAAAA")->account, "alice");
	pipeline_reload(w->pipeline, &now);
	push(w->mta, QUEUED("10:00:01", "4AAAAAAA", "a@host", "1"));
	assert_str(message(batch(w), "4AAAAAAA")->account, "carol");
	pipeline_reload(w->pipeline, &before);
	accounts_free(other);
}

static void test_inbound_is_only_counted(void **state)
{
	struct world *w = *state;
	struct settings *outbound = settings_default();
	struct detect_world before = { w->settings, w->accounts, NULL, NULL };
	struct detect_world now = { outbound, w->accounts, NULL, NULL };
	struct batch *b;

	pipeline_reload(w->pipeline, &now);
	push(w->mta, "Nov 23 10:00:00 host postfix/smtpd[9]: 4AAAAAAA: client=mx[198.51.100.7]\n");
	push(w->mta, QUEUED("10:00:00", "4AAAAAAA", "s@else.example", "1"));
	push(w->mta, "Nov 23 10:00:01 host postfix/local[9]: 4AAAAAAA: to=<b@shop.example>, "
		     "orig_to=<info@alias.example>, relay=local, delay=1, delays=1/0/0/0, "
		     "dsn=2.0.0, status=sent (delivered)\n");
	push(w->mta, REMOVED("10:00:02", "4AAAAAAA"));
	b = batch(w);
	assert_int_equal(b->nmessages, 0);
	assert_int_equal(b->ninbound, 1);
	assert_str(b->inbound[0].domain, "alias.example");
	assert_int_equal(b->inbound[0].messages, 1);
	pipeline_committed(w->pipeline);
	pipeline_reload(w->pipeline, &before);
	settings_free(outbound);
}

/* Mail is written in parts; what is counted waits for the whole. */
static void test_a_part_is_mail_only(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, "Nov 23 10:00:00 host postfix/pickup[9]: 4AAAAAAA: uid=1001 from=<bob>\n");
	push(w->mta, "Nov 23 10:00:00 host postfix/smtpd[9]: gibberish of a kind\n");
	push(w->mta, QUEUED("10:00:00", "4AAAAAAA", "s@else.example", "1"));
	run(w);
	b = pipeline_part(w->pipeline);
	assert_true(b->more);
	assert_int_equal(b->nmessages, 1);
	assert_int_equal(b->nsources + b->nunknown + b->nnotes + b->nstreams, 0);
	assert_true(b->next_message > b->messages[0]->id);
	pipeline_committed(w->pipeline);
	push(w->mta, REMOVED("10:00:02", "4AAAAAAA"));
	b = batch(w);
	assert_false(b->more);
	assert_int_equal(b->nmessages, 1);
	assert_true(b->messages[0]->stored);
	assert_int_equal(b->nsources, 1);
	assert_int_equal(b->sources[0].lines, 4);
	pipeline_committed(w->pipeline);
	b = pipeline_part(w->pipeline);
	assert_int_equal(b->nmessages, 0);
	pipeline_committed(w->pipeline);
}

#define CONNECTION(time, to, port, uid) "Nov 23 " time " host kernel: [ 9.9] smtp: IN= OUT=eth0 " \
	"SRC=192.0.2.1 DST=" to " LEN=60 PROTO=TCP SPT=1 DPT=" port " SYN URGP=0 UID=" uid " GID=1 \n"

/* By hour, uid and port; nobody's are those of a shared user; none of what is ours. */
static void test_connections_are_only_counted(void **state)
{
	struct world *w = *state;
	struct batch *b;
	int64_t connections = 0;

	push(w->mta, CONNECTION("10:00:00", "198.51.100.7", "25", "5101"));
	push(w->mta, CONNECTION("10:00:01", "203.0.113.9", "25", "5101"));
	push(w->mta, CONNECTION("10:00:02", "203.0.113.9", "587", "5101"));
	push(w->mta, CONNECTION("10:00:03", "203.0.113.9", "25", "33"));
	push(w->mta, CONNECTION("10:00:04", "127.0.0.1", "25", "5101"));
	push(w->mta, CONNECTION("10:00:05", "no address", "25", "5101"));
	push(w->mta, CONNECTION("11:00:00", "198.51.100.7", "25", "5101"));
	b = batch(w);
	assert_int_equal(b->ndirect, 4);
	for (size_t i = 0; i < b->ndirect; i++) {
		connections += b->direct[i].connections;
		assert_int_equal(b->direct[i].account.n == 0, b->direct[i].uid == 33);
		assert_int_equal(b->direct[i].hour % USEC_HOUR, 0);
	}
	assert_int_equal(connections, 5);
	assert_true(pipeline_dirty(w->pipeline));
	pipeline_committed(w->pipeline);
	assert_int_equal(batch(w)->ndirect, 0);
}

/* A log that somebody can write to may name any uid. */
static void test_connections_are_bounded(void **state)
{
	struct world *w = *state;
	struct batch *b;
	int64_t connections = 0;

	for (int uid = 0; uid < 2 * DIRECT_MAX; uid++) {
		char line[300];

		snprintf(line, sizeof(line), CONNECTION("10:00:00", "198.51.100.7", "25", "%d"),
			 100000 + uid);
		push(w->mta, line);
		run(w);
	}
	b = batch(w);
	assert_int_equal(b->ndirect, DIRECT_MAX + 1);
	for (size_t i = 0; i < b->ndirect; i++)
		connections += b->direct[i].connections;
	assert_int_equal(connections, 2 * DIRECT_MAX);
	pipeline_committed(w->pipeline);
}

static void test_forward_is_outside_mail_that_leaves_again(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, "Nov 23 10:00:00 host postfix/smtpd[9]: 4AAAAAAA: client=mx[198.51.100.7]\n");
	push(w->mta, QUEUED("10:00:00", "4AAAAAAA", "s@else.example", "1"));
	push(w->mta, "Nov 23 10:00:01 host postfix/smtp[9]: 4AAAAAAA: to=<b@far.example>, "
		     "orig_to=<info@shop.example>, relay=mx.far.example[192.0.2.9]:25, delay=1, "
		     "delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)\n");
	m = message(batch(w), "4AAAAAAA");
	assert_int_equal(m->direction, DIR_FORWARDED);
	assert_str(m->account, "bob");
	assert_int_equal(m->via, VIA_DOMAIN);
	assert_str(m->rcpt[0].orig_to, "info@shop.example");
}

static void test_vouched_uid_exposes_a_forged_line(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, "2026-11-23T10:00:00.0+00:00 cred(pid=9,uid=5102,gid=5102) "
		     "postfix/pickup[9]: 4AAAAAAA: uid=5101 from=<alice>\n"
		     "2026-11-23T10:00:00.0+00:00 cred(pid=7,uid=0,gid=0) "
		     "postfix/pickup[7]: 4BBBBBBB: uid=5101 from=<alice>\n");
	b = batch(w);
	assert_null(message(b, "4AAAAAAA"));
	assert_non_null(message(b, "4BBBBBBB"));
	assert_int_equal(b->sources[0].unknown, 1);
}

static struct pipeline_source *add_journal(struct world *w)
{
	struct source_setup setup = { .name = STR("journal"), .format = STR("auto"),
				      .journal = true, .zone = zone_utc() };
	struct pipeline_source *s = pipeline_source_add(w->pipeline, &setup);

	pipeline_at_end(s, true);
	return s;
}

/* uid, exe, program and text of an entry, and whether they are its program's. */
static void test_programs_write_their_own_lines(void **state)
{
	static const char accepted[] = "Accepted password for alice from 203.0.113.7 port 9 ssh2";
	static const char exim[] = "1xY7X9-00009m-0N <= bob@x.example U=bob P=local S=4";
	static const struct {
		int uid;
		const char *exe, *program, *text;
		bool good;
	} lines[] = {
		{ 0, "/usr/sbin/sshd", "sshd", accepted, true },
		{ 0, "/usr/lib/openssh/sshd-session", "sshd-session", accepted, true },
		{ 0, "", "sshd", accepted, true },
		{ 33, "/usr/bin/logger", "sshd", accepted, false },
		{ 33, "", "sshd", accepted, false },
		{ 5101, "/usr/sbin/sshd", "sshd", accepted, false },
		{ 5101, "/usr/sbin/sshd", "sshd", "Disconnected from user alice", true },
		{ 0, "/home/alice/sshd", "sshd", accepted, false },
		{ 0, "/usr/lib/dovecot/log", "dovecot", "imap-login: Login: user=<alice>, "
		  "method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, TLS", true },
		{ 33, "/usr/bin/logger", "dovecot", "imap-login: Login: user=<alice>, "
		  "method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, TLS", false },
		{ 104, "/usr/sbin/exim4", "exim", exim, true },
		{ 33, "/usr/bin/php8.2", "exim", exim, false },
		{ 5101, "/usr/sbin/exim4", "exim", exim, false },
	};
	struct world *w = *state;
	struct pipeline_source *journal = add_journal(w);

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char line[400];
		int64_t unknown;

		snprintf(line, sizeof(line),
			 "2026-11-23T10:00:00.0Z host cred(pid=9,uid=%d,exe=%s) %s[9]: %s\n",
			 lines[i].uid, lines[i].exe, lines[i].program, lines[i].text);
		push(journal, line);
		unknown = batch(w)->sources[0].unknown;
		if (unknown != !lines[i].good)
			fail_msg("%s", line);
		pipeline_committed(w->pipeline);
	}
}

/* A line of PHP that one customer wrote is his, whatever path it names. */
static void test_php_is_whose_process_it_is(void **state)
{
#define CALL(n) "mail() on [/home/bob/x.php:" #n "]: To: x@out.example -- Headers: "
#define FPM "php-fpm8.2[9]: [23-Nov-2026 10:00:00] WARNING: [pool "
	static const char *const owners[] = { "alice", "bob", "bob", "alice", "bob", "" };
	struct world *w = *state;
	struct pipeline_source *journal = add_journal(w);
	struct batch *b;

	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=5101,exe=) php[9]: " CALL(1) "\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=5102,exe=) php[9]: " CALL(2) "\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=33,exe=) php[9]: " CALL(3) "\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=0,exe=/usr/sbin/php-fpm8.2) "
		      FPM "alice] child 7 said into stderr: \"" CALL(4) "\"\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=0,exe=/usr/sbin/php-fpm8.2) "
		      FPM "shop.example] child 7 said into stderr: \"" CALL(5) "\"\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=0,exe=/usr/sbin/php-fpm8.2) "
		      FPM "www] child 7 said into stderr: \"" CALL(6) "\"\n");
	push(journal, "2026-11-23T10:00:00Z host cred(pid=9,uid=0,exe=/usr/sbin/php-fpm8.2) "
		      "php-fpm8.2[9]: " CALL(7) "\n");
	b = batch(w);
	assert_int_equal(b->nphp, 6);
	for (size_t i = 0; i < b->nphp; i++)
		assert_str(b->php[i]->account, owners[b->php[i]->script_line - 1]);
	assert_int_equal(b->sources[0].unknown, 1);
}

static void test_counts_unknown_lines(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, "Nov 23 10:00:00 host dovecot: imap-login: Login: user=<a>\n"
		     "Nov 23 10:00:00 host dovecot: something\n"
		     "\001\002 binary \377\n\n");
	b = batch(w);
	assert_int_equal(b->nsources, 1);
	assert_int_equal(b->sources[0].lines, 4);
	assert_int_equal(b->sources[0].unknown, 3);
	assert_int_equal(b->nunknown, 3);
	assert_false(pipeline_full(w->pipeline));
	pipeline_committed(w->pipeline);
	assert_int_equal(batch(w)->nunknown, 0);
}

static void test_unknown_lines_by_shape(void **state)
{
	struct world *w = *state;
	struct batch *b;

	push(w->mta, "Nov 23 10:00:00 host odd[1]: took 17 ms for <a@b.example>\n"
		     "Nov 23 10:00:01 host other[1]: took 17 ms for <a@b.example>\n"
		     "Nov 23 10:00:02 host odd[2]: took 2 ms for <c@d.example>\n"
		     "Nov 23 10:00:03 host odd[2]: gave up\n");
	b = batch(w);
	assert_int_equal(b->nunknown, 3);
	assert_true(str_eq(b->unknown[0].shape, STR("took N ms for <*>")));
	assert_int_equal(b->unknown[0].lines, 2);
	assert_true(b->unknown[0].last == b->unknown[0].time + 2 * USEC_SECOND);
	assert_true(str_ends(b->unknown[0].sample, STR("<a@b.example>")));
	assert_true(str_eq(b->unknown[1].program, STR("other")));
	assert_true(str_eq(b->unknown[2].shape, STR("gave up")));
}

/* Somebody invents shapes: a commit is asked for, and memory stays bounded. */
static void test_many_shapes(void **state)
{
	struct world *w = *state;
	struct batch *b;
	int64_t lines = 0;

	for (int i = 0; i < 10000; i++) {
		char line[100];

		snprintf(line, sizeof(line), "Nov 23 10:00:00 host odd: %c%c%c%c\n", 'a' + i % 26,
			 'a' + i / 26 % 26, 'a' + i / 676, "xyz"[i % 3]);
		push(w->mta, line);
		run(w);
	}
	assert_true(pipeline_full(w->pipeline));
	b = batch(w);
	assert_int_equal(b->nunknown, 8193);
	for (size_t i = 0; i < b->nunknown; i++)
		lines += b->unknown[i].lines;
	assert_int_equal(lines, 10000);
	assert_int_equal(b->unknown[8192].shape.n, 0);
	pipeline_committed(w->pipeline);
	assert_false(pipeline_full(w->pipeline));
}

/* A milter refuses it while the client waits: of what was announced nothing is to come. */
static void test_sendmail_refuses_after_data(void **state)
{
	struct world *w = *state;
	const struct message *m;

	push(w->mta, "Nov 23 10:00:00 host sm-mta[31]: 6ANA00AA000031: from=<a@host>, size=9, class=0,"
		     " nrcpts=1, msgid=<x@host>, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]\n"
		     "Nov 23 10:00:00 host sm-mta[31]: 6ANA00AA000031: to=<x@out.example>, delay=00:00:00,"
		     " pri=30009, stat=content refused\n");
	m = message(batch(w), "6ANA00AA000031");
	assert_non_null(m);
	assert_int_equal(m->rcpt[0].status, RCPT_REJECTED);
	assert_int_equal(m->state, MSG_REJECTED);
	assert_true(m->closed);
}

static void test_commit_forgets_nothing_that_failed(void **state)
{
	struct world *w = *state;

	push(w->mta, LOCAL_MAIL("10:00:00", "4AAAAAAA", "5101", "x@out.example"));
	assert_int_equal(batch(w)->nmessages, 1);
	/* No pipeline_committed(): the commit failed. */
	push(w->mta, LOCAL_MAIL("10:00:01", "4BBBBBBB", "5101", "x@out.example"));
	assert_int_equal(batch(w)->nmessages, 2);
	pipeline_committed(w->pipeline);
	assert_int_equal(batch(w)->nmessages, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_local_message),
		T(test_partial_line_waits),
		T(test_endless_line_is_cut),
		T(test_sources_merge_by_time),
		T(test_waits_for_a_source_that_has_more),
		T(test_php_line_after_the_message),
		T(test_php_line_of_another_account_is_not_joined),
		T(test_alike_lines_are_first_in_first_out_and_marked),
		T(test_recipients_tell_alike_lines_apart),
		T(test_directory_tells_alike_lines_apart),
		T(test_message_id_joins_exactly),
		T(test_php_line_without_message),
		T(test_tenant_line_before_any_other),
		T(test_php_line_after_a_quiet_hour),
		T(test_tenant_log_does_not_move_time_and_accuses_only_itself),
		T(test_queue_id_used_again),
		T(test_queue_id_used_again_before_its_end),
		T(test_instances_have_their_own_ids),
		T(test_content_filter_is_one_message),
		T(test_remote_queue_id_is_no_filter),
		T(test_bounce_is_linked_to_its_parent),
		T(test_owner_is_asked_anew_after_a_reload),
		T(test_inbound_is_only_counted),
		T(test_a_part_is_mail_only),
		T(test_connections_are_only_counted),
		T(test_connections_are_bounded),
		T(test_forward_is_outside_mail_that_leaves_again),
		T(test_vouched_uid_exposes_a_forged_line),
		T(test_programs_write_their_own_lines),
		T(test_php_is_whose_process_it_is),
		T(test_counts_unknown_lines),
		T(test_unknown_lines_by_shape),
		T(test_many_shapes),
		T(test_sendmail_refuses_after_data),
		T(test_commit_forgets_nothing_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
