/* One thing that happened to a stream, as the heuristics are shown it.
 *
 * The same mail makes several: it is submitted, then each recipient becomes
 * known, then each answer; a call of PHP's mail() is one of its own. They come
 * in the order of the log's lines. */
#ifndef MAILAUDIT_CORE_OBSERVATION_H
#define MAILAUDIT_CORE_OBSERVATION_H

#include "base/geo.h"
#include "core/account.h"
#include "core/patterns.h"
#include "core/phphead.h"
#include "core/run.h"
#include "core/stream.h"

enum observation_kind {
	OBSERVED_SUBMIT, /* a message; its stream is known for good */
	OBSERVED_RECIPIENT, /* one more recipient of it */
	OBSERVED_ANSWER, /* what became of a recipient, or that it must wait */
	OBSERVED_CALL, /* PHP's mail() was called */
	OBSERVED_JOIN, /* ... and the message that it became is known, with its recipients */
	OBSERVED_UNSENT, /* ... and no message followed */
	OBSERVED_BOUNCE, /* mail from nobody (<>) for one of ours came from outside */
	OBSERVED_DIRECT /* a program opened a connection to an SMTP port of the world itself */
};

/* Of such a connection. */
struct direct {
	struct str host; /* it was opened on */
	struct str user; /* name of the uid, "#1234" for one passwd lacks */
	struct str account; /* "" a user that sites share */
	struct str ip; /* where to */
	struct str rule; /* the prefix of the rule that logged it */
	int64_t uid, port;
};

/* What does not change while lines are read. Pointers may be NULL but for
 * settings and accounts. */
struct detect_world {
	const struct settings *settings;
	const struct accounts *accounts;
	const struct geo *geo;
	const struct patterns *patterns;
};

/* Without databases a place is told by the client's name, which the mail server has
 * checked: the country by its last label, and in place of a number of an autonomous
 * system the hash of the provider's domain, with this bit. */
#define PLACE_BY_NAME 0x80000000u

struct observation {
	enum observation_kind kind;
	usec_t time;
	const struct detect_world *world;
	struct stream *stream;
	struct stream *account, *host; /* roll-ups; account may be `stream` itself or NULL */
	const struct message *message; /* NULL for calls and connections */
	const struct recipient *recipient;
	size_t nth; /* of the message's recipients; 0, 1, 2 ... */
	const struct php_mail *call;
	const struct phphead *head; /* of the call: its headers, told apart */
	const struct direct *direct; /* the connection */
	struct geo_place place; /* of the client, see PLACE_BY_NAME; of a connection's end */
	uint32_t whom; /* known_hash() of the recipient, or of where a connection went */
	bool novel; /* the stream never wrote or connected to it, or it never got a bounce */
	bool stranger; /* nor is he of its account's domains */
	bool regular; /* one of the last two known ones: a form's owner, a copy to oneself */
	bool mature; /* the stream has habits: see detect.c */
	enum response_class answer;
	bool matched; /* a bounce of mail that left here */
	bool doubtful; /* a heuristic says: not to be learned by itself */
	struct detect *detect;
};

/* Something speaks against the stream: adds to its family's score (at most `cap`
 * in all) and to the run, which begins here if there is none. weight 0 only
 * keeps the sentence. The text is a sentence without its full stop. */
void observe_sign(const struct observation *o, const char *rule, enum family family,
		  double weight, double cap, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* A sign that needs no second one. */
void observe_sure(const struct observation *o);
void observe_fact(const struct observation *o, enum run_fact fact, int64_t n);
/* Log text for a sentence: escaped, cut to fit. */
const char *observe_text(struct str s, char *buf, size_t size);

/* The stream's open finding; `raise`: opens one (again) when there is none. */
struct finding *observe_finding(const struct observation *o, bool raise);

#endif
