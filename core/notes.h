/* Short-lived memories that must survive a restart though they are no rows of
 * their own: Exim's cwd= until its <= comes, PHP lines that look alike, who is at the
 * other end of an SMTP session. */
#ifndef MAILAUDIT_CORE_NOTES_H
#define MAILAUDIT_CORE_NOTES_H

#include "base/table.h"
#include "core/batch.h"

/* A note is forgotten this long (event time) after it was written. */
#define NOTES_TTL (5 * USEC_MINUTE)
/* Notes of these kinds live longer: a session may be quiet for as long as a large mail takes to
 * come in, and a delivery takes as long as the other side keeps its connection alive. Nobody is
 * trusted to end them: the oldest go beyond the maximum. */
#define NOTES_SESSION STR("session")
#define NOTES_TTL_SESSION USEC_HOUR
#define NOTES_MAX_SESSIONS 20000
#define NOTES_DELIVERY STR("delivery")
#define NOTES_TTL_DELIVERY (2 * USEC_DAY)
#define NOTES_MAX_DELIVERIES 65536
/* Kinds with a life of their own, and all others. */
#define NOTES_LIVES 3

struct note_slot;

/* Notes that live equally long, by time of writing. */
struct note_order {
	struct note_slot *oldest, *newest;
	size_t count;
};

struct notes {
	struct table by_key; /* struct note_slot by kind and key */
	struct note_order orders[NOTES_LIVES];
	struct note_slot *changed; /* since the last commit */
};

/* NULL: no such note. The value lives until the note changes. */
const struct note *notes_get(const struct notes *n, struct str kind, struct str key);
void notes_put(struct notes *n, struct str kind, struct str key, struct str value, usec_t time);
/* As if it had been written again at this time. */
void notes_refresh(struct notes *n, const struct note *note, usec_t time);
void notes_remove(struct notes *n, struct str kind, struct str key);
/* All of a kind whose keys start so. */
void notes_remove_all(struct notes *n, struct str kind, struct str prefix);
/* As read from the database: not a change. */
void notes_restore(struct notes *n, const struct note *note);
/* Those of a newer log than the one that is read now leave memory, and stay in the
 * database for the run that goes on with that log. */
void notes_expire(struct notes *n, usec_t now);
/* What changed since notes_committed(): removed ones have value STR_NONE. */
size_t notes_changes(const struct notes *n, struct arena *arena, struct note **out);
void notes_committed(struct notes *n);
bool notes_dirty(const struct notes *n);
void notes_release(struct notes *n);

#endif
