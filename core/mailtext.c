/* Reads addresses and fields out of header text that went through a log.
 * It serves comparing only: nothing here is taken as a sender's identity. */
#include "core/mailtext.h"

#include <ctype.h>

/* Logs cut long values: Exim's T= near 100 characters, Postfix's INFO at 200. */
#define ALIKE_CHARACTERS 80

/* Bytes that an item may not go on behind, or that hide such bytes. */
static const bool item_special[256] = {
	['"'] = true, ['\\'] = true, ['<'] = true, ['>'] = true,
	['('] = true, [')'] = true,  [','] = true, [';'] = true,
};

/* Length of the list's first item: up to a comma outside quotes, <> and (). */
static size_t item_length(struct str list)
{
	bool quoted = false;
	int angle = 0, comment = 0;
	size_t i;

	for (i = 0; i < list.n; i++) {
		char c = list.p[i];

		if (!item_special[(unsigned char)c])
			continue;
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '<')
			angle = 1;
		else if (c == '>')
			angle = 0;
		else if (c == '(')
			comment = 1;
		else if (c == ')')
			comment = 0;
		else if ((c == ',' || c == ';') && !angle && !comment)
			break;
	}
	return i < list.n ? i : list.n;
}

static struct str item_address(struct str item)
{
	size_t open = str_rchr(item, '<'), end;

	if (open < item.n) {
		item = str_skip(item, open + 1);
		return str_trim(str_head(item, str_chr(item, '>')));
	}
	item = str_trim(item);
	end = str_chr(item, ' ');
	/* A quote that never closes is no address, whatever stands in it. */
	if (item.n && item.p[0] == '"')
		return str_chr(item, '@') < item.n ? item : STR_NONE;
	return str_head(item, end);
}

bool mailtext_address(struct str *list, struct str *address)
{
	while (list->n) {
		size_t n = item_length(*list);

		*address = item_address(str_head(*list, n));
		*list = str_skip(*list, n + 1);
		if (address->n)
			return true;
	}
	return false;
}

static bool name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Does a field name with its colon start here? */
static bool field_starts(struct str s)
{
	size_t n = 0;

	while (n < s.n && name_byte(s.p[n]))
		n++;
	return n > 1 && n < s.n && s.p[n] == ':' && isalpha((unsigned char)s.p[0]);
}

static size_t value_length(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == ' ' && s.p[i + 1] != ' ' && field_starts(str_skip(s, i + 1)))
			return i;
	return s.n;
}

/* Is it the field whose name ends at this colon? Its last letter tells of nearly all. */
static bool is_named(struct str headers, size_t from, size_t colon, struct str name)
{
	const char *at;

	if (colon < from + name.n || ((headers.p[colon - 1] ^ name.p[name.n - 1]) & ~0x20))
		return false;
	at = headers.p + colon - name.n;
	return (at == headers.p || at[-1] == ' ') &&
	       str_starts_nocase(str_range(at, headers.p + colon), name);
}

static struct str value_behind(struct str headers, size_t colon)
{
	struct str rest = str_skip(headers, colon + 1);

	return str_trim(str_head(rest, value_length(rest)));
}

static size_t next_colon(struct str headers, size_t from)
{
	return from + str_chr(str_skip(headers, from), ':');
}

/* From colon to colon, of which there are fewer than blanks. */
bool mailtext_field(struct str headers, struct str name, size_t *at, struct str *value)
{
	size_t colon = next_colon(headers, *at);

	while (colon < headers.n && !is_named(headers, *at, colon, name))
		colon = next_colon(headers, colon + 1);
	if (colon >= headers.n)
		return false;
	*value = value_behind(headers, colon);
	*at = colon + 1;
	return true;
}

void mailtext_copies(struct str headers, struct str *cc, struct str *bcc)
{
	*cc = *bcc = STR_NONE;
	for (size_t colon = next_colon(headers, 0); colon < headers.n;
	     colon = next_colon(headers, colon + 1)) {
		if (!cc->p && is_named(headers, 0, colon, STR("Cc")))
			*cc = value_behind(headers, colon);
		else if (!bcc->p && is_named(headers, 0, colon, STR("Bcc")))
			*bcc = value_behind(headers, colon);
	}
}

struct str mailtext_message_id(struct str headers)
{
	struct str value;
	size_t at = 0, open;

	if (!mailtext_field(headers, STR("Message-ID"), &at, &value))
		return STR_NONE;
	open = str_chr(value, '<');
	if (open == value.n)
		return STR_NONE;
	value = str_skip(value, open + 1);
	return str_head(value, str_chr(value, '>'));
}

static bool comparable(struct str s)
{
	if (str_find(s, STR("=?")) < s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x7f || (unsigned char)s.p[i] < 0x20 ||
		    s.p[i] == '\\' || s.p[i] == '?')
			return false;
	return true;
}

bool mailtext_alike(struct str a, struct str b)
{
	size_t i = 0, k = 0, same = 0;

	if (str_eq(a, b) || !comparable(a) || !comparable(b))
		return true;
	for (;;) {
		while (i < a.n && !isalnum((unsigned char)a.p[i]))
			i++;
		while (k < b.n && !isalnum((unsigned char)b.p[k]))
			k++;
		if (same >= ALIKE_CHARACTERS || (i == a.n && k == b.n))
			return true;
		if (i == a.n || k == b.n || a.p[i] != b.p[k])
			return false;
		i++, k++, same++;
	}
}
