/* An entry of the journal: a set of fields, those whose name begins with '_'
 * vouched for by journald. What is about mail becomes a line as a syslog daemon
 * would have written it, with what journald knows of its sender in front of the
 * tag; envelope_split() reads it, for sources that say they are a journal. */
#ifndef MAILAUDIT_CORE_ENTRY_H
#define MAILAUDIT_CORE_ENTRY_H

#include "base/arena.h"
#include "base/stamp.h"
#include "base/str.h"

struct entry {
	struct arena arena; /* of the strings */
	usec_t time; /* __REALTIME_TIMESTAMP */
	struct str host; /* _HOSTNAME */
	struct str ident; /* SYSLOG_IDENTIFIER: the sender's choice */
	struct str exe, comm; /* _EXE, _COMM of the sender */
	struct str unit; /* _SYSTEMD_UNIT */
	struct str transport; /* _TRANSPORT */
	struct str message;
	struct str cursor; /* __CURSOR, of streams only */
	int64_t uid, pid; /* _UID, _PID; -1 */
	int64_t syslog_pid, facility; /* the sender's choice; -1 */
};

/* Begins an entry; memory is kept. */
void entry_clear(struct entry *e);
void entry_release(struct entry *e);
/* A field of it; of two with one name the first counts. */
void entry_field(struct entry *e, struct str name, struct str value);
/* Is it about mail, or about lines that were lost? */
bool entry_is_wanted(const struct entry *e);
/* "2026-11-23T07:20:05.115Z host cred(pid=1,uid=2,exe=/usr/sbin/x) name[1]: text\n";
 * lives until the next entry_clear(). Control characters of the text are #NNN, as rsyslog
 * writes them, so it is one line; a text too long is cut behind RECORD_MAX_LINE. */
struct str entry_line(struct entry *e);

/* The parts of a cursor that number the entry: the journal it was written to, and its place
 * there. false: it has none. */
bool entry_number(struct str cursor, struct str *journal, int64_t *number);
/* Is nothing between the two? journald counts on over all its files. */
bool entry_is_next(struct str cursor, struct str next);

#endif
