/* What a stream and its account learn from an observation, once the heuristics
 * have judged it. */
#ifndef MAILAUDIT_CORE_HABIT_H
#define MAILAUDIT_CORE_HABIT_H

#include "core/observation.h"

/* Counts what is counted in any case: hours, recipients, calls. */
void habit_count(const struct observation *o);
/* Makes it a habit: networks, HELO, sender's domain, forms, shares. Not while
 * the stream is suspicious: an attack must not become what is usual. */
void habit_learn(const struct observation *o);

/* Does a login come from no place that could be its own or strange: from this host
 * (webmail), by `networks`, and no database of places says otherwise? */
bool habit_from_here(const struct observation *o);
/* Is this network the stream's own: seen on several days, not since a moment? */
bool habit_own_net(const struct stream_net *n, usec_t now);
/* Are all addresses that the headers of the call name known to its stream? Then who
 * added them did so before. */
bool habit_knows_headers(const struct observation *o);
/* As the message was first addressed, before an alias. */
struct str habit_addressed(const struct recipient *r);
/* Hash of a domain, lower case; of the address behind its @. 0: none. */
uint32_t habit_domain(struct str address);
/* The registered part of a host name, near enough: two labels, or three where the
 * second is short (co.uk). */
struct str habit_registered(struct str name);
/* Hash of a domain in this week, for which servers we wrote to lately. */
uint32_t habit_week(uint32_t domain, usec_t now, int weeks_ago);

#endif
