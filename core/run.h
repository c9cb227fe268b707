/* A suspicious run of a stream: from the first observation that spoke against
 * it until nothing does any more. What a finding is told from. */
#ifndef MAILAUDIT_CORE_RUN_H
#define MAILAUDIT_CORE_RUN_H

#include "core/finding.h"

#define RUN_MAX_SIGNS 16
#define RUN_MAX_SOURCES 24
#define RUN_MAX_TEXTS 10

/* One kind of evidence, as often as it was seen. */
struct run_sign {
	const char *rule; /* "new-country", ...: a literal, or owned by the arena */
	enum family family;
	float weight; /* added up */
	int64_t count;
	usec_t first, last;
	struct str text; /* the weightiest sentence */
	float text_weight;
};

struct run_source {
	struct str ip;
	char country[3];
	uint32_t asn;
	bool known; /* of the stream's own networks */
	int64_t messages;
};

struct run_text {
	struct str text;
	int64_t count;
};

/* Facts the verdict asks for. */
enum run_fact {
	RUN_MESSAGES,
	RUN_RECIPIENTS,
	RUN_NOVEL, /* recipients never written to */
	RUN_RESULTS,
	RUN_UNKNOWN_USERS,
	RUN_SPAM_ANSWERS,
	RUN_CALLS, /* of PHP's mail() */
	RUN_BLOCKED, /* calls that no message followed */
	RUN_INJECTED, /* calls with an injected header */
	RUN_FROM_KNOWN, /* messages from its own networks */
	RUN_FROM_NEW, /* from others */
	RUN_FOREIGN_SENDER, /* messages whose sender's domain is not the account's */
	RUN_NEW_HELO,
	RUN_NEW_COUNTRIES,
	RUN_NEW_NETS, /* networks, by ASN where that is known */
	RUN_FREEMAIL, /* recipients at large free providers */
	RUN_BAD_PATH, RUN_EVAL, RUN_UNLOGGED, /* what the script is */
	RUN_LOGIN_FAILURES, /* refused logins shortly before */
	RUN_SURE, /* certain signs */
	RUN_MOST_RECIPIENTS, /* of one message */
	RUN_LIMIT, /* a plain limit, or half of it, was reached */
	RUN_MATCHED, /* bounces of mail that did leave here */
	RUN_FACTS
};

struct run {
	struct arena strings;
	usec_t start, last; /* of what was seen */
	int64_t last_message; /* row of the newest one counted */
	int64_t fact[RUN_FACTS];
	float peak[FAMILIES]; /* highest score of each family */
	struct run_sign signs[RUN_MAX_SIGNS];
	int nsigns;
	struct run_source sources[RUN_MAX_SOURCES]; /* of a direct stream: where to */
	int nsources;
	int64_t sources_dropped; /* messages from more addresses */
	struct run_text answers[RUN_MAX_TEXTS], subjects[RUN_MAX_TEXTS], queue_ids[RUN_MAX_TEXTS];
	int nanswers, nsubjects, nqueue_ids;
};

struct run *run_new(usec_t now);
void run_free(struct run *r); /* NULL is fine */
/* The sign of this rule, made if there is none. NULL: RUN_MAX_SIGNS there are. */
struct run_sign *run_sign(struct run *r, const char *rule, enum family family);
const struct run_sign *run_find_sign(const struct run *r, const char *rule);
/* The source of this address; NULL: too many. */
struct run_source *run_source(struct run *r, struct str ip);
/* Counts the text, kept once; a full list keeps what it has. */
void run_text(struct run *r, struct run_text *list, int *n, struct str text);
struct str run_pack(const struct run *r, struct arena *to);
/* NULL: not what run_pack() wrote. */
struct run *run_unpack(struct str packed);

#endif
