/* Reads the header argument of mail() back out of one line of PHP's mail log.
 *
 * Where a field begins is sure after two blanks (a CRLF) and a guess after one: it
 * may be a line end "\n", or a blank that somebody typed. Such a guess is made only
 * where the value before it is complete and the name is one that headers have.
 *
 * Invariant: nothing here says who sent; all is views into the string. */
#include "core/phphead.h"

#include <ctype.h>

#include "core/mailtext.h"
#include "core/message.h"

static const struct {
	struct str label;
	enum head_name name;
} known_names[] = {
	{ STR("From"), HEAD_FROM },
	{ STR("Sender"), HEAD_SENDER },
	{ STR("Reply-To"), HEAD_REPLY_TO },
	{ STR("To"), HEAD_TO },
	{ STR("Cc"), HEAD_CC },
	{ STR("Bcc"), HEAD_BCC },
	{ STR("Subject"), HEAD_SUBJECT },
	{ STR("MIME-Version"), HEAD_MIME_VERSION },
	{ STR("Content-Type"), HEAD_CONTENT_TYPE },
	{ STR("Content-Transfer-Encoding"), HEAD_CONTENT_TRANSFER_ENCODING },
	{ STR("Return-Path"), HEAD_RETURN_PATH },
	{ STR("Message-ID"), HEAD_MESSAGE_ID },
	{ STR("Date"), HEAD_DATE },
	{ STR("Errors-To"), HEAD_OTHER },
	{ STR("In-Reply-To"), HEAD_OTHER },
	{ STR("References"), HEAD_OTHER },
	{ STR("Organization"), HEAD_OTHER },
	{ STR("Precedence"), HEAD_OTHER },
	{ STR("Priority"), HEAD_OTHER },
	{ STR("Importance"), HEAD_OTHER },
	{ STR("User-Agent"), HEAD_OTHER },
	{ STR("Auto-Submitted"), HEAD_OTHER },
	{ STR("List-Unsubscribe"), HEAD_OTHER },
	{ STR("List-Unsubscribe-Post"), HEAD_OTHER },
	{ STR("List-ID"), HEAD_OTHER },
	{ STR("Disposition-Notification-To"), HEAD_OTHER },
};

#define ADDRESS_NAMES \
	(HEAD_BIT(HEAD_FROM) | HEAD_BIT(HEAD_SENDER) | HEAD_BIT(HEAD_REPLY_TO) | \
	 HEAD_BIT(HEAD_TO) | HEAD_BIT(HEAD_CC) | HEAD_BIT(HEAD_BCC) | HEAD_BIT(HEAD_RETURN_PATH))
#define RECIPIENT_NAMES (HEAD_BIT(HEAD_TO) | HEAD_BIT(HEAD_CC) | HEAD_BIT(HEAD_BCC))
/* RFC 5322 3.6 and RFC 2045: at most once. */
#define SINGLE_NAMES \
	(HEAD_BIT(HEAD_FROM) | HEAD_BIT(HEAD_TO) | HEAD_BIT(HEAD_SUBJECT) | \
	 HEAD_BIT(HEAD_REPLY_TO) | HEAD_BIT(HEAD_CONTENT_TYPE) | HEAD_BIT(HEAD_MIME_VERSION))

/* Spacing beyond this is the same for a template. */
#define TEMPLATE_BLANKS 5
/* Longest name of a field that is looked for. */
#define MAX_LABEL 76

/* ---- small parts ---- */

static bool is_letter(char c)
{
	return (unsigned)((unsigned char)c | 0x20) - 'a' < 26;
}

static bool is_label_byte(char c)
{
	return is_letter(c) || (unsigned)(unsigned char)c - '0' < 10 || c == '-' || c == '_';
}

/* Length of the field name with its colon that s starts with; 0: none. */
static size_t label_length(struct str s)
{
	size_t n = 0, most = s.n < MAX_LABEL ? s.n : MAX_LABEL;

	if (!s.n || !is_letter(s.p[0]))
		return 0;
	while (n < most && is_label_byte(s.p[n]))
		n++;
	return n > 1 && n < s.n && s.p[n] == ':' ? n + 1 : 0;
}

/* -1: not a name that headers commonly have. */
static int name_of(struct str label)
{
	for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]); i++) {
		struct str name = known_names[i].label;

		if (name.n == label.n && (name.p[0] | 0x20) == (label.p[0] | 0x20) &&
		    str_eq_nocase(label, name))
			return (int)known_names[i].name;
	}
	return str_starts_nocase(label, STR("X-")) ? HEAD_OTHER : -1;
}

static bool address_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr(",;<>@", c);
}

/* Does s start with "a@b", or "<a@b>", with blanks before it? */
static bool starts_with_address(struct str s)
{
	size_t local, domain;

	s = str_trim(s);
	str_eat(&s, STR("<"));
	for (local = 0; local < s.n && address_byte(s.p[local]); local++)
		;
	if (!local || local == s.n || s.p[local] != '@')
		return false;
	s = str_skip(s, local + 1);
	for (domain = 0; domain < s.n && address_byte(s.p[domain]); domain++)
		;
	return domain > 0;
}

/* Does s start with an address, or with a name and "<a@b>"? */
static bool names_address(struct str s)
{
	size_t open = str_chr(s, '<'), colon = str_chr(s, ':');

	return starts_with_address(s) ||
	       (open < colon && starts_with_address(str_skip(s, open)));
}

static bool ends_with_address(struct str value)
{
	size_t blank;

	value = str_trim(value);
	if (str_ends(value, STR(">")))
		return str_rchr(value, '@') < value.n;
	blank = str_rchr(value, ' ');
	return starts_with_address(blank < value.n ? str_skip(value, blank + 1) : value);
}

/* ---- where fields begin ---- */

static bool is_address_field(enum head_name name)
{
	return ADDRESS_NAMES & HEAD_BIT(name);
}

/* Does a field begin at s after a single blank, `before` being the field so far?
 * "From: Bob Bcc: friend <v@x>" is a strange name; "From: b@x Bcc: v@x" is not. */
static bool begins_after_blank(const struct head_field *before, struct str s)
{
	size_t label = label_length(s);
	int name = label ? name_of(str_head(s, label - 1)) : -1;
	struct str value = str_skip(s, label);

	/* " -- Subject: " is what the log puts between its parts. */
	if (name < 0 || !value.n || value.p[0] == '/' ||
	    str_ends(str_trim(before->value), STR(" --")))
		return false;
	if (is_address_field(before->name))
		return ends_with_address(before->value) &&
		       (!is_address_field((enum head_name)name) || names_address(value));
	if (!str_trim(before->value).n)
		return false;
	return is_address_field((enum head_name)name) ? starts_with_address(value) : true;
}

static size_t count_blanks(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == ' ')
		n++;
	return n;
}

/* "--x" is a part of a MIME body; "charset=x" or a value that ends in ";" or "," goes
 * on in a folded line. */
static bool is_folded(struct str before, struct str s)
{
	size_t word = 0;

	if (str_ends(before, STR(";")) || str_ends(before, STR(",")))
		return true;
	while (word < s.n && (isalnum((unsigned char)s.p[word]) || s.p[word] == '-'))
		word++;
	return word && word < s.n && s.p[word] == '=';
}

static bool has_parts(const struct phphead *h, const struct head_field *last)
{
	const struct head_field *f = last;

	if (last->name != HEAD_CONTENT_TYPE)
		f = phphead_find(h, HEAD_CONTENT_TYPE);
	return f && str_starts_nocase(str_trim(f->value), STR("multipart/"));
}

enum step { STEP_VALUE, STEP_FIELD, STEP_MIME, STEP_BODY };

/* What begins at s, `blanks` blanks behind the field before it. */
static enum step step_at(const struct phphead *h, const struct head_field *before, size_t blanks,
			 struct str s)
{
	size_t label;

	if (blanks == 1)
		return begins_after_blank(before, s) ? STEP_FIELD : STEP_VALUE;
	if (str_starts(s, STR("--")))
		return STEP_MIME;
	label = label_length(s);
	if (label && label < s.n && !str_starts(str_skip(s, label), STR("//")))
		return STEP_FIELD;
	if (blanks < 4 || !s.n || is_folded(before->value, s))
		return STEP_VALUE;
	/* The text before the first part of a message that the script itself built. */
	return has_parts(h, before) && str_find(s, STR(" --")) < s.n ? STEP_MIME : STEP_BODY;
}

/* ---- the whole ---- */

static void start_field(struct head_field *f, struct str s, size_t blanks)
{
	size_t label = label_length(s);
	int name;

	*f = (struct head_field){ .blanks = blanks, .label = str_head(s, label ? label - 1 : 0) };
	name = name_of(f->label);
	f->name = name < 0 ? HEAD_OTHER : (enum head_name)name;
	f->value = str_head(str_skip(s, label), 0);
}

static size_t count_addresses(struct str list)
{
	struct str address;
	size_t n = 0;

	while (mailtext_address(&list, &address))
		n += str_chr(address, '@') < address.n;
	return n;
}

static uint64_t template_of(uint64_t h, const struct head_field *f)
{
	char label[MAX_LABEL + 1];
	size_t n = f->label.n < MAX_LABEL ? f->label.n : MAX_LABEL;

	label[0] = (char)(f->blanks < TEMPLATE_BLANKS ? f->blanks : TEMPLATE_BLANKS);
	for (size_t i = 0; i < n; i++)
		label[i + 1] = (char)tolower((unsigned char)f->label.p[i]);
	return str_hash((struct str){ label, n + 1 }, h);
}

static void note_repeated(struct phphead *out, const struct head_field *f)
{
	const struct head_field *first = phphead_find(out, f->name);

	if (!(SINGLE_NAMES & HEAD_BIT(f->name)) || !first)
		return;
	out->repeated |= HEAD_BIT(f->name);
	if (!str_eq_nocase(first->value, f->value))
		out->differing |= HEAD_BIT(f->name);
}

/* `f` is the next of out->field, its value known. */
static void end_field(struct phphead *out, struct head_field *f)
{
	f->value = str_trim(f->value);
	note_repeated(out, f);
	if (f->name != HEAD_OTHER)
		out->names |= HEAD_BIT(f->name);
	if (RECIPIENT_NAMES & HEAD_BIT(f->name))
		out->addresses += count_addresses(f->value);
	out->template = template_of(out->template, f);
	out->count++;
}

static void note_line_ends(struct phphead *out)
{
	bool one = false, two = false;

	for (size_t i = 1; i < out->count; i++) {
		one |= out->field[i].blanks == 1;
		two |= out->field[i].blanks >= 2;
	}
	out->mixed = one && two;
}

void phphead_read(struct str headers, struct phphead *out)
{
	struct str s = str_head(headers, PHP_MAIL_MAX_HEADERS);
	struct head_field *f = out->field;

	memset(out, 0, offsetof(struct phphead, field));
	out->cut = headers.n >= PHP_MAIL_MAX_HEADERS;
	s = str_skip(s, count_blanks(s));
	if (!s.n)
		return;
	start_field(f, s, 0);
	for (size_t i = label_length(s); i < s.n; i++) {
		size_t blanks;
		enum step step;

		i += str_chr(str_skip(s, i), ' ');
		if (i == s.n)
			break;
		f->value = str_range(f->value.p, s.p + i);
		blanks = count_blanks(str_skip(s, i));
		step = step_at(out, f, blanks, str_skip(s, i + blanks));
		i += blanks - 1;
		if (step == STEP_VALUE)
			continue;
		end_field(out, f);
		if (step == STEP_BODY)
			out->body = str_trim(str_skip(s, i + 1));
		if (step != STEP_FIELD || out->count == PHPHEAD_MAX_FIELDS)
			goto done;
		f = &out->field[out->count];
		start_field(f, str_skip(s, i + 1), blanks);
		i += f->label.n + 1;
	}
	f->value = str_range(f->value.p, s.p + s.n);
	end_field(out, f);
done:
	note_line_ends(out);
}

const struct head_field *phphead_find(const struct phphead *h, enum head_name name)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->field[i].name == name)
			return &h->field[i];
	return NULL;
}
