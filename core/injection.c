/* Did somebody put headers of his own into this call of mail()?
 *
 * Each rule tells a trace that injection leaves in PHP's log line; what the script
 * does by itself is learned per FILE:LINE by the caller and is no trace.
 *
 * Invariant: a rule that fired points at the part of the line that tells. */
#include <ctype.h>
#include <stdio.h>

#include "base/log.h"
#include "core/mailtext.h"
#include "core/phphead.h"

const char *const injection_rule_name[] = { "INJ1", "INJ2", "INJ3", "INJ4", "INJ5",
					    "INJ6", "INJ7", "INJ8", NULL };

/* Nats. */
#define WEIGHT_LINE_END 3
#define WEIGHT_TEMPLATE 3
#define WEIGHT_TWICE 2
#define WEIGHT_TWICE_DIFFERING 3
#define WEIGHT_MISPLACED 2
#define WEIGHT_BODY 2
#define WEIGHT_TRY 1.5
#define WEIGHT_BOT 4
#define WEIGHT_MORE 2

/* How much of the log line a sentence quotes, in bytes. */
#define QUOTE 60

struct scan {
	const struct phphead *head;
	struct str to, subject;
	const struct injection_known *known;
	struct injection *out;
};

static void fire(struct injection *out, enum injection_rule rule, double weight,
		 struct str about)
{
	out->fired |= 1u << rule;
	out->weight += weight;
	out->rule[rule].weight = weight;
	out->rule[rule].about = about;
}

/* The whole field, label and value. */
static struct str field_text(const struct head_field *f)
{
	return str_range(f->label.p, f->value.n ? f->value.p + f->value.n :
						  f->label.p + f->label.n);
}

static bool has_address(struct str list)
{
	struct str address;

	while (mailtext_address(&list, &address))
		if (str_chr(address, '@') < address.n)
			return true;
	return false;
}

static bool is_copy(const struct head_field *f)
{
	return f->name == HEAD_BCC || f->name == HEAD_CC;
}

/* ---- the rules ---- */

static void scan_line_end(struct scan *s)
{
	if (!s->head->mixed || s->known->mixes)
		return;
	for (size_t i = 1; i < s->head->count; i++) {
		const struct head_field *f = &s->head->field[i];

		if (is_copy(f) && f->blanks == 1 && has_address(f->value)) {
			fire(s->out, INJ1, WEIGHT_LINE_END, field_text(f));
			return;
		}
	}
}

static bool is_known_template(const struct injection_known *k, uint64_t template)
{
	for (size_t i = 0; i < k->ntemplates; i++)
		if (k->templates[i] == template)
			return true;
	return false;
}

static void scan_template(struct scan *s)
{
	const uint32_t telling = HEAD_BIT(HEAD_BCC) | HEAD_BIT(HEAD_CC) | HEAD_BIT(HEAD_TO) |
				 HEAD_BIT(HEAD_CONTENT_TYPE);

	if (!s->known->ntemplates || is_known_template(s->known, s->head->template))
		return;
	for (size_t i = 0; i < s->head->count; i++) {
		const struct head_field *f = &s->head->field[i];

		if (telling & HEAD_BIT(f->name) & ~s->known->names) {
			fire(s->out, INJ2, WEIGHT_TEMPLATE, field_text(f));
			return;
		}
	}
}

static const struct head_field *second(const struct phphead *h, uint32_t names)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (seen & names & HEAD_BIT(h->field[i].name))
			return &h->field[i];
		seen |= HEAD_BIT(h->field[i].name);
	}
	return NULL;
}

static void scan_twice(struct scan *s)
{
	uint32_t repeated = s->head->repeated & ~s->known->repeated;
	uint32_t differing = repeated & s->head->differing;
	const struct head_field *f = second(s->head, differing ? differing : repeated);

	if (f)
		fire(s->out, INJ3, differing ? WEIGHT_TWICE_DIFFERING : WEIGHT_TWICE,
		     field_text(f));
}

static void scan_misplaced(struct scan *s)
{
	for (size_t i = 0; i < s->head->count; i++) {
		const struct head_field *f = &s->head->field[i];

		if ((f->name != HEAD_TO && f->name != HEAD_SUBJECT) ||
		    s->known->names & HEAD_BIT(f->name))
			continue;
		fire(s->out, INJ4, WEIGHT_MISPLACED, field_text(f));
		return;
	}
}

static void scan_body(struct scan *s)
{
	if (!s->head->body.n)
		return;
	fire(s->out, INJ5, WEIGHT_BODY, s->head->body);
	s->out->blocked = true;
}

/* Length of the "Bcc:" or the like that s starts with; 0: none. */
static size_t header_label(struct str s)
{
	static const struct str names[] = { STR("bcc"),	 STR("cc"),	      STR("to"),
					    STR("from"), STR("subject"),      STR("reply-to"),
					    STR("mime-version"), STR("content-type") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str rest = str_skip(s, names[i].n);

		if (!str_starts_nocase(s, names[i]))
			continue;
		if (str_starts(rest, STR(":")))
			return names[i].n + 1;
		if (str_starts_nocase(rest, STR("%3a")))
			return names[i].n + 3;
	}
	return 0;
}

static bool begins_code(char c)
{
	return c == '%' || c == '&' || c == 'u' || c == 'U' || c == '\\';
}

/* An encoded CR or LF in s; s.n: none. A backslash is common in names
 * ("CORP\robert"): such a one counts before a header only. */
static size_t encoded_break(struct str s)
{
	static const struct str codes[] = { STR("%0a"),	  STR("%0d"),	STR("&#10;"), STR("&#13;"),
					    STR("&#x0a;"), STR("&#xa;"), STR("&#x0d;"),
					    STR("&#xd;"), STR("u000a"), STR("u000d") };

	for (size_t i = 0; i < s.n; i++) {
		struct str here = str_skip(s, i);

		if (!begins_code(s.p[i]))
			continue;
		for (size_t k = 0; k < sizeof(codes) / sizeof(codes[0]); k++)
			if (str_starts_nocase(here, codes[k]))
				return i;
		if (!str_eat(&here, STR("\\n")) && !str_eat(&here, STR("\\r")))
			continue;
		str_eat(&here, STR("\\n"));
		if (header_label(here))
			return i;
	}
	return s.n;
}

/* A "Bcc: v@x" or "Cc: v@x" in the To or Subject argument, where PHP made blanks
 * of the line ends; s.n: none. */
static size_t header_within(struct str s)
{
	for (size_t i = str_chr(s, ' ') + 1; i < s.n; i += str_chr(str_skip(s, i), ' ') + 1) {
		struct str here = str_skip(s, i), value;
		size_t label = header_label(here);

		if (!label)
			continue;
		value = str_skip(here, label);
		str_eat(&value, STR(" "));
		if (has_address(str_head(value, str_chr(value, ' '))))
			return i;
	}
	return s.n;
}

static bool try_of(struct scan *s, struct str value, size_t at)
{
	if (at == value.n)
		return false;
	fire(s->out, INJ6, WEIGHT_TRY, str_skip(value, at));
	return true;
}

static void scan_try(struct scan *s)
{
	for (size_t i = 0; i < s->head->count; i++) {
		const struct head_field *f = &s->head->field[i];

		if ((f->name == HEAD_FROM || f->name == HEAD_REPLY_TO) &&
		    try_of(s, f->value, encoded_break(f->value)))
			return;
	}
	if (!try_of(s, s->to, header_within(s->to)))
		try_of(s, s->subject, header_within(s->subject));
}

/* ---- the scanners' probe ---- */

/* "bgdtwe1234@x": letters, then three or more digits. */
static bool bot_sender(const struct head_field *from)
{
	struct str address, list = from ? from->value : STR_NONE;
	size_t letters = 0, digits = 0;

	if (!mailtext_address(&list, &address))
		return false;
	while (letters < address.n && islower((unsigned char)address.p[letters]))
		letters++;
	while (letters + digits < address.n &&
	       isdigit((unsigned char)address.p[letters + digits]))
		digits++;
	return letters && digits >= 3 && str_starts(str_skip(address, letters + digits), STR("@"));
}

/* multipart/mixed; boundary="===============1234==" */
static bool bot_boundary(const struct head_field *type)
{
	struct str s = type ? type->value : STR_NONE;
	int64_t number;

	if (!str_starts_nocase(s, STR("multipart/mixed")))
		return false;
	s = str_skip(s, str_find(s, STR("===============")));
	while (str_eat(&s, STR("=")))
		;
	while (s.n && isdigit((unsigned char)s.p[0]) && s.n > 15)
		s = str_skip(s, 1);
	return str_eat_int(&s, &number) && str_starts(s, STR("=="));
}

/* Four to eight hexadecimal digits, a digit among them. */
static bool bot_subject(struct str s)
{
	bool digit = false;

	for (size_t i = 0; i < s.n; i++) {
		if (!isxdigit((unsigned char)s.p[i]))
			return false;
		digit |= isdigit((unsigned char)s.p[i]) != 0;
	}
	return s.n >= 4 && s.n <= 8 && digit;
}

static void scan_bot(struct scan *s)
{
	const struct phphead *h = s->head;
	const struct head_field *bcc = phphead_find(h, HEAD_BCC), *field;
	struct str list = bcc ? bcc->value : STR_NONE, box, more;
	struct str subject = s->subject;
	int traces;

	if (!mailtext_address(&list, &box) || mailtext_address(&list, &more) ||
	    str_chr(box, '@') == box.n)
		return;
	field = phphead_find(h, HEAD_SUBJECT);
	if (field)
		subject = field->value;
	traces = bot_sender(phphead_find(h, HEAD_FROM)) +
		 bot_boundary(phphead_find(h, HEAD_CONTENT_TYPE)) + bot_subject(subject);
	if (traces >= 2)
		fire(s->out, INJ7, WEIGHT_BOT, field_text(bcc));
}

/* ---- the whole ---- */

static size_t count_to(struct str to)
{
	struct str address;
	size_t n = 0;

	while (mailtext_address(&to, &address))
		n++;
	return n;
}

void injection_scan(const struct phphead *head, struct str to, struct str subject,
		    const struct injection_known *known, struct injection *out)
{
	struct scan s = { head, to, subject, known, out };

	*out = (struct injection){ .recipients = count_to(to) + head->addresses,
				   .usual = known->max_recipients };
	scan_line_end(&s);
	scan_template(&s);
	scan_twice(&s);
	scan_misplaced(&s);
	scan_body(&s);
	scan_try(&s);
	scan_bot(&s);
}

bool injection_compare(const struct phphead *head, size_t mta_recipients, struct injection *out)
{
	if (head->cut || mta_recipients <= out->recipients)
		return false;
	out->delivered = mta_recipients;
	fire(out, INJ8, WEIGHT_MORE, STR_NONE);
	return true;
}

/* ---- in words ---- */

/* The sentences; %s is the quoted part of the line. */
static const char *const sentences[INJECTION_RULES] = {
	[INJ1] = "\"%s\" follows a bare line feed while the script ends its headers with CR and LF: somebody else wrote it.",
	[INJ2] = "\"%s\" stands in the headers, which this line of the script never had there before.",
	[INJ3] = "The headers have a second \"%s\", which may stand there once only.",
	[INJ4] = "\"%s\" stands among the headers, where mail() puts its own.",
	[INJ5] = "An empty line and \"%s\" stand in the headers: somebody tried to replace the text; newer versions of PHP refuse such a call.",
	[INJ6] = "\"%s\" shows that somebody tried to add headers, and failed.",
	[INJ7] = "The call is the probe of the programs that look for open forms; the answer goes to \"%s\".",
};

static void count_sentence(const struct injection *in, char *buf, size_t size)
{
	int n = snprintf(buf, size,
			 "The mail server got %zu recipients, the call of mail() named %zu",
			 in->delivered, in->recipients);

	if (n < 0 || (size_t)n >= size)
		return;
	if (in->usual)
		snprintf(buf + n, size - (size_t)n, " (never more than %zu before).", in->usual);
	else
		snprintf(buf + n, size - (size_t)n, ".");
}

const char *injection_explain(const struct injection *in, enum injection_rule rule, char *buf,
			      size_t size)
{
	char quote[QUOTE * 4 + 1], *end;
	struct str about = in->rule[rule].about;
	const char *sentence = sentences[rule];

	if (!size)
		return "";
	buf[0] = '\0';
	if (rule == INJ8) {
		count_sentence(in, buf, size);
		return buf;
	}
	log_escape(str_head(about, QUOTE), quote, sizeof(quote));
	end = strchr(sentence, '%');
	snprintf(buf, size, "%.*s%s%s%s", (int)(end - sentence), sentence, quote,
		 about.n > QUOTE ? "..." : "", end + 2);
	return buf;
}
