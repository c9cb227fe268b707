/* The settings there are: one row per key.
 *
 * Invariant: a struct settings is complete and valid, or there is none.
 * Reading YAML and walking the tables is base/keys.c's. */
#include "core/settings.h"

#include "core/account.h"
#include "core/heuristic.h"
#include "core/network.h"
#include "core/parser.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* --- checks: NULL, or what is wrong */

static const char *check_glob(const char *text)
{
	struct str s = str_of(text);
	size_t open = str_chr(s, '[');

	if (s.n >= PATH_MAX)
		return "is too long for a path";
	if (str_ends(s, STR("/")))
		return "is a directory, not a file";
	if (open < s.n && str_chr(str_skip(s, open), ']') == s.n - open)
		return "has a [ without its ]";
	return NULL;
}

static const char *check_word(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-")]
		       ? "is not the name of a format"
		       : NULL;
}

static const char *check_zone(const char *text)
{
	return zone_find(str_of(text)) ? NULL : "is not a time zone of this system";
}

static const char *check_network(const char *text)
{
	struct network n;

	return network_parse(str_of(text), &n)
		       ? NULL
		       : "is not a network such as 10.0.0.0/8, 2001:db8::/32 or an address";
}

static const char *check_user(const char *text)
{
	return strpbrk(text, "/: \t") ? "is not the name of a user" : NULL;
}

static const char *check_hostname(const char *text)
{
	return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789._-")]
		       ? "is not a host name"
		       : NULL;
}

/* Every star is a whole component: core/account.c compares, it does not glob. */
static const char *check_home(const char *text)
{
	struct str rest = str_of(text);
	int stars = 0;

	if (!str_eat(&rest, STR("/")) || !str_ends(rest, STR("/")))
		return "does not begin and end with /";
	while (rest.n) {
		struct str part = str_head(rest, str_chr(rest, '/'));

		if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return "has an empty component, . or ..";
		if (str_eq(part, STR("*")))
			stars++;
		else if (strpbrk(part.p, "*?[") && strpbrk(part.p, "*?[") < part.p + part.n)
			return "may only have * as a whole component";
		rest = str_skip(rest, part.n + 1);
	}
	return stars ? NULL : "has no * that stands for the account";
}

static bool has_blank_or_control(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return true;
	return false;
}

/* It stands in headers and in argv. */
static const char *check_address(const char *text)
{
	if (has_blank_or_control(text) || strpbrk(text, "<>()[]\\,;:\"") || *text == '-' ||
	    *text == '@' || !*text)
		return "is not a mail address";
	return NULL;
}

static const char *check_address_or_none(const char *text)
{
	return *text ? check_address(text) : NULL;
}

static const char *check_url(const char *text, const char *plain, const char *secure)
{
	struct str s = str_of(text);

	if (!s.n)
		return NULL;
	if (has_blank_or_control(text))
		return "has a blank or control character";
	if (!str_eat(&s, str_of(plain)) && !str_eat(&s, str_of(secure)))
		return "is not such a URL";
	return s.n ? NULL : "names no host";
}

static const char *check_http(const char *text)
{
	return check_url(text, "http://", "https://");
}

static const char *check_smtp(const char *text)
{
	return check_url(text, "smtp://", "smtps://");
}

static const char *check_case(const char *text)
{
	static const char *const cases[] = { "any", "2", "3", "3a", "3b", "3c", "3d", "4" };

	for (size_t i = 0; i < ROWS(cases); i++)
		if (strcmp(text, cases[i]) == 0)
			return NULL;
	return "is none of: any, 2, 3, 3a, 3b, 3c, 3d, 4";
}

static const char *check_action_name(const char *text)
{
	return !*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")]
		       ? "is not the name of an action"
		       : NULL;
}

/* --- the tables */

static const char *const digest_words[] = { "off", "daily", NULL };
static const char *const severity_words[] = { "critical", "warning", NULL };
static const char *const trust_words[] = { "system", "tenant", NULL };
static const char *const store_words[] = { "outbound", "all", NULL };

static const char *check_map_format(const char *text)
{
	for (size_t i = 0; account_map_formats[i]; i++)
		if (strcmp(text, account_map_formats[i]) == 0)
			return NULL;
	return "is none of: passwd, domains, logins, userdatadomains, postfix, dovecot, hestia, "
	       "virtualmin";
}

/* An account ends up in commands an administrator copies. */
static const char *check_account(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "has a blank or control character";
	return NULL;
}

#define AT(member) offsetof(struct source_spec, member)
static const struct key source_keys[] = {
	{ "path", KEY_PATH, AT(path), .check = check_glob,
	  .help = "The file, or a pattern such as /home/*/logs/php-mail.log. "
		  "Files that appear later are followed too." },
	{ "format", KEY_STRING, AT(format), "auto", .check = check_word,
	  .help = "Who writes it: postfix, exim, exim-reject, exim-panic, sendmail, opensmtpd, qmail, "
		  "php, syslogd, or auto: by the line. journal if path is a directory of the systemd "
		  "journal: /var/log/journal is this host's, wherever it is kept." },
	{ "trust", KEY_EITHER, AT(tenant), "system", .words = trust_words,
	  .help = "tenant if a customer can write the file. Such a file can accuse only the "
		  "customer whose home it lies in, or the one named by account." },
	{ "account", KEY_STRING, AT(account), "auto", .check = check_account,
	  .help = "Whose a tenant's log is. auto: whose home it lies in." },
	{ "timezone", KEY_STRING, AT(timezone), "local", .check = check_zone,
	  .help = "Of stamps that name none: local, UTC, Europe/Berlin, +0100." },
};
#undef AT
static const struct key_table source_table = { source_keys, ROWS(source_keys),
					       sizeof(struct source_spec) };

#define AT(member) offsetof(struct map_spec, member)
static const struct key map_keys[] = {
	{ "path", KEY_PATH, AT(path), .check = check_glob,
	  .help = "The file, or a pattern such as /etc/virtual/*/passwd." },
	{ "format", KEY_STRING, AT(format), "domains", .check = check_map_format,
	  .help = "domains for lines such as \"example.com: alice\", logins for lines such as "
		  "\"box@example.com: alice\"; passwd; postfix and dovecot for the sources of "
		  "their maps; userdatadomains, hestia, virtualmin for those panels' files." },
};
#undef AT
static const struct key_table map_table = { map_keys, ROWS(map_keys), sizeof(struct map_spec) };

#define AT(member) offsetof(struct limit, member)
static const struct key limit_keys[] = {
	{ "messages_per_hour", KEY_INTEGER, AT(messages_per_hour), "0", .max = INT32_MAX,
	  .help = "0: no limit." },
	{ "recipients_per_hour", KEY_INTEGER, AT(recipients_per_hour), "0", .max = INT32_MAX,
	  .help = "0: no limit." },
	{ "messages_per_day", KEY_INTEGER, AT(messages_per_day), "0", .max = INT32_MAX,
	  .help = "0: no limit." },
	{ "recipients_per_day", KEY_INTEGER, AT(recipients_per_day), "0", .max = INT32_MAX,
	  .help = "0: no limit." },
};
#undef AT
static const struct key_table limit_table = { limit_keys, ROWS(limit_keys), sizeof(struct limit) };

#define AT(member) offsetof(struct allowance, member)
static const struct key allow_keys[] = {
	{ "account", KEY_TEXT, AT(account), "\"\"", .help = "The account it is about." },
	{ "login", KEY_TEXT, AT(login), "\"\"", .help = "Or the SASL login." },
	{ "script", KEY_TEXT, AT(script), "\"\"", .help = "Or the script's path; * and ? as in a shell." },
	{ "sender", KEY_TEXT, AT(sender), "\"\"",
	  .help = "Or the envelope sender; * and ? as in a shell." },
	{ "network", KEY_TEXT, AT(network), "\"\"", .check = check_network,
	  .help = "Or the network mail comes from." },
	{ "newsletter", KEY_BOOL, AT(newsletter), "no",
	  .help = "yes if it writes to many it never wrote to: how much is then no evidence." },
	{ "per_hour", KEY_INTEGER, AT(per_hour), "0", .max = INT32_MAX,
	  .help = "Recipients an hour that are usual; 0: as learned." },
	{ "per_day", KEY_INTEGER, AT(per_day), "0", .max = INT32_MAX,
	  .help = "Recipients a day that are usual; 0: as learned." },
	{ "muted_until", KEY_TIME, AT(muted_until), "0",
	  .help = "Nothing is found before this day (UTC)." },
	{ "because", KEY_TEXT, AT(because), "\"\"", .help = "For whoever reads this next." },
};
#undef AT
static const struct key_table allow_table = { allow_keys, ROWS(allow_keys),
					      sizeof(struct allowance) };

#define AT(member) offsetof(struct settings, member)
static const struct key geoip_keys[] = {
	{ "country", KEY_ANY_PATH, AT(geoip.country), "\"\"",
	  .help = "A database of countries in MaxMind's format, such as GeoLite2-Country.mmdb." },
	{ "asn", KEY_ANY_PATH, AT(geoip.asn), "\"\"",
	  .help = "A database of autonomous systems, such as GeoLite2-ASN.mmdb." },
};
static const struct key_table geoip_table = { geoip_keys, ROWS(geoip_keys), 0 };

static const struct key limits_keys[] = {
	{ "account", KEY_SECTION, AT(limits.account), .table = &limit_table,
	  .help = "All that an account sends." },
	{ "login", KEY_SECTION, AT(limits.login), .table = &limit_table,
	  .help = "What one SASL login sends." },
	{ "script", KEY_SECTION, AT(limits.script), .table = &limit_table,
	  .help = "What one script, directory or user sends." },
};
static const struct key_table limits_table = { limits_keys, ROWS(limits_keys), 0 };

static const struct key webhook_keys[] = {
	{ "url", KEY_TEXT, AT(alerts.webhook.url), "\"\"", .check = check_http,
	  .help = "Where alerts are posted as JSON: http:// or https://." },
	{ "secret_file", KEY_ANY_PATH, AT(alerts.webhook.secret_file), "\"\"",
	  .help = "A file with the secret that signs them (HMAC-SHA256)." },
};
static const struct key_table webhook_table = { webhook_keys, ROWS(webhook_keys), 0 };

static const struct key alert_keys[] = {
	{ "to", KEY_STRINGS, AT(alerts.to), "[root]", .check = check_address,
	  .help = "Who gets mail; a name without @ is a user of this host. []: nobody." },
	{ "from", KEY_TEXT, AT(alerts.from), "\"\"", .check = check_address_or_none,
	  .help = "The mails' sender. \"\": mailaudit@ and the hostname." },
	{ "sendmail", KEY_ANY_PATH, AT(alerts.sendmail), "/usr/sbin/sendmail",
	  .help = "The program that takes the mails." },
	{ "smtp", KEY_TEXT, AT(alerts.smtp), "\"\"", .check = check_smtp,
	  .help = "In place of sendmail: smtp://HOST:PORT, smtps://USER@HOST. With smtp:// "
		  "STARTTLS is used where it is offered, and required with a password." },
	{ "smtp_secret_file", KEY_ANY_PATH, AT(alerts.smtp_secret_file), "\"\"",
	  .help = "A file with the password of that user." },
	{ "owner", KEY_BOOL, AT(alerts.owner), "off",
	  .help = "on tells the account's owner, too, once for each alert, in simpler words." },
	{ "owners", KEY_ANY_PATH, AT(alerts.owners), "\"\"",
	  .help = "A file with lines such as \"alice: alice@example.com\". Accounts it lacks are "
		  "written to as users of this host." },
	{ "per_hour", KEY_INTEGER, AT(alerts.per_hour), "20", .min = 1, .max = 10000,
	  .help = "Mails within an hour. What is more comes in one digest." },
	{ "digest", KEY_EITHER, AT(alerts.daily), "off", .words = digest_words,
	  .help = "daily sends a summary of the last day each day." },
	{ "digest_hour", KEY_INTEGER, AT(alerts.daily_hour), "7", .max = 23,
	  .help = "Its hour, local time." },
	{ "language", KEY_STRING, AT(alerts.language), "en", .check = check_word,
	  .help = "A folder of the templates: en, de." },
	{ "templates", KEY_ANY_PATH, AT(alerts.templates), "\"\"",
	  .help = "A folder with templates of your own. A file it lacks is taken from the "
		  "installed ones." },
	{ "webhook", KEY_SECTION, .table = &webhook_table, .help = "Alerts for programs." },
	{ "command", KEY_STRINGS, AT(alerts.command), "[]",
	  .help = "A program with its arguments that is given each alert as JSON on standard "
		  "input. No shell." },
	{ "journal", KEY_BOOL, AT(alerts.journal), "on",
	  .help = "Alerts go to the journal, or syslog, too." },
};
static const struct key_table alert_table = { alert_keys, ROWS(alert_keys), 0 };
#undef AT

#define AT(member) offsetof(struct action_rule, member)
static const struct key action_rule_keys[] = {
	{ "case", KEY_STRING, AT(verdict), .check = check_case,
	  .help = "2, 3 (3a to 3d), 3a, 3b, 3c, 3d, 4, or any." },
	{ "severity", KEY_EITHER, AT(warnings), "critical", .words = severity_words,
	  .help = "The least severity it is for." },
	{ "run", KEY_STRINGS, AT(run), .check = check_action_name,
	  .help = "Names of actions, as 'mailaudit actions --list' shows them." },
};
#undef AT
static const struct key_table action_rule_table = { action_rule_keys, ROWS(action_rule_keys),
						    sizeof(struct action_rule) };

#define AT(member) offsetof(struct settings, member)
static const struct key action_keys[] = {
	{ "folder", KEY_ANY_PATH, AT(actions.folder), "\"\"",
	  .help = "A folder with actions of your own, beside the installed ones." },
	{ "user", KEY_TEXT, AT(actions.user), "\"\"", .check = check_user,
	  .help = "Who runs them, if notify runs as root. \"\": root then." },
	{ "dry_run", KEY_BOOL, AT(actions.dry_run), "yes",
	  .help = "yes only writes down what would have been done." },
	{ "per_hour", KEY_INTEGER, AT(actions.per_hour), "10", .min = 1, .max = 10000,
	  .help = "Actions that rules may start within an hour." },
	{ "rules", KEY_STRUCTS, AT(actions.rules), "[]", .table = &action_rule_table,
	  .count = AT(actions.nrules), .help = "What is done without asking. Each names:" },
};
static const struct key_table action_table = { action_keys, ROWS(action_keys), 0 };

static const struct key account_keys[] = {
	{ "passwd", KEY_PATH, AT(accounts.passwd), "/etc/passwd",
	  .help = "Names of uids, and homes. A uid it lacks is shown as #1234." },
	{ "maps", KEY_STRUCTS, AT(accounts.maps),
	  "[{path: /etc/userdomains, format: domains},"
	  " {path: /etc/trueuserdomains, format: domains},"
	  " {path: /etc/userdatadomains, format: userdatadomains},"
	  " {path: /etc/virtual/domainowners, format: domains},"
	  " {path: /usr/local/hestia/data/users/*/web.conf, format: hestia},"
	  " {path: /usr/local/hestia/data/users/*/mail.conf, format: hestia},"
	  " {path: /etc/webmin/virtual-server/domains/*, format: virtualmin},"
	  " {path: /var/lib/extrausers/passwd, format: passwd},"
	  " {path: /etc/mailaudit/maps/*.domains, format: domains},"
	  " {path: /etc/mailaudit/maps/*.logins, format: logins}]",
	  .table = &map_table, .count = AT(accounts.nmaps),
	  .help = "Which account owns a domain or a mailbox. The default names the files of "
		  "cPanel, DirectAdmin, HestiaCP, Virtualmin and Froxlor, and those that commands of "
		  "yours write (see etc/maps). Files that do not exist are skipped; new and changed "
		  "ones are read. When two lines differ, the first one counts." },
	{ "shared", KEY_STRINGS, AT(accounts.shared),
	  "[www-data, nobody, apache, httpd, nginx, vmail, vpopmail, qmaild, qmails, alias]",
	  .check = check_user,
	  .help = "Users that many sites share. None of them is ever an account: the path of the "
		  "script tells whose it is." },
	{ "mailers", KEY_STRINGS, AT(accounts.mailers),
	  "[root, postfix, Debian-exim, exim, mailnull, mail, smmsp, smmta, smtpq, opensmtpd, "
	  "qmailr, cpanel, mailaudit]",
	  .check = check_user,
	  .help = "Users whose work it is to speak SMTP: the mail server's own. What a firewall logs "
		  "of their connections is not counted." },
	{ "homes", KEY_STRINGS, AT(accounts.homes),
	  "[\"/home/*/\", \"/var/www/vhosts/*/\", \"/var/www/clients/*/*/\"]", .check = check_home,
	  .help = "Where accounts live, beside the homes of passwd. The last * stands for the "
		  "account, or for a domain it owns." },
};
static const struct key_table account_table = { account_keys, ROWS(account_keys), 0 };

static const struct key join_keys[] = {
	{ "php_wait", KEY_LENGTH, AT(php_wait), "60s",
	  .help = "A PHP mail() call that no message follows within this time is kept as blocked "
		  "or never sent." },
};
static const struct key_table join_table = { join_keys, ROWS(join_keys), 0 };

static const struct key retention_keys[] = {
	{ "messages", KEY_LENGTH, AT(retention_messages), "90d",
	  .help = "Messages, with all that hangs on them. 0 keeps them for ever." },
	{ "findings", KEY_LENGTH, AT(retention_findings), "365d",
	  .help = "Closed findings, and what is known of logins and scripts that sent nothing since. "
		  "0 keeps them for ever." },
};
static const struct key_table retention_table = { retention_keys, ROWS(retention_keys), 0 };

static const struct key settings_keys[] = {
	{ "database", KEY_PATH, AT(database), "/var/lib/mailaudit/mailaudit.db",
	  .help = "The SQLite file all is kept in." },
	{ "hostname", KEY_STRING, AT(hostname), "auto", .check = check_hostname,
	  .help = "The host of log lines that name none. auto takes the name of this one." },
	{ "sources", KEY_STRUCTS, AT(sources), "[]",
	  .table = &source_table, .count = AT(nsources),
	  .help = "The logs to follow. None: those mailauditd --discover finds on this machine. "
		  "Each has:" },
	{ "accounts", KEY_SECTION, .table = &account_table,
	  .help = "Who is behind a uid, a login, a path or a domain." },
	{ "networks", KEY_STRINGS, AT(networks), "[127.0.0.0/8, \"::1\"]", .check = check_network,
	  .help = "Mail that comes by SMTP from here without a login counts as submitted here." },
	{ "join", KEY_SECTION, .table = &join_table,
	  .help = "How lines of different logs find each other." },
	{ "store", KEY_EITHER, AT(store_all), "outbound", .words = store_words,
	  .help = "outbound keeps what leaves this host and counts the rest per domain. all keeps "
		  "everything." },
	{ "retention", KEY_SECTION, .table = &retention_table,
	  .help = "How long what is kept." },
	{ "detect", KEY_BOOL, AT(detect), "yes",
	  .help = "no only attributes and stores: nothing is learned and nothing found." },
	{ "geoip", KEY_SECTION, .table = &geoip_table,
	  .help = "Where client addresses are. Without it a client's name tells its provider, "
		  "else the first 16 bits of its address, and a stolen password is noticed some "
		  "messages later." },
	{ "patterns", KEY_ANY_PATH, AT(patterns), "\"\"",
	  .help = "A directory of *.yaml files such as those of etc/patterns.d. One with the name "
		  "of a built-in one replaces it, others add to them." },
	{ "limits", KEY_SECTION, .table = &limits_table,
	  .help = "Plain limits, beside what the heuristics find. Half of one is a warning." },
	{ "allow", KEY_STRUCTS, AT(allow), "[]", .table = &allow_table, .count = AT(nallow),
	  .help = "What is known to be all right. Each names what it is about:" },
	{ "alerts", KEY_SECTION, .table = &alert_table,
	  .help = "Who is told of findings, and how: by 'mailaudit notify'." },
	{ "actions", KEY_SECTION, .table = &action_table,
	  .help = "What is done about findings, and can be undone. Off until a rule says so." },
	{ "heuristics", KEY_TREE, AT(heuristics.given), "{}",
	  .help = "How the heuristics weigh; 'mailaudit explain NAME' tells about each." },
};
#undef AT
static const struct key_table settings_table = { settings_keys, ROWS(settings_keys), 0 };

/* --- from text */

static void resolve_hostname(struct settings *s)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (strcmp(s->hostname, "auto") != 0)
		return;
	if (gethostname(name, sizeof(name) - 1) || !*name)
		s->hostname = "localhost";
	else
		s->hostname = arena_str(&s->arena, str_of(name)).p;
}

static void resolve_from(struct settings *s)
{
	char address[320];

	if (*s->alerts.from)
		return;
	snprintf(address, sizeof(address), "mailaudit@%s", s->hostname);
	s->alerts.from = arena_str(&s->arena, str_of(address)).p;
}

/* Each must be about something, or it would allow everything. */
static int resolve_allow(struct settings *s, const char *name, struct error *err)
{
	for (size_t i = 0; i < s->nallow; i++) {
		struct allowance *a = &s->allow[i];

		if (!*a->account && !*a->login && !*a->script && !*a->sender && !*a->network)
			return error_set(err, EXIT_CONFIG, "%s: allow[%zu]: names no account, login, "
					 "script, sender or network", name, i);
		a->has_network = *a->network && network_parse(str_of(a->network), &a->parsed);
	}
	return 0;
}

struct settings *settings_parse(struct str yaml, const char *name, const char *base,
				struct error *err)
{
	struct settings *s = xcalloc(1, sizeof(*s));
	struct key_origin from = { name, base, &s->arena };
	struct yaml_value *root = yaml_parse(&s->arena, yaml, name, err);

	if (!root) {
		settings_free(s);
		return NULL;
	}
	s->name = arena_str(&s->arena, str_of(name)).p;
	keys_preset(&settings_table, s, &from);
	if (keys_read(&settings_table, s, root, &from, err)) {
		settings_free(s);
		return NULL;
	}
	if (resolve_allow(s, name, err)) {
		settings_free(s);
		return NULL;
	}
	resolve_hostname(s);
	resolve_from(s);
	return s;
}

struct settings *settings_default(void)
{
	struct error err;
	struct settings *s = settings_parse(STR_NONE, "default", NULL, &err);

	if (!s)
		bug(err.text);
	return s;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	arena_release(&s->arena);
	free(s);
}

/* --- from a file */

static int fail_read(const char *path, struct error *err)
{
	int code = errno == EACCES || errno == EPERM ? EXIT_PERMISSION :
		   errno == ENOENT		      ? EXIT_NOINPUT :
							EXIT_CONFIG;

	return error_set(err, code, "%s: %s", path, strerror(errno));
}

/* One byte more than is allowed, so that yaml_parse() sees that it is too much. */
static ssize_t read_file(const char *path, char *buf, size_t size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	size_t n = 0;

	if (fd < 0)
		return fail_read(path, err);
	while (n < size && got) {
		got = read(fd, buf + n, size - n);
		if (got < 0)
			break;
		n += (size_t)got;
	}
	if (got < 0)
		fail_read(path, err);
	close(fd);
	return got < 0 ? -1 : (ssize_t)n;
}

struct settings *settings_load(const char *path, struct error *err)
{
	size_t size = YAML_MAX_BYTES + 1;
	char *text = xmalloc(size);
	ssize_t n = read_file(path, text, size, err);
	struct settings *s = NULL;

	if (n >= 0) {
		size_t slash = str_rchr(str_of(path), '/');
		char *base = slash < strlen(path) ? str_dup(str_head(str_of(path), slash)) :
						    str_dup(STR("."));

		s = settings_parse((struct str){ text, (size_t)n }, path, base, err);
		free(base);
	}
	free(text);
	return s;
}

/* --- what the tables say */

int settings_check_formats(const struct settings *s, const struct parser *const *parsers,
			   struct error *err)
{
	size_t i, k;

	for (i = 0; i < s->nsources; i++) {
		const char *format = s->sources[i].format;

		if (strcmp(format, "journal") == 0 && s->sources[i].tenant)
			return error_set(err, EXIT_CONFIG,
					 "sources[%zu].trust: a journal is no tenant's", i);
		if (strcmp(format, "auto") == 0 || strcmp(format, "journal") == 0)
			continue;
		for (k = 0; parsers[k] && strcmp(parsers[k]->name, format) != 0; k++)
			;
		if (!parsers[k])
			return error_set(err, EXIT_CONFIG,
					 "sources[%zu].format: there is no format %s", i, format);
	}
	return 0;
}

/* --- the heuristics' own */

static const struct yaml_value *given_for(const struct settings *s, const char *name)
{
	const struct yaml_value *v = s->heuristics.given ? s->heuristics.given->first : NULL;

	while (v && !str_eq(v->key, str_of(name)))
		v = v->next;
	return v;
}

static int check_names(const struct settings *s, const struct heuristic *const *heuristics,
		       struct error *err)
{
	const struct yaml_value *v = s->heuristics.given ? s->heuristics.given->first : NULL;

	for (; v; v = v->next) {
		size_t i = 0;

		while (heuristics[i] && !str_eq(v->key, str_of(heuristics[i]->name)))
			i++;
		if (!heuristics[i])
			return error_set(err, EXIT_CONFIG, "%s:%d:%d: heuristics.%s: there is no "
					 "such heuristic; 'mailaudit explain' lists them", s->name,
					 v->key_line, v->key_column, v->key.p);
	}
	return 0;
}

int settings_heuristics(struct settings *s, const struct heuristic *const *heuristics,
			struct error *err)
{
	size_t n = 0;

	if (check_names(s, heuristics, err))
		return -1;
	while (heuristics[n])
		n++;
	s->heuristics.at = arena_alloc(&s->arena, (n + 1) * sizeof(*s->heuristics.at));
	for (size_t i = 0; i < n; i++) {
		const struct key_table *table = &heuristics[i]->keys;
		const struct yaml_value *v = given_for(s, heuristics[i]->name);
		struct key_origin from = { heuristics[i]->name, NULL, &s->arena };

		s->heuristics.at[i] = arena_alloc(&s->arena, table->size + 1);
		memset(s->heuristics.at[i], 0, table->size);
		keys_preset(table, s->heuristics.at[i], &from);
		from.name = s->name;
		if (v && !yaml_is_null(v) && keys_read(table, s->heuristics.at[i], v, &from, err))
			return error_prefix(err, "heuristics.%s", heuristics[i]->name);
	}
	return 0;
}

static bool is_limit(const struct limit *l)
{
	return l->messages_per_hour || l->recipients_per_hour || l->messages_per_day ||
	       l->recipients_per_day;
}

bool settings_have_limits(const struct settings *s)
{
	return is_limit(&s->limits.account) || is_limit(&s->limits.login) ||
	       is_limit(&s->limits.script);
}

static void sample_heuristics(const struct heuristic *const *heuristics, FILE *out)
{
	fputs("\n# How the heuristics weigh; 'mailaudit explain NAME' tells about each.\n"
	      "heuristics:", out);
	for (size_t i = 0; heuristics[i]; i++) {
		fprintf(out, "\n  # %s\n  %s:", heuristics[i]->summary, heuristics[i]->name);
		if (!heuristics[i]->keys.n)
			fputs(" {}\n", out);
		keys_sample_part(&heuristics[i]->keys, 4, out);
	}
}

char *settings_sample(const struct heuristic *const *heuristics)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		bug("out of memory");
	fputs("# Settings of mailauditd and mailaudit: every key, with its default.\n"
	      "# A key that is left out has its default. See mailaudit.yaml(5).\n", out);
	keys_sample(&settings_table, out);
	sample_heuristics(heuristics, out);
	fclose(out);
	return text;
}
