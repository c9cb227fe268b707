/* Script: mail is sent by code that should not be there, or that does what it
 * never did: a file among uploads, eval()'d code, the test mail of a mailer that
 * was just dropped, mail past PHP's log, a form that writes to strangers. */
#include <stdio.h>

#include "base/hash.h"
#include "core/detect.h"
#include "core/mailtext.h"
#include "core/visit.h"
#include "heuristics/heuristics.h"

struct script_settings {
	double eval, unseen, unlogged, stranger, flood, cap;
};

#define AT(member) offsetof(struct script_settings, member)
static const struct key keys[] = {
	{ "eval", KEY_REAL, AT(eval), "4.5", .help = "Nats for mail from eval()'d code." },
	{ "unseen", KEY_REAL, AT(unseen), "0.6",
	  .help = "Nats for a script that never sent, of an account that has long been sending." },
	{ "unlogged", KEY_REAL, AT(unlogged), "2.8",
	  .help = "Nats for local mail past PHP's log, of an account that has one." },
	{ "stranger", KEY_REAL, AT(stranger), "1.5",
	  .help = "Nats for each stranger that a script writes to which wrote to its owner only." },
	{ "flood", KEY_REAL, AT(flood), "4",
	  .help = "Nats for a form that writes to strangers, once volume has as many against what "
		  "forms have on a bad day." },
	{ "cap", KEY_REAL, AT(cap), "12", .help = "The score's upper end." },
};
#undef AT

/* A script with so much calm mail behind it, for so long, is what it is. */
#define SETTLED_MESSAGES 20
#define SETTLED_USEC (7 * USEC_DAY)
/* Whoever wrote to so few in so much mail writes to its owner. */
#define OWNER_MESSAGES 20
#define OWNER_RECIPIENTS 3
/* Signs of a path that say "this is no place for scripts". */
#define BAD_PATH 3.0
/* Signs of a call that say "this is a test of a mailer". */
#define SURE_PROBE 3.0

static bool is_settled(const struct stream *s, usec_t now)
{
	return s->messages + s->calls >= SETTLED_MESSAGES && now - s->born >= SETTLED_USEC;
}

static bool said(const struct observation *o, const char *rule)
{
	return o->stream->run && run_find_sign(o->stream->run, rule);
}

/* Does the call write to somebody the script never wrote to, outside the account? */
static bool to_stranger(const struct observation *o)
{
	struct str list = o->call->to, address, domain, owner;

	while (mailtext_address(&list, &address)) {
		if (known_has(&o->stream->known, known_hash(address)))
			continue;
		domain = str_skip(address, str_rchr(address, '@') + 1);
		owner = accounts_domain(o->world->accounts, domain);
		if (domain.n && (!owner.n || !str_eq(owner, o->stream->account)))
			return true;
	}
	return false;
}

static double observe_signs(const struct observation *o, const struct signs *signs,
			    double factor, const char *rule, double cap)
{
	char text[FINDING_MAX_LINE / 2];

	if (!signs->count || said(o, rule))
		return signs->weight;
	observe_text(o->call ? o->call->script : o->message->script, text, sizeof(text));
	observe_sign(o, rule, FAMILY_SCRIPT, signs->weight * factor, cap, "%s: %.*s", text,
		     STR_ARG(signs->sign[0]->help));
	return signs->weight;
}

/* An account that has long been sending, and not by this script. */
static bool has_history(const struct observation *o)
{
	return o->account && o->account != o->stream &&
	       (o->time - o->account->born >= SETTLED_USEC ||
		o->account->messages >= DETECT_MATURE_MESSAGES);
}

static void unseen(const struct observation *o, const struct script_settings *set)
{
	if (has_history(o) && !said(o, "unseen-script"))
		observe_sign(o, "unseen-script", FAMILY_SCRIPT, set->unseen, set->cap,
			     "it never sent mail before");
}

/* A path that has none is not looked at again. A stream that stands for a site's library has
 * many paths, one after the other. */
static void look_at_path(const struct observation *o, struct str path, struct signs *out)
{
	struct stream *s = o->stream;
	uint64_t hash;

	out->count = 0;
	out->weight = 0;
	if (s->plain_path)
		return;
	hash = hash_str(0, path);
	if (hash == s->plain_library)
		return;
	patterns_path(o->world->patterns, path, false, out);
	if (!out->count)
		s->plain_library = hash;
}

/* Where the code is, whether or not PHP's log told. */
static void observe_place(const struct observation *o, struct str path, bool eval, bool stranger,
			  const struct script_settings *set)
{
	struct signs signs;
	double weight;

	if (!o->world->patterns)
		return;
	look_at_path(o, path, &signs);
	o->stream->plain_path = signs.count == 0 && str_eq(path, o->stream->name);
	weight = observe_signs(o, &signs, stranger ? 1 : 0.3, "bad-path", set->cap);
	if (weight >= BAD_PATH && stranger)
		observe_fact(o, RUN_BAD_PATH, 1);
	if (!eval)
		return;
	observe_fact(o, RUN_EVAL, 1);
	if (!said(o, "eval"))
		observe_sign(o, "eval", FAMILY_SCRIPT, stranger ? set->eval : set->eval / 3,
			     set->cap, "mail() was called from eval()'d code");
}

static void observe_call(const struct observation *o, const struct script_settings *set)
{
	const struct php_mail *p = o->call;
	bool fresh = o->stream->calls == 0, stranger;
	struct signs probe = { 0 };
	double weight = 0;

	if (is_settled(o->stream, o->time))
		return;
	stranger = to_stranger(o);
	if (fresh)
		unseen(o, set);
	observe_place(o, p->script, p->eval, stranger, set);
	if (o->world->patterns) {
		patterns_probe(o->world->patterns, p->script, p->to, p->subject, p->headers,
			       &probe);
		weight = observe_signs(o, &probe, 1, "probe", set->cap);
	}
	if (stranger && has_history(o) &&
	    ((weight >= SURE_PROBE && o->stream->score[FAMILY_SCRIPT] >= BAD_PATH + 1) || p->eval))
		observe_sure(o);
}

static bool has_php_log(const struct observation *o)
{
	return o->account && o->account->php_seen &&
	       o->time - o->account->php_seen < 30 * USEC_DAY;
}

static void observe_submit(const struct observation *o, const struct script_settings *set)
{
	const struct message *m = o->message;

	if (m->channel != CHANNEL_LOCAL || m->php || is_settled(o->stream, o->time))
		return;
	if (m->script.n)
		observe_place(o, m->script, str_find(m->script, STR("eval()'d")) < m->script.n,
			      true, set);
	if (!has_php_log(o) || said(o, "unlogged") ||
	    o->time - o->account->born < SETTLED_USEC || o->stream->messages > SETTLED_MESSAGES)
		return;
	unseen(o, set);
	observe_fact(o, RUN_UNLOGGED, 1);
	observe_sign(o, "unlogged", FAMILY_SCRIPT, set->unlogged, set->cap,
		     "it came past PHP's mail log, which this account has");
}

/* A form answers a visitor now and then; it has no list. */
static void flooding_form(const struct observation *o, const struct script_settings *set)
{
	const struct stream *s = o->stream;

	if (o->stranger && stream_is_form(s) && (double)s->bulk_rate >= set->flood &&
	    !said(o, "flooding"))
		observe_sign(o, "flooding", FAMILY_SCRIPT, set->flood, set->cap / 2,
			     "a script that sends a mail now and then writes to strangers by the "
			     "dozen");
}

static void observe_recipient(const struct observation *o, const struct script_settings *set)
{
	char to[120];

	flooding_form(o, set);
	if (!o->stranger || o->stream->messages < OWNER_MESSAGES ||
	    o->stream->strangers > OWNER_RECIPIENTS || o->nth >= OWNER_RECIPIENTS)
		return;
	observe_text(o->recipient->address, to, sizeof(to));
	observe_sign(o, "to-strangers", FAMILY_SCRIPT, set->stranger, set->cap / 2,
		     "it wrote to its owner only, and now to strangers such as %s", to);
}

/* How the script came here is told once something speaks against it. By itself it is
 * none: that is how every script comes. */
static void how_it_came(const struct observation *o)
{
	struct str script = o->call ? o->call->script : o->message ? o->message->script : STR_NONE;
	const struct stream_entry *e;
	char ago[STAMP_TEXT], ip[2 * STREAM_ADDRESS], refused[64] = "";

	if (!o->stream->run || !o->account || !o->account->nentries || said(o, "uploaded") ||
	    said(o, "break-in"))
		return;
	e = visit_before(o->account, script, o->time);
	if (!e)
		return;
	observe_text(*e->ip ? str_of(e->ip) : STR("an unknown address"), ip, sizeof(ip));
	stamp_span(o->time - e->minute * USEC_MINUTE, ago);
	if (e->refused)
		snprintf(refused, sizeof(refused), ", after %u refused logins", e->refused);
	observe_sign(o, e->strange ? "break-in" : "uploaded", FAMILY_SCRIPT, 0, 0,
		     "%s by %s from %s%s%.2s%s %s before%s",
		     e->path ? "uploaded" : "somebody came in", e->ssh ? "SSH" : "FTP", ip,
		     e->country[0] ? " " : "", e->country,
		     e->strange ? ", where this account's logins never came from," : "", ago,
		     refused);
}

static void observe(struct observation *o, const void *settings)
{
	if (o->stream->kind != STREAM_SCRIPT && o->stream->kind != STREAM_USER &&
	    o->stream->kind != STREAM_DIRECT)
		return;
	if (o->kind == OBSERVED_CALL)
		observe_call(o, settings);
	else if (o->kind == OBSERVED_SUBMIT)
		observe_submit(o, settings);
	else if (o->kind == OBSERVED_RECIPIENT && o->stream->kind == STREAM_SCRIPT)
		observe_recipient(o, settings);
	how_it_came(o);
}

const struct heuristic heuristic_script = {
	.name = "script",
	.family = FAMILY_SCRIPT,
	.summary = "code that should not be there, or does what it never did",
	.about =
		"Mailers are dropped where a web server may write: uploads, images, caches, /tmp; "
		"they hide behind a dot or a second ending, have names no person chose, and test "
		"themselves with one mail to their owner within seconds. The signs are those of "
		"etc/patterns.d/paths.yaml and probes.yaml; a script with a week of calm mail behind "
		"it is not judged by its path any more, and one that writes to its own account only "
		"hardly.\n"
		"\n"
		"Code in eval() hides from whoever looks for it. Mail of an account that has a PHP "
		"mail log, but past it, comes from popen(), imap_mail(), Perl or a shell. A form "
		"that wrote to its owner for months and now writes to strangers is abused or was "
		"changed.\n"
		"\n"
		"Where the logs of FTP and SSH are read, a finding tells from where the script was "
		"uploaded; when that is a network and country the account's logins never came from, "
		"a password was stolen (4) and the script is what came of it.\n"
		"\n"
		"Sources: captured web shells (bediger4000), php-src, rspamd's and SpamAssassin's "
		"scores for eval.",
	.keys = { keys, sizeof(keys) / sizeof(keys[0]), sizeof(struct script_settings) },
	.observe = observe,
};
