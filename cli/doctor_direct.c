/* Can a customer's program speak SMTP to the world itself, past the mail server and its log?
 *
 * Looks at the files that firewalls are loaded from; what was set by hand is not seen. */
#include "cli/doctor.h"

static void find_rule(struct doctor *d, const char *path, void *context)
{
	const char **found = context;
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	while (text.n) {
		struct str line = str_head(text, str_chr(text, '\n'));

		text = str_skip(text, line.n + 1);
		line = str_trim(line);
		if (!line.n || line.p[0] == '#' || str_find(line, STR("25")) == line.n)
			continue;
		if (str_find(line, STR("skuid")) < line.n || str_find(line, STR("skgid")) < line.n ||
		    str_find(line, STR("-owner")) < line.n)
			*found = path;
	}
}

void look_direct(struct doctor *d)
{
	static const char *const files[] = {
		"/etc/nftables.conf",	 "/etc/nftables.d/*",		"/etc/nftables/*.nft",
		"/etc/iptables/rules.v*", "/etc/sysconfig/iptables", "/etc/sysconfig/nftables.conf",
		"/etc/firewalld/direct.xml"
	};
	const char *found = NULL;
	struct str csf;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		doctor_glob(d, files[i], find_rule, &found);
	if (doctor_read(d, "/etc/csf/csf.conf", &csf) &&
	    str_find(csf, STR("\nSMTP_BLOCK = \"1\"")) < csf.n)
		found = "/etc/csf/csf.conf";
	if (found)
		doctor_tell(d, "direct_smtp", SIGHT_SEEN,
			    doctor_say(d, "%s has a rule by uid for port 25", found), NULL, NULL);
	else
		doctor_tell(d, "direct_smtp", SIGHT_NOT,
			    "programs of customers can send past the mail server; nothing logs it",
			    "/etc/nftables.conf (in an output chain)",
			    "tcp dport 25 ct state new meta skuid >= 1000 log prefix "
			    "\"mailaudit-smtp \" flags skuid reject");
}
