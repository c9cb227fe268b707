/* Is /usr/sbin/sendmail the wrapper, so that Perl, Python and shell programs are linked too? */
#include "cli/doctor.h"

#define SENDMAIL "/usr/sbin/sendmail"

void look_sendmail(struct doctor *d)
{
	struct stat ours, theirs;

	/* OpenSMTPD would not log the mark. */
	if (doctor_smtpd_conf(d) || !doctor_stat(d, SENDMAIL, &theirs))
		return;
	if (doctor_stat(d, DOCTOR_WRAPPER, &ours) && ours.st_dev == theirs.st_dev &&
	    ours.st_ino == theirs.st_ino)
		doctor_tell(d, "sendmail.wrapper", SIGHT_SEEN,
			    SENDMAIL " marks what Perl, Python and shell programs send", NULL, NULL);
	else
		doctor_tell(d, "sendmail.wrapper", SIGHT_ADVICE,
			    "mail of Perl, Python and shell programs names their uid, but no script",
			    SENDMAIL,
			    doctor_exists(d, "/usr/bin/dpkg-divert") ?
				    "dpkg-divert --local --rename --divert " SENDMAIL ".mailaudit --add "
				    SENDMAIL " && ln -s " DOCTOR_WRAPPER " " SENDMAIL :
				    "mv " SENDMAIL " " SENDMAIL ".mailaudit && ln -s " DOCTOR_WRAPPER
				    " " SENDMAIL);
}
