/* Can a customer's program speak SMTP to the world itself, past the mail server and its log?
 *
 * Looks at the files that firewalls are loaded from and, on this host, at what is loaded. A
 * rule that logs with the uid is what mailaudit reads (format netfilter); one that only
 * refuses keeps the mail here, and tells nobody whose it was. */
#include "cli/doctor.h"

struct rules {
	const char *logs, *refuses; /* where; NULL nowhere */
};

static bool has(struct str line, struct str word)
{
	return str_find(line, word) < line.n;
}

/* One text's rules. The port and the log may stand in different chains. */
static void read_rules(struct rules *r, struct str text, const char *where)
{
	bool smtp = false, logs = false;

	while (text.n) {
		struct str line = str_head(text, str_chr(text, '\n'));

		text = str_skip(text, line.n + 1);
		line = str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		smtp |= has(line, STR("MAILAUDIT_SMTP")) ||
			(has(line, STR("port")) && (has(line, STR("25")) || has(line, STR("smtp"))));
		logs |= has(line, STR("--log-uid")) ||
			(has(line, STR("log ")) &&
			 (has(line, STR("flags skuid")) || has(line, STR("flags all"))));
		if (has(line, STR("25")) && (has(line, STR("skuid")) || has(line, STR("skgid")) ||
					     has(line, STR("-owner"))))
			r->refuses = where;
	}
	if (smtp && logs)
		r->logs = where;
}

static void read_file(struct doctor *d, const char *path, void *context)
{
	struct str text;

	if (doctor_read(d, path, &text))
		read_rules(context, text, path);
}

static void look_at_files(struct doctor *d, struct rules *r)
{
	static const char *const files[] = {
		"/etc/nftables.conf",	 "/etc/nftables.d/*",		"/etc/nftables/*.nft",
		"/etc/iptables/rules.v*", "/etc/sysconfig/iptables", "/etc/sysconfig/nftables.conf",
		"/etc/firewalld/direct.xml"
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		doctor_glob(d, files[i], read_file, r);
}

/* Of what is loaded: what the snippets make, then as much of the rest as is kept of a
 * program's output. Tells nothing unless we are root. */
static void look_at_kernel(struct doctor *d, struct rules *r)
{
	static const char *const programs[][6] = {
		{ "nft", "list", "table", "inet", "mailaudit", NULL },
		{ "iptables", "-S", "MAILAUDIT_SMTP", NULL },
		{ "iptables-save", "-t", "filter", NULL },
		{ "nft", "list", "ruleset", NULL },
	};
	struct str text;

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (doctor_ask(d, programs[i], &text))
			read_rules(r, text, "the loaded firewall");
}

static bool is_on(struct str csf, struct str key)
{
	while (csf.n) {
		struct str line = str_head(csf, str_chr(csf, '\n'));

		csf = str_skip(csf, line.n + 1);
		if (str_eat(&line, key) && str_eq(str_trim(line), STR("= \"1\"")))
			return true;
	}
	return false;
}

/* csf refuses all but root and its SMTP_ALLOWUSER; the log of what it drops has the uid if told. */
static void look_at_csf(struct doctor *d, struct rules *r)
{
	static const char path[] = "/etc/csf/csf.conf";
	struct str csf;

	if (!doctor_read(d, path, &csf) || !is_on(csf, STR("SMTP_BLOCK ")))
		return;
	r->refuses = path;
	if (is_on(csf, STR("DROP_LOGGING ")) && is_on(csf, STR("DROP_OUT_LOGGING ")) &&
	    is_on(csf, STR("DROP_UID_LOGGING ")))
		r->logs = path;
}

void look_direct(struct doctor *d)
{
	struct rules r = { 0 };

	look_at_kernel(d, &r);
	look_at_files(d, &r);
	look_at_csf(d, &r);
	if (r.logs)
		doctor_tell(d, "direct_smtp", SIGHT_SEEN,
			    doctor_say(d, "%s logs SMTP past the mail server, with the uid", r.logs),
			    NULL, NULL);
	else if (r.refuses)
		doctor_tell(d, "direct_smtp", SIGHT_ADVICE,
			    doctor_say(d, "%s has a rule by uid for port 25; who tries is not logged",
				       r.refuses),
			    r.refuses, "log with the uid: nft log flags skuid, iptables --log-uid, csf "
				       "DROP_OUT_LOGGING and DROP_UID_LOGGING");
	else
		doctor_tell(d, "direct_smtp", SIGHT_NOT,
			    "programs of customers can send past the mail server; nothing logs it",
			    "/etc/nftables.conf",
			    "include \"" MAILAUDIT_DATADIR "/snippets/nftables/mailaudit.nft\"");
}
