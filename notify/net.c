/* Talking to mail and web servers.
 *
 * Invariants: only the scheme of the setting is spoken; a password is sent over a checked
 * TLS connection only; no error text holds a password or a URL, which may have one. What the
 * other side says is bounded, and text of a stranger. */
#include "notify/net.h"

#ifdef HAVE_CURL
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "notify/secret.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

/* Seconds. A mail server may look us up in the DNS, or wait, before it greets, and libcurl
 * counts that as connecting. */
#define CONNECT_HTTP 10L
#define CONNECT_SMTP 30L
#define TOTAL 60L
/* Bytes of an answer's body after which it is not listened to any more. */
#define BODY_MAX 65536
/* Bytes of an answer that are kept, to be shown. */
#define SAID_MAX 200

/* --- what both have ---- */

static void allow_only(CURL *curl, const char *names, long bits)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)bits;
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, names);
#else
	(void)names;
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, bits);
#endif
}

static CURL *begin(char *why, long connect_timeout, struct error *err)
{
	CURL *curl = curl_easy_init();

	if (!curl) {
		error_set(err, EXIT_AGAIN, "libcurl does not start");
		return NULL;
	}
	*why = '\0';
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL);
	return curl;
}

/* The first line of what the other side said. */
static void keep(char *said, struct str text)
{
	text = str_trim(str_head(text, SAID_MAX - 1));
	text = str_head(text, str_chr(text, '\n'));
	memcpy(said, text.p, text.n);
	said[text.n] = '\0';
}

/* --- mail: what the server answers to what ---- */

enum stage {
	STAGE_OPENING, /* greeting, EHLO, STARTTLS, AUTH */
	STAGE_SENDER,
	STAGE_RECIPIENT,
	STAGE_TEXT
};

struct dialog {
	const struct string_list *to;
	enum stage stage;
	bool over; /* we said QUIT: what is said from now on does not matter */
	long code; /* of the last answer to the last command; 0: none */
	size_t asked, refused, refused_for_now; /* recipients */
	char said[SAID_MAX]; /* the last answer that was no */
	char left_out[SAID_MAX]; /* addresses that were refused */
	struct str text; /* what is left to send */
};

static void hear_command(struct dialog *d, struct str line)
{
	static const struct {
		struct str verb;
		enum stage stage;
	} verbs[] = {
		{ STR("MAIL FROM:"), STAGE_SENDER },
		{ STR("RCPT TO:"), STAGE_RECIPIENT },
		{ STR("DATA\r"), STAGE_TEXT },
	};

	d->over = d->over || str_starts(line, STR("QUIT\r"));
	if (d->over)
		return;
	d->code = 0;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (str_starts(line, verbs[i].verb))
			d->stage = verbs[i].stage;
	d->asked += d->stage == STAGE_RECIPIENT;
}

static void leave_out(struct dialog *d)
{
	size_t used = strlen(d->left_out);

	d->refused++;
	d->refused_for_now += d->code < 500;
	if (d->asked && d->asked <= d->to->n)
		snprintf(d->left_out + used, sizeof(d->left_out) - used, "%s%s", used ? ", " : "",
			 d->to->at[d->asked - 1]);
}

static void hear_answer(struct dialog *d, struct str line)
{
	int64_t code;
	struct str rest = line;

	if (d->over || !str_eat_int(&rest, &code) || str_starts(rest, STR("-")))
		return;
	d->code = (long)code;
	if (code < 400)
		return;
	keep(d->said, line);
	if (d->stage == STAGE_RECIPIENT)
		leave_out(d);
}

static int hear(CURL *curl, curl_infotype type, char *data, size_t n, void *context)
{
	struct str line = { data, n };

	(void)curl;
	if (type == CURLINFO_HEADER_OUT)
		hear_command(context, line);
	else if (type == CURLINFO_HEADER_IN)
		hear_answer(context, line);
	return 0;
}

static size_t speak(char *buf, size_t size, size_t count, void *context)
{
	struct dialog *d = context;
	struct str part = str_head(d->text, size * count);

	memcpy(buf, part.p, part.n);
	d->text = str_skip(d->text, part.n);
	return part.n;
}

/* Before the sender, no is said to us, not to this mail: whoever is to be told that can
 * change it, too. So is a login that is asked for later on. */
static enum handed judge_mail(const struct dialog *d)
{
	if (d->stage == STAGE_OPENING || d->code < 500 || (d->code >= 530 && d->code < 540))
		return HANDED_LATER;
	if (d->stage == STAGE_RECIPIENT && d->refused_for_now)
		return HANDED_LATER;
	return HANDED_NEVER;
}

/* --- mail: where to, and as whom ---- */

/* scheme://[user[:password]@]host[:port][/name] */
struct server {
	char *url; /* without user and password, with the name to greet with */
	char *user, *password; /* NULL: none */
	bool tls_first; /* smtps:// */
	struct str host; /* view of the setting */
};

static void server_release(struct server *server)
{
	free(server->url);
	free(server->user);
	secret_free(server->password);
}

static char *unescape(struct str s)
{
	int n;
	char *decoded = curl_easy_unescape(NULL, s.p, (int)s.n, &n);
	char *copy = decoded ? str_dup((struct str){ decoded, (size_t)n }) : NULL;

	curl_free(decoded);
	return copy;
}

static void take_user(struct server *server, struct str who)
{
	size_t colon = str_chr(who, ':');

	if (!who.n)
		return;
	server->user = unescape(str_head(who, colon));
	if (colon < who.n)
		server->password = unescape(str_skip(who, colon + 1));
}

static int find_password(struct server *server, const char *secret_file, struct error *err)
{
	if (server->user && !server->password && *secret_file) {
		server->password = secret_read(secret_file, err);
		if (!server->password)
			return error_prefix(err, "alerts.smtp_secret_file");
	}
	if (server->user && !server->password)
		return error_set(err, EXIT_CONFIG, "alerts.smtp names a user, and there is no "
						   "password: set alerts.smtp_secret_file");
	return 0;
}

static int find_server(const struct settings *s, struct server *server, struct error *err)
{
	struct str rest = str_of(s->alerts.smtp), authority, name;
	size_t at;
	char url[1024];

	*server = (struct server){ .tls_first = str_starts(rest, STR("smtps:")) };
	str_eat(&rest, server->tls_first ? STR("smtps://") : STR("smtp://"));
	authority = str_head(rest, str_chr(rest, '/'));
	name = str_skip(rest, authority.n + 1);
	at = str_rchr(authority, '@');
	if (at < authority.n)
		take_user(server, str_head(authority, at));
	server->host = at < authority.n ? str_skip(authority, at + 1) : authority;
	if (!name.n)
		name = str_of(s->hostname);
	if ((size_t)snprintf(url, sizeof(url), "smtp%s://%.*s/%.*s", server->tls_first ? "s" : "",
			     STR_ARG(server->host), STR_ARG(name)) >= sizeof(url))
		return error_set(err, EXIT_CONFIG, "alerts.smtp is too long");
	server->url = str_dup(str_of(url));
	return find_password(server, s->alerts.smtp_secret_file, err);
}

/* --- mail: sending ---- */

/* Without a password TLS keeps out who only listens; whom we talk to is not asked then, as
 * mail servers do among each other, or a local one with a certificate of its own would get
 * its mail in the clear, or none. */
static void set_tls(CURL *curl, const struct server *server)
{
	bool checked = server->tls_first || server->password;

	curl_easy_setopt(curl, CURLOPT_USE_SSL,
			 (long)(server->password ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, checked ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, checked ? 2L : 0L);
}

static struct curl_slist *set_mail(CURL *curl, const struct net_mail *mail, struct dialog *d)
{
	struct curl_slist *to = NULL;

	for (size_t i = 0; i < mail->to->n; i++)
		to = curl_slist_append(to, mail->to->at[i]);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
#if LIBCURL_VERSION_NUM >= 0x080200
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLOWFAILS, 1L);
#else
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
#endif
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->text.n);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, speak);
	curl_easy_setopt(curl, CURLOPT_READDATA, d);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, hear);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, d);
	return to;
}

static void say_why(const struct dialog *d, const struct server *server, const char *why,
		    struct error *err)
{
	if (d->code >= 400)
		error_set(err, EXIT_AGAIN, "%.*s said: %s", STR_ARG(server->host), d->said);
	else
		error_set(err, EXIT_AGAIN, "%.*s: %s", STR_ARG(server->host), why);
}

static enum handed submit(const struct net_mail *mail, const struct server *server,
			  struct error *err)
{
	struct dialog d = { .to = mail->to, .text = mail->text };
	char why[CURL_ERROR_SIZE];
	CURL *curl = begin(why, CONNECT_SMTP, err);
	struct curl_slist *to;
	CURLcode rc;

	if (!curl)
		return HANDED_LATER;
	allow_only(curl, "smtp,smtps", CURLPROTO_SMTP | CURLPROTO_SMTPS);
	curl_easy_setopt(curl, CURLOPT_URL, server->url);
	if (server->user) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password);
	}
	set_tls(curl, server);
	to = set_mail(curl, mail, &d);
	rc = curl_easy_perform(curl);
	if (rc != CURLE_OK)
		say_why(&d, server, *why ? why : curl_easy_strerror(rc), err);
	else if (d.refused)
		error_set(err, EXIT_AGAIN, "not to %s: %s", d.left_out, d.said);
	curl_easy_cleanup(curl);
	curl_slist_free_all(to);
	return rc == CURLE_OK ? HANDED_OVER : judge_mail(&d);
}

enum handed net_submit(const struct settings *s, const struct net_mail *mail, struct error *err)
{
	enum handed result = HANDED_LATER;
	struct server server;

	if (find_server(s, &server, err) == 0)
		result = submit(mail, &server, err);
	server_release(&server);
	return result;
}

/* --- HTTP ---- */

struct answer {
	char said[SAID_MAX]; /* the beginning of its body */
	size_t n;
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;

	if (!answer->n)
		keep(answer->said, (struct str){ data, size * count });
	answer->n += size * count;
	return answer->n <= BODY_MAX ? size * count : 0;
}

static bool is_for_now(long status)
{
	return status < 400 || status == 408 || status == 425 || status == 429 || status >= 500;
}

/* Once there is a status it counts, even if the rest of the answer never came. */
static enum handed judge_answer(long status, const struct answer *answer, const char *why,
				struct error *err)
{
	if (status >= 200 && status < 300)
		return HANDED_OVER;
	if (status < 200)
		error_set(err, EXIT_AGAIN, "%s", why);
	else
		error_set(err, EXIT_AGAIN, "the webhook answered %ld%s%s", status,
			  *answer->said ? ": " : "", answer->said);
	return is_for_now(status) ? HANDED_LATER : HANDED_NEVER;
}

enum handed net_post(const struct net_request *request, struct error *err)
{
	struct answer answer = { .n = 0 };
	char why[CURL_ERROR_SIZE];
	CURL *curl = begin(why, CONNECT_HTTP, err);
	struct curl_slist *headers = NULL;
	long status = 0;
	CURLcode rc;

	if (!curl)
		return HANDED_LATER;
	headers = curl_slist_append(headers, "Expect:");
	for (const char *const *h = request->headers; *h; h++)
		headers = curl_slist_append(headers, *h);
	allow_only(curl, "http,https", CURLPROTO_HTTP | CURLPROTO_HTTPS);
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "mailaudit/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.p);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return judge_answer(status, &answer, *why ? why : curl_easy_strerror(rc), err);
}

#else /* !HAVE_CURL */

enum handed net_submit(const struct settings *s, const struct net_mail *mail, struct error *err)
{
	(void)s, (void)mail;
	error_set(err, EXIT_CONFIG, "this mailaudit was built without libcurl, which speaks SMTP: "
				    "use alerts.sendmail");
	return HANDED_NEVER;
}

enum handed net_post(const struct net_request *request, struct error *err)
{
	(void)request;
	error_set(err, EXIT_CONFIG, "this mailaudit was built without libcurl, which posts");
	return HANDED_NEVER;
}
#endif
