/* Hashes under a secret: log text is written by attackers who would like collisions. */
#ifndef MAILAUDIT_BASE_HASH_H
#define MAILAUDIT_BASE_HASH_H

#include "base/str.h"

/* Of s, behind what `before` is the hash of; 0: behind nothing. For tables in memory: its
 * secret differs with each process, so that it is never to be stored. */
uint64_t hash_str(uint64_t before, struct str s);

/* The same under a secret that is stored beside the hashes, on every machine. */
struct hash_secret {
	uint64_t seed[3];
};

struct hash_secret hash_secret(uint64_t number);
uint64_t hash_stored(const struct hash_secret *secret, uint64_t before, struct str s);

#endif
