/* What to type to look, hold, remove and suspend, on this machine.
 *
 * Invariant: of what the log says only names stand in a command that no shell makes
 * anything of. Where one is not so plain, the alert's number stands for it, or the
 * command is left out. */
#include <stdarg.h>
#include <stdio.h>

#include "core/queue_id.h"
#include "notify/facts_part.h"

#define COMMAND_MAX 600

static bool is_plain(struct str s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@._+/-";

	if (!s.n || s.n > 255 || *s.p == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!memchr(plain, s.p[i], sizeof(plain) - 1))
			return false;
	return true;
}

static void add(struct tree *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct tree *list, const char *format, ...)
{
	char text[COMMAND_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tree_text(list, NULL, str_of(text));
}

/* ---- whose queue it is ---- */

/* Of decimal ids nobody can tell; qmail and Sendmail have none of these commands. */
const char *facts_mta(struct str id)
{
	switch (queue_id_server(id)) {
	case QUEUE_POSTFIX:
		return "postfix";
	case QUEUE_EXIM:
		return "exim";
	case QUEUE_OPENSMTPD:
		return "opensmtpd";
	case QUEUE_SENDMAIL:
	case QUEUE_DECIMAL:
	case QUEUE_UNKNOWN:
		break;
	}
	return NULL;
}

/* ---- the lists ---- */

static void tell_queue(struct tree *t, const struct facts_subject *s)
{
	struct tree *hold = tree_enter_list(t, "hold"), *remove = tree_enter_list(t, "remove");
	long long id = (long long)s->alert->id;

	if (!s->mta)
		return;
	if (strcmp(s->mta, "exim") == 0) {
		add(hold, "mailaudit alerts %lld --queued | xargs -r exim -Mf", id);
		add(remove, "mailaudit alerts %lld --queued | xargs -r exim -Mrm", id);
	} else if (strcmp(s->mta, "opensmtpd") == 0) {
		add(hold, "mailaudit alerts %lld --queued | xargs -rn1 smtpctl pause envelope", id);
		add(remove, "mailaudit alerts %lld --queued | xargs -rn1 smtpctl remove", id);
	} else {
		add(hold, "mailaudit alerts %lld --queued | postsuper -h -", id);
		add(remove, "mailaudit alerts %lld --queued | postsuper -d -", id);
	}
}

static void tell_suspend(struct tree *t, const struct facts_subject *s)
{
	struct tree *list = tree_enter_list(t, "suspend");
	long long id = (long long)s->alert->id;

	if (s->alert->verdict == CASE_SPOOFED)
		return;
	if (s->login.n) {
		if (s->mta && strcmp(s->mta, "opensmtpd") != 0)
			add(list, "mailaudit act %lld block-login-%s", id, s->mta);
		if (is_plain(s->login))
			add(list, "doveadm kick %.*s", STR_ARG(s->login));
	} else if (s->script.n && *s->script.p == '/') {
		add(list, "mailaudit act %lld disable-script", id);
	}
}

static void tell_look(struct tree *t, const struct facts_subject *s)
{
	struct tree *list = tree_enter_list(t, "look");

	add(list, "mailaudit alerts %lld", (long long)s->alert->id);
	if (is_plain(s->login))
		add(list, "mailaudit messages --login %.*s --since 2d", STR_ARG(s->login));
	else if (is_plain(s->script))
		add(list, "mailaudit messages --script %.*s --since 2d", STR_ARG(s->script));
	else if (is_plain(s->alert->account))
		add(list, "mailaudit messages --account %.*s --since 2d",
		    STR_ARG(s->alert->account));
	if (is_plain(s->queue_id))
		add(list, "mailaudit trace %.*s", STR_ARG(s->queue_id));
}

static void tell_decide(struct tree *t, const struct facts_subject *s)
{
	struct str kind = alert_kind(s->alert), name = alert_name(s->alert);
	struct tree *ack = tree_enter_list(t, "ack"), *mute = tree_enter_list(t, "mute");

	add(ack, "mailaudit ack %lld", (long long)s->alert->id);
	if (!str_eq(kind, STR("login")) && !str_eq(kind, STR("account")) &&
	    !str_eq(kind, STR("script")))
		return;
	if (is_plain(name))
		add(mute, "mailaudit mute %.*s %.*s --for 7d --because TEXT", STR_ARG(kind),
		    STR_ARG(name));
}

void facts_commands(struct tree *t, const struct facts_subject *s)
{
	struct tree *commands = tree_enter_object(t, "commands");

	tell_look(commands, s);
	tell_queue(commands, s);
	tell_suspend(commands, s);
	tell_decide(commands, s);
}
