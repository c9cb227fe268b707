/* A view of bytes that somebody else owns. Never NUL-terminated by promise;
 * may hold NUL, invalid UTF-8, anything a log can hold. */
#ifndef MAILAUDIT_BASE_STR_H
#define MAILAUDIT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline struct str str_range(const char *from, const char *to)
{
	return (struct str){ from, (size_t)(to - from) };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	/* Nearly all differ in their first byte, which is no call. */
	return s.n >= prefix.n &&
	       (prefix.n == 0 ||
		(s.p[0] == prefix.p[0] && memcmp(s.p, prefix.p, prefix.n) == 0));
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 ||
		memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The rest of s after its first k bytes (all of it gone if k > n). */
static inline struct str str_skip(struct str s, size_t k)
{
	if (k > s.n)
		k = s.n;
	return (struct str){ s.p + k, s.n - k };
}

static inline struct str str_head(struct str s, size_t k)
{
	return (struct str){ s.p, k < s.n ? k : s.n };
}

/* If s starts with prefix: removes it and returns true. */
static inline bool str_eat(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s = str_skip(*s, prefix.n);
	return true;
}

/* Offset of the first byte c, or s.n. */
static inline size_t str_chr(struct str s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

/* Offset of the last byte c, or s.n. */
size_t str_rchr(struct str s, char c);
/* Offset of the first occurrence of needle, or s.n. */
size_t str_find(struct str s, struct str needle);
/* Offset of the last occurrence of needle, or s.n. */
size_t str_rfind(struct str s, struct str needle);
/* ASCII case is folded. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);
/* Blanks, tabs, CR and LF removed from both ends. */
struct str str_trim(struct str s);
/* Memory order, shorter first among equals: for sorting. */
int str_cmp(struct str a, struct str b);

/* All of s as a decimal number. false: empty, another byte, or over INT64_MAX. */
bool str_int(struct str s, int64_t *out);
/* Decimal digits at the start of *s, removed. false: none, or too large. */
bool str_eat_int(struct str *s, int64_t *out);

/* Writes s, n in decimal, or 16 hexadecimal digits at `to`; returns what is behind. snprintf()
 * takes ten times as long. */
#define STR_INT_MAX 20 /* bytes of the longest number */
char *str_put(char *to, struct str s);
char *str_put_int(char *to, int64_t n);
char *str_put_hex(char *to, uint64_t n);

/* FNV-1a with a seed, 64 bits. Not for untrusted keys in a table: see hash.h. */
uint64_t str_hash(struct str s, uint64_t seed);

/* NUL-terminated copy on the heap, or aborts when memory is out. */
char *str_dup(struct str s);

#endif
