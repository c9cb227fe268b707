/* Signature sets at work: which rows fit a path, a mail() call, a name.
 *
 * Invariant: a set is not changed by being asked; the answer depends on the set
 * and the text, of which PATTERNS_MAX_TEXT bytes are looked at. */
#include "core/patterns_state.h"

#include <ctype.h>

const char *const pattern_set_name[] = { "responses", "paths", "probes", "helo", NULL };

const char *const response_class_name[] = {
	"other",     "unknown_rcpt", "content_spam", "rate_spam", "account_banned", "ip_listed",
	"auth_policy", "defer",	     "quota",	     "route",	  "local_limit",    NULL
};

const struct pattern *patterns_list(const struct patterns *p, enum pattern_set set, size_t *n)
{
	*n = p->n[set];
	return p->list[set];
}

static bool any_matches(const struct regex_list *list, const struct regex_text *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (regex_try(list->at[i], text))
			return true;
	return false;
}

bool pattern_fits(const struct pattern *row, const struct regex_text *text)
{
	const struct pattern_rule *rule = row->rule;

	return (!rule->match.n || any_matches(&rule->match, text)) &&
	       !any_matches(&rule->unless, text);
}

const struct pattern *patterns_match(const struct patterns *p, enum pattern_set set,
				     struct str text)
{
	struct regex_text prepared;

	regex_prepare(str_head(text, PATTERNS_MAX_TEXT), &prepared);
	for (size_t i = 0; i < p->n[set]; i++) {
		const struct pattern *row = &p->list[set][i];

		if (!row->rule->test && !row->rule->code.n && pattern_fits(row, &prepared))
			return row;
	}
	return NULL;
}

void signs_add(struct signs *s, const struct pattern *row)
{
	if (s->count < PATTERNS_MAX_SIGNS)
		s->sign[s->count++] = row;
}

/* ---- paths ---- */

static bool path_fits(const struct patterns *p, const struct pattern *row,
		      const struct regex_text *path, bool eval)
{
	switch (row->rule->test) {
	case TEST_RANDOM_NAME:
		return patterns_random_name(p, path->text) && pattern_fits(row, path);
	case TEST_EVAL:
		return eval && pattern_fits(row, path);
	case TEST_NO_FILE:
		return !path->text.n && !eval;
	default:
		return path->text.n && pattern_fits(row, path);
	}
}

/* "x.php(3) : eval()'d code(1) : ..." is about x.php. */
static struct str outermost(struct str path)
{
	size_t at = str_find(path, STR(") : eval()'d code"));

	if (at == path.n)
		return path;
	while (at && isdigit((unsigned char)path.p[at - 1]))
		at--;
	return str_head(path, at ? at - 1 : 0);
}

void patterns_path(const struct patterns *p, struct str path, bool eval, struct signs *out)
{
	struct regex_text file;
	double others = 0;

	*out = (struct signs){ .count = 0 };
	path = str_head(path, PATTERNS_MAX_TEXT);
	regex_prepare(outermost(path), &file);
	eval = eval || file.text.n != path.n;
	for (size_t i = 0; i < p->n[PATTERNS_PATH]; i++) {
		const struct pattern *row = &p->list[PATTERNS_PATH][i];

		if (!path_fits(p, row, &file, eval))
			continue;
		signs_add(out, row);
		if (row->rule->test == TEST_EVAL)
			out->weight += row->weight;
		else
			others += row->weight;
	}
	out->weight += others < PATTERNS_PATH_CAP ? others : PATTERNS_PATH_CAP;
}

/* ---- probes ---- */

/* Is there "host.tld/any/SCRIPT" in the subject, SCRIPT being the name of this
 * script? */
static bool names_itself(struct str script, struct str subject)
{
	size_t slash = str_rchr(script, '/'), at;

	if (slash >= script.n || script.n - slash < sizeof("/x.php") - 1)
		return false;
	at = str_find(subject, str_skip(script, slash));
	if (at == subject.n)
		return false;
	subject = str_head(subject, at);
	for (size_t i = 1; i + 1 < subject.n; i++)
		if (subject.p[i] == '.' && isalnum((unsigned char)subject.p[i - 1]) &&
		    isalnum((unsigned char)subject.p[i + 1]))
			return true;
	return false;
}

struct call {
	struct str script;
	struct regex_text to, subject, headers;
};

static bool probe_fits(const struct pattern *row, const struct call *call)
{
	if (row->rule->test == TEST_OWN_URL)
		return names_itself(call->script, call->subject.text) &&
		       pattern_fits(row, &call->subject);
	switch (row->rule->part) {
	case PART_SUBJECT:
		return pattern_fits(row, &call->subject);
	case PART_HEADERS:
		return pattern_fits(row, &call->headers);
	case PART_TO:
		return pattern_fits(row, &call->to);
	default:
		return pattern_fits(row, &call->subject) || pattern_fits(row, &call->headers);
	}
}

void patterns_probe(const struct patterns *p, struct str script, struct str to,
		    struct str subject, struct str headers, struct signs *out)
{
	struct call call = { .script = str_head(script, PATTERNS_MAX_TEXT) };

	regex_prepare(str_head(to, PATTERNS_MAX_TEXT), &call.to);
	regex_prepare(str_head(subject, PATTERNS_MAX_TEXT), &call.subject);
	regex_prepare(str_head(headers, PATTERNS_MAX_TEXT), &call.headers);
	*out = (struct signs){ .count = 0 };
	for (size_t i = 0; i < p->n[PATTERNS_PROBE]; i++) {
		const struct pattern *row = &p->list[PATTERNS_PROBE][i];

		if (!probe_fits(row, &call))
			continue;
		signs_add(out, row);
		out->weight += row->weight;
	}
}

/* ---- names ---- */

/* Host names and domains are short; longer text is none. */
#define MAX_NAME 256

static struct str lower(struct str s, char *buf)
{
	s = str_head(s, MAX_NAME);
	for (size_t i = 0; i < s.n; i++)
		buf[i] = (char)tolower((unsigned char)s.p[i]);
	return (struct str){ buf, s.n };
}

struct str patterns_provider(const struct patterns *p, struct str relay)
{
	char buf[MAX_NAME];
	struct str host = lower(str_head(relay, str_chr(relay, '[')), buf);

	while (host.n) {
		const char *name = map_get(&p->providers, host);

		if (name)
			return str_of(name);
		host = str_skip(host, str_chr(host, '.') + 1);
	}
	return STR_NONE;
}

/* "de", "co.uk", "com.br" */
static bool is_ending(struct str s)
{
	static const struct str second[] = { STR("co."), STR("com."), STR("org."), STR("net."),
					     STR("ne."), STR("gen.") };

	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
		if (str_starts(s, second[i]))
			return s.n == second[i].n + 2;
	return s.n >= 2 && s.n <= 4 && str_chr(s, '.') == s.n;
}

bool patterns_freemail(const struct patterns *p, struct str address)
{
	char buf[MAX_NAME], wild[MAX_NAME + 2];
	size_t at = str_rchr(address, '@');
	struct str domain = lower(at < address.n ? str_skip(address, at + 1) : address, buf);
	size_t dot = str_chr(domain, '.');

	if (dot == domain.n)
		return false;
	if (map_get(&p->freemail, domain))
		return true;
	if (!is_ending(str_skip(domain, dot + 1)))
		return false;
	memcpy(wild, domain.p, dot + 1);
	wild[dot + 1] = '*';
	return map_get(&p->freemail, (struct str){ wild, dot + 2 }) != NULL;
}
