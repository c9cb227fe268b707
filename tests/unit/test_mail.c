/* notify/mail.c, owner.c: what a mail looks like on its way, with facts that want out of it.
 * tests/system/mail_format.py reads the mails with a parser of other people's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notify/mail.h"
#include "notify/owner.h"
#include "tests/unit/alerted.h"

#define SETTINGS "hostname: web1.example\nalerts: {to: [root, admin@shop.example], language: %s}\n"

#ifdef HAVE_GMIME

static struct mail compose(struct alerted *a, enum mail_kind kind, const struct tree *facts)
{
	struct error err = { 0 };
	struct mail m = mail_compose(kind, facts, a->settings, &a->settings->alerts.to,
				     "mailaudit.1.1.abc@web1.example", T0, &err);

	must(m.text, &err);
	assert_int_equal(strlen(m.text), m.n);
	return m;
}

static void start(struct alerted *a, const char *language, struct finding *f, struct alert **alert,
		  struct tree **facts)
{
	struct error err = { 0 };
	char settings[200];
	struct message *mail;
	struct store *s;

	snprintf(settings, sizeof(settings), SETTINGS, language);
	s = alerted_start(a, settings);
	mail = mail_of(a, T0, f->account, f->login, f->script, 12);
	put_mail(s, &mail, 1);
	put_findings(s, &f, 1, 0);
	*alert = alerted_raise(a, s, &f, 1);
	*facts = facts_of_alert(a->report, a->settings, *alert, 1, CHANGE_OPENED, T0, &err);
	must(*facts, &err);
}

static void end(struct alerted *a, struct alert *alert, struct tree *facts)
{
	tree_free(facts);
	alert_free(alert);
	alerted_end(a);
}

/* Is this line in the head of the mail? */
static bool has_header(const struct mail *m, const char *line)
{
	const char *body = strstr(m->text, "\n\n");
	const char *at = strstr(m->text, line);

	return at && at < body && (at == m->text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static int headers(const struct mail *m)
{
	int n = 0;

	for (const char *p = m->text; *p != '\n'; p = strchr(p, '\n') + 1)
		n += *p != ' ' && *p != '\t';
	return n;
}

static void head_lacks(const struct mail *m, const char *text)
{
	const char *at = strstr(m->text, text);

	assert_true(!at || at > strstr(m->text, "\n\n"));
}

/* Printable ASCII only, in lines of at most 998, and no CR. */
static void is_clean(const struct mail *m)
{
	size_t line = 0;

	for (size_t i = 0; i < m->n; i++) {
		unsigned char c = (unsigned char)m->text[i];

		if (c != '\n' && c != '\t' && (c < 0x20 || c > 0x7e))
			fail_msg("byte %#x at %zu", c, i);
		line = c == '\n' ? 0 : line + 1;
		assert_true(line <= 998);
	}
	assert_true(m->n < 200000);
}

static void test_headers(void **state)
{
	struct alerted a;
	struct alert *alert;
	struct tree *facts;
	struct mail m;

	(void)state;
	start(&a, "en", stolen(1), &alert, &facts);
	m = compose(&a, MAIL_ALERT, facts);
	assert_true(has_header(&m, "From: mailaudit <mailaudit@web1.example>"));
	assert_true(has_header(&m, "To: root@web1.example, admin@shop.example"));
	assert_true(has_header(&m, "Message-Id: <mailaudit.1.1.abc@web1.example>"));
	assert_true(has_header(&m, "Date: Tue, 24 Nov 2026 19:35:00 +0000"));
	assert_true(has_header(&m, "Auto-Submitted: auto-generated"));
	assert_true(has_header(&m, "X-Mailaudit-Alert: 1.1"));
	assert_true(has_header(&m, "X-Mailaudit-Case: 4"));
	assert_true(has_header(&m, "X-Mailaudit-Severity: critical"));
	assert_true(has_header(&m, "MIME-Version: 1.0"));
	assert_true(has_header(&m, "Subject: [mailaudit] case 4: login info@shop.example: "
				   "9 messages from 2\n countries in 41 s"));
	assert_int_equal(headers(&m), 11);
	is_clean(&m);
	mail_release(&m);
	m = compose(&a, MAIL_ALERT, facts);
	mail_release(&m);
	end(&a, alert, facts);
}

static const char *const payloads[] = {
	"x\r\nBcc: evil@example.com\r\n\r\nbody", "x\nX-Evil: 1", "<script>alert(1)</script>",
	"\"><img src=http://evil.example/x>", "' onmouseover='x", "\x1b[2J\x1b]0;x\x07",
	"\xff\xfe\x80 \xc3", "a\xe2\x80\xae.b", "a\xe2\x80\xa8X-Evil: 1", "\xc2\x85X-Evil: 1",
	"=?utf-8?q?x=0d=0aX-Evil:_1?=", "=\n.\nFrom x\n--=_mailaudit\n--=_mailaudit--", "{{#x}}{{/y}}",
	"\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9 \xc3\xa4",
	"&lt;b&gt;&#60;script&#62;",
};

static struct finding *hostile(struct str payload)
{
	struct finding *f = stolen(1);

	f->account = f->login = f->script = f->summary = f->subjects = f->answers = f->evidence =
		f->sources = f->queue_ids = f->why = f->advice = f->host = payload;
	return f;
}

static void attack(struct str payload, const char *language, enum mail_kind kind)
{
	struct alerted a;
	struct alert *alert;
	struct tree *facts;
	struct mail m;

	start(&a, language, hostile(payload), &alert, &facts);
	m = compose(&a, kind, facts);
	is_clean(&m);
	assert_int_equal(headers(&m), 11);
	head_lacks(&m, "\nBcc:");
	head_lacks(&m, "\nX-Evil");
	head_lacks(&m, "=?UTF-8?Q?x=0d"); /* as GMime writes what it takes for encoded */
	assert_non_null(strstr(m.text, "\nContent-Type: text/html; charset=utf-8\n"));
	assert_null(strstr(strstr(m.text, "\nContent-Type: text/html"), "<script"));
	assert_null(strstr(strstr(m.text, "\nContent-Type: text/html"), "<img"));
	/* The two parts and the end, and no more. */
	assert_non_null(strstr(m.text, "\n--=_mailaudit--\n"));
	assert_int_equal(strlen(strstr(m.text, "\n--=_mailaudit--\n")), 17);
	mail_release(&m);
	end(&a, alert, facts);
}

static void test_payloads(void **state)
{
	char *much = xmalloc(1 << 20);

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		attack(str_of(payloads[i]), "en", MAIL_ALERT);
		attack(str_of(payloads[i]), "de", MAIL_OWNER);
	}
	attack((struct str){ "a\0b\nX-Evil: 1", 13 }, "en", MAIL_ALERT);
	memset(much, 'x', 1 << 20);
	attack((struct str){ much, 1 << 20 }, "en", MAIL_ALERT);
	for (size_t i = 0; i < 1 << 20; i++)
		much[i] = "<\n\xff&"[i % 4];
	attack((struct str){ much, 1 << 20 }, "de", MAIL_OWNER);
	free(much);
}

/* As many as there can be, each with as much to say as it can: still a mail. */
static void test_long_digest(void **state)
{
	char line[FINDING_MAX_LINE];
	struct finding *f = stolen(1);
	struct alerted a;
	struct alert *alert;
	struct tree *facts, *digest;
	struct error err = { 0 };
	int64_t ids[FACTS_MAX_ALERTS];
	struct mail m;

	(void)state;
	memset(line, '<', sizeof(line));
	f->summary = arena_str(&f->strings, (struct str){ line, sizeof(line) });
	start(&a, "de", f, &alert, &facts);
	for (size_t i = 0; i < FACTS_MAX_ALERTS; i++)
		ids[i] = 1;
	digest = facts_of_digest(a.report, a.settings, ids, FACTS_MAX_ALERTS, 9999, T0, &err);
	must(digest, &err);
	m = compose(&a, MAIL_DIGEST, digest);
	assert_true(has_header(&m, "Subject: [mailaudit] 9999 weitere Meldungen von web1.example"));
	assert_null(strstr(m.text, "X-Mailaudit-Alert"));
	assert_true(m.n < 300000); /* each of these is four bytes in HTML */
	mail_release(&m);
	tree_free(digest);
	end(&a, alert, facts);
}

#endif

/* --- owners ---------------------------------------------------------------- */

static void goes_to(const struct settings *s, struct str account, const char *wanted)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	struct str got = owner_address(s, account, &arena, &err);

	if (!str_eq(got, str_of(wanted)))
		fail_msg("%.*s: '%.*s', not '%s'", STR_ARG(account), STR_ARG(got), wanted);
	arena_release(&arena);
}

static void test_owners(void **state)
{
	char dir[] = "/tmp/test_owner.XXXXXX", path[64];
	struct error err = { 0 };
	struct arena arena = { 0 };
	struct settings *s;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/owners", dir);
	f = fopen(path, "w");
	fputs("# who\nalice: alice@example.com\r\n  bob :  bob.b@example.com  \ncarol: carol2\n"
	      "dave: -oQ/tmp@example.com\nerin: a@b@c\nfrank: x@example.com, y@example.com\n"
	      "#gil: g@example.com\nbad line\nheidi: <h@example.com>\nivan: i@example.com\\\n"
	      "judy: \"j\"@example.com", f);
	fclose(f);
	s = settings_parse(STR("hostname: web1.example\nalerts: {owners: owners}"), "t", dir, &err);
	must(s, &err);
	goes_to(s, STR("alice"), "alice@example.com");
	goes_to(s, STR("bob"), "bob.b@example.com");
	goes_to(s, STR("carol"), "carol2@web1.example");
	goes_to(s, STR("dave"), "");
	goes_to(s, STR("erin"), "");
	goes_to(s, STR("frank"), "");
	goes_to(s, STR("gil"), "gil@web1.example");
	goes_to(s, STR("heidi"), "");
	goes_to(s, STR("ivan"), "");
	goes_to(s, STR("judy"), "");
	goes_to(s, STR("zoe"), "zoe@web1.example");
	goes_to(s, STR("-oQ/tmp"), "");
	goes_to(s, STR("a b"), "");
	goes_to(s, STR("a@b"), "");
	goes_to(s, STR("a\nb"), "");
	goes_to(s, (struct str){ "a\0b", 3 }, "");
	goes_to(s, STR("\xc3\xa4"), "");
	goes_to(s, STR_NONE, "");
	unlink(path);
	err.code = 0;
	assert_int_equal(owner_address(s, STR("alice"), &arena, &err).n, 0);
	assert_int_equal(err.code, EXIT_NOINPUT); /* and not the wrong one */
	settings_free(s);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_GMIME
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_long_digest),
#endif
		cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
