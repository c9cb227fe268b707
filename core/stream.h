/* A stream: one way of sending mail that has habits of its own, and what its
 * habits are. A SASL login; a script, directory or user of an account; and
 * rolled up from those, the account and the host.
 *
 * Memory is bounded for each: lists keep the newest entries, and known
 * recipients are 32-bit hashes (core/known.h). The state, with the recipients known last,
 * is written as a packed row in the same transaction as the mail it was learned from. */
#ifndef MAILAUDIT_CORE_STREAM_H
#define MAILAUDIT_CORE_STREAM_H

#include "base/map.h"
#include "core/known.h"
#include "core/run.h"
#include "core/tally.h"

#define STREAM_MAX_NETS 32
#define STREAM_MAX_ADDRESSES 12
#define STREAM_MAX_WORDS 16
#define STREAM_MAX_FORMS 8
#define STREAM_MAX_READS 16
#define STREAM_MAX_ENTRIES 16
#define STREAM_ADDRESS 46 /* INET6_ADDRSTRLEN */
/* Streams held in memory; others sleep (core/asleep.h) or are read back. */
#define STREAMS_MAX_IN_MEMORY 12000

enum stream_kind {
	STREAM_LOGIN, /* name: the SASL login */
	STREAM_SCRIPT, /* name: path or, where only a header told, file name; or a directory */
	STREAM_USER, /* name: Unix user that submitted, by no script we know */
	STREAM_NETWORK, /* name: address it came from without a login, or "this host" */
	STREAM_ACCOUNT, /* roll-up of what an account sends */
	STREAM_INBOUND, /* name: mailbox or @domain that receives bounces */
	STREAM_DIRECT, /* name: user whose programs speak SMTP past the mail server */
	STREAM_HOST, /* roll-up of all */
	STREAM_KINDS
};
extern const char *const stream_kind_name[STREAM_KINDS];

/* A network mail came from, or a direct stream's went to: /16 of IPv4, /32 of IPv6.
 * Minutes since 1970. */
struct stream_net {
	uint32_t net, asn;
	uint32_t first, last;
	uint16_t days; /* on which it was seen, up to 1000 */
	char country[2]; /* 0, 0: unknown */
};

/* A HELO class or a sender's domain, by hash. */
struct stream_word {
	uint32_t hash, first, last, count;
};

/* How one FILE:LINE builds its headers. */
struct stream_form {
	uint64_t shape; /* names and spacing, hashed */
	uint32_t names, repeated; /* header names it has, and has twice, as bits */
	uint32_t first, last, count;
	uint16_t most_recipients; /* of one call */
	bool mixed; /* it mixes line ends by itself */
};

/* How somebody came in to an account by FTP or SSH, or wrote a script there. */
struct stream_entry {
	uint64_t path; /* hash of what was written, see stream_path_hash(); 0: a login */
	uint32_t minute;
	bool ssh; /* else FTP */
	bool strange; /* from a network and country that are not the account's own */
	uint16_t refused; /* logins lately refused, from such networks */
	char country[2];
	char ip[STREAM_ADDRESS]; /* "" not known */
};

struct run;
struct finding;

struct stream {
	int64_t id; /* its row */
	enum stream_kind kind;
	char *key; /* "kind\naccount\nname", owned. No host: accounts and logins come
		    * from one set of owner maps, and PHP's log names none */
	struct str account, name; /* in key */
	usec_t born, last; /* first and newest observation */

	int64_t messages, recipients; /* observed */
	int64_t calls; /* of mail(), as PHP's log told */
	int64_t script_line; /* of the newest call; 0 unknown */
	bool plain_path; /* its path has no sign: it is not looked at again */
	uint64_t plain_library; /* hash of the newest other path without a sign; not in its row */
	usec_t php_seen; /* newest line of PHP's log, 0: never */

	/* Recipients per hour of the day (UTC), learned; and of the hour now. */
	int64_t hour; /* hours since 1970 */
	float hour_novel, hour_all;
	float usual_novel[24], usual_all[24];
	bool hour_tainted; /* something suspicious in it: not to be learned */
	float novelty; /* share of recipients it had never written to */
	float failure; /* share of answers that say "no such user" */
	float switching; /* new networks a month, as is usual here */

	/* Running sums of the families, in nats, as of `scored`. */
	usec_t scored;
	float score[FAMILIES];
	float rate, run_of_novel, total; /* parts of volume */
	float pending; /* messages that were accepted, their recipients not named yet */
	float bulk_rate; /* as rate, against what a form may have on a bad day */
	float bad_list; /* answers against those of an old list, not of this stream */
	uint32_t learned_results; /* answers behind `failure`, up to 1000 */

	struct stream_net *nets;
	/* Where a login's mailbox is read, an account is entered from; where a direct stream
	 * is used to connect to. */
	struct stream_net *reads;
	struct stream_entry *entries; /* of an account, oldest first */
	struct stream_word *helos, *domains;
	struct stream_form *forms;
	uint8_t nnets, nhelos, ndomains, nforms, nreads, nentries; /* entries there are */
	struct known known;
	struct tally *tally; /* NULL: no limits are set */
	usec_t last_known_source; /* newest mail from a network that is its own */
	uint32_t last_foreign; /* hash of the newest foreign sender's domain */
	uint32_t regulars[2]; /* hashes of the known recipients it wrote to last */
	uint32_t strangers; /* recipients outside its account that it never wrote to, ever */
	/* Since it was calm, for the run that may come of it. */
	usec_t since;
	int64_t since_messages, since_recipients, since_novel;
	int64_t refused_logins; /* lately, up to 1000 */
	usec_t refused_login; /* the newest */

	struct { uint32_t hash, minute; } addresses[STREAM_MAX_ADDRESSES]; /* by /24, a ring */
	uint8_t naddresses, next_address;
	float usual_sources; /* addresses it uses within an hour, at most */
	struct run *run; /* NULL: nothing suspicious */
	int64_t finding; /* the newest one's row; 0: none yet */
	struct finding *open; /* NULL: not open, or not looked up */

	bool stored, dirty;
	uint32_t used; /* the turn of detect_put_away() it was last used in */
	struct stream *older, *newer; /* use order */
};

/* The recipients of the hours before and at `now`, and what is usual then. Rolls
 * the buckets to the hour of `now`; time never goes back. */
void stream_roll(struct stream *s, usec_t now);
/* Recipients an hour that are usual around now: the highest of three hours, at
 * least `floor`, drawn towards `prior` while the stream is younger than two weeks. */
float stream_usual(const struct stream *s, const float *by_hour, usec_t now, float floor,
		   float prior);
/* A script that for a week or more has sent a mail now and then: a form. */
bool stream_is_form(const struct stream *s);
/* Sum of the families. */
float stream_total(const struct stream *s);

/* The entry, made anew (in place of the oldest) when there is none; *fresh says so. */
struct stream_net *stream_net(struct stream *s, uint32_t net, usec_t now, bool *fresh);
struct stream_net *stream_read(struct stream *s, uint32_t net, usec_t now, bool *fresh);
/* Keeps the entry; one of the same path and address makes room for it. */
void stream_enter(struct stream *s, const struct stream_entry *e);
/* Hash of a path as an FTP server tells it, "//" made "/" and a "/" in front; 0 never. */
uint64_t stream_path_hash(struct str path);
struct stream_word *stream_word(struct stream_word **list, uint8_t *n, uint32_t hash,
				usec_t now, bool *fresh);
const struct stream_word *stream_find_word(const struct stream_word *list, uint8_t n,
					   uint32_t hash);
struct stream_form *stream_form(struct stream *s, uint64_t shape, usec_t now, bool *fresh);
/* Notes that mail came from this address. Returns how many different ones there were
 * within the last hour, this one included; *again: it was one of them. Those of one
 * /24 or /64 count as one: the farm of a sending service, a pool behind one NAT, a PC
 * with IPv6 privacy addresses. */
int stream_address(struct stream *s, struct str ip, usec_t now, bool *again);
/* Hash of the network an address lies in; 0 for text that is no address. */
uint32_t stream_net_of(struct str ip);

struct stream *stream_new(struct str key);
void stream_free(struct stream *s);
/* Bytes on the heap, its own included. */
size_t stream_bytes(const struct stream *s);
struct str stream_pack(const struct stream *s, struct arena *to);
/* false: not a state this program wrote; the stream is then as new, but for the
 * recipients that rows tell. */
bool stream_unpack(struct stream *s, struct str packed);

#endif
