/* The hosting panel: is its owner map read, and which files that we change does it write anew? */
#include "cli/doctor.h"

#define MAPS "/etc/mailaudit/maps"

static const struct {
	const char *name, *mark; /* what only it has */
	const char *line; /* how to get its map; NULL: settings.accounts.maps has its files */
	const char *rewrites, *file, *how; /* what it writes anew; where what is to stay belongs */
} panels[] = {
	{ "cPanel", "/usr/local/cpanel", NULL, "exim.conf and the FPM pools",
	  "/etc/exim.conf.local, /var/cpanel/ApachePHPFPM/system_pool_defaults.yaml",
	  "WHM: Exim Configuration Manager, Advanced Editor; then /scripts/php_fpm_config --rebuild" },
	{ "DirectAdmin", "/usr/local/directadmin", NULL, "exim.conf and the FPM pools",
	  "/etc/exim.variables.conf.custom, /usr/local/directadmin/data/templates/custom",
	  "/usr/local/directadmin/directadmin build exim_conf" },
	{ "Plesk", "/usr/local/psa", "plesk db -N -B < plesk.sql", "the FPM pools",
	  "the PHP settings of the domain", "plesk bin site --update-php-settings" },
	{ "ISPConfig", "/usr/local/ispconfig", "mysql -N -B dbispconfig < ispconfig.sql",
	  "virtual hosts and FPM pools", "/usr/local/ispconfig/server/conf-custom",
	  "php_fpm_pool.conf.master, vhost.conf.master: copies of those in ../conf" },
	{ "Virtualmin", "/etc/webmin/virtual-server", NULL, NULL, NULL, NULL },
	{ "HestiaCP", "/usr/local/hestia", NULL, "the FPM pools",
	  "/usr/local/hestia/data/templates/web/php-fpm/*.tpl", "v-rebuild-web-domains USER" },
	{ "CyberPanel", "/usr/local/CyberCP", "mysql -N -B cyberpanel < cyberpanel.sql", NULL, NULL, NULL },
	{ "Froxlor", "/var/www/froxlor", "mysql -N -B froxlor < froxlor.sql",
	  "virtual hosts and FPM pools", "the panel: PHP configurations", NULL },
};

static void note(struct doctor *d, const char *path, void *context)
{
	(void)d;
	(void)path;
	*(bool *)context = true;
}

/* Maps that the panel's own files are, or that a query made of its database. */
static bool reads_a_map(struct doctor *d, bool database)
{
	const struct settings *s = d->settings;
	bool found = false;

	for (size_t i = 0; i < s->accounts.nmaps; i++) {
		const struct map_spec *m = &s->accounts.maps[i];
		bool made = str_starts(str_of(m->path), STR("/etc/mailaudit/"));

		/* Where Postfix or Dovecot keep mailboxes says nothing of domains. */
		if (strcmp(m->format, "postfix") != 0 && strcmp(m->format, "dovecot") != 0 &&
		    (made || !database))
			doctor_glob(d, m->path, note, &found);
	}
	return found;
}

static void tell_owners(struct doctor *d, const char *name, const char *query)
{
	static const char check[] = "panel.owners";

	if (reads_a_map(d, query))
		doctor_tell(d, check, SIGHT_SEEN, doctor_say(d, "%s, and a map of its domains", name),
			    NULL, NULL);
	else if (query)
		doctor_tell(d, check, SIGHT_NOT,
			    doctor_say(d, "%s keeps in its database whose its domains and mailboxes are",
				       name), MAPS "/panel.domains",
			    doctor_say(d, "mailaudit-map " MAPS "/panel.domains sh -c '%s'   # each minute; "
				       "see maps/README.md", query));
	else
		doctor_tell(d, check, SIGHT_NOT,
			    doctor_say(d, "%s: none of the files that say whose its domains are is there",
				       name), MAILAUDIT_SYSCONFDIR "/mailaudit.yaml", "accounts.maps");
}

void look_panel(struct doctor *d)
{
	for (size_t i = 0; i < sizeof(panels) / sizeof(*panels); i++) {
		if (!doctor_exists(d, panels[i].mark))
			continue;
		tell_owners(d, panels[i].name, panels[i].line);
		if (panels[i].rewrites)
			doctor_tell(d, "panel.rewrites", SIGHT_ADVICE,
				    doctor_say(d, "%s writes %s anew, and what --fix adds there is lost then",
					       panels[i].name, panels[i].rewrites),
				    panels[i].file, panels[i].how);
		return;
	}
	doctor_tell(d, "panel.owners", SIGHT_SEEN, "no hosting panel: passwd says whose a home is",
		    NULL, NULL);
}
