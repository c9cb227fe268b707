/* Attribution is a ladder and says which rung: reference header, logged
 * X-PHP-Originating-Script, PHP's mail log, Exim's cwd, login, uid, domain.
 *
 * Invariant: the uid the kernel vouched for (pickup's uid=, Exim's U=) is never
 * overruled by text a sender can write; headers and logs only add the script,
 * and the account where the uid is shared by many sites. */
#include "core/attribute.h"

#include "base/str.h"

/* ---- reference header ---- */

static struct str next_word(struct str *s, char blank)
{
	size_t n = str_chr(*s, blank);
	struct str word = str_head(*s, n);

	*s = str_skip(*s, n + 1);
	return word;
}

bool reference_parse(struct str value, struct reference *out)
{
	/* Sendmail's rules turn blanks into dots; the directory, which may have dots of
	 * its own, stands last. */
	char blank = str_starts(value, STR("v1.")) ? '.' : ' ';

	*out = (struct reference){ .pid = -1, .uid = -1 };
	if (!str_eq(next_word(&value, blank), STR("v1")))
		return false;
	while (value.n) {
		struct str rest = value, word = next_word(&value, blank);

		if (blank == '.' && str_starts(word, STR("cwd="))) {
			word = rest;
			value = STR_NONE;
		}

		if (str_eat(&word, STR("pid=")))
			str_int(word, &out->pid);
		else if (str_eat(&word, STR("uid=")))
			str_int(word, &out->uid);
		else if (str_eat(&word, STR("cwd=")))
			out->cwd = word;
		else if (str_eat(&word, STR("script=")))
			out->script = word;
	}
	return out->uid >= 0 || out->pid > 0 || out->cwd.n;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str percent_decoded(struct str s, struct arena *to)
{
	char *out = arena_alloc(to, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '%' && i + 2 < s.n) {
			high = hex_value(s.p[i + 1]);
			low = hex_value(s.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return (struct str){ out, n };
}

/* ---- libraries ---- */

/* Last path components of files that send for whoever called them. */
static const struct str library_files[] = {
	STR("/phpmailer.php"),
	STR("/class.phpmailer.php"),
	STR("/class-phpmailer.php"),
	STR("/class-wp-phpmailer.php"),
	STR("/wp-includes/pluggable.php"),
	STR("/htmlmimemail.php"),
	STR("/simplemailinvoker.php"),
	STR("/swift/transport/mailtransport.php"),
	STR("/zend/mail/transport/sendmail.php"),
	STR("/laminas-mail/src/transport/sendmail.php"),
	STR("/system/libraries/email.php"),
	STR("/system/email/email.php"),
	STR("/mail/mail.php"),
	STR("/system/library/mail.php"),
	STR("/core/lib/drupal/core/mail/plugin/mail/phpmail.php"),
	STR("/modules/system/system.mail.inc"),
	STR("/includes/functions_messenger.php"),
	STR("/cake/network/email/mailtransport.php"),
};

/* Where a site's own files end and what it installed begins. */
static const struct str site_parts[] = {
	STR("/wp-includes/"), STR("/wp-content/"), STR("/wp-admin/"), STR("/vendor/"),
	STR("/libraries/"),   STR("/library/"),    STR("/system/"),   STR("/includes/"),
	STR("/inc/"),         STR("/lib/"),        STR("/core/"),     STR("/modules/"),
	STR("/phpmailer/"),   STR("/PHPMailer/"),  STR("/classes/"),  STR("/src/"),
};

/* Does the path end in this "/file", or is it that without its slash? */
static bool is_file(struct str path, struct str file)
{
	if (path.n < file.n)
		return path.n == file.n - 1 && str_eq_nocase(path, str_skip(file, 1));
	path = str_skip(path, path.n - file.n);
	return path.p[0] == '/' && str_eq_nocase(path, file);
}

bool attribute_is_library(struct str path)
{
	for (size_t i = 0; i < sizeof(library_files) / sizeof(*library_files); i++)
		if (is_file(path, library_files[i]))
			return true;
	return false;
}

struct str attribute_site_root(struct str path)
{
	size_t end = str_rchr(path, '/');

	if (end == path.n)
		return STR_NONE;
	for (size_t at = str_chr(path, '/'); at < end;
	     at += 1 + str_chr(str_skip(path, at + 1), '/'))
		for (size_t i = 0; i < sizeof(site_parts) / sizeof(*site_parts); i++)
			if (path.p[at + 1] == site_parts[i].p[1] &&
			    str_starts(str_skip(path, at), site_parts[i]))
				return str_head(path, at + 1);
	return str_head(path, end + 1);
}

struct str attribute_php(const struct accounts *a, struct str path, bool tenant,
			 struct str tenant_account)
{
	return tenant ? tenant_account : accounts_path(a, path);
}

/* ---- who ---- */

struct str attribute_submitter(const struct accounts *a, const struct message *m, char *buf)
{
	if (m->user.n)
		return m->user;
	return m->uid >= 0 ? accounts_uid(a, m->uid, buf) : STR_NONE;
}

bool attribute_shared(const struct accounts *a, struct str submitter)
{
	return submitter.n && accounts_is_shared(a, submitter);
}

/* What one pass over the evidence concluded; views into m, php or accounts. */
struct verdict {
	struct str account, script, cwd;
	int64_t script_line;
	enum via via;
};

/* "5101:contact.php" -> uid and what follows. */
static bool split_xphp(struct str xphp, int64_t *uid, struct str *file)
{
	if (!str_eat_int(&xphp, uid) || !str_eat(&xphp, STR(":")))
		return false;
	*file = xphp;
	return true;
}

/* The script the reference names, as far as it is the account's own: the sender wrote it. */
static void use_reference_script(const struct accounts *a, struct message *m,
				 struct str encoded, struct verdict *v)
{
	struct str script = percent_decoded(encoded, &m->strings), owner;

	if (script.n && script.p[0] != '/') {
		char *joined = arena_alloc(&m->strings, v->cwd.n + 1 + script.n);

		memcpy(joined, v->cwd.p, v->cwd.n);
		joined[v->cwd.n] = '/';
		memcpy(joined + v->cwd.n + 1, script.p, script.n);
		script = (struct str){ joined, v->cwd.n + 1 + script.n };
	}
	owner = accounts_path(a, script);
	if (owner.n && str_eq(owner, v->account))
		v->script = script;
}

static void use_reference(const struct accounts *a, struct message *m, struct verdict *v)
{
	struct reference ref;
	char buf[24];
	struct str name;

	if (!m->work.ref.n || !reference_parse(m->work.ref, &ref))
		return;
	/* One that contradicts the kernel's uid was made up by the sender. */
	if (ref.uid >= 0 && m->uid >= 0 && ref.uid != m->uid)
		return;
	if (ref.uid >= 0 && m->uid < 0 && m->user.n &&
	    !str_eq(accounts_uid(a, ref.uid, buf), m->user))
		return;
	v->via = VIA_REF;
	if (ref.cwd.n)
		v->cwd = percent_decoded(ref.cwd, &m->strings);
	name = ref.uid >= 0 ? accounts_uid(a, ref.uid, buf) : STR_NONE;
	if (!v->account.n && name.n && !accounts_is_shared(a, name))
		v->account = arena_str(&m->strings, name);
	if (!v->account.n)
		v->account = accounts_path(a, v->cwd);
	if (!v->script.n && ref.script.n && v->cwd.n)
		use_reference_script(a, m, ref.script, v);
}

static void use_header(const struct accounts *a, struct message *m, struct verdict *v)
{
	int64_t uid;
	struct str file, name;
	char buf[24];

	if (!m->work.xphp.n || !split_xphp(m->work.xphp, &uid, &file))
		return;
	if (!v->script.n)
		v->script = attribute_is_library(file) && v->cwd.n ? v->cwd : file;
	if (v->via == VIA_NONE || v->via > VIA_HEADER)
		v->via = VIA_HEADER;
	name = accounts_uid(a, uid, buf);
	if (!v->account.n && !accounts_is_shared(a, name) && uid != 0)
		v->account = arena_str(&m->strings, name);
}

static void use_php(const struct php_mail *php, struct verdict *v)
{
	struct str root;

	v->script = php->script;
	v->script_line = php->script_line;
	if (v->via == VIA_NONE || v->via > VIA_PHPLOG)
		v->via = VIA_PHPLOG;
	if (!v->account.n)
		v->account = php->account;
	if (!attribute_is_library(php->script))
		return;
	/* The library sent for somebody: the directory the request ran in, if it
	 * belongs to the same site, else the site itself. */
	root = attribute_site_root(php->script);
	v->script_line = -1;
	if (root.n && str_starts(v->cwd, root) && v->cwd.n > root.n)
		v->script = v->cwd;
	else if (root.n)
		v->script = root;
}

static void use_cwd(const struct accounts *a, struct verdict *v)
{
	struct str owner = accounts_path(a, v->cwd);

	if (!owner.n)
		return;
	if (!v->account.n)
		v->account = owner;
	if (v->via == VIA_NONE || v->via > VIA_CWD)
		v->via = VIA_CWD;
}

static struct str domain_of(struct str address)
{
	size_t at = str_rchr(address, '@');

	return at < address.n ? str_skip(address, at + 1) : STR_NONE;
}

/* OpenSMTPD logs no submitter: then as for SMTP from this host. */
static void use_domain(const struct accounts *a, const struct message *m, struct verdict *v)
{
	v->account = accounts_domain(a, domain_of(m->sender));
	if (v->account.n)
		v->via = VIA_DOMAIN;
}

static void judge_local(const struct accounts *a, struct message *m, const struct php_mail *php,
			struct verdict *v)
{
	char buf[24];
	struct str submitter = attribute_submitter(a, m, buf);

	if (submitter.n && !attribute_shared(a, submitter))
		v->account = arena_str(&m->strings, submitter);
	use_reference(a, m, v);
	if (php)
		use_php(php, v);
	use_header(a, m, v);
	use_cwd(a, v);
	if (v->via == VIA_NONE && submitter.n)
		v->via = VIA_UID;
	else if (v->via == VIA_NONE)
		use_domain(a, m, v);
}

/* Mail from outside that leaves again: whose alias or .forward it went through. */
static struct str forwarder(const struct accounts *a, const struct message *m)
{
	for (size_t i = 0; i < m->nrcpt; i++) {
		struct str owner, orig = m->rcpt[i].orig_to;

		if (!orig.n || m->rcpt[i].place == PLACE_LOCAL)
			continue;
		owner = accounts_login(a, orig);
		if (!owner.n)
			owner = accounts_domain(a, domain_of(orig));
		if (!owner.n && accounts_known(a, str_head(orig, str_chr(orig, '@'))))
			owner = str_head(orig, str_chr(orig, '@'));
		if (owner.n)
			return owner;
	}
	return STR_NONE;
}

static void judge(const struct accounts *a, struct message *m, const struct php_mail *php,
		  struct verdict *v)
{
	switch (m->channel) {
	case CHANNEL_AUTH:
		v->account = accounts_login(a, m->login);
		v->via = VIA_SASL;
		return;
	case CHANNEL_LOCAL:
		judge_local(a, m, php, v);
		return;
	case CHANNEL_SMTP:
	case CHANNEL_NONE:
		v->account = accounts_trusted_ip(a, m->client_ip) ?
				     accounts_domain(a, domain_of(m->sender)) :
				     forwarder(a, m);
		if (v->account.n)
			v->via = VIA_DOMAIN;
		return;
	case CHANNEL_INTERNAL:
		return;
	}
}

static bool replace(struct message *m, struct str *field, struct str value)
{
	if (str_eq(*field, value))
		return false;
	*field = arena_str_or_none(&m->strings, value);
	return true;
}

/* Already joined to its PHP line: what that said is in the message, only the
 * rung can still rise. */
static bool attribute_upgrade(const struct accounts *a, struct message *m)
{
	struct verdict v = { m->account, m->script, m->cwd, m->script_line, m->via };
	enum via before = m->via;

	use_reference(a, m, &v);
	use_header(a, m, &v);
	m->via = v.via;
	return m->via != before;
}

static bool attribute_anew(const struct accounts *a, struct message *m, const struct php_mail *php)
{
	struct verdict v = { .script_line = -1, .cwd = m->cwd };
	bool changed = false;

	judge(a, m, php, &v);
	changed |= replace(m, &m->account, v.account);
	changed |= replace(m, &m->script, v.script);
	changed |= replace(m, &m->cwd, v.cwd);
	changed |= m->via != v.via || m->script_line != v.script_line;
	m->via = v.via;
	m->script_line = v.script_line;
	return changed;
}

static struct message_evidence evidence_of(const struct message *m)
{
	return (struct message_evidence){
		.user = m->user.p, .login = m->login.p, .sender = m->sender.p, .cwd = m->cwd.p,
		.ref = m->work.ref.p, .xphp = m->work.xphp.p,
		.channel = m->channel, .uid = m->uid, .php = m->php,
	};
}

/* Most lines of a message tell nothing of who sent it. Of one from outside the recipients do,
 * too. */
static bool is_judged(const struct message *m)
{
	const struct message_evidence *j = &m->judged;

	return m->channel == j->channel && m->channel != CHANNEL_SMTP &&
	       m->channel != CHANNEL_NONE && m->uid == j->uid && m->php == j->php &&
	       m->user.p == j->user && m->login.p == j->login && m->sender.p == j->sender &&
	       m->cwd.p == j->cwd && m->work.ref.p == j->ref && m->work.xphp.p == j->xphp;
}

bool attribute_message(const struct accounts *a, struct message *m, const struct php_mail *php)
{
	bool changed;

	if (!php && is_judged(m))
		return false;
	changed = !php && m->php ? attribute_upgrade(a, m) : attribute_anew(a, m, php);
	m->judged = evidence_of(m);
	return changed;
}

/* ---- direction ---- */

static bool goes_elsewhere(const struct accounts *a, const struct recipient *r)
{
	struct str domain;

	if (r->place != PLACE_UNKNOWN)
		return r->place == PLACE_REMOTE;
	domain = domain_of(r->address);
	return domain.n && !accounts_domain(a, domain).n;
}

bool attribute_direction(const struct accounts *a, struct message *m)
{
	enum direction before = m->direction;
	bool elsewhere = false, ours;

	for (size_t i = 0; i < m->nrcpt && !elsewhere; i++)
		elsewhere = goes_elsewhere(a, &m->rcpt[i]);
	ours = m->channel == CHANNEL_LOCAL || m->channel == CHANNEL_AUTH ||
	       m->channel == CHANNEL_INTERNAL ||
	       (m->channel == CHANNEL_SMTP && accounts_trusted_ip(a, m->client_ip));
	if (!m->nrcpt || (m->channel == CHANNEL_NONE && elsewhere))
		m->direction = DIR_UNKNOWN;
	else if (ours)
		m->direction = elsewhere ? DIR_OUTBOUND : DIR_LOCAL;
	else
		m->direction = elsewhere ? DIR_FORWARDED : DIR_INBOUND;
	return before != m->direction;
}
