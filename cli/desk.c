/* Opening the database for decisions, and who decides.
 *
 * The name is for the record only: it gives no rights, the database file's mode does. */
#include "cli/desk.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

#define USER_ROOM 64

struct decide *desk_open(struct cli *cli, struct error *err)
{
	const char *path = cli_database(cli, err);
	struct decide *d = path ? decide_open(path, err) : NULL;

	if (!d && path && err->code == EXIT_PERMISSION && geteuid() != 0)
		error_prefix(err, "try as root or as the database's user");
	return d;
}

const char *desk_user(char *buf)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *pw;

	if (geteuid() != 0 || !name || !*name) {
		pw = getpwuid(getuid());
		name = pw ? pw->pw_name : NULL;
	}
	if (name)
		log_escape(str_of(name), buf, USER_ROOM);
	else
		snprintf(buf, USER_ROOM, "uid %u", (unsigned)getuid());
	return buf;
}

int desk_id(const char *text, const char *what, int64_t *id, struct error *err)
{
	if (str_int(str_of(text), id) && *id > 0)
		return 0;
	return error_set(err, EXIT_USAGE, "the id of %s is a number; not '%s'", what, text);
}

int desk_kind(struct str kind, struct error *err)
{
	static const char *const kinds[] = { "account", "script", "login" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kind, str_of(kinds[i])))
			return 0;
	return error_set(err, EXIT_USAGE, "what is it? account, script or login; not '%.*s'",
			 STR_ARG(kind));
}
