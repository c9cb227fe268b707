/* The way of a log line from the mail server to a file: a syslog daemon with its stamps, or
 * journald with its limits. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

static void find_traditional(struct doctor *d, const char *path, void *context)
{
	const char **where = context;
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	while (text.n) {
		struct str line = str_head(text, str_chr(text, '\n'));

		text = str_skip(text, line.n + 1);
		line = str_trim(line);
		if (line.n && line.p[0] != '#' &&
		    str_find(line, STR("RSYSLOG_TraditionalFileFormat")) < line.n)
			*where = path;
	}
}

static void look_rsyslog(struct doctor *d)
{
	const char *where = NULL;

	find_traditional(d, "/etc/rsyslog.conf", &where);
	doctor_glob(d, "/etc/rsyslog.d/*.conf", find_traditional, &where);
	if (!where)
		doctor_tell(d, "syslog.stamps", SIGHT_SEEN, "rsyslog writes year, zone and microseconds",
			    NULL, NULL);
	else
		doctor_tell(d, "syslog.stamps", SIGHT_ADVICE,
			    "rsyslog writes whole seconds, without year and zone", where,
			    "$ActionFileDefaultTemplate RSYSLOG_FileFormat");
}

struct journal {
	struct str storage, burst;
};

static void read_journald(struct doctor *d, const char *path, void *context)
{
	struct journal *j = context;
	struct conf_line line = { .from = 0 };
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);) {
		if (str_eq(line.name, STR("Storage")))
			j->storage = line.value;
		if (str_eq(line.name, STR("RateLimitBurst")))
			j->burst = line.value;
	}
}

/* 10,000 lines in 30 s for each service, unless it is told otherwise. */
static void look_journald(struct doctor *d)
{
	struct journal j = { STR_NONE, STR_NONE };
	static const char file[] = "/etc/systemd/journald.conf.d/mailaudit.conf";

	read_journald(d, "/etc/systemd/journald.conf", &j);
	doctor_glob(d, "/etc/systemd/journald.conf.d/*.conf", read_journald, &j);
	if (str_eq(j.storage, STR("none")))
		doctor_tell(d, "journal.storage", SIGHT_ADVICE, "journald keeps nothing", file,
			    "Storage=persistent");
	if (!j.burst.n)
		doctor_tell(d, "journal.rate_limit", SIGHT_ADVICE,
			    "journald drops lines of a service beyond 10000 in 30 s", file,
			    "RateLimitBurst=0");
	else
		doctor_tell(d, "journal.rate_limit", SIGHT_SEEN,
			    doctor_say(d, "RateLimitBurst=%.*s", STR_ARG(j.burst)), NULL, NULL);
}

void look_syslog(struct doctor *d)
{
	if (doctor_exists(d, "/etc/rsyslog.conf"))
		look_rsyslog(d);
	if (doctor_exists(d, "/etc/systemd/journald.conf"))
		look_journald(d);
}
