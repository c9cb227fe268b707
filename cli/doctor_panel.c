/* The hosting panel, and whether its owner map is read. */
#include "cli/doctor.h"

static const struct {
	const char *name, *mark; /* what only it has */
	const char *map, *format; /* NULL: it keeps owners in a database */
} panels[] = {
	{ "cPanel", "/usr/local/cpanel", "/etc/userdomains", "domains" },
	{ "DirectAdmin", "/usr/local/directadmin", "/etc/virtual/domainowners", "domains" },
	{ "Plesk", "/usr/local/psa", NULL, NULL },
	{ "ISPConfig", "/usr/local/ispconfig", NULL, NULL },
	{ "Virtualmin", "/etc/webmin/virtual-server", NULL, NULL },
	{ "HestiaCP", "/usr/local/hestia", NULL, NULL },
	{ "CyberPanel", "/usr/local/CyberCP", NULL, NULL },
	{ "Froxlor", "/var/www/froxlor", NULL, NULL },
};

/* One that is named here, and there. */
static bool reads_a_map(struct doctor *d, const char *path)
{
	const struct settings *s = d->settings;

	for (size_t i = 0; i < s->accounts.nmaps; i++)
		if ((!path || strcmp(s->accounts.maps[i].path, path) == 0) &&
		    doctor_exists(d, s->accounts.maps[i].path))
			return true;
	return false;
}

void look_panel(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(panels) / sizeof(*panels); i++) {
		const char *map = panels[i].map;

		if (!doctor_exists(d, panels[i].mark))
			continue;
		if (reads_a_map(d, map)) {
			doctor_tell(d, "panel.owners", SIGHT_SEEN,
				    doctor_say(d, "%s, and a map of its domains", panels[i].name), NULL,
				    NULL);
			return;
		}
		doctor_tell(d, "panel.owners", SIGHT_NOT,
			    doctor_say(d, "%s: nothing says whose its domains and mailboxes are",
				       panels[i].name),
			    MAILAUDIT_SYSCONFDIR "/mailaudit.yaml",
			    doctor_say(d, "accounts: {maps: [{path: %s, format: %s}]}",
				       map ? map : "FILE", map ? panels[i].format : "domains"));
		return;
	}
	doctor_tell(d, "panel.owners", SIGHT_SEEN, "no hosting panel: passwd says whose a home is",
		    NULL, NULL);
}
