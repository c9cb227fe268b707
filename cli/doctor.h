/* What this host lets us see of its mail, and what would have to change. */
#ifndef MAILAUDIT_CLI_DOCTOR_H
#define MAILAUDIT_CLI_DOCTOR_H

#include <sys/stat.h>

#include "base/arena.h"
#include "core/settings.h"

/* Where `make install` puts the wrapper; the second name takes the sendmail to be. */
#define DOCTOR_WRAPPER MAILAUDIT_LIBEXECDIR "/mailaudit-sendmail"
#define DOCTOR_REF MAILAUDIT_LIBEXECDIR "/mailaudit-ref"

enum sight_state {
	SIGHT_SEEN,
	SIGHT_PARTLY,
	SIGHT_NOT,
	SIGHT_ADVICE, /* nothing is missing, but it could be better */
	SIGHT_STATES
};
extern const char *const sight_state_name[SIGHT_STATES];

/* A row of the coverage table. */
struct sight {
	const char *check; /* stable name, "postfix.header_checks" */
	enum sight_state state;
	const char *detail; /* text of files: hostile */
	const char *file, *line; /* where to add what; NULL nothing */
};

/* A file as it is and as it would be. */
struct change {
	const char *path; /* below the root, absolute */
	bool existed;
	struct str before, after;
	struct stat st; /* of what there was */
};

struct doctor {
	struct arena arena;
	const char *root; /* "" this host */
	int rootfd;
	bool live; /* may run programs: never below a root */
	const struct settings *settings;
	struct sight *sights;
	size_t nsights;
	struct change *changes;
	size_t nchanges;
	size_t weak_pools; /* of PHP, whose log a .user.ini can redirect */
};

#define LOOK(name) void look_##name(struct doctor *d);
#include "cli/doctor.def"
#undef LOOK

int doctor_open(struct doctor *d, const char *root, const struct settings *s, struct error *err);
void doctor_close(struct doctor *d);
/* All rows of doctor.def. */
void doctor_look(struct doctor *d);

/* A text in the arena. */
const char *doctor_say(struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_tell(struct doctor *d, const char *check, enum sight_state state, const char *detail,
		 const char *file, const char *line);
bool doctor_exists(struct doctor *d, const char *path);
bool doctor_stat(struct doctor *d, const char *path, struct stat *st);
/* A folder, not through a link at its end, for reading; -1 none. */
int doctor_folder(struct doctor *d, const char *path);
/* A regular file of at most 1 MiB; links stay below the root. false: none, or unreadable. */
bool doctor_read(struct doctor *d, const char *path, struct str *text);
/* Calls back for each name the pattern has below the root, sorted, at most 5000. */
void doctor_glob(struct doctor *d, const char *pattern,
		 void (*each)(struct doctor *d, const char *path, void *context), void *context);
/* What a program writes, if we may run it and it succeeds. */
bool doctor_ask(struct doctor *d, const char *const *argv, struct str *answer);
/* The change of a file, for further edits of its `after`. NULL: it cannot be changed. */
struct change *doctor_change(struct doctor *d, const char *path);
/* before + insert + after, in the arena. */
struct str doctor_join(struct doctor *d, struct str before, struct str insert, struct str after);
/* A text that was compiled in, of etc/snippets; without its comments. */
struct str doctor_snippet(struct doctor *d, const char *name);

/* Where OpenSMTPD is configured; NULL: it is not here. */
const char *doctor_smtpd_conf(struct doctor *d);

/* Prints a change as a unified diff, escaped as logs are. */
void doctor_diff(const struct change *c);
/* Backs up, writes, lets the programs check; takes it back when one complains. */
int doctor_fix(struct doctor *d, struct error *err);
/* Takes the last fix back, byte for byte. */
int doctor_undo(struct doctor *d, struct error *err);

#endif
