/* Joins lines of PHP's mail log to messages.
 *
 * Invariant: everything that waits hangs under each of its keys (Message-ID,
 * pid of the PHP process, local part of each recipient), so that finding the
 * other side costs what is waiting for the same recipient, not all that waits.
 * A match needs that nothing contradicts; it never decides who the account is
 * against the uid of the message. */
#include "core/join.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/mailtext.h"

/* Keys of one side beyond this are not indexed: a newsletter with a thousand
 * Bcc is found by its first ones. */
#define MAX_KEYS 64
/* Bytes of a local part that count. */
#define MAX_LOCAL 200

/* What waits under one key. The key is a hash, and no more is kept of it: match() looks at
 * what is found. */
struct join_list {
	struct table_node by_key;
	struct join_node *head, *tail;
};

struct join_node {
	struct join_node *before, *behind; /* in the list of its key */
	struct join_node *sibling; /* of the same owner */
	struct join_list *list;
	void *owner;
};

void join_init(struct join *j, const struct accounts *a, usec_t wait)
{
	memset(j, 0, sizeof(*j));
	j->accounts = a;
	j->wait = wait;
}

/* ---- keys ---- */

static struct join_list *list_find(const struct table *by, uint64_t key)
{
	struct table_node *node = table_get(by, key);

	return node ? table_owner(node, struct join_list, by_key) : NULL;
}

static void node_add(struct table *by, struct join_node **nodes, uint64_t key, void *owner)
{
	struct join_node *node = xmalloc(sizeof(*node));
	struct join_list *list = list_find(by, key);

	if (!list) {
		list = xmalloc(sizeof(*list));
		list->head = list->tail = NULL;
		table_insert(by, &list->by_key, key);
	}
	*node = (struct join_node){ .before = list->tail, .sibling = *nodes, .list = list,
				    .owner = owner };
	*(list->tail ? &list->tail->behind : &list->head) = node;
	list->tail = node;
	*nodes = node;
}

static void nodes_drop(struct table *by, struct join_node **nodes)
{
	struct join_node *node;

	while ((node = *nodes)) {
		struct join_list *list = node->list;

		*nodes = node->sibling;
		*(node->before ? &node->before->behind : &list->head) = node->behind;
		*(node->behind ? &node->behind->before : &list->tail) = node->before;
		free(node);
		if (list->head)
			continue;
		table_remove(by, &list->by_key);
		free(list);
	}
}

/* The local part in lower case: PHP's To may lack the domain the MTA adds. */
static uint64_t address_key(struct str address)
{
	char local[MAX_LOCAL];
	size_t n = str_rchr(address, '@');

	if (n > sizeof(local))
		n = sizeof(local);
	for (size_t i = 0; i < n; i++)
		local[i] = (char)tolower((unsigned char)address.p[i]);
	return hash_str('a', (struct str){ local, n });
}

static uint64_t message_id_key(struct str id)
{
	return hash_str('m', id);
}

static uint64_t owner_key(struct str account)
{
	return hash_str('u', account);
}

static uint64_t pid_key(int64_t pid)
{
	return hash_str('p', (struct str){ (const char *)&pid, sizeof(pid) });
}

static int64_t message_pid(const struct message *m)
{
	struct reference ref;

	return m->work.ref.n && reference_parse(m->work.ref, &ref) ? ref.pid : -1;
}

/* ---- addresses of a PHP line ---- */

struct address_walk {
	const struct php_mail *php;
	struct str list; /* what is left of the field being read */
	int field; /* 0 To, 1 Cc, 2 Bcc */
	size_t at; /* in headers */
};

/* Most headers name neither. */
static bool next_list(struct address_walk *w)
{
	const struct php_mail *p = w->php;

	if (w->field == 1)
		return p->cc.p && mailtext_field(p->headers, STR("Cc"), &w->at, &w->list);
	return w->field == 2 && p->bcc.p &&
	       mailtext_field(p->headers, STR("Bcc"), &w->at, &w->list);
}

static bool walk_next(struct address_walk *w, struct str *address)
{
	for (;;) {
		if (mailtext_address(&w->list, address))
			return true;
		if (next_list(w))
			continue;
		if (++w->field > 2)
			return false;
		w->at = 0;
	}
}

static struct address_walk walk_start(const struct php_mail *p)
{
	return (struct address_walk){ .php = p, .list = p->to };
}

/* ---- comparing ---- */

static bool same_address(struct str php, struct str queued)
{
	if (str_chr(php, '@') < php.n)
		return str_eq_nocase(php, queued);
	return str_eq_nocase(php, str_head(queued, str_rchr(queued, '@')));
}

static bool has_recipient(const struct message *m, struct str address)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if (same_address(address, m->rcpt[i].address) ||
		    (m->rcpt[i].orig_to.n && same_address(address, m->rcpt[i].orig_to)))
			return true;
	return false;
}

static bool complete(const struct message *m)
{
	return m->nrcpt && (m->closed || (m->work.nrcpt > 0 &&
					  (int64_t)m->nrcpt >= m->work.nrcpt));
}

/* Could this submitter have run that script? */
static bool same_submitter(const struct join *j, const struct php_mail *p, const struct message *m)
{
	char buf[24];
	struct str submitter = attribute_submitter(j->accounts, m, buf);

	if (p->uid >= 0 && m->uid >= 0 && p->uid != m->uid)
		return false;
	if (p->tenant && !p->account.n)
		return false;
	if (!submitter.n || attribute_shared(j->accounts, submitter))
		return true;
	if (!p->account.n || str_eq(p->account, submitter))
		return true;
	return !p->tenant && str_eq(submitter, STR("root"));
}

static bool same_time(const struct join *j, const struct php_mail *p, const struct message *m)
{
	/* PHP's stamp has whole seconds, and a syslog stamp may have too. */
	return m->time + USEC_SECOND >= p->time && m->time <= p->time + j->wait;
}

/* "contact.php" of the header against the path of the line. */
static bool same_file(const struct php_mail *p, const struct message *m)
{
	struct str xphp = m->work.xphp, base = p->script;

	if (!xphp.n)
		return true;
	xphp = str_skip(xphp, str_chr(xphp, ':') + 1);
	if (str_rchr(base, '/') < base.n)
		base = str_skip(base, str_rchr(base, '/') + 1);
	return str_starts(xphp, base) && (xphp.n == base.n || xphp.p[base.n] == '(');
}

/* How good a match is: nothing contradicts, and on top of it the request ran in
 * the script's directory (or the sender is that of its owner), and the recipients are
 * the same. */
enum match {
	MATCH_NONE = 0,
	MATCH_POSSIBLE = 1,
	MATCH_PLACE = 2,
	MATCH_RECIPIENTS = 4,
	MATCH_EXACT = 16
};

static bool same_place(const struct php_mail *p, const struct message *m)
{
	size_t n = str_rchr(p->script, '/');

	return m->cwd.n && n < p->script.n && str_eq(str_head(p->script, n), m->cwd);
}

/* Where no submitter is known, the sender hints at one: by its domain, or by the name
 * that sendmail(8) writes. Anybody can write another, so it decides among equals only. */
static bool same_sender(const struct join *j, const struct php_mail *p, const struct message *m)
{
	size_t at = str_rchr(m->sender, '@');
	struct str owner;

	if (at == m->sender.n || m->user.n || m->uid >= 0 || !p->account.n)
		return false;
	owner = accounts_domain(j->accounts, str_skip(m->sender, at + 1));
	return str_eq(owner.n ? owner : str_head(m->sender, at), p->account);
}

static int match_recipients(const struct php_mail *p, const struct message *m)
{
	struct address_walk w = walk_start(p);
	size_t named = 0, found = 0, to_named = 0, to_found = 0;
	struct str address;

	while (named < MESSAGE_MAX_RECIPIENTS && walk_next(&w, &address)) {
		bool hit = has_recipient(m, address);

		named++;
		found += hit;
		to_named += w.field == 0;
		to_found += w.field == 0 && hit;
	}
	if (named && named == found && found == m->nrcpt)
		return MATCH_POSSIBLE | MATCH_RECIPIENTS;
	/* A To without an address (a separator of the log inside it): what stands
	 * before it, or the very same Subject, must do. */
	if (!named)
		return (m->work.header_to.n && str_starts(m->work.header_to, p->to)) ||
		       (p->subject.n && str_eq(m->subject, p->subject)) ?
			       MATCH_POSSIBLE : MATCH_NONE;
	if (m->work.header_to.n && mailtext_alike(m->work.header_to, p->to))
		return MATCH_POSSIBLE;
	if (complete(m))
		return to_named ? (to_found == to_named ? MATCH_POSSIBLE : MATCH_NONE) :
				  (found ? MATCH_POSSIBLE : MATCH_NONE);
	return found ? MATCH_POSSIBLE : MATCH_NONE;
}

static int match(const struct join *j, const struct php_mail *p, const struct message *m)
{
	int64_t pid = message_pid(m);
	int found;

	if (m->channel != CHANNEL_LOCAL || m->php || !same_time(j, p, m) ||
	    !same_submitter(j, p, m) || !same_file(p, m))
		return MATCH_NONE;
	if (p->message_id.n && m->message_id.n)
		return str_eq(p->message_id, m->message_id) ? MATCH_EXACT : MATCH_NONE;
	if (p->pid && pid > 0 && pid != p->pid)
		return MATCH_NONE;
	/* The line is split at its last " -- Subject: " and first " -- Headers: ",
	 * which the texts themselves may contain. */
	if (m->subject.n && !mailtext_alike(m->subject, p->subject) &&
	    !str_ends(m->subject, p->subject))
		return MATCH_NONE;
	if (m->work.header_to.n && !mailtext_alike(m->work.header_to, p->to) &&
	    !str_starts(m->work.header_to, p->to))
		return MATCH_NONE;
	if (p->pid && pid > 0 && pid == p->pid)
		return MATCH_EXACT;
	found = m->comparable ? match_recipients(p, m) : MATCH_NONE;
	return found && (same_place(p, m) || same_sender(j, p, m)) ? found | MATCH_PLACE : found;
}

/* ---- the waiting ---- */

void join_add_php(struct join *j, struct php_mail *p)
{
	struct address_walk w = walk_start(p);
	struct str address;

	p->older = j->php_newest;
	p->newer = NULL;
	*(j->php_newest ? &j->php_newest->newer : &j->php_oldest) = p;
	j->php_newest = p;
	j->nphp++;
	table_insert(&j->php_rows, &p->by_row, (uint64_t)p->id);
	if (p->message_id.n)
		node_add(&j->php_by, &p->nodes, message_id_key(p->message_id), p);
	if (p->pid)
		node_add(&j->php_by, &p->nodes, pid_key(p->pid), p);
	if (walk_next(&w, &address))
		node_add(&j->php_by, &p->nodes, address_key(address), p);
	else
		node_add(&j->php_by, &p->nodes, owner_key(p->account), p);
}

struct php_mail *join_php_of_row(struct join *j, int64_t row)
{
	struct table_node *node = table_get(&j->php_rows, (uint64_t)row);

	return node ? table_owner(node, struct php_mail, by_row) : NULL;
}

void join_remove_php(struct join *j, struct php_mail *p)
{
	nodes_drop(&j->php_by, &p->nodes);
	table_remove(&j->php_rows, &p->by_row);
	*(p->older ? &p->older->newer : &j->php_oldest) = p->newer;
	*(p->newer ? &p->newer->older : &j->php_newest) = p->older;
	p->older = p->newer = NULL;
	j->nphp--;
}

struct php_mail *join_overdue(struct join *j, usec_t now)
{
	struct php_mail *p = j->php_oldest;

	if (!p || p->time + j->wait + USEC_SECOND < now || j->nphp > JOIN_MAX_WAITING)
		return p;
	return NULL;
}

void join_add_message(struct join *j, struct message *m, bool comparable)
{
	int64_t pid = message_pid(m);
	struct str rest = m->work.header_to, address;

	nodes_drop(&j->messages_by, &m->nodes);
	m->comparable = comparable;
	if (m->message_id.n)
		node_add(&j->messages_by, &m->nodes, message_id_key(m->message_id), m);
	if (pid > 0)
		node_add(&j->messages_by, &m->nodes, pid_key(pid), m);
	if (!comparable)
		return;
	for (size_t i = 0; i < m->nrcpt && i < MAX_KEYS; i++) {
		node_add(&j->messages_by, &m->nodes, address_key(m->rcpt[i].address), m);
		if (m->rcpt[i].orig_to.n)
			node_add(&j->messages_by, &m->nodes, address_key(m->rcpt[i].orig_to),
				 m);
	}
	if (mailtext_address(&rest, &address))
		node_add(&j->messages_by, &m->nodes, address_key(address), m);
	node_add(&j->messages_by, &m->nodes, owner_key(m->account), m);
}

void join_remove_message(struct join *j, struct message *m)
{
	nodes_drop(&j->messages_by, &m->nodes);
}

/* ---- finding ---- */

struct best {
	int match;
	void *found;
	usec_t time;
	struct str account; /* of the line that was found */
	bool rival; /* another is as good, and not of the same account */
};

/* Better evidence wins; among equals the earlier one. What is found under one key after the
 * other is compared once. */
static void consider(struct best *best, int match, void *found, usec_t time, struct str account)
{
	bool rival = match && match == best->match && found != best->found &&
		     !(account.n && str_eq(account, best->account));

	if (match > best->match)
		*best = (struct best){ match, found, time, account, false };
	else if (match == best->match && match && time < best->time)
		*best = (struct best){ match, found, time, account, best->rival };
	best->rival |= rival;
}

static bool is_open(const struct best *best, const struct message *m)
{
	return best->rival && best->match != MATCH_EXACT && !m->user.n && m->uid < 0;
}

static void look_for_message(struct join *j, uint64_t key, const struct php_mail *p,
			     struct best *best)
{
	struct join_list *list = list_find(&j->messages_by, key);
	struct join_node *node = list ? list->head : NULL;

	for (int n = 0; node && n < JOIN_MAX_LOOK; node = node->behind, n++) {
		struct message *m = node->owner;

		if (m != best->found)
			consider(best, match(j, p, m), m, m->time, STR_NONE);
	}
}

struct message *join_find_message(struct join *j, const struct php_mail *p, bool *open)
{
	struct address_walk w = walk_start(p);
	struct best best = { .match = MATCH_NONE };
	struct str address;

	if (p->message_id.n)
		look_for_message(j, message_id_key(p->message_id), p, &best);
	if (p->pid && best.match < MATCH_EXACT)
		look_for_message(j, pid_key(p->pid), p, &best);
	*open = false;
	if (best.match == MATCH_EXACT)
		return best.found;
	if (walk_next(&w, &address))
		look_for_message(j, address_key(address), p, &best);
	else
		look_for_message(j, owner_key(p->account), p, &best);
	*open = best.found && is_open(&best, best.found);
	return best.found;
}

static void look_for_php(struct join *j, uint64_t key, const struct message *m,
			 struct best *best)
{
	struct join_list *list = list_find(&j->php_by, key);
	struct join_node *node = list ? list->head : NULL;

	for (int n = 0; node && n < JOIN_MAX_LOOK; node = node->behind, n++) {
		struct php_mail *p = node->owner;

		if (p != best->found)
			consider(best, match(j, p, m), p, p->time, p->account);
	}
}

static void look_by_recipients(struct join *j, const struct message *m, struct best *best)
{
	struct str rest = m->work.header_to, address;

	for (size_t i = 0; i < m->nrcpt && i < MAX_KEYS; i++) {
		look_for_php(j, address_key(m->rcpt[i].address), m, best);
		if (m->rcpt[i].orig_to.n)
			look_for_php(j, address_key(m->rcpt[i].orig_to), m, best);
	}
	if (mailtext_address(&rest, &address))
		look_for_php(j, address_key(address), m, best);
	if (best->match == MATCH_NONE)
		look_for_php(j, owner_key(m->account), m, best);
}

struct php_mail *join_find_php(struct join *j, const struct message *m, bool exact, bool *open)
{
	struct best best = { .match = MATCH_NONE };
	int64_t pid = message_pid(m);

	*open = false;
	if (!j->nphp)
		return NULL;
	if (m->message_id.n)
		look_for_php(j, message_id_key(m->message_id), m, &best);
	if (pid > 0 && best.match < MATCH_EXACT)
		look_for_php(j, pid_key(pid), m, &best);
	if (exact)
		return best.match == MATCH_EXACT ? best.found : NULL;
	if (best.match < MATCH_EXACT)
		look_by_recipients(j, m, &best);
	*open = is_open(&best, m);
	return best.found;
}

static void lists_free(struct table *by)
{
	struct table_node *at = table_walk(by, NULL), *next;

	for (; at; at = next) {
		struct join_list *list = table_owner(at, struct join_list, by_key);

		next = table_walk(by, at);
		for (struct join_node *node = list->head, *behind; node; node = behind) {
			behind = node->behind;
			free(node);
		}
		free(list);
	}
	table_release(by);
}

void join_release(struct join *j)
{
	lists_free(&j->php_by);
	lists_free(&j->messages_by);
	for (struct php_mail *p = j->php_oldest, *newer; p; p = newer) {
		newer = p->newer;
		php_mail_free(p);
	}
	table_release(&j->php_rows);
}
