/* All that is told of an alert, the same for every channel. Its keys are the contract
 * of the webhook, the command and the templates: mailaudit-alerts(5) lists them. */
#ifndef MAILAUDIT_NOTIFY_FACTS_H
#define MAILAUDIT_NOTIFY_FACTS_H

#include "core/alert.h"
#include "core/settings.h"
#include "notify/tree.h"
#include "schema/report.h"

/* Items of a list, and alerts in one mail. */
#define FACTS_MAX_ITEMS 20
#define FACTS_MAX_ALERTS 200

/* Functions return NULL with *err filled. now: the clock. */

/* change: why it is told. */
struct tree *facts_of_alert(struct report *r, const struct settings *s, const struct alert *a,
			    int64_t version, enum alert_change change, usec_t now,
			    struct error *err);
/* Many alerts in one. ids: the first of them, in the order they are told in; total: how many
 * there are. */
struct tree *facts_of_digest(struct report *r, const struct settings *s, const int64_t *ids,
			     size_t n, int64_t total, usec_t now, struct error *err);
/* What happened since. */
struct tree *facts_of_summary(struct report *r, const struct settings *s, usec_t since, usec_t now,
			      struct error *err);

/* Many alerts in one mail. total: how many were held, of which `n` are named. */
struct tree *facts_of_digest(struct report *r, const struct settings *s, const int64_t *alerts,
			     size_t n, int64_t total, usec_t now, struct error *err);
/* What happened from since to until. */
struct tree *facts_of_summary(struct report *r, const struct settings *s, usec_t since,
			      usec_t until, struct error *err);

#endif
