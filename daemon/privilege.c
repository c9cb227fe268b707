/* Giving root's rights up, and proving that they are gone.
 *
 * Invariant: when privilege_drop() returns 0 and we were root, no user id of
 * ours is 0, none can become it, and the capabilities are exactly WANTED. Uses
 * the system calls themselves: two structs are not worth a library. */
#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define MAX_GROUPS 64
/* Logs of the system are readable for the first on Debian, the journal for both. */
static const char *const log_groups[] = { "adm", "systemd-journal" };
#define LOG_GROUPS (sizeof(log_groups) / sizeof(*log_groups))
#define WANTED (UINT64_C(1) << CAP_DAC_READ_SEARCH)

static int failed(const char *what, struct error *err)
{
	return error_set(err, EXIT_PERMISSION, "giving up root: %s: %s", what, strerror(errno));
}

static int set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)set, (uint32_t)set, 0 },
		{ (uint32_t)(set >> 32), (uint32_t)(set >> 32), 0 },
	};

	return (int)syscall(SYS_capset, &header, data);
}

static int get_capabilities(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	*inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int set_groups(const struct passwd *pw, struct error *err)
{
	gid_t groups[MAX_GROUPS + LOG_GROUPS];
	int n = MAX_GROUPS;

	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		n = MAX_GROUPS;
	for (size_t i = 0; i < LOG_GROUPS; i++) {
		const struct group *logs = getgrnam(log_groups[i]);

		if (logs)
			groups[n++] = logs->gr_gid;
	}
	return setgroups((size_t)n, groups) < 0 ? failed("setgroups", err) : 0;
}

/* The directory of the database belongs to us, and to no one else. */
static int give_directory(const char *directory, const struct passwd *pw, struct error *err)
{
	if (!directory || (mkdir(directory, 0750) < 0 && errno == EEXIST))
		return 0;
	if (chown(directory, pw->pw_uid, pw->pw_gid) < 0 || chmod(directory, 0750) < 0)
		return failed(directory, err);
	return 0;
}

static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != CAP_DAC_READ_SEARCH)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static int become(const struct passwd *pw, struct error *err)
{
	drop_bounding_set();
	if (set_groups(pw, err) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return failed("keeping a capability", err);
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0)
		return failed("setresgid", err);
	if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return failed("setresuid", err);
	if (set_capabilities(WANTED) < 0)
		return failed("capset", err);
	return 0;
}

/* Not what we asked for, but what we got. */
static int prove(const struct passwd *pw, struct error *err)
{
	uint64_t effective, permitted, inheritable;
	gid_t rgid, egid, sgid;
	uid_t ruid, euid, suid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0 ||
	    get_capabilities(&effective, &permitted, &inheritable) < 0)
		return failed("looking at it", err);
	if (ruid != pw->pw_uid || euid != pw->pw_uid || suid != pw->pw_uid ||
	    rgid != pw->pw_gid || egid != pw->pw_gid || sgid != pw->pw_gid)
		return error_set(err, EXIT_PERMISSION, "giving up root: ids remained");
	if (setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0)
		return error_set(err, EXIT_PERMISSION, "giving up root: it can be got back");
	if (effective != WANTED || permitted != WANTED || inheritable != 0)
		return error_set(err, EXIT_PERMISSION,
				 "giving up root: capabilities are %llx instead of %llx",
				 (unsigned long long)effective, (unsigned long long)WANTED);
	return 0;
}

static int drop_to(const struct passwd *pw, const char *directory, struct error *err)
{
	if (pw->pw_uid == 0)
		return error_set(err, EXIT_USAGE, "user %s is root", pw->pw_name);
	if (give_directory(directory, pw, err) < 0 || become(pw, err) < 0 || prove(pw, err) < 0)
		return -1;
	log_info("running as %s, able to read any log", pw->pw_name);
	return 0;
}

int privilege_drop(const char *user, bool required, const char *directory,
		   struct error *err)
{
	const struct passwd *pw;

	umask(027);
	if (geteuid() == 0) {
		pw = getpwnam(user);
		if (!pw && required)
			return error_set(err, EXIT_USAGE, "no user %s", user);
		if (!pw)
			log_warning("running as root: there is no user %s", user);
		else if (drop_to(pw, directory, err) < 0)
			return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return failed("prctl", err);
	return 0;
}
