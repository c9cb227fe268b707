/* What the administrator set, with defaults filled in; immutable once loaded.
 * Keys and their help live in one table (core/settings.c), which `mailaudit
 * config defaults`, the sample file and the man page are compared with. */
#ifndef MAILAUDIT_CORE_SETTINGS_H
#define MAILAUDIT_CORE_SETTINGS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/keys.h"
#include "base/stamp.h"
#include "core/network.h"

struct parser;
struct heuristic;

struct source_spec {
	const char *path; /* glob pattern */
	const char *format; /* "auto" or a parser's name */
	bool tenant; /* trust: tenant */
	const char *account; /* whose a tenant's log is; "auto": whose home it lies in */
	const char *timezone; /* "local", "UTC", "Europe/Berlin", "+0100" */
};

struct map_spec {
	const char *path; /* glob pattern */
	const char *format; /* one of account_map_formats (core/account.h) */
};

/* Messages or recipients in a rolling hour or day; 0: no limit. */
struct limit {
	int64_t messages_per_hour, recipients_per_hour;
	int64_t messages_per_day, recipients_per_day;
};

/* What is known to be all right. One of the five names what it is about, the
 * others are "". */
struct allowance {
	const char *account, *login, *script, *sender, *network; /* script, sender: GLOB */
	bool newsletter; /* writes to many it never wrote to */
	int64_t per_hour, per_day; /* recipients that are usual; 0: not said */
	usec_t muted_until; /* 0: not muted */
	const char *because;
	bool has_network;
	struct network parsed; /* of network */
};

/* Which actions run by themselves, for what. */
struct action_rule {
	const char *verdict; /* "4", "3" for 3a to 3d, "any" */
	bool warnings; /* for warnings, too */
	struct string_list run; /* names of actions, in this order */
};

struct settings {
	struct arena arena;
	const char *name; /* of the file, for messages */
	const char *database;
	const char *hostname; /* never "auto": resolved when loaded */
	struct source_spec *sources;
	size_t nsources; /* 0: those found on this machine */
	struct {
		const char *passwd;
		struct map_spec *maps; /* those that exist are read */
		size_t nmaps;
		struct string_list shared, homes, mailers;
	} accounts;
	struct string_list networks; /* CIDR; SMTP from here without login is outbound */
	usec_t php_wait; /* a PHP line without a message after this is unmatched */
	bool store_all;
	usec_t retention_messages, retention_findings; /* 0: for ever */
	struct {
		const char *country, *asn; /* MaxMind databases; "": none */
	} geoip;
	bool detect; /* look for abuse at all */
	const char *patterns; /* directory of pattern files; "": only those built in */
	struct {
		struct limit account, login, script;
	} limits;
	struct allowance *allow;
	size_t nallow;
	struct {
		struct string_list to; /* addresses; one without @ is a user of this host */
		const char *from; /* never "": resolved when loaded */
		const char *sendmail; /* program; "": none */
		const char *smtp; /* URL, used in place of sendmail; "": none */
		const char *smtp_secret_file; /* the password; "": in the URL, or none */
		bool owner; /* tell the account's owner, too */
		const char *owners; /* flat map account: address; "": the local user */
		int64_t per_hour; /* mails, before they are gathered in a digest */
		bool daily; /* a summary each day */
		int64_t daily_hour; /* local time */
		const char *language, *templates; /* the templates' folder */
		struct {
			const char *url, *secret_file; /* "": none */
		} webhook;
		struct string_list command; /* argv; n == 0: none */
		bool journal;
	} alerts;
	struct {
		const char *folder; /* of the files that say what each one does */
		const char *user; /* who runs them; "": as whom notify runs */
		bool dry_run;
		int64_t per_hour;
		struct action_rule *rules;
		size_t nrules;
	} actions;
	struct {
		const struct yaml_value *given; /* as written; NULL: nothing */
		void **at; /* a struct of settings for each heuristic; see settings_heuristics() */
	} heuristics;
};

/* The defaults, as if the file were empty. Never NULL. */
struct settings *settings_default(void);
/* Reads the YAML text (name is for messages: "file:line:column: key: why").
 * Relative paths in it are taken from the directory `base` (NULL: as they are).
 * Unknown keys, wrong types, bad globs, zones, CIDRs are errors (EXIT_CONFIG). */
struct settings *settings_parse(struct str yaml, const char *name, const char *base,
				struct error *err);
/* Reads a file; its relative paths are taken from its own directory. A file
 * that is not there is EXIT_NOINPUT, one we may not read EXIT_PERMISSION. */
struct settings *settings_load(const char *path, struct error *err);
void settings_free(struct settings *s); /* NULL is fine */
/* Is the format of each source "auto" or the name of one of these parsers
 * (NULL-terminated)? -1: EXIT_CONFIG. Core itself knows no parser. */
int settings_check_formats(const struct settings *s, const struct parser *const *parsers,
			   struct error *err);
/* Fills heuristics.at by the key tables of these heuristics (NULL-terminated): their
 * defaults, and what the file says. -1: EXIT_CONFIG. */
int settings_heuristics(struct settings *s, const struct heuristic *const *heuristics,
			struct error *err);
/* Does any limit apply? */
bool settings_have_limits(const struct settings *s);
/* The commented sample: every key with its help and default. Heap. */
char *settings_sample(const struct heuristic *const *heuristics);

#endif
