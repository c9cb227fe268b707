/* mailaudit top WHAT: who sends most.
 *
 * The database counts by messages; for --by recipients all rows are gathered
 * and sorted here. */
#include <stdlib.h>

#include "base/arena.h"
#include "cli/cli.h"
#include "cli/tell.h"

enum order { BY_MESSAGES, BY_RECIPIENTS, ORDERS };
static const char *const order_name[ORDERS] = { "messages", "recipients" };

static struct {
	usec_t since, until;
	int64_t limit;
	int by;
} opt = { .limit = 20 };

const struct option options_top[] = {
	{ "since", "TIME", OPTION_TIME, &opt.since, NULL, 0, "messages first seen then or later" },
	{ "until", "TIME", OPTION_TIME, &opt.until, NULL, 0, "messages first seen before" },
	{ "limit", "N", OPTION_NUMBER, &opt.limit, NULL, 0, "at most so many (20; 0: all)" },
	{ "by", "COUNT", OPTION_CHOICE, &opt.by, order_name, ORDERS,
	  "order by messages (default) or recipients" },
	{ .name = NULL }
};

const char help_top[] =
	"Accounts, scripts, logins, client addresses (ips), envelope senders or recipient\n"
	"domains with most mail. An account of null is the mail nobody was found for.\n"
	"\n"
	"Keys: name messages recipients pending sent deferred bounced expired rejected\n"
	"first_seen last_seen. The statuses count recipients.";

static struct out_column columns[] = {
	{ "name", "NAME", OUT_TRUNC, 0 },
	{ "messages", "MESSAGES", OUT_RIGHT, 0 },
	{ "recipients", "RECIPIENTS", OUT_RIGHT, 0 },
	{ "pending", NULL, 0, 0 },
	{ "sent", "SENT", OUT_RIGHT, 0 },
	{ "deferred", "DEFERRED", OUT_RIGHT, 0 },
	{ "bounced", "BOUNCED", OUT_RIGHT, 0 },
	{ "expired", NULL, 0, 0 },
	{ "rejected", "REJECTED", OUT_RIGHT, 0 },
	{ "first_seen", NULL, 0, 0 },
#define LAST_SEEN 10
	[LAST_SEEN] = { "last_seen", "LAST SEEN", 0, 0 },
	{ NULL, NULL, 0, 0 }
};

struct ranking {
	struct arena arena;
	struct share *rows;
	size_t n, room;
};

static bool gather(void *context, const struct share *row)
{
	struct ranking *all = context;

	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		all->rows = xrealloc(all->rows, all->room * sizeof(*all->rows));
	}
	all->rows[all->n] = *row;
	all->rows[all->n++].key = arena_str(&all->arena, row->key);
	return true;
}

/* Most recipients first; equals stay in a settled order. */
static int compare(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->volume.recipients != y->volume.recipients)
		return x->volume.recipients < y->volume.recipients ? 1 : -1;
	if (x->volume.messages != y->volume.messages)
		return x->volume.messages < y->volume.messages ? 1 : -1;
	return str_cmp(x->key, y->key);
}

static bool tell_row(void *context, const struct share *row)
{
	struct out *o = context;
	bool nobody = out_is_table(o) && row->key.n == 0;

	out_record(o);
	out_text(o, "name", nobody ? STR("(nobody)") : row->key);
	tell_volume(o, &row->volume);
	out_time(o, "first_seen", row->first);
	out_time(o, "last_seen", row->last);
	return out_record_end(o);
}

static int tell_by_recipients(struct out *o, struct report *report, enum top_what what,
			      struct error *err)
{
	struct ranking all = { 0 };
	int result = report_top(report, what, opt.since, opt.until, 0, gather, &all, err);

	if (all.n)
		qsort(all.rows, all.n, sizeof(*all.rows), compare);
	if (opt.limit && all.n > (uint64_t)opt.limit)
		all.n = (size_t)opt.limit;
	for (size_t i = 0; result == 0 && i < all.n; i++)
		if (!tell_row(o, &all.rows[i]))
			break;
	free(all.rows);
	arena_release(&all.arena);
	return result;
}

static int find_what(const char *name, enum top_what *what, struct error *err)
{
	for (int i = 0; i < TOP_COUNT; i++) {
		if (strcmp(top_what_name[i], name) == 0) {
			*what = (enum top_what)i;
			return 0;
		}
	}
	return error_set(err, EXIT_USAGE, "top of what? accounts, scripts, logins, ips, senders "
			 "or domains; not '%s'", name);
}

int run_top(struct cli *cli, struct error *err)
{
	struct report *report;
	enum top_what what = TOP_ACCOUNTS;
	struct out *o;
	int result;

	if (cli_operands(cli, 1, 1, err) < 0 || find_what(cli->operand[0], &what, err) < 0)
		return -1;
	report = cli_report(cli, err);
	if (!report)
		return -1;
	o = cli_out(cli);
	/* The hourly sums, which accounts are counted from, do not have it. */
	if (what == TOP_ACCOUNTS)
		columns[LAST_SEEN].heading = NULL;
	out_list(o, columns);
	if (opt.by == BY_RECIPIENTS)
		result = tell_by_recipients(o, report, what, err);
	else
		result = report_top(report, what, opt.since, opt.until, opt.limit, tell_row, o,
				    err);
	out_list_end(o);
	report_close(report);
	return result < 0 ? result : cli_found(cli, "no mail in that time");
}
