/* Text put together piece by piece, without printf: most of the time goes here. */
#ifndef MAILAUDIT_TESTS_SIM_TEXT_H
#define MAILAUDIT_TESTS_SIM_TEXT_H

#include "base/str.h"

#include <stdint.h>

#define TEXT_SIZE (1 << 20)

/* A sink: full buffers are written to fd; with fd -1 what does not fit is dropped. */
struct text {
	int fd;
	size_t n, size;
	char *p;
};

void text_flush(struct text *t); /* exits with a message if the disk is full */
void text_room(struct text *t);

static inline void put_str(struct text *t, struct str s)
{
	if (t->n + s.n > t->size)
		text_room(t);
	if (t->n + s.n > t->size)
		return;
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
}

#define PUT(t, literal) put_str((t), STR(literal))

static inline void put(struct text *t, const char *z)
{
	put_str(t, str_of(z));
}

static inline void put_char(struct text *t, char c)
{
	put_str(t, (struct str){ &c, 1 });
}

void put_number(struct text *t, uint64_t n);
void put_padded(struct text *t, uint64_t n, int digits);
/* n in the given digits, at least `width` of them. */
void put_base(struct text *t, uint64_t n, const char *digits, unsigned base, int width);
void put_ip(struct text *t, uint32_t ip);

#endif
