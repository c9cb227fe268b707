/* OpenSMTPD: nothing can be added to its log, so this only says what is in it. */
#include "cli/doctor.h"

const char *doctor_smtpd_conf(struct doctor *d)
{
	static const char *const programs[] = { "/usr/sbin/smtpd", "/usr/local/sbin/smtpd" };
	/* of OpenBSD and Fedora, Debian, Arch, and of a build of one's own */
	static const char *const files[] = { "/etc/mail/smtpd.conf", "/etc/opensmtpd/smtpd.conf",
					     "/etc/smtpd.conf", "/etc/smtpd/smtpd.conf",
					     "/usr/local/etc/mail/smtpd.conf" };
	bool runs = false;

	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		runs |= doctor_exists(d, programs[i]);
	for (size_t i = 0; runs && i < sizeof(files) / sizeof(*files); i++)
		if (doctor_exists(d, files[i]))
			return files[i];
	return NULL;
}

void look_opensmtpd(struct doctor *d)
{
	const char *conf = doctor_smtpd_conf(d);

	if (!conf)
		return;
	doctor_tell(d, "opensmtpd.sessions", SIGHT_SEEN,
		    doctor_say(d, "OpenSMTPD (%s) logs client and login of each session", conf), NULL,
		    NULL);
	doctor_tell(d, "opensmtpd.uid", SIGHT_PARTLY,
		    "OpenSMTPD logs no uid and no header: mail of programs is known by PHP's mail log, "
		    "else by its sender's domain only",
		    NULL, NULL);
}
