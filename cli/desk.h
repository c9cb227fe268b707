/* What the commands that decide (ack, mute, undo ...) share. */
#ifndef MAILAUDIT_CLI_DESK_H
#define MAILAUDIT_CLI_DESK_H

#include "cli/cli.h"
#include "schema/decide.h"

/* The database, opened for decisions; NULL with *err filled. */
struct decide *desk_open(struct cli *cli, struct error *err);
/* Who asks: the user behind sudo, or the one we run as. buf holds 64 bytes. */
const char *desk_user(char *buf);
/* An id from the command line. -1: usage error. */
int desk_id(const char *text, const char *what, int64_t *id, struct error *err);
/* What can be muted: account, script, login. -1: usage error. */
int desk_kind(struct str kind, struct error *err);

#endif
