/* What of an alert's mail is still in the queue.
 *
 * Invariant: it goes along the index of messages in work, which are those in the queue
 * and few more; so it costs what is queued, not what was ever sent. What a finding's
 * messages are is told as core/detect.c tells it when it picks a stream. */
#include "base/stamp.h"
#include "core/message.h"
#include "schema/report_state.h"
#include "schema/row_layout.h"

/* A submission of finding f: by its login; by its script or directory; by a user of
 * the account, without a script; or from its network without a login. A name in a
 * stream's key stands behind kind and account. */
#define OF_FINDING \
	"CASE WHEN f.login IS NOT NULL THEN m.login = f.login" \
	" WHEN f.script IS NOT NULL THEN coalesce(m.script, m.cwd) = f.script" \
	"  AND m.login IS NULL AND m.account IS f.account" \
	" WHEN substr(s.key, 1, 5) = 'user' || char(10) THEN " M_CHANNEL " = ?2" \
	"  AND m.account IS f.account AND coalesce(m.script, m.cwd) IS NULL" \
	" WHEN substr(s.key, 1, 8) = 'network' || char(10) THEN " M_CHANNEL " = ?3 AND s.key =" \
	"  'network' || char(10) || coalesce(a.text, '') || char(10) || coalesce(c.ip, '') END"

static const char query[] =
	"SELECT m.queue_id, x.aliases, m.time, m.recipients,"
	" coalesce(" M_PENDING " + " M_DEFERRED ", 0), " M_STATE
	" FROM message_row m INDEXED BY message_work" WITH_MORE " LEFT JOIN account a ON a.id = m.account"
	" LEFT JOIN client c ON c.id = m.client"
	" WHERE m.work IS NOT NULL AND m.took IS NULL AND EXISTS (SELECT 1 FROM alert_finding h"
	"  JOIN finding f ON f.id = h.finding LEFT JOIN stream s ON s.id = f.stream"
	"  WHERE h.alert = ?1 AND m.time >= f.first_seen AND " OF_FINDING ")"
	" ORDER BY m.id LIMIT ?4";

int report_queued(struct report *r, int64_t alert, report_queued_fn *fn, void *context,
		  struct error *err)
{
	struct sql_stmt *st = sql_prepare(r->db, query, err);
	int rc, more = 1;

	if (!st)
		return -1;
	sql_bind_int(st, 1, alert);
	sql_bind_int(st, 2, CHANNEL_LOCAL);
	sql_bind_int(st, 3, CHANNEL_SMTP);
	sql_bind_int(st, 4, REPORT_MAX_QUEUED);
	while (more && (rc = sql_step(st, err)) == 1) {
		struct report_queued row = {
			.queue_id = sql_str(st, 0), .aliases = sql_str(st, 1),
			.time = sql_int(st, 2), .recipients = sql_int(st, 3),
			.waiting = sql_int(st, 4), .held = sql_int(st, 5) == MSG_HELD
		};

		more = fn(context, &row);
	}
	sql_finalize(st);
	return rc < 0 ? -1 : 0;
}
