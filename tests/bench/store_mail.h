/* Made-up mail, as the pipeline hands it to the store: shares, lengths and what repeats are
 * those of the hosts of tests/sim, but no line is written or read. The same seed gives the
 * same mail, but for where its times begin. */
#ifndef MAILAUDIT_TESTS_BENCH_STORE_MAIL_H
#define MAILAUDIT_TESTS_BENCH_STORE_MAIL_H

#include "core/finding.h"
#include "core/message.h"

struct mail_maker {
	uint64_t seed;
	uint32_t accounts;
	double gap; /* mean microseconds from one message to the next */
	usec_t time; /* of the newest one */
	int64_t messages, php; /* made so far: the ids last given */
	uint32_t lately[64]; /* accounts: who sends goes on for a while */
	/* The newest message that bounced, to be reported on. 0: none */
	int64_t bounced;
	uint32_t bounced_account;
	char bounced_id[32];
};

struct mail {
	struct message *message; /* as it is at its end */
	struct php_mail *php; /* NULL: not sent by mail() */
	uint32_t account;
	bool by_script;
};

/* The next one, in order of time. Who takes it frees both. */
struct mail mail_make(struct mail_maker *k);
/* A finding about a stream of the account. */
struct finding *mail_finding(const struct mail_maker *k, int64_t id, uint32_t account,
			     int64_t stream);

struct str mail_account_name(uint32_t account, char buf[static 16]);
/* Login or script of the account, as the detector names its streams. */
struct str mail_stream_key(const struct mail_maker *k, uint32_t account, bool by_script,
			   char buf[static 128]);

#endif
