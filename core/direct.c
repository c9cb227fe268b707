/* Who speaks SMTP to the world past the mail server.
 *
 * Invariant: a uid is the kernel's word, and nothing else of the line accuses anybody. The
 * mail server's own users, and what goes to a network of ours, are not counted. */
#include "core/direct.h"

#include <stdlib.h>

#include "base/error.h"
#include "core/step.h"

static struct direct_count *count_of(struct directs *d, const int64_t key[3], struct str account)
{
	struct str bytes = { (const char *)key, 3 * sizeof(*key) };
	struct direct_count *count = map_get(&d->counts, bytes);

	if (count)
		return count;
	count = xcalloc(1, sizeof(*count));
	*count = (struct direct_count){ .hour = key[0] * USEC_HOUR, .uid = key[1], .port = key[2] };
	count->account = (struct str){ str_dup(account), account.n };
	map_put(&d->counts, bytes, count);
	return count;
}

static void count_direct(struct directs *d, const struct step *s, struct str account)
{
	int64_t key[3] = { s->time / USEC_HOUR, s->ev->uid, s->ev->port };
	struct direct_count *count;

	if (d->counts.count >= DIRECT_MAX) {
		key[1] = -1;
		account = STR_NONE;
	}
	count = count_of(d, key, account);
	count->connections++;
	if (s->time > count->last)
		count->last = s->time;
}

void on_direct(struct step *s)
{
	const struct accounts *a = s->c->accounts;
	const struct event *ev = s->ev;
	char buf[24];
	struct direct direct = { .host = s->from->host, .user = accounts_uid(a, ev->uid, buf),
				 .ip = ev->relay_ip, .rule = ev->response, .uid = ev->uid,
				 .port = ev->port };

	if (s->from->tenant || accounts_is_mailer(a, direct.user) ||
	    accounts_trusted_ip(a, direct.ip) || !stream_net_of(direct.ip))
		return;
	if (!accounts_is_shared(a, direct.user))
		direct.account = direct.user;
	count_direct(&s->c->directs, s, direct.account);
	if (s->c->detect)
		detect_direct(s->c->detect, &direct, s->time);
}

void directs_batch(const struct directs *d, struct batch *b)
{
	const struct map_slot *slot;
	size_t i = 0;

	b->direct = arena_alloc(&b->arena, (d->counts.count + 1) * sizeof(*b->direct));
	b->ndirect = 0;
	while ((slot = map_next(&d->counts, &i)))
		b->direct[b->ndirect++] = *(const struct direct_count *)slot->value;
}

void directs_clear(struct directs *d)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&d->counts, &i))) {
		struct direct_count *count = slot->value;

		free((char *)(uintptr_t)count->account.p);
		free(count);
	}
	map_release(&d->counts);
	d->counts = (struct map){ 0 };
}
