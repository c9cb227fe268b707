/* Text in buffers; see text.h. Invariant: n <= size. */
#include "tests/sim/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void text_flush(struct text *t)
{
	size_t done = 0;

	while (t->fd >= 0 && done < t->n) {
		ssize_t n = write(t->fd, t->p + done, t->n - done);

		if (n < 0 && errno != EINTR) {
			perror("generate: write");
			exit(1);
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (t->fd >= 0)
		t->n = 0;
}

void text_room(struct text *t)
{
	text_flush(t);
}

/* Inlined, so that dividing by ten costs no division. */
static inline void put_digits(struct text *t, uint64_t n, const char *digits, unsigned base,
			      int width)
{
	char buf[64];
	int at = sizeof(buf);

	do {
		buf[--at] = digits[n % base];
		n /= base;
		width--;
	} while (n || width > 0);
	put_str(t, (struct str){ buf + at, sizeof(buf) - (size_t)at });
}

void put_base(struct text *t, uint64_t n, const char *digits, unsigned base, int width)
{
	put_digits(t, n, digits, base, width);
}

void put_number(struct text *t, uint64_t n)
{
	put_digits(t, n, "0123456789", 10, 1);
}

void put_padded(struct text *t, uint64_t n, int digits)
{
	put_digits(t, n, "0123456789", 10, digits);
}

void put_ip(struct text *t, uint32_t ip)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		put_number(t, ip >> shift & 255);
		if (shift)
			put_char(t, '.');
	}
}
