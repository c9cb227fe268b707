/* journald: does it keep, and pass on, each line of mail?
 *
 * Where a syslog daemon takes its lines from a socket, journald passes them on before its limits
 * count; where that daemon or mailauditd reads the journal, what the limits drop is gone. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define OURS "/etc/systemd/journald.conf.d/mailaudit.conf"
/* Ten lines for each of 300 messages a second. */
#define LINES_PER_SECOND 3000
/* Shorter, and a weekend without mailauditd loses what happened. */
#define RETENTION_MIN (3 * 86400.0)
/* About a quarter of a million lines. */
#define SIZE_MIN (128.0 * 1024 * 1024)

enum { STORAGE, BURST, INTERVAL, STORE, SYSLOG, FORWARD, USE, RETENTION, NKEYS };
static const struct str keys[NKEYS] = {
	STR("Storage"), STR("RateLimitBurst"), STR("RateLimitIntervalSec"), STR("MaxLevelStore"),
	STR("MaxLevelSyslog"), STR("ForwardToSyslog"), STR("SystemMaxUse"), STR("MaxRetentionSec")
};

struct journal {
	struct str value[NKEYS];
	const char *file[NKEYS]; /* the last that sets it */
};

static void read_conf(struct doctor *d, const char *path, void *context)
{
	struct journal *j = context;
	struct conf_line line = { .from = 0 };
	struct str text;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; ini_next(text, &at, &line);) {
		if (str_eq(line.name, STR("RateLimitInterval")))
			line.name = keys[INTERVAL];
		for (int i = 0; i < NKEYS; i++) {
			if (!str_eq(line.name, keys[i]) || !str_eq(line.section, STR("Journal")))
				continue;
			j->value[i] = line.value;
			j->file[i] = path;
		}
	}
}

/* Ours, unless a later file has the last word. */
static const char *place(const struct journal *j, int key)
{
	const char *file = j->file[key];

	if (file && str_starts(str_of(file), STR("/etc/systemd/journald.conf.d/")) &&
	    strcmp(file, OURS) > 0)
		return file;
	return OURS;
}

static void tell(struct doctor *d, const struct journal *j, const char *check,
		 enum sight_state state, const char *detail, int key, const char *value)
{
	const char *name = doctor_say(d, "%.*s", STR_ARG(keys[key]));

	if (doctor_fixes(d, check, state))
		doctor_set_ini(d, place(j, key), "Journal", name, value);
	doctor_tell(d, check, state, detail, place(j, key), doctor_say(d, "%s=%s", name, value));
}

static void look_storage(struct doctor *d, const struct journal *j)
{
	static const char check[] = "journal.storage";
	struct str storage = j->value[STORAGE];

	if (str_eq(storage, STR("none")))
		tell(d, j, check, SIGHT_NOT, "journald keeps nothing", STORAGE, "persistent");
	else if (d->collector)
		return;
	else if (str_eq(storage, STR("volatile")) ||
		 (!str_eq(storage, STR("persistent")) && !doctor_exists(d, "/var/log/journal")))
		tell(d, j, check, SIGHT_PARTLY, "the journal is lost when the host starts again",
		     STORAGE, "persistent");
	else
		doctor_tell(d, check, SIGHT_SEEN, "the journal stays when the host starts again",
			    NULL, NULL);
}

/* 10,000 lines in 30 s of each service, unless told otherwise; 0 is no limit. */
static void look_limit(struct doctor *d, const struct journal *j)
{
	static const char check[] = "journal.rate_limit";
	int64_t burst = 10000;
	double interval = 30;

	if (j->value[BURST].n)
		str_int(j->value[BURST], &burst);
	if (j->value[INTERVAL].n)
		interval = systemd_seconds(j->value[INTERVAL]);
	if (burst == 0 || interval == 0) {
		doctor_tell(d, check, SIGHT_SEEN, "journald takes lines as fast as they come", NULL, NULL);
		return;
	}
	if (interval > 0 && (double)burst / interval >= LINES_PER_SECOND) {
		doctor_tell(d, check, SIGHT_SEEN,
			    doctor_say(d, "journald takes %lld lines of a service in %g s",
				       (long long)burst, interval), NULL, NULL);
		return;
	}
	tell(d, j, check, SIGHT_PARTLY,
	     doctor_say(d, "journald drops lines of a service beyond %lld in %g s", (long long)burst,
			interval), BURST, "0");
}

/* Mail's lines are of level info, 6. */
static bool keeps_info(struct str level)
{
	static const char *const below[] = { "emerg", "alert", "crit", "err", "warning", "notice" };

	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++)
		if (str_eq(level, str_of(below[i])) ||
		    (level.n == 1 && level.p[0] == '0' + (char)i))
			return false;
	return true;
}

static void look_level(struct doctor *d, const struct journal *j, int key)
{
	if (!keeps_info(j->value[key]))
		tell(d, j, "journal.level", SIGHT_NOT,
		     doctor_say(d, "journald drops lines below %.*s; those of mail are info",
				STR_ARG(j->value[key])), key, "debug");
}

static bool is_off(struct str value)
{
	return value.n && !ini_true(value) && !str_eq_nocase(value, STR("y")) &&
	       !str_eq_nocase(value, STR("t"));
}

static void look_size(struct doctor *d, const struct journal *j)
{
	double use = systemd_bytes(j->value[USE]), kept = systemd_seconds(j->value[RETENTION]);

	if (kept > 0 && kept < RETENTION_MIN)
		tell(d, j, "journal.size", SIGHT_ADVICE,
		     doctor_say(d, "the journal is kept for %.*s: what mailauditd misses longer is lost",
				STR_ARG(j->value[RETENTION])), RETENTION, "1week");
	if (use > 0 && use < SIZE_MIN)
		tell(d, j, "journal.size", SIGHT_ADVICE,
		     doctor_say(d, "the journal may have %.*s: on a busy host that is hours",
				STR_ARG(j->value[USE])), USE, "1G");
}

void look_journald(struct doctor *d)
{
	static const char *const mains[] = { "/etc/systemd/journald.conf",
					     "/usr/lib/systemd/journald.conf" };
	static const char *const folders[] = { "/etc/systemd/journald.conf.d",
					       "/run/systemd/journald.conf.d",
					       "/usr/lib/systemd/journald.conf.d", NULL };
	const char *conf = mains[!doctor_exists(d, mains[0])];
	struct journal j = { .value = { STR_NONE } };

	if (!doctor_exists(d, conf) || d->own_log)
		return;
	read_conf(d, conf, &j);
	doctor_dropins(d, folders, read_conf, &j);
	if (d->collector && !d->reads_journal) {
		if (is_off(j.value[FORWARD]))
			tell(d, &j, "journal.forward", SIGHT_NOT,
			     doctor_say(d, "journald passes no lines on to %s", d->collector), FORWARD,
			     "yes");
		look_level(d, &j, SYSLOG);
		return;
	}
	look_storage(d, &j);
	look_limit(d, &j);
	look_level(d, &j, STORE);
	if (!d->collector)
		look_size(d, &j);
}
