/* rsyslog: do mail's lines reach a file, all of them, with whole stamps and the sender's uid?
 *
 * Reads rsyslog.conf and the files of rsyslog.d: rules in the form of selectors, module() over
 * several lines, and directives with a dollar. Other RainerScript is not understood. */
#include "cli/doctor.h"
#include "cli/doctor_conf.h"

#define CONF "/etc/rsyslog.conf"
#define OURS "/etc/rsyslog.d/50-mailaudit.conf"
#define VOUCHED "/etc/rsyslog.d/10-mailaudit.conf"
#define VOUCHED_LOG "/var/log/mail-vouched.log"
#define ROTATE "/etc/logrotate.d/mailaudit"

/* Where something stands. */
struct spot {
	const char *file; /* NULL nowhere */
	struct str text;
};

struct rsyslog {
	struct spot imuxsock, imjournal; /* their module() or $ModLoad */
	struct spot interval; /* of a directive that limits */
	struct spot rule; /* where mail's lines go */
	struct str target, format; /* its file; its template, "" the default */
	bool named; /* the rule is for mail, not for all */
	bool script; /* mail goes where only RainerScript tells, or to another program */
	struct spot traditional; /* the default template is the old one */
};

/* "mail.*   -/var/log/mail.log;TEMPLATE" */
static void take_rule(struct rsyslog *r, const struct spot *s, struct str line)
{
	struct str selector = str_head(line, conf_word(line)), action;
	bool named;

	action = str_trim(str_skip(line, selector.n));
	str_eat(&action, STR("-"));
	if (!rsyslog_selects_mail(selector, &named))
		return;
	r->script |= !str_starts(action, STR("/"));
	if (!str_starts(action, STR("/")) || (r->rule.file && (r->named || !named)))
		return;
	action = str_head(action, conf_word(action));
	r->rule = *s;
	r->named = named;
	r->target = str_head(action, str_chr(action, ';'));
	r->format = str_skip(action, r->target.n + 1);
}

static void take_default(struct rsyslog *r, const struct spot *s, struct str name)
{
	r->traditional = (struct spot){ .file = NULL };
	if (str_find(name, STR("RSYSLOG_TraditionalFileFormat")) < name.n)
		r->traditional = *s;
}

static void take_module(struct rsyslog *r, const struct spot *s)
{
	if (conf_mentions(s->text, "imuxsock"))
		r->imuxsock = *s;
	else if (conf_mentions(s->text, "imjournal"))
		r->imjournal = *s;
	else if (conf_mentions(s->text, "builtin:omfile") && conf_mentions(s->text, "template"))
		take_default(r, s, s->text);
}

static void take(struct rsyslog *r, const struct spot *s)
{
	struct str line = str_trim(s->text), value = str_trim(str_skip(line, conf_word(line)));

	if (!line.n || line.p[0] == '#')
		return;
	if (str_starts(line, STR("module(")) || str_starts_nocase(line, STR("$ModLoad")))
		take_module(r, s);
	else if (str_starts_nocase(line, STR("$ActionFileDefaultTemplate")))
		take_default(r, s, value);
	else if (str_starts_nocase(line, STR("$SystemLogRateLimitInterval")) ||
		 str_starts_nocase(line, STR("$imjournalRatelimitInterval")))
		r->interval = *s;
	else if (line.p[0] != '$')
		take_rule(r, s, line);
	if (str_starts(line, STR("if")) || line.p[0] == ':')
		r->script |= str_find(line, STR("mail")) < line.n || str_find(line, STR("postfix")) < line.n;
}

static void read_conf(struct doctor *d, const char *path, void *context)
{
	struct str text, one;

	if (!doctor_read(d, path, &text))
		return;
	for (size_t at = 0; at < text.n; at += one.n) {
		one = rsyslog_statement(str_skip(text, at));
		take(context, &(struct spot){ path, one });
	}
}

/* ---- rows ---- */

static void look_file(struct doctor *d, const struct rsyslog *r)
{
	if (r->rule.file) {
		if (!d->own_log && !doctor_follows(d, STR(VOUCHED_LOG)))
			doctor_note_log(d, r->target);
		doctor_tell(d, "syslog.file", SIGHT_SEEN,
			    doctor_say(d, "rsyslog writes mail's lines to %.*s", STR_ARG(r->target)),
			    NULL, NULL);
		return;
	}
	if (r->script || d->own_log)
		return;
	if (doctor_fixes(d, "syslog.file", SIGHT_NOT)) {
		struct change *c = doctor_change(d, OURS);

		if (c)
			doctor_append(d, c, STR("mail.*\t-/var/log/mail.log\n"));
	}
	doctor_tell(d, "syslog.file", SIGHT_NOT, "rsyslog writes mail's lines to no file", OURS,
		    "mail.* -/var/log/mail.log");
}

/* Only the mail log's: other programs read the other logs. */
static void plan_stamps(struct doctor *d, const struct rsyslog *r)
{
	struct change *c = doctor_change(d, r->rule.file);
	const char *end = r->format.n ? r->format.p + r->format.n : r->target.p + r->target.n;
	size_t after = (size_t)(end - r->rule.text.p), at;

	if (!c)
		return;
	at = doctor_find_lines(c->after, r->rule.text);
	if (at < c->after.n)
		doctor_splice(d, c, at + (size_t)(r->target.p + r->target.n - r->rule.text.p),
			      at + after, STR(";RSYSLOG_FileFormat"));
}

static void look_stamps(struct doctor *d, const struct rsyslog *r)
{
	bool old = str_eq(r->format, STR("RSYSLOG_TraditionalFileFormat")) ||
		   (!r->format.n && r->traditional.file);

	if (!old) {
		doctor_tell(d, "syslog.stamps", SIGHT_SEEN,
			    "rsyslog writes year, zone and microseconds", NULL, NULL);
		return;
	}
	if (r->rule.file && doctor_fixes(d, "syslog.stamps", SIGHT_ADVICE))
		plan_stamps(d, r);
	doctor_tell(d, "syslog.stamps", SIGHT_ADVICE,
		    "rsyslog writes whole seconds, without year and zone",
		    r->rule.file ? r->rule.file : r->traditional.file,
		    r->rule.file ? doctor_say(d, "mail.* -%.*s;RSYSLOG_FileFormat", STR_ARG(r->target)) :
				   "$ActionFileDefaultTemplate RSYSLOG_FileFormat");
}

/* A parameter of a module() is replaced, or added at its end. */
static void plan_parameter(struct doctor *d, const struct spot *module, const char *name,
			   const char *value)
{
	struct change *c = doctor_change(d, module->file);
	struct str load = rsyslog_parameter(module->text, "load"), now, old;
	size_t at, end, from;

	if (!c || !load.n)
		return;
	/* Another parameter of it may have been written before: only its beginning is the same. */
	at = doctor_find_lines(c->after, str_range(module->text.p, load.p + load.n));
	now = str_skip(c->after, at);
	now = str_head(now, rsyslog_closing(now));
	old = rsyslog_parameter(now, name);
	end = at + now.n;
	from = old.n ? (size_t)(old.p - c->after.p) : end;
	if (old.n)
		doctor_splice(d, c, from, from + old.n, str_of(value));
	else if (end < c->after.n)
		doctor_splice(d, c, end, end, str_of(doctor_say(d, " %s=\"%s\"", name, value)));
}

/* A directive is written again; without one it goes behind the module that it is for. */
static void plan_directive(struct doctor *d, const struct spot *s, bool exists, const char *text)
{
	struct change *c = doctor_change(d, s->file);
	size_t at = c ? doctor_find_lines(c->after, s->text) : 0;

	if (c && at < c->after.n)
		doctor_splice(d, c, exists ? at : at + s->text.n, at + s->text.n, str_of(text));
}

static void tell_limit(struct doctor *d, const struct spot *where, const char *what,
		       const char *line)
{
	doctor_tell(d, "syslog.rate_limit", SIGHT_PARTLY, what, where->file, line);
}

/* imuxsock limits nothing unless told to, imjournal to 20,000 lines in ten minutes. */
static void look_limit(struct doctor *d, const struct rsyslog *r)
{
	static const char check[] = "syslog.rate_limit";
	const struct spot *module = r->imjournal.file ? &r->imjournal : &r->imuxsock;
	const char *name = r->imjournal.file ? "Ratelimit.Interval" : "SysSock.RateLimit.Interval";
	const char *directive = r->imjournal.file ? "$imjournalRatelimitInterval 0" :
						    "$SystemLogRateLimitInterval 0";
	struct str value = rsyslog_parameter(module->text, name), line = str_trim(r->interval.text);
	const char *what = "rsyslog drops lines of a program that writes many at once";
	bool fixes = doctor_fixes(d, check, SIGHT_PARTLY);

	if (r->interval.file)
		value = str_trim(str_skip(line, conf_word(line)));
	if (str_eq(value, STR("0")) || (!value.n && !r->imjournal.file)) {
		doctor_tell(d, check, SIGHT_SEEN, "rsyslog takes lines as fast as they come", NULL, NULL);
		return;
	}
	if (r->imjournal.file)
		what = "rsyslog drops what is over its limit on the journal's lines (20000 in ten "
		       "minutes, unless set)";
	if (r->interval.file || !str_starts(str_trim(module->text), STR("module("))) {
		const struct spot *s = r->interval.file ? &r->interval : module;

		if (fixes)
			plan_directive(d, s, r->interval.file, doctor_say(d, "%s\n", directive));
		tell_limit(d, s, what, directive);
		return;
	}
	if (fixes)
		plan_parameter(d, module, name, "0");
	tell_limit(d, module, what, doctor_say(d, "module(load=\"%s\" ... %s=\"0\")",
					       r->imjournal.file ? "imjournal" : "imuxsock", name));
}

/* The snippet's rule, its log's rotation, and the two parameters it needs. */
static void plan_trusted(struct doctor *d, const struct rsyslog *r)
{
	struct change *c = doctor_change(d, VOUCHED);

	if (c)
		c->after = doctor_snippet(d, "rsyslog/mailaudit.conf");
	c = doctor_change(d, ROTATE);
	if (c)
		c->after = doctor_snippet(d, "rsyslog/mailaudit.logrotate");
	plan_parameter(d, &r->imuxsock, "SysSock.Annotate", "on");
	plan_parameter(d, &r->imuxsock, "SysSock.ParseTrusted", "on");
}

/* A second log of mail is much to ask for, so it is only advice. */
static void look_trusted(struct doctor *d, const struct rsyslog *r)
{
	static const char check[] = "syslog.trusted";
	struct str module = r->imuxsock.text;
	bool on = conf_mentions(rsyslog_parameter(module, "SysSock.Annotate"), "on") &&
		  conf_mentions(rsyslog_parameter(module, "SysSock.ParseTrusted"), "on") && doctor_exists(d, VOUCHED);

	if (on && d->settings->nsources && doctor_follows(d, STR(VOUCHED_LOG))) {
		doctor_tell(d, check, SIGHT_SEEN, "lines carry the uid that the kernel vouches for",
			    NULL, NULL);
		return;
	}
	if (on) {
		doctor_tell(d, check, SIGHT_ADVICE,
			    VOUCHED_LOG " is written but not followed, instead of the mail log",
			    MAILAUDIT_SYSCONFDIR "/mailaudit.yaml", "sources: [{path: " VOUCHED_LOG "}]");
		return;
	}
	if (doctor_fixes(d, check, SIGHT_ADVICE))
		plan_trusted(d, r);
	doctor_tell(d, check, SIGHT_ADVICE,
		    "logger(1) can write lines in the mail server's name; nothing tells them from real "
		    "ones", r->imuxsock.file,
		    "mailaudit doctor --fix syslog.trusted   # a second log, with the sender's uid");
}

void look_rsyslog(struct doctor *d)
{
	struct rsyslog r = { .named = false };

	if (!doctor_exists(d, CONF) || !doctor_has_program(d, "/usr/sbin/rsyslogd"))
		return;
	doctor_glob(d, "/etc/rsyslog.d/*.conf", read_conf, &r);
	read_conf(d, CONF, &r);
	d->collector = "rsyslog";
	d->reads_journal = r.imjournal.file;
	look_file(d, &r);
	look_stamps(d, &r);
	look_limit(d, &r);
	if (str_starts(str_trim(r.imuxsock.text), STR("module(")) && !r.imjournal.file)
		look_trusted(d, &r);
}
