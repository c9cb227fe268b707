/* IP networks. */
#ifndef MAILAUDIT_CORE_NETWORK_H
#define MAILAUDIT_CORE_NETWORK_H

#include "base/str.h"

/* An IPv4 address is kept as IPv6 maps it (::ffff:a.b.c.d). */
struct network {
	unsigned char address[16]; /* bits beyond `bits` are zero */
	int bits; /* 0 to 128 */
};

/* "10.0.0.0/8", "2001:db8::/32", or one address. false: it is neither, or has
 * bits set beyond its prefix ("10.0.0.1/8"). */
bool network_parse(struct str text, struct network *out);
bool network_has(const struct network *n, const struct network *address);

#endif
