/* The forms of queue ids. Those of one server never look like another's, but for decimal ones. */
#include "core/queue_id.h"

#define DIGITS "0123456789"

static bool only(struct str s, const char *letters)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(letters, s.p[i]))
			return false;
	return s.n;
}

static bool is_alphanumeric(struct str s)
{
	return only(s, DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* "1xVNvA-00035L-2B" */
static bool is_exim(struct str id)
{
	struct str time = str_head(id, str_chr(id, '-')), pid = str_skip(id, time.n + 1);
	struct str fraction = str_skip(pid, str_chr(pid, '-') + 1);

	pid = str_head(pid, str_chr(pid, '-'));
	return is_alphanumeric(time) && is_alphanumeric(pid) && is_alphanumeric(fraction);
}

/* Hexadecimal, or without vowels and a z that parts the time from the inode. */
static bool is_postfix(struct str id)
{
	if (id.n >= 6 && id.n <= 16 && only(id, DIGITS "ABCDEF"))
		return true;
	return id.n >= 10 && id.n <= 20 && str_chr(id, 'z') < id.n &&
	       only(id, DIGITS "BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz");
}

/* Eight characters of time, which know no y and z, and six or more digits of the process. */
static bool is_sendmail(struct str id)
{
	return id.n >= 14 && id.n <= 16 && only(str_skip(id, 8), DIGITS) &&
	       only(str_head(id, 8), DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx");
}

enum queue_server queue_id_server(struct str id)
{
	if (only(id, DIGITS))
		return QUEUE_DECIMAL;
	if (is_exim(id))
		return QUEUE_EXIM;
	/* A letter among them is small. */
	if (id.n == 8 && only(id, DIGITS "abcdef"))
		return QUEUE_OPENSMTPD;
	if (is_postfix(id))
		return QUEUE_POSTFIX;
	return is_sendmail(id) ? QUEUE_SENDMAIL : QUEUE_UNKNOWN;
}
