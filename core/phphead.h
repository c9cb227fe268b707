/* The header argument of PHP's mail(), as its log shows it, and what tells that
 * somebody put headers of his own into it.
 *
 * php-src ext/standard/mail.c (php_mail_log_crlf_to_spaces) makes each CR and LF one
 * blank: a line end "\n" is one blank, "\r\n" two, a folded line three or more, an
 * empty line ("\r\n\r\n") four. */
#ifndef MAILAUDIT_CORE_PHPHEAD_H
#define MAILAUDIT_CORE_PHPHEAD_H

#include "base/str.h"

/* More fields than these are not told apart. */
#define PHPHEAD_MAX_FIELDS 64

enum head_name {
	HEAD_OTHER, /* any other name, X-... too */
	HEAD_FROM,
	HEAD_SENDER,
	HEAD_REPLY_TO,
	HEAD_TO,
	HEAD_CC,
	HEAD_BCC,
	HEAD_SUBJECT,
	HEAD_MIME_VERSION,
	HEAD_CONTENT_TYPE,
	HEAD_CONTENT_TRANSFER_ENCODING,
	HEAD_RETURN_PATH,
	HEAD_MESSAGE_ID,
	HEAD_DATE,
	HEAD_NAMES
};
#define HEAD_BIT(name) (1u << (name))

struct head_field {
	enum head_name name;
	struct str label; /* as written: "Bcc" */
	struct str value; /* trimmed */
	size_t blanks; /* before the label; 0 for the first */
};

/* Views into the string it was made of. */
struct phphead {
	size_t count;
	uint32_t names; /* HEAD_BIT of what is there */
	uint32_t repeated; /* HEAD_BIT of names that may stand once (RFC 5322 3.6) and do not */
	uint32_t differing; /* those of them whose values differ */
	uint64_t template; /* hash of names and blanks: same code, same template */
	size_t addresses; /* in To, Cc and Bcc */
	bool mixed; /* fields after one blank and fields after two: both kinds of line end */
	struct str body; /* text behind an empty line that is not a MIME part; "" none */
	bool cut; /* as long as the log's reader keeps: its end may be missing */
	struct head_field field[PHPHEAD_MAX_FIELDS]; /* `count` of them */
};

/* Of longer headers PHP_MAIL_MAX_HEADERS bytes (core/message.h) are read. */
void phphead_read(struct str headers, struct phphead *out);
/* The first field of this name, or NULL. */
const struct head_field *phphead_find(const struct phphead *h, enum head_name name);

/* ---- injection ---- */

enum injection_rule {
	INJ1, /* Bcc or Cc after "\n" where the script writes "\r\n" */
	INJ2, /* fields that this FILE:LINE never had */
	INJ3, /* a field twice that may stand once */
	INJ4, /* To or Subject among the headers */
	INJ5, /* an empty line and text: a body */
	INJ6, /* encoded line ends, or field names in To or Subject: a try that failed */
	INJ7, /* the probe of the form scanners */
	INJ8, /* more recipients at the mail server than the log line names */
	INJECTION_RULES
};
/* "INJ1", ... */
extern const char *const injection_rule_name[];

/* What was learned of this FILE:LINE before this call. All zero: nothing. */
struct injection_known {
	const uint64_t *templates; /* of phphead.template */
	size_t ntemplates;
	uint32_t names; /* HEAD_BITs seen */
	uint32_t repeated; /* HEAD_BITs that the script itself repeats */
	size_t max_recipients; /* of one call, To included */
	bool mixes; /* the script itself mixes line ends */
};

struct injection {
	uint32_t fired; /* 1u << INJ1, ... */
	double weight; /* of all that fired, nats */
	bool blocked; /* PHP since 5.4.42, 5.5.26, 5.6.10 refuses such a call: an attempt only */
	size_t recipients; /* addresses in To and the headers */
	size_t usual; /* known.max_recipients */
	size_t delivered; /* to so many recipients, by injection_compare */
	struct {
		double weight;
		struct str about; /* view: the part of the line that tells */
	} rule[INJECTION_RULES];
};

/* Tries INJ1 to INJ7 on one call of mail(). */
void injection_scan(const struct phphead *head, struct str to, struct str subject,
		    const struct injection_known *known, struct injection *out);
/* INJ8: recipients that the mail server got (before it expanded aliases) against
 * those of the PHP line it was joined with; adds to what injection_scan left. True:
 * there are more. Nothing is said of a line whose end was cut off. */
bool injection_compare(const struct phphead *head, size_t mta_recipients, struct injection *out);
/* One sentence about a rule that fired, log text in it escaped; returns buf. */
const char *injection_explain(const struct injection *in, enum injection_rule rule, char *buf,
			      size_t size);

#endif
