/* Errors as text for a person, and memory that does not fail.
 *
 * Invariant: an error's text is one printable line, whatever was put into it.
 * Does not print or exit, but for bug_at and the out-of-memory abort. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Formats, then escapes. The raw text is cut to the size of the escaped one. */
__attribute__((format(printf, 3, 0))) static void
format_text(char *text, size_t size, const char *format, va_list ap)
{
	char raw[sizeof(((struct error *)0)->text)];

	vsnprintf(raw, sizeof(raw), format, ap);
	log_escape(str_of(raw), text, size);
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return -1;
	err->code = code;
	va_start(ap, format);
	format_text(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	size_t used;
	va_list ap;

	if (!err)
		return -1;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, format);
	format_text(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
	return -1;
}

void bug_at(const char *file, int line, const char *what)
{
	log_error("bug at %s:%d: %s", file, line, what);
	abort();
}

static void *not_null(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t n)
{
	return not_null(malloc(n ? n : 1));
}

/* glibc's calloc passes by the caches of malloc, which cost a third. Large blocks come from
 * the kernel, zero. */
#define CLEARED_BY_HAND 4096

void *xcalloc(size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n) || n > CLEARED_BY_HAND)
		return not_null(calloc(count, size));
	return memset(xmalloc(n), 0, n);
}

void *xrealloc(void *p, size_t n)
{
	return not_null(realloc(p, n ? n : 1));
}
