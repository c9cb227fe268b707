/* syslog-ng: is there, and how it writes stamps. Its language is not read any further. */
#include "cli/doctor.h"

static void find_iso(struct doctor *d, const char *path, void *context)
{
	struct str text;
	bool *iso = context;

	if (!doctor_read(d, path, &text))
		return;
	while (text.n) {
		struct str line = str_trim(str_head(text, str_chr(text, '\n')));

		text = str_skip(text, str_chr(text, '\n') + 1);
		line = str_head(line, str_chr(line, '#'));
		*iso |= str_find(line, STR("ts-format(iso)")) < line.n ||
			str_find(line, STR("ts_format(iso)")) < line.n ||
			str_find(line, STR("ISODATE}")) < line.n;
	}
}

void look_syslog_ng(struct doctor *d)
{
	static const char conf[] = "/etc/syslog-ng/syslog-ng.conf";
	bool iso = false;

	if (!doctor_exists(d, conf) || !doctor_has_program(d, "/usr/sbin/syslog-ng"))
		return;
	d->collector = "syslog-ng";
	find_iso(d, conf, &iso);
	doctor_glob(d, "/etc/syslog-ng/conf.d/*.conf", find_iso, &iso);
	if (iso)
		doctor_tell(d, "syslog.stamps", SIGHT_SEEN, "syslog-ng writes year and zone", NULL, NULL);
	else
		doctor_tell(d, "syslog.stamps", SIGHT_ADVICE,
			    "syslog-ng writes whole seconds, without year and zone", conf,
			    "options { ts-format(iso); frac-digits(6); };");
}
