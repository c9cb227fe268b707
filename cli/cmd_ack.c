/* mailaudit ack ID...: somebody takes care of an alert. */
#include "cli/desk.h"

static struct str because;

const struct option options_ack[] = {
	{ "because", "TEXT", OPTION_TEXT, &because, NULL, 0, "a note for the others" },
	{ .name = NULL }
};

const char help_ack[] =
	"Says that somebody takes care of these alerts: more of the same is not told any more.\n"
	"A worse severity, another case, and an alert that is opened again, are.";

struct ack {
	struct cli *cli;
	const char *by;
};

static int ack_one(struct decide *d, const struct ack *ack, int64_t id, struct error *err)
{
	struct alert *a = decide_alert(d, id, err);
	int rc;

	if (!a)
		return err->code ? -1 : error_set(err, EXIT_NOTHING, "there is no alert %lld",
						  (long long)id);
	a->acked = ack->cli->now;
	a->acked_by = arena_str(&a->strings, str_of(ack->by));
	a->ack_note = arena_str_or_none(&a->strings, because);
	rc = decide_put_alert(d, a, err);
	alert_free(a);
	return rc;
}

/* All or none. */
static int ack_all(struct decide *d, void *context, struct error *err)
{
	const struct ack *ack = context;

	for (int i = 0; i < ack->cli->noperands; i++) {
		int64_t id;

		if (desk_id(ack->cli->operand[i], "an alert", &id, err) < 0 ||
		    ack_one(d, ack, id, err) < 0)
			return -1;
	}
	return 0;
}

int run_ack(struct cli *cli, struct error *err)
{
	char user[64];
	struct ack ack = { cli, desk_user(user) };
	struct decide *d;
	int rc;

	if (cli_operands(cli, 1, cli->noperands + 1, err) < 0)
		return -1;
	d = desk_open(cli, err);
	if (!d)
		return -1;
	rc = decide_transaction(d, ack_all, &ack, err);
	decide_close(d);
	return rc < 0 ? -1 : EXIT_FOUND;
}
