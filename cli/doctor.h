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
	int made; /* folders that were made for it */
};

/* A pool whose settings are not all of php_admin_*. */
struct weak {
	const char *file;
	struct str header; /* its "[name]" */
	const char *lines; /* which make them so */
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
	const char **logs; /* see doctor_note_log() */
	size_t nlogs;
	size_t denied; /* files that we may not read */
	struct weak *weak; /* PHP's pools that a .user.ini can take mail()'s settings from */
	size_t nweak;
	size_t weak_hosts; /* of Apache with mod_php, whose log a .htaccess can redirect */
	struct str apache_module; /* "php_module" */
	const char *apache_file; /* for lines of ours, outside of its hosts; NULL: none is read */
	bool htaccess; /* there is mod_php, which reads them */
	bool own_log; /* the mail server writes its log itself, past syslog */
	const char *collector; /* the syslog daemon; NULL none */
	bool reads_journal; /* it takes its lines from the journal */
	char *const *asked; /* checks to fix, "journal" or "journal.storage" */
	size_t nasked; /* 0: what is missing */
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
/* Shall this be changed? Advice is only where it was asked for by name. */
bool doctor_fixes(const struct doctor *d, const char *check, enum sight_state state);
/* Is `name` a check, or the first word of some? "journal", "journal.storage" */
bool doctor_is_named(const char *check, const char *name);
bool doctor_exists(struct doctor *d, const char *path);
/* A program's file, or a tree without programs. A package that was removed leaves its settings. */
bool doctor_has_program(struct doctor *d, const char *path);
bool doctor_stat(struct doctor *d, const char *path, struct stat *st);
/* As getxattr(2). */
ssize_t doctor_xattr(struct doctor *d, const char *path, const char *name, void *value,
		     size_t size);
/* A folder, not through a link at its end, for reading; -1 none. */
int doctor_folder(struct doctor *d, const char *path);
/* A regular file of at most 1 MiB; links stay below the root. false: none, or unreadable. */
bool doctor_read(struct doctor *d, const char *path, struct str *text);
/* Calls back for each name the pattern has below the root, sorted, at most 5000. */
void doctor_glob(struct doctor *d, const char *pattern,
		 void (*each)(struct doctor *d, const char *path, void *context), void *context);
/* Systemd's *.conf of these folders (NULL at the end), of which the first is the strongest, in the
 * order they are read in: by their names, and of those that share one only the strongest. */
void doctor_dropins(struct doctor *d, const char *const *folders,
		    void (*each)(struct doctor *d, const char *path, void *context), void *context);
/* Is it one of the sources? Where none are named, those that are found are. */
bool doctor_follows(const struct doctor *d, struct str path);
/* A file that the mail server's lines are written to, for look_logs(). */
void doctor_note_log(struct doctor *d, struct str path);
/* What a program writes, if we may run it and it succeeds. */
bool doctor_ask(struct doctor *d, const char *const *argv, struct str *answer);
/* The change of a file, or of that which a link leads to, for further edits of its `after`; until
 * the next one is asked for. NULL: it cannot be changed. */
struct change *doctor_change(struct doctor *d, const char *path);
/* Where `lines`, which begin a line, stand in a text; text.n: nowhere. */
size_t doctor_find_lines(struct str text, struct str lines);
/* The change's bytes from..to replaced. */
void doctor_splice(struct doctor *d, struct change *c, size_t from, size_t to, struct str text);
/* "key=value" in a file of sections, in place of that key's line if there is one. */
void doctor_set_ini(struct doctor *d, const char *path, const char *section, const char *key,
		    const char *value);
/* Text behind all there is, on a line of its own. */
void doctor_append(struct doctor *d, struct change *c, struct str text);
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
