/* Sums by hour and account, gathered in memory for one transaction.
 *
 * Invariant: after a commit each row is the sum of the messages of its hour and
 * account; a row that came down to no message is gone. */
#include "schema/hourly.h"

#include "core/message.h"

static const struct sql_text statements[] = {
	{ offsetof(struct hourly, add),
	  "INSERT INTO hourly VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
	  " ON CONFLICT DO UPDATE SET messages = messages + ?4, recipients = recipients + ?5,"
	  " pending = pending + ?6, deferred = deferred + ?7, bounced = bounced + ?8,"
	  " expired = expired + ?9, rejected = rejected + ?10" },
	{ offsetof(struct hourly, clean),
	  "DELETE FROM hourly WHERE day = ?1 AND account = ?2 AND hour = ?3 AND messages = 0" },
};

#define UNSENT_BASE (MESSAGE_MAX_RECIPIENTS + 1)

/* From the lowest digit on. */
static const enum rcpt_status unsent_digits[] = { RCPT_BOUNCED, RCPT_REJECTED, RCPT_DEFERRED,
						  RCPT_PENDING, RCPT_EXPIRED };
#define UNSENT_DIGITS ((int)(sizeof(unsent_digits) / sizeof(unsent_digits[0])))

int64_t tally_unsent(const struct tally *t)
{
	int64_t n = 0;

	for (int i = UNSENT_DIGITS - 1; i >= 0; i--)
		n = n * UNSENT_BASE + t->status[unsent_digits[i]];
	return n;
}

void tally_read_unsent(struct tally *t, int64_t unsent)
{
	for (int i = 0; i < UNSENT_DIGITS; i++) {
		t->status[unsent_digits[i]] = unsent % UNSENT_BASE;
		unsent /= UNSENT_BASE;
	}
}

int hourly_init(struct hourly *h, struct sql *db, struct error *err)
{
	*h = (struct hourly){ 0 };
	return sql_prepare_all(db, h, statements, SQL_COUNT(statements), err);
}

void hourly_forget(struct hourly *h)
{
	map_release(&h->sums);
	arena_reset(&h->arena);
	h->messages = h->recipients = 0;
}

void hourly_release(struct hourly *h)
{
	hourly_forget(h);
	arena_release(&h->arena);
}

static struct tally *sum_of(struct hourly *h, const struct tally *t)
{
	int64_t key[2] = { t->time / USEC_HOUR, t->account };
	struct str bytes = { (const char *)key, sizeof(key) };
	struct tally *sum = map_get(&h->sums, bytes);

	if (sum)
		return sum;
	sum = arena_alloc(&h->arena, sizeof(*sum));
	*sum = (struct tally){ .time = t->time, .account = t->account };
	map_put(&h->sums, bytes, sum);
	return sum;
}

void hourly_count(struct hourly *h, const struct tally *t, int sign)
{
	struct tally *sum = sum_of(h, t);

	sum->messages += sign * t->messages;
	sum->recipients += sign * t->recipients;
	for (int i = 0; i < HOURLY_STATUSES; i++)
		sum->status[i] += sign * t->status[i];
	h->messages += sign * t->messages;
	h->recipients += sign * t->recipients;
}

static void bind_key(struct sql_stmt *st, const struct tally *sum)
{
	int64_t hour = sum->time / USEC_HOUR;

	sql_bind_int(st, 1, hour / 24);
	sql_bind_int(st, 2, sum->account);
	sql_bind_int(st, 3, hour);
}

static int write_sum(struct hourly *h, const struct tally *sum, struct error *err)
{
	static const enum rcpt_status columns[] = { RCPT_PENDING, RCPT_DEFERRED, RCPT_BOUNCED,
						    RCPT_EXPIRED, RCPT_REJECTED };

	bind_key(h->add, sum);
	sql_bind_int(h->add, 4, sum->messages);
	sql_bind_int(h->add, 5, sum->recipients);
	for (int i = 0; i < 5; i++)
		sql_bind_int(h->add, 6 + i, sum->status[columns[i]]);
	if (sql_run(h->add, err) < 0)
		return -1;
	if (sum->messages > 0)
		return 0;
	bind_key(h->clean, sum);
	return sql_run(h->clean, err);
}

int hourly_flush(struct hourly *h, struct error *err)
{
	struct map_slot *slot;
	size_t i = 0;

	while ((slot = map_next(&h->sums, &i)))
		if (write_sum(h, slot->value, err) < 0)
			return -1;
	return 0;
}
