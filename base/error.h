/* What went wrong, in words for a person.
 *
 * A function that can fail for a reason the caller can handle takes a
 * struct error * as its last parameter and returns 0 or -1. */
#ifndef MAILAUDIT_BASE_ERROR_H
#define MAILAUDIT_BASE_ERROR_H

#include <stddef.h>

/* Exit codes of sysexits(3) that both programs use. */
enum exit_code {
	EXIT_FOUND = 0,
	EXIT_NOTHING = 1,
	EXIT_USAGE = 64,
	EXIT_NOINPUT = 66,
	EXIT_INTERNAL = 70,
	EXIT_AGAIN = 75,
	EXIT_PERMISSION = 77,
	EXIT_CONFIG = 78
};

struct error {
	int code; /* an enum exit_code that fits, EXIT_INTERNAL by default */
	char text[512]; /* one line, escaped, no newline at its end */
};

/* Fills *err (which may be NULL) and returns -1, so that
 * `return error_set(err, EXIT_CONFIG, "...")` reads as one sentence.
 * Bytes outside printable ASCII and UTF-8 are shown as \xNN. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text there is. Returns -1. */
int error_prefix(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* We are wrong: says where and aborts. All state is in the last transaction. */
_Noreturn void bug_at(const char *file, int line, const char *what);
#define bug(what) bug_at(__FILE__, __LINE__, (what))

/* malloc and friends that abort when memory is out. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);

#endif
