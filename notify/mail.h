/* Mails: composed from facts and templates. The only user of GMime. */
#ifndef MAILAUDIT_NOTIFY_MAIL_H
#define MAILAUDIT_NOTIFY_MAIL_H

#include "core/settings.h"
#include "notify/tree.h"

struct mail {
	char *text; /* RFC 5322 with CRLF or LF as `sendmail -t` is not used: LF; heap */
	size_t n;
};

/* What a mail is: the names of its templates, NAME.subject, NAME.txt, NAME.html. */
enum mail_kind { MAIL_ALERT, MAIL_OWNER, MAIL_DIGEST, MAIL_SUMMARY };

/* message_id: without <>. to: at least one address. NULL text with *err filled. multipart/
 * alternative, UTF-8, Auto-Submitted: auto-generated. */
struct mail mail_compose(enum mail_kind kind, const struct tree *facts, const struct settings *s,
			 const struct string_list *to, const char *message_id, usec_t now,
			 struct error *err);
/* Can all templates be read, also where a section of theirs is empty? -1: *err says which
 * cannot, and where. */
int mail_check_templates(const struct settings *s, struct error *err);
void mail_release(struct mail *m);
/* The sender's address: alerts.from or its default. Lives as long as the settings. */
const char *mail_from(const struct settings *s);

#endif
