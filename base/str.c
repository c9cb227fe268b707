/* Searching, comparing and number reading on byte views.
 *
 * Invariant: nothing reads outside ptr[0..n), and a view with n == 0 may have
 * a NULL pointer. Does not know about encodings; see log.h for that. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memrchr, memmem */
#endif
#include "base/str.h"

#include "base/error.h"

size_t str_rchr(struct str s, char c)
{
	const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

/* Needles up to this long are searched for by their first byte: memmem(3) pays
 * for its set-up only on longer ones. */
#define SHORT_NEEDLE 8

static size_t find_short(struct str s, struct str needle)
{
	const char *p = s.p, *last = s.p + s.n - needle.n;

	while (p <= last && (p = memchr(p, needle.p[0], (size_t)(last - p) + 1))) {
		if (memcmp(p, needle.p, needle.n) == 0)
			return (size_t)(p - s.p);
		p++;
	}
	return s.n;
}

size_t str_find(struct str s, struct str needle)
{
	const char *at;

	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return s.n;
	if (needle.n <= SHORT_NEEDLE)
		return find_short(s, needle);
	at = memmem(s.p, s.n, needle.p, needle.n);
	return at ? (size_t)(at - s.p) : s.n;
}

size_t str_rfind(struct str s, struct str needle)
{
	struct str head = s;

	if (needle.n == 0 || needle.n > s.n)
		return s.n;
	head.n = s.n - needle.n + 1;
	while (head.n) {
		size_t at = str_rchr(head, needle.p[0]);

		if (at == head.n)
			break;
		if (memcmp(s.p + at, needle.p, needle.n) == 0)
			return at;
		head.n = at;
	}
	return s.n;
}

static unsigned char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

bool str_starts_nocase(struct str s, struct str prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (s.p[i] != prefix.p[i] && fold(s.p[i]) != fold(prefix.p[i]))
			return false;
	return true;
}

bool str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_starts_nocase(a, b);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_blank(s.p[0]))
		s = str_skip(s, 1);
	return s;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool str_eat_int(struct str *s, int64_t *out)
{
	int64_t value = 0;
	size_t i;

	for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, s->p[i] - '0', &value))
			return false;
	}
	if (i == 0)
		return false;
	*s = str_skip(*s, i);
	*out = value;
	return true;
}

bool str_int(struct str s, int64_t *out)
{
	int64_t value;

	if (!str_eat_int(&s, &value) || s.n)
		return false;
	*out = value;
	return true;
}

char *str_put(char *to, struct str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

char *str_put_int(char *to, int64_t n)
{
	char digits[STR_INT_MAX], *at = digits + sizeof(digits);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0)
		*--at = '-';
	return str_put(to, str_range(at, digits + sizeof(digits)));
}

char *str_put_hex(char *to, uint64_t n)
{
	for (int i = 15; i >= 0; i--, n >>= 4)
		to[i] = "0123456789abcdef"[n & 15];
	return to + 16;
}

uint64_t str_hash(struct str s, uint64_t seed)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (size_t i = 0; i < s.n; i++) {
		hash ^= (unsigned char)s.p[i];
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

char *str_dup(struct str s)
{
	char *copy = xmalloc(s.n + 1);

	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}
