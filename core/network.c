/* IP networks, by inet_pton(3). Does not resolve names. */
#include "core/network.h"

#include <arpa/inet.h>

static bool parse_address(struct str text, unsigned char address[16], int *width)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*width = 128;
	if (inet_pton(AF_INET6, copy, address) == 1)
		return true;
	*width = 32;
	memcpy(address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, address + sizeof(mapped)) == 1;
}

static unsigned char mask_of(int bits, int byte)
{
	int here = bits - 8 * byte;

	if (here >= 8)
		return 0xff;
	return here <= 0 ? 0 : (unsigned char)(0xff << (8 - here));
}

bool network_parse(struct str text, struct network *out)
{
	size_t slash = str_chr(text, '/');
	int64_t prefix;
	int width, i;

	if (!parse_address(str_head(text, slash), out->address, &width))
		return false;
	prefix = width;
	if (slash < text.n && !str_int(str_skip(text, slash + 1), &prefix))
		return false;
	if (prefix > width)
		return false;
	out->bits = (int)prefix + 128 - width;
	for (i = 0; i < 16; i++)
		if (out->address[i] & ~mask_of(out->bits, i))
			return false;
	return true;
}

bool network_has(const struct network *n, const struct network *address)
{
	int i;

	for (i = 0; i < 16; i++)
		if ((address->address[i] ^ n->address[i]) & mask_of(n->bits, i))
			return false;
	return address->bits >= n->bits;
}
