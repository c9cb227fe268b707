/* qmail: is the log of qmail-send there, and what can it tell?
 *
 * Its folder is that of the installation's instructions (multilog), of Plesk and of qmailtoaster,
 * or what the settings name; with splogger its lines are in syslog's mail log. */
#include "cli/doctor.h"

static const char *const logs[] = { "/var/log/qmail/current", "/var/log/qmail/qmail-send/current",
				    "/var/log/qmail/send/current" };

static void take(struct doctor *d, const char *path, void *context)
{
	const char **found = context;

	(void)d;
	*found = path;
}

static const char *find_log(struct doctor *d)
{
	const struct settings *s = d->settings;
	const char *found = NULL;
	struct str rc;

	for (size_t i = 0; i < s->nsources; i++)
		if (strcmp(s->sources[i].format, "qmail") == 0 ||
		    str_ends(str_of(s->sources[i].path), STR("/current")))
			doctor_glob(d, s->sources[i].path, take, &found);
	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs) && !found; i++)
		if (doctor_exists(d, logs[i]))
			found = logs[i];
	if (!found && doctor_read(d, "/var/qmail/rc", &rc) && str_find(rc, STR("splogger")) < rc.n)
		found = "syslog's mail log (splogger)";
	return found;
}

void look_qmail(struct doctor *d)
{
	const char *log;

	if (!doctor_exists(d, "/var/qmail/control"))
		return;
	log = find_log(d);
	if (log)
		doctor_tell(d, "qmail.log", SIGHT_PARTLY,
			    doctor_say(d, "%s: who queued each message (uid), its sender, "
				       "recipients and answers; qmail logs no Message-ID, subject, "
				       "client address or login", log), NULL, NULL);
	else
		doctor_tell(d, "qmail.log", SIGHT_NOT,
			    "qmail is here, and no log of qmail-send where it usually is",
			    "qmail-send's log/run, or sources: in the settings",
			    "exec setuidgid qmaill multilog t s16777215 n20 /var/log/qmail/send");
}
