/* Mails: composed from facts and templates.
 *
 * Invariant: a header holds one line made here, by GMime; what comes from the log is in a
 * subject, encoded where it is not plain ASCII, or in a body, which is quoted-printable. */
#include "notify/mail.h"

#ifdef HAVE_GMIME
#include <gmime/gmime.h>
#endif
#include <stdio.h>
#include <stdlib.h>

#include "notify/templates.h"

void mail_release(struct mail *m)
{
	free(m->text);
	*m = (struct mail){ NULL, 0 };
}

const char *mail_from(const struct settings *s)
{
	return s->alerts.from;
}

#ifdef HAVE_GMIME

/* No line of quoted-printable starts with this. */
#define BOUNDARY "=_mailaudit"
#define SUBJECT_MAX 250 /* bytes */
#define ADDRESS_MAX 320

static const char *const kind_name[] = {
	[MAIL_ALERT] = "alert", [MAIL_OWNER] = "owner", [MAIL_DIGEST] = "digest",
	[MAIL_SUMMARY] = "summary",
};

struct parts {
	char *subject, *text, *html;
};

static void release_parts(struct parts *p)
{
	free(p->subject);
	free(p->text);
	free(p->html);
}

static char *fill(const struct settings *s, enum mail_kind kind, const char *ending,
		  const struct tree *facts, enum template_form form, struct error *err)
{
	char name[32];

	snprintf(name, sizeof(name), "%s.%s", kind_name[kind], ending);
	return templates_fill(s, name, facts, form, err);
}

/* One line. "=?" would be read as the beginning of something encoded. */
static void tidy_subject(char *subject)
{
	size_t n = strcspn(subject, "\r\n");
	char *p;

	if (n > SUBJECT_MAX)
		for (n = SUBJECT_MAX; n && (subject[n] & 0xc0) == 0x80; n--)
			;
	subject[n] = '\0';
	for (p = strstr(subject, "=?"); p; p = strstr(p, "=?"))
		*p = '.';
}

static int fill_parts(enum mail_kind kind, const struct tree *facts, const struct settings *s,
		      struct parts *p, struct error *err)
{
	p->subject = fill(s, kind, "subject", facts, FORM_LINE, err);
	if (p->subject)
		p->text = fill(s, kind, "txt", facts, FORM_TEXT, err);
	if (p->text)
		p->html = fill(s, kind, "html", facts, FORM_HTML, err);
	if (!p->html)
		return -1;
	tidy_subject(p->subject);
	return 0;
}

int mail_check_templates(const struct settings *s, struct error *err)
{
	struct tree *nothing = tree_object();
	int rc = 0;

	for (size_t kind = 0; kind < sizeof(kind_name) / sizeof(kind_name[0]) && rc == 0; kind++) {
		struct parts parts = { NULL, NULL, NULL };

		rc = fill_parts((enum mail_kind)kind, nothing, s, &parts, err);
		release_parts(&parts);
	}
	tree_free(nothing);
	return rc;
}

static void set_header(GMimeMessage *m, const char *name, const char *value)
{
	g_mime_object_set_header(GMIME_OBJECT(m), name, value, NULL);
}

/* A user of this host is one of the host's name. */
static void full_address(const struct settings *s, const char *address, char *buf)
{
	snprintf(buf, ADDRESS_MAX, strchr(address, '@') ? "%s" : "%s@%s", address, s->hostname);
}

static void add_address(GMimeMessage *m, GMimeAddressType type, const char *name,
			const struct settings *s, const char *address)
{
	char full[ADDRESS_MAX];

	full_address(s, address, full);
	g_mime_message_add_mailbox(m, type, name, full);
}

static void set_headers(GMimeMessage *m, const struct tree *facts, const struct settings *s,
			const struct string_list *to, const char *subject, const char *message_id,
			usec_t now)
{
	GDateTime *date = g_date_time_new_from_unix_utc(now / USEC_SECOND);
	const struct tree *alert = tree_get(facts, STR("alert"));
	char id[64];

	add_address(m, GMIME_ADDRESS_TYPE_FROM, "mailaudit", s, mail_from(s));
	for (size_t i = 0; i < to->n; i++)
		add_address(m, GMIME_ADDRESS_TYPE_TO, NULL, s, to->at[i]);
	g_mime_message_set_subject(m, subject, "utf-8");
	g_mime_message_set_date(m, date);
	g_date_time_unref(date);
	g_mime_message_set_message_id(m, message_id);
	set_header(m, "Auto-Submitted", "auto-generated");
	if (!alert)
		return;
	snprintf(id, sizeof(id), "%.*s.%.*s", STR_ARG(str_head(tree_show(alert), 24)),
		 STR_ARG(str_head(tree_show(tree_get(facts, STR("version"))), 24)));
	set_header(m, "X-Mailaudit-Alert", id);
	set_header(m, "X-Mailaudit-Case", tree_show(tree_get(facts, STR("case"))).p);
	set_header(m, "X-Mailaudit-Severity", tree_show(tree_get(facts, STR("severity"))).p);
}

/* GMime's own way to set a text would choose another charset for it. */
static void add_part(GMimeMultipart *to, const char *subtype, const char *text)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
	GMimeDataWrapper *content =
		g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	g_mime_multipart_add(to, GMIME_OBJECT(part));
	g_object_unref(content);
	g_object_unref(stream);
	g_object_unref(part);
}

static void set_body(GMimeMessage *m, const struct parts *p)
{
	GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");

	g_mime_multipart_set_boundary(both, BOUNDARY);
	add_part(both, "plain", p->text);
	add_part(both, "html", p->html);
	g_mime_message_set_mime_part(m, GMIME_OBJECT(both));
	g_object_unref(both);
}

static struct mail print(GMimeMessage *m)
{
	char *text = g_mime_object_to_string(GMIME_OBJECT(m), NULL);
	struct mail mail = { .n = strlen(text) };

	mail.text = str_dup((struct str){ text, mail.n });
	g_free(text);
	return mail;
}

struct mail mail_compose(enum mail_kind kind, const struct tree *facts, const struct settings *s,
			 const struct string_list *to, const char *message_id, usec_t now,
			 struct error *err)
{
	static bool ready;
	struct parts parts = { NULL, NULL, NULL };
	struct mail mail = { NULL, 0 };
	GMimeMessage *m;

	if (!ready)
		g_mime_init();
	ready = true;
	if (fill_parts(kind, facts, s, &parts, err) == 0) {
		m = g_mime_message_new(TRUE);
		set_headers(m, facts, s, to, parts.subject, message_id, now);
		set_body(m, &parts);
		mail = print(m);
		g_object_unref(m);
	}
	release_parts(&parts);
	return mail;
}

#else

int mail_check_templates(const struct settings *s, struct error *err)
{
	(void)s;
	(void)err;
	return 0;
}

struct mail mail_compose(enum mail_kind kind, const struct tree *facts, const struct settings *s,
			 const struct string_list *to, const char *message_id, usec_t now,
			 struct error *err)
{
	(void)kind;
	(void)facts;
	(void)s;
	(void)to;
	(void)message_id;
	(void)now;
	error_set(err, EXIT_CONFIG, "mailaudit was built without GMime: it cannot write mails");
	return (struct mail){ NULL, 0 };
}

#endif
