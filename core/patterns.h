/* What people may edit about signatures: sets of patterns, read from YAML texts.
 *
 * A text is a map with any of these keys (etc/patterns.d/ has one file for each
 * subject, and they are compiled in):
 *
 *   responses:                  # what remote servers answer; the first that fits counts
 *     - name: google-rate       # unique within its list
 *       class: rate_spam        # a name of response_class_name
 *       scope: server           # account (default) | server: says nothing about one customer
 *       code: [x.7.28, 421]     # any of: enhanced codes (x is 4 or 5; "5.2" fits 5.2.2), or
 *                               # basic codes; absent: every code
 *       match: [unusual rate]   # any of: regular expressions; absent: every text
 *       unless: [something]     # any of: regular expressions that must not match
 *       weight: 1.3             # nats of evidence, 0 to 10; absent: that of the class
 *       help: Why this tells something, one sentence.
 *   paths:                      # signs about the path of a script: all that fit add up
 *     - {name: ..., match: [...], unless: [...], weight: 3, help: ...}
 *     - {name: ..., test: random-name, ...}  # a test in C in place of match: random-name,
 *                               # eval, no-file
 *   probes:                     # signs about one mail() call: all that fit add up
 *     - {name: ..., in: subject, match: [...], ...}  # in: subject | headers | to | any (default:
 *                               # subject or headers)
 *     - {name: ..., test: own-url, ...}  # the subject is the script's own address
 *   helo:                       # signs about what a client calls itself
 *     - {name: ..., match: [...], client: public, ...}  # client: any (default) | public address
 *     - {name: ..., test: own-name, ...}  # it calls itself by our name
 *   words: [contact, form]      # what names of files are made of, for random-name
 *   providers:                  # of mail exchangers, by the end of their host names
 *     - {name: Google, hosts: [google.com, googlemail.com]}
 *   freemail: [gmail.com, yahoo.*]  # domains where anybody gets an address; ".*" is any
 *                               # country's or generic ending
 *
 * Of match and test, a sign has one. Expressions are PCRE2's; case is folded. */
#ifndef MAILAUDIT_CORE_PATTERNS_H
#define MAILAUDIT_CORE_PATTERNS_H

#include "base/error.h"
#include "base/str.h"

/* Of a longer text only this much is looked at, in bytes. */
#define PATTERNS_MAX_TEXT 4096
/* More signs than these in one place are not told. */
#define PATTERNS_MAX_SIGNS 8
/* What the signs of one path may weigh together, without eval(), in nats. */
#define PATTERNS_PATH_CAP 3.5

enum pattern_set {
	PATTERNS_RESPONSE,
	PATTERNS_PATH,
	PATTERNS_PROBE,
	PATTERNS_HELO,
	PATTERN_SETS
};
/* "responses", "paths", "probes", "helo" */
extern const char *const pattern_set_name[];

enum response_class {
	RESPONSE_OTHER,
	RESPONSE_UNKNOWN_RCPT, /* no such mailbox or domain */
	RESPONSE_CONTENT_SPAM, /* this message was taken for spam */
	RESPONSE_RATE_SPAM, /* too much, too unwelcome; about the server */
	RESPONSE_ACCOUNT_BANNED, /* this sender is banned */
	RESPONSE_IP_LISTED, /* the server's address is on a list */
	RESPONSE_AUTH_POLICY, /* SPF, DKIM, DMARC, names in DNS */
	RESPONSE_DEFER, /* greylisting and other "later" */
	RESPONSE_QUOTA, /* mailbox full, message too large */
	RESPONSE_ROUTE, /* DNS or connection */
	RESPONSE_LOCAL_LIMIT, /* our own server's limit */
	RESPONSE_CLASSES
};
/* "other", "unknown_rcpt", ... */
extern const char *const response_class_name[];

/* One row of a text; owned by its struct patterns. */
struct pattern {
	struct str name;
	struct str help; /* one sentence */
	enum response_class class; /* of responses; else RESPONSE_OTHER */
	bool server; /* scope: server */
	double weight; /* nats */
	const struct pattern_rule *rule; /* patterns.c's */
};

struct pattern_text {
	const char *name; /* "responses.yaml", or a path: its last part counts */
	struct str yaml;
};

struct patterns;

/* Reads the texts. A later text with the same name replaces the earlier one; of
 * texts with different names the rows of the later one are tried first. NULL:
 * the error says "name:line:column: key: why" and its code is EXIT_CONFIG. The
 * texts are not needed afterwards. */
struct patterns *patterns_new(const struct pattern_text *texts, size_t n, struct error *err);
void patterns_free(struct patterns *p); /* NULL is fine */
/* The texts of etc/patterns.d, compiled in. */
const struct pattern_text *patterns_builtin(size_t *n);
/* patterns_new(patterns_builtin()); never NULL. */
struct patterns *patterns_default(void);

/* The rows of a set in the order in which they are tried. */
const struct pattern *patterns_list(const struct patterns *p, enum pattern_set set, size_t *n);
/* The first row of the set whose expressions fit the text as it is; NULL: none.
 * Rows with a test or a code are passed over. */
const struct pattern *patterns_match(const struct patterns *p, enum pattern_set set,
				     struct str text);

/* ---- answers ---- */

/* The row that tells what an answer means; NULL: none does. `dsn` ("5.1.1") may
 * be empty, `text` is as the mail server logged it: "host x said: 550-5.1.1 ..."
 * or "SMTP error ...: 550 ...". Addresses and host names before the answer are
 * not looked at. `deferred`: the message stays queued; then an unknown recipient
 * is a deferral. */
const struct pattern *patterns_answer(const struct patterns *p, struct str dsn, struct str text,
				      bool deferred);
/* Its class; RESPONSE_OTHER (or RESPONSE_DEFER) when no row tells. */
enum response_class patterns_response(const struct patterns *p, struct str dsn, struct str text,
				      bool deferred);
/* What the answer is made of when names, numbers and addresses are left out, for
 * counting alike answers. */
uint64_t patterns_fingerprint(struct str text);
/* Whose mail exchanger this is ("Google"), by its host name or Postfix's
 * "host[ip]:port"; empty: not in the table. The table's own text. */
struct str patterns_provider(const struct patterns *p, struct str relay);
/* Is the domain (or the domain of this address) one where anybody gets one? */
bool patterns_freemail(const struct patterns *p, struct str address);

/* ---- signs ---- */

/* What was found in one place. */
struct signs {
	const struct pattern *sign[PATTERNS_MAX_SIGNS];
	size_t count;
	double weight; /* of all together, nats */
};

/* Signs about a script (struct php_mail's script and eval; a name with "eval()'d
 * code" in it, as X-PHP-Originating-Script has it, is fine, too) or a directory. */
void patterns_path(const struct patterns *p, struct str path, bool eval, struct signs *out);
/* Signs that a mail() call is a test of an uploaded mailer. */
void patterns_probe(const struct patterns *p, struct str script, struct str to,
		    struct str subject, struct str headers, struct signs *out);
/* Does the name look made up by a generator? It is a path or the last part of
 * one. At least 8 letters in a row that words are not made of, or 8 or more
 * hexadecimal digits with letters and digits among them. */
bool patterns_random_name(const struct patterns *p, struct str path);

/* ---- HELO ---- */

enum helo_kind {
	HELO_NONE, /* not known */
	HELO_LITERAL, /* [192.0.2.1], [IPv6:...] */
	HELO_ADDRESS, /* 192.0.2.1 */
	HELO_LOCALHOST, /* localhost, localhost.localdomain, [127.0.0.1] from elsewhere */
	HELO_OWN, /* our own name or address */
	HELO_BARE, /* PC-OF-BOB */
	HELO_FQDN, /* pc.bob.example */
	HELO_KINDS
};
extern const char *const helo_kind_name[];

struct helo {
	enum helo_kind kind;
	uint64_t hash; /* of the kind and the name with its digits masked: same client, same hash */
};

/* `own` is this server's name (may be empty). */
struct helo helo_class(struct str helo, struct str client_ip, struct str own);
/* Signs about it. `own` as above. */
void patterns_helo(const struct patterns *p, struct str helo, struct str client_ip,
		   struct str own, struct signs *out);

#endif
